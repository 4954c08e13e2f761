"""Is a program differentiated right? Value, first and second order, forward mode, and that nothing is changed."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu import func
from tinygrad_edu.autograd import grad
from tinygrad_edu.errors import DerivativeError, HistoryWarning, RuleError, UnsupportedError
from tinygrad_edu.graph import Node
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.testing.blame import blame
from tinygrad_edu.testing.gradcheck import gradcheck
from tinygrad_edu.testing.judge import Judge
from tinygrad_edu.testing.program import Program
from tinygrad_edu.testing.subject import Subject, quiet, slopes

__all__ = ["Verdict", "judged"]

Array = Any


@dataclass
class Verdict:
    """What was found out about a program: `kind` is "right", "kink", "undecided", "refused" or "wrong", `said` why.

    Refused is what the engine says it cannot differentiate. `wrong_edges` are pairs (node, number of the operand) of
    the graph of `root` that a wrong derivative went along.
    """

    program: Program
    kind: str
    said: str = ""
    blamed: str = ""
    name: str = "program"
    root: Tensor | None = None
    wrong_edges: list[tuple[Node, int]] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join([self.said, *([self.blamed] if self.blamed else []), "", self.source()])

    def source(self) -> str:
        """The program as Python that shows it."""
        return self.program.source("gradgradcheck" if self.said.startswith("second order") else "gradcheck")


def judged(program: Program, *, thorough: bool = False, rtol: float = 1e-7, atol: float = 1e-9) -> Verdict:
    """The verdict on one program; `thorough` also compares it with itself in float32.

    `rtol` and `atol` are what a first derivative may be off by, beside what differences know of it, as for `gradcheck`.
    """
    with quiet(), warnings.catch_warnings(action="error", category=HistoryWarning):
        try:
            verdict = _judged(program, thorough, rtol, atol)
        except RuleError as error:
            verdict = _failed(program, error)
        except (DerivativeError, UnsupportedError, HistoryWarning) as error:
            return Verdict(program, "refused", f"{type(error).__name__}: {error}")
        except Exception as error:
            verdict = _failed(program, error)
        if verdict.kind == "wrong":
            blame(verdict)
    return verdict


def _failed(program: Program, error: Exception) -> Verdict:
    said = f"NumPy computes this, and on Tensors it fails, {type(error).__name__}: {error}"
    return Verdict(program, "wrong", said)


def _judged(program: Program, thorough: bool, rtol: float, atol: float) -> Verdict:
    inputs = list(program.inputs.values())

    def wrong(said: str) -> Verdict:
        return Verdict(program, "wrong", said)

    gradients, again = _gradients(program, inputs), _gradients(program, inputs, weight=-2.5)
    loss, expected = gradients[0], float(program(*inputs))
    if not np.isclose(float(loss), expected, rtol=1e-9, atol=1e-9):
        return wrong(f"the value on Tensors is {float(loss):.12g}, and NumPy's {expected:.12g}")
    for once, twice in zip(gradients[1:], again[1:], strict=True):
        largest = float(np.max(abs(once[np.isfinite(once)]), initial=0))
        if not np.allclose(-2.5 * once, twice, 1e-9, 1e-9 * (1 + largest), equal_nan=True):
            return wrong("the gradient for g = -2.5 is not -2.5 times that for g = 1: a rule multiplies by g, once")
    subject, random = Subject(program, inputs), np.random.default_rng(_seed(program))
    kind, said = _first_order(program, inputs, gradients[1:], subject, random, Judge(rtol, atol))
    if kind == "wrong":
        return wrong(said)
    if (said_forward := _forward(program, inputs, gradients[1:], random)) is not None:
        return wrong(said_forward)
    if kind == "right":
        kind, said = _second_order(program, inputs, subject, random)
        if kind == "wrong":
            return wrong(said)
        if thorough and (said_single := _single(program, inputs)) is not None:
            return wrong(said_single)
    return Verdict(program, kind, said)


def _seed(program: Program) -> int:
    """Random directions that are the same for the same program, so that what fails fails again."""
    return len(program.lines) * 1000 + sum(int(v.size) for v in program.inputs.values())


def _gradients(program: Program, inputs: Sequence[Array], dtype: Any = np.float64, weight: float = 1.0) -> list[Array]:
    """The loss, and its gradient by each input, times a weight."""
    tensors = [Tensor(x, dtype=dtype, requires_grad=True) for x in inputs]
    loss = program(*tensors)
    if not isinstance(loss, Tensor):
        raise TypeError(f"the loss became a bare {type(loss).__name__}")
    if not loss.requires_grad:
        return [loss.item(), *(np.zeros(x.shape, dtype) for x in inputs)]
    found = grad(loss, tensors, np.full(loss.shape, weight, loss.dtype), allow_unused=True)
    for tensor, x, g in zip(tensors, inputs, found, strict=True):
        if not np.array_equal(tensor.numpy(), x.astype(dtype), equal_nan=True):
            raise TypeError("an input is changed on the way forward or backward")
        if g is not None and (g.shape, g.dtype) != (tensor.shape, tensor.dtype):
            raise TypeError(
                f"a gradient has shape {g.shape} and {g.dtype}, its tensor {tensor.shape} and {tensor.dtype}"
            )
    return [
        np.asarray(loss.item()),
        *(np.zeros(x.shape, dtype) if g is None else g.numpy() for x, g in zip(inputs, found, strict=True)),
    ]


def _direction(inputs: Sequence[Array], random: Any) -> list[Array]:
    """Random numbers, of the size of an input where that is of another size than 1."""
    return [random.uniform(0.5, 1.5, x.shape) * random.choice([-1, 1], x.shape) * _magnitude(x) for x in inputs]


def _magnitude(x: Array) -> float:
    largest = float(np.max(abs(x), initial=0))
    return 1.0 if largest == 0 or 1e-2 < largest < 1e2 else largest


def _dot(a: Sequence[Array], b: Sequence[Array]) -> float:
    return float(sum(np.sum(x * y) for x, y in zip(a, b, strict=True)))


def _size(a: Sequence[Array], b: Sequence[Array]) -> float:
    return float(sum(np.sum(abs(x * y)) for x, y in zip(a, b, strict=True)))


def _first_order(
    program: Program, inputs: Sequence[Array], gradient: Sequence[Array], subject: Subject, random: Any, judge: Judge
) -> tuple[str, str]:
    """The gradient along two random directions; one by one where these do not agree."""
    for _ in range(2):
        direction = _direction(inputs, random)
        along = slopes(subject, direction, 1.0)
        analytic = _dot(gradient, direction)
        if along.kink.any() or judge(analytic, float(along.value[0]), float(along.error[0])) != "right":
            report = gradcheck(program, *inputs, rtol=judge.rtol, atol=judge.atol)
            if report.wrong:
                return "wrong", str(report)
            kind = "kink" if report.kinks or along.kink.any() else "undecided"
            return kind, str(report)
    return "right", ""


def _forward(program: Program, inputs: Sequence[Array], gradient: Sequence[Array], random: Any) -> str | None:
    """Forward mode runs the same rules the other way round, so it agrees to the last digits, at kinks too."""
    if not all(np.isfinite(g).all() for g in gradient):
        return None
    direction = _direction(inputs, random)
    _, tangent = func.jvp(program, tuple(map(Tensor, inputs)), tuple(map(Tensor, direction)))
    forward, backward = float(tangent.item()), _dot(gradient, direction)
    if abs(forward - backward) <= 1e-8 * (1 + _size(gradient, direction)):
        return None
    return f"along a direction the forward mode gives {forward:.12g}, and the gradient {backward:.12g}"


def _second_order(program: Program, inputs: Sequence[Array], subject: Subject, random: Any) -> tuple[str, str]:
    """uᵀ H d: the derivative of the gradient, against differences of the gradient."""
    u, d = _direction(inputs, random), _direction(inputs, random)
    tensors = [Tensor(x, requires_grad=True) for x in inputs]
    loss = program(*tensors)
    if not loss.requires_grad:
        return "right", ""
    first = grad(loss, tensors, create_graph=True, allow_unused=True)
    pairs = [(g, w) for g, w in zip(first, u, strict=True) if g is not None and g.requires_grad]
    total = sum(((g * w).sum() for g, w in pairs), start=Tensor(0.0))
    second = grad(total, tensors, allow_unused=True) if total.requires_grad else [None] * len(tensors)
    analytic = _dot([np.zeros(x.shape) if h is None else h.numpy() for x, h in zip(inputs, second, strict=True)], d)

    def along(t: float) -> Array:
        moved = [x + t * v for x, v in zip(inputs, d, strict=True)]
        return np.array([_dot(_gradients(program, moved)[1:], u)])

    found = slopes(subject, d, 1.0, along)
    if found.kink.any():
        return "kink", "the second derivative does not exist along a direction"
    numeric, error = float(found.value[0]), float(found.error[0])
    kind = Judge(1e-5, 1e-5)(analytic, numeric, error)
    said = f"second order along a direction: the rules give {analytic:.10g}, differences {numeric:.10g} ({error:.0e})"
    return kind, "" if kind == "right" else said


def _single(program: Program, inputs: Sequence[Array]) -> str | None:
    """In float32: a value and gradients of float32, near those of float64 at the same numbers."""
    rounded = [x.astype(np.float32).astype(float) for x in inputs]
    if not np.isfinite(float(program(*rounded))):
        return None  # a little aside it is outside of its domain
    double, single = _gradients(program, rounded), _gradients(program, rounded, np.float32)
    for name, a, b in zip(("", *program.inputs), single, double, strict=True):
        what = f"the gradient by {name}" if name else "the value"
        if name and a.dtype != np.float32:
            return f"{what} of float32 has dtype {a.dtype}"
        scale = max(1.0, float(np.max(abs(b), initial=0)), abs(float(double[0])))
        if np.isfinite(b).all() and not np.all(abs(a - b) <= 5e-3 * scale):
            return f"{what} in float32 is {a.tolist()}, in float64 {b.tolist()}"
    return None
