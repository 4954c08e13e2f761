"""`gradcheck` and `gradgradcheck`: do the derivatives agree with differences of the function?"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_edu.autograd import grad
from tinygrad_edu.recording import enable_grad, no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.testing.corners import CORNER, agrees_nearby, among_nearby, between, is_linear, is_smooth
from tinygrad_edu.testing.judge import Judge
from tinygrad_edu.testing.numerical import Slope
from tinygrad_edu.testing.projections import compare_projections
from tinygrad_edu.testing.report import Finding, Report
from tinygrad_edu.testing.subject import Subject, like, located, slopes, unit

__all__ = ["gradcheck", "gradgradcheck"]

Array = Any


FULL = 400  # up to so many numbers the whole Jacobian is compared, above it random projections of it


def gradcheck(
    function: Callable[..., Any],
    *inputs: Any,
    rtol: float = 2e-8,
    atol: float = 1e-8,
    seed: int = 0,
    raise_exception: bool = False,
) -> Report:
    """Compare the derivatives of `function(*inputs)` with differences of it; the `Report` is true if they agree.

    `inputs` are Tensors, arrays or numbers, also all in one tuple, as for `torch.autograd.gradcheck`. Derivatives are
    taken by the Tensors that require grad, or by all inputs of floats if none does, in float64. `function` returns a
    Tensor or several. Numbers a and n agree if |a - n| <= atol + rtol max(|a|, |n|) and what the differences may be off
    by. Differences are central, with steps from large to small, extrapolated (Richardson); a function of plain NumPy is
    also called with complex numbers, whose imaginary part carries the derivative without cancellation (Squire & Trapp
    1998). Up to 400 numbers the whole Jacobian is compared, above that random projections of it; a wrong one is
    narrowed down to a number. Where the slopes to the left and right differ, the report says so, and what the rules
    give there.

    `raise_exception`: raise `GradcheckError` instead of returning a report that is false.

    >>> import numpy as np
    >>> bool(gradcheck(lambda x, y: np.exp(x) * y, [1.0, 2.0], 3.0))
    True
    >>> print(gradcheck(abs, 0.0))
    abs agrees with differences: 0 numbers compared
      kink: the result by x: not differentiable here (slope -1 to the left, 1 to the right); the convention gives 0
    """
    with np.errstate(all="ignore"):
        subject = Subject(function, inputs)
        report = Report(subject.name)
        _check_purity(subject, report)
        if not report.findings:
            _compare(subject, report, Judge(rtol, atol), np.random.default_rng(seed))
    return report.check() if raise_exception else report


def gradgradcheck(
    function: Callable[..., Any],
    *inputs: Any,
    rtol: float = 1e-5,
    atol: float = 1e-7,
    seed: int = 0,
    raise_exception: bool = False,
) -> Report:
    """`gradcheck` of the gradient: of J(inputs)ᵀ v as a function of the inputs and of the weights v.

    It tells whether the rules themselves are differentiated right; that they are right is what `gradcheck` tells.

    >>> bool(gradgradcheck(lambda x: x**3, [1.0, -2.0]))
    True
    """
    with np.errstate(all="ignore"):
        report = _second(function, inputs, Judge(rtol, atol), np.random.default_rng(seed))
    return report.check() if raise_exception else report


def _second(function: Callable[..., Any], inputs: Sequence[Any], judge: "Judge", random: Any) -> Report:
    subject = Subject(function, inputs)
    weights = [random.uniform(0.5, 1.5, o.shape) * random.choice([-1, 1], o.shape) for o in subject.outputs]
    count = len(subject.points)

    def gradients(*arguments: Any) -> tuple[Any, ...]:
        at, v = arguments[:count], arguments[count:]
        tensors = [t if t.requires_grad else Tensor(t, requires_grad=True) for t in at]
        with enable_grad():
            outputs = subject.call(tensors)
            total = sum(((o * w).sum() for o, w in zip(outputs, v, strict=True) if o.requires_grad), start=Tensor(0.0))
            if not total.requires_grad:
                return tuple(np.zeros(t.shape) * t for t in tensors)
            found = grad(total, tensors, create_graph=True, allow_unused=True)
        return tuple(t * 0.0 if g is None else g for t, g in zip(tensors, found, strict=True))

    gradients.__name__ = f"the gradient of {subject.name}"
    names = [*subject.names, *(f"the weight of {name}" for name in subject.output_names)]
    inner = Subject(gradients, (*subject.points, *weights), names, [f"the gradient by {n}" for n in subject.names])
    report = Report(inner.name)
    _compare(inner, report, judge, random)
    return report


def _check_purity(subject: Subject, report: Report) -> None:
    """A function that changes its inputs, or is not the same twice, has no derivative to check."""
    points = [p.copy() for p in subject.points]
    tensors = [Tensor(p) for p in points]
    with no_grad():
        again = [np.array(o.numpy(), dtype=float) for o in subject.call(tensors)]
    for name, tensor, point in zip(subject.names, tensors, points, strict=True):
        if not np.array_equal(tensor.numpy(), point, equal_nan=True):
            message = f"{subject.name} changes its input {name}: compute on a copy, {name}.clone()"
            report.findings.append(Finding("impure", name, message=message))
    if not all(np.allclose(a, b, 1e-10, 1e-12, equal_nan=True) for a, b in zip(again, subject.outputs, strict=True)):
        message = f"{subject.name} gives other numbers when it is called again: seed what is random in it"
        report.findings.append(Finding("impure", subject.names[0], message=message))


def _compare(subject: Subject, report: Report, judge: Judge, random: Any) -> None:
    if subject.size * subject.results <= FULL:
        _compare_all(subject, report, judge)
    else:
        compare_projections(subject, report, judge, random)


def _compare_all(subject: Subject, report: Report, judge: Judge) -> None:
    """Every number of the Jacobian."""
    analytic = np.zeros((subject.results, subject.size))
    for row in range(subject.results):
        one = like(subject.outputs, unit(subject.results, row))
        analytic[row] = np.concatenate([np.ravel(g) for g in subject.gradient(one)])
    _compare_linear(subject, report, analytic)
    columns = [_compare_column(subject, report, judge, n, analytic[:, n]) for n in range(subject.size)]
    for row in range(subject.results):
        output, index = located(subject.outputs, row)
        here = [f for f in report.findings if (f.output, f.output_index) == (subject.output_names[output], index)]
        if here:
            smooth = np.array([not column.kink[row] for column in columns])
            slope_by = np.array([column.value[row] for column in columns])
            corner = not smooth.all() or not is_linear(subject, row, slope_by)
            if corner and any(is_smooth(f) for f in here) and agrees_nearby(subject, row, judge):
                told = [
                    replace(f, kind="kink", message=CORNER) if f in here and is_smooth(f) else f
                    for f in report.findings
                ]
                report.findings = told
            _compare_tie(subject, report, judge, row, np.where(smooth, 0.0, 1.0), analytic[row])


def _compare_linear(subject: Subject, report: Report, analytic: Array) -> None:
    """A rule multiplies by what arrives, g: one that forgets it, or squares it, is right for g = 1 only."""
    weights = np.cos(1.0 + np.arange(subject.results)) * 2.5
    together = np.concatenate([np.ravel(g) for g in subject.gradient(like(subject.outputs, weights))])
    expected, size = weights @ analytic, 1 + abs(weights) @ abs(analytic)
    for column in np.flatnonzero(np.isfinite(expected) & ~(abs(together - expected) <= 1e-8 * size)):
        which, index = located(subject.points, int(column))
        output = "the results, for a gradient g that is not 1,"
        a, n = float(together[column]), float(expected[column])
        report.findings.append(Finding("wrong", subject.names[which], index, output, (), a, n))


def _compare_tie(subject: Subject, report: Report, judge: Judge, row: int, tied: Array, analytic: Array) -> None:
    """All inputs that one result has a kink in, moved together: the largest of equal numbers then has a slope again."""
    if tied.sum() < 2:
        return
    output, index = located(subject.outputs, row)
    found = slopes(subject, like(subject.points, tied), 1.0)
    a, n, error = float(analytic @ tied), float(found.value[row]), float(found.error[row])
    if not found.kink[row] and judge(a, n, error) == "wrong":
        report.findings.append(Finding("wrong", "all that tie", (), subject.output_names[output], index, a, n, error))


def _compare_column(subject: Subject, report: Report, judge: Judge, column: int, analytic: Array) -> Slope:
    which, index = located(subject.points, column)
    found = slopes(subject, like(subject.points, unit(subject.size, column)), subject.scale(column))
    for row in range(subject.results):
        output, output_index = located(subject.outputs, row)
        numbers = {key: float(getattr(found, key)[row]) for key in ("error", "left", "right")}
        a, n = float(analytic[row]), float(found.value[row])
        beside_kink = math.isnan(a) and found.kink.any()  # 0 times an infinite slope
        kind = "kink" if found.kink[row] or beside_kink else judge(a, n, numbers["error"])
        beyond = found.kink[row] and not between(a, [numbers["left"], numbers["right"]])
        if beyond and not among_nearby(a, subject, row, column):
            kind, n = "wrong", numbers["left"]
        if kind == "right":
            report.compared += 1
        else:
            sides = numbers["error"], numbers["left"], numbers["right"]
            name = subject.output_names[output]
            report.findings.append(Finding(kind, subject.names[which], index, name, output_index, a, n, *sides))
    return found
