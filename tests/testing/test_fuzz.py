"""Random programs: what they are, that they are differentiated right, and what is left of one that is not."""

import inspect
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import Op, custom_op, ops
from tinygrad_edu.errors import ExpressionError
from tinygrad_edu.plan import Plan
from tinygrad_edu.testing import Program, WrongDerivativeError, arrays, check_op, fuzz, judged, programs
from tinygrad_edu.testing.formula import formula

SEED = 0 if hypothesis.settings.default.derandomize else None
PARTS = 4  # so that several processes share the work


@pytest.mark.parametrize("part", range(PARTS))
def test_random_programs_are_differentiated_right(part: int) -> None:
    """Value, gradient, forward mode and second order, against NumPy and differences of it."""
    examples = hypothesis.settings.default.max_examples // PARTS
    tally = fuzz(programs(), examples=examples, seed=None if SEED is None else part).check()
    assert tally.right > examples / 2
    assert tally.undecided < examples / 50


def broken(op: Op, rules: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for operand, rule in rules.items():
        monkeypatch.setitem(op.rules, operand, rule)
    needs = (True,) * len(op.operands)
    monkeypatch.setattr(op.plan(needs), "pulls", Plan(op, needs).pulls)


@pytest.fixture
def wrong_tanh(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(ops.tanh, {"x": lambda g, out: g * (1 - out)}, monkeypatch)


@pytest.mark.usefixtures("wrong_tanh")
def test_a_wrong_program_shrinks_to_the_one_wrong_line() -> None:
    failure = fuzz(programs(["tanh", "sin", "multiply", "sum"], 2, 6), examples=300, seed=1).failure
    assert failure is not None
    assert [code.partition("(")[0] for _, code in failure.program.lines] == ["np.tanh"]
    assert all(value.size == 1 for value in failure.program.inputs.values())
    assert failure.blamed.startswith("the wrong line is ")
    assert "np.tanh(x" in failure.blamed
    with pytest.raises(WrongDerivativeError, match="the rules give"):
        fuzz(programs(["tanh"]), examples=100, seed=1).check()


@pytest.mark.usefixtures("wrong_tanh")
def test_the_wrong_edge_is_found_among_right_ones() -> None:
    lines = [("t0", "x0 * x0"), ("t1", "np.tanh(t0)"), ("t2", "t1 + np.sin(t0)"), ("t3", "np.sum(t2)")]
    verdict = judged(Program({"x0": np.array([0.3, 0.7])}, lines))
    assert verdict.kind == "wrong"
    assert verdict.blamed.startswith("the wrong line is t1 = np.tanh(t0), by t0")
    assert [(node.op.name, index) for node, index in verdict.wrong_edges] == [("tanh", 0)]


@pytest.mark.usefixtures("wrong_tanh")
def test_the_report_is_python_that_shows_the_same() -> None:
    failure = fuzz(programs(["tanh"], 1, 2), examples=100, seed=1).failure
    assert failure is not None
    printed: list[Any] = []
    exec(failure.source(), {"print": printed.append})
    gradients, report = printed
    assert str(float(np.ravel(gradients[0].numpy())[0]))[:8] in str(failure).replace("e+00", "")
    assert report.wrong


def test_the_source_of_a_program_runs_by_itself(tmp_path: Path) -> None:
    program = Program({"x0": np.array([[0.5, 2.0]])}, [("t0", "np.exp(x0)"), ("t1", "t0 * x0")])
    (tmp_path / "program.py").write_text(program.source())
    done = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    x = np.array([0.5, 2.0])
    weighed = np.exp(x) * (1 + x) * np.cos(np.arange(2))
    gradient, report = done.stdout.strip().splitlines()
    assert np.allclose(np.array(eval(gradient.removeprefix("[Tensor(")[:-2])), weighed)
    assert report == "program agrees with differences: 2 numbers compared"


def test_infinite_gradients_are_no_reason_to_take_the_others_for_wrong() -> None:
    mask = "np.array([True, True, True, True, False])"
    lines = [("t0", f"np.where({mask}, x0, np.nan)"), ("t1", "np.nanpercentile(t0, [0.0, 35.0, 100.0])")]
    verdict = judged(Program({"x0": np.array([0.0, 0.0, -1.0, 0.0, 0.0])}, [*lines, ("t2", "np.cbrt(t1)")]))
    assert verdict.kind == "kink", verdict.said


def test_one_of_several_results_may_be_what_jumps() -> None:
    """Each remainder has the slope of one of its sides; the sum, from the left and from the right, of none."""
    lines = [("t0", "np.divmod([1.0, -3.0], x0)"), ("t1", "t0[1]")]
    verdict = judged(Program({"x0": np.array(1.0)}, lines))
    assert verdict.kind == "kink", verdict.said


@hypothesis.settings(max_examples=50)
@hypothesis.given(programs())
def test_a_program_computes_on_arrays_and_on_tensors_alike(program: Program) -> None:
    arrays_of = list(program.inputs.values())
    loss = program(*[tg.Tensor(x, requires_grad=True) for x in arrays_of])
    assert np.allclose(float(loss), float(program(*arrays_of)), rtol=1e-9)


def test_programs_share_subexpressions_and_broadcast() -> None:
    shared = stretched = 0

    @hypothesis.settings(max_examples=200, database=None)
    @hypothesis.given(programs())
    def count(program: Program) -> None:
        nonlocal shared, stretched
        codes = " ".join(code for _, code in program.lines)
        names = [*program.inputs, *(target for target, _ in program.lines)]
        shared += any(codes.count(name) > 1 for name in names)
        stretched += len({v.shape for v in program.run(*program.inputs.values()).values() if hasattr(v, "shape")}) > 1

    count()
    assert shared > 70
    assert stretched > 100


@pytest.mark.parametrize("op", ["exp", tg.matmul, tg.median, "getitem"])
def test_an_op_of_the_table_passes(op: Any) -> None:
    assert check_op(op, examples=50).check().right > 10


def test_a_learners_op_passes_with_its_own_arguments() -> None:
    @custom_op(x=lambda g, x, n: g * n * x ** (n - 1))
    def to_the_power(x: Any, n: int) -> Any:
        return x**n

    tally = check_op(to_the_power, st.tuples(arrays(), st.integers(1, 3)), examples=50).check()
    assert tally.right > 10


@pytest.mark.parametrize(
    "op",
    [
        np.tanh,
        np.sum,
        partial(tg.leaky_relu, negative_slope=0.2),
        lambda x, y=2.0: x * y,
        lambda x: (np.sin(x), [x * 2][0]),
        Op(lambda *xs: sum(xs), name="total", xs=lambda g: g),
    ],
)
def test_what_can_be_called_can_be_checked(op: Any) -> None:
    assert check_op(op, examples=40).check().right > 10


def test_arguments_may_be_one_tuple_and_end_with_what_is_taken_by_keyword() -> None:
    def scaled(x: Any, *, by: float) -> Any:
        return x * by

    assert check_op(scaled, (np.ones(3), {"by": 2})).check().right == 1
    assert check_op(scaled, st.tuples(arrays((2,)), st.just({"by": 2})), examples=20).check()


@pytest.mark.parametrize(
    ("op", "arguments", "error", "said"),
    [
        ("tanhh", None, ValueError, "there is no op 'tanhh' in the table: do you mean tanh?"),
        ("my own", None, ValueError, "your own is passed itself, without quotes"),
        (None, None, TypeError, "takes an Op, a function or the name of an op, not None"),
        (np.gcd, None, TypeError, r"np.gcd has no rule: declare one, Op\(np.gcd"),
        (np.sin, [1.0], TypeError, "arguments is a tuple of arrays"),
        (lambda x, *, by: x, None, TypeError, "needs by too: say what it is called with"),
    ],
)
def test_what_cannot_be_fuzzed_says_what_to_write(op: Any, arguments: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        check_op(op, arguments)


def test_tolerances_can_be_chosen() -> None:
    nearly = Op(lambda x: np.tanh(x), name="nearly", x=lambda g, out: g * (1 - out * out) * (1 + 1e-6))
    assert check_op(nearly, examples=50).failure is not None
    assert check_op(nearly, examples=50, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [op.name for op in vars(ops).values() if isinstance(op, Op) and op.beside])
def test_what_forward_finds_beside_the_result_is_what_its_function_says(name: str) -> None:
    op, x = getattr(ops, name), np.linspace(-3, 3, 12).reshape(3, 4)
    out, *beside = op.forward(*op.bind((x,), {}))
    np.testing.assert_allclose(out, op.function(x), rtol=1e-12)
    for found, (key, function) in zip(beside, op.beside.items(), strict=True):
        given = dict(zip(op.parameters, op.bind((x,), {}), strict=True))
        again = function(*(given[parameter] for parameter in inspect.signature(function).parameters))
        np.testing.assert_allclose(found, again, rtol=1e-12, err_msg=key)


@pytest.mark.parametrize(
    "layout", [lambda a: a, np.asfortranarray, lambda a: a[..., ::-1], lambda a: a.repeat(2, 1)[:, ::2]]
)
def test_the_source_makes_arrays_that_lie_the_same_way_in_memory(layout: Any) -> None:
    array = layout(np.arange(6.0).reshape(2, 3))
    space: dict[str, Any] = {}
    exec(Program({"x0": array}, [("t0", "np.exp(x0)")]).source(), space)
    assert np.array_equal(space["x0"], array)
    assert space["x0"].strides == array.strides


PLANTED = """
import numpy as np
from tinygrad_edu import ops
from tinygrad_edu.plan import Plan
ops.sigmoid.rules["x"] = lambda g, out: g * out
ops.sigmoid.plan((True,)).pulls = Plan(ops.sigmoid, (True,)).pulls
"""


def test_a_wrong_formula_is_python_that_shows_it_in_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(ops.sigmoid, {"x": lambda g, out: g * out}, monkeypatch)
    failure = fuzz(formula("abs(a) * sigmoid(b) + log(2 + a)"), examples=50, seed=0).failure
    assert failure is not None
    (tmp_path / "wrong.py").write_text(PLANTED + failure.source())
    done = subprocess.run([sys.executable, "wrong.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "program is WRONG" in done.stdout
    assert " by b" in done.stdout


def test_what_an_op_is_given_is_printed() -> None:
    wrong = Op(lambda x, n, mask: x**n * mask, name="wrong", x=lambda g, x, n, mask: g * n * x**n * mask)
    failure = check_op(wrong, (np.array([2.0, 3.0]), 3, np.array([True, False]))).failure
    assert failure is not None
    assert "given1 = 3\ngiven2 = np.array([True, False], dtype='bool').reshape((2,))\n" in failure.source()
    assert "# wrong is yours: define it here" in failure.source()


def test_an_op_that_nothing_could_be_computed_with_says_so() -> None:
    never = Op(lambda x: x / 0, name="never", x=lambda g: g)
    with pytest.raises(AssertionError, match="say what to call it with, arguments="):
        check_op(never, st.tuples(arrays((2,))), examples=20).check()


@pytest.mark.parametrize("text", ["a*b + sin(c)", "sigmoid(w @ x + b)", "sum(log(a**2 + 1))", "max(a, axis=0)"])
def test_a_formula_is_fuzzed_at_random_values_of_its_names(text: str) -> None:
    assert fuzz(formula(text), text, examples=30, seed=0).check().examples == 30


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a ^ b", r"write a \*\* b"),
        ("3 + 4", "no names"),
        ("a +", "ends too early"),
        ("__import__('os')", "no names|not allowed|there is no function"),
        ("a.__class__", "is not allowed"),
        ("open(a)", "there is no function open"),
    ],
)
def test_what_is_no_formula_is_refused(text: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        formula(text).example()


def test_a_fuzz_run_can_be_repeated_and_stopped() -> None:
    first, again = (fuzz(programs(), examples=40, seed=5) for _ in range(2))
    assert (first.right, first.kinks) == (again.right, again.kinks)
    assert fuzz(programs(), examples=100_000, seed=5, seconds=0.5).seconds < 5
