"""Layers without a nonlinearity: linear, bilinear, and one that does nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.creation import zeros
from tinygrad_edu.nn import init
from tinygrad_edu.nn.functional.linear import bilinear, linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter

__all__ = ["Bilinear", "Identity", "Linear"]


class Identity(Module):
    """y = x. Any arguments are accepted and ignored, so that it can stand in the place of another layer.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Identity.html
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - see the docstring
        super().__init__()

    def forward(self, input: Any) -> Any:
        """x itself."""
        return input


class Linear(Module):
    """y = x Wᵀ + b: every unit weighs all features of x and adds its bias.

    x has the shape (..., in_features), y (..., out_features), `weight` (out_features, in_features), `bias`
    (out_features,). Weights and biases begin uniform in ±1/√in_features, in float32. Raises `ShapeError` for an input
    with another number of features. After https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html

    >>> layer = Linear(3, 2)
    >>> layer, layer.weight.shape, layer(np.ones((5, 3), np.float32)).shape
    (Linear(in_features=3, out_features=2, bias=True), (2, 3), (5, 2))
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        made = {"dtype": dtype or np.float32, "device": device}
        self.weight = Parameter(zeros(out_features, in_features, **made))
        self.register_parameter("bias", Parameter(zeros(out_features, **made)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights and biases anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # the gain of √(1/3) makes its bound 1/√in_features
        if self.bias is not None:
            bound = 1 / math.sqrt(max(self.in_features, 1))
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Any) -> Any:
        """y."""
        return linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Its sizes."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """y[k] = x1ᵀ W[k] x2 + b[k]: every unit weighs all products of a feature of x1 and one of x2.

    x1 has the shape (..., in1_features), x2 (..., in2_features), y (..., out_features); `weight` begins uniform in
    ±1/√in1_features, as `bias`. After https://docs.pytorch.org/docs/stable/generated/torch.nn.Bilinear.html
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        made = {"dtype": dtype or np.float32, "device": device}
        self.weight = Parameter(zeros(out_features, in1_features, in2_features, **made))
        self.register_parameter("bias", Parameter(zeros(out_features, **made)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights and biases anew."""
        bound = 1 / math.sqrt(max(self.in1_features, 1))
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, input1: Any, input2: Any) -> Any:
        """y."""
        return bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Its sizes."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features},"
            f" bias={self.bias is not None}"
        )
