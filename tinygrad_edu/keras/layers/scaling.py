"""Layers that bring numbers to a scale: one known from the data, one of each sample, or a given one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.errors import DataError
from tinygrad_edu.keras.activations import Function
from tinygrad_edu.keras.layers.core import Layer, Shape
from tinygrad_edu.tensor import Tensor

__all__ = ["LayerNormalization", "Normalization", "Rescaling"]


class Normalization(Layer):
    """(x - mean) / √variance, feature by feature: mean and variance are those of the data given to `adapt`.

    Or they are given. Features are the last axis; `axis=None` has one mean and variance of all numbers. ValueError
    where neither was given. After https://keras.io/api/layers/preprocessing_layers/numerical/normalization/

    >>> layer = Normalization()
    >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
    >>> layer(np.array([[1.0, 30.0]]))
    Tensor([[-1.,  1.]], dtype=float32)
    """

    frozen = 2

    def __init__(self, axis: int | None = -1, mean: Any = None, variance: Any = None, **options: Any) -> None:
        super().__init__(**options)
        if axis not in (-1, None):
            raise ValueError(f"axis is -1, the features, or None, all numbers together, and {axis!r} was given")
        if (mean is None) != (variance is None):
            raise ValueError("give mean and variance, or neither and call adapt(data)")
        self.axis = axis
        self.mean, self.variance = (None if v is None else np.asarray(v, np.float32) for v in (mean, variance))

    def adapt(self, data: Any) -> None:
        """Take mean and variance from the data, (samples, ..., features)."""
        array = np.asarray(data.detach() if isinstance(data, Tensor) else data, np.float64)
        if array.size == 0 or not np.isfinite(array).all():
            raise DataError("adapt takes data of which none is nan or infinite")
        array = array[:, None] if array.ndim == 1 and self.axis is not None else array
        axes = None if self.axis is None else tuple(range(array.ndim - 1))
        self.mean, self.variance = array.mean(axes).astype(np.float32), array.var(axes).astype(np.float32)

    def make(self, shape: Shape) -> list[nn.Module]:
        """Two numbers a feature."""
        if self.mean is None or self.variance is None:
            raise ValueError("Normalization does not know its data: call adapt(X) first, with those to learn from")
        if self.axis is not None and np.shape(self.mean) not in ((), shape[-1:]):
            raise ValueError(f"it was adapted to {np.size(self.mean)} features, and these are samples of {shape}")
        self.scaled = Scaled(self.mean, self.variance)
        return [self.scaled]

    def laid_out(self) -> list[tuple[Tensor, tuple[int, ...]]]:
        """Mean and variance."""
        return [(t, tuple(range(t.ndim))) for t in (self.scaled.mean, self.scaled.variance)]


class Scaled(nn.Module):
    """(x - mean) / √variance, with a variance of 0 taken as 1e-14, as Keras does."""

    mean: Tensor
    variance: Tensor

    def __init__(self, mean: Any, variance: Any) -> None:
        super().__init__()
        self.register_buffer("mean", Tensor(mean))
        self.register_buffer("variance", Tensor(variance))

    def forward(self, input: Any) -> Any:
        """The scaled numbers."""
        return (input - self.mean) / np.maximum(np.sqrt(self.variance), np.float32(1e-7))


class Rescaling(Layer):
    """scale x + offset: `Rescaling(1 / 255)` of images. After
    https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/
    """

    def __init__(self, scale: float, offset: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.scale, self.offset = scale, offset

    def make(self, shape: Shape) -> list[nn.Module]:  # noqa: ARG002 - of any shape
        """One product and one sum."""
        return [Function(lambda x: x * self.scale + self.offset)]


class LayerNormalization(Layer):
    """The features of every sample, the last axis, to mean 0 and variance 1, then scaled and moved as is learnt.

    After https://keras.io/api/layers/normalization_layers/layer_normalization/
    """

    def __init__(self, axis: int | Sequence[int] = -1, epsilon: float = 1e-3, **options: Any) -> None:
        super().__init__(**options)
        if axis not in (-1, [-1], (-1,)):
            raise ValueError(f"axis is -1, the features, and {axis!r} was given")
        self.epsilon = epsilon

    def make(self, shape: Shape) -> list[nn.Module]:
        """The same of `nn`."""
        self.norm = nn.LayerNorm(shape[-1], eps=self.epsilon)
        return [self.norm]

    def laid_out(self) -> list[tuple[Tensor, tuple[int, ...]]]:
        """Gamma and beta."""
        return [(tensor, (0,)) for tensor in (self.norm.weight, self.norm.bias) if tensor is not None]
