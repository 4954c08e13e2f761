"""The decision boundary: where a classifier of two features changes its mind, over the data it should tell apart."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import nn, no_grad, train
from viz.plots.style import BLACK, COLORS, MARKERS, axes_or_new, diverging, numbers, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["decision_boundary"]

ACROSS = 200
"""The classifier is asked at so many places across, and as many upwards."""


def decision_boundary(
    predict: Callable[[Any], Any],
    X: Any,  # noqa: N803 - scikit-learn's name for the rows of features
    y: Any,
    ax: "Axes | None" = None,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> "Axes":
    """Show where a classifier of two features changes its mind, over the data it should tell apart.

    `predict`, a function or a module of `nn`, maps an (n, 2) array to the probabilities, in [0, 1], of class 1, shape
    (n,) or (n, 1), or to one score a class, shape (n, C): the largest wins, so these may be logits. `X` is (n, 2), `y`
    is (n,) of class indices. The line is where the probability is 0.5, or two classes are equal. Needs no display: save
    with `ax.figure.savefig(path)`. Raises ValueError for other shapes and labels, ImportError where matplotlib is
    missing.

    >>> axes = decision_boundary(lambda points: points[:, 0] > 1, [[0.0, 0.0], [2.0, 1.0]], [0, 1])
    >>> [text.get_text() for text in axes.get_legend().get_texts()]
    ['class 0', 'class 1', 'probability 0.5']
    """
    points, labels = _checked(X, y)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.where(high > low, 0.08 * (high - low), 1.0)
    across, up = (np.linspace(a, b, ACROSS) for a, b in zip(low - margin, high + margin, strict=True))
    grid = np.stack(np.meshgrid(across, up), axis=-1)
    scores = _scores(predict, grid.reshape(-1, 2), labels).reshape(ACROSS, ACROSS, -1)
    classes = max(scores.shape[-1], 2)
    if labels.max() >= classes:
        what = "y must hold 0 and 1 only" if classes == 2 else f"y must hold 0 to {classes - 1}"
        raise ValueError(
            f"{what}, as what predict gives, and it holds {np.unique(labels)[:5]}: write y == the_class, or give the"
            " scores of all classes, one column each"
        )
    named = _names(class_names, classes)
    axes = axes_or_new(ax)
    line = (
        _two(axes, across, up, scores[..., 0], named[1]) if scores.shape[-1] == 1 else _many(axes, across, up, scores)
    )
    handles: list[Any] = []
    for label in range(classes):
        chosen = points[labels == label]
        style: dict[str, Any] = {"c": COLORS[label % len(COLORS)], "marker": MARKERS[label % len(MARKERS)]}
        style |= {"s": 36, "edgecolors": "white", "linewidths": 0.8}
        handles.append(axes.scatter(chosen[:, 0], chosen[:, 1], label=named[label], **style))
    names = ("feature 1", "feature 2") if feature_names is None else feature_names
    axes.set(xlabel=names[0], ylabel=names[1], xlim=(across[0], across[-1]), ylim=(up[0], up[-1]))
    axes.legend(handles=[*handles, *line], loc="best", framealpha=0.9, fontsize=small(axes))
    return axes


def _checked(X: Any, y: Any) -> tuple[Any, Any]:  # noqa: N803 - as above
    """The points and the class indices."""
    points, labels = numbers(X).astype(float), numbers(y).ravel()
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(labels) or not len(points):
        raise ValueError(
            f"X must be (n, 2) and y (n,): got {points.shape} and {np.shape(y)}. Choose two features, X[:, [0, 1]]."
        )
    if not np.isfinite(points).all():
        raise ValueError("X holds nan or infinite numbers, which have no place in a picture")
    if labels.dtype.kind not in "biuf":
        raise ValueError("y must hold class indices: write np.unique(y, return_inverse=True)[1]")
    whole = labels.astype(int)
    if (whole != labels).any() or whole.min() < 0:
        raise ValueError(f"y must hold 0 and 1 only, or 0, 1, 2, ..., and holds {np.unique(labels)[:5]}")
    return points, whole


def _names(given: Sequence[str] | None, classes: int) -> list[str]:
    """One name a class."""
    if given is None:
        return [f"class {i}" for i in range(classes)]
    if len(given) != classes:
        raise ValueError(f"class_names has {len(given)} names, and there are {classes} classes")
    return list(map(str, given))


def _scores(predict: Callable[[Any], Any], points: Any, labels: Any) -> Any:
    """What is predicted at the points: one column of probabilities, or a column of scores for every class."""
    if isinstance(predict, nn.Module):
        found = numbers(train.predict(predict, points))
    else:
        with no_grad():
            found = numbers(predict(points))
    if found.shape in ((len(points),), (len(points), 1)):
        column = found.reshape(-1, 1)
        if column.dtype.kind in "iu" and max(column.max(), labels.max()) > 1 and column.min() >= 0:
            return np.eye(max(column.max(), labels.max()) + 1)[column[:, 0]]  # classes themselves
        low, high = column.min(), column.max()
        if not (low >= 0 and high <= 1):  # so that nan is refused too
            raise ValueError(
                f"predict gives {low:g} to {high:g}, and probabilities are from 0 to 1: for logits write"
                " lambda x: sigmoid(model(x))"
            )
        return column.astype(float)
    if found.ndim != 2 or len(found) != len(points):
        raise ValueError(
            f"predict gives shape {found.shape} for {len(points)} points: one probability each, (n,), or one score a"
            " class, (n, C)"
        )
    if not np.isfinite(found).all():
        raise ValueError("predict gives nan or infinite scores: the model has diverged")
    return found.astype(float)


def _two(axes: "Axes", across: Any, up: Any, chances: Any, name: str) -> list[Any]:
    """The probability of class 1 in shades, and the line where it is a half."""
    soft = diverging("#b8d8ea", "#f6cfb4")
    filled = axes.contourf(across, up, chances, levels=np.linspace(0, 1, 21), cmap=soft)
    bar = axes.figure.colorbar(filled, ax=axes, ticks=[0, 0.25, 0.5, 0.75, 1])
    bar.set_label(f"probability of {name}", size=axes.xaxis.label.get_fontsize())
    bar.ax.tick_params(labelsize=small(axes))
    if not chances.min() < 0.5 < chances.max():  # matplotlib would warn that there is no such line
        return []
    axes.contour(across, up, chances, levels=[0.5], colors=BLACK, linewidths=1.5)
    return [_handle("probability 0.5")]


def _many(axes: "Axes", across: Any, up: Any, scores: Any) -> list[Any]:
    """The region of every class in its colour, and a line where it ends."""
    from matplotlib.colors import to_rgb

    winners = scores.argmax(axis=-1)
    pale = np.array([0.72 + 0.28 * np.array(to_rgb(color)) for color in COLORS])
    extent = (across[0], across[-1], up[0], up[-1])
    axes.imshow(pale[winners % len(COLORS)], origin="lower", extent=extent, aspect="auto", interpolation="nearest")
    found = np.unique(winners)
    if len(found) == 1:
        return []
    for label in found:
        others = np.delete(scores, label, axis=-1).max(axis=-1)
        axes.contour(across, up, scores[..., label] - others, levels=[0], colors=BLACK, linewidths=1.2)
    return [_handle("two classes are equal")]


def _handle(label: str) -> Any:
    """The entry of a line in the legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=BLACK, linewidth=1.5, label=label)
