"""Dropout: in training, numbers are set to 0 at random, and the others made larger so that their mean stays.

`inplace=True` is accepted and computes in a new array: the result is the same, and what the graph keeps stays whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import random
from tinygrad_edu.device import device_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.graph import Array
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand
from tinygrad_edu.watch import bare

__all__ = ["dropout", "dropout1d", "dropout2d"]

Generator = np.random.Generator | None


def _dropped(x: Array, noise: Array) -> Array:
    """The numbers x times the noise, which is 0 or 1 / (1 - p)."""
    return x * noise


_dropout: Op = Op(_dropped, name="dropout", x=lambda g, noise: _dropout(g, noise), noise=None)


@bare
def _noise(x: Any, places: int, p: float, generator: Generator) -> Array:
    """0 with probability `p`, else 1 / (1 - p), the same along the last `places` axes; in the dtype of `x`."""
    shape = (*x.shape[: x.ndim - places], *[1] * places)
    dtype = x.dtype.type if x.dtype.kind == "f" else np.float64
    kept = random.uniform(shape, np.float32, generator, device_of(getattr(x, "_value", x))) >= p
    return np.multiply(kept, dtype(1 / (1 - p) if p < 1 else 0), dtype=dtype)


def check_probability(name: str, p: float) -> None:
    """ValueError for a `p` that is no probability."""
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is the probability that a number is set to 0, from 0 to 1, and not {p}.")


def dropout(
    input: Any,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,  # noqa: ARG001 - see the top
    generator: Generator = None,
) -> Any:
    """Each number 0 with probability `p`, else times 1 / (1 - p); in training only.

    Any shape. `generator` is ours: where the random numbers come from, that of `manual_seed` unless given. Raises
    ValueError for a `p` that is no probability. Srivastava et al. 2014; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html

    >>> dropout(np.ones(5), 0.5, generator=np.random.default_rng(0))
    array([2., 2., 2., 0., 0.])
    """
    check_probability("dropout", p)
    input = as_operand(input)
    return _dropout(input, _noise(input, 0, p, generator)) if training and p else input


def _dropout_of_channels(
    name: str, layouts: dict[int, str], places: int, input: Any, p: float, training: bool, generator: Generator
) -> Any:
    check_probability(name, p)
    input = as_operand(input)
    if input.ndim not in layouts:
        raise ShapeError(
            f"{name}: it sets whole channels of {' or '.join(layouts.values())} to 0, and this input has shape"
            f" {input.shape}: use dropout for single numbers, and x[None] to make one image a batch."
        )
    return _dropout(input, _noise(input, places, p, generator)) if training and p else input


def dropout1d(
    input: Any,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,  # noqa: ARG001 - see the top
    generator: Generator = None,
) -> Any:
    """Each channel of (N, C, L) or (C, L) 0 as a whole with probability `p`, else times 1 / (1 - p); in training only.

    As `dropout`; raises `ShapeError` for other numbers of axes. Tompson et al. 2015; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout1d.html

    >>> dropout1d(np.ones((2, 3)), 0.5, generator=np.random.default_rng(2))
    array([[2., 2., 2.],
           [0., 0., 0.]])
    """
    return _dropout_of_channels("dropout1d", {2: "(C, L)", 3: "(N, C, L)"}, 1, input, p, training, generator)


def dropout2d(
    input: Any,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,  # noqa: ARG001 - see the top
    generator: Generator = None,
) -> Any:
    """Each channel of (N, C, H, W) 0 as a whole with probability `p`, else times 1 / (1 - p); in training only.

    As `dropout1d`. A single image is refused: PyTorch still takes (C, H, W) for sequences. After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout2d.html

    >>> dropout2d(np.ones((1, 2, 1, 3)), 0.5, generator=np.random.default_rng(2)).tolist()
    [[[[2.0, 2.0, 2.0]], [[0.0, 0.0, 0.0]]]]
    """
    return _dropout_of_channels("dropout2d", {4: "(N, C, H, W)"}, 2, input, p, training, generator)
