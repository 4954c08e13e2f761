"""Derivatives of what cuts arrays apart, leaves parts out and puts parts in."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_edu.device import CPU, moved
from tinygrad_edu.graph import Array, array_of
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand, composed, no_loss
from tinygrad_edu.ops.indexing import getitem
from tinygrad_edu.ops.joining import along
from tinygrad_edu.ops.shape import astype, moveaxis, ravel, reshape
from tinygrad_edu.places import bare_key

__all__ = [
    "array_split",
    "delete",
    "dsplit",
    "hsplit",
    "insert",
    "split",
    "unstack",
    "vsplit",
]


def _cut(x: Any, edges: list[int], axis: int) -> list[Any]:
    """The parts of `x` along an axis, from each edge to the next."""
    return [getitem(x, along(axis, x.ndim, slice(*ends))) for ends in pairwise(edges)]


@composed(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """So many parts along an axis, the first ones longer by one if need be, or cut at indices.

    Raises ValueError for less than one part. After `numpy.array_split`.

    >>> from tinygrad_edu import Tensor
    >>> array_split(Tensor([1.0, 2.0, 3.0]), 2)
    [Tensor([1., 2.]), Tensor([3.])]
    """
    ary, where = as_operand(ary), bare_key(indices_or_sections)
    length = ary.shape[normalize_axis_index(axis, ary.ndim)]
    if np.ndim(where) > 0:
        return _cut(ary, [0, *(slice(int(edge)).indices(length)[1] for edge in where), length], axis)
    if where < 1:
        raise ValueError(f"an array is split into one part or more, not {where}")
    return _cut(ary, [length // int(where) * i + min(i, length % int(where)) for i in range(int(where) + 1)], axis)


@composed(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """So many equal parts along an axis, or cut at indices; joining them is its gradient. After `numpy.split`.

    Raises ValueError where there are no equal parts.

    >>> from tinygrad_edu import Tensor
    >>> split(Tensor([1.0, 2.0, 3.0]), [1])
    [Tensor([1.]), Tensor([2., 3.])]
    """
    ary = as_operand(ary)
    axis = normalize_axis_index(axis, ary.ndim)
    if np.ndim(indices_or_sections) == 0 and indices_or_sections < 1:
        raise ValueError(f"{indices_or_sections} parts are not possible: split into 1 or more")
    if np.ndim(indices_or_sections) == 0 and ary.shape[axis] % indices_or_sections:
        raise ValueError(
            f"{ary.shape[axis]} does not split into {indices_or_sections} equal parts: use array_split, or say where to"
            " cut"
        )
    return array_split(ary, indices_or_sections, axis)


def _split_along(name: str, ary: Any, indices_or_sections: Any, axis: int, least: int) -> list[Any]:
    ary = as_operand(ary)
    if ary.ndim < least:
        raise ValueError(f"{name} cuts along axis {axis}, and shape {ary.shape} has none: reshape it, or use split")
    return split(ary, indices_or_sections, axis)


@composed(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along the second axis, of a vector along its only one. After `numpy.hsplit`.

    >>> from tinygrad_edu import Tensor
    >>> hsplit(Tensor([[1.0, 2.0]]), 2)
    [Tensor([[1.]]), Tensor([[2.]])]
    """
    ary = as_operand(ary)
    return _split_along("hsplit", ary, indices_or_sections, 0 if ary.ndim == 1 else 1, 1)


@composed(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along the first axis of two or more. After `numpy.vsplit`.

    >>> from tinygrad_edu import Tensor
    >>> vsplit(Tensor([[1.0], [2.0]]), 2)
    [Tensor([[1.]]), Tensor([[2.]])]
    """
    return _split_along("vsplit", ary, indices_or_sections, 0, 2)


@composed(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along the third axis. After `numpy.dsplit`.

    >>> from tinygrad_edu import Tensor
    >>> dsplit(Tensor([[[1.0, 2.0]]]), 2)
    [Tensor([[[1.]]]), Tensor([[[2.]]])]
    """
    return _split_along("dsplit", ary, indices_or_sections, 2, 3)


@composed(np.unstack)
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The slices along an axis, without it: what `stack` joins again. After `numpy.unstack`.

    Raises ValueError for a single number.

    >>> from tinygrad_edu import Tensor
    >>> unstack(Tensor([[1.0, 2.0], [3.0, 4.0]]))
    (Tensor([1., 2.]), Tensor([3., 4.]))
    """
    x = as_operand(x)
    if x.ndim == 0:
        raise ValueError("a single number has no axis to take slices along")
    axis = normalize_axis_index(axis, x.ndim)
    return tuple(getitem(x, along(axis, x.ndim, i)) for i in range(x.shape[axis]))


def _others(at: Any, length: int) -> list[tuple[Any, Any]]:
    """The places of an axis that are not `at`, and the same places where the others are left out: piece by piece."""
    if isinstance(at, slice):
        return [(slice(at.start), slice(at.start)), (slice(at.stop, None), slice(at.start, None))]
    kept = np.ones(length, bool)
    kept[at] = False
    return [(kept, slice(None))]


def _resized(x: Array, axis: int, by: int) -> Array:
    return np.empty_like(x, shape=(*x.shape[:axis], x.shape[axis] + by, *x.shape[axis + 1 :]))


def _remove(x: Array, at: Any, axis: int, count: int) -> Array:
    """Without `count` places of an axis."""
    out = _resized(x, axis, -count)
    for theirs, ours in _others(at, x.shape[axis]):
        out[along(axis, x.ndim, ours)] = x[along(axis, x.ndim, theirs)]
    return out


def _place(x: Array, values: Array, at: Any, axis: int, count: int) -> Array:
    """With `values` at `count` places of an axis of the result, and x at the others."""
    out = _resized(x, axis, count)
    out[along(axis, x.ndim, at)] = values
    for ours, theirs in _others(at, out.shape[axis]):
        out[along(axis, x.ndim, ours)] = x[along(axis, x.ndim, theirs)]
    return out


remove: Op = Op(_remove, name="delete", x=lambda g, at, axis, count: place(g, 0.0, at, axis, count))
place: Op = Op(
    _place,
    name="insert",
    x=lambda g, at, axis, count: remove(g, at, axis, count),
    values=lambda g, at, axis: getitem(g, along(axis, g.ndim, at)),
)


def _run(places: Any) -> Any:
    """The places as a slice if they follow each other."""
    first, count = (int(places[0]), len(places)) if len(places) else (0, 0)
    return slice(first, first + count) if np.array_equal(places, np.arange(first, first + count)) else places


@composed(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """Without the places `obj` (a number, several, a slice or a mask) of an axis, or of all numbers in one axis.

    Raises IndexError for places that are not there. After `numpy.delete`.

    >>> from tinygrad_edu import Tensor
    >>> delete(Tensor([1.0, 2.0, 3.0]), 1)
    Tensor([1., 3.])
    """
    arr = as_operand(arr)
    arr, axis = (ravel(arr), 0) if axis is None else (arr, normalize_axis_index(axis, arr.ndim))
    gone = np.zeros(arr.shape[axis], bool)
    gone[bare_key(obj)] = True
    places = np.flatnonzero(gone)
    return remove(arr, _run(places), axis, len(places))


@composed(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """With the values before the places `obj` (a number, several, a slice or a mask) of an axis, or of all in one.

    The values are cast to the array's dtype. Raises IndexError for places that are not there. After `numpy.insert`.

    >>> from tinygrad_edu import Tensor
    >>> insert(Tensor([1.0, 3.0]), 1, Tensor(2.0))
    Tensor([1., 2., 3.])
    """
    arr, values, obj = as_operand(arr), as_operand(values), bare_key(obj)
    arr, axis = (ravel(arr), 0) if axis is None else (arr, normalize_axis_index(axis, arr.ndim))
    length = arr.shape[axis]
    places = np.arange(*obj.indices(length)) if isinstance(obj, slice) else moved(array_of(obj), CPU)
    places = np.flatnonzero(places) if places.dtype == bool else places
    if np.any((places < -length) | (places > length)):  # which NumPy overlooks where there are several
        raise IndexError(f"there are places from {-length} to {length} to insert before, not {obj}")
    no_loss(arr, values)
    if values.dtype != arr.dtype:
        values = astype(values, arr.dtype)
    if values.ndim:
        values = reshape(values, (1,) * (arr.ndim - values.ndim) + values.shape)
        values = values if places.ndim else moveaxis(values, 0, axis)
    count = values.shape[axis] if values.ndim and places.size == 1 else places.size
    if places.size == 1:
        first = int(places.reshape(()))
        first += length if first < 0 else 0
        return place(arr, values, slice(first, first + count), axis, count)
    # NumPy tells where each one comes from: of the array and the values joined
    sources = np.insert(np.arange(length), places, length + np.arange(count))
    at = np.empty(count, int)
    new = np.flatnonzero(sources >= length)
    at[sources[new] - length] = new
    return place(arr, values, _run(at), axis, count)
