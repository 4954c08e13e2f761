"""Histograms of weights and of gradients, one row a parameter, with the names that the modules have."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from viz.plots.layers import named_parameters
from viz.plots.style import BLUE, ORANGE, axes_or_new, numbers, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["gradient_histograms", "weight_histograms"]

BINS, MOST, LONGEST = 40, 30, 30
"""Of a row; rows of a picture; letters of a name."""


def weight_histograms(model: Any, ax: "Axes | None" = None, *, log: bool = False) -> "Axes":
    """How the numbers of every parameter are spread, a row each, from the first layer at the top to the last.

    `model` is a module, a Keras model, or a dict of names and arrays. With `log` the sizes |w| are on a logarithmic
    axis. Every row is as high as the others; its standard deviation stands at the right, with what has no place: nan,
    infinite, and 0 where `log`. Raises TypeError for other models, ValueError for one without parameters.

    >>> from tinygrad_edu import nn
    >>> axes = weight_histograms(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """
    rows = {name: numbers(parameter) for name, parameter in named_parameters(model).items()}
    return _rows(rows, ax, "weight", BLUE, log)


def gradient_histograms(model: Any, ax: "Axes | None" = None, *, log: bool = False) -> "Axes":
    """How the gradients of every parameter are spread, as `weight_histograms` shows the weights.

    With `log` it is seen at a glance whether they vanish or explode from layer to layer. A gradient that was not
    computed is said to be so, and not drawn as 0. Raises ValueError where none was computed.

    >>> from tinygrad_edu import nn
    >>> layer = nn.Linear(4, 3)
    >>> layer([[1.0, 2.0, 3.0, 4.0]]).sum().backward()
    >>> axes = gradient_histograms(layer)
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['weight', 'bias']
    """
    gradients = {name: getattr(parameter, "grad", None) for name, parameter in named_parameters(model).items()}
    if all(gradient is None for gradient in gradients.values()):
        raise ValueError("no gradient was computed: call loss.backward() first, and zero_grad() only after the picture")
    rows = {name: None if gradient is None else numbers(gradient) for name, gradient in gradients.items()}
    return _rows(rows, ax, "gradient", ORANGE, log)


def _rows(rows: dict[str, Any], ax: "Axes | None", what: str, hue: str, log: bool) -> "Axes":
    """The histograms one above the other."""
    axes = axes_or_new(ax)
    shown = dict(list(rows.items())[:MOST])
    if ax is None:
        axes.get_figure(root=True).set_size_inches(6.4, max(3.2, 1.4 + 0.42 * len(shown)))  # type: ignore[union-attr]
    notes = []
    for place, values in enumerate(shown.values()):
        axes.axhline(place, color="#bbbbbb", linewidth=0.8)
        notes.append("not computed" if values is None else _row(axes, values, place, hue, log))
    if log:
        axes.set_xscale("log")
    axes.set(xlabel=f"|{what}|" if log else what, ylim=(len(shown) - 0.8, -1.1))
    axes.set_yticks(range(len(shown)), _shortened(list(shown)))
    axes.tick_params(axis="y", length=0)
    right = axes.secondary_yaxis("right")
    right.set_yticks(range(len(shown)), notes)
    right.tick_params(length=0, labelsize=0.9 * small(axes))
    if len(rows) > MOST:
        axes.set_title(f"the first {MOST} of {len(rows)} parameters")
    return axes


def _row(axes: "Axes", values: Any, place: int, hue: str, log: bool) -> str:
    """One histogram, as high as all others; what is said of it at the right."""
    values = values.ravel().astype(float)
    finite = values[np.isfinite(values)]
    drawn = abs(finite[finite != 0]) if log else finite
    if len(drawn):
        low, high = drawn.min(), drawn.max()
        if high > low:
            bins = int(np.clip(2 * np.sqrt(len(drawn)), 8, BINS)) + 1
            edges = np.unique(np.geomspace(low, high, bins) if log else np.linspace(low, high, bins))
            counts = np.histogram(drawn, edges)[0]
            axes.stairs(place - 0.85 * counts / counts.max(), edges, baseline=place, fill=True, color=hue)
        else:
            axes.plot([low, low], [place, place - 0.85], color=hue, linewidth=3)
    spread = [] if not len(finite) else [f"std {finite.std():.2g}" if len(values) > 1 else f"{finite[0]:.2g}"]
    beside = []
    if (zeros := len(finite) - np.count_nonzero(finite)) and len(values) > 1:
        beside.append(f"{zeros / len(values):.0%} are 0" if zeros < len(values) else "all are 0")
    if beyond := len(values) - len(finite):
        beside.append(f"{beyond:,} nan or inf")
    return "\n".join([*spread, *([", ".join(beside)] if beside else [])]) or "empty"


def _shortened(names: Sequence[str]) -> list[str]:
    """Names without their middle where they are long, as long as that tells all of them apart.

    >>> _shortened(["fc.weight", "encoder.layers.0.self_attn.out_proj.weight"])
    ['fc.weight', 'encoder.layers.0...proj.weight']
    """
    short = [name if len(name) <= LONGEST else f"{name[: LONGEST - 14]}...{name[-11:]}" for name in names]
    return short if len(set(short)) == len(names) else list(names)
