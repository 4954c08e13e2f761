"""`save` and `load`: weights and whole checkpoints in safetensors files, which hold numbers and run nothing.

PyTorch and others read them. Arrays are named by the way to them, joined by dots ("optimizer.state.0.exp_avg"), so
those of a state dict have its names. The rest, and the order of it all, is JSON in the file's metadata, under
"tinygrad_edu". There numbers, words, True, False, None and lists stand for themselves, and so do dicts whose keys are
words; {"$": kind, ...} stands for everything else: a Tensor or an array (and its name in the file), a NumPy number, a
tuple, a dict with other keys.
"""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from typing import IO, Any

import numpy as np

from tinygrad_edu import tensorfile
from tinygrad_edu.atomic import replacing
from tinygrad_edu.device import device, is_cupy, moved
from tinygrad_edu.errors import CheckpointError
from tinygrad_edu.graph import wrap
from tinygrad_edu.tensor import Tensor

__all__ = ["load", "save"]

Path = str | os.PathLike[str] | IO[bytes]
Location = str | device | Mapping[str, str] | Callable[[Any, str], Any]
Arrays = dict[str, Any]

TREE = "tinygrad_edu"
"""Where in the metadata the rest is."""

MARK = "$"


def save(obj: Any, path: Path) -> None:
    """Write a state dict, or a checkpoint of any shape, so that `load` gives it back bit for bit.

    `obj`: Tensors, NumPy arrays and numbers, Python's numbers, words, True, False and None, in dicts, lists and tuples.
    `path` may be an open binary file or a `BytesIO`, which is written to. A file at `path` is replaced whole or not at
    all, see `atomic`; files of state dicts are read by `safetensors.torch.load_file`. Tensors that share memory are
    written each for itself.

    TypeError for anything else, as a function, with the way to it; OSError where `path` cannot be written; ImportError
    without safetensors. Each leaves the old file as it was.
    Called as https://pytorch.org/docs/stable/generated/torch.save.html, and pickles not.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save({"model": {"weight": Tensor([1.0, 2.0])}, "epoch": 3}, f"{folder}/checkpoint.safetensors")
    ...     load(f"{folder}/checkpoint.safetensors")
    {'model': {'weight': Tensor([1., 2.])}, 'epoch': 3}
    """
    arrays: Arrays = {}
    tree = _encoded(obj, (), arrays)
    content = tensorfile.written(arrays, {TREE: json.dumps(tree)})
    if isinstance(path, str | os.PathLike):
        with replacing(path) as file:
            file.write(content)
    else:
        path.write(content)


def load(path: Path, map_location: Location | None = None, *, weights_only: bool = True) -> Any:
    """What `save` wrote, or the tensors by name of any other safetensors file, as of one from PyTorch.

    Every Tensor has memory of its own, on the device `map_location`, else on the CPU. As in PyTorch it may be a dict
    or a function of where the file has it, which is always "cpu". `weights_only` is PyTorch's, and
    always True in effect: nothing in the file is run. bfloat16, which NumPy lacks, becomes float32, with a warning.

    CheckpointError for a file that was cut short, is damaged or of another kind; FileNotFoundError where there is none;
    ImportError without safetensors. Called as https://pytorch.org/docs/stable/generated/torch.load.html.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save({"weight": Tensor([1.0, 2.0])}, f"{folder}/model.safetensors")
    ...     load(f"{folder}/model.safetensors")
    {'weight': Tensor([1., 2.])}
    """
    del weights_only
    if isinstance(map_location, Mapping):
        map_location = map_location.get("cpu")
    arrays, metadata = tensorfile.read(path) if isinstance(path, str | os.PathLike) else _read_stream(path)

    def tensor(name: str) -> Tensor:
        array = arrays.pop(name)
        value = array if array.ndim else array[()]
        if callable(map_location):
            found = map_location(value, "cpu")
            return wrap(value if found is None else found, None)
        return wrap(value if map_location is None else moved(value, map_location), None)

    if TREE not in metadata:
        return {name: tensor(name) for name in list(arrays)}
    try:
        obj = _decoded(json.loads(metadata[TREE]), arrays, tensor)
        if arrays:  # another program may have added some, and left the metadata
            raise ValueError(f"nothing is said of {list(arrays)}")
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise CheckpointError(
            f"{str(path)!r} is damaged: what it says of its contents does not fit them ({error!r})."
            " Its arrays are whole: safetensors.numpy.load_file reads them."
        ) from error
    return obj


def _read_stream(stream: IO[bytes]) -> tuple[Arrays, dict[str, str]]:
    """The same from what is left in an open file or a `BytesIO`."""
    content = stream.read()
    if not content:
        raise CheckpointError("nothing is left to read in this file: after writing go back, with file.seek(0)")
    with tempfile.TemporaryDirectory() as folder:
        beside = os.path.join(folder, "stream")
        with open(beside, "wb") as file:
            file.write(content)
        return tensorfile.read(beside)


def _encoded(obj: Any, way: tuple[Any, ...], arrays: Arrays) -> Any:
    """What JSON can hold of `obj`; its arrays are put into `arrays`, under names from the `way` to them."""
    if obj is None or type(obj) in (bool, int, float, str):
        return obj
    if isinstance(obj, Tensor):
        name = _put(moved(obj.data.array, "cpu"), way, arrays)
        return {MARK: "Tensor", "name": name, "requires_grad": obj.requires_grad}
    if type(obj) in (np.ndarray, np.memmap) or is_cupy(obj):
        return {MARK: "array", "name": _put(moved(obj, "cpu"), way, arrays)}
    if isinstance(obj, np.generic) and obj.dtype in tensorfile.CODES:
        return {MARK: "number", "dtype": tensorfile.CODES[obj.dtype], "value": obj.item()}
    if isinstance(obj, dict):
        if all(type(key) is str and not key.startswith(MARK) for key in obj):
            return {key: _encoded(value, (*way, key), arrays) for key, value in obj.items()}
        items = [[_encoded(key, way, arrays), _encoded(value, (*way, key), arrays)] for key, value in obj.items()]
        return {MARK: "dict", "items": items}
    if isinstance(obj, list | tuple):
        items = [_encoded(value, (*way, place), arrays) for place, value in enumerate(obj)]
        return items if isinstance(obj, list) else {MARK: "tuple", "items": items}
    raise _not_to_be_saved(obj, way)


def _put(array: Any, way: tuple[Any, ...], arrays: Arrays) -> str:
    """Add an array, and give its name, another one where two ways lead to the same."""
    if array.dtype.newbyteorder("<") not in tensorfile.CODES:
        raise _not_to_be_saved(array, way)
    name = ".".join(map(str, way)) or "tensor"
    while name in arrays or name == "__metadata__":
        name += "_"
    arrays[name] = array
    return name


def _not_to_be_saved(obj: Any, way: tuple[Any, ...]) -> TypeError:
    where = "".join(f"[{key!r}]" for key in way)
    plain = type(obj) is np.ndarray or isinstance(obj, np.generic)
    what = f"an array of {obj.dtype}" if plain else f"a {type(obj).__name__}"
    if hasattr(obj, "state_dict"):
        remedy = "save its state_dict()"
    elif isinstance(obj, np.random.Generator):
        remedy = "save its bit_generator.state"
    else:
        remedy = "a file holds Tensors, arrays, numbers, words, None, and dicts, lists and tuples of them"
    return TypeError(
        f"save: {f'at {where} ' if where else ''}there is {what}, which no file of numbers holds: {remedy}"
    )


def _decoded(tree: Any, arrays: Arrays, tensor: Any) -> Any:
    """The opposite of `_encoded`; `tensor` makes the Tensor of a name."""
    if isinstance(tree, list):
        return [_decoded(item, arrays, tensor) for item in tree]
    if not isinstance(tree, dict):
        return tree
    match tree.get(MARK):
        case None:
            return {key: _decoded(value, arrays, tensor) for key, value in tree.items()}
        case "Tensor":
            return tensor(tree["name"]).requires_grad_(tree["requires_grad"])
        case "array":
            return arrays.pop(tree["name"])
        case "number":
            return np.dtype(tensorfile.DTYPES[tree["dtype"]]).type(tree["value"])
        case "tuple":
            return tuple(_decoded(tree["items"], arrays, tensor))
        case "dict":
            return {_decoded(key, arrays, tensor): _decoded(value, arrays, tensor) for key, value in tree["items"]}
        case kind:
            raise ValueError(f"{kind!r} is not known")
