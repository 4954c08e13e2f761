"""Plots of what a model has learned, with matplotlib."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["decision_boundary"]

BLUE, ORANGE = "#0072b2", "#d55e00"
"""From the palette of Okabe and Ito (https://jfly.uni-koeln.de/color/), told apart by every kind of eye."""


def decision_boundary(
    predict: Callable[[Any], Any],
    X: Any,  # noqa: N803 - scikit-learn's name for the rows of features
    y: Any,
    ax: "Axes | None" = None,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> "Axes":
    """Show where a classifier of two features changes its mind, over the data it should tell apart.

    `predict` maps an (n, 2) array to the probabilities, in [0, 1], of class 1; `X` is (n, 2), `y` is (n,) of 0 and 1.
    The line is where the probability is 0.5. Needs no display: save with `ax.figure.savefig(path)`. Raises ValueError
    for other shapes, ImportError where matplotlib is missing.
    """
    points, labels = np.asarray(X, dtype=float), np.asarray(y).ravel()
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(labels) or not len(points):
        raise ValueError(f"X must be (n, 2) and y (n,): got {points.shape} and {np.shape(y)}. Choose two features.")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"y must hold 0 and 1 only, and holds {np.unique(labels)[:5]}: write y == the_class")
    axes = _new_axes() if ax is None else ax
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.where(high > low, 0.08 * (high - low), 1.0)
    across, up = (np.linspace(a, b, 200) for a, b in zip(low - margin, high + margin, strict=True))
    grid = np.stack(np.meshgrid(across, up), axis=-1)
    chances = np.asarray(predict(grid.reshape(-1, 2)), dtype=float).reshape(grid.shape[:2])

    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.lines import Line2D

    soft = LinearSegmentedColormap.from_list("soft", ["#b8d8ea", "#ffffff", "#f6cfb4"])
    filled = axes.contourf(across, up, chances, levels=np.linspace(0, 1, 21), cmap=soft)
    handles: list[Any] = []
    for label, color, marker in ((0, BLUE, "o"), (1, ORANGE, "^")):
        chosen = points[labels == label]
        name = f"class {label}" if class_names is None else class_names[label]
        style: dict[str, Any] = {"c": color, "marker": marker, "s": 36, "edgecolors": "white", "linewidths": 0.8}
        handles.append(axes.scatter(chosen[:, 0], chosen[:, 1], label=name, **style))
    if chances.min() < 0.5 < chances.max():  # elsewhere matplotlib would warn that there is no such line
        axes.contour(across, up, chances, levels=[0.5], colors="#333333", linewidths=1.5)
        handles.append(Line2D([], [], color="#333333", linewidth=1.5, label="probability 0.5"))
    names = ("feature 1", "feature 2") if feature_names is None else feature_names
    axes.set(xlabel=names[0], ylabel=names[1], xlim=(across[0], across[-1]), ylim=(up[0], up[-1]))
    axes.legend(handles=handles, loc="best", framealpha=0.9)
    bar = axes.figure.colorbar(filled, ax=axes, ticks=[0, 0.25, 0.5, 0.75, 1])
    bar.set_label(f"probability of {'class 1' if class_names is None else class_names[1]}")
    return axes


def _new_axes() -> "Axes":
    """Axes on a figure of their own that no window system knows of, and that goes when it is no longer held."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install matplotlib") from error
    return Figure(figsize=(6.4, 4.8), dpi=120, layout="constrained").subplots()
