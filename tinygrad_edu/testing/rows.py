"""One result and its derivatives by all inputs: numbers that are compared, and conventions where there is a kink."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.testing.corners import Around
from tinygrad_edu.testing.judge import Judge
from tinygrad_edu.testing.numerical import Slope
from tinygrad_edu.testing.report import Finding, Report
from tinygrad_edu.testing.subject import Subject, located

__all__ = ["CORNER", "compare_row"]

Array = Any

CORNER = "each input alone may give it a slope, and several together do not"
STEEP = "it gets steeper and steeper towards here, so that no number is right or wrong"


def compare_row(
    subject: Subject, report: Report, judge: Judge, row: int, analytic: Array, found: Mapping[int, Slope]
) -> None:
    """Compare what the rules give for one result with its slopes by each input."""
    output, output_index = located(subject.outputs, row)
    value = float(subject.outputs[output][output_index])

    def add(kind: str, column: int, numeric: float | None = None, message: str = "") -> None:
        which, index = located(subject.points, column)
        slope = found[column]
        error, left, right = (float(part[row]) for part in (slope.error, slope.left, slope.right))
        n = float(slope.value[row]) if numeric is None else numeric
        place = subject.names[which], index, subject.output_names[output], output_index
        report.findings.append(Finding(kind, *place, float(analytic[column]), n, error, left, right, message))

    kinks, beyond = [], []
    for column, slope in found.items():
        if slope.kink[row]:
            kinks.append(column)
            continue
        kind = judge(float(analytic[column]), float(slope.value[row]), float(slope.error[row]), abs(value))
        if kind == "right":
            report.compared += 1
        elif math.isnan(analytic[column]) and slope.broken.any():  # 0 times the infinite slope of another result
            add("kink", column, message="another result has no slope by it")
        elif kind == "undecided":
            add("undecided", column)
        else:
            beyond.append(column)
    broken = [column for column in kinks if found[column].broken[row]]
    for column in broken:
        _compare_broken(subject, judge, row, column, float(analytic[column]), value, found[column], add)
    both = [column for column in kinks if column not in broken]
    if len(both) == 1 and not beyond and _between(analytic[both[0]], found[both[0]], row):
        add("kink", both[0])
    elif both or beyond:
        _compare_corner(subject, report, judge, row, analytic, both, beyond, found, add)


def _between(convention: float, slope: Slope, row: int) -> bool:
    sides = float(slope.left[row]), float(slope.right[row])
    slack = 1e-5 * (abs(sides[0]) + abs(sides[1])) + 1e-9
    return min(sides) - slack <= convention <= max(sides) + slack


def _finite(*slopes: float) -> float:
    return next((slope for slope in slopes if math.isfinite(slope)), math.nan)


def _compare_broken(
    subject: Subject, judge: Judge, row: int, column: int, a: float, value: float, slope: Slope, add: Any
) -> None:
    """Where a side has no slope: 0, what a side tends to, or what is around; nothing else is a convention."""
    sides = float(slope.left[row]), float(slope.right[row])
    if not math.isfinite(value):
        add("kink", column, message=f"the value is {value}")
    elif a == 0 or (math.isinf(a) and a in sides) or (math.isnan(a) and any(map(math.isnan, sides))):
        add("kink", column)
    else:
        around = Around(subject, row, np.array([column]), judge)
        least, most = math.inf, -math.inf
        if len(around.gradients):
            (least,), (most,) = around.range(np.array([a]))
        if least - around.alike <= a <= most + around.alike:
            add("kink", column)
        elif all(map(math.isnan, sides)):
            add("kink", column, message="beside it, it cannot be computed")
        elif around.wrong or not around.unbounded():
            add("wrong", column, float(np.clip(a, least, most)) if least <= most else _finite(*sides))
        else:
            add("undecided", column, message=STEEP)


def _compare_corner(
    subject: Subject,
    report: Report,
    judge: Judge,
    row: int,
    analytic: Array,
    kinks: list[int],
    beyond: list[int],
    found: Mapping[int, Slope],
    add: Any,
) -> None:
    """Where several inputs meet, or one alone has a slope that is not the rules': a mean of the gradients around."""
    columns = np.array([*kinks, *beyond])
    around, convention = Around(subject, row, columns, judge), analytic[columns]
    least = most = within = np.zeros(0)
    known = not around.wrong and len(around.gradients) > 0 and bool(np.isfinite(convention).all())
    if known:
        alone = np.array([float(found[int(column)].value[row]) for column in beyond])
        if beyond:  # a corner shows in the gradients around: the slope by one input alone is among them as well
            around.range(np.append(convention[: len(kinks)], alone))
        least, most = around.range(convention)
        within = (least - around.alike <= convention) & (convention <= most + around.alike)
        sides = least[len(kinks) :] - around.alike <= alone, alone <= most[len(kinks) :] + around.alike
        within[len(kinks) :] &= sides[0] & sides[1] & (abs(convention[len(kinks) :] - alone) > around.alike)
    doubtful = not around.wrong and len(around.gradients) > 0 and not (known and within.all())
    steep = doubtful and around.unbounded()
    for place, column in enumerate(map(int, columns)):
        good = within[place] if known else column in kinks and _between(float(analytic[column]), found[column], row)
        if good:
            add("kink", column, message="" if column in kinks else CORNER)
        elif steep:
            add("undecided", column, message=STEEP)
        else:
            near = float(np.clip(convention[place], least[place], most[place])) if known and column in kinks else None
            add("wrong", column, near)
    if known and within.all():
        left, near = around.beyond_what_holds(convention)
        if left.any():
            towards = left / np.max(abs(left))
            which, index = located(subject.outputs, row)
            moved = [subject.place(int(c)) for c, part in zip(columns, towards, strict=True) if abs(part) > 0.1]
            name = f"{', '.join(moved)} together"
            numbers = float(convention @ towards), float(near @ towards)
            report.findings.append(Finding("wrong", name, (), subject.output_names[which], index, *numbers))
