"""Flatten and Unflatten: several axes in one, and one in several."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.module import Module
from tinygrad_edu.ops.composed import as_operand

__all__ = ["Flatten", "Unflatten"]


def _axis(name: str, called: str, axis: int, input: Any) -> int:
    try:
        return normalize_axis_index(axis, input.ndim)
    except ValueError:
        raise ShapeError(
            f"{name}: an input of shape {input.shape} has no axis {called}={axis}."
            + (" Its first axis is that of the samples: x[None] for a single one." if input.ndim == 1 else "")
        ) from None


class Flatten(Module):
    """The axes from `start_dim` to `end_dim` in one: images (N, C, H, W) become rows (N, C · H · W).

    Raises `ShapeError` for an input that has not those axes. After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Flatten.html

    >>> Flatten()(np.zeros((5, 2, 3, 4))).shape
    (5, 24)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        """The input in another shape."""
        input = as_operand(input)
        start = _axis("Flatten", "start_dim", self.start_dim, input)
        end = _axis("Flatten", "end_dim", self.end_dim, input)
        if start > end:
            raise ShapeError(f"Flatten: start_dim={self.start_dim} lies behind end_dim={self.end_dim}.")
        shape = input.shape
        return np.reshape(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))

    def extra_repr(self) -> str:
        """Its axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """The axis `dim` as several of the lengths `unflattened_size`, of which one may be -1: as long as it must be.

    Raises `ShapeError` for an input of which that axis has another length. After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Unflatten.html

    >>> Unflatten(1, (2, 3, 4))(np.zeros((5, 24))).shape
    (5, 2, 3, 4)
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, input: Any) -> Any:
        """The input in another shape."""
        input = as_operand(input)
        axis, parts = _axis("Unflatten", "dim", self.dim, input), self.unflattened_size
        length, known = input.shape[axis], math.prod(n for n in parts if n != -1)
        if parts.count(-1) > 1 or (length % known if -1 in parts and known else length != known):
            raise ShapeError(
                f"Unflatten: the axis {axis} of shape {input.shape} does not fall into unflattened_size={parts}: the"
                f" product of those must be {length}, and one may be -1."
            )
        return np.reshape(input, (*input.shape[:axis], *parts, *input.shape[axis + 1 :]))

    def extra_repr(self) -> str:
        """Its axis and lengths."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
