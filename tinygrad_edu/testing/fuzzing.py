"""Fuzzing: random programs until one is differentiated wrong, shrunk to the smallest by Hypothesis."""

import inspect
import keyword
import re
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any

import hypothesis
import numpy as np
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from tinygrad_edu.op import Op, implementations
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.testing.maker import SPACE
from tinygrad_edu.testing.program import Program, programs
from tinygrad_edu.testing.recipes import RECIPES
from tinygrad_edu.testing.strategies import arrays, broadcastable, shapes
from tinygrad_edu.testing.subject import name_of
from tinygrad_edu.testing.verdict import Verdict, judged

__all__ = ["Tally", "WrongDerivativeError", "check_op", "fuzz", "no_such_op"]


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
    rtol: float = 1e-7,
    atol: float = 1e-9,
) -> Tally:
    """Judge so many random programs; the tally holds the smallest that is wrong, if there is one.

    `seed` makes it the same each time; `seconds` ends it early; `progress` is called after every program. `rtol` and
    `atol` are as for `check_op`.
    """
    judge = partial(judged, thorough=thorough, rtol=rtol, atol=atol)
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
        verdict = judge(program)
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
        tally.failure = _smallest(tally.failure, judge)
        tally.failure.name = name
    tally.seconds = time.monotonic() - start
    return tally


def _smallest(verdict: Verdict, judge: Callable[[Program], Verdict]) -> Verdict:
    """Without the lines that it is wrong without."""
    for line in reversed(range(len(verdict.program.lines))):
        try:
            fewer = verdict.program.without(line)
            if fewer.results and (again := judge(fewer)).kind == "wrong":
                verdict = again
        except Exception:  # noqa: S112 - a line that others need
            continue
    return verdict


def check_op(
    op: Any,
    arguments: Any = None,
    *,
    examples: int = 200,
    seed: int | None = 0,
    rtol: float = 1e-7,
    atol: float = 1e-9,
) -> Tally:
    """Fuzz one op end to end: value, first and second order, forward mode, gradients' dtype and shape, purity, float32.

    `op` is an op or a function of this package or of NumPy, its name in the table, or your own `Op`, `custom_op` or
    function. Your own is called with arrays that broadcast, now and then the same array twice, tiny or huge; or with
    `arguments`: a strategy of tuples, or one tuple, arrays of floats for the operands and anything for the rest, at the
    end a dict for what is taken by keyword. Where an `Op` has a `forward`, it is compared with its function.

    `rtol` and `atol` are as for `gradcheck`, the error of the differences added; second order is good to 1e-5, float32
    to 5e-3 of the largest number. The `Tally` is true if all went well; `tally.check()` raises otherwise, with the
    smallest program that went wrong as Python.

    >>> from tinygrad_edu import Op
    >>> import numpy as np
    >>> right = Op(lambda x: np.tanh(x), name="my_tanh", x=lambda g, out: g * (1 - out * out))
    >>> bool(check_op(right, examples=20))
    True
    >>> wrong = Op(lambda x: np.tanh(x), name="my_tanh", x=lambda g, out: g * (1 - out))
    >>> print(check_op(wrong, examples=20).failure.program.lines[0][1])
    my_tanh(x0)
    """
    known = _in_table(op)
    name = known or name_of(op)
    if known and arguments is None:
        strategy = programs([known], 1, 1)
    elif isinstance(op, str):
        raise ValueError(f"{no_such_op(op)}; your own is passed itself, without quotes")
    elif not callable(op):
        raise TypeError(f"check_op takes an Op, a function or the name of an op, not {op!r}")
    elif isinstance(op, np.ufunc) and op not in implementations:
        raise TypeError(f"np.{op.__name__} has no rule: declare one, Op(np.{op.__name__}, x=lambda g, x: ...)")
    else:
        strategy = calls(op, _as_name(name), arguments)
    return fuzz(strategy, name, examples, thorough=True, seed=seed, rtol=rtol, atol=atol)


def no_such_op(name: str) -> str:
    """The message for a name that is not in the table."""
    near = get_close_matches(name, RECIPES, 1)
    said = f"do you mean {near[0]}?" if near else "`python -m tinygrad_edu rules` lists them"
    return f"there is no op {name!r} in the table: {said}"


def _in_table(op: Any) -> str | None:
    """The name of an op of the table that has recipes."""
    import tinygrad_edu as tg

    if isinstance(op, str):
        return op if op in RECIPES else None
    try:
        own = implementations.get(op, op)
    except TypeError:  # what has no hash is none of them
        return None
    name = name_of(own)
    return name if name in RECIPES and getattr(tg, name, None) is own else None


def _as_name(name: str) -> str:
    """The name, if a program can call the op by it: a lambda has none, and `x0` or `np` are something else there."""
    taken = re.fullmatch(r"[xt]\d+|given\d*|np|tg|program|loss|gradcheck", name)
    return name if name.isidentifier() and not keyword.iskeyword(name) and not taken else "your_op"


@st.composite
def calls(draw: Any, op: Any, name: str, arguments: Any = None) -> Program:
    """Programs of one call of an op."""
    given = draw(_operands(op) if arguments is None else _strategy(arguments))
    given = given if isinstance(given, tuple) else (given,)
    keywords = given[-1] if given and isinstance(given[-1], dict) else {}
    inputs: dict[str, Any] = {}
    space, said = {**SPACE, name: _called_by_function(op)}, []
    pairs = [("", value) for value in (given[:-1] if keywords else given)]
    for place, (keyword_, value) in enumerate([*pairs, *keywords.items()]):
        if isinstance(value, float | np.floating) or getattr(value, "dtype", np.dtype(int)).kind == "f":
            code = f"x{len(inputs)}"
            inputs[code] = np.asarray(getattr(value, "array", value), dtype=float)
        else:
            code = f"given{place}"
            space[code] = value
        said.append(f"{keyword_}={code}" if keyword_ else code)
    if arguments is None and len(inputs) > 1 and draw(st.integers(0, 5)) == 5:  # op(x, x)
        said, inputs = ["x0"] * len(said), {"x0": inputs["x0"]}
    program = Program(inputs, [("t0", f"{name}({', '.join(said)})")], space)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="error"):
            value = program.run(*inputs.values())["t0"]
            if isinstance(value, tuple | list):  # several results
                parts = [(f"t{i + 1}", f"t0[{i}]") for i in range(len(value))]
                program = Program(inputs, [*program.lines, *parts], space)
            value = program(*inputs.values()) if program.results else np.nan
    except (ArithmeticError, ValueError, Warning):  # outside of its domain
        value = np.nan
    hypothesis.assume(bool(np.isfinite(value)))
    return program


def _called_by_function(op: Any) -> Any:
    """The op; on arrays by its function where Tensors go by a faster `forward`, so that the two are compared."""
    if not isinstance(op, Op) or op.forward is op.function:
        return op

    def called(*arguments: Any, **options: Any) -> Any:
        tensors = any(isinstance(a, Tensor) for a in (*arguments, *options.values()))
        return op(*arguments, **options) if tensors else op.function(*arguments, **options)

    return called


def _strategy(arguments: Any) -> st.SearchStrategy[Any]:
    if isinstance(arguments, st.SearchStrategy):
        return arguments
    if isinstance(arguments, tuple):
        return st.just(arguments)
    raise TypeError(
        "arguments is a tuple of arrays, (np.ones(3), 2.0), or a strategy of tuples, st.tuples(arrays(), arrays());"
        f" not a {type(arguments).__name__}"
    )


def _operands(op: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    """What an op is called with when nobody says: arrays that broadcast, of one shape if it does not work by places."""
    every = _signature(op).parameters.values()
    named = [p for p in every if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.default is p.empty]
    operands = op.operands if isinstance(op, Op) else [p.name for p in named if p.kind is not p.KEYWORD_ONLY]
    if left := [p.name for p in named if p.name not in operands]:
        raise TypeError(
            f"{name_of(op)} needs {', '.join(left)} too: say what it is called with, arguments=(np.ones(3),"
            f" {{{left[0]!r}: ...}})"
        )
    variadic = any(p.kind is p.VAR_POSITIONAL for p in every)
    counts = [1, 2, 3] if variadic else [max(1, len(operands))]
    return _drawn(counts, getattr(op, "elementwise", True))


@st.composite
def _drawn(draw: Any, counts: Sequence[int], elementwise: bool) -> tuple[Any, ...]:
    """So many arrays, one in three times some of them tiny or huge."""
    count = draw(st.sampled_from(counts))
    factors = draw(st.one_of(st.just([1.0]), st.just([1.0]), st.lists(st.sampled_from(SIZES), min_size=1, max_size=3)))
    together = elementwise or draw(st.booleans())
    if together:
        found = draw(broadcastable(count))
    else:
        shape = draw(shapes(min_side=0))
        found = tuple(draw(arrays(shape)) for _ in range(count))
    return tuple(a * factors[i % len(factors)] for i, a in enumerate(found))


SIZES = [1e6, 1e-6, 1e3, 1e-3]


def _signature(function: Any) -> inspect.Signature:
    """What it takes; ops tell it themselves, and a `partial` of one does not."""
    if isinstance(function, Op):
        return function.signature
    try:
        if isinstance(function, partial):
            bound = _signature(function.func).bind_partial(*function.args, **function.keywords).arguments
            left = [p for p in _signature(function.func).parameters.values() if p.name not in bound]
            return inspect.Signature(left)
        return inspect.signature(function)
    except (TypeError, ValueError):
        said = f"{name_of(function)} does not tell what it takes: say it, arguments=(np.ones(3), ...)"
        raise TypeError(said) from None
