"""Derivatives of what only moves numbers: the gradient moves back."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.device import moved
from tinygrad_edu.graph import Array, unbroadcast
from tinygrad_edu.op import Op, implementations

__all__ = [
    "astype",
    "broadcast_to",
    "concatenate",
    "expand_dims",
    "move",
    "reshape",
    "squeeze",
    "stack",
    "sum_to",
    "swapaxes",
    "transpose",
]

Shape = tuple[int, ...]


def _reshape(x: Array, shape: int | Shape) -> Array:
    return np.reshape(x, shape)


def _transpose(x: Array, axes: Sequence[int] | None = None) -> Array:
    return np.transpose(x, axes)


def _swapaxes(x: Array, axis1: int, axis2: int) -> Array:
    return np.swapaxes(x, axis1, axis2)


def _expand_dims(x: Array, axis: int | Shape) -> Array:
    return np.expand_dims(x, axis)


def _squeeze(x: Array, axis: int | Shape | None = None) -> Array:
    return np.squeeze(x, axis)


def _broadcast_to(x: Array, shape: int | Shape) -> Array:
    return np.broadcast_to(x, shape)


def _sum_to(x: Array, shape: Shape) -> Array:
    """Sum over the axes that broadcasting `shape` to `x.shape` would stretch."""
    return unbroadcast(x, shape)


def _astype(x: Array, dtype: Any) -> Array:
    return x.astype(dtype)


def _move(x: Array, to: str, home: str) -> Array:  # noqa: ARG001 - for the rule, which moves the gradient there
    """The array on the device `to`; `home` is where it was."""
    return moved(x, to)


def _concatenate(*xs: Array, axis: int | None = 0) -> Array:
    return np.concatenate(xs, axis=axis)


def _stack(*xs: Array, axis: int = 0) -> Array:
    return np.stack(xs, axis=axis)


def _back(g: Any, x_shape: Shape) -> Any:
    """The same numbers in the operand's shape."""
    return np.reshape(g, x_shape)


def _transpose_back(g: Any, axes: Sequence[int] | None) -> Any:
    """The inverse permutation."""
    return np.transpose(g, None if axes is None else np.argsort([axis % g.ndim for axis in axes]))


def _slice_of(g: Any, index: int, xs_shape: Sequence[Shape], axis: int | None) -> Any:
    """The part of g that came from operand number `index`."""
    if axis is None:
        start = sum(int(np.prod(shape)) for shape in xs_shape[:index])
        return np.reshape(g[start : start + int(np.prod(xs_shape[index]))], xs_shape[index])
    start = sum(shape[axis] for shape in xs_shape[:index])
    return g[(slice(None),) * (axis % g.ndim) + (slice(start, start + xs_shape[index][axis]),)]


reshape = Op(_reshape, implements=[np.reshape], x=_back)
transpose = Op(_transpose, implements=[np.transpose, np.permute_dims], x=_transpose_back)
swapaxes = Op(_swapaxes, implements=[np.swapaxes], x=lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2))
expand_dims = Op(_expand_dims, implements=[np.expand_dims], x=_back)
squeeze = Op(_squeeze, implements=[np.squeeze], x=_back)
broadcast_to = Op(_broadcast_to, implements=[np.broadcast_to], x=lambda g: g)  # the engine sums it back
sum_to = Op(_sum_to, x=lambda g, x_shape: np.broadcast_to(g, x_shape))
move: Op = Op(_move, x=lambda g, to, home: move(g, home, to))
astype = Op(_astype, implements=[np.astype], x=lambda g: g)  # the engine casts it back
join = Op(_concatenate, hint="All but the joined axis must be as long in each.", xs=_slice_of)
pile = Op(
    _stack, hint="All must have one shape.", xs=lambda g, index, axis: g[(slice(None),) * (axis % g.ndim) + (index,)]
)


def concatenate(tensors: Sequence[Any], axis: int | None = 0) -> Any:
    """Join arrays along an axis that they have; the gradient is cut up again. After `numpy.concatenate`.

    >>> from tinygrad_edu import Tensor
    >>> concatenate([Tensor([1.0]), Tensor([2.0, 3.0])])
    Tensor([1., 2., 3.])
    """
    return join(*tensors, axis=axis)


def stack(tensors: Sequence[Any], axis: int = 0) -> Any:
    """Join arrays of one shape along a new axis. After `numpy.stack`.

    >>> from tinygrad_edu import Tensor
    >>> stack([Tensor(1.0), Tensor(2.0)])
    Tensor([1., 2.])
    """
    return pile(*tensors, axis=axis)


implementations.update({np.concatenate: concatenate, np.stack: stack})
