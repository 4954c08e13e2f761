"""Activations under PyTorch's names and with its arguments; most are ops of `tinygrad_edu`.

Each takes a Tensor, or an array, and gives a Tensor; `op.apply` is the op without the search for its arguments.
`inplace=True` is accepted and computes in a new array: the result is the same, and what the graph keeps stays whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.graph import Array
from tinygrad_edu.op import Op
from tinygrad_edu.ops.elementwise import masked

__all__ = [
    "elu",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
]


def sigmoid(input: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return ops.sigmoid.apply(input)


def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return ops.tanh.apply(input)


def relu(input: Any, inplace: bool = False) -> Any:  # noqa: ARG001 - see the top
    """max(x, 0)."""
    return ops.relu.apply(input)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:  # noqa: ARG001 - as above
    """x where x > 0, else negative_slope x. Maas, Hannun, Ng 2013."""
    return ops.leaky_relu.apply(input, negative_slope)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:  # noqa: ARG001 - as above
    """x where x > 0, else alpha (exp(x) - 1). Clevert, Unterthiner, Hochreiter 2016."""
    return ops.elu.apply(input, alpha)


def selu(input: Any, inplace: bool = False) -> Any:  # noqa: ARG001 - as above
    """1.0507 elu(x, 1.6733), which keeps mean 0 and variance 1. Klambauer et al. 2017."""
    return ops.selu.apply(input)


def silu(input: Any, inplace: bool = False) -> Any:  # noqa: ARG001 - as above
    """x sigmoid(x). Elfwing, Uchibe, Doya 2018."""
    return ops.silu.apply(input)


def mish(input: Any, inplace: bool = False) -> Any:  # noqa: ARG001 - as above
    """x tanh(softplus(x)). Misra 2019."""
    return input * tanh(ops.softplus.apply(input, 1.0))


def logsigmoid(input: Any) -> Any:
    """log(sigmoid(x)) = -softplus(-x), finite for every finite x."""
    return -ops.softplus.apply(-input, 1.0)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(beta x)) / beta, and x itself where beta x > threshold.

    Nothing overflows here without the threshold, so at 20, where x itself is 2e-9 less, it is not looked at.
    """
    smooth = ops.softplus.apply(input, beta)
    return smooth if threshold == 20 else np.where(input * beta > threshold, input, smooth)


def softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Any:
    """exp(x) / Σ exp(x) along axis `dim`: probabilities. After `torch.nn.functional.softmax`.

    Without `dim` the last axis of one or two, which PyTorch guesses too; ValueError for more axes, where it would take
    another one.

    >>> softmax(np.array([[0.0, 0.0], [0.0, np.log(3.0)]]))
    Tensor([[0.5 , 0.5 ],
            [0.25, 0.75]])
    """
    return ops.softmax.apply(_cast(input, dtype), _axis(input, dim, "softmax"))


def log_softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Any:
    """log(softmax(x)) = x - log Σ exp(x) along axis `dim`, finite for every finite x; `dim` is that of `softmax`."""
    return ops.log_softmax.apply(_cast(input, dtype), _axis(input, dim, "log_softmax"))


def _cast(input: Any, dtype: Any) -> Any:
    return input if dtype is None else input.astype(dtype)


def _axis(input: Any, dim: int | None, function: str) -> int:
    if dim is not None:
        return dim
    if input.ndim > 2:
        raise ValueError(
            f"{function} of shape {input.shape}: say along which axis the probabilities add up to 1, dim=1 for images"
            " (N, C, H, W), dim=-1 for the last axis"
        )
    return -1


def gelu(input: Any, approximate: str = "none") -> Any:
    """x times the normal distribution function of x, or its approximation by "tanh". Hendrycks, Gimpel 2016."""
    if approximate not in ("none", "tanh"):
        raise ValueError(f"approximate is 'none' or 'tanh', not {approximate!r}")
    return (ops.gelu if approximate == "none" else _gelu_tanh).apply(input)


A, B = 0.7978845608028654, 0.044715  # √(2/π), and what fits best
FAR = 20.0  # where the tanh is 1 in every dtype, and no power of x overflows


def _gelu_tanh_and_t(x: Array) -> tuple[Array, Array]:
    """x (1 + t) / 2, and t."""
    t = _t(x)
    return 0.5 * x * (1 + t), t


def _t(x: Any) -> Any:
    """The tanh in the approximation of gelu."""
    x = np.clip(x, -FAR, FAR)
    return np.tanh(A * x * (1 + B * x * x))


def _gelu_tanh_x(g: Any, x: Any, t: Any) -> Any:
    """g times half of (1 + t) + x t', where t' = (1 - t²) A (1 + 3 B x²)."""
    x = np.clip(x, -FAR, FAR)  # t' is 0 there
    return 0.5 * g * (1 + t + x * (1 - t * t) * (A * (1 + 3 * B * x * x)))


_gelu_tanh = Op(
    lambda x: _gelu_tanh_and_t(x)[0],
    name="gelu_tanh",
    forward=_gelu_tanh_and_t,
    elementwise=True,
    beside={"t": _t},
    x=_gelu_tanh_x,
)


_hardtanh = Op(
    lambda x, min_val, max_val: np.clip(x, min_val, max_val),
    name="hardtanh",
    elementwise=True,
    x=lambda g, out, min_val, max_val: masked(g, (out > min_val) & (out < max_val)),
    kink="0 at both ends",
)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:  # noqa: ARG001
    """x, held between min_val and max_val. ValueError unless min_val < max_val."""
    if not min_val < max_val:
        raise ValueError(f"hardtanh holds x between min_val and max_val; {min_val} is not less than {max_val}")
    return _hardtanh.apply(input, min_val, max_val)


def relu6(input: Any, inplace: bool = False) -> Any:  # noqa: ARG001 - as above
    """min(max(x, 0), 6). Krizhevsky 2010."""
    return _hardtanh.apply(input, 0.0, 6.0)


def hardsigmoid(input: Any, inplace: bool = False) -> Any:  # noqa: ARG001 - as above
    """x / 6 + 1/2, held between 0 and 1."""
    return _hardtanh.apply(input / 6 + 0.5, 0.0, 1.0)


_hardswish = Op(
    lambda x: x * np.clip(x + 3, 0, 6) / 6,
    name="hardswish",
    elementwise=True,
    x=lambda g, x: g * np.where(x <= -3, 0, np.where(x < 3, x / 3 + 0.5, 1)),
    kink="0 at -3, 1 at 3",
)


def hardswish(input: Any, inplace: bool = False) -> Any:  # noqa: ARG001 - as above
    """x hardsigmoid(x). Howard et al. 2019."""
    return _hardswish.apply(input)


_softsign = Op(
    lambda x: x / (1 + abs(x)),
    name="softsign",
    elementwise=True,
    x=lambda g, x: g / (1 + np.abs(x)) / (1 + np.abs(x)),  # a square could overflow
)


def softsign(input: Any) -> Any:
    """x / (1 + |x|)."""
    return _softsign.apply(input)


_prelu = Op(
    lambda x, weight: np.where(x > 0, x, weight * x),
    name="prelu",
    elementwise=True,
    x=lambda g, x, weight: np.where(x > 0, g, g * weight),
    weight=lambda g, x: g * np.minimum(x, 0),
    kink="weight at 0",
)


def prelu(input: Any, weight: Any) -> Any:
    """x where x > 0, else weight x: a leaky relu that learns its slope. He, Zhang, Ren, Sun 2015.

    `weight` has one number for all, or one for each channel, the second axis of `input` (the only one of a vector).
    """
    channels = input.shape[min(1, input.ndim - 1)] if input.ndim else 1
    if weight.size not in (1, channels) or weight.ndim > 1:
        raise ShapeError(
            f"prelu: a weight of shape {weight.shape} does not fit an input of shape {input.shape}: it has one number,"
            f" or {channels}, one for each channel (axis 1 of the input)."
        )
    return _prelu.apply(input, np.reshape(weight, (-1, *[1] * (input.ndim - 2))) if weight.size > 1 else weight)
