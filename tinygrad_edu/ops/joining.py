"""Derivatives of what joins arrays and cuts them apart: the gradient of the one is the other."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_edu.graph import Array
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand, as_operands, composed
from tinygrad_edu.ops.shape import astype, broadcast_to, ravel, reshape

__all__ = [
    "append",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block",
    "broadcast_arrays",
    "column_stack",
    "concatenate",
    "dstack",
    "hstack",
    "stack",
    "vstack",
]

Shape = tuple[int, ...]


def _concatenate(*xs: Array, axis: int | None = 0) -> Array:
    """The arrays one behind the other along an axis."""
    return np.concatenate(xs, axis=axis)


def _stack(*xs: Array, axis: int = 0) -> Array:
    """The arrays side by side along a new axis."""
    return np.stack(xs, axis=axis)


def _slice_of(g: Any, index: int, xs_shape: Sequence[Shape], axis: int | None) -> Any:
    """The part of g that came from operand number `index`."""
    if axis is None:
        start = sum(math.prod(shape) for shape in xs_shape[:index])
        return np.reshape(g[start : start + math.prod(xs_shape[index])], xs_shape[index])
    start = sum(shape[axis] for shape in xs_shape[:index])
    return g[along(axis, g.ndim, slice(start, start + xs_shape[index][axis]))]


def along(axis: int, ndim: int, part: Any) -> tuple[Any, ...]:
    """The key of a part of one axis and all of the others."""
    return (slice(None),) * normalize_axis_index(axis, ndim) + (part,)


join = Op(
    _concatenate,
    forward=lambda *args: np.concatenate(args[:-1], args[-1]),
    hint="All but the joined axis must be as long in each; single numbers are joined by np.stack.",
    xs=_slice_of,
)
pile = Op(
    _stack,
    forward=lambda *args: np.stack(args[:-1], args[-1]),
    hint="All must have one shape.",
    xs=lambda g, index, axis: g[along(axis, g.ndim, index)],
)


def _cast(x: Any, dtype: Any, casting: Any) -> Any:
    """`x` as the dtype, if one is asked for and NumPy's rule of casting allows it."""
    if dtype is None:
        return x
    if not np.can_cast(x.dtype, dtype, casting):
        raise TypeError(f"casting={casting!r} does not allow {x.dtype} as {np.dtype(dtype)}: leave out dtype=")
    return astype(x, dtype)


@composed(np.concatenate, np.concat)
def concatenate(
    arrays: Sequence[Any], /, axis: int | None = 0, *, dtype: Any = None, casting: Any = "same_kind"
) -> Any:
    """Join arrays along an axis that they have; the gradient is cut up again. After `numpy.concatenate`.

    With axis None all numbers are joined in one axis. Raises `ShapeError` where another axis is not as long in each.

    >>> from tinygrad_edu import Tensor
    >>> concatenate([Tensor([1.0]), Tensor([2.0, 3.0])])
    Tensor([1., 2., 3.])
    """
    if hasattr(axis, "ndim"):
        raise TypeError("the arrays go in one list: np.concatenate([x, y])")
    return _cast(join(*arrays, axis=axis), dtype, casting)


@composed(np.stack)
def stack(arrays: Sequence[Any], axis: int = 0, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """Join arrays of one shape along a new axis. After `numpy.stack`.

    >>> from tinygrad_edu import Tensor
    >>> stack([Tensor(1.0), Tensor(2.0)])
    Tensor([1., 2.])
    """
    if hasattr(axis, "ndim"):
        raise TypeError("the arrays go in one list: np.stack([x, y])")
    return _cast(pile(*arrays, axis=axis), dtype, casting)


def _at_least(arys: Sequence[Any], shaped: Callable[[Shape], Shape]) -> Any:
    """Each of the arrays in the shape that `shaped` makes of its own; a single one not in a tuple."""
    operands = as_operands(arys)
    results = tuple(x if shaped(x.shape) == x.shape else reshape(x, shaped(x.shape)) for x in operands)
    return results[0] if len(results) == 1 else results


@composed(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """Numbers as vectors of one, others as they are; several in a tuple. After `numpy.atleast_1d`.

    >>> from tinygrad_edu import Tensor
    >>> atleast_1d(Tensor(1.0))
    Tensor([1.])
    """
    return _at_least(arys, lambda shape: shape or (1,))


@composed(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """Numbers and vectors as matrices of one row, others as they are. After `numpy.atleast_2d`.

    >>> from tinygrad_edu import Tensor
    >>> atleast_2d(Tensor([1.0, 2.0]))
    Tensor([[1., 2.]])
    """
    return _at_least(arys, lambda shape: (1,) * (2 - len(shape)) + shape)


@composed(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """With three axes: n numbers as (1, n, 1), a matrix (m, n) as (m, n, 1). After `numpy.atleast_3d`.

    >>> from tinygrad_edu import Tensor
    >>> atleast_3d(Tensor([1.0, 2.0])).shape
    (1, 2, 1)
    """
    return _at_least(arys, lambda shape: {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}.get(len(shape), shape))


@composed(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:  # noqa: ARG001 - no subclasses to keep
    """Each array stretched to the shape that they all broadcast to. After `numpy.broadcast_arrays`.

    Raises ValueError for shapes that do not fit.

    >>> from tinygrad_edu import Tensor
    >>> [x.shape for x in broadcast_arrays(Tensor([1.0, 2.0]), Tensor([[3.0]]))]
    [(1, 2), (1, 2)]
    """
    operands = as_operands(args)
    shape = np.broadcast_shapes(*(x.shape for x in operands))
    return tuple(broadcast_to(x, shape) for x in operands)


@composed(np.hstack)
def hstack(tup: Sequence[Any], *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """Side by side: joined along the second axis, vectors and numbers along their only one. After `numpy.hstack`.

    >>> from tinygrad_edu import Tensor
    >>> hstack([Tensor([1.0, 2.0]), 3.0])
    Tensor([1., 2., 3.])
    """
    arrays = [atleast_1d(x) for x in as_operands(tup)]
    return concatenate(arrays, axis=0 if arrays and arrays[0].ndim == 1 else 1, dtype=dtype, casting=casting)


@composed(np.vstack)
def vstack(tup: Sequence[Any], *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """One below the other: joined along the first axis, vectors as rows. After `numpy.vstack`.

    >>> from tinygrad_edu import Tensor
    >>> vstack([Tensor([1.0, 2.0]), [3.0, 4.0]])
    Tensor([[1., 2.],
            [3., 4.]])
    """
    return concatenate([atleast_2d(x) for x in as_operands(tup)], dtype=dtype, casting=casting)


@composed(np.dstack)
def dstack(tup: Sequence[Any]) -> Any:
    """One behind the other: joined along the third axis. After `numpy.dstack`.

    >>> from tinygrad_edu import Tensor
    >>> dstack([Tensor([1.0, 2.0]), [3.0, 4.0]])
    Tensor([[[1., 3.],
             [2., 4.]]])
    """
    return concatenate([atleast_3d(x) for x in as_operands(tup)], axis=2)


@composed(np.column_stack)
def column_stack(tup: Sequence[Any]) -> Any:
    """Vectors as the columns of a matrix; matrices side by side. After `numpy.column_stack`.

    >>> from tinygrad_edu import Tensor
    >>> column_stack([Tensor([1.0, 2.0]), [3.0, 4.0]])
    Tensor([[1., 3.],
            [2., 4.]])
    """
    columns = [reshape(x, (x.size, 1)) if x.ndim < 2 else x for x in as_operands(tup)]
    return concatenate(columns, axis=1)


@composed(np.block)
def block(arrays: Any) -> Any:
    """A matrix of blocks: inner lists side by side, outer ones below each other. After `numpy.block`.

    Raises ValueError for lists of different depths, empty ones, and blocks that do not fit.

    >>> from tinygrad_edu import Tensor
    >>> block([[Tensor([[1.0]]), np.zeros((1, 2))]])
    Tensor([[1., 0., 0.]])
    """
    depth, ndim = _depth_of(arrays)
    return _joined_blocks(arrays, depth, max(depth, ndim))


def _depth_of(arrays: Any) -> tuple[int, int]:
    """How deep the lists are nested, and how many axes the arrays in them have at most."""
    if isinstance(arrays, tuple):
        raise TypeError("block takes lists: write block([[a, b], [c, d]])")
    if not isinstance(arrays, list):
        return 0, as_operand(arrays).ndim
    inner = [_depth_of(item) for item in arrays]
    if len({depth for depth, _ in inner}) != 1:
        raise ValueError("block takes lists that are nested to one depth and not empty: [[a, b], [c, d]]")
    return 1 + inner[0][0], max(ndim for _, ndim in inner)


def _joined_blocks(arrays: Any, depth: int, ndim: int) -> Any:
    if depth:
        return concatenate([_joined_blocks(item, depth - 1, ndim) for item in arrays], axis=-depth)
    x = as_operand(arrays)
    return reshape(x, (1,) * (ndim - x.ndim) + x.shape)


@composed(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """The values at the end of an axis, or at the end of all numbers in one axis. After `numpy.append`.

    >>> from tinygrad_edu import Tensor
    >>> append(Tensor([1.0, 2.0]), 3.0)
    Tensor([1., 2., 3.])
    """
    operands = as_operands([arr, values])
    return concatenate([ravel(x) for x in operands] if axis is None else operands, axis=0 if axis is None else axis)
