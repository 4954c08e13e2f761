"""What all plots share: axes that need no display, colours for every kind of eye, sizes for a projector."""

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import Tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER, BLACK = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#e69f00",
    "#333333",
)
COLORS = (BLUE, ORANGE, GREEN, PURPLE, AMBER, SKY, BLACK)
"""The palette of Okabe and Ito (https://jfly.uni-koeln.de/color/), without its yellow, which is lost on white."""

MARKERS = ("o", "^", "s", "D", "v", "P", "X")
"""Beside the colours, for those who see none."""

LABEL, TICK = 13, 11
"""Points, on a figure of 6.4 inches: across a hall what 20 and 17 points are on a slide 10 inches wide."""


def axes_or_new(ax: "Axes | None") -> "Axes":
    """The axes that were given, as they are; else those of a new figure, which goes when it is no longer held.

    Raises ImportError where matplotlib is missing.
    """
    if ax is not None:
        return ax
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install matplotlib") from error
    axes = Figure(figsize=(6.4, 4.8), dpi=120, layout="constrained").subplots()
    axes.tick_params(labelsize=TICK)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_fontsize(LABEL)
    return axes


def small(axes: "Axes") -> float:
    """The size of legends and notes, smaller than the labels of the axes, whoever chose those."""
    return 0.85 * float(axes.xaxis.label.get_fontsize())


def numbers(given: Any) -> Any:
    """A Tensor, also of the GPU and one that is recorded, a list of Tensors, or anything else, as an array.

    >>> numbers([Tensor(1.0, requires_grad=True), 2])
    array([1., 2.])
    """
    if isinstance(given, Tensor):
        return given.detach().cpu().numpy()
    if isinstance(given, list | tuple):
        return np.array([numbers(part) for part in given])
    return np.asarray(given)


def count_epochs(axes: "Axes") -> None:
    """Name the axis, and put no half epoch on it, also where one epoch is all there is."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def legend_below(axes: "Axes", **options: Any) -> None:
    """Under the name of the axis, where no line is, as far below in points however small the axes are."""
    from matplotlib.transforms import ScaledTranslation

    down = ScaledTranslation(0, -float(axes.xaxis.label.get_fontsize()) / 20, axes.figure.dpi_scale_trans)
    options |= {"bbox_to_anchor": (0.5, 0), "bbox_transform": axes.transAxes + down, "fontsize": small(axes)}
    axes.legend(loc="upper center", columnspacing=1, handlelength=1.4, **options)


def color(place: int) -> str:
    """The colour of line or class number `place`."""
    return COLORS[place % len(COLORS)]


def diverging(low: str = BLUE, high: str = ORANGE) -> Any:
    """A colour map from one colour through white to another."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("diverging", [low, "#ffffff", high])
