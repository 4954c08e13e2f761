"""Derivatives of `t[key]` and `t[key] = value`: numbers are read from places, gradients are added back to them."""

import math
import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_edu.device import is_cupy, library_of
from tinygrad_edu.graph import Array, array_of
from tinygrad_edu.op import Op
from tinygrad_edu.places import Part, add_at, plain_key, repeats, zeros

__all__ = [
    "getitem",
    "scatter",
    "setitem",
    "take_along_axis",
]

Shape = tuple[int, ...]


def _getitem(x: Array, key: Any) -> Array:
    """The numbers at a place: x[key]."""
    return x[key]


def _scatter(g: Array, key: Any, shape: Shape, once: bool = False) -> Array:
    """Zeros of the shape, with `g` added at `key`: a place that was read twice gets both, which `once` rules out."""
    key, out = plain_key(key), zeros(g, shape)
    if once or not repeats(key):
        out[key] = g
    else:
        add_at(out, key, g)
    return out


def _setitem(x: Array, value: Array, key: Any) -> Array:
    """A copy of `x` with `value` at `key`; where a place is named several times, the last one counts."""
    out, key = np.copy(x), plain_key(key)
    if is_cupy(out) and repeats(key):  # a GPU writes in no order: so let all write the same
        last, read = _last(out, out.shape, key), out[key]
        value = np.ravel(np.broadcast_to(library_of(out).asarray(value), read.shape))[last]
    out[key] = value
    return out


def _last(like: Array, shape: Shape, key: Any) -> Array:
    """For every place that the key reads, as which it is read the last time."""
    library = library_of(like)
    last = library.zeros(shape, np.uint64)
    turns = _turns(library, last[key])
    if library is np:
        last[key] = turns
    else:
        np.maximum.at(last, key, turns)  # which CuPy has for few dtypes
    return last[key]


def _turns(library: Any, read: Array) -> Array:
    """0, 1, 2, ... for the numbers that are read."""
    return library.arange(read.size, dtype=np.uint64).reshape(read.shape)


def _value_of(g: Any, x_shape: Shape, value_shape: Shape, key: Any) -> Any:
    """What arrives at `key`; where a place is named several times, only the last write counts."""
    key = plain_key(key)
    read = getitem(g, key)
    if repeats(key):
        last = _last(array_of(g), x_shape, key)
        read = read * (last == _turns(library_of(g), last))
    extra = len(value_shape) - read.ndim  # a value may have more axes than the place, of length 1
    return np.reshape(read, (1,) * extra + read.shape) if extra > 0 else read


def _getitem_x(g: Any, key: Any, x_shape: Shape) -> Any:
    """g at the place that was read, 0 elsewhere."""
    if hasattr(g, "grad_fn") or x_shape == ():  # a single number is no memory to add to
        return scatter(g, key, x_shape)
    return Part(x_shape, plain_key(key), g)


getitem: Op = Op(_getitem, forward=operator.getitem, x=_getitem_x)
pick: Op = Op(_getitem, x=lambda g, key, x_shape: scatter(g, key, x_shape, True))  # getitem, with no place twice
scatter: Op = Op(_scatter, g=lambda g, key: getitem(g, key))
setitem: Op = Op(_setitem, x=lambda g, key: setitem(g, 0.0, key), value=_value_of)


def _take_along_axis(arr: Array, indices: Any, axis: int | None = -1) -> Array:
    """x at the place that the indices name along an axis, for every other place."""
    return np.take_along_axis(arr, indices, axis)


def _scatter_along(g: Array, indices: Any, axis: int | None, shape: Shape) -> Array:
    """Zeros of the shape with g[i, j, k] added at (i, indices[i, j, k], k): where `take_along_axis` read it."""
    out = zeros(g, shape)
    lengths = (math.prod(shape),) if axis is None else shape
    axis = 0 if axis is None else normalize_axis_index(axis, len(shape))
    named = np.where(indices < 0, indices + lengths[axis], indices).astype(np.intp)
    places: Any = 0
    step = 1
    for i in reversed(range(len(lengths))):  # in out.ravel() it is place (i m + indices[i, j, k]) n + k
        others = (1,) * (len(lengths) - 1 - i)
        places = places + step * (named if i == axis else library_of(named).arange(lengths[i]).reshape(-1, *others))
        step *= lengths[i]
    np.add.at(out.reshape(-1), places.reshape(-1), g.reshape(-1))
    return out


take_along_axis: Op = Op(
    _take_along_axis,
    implements=[np.take_along_axis],
    arr=lambda g, indices, axis, arr_shape: scatter_along(g, indices, axis, arr_shape),
)
scatter_along: Op = Op(_scatter_along, g=lambda g, indices, axis: take_along_axis(g, indices, axis))
