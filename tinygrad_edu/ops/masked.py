"""Reductions with `where=` and `initial=` of arrays whose own know neither, as those of CuPy."""

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_edu.graph import Array


def total(x: Array, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Array:
    """The sum."""
    out = _counted(x, where, 0).sum(axis, dtype, None, keepdims)
    return out if initial is np._NoValue or initial == 0 else out + initial


def product(x: Array, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Array:
    """The product."""
    out = _counted(x, where, 1).prod(axis, dtype, None, keepdims)
    return out if initial is np._NoValue or initial == 1 else out * initial


def average(x: Array, axis: Any, dtype: Any, keepdims: bool, where: Any) -> Array:
    """The mean."""
    if where is True:
        return x.mean(axis, dtype, None, keepdims)
    wide = dtype or np.result_type(x.dtype, np.float32 if x.dtype.kind == "f" else np.float64)
    out = total(x, axis, wide, keepdims, 0, where) / _count(x, axis, keepdims, where)
    return out.astype(dtype or (x.dtype if x.dtype.kind == "f" else wide), copy=False)


def variance(x: Array, axis: Any, dtype: Any, ddof: float, keepdims: bool, where: Any) -> Array:
    """The variance."""
    if where is True:
        return x.var(axis, dtype, None, ddof, keepdims)
    centred = x - average(x, axis, dtype, True, where)
    out = total(centred * centred, axis, dtype, keepdims, 0, where)
    return out / np.maximum(_count(x, axis, keepdims, where) - ddof, 0).astype(out.dtype)


def extreme(of: str, x: Array, axis: Any, keepdims: bool, initial: Any, where: Any) -> Array:
    """The largest or smallest number: `of` is "max" or "min"."""
    begun = initial is not np._NoValue
    if where is not True and not begun:
        raise ValueError(f"{of} with a mask needs initial=, the result where the mask leaves nothing")
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
    if begun and not math.prod(x.shape[i] for i in axes):
        lengths = [1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes]
        return np.full_like(x, initial, shape=tuple(lengths))
    out = getattr(_counted(x, where, initial), of)(axis, None, keepdims)
    return getattr(np, f"{of}imum")(out, initial) if begun else out


def _counted(x: Array, where: Any, other: Any) -> Array:
    """The numbers that count, and another for those that do not."""
    return x if where is True else np.where(where, x, other).astype(x.dtype, copy=False)


def _count(x: Array, axis: Any, keepdims: bool, where: Any) -> Array:
    """How many numbers count."""
    return np.broadcast_to(where, x.shape).sum(axis, keepdims=keepdims)
