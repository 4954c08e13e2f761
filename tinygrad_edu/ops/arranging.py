"""Derivatives of what turns and repeats arrays: the gradient is turned back, and summed over the copies."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_edu.graph import Array
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand, composed
from tinygrad_edu.ops.indexing import getitem, scatter
from tinygrad_edu.ops.joining import along
from tinygrad_edu.ops.shape import broadcast_to, copy, moveaxis, ravel, reshape

__all__ = [
    "flip",
    "fliplr",
    "flipud",
    "kron",
    "meshgrid",
    "repeat",
    "resize",
    "roll",
    "rot90",
    "tile",
]

Axis = int | tuple[int, ...] | None
Shape = tuple[int, ...]


def _flip(m: Array, axis: Axis = None) -> Array:
    """The axes, or all of them, in the other direction."""
    return np.flip(m, axis)


def _roll(a: Array, shift: Any, axis: Axis = None) -> Array:
    """Moved by `shift` places along the axes, or as in one axis; what leaves at one end comes in at the other."""
    return np.roll(a, shift, axis)


def _tile(A: Array, reps: Any) -> Array:  # noqa: N803 - NumPy's name
    """Copies side by side, so many along each of the last axes."""
    return np.tile(A, reps)


def _repeat(a: Array, repeats: Any, axis: int | None = None) -> Array:
    """Each slice of an axis, or each number, so many times in a row; `repeats` may tell for each how many times."""
    return np.repeat(a, repeats, axis)


def _sum_of_copies(g: Any, A_shape: Shape, reps: Any) -> Any:  # noqa: N803 - NumPy's name
    """Each axis of g in two, copies and length, and the sum over the copies."""
    reps = tuple(map(int, np.ravel(reps)))
    ndim = max(len(reps), len(A_shape))
    copies, lengths = (1,) * (ndim - len(reps)) + reps, (1,) * (ndim - len(A_shape)) + A_shape
    pairs = np.reshape(g, [n for pair in zip(copies, lengths, strict=True) for n in pair])
    if math.prod(copies) == 2:  # one addition, in half the time of a sum
        first, second = ([part for n in copies for part in (min(n - 1, i), slice(None))] for i in (0, 1))
        return _shaped(pairs[tuple(first)] + pairs[tuple(second)], A_shape)
    return _shaped(pairs.sum(axis=tuple(range(0, 2 * ndim, 2))), A_shape)


def _shaped(x: Any, shape: Shape) -> Any:
    return x if x.shape == shape else np.reshape(x, shape)  # of a view that it did not ask for the engine makes a copy


def _sum_of_repeats(g: Any, a_shape: Shape, repeats: Any, axis: int | None) -> Any:
    """The axis of g in two, length and repeats, and the sum over these; where they differ, added place by place."""
    shape, axis = ((math.prod(a_shape),), 0) if axis is None or a_shape == () else (a_shape, axis % len(a_shape))
    if np.size(repeats) == 1:
        runs = np.reshape(g, (*shape[: axis + 1], max(int(np.ravel(repeats)[0]), 0), *shape[axis + 1 :]))
        return _shaped(runs.sum(axis=axis + 1), a_shape)
    sources = np.repeat(np.arange(shape[axis]), repeats)
    return _shaped(scatter(g, along(axis, len(shape), sources), shape), a_shape)


flip = Op(_flip, implements=[np.flip], m=lambda g, axis: np.flip(g, axis))


def _roll_back(g: Any, shift: Any, axis: Any) -> Any:
    """g, rolled back."""
    return np.roll(g, (0 - np.asarray(shift)).tolist(), axis)


roll = Op(_roll, implements=[np.roll], a=_roll_back)
tile = Op(_tile, implements=[np.tile], A=_sum_of_copies)
repeat = Op(_repeat, implements=[np.repeat], a=_sum_of_repeats)


@composed(np.fliplr)
def fliplr(m: Any) -> Any:
    """Each row in the other direction: the second axis flipped. After `numpy.fliplr`.

    >>> from tinygrad_edu import Tensor
    >>> fliplr(Tensor([[1.0, 2.0]]))
    Tensor([[2., 1.]])
    """
    m = as_operand(m)
    if m.ndim < 2:
        raise ValueError(f"fliplr turns rows round, and shape {m.shape} has no rows: use flip")
    return flip(m, 1)


@composed(np.flipud)
def flipud(m: Any) -> Any:
    """The rows in the other order: the first axis flipped. After `numpy.flipud`.

    >>> from tinygrad_edu import Tensor
    >>> flipud(Tensor([1.0, 2.0]))
    Tensor([2., 1.])
    """
    m = as_operand(m)
    if m.ndim < 1:
        raise ValueError("flipud turns an axis round, and a single number has none")
    return flip(m, 0)


@composed(np.rot90)
def rot90(m: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Any:
    """`k` quarter turns from the first of two axes to the second: counterclockwise. After `numpy.rot90`.

    Raises ValueError for other than two different axes.

    >>> from tinygrad_edu import Tensor
    >>> rot90(Tensor([[1.0, 2.0]]))
    Tensor([[2.],
            [1.]])
    """
    m = as_operand(m)
    if len(axes) != 2 or normalize_axis_index(axes[0], m.ndim) == normalize_axis_index(axes[1], m.ndim):
        raise ValueError(f"rot90 turns from one axis to another, so axes are two different ones, not {tuple(axes)}")
    if k % 4 == 0:
        return getitem(m, ...)
    if k % 4 == 2:
        return flip(m, tuple(axes))
    return moveaxis(flip(m, axes[k % 4 == 1]), axes, axes[::-1])


@composed(np.kron)
def kron(a: Any, b: Any) -> Any:
    """The Kronecker product, blocks a[i, j] b: (n, m) and (p, q) make (n p, m q). After `numpy.kron`.

    >>> from tinygrad_edu import Tensor
    >>> kron(Tensor([1.0, 2.0]), [1.0, 10.0])
    Tensor([ 1., 10.,  2., 20.])
    """
    a, b = as_operand(a), as_operand(b)
    ndim = max(a.ndim, b.ndim)
    outer, inner = (1,) * (ndim - a.ndim) + a.shape, (1,) * (ndim - b.ndim) + b.shape
    blocks = reshape(a, tuple(n for m in outer for n in (m, 1))) * reshape(b, tuple(n for m in inner for n in (1, m)))
    return reshape(blocks, tuple(n * m for n, m in zip(outer, inner, strict=True)))


@composed(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    """The coordinates of a grid: each vector along an axis of its own and stretched along the others.

    With `indexing` "xy" the first vector runs along the second axis, with "ij" along the first; with `sparse` the
    axes have length 1 where nothing changes. Raises ValueError for another `indexing`. After `numpy.meshgrid`.

    >>> from tinygrad_edu import Tensor
    >>> meshgrid(Tensor([1.0, 2.0]), Tensor([3.0]))
    (Tensor([[1., 2.]]), Tensor([[3., 3.]]))
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing is 'xy' or 'ij', not {indexing!r}")
    vectors, ndim = [ravel(x) for x in xi], len(xi)
    order = [1, 0, *range(2, ndim)] if indexing == "xy" and ndim > 1 else range(ndim)
    grid = [reshape(x, (1,) * i + (x.size,) + (1,) * (ndim - 1 - i)) for i, x in zip(order, vectors, strict=True)]
    if not sparse:
        shape = np.broadcast_shapes(*(x.shape for x in grid))
        grid = [broadcast_to(x, shape) for x in grid]
    return tuple(_copied(x) for x in grid) if copy else tuple(grid)


_copied = copy  # in the function above `copy` is NumPy's parameter


@composed(np.resize)
def resize(a: Any, new_shape: int | Shape) -> Any:
    """The numbers in another shape, from the first again as often as need be; zeros if there are none.

    Raises ValueError for a negative length. After `numpy.resize`.

    >>> from tinygrad_edu import Tensor
    >>> resize(Tensor([1.0, 2.0]), 3)
    Tensor([1., 2., 1.])
    """
    flat, shape = ravel(a), tuple(np.atleast_1d(new_shape).tolist())
    size = math.prod(shape)
    if any(n < 0 for n in shape):
        raise ValueError(f"no axis has a negative length: {shape}")
    if flat.size == 0:
        return broadcast_to(flat.sum(dtype=flat.dtype), shape)
    return reshape(getitem(tile(flat, -(-size // flat.size)), slice(size)), shape)
