"""The ops of normalisation: numbers are brought to mean 0 and variance 1, along one set of axes or another.

All but the last are one formula, and its derivatives are derived once, at `_by_x` and `_by_weight`:

    out = (x - mean) / sqrt(variance + eps) * weight + bias

They differ in the axes that have means of their own and in those that have weights of their own. Letters say both, as
in `einsum`: for images, "abcd", batch normalisation has means along "b" and weights along "b", for sequences of
features, "abc", layer normalisation has means along "ab" and weights along "c".
"""

from __future__ import annotations

import math
from functools import lru_cache
from string import ascii_lowercase
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import kernels
from tinygrad_edu.graph import HALF, Array
from tinygrad_edu.kernels import HOST, fits
from tinygrad_edu.mutation import changes
from tinygrad_edu.op import Op

__all__ = [
    "Layout",
    "Running",
    "batch_normalized",
    "group_normalized",
    "instance_normalized",
    "layer_normalized",
    "layout",
    "rescaled",
    "rms_normalized",
]

Shape = tuple[int, ...]


class Layout:
    """The axes along which means and weights differ, as letters of a, b, c, ..., for arrays of one shape.

    `along` and `across` are the shapes of means and weights that broadcast to that shape; `count` numbers share a mean.
    """

    def __init__(self, shape: Shape, means: str, weights: str) -> None:
        lengths = dict(zip(ascii_lowercase, shape, strict=False))
        axes = "".join(lengths)
        self.along = tuple(n if axis in means else 1 for axis, n in lengths.items())
        self.across = tuple(n if axis in weights else 1 for axis, n in lengths.items())
        self.means = tuple(lengths[axis] for axis in means)
        self.count = math.prod(n for axis, n in lengths.items() if axis not in means)
        self.shared = tuple(i for i, axis in enumerate(lengths) if axis not in means)
        self.beside = tuple(i for i, axis in enumerate(lengths) if axis not in weights)
        self.to_shape = tuple(lengths[axis] for axis in weights)
        both = "".join(axis for axis in axes if axis in means + weights)
        self.whole = both == axes  # a factor for means times one for weights is as large as the array
        self.sum, self.dot, self.to_weights = f"{axes}->{means}", f"{axes},{axes}->{means}", f"{axes}->{weights}"
        self.inner, self.outer = f"{axes},{axes}->{both}", f"{both},{means}->{weights}"

    def mean(self, x: Any) -> Any:
        """The mean of the numbers that share one."""
        if type(x) not in HOST and fits(x):
            return kernels.total(x, axis=self.shared) / self.count
        return np.einsum(self.sum, x).reshape(self.along) / self.count

    def mean_product(self, x: Any, y: Any) -> Any:
        """The mean of the products of the numbers that share one."""
        if type(x) not in HOST and fits(x, y):
            return kernels.products(x, y, axis=self.shared) / self.count
        return np.einsum(self.dot, x, y).reshape(self.along) / self.count

    def spread(self, weight: Any) -> Any:
        """The weight, or the number that stands for none, to be multiplied with."""
        return weight if isinstance(weight, float) else weight.reshape(self.across)


layout = lru_cache(maxsize=256)(Layout)  # a network asks for few, again and again: 8 us each


class Running(NamedTuple):
    """Mean and variance that follow those of the batches: each time they go a share `momentum` of the way."""

    mean: Array
    variance: Array
    momentum: float

    def follow(self, mean: Array, variance: Array, count: int) -> None:
        """Go there from here, in place; the variance as it is estimated for more than these `count` numbers."""
        for running, found in ((self.mean, mean), (self.variance, variance * (count / (count - 1)))):
            batch = found.reshape(-1, *running.shape)
            running *= 1 - self.momentum
            running += self.momentum * (batch[0] if len(batch) == 1 else batch.mean(axis=0))
            changes.note(running)


def _normalized(
    x: Array, weight: Array, bias: Array, layout: Layout, eps: float, running: Running | None = None
) -> Array:
    """(x - mean) / sqrt(variance + eps) * weight + bias, of means and variances of `x`, which `running` follows."""
    return _normalized_and_moments(x, weight, bias, layout, eps, running)[0]


def _normalized_and_moments(
    x: Array, weight: Array, bias: Array, layout: Layout, eps: float, running: Running | None
) -> tuple[Array, Array, Array]:
    if _on_device(x, weight, bias):
        return _on_gpu(x, weight, bias, layout, eps, running)
    dtype = np.result_type(x, weight, bias)
    out = x.astype(np.promote_types(dtype, np.float32), copy=False)
    mean = layout.mean(out)
    out = out - mean
    variance = layout.mean_product(out, out)
    if layout.whole:
        scale = 1 / np.sqrt(variance + eps)
        out *= scale
        out *= layout.spread(weight)
        out += layout.spread(bias)
    else:
        # Sums over a whole batch round: the mean of 20,000 numbers around 10,000 float32 gets wrong by 0.01. What that
        # left, it gets right, because it is small.
        left = layout.mean(out)
        mean, variance = mean + left, variance - left * left
        scale = 1 / np.sqrt(variance + eps)
        factor = layout.spread(weight) * scale
        out *= factor
        out += layout.spread(bias) - left * factor
    if running is not None:
        running.follow(mean, variance, layout.count)
    return out.astype(dtype, copy=False), mean, scale


def _wide(x: Any) -> Any:
    """The numbers in float32 where they are float16, so that sums of them are."""
    return x if isinstance(x, float) or x.dtype is not HALF else x.astype(np.float32)


def _on_device(*arrays: Any) -> bool:
    """Whether there are kernels for the arrays, and the numbers that stand for none."""
    return type(arrays[0]) not in HOST and fits(*[array for array in arrays if not isinstance(array, float)])


def _on_gpu(
    x: Array, weight: Array, bias: Array, layout: Layout, eps: float, running: Running | None
) -> tuple[Array, Array, Array]:
    """The same in three reads of the numbers and one write; a GPU adds in pairs, so that nothing is left."""
    mean = layout.mean(x)
    variance = kernels.squares(x, mean, axis=layout.shared) / layout.count
    scale = 1 / np.sqrt(variance + eps)
    out = kernels.normalized(x, mean, scale, layout.spread(weight), layout.spread(bias))
    if running is not None:
        running.follow(mean, variance, layout.count)
    return out, mean, scale


def _by_x(g: Any, x: Any, weight: Any, mean: Any, scale: Any, layout: Layout) -> Any:
    """scale (h - mean(h) - z mean(h z)), with h = g weight and z = (x - mean) scale, the normalised numbers.

    Change x by d. Then the mean changes by mean(d), and the variance by 2 mean((x - mean) d), so scale by
    -scale^3 mean((x - mean) d), and z by scale (d - mean(d) - z mean(z d)). The map from d to that is symmetric, so its
    transpose, applied to h, is the same.
    """
    g, x, weight = _wide(g), _wide(x), _wide(weight)
    if _on_device(g, x, weight, mean, scale):
        factor = layout.spread(weight)
        level = kernels.products(g, factor, axis=layout.shared) / layout.count
        slope = kernels.slopes(g, x, mean, factor, axis=layout.shared) / layout.count * (scale * scale)
        return kernels.normalized_x(g, x, mean, scale, factor, level, slope)
    centred = x - mean
    if layout.whole:
        out = g * layout.spread(weight)
        out *= scale
    else:
        out = g * (layout.spread(weight) * scale)
    slope = layout.mean_product(out, centred) * (scale * scale)
    out -= layout.mean(out)
    out -= centred * slope
    return out


def _by_weight(g: Any, x: Any, mean: Any, scale: Any, layout: Layout) -> Any:
    """The sum of g z over all that has the same weight, z the normalised numbers."""
    g, x = _wide(g), _wide(x)
    if _on_device(g, x, mean, scale):
        return kernels.slopes(g, x, mean, scale, axis=layout.beside).reshape(layout.to_shape)
    centred = x - mean
    products = g * centred if layout.whole else np.einsum(layout.inner, g, centred)
    return np.einsum(layout.outer, products, scale.reshape(layout.means))


def _by_bias(g: Any, layout: Layout) -> Any:
    """The sum of g over all that has the same bias."""
    g = _wide(g)
    if type(g) not in HOST and fits(g):
        return kernels.total(g, axis=layout.beside).reshape(layout.to_shape)
    return np.einsum(layout.to_weights, g)


def _mean(x: Any, layout: Layout) -> Any:
    return layout.mean(x)


def _scale(x: Any, layout: Layout, eps: float) -> Any:
    centred = x - _mean(x, layout)
    return (layout.mean_product(centred, centred) + eps) ** -0.5


batch_normalized, instance_normalized, group_normalized, layer_normalized = (
    Op(
        _normalized,
        forward=_normalized_and_moments,
        name=name,
        beside={"mean": _mean, "scale": _scale},
        x=_by_x,
        weight=_by_weight,
        bias=_by_bias,
    )
    for name in ("batch_norm", "instance_norm", "group_norm", "layer_norm")
)


def _rescaled(x: Array, weight: Array, bias: Array, mean: Array, variance: Array, layout: Layout, eps: float) -> Array:
    """(x - mean) / sqrt(variance + eps) * weight + bias, of a mean and a variance that are given."""
    dtype = np.result_type(x, weight, bias)
    out = (x - layout.spread(mean)).astype(dtype, copy=False)
    out *= layout.spread(weight) * _fixed_scale(variance, layout, eps)
    out += layout.spread(bias)
    return out


def _fixed_scale(variance: Any, layout: Layout, eps: float) -> Any:
    return 1 / np.sqrt(layout.spread(variance) + eps)


def _rescaled_by_x(g: Any, weight: Any, variance: Any, layout: Layout, eps: float) -> Any:
    """g weight / sqrt(variance + eps)."""
    return g * (layout.spread(weight) * _fixed_scale(variance, layout, eps))


def _rescaled_by_weight(g: Any, x: Any, mean: Any, variance: Any, layout: Layout, eps: float) -> Any:
    """The sum over each channel of g (x - mean) / sqrt(variance + eps)."""
    return _by_weight(g, x, layout.spread(mean), _fixed_scale(variance, layout, eps), layout)


rescaled = Op(
    _rescaled,
    name="batch_norm",
    x=_rescaled_by_x,
    weight=_rescaled_by_weight,
    bias=_by_bias,
    mean=None,
    variance=None,
)


def _by_root_mean_square(x: Array, weight: Array, layout: Layout, eps: float) -> Array:
    """The numbers x / sqrt(mean(x^2) + eps) * weight."""
    return _rms_and_scale(x, weight, layout, eps)[0]


def _rms_and_scale(x: Array, weight: Array, layout: Layout, eps: float) -> tuple[Array, Array]:
    dtype = np.result_type(x, weight)
    laid = x.astype(np.promote_types(dtype, np.float32), copy=False)
    scale = 1 / np.sqrt(layout.mean_product(laid, laid) + eps)
    out = laid * scale
    out *= layout.spread(weight)
    return out.astype(dtype, copy=False), scale


def _rms_scale(x: Any, layout: Layout, eps: float) -> Any:
    return (layout.mean_product(x, x) + eps) ** -0.5


def _rms_by_x(g: Any, x: Any, weight: Any, scale: Any, layout: Layout) -> Any:
    """scale (h - z mean(h z)) with h = g weight and z = x scale: as `_by_x`, where nothing is taken from x."""
    g, x = _wide(g), _wide(x)
    out = g * layout.spread(weight)
    out *= scale
    out -= x * (layout.mean_product(out, x) * (scale * scale))
    return out


rms_normalized = Op(
    _by_root_mean_square,
    forward=_rms_and_scale,
    name="rms_norm",
    beside={"scale": _rms_scale},
    x=_rms_by_x,
    weight=lambda g, x, scale, layout: _by_weight(g, x, 0.0, scale, layout),
)
