"""Derivatives of what gives numbers another shape or another order of axes: the gradient takes the way back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from tinygrad_edu.device import moved
from tinygrad_edu.errors import UnsupportedError
from tinygrad_edu.graph import Array, unbroadcast
from tinygrad_edu.op import Op, implementations
from tinygrad_edu.ops.composed import as_operand, composed

__all__ = [
    "astype",
    "broadcast_to",
    "copy",
    "expand_dims",
    "imag",
    "matrix_transpose",
    "move",
    "moveaxis",
    "ravel",
    "real",
    "reshape",
    "rollaxis",
    "squeeze",
    "sum_to",
    "swapaxes",
    "transpose",
]

Shape = tuple[int, ...]


def _reshape(a: Array, shape: int | Shape) -> Array:
    """The same numbers in another shape."""
    return a.reshape(shape) if type(a) is np.ndarray else np.reshape(a, shape)  # 0.1 us, not 0.6


def _transpose(a: Array, axes: Sequence[int] | None = None) -> Array:
    """The axes in another order, reversed for None."""
    return a.transpose(axes) if type(a) is np.ndarray else np.transpose(a, axes)  # as above


def _swapaxes(a: Array, axis1: int, axis2: int) -> Array:
    """Two axes exchanged."""
    return np.swapaxes(a, axis1, axis2)


def _expand_dims(a: Array, axis: int | Shape) -> Array:
    """With new axes of length 1."""
    return np.expand_dims(a, axis)


def _squeeze(a: Array, axis: int | Shape | None = None) -> Array:
    """Without axes of length 1."""
    return np.squeeze(a, axis)


def _broadcast_to(array: Array, shape: int | Shape) -> Array:
    """Stretched to a larger shape, without copying."""
    return np.broadcast_to(array, shape)


def _sum_to(x: Array, shape: Shape) -> Array:
    """Sum over the axes that broadcasting `shape` to `x.shape` would stretch."""
    return unbroadcast(x, shape)


def _astype(x: Array, dtype: Any) -> Array:
    """The numbers in another dtype."""
    if np.dtype(dtype).kind not in "fiub":
        raise TypeError(f"a Tensor holds real numbers or booleans, not {np.dtype(dtype)}")
    return x.astype(dtype)


def _move(x: Array, to: str, home: str) -> Array:  # noqa: ARG001 - for the rule, which moves the gradient there
    """The array on the device `to`; `home` is where it was."""
    return moved(x, to)


def _copy(a: Array, order: Any = "K", subok: bool = False) -> Array:  # noqa: ARG001 - a Tensor has no subclasses to keep
    """The same numbers in memory of their own, laid out in the order."""
    return np.copy(a, order)


def _real(val: Array) -> Array:
    """The number itself: complex numbers have no Tensors."""
    return val


def _imag(val: Array) -> Array:
    """Zeros: complex numbers have no Tensors."""
    return np.zeros_like(val)


def _back(g: Any, a_shape: Shape) -> Any:
    """The same numbers in the operand's shape."""
    return g.reshape(a_shape)


def _transpose_back(g: Any, axes: Sequence[int] | None) -> Any:
    """The inverse permutation: axis number `axes[i]` came from place i."""
    if axes is None:
        return g.T
    inverse = [0] * len(axes)
    for place, axis in enumerate(axes):
        inverse[axis] = place
    return g.transpose(inverse)


reshape = Op(_reshape, a=_back)
transpose = Op(_transpose, implements=[np.transpose, np.permute_dims], a=_transpose_back)
swapaxes = Op(_swapaxes, implements=[np.swapaxes], a=lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2))
expand_dims = Op(_expand_dims, implements=[np.expand_dims], a=_back)
squeeze = Op(_squeeze, implements=[np.squeeze], a=_back)
broadcast_to = Op(_broadcast_to, implements=[np.broadcast_to], array=lambda g: g)  # the engine sums it back
sum_to = Op(_sum_to, x=lambda g, x_shape: np.broadcast_to(g, x_shape))
move: Op = Op(_move, x=lambda g, to, home: move(g, home, to))
astype = Op(_astype, x=lambda g: g)  # the engine casts it back
copy = Op(_copy, implements=[np.copy], a=lambda g: g)
real = Op(_real, implements=[np.real], val=lambda g: g)
imag = Op(_imag, implements=[np.imag], val=None)


def _numpy_reshape(a: Any, /, shape: int | Shape, order: str = "C", *, copy: bool | None = None) -> Any:
    """`np.reshape` in order "F", the first axis fastest, reads and writes the transposed array in order "C"."""
    if order == "C" and copy is None:
        return reshape(a, shape)
    if order not in ("C", "F"):
        raise UnsupportedError(
            f"order={order!r} depends on how the numbers happen to lie in memory: write order='C' (the last axis runs"
            " fastest) or order='F' (the first axis does)"
        )
    if order == "C":
        out = reshape(a, shape)
    else:
        backwards = np.atleast_1d(shape)[::-1].tolist()
        out = transpose(reshape(transpose(a), tuple(backwards)))
    if copy is False and out.size and not np.may_share_memory(a, out):
        raise ValueError("these numbers cannot be seen in another shape without a copy: leave out copy=False")
    return _copied(out) if copy else out


_copied = copy  # in the function above `copy` is NumPy's parameter
implementations[np.reshape] = _numpy_reshape


@composed(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """The numbers in one axis, row by row, or with order "F" column by column. After `numpy.ravel`.

    >>> from tinygrad_edu import Tensor
    >>> ravel(Tensor([[1.0, 2.0], [3.0, 4.0]]), order="F")
    Tensor([1., 3., 2., 4.])
    """
    a = as_operand(a)
    return a if a.ndim == 1 else _numpy_reshape(a, -1, order)


@composed(np.moveaxis)
def moveaxis(a: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """The axes `source` at the places `destination`, the others in their order. After `numpy.moveaxis`.

    Raises ValueError where there are not as many places as axes, or where one is not there or named twice.

    >>> from tinygrad_edu import Tensor
    >>> moveaxis(Tensor([[[1.0, 2.0]]]), -1, 0).shape
    (2, 1, 1)
    """
    a = as_operand(a)
    source, destination = (normalize_axis_tuple(axes, a.ndim) for axes in (source, destination))
    if len(source) != len(destination):
        raise ValueError(f"moveaxis: each axis needs one place; got axes {source} for places {destination}")
    order = [axis for axis in range(a.ndim) if axis not in source]
    for place, axis in sorted(zip(destination, source, strict=True)):
        order.insert(place, axis)
    return transpose(a, order)


@composed(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """The axis moved to before the axis `start`; `moveaxis` is easier to read. After `numpy.rollaxis`.

    >>> from tinygrad_edu import Tensor
    >>> rollaxis(Tensor([[[1.0, 2.0]]]), 2).shape
    (2, 1, 1)
    """
    a = as_operand(a)
    axis, start = normalize_axis_index(axis, a.ndim), start + a.ndim if start < 0 else start
    if not 0 <= start <= a.ndim:
        raise np.exceptions.AxisError(f"rollaxis: shape {a.shape} has places from 0 to {a.ndim}, not {start}")
    return moveaxis(a, axis, start - (axis < start))


@composed(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """Every matrix transposed: the last two axes swapped. After `numpy.matrix_transpose`.

    Raises ValueError for fewer than two axes.

    >>> from tinygrad_edu import Tensor
    >>> matrix_transpose(Tensor([[1.0, 2.0]]))
    Tensor([[1.],
            [2.]])
    """
    x = as_operand(x)
    if x.ndim < 2:
        raise ValueError(f"a matrix has two axes, and shape {x.shape} has fewer: reshape it, e.g. x[:, None]")
    return swapaxes(x, -1, -2)


def _numpy_astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    if device is not None:
        raise UnsupportedError("astype stays on the device of the tensor: write t.to(device)")
    return x if not copy and x.dtype == dtype else astype(x, dtype)


implementations[np.astype] = _numpy_astype
