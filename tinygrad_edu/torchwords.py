"""NumPy's functions with PyTorch's arguments: `dim` and `keepdim`.

Where the two differ, `dim=` asks for PyTorch's meaning: `t.max(1)` is the maxima, as in NumPy, and `t.max(dim=1)` the
maxima with their places. So does the function `max(t, 1)`, which as NumPy's is `np.max(t, 1)`: of `_, labels =
torch.max(scores, 1)` the maxima alone would be wrong labels where there are two rows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.errors import UnsupportedError
from tinygrad_edu.graph import wrap
from tinygrad_edu.op import Op, implementations
from tinygrad_edu.watch import bare

__all__ = [
    "argsort",
    "diff",
    "max",
    "min",
    "nanmean",
    "nansum",
    "norm",
    "quantile",
    "sort",
    "split",
    "stack",
    "std",
    "var",
]

WORDS = {"dim": "axis", "dims": "axis", "keepdim": "keepdims", "diagonal": "k"}
TORCH = frozenset((*WORDS, "unbiased", "correction"))


class Renaming(inspect.Signature):
    """The signature of an op that takes PyTorch's words too: looked at only where NumPy's do not fit at once."""

    def bind(self, *args: Any, **kwargs: Any) -> inspect.BoundArguments:
        return super().bind(*args, **renamed(kwargs))


def renamed(words: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments with NumPy's names for PyTorch's; TypeError where both are given."""
    found = {WORDS.get(word, word): value for word, value in words.items()}
    if len(found) != len(words):
        raise TypeError(f"got the same argument twice, in PyTorch's word and in NumPy's: {', '.join(words)}")
    return found


RENAMED = (ops.sum, ops.mean, ops.prod, ops.cumsum, ops.cumprod, ops.softmax, ops.log_softmax, ops.logsumexp)
for op in (*RENAMED, ops.squeeze, ops.flip, ops.roll, ops.triu, ops.tril, ops.cross):
    op.signature = Renaming(list(op.signature.parameters.values()))


def taking_words(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is no op, with PyTorch's words."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **(renamed(kwargs) if kwargs else kwargs))

    return call


stack, diff, quantile = taking_words(ops.stack), taking_words(ops.diff), taking_words(ops.quantile)
nanmean, nansum = taking_words(ops.nanmean), taking_words(ops.nansum)
all_of, any_of = taking_words(implementations[np.all]), taking_words(implementations[np.any])


class Extremes(NamedTuple):
    """The numbers found along an axis, and their places, as PyTorch's `max(dim=...)`, `sort` and `topk` return them."""

    values: Any
    indices: Any


def _extreme(op: Op, find: Callable[..., Any], pairwise: Op, dim_is_second: bool = False) -> Callable[..., Any]:
    """`max` or `min`: of NumPy with its words, of PyTorch with `dim` or `keepdim`, or a number in its place."""
    name = op.name

    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs:
            return op(x)
        if not TORCH.isdisjoint(kwargs) or (dim_is_second and _is_dim(args, kwargs)):
            return _with_places(find, x, *args, **kwargs)
        if len(args) == 1 and not kwargs and np.ndim(getattr(args[0], "_value", 0)):
            return pairwise(x, args[0])  # PyTorch's torch.max(x, y)
        return op(x, *args, **kwargs)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = (
        f"The {name}imum of all numbers, along `axis` as NumPy's, or along `dim`: PyTorch's (values, indices)."
    )
    return call


@bare
def _found(find: Callable[..., Any], x: Any, dim: int) -> Any:
    """The places that `find` finds along an axis."""
    return find(getattr(x, "_value", x), axis=dim, keepdims=True)


def _is_dim(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether the second argument is PyTorch's `dim`, perhaps with `keepdim`: one axis, and no word of NumPy's."""
    return not kwargs and len(args) in (1, 2) and type(args[0]) is int


def _with_places(find: Callable[..., Any], x: Any, dim: int, keepdim: bool = False) -> Extremes:
    value = getattr(x, "_value", x)
    places = _found(find, x, dim)
    numbers = np.take_along_axis(x, places, dim) if value.ndim else x
    if not keepdim and value.ndim:
        numbers, places = np.squeeze(numbers, dim), np.squeeze(places, dim)
    return Extremes(numbers, wrap(places, None))


max_of, min_of = _extreme(ops.max, np.argmax, ops.maximum), _extreme(ops.min, np.argmin, ops.minimum)
max = _extreme(ops.max, np.argmax, ops.maximum, True)
min = _extreme(ops.min, np.argmin, ops.minimum, True)


def _spread(op: Op) -> Callable[..., Any]:
    """`std` or `var`: divided by n - 1 where PyTorch's words are used, by n otherwise."""
    name = op.name

    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], bool):
            raise UnsupportedError(f"{name}({args[0]}): write {name}(unbiased={args[0]})")
        if kwargs and not TORCH.isdisjoint(kwargs):
            unbiased, correction = kwargs.pop("unbiased", True), kwargs.pop("correction", None)
            kwargs = renamed(kwargs)
            kwargs.setdefault("ddof", int(unbiased) if correction is None else correction)
        return op(x, *args, **kwargs)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"""The {name} of NumPy, divided by n - `ddof`, n as it is left out; with PyTorch's words by n - 1.

    `dim`, `keepdim`, `correction` and `unbiased` are PyTorch's, which divides by n - `correction`, 1 if not given.
    """
    return call


std, var = _spread(ops.std), _spread(ops.var)


def split(x: Any, sections: Any, axis: int = 0, *, dim: int | None = None) -> Any:
    """NumPy's parts with `axis`, how many or where to cut; PyTorch's with `dim`, how long.

    >>> [len(part) for part in split(np.zeros(7), 3, dim=0)]
    [3, 3, 1]
    """
    if dim is not None:
        return split_lengths(x, sections, dim)
    return ops.split(x, sections, axis)


def split_lengths(x: Any, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Any, ...]:
    """Parts of one length, the last may be shorter, or of the lengths given, as PyTorch's `Tensor.split`."""
    lengths, whole = split_size_or_sections, x.shape[dim]
    if isinstance(lengths, int):
        return tuple(np.split(x, range(lengths, whole, lengths), axis=dim))
    if sum(lengths) != whole:
        raise ValueError(f"split: the lengths {list(lengths)} do not add up to {whole}, the length of axis {dim}")
    return tuple(np.split(x, np.cumsum(lengths)[:-1], axis=dim))


@bare
def argsort(
    x: Any,
    axis: int | None = -1,
    kind: Any = None,
    *,
    dim: int | None = None,
    descending: bool = False,
    stable: bool | None = None,
) -> Any:
    """The places in the order of their numbers along `axis`, which PyTorch calls `dim`: whole numbers, as a Tensor."""
    value = getattr(x, "_value", x)
    axis = axis if dim is None else dim
    if not descending:
        return wrap(np.argsort(value, axis, kind, stable=stable), None)
    last = np.size(value) - 1 if axis is None else value.shape[axis] - 1
    order = np.argsort(np.flip(value, axis), axis, stable=True)  # from the back, so that equal numbers keep their order
    return wrap(np.flip(last - order, -1 if axis is None else axis), None)


def sort(a: Any, axis: int | None = -1, kind: Any = None, **words: Any) -> Any:
    """A sorted copy, as NumPy's; with `dim` or `descending` PyTorch's (values, indices)."""
    if not words.keys() & {"dim", "descending"}:
        return ops.sort(a, axis, kind, **words)
    axis = words.pop("dim", axis)
    order = argsort(a, axis, **{"stable": True, **words})
    return Extremes(np.take_along_axis(a, order, axis), order)


def norm(x: Any, *args: Any, **kwargs: Any) -> Any:
    """The length of the numbers as one vector, NumPy's `ord` and `axis`, or PyTorch's `p` and `dim`."""
    if kwargs.keys() & {"p", "dim", "keepdim"}:
        return norm_of_numbers(x, *args, **kwargs)
    return ops.norm(x, *args, **kwargs)


def norm_of_numbers(x: Any, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:
    """The p-norm of the numbers along `dim`, an axis or some, or of all of them, as PyTorch's `Tensor.norm`."""
    return ops.vector_norm(x, axis=dim, keepdims=keepdim, ord=2 if p == "fro" else p)
