"""Derivatives of `t[key]` and `t[key] = value`: numbers are read from places, gradients are added back to them."""

from typing import Any

import numpy as np

from tinygrad_edu.graph import Array
from tinygrad_edu.op import Op

__all__ = [
    "getitem",
    "scatter",
    "setitem",
]

Shape = tuple[int, ...]


def _getitem(x: Array, key: Any) -> Array:
    return x[key]


def _scatter(g: Array, key: Any, shape: Shape) -> Array:
    """Zeros of the shape, with `g` added at `key`: a place that was read twice gets both."""
    out = np.zeros_like(g, shape=shape)
    if repeats(key):
        np.add.at(out, key, g)
    else:
        out[key] = g
    return out


def _setitem(x: Array, value: Array, key: Any) -> Array:
    """A copy of `x` with `value` at `key`."""
    out = np.array(x)
    out[key] = value
    return out


def _value_of(g: Any, x_shape: Shape, key: Any) -> Any:
    """What arrives at `key`; where a place is named several times, only the last write counts."""
    read = getitem(g, key)
    if not repeats(key):
        return read
    turns = np.arange(read.size).reshape(read.shape)
    last = np.zeros(x_shape, dtype=int)
    last[key] = turns
    return read * (last[key] == turns)


def plain_key(key: Any) -> Any:
    """An index without Tensors or lists: what NumPy indexes with."""
    if isinstance(key, tuple):
        return tuple(plain_key(part) for part in key)
    if isinstance(key, list):
        return np.asarray([plain_key(part) for part in key], dtype=None if key else np.intp)
    return key.array if hasattr(key, "grad_fn") else key


def repeats(key: Any) -> bool:
    """Whether the key may name one place several times: only arrays of integers can."""
    parts = key if isinstance(key, tuple) else (key,)
    return any(getattr(part, "dtype", np.dtype(bool)).kind in "iu" for part in parts if np.ndim(part) > 0)


getitem: Op = Op(_getitem, x=lambda g, key, x_shape: scatter(g, key, x_shape))
scatter: Op = Op(_scatter, g=lambda g, key: getitem(g, key))
setitem: Op = Op(_setitem, x=lambda g, key: setitem(g, 0.0, key), value=_value_of)
