"""More of PyTorch's functions and methods, which NumPy has under other names or not at all."""

from __future__ import annotations

import builtins
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops, torchwords
from tinygrad_edu.graph import wrap
from tinygrad_edu.torchwords import Extremes

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["allclose", "amax", "amin", "index_select", "numel", "rsqrt", "topk", "unbind"]

abs, pow, all, any = ops.absolute, ops.power, torchwords.all_of, torchwords.any_of
Axes = builtins.int | tuple[builtins.int, ...] | None


def amax(input: Any, dim: Axes = None, keepdim: builtins.bool = False) -> Any:
    """The largest number along `dim`, one axis or some; equal ones share the gradient."""
    return ops.max(input, axis=dim, keepdims=keepdim)


def amin(input: Any, dim: Axes = None, keepdim: builtins.bool = False) -> Any:
    """The smallest number along `dim`, as `amax`."""
    return ops.min(input, axis=dim, keepdims=keepdim)


def topk(
    input: Any,
    k: builtins.int,
    dim: builtins.int = -1,
    largest: builtins.bool = True,
    sorted: builtins.bool = True,  # noqa: ARG001 - those that need no order may have one
) -> Extremes:
    """The k largest numbers along `dim`, the largest first, and their places; or the k smallest.

    >>> topk(np.array([1.0, 9.0, 5.0]), 2).indices
    Tensor([1, 2])
    """
    if not 0 <= k <= input.shape[dim]:
        raise ValueError(f"topk: axis {dim} has {input.shape[dim]} numbers, and {k} are asked for")
    places = torchwords.argsort(input, dim, descending=largest, stable=True)
    places = np.take(places, np.arange(k), axis=dim)
    return Extremes(np.take_along_axis(input, places, dim), places)


def unbind(input: Any, dim: builtins.int = 0) -> tuple[Any, ...]:
    """The slices along `dim`, without that axis."""
    return tuple(ops.unstack(input, axis=dim))


def index_select(input: Any, dim: builtins.int, index: Any) -> Any:
    """The slices at `index` along `dim`: `take`."""
    return ops.take(input, index, axis=dim)


def rsqrt(input: Any) -> Any:
    """1 / sqrt(x)."""
    return 1 / ops.sqrt(input)


def allclose(
    input: Any, other: Any, rtol: builtins.float = 1e-05, atol: builtins.float = 1e-08, equal_nan: builtins.bool = False
) -> builtins.bool:
    """Whether all numbers are equal up to `atol` + `rtol` |other|."""
    return bool(np.allclose(input, other, rtol, atol, equal_nan))


def numel(input: Any) -> builtins.int:
    """How many numbers."""
    return math.prod(input.shape)


class TorchMethods:
    """The same as methods of Tensor, the short names of dtypes, and more changes in place."""

    __slots__ = ()

    amax, amin, topk, unbind, index_select, rsqrt = amax, amin, topk, unbind, index_select, rsqrt
    allclose = allclose
    isnan, isinf, isfinite = ops.isnan.apply, ops.isinf.apply, ops.isfinite.apply
    sign, floor, ceil, trunc = ops.sign.apply, ops.floor.apply, ops.ceil.apply, ops.trunc.apply
    reciprocal, maximum, minimum = ops.reciprocal.apply, ops.maximum.apply, ops.minimum.apply
    outer = ops.outer.apply

    def int(self: Any) -> Tensor:
        """As int32, what PyTorch calls int."""
        return self.astype(np.int32)  # type: ignore[no-any-return] # a Tensor

    def bool(self: Any) -> Tensor:
        """Whether each number is not 0."""
        return self.astype(np.bool_)  # type: ignore[no-any-return] # as above

    def half(self: Any) -> Tensor:
        """As float16."""
        return self.astype(np.float16)  # type: ignore[no-any-return] # as above

    def type(self: Any, dtype: Any) -> Tensor:
        """As another dtype: `t.type(torch.float32)`, or `t.type(torch.FloatTensor)`."""
        return self.astype(getattr(dtype, "dtype", dtype) if not isinstance(dtype, type) else dtype)  # type: ignore[no-any-return] # as above

    def type_as(self: Any, other: Any) -> Tensor:
        """In the dtype of `other`."""
        return self.astype(other.dtype)  # type: ignore[no-any-return] # as above

    def softmax(self: Any, dim: builtins.int) -> Tensor:
        """exp(x) / Σ exp(x) along `dim`."""
        return ops.softmax(self, dim)  # type: ignore[no-any-return] # as above

    def log_softmax(self: Any, dim: builtins.int) -> Tensor:
        """x - log Σ exp(x) along `dim`."""
        return ops.log_softmax(self, dim)  # type: ignore[no-any-return] # as above

    def flip(self: Any, *dims: Any) -> Tensor:
        """The numbers in reverse order along the axes: `t.flip(0, 1)` or `t.flip([0, 1])`."""
        axes = dims[0] if len(dims) == 1 else dims
        return ops.flip(self, tuple(axes) if isinstance(axes, list) else axes)  # type: ignore[no-any-return] # as above

    def triu(self: Any, diagonal: builtins.int = 0) -> Tensor:
        """The part on and above a diagonal, 0 elsewhere."""
        return ops.triu(self, diagonal)  # type: ignore[no-any-return] # as above

    def tril(self: Any, diagonal: builtins.int = 0) -> Tensor:
        """The part on and below a diagonal, 0 elsewhere."""
        return ops.tril(self, diagonal)  # type: ignore[no-any-return] # as above

    def nelement(self: Any) -> builtins.int:
        """How many numbers: `t.size`."""
        return numel(self)

    @property
    def is_cuda(self: Any) -> builtins.bool:
        """Whether the numbers live on a GPU."""
        return str(self.device).startswith("cuda")

    def new_zeros(self: Any, *shape: Any) -> Tensor:
        """Zeros in the dtype of the tensor, where it lives."""
        return wrap(np.zeros_like(self._value, shape=shape[0] if len(shape) == 1 else shape), None)

    def new_ones(self: Any, *shape: Any) -> Tensor:
        """Ones in the dtype of the tensor, where it lives."""
        return wrap(np.ones_like(self._value, shape=shape[0] if len(shape) == 1 else shape), None)

    def clamp_(self: Any, min: Any = None, max: Any = None) -> Any:
        """Held between `min` and `max`, in place."""
        return self.copy_(ops.clip(self, min, max))

    def masked_fill_(self: Any, mask: Any, value: Any) -> Any:
        """`value` where the mask holds, in place."""
        return self.copy_(np.where(mask, value, self))

    def uniform_(self: Any, a: builtins.float = 0.0, b: builtins.float = 1.0, *, generator: Any = None) -> Any:
        """Random numbers from a to b, in place."""
        from tinygrad_edu.random import uniform  # built on Tensor

        return self.copy_(a + (b - a) * uniform(self.shape, self.dtype, generator, self.device))

    def normal_(self: Any, mean: builtins.float = 0.0, std: builtins.float = 1.0, *, generator: Any = None) -> Any:
        """Normal random numbers around `mean`, in place."""
        from tinygrad_edu.random import standard_normal  # built on Tensor

        return self.copy_(mean + std * standard_normal(self.shape, self.dtype, generator, self.device))
