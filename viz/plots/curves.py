"""Learning curves: how a loss or a metric went, on the training data and on the validation data."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.train.callbacks import FALLING, RISING
from viz.plots.style import BLACK, axes_or_new, color, count_epochs, numbers, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["learning_curves"]

FEW = 30
"""Up to so many epochs each is a dot."""
MANY = 300
"""Dashes of more epochs run into each other, so that the training data's line is paler then."""


def learning_curves(
    history: Any,
    measures: str | Sequence[str] = "loss",
    ax: "Axes | None" = None,
    *,
    log: bool = False,
    mode: str | None = None,
) -> "Axes":
    """A line for every measure, dashed on the validation data, with the best epoch of the validation marked.

    `history` is what `fit` gives, of `train` or of Keras, a dict of lists, or one list of losses. The best epoch is the
    lowest of a loss or an error, the highest of an accuracy; of other measures say it, `mode="min"` or "max". Epochs
    whose number cannot be drawn (nan, infinite, and 0 or less where `log`) are marked at the edge. Raises ValueError
    for a history without epochs, and for a measure that is not in it; TypeError for what is no history.

    >>> axes = learning_curves({"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 1.5, 2.0]})
    >>> [line.get_label() for line in axes.get_lines()]
    ['loss', 'val_loss', 'best: epoch 2, 1.5']
    """
    if mode not in (None, "min", "max"):
        raise ValueError(f"mode is 'min' for a measure that should fall, else 'max', and {mode!r} was given")
    table = _table(history)
    wanted = [measures] if isinstance(measures, str) else list(measures)
    for name in wanted:
        if name not in table:
            raise ValueError(f"measures={name!r} is not in the history: there is {', '.join(map(repr, table))}")
    axes = axes_or_new(ax)
    if log:
        axes.set_yscale("log")
    for place, measure in enumerate(wanted):
        for name, style in ((measure, "-"), (f"val_{measure}", "--")):
            if name in table:
                _line(axes, name, table[name], style, color(place), log)
        if f"val_{measure}" in table:
            _best(axes, measure, table[f"val_{measure}"], color(place), mode)
    count_epochs(axes)
    axes.set_ylabel(wanted[0] if len(wanted) == 1 else "")
    axes.legend(fontsize=small(axes))
    return axes


def _table(history: Any) -> dict[str, Any]:
    """The measures by name, each an array."""
    found = getattr(history, "history", history)
    if found is None or isinstance(found, str):
        raise TypeError(f"a history is what fit returns, history = fit(...), or a list of losses, and not {found!r}")
    if not isinstance(found, Mapping):
        found = {"loss": found}
    table = {str(name): np.atleast_1d(numbers(values)).astype(float) for name, values in found.items()}
    if not any(len(values) for values in table.values()):
        raise ValueError("the history has no epoch yet: draw it after fit(...), which returns it")
    for name, values in table.items():
        if values.ndim != 1:
            raise ValueError(f"{name!r} should be one number an epoch, and has shape {values.shape}")
    return table


def _line(axes: "Axes", name: str, values: Any, style: str, hue: str, log: bool) -> None:
    """The curve, and a cross at the upper or lower edge where it has no place."""
    epochs = np.arange(1, len(values) + 1)
    drawn = np.isfinite(values) & (values > 0 if log else True)
    marker = "o" if len(values) <= FEW or not drawn.all() else None  # an epoch between two gaps is no line
    curve = np.where(drawn, values, np.nan)
    behind = style == "-" and len(values) > MANY
    width, alpha = (1.0, 0.45) if behind else (2.0, 1.0)
    axes.plot(epochs, curve, style, label=name, color=hue, marker=marker, markersize=4, linewidth=width, alpha=alpha)
    edges = axes.get_xaxis_transform()  # epochs across, and from 0 to 1 upwards
    inner, face = (0.05, "white") if style == "--" else (0.0, hue)  # both measures may fail in one epoch
    for where, height in ((~drawn & ~(values <= 0), 0.97 - inner), (~drawn & (values <= 0), 0.03 + inner)):
        if where.any():
            kinds = " or ".join(sorted({_kind(value) for value in values[where]}))
            label = f"{name} is {kinds}"
            cross: dict[str, Any] = {"color": hue, "markerfacecolor": face, "markersize": 9}
            axes.plot(epochs[where], np.full(where.sum(), height), "X", transform=edges, label=label, **cross)


def _kind(value: float) -> str:
    """How a number that has no place is called."""
    return f"{value}" if not np.isfinite(value) else "0 or below"


def _best(axes: "Axes", measure: str, values: Any, hue: str, mode: str | None) -> None:
    """A ring around the best epoch, where it is known what is better."""
    known = "min" if measure in FALLING else "max" if measure in RISING else None
    direction = mode or known
    if direction is None or not np.isfinite(values).any():
        return
    finite = np.where(np.isfinite(values), values, np.inf if direction == "min" else -np.inf)
    best = int(finite.argmin() if direction == "min" else finite.argmax())
    label = f"best: epoch {best + 1}, {values[best]:.4g}"
    style: dict[str, Any] = {"color": BLACK, "markerfacecolor": hue, "markersize": 13, "markeredgewidth": 1.2}
    axes.plot([best + 1], [values[best]], "*", label=label, zorder=4, **style)
