"""PyTorch's shorter names, compositions of linear algebra, and every function as a method where PyTorch has one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops, torchwords
from tinygrad_edu.device import library_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.graph import array_of, wrap
from tinygrad_edu.op import implementations
from tinygrad_edu.operators import method
from tinygrad_edu.torchnames import clamp
from tinygrad_edu.watch import bare

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = [
    "acos",
    "acosh",
    "addmm",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "baddbmm",
    "broadcast_tensors",
    "cdist",
    "count_nonzero",
    "diag_embed",
    "dist",
    "ger",
    "lerp",
    "logit",
    "movedim",
    "mv",
    "std_mean",
    "swapdims",
    "t",
    "true_divide",
    "unflatten",
    "var_mean",
]

acos, asin, atan, atan2 = ops.arccos, ops.arcsin, ops.arctan, ops.arctan2
acosh, asinh, atanh, true_divide = ops.arccosh, ops.arcsinh, ops.arctanh, ops.divide
ger, swapdims, movedim = ops.outer, ops.swapaxes, ops.moveaxis


def t(input: Any) -> Any:
    """The transpose of a matrix; a vector is itself. ShapeError for more axes."""
    if input.ndim > 2:
        raise ShapeError(f"t() is of a matrix, and this has shape {input.shape}: write x.mT or x.permute(...)")
    return input.T


def mv(input: Any, vec: Any) -> Any:
    """A matrix times a vector: `input @ vec`. ShapeError for other numbers of axes."""
    if (input.ndim, vec.ndim) != (2, 1):
        raise ShapeError(f"mv takes a matrix and a vector, not shapes {input.shape} and {vec.shape}: write a @ b")
    return input @ vec


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta x + alpha (mat1 @ mat2)."""
    product = mat1 @ mat2
    return (input if beta == 1 else beta * input) + (product if alpha == 1 else alpha * product)


baddbmm = addmm


def lerp(input: Any, end: Any, weight: Any) -> Any:
    """x + weight (end - x): the point that far on the way from x to `end`."""
    return input + weight * (end - input)


def logit(input: Any, eps: float | None = None) -> Any:
    """log(x / (1 - x)), the inverse of the sigmoid; with `eps` x is held between eps and 1 - eps."""
    p = input if eps is None else clamp(input, eps, 1 - eps)
    return ops.log(p) - ops.log1p(-p)


def dist(input: Any, other: Any, p: float = 2) -> Any:
    """The p-norm of x - other, all numbers as one vector."""
    return ops.vector_norm(input - other, ord=p)


def cdist(x1: Any, x2: Any, p: float = 2.0) -> Any:
    """The distance of every row of x1 from every row of x2: (..., P, M) and (..., R, M) -> (..., P, R).

    The norm of the differences themselves, which is exact where rows are close; its gradient at distance 0 is 0.
    After https://docs.pytorch.org/docs/stable/generated/torch.cdist.html

    >>> cdist(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]]))
    array([[0.],
           [5.]])
    """
    return ops.vector_norm(x1[..., :, None, :] - x2[..., None, :, :], axis=-1, ord=p)


@bare
def count_nonzero(input: Any, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """How many numbers are not 0, of all or along `dim`."""
    return wrap(array_of(np.count_nonzero(getattr(input, "_value", input), dim)), None)


def diag_embed(input: Any) -> Any:
    """Matrices with the last axis on their diagonal: (..., n) -> (..., n, n).

    >>> diag_embed(np.array([1.0, 2.0]))
    array([[1., 0.],
           [0., 2.]])
    """
    return input[..., None] * library_of(input).eye(input.shape[-1], dtype=input.dtype)


def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """All of them stretched to one shape."""
    return tuple(np.broadcast_arrays(*tensors))


def unflatten(input: Any, dim: int, sizes: Sequence[int]) -> Any:
    """Axis `dim` as several, whose lengths are `sizes`, one of which may be -1.

    >>> unflatten(np.zeros((2, 6)), 1, (2, -1)).shape
    (2, 2, 3)
    """
    dim %= input.ndim
    return input.reshape(*input.shape[:dim], *_filled(tuple(sizes), input.shape[dim]), *input.shape[dim + 1 :])


def _filled(sizes: tuple[int, ...], whole: int) -> tuple[int, ...]:
    """The sizes with what is left in the place of -1."""
    return tuple(whole // -math.prod(sizes) if n == -1 else n for n in sizes)


def var_mean(input: Any, dim: Any = None, *, correction: int = 1, keepdim: bool = False) -> tuple[Any, Any]:
    """The variance, divided by n - `correction`, and the mean."""
    return ops.var(input, axis=dim, ddof=correction, keepdims=keepdim), ops.mean(input, axis=dim, keepdims=keepdim)


def std_mean(input: Any, dim: Any = None, *, correction: int = 1, keepdim: bool = False) -> tuple[Any, Any]:
    """The standard deviation, divided by n - `correction`, and the mean."""
    return ops.std(input, axis=dim, ddof=correction, keepdims=keepdim), ops.mean(input, axis=dim, keepdims=keepdim)


def _changing(function: Any) -> Callable[..., Any]:
    """The method that puts what the function makes of a tensor into it."""

    def change(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self.copy_(function(self, *args, **kwargs))

    change.__doc__ = "What the function of this name gives, in place."
    return change


class TorchAliases:
    """The same as methods of Tensor, and functions of one number that change it in place."""

    __slots__ = ()
    _origin: Any  # Tensor's

    acos = arccos = method(acos)
    asin = arcsin = method(asin)
    atan = arctan = method(atan)
    atan2 = arctan2 = method(atan2)
    acosh = arccosh = method(acosh)
    asinh = arcsinh = method(asinh)
    atanh = arctanh = method(atanh)
    tan, sinh, cosh, erf, erfc, sinc = map(method, (ops.tan, ops.sinh, ops.cosh, ops.erf, ops.erfc, ops.sinc))
    exp2, expm1, log2, log10, log1p = map(method, (ops.exp2, ops.expm1, ops.log2, ops.log10, ops.log1p))
    absolute, negative, positive = method(ops.absolute), method(ops.negative), method(ops.positive)
    multiply, subtract, deg2rad, rad2deg = map(method, (ops.multiply, ops.subtract, ops.deg2rad, ops.rad2deg))
    divide = true_divide = method(true_divide)
    floor_divide, remainder, fmod = method(ops.floor_divide), method(ops.remainder), method(ops.fmod)
    hypot, logaddexp, float_power = method(ops.hypot), method(ops.logaddexp), method(ops.float_power)
    fmax, fmin, copysign, nan_to_num = map(method, (ops.fmax, ops.fmin, ops.copysign, ops.nan_to_num))
    logical_and, logical_or, logical_xor = map(method, (ops.logical_and, ops.logical_or, ops.logical_xor))
    bitwise_and, bitwise_or, bitwise_xor = map(method, (ops.bitwise_and, ops.bitwise_or, ops.bitwise_xor))
    logical_not, bitwise_not, not_equal = method(ops.logical_not), method(ops.invert), method(ops.not_equal)
    less, less_equal, greater, greater_equal = map(method, (ops.less, ops.less_equal, ops.greater, ops.greater_equal))
    roll, tile, inner, vdot, cross = map(method, (ops.roll, ops.tile, ops.inner, ops.vdot, ops.cross))
    det, inverse, pinverse, cholesky = map(method, (ops.det, ops.inv, ops.pinv, ops.cholesky))
    broadcast_to, swapdims = method(ops.broadcast_to), method(swapdims)
    rot90, diff, kron, fliplr, flipud, unique = ops.rot90, torchwords.diff, ops.kron, ops.fliplr, ops.flipud, ops.unique
    median, quantile, nanmean, nansum = ops.median, torchwords.quantile, torchwords.nanmean, torchwords.nansum
    slogdet, matrix_power, qr, svd, cov, corrcoef = (
        ops.slogdet, ops.matrix_power, ops.qr, ops.svd, ops.cov, ops.corrcoef
    )  # fmt: skip
    diag, bincount = ops.diag, ops.bincount
    moveaxis = movedim = movedim
    argwhere = implementations[np.argwhere]
    mv, addmm, baddbmm, lerp, logit, dist, count_nonzero = mv, addmm, baddbmm, lerp, logit, dist, count_nonzero
    diag_embed, unflatten, split_with_sizes = diag_embed, unflatten, torchwords.split_lengths

    exp_, log_, sqrt_, rsqrt_ = map(_changing, (ops.exp, ops.log, ops.sqrt, lambda x: 1 / ops.sqrt(x)))
    sin_, cos_, tanh_, sigmoid_, relu_ = map(_changing, (ops.sin, ops.cos, ops.tanh, ops.sigmoid, ops.relu))
    abs_, neg_, square_, reciprocal_ = map(_changing, (ops.absolute, ops.negative, ops.square, ops.reciprocal))
    round_, floor_, ceil_, trunc_, sign_ = map(_changing, (ops.round, ops.floor, ops.ceil, ops.trunc, ops.sign))
    pow_, lerp_, tril_, triu_ = map(_changing, (ops.power, lerp, ops.tril, ops.triu))
    clip_, nan_to_num_ = map(_changing, (ops.clip, ops.nan_to_num))

    def addcmul(self: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
        """x + value tensor1 tensor2."""
        return self + value * tensor1 * tensor2  # type: ignore[no-any-return] # a Tensor

    def addcmul_(self: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Any:
        """The same in place."""
        self += value * tensor1 * tensor2
        return self

    def addcdiv(self: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
        """x + value tensor1 / tensor2."""
        return self + value * tensor1 / tensor2  # type: ignore[no-any-return] # a Tensor

    def addcdiv_(self: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Any:
        """The same in place."""
        self += value * tensor1 / tensor2
        return self

    def fill_diagonal_(self: Any, fill_value: float, wrap: bool = False) -> Any:
        """One number on the diagonal, in place."""
        ops.fill_diagonal(self, fill_value, wrap)
        return self

    def bernoulli_(self: Any, p: Any = 0.5, *, generator: Any = None) -> Any:
        """1 with the chance p, else 0, in place."""
        from tinygrad_edu.random import uniform  # built on Tensor

        drawn = uniform(self.shape, np.float64, generator, self.device)
        return self.copy_(wrap(drawn < getattr(p, "_value", p), None))

    def random_(self: Any, low: int, high: int | None = None, *, generator: Any = None) -> Any:
        """Whole numbers from `low` up to but not including `high`, or from 0 to below `low`, in place."""
        from tinygrad_edu.random import randint  # built on Tensor

        first, last = (0, low) if high is None else (low, high)
        return self.copy_(randint(first, last, self.shape, generator=generator, device=self.device))

    def detach_(self: Any) -> Any:
        """Without its history from here on; the tensor itself."""
        self._origin = None
        return self

    def reshape_as(self: Any, other: Any) -> Tensor:
        """In the shape of `other`."""
        return self.reshape(other.shape)  # type: ignore[no-any-return] # a Tensor

    def new_full(self: Any, size: Sequence[int], fill_value: Any) -> Tensor:
        """One number everywhere, in the dtype of the tensor, where it lives."""
        return wrap(np.full_like(self._value, fill_value, shape=tuple(size)), None)

    def new_tensor(self: Any, data: Any) -> Tensor:
        """A Tensor of `data`, in the dtype of the tensor, where it lives."""
        return type(self)(data, dtype=self.dtype, device=self.device)  # type: ignore[no-any-return] # as above

    def multinomial(self: Any, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Tensor:
        """Places drawn with the probabilities, or weights, in each row: see `multinomial`."""
        from tinygrad_edu.torchcreation import multinomial  # built on Tensor

        return multinomial(self, num_samples, replacement, generator=generator)

    def short(self: Any) -> Tensor:
        """As int16."""
        return self.astype(np.int16)  # type: ignore[no-any-return] # a Tensor

    def byte(self: Any) -> Tensor:
        """As uint8, what PyTorch calls byte."""
        return self.astype(np.uint8)  # type: ignore[no-any-return] # a Tensor

    def ndimension(self: Any) -> int:
        """How many axes: `t.ndim`."""
        return int(self.ndim)

    def element_size(self: Any) -> int:
        """Bytes of memory of one number."""
        return int(self.dtype.itemsize)

    def is_floating_point(self: Any) -> bool:
        """Whether the numbers are floats."""
        return bool(self.dtype.kind == "f")

    def is_contiguous(self: Any) -> bool:
        """Whether the numbers lie in memory in the order of their places."""
        return bool(self._value.flags.c_contiguous)
