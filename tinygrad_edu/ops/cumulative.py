"""Derivatives of running sums and products, of differences, and of the area under a curve."""

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_edu.device import library_of
from tinygrad_edu.glance import surely
from tinygrad_edu.graph import Array
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand, composed

__all__ = ["cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "diff", "nancumprod", "nancumsum", "trapezoid"]


def _cumsum(x: Array, axis: int | None = None, dtype: Any = None) -> Array:
    """The sums of the first numbers along an axis; of all of them in one row for None."""
    return np.cumsum(x, axis=axis, dtype=dtype)


def _cumsum_x(g: Any, x_shape: tuple[int, ...], axis: int | None) -> Any:
    """The sum of g from each place to the end."""
    along = -1 if axis is None else axis
    return np.reshape(np.flip(np.cumsum(np.flip(g, along), axis=along), along), x_shape)


def _cumprod(x: Array, axis: int | None = None, dtype: Any = None) -> Array:
    """The products of the first numbers along an axis; of all of them in one row for None."""
    return np.cumprod(x, axis=axis, dtype=dtype)


def _cumprod_x(g: Any, x: Any, out: Any, axis: int | None) -> Any:
    """The sum of g * out from each place to the end, divided by x, or without dividing where a product is 0."""
    if surely((out != 0) & np.isfinite(out)):
        return _cumsum_x(g * out, x.shape, axis) / x
    along = -1 if axis is None else axis
    rows, products, arriving = (np.moveaxis(t, along, -1) for t in (np.reshape(x, out.shape), out, g))
    left = np.concatenate([library_of(rows).ones((*rows.shape[:-1], 1), rows.dtype), products[..., :-1]], axis=-1)
    return np.reshape(np.moveaxis(left * _from_the_right(arriving, rows), -1, along), x.shape)


def _from_the_right(g: Any, x: Any) -> Any:
    """r with r[i] = g[i] + x[i+1] r[i+1] along the last axis, in log2(n) steps, each twice as far as the last."""
    length, lead = x.shape[-1], x.shape[:-1]
    behind = library_of(x).zeros((*lead, min(length, 1)), x.dtype)
    total, factor = g, np.concatenate([x[..., 1:], behind], axis=-1)
    far = 1
    while far < length:
        nothing = library_of(x).zeros((*lead, far), x.dtype)
        total = total + factor * np.concatenate([total[..., far:], nothing], axis=-1)
        factor = factor * np.concatenate([factor[..., far:], nothing], axis=-1)
        far *= 2
    return total


def _diff(x: Array, axis: int) -> Array:
    """x[i+1] - x[i] along an axis."""
    return np.diff(x, axis=axis)


def _diff_x(g: Any, x_shape: tuple[int, ...], axis: int) -> Any:
    """Minus the differences of g with a 0 before and a 0 after it."""
    if x_shape[axis] == 0:
        return library_of(g).zeros(x_shape)
    edge = library_of(g).zeros((*g.shape[:axis], 1, *g.shape[axis + 1 :]), g.dtype)
    return -difference(np.concatenate([edge, g, edge], axis=axis), axis)


cumsum = Op(_cumsum, implements=[np.cumsum], x=_cumsum_x)
cumprod = Op(_cumprod, implements=[np.cumprod], x=_cumprod_x)
difference: Op = Op(_diff, name="diff", x=_diff_x)


@composed(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """a[i+1] - a[i] along an axis, n times over; `prepend` and `append` join more numbers to it. After `numpy.diff`.

    >>> from tinygrad_edu import Tensor
    >>> diff(Tensor([1.0, 4.0, 9.0]), prepend=0.0)
    Tensor([1., 3., 5.])
    """
    a = as_operand(a)
    if n < 0:
        raise ValueError(f"differences are taken n = 0, 1, 2, ... times, not {n}")
    if a.ndim == 0:
        raise ValueError("a single number has no differences: diff needs an array with at least one axis")
    if n == 0:
        return a
    axis = normalize_axis_index(axis, a.ndim)
    edge = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
    ends = [None if end is None else as_operand(end, a) for end in (prepend, append)]
    before, after = (e if e is None or e.ndim else np.broadcast_to(e, edge) for e in ends)
    joined = [part for part in (before, a, after) if part is not None]
    a = np.concatenate(joined, axis=axis) if len(joined) > 1 else a
    for _ in range(n):
        a = difference(a, axis)
    return a


def _cumulative(total: Op, start: int, x: Any, axis: int | None, dtype: Any, include_initial: bool) -> Any:
    x = as_operand(x)
    if axis is None and x.ndim != 1:
        raise ValueError(f"the axis to go along is needed for an array of {x.ndim} axes: axis=0")
    out = total(x, axis or 0, dtype)
    if not include_initial:
        return out
    axis = normalize_axis_index(axis or 0, x.ndim)
    first = library_of(x).full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), start, out.dtype)
    return np.concatenate([first, out], axis=axis)


@composed(np.cumulative_sum)
def cumulative_sum(x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Any:
    """`cumsum`, with a 0 before it if asked. After `numpy.cumulative_sum`.

    >>> from tinygrad_edu import Tensor
    >>> cumulative_sum(Tensor([1.0, 2.0]), include_initial=True)
    Tensor([0., 1., 3.])
    """
    return _cumulative(cumsum, 0, x, axis, dtype, include_initial)


@composed(np.cumulative_prod)
def cumulative_prod(x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Any:
    """`cumprod`, with a 1 before it if asked. After `numpy.cumulative_prod`.

    >>> from tinygrad_edu import Tensor
    >>> cumulative_prod(Tensor([2.0, 3.0]), include_initial=True)
    Tensor([1., 2., 6.])
    """
    return _cumulative(cumprod, 1, x, axis, dtype, include_initial)


@composed(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The area under y by trapezoids: the sum of (x[i+1] - x[i]) (y[i+1] + y[i]) / 2. After `numpy.trapezoid`.

    >>> from tinygrad_edu import Tensor
    >>> trapezoid(Tensor([1.0, 2.0, 3.0]))
    Tensor(4.)
    """
    y = as_operand(y)
    y = np.moveaxis(y, axis, -1)
    if x is None:
        if np.ndim(dx) == 0 and y.shape[-1] > 1:  # half of the ends: one pass less
            return dx * (np.sum(y[..., 1:-1], axis=-1) + 0.5 * y[..., 0] + 0.5 * y[..., -1])
        step = dx
    else:
        x = as_operand(x)
        step = difference(x, 0) if x.ndim == 1 else difference(np.moveaxis(x, axis, -1), x.ndim - 1)
    return np.sum(step * (y[..., 1:] + y[..., :-1]), axis=-1) / 2


@composed(np.nancumsum)
def nancumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """`cumsum` with 0 for NaN. After `numpy.nancumsum`.

    >>> from tinygrad_edu import Tensor
    >>> nancumsum(Tensor([1.0, float("nan"), 2.0]))
    Tensor([1., 1., 3.])
    """
    return cumsum(np.where(np.isnan(a), 0, as_operand(a)), axis, dtype)


@composed(np.nancumprod)
def nancumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """`cumprod` with 1 for NaN. After `numpy.nancumprod`.

    >>> from tinygrad_edu import Tensor
    >>> nancumprod(Tensor([2.0, float("nan"), 3.0]))
    Tensor([2., 2., 6.])
    """
    return cumprod(np.where(np.isnan(a), 1, as_operand(a)), axis, dtype)
