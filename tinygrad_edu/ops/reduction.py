"""Derivatives of what makes one number of many: `sum`, `mean`, `max`, `min`.

Convention: `max` and `min` share the gradient equally among the tied elements.
"""

import math
from typing import Any

import numpy as np

from tinygrad_edu.graph import Array
from tinygrad_edu.op import Op

__all__ = [
    "max",
    "mean",
    "min",
    "sum",
]

Axis = Any  # an int, a tuple of ints, or None for all
Shape = tuple[int, ...]


def _restore(g: Any, x_shape: Shape, axis: Axis, keepdims: bool) -> Any:
    """`g` with the reduced axes back as axes of length 1, so that it stretches over the operand."""
    return g if keepdims or axis is None or x_shape == () else np.expand_dims(g, axis)


def _spread(g: Any, x_shape: Shape, axis: Axis, keepdims: bool) -> Any:
    """Every number of the operand counts once: each gets all of g."""
    if isinstance(g, np.generic) and math.prod(x_shape) <= 4096:  # broadcast_to takes 2.1 us, this 0.5
        full = np.empty(x_shape, g.dtype)
        full.fill(g)
        return full
    return np.broadcast_to(_restore(g, x_shape, axis, keepdims), x_shape)


def _spread_mean(g: Any, x_shape: Shape, axis: Axis, keepdims: bool) -> Any:
    """Every number of the operand counts 1/n."""
    axes = range(len(x_shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    count = np.prod([x_shape[i] for i in axes], dtype=int) if x_shape else 1
    share = (g / np.float64(count or 1)).astype(g.dtype)  # divided in float64: a large count overflows float16
    return _spread(share, x_shape, axis, keepdims)


def _share(g: Any, x: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    """Each of the k numbers that equal the extreme gets g / k."""
    chosen = x == _restore(out, x.shape, axis, keepdims)
    return chosen * (_restore(g, x.shape, axis, keepdims) / chosen.sum(axis=axis, keepdims=True))


def _sum(x: Array, axis: Axis = None, dtype: Any = None, *, keepdims: Any = False) -> Array:
    """The sum over an axis, several, or all."""
    return np.add.reduce(x, axis=axis, dtype=dtype, keepdims=keepdims)


def _mean(x: Array, axis: Axis = None, dtype: Any = None, *, keepdims: Any = False) -> Array:
    """The mean over an axis, several, or all."""
    return np.mean(x, axis=axis, dtype=dtype, keepdims=keepdims)


def _max(x: Array, axis: Axis = None, *, keepdims: Any = False) -> Array:
    """The largest number along an axis, several, or all."""
    return np.maximum.reduce(x, axis=axis, keepdims=keepdims)


def _min(x: Array, axis: Axis = None, *, keepdims: Any = False) -> Array:
    """The smallest number along an axis, several, or all."""
    return np.minimum.reduce(x, axis=axis, keepdims=keepdims)


# A ufunc's reduce takes (array, axis, dtype, out, keepdims) in order too, in 1 us less; NumPy's stubs know it by name.
_add_reduce: Any = np.add.reduce
_max_reduce: Any = np.maximum.reduce
_min_reduce: Any = np.minimum.reduce

sum = Op(
    _sum,
    forward=lambda x, axis, dtype, keepdims: _add_reduce(x, axis, dtype, None, keepdims),
    implements=[np.sum, np.add.reduce],
    x=_spread,
)
mean = Op(_mean, implements=[np.mean], x=_spread_mean)
max = Op(
    _max,
    forward=lambda x, axis, keepdims: _max_reduce(x, axis, None, None, keepdims),
    implements=[np.max, np.maximum.reduce],
    x=_share,
)
min = Op(
    _min,
    forward=lambda x, axis, keepdims: _min_reduce(x, axis, None, None, keepdims),
    implements=[np.min, np.minimum.reduce],
    x=_share,
)
