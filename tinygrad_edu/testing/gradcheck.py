"""`gradcheck` and `gradgradcheck`: do the derivatives agree with differences of the function?"""

import inspect
import math
import warnings
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_edu.autograd import grad
from tinygrad_edu.recording import enable_grad, no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.testing.numerical import Slope, slope
from tinygrad_edu.testing.report import Finding, Report

__all__ = ["gradcheck", "gradgradcheck"]

Array = Any
FULL = 400  # up to so many numbers the whole Jacobian is compared, above it random projections of it
PROJECTIONS = 8


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


class Subject:
    """A function with a point to differentiate it at: the inputs, which of them count, and how to call it."""

    def __init__(
        self,
        function: Callable[..., Any],
        inputs: Sequence[Any],
        names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
    ) -> None:
        if len(inputs) == 1 and isinstance(inputs[0], tuple):
            inputs = inputs[0]
        self.function = function
        self.name = str(getattr(function, "name", None) or getattr(function, "__name__", None) or function)
        self.inputs = list(inputs)
        self.takes_arrays = getattr(function, "takes_arrays", False)  # then nothing of the engine is in the differences
        marked = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
        self.places = marked or [i for i, x in enumerate(inputs) if _is_float(x)]
        if not self.places:
            raise TypeError("gradcheck differentiates by numbers with a decimal point: give 2.0, or an array of floats")
        self.points = [np.array(_array(inputs[i]), dtype=np.float64) + 0.0 for i in self.places]  # no -0.0
        self.size = sum(point.size for point in self.points)
        self.names = list(names or self._names())
        with no_grad():
            self.outputs = [np.array(o.numpy(), dtype=float) for o in self.call([Tensor(p) for p in self.points])]
        self.results = sum(o.size for o in self.outputs)
        several = [f"result {i}" for i in range(len(self.outputs))]
        self.output_names = list(output_names or (several if len(several) > 1 else ["the result"]))

    def _names(self) -> list[str]:
        try:
            parameters = list(inspect.signature(self.function).parameters)
        except (TypeError, ValueError):
            parameters = []
        fallback = [f"input {i}" for i in range(len(self.inputs))]
        if len(parameters) < len(self.inputs) or "args" in parameters:
            parameters = ["x"] if len(fallback) == 1 else fallback
        return [getattr(self.inputs[i], "name", None) or parameters[i] for i in self.places]

    def arguments(self, at: Sequence[Any]) -> list[Any]:
        """All inputs, with those that count replaced."""
        arguments = list(self.inputs)
        for place, value in zip(self.places, at, strict=True):
            arguments[place] = value
        return arguments

    def call(self, at: Sequence[Any]) -> list[Tensor]:
        """The results with a derivative, as Tensors."""
        result = self.function(*self.arguments(at))
        every = list(result) if isinstance(result, tuple | list) else [result]
        every = [r if isinstance(r, Tensor) else Tensor(r) for r in every]
        floats = [r for r in every if r.dtype.kind == "f"]
        if not floats:
            raise TypeError(f"{self.name} returned no floats: there is nothing to differentiate")
        return floats

    def values(self, points: Sequence[Array]) -> Array:
        """The results at other points, in one row."""
        if self.takes_arrays:
            return np.atleast_1d(np.asarray(self.function(*points), float))
        with no_grad():
            return np.concatenate([np.ravel(o.numpy()).astype(float) for o in self.call([Tensor(p) for p in points])])

    def moved(self, directions: Sequence[Array]) -> Callable[[Any], Array]:
        """The results at a distance t along a direction, in one row; of complex numbers too, where NumPy can."""

        def at(t: Any) -> Array:
            points = [p + t * d for p, d in zip(self.points, directions, strict=True)]
            if isinstance(t, complex):
                result = self.function(*self.arguments(points))
                every = result if isinstance(result, tuple | list) else [result]
                return np.concatenate([np.ravel(np.asarray(o, dtype=complex)) for o in every])
            return self.values(points)

        return at

    def gradient(self, weights: Sequence[Array]) -> list[Array]:
        """The rules' gradient of the weighed sum of the results, by each input."""
        tensors = [Tensor(p, requires_grad=True) for p in self.points]
        with enable_grad():
            outputs = self.call(tensors)
        pairs = [(o, w) for o, w in zip(outputs, weights, strict=True) if o.requires_grad and w.any()]
        if not pairs:
            return [np.zeros(p.shape) for p in self.points]
        found = grad([o for o, _ in pairs], tensors, [w for _, w in pairs], allow_unused=True)
        return [
            np.zeros(p.shape) if g is None else np.array(g.numpy(), dtype=float)
            for p, g in zip(self.points, found, strict=True)
        ]


def _is_float(x: Any) -> bool:
    return not isinstance(x, str) and np.asarray(_array(x)).dtype.kind == "f"


def _array(x: Any) -> Any:
    return x.detach().numpy() if isinstance(x, Tensor) else x


class Judge:
    """Whether two numbers agree."""

    def __init__(self, rtol: float, atol: float) -> None:
        self.rtol, self.atol = rtol, atol

    def __call__(self, analytic: float, numeric: float, error: float) -> str:
        """ "right", "wrong" or "undecided"."""
        size = max(abs(analytic), abs(numeric))
        allowed = self.atol + self.rtol * size
        if math.isfinite(numeric) and abs(analytic - numeric) <= allowed + min(10 * error, 1e-3 * size + 1e-6):
            return "right"
        if not math.isfinite(error) or (10 * error > allowed and not abs(analytic - numeric) > 100 * error):
            return "undecided"
        return "wrong"


def slopes(subject: Subject, directions: Sequence[Array], scale: float, along: Any = None) -> Slope:
    """Along a direction: by a complex step where the function allows it, else by differences.

    `along` is another function of the distance than the results themselves.
    """
    plain, along = along is None, along or subject.moved(directions)
    found = slope(along, scale)
    if found.kink.any() or (found.error > 1e-6 * (1 + abs(found.value))).any():
        sizes = np.concatenate([abs(p[(d != 0) & (p != 0)]) for p, d in zip(subject.points, directions, strict=True)])
        near = float(sizes.min(initial=np.inf))
        if near < 0.5 * scale:  # the function may change over a shorter distance, as log does near 0
            closer = slope(along, near)
            better = (found.kink & ~closer.kink) | (~closer.kink & (closer.error < found.error))
            found = Slope(*(np.where(better, new, old) for new, old in zip(_parts(closer), _parts(found), strict=True)))
    return _with_complex_step(along, found) if plain else found


def _parts(found: Slope) -> tuple[Array, ...]:
    return found.value, found.error, found.left, found.right, found.kink


def _with_complex_step(along: Callable[[Any], Array], found: Slope) -> Slope:
    """f'(0) = Im f(ih) / h to the last digit, if f is analytic: then it agrees with the differences."""
    tiny = 1e-150
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="error", category=np.exceptions.ComplexWarning):
            exact = along(complex(0, tiny)).imag / tiny
    except Exception:
        return found
    if exact.shape != found.value.shape:
        return found
    agrees = ~found.kink & (abs(exact - found.value) <= 10 * found.error + 1e-7 * abs(found.value))
    value, error = np.where(agrees, exact, found.value), np.where(agrees, 1e-14 * abs(exact), found.error)
    return Slope(value, error, found.left, found.right, found.kink)


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
        _compare_projections(subject, report, judge, random)


def _compare_all(subject: Subject, report: Report, judge: Judge) -> None:
    """Every number of the Jacobian."""
    analytic = np.zeros((subject.results, subject.size))
    for row in range(subject.results):
        flat = np.zeros(subject.results)
        flat[row] = 1
        analytic[row] = np.concatenate([np.ravel(g) for g in subject.gradient(_like(subject.outputs, flat))])
    columns = [_compare_column(subject, report, judge, n, analytic[:, n]) for n in range(subject.size)]
    for row in range(subject.results):
        output, index = _located(subject.outputs, row)
        here = [f for f in report.findings if (f.output, f.output_index) == (subject.output_names[output], index)]
        if here:
            smooth = np.array([not column.kink[row] for column in columns])
            slope_by = np.array([column.value[row] for column in columns])
            corner = not smooth.all() or not _is_linear(subject, row, slope_by)
            if corner and any(_is_smooth(f) for f in here) and _agrees_nearby(subject, row, judge):
                told = [
                    replace(f, kind="kink", message=CORNER) if f in here and _is_smooth(f) else f
                    for f in report.findings
                ]
                report.findings = told
            _compare_tie(subject, report, judge, row, np.where(smooth, 0.0, 1.0), analytic[row])


def _is_smooth(finding: Finding) -> bool:
    """Whether it is wrong although the result has a slope there, as far as this one input tells."""
    return finding.kind == "wrong" and finding.left == finding.right


def has_corner(function: Callable[..., Any], *inputs: Any) -> bool:
    """Whether the slope of a result along some direction is not the sum of its slopes by each input."""
    with np.errstate(all="ignore"):
        subject = Subject(function, inputs)
        units = [_like(subject.points, unit) for unit in np.eye(subject.size)]
        slopes_by = np.array([slopes(subject, unit, 1.0).value for unit in units]).reshape(
            subject.size, subject.results
        )
        return not all(_is_linear(subject, row, slopes_by[:, row]) for row in range(subject.results))


CORNER = "each input alone may give it a slope, and several together do not"


def _is_linear(subject: Subject, row: int, slope_by: Array) -> bool:
    """Whether the slope along a direction is the sum of those by each input, as it is where there is a derivative.

    A median of many equal numbers does not change when one of them moves, and does when all of them do.
    """
    for direction in (np.ones(subject.size), np.cos(np.arange(subject.size) + 1.0)):
        found = slopes(subject, _like(subject.points, direction), 1.0)
        expected, size = float(slope_by @ direction), float(abs(slope_by) @ abs(direction))
        if found.kink[row] or abs(found.value[row] - expected) > 1e-5 * (1 + size) + 10 * found.error[row]:
            return False
    return True


def _agrees_nearby(subject: Subject, row: int, judge: Judge) -> bool:
    """Whether the rules are right a little beside a corner, where equal numbers are so no more."""
    nearby = _moved(subject, 1e-3 * np.sin(7.0 * np.arange(subject.size) + 1))
    flat = np.zeros(subject.results)
    flat[row] = 1
    gradient = np.concatenate([np.ravel(g) for g in nearby.gradient(_like(subject.outputs, flat))])
    for turn in range(3):
        direction = np.cos(np.arange(subject.size) * (turn + 1.0) + turn)
        found = slopes(nearby, _like(subject.points, direction), 1e-5)
        if judge(float(gradient @ direction), float(found.value[row]), float(found.error[row])) == "wrong":
            return False
    return True


def _compare_tie(subject: Subject, report: Report, judge: Judge, row: int, tied: Array, analytic: Array) -> None:
    """All inputs that one result has a kink in, moved together: the largest of equal numbers then has a slope again."""
    if tied.sum() < 2:
        return
    output, index = _located(subject.outputs, row)
    found = slopes(subject, _like(subject.points, tied), 1.0)
    a, n, error = float(analytic @ tied), float(found.value[row]), float(found.error[row])
    if not found.kink[row] and judge(a, n, error) == "wrong":
        report.findings.append(Finding("wrong", "all that tie", (), subject.output_names[output], index, a, n, error))


def _compare_column(subject: Subject, report: Report, judge: Judge, column: int, analytic: Array) -> Slope:
    flat = np.zeros(subject.size)
    flat[column] = 1
    which, index = _located(subject.points, column)
    point = subject.points[which].reshape(-1)[column - sum(p.size for p in subject.points[:which])]
    found = slopes(subject, _like(subject.points, flat), max(1.0, abs(point)))
    for row in range(subject.results):
        output, output_index = _located(subject.outputs, row)
        numbers = {key: float(getattr(found, key)[row]) for key in ("error", "left", "right")}
        a, n = float(analytic[row]), float(found.value[row])
        beside_kink = math.isnan(a) and found.kink.any()  # 0 times an infinite slope
        kind = "kink" if found.kink[row] or beside_kink else judge(a, n, numbers["error"])
        beyond = found.kink[row] and not _between(a, [numbers["left"], numbers["right"]])
        if beyond and not _among_nearby(a, subject, row, column):
            kind, n = "wrong", numbers["left"]
        if kind == "right":
            report.compared += 1
        else:
            sides = numbers["error"], numbers["left"], numbers["right"]
            name = subject.output_names[output]
            report.findings.append(Finding(kind, subject.names[which], index, name, output_index, a, n, *sides))
    return found


def _compare_projections(subject: Subject, report: Report, judge: Judge, random: Any) -> None:
    """uᵀ J d for random u and d, and if it is wrong for ever fewer numbers of d, down to one."""
    scales = np.concatenate([np.maximum(1.0, abs(np.ravel(p))) for p in subject.points])
    for _ in range(PROJECTIONS):
        weights = random.choice([-1, 1], subject.results) * random.uniform(0.5, 1.5, subject.results)
        every = random.choice([-1, 1], subject.size) * random.uniform(0.5, 1.5, subject.size) * scales
        gradient = np.concatenate([np.ravel(g) for g in subject.gradient(_like(subject.outputs, weights))])

        def judged(chosen: Array, every: Array = every, weights: Array = weights, gradient: Array = gradient) -> Any:
            direction = np.zeros(subject.size)
            direction[chosen] = every[chosen] / math.sqrt(len(chosen))
            along = slopes(subject, _like(subject.points, direction), 1.0)
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


def _between(convention: float, found: Sequence[float]) -> bool:
    """Whether a convention is one of the slopes, or between two; where they are not finite all is."""
    if not all(abs(number) < 1e3 for number in (*found, convention)):  # NaN is not
        return True
    slack = 1e-5 * (1 + sum(map(abs, found)))
    return min(found) - slack <= convention <= max(found) + slack


def _among_nearby(convention: float, subject: Subject, row: int, column: int) -> bool:
    """Whether a convention is between slopes at places around, where what ties here is in this order or that."""
    flat = np.zeros(subject.size)
    flat[column] = 1
    random = np.random.default_rng(0)
    found: list[float] = []
    for _ in range(200):
        nearby = _moved(subject, 1e-3 * random.uniform(-1, 1, subject.size))
        found.append(float(slopes(nearby, _like(subject.points, flat), 1e-5).value[row]))
        if _between(convention, found):
            return True
    return False


def _moved(subject: Subject, offset: Array) -> Subject:
    """The same at another point."""
    nearby = copy(subject)
    nearby.points = [p + o for p, o in zip(subject.points, _like(subject.points, offset), strict=True)]
    return nearby


def _name_it(subject: Subject, report: Report, judge: Judge, column: int, weights: Array, analytic: float) -> None:
    """The finding for one number of the inputs, of the weighed sum of the results."""
    which, index = _located(subject.points, column)
    flat = np.zeros(subject.size)
    flat[column] = 1
    point = np.concatenate([np.ravel(p) for p in subject.points])[column]
    found = slopes(subject, _like(subject.points, flat), max(1.0, abs(float(point))))
    numeric, left, right = (float(weights @ part) for part in (found.value, found.left, found.right))
    error = float(abs(weights) @ found.error)
    kind = "kink" if found.kink.any() else judge(analytic, numeric, error)
    kind = "undecided" if kind == "right" else kind  # wrong together, and right one by one
    name, output = subject.names[which], "a weighed sum of the results"
    finding = Finding(kind, name, index, output, (), analytic, numeric, error, left, right)
    if all((f.input, f.index) != (finding.input, index) for f in report.findings):
        report.findings.append(finding)


def _like(arrays: Sequence[Array], flat: Array) -> list[Array]:
    """One row of numbers in the shapes of the arrays."""
    edges = np.cumsum([a.size for a in arrays])[:-1]
    return [part.reshape(a.shape) for part, a in zip(np.split(flat, edges), arrays, strict=True)]


def _located(arrays: Sequence[Array], place: int) -> tuple[int, tuple[int, ...]]:
    """Which array the number at a place of the row is in, and where there."""
    for i, array in enumerate(arrays):
        if place < array.size:
            return i, tuple(int(k) for k in np.unravel_index(place, array.shape))
        place -= array.size
    raise IndexError(place)
