"""PyTorch's ways to read and write numbers by place along one axis: masks, indices, scatter, narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_edu import ops
from tinygrad_edu.graph import array_of, wrap
from tinygrad_edu.ops.joining import along

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = [
    "isclose",
    "isin",
    "masked_select",
    "narrow",
    "nonzero",
    "repeat_interleave",
    "select_along",
    "take_along_dim",
]


def _plain(index: Any) -> Any:
    """The array of a Tensor or list of numbers."""
    return array_of(index)


def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """The places of the numbers that are not 0: one row a place, or with `as_tuple` one Tensor an axis.

    `t.nonzero()` is NumPy's, a tuple of arrays, unless it is told `as_tuple`.
    After https://docs.pytorch.org/docs/stable/generated/torch.nonzero.html

    >>> nonzero(np.array([[0, 3], [4, 0]]))
    Tensor([[0, 1],
            [1, 0]])
    """
    places = np.nonzero(np.atleast_1d(_plain(input)))
    if as_tuple:
        return tuple(wrap(part, None) for part in places)
    return wrap(np.stack(places, axis=1)[:, : np.ndim(_plain(input))], None)


def where(condition: Any, *branches: Any) -> Any:
    """x where the condition holds, else y; of a condition alone the places where it holds, one Tensor an axis.

    >>> where(np.array([True, False]), np.array([1.0, 2.0]), 0.0), where(np.array([False, True]))
    (array([1., 0.]), (Tensor([1]),))
    """
    return ops.where(condition, *branches) if branches else nonzero(condition, as_tuple=True)


def masked_select(input: Any, mask: Any) -> Any:
    """The numbers where the mask holds, in one axis; both are stretched to one shape.

    >>> masked_select(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([True, False]))
    array([1., 3.])
    """
    input, mask = np.broadcast_arrays(input, _plain(mask))
    return input[_plain(mask)]


def repeat_interleave(input: Any, repeats: Any, dim: int | None = None) -> Any:
    """Every number, or slice along `dim`, so many times: `np.repeat`."""
    return np.repeat(input, _plain(repeats), dim)


def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """The numbers at the indices along `dim`: `take_along_axis`; without `dim` of all numbers in one axis."""
    if dim is None:
        input, indices, dim = input.reshape(-1), indices.reshape(-1), 0
    return np.take_along_axis(input, indices, dim)


def narrow(input: Any, dim: int, start: int, length: int) -> Any:
    """`length` slices along `dim`, from `start` on; IndexError where there are not as many.

    >>> narrow(np.array([1.0, 2.0, 3.0]), 0, 1, 2)
    array([2., 3.])
    """
    whole = input.shape[dim]
    first = int(start) + whole * (int(start) < 0)
    if not (0 <= first <= whole and 0 <= length <= whole - first):
        raise IndexError(f"narrow: {length} slices from {start} on are not in axis {dim}, which has {whole}")
    return input[along(dim, input.ndim, slice(first, first + length))]


def select_along(input: Any, dim: int, index: int) -> Any:
    """Slice number `index` along `dim`, without that axis."""
    return input[along(dim, input.ndim, index)]


def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Where numbers are equal up to `atol` + `rtol` |other|: booleans."""
    return wrap(np.isclose(_plain(input), _plain(other), rtol, atol, equal_nan), None)


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Where a number is one of the others: booleans."""
    return wrap(np.isin(_plain(elements), _plain(test_elements), assume_unique, invert), None)


class TorchIndexing:
    """The same as methods of Tensor, and what adds or puts numbers at indices."""

    __slots__ = ()

    masked_select, repeat_interleave, take_along_dim = masked_select, repeat_interleave, take_along_dim
    narrow, select, isclose = narrow, select_along, isclose

    def nonzero(self: Any, *, as_tuple: bool | None = None) -> Any:
        """The places of the numbers that are not 0: NumPy's tuple of arrays, or told `as_tuple` PyTorch's Tensors."""
        return np.nonzero(array_of(self)) if as_tuple is None else nonzero(self, as_tuple=as_tuple)

    @property
    def values(self) -> Any:
        """Only what `max(dim=...)`, `sort(dim=...)` and `topk` give has values: AttributeError, with the way out."""
        raise AttributeError("a Tensor has no values: t.max(1) is the maxima, as in NumPy, t.max(dim=1) a pair")

    @property
    def indices(self) -> Any:
        """Only what `max(dim=...)`, `sort(dim=...)` and `topk` give has indices: AttributeError, with the way out."""
        raise AttributeError("a Tensor has no indices: t.max(1) is the maxima, as in NumPy, t.max(dim=1) a pair")

    def where(self: Any, condition: Any, other: Any) -> Tensor:
        """The numbers themselves where the condition holds, else `other`."""
        return ops.where(condition, self, other)  # type: ignore[no-any-return] # a Tensor

    def scatter(self: Any, dim: int, index: Any, src: Any) -> Tensor:
        """A copy with `src`, one number or an array, at the places `index` along `dim`."""
        return self.clone().scatter_(dim, index, src)  # type: ignore[no-any-return] # a Tensor

    def scatter_(self: Any, dim: int, index: Any, src: Any) -> Any:
        """`src`, one number or an array, at the places `index` along `dim`, in place: of labels, `one-hot` rows.

        >>> import tinygrad_edu
        >>> tinygrad_edu.zeros(2, 3).scatter_(1, tinygrad_edu.tensor([[2], [0]]), 1.0)
        Tensor([[0., 0., 1.],
                [1., 0., 0.]])
        """
        self[_places(dim, index)] = _corner(src, index)
        return self

    def scatter_add(self: Any, dim: int, index: Any, src: Any) -> Tensor:
        """A copy with `src` added at the places `index` along `dim`, as often as a place is named.

        >>> import tinygrad_edu
        >>> tinygrad_edu.zeros(3).scatter_add(0, tinygrad_edu.tensor([0, 2, 0]), tinygrad_edu.tensor([1.0, 2.0, 4.0]))
        Tensor([5., 0., 2.])
        """
        return self + ops.scatter(_corner(src, index), _places(dim, index), self.shape)  # type: ignore[no-any-return] # as above

    def scatter_add_(self: Any, dim: int, index: Any, src: Any) -> Any:
        """The same in place."""
        self += ops.scatter(_corner(src, index), _places(dim, index), self.shape)
        return self

    def index_add(self: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Tensor:
        """A copy with the slices of `source`, times `alpha`, added to those at `index` along `dim`."""
        return self + self._at_slices(dim, index, source, alpha)  # type: ignore[no-any-return] # as above

    def index_add_(self: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
        """The same in place."""
        self += self._at_slices(dim, index, source, alpha)
        return self

    def _at_slices(self: Any, dim: int, index: Any, source: Any, alpha: float) -> Any:
        key = along(dim, self.ndim, _plain(index))
        return ops.scatter(source if alpha == 1 else alpha * source, key, self.shape)

    def index_fill(self: Any, dim: int, index: Any, value: Any) -> Tensor:
        """A copy with one number in the slices at `index` along `dim`."""
        return self.clone().index_fill_(dim, index, value)  # type: ignore[no-any-return] # as above

    def index_fill_(self: Any, dim: int, index: Any, value: Any) -> Any:
        """The same in place."""
        return self.index_copy_(dim, index, value)

    def index_copy(self: Any, dim: int, index: Any, source: Any) -> Tensor:
        """A copy with the slices of `source` at `index` along `dim`."""
        return self.clone().index_copy_(dim, index, source)  # type: ignore[no-any-return] # as above

    def index_copy_(self: Any, dim: int, index: Any, source: Any) -> Any:
        """The same in place."""
        self[along(dim, self.ndim, _plain(index))] = source
        return self

    def unfold(self: Any, dimension: int, size: int, step: int) -> Tensor:
        """Windows of `size` numbers along an axis, one every `step`, as a new last axis.

        >>> import tinygrad_edu
        >>> tinygrad_edu.arange(5).unfold(0, 2, 2)
        Tensor([[0, 1],
                [2, 3]])
        """
        axis = normalize_axis_index(dimension, self.ndim)
        starts = np.arange(0, self.shape[axis] - size + 1, step)
        windows = self[along(axis, self.ndim, starts[:, None] + np.arange(size))]
        return np.moveaxis(windows, axis + 1, -1)  # type: ignore[no-any-return] # as above


def _places(dim: int, index: Any) -> tuple[Any, ...]:
    """The places that an index names along `dim`, each in its own row of the other axes."""
    places = list(np.indices(index.shape, sparse=True))
    places[dim] = _plain(index)
    return tuple(places)


def _corner(src: Any, index: Any) -> Any:
    """As much of the source as there are indices; one number stays one."""
    return src[tuple(slice(length) for length in index.shape)] if getattr(src, "ndim", 0) else src
