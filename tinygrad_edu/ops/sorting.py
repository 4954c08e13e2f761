"""Derivatives of sorting and of order statistics: the gradient goes back to the places that the numbers came from.

Equal numbers keep the order that NumPy's `argsort` gives them, so each gets the gradient of the place that it went to.
"""

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_edu.device import CPU, is_cupy, library_of, moved
from tinygrad_edu.errors import UnsupportedError
from tinygrad_edu.graph import Array, array_of
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand, composed
from tinygrad_edu.ops.reduction import Axis, axes_of

__all__ = [
    "median",
    "nanmedian",
    "nanpercentile",
    "nanquantile",
    "partition",
    "percentile",
    "quantile",
    "sort",
    "unique",
]


def _ordered(x: Array, order: Array, axis: int) -> Array:
    """x[order] along an axis, where `order` names every place at most once."""
    return np.take_along_axis(x, order, axis)


def _disordered(g: Array, order: Array, axis: int, length: int) -> Array:
    """Zeros with g put at `order` along an axis: the inverse of a sort."""
    out = library_of(g).zeros((*g.shape[:axis], length, *g.shape[axis + 1 :]), g.dtype)
    np.put_along_axis(out, order, g, axis)
    return out


ORDER = "each of several equal numbers gets the gradient of the place that argsort gave it"
ordered: Op = Op(
    _ordered,
    name="sort",
    x=lambda g, x_shape, order, axis: disordered(g, order, axis, x_shape[axis]),
    kink=ORDER,
)
disordered: Op = Op(_disordered, name="unsort", g=lambda g, order, axis: ordered(g, order, axis))


def _along(a: Any, axis: int | None) -> tuple[Any, int]:
    """The array and the axis to sort along: all in one row for None."""
    a = as_operand(a)
    if a.ndim == 0 and axis is not None:
        raise ValueError("a single number has no axis to sort along: pass axis=None, or an array")
    return (np.reshape(a, -1), 0) if axis is None else (a, normalize_axis_index(axis, a.ndim))


@composed(np.sort)
def sort(a: Any, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> Any:
    """The numbers in ascending order along an axis, of all in one row for None. After `numpy.sort`.

    >>> from tinygrad_edu import Tensor
    >>> sort(Tensor([3.0, 1.0, 2.0]))
    Tensor([1., 2., 3.])
    """
    a, along = _along(a, axis)
    value = array_of(a)
    order = np.argsort(value, along) if is_cupy(value) else np.argsort(value, along, kind, stable=stable)
    return ordered(a, order, along)  # CuPy's is always stable


@composed(np.partition)
def partition(a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect") -> Any:
    """The numbers such that number `kth` is where sorting puts it, no larger ones before it. After `numpy.partition`.

    >>> from tinygrad_edu import Tensor
    >>> partition(Tensor([3.0, 1.0, 2.0]), 0)[0]
    Tensor(1.)
    """
    a, along = _along(a, axis)
    value = array_of(a)
    order = np.argpartition(value, kth, along) if is_cupy(value) else np.argpartition(value, kth, along, kind)
    return ordered(a, order, along)


def _places(count: int, q: Any, method: Any) -> Any:
    """The places of the quantiles among `count` sorted numbers: those of 0, 1, 2, ... themselves."""
    return np.quantile(np.arange(count, dtype=float), q.ravel(), method=method)


def _quantile(a: Any, q: Any, axis: Axis, keepdims: bool, method: Any, skip_nan: bool, middle: bool = False) -> Any:
    """The numbers at the places q of the sorted order, interpolated between neighbours as the method says.

    Every method is linear in the sorted numbers, so that the quantile of 0, 1, 2, ... is the place itself.
    """
    a, given = as_operand(a), q
    a = np.astype(a, float) if a.dtype.kind == "b" else a
    by_q = getattr(q, "requires_grad", False)
    if by_q and method != "linear":
        raise UnsupportedError(f"method={method!r} is not differentiated by q: pass q.detach(), or method='linear'")
    q = moved(array_of(q), CPU)  # where to look is found on the host, and so are the numbers that count
    if q.dtype.kind not in "fiub" or np.any((q < 0) | (q > 1)):
        raise ValueError("quantiles are given as numbers from 0 to 1, percentiles from 0 to 100")
    axes = axes_of(axis, a.ndim)
    rest = tuple(i for i in range(a.ndim) if i not in axes)
    lead = tuple(a.shape[i] for i in rest)
    rows = np.reshape(np.transpose(a, (*rest, *axes)), (*lead, math.prod(a.shape[i] for i in axes)))
    length = rows.shape[-1]
    shape = tuple(1 if i in axes else n for i, n in enumerate(a.shape)) if keepdims else lead
    if length == 0 and 0 in lead:  # none of none
        return np.reshape(rows, (*q.shape, *shape))
    if length == 0:
        raise ValueError("no numbers have no quantile: the array is empty along the axis")
    value = array_of(rows)
    everywhere = _places(length, q, method)
    some = value.size and np.isnan(np.min(value))  # one pass tells whether any number is missing
    missing = np.isnan(value) if some else None
    counts, at = np.full(lead, length), np.broadcast_to(everywhere, (*lead, q.size))
    there = library_of(value).asarray
    if missing is not None and skip_nan:
        counts, at = length - moved(missing.sum(-1), CPU), np.array(at)
        for count in np.unique(counts):
            at[counts == count] = _places(max(count, 1), q, method)
    below = np.floor(at).astype(int)
    above = np.minimum(below + 1, np.maximum(counts, 1)[..., None] - 1)
    if missing is not None:
        order = np.argsort(value, -1)  # NaN comes last
    else:
        low = np.floor(everywhere).astype(int)
        order = np.argpartition(value, np.unique([low, np.minimum(low + 1, length - 1)]).tolist(), -1)
    places = np.take_along_axis(order, there(np.concatenate([below, above], -1)), -1)
    ends = np.take_along_axis(rows, places, -1)
    low, high = ends[..., : q.size], ends[..., q.size :]
    if by_q:  # the place is q (n - 1)
        share = np.ravel(given) * there((np.maximum(counts, 1) - 1)[..., None]) - there(below)
    else:
        share = there(at - below)
    if isinstance(given, int | float) and rows.dtype.kind == "f":  # a Python number, which leaves float32 as it is
        share = np.astype(share, rows.dtype)
    if middle:  # also of infinite neighbours
        result = np.where(share == 0, low, 0.5 * low + 0.5 * high)
    elif method in ("lower", "higher", "nearest", "inverted_cdf", "closest_observation"):
        result = low
    else:
        result = low + (high - low) * share
    if missing is not None:
        undefined = there(counts == 0) if skip_nan else missing.any(-1)
        result = np.where(undefined[..., None], np.nan, result) if undefined.any() else result
    return np.reshape(np.moveaxis(result, -1, 0), (*q.shape, *shape))


def _refuse(weights: Any) -> None:
    if weights is not None:
        raise UnsupportedError(
            "quantiles with weights have no derivative here: repeat the numbers, np.repeat(a, weights), or compute on"
            " the values alone, a.numpy()"
        )


@composed(np.quantile)
def quantile(
    a: Any,
    q: Any,
    axis: Axis = None,
    overwrite_input: bool = False,  # noqa: ARG001 - NumPy's permission to spoil the input, which a graph needs
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """The number that a share q (0 to 1) of the numbers lie below, between its neighbours as `method` says.

    The gradient goes to the neighbours. All of NumPy's methods, without weights. After `numpy.quantile`.

    >>> from tinygrad_edu import Tensor
    >>> quantile(Tensor([3.0, 1.0, 2.0, 4.0]), 0.5)
    Tensor(2.5)
    """
    _refuse(weights)
    return _quantile(a, q, axis, keepdims, method, skip_nan=False)


@composed(np.percentile)
def percentile(
    a: Any,
    q: Any,
    axis: Axis = None,
    overwrite_input: bool = False,  # noqa: ARG001 - as for quantile
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """`quantile` with q from 0 to 100. After `numpy.percentile`.

    >>> from tinygrad_edu import Tensor
    >>> percentile(Tensor([3.0, 1.0, 2.0]), 50)
    Tensor(2.)
    """
    _refuse(weights)
    return _quantile(a, np.true_divide(q, 100), axis, keepdims, method, skip_nan=False)


@composed(np.median)
def median(a: Any, axis: Axis = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:  # noqa: ARG001 - as for quantile
    """The number in the middle of the sorted ones, or the mean of the two there. After `numpy.median`.

    >>> from tinygrad_edu import Tensor
    >>> median(Tensor([3.0, 1.0, 2.0]))
    Tensor(2.)
    """
    return _quantile(a, 0.5, axis, keepdims, "linear", skip_nan=False, middle=True)


@composed(np.nanquantile)
def nanquantile(
    a: Any,
    q: Any,
    axis: Axis = None,
    overwrite_input: bool = False,  # noqa: ARG001 - as for quantile
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """`quantile` of the numbers that are not NaN; NaN where there are none. After `numpy.nanquantile`.

    >>> from tinygrad_edu import Tensor
    >>> nanquantile(Tensor([3.0, float("nan"), 2.0]), 0.5)
    Tensor(2.5)
    """
    _refuse(weights)
    return _quantile(a, q, axis, keepdims, method, skip_nan=True)


@composed(np.nanpercentile)
def nanpercentile(
    a: Any,
    q: Any,
    axis: Axis = None,
    overwrite_input: bool = False,  # noqa: ARG001 - as for quantile
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """`percentile` of the numbers that are not NaN; NaN where there are none. After `numpy.nanpercentile`.

    >>> from tinygrad_edu import Tensor
    >>> nanpercentile(Tensor([3.0, float("nan"), 2.0]), 100)
    Tensor(3.)
    """
    _refuse(weights)
    return _quantile(a, np.true_divide(q, 100), axis, keepdims, method, skip_nan=True)


@composed(np.nanmedian)
def nanmedian(a: Any, axis: Axis = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:  # noqa: ARG001 - as for quantile
    """`median` of the numbers that are not NaN; NaN where there are none. After `numpy.nanmedian`.

    >>> from tinygrad_edu import Tensor
    >>> nanmedian(Tensor([3.0, float("nan"), 2.0]))
    Tensor(2.5)
    """
    return _quantile(a, 0.5, axis, keepdims, "linear", skip_nan=True, middle=True)


@composed(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
) -> Any:
    """The different numbers in ascending order, and whatever else is asked for; the first of equals gets the gradient.

    After `numpy.unique`.

    >>> from tinygrad_edu import Tensor
    >>> unique(Tensor([3.0, 1.0, 3.0]))
    Tensor([1., 3.])
    """
    a = as_operand(ar)
    _, first, inverse, counts = np.unique(array_of(a), True, True, True, axis, equal_nan=equal_nan)
    values = np.reshape(a, -1)[first] if axis is None else np.take(a, first, axis=axis)
    asked = zip((return_index, return_inverse, return_counts), (first, inverse, counts), strict=True)
    more = [found for wanted, found in asked if wanted]
    return (values, *more) if more else values
