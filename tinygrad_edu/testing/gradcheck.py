"""`gradcheck` and `gradgradcheck`: do the derivatives agree with differences of the function?"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.autograd import grad
from tinygrad_edu.recording import enable_grad, no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.testing.blocks import compare_blocks
from tinygrad_edu.testing.judge import Judge
from tinygrad_edu.testing.report import Finding, Report
from tinygrad_edu.testing.rows import compare_row
from tinygrad_edu.testing.subject import Subject, flat, like, located, quiet, slopes, unit

__all__ = ["gradcheck", "gradgradcheck"]

Array = Any


FULL = 400  # up to so many numbers the whole Jacobian is compared, above it random projections of it


def gradcheck(
    function: Callable[..., Any],
    *inputs: Any,
    rtol: float = 2e-8,
    atol: float = 1e-10,
    seed: int = 0,
    raise_exception: bool = False,
) -> Report:
    """Compare the derivatives of `function(*inputs)` with differences of it; the `Report` is true if they agree.

    `inputs` are Tensors, arrays or numbers, also all in one tuple, as for `torch.autograd.gradcheck`. Derivatives are
    taken by the Tensors that require grad, or by all inputs of floats if none does, in float64. `function` returns a
    Tensor or several. Differences are central, with steps from large to small, extrapolated (Richardson); a function of
    plain NumPy is also called with complex numbers, whose imaginary part carries the derivative without cancellation
    (Squire & Trapp 1998).

    What is accepted: numbers a and n agree if |a - n| <= atol + rtol max(|a|, |n|) + d. Here d is ten times the error
    that the differences estimate for themselves, and at most 1e-4 of the number: what they know to fewer digits is
    undecided. Over the calls of all ops at random numbers that error is 5e-14 of a number in the middle, 1e-9 in one of
    a hundred and 3e-7 at the most, so a rule that is off by 1e-5 of itself is found, and nearly always one by 1e-7. A
    function that computes in float32 on the way is known to 4 digits only, and the report says so.

    Up to 400 numbers the whole Jacobian is compared, above that sums of many numbers of one size; a wrong one is
    narrowed down to a number. Where the slopes to the left and right differ there is no derivative, and what the rules
    give must be a mean of the gradients around; the report says which. If there is nothing else it is false, because
    nothing was compared.

    `raise_exception`: raise `GradcheckError` instead of returning a report that is false. TypeError for what is no
    function, or has no floats in it.

    >>> import numpy as np
    >>> bool(gradcheck(lambda x, y: np.exp(x) * y, [1.0, 2.0], 3.0))
    True
    >>> print(gradcheck(abs, 0.0))
    abs could not be compared: it has no derivative by any of these numbers; take others
      kink: the result by x: not differentiable here (slope -1 to the left, 1 to the right); the convention gives 0
    """
    with quiet():
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
    with quiet():
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
    subject.measure_noise()
    report.noise = subject.noise
    report.total = subject.size * subject.results
    if report.total <= FULL:
        _compare_all(subject, report, judge)
    else:
        compare_blocks(subject, report, judge, random)


def _compare_all(subject: Subject, report: Report, judge: Judge) -> None:
    """Every number of the Jacobian."""
    analytic = np.zeros((subject.results, subject.size))
    for row in range(subject.results):
        analytic[row] = flat(subject.gradient(like(subject.outputs, unit(subject.results, row))))
    _compare_linear(subject, report, analytic)
    found = {
        column: slopes(subject, like(subject.points, unit(subject.size, column)), subject.scale(column))
        for column in range(subject.size)
    }
    for row in range(subject.results):
        compare_row(subject, report, judge, row, analytic[row], found)


def _compare_linear(subject: Subject, report: Report, analytic: Array) -> None:
    """A rule multiplies by what arrives, g: one that forgets it, or squares it, is right for g = 1 only."""
    weights = np.cos(1.0 + np.arange(subject.results)) * 2.5
    together = flat(subject.gradient(like(subject.outputs, weights)))
    expected, size = weights @ analytic, 1 + abs(weights) @ abs(analytic)
    differs = ~(abs(together - expected) <= (1e-8 + 10 * subject.noise) * size)
    for column in np.flatnonzero(np.isfinite(expected) & differs):
        which, index = located(subject.points, int(column))
        output = "the results, for a gradient g that is not 1,"
        a, n = float(together[column]), float(expected[column])
        report.findings.append(Finding("wrong", subject.names[which], index, output, (), a, n))
