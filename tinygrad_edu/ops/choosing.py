"""Compositions that choose numbers: by their place, by a condition, or out of several arrays."""

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_edu.ops.composed import as_operand, as_operands, composed, no_loss
from tinygrad_edu.ops.elementwise import where
from tinygrad_edu.ops.indexing import getitem, pick, setitem
from tinygrad_edu.ops.joining import along
from tinygrad_edu.ops.shape import ravel
from tinygrad_edu.places import bare_key

__all__ = [
    "choose",
    "compress",
    "extract",
    "piecewise",
    "select",
    "take",
]


@composed(np.take)
def take(a: Any, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Any:
    """The numbers at the indices, or the slices of an axis: a[:, indices] for axis 1. After `numpy.take`.

    `mode` "wrap" counts indices round the end, "clip" stops them there; "raise" raises IndexError.

    >>> from tinygrad_edu import Tensor
    >>> take(Tensor([1.0, 2.0, 3.0]), [[0, 2]])
    Tensor([[1., 3.]])
    """
    a, axis = _axis_of(a, axis)
    indices = within(_whole(as_operand(bare_key(indices))), a.shape[axis], mode)
    return getitem(a, along(axis, a.ndim, indices))


def _axis_of(a: Any, axis: int | None) -> tuple[Any, int]:
    """The array and the axis, without one all numbers in one axis."""
    a = as_operand(a)
    return (ravel(a), axis or 0) if axis is None or a.ndim == 0 else (a, normalize_axis_index(axis, a.ndim))


def _whole(indices: Any) -> Any:
    """Indices as whole numbers; TypeError for fractions."""
    if not np.can_cast(indices.dtype, np.intp, "same_kind"):
        raise TypeError(f"Cannot cast {indices.dtype} to an index, which is a whole number")
    return indices.astype(np.intp)


def within(indices: Any, length: int, mode: str) -> Any:
    """The indices as NumPy's mode says what to do with those that are too large."""
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError(f"mode is 'raise', 'wrap' or 'clip', not {mode!r}")
    if length == 0 and indices.size:
        raise IndexError("there is nothing at any index of an axis of length 0")
    return indices if mode == "raise" else indices % length if mode == "wrap" else indices.clip(0, length - 1)


@composed(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    """The slices of an axis, or the numbers, where the condition, a vector, holds. After `numpy.compress`.

    Raises ValueError for a condition that is not a vector, IndexError for one that holds beyond the end.

    >>> from tinygrad_edu import Tensor
    >>> compress([False, True, True], Tensor([1.0, 2.0, 3.0]))
    Tensor([2., 3.])
    """
    a, axis = _axis_of(a, axis)
    condition = as_operand(bare_key(condition))
    if condition.ndim != 1:
        raise ValueError(f"compress takes a condition with one axis, not shape {condition.shape}: use t[mask]")
    return pick(a, along(axis, a.ndim, np.flatnonzero(condition)))


@composed(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """The numbers, in one axis, where the condition holds: what arr[condition] is. After `numpy.extract`.

    >>> from tinygrad_edu import Tensor
    >>> t = Tensor([1.0, -2.0, 3.0])
    >>> extract(t > 0, t)
    Tensor([1., 3.])
    """
    return compress(np.ravel(bare_key(condition)), arr)


@composed(np.choose)
def choose(a: Any, choices: Any, *, mode: str = "raise") -> Any:
    """At each place the number of the choice whose index `a` gives, all broadcast together. After `numpy.choose`.

    Raises ValueError for an index that no choice has, unless `mode` is "wrap" or "clip", as in `take`.

    >>> from tinygrad_edu import Tensor
    >>> choose([0, 1], [Tensor([1.0, 2.0]), [10.0, 20.0]])
    Tensor([ 1., 20.])
    """
    index, *branches = as_operands([a, *choices])
    index = within(_whole(bare_key(index)), len(branches), mode)
    if not branches or not np.all((index >= 0) & (index < len(branches))):
        raise ValueError(f"choose has {len(branches)} choices, and an index says to take another one: see mode")
    return select([index == i for i in range(len(branches) - 1)], branches[:-1], branches[-1])


@composed(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """At each place the choice of the first condition that holds there, else the default. After `numpy.select`.

    Raises ValueError for other than one choice a condition, TypeError for conditions that are not boolean.

    >>> from tinygrad_edu import Tensor
    >>> t = Tensor([-1.0, 0.5, 3.0])
    >>> select([t < 0, t > 1], [-t, t * t], t)
    Tensor([1. , 0.5, 9. ])
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(f"one choice a condition: {len(condlist)} conditions came with {len(choicelist)} choices")
    conditions = as_operands(condlist)
    if wrong := [str(condition.dtype) for condition in conditions if condition.dtype != bool]:
        raise TypeError(f"a condition is of booleans, as t > 0 is, not of {wrong[0]}")
    *choices, result = _of_one_dtype([*choicelist, default])
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = where(condition, choice, result)
    return result


def _of_one_dtype(choices: list[Any]) -> list[Any]:
    """The choices as operands, with Python's numbers in the dtype that the others make, as NumPy reads them."""
    read = [choice if type(choice) in (int, float) else as_operand(choice) for choice in choices]
    dtype = np.result_type(*(getattr(choice, "dtype", choice) for choice in read))
    return [choice if hasattr(choice, "dtype") else np.asarray(choice, dtype) for choice in read]


@composed(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """Each function at those numbers of x where its condition holds, one more elsewhere. After `numpy.piecewise`.

    A number in place of a function is itself; where no condition holds and there is no other function the result is 0.
    It has the dtype of x. Raises ValueError for another number of functions.

    >>> from tinygrad_edu import Tensor
    >>> piecewise(Tensor([-1.0, 4.0]), [Tensor([-1.0, 4.0]) > 0], [np.sqrt, lambda x: x * x])
    Tensor([1., 2.])
    """
    x = as_operand(x)
    conditions = [
        as_operand(bare_key(c), x).astype(bool) for c in (condlist if _are_several(condlist, x.ndim) else [condlist])
    ]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~reduce(operator.or_, conditions))
    if len(funclist) != len(conditions):
        raise ValueError(f"{len(conditions)} conditions need as many functions, or one more, not {len(funclist)}")
    result = where(False, x, 0)  # zeros that depend on x
    for condition, function in zip(conditions, funclist, strict=True):
        called = isinstance(function, Callable)  # type: ignore[arg-type] # a class, as isinstance wants it
        if not called or condition.any():
            value = function(getitem(x, condition), *args, **kw) if called else function
            no_loss(x, value)
            result = setitem(result, value, condition)
    return result


def _are_several(condlist: Any, ndim: int) -> bool:
    """Whether these are conditions, rather than a single one: the first of them is no bare boolean."""
    return (isinstance(condlist, list | tuple) or np.ndim(condlist) > 0) and (ndim == 0 or np.ndim(condlist[0]) > 0)
