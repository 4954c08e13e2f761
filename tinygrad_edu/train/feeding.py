"""From what a learner has, arrays or a data set or a loader, to batches that the model takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.creation import as_tensor
from tinygrad_edu.data import DataLoader, IterableDataset, Table, TensorDataset
from tinygrad_edu.data.dataset import Places, rows
from tinygrad_edu.device import is_cupy
from tinygrad_edu.errors import DataError
from tinygrad_edu.nn.embedding import Embedding
from tinygrad_edu.nn.module import Module
from tinygrad_edu.tensor import Tensor

__all__ = ["Counted", "Kind", "batches", "inputs_of", "targets_of"]

FULL = (None, "full")


class Kind:
    """What a model computes with: a dtype and a device, and whether it takes whole numbers as they are."""

    def __init__(self, model: Module) -> None:
        own = next((p for p in model.parameters() if p.dtype.kind == "f"), None)
        self.dtype = np.dtype(np.float32) if own is None else own.dtype
        self.device = None if own is None else own.device
        self.takes_indices = any(isinstance(module, Embedding) for module in model.modules())

    def input(self, given: Tensor) -> Tensor:
        """As the model takes it: floats of its dtype. Whole numbers become floats too, unless they pick embeddings."""
        whole = given.dtype.kind != "f"
        return self._there(given if whole and self.takes_indices else given.astype(self.dtype, copy=False))

    def target(self, given: Tensor) -> Tensor:
        """Floats in the dtype of the model; whole numbers and booleans stay, because they may name classes."""
        return self._there(given if given.dtype.kind != "f" else given.astype(self.dtype, copy=False))

    def _there(self, given: Tensor) -> Tensor:
        return given if self.device is None else given.to(self.device)

    def batch(self, batch: Any) -> list[Tensor]:
        """A batch of a loader of the learner's own."""
        if not isinstance(batch, tuple | list) or len(batch) < 2:
            what = f"{len(batch)} part(s)" if isinstance(batch, tuple | list) else f"a {type(batch).__name__}"
            raise DataError(
                f"a batch is a pair of inputs and targets, (x, y), and this loader gives {what}: have __getitem__ of"
                " the data set return x, y"
            )
        *inputs, target = map(as_tensor, batch)
        return [*map(self.input, inputs), self.target(target)]


class Prepared:
    """The batches of a loader, as the model takes them."""

    def __init__(self, loader: Iterable[Any], kind: Kind) -> None:
        self.loader, self.kind = loader, kind

    def __iter__(self) -> Iterator[list[Tensor]]:
        return map(self.kind.batch, self.loader)

    def __len__(self) -> int:
        return len(self.loader)  # type: ignore[arg-type] # a stream says itself that it has none


class Counted:
    """Batches of the `what` data, and the number of the one that is fetched or looked at, from 1; 0 between passes."""

    def __init__(self, pairs: Iterable[Sequence[Tensor]], what: str) -> None:
        self.pairs, self.what, self.number = pairs, what, 0

    def __iter__(self) -> Iterator[Sequence[Tensor]]:
        self.number = 1
        for batch in self.pairs:
            yield batch
            self.number += 1
        self.number = 0


def targets_of(pairs: Iterable[Sequence[Tensor]]) -> tuple[Tensor, Places | None] | None:
    """The targets of all batches and which rows of them are taken (None: all); None where nobody knows before."""
    if isinstance(pairs, list):
        return pairs[0][-1], None
    loader = pairs.loader if isinstance(pairs, Prepared) else pairs
    found = rows(loader.dataset) if isinstance(loader, DataLoader) else None
    return found and (found[0][-1], found[1])


def batches(
    data: Any,
    kind: Kind,
    batch_size: int | str | None = 32,
    shuffle: bool = False,
    generator: np.random.Generator | None = None,
) -> Iterable[Sequence[Tensor]]:
    """The batches of a pass, each the inputs and, last, the targets.

    A loader gives its own batches. Arrays are converted once, and of a data set of tensors they are taken. DataError
    for data that cannot be learned from.
    """
    if isinstance(data, Table):
        data = (data.X, data.y)
    if isinstance(data, DataLoader):
        return Prepared(data, kind)
    if type(data) is TensorDataset:
        data = data.tensors
    pairs = isinstance(data, list) and len(data) > 2 and all(isinstance(item, tuple) for item in data)
    if isinstance(data, tuple | list) and not pairs:  # a list of pairs is a data set
        if len(data) < 2:
            raise DataError("data are (X, y), and here is nothing beside X: a network learns from targets y, one a row")
        *inputs, target = _checked(data)
        data = TensorDataset(*map(kind.input, inputs), kind.target(target))
        if batch_size in FULL:
            return [data.tensors]
        return DataLoader(data, _size(batch_size), shuffle, generator=generator)
    if not hasattr(data, "__getitem__"):
        raise TypeError(
            f"data are (X, y), two arrays of one length, a Table, Dataset or DataLoader, not a {type(data).__name__}"
        )
    stream = isinstance(data, IterableDataset)  # in the order in which it comes
    if stream and batch_size in FULL:
        raise DataError("nobody knows how much is in a stream before it ends: give a number as batch_size")
    size = len(data) if batch_size in FULL else _size(batch_size)
    return Prepared(DataLoader(data, size, shuffle and not stream, generator=generator), kind)


def inputs_of(X: Any, kind: Kind) -> tuple[Tensor, ...]:  # noqa: N803 - scikit-learn's name for the rows of features
    """The inputs alone, to predict from: one array, or a tuple of several for a model that takes several."""
    parts = _checked(X if isinstance(X, tuple) else (X,))
    return tuple(map(kind.input, parts))


def _size(batch_size: Any) -> int:
    if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise DataError(
            f"batch_size is how many samples a step sees, 1 or more, and {batch_size!r} was given: 1 is stochastic"
            ' gradient descent, "full" takes all of them'
        )
    return int(batch_size)


def _checked(data: Sequence[Any]) -> list[Tensor]:
    """The arrays as Tensors; DataError where their lengths differ, there is nothing, or a number is no number."""
    names = ["X", "y"] if len(data) == 2 else [f"array {i}" for i in range(len(data))] if len(data) > 1 else ["X"]
    parts = [_numbers(name, given) for name, given in zip(names, data, strict=True)]
    lengths = [len(part) for part in parts]
    if len(set(lengths)) > 1:
        said = " and ".join(f"{n:,} in {name}" for name, n in zip(names, lengths, strict=True))
        raise DataError(
            f"there are {said}, and row i of one belongs to row i of the other: shapes"
            f" {' and '.join(str(part.shape) for part in parts)}"
        )
    if not lengths[0]:
        raise DataError(f"{names[0]} has shape {parts[0].shape}: there is not one sample in it")
    for name, part in zip(names, parts, strict=True):
        _check_finite(name, part)
    return parts


def _numbers(name: str, given: Any) -> Tensor:
    if isinstance(given, Tensor):
        found = given.detach()
    else:
        try:
            array = given if is_cupy(given) or isinstance(given, np.ndarray) else np.asarray(given)
        except ValueError as error:
            raise DataError(
                f"{name} is no array, because its rows have different lengths: bring them to one, by cutting or padding"
            ) from error
        if array.dtype.kind not in "fiub":
            what = "nothing" if given is None else f"{array.dtype}, as for text or rows of different lengths"
            raise DataError(f"{name} holds {what}, and a network learns from numbers: convert it first")
        found = as_tensor(array)
    if not found.ndim:
        raise DataError(f"{name} is a single number: its first axis counts the samples")
    return found


def _check_finite(name: str, part: Tensor) -> None:
    """DataError that names the rows where a number is nan or infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        if part.dtype.kind != "f" or np.isfinite(part.array.sum()):  # a sum hands them on, and makes no copy
            return
    finite = np.isfinite(part.array)
    rows = np.flatnonzero(~finite.reshape(len(part), -1).all(axis=1))
    if not len(rows):  # finite numbers, whose sum is not
        return
    said = ", ".join(map(str, rows[:5])) + (f" and {len(rows) - 5:,} more" if len(rows) > 5 else "")
    raise DataError(
        f"{name} has nan or infinite numbers in row{'s' * (len(rows) > 1)} {said} (counted from 0): leave them out, or"
        " fill them in; the loss and then every weight would be nan"
    )
