"""Images and sequences of another size: interpolation, and channels exchanged for places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.device import library_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops import adaptive_avg_pool1d, adaptive_avg_pool2d
from tinygrad_edu.ops.composed import as_operand

__all__ = ["interpolate", "pixel_shuffle", "pixel_unshuffle"]

Size = int | Sequence[int] | None
Factor = float | Sequence[float] | None


def interpolate(
    input: Any,
    size: Size = None,
    scale_factor: Factor = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
) -> Any:
    """Images (N, C, H, W), or sequences (N, C, L), of another `size`, or `scale_factor` times as large.

    `mode` "nearest" takes the number before each place, "nearest-exact" the nearest, "linear", "bilinear" and
    "bicubic" go between them, "area" takes means. With `align_corners` the first and last numbers stay where they are.
    Every axis is a matrix of weights, so that all of them have their derivatives. ValueError for another mode, and for
    other than one of size and scale_factor. Keys 1981 with a = -0.75; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html

    >>> interpolate(np.array([[[1.0, 2.0]]]), scale_factor=2), interpolate(np.array([[[1.0, 2.0]]]), 4, mode="linear")
    (array([[[1., 1., 2., 2.]]]), array([[[1.  , 1.25, 1.75, 2.  ]]]))
    """
    x = as_operand(input)
    axes = x.ndim - 2
    if axes not in (1, 2) or x.dtype.kind != "f":
        raise ShapeError(f"interpolate takes floats of shape (N, C, L) or (N, C, H, W), not {x.dtype} {x.shape}.")
    known = {"nearest", "nearest-exact", "area", "linear" if axes == 1 else "bilinear", "bicubic"}
    if mode not in known or (mode == "bicubic" and axes == 1):
        raise ValueError(f"interpolate of shape {x.shape} has the modes {', '.join(sorted(known))}, not {mode!r}")
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate takes one of size, as (32, 32), and scale_factor, as 2")
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise ValueError(f"align_corners is for modes that go between numbers, not for {mode!r}")
    lengths = x.shape[2:]
    if size is not None:
        wanted = [int(n) for n in _each("size", size, axes)]
        steps = [n / m for n, m in zip(lengths, wanted, strict=True)]
    else:
        factors = _each("scale_factor", scale_factor, axes)
        wanted = [int(n * factor) for n, factor in zip(lengths, factors, strict=True)]
        steps = [1 / factor for factor in factors]
        if recompute_scale_factor:
            steps = [n / m for n, m in zip(lengths, wanted, strict=True)]
    if min(wanted) < 1:
        raise ValueError(f"interpolate would leave nothing: the size is {wanted}")
    if mode == "area":
        return adaptive_avg_pool1d(x, wanted[0]) if axes == 1 else adaptive_avg_pool2d(x, tuple(wanted))
    for axis, (n, m, step) in enumerate(zip(lengths, wanted, steps, strict=True), start=2):
        if mode == "nearest" and m % n == 0 and step == n / m:
            x = np.repeat(x, m // n, axis)
            continue
        weights = library_of(x).asarray(_weights(mode, n, m, step, bool(align_corners)), x.dtype)
        x = x @ weights.T if axis == x.ndim - 1 else weights @ x
    return x


def _each(name: str, given: Any, axes: int) -> list[Any]:
    every = list(given) if isinstance(given, tuple | list) else [given] * axes
    if len(every) != axes:
        raise ValueError(f"interpolate: {name}={given!r} is one number, or {axes}")
    return every


def _weights(mode: str, n: int, m: int, step: float, align_corners: bool) -> Any:
    """The matrix (m, n) that makes m numbers of n: each row weighs those near its place."""
    rows = np.arange(m)
    if mode.startswith("nearest"):
        shift = 0.5 if mode == "nearest-exact" else 0.0
        places = np.minimum(((rows + shift) * np.float32(step)).astype(int), n - 1)
        return np.eye(n)[places]
    at = rows * ((n - 1) / max(m - 1, 1)) if align_corners else (rows + 0.5) * step - 0.5
    if mode != "bicubic":
        at = np.maximum(at, 0)
    first = np.floor(at).astype(int)
    near, weigh = (range(-1, 3), _cubic) if mode == "bicubic" else (range(2), _linear)
    out = np.zeros((m, n))
    for k in near:
        np.add.at(out, (rows, np.clip(first + k, 0, n - 1)), weigh(abs(at - first - k)))
    return out


def _linear(distance: Any) -> Any:
    return np.maximum(1 - distance, 0)


def _cubic(distance: Any) -> Any:
    d, a = distance, -0.75
    inside, outside = ((a + 2) * d - (a + 3)) * d * d + 1, ((d - 5) * d + 8) * d * a - 4 * a
    return np.where(d <= 1, inside, np.where(d < 2, outside, 0))


def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """Channels as places: (..., C r², H, W) -> (..., C, H r, W r). Shi et al. 2016.

    ShapeError where r² does not divide the channels. After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pixel_shuffle.html

    >>> pixel_shuffle(np.arange(4.0).reshape(4, 1, 1), 2)
    array([[[0., 1.],
            [2., 3.]]])
    """
    r, (*before, channels, height, width) = upscale_factor, input.shape
    if channels % r**2:
        raise ShapeError(f"pixel_shuffle: {channels} channels do not fall into groups of {r}² = {r * r}.")
    parts = input.reshape(*before, channels // r**2, r, r, height, width)
    n = len(before)
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return np.transpose(parts, order).reshape(*before, channels // r**2, height * r, width * r)


def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """Places as channels: (..., C, H r, W r) -> (..., C r², H, W), what `pixel_shuffle` does backwards.

    >>> pixel_unshuffle(np.array([[[0.0, 1.0], [2.0, 3.0]]]), 2).ravel()
    array([0., 1., 2., 3.])
    """
    r, (*before, channels, height, width) = downscale_factor, input.shape
    if height % r or width % r:
        raise ShapeError(f"pixel_unshuffle: {height} rows and {width} columns do not fall into squares of {r}.")
    parts = input.reshape(*before, channels, height // r, r, width // r, r)
    n = len(before)
    order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return np.transpose(parts, order).reshape(*before, channels * r * r, height // r, width // r)
