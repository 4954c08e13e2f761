"""Gradient descent of two numbers: the path that an optimiser takes, and the contour lines it goes down."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu import Tensor, enable_grad, no_grad, optim
from viz.plots.style import BLACK, COLORS, ORANGE, axes_or_new, legend_below, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["descent", "walk"]

Loss = Callable[[Any, Any], Any]
"""A function of two Tensors of one number each."""

ACROSS, LEVELS, MOST_DOTS, LINE = 81, 14, 150, 72
UPHILL = 3.0
"""How far above its start, as a share of what it can fall, a path is followed when the limits are chosen."""


def walk(
    loss: Loss,
    start: Sequence[float],
    optimizer: Callable[[list[Tensor]], optim.Optimizer],
    steps: int = 20,
) -> Any:
    """Where two numbers are at first and after every step of an optimiser, as an array (steps + 1, 2).

    `optimizer` makes one from its parameters. A path ends where it is no longer finite.

    >>> walk(lambda x, y: x**2 + y**2, (4.0, -2.0), lambda both: optim.SGD(both, lr=0.25), steps=2)
    array([[ 4. , -2. ],
           [ 2. , -1. ],
           [ 1. , -0.5]])
    """
    if np.shape(start) != (2,):
        raise ValueError(f"start is two numbers, x and y, and has shape {np.shape(start)}")
    both = [Tensor(float(number), requires_grad=True) for number in start]
    stepper = optimizer(both)
    path = [[number.item() for number in both]]
    for _ in range(steps):
        stepper.zero_grad()
        with enable_grad(), np.errstate(over="ignore", invalid="ignore"):  # a rate that is too large is worth a look
            loss(*both).backward()
            stepper.step()
        path.append([number.item() for number in both])
        if not np.isfinite(path[-1]).all():
            break
    return np.array(path)


def descent(
    loss: Loss,
    paths: Any,
    ax: "Axes | None" = None,
    *,
    xlim: tuple[float, float] | None = None,
    ylim: tuple[float, float] | None = None,
    names: Sequence[str] = ("x", "y"),
) -> "Axes":
    """The contour lines of a loss of two numbers, and on them a path, or a dict of several, from square to star.

    A path is (n, 2): what `walk` gives, or what a training recorded. Without limits the picture holds the paths as far
    as they are not much above their start, and says where one leaves it. Raises ValueError for other shapes, and for a
    loss that is not one number.

    >>> def bowl(x, y):
    ...     return x**2 + 4 * y**2
    >>> axes = descent(bowl, walk(bowl, (4.0, 2.0), lambda both: optim.SGD(both, lr=0.125), steps=3))
    >>> axes.get_legend().get_texts()[0].get_text()
    '3 steps, loss from 32 to 2.848'
    """
    several = dict(paths) if isinstance(paths, Mapping) else {"": paths}
    tracks = [_Track(str(name), *_checked(loss, path)) for name, path in several.items()]
    view = [_union(limits) for limits in zip(*map(_view, tracks), strict=True)]
    xlim, ylim = xlim or view[0], ylim or view[1]
    axes = axes_or_new(ax)
    _landscape(axes, loss, xlim, ylim)
    for place, track in enumerate(tracks):
        _draw(axes, track, ((ORANGE, *COLORS[2:])[place % (len(COLORS) - 1)]))
    axes.set(xlabel=names[0], ylabel=names[1], xlim=xlim, ylim=ylim)
    legend_below(axes)
    return axes


class _Track(NamedTuple):
    """A path, and the loss at each of its points."""

    name: str
    points: Any
    heights: Any


def _checked(loss: Loss, path: Any) -> tuple[Any, Any]:
    points = numbers(path).astype(float)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(f"a path must be (n, 2), x and y at first and after every step, and has shape {points.shape}")
    if not np.isfinite(points[0]).all():
        raise ValueError(f"a path begins at {points[0]}, and a start has to be finite")
    return points, _heights(loss, points)


def _draw(axes: "Axes", track: _Track, hue: str) -> None:
    """The path: a dot for every step as long as they are few, a square where it starts and a star where it ends."""
    points, heights = track.points, track.heights
    said = f"{len(points) - 1} steps, loss from {heights[0]:.4g} to {heights[-1]:.4g}"
    outside = np.flatnonzero(~_inside(points, axes.get_xlim(), axes.get_ylim()))
    if len(outside):
        said += f"; leaves the picture in step {outside[0]}"
    few = len(points) <= MOST_DOTS
    style: dict[str, Any] = {"marker": "o", "markersize": 4, "linewidth": 1.8} if few else {"linewidth": 0.9}
    label = textwrap.fill(f"{track.name}: {said}" if track.name else said, LINE)
    axes.plot(*points.T, color=hue, label=label, **style)
    ends: dict[str, Any] = {"color": hue, "markeredgecolor": BLACK, "zorder": 3}
    axes.plot(*points[0], "s", markersize=9, **ends)
    axes.plot(*points[np.isfinite(points).all(axis=1)][-1], "*", markersize=15, **ends)


def _inside(points: Any, xlim: tuple[float, float], ylim: tuple[float, float]) -> Any:
    """Which points are in the picture; nan is not."""
    low, high = np.sort([xlim, ylim]).T
    return ((points >= low) & (points <= high)).all(axis=1)


def _heights(loss: Loss, points: Any) -> Any:
    """The loss at every point, each asked by itself: a loss may be a mean over data, and need not take arrays."""
    with no_grad(), np.errstate(all="ignore"):
        found = [numbers(loss(Tensor(x), Tensor(y))) for x, y in points]
    if any(height.size != 1 for height in found):
        raise ValueError(f"the loss of two numbers should be one number, and has shape {found[0].shape}")
    return np.array([height.item() for height in found], dtype=float)


def _view(track: _Track) -> list[tuple[float, float]]:
    """The limits of both axes: of a path that climbs away only the beginning is looked at, with more room around it."""
    points, heights = track.points, track.heights
    first = heights[0]
    lowest = min(heights[np.isfinite(heights)], default=0.0)
    near = heights <= first + UPHILL * max(first - lowest, abs(first))
    seen = points[near] if near.any() else points[:1]
    low, high = seen.min(axis=0), seen.max(axis=0)
    room = (0.15 if near.all() else 0.5) * max(high - low) or 1.0
    return [(float(a - room), float(b + room)) for a, b in zip(low, high, strict=True)]


def _union(limits: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return min(low for low, _ in limits), max(high for _, high in limits)


def _landscape(axes: "Axes", loss: Loss, xlim: tuple[float, float], ylim: tuple[float, float]) -> None:
    """Lines of equal loss, closer together towards the lowest point, each band a shade darker than the last."""
    from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap

    x, y = np.linspace(*xlim, ACROSS), np.linspace(*ylim, ACROSS)
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    heights = np.ma.masked_invalid(_heights(loss, grid.reshape(-1, 2)).reshape(ACROSS, ACROSS))
    low, high = heights.min(), heights.max()
    if heights.mask.all() or low == high:
        raise ValueError("the loss is the same or not finite everywhere in the picture: give other xlim and ylim")
    levels = low + np.concatenate([[0], np.geomspace(2e-3, 1, LEVELS) * (high - low)])
    shades = LinearSegmentedColormap.from_list("shades", ["#ffffff", "#9dbcd8"])
    axes.contourf(x, y, heights, levels=levels, cmap=shades, norm=BoundaryNorm(levels, 256))
    axes.contour(x, y, heights, levels=levels[1:-1], colors="#7f93a8", linewidths=0.6)
    axes.set(xlim=xlim, ylim=ylim)
