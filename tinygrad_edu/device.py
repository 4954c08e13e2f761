"""Where arrays live: the memory of the host (NumPy) or of a GPU (CuPy). The only file that imports cupy, when asked."""

import math
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from tinygrad_edu.errors import DeviceError

INSTALL = (
    "pip install cupy-cuda13x for CUDA 13, cupy-cuda12x for CUDA 12; nvidia-smi says which the driver is for, and with"
    " [ctk] behind the name CUDA's own libraries come along"
)


def _cupy(module: str = "cupy") -> Any:
    """The cupy module, or another of its package, imported when somebody first asks for a GPU."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in ("cupy", "cupyx"):
            raise
        raise DeviceError(
            "tensors on a GPU are CuPy arrays, and cupy is not installed. Without an NVIDIA GPU stay on the CPU:"
            f' device = "cuda" if cuda.is_available() else "cpu". With one, {INSTALL}'
        ) from error
    except ImportError as error:
        raise DeviceError(f"cupy is installed and cannot be loaded: {error}. To install it anew, {INSTALL}") from error


def _cupyx() -> Any:
    """CuPy's additions to what NumPy has."""
    return _cupy("cupyx")


class device:  # noqa: N801 - PyTorch's name
    """A place for arrays: `device("cpu")`, `device("cuda")`, which is the GPU in use, or `device("cuda:1")`.

    "cuda" without a number equals every GPU.

    >>> device("cpu").type, device("cuda") == "cuda:1"
    ('cpu', True)
    """

    __slots__ = ("index", "type")

    def __init__(self, name: "str | device") -> None:
        kind, _, number = str(name).partition(":")
        if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
            raise DeviceError(f"no device is called {str(name)!r}: there are 'cpu', 'cuda' and 'cuda:0', 'cuda:1', ...")
        self.type, self.index = kind, int(number) if number and kind == "cuda" else None

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        if not isinstance(other, str | device):
            return False
        there = device(other)
        return self.type == there.type and (self.index == there.index or None in (self.index, there.index))

    def __hash__(self) -> int:
        return hash(self.type)


CPU = device("cpu")

DLPACK_CUDA = (2, 13)
"""DLPack's numbers for the memory of NVIDIA's GPUs, and for memory that host and GPU share."""


def device_count() -> int:
    """How many GPUs there are; 0 without cupy, or without a driver."""
    try:
        return _gpus()
    except DeviceError:
        return 0


def _gpus() -> int:
    """How many GPUs cupy can use; `DeviceError`, with the reason, where there is none."""
    runtime = _cupy().cuda.runtime
    try:
        return int(runtime.getDeviceCount())
    except runtime.CUDARuntimeError as error:
        raise DeviceError(
            f"cupy is installed, and finds no GPU: {error}. nvidia-smi shows GPUs and driver; the driver must be as new"
            " as the CUDA that cupy is for. Without a GPU leave the tensors on the 'cpu'"
        ) from error


def module_of(place: "str | device | None") -> Any:
    """What makes arrays on a device: NumPy, or CuPy for the GPU in use. `DeviceError` for one that is not there."""
    target = CPU if place is None else device(place)
    if target.type == "cpu":
        return np
    count, cupy = _gpus(), _cupy()
    current = cupy.cuda.runtime.getDevice()
    if target.index is not None and target.index >= count:
        raise DeviceError(f"there is no {target}: the GPUs here are {', '.join(f'cuda:{i}' for i in range(count))}")
    if target.index not in (None, current):
        raise DeviceError(
            f"{target} is not the GPU in use, cuda:{current}, where results would go: write `with"
            f" cuda.device({target.index}):` around all that shall run there, or cuda.set_device({target.index}) before"
        )
    return cupy


def dlpack_reader(array: Any) -> Any:
    """What makes an array on the memory of one that speaks DLPack: NumPy's function on the host, CuPy's on a GPU."""
    return np.from_dlpack if array.__dlpack_device__()[0] not in DLPACK_CUDA else _cupy().from_dlpack


def device_of(array: Any) -> device:
    """Where an array lives."""
    return CPU if isinstance(array, np.ndarray | np.generic) else device(f"cuda:{array.device.id}")


def moved(array: Any, to: "str | device") -> Any:
    """The array on another device; itself where it is there already."""
    if device_of(array) == to:
        return array
    module = module_of(to)
    if module is not np and array.dtype.itemsize > 8:
        raise TypeError(f"a GPU computes with float64 at most, and not with {array.dtype}: write x.astype(np.float64)")
    return array.get()[()] if module is np else module.asarray(array)


def is_cupy(array: Any) -> bool:
    """Whether an array lives on a GPU."""
    return hasattr(array, "__cuda_array_interface__")


def cuda_kernel(kind: str, *definition: str) -> Any:
    """CuPy's `ElementwiseKernel` or `ReductionKernel`, compiled when it first meets arrays of their dtypes."""
    return _kernel(_cupy(), kind, definition)


@cache
def _kernel(cupy: Any, kind: str, definition: tuple[str, ...]) -> Any:
    return getattr(cupy, kind)(*definition[:-1], name=definition[-1])


def philox(seed: int) -> Any:
    """CuPy's `RandomState` of the GPU in use, begun from a seed below 2**63: cuRAND's Philox, quick to begin anew."""
    state = _random_state(int(_cupy().cuda.runtime.getDevice()))
    state.seed(seed)
    return state


@cache
def _random_state(gpu: int) -> Any:  # noqa: ARG001 - there is one for each, made while that one is in use
    cupy = _cupy()
    return cupy.random.RandomState(0, cupy.cuda.curand.CURAND_RNG_PSEUDO_PHILOX4_32_10)


def library_of(x: Any) -> Any:
    """What makes arrays where an array, or that of a Tensor, lives: NumPy, or CuPy."""
    return _cupy() if is_cupy(getattr(x, "_value", x)) else np


def special(name: str, array: Any) -> Any:
    """A special function (`erf`, `erfc`) of an array: CuPy's, SciPy's where it is installed, else the C library's.

    All are accurate to the last digit or two; of 100,000 numbers SciPy takes 1 ms, the C library, through Python, 9.
    """
    if getattr(array, "dtype", None) == np.float16:  # which neither library gives for float16
        return special(name, array.astype(np.float32)).astype(np.float16)
    if is_cupy(array):
        return getattr(_cupy("cupyx.scipy.special"), name)(array)
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
    if is_cupy(source):
        source = _cupy().asarray(source)  # also what is PyTorch's or Numba's, on the same memory
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
        return [moved(found, CPU) if is_cupy(found := plain_data(item)) else found for item in data]
    return data
