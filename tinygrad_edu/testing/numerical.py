"""The derivative of a function along a line, by differences: what rules are compared with.

Nothing of the engine is in it. Differences are taken with steps from large to small; what the step itself adds is an
even power of it, so that two steps tell how much that is, and three tell better (Richardson; in a table, Neville). How
far neighbours in the table lie apart says how far to trust them (Ridders 1982, *Advances in Engineering Software* 4).

The slopes to the left and to the right are kept apart as well. At a smooth point their distance goes to 0 with the
step; where it does not, there is a kink, and no derivative to compare with.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = ["Slope", "slope"]

Array = Any
Line = Callable[[Any], Array]  # f(t): the results at a distance t from the point, all in one row
RATIO, LEVELS = 4.0, 13  # the steps: 1/4 of the one before, 13 of them, the smallest 6e-9 of the largest
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Slope:
    """The derivative of each of several results along a line.

    `value` with its estimated `error`; `left` and `right`, the one-sided slopes, which differ where `kink` is True:
    there is no derivative there. Arrays of one axis, float64 (`kink`: bool).
    """

    value: Array
    error: Array
    left: Array
    right: Array
    kink: Array


def slope(f: Line, scale: float = 1.0) -> Slope:
    """The slope of `f` at 0; `scale` is the distance over which it may change, of which the first step is a tenth.

    >>> found = slope(lambda t: np.array([np.sin(1 + t), abs(t)]))
    >>> abs(found.value[0] - np.cos(1)) < 1e-10, found.kink
    (np.True_, array([False,  True]))
    >>> found.left[1], found.right[1]
    (np.float64(-1.0), np.float64(1.0))
    """
    with np.errstate(all="ignore"):
        return _slope(f, scale)


def _slope(f: Line, scale: float) -> Slope:
    """As above; with smaller steps where large ones agree on what a small one does not see."""
    first, holds = _ladder(f, scale)
    if holds:
        return first
    for closer in range(1, 5):
        found, holds = _ladder(f, scale * 0.01**closer)
        if holds and not found.kink.any():
            return found
    return replace(first, error=np.fmax(first.error, abs(first.value) + 1))


def _ladder(f: Line, scale: float) -> tuple[Slope, bool]:
    """What steps from large to small say, and whether a last one, much smaller, agrees."""
    here = np.asarray(f(0.0), float)
    steps: list[float] = []
    ahead, behind = [], []
    for level in range(LEVELS):
        step = scale * 0.1 / RATIO**level
        steps.append(step)
        ahead.append((_at(f, step, here) - here) / step)
        behind.append((here - _at(f, -step, here)) / step)
        if level >= 3:
            best = _judged(np.array(steps), np.array(ahead), np.array(behind), here)
            if np.all(best.error <= 1e-9 * (abs(best.value) + 1e-3)):
                return best, _holds_nearby(f, here, best, scale * 1e-5)
    return best, _holds_nearby(f, here, best, steps[-1])


def _holds_nearby(f: Line, here: Array, found: Slope, step: float) -> bool:
    """Whether a much smaller step gives the same slope: large ones may all jump over a peak, or a pole."""
    near = (_at(f, step, here) - _at(f, -step, here)) / (2 * step)
    allowed = 1e-4 * np.fmax(abs(near), abs(found.value)) + 1e3 * EPS * (abs(here) + 1e-300) / step + 1e-9
    return bool(np.all(found.kink | ~np.isfinite(near) | (abs(near - found.value) <= allowed)))


def _at(f: Line, t: float, here: Array) -> Array:
    """f(t), or NaN where it cannot be computed: a matrix that has no inverse there, say."""
    try:
        return np.asarray(f(t), float)
    except (ArithmeticError, ValueError):
        return np.full_like(here, np.nan)


def _judged(steps: Array, ahead: Array, behind: Array, here: Array) -> Slope:
    """What the differences taken so far say."""
    noise = EPS * (abs(here) + 1e-300) / steps[:, None]
    value, error = _extrapolated((ahead + behind) / 2, 2, noise)
    apart, doubt = _extrapolated(ahead - behind, 1, noise)
    size = np.fmax(abs(ahead[-1]), abs(behind[-1]))
    kink = (abs(apart) > 100 * doubt) & (abs(apart) > 1e-4 * size) & (abs(apart) > 1e-7)
    grows = _grows(ahead) | _grows(behind)
    kink |= grows | ~(np.isfinite(ahead[-1]) & np.isfinite(behind[-1]) & np.isfinite(here))
    left: Array = np.where(kink, _last(behind), value)
    right: Array = np.where(kink, _last(ahead), value)
    steady = kink & ~grows & np.isfinite(apart) & np.isfinite(value) & (doubt < 1e-3 * (1 + abs(apart)))
    left, right = np.where(steady, value - apart / 2, left), np.where(steady, value + apart / 2, right)
    return Slope(value, error, left, right, kink)


def _extrapolated(taken: Array, first: int, noise: Array) -> tuple[Array, Array]:
    """The limit of what was taken at ever smaller steps, and how far it may be off.

    An error in the powers first, first + 2, ... of the step is taken out column by column.
    """
    value, error = taken[-1], np.full(taken.shape[1], np.inf)
    column, level_noise = taken, noise
    for order in range(taken.shape[0] - 1):
        factor = RATIO ** (first + 2 * order)
        finer = column[1:] + (column[1:] - column[:-1]) / (factor - 1)
        level_noise = level_noise[1:] + (level_noise[1:] + level_noise[:-1]) / (factor - 1)
        doubt = np.fmax(abs(finer - column[1:]), abs(finer - column[:-1]) / RATIO) + level_noise
        for row in range(len(finer)):
            better = doubt[row] < error  # NaN is not
            value, error = np.where(better, finer[row], value), np.where(better, doubt[row], error)
        column = finer
    return value, error


def _last(taken: Array) -> Array:
    """The difference of the smallest step; infinite where it grows on."""
    last: Array = taken[-1]
    return np.where(_grows(taken), np.copysign(np.inf, last), last)


def _grows(taken: Array) -> Array:
    """Whether a difference goes on growing as the step gets smaller: the slope is vertical, or the value jumps."""
    if len(taken) < 6:
        return np.zeros(taken.shape[1], bool)
    sizes = abs(taken[-6:])
    return np.all(sizes[1:] > 1.25 * sizes[:-1], axis=0) & (sizes[-1] > 10)
