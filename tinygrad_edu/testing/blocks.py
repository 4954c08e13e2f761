"""The check of Jacobians with many numbers: sums of many numbers of one size, halved down to one where they differ.

A sum hides what is far smaller than its largest part. So results of one size are weighed together, inputs of one size
with gradients of one size are moved together, and each in so many blocks that an error in one number shows.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu.testing.judge import Judge
from tinygrad_edu.testing.numerical import Slope
from tinygrad_edu.testing.report import Finding, Report
from tinygrad_edu.testing.rows import compare_row
from tinygrad_edu.testing.subject import Subject, flat, like, moved, slopes, unit

__all__ = ["compare_blocks"]

Array = Any

BLOCKS = 48  # of all inputs together, at least
NARROWED = 240  # halves that are looked at, for each size of results, to find the one number
NAMED = 8  # numbers that are found so, of a kind: as many as a report shows
ASIDE = 1e-3  # how far the inputs are moved from kinks, as part of themselves
ORDER = ("wrong", "undecided", "kink")


def compare_blocks(subject: Subject, report: Report, judge: Judge, random: Any) -> None:
    """Compare all numbers in sums; where there are kinks, name some, and compare the others a little aside."""
    for rows in alike(abs(flat(subject.outputs)), 1e-5):
        left = _Part(subject, report, judge, random, rows).compare(np.arange(subject.size))
        if len(left) and not report.wrong:
            points = subject.flat
            offset = ASIDE * random.uniform(0.3, 1, subject.size) * random.choice([-1, 1], subject.size)
            aside = _Part(moved(subject, offset * np.where(points == 0, 1.0, abs(points))), report, judge, random, rows)
            left = aside.compare(left, kinks=False)
            if len(left) and not report.of("wrong", "undecided"):
                said = f"{len(left):,} numbers stand close to kinks of their sum, too many to look at each"
                report.findings.append(Finding("undecided", subject.place(int(left[0])), message=said))


def alike(sizes: Array, part: float) -> Iterator[Array]:
    """The places of numbers whose sizes are at least this part of the largest of them, largest first; zeros last."""
    order = np.argsort(-sizes, kind="stable")
    order = order[sizes[order] > 0]
    while len(order):
        count = int(np.searchsorted(-sizes[order], -part * sizes[order[0]], side="right"))
        yield order[:count]
        order = order[count:]
    if len(zeros := np.flatnonzero(~(sizes > 0))):
        yield zeros


class _Part:
    """The derivatives of some results, weighed together."""

    def __init__(self, subject: Subject, report: Report, judge: Judge, random: Any, rows: Array) -> None:
        self.subject, self.report, self.judge, self.random, self.rows = subject, report, judge, random, rows
        self.weights = random.choice([-1, 1], len(rows)) * random.uniform(0.5, 1.5, len(rows))
        self.gradient = self._gradient(rows, self.weights)
        self.scales = np.fmax(1.0, abs(subject.flat))
        signs = random.choice([-1, 1], subject.size)
        self.directions = signs * random.uniform(0.5, 1.5, subject.size) * self.scales

    def _gradient(self, rows: Array, weights: Array) -> Array:
        every = np.zeros(self.subject.results)
        every[rows] = weights
        return flat(self.subject.gradient(like(self.subject.outputs, every)))

    def compare(self, columns: Array, kinks: bool = True) -> Array:
        """Compare the numbers of these inputs; returned are those in blocks that no verdict could be found for."""
        pending = [(self.judged(block), block) for block in self.blocks(columns)]
        left, looks = [], 0
        while pending:
            pending.sort(key=lambda p: (-ORDER.index(p[0]) if p[0] in ORDER else 1, -len(p[1])))
            said, block = pending.pop()
            if said == "right":
                self.report.compared += len(block) * len(self.rows)
                self.report.sums += 1
            elif len(self.report.of(said)) >= NAMED or looks >= NARROWED or (said == "kink" and not kinks):
                left.append(block)
            elif len(block) == 1:
                self.name(int(block[0]))
            else:
                looks += 2
                pending += [(self.judged(half), half) for half in np.array_split(block, 2)]
        return np.concatenate(left) if left else np.zeros(0, int)

    def blocks(self, columns: Array) -> Iterator[Array]:
        """Inputs of one size, whose numbers of the gradient are of one size, in random order."""
        for group in alike(abs(self.subject.flat[columns]), 1e-3):
            here = columns[group]
            for group in alike(abs(np.nan_to_num(self.gradient[here])) * self.scales[here], 1e-3):
                count = min(len(group), -(-BLOCKS * len(group) // self.subject.size))
                yield from np.array_split(self.random.permutation(here[group]), count)

    def slope(self, chosen: Array) -> Slope:
        """That of each result, with these inputs moved together."""
        direction = np.zeros(self.subject.size)
        direction[chosen] = self.directions[chosen]
        parts = like(self.subject.points, direction)
        every = self.subject.moved(parts)
        return slopes(self.subject, parts, 1.0, lambda t: every(t)[self.rows])

    def judged(self, chosen: Array) -> str:
        found = self.slope(chosen)
        if found.kink.any():
            return "kink"
        numeric, error = float(self.weights @ found.value), float(abs(self.weights) @ found.error)
        parts = self.gradient[chosen] * self.directions[chosen]
        result = float(abs(self.weights) @ abs(flat(self.subject.outputs)[self.rows]))
        return self.judge(float(parts.sum()), numeric, error, result, float(np.sqrt(np.mean(parts**2))))

    def name(self, column: int) -> None:
        """Find the result whose derivative by one input is not what it should be, and compare the two."""
        found = slopes(
            self.subject, like(self.subject.points, unit(self.subject.size, column)), float(self.scales[column])
        )
        places = np.arange(len(self.rows))
        if found.kink[self.rows].any():
            places = places[found.kink[self.rows]][:1]
        while len(places) > 1:
            halves = np.array_split(places, 2)
            off = [abs(self._difference(half, column, found.value)) for half in halves]
            places = halves[0] if off[0] >= off[1] or np.isnan(off[0]) else halves[1]
        row, known = int(self.rows[places[0]]), len(self.report.findings)
        analytic = flat(self.subject.gradient(like(self.subject.outputs, unit(self.subject.results, row))))
        compare_row(self.subject, self.report, self.judge, row, analytic, {column: found})
        if len(self.report.findings) == known:
            said = "it differs in a sum with others, and not alone"
            self.report.findings.append(Finding("undecided", self.subject.place(column), message=said))

    def _difference(self, places: Array, column: int, slope_by: Array) -> float:
        """Between the rules and the slopes of some of the results together."""
        rows, weights = self.rows[places], self.weights[places]
        return float(self._gradient(rows, weights)[column] - weights @ slope_by[rows])
