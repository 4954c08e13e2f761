"""Derivatives of products of vectors and matrices: each gradient is a product of the same kind."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_edu.device import is_cupy
from tinygrad_edu.errors import ShapeError, does_not_fit
from tinygrad_edu.graph import Array, array_of
from tinygrad_edu.op import Op, implementations

__all__ = [
    "cross",
    "dot",
    "inner",
    "matmul",
    "matvec",
    "outer",
    "vdot",
    "vecdot",
    "vecmat",
]

Shape = tuple[int, ...]
_numpys: Any = vars(np)  # its stubs lack vecdot's axis, and NumPy before 2.2 matvec and vecmat


def _of_numpy(name: str, ours: Any) -> Any:
    """NumPy's function of a name; `ours` where NumPy has none, and for arrays of CuPy, which has none."""
    numpys = _numpys.get(name)
    return ours if numpys is None else lambda *args: (ours if any(map(is_cupy, args)) else numpys)(*args)


INNER = "The last axis of the first must be as long as the last but one of the second (a vector's only axis)."


def transposed(x: Any) -> Any:
    """xᵀ, for each matrix of a stack."""
    return x.swapaxes(-1, -2)


def _matmul_x(g: Any, y: Any) -> Any:
    """g yᵀ; a vector operand is a matrix whose missing axis is put in and taken out again."""
    if y.ndim == 1:
        return g[..., None] * y
    if g.ndim < y.ndim:  # x was a vector
        return (g[..., None, :] @ transposed(y))[..., 0, :]
    return g @ transposed(y)


def _matmul_y(g: Any, x: Any, y_shape: Shape) -> Any:
    """xᵀ g; a vector operand is a matrix whose missing axis is put in and taken out again."""
    if x.ndim == 1:
        return x * g if g.ndim == 0 else x[:, None] * g[..., None, :]
    if x.ndim > 2 and len(y_shape) <= 2:  # one y for all: one product, not one for each matrix and then their sum
        rows = range(x.ndim - 1)
        return np.tensordot(x, g, (rows, rows))
    if g.ndim < x.ndim:  # y was a vector
        return (transposed(x) @ g[..., None])[..., 0]
    return transposed(x) @ g


matmul = Op(
    np.matmul,
    forward=operator.matmul,
    hint=f"{INNER} Transpose one, e.g. x @ w.T. For a single number write x * y.",
    x=_matmul_x,
    y=_matmul_y,
)


def _dot(x: Array, y: Array) -> Array:
    """The sum of products over the last axis of x and the last but one of y."""
    return np.dot(x, y) if hasattr(x, "ndim") and hasattr(y, "ndim") else np.multiply(x, y)


def _dot_x(g: Any, y: Any, x_shape: Shape) -> Any:
    """The sum over all axes of y but the one that was summed over (a vector's only axis, else the last but one)."""
    if x_shape == () or np.ndim(y) == 0:
        return g * y
    if y.ndim == 1:
        return g[..., None] * y
    axes = (*range(y.ndim - 2), y.ndim - 1)
    return np.tensordot(g, y, (tuple(range(g.ndim - len(axes), g.ndim)), axes))


def _dot_y(g: Any, x: Any, y_shape: Shape) -> Any:
    """The sum over all axes of x but its last, whose place in y is the last but one."""
    if np.ndim(x) == 0 or y_shape == ():
        return x * g
    return _last_but_one(np.tensordot(x, g, (tuple(range(x.ndim - 1)),) * 2))


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


def _inner(a: Array, b: Array) -> Array:
    """The sum of products over the last axes of both."""
    return np.inner(a, b) if hasattr(a, "ndim") and hasattr(b, "ndim") else np.multiply(a, b)


def _inner_a(g: Any, b: Any, a_shape: Shape) -> Any:
    """g times b, summed over the free axes of b, which are the last of g."""
    if a_shape == () or np.ndim(b) == 0:
        return g * b
    free = b.ndim - 1
    return np.tensordot(g, b, (tuple(range(g.ndim - free, g.ndim)), tuple(range(free))))


def _inner_b(g: Any, a: Any, b_shape: Shape) -> Any:
    """g times a, summed over the free axes of a, which are the first of g."""
    return g * a if np.ndim(a) == 0 or b_shape == () else np.tensordot(g, a, (tuple(range(a.ndim - 1)),) * 2)


def _outer(a: Array, b: Array) -> Array:
    """Every number of a times every number of b, both in order."""
    return np.outer(a, b)


def _vdot(a: Array, b: Array) -> Array:
    """The sum of products of all the numbers of two arrays of one size, both in order."""
    return np.vdot(a, b)


def _vecdot(x1: Array, x2: Array, *, axis: int = -1) -> Array:
    """The sum of products along one axis."""
    if is_cupy(x1) or is_cupy(x2):  # which has none of the three
        return (np.moveaxis(x1, axis, -1)[..., None, :] @ np.moveaxis(x2, axis, -1)[..., None])[..., 0, 0]
    return _numpys["vecdot"](x1, x2, axis=axis)


def _along(g: Any, other: Any, shape: Shape, axis: int) -> Any:
    """g times the other operand, for an operand of `shape`: the summed axis is back in its place."""
    product = g[..., None] * np.moveaxis(other, axis, -1)
    return np.moveaxis(product, -1, normalize_axis_index(axis, len(shape)) - len(shape))


def _matvec(x1: Array, x2: Array) -> Array:
    """Each matrix times its vector."""
    return np.matmul(x1, array_of(x2)[..., None])[..., 0]


def _vecmat(x1: Array, x2: Array) -> Array:
    """Each vector times its matrix."""
    return np.matmul(array_of(x1)[..., None, :], x2)[..., 0, :]


VECTORS = "The vectors must be as long as the axis of the matrices that is summed over, and the stacks must broadcast."

outer = Op(
    _outer,
    implements=[np.outer],
    a=lambda g, b, a_shape: np.reshape(g @ np.reshape(b, -1), a_shape),
    b=lambda g, a, b_shape: np.reshape(np.reshape(a, -1) @ g, b_shape),
)
vdot = Op(
    _vdot,
    implements=[np.vdot],
    hint="Both must hold as many numbers.",
    a=lambda g, b, a_shape: g * np.reshape(b, a_shape),
    b=lambda g, a, b_shape: g * np.reshape(a, b_shape),
)
inner = Op(_inner, implements=[np.inner], hint="Their last axes must have the same length.", a=_inner_a, b=_inner_b)
vecdot = Op(
    _vecdot,
    implements=[np.vecdot, np.linalg.vecdot],
    hint="Along the axis both must have the same length, and the other axes must broadcast.",
    x1=lambda g, x2, x1_shape, axis: _along(g, x2, x1_shape, axis),
    x2=lambda g, x1, x2_shape, axis: _along(g, x1, x2_shape, axis),
)
matvec: Op = Op(
    _matvec,
    forward=_of_numpy("matvec", _matvec),
    implements=[_numpys[name] for name in ("matvec",) if name in _numpys],
    hint=VECTORS,
    x1=lambda g, x2: g[..., :, None] * x2[..., None, :],
    x2=lambda g, x1: vecmat(g, x1),
)
vecmat: Op = Op(
    _vecmat,
    forward=_of_numpy("vecmat", _vecmat),
    implements=[_numpys[name] for name in ("vecmat",) if name in _numpys],
    hint=VECTORS,
    x1=lambda g, x2: matvec(x2, g),
    x2=lambda g, x1: x1[..., :, None] * g[..., None, :],
)


def _cross(a: Array, b: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Array:
    """The vectors at right angles to both: a₂b₃ - a₃b₂, a₃b₁ - a₁b₃, a₁b₂ - a₂b₁."""
    axes = (axisa, axisb) if axis is None else (axis, axis)
    lengths = [np.shape(t)[normalize_axis_index(along, np.ndim(t))] for t, along in zip((a, b), axes, strict=True)]
    if lengths != [3, 3]:
        raise ShapeError(
            f"cross is of vectors of 3 numbers, these have {lengths[0]} and {lengths[1]} along axis {axes[0]} and"
            f" {axes[1]}. Name the right axis, axis=...; in the plane write x[0] * y[1] - x[1] * y[0]."
        )
    return np.cross(a, b, axisa, axisb, axisc, axis)


def _cross_axes(x_shape: Shape, g: Any, other: Any, axes: Sequence[int], axis: int | None) -> tuple[int, ...]:
    """Where the 3 numbers lie in g, in the other operand and in x, the last counted from the end."""
    in_x, in_other, in_g = axes if axis is None else (axis, axis, axis)
    return (
        normalize_axis_index(in_g, g.ndim),
        normalize_axis_index(in_other, other.ndim),
        normalize_axis_index(in_x, len(x_shape)) - len(x_shape),
    )


def _cross_a(g: Any, b: Any, a_shape: Shape, axisa: int, axisb: int, axisc: int, axis: int | None) -> Any:
    """b x g, because g · (a x b) = a · (b x g)."""
    in_g, in_b, in_a = _cross_axes(a_shape, g, b, (axisa, axisb, axisc), axis)
    return cross(b, g, in_b, in_g, in_a)


def _cross_b(g: Any, a: Any, b_shape: Shape, axisa: int, axisb: int, axisc: int, axis: int | None) -> Any:
    """g x a, because g · (a x b) = b · (g x a)."""
    in_g, in_a, in_b = _cross_axes(b_shape, g, a, (axisb, axisa, axisc), axis)
    return cross(g, a, in_g, in_a, in_b)


cross: Op = Op(_cross, implements=[np.cross], a=_cross_a, b=_cross_b)
implementations[np.linalg.cross] = lambda x1, x2, /, *, axis=-1: cross(x1, x2, axis=axis)
implementations[np.linalg.matmul] = matmul


def _outer_of_vectors(x1: Any, x2: Any, /) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise does_not_fit("outer", [(np.shape(x1), None), (np.shape(x2), None)], "np.linalg.outer is of two vectors.")
    return outer(x1, x2)


implementations[np.linalg.outer] = _outer_of_vectors
