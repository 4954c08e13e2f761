"""Derivatives of diagonals and triangles of matrices: what was taken from there is put there."""

from typing import Any

import numpy as np

from tinygrad_edu.graph import Array
from tinygrad_edu.op import Op, implementations
from tinygrad_edu.ops.composed import as_operand, composed
from tinygrad_edu.ops.reduction import sum as sum_of
from tinygrad_edu.ops.shape import ravel
from tinygrad_edu.places import zeros

__all__ = [
    "diag",
    "diagflat",
    "diagonal",
    "trace",
    "tril",
    "triu",
]

Shape = tuple[int, ...]


def _diagonal(a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The diagonal number `offset` of each matrix that two axes span, along a new last axis."""
    return np.diagonal(a, offset, axis1, axis2)


def _triu(m: Array, k: int = 0) -> Array:
    """The upper triangle of each matrix, from the diagonal number `k` on, and zeros below."""
    return np.triu(m, k)


def _tril(m: Array, k: int = 0) -> Array:
    """The lower triangle of each matrix, up to the diagonal number `k`, and zeros above."""
    return np.tril(m, k)


def _onto_diagonal(g: Array, shape: Shape, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Zeros of the shape with g on a diagonal: in the numbers of a matrix, row by row, it is every (columns + 1)th."""
    rows, columns = shape[axis1], shape[axis2]
    matrices = zeros(g, (*g.shape[:-1], rows, columns))
    start = offset if offset > 0 else -offset * columns
    flat = matrices.reshape(*g.shape[:-1], rows * columns)
    flat[..., start : start + g.shape[-1] * (columns + 1) : columns + 1] = g
    return matrices if len(shape) == 2 and axis1 % 2 < axis2 % 2 else np.moveaxis(matrices, (-2, -1), (axis1, axis2))


diagonal: Op = Op(
    _diagonal,
    implements=[np.diagonal],
    a=lambda g, a_shape, offset, axis1, axis2: onto_diagonal(g, a_shape, offset, axis1, axis2),
)
onto_diagonal: Op = Op(_onto_diagonal, g=lambda g, offset, axis1, axis2: diagonal(g, offset, axis1, axis2))
triu = Op(_triu, implements=[np.triu], m=lambda g, k: np.triu(g, k))
tril = Op(_tril, implements=[np.tril], m=lambda g, k: np.tril(g, k))
implementations[np.linalg.diagonal] = lambda x, /, *, offset=0: diagonal(x, offset, -2, -1)


@composed(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """The sum of the diagonal of each matrix that two axes span. After `numpy.trace`.

    >>> from tinygrad_edu import Tensor
    >>> trace(Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor(5.)
    """
    return sum_of(diagonal(as_operand(a), offset, axis1, axis2), -1, dtype)


implementations[np.linalg.trace] = lambda x, /, *, offset=0, dtype=None: trace(x, offset, -2, -1, dtype)


@composed(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """A matrix with the vector on its diagonal number `k`, or the diagonal of a matrix. After `numpy.diag`.

    Raises ValueError for more than two axes.

    >>> from tinygrad_edu import Tensor
    >>> diag(Tensor([1.0, 2.0]))
    Tensor([[1., 0.],
            [0., 2.]])
    """
    v = as_operand(v)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ValueError(f"diag takes a vector or a matrix, not shape {v.shape}: for stacks of matrices use diagonal")
    size = len(v) + abs(k)
    return onto_diagonal(v, (size, size), k)


@composed(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """A matrix with all numbers of `v` on its diagonal number `k`. After `numpy.diagflat`.

    >>> from tinygrad_edu import Tensor
    >>> diagflat(Tensor([[1.0], [2.0]]))
    Tensor([[1., 0.],
            [0., 2.]])
    """
    return diag(ravel(v), k)
