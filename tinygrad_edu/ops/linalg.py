"""Derivatives of matrix products."""

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_edu.errors import does_not_fit
from tinygrad_edu.graph import Array
from tinygrad_edu.op import Op, implementations

__all__ = [
    "dot",
    "matmul",
    "tensordot",
]

INNER = "The last axis of the first must be as long as the last but one of the second (a vector's only axis)."


def _matmul_x(g: Any, y: Any) -> Any:
    """g yᵀ; a vector operand is a matrix whose missing axis is put in and taken out again."""
    if y.ndim == 1:
        return g[..., None] * y
    if g.ndim < y.ndim:  # x was a vector
        return (g[..., None, :] @ y.swapaxes(-1, -2))[..., 0, :]
    return g @ y.swapaxes(-1, -2)


def _matmul_y(g: Any, x: Any) -> Any:
    """xᵀ g; a vector operand is a matrix whose missing axis is put in and taken out again."""
    if x.ndim == 1:
        return x * g if g.ndim == 0 else x[:, None] * g[..., None, :]
    if g.ndim < x.ndim:  # y was a vector
        return (x.swapaxes(-1, -2) @ g[..., None])[..., 0]
    return x.swapaxes(-1, -2) @ g


matmul = Op(
    np.matmul,
    forward=operator.matmul,
    hint=f"{INNER} Transpose one, e.g. x @ w.T. For a single number write x * y.",
    x=_matmul_x,
    y=_matmul_y,
)


def _dot(x: Array, y: Array) -> Array:
    return np.dot(x, y)


def _dot_x(g: Any, y: Any, x_shape: tuple[int, ...]) -> Any:
    """The sum over all axes of y but the one that was summed over (a vector's only axis, else the last but one)."""
    if x_shape == () or y.ndim == 0:
        return g * y
    if y.ndim == 1:
        return g[..., None] * y
    axes = [*range(y.ndim - 2), y.ndim - 1]
    return np.tensordot(g, y, (range(g.ndim - len(axes), g.ndim), axes))


def _dot_y(g: Any, x: Any, y_shape: tuple[int, ...]) -> Any:
    """The sum over all axes of x but its last, whose place in y is the last but one."""
    if x.ndim == 0 or y_shape == ():
        return x * g
    return _last_but_one(np.tensordot(x, g, (range(x.ndim - 1), range(x.ndim - 1))))


def _last_but_one(x: Any) -> Any:
    """`x` with its first axis moved to the last place but one."""
    return x if x.ndim == 1 else x.transpose((*range(1, x.ndim - 1), 0, x.ndim - 1))


dot = Op(
    _dot,
    implements=[np.dot],
    hint=f"{INNER} Transpose one, e.g. dot(x, w.T).",
    x=_dot_x,
    y=_dot_y,
)


def tensordot(x: Any, y: Any, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Any:
    """Sum the products of x and y over pairs of axes: one matrix product of reshaped operands. After `numpy.tensordot`.

    >>> from tinygrad_edu import Tensor
    >>> tensordot(Tensor([[1.0, 2.0]]), Tensor([3.0, 4.0]), axes=1)
    Tensor([11.])
    """
    x, y = (t if hasattr(t, "ndim") else np.asarray(t) for t in (x, y))
    pairs = (range(x.ndim - axes, x.ndim), range(axes)) if isinstance(axes, int | np.integer) else axes
    x_axes, y_axes = (normalize_axis_tuple(of, t.ndim) for of, t in zip(pairs, (x, y), strict=True))
    if [x.shape[axis] for axis in x_axes] != [y.shape[axis] for axis in y_axes]:
        shapes = [(t.shape, getattr(t, "name", None)) for t in (x, y)]
        raise does_not_fit("tensordot", shapes, f"The axes {x_axes} and {y_axes} must be as long, pair by pair.")
    x_free = [axis for axis in range(x.ndim) if axis not in x_axes]
    y_free = [axis for axis in range(y.ndim) if axis not in y_axes]
    rows, columns = [x.shape[axis] for axis in x_free], [y.shape[axis] for axis in y_free]
    length = math.prod(x.shape[axis] for axis in x_axes)
    left = np.reshape(np.transpose(x, (*x_free, *x_axes)), (math.prod(rows), length))
    right = np.reshape(np.transpose(y, (*y_axes, *y_free)), (length, math.prod(columns)))
    return np.reshape(left @ right, (*rows, *columns))


implementations[np.tensordot] = tensordot
