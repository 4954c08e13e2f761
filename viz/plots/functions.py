"""Activations and their derivatives, both as the engine computes them, with its conventions at the kinks."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import Tensor, autograd, enable_grad, no_grad
from viz.plots.style import BLACK, COLORS, axes_or_new, color, legend_below, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["activations"]

DERIVATIVE = "derivative of"
MOST_INSIDE = 7
"""Entries of a legend in the picture; more would hide the curves, and stand below it."""
POINTS, HALVINGS = 801, 30
"""Where the derivative jumps is first looked for between so many points, then in so many halves."""


def activations(
    functions: Callable[[Any], Any] | Iterable[Callable[[Any], Any]] | Mapping[str, Callable[[Any], Any]],
    ax: "Axes | None" = None,
    *,
    low: float = -5.0,
    high: float = 5.0,
) -> "Axes":
    """Each function from `low` to `high`, and dashed its derivative, which `autograd.grad` finds.

    `functions` is one, several, or a dict of them by name: ops, functions of `nn.functional`, modules as `nn.ReLU()`,
    functions of your own on Tensors, number by number. Where the derivative jumps, rings are its limits from the left
    and right, and the dot is what the engine gives there: its convention. Raises TypeError for what is no function, and
    ValueError for one that does not work number by number, as softmax, and for more than 7.

    >>> from tinygrad_edu import relu
    >>> [line.get_label() for line in activations(relu).get_lines()[:2]]
    ['relu', 'derivative of relu']
    """
    if not low < high:
        raise ValueError(f"low has to be below high, and they are {low} and {high}")
    named = _named(functions)
    if len(named) > len(COLORS):
        raise ValueError(f"{len(named)} functions need {len(named)} colours: draw at most {len(COLORS)} in a picture")
    for name, function in named.items():
        _check(name, function, low)
    axes = axes_or_new(ax)
    for place, (name, function) in enumerate(named.items()):
        _draw(axes, name, function, np.linspace(low, high, POINTS), color(place))
    axes.axhline(0, color="#bbbbbb", linewidth=0.8, zorder=0)
    axes.axvline(0, color="#bbbbbb", linewidth=0.8, zorder=0)
    axes.set(xlabel="x", xlim=(low, high))
    handles = _handles(axes)
    if len(handles) > MOST_INSIDE:
        legend_below(axes, handles=handles, ncols=2)
    else:
        axes.legend(handles=handles, fontsize=small(axes))
    return axes


def _handles(axes: "Axes") -> list[Any]:
    """The entries of the legend, where one line says of all derivatives that they are dashed."""
    from matplotlib.lines import Line2D

    lines = [line for line in axes.lines if not str(line.get_label()).startswith(("_", DERIVATIVE))]
    dashed = Line2D([], [], linestyle="--", color=BLACK, linewidth=1.8, label="its derivative")
    return [*lines, dashed]


def _named(functions: Any) -> dict[str, Callable[[Any], Any]]:
    """The functions, each with a name to be called by."""
    if isinstance(functions, Mapping):
        return {str(name): function for name, function in functions.items()}
    one = callable(functions) or isinstance(functions, str) or not isinstance(functions, Iterable)
    several = [functions] if one else list(functions)
    return {getattr(function, "name", getattr(function, "__name__", repr(function))): function for function in several}


def _check(name: str, function: Any, x: float) -> None:
    """Refuse what is no function of numbers."""
    if not callable(function):
        raise TypeError(f"{name} is a {type(function).__name__} and no function: give sigmoid itself, or nn.ReLU()")
    if isinstance(function, type):
        raise TypeError(f"{name} is a class: make one, {name}()")
    apart = np.array([x, x / 2 + 0.1])
    both, alone = _value(function, apart), _value(function, apart[:1])
    if both.shape != apart.shape or not np.allclose(both[:1], alone, equal_nan=True):
        raise ValueError(f"{name} does not work number by number, so that it has no curve: its results belong together")


def _value(function: Callable[[Any], Any], x: Any) -> Any:
    with no_grad():
        return np.asarray(function(Tensor(x)))


def _slope(function: Callable[[Any], Any], x: Any) -> Any:
    """The derivative at every x: the sum's gradient, because every result depends on its own number alone."""
    with enable_grad():
        at = Tensor(x, requires_grad=True)
        (found,) = autograd.grad(function(at).sum(), at)
    assert found is not None
    return found.numpy()


def _draw(axes: "Axes", name: str, function: Callable[[Any], Any], x: Any, hue: str) -> None:
    """The curve and its derivative, which is cut where it jumps."""
    kinks = _kinks(function, x)
    gap = 1e-6 * (x[-1] - x[0])
    sides = np.concatenate([kinks - gap, kinks + gap])
    x = np.sort(np.concatenate([x[np.abs(x - kinks[:, None]).min(axis=0, initial=np.inf) > gap], kinks, sides]))
    slopes = _slope(function, x)
    axes.plot(x, _value(function, x), color=hue, linewidth=2.5, label=name)
    curve = np.where(np.isin(x, kinks), np.nan, slopes)  # a jump is no steep line
    axes.plot(x, curve, "--", color=hue, linewidth=1.8, label=f"{DERIVATIVE} {name}")
    if len(kinks):
        limits = slopes[np.searchsorted(x, sides)]
        given = slopes[np.searchsorted(x, kinks)]
        ring: dict[str, Any] = {"color": hue, "markerfacecolor": "white", "markersize": 8, "zorder": 3}
        axes.plot(np.tile(kinks, 2), limits, "o", **ring)
        said = ", ".join(f"{slope:.4g} at {kink:.4g}" for slope, kink in zip(given, kinks, strict=True))
        axes.plot(kinks, given, "o", color=hue, markersize=5, zorder=4, label=f"{_brief(name)}: by convention {said}")


def _brief(name: str) -> str:
    """`LeakyReLU` for `LeakyReLU(negative_slope=0.01)`, which another line says."""
    return name.partition("(")[0]


def _kinks(function: Callable[[Any], Any], x: Any) -> Any:
    """Where the derivative jumps: halving a part of the axis halves what a smooth one does there, and not a jump."""
    left, right = x[:-1].copy(), x[1:].copy()
    for _ in range(HALVINGS):
        middle = (left + right) / 2
        low, here, high = (_slope(function, at) for at in (left, middle, right))
        first = abs(here - low) >= abs(high - here)
        left, right = np.where(first, left, middle), np.where(first, middle, right)
    jumps = abs(_slope(function, right) - _slope(function, left)) > 1e-4
    return np.unique(np.round((left + right)[jumps] / 2, 6)) + 0.0
