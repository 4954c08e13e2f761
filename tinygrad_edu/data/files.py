"""Data of the learner's own: arrays in a .npz file, or a folder of images or arrays for each class."""

import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.data.table import Table
from tinygrad_edu.errors import DataError

__all__ = ["load_folder", "load_npz"]


def load_npz(path: str | os.PathLike[str], X: str = "X", y: str | None = "y") -> Table:  # noqa: N803 - as Table has it
    """Samples and labels from a file of `numpy.savez`, under the names `X` and `y`; `y=None`: no labels.

    DataError for a name that is not there, for lengths that differ, for nan, and for a file that is cut short.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/mnist.npz", x_train=np.ones((5, 28, 28)), y_train=np.arange(5))
    ...     load_npz(f"{folder}/mnist.npz", "x_train", "y_train")
    Table(5 samples, features of shape (28, 28))
    """
    with Path(path).open("rb") as file, _damage_told(path):
        arrays = np.load(file)
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise DataError(f"{str(path)!r} holds one array, as np.save writes: write Table(np.load(path), y)")
        return Table(*(_named(arrays, name, str(path)) for name in (X, y) if name is not None))


@contextmanager
def _damage_told(path: str | os.PathLike[str]) -> Iterator[None]:
    """What the readers of arrays and images raise of a damaged file is a DataError that names the file."""
    try:
        yield
    except DataError:
        raise
    except (ValueError, EOFError, OSError, SyntaxError, zipfile.BadZipFile, zlib.error) as error:
        if "Object arrays" in str(error):
            raise DataError(
                f"{str(path)!r} holds Python objects, as words, None or rows of different lengths: bring them to an"
                " array of numbers before it is saved, as X.astype(float)"
            ) from error
        # NumPy's advice for what begins as nothing it knows is to run what is in it
        why = "it does not begin as an array; load_csv reads text" if "pickle" in str(error) else error
        raise DataError(f"{str(path)!r} is cut short, damaged, or not what its name says: {why}") from error


def _named(file: Any, name: str, path: str) -> Any:
    if name not in file.files:
        raise DataError(f"{path!r} has no array {name!r}, but {file.files}: name yours, load_npz(path, X=..., y=...)")
    array = file[name]
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name!r} in {path!r} holds {array.dtype}, and not numbers")
    return array


IMAGES = (".png", ".jpg", ".jpeg")


def load_folder(path: str | os.PathLike[str]) -> Table:
    """Samples from a folder with one folder inside for each class, which bears its name.

    The files in them: images (.png, .jpg; matplotlib reads them), as (channels, height, width) from 0 to 1 in float32,
    without their opacity where that is 1 everywhere; or arrays (.npy, or .npz with one in it) as they are. Classes and
    files come in alphabetical order; what begins with a dot is passed over. DataError for other files, damaged ones and
    shapes that differ. As https://pytorch.org/vision/stable/generated/torchvision.datasets.ImageFolder.html, but read
    all at once.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat", "dog"):
    ...         Path(folder, name).mkdir()
    ...         np.save(f"{folder}/{name}/1.npy", np.ones((1, 8, 8)))
    ...     load_folder(folder)
    Table(2 samples, features of shape (1, 8, 8), classes cat, dog)
    """
    classes = sorted(entry for entry in Path(path).iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not classes:
        raise DataError(f"{str(path)!r} has no folders in it: make one for each class, and put its files there")
    samples: list[Any] = []
    labels: list[int] = []
    for label, folder in enumerate(classes):
        files = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
        if not files:
            raise DataError(f"{str(folder)!r} is empty: there is nothing of class {folder.name!r}")
        for file in files:
            sample = _sample(file)
            if samples and sample.shape != samples[0].shape:
                raise DataError(
                    f"{str(file)!r} has shape {sample.shape}, those before have {samples[0].shape}: bring all to one"
                )
            samples.append(sample)
            labels.append(label)
    return Table(np.stack(samples), np.array(labels), [folder.name for folder in classes])


def _sample(file: Path) -> Any:
    kind = file.suffix.lower()
    if kind in IMAGES:
        return _image(file)
    if kind not in (".npy", ".npz"):
        raise DataError(f"{str(file)!r} is no {', '.join(IMAGES)}, .npy or .npz: take it out of the folder")
    with file.open("rb") as opened, _damage_told(file):  # np.load would leave a damaged one open
        found = np.load(opened)
        if isinstance(found, np.ndarray):
            return found
        if len(found.files) == 1:
            return found[found.files[0]]
        raise DataError(f"{str(file)!r} holds {len(found.files)} arrays, {found.files}: put one into a file")


def _image(file: Path) -> Any:
    try:
        read = import_module("matplotlib.image").imread
    except ImportError as error:
        raise ImportError("images are read by matplotlib, which is missing: pip install matplotlib") from error
    with _damage_told(file):
        image = read(file)
    if image.dtype.kind != "f":
        image = (image / 255).astype(np.float32)
    if image.ndim == 3 and image.shape[2] == 4 and (image[..., 3] == 1).all():
        image = image[..., :3]
    return np.moveaxis(image, -1, 0) if image.ndim == 3 else image[None]
