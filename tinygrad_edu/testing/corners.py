"""Places without a derivative where each input alone may have a slope: the median of equal numbers."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.testing.judge import Judge
from tinygrad_edu.testing.report import Finding
from tinygrad_edu.testing.subject import Subject, like, moved, slopes, unit

__all__ = ["CORNER", "agrees_nearby", "among_nearby", "between", "has_corner", "is_linear", "is_smooth"]

Array = Any


CORNER = "each input alone may give it a slope, and several together do not"


def has_corner(function: Callable[..., Any], *inputs: Any) -> bool:
    """Whether the slope of a result along some direction is not the sum of its slopes by each input."""
    with np.errstate(all="ignore"):
        subject = Subject(function, inputs)
        units = [like(subject.points, unit) for unit in np.eye(subject.size)]
        slopes_by = np.array([slopes(subject, unit, 1.0).value for unit in units]).reshape(
            subject.size, subject.results
        )
        return not all(is_linear(subject, row, slopes_by[:, row]) for row in range(subject.results))


def is_linear(subject: Subject, row: int, slope_by: Array) -> bool:
    """Whether the slope along a direction is the sum of those by each input, as it is where there is a derivative.

    A median of many equal numbers does not change when one of them moves, and does when all of them do.
    """
    for direction in (np.ones(subject.size), np.cos(np.arange(subject.size) + 1.0)):
        found = slopes(subject, like(subject.points, direction), 1.0)
        expected, size = float(slope_by @ direction), float(abs(slope_by) @ abs(direction))
        if found.kink[row] or abs(found.value[row] - expected) > 1e-5 * (1 + size) + 10 * found.error[row]:
            return False
    return True


def agrees_nearby(subject: Subject, row: int, judge: Judge) -> bool:
    """Whether the rules are right a little beside a corner, where equal numbers are so no more."""
    nearby = moved(subject, 1e-3 * np.sin(7.0 * np.arange(subject.size) + 1))
    one = like(subject.outputs, unit(subject.results, row))
    gradient = np.concatenate([np.ravel(g) for g in nearby.gradient(one)])
    for turn in range(3):
        direction = np.cos(np.arange(subject.size) * (turn + 1.0) + turn)
        found = slopes(nearby, like(subject.points, direction), 1e-5)
        if judge(float(gradient @ direction), float(found.value[row]), float(found.error[row])) == "wrong":
            return False
    return True


def is_smooth(finding: Finding) -> bool:
    """Whether it is wrong although the result has a slope there, as far as this one input tells."""
    return finding.kind == "wrong" and finding.left == finding.right


def between(convention: float, found: Sequence[float]) -> bool:
    """Whether a convention is one of the slopes, or between two; where they are not finite all is."""
    if not all(map(math.isfinite, found)):
        return True
    slack = 1e-5 * (1 + sum(map(abs, found)))
    return min(found) - slack <= convention <= max(found) + slack


def among_nearby(convention: float, subject: Subject, row: int, column: int) -> bool:
    """Whether a convention is between slopes at places around, where what ties here is in this order or that."""
    direction = like(subject.points, unit(subject.size, column))
    random = np.random.default_rng(0)
    found: list[float] = []
    for _ in range(200):
        nearby = moved(subject, 1e-3 * random.uniform(-1, 1, subject.size))
        found.append(float(slopes(nearby, direction, 1e-5).value[row]))
        if between(convention, found):
            return True
    return False
