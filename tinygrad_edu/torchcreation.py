"""More of PyTorch's ways to make a Tensor: in the shape of another one, or of random numbers."""

from typing import Any

import numpy as np

from tinygrad_edu.creation import as_there, made
from tinygrad_edu.device import CPU, device_of, module_of, moved
from tinygrad_edu.random import chosen, rand, randn, uniform
from tinygrad_edu.tensor import Tensor

__all__ = [
    "FloatTensor",
    "LongTensor",
    "bernoulli",
    "empty",
    "empty_like",
    "is_tensor",
    "multinomial",
    "rand_like",
    "randn_like",
]


def empty(*shape: Any, dtype: Any = None, device: Any = None, **options: Any) -> Tensor:
    """A Tensor whose numbers are whatever the memory held, float64 unless `dtype` says otherwise."""
    return made(module_of(device).empty(shape[0] if len(shape) == 1 else shape, dtype or np.float64), **options)


def empty_like(input: Any, **options: Any) -> Tensor:
    """A Tensor in the shape and dtype of `input`, where it lives, whose numbers are whatever the memory held."""
    return empty(np.shape(input), **as_there(input, options))


def rand_like(input: Any, *, generator: Any = None, **options: Any) -> Tensor:
    """Uniform from 0 up to but not including 1, in the shape and dtype of `input`, where it lives."""
    return rand(np.shape(input), generator=generator, **as_there(input, options))


def randn_like(input: Any, *, generator: Any = None, **options: Any) -> Tensor:
    """Standard normal, in the shape and dtype of `input`, where it lives."""
    return randn(np.shape(input), generator=generator, **as_there(input, options))


def bernoulli(input: Any, *, generator: Any = None) -> Tensor:
    """1 with the probabilities `input`, else 0, in their dtype; ValueError for what is no probability."""
    p = _value(input)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("bernoulli takes probabilities, numbers from 0 to 1")
    return made((uniform(p.shape, np.float64, generator, device_of(p)) < p).astype(p.dtype))


def multinomial(input: Any, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Tensor:
    """Places drawn with the probabilities, or weights, in each row of `input`: whole numbers (..., num_samples).

    Without `replacement` no place is drawn twice. Weights on a GPU are read on the host. ValueError where a weight is
    negative, nan or infinite, where all of a row are 0, or where fewer than `num_samples` are not.

    >>> multinomial(np.array([[0.0, 1.0], [1.0, 0.0]]), 1)
    Tensor([[1],
            [0]])
    """
    weights = moved(_value(input), CPU)
    rows = np.atleast_2d(weights).astype(np.float64)
    if not (np.isfinite(rows) & (rows >= 0)).all() or not rows.sum(-1).all():
        raise ValueError("multinomial takes rows of weights that are 0 or larger, not all of them 0")
    if not replacement and (np.count_nonzero(rows, axis=-1) < num_samples).any():
        raise ValueError(
            f"multinomial: a row has fewer than {num_samples} weights that are not 0; replacement=True draws again"
        )
    source = chosen(generator)
    drawn = [source.choice(len(row), num_samples, replacement, row / row.sum()) for row in rows]
    return Tensor(np.reshape(drawn, (*weights.shape[:-1], num_samples)), device=device_of(_value(input)))


def is_tensor(obj: Any) -> bool:
    """Whether it is a Tensor."""
    return isinstance(obj, Tensor)


def FloatTensor(data: Any) -> Tensor:  # noqa: N802 - PyTorch's name
    """A Tensor of float32."""
    return Tensor(data, dtype=np.float32)


def LongTensor(data: Any) -> Tensor:  # noqa: N802 - PyTorch's name
    """A Tensor of int64."""
    return Tensor(data, dtype=np.int64)


def _value(input: Any) -> Any:
    return getattr(input, "_value", input)
