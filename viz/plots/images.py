"""The weights of the first layer as images: what each of its units looks for."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import Tensor, keras, nn
from viz.plots.style import axes_or_new, diverging, numbers, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["first_layer"]

MOST = 64
"""Units of a picture."""


def first_layer(model: Any, ax: "Axes | None" = None, *, shape: Sequence[int] | None = None) -> "Axes":
    """The weights of every unit of the first layer as an image: blue below 0, white 0, orange above.

    `model` is a module or a Keras model whose first layer with weights is Linear, on images of `shape` (rows, columns;
    square ones need none), or Conv2d, whose kernels are shown, the channels of a unit side by side. Or the weights
    themselves, as (units, pixels) or (units, channels, rows, columns). All images share their shades. Raises ValueError
    for pixels that are no rectangle of that shape and for nan, TypeError for models without such a layer.

    >>> axes = first_layer(nn.Sequential(nn.Linear(64, 10), nn.ReLU()))
    >>> axes.get_title()
    '10 units of 8 x 8'
    """
    weight = numbers(_weight(model)).astype(float)
    if weight.ndim == 2:
        rows, columns = _rectangle(weight.shape[1], shape)
        tiles = weight.reshape(len(weight), 1, rows, columns)
    elif weight.ndim == 4:
        tiles, (rows, columns) = weight, weight.shape[2:]
    else:
        raise ValueError(
            f"weights are (units, pixels) or (units, channels, rows, columns), and these have shape {weight.shape}"
        )
    if not np.isfinite(tiles).all():
        raise ValueError("the weights hold nan or infinite numbers: the model has diverged")
    units = len(tiles)
    shown = tiles[: MOST if tiles.shape[1] == 1 else MOST // 2]
    axes = axes_or_new(ax)
    limit = abs(shown).max() or 1.0
    colors = diverging().with_extremes(bad="#d5d5d5")
    picture = axes.imshow(_mosaic(shown), cmap=colors, vmin=-limit, vmax=limit, interpolation="nearest")
    bar = axes.figure.colorbar(picture, ax=axes, shrink=0.8)
    bar.set_label("weight", size=axes.xaxis.label.get_fontsize())
    bar.ax.tick_params(labelsize=small(axes))
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)
    what = f"{units} unit{'s' * (units > 1)}" if len(shown) == units else f"the first {len(shown)} of {units} units"
    channels = f", {tiles.shape[1]} channels side by side" if tiles.shape[1] > 1 else ""
    axes.set_title(f"{what} of {rows} x {columns}{channels}")
    return axes


def _weight(model: Any) -> Any:
    """The weights of the first layer that has some."""
    if isinstance(model, keras.Sequential):
        model = model.network
    if not isinstance(model, nn.Module):
        if isinstance(model, Tensor) or hasattr(model, "shape"):
            return model
        raise TypeError(
            f"a model is a module of nn, a Keras model or an array of weights, not a {type(model).__name__}"
        )
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            return module.weight
    raise TypeError(f"{type(model).__name__} has no Linear and no Conv2d: give the weights, first_layer(model.weight)")


def _rectangle(pixels: int, shape: Sequence[int] | None) -> tuple[int, int]:
    """Rows and columns of an image of so many pixels."""
    side = math.isqrt(pixels)
    rows, columns = (side, side) if shape is None else (int(shape[0]), int(shape[1]))
    if rows * columns != pixels:
        said = f"shape {rows} x {columns} has {rows * columns}" if shape is not None else "that is no square"
        raise ValueError(f"a unit has {pixels} weights, and {said}: write shape=(rows, columns) of the images")
    return rows, columns


def _mosaic(tiles: Any) -> Any:
    """All images (units, channels, rows, columns) as one, about as wide as high, with nan between them."""
    units, channels, rows, columns = tiles.shape
    thin = max(1, min(rows, columns) // 8)
    strip = np.full((units, rows, channels * (columns + thin) - thin), np.nan)
    for channel in range(channels):
        left = channel * (columns + thin)
        strip[:, :, left : left + columns] = tiles[:, channel]
    gap = thin if channels == 1 else 2 * thin
    high, wide = rows + gap, strip.shape[2] + gap
    down = math.ceil(units / max(1, round(math.sqrt(units * high / wide * 4 / 3))))
    across = math.ceil(units / down)  # so that the last row is not much shorter than the others
    mosaic = np.full((down * high + gap, across * wide + gap), np.nan)
    for place, unit in enumerate(strip):
        top, left = place // across * high + gap, place % across * wide + gap
        mosaic[top : top + rows, left : left + strip.shape[2]] = unit
    return mosaic
