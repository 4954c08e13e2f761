"""Activations as layers: each computes its function of `nn.functional`, with the settings it was made with.

`inplace=True` is accepted and computes in a new array: the result is the same, and what the graph keeps stays whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.creation import full
from tinygrad_edu.nn.functional.activations import (
    elu,
    gelu,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    log_softmax,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
)
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
]


class Sigmoid(Module):
    """y = 1 / (1 + exp(-x)), between 0 and 1.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
    """

    def forward(self, input: Any) -> Any:
        """y."""
        return sigmoid(input)


class Tanh(Module):
    """y = tanh(x), between -1 and 1.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Tanh.html
    """

    def forward(self, input: Any) -> Any:
        """y."""
        return tanh(input)


class Softsign(Module):
    """y = x / (1 + |x|), between -1 and 1.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Softsign.html
    """

    def forward(self, input: Any) -> Any:
        """y."""
        return softsign(input)


class LogSigmoid(Module):
    """y = log(1 / (1 + exp(-x))), finite for every finite x.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.LogSigmoid.html
    """

    def forward(self, input: Any) -> Any:
        """y."""
        return logsigmoid(input)


class _WithInplace(Module):
    """A function whose only setting is PyTorch's `inplace`."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Its settings."""
        return "inplace=True" if self.inplace else ""


class ReLU(_WithInplace):
    """y = max(x, 0); its derivative at 0 is 0.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html
    """

    def forward(self, input: Any) -> Any:
        """y."""
        return relu(input)


class ReLU6(_WithInplace):
    """y = min(max(x, 0), 6).

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU6.html
    """

    def forward(self, input: Any) -> Any:
        """y."""
        return relu6(input)


class SELU(_WithInplace):
    """y = 1.0507 x where x > 0, else 1.7581 (exp(x) - 1), which keeps mean 0 and variance 1.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.SELU.html
    """

    def forward(self, input: Any) -> Any:
        """y."""
        return selu(input)


class SiLU(_WithInplace):
    """y = x sigmoid(x), also called swish.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.SiLU.html
    """

    def forward(self, input: Any) -> Any:
        """y."""
        return silu(input)


class Mish(_WithInplace):
    """y = x tanh(softplus(x)).

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Mish.html
    """

    def forward(self, input: Any) -> Any:
        """y."""
        return mish(input)


class Hardsigmoid(_WithInplace):
    """y = x / 6 + 1/2, held between 0 and 1.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardsigmoid.html
    """

    def forward(self, input: Any) -> Any:
        """y."""
        return hardsigmoid(input)


class Hardswish(_WithInplace):
    """y = x (x / 6 + 1/2), the second factor held between 0 and 1.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardswish.html
    """

    def forward(self, input: Any) -> Any:
        """y."""
        return hardswish(input)


class LeakyReLU(_WithInplace):
    """y = x where x > 0, else negative_slope x.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Any) -> Any:
        """y."""
        return leaky_relu(input, self.negative_slope)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"negative_slope={self.negative_slope!r}{', inplace=True' if self.inplace else ''}"


class ELU(_WithInplace):
    """y = x where x > 0, else alpha (exp(x) - 1).

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.ELU.html
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Any) -> Any:
        """y."""
        return elu(input, self.alpha)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"alpha={self.alpha!r}{', inplace=True' if self.inplace else ''}"


class Hardtanh(_WithInplace):
    """y = x, held between min_val and max_val.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardtanh.html
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.min_val, self.max_val = min_val, max_val

    def forward(self, input: Any) -> Any:
        """y."""
        return hardtanh(input, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"min_val={self.min_val!r}, max_val={self.max_val!r}{', inplace=True' if self.inplace else ''}"


class GELU(Module):
    """y = x P(x), P the normal distribution function, or its approximation by "tanh".

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.GELU.html
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Any) -> Any:
        """y."""
        return gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"approximate={self.approximate!r}"


class Softplus(Module):
    """y = log(1 + exp(beta x)) / beta, and x itself where beta x > threshold.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Softplus.html
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Any) -> Any:
        """y."""
        return softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"beta={self.beta!r}, threshold={self.threshold!r}"


class Softmax(Module):
    """y = exp(x) / Σ exp(x) along axis `dim`: probabilities; without `dim` the last axis of one or two.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmax.html
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """y."""
        return softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"dim={self.dim!r}"


class LogSoftmax(Module):
    """y = x - log Σ exp(x) along axis `dim`; without `dim` the last axis of one or two.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """y."""
        return log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"dim={self.dim!r}"


class PReLU(Module):
    """y = x where x > 0, else a x, with slopes a that are learnt: one for all channels, or one for each.

    The channels are axis 1 of x, the only axis of a vector; `weight` (num_parameters,) begins as `init`.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.PReLU.html
    """

    weight: Parameter

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.weight = Parameter(full(num_parameters, init, dtype=dtype or np.float32, device=device))

    def forward(self, input: Any) -> Any:
        """y."""
        return prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Its size."""
        return f"num_parameters={self.num_parameters}"
