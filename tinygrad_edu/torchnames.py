"""PyTorch's names for what NumPy calls otherwise, so that a PyTorch program needs no other change than its imports.

Only names that mean one thing: where NumPy has a function of the same name, NumPy's it is (`repeat`, `split`,
`transpose`, `max` and `std` take other arguments, or give other results, in PyTorch).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.graph import wrap
from tinygrad_edu.watch import bare

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = [
    "argmax",
    "argmin",
    "bmm",
    "cat",
    "chunk",
    "clamp",
    "concat",
    "div",
    "eq",
    "flatten",
    "gather",
    "ge",
    "gt",
    "le",
    "lt",
    "masked_fill",
    "mm",
    "mul",
    "ne",
    "neg",
    "permute",
    "sub",
    "unsqueeze",
]

mul, sub, div, neg = ops.multiply, ops.subtract, ops.divide, ops.negative
eq, ne, gt, ge, lt, le = ops.equal, ops.not_equal, ops.greater, ops.greater_equal, ops.less, ops.less_equal
mm = bmm = ops.matmul


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors one after the other along axis `dim`: `concatenate`.

    >>> cat([np.zeros(2), np.ones(1)])
    array([0., 0., 1.])
    """
    return np.concatenate(tensors, axis=dim)


concat = cat


def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """At most `chunks` parts of equal length along axis `dim`, the last one may be shorter.

    >>> [len(part) for part in chunk(np.zeros(7), 3)]
    [3, 3, 1]
    """
    length = input.shape[dim]
    each = max(math.ceil(length / chunks), 1)
    return tuple(np.split(input, range(each, length, each), axis=dim))


def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """x, held between `min` and `max`: `clip`."""
    return ops.clip(input, min, max)


def unsqueeze(input: Any, dim: int) -> Any:
    """Another axis of length 1 in place `dim`: `expand_dims`."""
    return np.expand_dims(input, dim)


def permute(input: Any, dims: Sequence[int]) -> Any:
    """The axes in the order `dims`: `transpose` of NumPy."""
    return np.transpose(input, dims)


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The axes from `start_dim` to `end_dim` as one.

    >>> flatten(np.zeros((2, 3, 4)), 1).shape
    (2, 12)
    """
    if not input.ndim:
        return input.reshape(1)
    start, end = start_dim % input.ndim, end_dim % input.ndim
    return input.reshape((*input.shape[:start], math.prod(input.shape[start : end + 1]), *input.shape[end + 1 :]))


def gather(input: Any, dim: int, index: Any) -> Any:
    """The numbers at `index` along axis `dim`, in the shape of `index`: `take_along_axis`, which would stretch it."""
    every, axis = slice(None), dim % input.ndim
    corner = tuple(every if i == axis else slice(length) for i, length in enumerate(index.shape))
    return np.take_along_axis(input[corner], index, dim)


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """`value` where the mask holds, else x."""
    return np.where(mask, value, input)


def argmax(
    input: Any, axis: int | None = None, keepdims: bool = False, *, dim: int | None = None, keepdim: bool = False
) -> Tensor:
    """Where the largest number is, along an axis, which PyTorch calls `dim`, or of all: whole numbers, as a Tensor.

    >>> argmax(np.array([[1.0, 3.0], [4.0, 2.0]]), 1)
    Tensor([1, 0])
    """
    return _places(np.argmax, input, axis if dim is None else dim, keepdims or keepdim)


def argmin(
    input: Any, axis: int | None = None, keepdims: bool = False, *, dim: int | None = None, keepdim: bool = False
) -> Tensor:
    """Where the smallest number is, as `argmax`."""
    return _places(np.argmin, input, axis if dim is None else dim, keepdims or keepdim)


@bare
def _places(function: Any, input: Any, axis: int | None, keepdims: bool) -> Tensor:
    value = getattr(input, "_value", input)
    return wrap(function(value, axis=axis, keepdims=keepdims), None)


class TorchNames:
    """The same as methods of Tensor, and PyTorch's changes in place."""

    __slots__ = ()

    mul, sub, div, neg = mul.apply, sub.apply, div.apply, neg.apply
    eq, ne, gt, ge, lt, le = eq.apply, ne.apply, gt.apply, ge.apply, lt.apply, le.apply
    mm = bmm = mm.apply
    add = ops.add.apply
    clamp, gather, masked_fill, chunk, argmax, argmin = clamp, gather, masked_fill, chunk, argmax, argmin

    def permute(self: Any, *dims: Any) -> Tensor:
        """The axes in another order: `t.permute(1, 0, 2)`."""
        return permute(self, dims[0] if len(dims) == 1 else dims)  # type: ignore[no-any-return] # a Tensor

    def flatten(self: Any, start_dim: int | str = 0, end_dim: int = -1, *, order: str = "C") -> Tensor:
        """The axes from `start_dim` to `end_dim` as one; in NumPy's words, all of them in the `order` "C" or "F"."""
        order = start_dim if isinstance(start_dim, str) else order
        if order != "C":
            return self.reshape(-1, order=order)  # type: ignore[no-any-return] # a Tensor
        return flatten(self, 0 if isinstance(start_dim, str) else start_dim, end_dim)  # type: ignore[no-any-return] # as above

    def t(self: Any) -> Tensor:
        """The transpose of a matrix."""
        return self.T  # type: ignore[no-any-return] # a Tensor

    def contiguous(self) -> Self:
        """The tensor: how numbers lie in memory is NumPy's business."""
        return self

    def numel(self: Any) -> int:
        """How many numbers: `t.size`."""
        return int(self.size)

    def dim(self: Any) -> int:
        """How many axes: `t.ndim`."""
        return int(self.ndim)

    def view_as(self: Any, other: Any) -> Tensor:
        """In the shape of `other`."""
        return self.reshape(other.shape)  # type: ignore[no-any-return] # a Tensor

    def expand_as(self: Any, other: Any) -> Tensor:
        """Stretched to the shape of `other`."""
        return self.expand(other.shape)  # type: ignore[no-any-return] # a Tensor

    def zero_(self: Any) -> Any:
        """Zeros, in place."""
        return self.fill_(0)

    def fill_(self: Any, value: Any) -> Any:
        """One number everywhere, in place."""
        self[...] = value
        return self

    def copy_(self: Any, source: Any) -> Any:
        """The numbers of `source`, in place, from any device."""
        self[...] = source.to(self.device) if hasattr(source, "grad_fn") else source
        return self

    def add_(self: Any, other: Any, *, alpha: float = 1) -> Any:
        """self += alpha other."""
        self += other if alpha == 1 else alpha * other
        return self

    def sub_(self: Any, other: Any, *, alpha: float = 1) -> Any:
        """self -= alpha other."""
        self -= other if alpha == 1 else alpha * other
        return self

    def mul_(self: Any, other: Any) -> Any:
        """self *= other."""
        self *= other
        return self

    def div_(self: Any, other: Any) -> Any:
        """self /= other."""
        self /= other
        return self
