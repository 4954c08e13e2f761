"""The derivative of a function along a line, by differences: what rules are compared with.

Nothing of the engine is in it. Differences are taken with steps from large to small; what the step itself adds is an
even power of it, so that two steps tell how much that is, and three tell better (Richardson; in a table, Neville). How
far neighbours in the table lie apart says how far to trust them (Ridders 1982, *Advances in Engineering Software* 4).

The slopes to the left and to the right are kept apart as well. At a smooth point their distance goes to 0 with the
step; where it does not, there is a kink, and no derivative to compare with. A last difference, with a step that is much
smaller, must say the same: large steps may all jump over a peak, or see a steep rise as a jump. If it does not, all is
done again with smaller steps, down to those that move the point by its last digit.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

__all__ = ["EPS", "Slope", "noise_of", "slope"]

Array = Any
Line = Callable[[Any], Array]  # f(t): the results at a distance t from the point, all in one row
FIRST, RATIO, LEVELS = 2.0**-3, 4.0, 13  # the steps: 1/8, 1/4 of the one before, ... 13 of them; powers of 2 are exact
LOOKS = (3, 4, 5, 8, LEVELS - 1)  # after which of them it is looked whether they say enough
CLOSER = 2.0**-14  # how much smaller the steps are that come after those, with as many digits to spare between
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Slope:
    """The derivative of each of several results along a line.

    `value` with its estimated `error`; `left` and `right`, the one-sided slopes, which differ where `kink` is True:
    there is no derivative there. They are infinite where the slope is vertical or the value jumps, and NaN outside of
    the domain. Arrays of one axis, float64 (`kink`: bool).
    """

    value: Array
    error: Array
    left: Array
    right: Array
    kink: Array

    @property
    def broken(self) -> Array:
        """Where a side has no slope at all: it is vertical, the value jumps, or the domain ends."""
        return self.kink & ~(np.isfinite(self.left) & np.isfinite(self.right))

    def replaced(self, where: Array, other: "Slope") -> "Slope":
        """With the numbers of another one in some places."""
        return Slope(*(np.where(where, getattr(other, f.name), getattr(self, f.name)) for f in fields(self)))


def slope(f: Line, scale: float = 1.0, reach: float = 1.0, noise: float = EPS) -> Slope:
    """The slope of `f` at 0; `scale` is the distance over which it may change, of which the first step is an eighth.

    `reach` is the largest number that is moved: steps that are lost in its last digits are none. `noise` is the part of
    a result that rounding may change.

    >>> found = slope(lambda t: np.array([np.sin(1 + t), abs(t)]))
    >>> abs(found.value[0] - np.cos(1)) < 1e-10, found.kink
    (np.True_, array([False,  True]))
    >>> found.left[1], found.right[1]
    (np.float64(-1.0), np.float64(1.0))
    """
    with np.errstate(all="ignore"):
        return _slope(f, FIRST * 2.0 ** round(np.log2(scale)), reach, noise)


def _slope(f: Line, step: float, reach: float, noise: float) -> Slope:
    """As above, by ever smaller steps until each result is settled."""
    here = np.asarray(f(0.0), float)
    smallest = max(1e-30 * step, 4 * EPS * reach)
    found, settled = _ladder(f, here, step, reach, noise)
    beside = None
    while not np.all(settled & (found.kink | _sharp(found, here, noise))):
        if np.any(found.kink & ~settled):  # does the value jump to that of the nearest point that there is?
            beside = beside or (_at(f, smallest, here) - here, here - _at(f, -smallest, here))
            settled |= found.kink & _jumps(f, here, beside, step * RATIO ** (1 - LEVELS))
        step *= CLOSER
        if np.all(settled & found.kink) or not step > 2**6 * smallest:
            break
        closer, holds = _ladder(f, here, step, reach, noise)
        better = holds & (~settled | (~closer.kink & ~found.kink & (closer.error < found.error)))
        found = found.replaced(better | (~settled & ~holds), closer)
        settled = settled | holds
    lost, unknown = ~settled & ~found.broken, np.full(here.shape, np.inf)  # nothing that two sizes of steps agree on
    return found.replaced(lost, Slope(found.value, unknown, found.value, found.value, np.zeros(here.shape, bool)))


def _sharp(found: Slope, here: Array, noise: float) -> Array:
    """Where smaller steps could say no more."""
    sharp: Array = found.error <= 1e-7 * (abs(found.value) + 1e-3) + 100 * noise * abs(here)
    return sharp


def _jumps(f: Line, here: Array, beside: tuple[Array, Array], step: float) -> Array:
    """Where the value right beside the point is another, as it is a step away; or where it is none."""
    away = _at(f, step, here) - here, here - _at(f, -step, here)
    apart = [(abs(near) > 0.5 * abs(far)) & (far != 0) for near, far in zip(beside, away, strict=True)]
    jumps: Array = apart[0] | apart[1] | ~np.isfinite(beside[0] + beside[1])
    return jumps


def _ladder(f: Line, here: Array, first: float, reach: float, noise: float) -> tuple[Slope, Array]:
    """What steps from large to small say, and of which results a last one, much smaller, says the same."""
    steps: list[float] = []
    ahead, behind = [], []
    finest = 4 * EPS * reach  # smaller steps end where they start
    levels = [level for level in range(LEVELS) if level <= LOOKS[0] or first / RATIO**level >= finest]
    for level in levels:
        step = first / RATIO**level
        steps.append(step)
        ahead.append((_at(f, step, here) - here) / step)
        behind.append((here - _at(f, -step, here)) / step)
        if level in LOOKS or level == levels[-1]:
            best = _judged(np.array(steps), np.array(ahead), np.array(behind), here, reach, noise)
            if np.all(best.error <= 1e-9 * (abs(best.value) + 1e-3)):
                break
    return best, _holds_nearby(f, here, best, first, reach, noise)


def _holds_nearby(f: Line, here: Array, found: Slope, first: float, reach: float, noise: float) -> Array:
    """Where much smaller steps give the same slope, or the same two."""
    size, apart = np.fmax(abs(found.left), abs(found.right)), abs(found.right - found.left)
    lost = noise * (abs(here) + 1e-300) + EPS * reach * size  # what rounding may change
    near = max(first * 2.0**-17, 2**6 * EPS * reach)
    central = (_at(f, near, here) - _at(f, -near, here)) / (2 * near)
    smooth = abs(central - found.value) <= 1e-4 * size + 8 * lost / near + 1e-9
    told = np.where(found.kink & ~found.broken, 64 * lost / apart, 0)  # steps that tell one side from the other
    near = min(max(first * 2.0**-40, float(np.max(told, initial=0))), near)
    left, right = (here - _at(f, -near, here)) / near, (_at(f, near, here) - here) / near
    sides = np.fmax(abs(left - found.left), abs(right - found.right)) <= apart / 4
    held: Array = np.where(found.kink, sides & ~found.broken, smooth)
    return held


def _at(f: Line, t: float, here: Array) -> Array:
    """f(t), or NaN where it cannot be computed: a matrix that has no inverse there, say."""
    try:
        return np.asarray(f(t), float)
    except (ArithmeticError, ValueError):
        return np.full(np.shape(here), np.nan)


def _judged(steps: Array, ahead: Array, behind: Array, here: Array, reach: float, noise: float) -> Slope:
    """What the differences taken so far say."""
    size = np.fmax(abs(ahead[-1]), abs(behind[-1]))
    steepest = np.fmax(np.max(abs(ahead), axis=0), np.max(abs(behind), axis=0))
    steepest = np.where(np.isfinite(steepest), steepest, size)
    doubtful = (noise * (abs(here) + 1e-300) + EPS * reach * steepest) / steps[:, None]
    value, error = _extrapolated((ahead + behind) / 2, 2, doubtful)
    apart, doubt = _extrapolated(ahead - behind, 1, doubtful)
    widest = np.fmin(1, np.fmax(abs(ahead[0]), abs(behind[0])))
    kink = (abs(apart) > 100 * doubt) & (abs(apart) > 1e-4 * size) & (abs(apart) > 1e-7 * widest)
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


def noise_of(f: Line) -> float:
    """The part of a result that rounding changes, where that is much more than float64 does; else that of float64.

    Second differences of a smooth function are 64 times smaller on points 8 times closer; those of noise, or of the
    stairs that float32 makes, are not.

    >>> noise_of(lambda t: np.exp(np.atleast_1d(1 + t))) == EPS
    True
    >>> 1e-9 < noise_of(lambda t: np.exp(np.atleast_1d(1 + t).astype(np.float32))) < 1e-6
    True
    """
    with np.errstate(all="ignore"):
        far = _bent(f, 2.0**-25)
        real = (far > 1e-9) & (far < 1e-3)
        for closer in (2.0**-28, 2.0**-34):
            if real.any():
                close = _bent(f, closer)
                real &= (close == 0) | (close > far / 16)  # on one stair, or on several
        return float(np.max(far[real], initial=EPS))


def _bent(f: Line, step: float) -> Array:
    """How large second differences are, as parts of the results, but for the two largest, which a kink may make."""
    rows = np.array([_at(f, 2.0**-18 + k * step, np.zeros(1)) for k in range(12)])  # beside what may be a corner
    bent = np.sort(abs(np.diff(rows, 2, axis=0)) / (np.max(abs(rows), axis=0) + 1e-300), axis=0)[:-2]
    return np.sqrt(np.mean(bent**2, axis=0))
