"""The check of functions with many inputs: random directions, narrowed down to a number where one is wrong."""

import math
from typing import Any

import numpy as np

from tinygrad_edu.testing.judge import Judge
from tinygrad_edu.testing.report import Finding, Report
from tinygrad_edu.testing.subject import Subject, like, located, slopes, unit

__all__ = ["compare_projections"]

Array = Any


PROJECTIONS = 8


def compare_projections(subject: Subject, report: Report, judge: Judge, random: Any) -> None:
    """uᵀ J d for random u and d, and if it is wrong for ever fewer numbers of d, down to one."""
    scales = np.concatenate([np.maximum(1.0, abs(np.ravel(p))) for p in subject.points])
    for _ in range(PROJECTIONS):
        weights = random.choice([-1, 1], subject.results) * random.uniform(0.5, 1.5, subject.results)
        every = random.choice([-1, 1], subject.size) * random.uniform(0.5, 1.5, subject.size) * scales
        gradient = np.concatenate([np.ravel(g) for g in subject.gradient(like(subject.outputs, weights))])

        def judged(chosen: Array, every: Array = every, weights: Array = weights, gradient: Array = gradient) -> Any:
            direction = np.zeros(subject.size)
            direction[chosen] = every[chosen] / math.sqrt(len(chosen))
            along = slopes(subject, like(subject.points, direction), 1.0)
            numeric, error = float(weights @ along.value), float(abs(weights) @ along.error)
            return judge(float(gradient @ direction), numeric, error) if not along.kink.any() else "kink"

        chosen = np.arange(subject.size)
        verdict = judged(chosen)
        if verdict == "right":
            report.compared += 1
            continue
        while len(chosen) > 1:
            halves = np.array_split(chosen, 2)
            verdicts = [judged(half) for half in halves]
            order = ("wrong", "kink", "undecided", "right")
            worst = min(range(2), key=lambda i: order.index(verdicts[i]))
            if verdicts[worst] == "right":
                break
            chosen = halves[worst]
        _name_it(subject, report, judge, int(chosen[0]), weights, float(gradient[chosen[0]]))


def _name_it(subject: Subject, report: Report, judge: Judge, column: int, weights: Array, analytic: float) -> None:
    """The finding for one number of the inputs, of the weighed sum of the results."""
    which, index = located(subject.points, column)
    found = slopes(subject, like(subject.points, unit(subject.size, column)), subject.scale(column))
    numeric, left, right = (float(weights @ part) for part in (found.value, found.left, found.right))
    error = float(abs(weights) @ found.error)
    kind = "kink" if found.kink.any() else judge(analytic, numeric, error)
    kind = "undecided" if kind == "right" else kind  # wrong together, and right one by one
    name, output = subject.names[which], "a weighed sum of the results"
    finding = Finding(kind, name, index, output, (), analytic, numeric, error, left, right)
    if all((f.input, f.index) != (finding.input, index) for f in report.findings):
        report.findings.append(finding)
