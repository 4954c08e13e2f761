"""Maxout: a unit that learns its activation, as the largest of several straight lines."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.creation import zeros
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import init
from tinygrad_edu.nn.functional.linear import linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.ops.composed import as_operand

__all__ = ["Maxout"]


class Maxout(Module):
    """y = max(w1·x + b1, w2·x + b2, ...), of `pieces` linear layers for each unit.

    x has the shape (..., in_features), y (..., out_features), `weight` (pieces, out_features, in_features), `bias`
    (pieces, out_features). Weights and biases begin as those of `Linear`. Two pieces can become relu (w2 = 0, b2 = 0),
    the absolute value (w2 = -w1), or any other convex bend. Pieces that tie share the gradient equally. Raises
    `ShapeError` for an input with another number of features. Not in PyTorch; Goodfellow et al. 2013.

    >>> unit = Maxout(1, 1)
    >>> _ = unit.load_state_dict({"weight": [[[1.0]], [[-1.0]]], "bias": [[0.0], [0.0]]})  # |x|
    >>> unit, unit(np.array([[-2.0], [3.0]])).tolist()
    (Maxout(in_features=1, out_features=1, pieces=2, bias=True), [[2.0], [3.0]])
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        pieces: int = 2,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if pieces < 1:
            raise ValueError(f"Maxout: a unit is the largest of at least one piece, not of pieces={pieces}.")
        self.in_features, self.out_features, self.pieces = in_features, out_features, pieces
        made = {"dtype": dtype or np.float32, "device": device}
        self.weight = Parameter(zeros(pieces, out_features, in_features, **made))
        self.register_parameter("bias", Parameter(zeros(pieces, out_features, **made)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights and biases anew."""
        bound = 1 / math.sqrt(max(self.in_features, 1))
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, input: Any) -> Any:
        """y."""
        input, units = as_operand(input), self.pieces * self.out_features
        if input.ndim == 0 or input.shape[-1] != self.in_features:
            raise ShapeError(
                f"Maxout: the layer takes {self.in_features} features, the length of the last axis, and this input has"
                f" shape {input.shape}: make the layer for the inputs that it gets."
            )
        bias = None if self.bias is None else self.bias.reshape(units)
        lines = linear(input, self.weight.reshape(units, self.in_features), bias)
        return np.max(lines.reshape(*input.shape[:-1], self.pieces, self.out_features), axis=-2)

    def extra_repr(self) -> str:
        """Its sizes."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, pieces={self.pieces},"
            f" bias={self.bias is not None}"
        )
