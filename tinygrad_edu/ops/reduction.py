"""Derivatives of what makes one number of many: `sum`, `mean`, `prod`, `var`, `std`, `max`, `min`, `logsumexp`.

All take an axis, a tuple of them, or None for all, and `where=`, a mask of the numbers that count, as NumPy's do.
"""

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_edu.device import is_cupy, library_of
from tinygrad_edu.glance import surely
from tinygrad_edu.graph import HALF, Array, array_of
from tinygrad_edu.kernels import HOST
from tinygrad_edu.op import Op
from tinygrad_edu.ops import masked

__all__ = [
    "log_softmax",
    "logsumexp",
    "max",
    "mean",
    "min",
    "nanmax",
    "nanmin",
    "prod",
    "softmax",
    "std",
    "sum",
    "var",
]

Axis = Any  # an int, a tuple of ints, or None for all
Shape = tuple[int, ...]
NONE: Any = np._NoValue  # what NumPy takes for "no initial value"
TIES = "shared equally among equal numbers"


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes as numbers from 0; `numpy.exceptions.AxisError` for one that is not there."""
    if axis is None or ndim == 0:  # NumPy reduces a single number along any axis
        return tuple(range(ndim))
    return tuple(normalize_axis_tuple(axis, ndim))


def _restore(g: Any, x_shape: Shape, axis: Axis, keepdims: bool) -> Any:
    """`g` with the reduced axes back as axes of length 1, so that it stretches over the operand."""
    return g if keepdims or axis is None or x_shape == () else np.expand_dims(g, axis)


def _spread(g: Any, x_shape: Shape, axis: Axis, keepdims: bool, where: Any) -> Any:
    """g for every number that was summed."""
    if where is not True:
        return np.where(where, np.broadcast_to(_restore(g, x_shape, axis, keepdims), x_shape), 0)
    if isinstance(g, np.generic) and math.prod(x_shape) <= 4096:  # broadcast_to takes 2.1 us, this 0.5
        full = np.empty(x_shape, g.dtype)
        full.fill(g)
        return full
    return np.broadcast_to(_restore(g, x_shape, axis, keepdims), x_shape)


def _count(x_shape: Shape, axis: Axis, where: Any) -> Any:
    """How many numbers are reduced to one; an array of counts, reduced axes kept, where a mask says which."""
    axes = axes_of(axis, len(x_shape))
    if where is True:
        return math.prod(x_shape[i] for i in axes)
    return np.broadcast_to(where, x_shape).sum(axis=axes, keepdims=True)


def _shared(g: Any, count: Any) -> Any:
    """g / count, at least 1; divided in float64, because a large count overflows float16."""
    count = np.float64(count or 1) if isinstance(count, int) else np.maximum(count, 1.0)
    return (g / count).astype(g.dtype, copy=False)


def _mean_x(g: Any, x_shape: Shape, axis: Axis, keepdims: bool, where: Any) -> Any:
    """g / n for each of the n numbers."""
    if where is True:
        return _spread(_shared(g, math.prod(x_shape) // (g.size or 1)), x_shape, axis, keepdims, where)
    share = _shared(_restore(g, x_shape, axis, keepdims), _count(x_shape, axis, where))
    return np.where(where, np.broadcast_to(share, x_shape), 0)


def _var_x(g: Any, x: Any, axis: Axis, ddof: float, keepdims: bool, where: Any) -> Any:
    """g 2 (x - mean) / (n - ddof); what the mean passes on sums to 0."""
    degrees = _count(x.shape, axis, where) - ddof
    degrees = np.float64(degrees) if isinstance(degrees, int | float) else degrees
    scale = (_restore(g, x.shape, axis, keepdims) * (2 / degrees)).astype(g.dtype)
    slope = scale * (x - (mean if hasattr(x, "grad_fn") else _mean)(x, axis, keepdims=True, where=where))
    return slope if where is True else np.where(where, slope, 0)


def _std_x(g: Any, x: Any, out: Any, axis: Axis, ddof: float, keepdims: bool, where: Any) -> Any:
    """g (x - mean) / ((n - ddof) out), and 0 where all numbers are equal, up to the rounding of their mean."""
    level = abs(_mean(array_of(x), axis, keepdims=keepdims, where=where))
    equal = array_of(out) <= 4 * np.finfo(out.dtype).eps * level
    return _var_x(g / (2 * np.where(equal, np.inf, out)), x, axis, ddof, keepdims, where)


def _extreme_x(g: Any, x: Any, out: Any, axis: Axis, keepdims: bool, where: Any) -> Any:
    """g for the extreme number, shared among equals, 0 elsewhere."""
    chosen = x == _restore(out, x.shape, axis, keepdims)
    if where is not True:
        chosen = chosen & where
    found = array_of(chosen)
    count = found.sum(axis, keepdims=True) if is_cupy(found) else np.count_nonzero(found, axis=axis, keepdims=True)
    return chosen * _shared(_restore(g, x.shape, axis, keepdims), count)


def _nan_extreme_x(g: Any, x: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    """g for the extreme number, shared among equals, 0 elsewhere."""
    return _extreme_x(g, x, out, axis, keepdims, True)


def _prod_x(g: Any, x: Any, out: Any, axis: Axis, keepdims: bool, initial: Any, where: Any) -> Any:
    """g times the product of the other numbers: out / x, or without dividing where the product is 0."""
    g = _restore(g, x.shape, axis, keepdims)
    if where is not True:
        x = np.where(where, x, 1)
    value = getattr(out, "_value", out)
    if surely((value != 0) & np.isfinite(value)):
        slope = g * _restore(out, x.shape, axis, keepdims) / x
    else:
        slope = g * (_product_of_others(x, axis) * initial)
    return slope if where is True else np.where(where, slope, 0)


def _product_of_others(x: Any, axis: Axis) -> Any:
    """For every number the product of all the others that it is reduced with, by a tree of products.

    Upwards neighbours are multiplied until one number is left; downwards each gets what its parent has, times its
    neighbour. Nothing is divided, so that zeros do no harm, and the ops used make the same true of its derivatives.
    """
    axes = axes_of(axis, x.ndim)
    order = (*(i for i in range(x.ndim) if i not in axes), *axes)
    moved = np.transpose(x, order)
    lead, length = moved.shape[: x.ndim - len(axes)], math.prod(x.shape[i] for i in axes)
    if length == 0:
        return x
    full = 1 << (length - 1).bit_length()
    ones = library_of(x).ones((*lead, full - length), x.dtype)
    level = np.concatenate([np.reshape(moved, (*lead, length)), ones], axis=-1)
    pairs = []
    while level.shape[-1] > 1:
        pairs.append(np.reshape(level, (*lead, level.shape[-1] // 2, 2)))
        level = pairs[-1][..., 0] * pairs[-1][..., 1]
    others: Any = library_of(x).ones((*lead, 1), x.dtype)
    for pair in reversed(pairs):
        others = np.reshape(others[..., None] * pair[..., ::-1], (*lead, 2 * others.shape[-1]))
    back = np.reshape(others[..., :length], moved.shape)
    return np.transpose(back, np.argsort(order).tolist())


def _sum(
    x: Array, axis: Axis = None, dtype: Any = None, *, keepdims: Any = False, initial: Any = 0, where: Any = True
) -> Array:
    """The sum over an axis, several, or all."""
    if is_cupy(x):
        return masked.total(x, axis, dtype, keepdims, initial, where)
    if x.dtype is HALF and dtype is None:  # of which NumPy adds many along the first axis up to 2048, and no further
        return _add_reduce(x, axis, np.float32, None, keepdims, initial, where).astype(HALF)
    return _add_reduce(x, axis, dtype, None, keepdims, initial, where)


def _prod(
    x: Array, axis: Axis = None, dtype: Any = None, *, keepdims: Any = False, initial: Any = 1, where: Any = True
) -> Array:
    """The product over an axis, several, or all."""
    if is_cupy(x):
        return masked.product(x, axis, dtype, keepdims, initial, where)
    return np.prod(x, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)


def _mean(x: Array, axis: Axis = None, dtype: Any = None, *, keepdims: Any = False, where: Any = True) -> Array:
    """The mean over an axis, several, or all."""
    if is_cupy(x):
        return masked.average(x, axis, dtype, keepdims, where)
    return x.mean(axis, dtype, None, keepdims, where=where)


def _var(
    x: Array, axis: Axis = None, dtype: Any = None, ddof: float = 0, *, keepdims: Any = False, where: Any = True
) -> Array:
    """The mean squared distance from the mean; divided by n - ddof."""
    if is_cupy(x):
        return masked.variance(x, axis, dtype, ddof, keepdims, where)
    return np.var(x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=where)


def _std(
    x: Array, axis: Axis = None, dtype: Any = None, ddof: float = 0, *, keepdims: Any = False, where: Any = True
) -> Array:
    """The root of the variance."""
    if is_cupy(x):
        return np.sqrt(masked.variance(x, axis, dtype, ddof, keepdims, where))
    return np.std(x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=where)


def _max(x: Array, axis: Axis = None, *, keepdims: Any = False, initial: Any = NONE, where: Any = True) -> Array:
    """The largest number along an axis, several, or all."""
    if is_cupy(x):
        return masked.extreme("max", x, axis, keepdims, initial, where)
    return _max_reduce(x, axis, None, None, keepdims, initial, where)


def _min(x: Array, axis: Axis = None, *, keepdims: Any = False, initial: Any = NONE, where: Any = True) -> Array:
    """The smallest number along an axis, several, or all."""
    if is_cupy(x):
        return masked.extreme("min", x, axis, keepdims, initial, where)
    return _min_reduce(x, axis, None, None, keepdims, initial, where)


def _nanmax(x: Array, axis: Axis = None, *, keepdims: Any = False) -> Array:
    """The largest number that is not NaN."""
    return np.nanmax(x, axis=axis, keepdims=keepdims)


def _nanmin(x: Array, axis: Axis = None, *, keepdims: Any = False) -> Array:
    """The smallest number that is not NaN."""
    return np.nanmin(x, axis=axis, keepdims=keepdims)


def _softmax(x: Array, axis: Axis = -1) -> Array:
    """exp(x) divided by its sum along the axis, from the largest term so that nothing overflows."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def _logsumexp(x: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """log of the sum of exp(x) along an axis, several, or all: from the largest term, so that nothing overflows."""
    return _logsumexp_and_terms(x, axis, keepdims)[0]


def _logsumexp_and_terms(x: Array, axis: Axis, keepdims: bool) -> tuple[Array, Array, Array]:
    """The result, and beside it the terms of the sum and the sum, both divided by the largest term."""
    largest = _largest(x, axis)
    terms = np.exp(x - largest)
    total = _add_reduce(terms, axis, None, None, True)
    if surely(total):
        out = np.log(total) + largest
    else:
        with np.errstate(divide="ignore"):
            out, total = np.log(total) + largest, np.where(total == 0, 1, total)
    if not keepdims and out.ndim:
        out = np.squeeze(out, axis)
    return out if out.ndim else out[()], terms, total


def _largest(x: Any, axis: Axis) -> Array:
    """The largest numbers, reduced axes kept, as constants; 0 for those that are infinite."""
    value = array_of(x)
    value = value if value.dtype.kind == "f" else value.astype(float)
    largest = _max(value, axis, keepdims=True, initial=-np.inf)
    return largest if surely(np.isfinite(largest)) else np.where(np.isfinite(largest), largest, 0).astype(largest.dtype)


def _terms(x: Any, axis: Axis) -> Any:
    return np.exp(x - _largest(x, axis))


def _total(x: Any, axis: Axis) -> Any:
    total = np.sum(_terms(x, axis), axis=axis, keepdims=True)
    return np.where(total == 0, 1, total)


def _logsumexp_x(g: Any, terms: Any, total: Any, axis: Axis, keepdims: bool, x_shape: Shape) -> Any:
    """g times the softmax of x; 0 where every term is -inf."""
    return terms * (_restore(g, x_shape, axis, keepdims) / total)


def _log_softmax(x: Array, axis: Axis = -1) -> Array:
    """x - logsumexp(x) along the axis."""
    moved = x - np.max(x, axis=axis, keepdims=True)
    return moved - np.log(np.sum(np.exp(moved), axis=axis, keepdims=True))


# A ufunc's reduce takes (array, axis, dtype, out, keepdims, ...) in order too, in 1 us less; the stubs know names only.
_add_reduce: Any = np.add.reduce
_max_reduce: Any = np.maximum.reduce
_min_reduce: Any = np.minimum.reduce

sum = Op(
    _sum,
    masks=True,
    forward=lambda x, axis, dtype, keepdims, initial, where: (
        _add_reduce(x, axis, dtype, None, keepdims, initial, where)
        if type(x) in HOST and x.dtype is not HALF
        else _sum(x, axis, dtype, keepdims=keepdims, initial=initial, where=where)
    ),
    implements=[np.sum],
    x=_spread,
)
mean = Op(
    _mean,
    masks=True,
    forward=lambda x, axis, dtype, keepdims, where: (
        x.mean(axis, dtype, None, keepdims, where=where)
        if type(x) in HOST
        else _mean(x, axis, dtype, keepdims=keepdims, where=where)
    ),
    implements=[np.mean],
    x=_mean_x,
)
prod = Op(_prod, masks=True, implements=[np.prod], x=_prod_x)
var = Op(_var, masks=True, implements=[np.var], x=_var_x)
std = Op(_std, masks=True, implements=[np.std], x=_std_x, kink="0 where all numbers are equal, as for a norm")
max = Op(
    _max,
    masks=True,
    forward=lambda x, axis, keepdims, initial, where: (
        _max_reduce(x, axis, None, None, keepdims, initial, where)
        if type(x) in HOST
        else _max(x, axis, keepdims=keepdims, initial=initial, where=where)
    ),
    implements=[np.max, np.amax],
    x=_extreme_x,
    kink=TIES,
)
min = Op(
    _min,
    masks=True,
    forward=lambda x, axis, keepdims, initial, where: (
        _min_reduce(x, axis, None, None, keepdims, initial, where)
        if type(x) in HOST
        else _min(x, axis, keepdims=keepdims, initial=initial, where=where)
    ),
    implements=[np.min, np.amin],
    x=_extreme_x,
    kink=TIES,
)
nanmax = Op(_nanmax, implements=[np.nanmax], x=_nan_extreme_x, kink=f"{TIES}, 0 for a NaN")
nanmin = Op(_nanmin, implements=[np.nanmin], x=_nan_extreme_x, kink=f"{TIES}, 0 for a NaN")
softmax = Op(_softmax, x=lambda g, out, axis: out * (g - np.sum(g * out, axis=axis, keepdims=True)))
log_softmax = Op(_log_softmax, x=lambda g, out, axis: g - np.exp(out) * np.sum(g, axis=axis, keepdims=True))
logsumexp = Op(_logsumexp, forward=_logsumexp_and_terms, beside={"terms": _terms, "total": _total}, x=_logsumexp_x)
