"""Where arrays live: the memory of the host (NumPy) or of a GPU (CuPy). The only file that imports cupy, when asked."""

import math
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from tinygrad_edu.errors import DeviceError


@cache
def _cupy() -> Any:
    """The cupy module, imported when somebody first asks for a GPU."""
    try:
        return import_module("cupy")
    except ImportError as error:
        raise DeviceError(
            "tensors on a GPU are CuPy arrays, and cupy is not installed: pip install cupy-cuda13x for CUDA 13,"
            " cupy-cuda12x for CUDA 12"
        ) from error


class device:  # noqa: N801 - PyTorch's name
    """A place for arrays: `device("cpu")`, `device("cuda")` or `device("cuda:1")`.

    >>> device("cpu").type
    'cpu'
    """

    __slots__ = ("index", "type")

    def __init__(self, name: "str | device") -> None:
        kind, _, number = str(name).partition(":")
        if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
            raise DeviceError(f"no device is called {str(name)!r}: there are 'cpu', 'cuda' and 'cuda:0', 'cuda:1', ...")
        self.type, self.index = kind, int(number or 0)

    def __str__(self) -> str:
        return "cpu" if self.type == "cpu" else f"cuda:{self.index}"

    def __repr__(self) -> str:
        return f"device({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return other is self or (isinstance(other, str | device) and str(self) == str(device(other)))

    def __hash__(self) -> int:
        return hash(str(self))


CPU = device("cpu")


def device_count() -> int:
    """How many GPUs there are; 0 without cupy, or without a driver."""
    try:
        runtime = _cupy().cuda.runtime
    except DeviceError:
        return 0
    try:
        return int(runtime.getDeviceCount())
    except runtime.CUDARuntimeError:
        return 0


def synchronize(to: "str | device | None" = None) -> None:
    """Wait until a GPU, the first unless `to` says which, has done all that it was given; without one, nothing."""
    if device_count():
        _cupy().cuda.Device(device(to or "cuda").index).synchronize()


def device_of(array: Any) -> device:
    """Where an array lives."""
    return CPU if isinstance(array, np.ndarray | np.generic) else device(f"cuda:{array.device.id}")


def moved(array: Any, to: "str | device") -> Any:
    """The array on another device; itself where it is there already."""
    target = device(to)
    if target == device_of(array):
        return array
    if target.type == "cpu":
        return array.get()
    with _cupy().cuda.Device(target.index):
        return _cupy().asarray(array)


def is_cupy(array: Any) -> bool:
    """Whether an array lives on a GPU."""
    return hasattr(array, "__cuda_array_interface__")


def special(name: str, array: Any) -> Any:
    """A special function (`erf`, `erfc`) of an array: CuPy's, SciPy's where it is installed, else the C library's.

    All are accurate to the last digit or two; of 100,000 numbers SciPy takes 1 ms, the C library, through Python, 9.
    """
    if is_cupy(array):
        return getattr(import_module("cupyx.scipy.special"), name)(array)
    function = _scipy_special(name)
    if function is not None:
        return function(array)
    value = np.asarray(array)
    of_one: Any = np.frompyfunc(getattr(math, name), 1, 1)
    return np.asarray(of_one(value), value.dtype if value.dtype.kind == "f" else float)[()]


@cache
def _scipy_special(name: str) -> Any:
    try:
        return getattr(import_module("scipy.special"), name)
    except ImportError:
        return None


def is_device(name: Any) -> bool:
    """Whether `name` names a device rather than a dtype."""
    return isinstance(name, device) or (isinstance(name, str) and name.partition(":")[0] in ("cpu", "cuda"))


def fresh(data: Any, dtype: Any = None, to: "str | device | None" = None) -> Any:
    """A new array with the numbers of `data`: what a Tensor holds. TypeError where they are not real numbers."""
    source = plain_data(data)
    try:
        array: Any = source.astype(dtype or source.dtype) if is_cupy(source) else np.array(source, dtype=dtype)
    except ValueError as error:
        raise ValueError(f"these are not rows of numbers of one length, so they make no array: {error}") from error
    if array.dtype.kind not in "fiub":
        raise TypeError(f"a Tensor holds real numbers or booleans, not {array.dtype}: {type(data).__name__} given")
    array = moved(array, to) if to is not None else array
    return array if array.ndim else array[()]


def plain_data(data: Any) -> Any:
    """`data` without Tensors in it; one that requires grad would lose its history, so that is refused inside a list."""
    if hasattr(data, "grad_fn"):
        return data.array
    if isinstance(data, np.ma.MaskedArray):
        raise TypeError("a masked array would lose its mask here: fill it first, with .filled()")
    if isinstance(data, list | tuple):
        if any(getattr(item, "requires_grad", False) for item in data):
            raise TypeError(
                "a list of Tensors would lose their history here: write stack(tensors) or concatenate(tensors)"
            )
        return [plain_data(item) for item in data]
    return data
