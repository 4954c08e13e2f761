"""Tensors from nothing or from other arrays, under their NumPy names; keyword arguments are those of `Tensor`.

What `device` names a GPU for is made there, and not copied there.
"""

from typing import Any

import numpy as np

from tinygrad_edu.device import device as device_named
from tinygrad_edu.device import device_of, dlpack_reader, is_cupy, module_of
from tinygrad_edu.graph import wrap
from tinygrad_edu.handed import came_back, handed
from tinygrad_edu.tensor import Tensor

Shape = int | tuple[int, ...]


def tensor(data: Any, **options: Any) -> Tensor:
    """A Tensor with a copy of `data`, as `torch.tensor`.

    >>> tensor([1.0, 2.0], requires_grad=True)
    Tensor([1., 2.], requires_grad=True)
    """
    return Tensor(data, **options)


def from_numpy(array: "np.ndarray[Any, Any]") -> Tensor:
    """A Tensor on the memory of `array`: a change of one is a change of the other.

    The engine sees changes that are made through Tensors. One made through the array itself, between a computation and
    its backward pass, it cannot see: then the gradient is that of a mixture, unless the computation was made inside
    `detect_anomaly`, which refuses it. `Tensor(array)` copies, and is safe.

    >>> from_numpy(np.zeros(2)).float()
    Tensor([0., 0.], dtype=float32)
    """
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub" or isinstance(array, np.ma.MaskedArray):
        what = getattr(array, "dtype", "") if type(array) is np.ndarray else type(array).__name__
        raise TypeError(f"from_numpy takes an array of real numbers or booleans, not {what}")
    if id(array) in handed:
        came_back(array, None)
    return wrap(np.asarray(array), None)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A Tensor on the memory of an array of another library, PyTorch's or JAX's, on the CPU or a GPU, without a copy.

    A change of one is a change of the other, see `from_numpy`; a history stays there, so PyTorch wants `x.detach()`.
    The way back is theirs: `torch.from_dlpack(t)`, `jax.dlpack.from_dlpack(t)`, `np.from_dlpack(t)`. TypeError for
    what is no array, or holds no real numbers; bfloat16 is one NumPy lacks: `x.float()`.
    After https://docs.pytorch.org/docs/stable/generated/torch.from_dlpack.html

    >>> numbers = np.zeros(2)
    >>> t = from_dlpack(numbers)
    >>> t += 1
    >>> numbers
    array([1., 1.])
    """
    if not hasattr(ext_tensor, "__dlpack_device__"):
        raise TypeError(f"from_dlpack takes an array of another library, and this is a {type(ext_tensor).__name__}")
    try:
        array = dlpack_reader(ext_tensor)(ext_tensor)
    except (BufferError, RuntimeError) as error:
        if "bfloat16" not in str(getattr(ext_tensor, "dtype", "")):
            raise
        raise TypeError("from_dlpack: NumPy has no bfloat16, so no Tensor holds it: write x.float()") from error
    if array.dtype.kind not in "fiub":
        raise TypeError(f"from_dlpack takes an array of real numbers or booleans, not {array.dtype}")
    return wrap(array, None)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a Tensor, without a copy where it is a Tensor, or an array, of that dtype and on that device."""
    if isinstance(data, Tensor):
        found = data
    elif isinstance(data, np.ndarray):
        found = from_numpy(data)
    else:
        found = made(data) if is_cupy(data) else Tensor(data)
    found = found if dtype is None or found.dtype == dtype else found.astype(dtype)
    return found if device is None else found.to(device_named(device))


def made(array: Any, *, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """A Tensor that holds an array that nobody else does."""
    array = array if hasattr(array, "dtype") else np.asarray(array)
    found = wrap(array if array.ndim else array[()], None)
    if name is not None:
        found.name = name
    return found.requires_grad_() if requires_grad else found


def zeros(*shape: Any, **options: Any) -> Tensor:
    """Zeros, float64 unless `dtype` says otherwise: `zeros(2, 3)` or `zeros((2, 3))`."""
    return full(shape[0] if len(shape) == 1 else shape, 0.0, **options)


def ones(*shape: Any, **options: Any) -> Tensor:
    """Ones, float64 unless `dtype` says otherwise: `ones(2, 3)` or `ones((2, 3))`."""
    return full(shape[0] if len(shape) == 1 else shape, 1.0, **options)


def full(shape: Shape, value: Any, *, dtype: Any = None, device: Any = None, **options: Any) -> Tensor:
    """The same number everywhere."""
    return made(module_of(device).full(shape, value, dtype=dtype), **options)


def zeros_like(t: Any, **options: Any) -> Tensor:
    """Zeros in the shape and dtype of `t`, where it lives."""
    return full_like(t, 0, **options)


def ones_like(t: Any, **options: Any) -> Tensor:
    """Ones in the shape and dtype of `t`, where it lives."""
    return full_like(t, 1, **options)


def full_like(input: Any, fill_value: Any, **options: Any) -> Tensor:
    """One number everywhere, in the shape and dtype of `input`, where it lives."""
    return full(np.shape(input), fill_value, **as_there(input, options))


def as_there(input: Any, options: dict[str, Any]) -> dict[str, Any]:
    """The options for a Tensor like `input`: of its dtype and on its device, where they do not say otherwise."""
    array = getattr(input, "_value", input)
    array = array if hasattr(array, "dtype") else np.asarray(array)
    return {"dtype": array.dtype, "device": device_of(array), **options}


def arange(
    start: Any, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None, **options: Any
) -> Tensor:
    """Numbers from `start` up to but not including `stop`, as `numpy.arange`: whole numbers make int64."""
    first, end = (0, start) if stop is None else (start, stop)
    return made(module_of(device).arange(first, end, step, dtype=dtype), **options)


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    *,
    steps: int | None = None,
    dtype: Any = None,
    device: Any = None,
    **options: Any,
) -> Tensor:
    """`num` evenly spaced numbers from `start` to `stop`, both included; ends that are Tensors get their gradient.

    PyTorch calls `num` `steps`.
    """
    num = num if steps is None else steps
    if isinstance(start, Tensor) or isinstance(stop, Tensor):
        return np.linspace(start, stop, num, dtype=dtype, **options)  # type: ignore[no-any-return] # a Tensor
    return made(module_of(device).linspace(start, stop, num, dtype=dtype), **options)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, **options: Any) -> Tensor:
    """The identity matrix."""
    return made(module_of(device).eye(n, m, dtype=dtype or np.float64), **options)
