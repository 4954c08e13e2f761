"""Fuzzing: random programs until one is differentiated wrong, shrunk to the smallest by Hypothesis."""

import keyword
import re
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import hypothesis
import numpy as np
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from tinygrad_edu.op import Op
from tinygrad_edu.testing.maker import SPACE
from tinygrad_edu.testing.program import Program, programs
from tinygrad_edu.testing.recipes import RECIPES
from tinygrad_edu.testing.strategies import arrays, broadcastable, shapes
from tinygrad_edu.testing.verdict import Verdict, judged

__all__ = ["Tally", "WrongDerivativeError", "check_op", "fuzz"]


class WrongDerivativeError(AssertionError):
    """A program that is differentiated wrong; `verdict` says how, and holds it."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(str(verdict))
        self.verdict = verdict


class _TimeIsUp(BaseException):
    """Ends a run of Hypothesis, which takes an Exception for a failure to shrink."""


@dataclass
class Tally:
    """What fuzzing one op found: how many programs were right, at a kink, undecided, or refused by the engine.

    `failure` is the verdict on the smallest that is wrong. True if none is wrong and some are right.
    """

    name: str
    right: int = 0
    kinks: int = 0
    undecided: int = 0
    refused: int = 0
    seconds: float = 0.0
    failure: Verdict | None = None

    @property
    def examples(self) -> int:
        """How many programs were judged."""
        return self.right + self.kinks + self.undecided + self.refused

    def __bool__(self) -> bool:
        return self.failure is None and self.right > 0

    def __str__(self) -> str:
        said = f"{self.name}: {self.right} right, {self.kinks} at kinks"
        said += "".join(f", {n} {what}" for n, what in ((self.undecided, "undecided"), (self.refused, "refused")) if n)
        return f"{self.name} is WRONG: {self.failure}" if self.failure else said

    __repr__ = __str__

    def check(self) -> "Tally":
        """The tally itself; raises `WrongDerivativeError` with the smallest program if there was a wrong one."""
        if self.failure is not None:
            raise WrongDerivativeError(self.failure)
        if not self:
            raise AssertionError(f"{self.name}: no example could be computed; say what to call it with, arguments=...")
        return self


def fuzz(
    strategy: st.SearchStrategy[Program],
    name: str = "programs",
    examples: int = 100,
    *,
    thorough: bool = False,
    seed: int | None = None,
    seconds: float | None = None,
    progress: Callable[[], None] | None = None,
) -> Tally:
    """Judge so many random programs; the tally holds the smallest that is wrong, if there is one.

    `seed` makes it the same each time; `seconds` ends it early; `progress` is called after every program.
    """
    tally, start = Tally(name), time.monotonic()

    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=False,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )
    @hypothesis.given(strategy)
    def run(program: Program) -> None:
        if seconds is not None and time.monotonic() - start > seconds and tally.failure is None:
            raise _TimeIsUp
        verdict = judged(program, thorough=thorough)
        if verdict.kind == "wrong":
            tally.failure = verdict  # shrinking ends with the smallest
            raise WrongDerivativeError(verdict)
        tally.right += verdict.kind == "right"
        tally.kinks += verdict.kind == "kink"
        tally.undecided += verdict.kind == "undecided"
        tally.refused += verdict.kind == "refused"
        if progress is not None:
            progress()

    try:
        (hypothesis.seed(seed)(run) if seed is not None else run)()
    except WrongDerivativeError as error:
        tally.failure = error.verdict
    except (Unsatisfiable, _TimeIsUp):
        pass
    if tally.failure is not None:
        tally.failure = _smallest(tally.failure, thorough)
        tally.failure.name = name
    tally.seconds = time.monotonic() - start
    return tally


def _smallest(verdict: Verdict, thorough: bool) -> Verdict:
    """Without the lines that it is wrong without."""
    for line in reversed(range(len(verdict.program.lines))):
        try:
            fewer = verdict.program.without(line)
            if fewer.results and (again := judged(fewer, thorough=thorough)).kind == "wrong":
                verdict = again
        except Exception:  # noqa: S112 - a line that others need
            continue
    return verdict


def check_op(
    op: Any,
    arguments: st.SearchStrategy[tuple[Any, ...]] | None = None,
    *,
    examples: int = 200,
    seed: int | None = 0,
) -> Tally:
    """Fuzz one op end to end: value, first and second order, forward mode, gradients' dtype and shape, purity, float32.

    `op` is an op or a function of this package, its name in the table, or your own `Op` or `custom_op`. Your own is
    called with arrays that broadcast, or with `arguments`: a strategy of tuples, arrays of floats for the operands and
    anything for the rest. The `Tally` is true if all went well; `tally.check()` raises otherwise, with the smallest
    program that went wrong as Python.

    >>> from tinygrad_edu import Op
    >>> import numpy as np
    >>> right = Op(lambda x: np.tanh(x), name="my_tanh", x=lambda g, out: g * (1 - out * out))
    >>> bool(check_op(right, examples=20))
    True
    >>> wrong = Op(lambda x: np.tanh(x), name="my_tanh", x=lambda g, out: g * (1 - out))
    >>> print(check_op(wrong, examples=20).failure.program.lines[0][1])
    my_tanh(x0)
    """
    name = op if isinstance(op, str) else str(getattr(op, "name", None) or getattr(op, "__name__", op))
    if isinstance(op, str) or _is_of_table(name, op):
        if name not in RECIPES:
            raise ValueError(
                f"there is no op {name!r} in the table: pass the op itself, or one of {', '.join(sorted(RECIPES))}"
            )
        strategy = programs([name], 1, 1)
    else:
        strategy = calls(op, _as_name(name), arguments)
    return fuzz(strategy, name, examples, thorough=True, seed=seed)


def _is_of_table(name: str, op: Any) -> bool:
    import tinygrad_edu as tg

    return name in RECIPES and getattr(tg, name, None) is op


def _as_name(name: str) -> str:
    """The name, if a program can call the op by it: a lambda has none, and `x0` or `np` are something else there."""
    taken = re.fullmatch(r"[xt]\d+|given\d*|np|tg", name)
    return name if name.isidentifier() and not keyword.iskeyword(name) and not taken else "your_op"


@st.composite
def calls(draw: Any, op: Any, name: str, arguments: Any = None) -> Program:
    """Programs of one call of an op."""
    given = draw(_operands(op) if arguments is None else arguments)
    inputs: dict[str, Any] = {}
    space, said = {**SPACE, name: op}, []
    for value in given if isinstance(given, tuple) else (given,):
        if isinstance(value, float | np.floating) or getattr(value, "dtype", np.dtype(int)).kind == "f":
            said.append(f"x{len(inputs)}")
            inputs[said[-1]] = np.asarray(getattr(value, "array", value), dtype=float)
        else:
            said.append(f"given{len(said)}")
            space[said[-1]] = value
    program = Program(inputs, [("t0", f"{name}({', '.join(said)})")], space)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="error"):
            value = program(*inputs.values()) if program.results else np.nan
    except (ArithmeticError, ValueError, Warning):  # outside of its domain
        value = np.nan
    hypothesis.assume(bool(np.isfinite(value) and abs(value) < 1e6))
    return program


def _operands(op: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    """What an op is called with when nobody says: arrays that broadcast, of one shape if it does not work by places."""
    count = len(op.operands) if isinstance(op, Op) else max(1, op.__code__.co_argcount - len(op.__defaults__ or ()))
    alike = shapes(min_side=0).flatmap(lambda shape: st.tuples(*[arrays(shape)] * count))
    return broadcastable(count) if getattr(op, "elementwise", True) else st.one_of(alike, broadcastable(count))
