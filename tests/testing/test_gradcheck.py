"""`gradcheck` and `gradgradcheck`: they pass what is right, name what is wrong, and say so where nothing is either."""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Op, Tensor
from tinygrad_edu.errors import RuleError
from tinygrad_edu.op import implementations
from tinygrad_edu.testing import GradcheckError, gradcheck, gradgradcheck
from tinygrad_edu.testing.numerical import slope


@pytest.fixture(autouse=True)
def the_table_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """An op of a ufunc is what the ufunc does from then on: here only until the end of the test."""
    for function, op in list(implementations.items()):
        monkeypatch.setitem(implementations, function, op)


RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda t: np.sin(1 + t), math.cos(1)),
        (lambda t: np.exp(3 + t), math.exp(3)),
        (lambda t: np.log(0.5 + t), 2.0),
        (lambda t: np.tan(1.5 + t), 1 / math.cos(1.5) ** 2),
        (lambda t: np.sin(1e4 * (1 + t)), 1e4 * math.cos(1e4)),
        (lambda t: abs(0.01 + t), 1.0),
        (lambda t: abs(1e-5 - t), -1.0),
        (lambda t: t * abs(t), 0.0),
        (lambda t: np.floor(2.3 + t), 0.0),
        (lambda t: np.where(t > 0, t, np.expm1(t)), 1.0),
        (lambda t: 1e8 + t, 1.0),
        (lambda t: 1 / (t + 1e-3), -1e6),  # the first steps jump over the pole
        (lambda t: np.exp(-(((t + 1e-3) / 1e-3) ** 2)), -2000 / math.e),  # and over the bell
        (lambda t: np.tanh(1e9 * t), 1e9),  # steep, and no jump
        (lambda t: np.log(1e-9 - t), -1e9),  # near the end of the domain
        (lambda t: np.sqrt(t * t + 1e-16), 0.0),  # a bend that looks like a kink from afar
        (lambda t: abs(t - 1e-7), -1.0),
    ],
)
def test_a_slope_is_right_to_what_it_says_it_is(f: Callable[[Any], Any], expected: float) -> None:
    found = slope(lambda t: np.atleast_1d(f(np.float64(t))), reach=0.0)
    assert not found.kink[0]
    assert abs(found.value[0] - expected) <= 10 * found.error[0] + 1e-9 * abs(expected)
    assert found.error[0] < 1e-6 * max(1, abs(expected))


@pytest.mark.parametrize(
    ("f", "left", "right"),
    [
        (abs, -1.0, 1.0),
        (lambda t: np.maximum(t, 0), 0.0, 1.0),
        (lambda t: np.maximum(3 * t, np.sin(t)), 1.0, 3.0),
        (lambda t: abs(t) + 5 * t + 1e6, 4.0, 6.0),
    ],
)
def test_a_kink_has_the_slopes_of_its_sides(f: Callable[[Any], Any], left: float, right: float) -> None:
    found = slope(lambda t: np.atleast_1d(f(np.float64(t))))
    assert found.kink[0]
    assert (found.left[0], found.right[0]) == pytest.approx((left, right), abs=1e-4)


@pytest.mark.parametrize(
    "f", [np.sqrt, np.cbrt, np.floor, np.sign, np.log, lambda t: np.arcsin(1 + t), lambda t: t / t]
)
def test_a_jump_a_vertical_slope_and_an_edge_of_the_domain_are_kinks(f: Callable[[Any], Any]) -> None:
    assert slope(lambda t: np.atleast_1d(f(np.float64(t)))).kink[0]


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (lambda x, y: np.exp(x) * y, ([1.0, 2.0], 3.0)),
        (lambda x: x @ x.T, (RANDOM.normal(size=(3, 2)),)),
        (np.linalg.inv, (RANDOM.normal(size=(2, 2)) + 3 * np.eye(2),)),
        (lambda x: (x * 2, x.sum()), (RANDOM.normal(size=(2, 2)),)),
        (lambda x: np.where(x > 0, np.log(x), 0), (np.array([1.0, -1.0]),)),
        (lambda x, n: x**n, (np.array([1.5, 2.0]), 3)),
        (np.log, (np.array([1e-12, 1e-5, 4.0, 1e12]),)),
        (lambda x, y: (x @ y, x.sum()), (RANDOM.normal(size=(30, 30)), RANDOM.normal(size=(30, 30)))),
        (lambda x: x * 2, (np.zeros((0, 3)),)),
    ],
)
def test_what_is_right_passes(function: Callable[..., Any], inputs: tuple[Any, ...]) -> None:
    report = gradcheck(function, *inputs)
    assert report
    assert not report.findings
    assert report.compared > 0 or np.size(inputs[0]) == 0
    assert gradgradcheck(function, *inputs)


def test_the_inputs_may_be_one_tuple_as_in_pytorch() -> None:
    assert gradcheck(lambda x, y: x * y, (Tensor(2.0, requires_grad=True), Tensor(3.0))).compared == 1


def test_a_wrong_number_is_named_with_both_numbers_and_where() -> None:
    wrong = Op(np.square, name="square", x=lambda g, x: g * 2 * x * np.where(x > 2, 1.5, 1))
    report = gradcheck(wrong, np.array([[1.0, 3.0]]))
    (finding,) = report.wrong
    assert not report
    assert (finding.input, finding.index, finding.output_index) == ("x", (0, 1), (0, 1))
    assert (finding.analytic, finding.numeric) == pytest.approx((9.0, 6.0))
    assert str(finding).startswith("the result[0, 1] by x[0, 1]: the rules give 9, differences 6")
    with pytest.raises(GradcheckError, match="square is WRONG"):
        report.check()
    with pytest.raises(GradcheckError):
        gradcheck(wrong, 3.0, raise_exception=True)


@pytest.mark.parametrize("place", [(0, 0), (19, 17), (39, 39)])
def test_one_wrong_number_among_thousands_is_found(place: tuple[int, int]) -> None:
    mask = np.ones((40, 40))
    mask[place] = 0
    wrong = Op(np.square, name="square", x=lambda g, x: g * 2 * x * mask)
    report = gradcheck(lambda x: wrong(x).sum(axis=0), RANDOM.normal(size=(40, 40)) + 3)
    assert {finding.index for finding in report.wrong} == {place}


@pytest.mark.parametrize(
    ("function", "at", "convention"),
    [
        (abs, 0.0, 0.0),
        (lambda x: np.maximum(x, 0), 0.0, 0.5),
        (tg.relu, 0.0, 0.0),
        (np.sqrt, 0.0, 0.0),
        (np.floor, 2.0, 0.0),
    ],
)
def test_at_a_kink_nothing_is_right_or_wrong(function: Callable[..., Any], at: float, convention: float) -> None:
    report = gradcheck(function, at)
    assert not report, "nothing was compared"
    assert not report.wrong
    assert not report.undecided
    assert "could not be compared: it has no derivative" in str(report)
    assert [finding.analytic for finding in report.kinks] == [convention]
    assert "not differentiable here" in str(report)
    assert f"the convention gives {convention:g}" in str(report)


def test_beside_a_kink_the_others_are_compared() -> None:
    report = gradcheck(lambda x: np.max(x), np.array([1.0, 2.0, 2.0]))
    assert report.compared == 1
    assert [(finding.index, finding.analytic) for finding in report.kinks] == [((1,), 0.5), ((2,), 0.5)]


def test_a_convention_beyond_the_slopes_of_both_sides_is_wrong() -> None:
    wrong = Op(np.absolute, name="absolute", x=lambda g, x: g * np.where(x >= 0, 1.0, -1.0) * np.where(x == 0, 2, 1))
    assert gradcheck(wrong, 0.0).wrong


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_tie_that_hands_on_too_little_or_too_much_is_wrong(share: float) -> None:
    rules = {
        name: eval(f"lambda g, x, y: g * np.where(x == y, {share}, {name} > {other})", {"np": np})
        for name, other in (("x", "y"), ("y", "x"))
    }
    report = gradcheck(Op(np.maximum, name="maximum", **rules), 1.0, 1.0)
    assert [finding.input for finding in report.wrong] == ["input 0, input 1 together"]


def test_noise_that_hides_the_slope_is_undecided() -> None:
    def noisy(x: Any) -> Any:
        return x + 1e-3 * np.sin(np.floor(x.item() * 1e12))  # the same each time, and other numbers a little beside

    report = gradcheck(noisy, 1.0)
    assert not report
    assert report.undecided
    assert "does not decide" in str(report)


def test_a_function_that_changes_its_inputs_or_is_random_is_told_apart() -> None:
    def changes(x: Any) -> Any:
        x += 1
        return x * 2

    assert "changes its input x" in str(gradcheck(changes, np.ones(3)))
    assert "other numbers when it is called again" in str(gradcheck(lambda x: x * np.random.rand(), 1.0))  # noqa: NPY002 - what a learner writes


def test_a_rule_that_leaves_the_graph_is_found_in_second_order_only() -> None:
    leaves = Op(np.sin, name="sin", x=lambda g, x: g * np.cos(x.numpy() if hasattr(x, "numpy") else x))
    assert gradcheck(leaves, [1.0, 2.0])
    with pytest.raises(RuleError, match="a rule of sin leaves the graph"):
        gradgradcheck(leaves, [1.0, 2.0])


def test_nothing_to_differentiate_says_so() -> None:
    with pytest.raises(TypeError, match=r"give 2\.0"):
        gradcheck(lambda n: n, 2)
    with pytest.raises(TypeError, match="nothing to differentiate"):
        gradcheck(lambda x: np.argmax(x), np.ones(3))


def test_a_plain_function_is_checked_to_the_last_digits_by_a_complex_step() -> None:
    """The rule is off by 1e-7 of itself, as one that rounds to float32 is."""
    nearly = Op(lambda x: np.exp(x), name="exp", x=lambda g, out: g * out * (1 + 1e-7))
    assert gradcheck(nearly, 1.0).wrong
    assert gradcheck(lambda x: np.exp(x) * x, 1.0)


def squares(share: Any) -> Op:
    """A square whose rule is off by a factor at each place."""
    return Op(lambda x: x * x, name="square", x=lambda g, x: g * 2 * x * share)


def off_at(place: int, factor: float, size: int = 2000) -> Any:
    share = np.ones(size)
    share[place] = factor
    return share


def test_a_kink_does_not_hide_a_wrong_number_elsewhere() -> None:
    at = RANDOM.normal(size=2000) + 3
    at[7] = 0
    wrong = squares(off_at(1234, 0.5))
    report = gradcheck(lambda x: wrong(x) + abs(x), at)
    assert [(f.index, f.output_index) for f in report.wrong] == [((1234,), (1234,))]
    assert {f.index for f in report.kinks} <= {(7,)}


@pytest.mark.parametrize("huge", [1e3, 1e6, 1e12])
def test_huge_numbers_do_not_hide_a_small_one_that_is_wrong(huge: float) -> None:
    at = RANDOM.normal(size=2000) + 3
    at[:10] = huge
    report = gradcheck(squares(off_at(1234, 1.001)), at)
    assert [(f.index, f.output_index) for f in report.wrong] == [((1234,), (1234,))]


def test_small_numbers_that_huge_ones_drown_in_one_sum_are_undecided() -> None:
    at = RANDOM.normal(size=2000) + 3
    at[:10] = 1e6
    right = squares(np.ones(2000))
    report = gradcheck(lambda x: right(x).sum(), at)
    assert not report
    assert not report.wrong
    assert "only, which does not decide it" in str(report)


def test_kinks_at_every_number_of_a_large_sum_leave_the_rest_to_compare() -> None:
    at = np.zeros(1000)
    report = gradcheck(lambda x: abs(x).sum(), at)
    assert report, "a little aside it is right"
    assert report.kinks
    wrong = Op(lambda x: abs(x), name="absolute", x=lambda g, x: g * np.sign(x) * off_at(77, 0.9, 1000))
    assert {f.index for f in gradcheck(lambda x: wrong(x).sum(), at).wrong} == {(77,)}


def test_a_hundred_thousand_numbers_take_seconds() -> None:
    at = RANDOM.normal(size=100_000)
    wrong = Op(lambda x: np.sin(x), name="sin", x=lambda g, x: g * np.cos(x) * off_at(77_777, 1.01, 100_000))
    start = time.process_time()
    assert gradcheck(lambda x: (np.sin(x) ** 2).sum(), at).compared == 100_000
    assert [f.index for f in gradcheck(wrong, at).wrong] == [(77_777,)]
    assert time.process_time() - start < 30  # 6 s where this was written


@pytest.mark.parametrize(
    ("rule", "kinds"),
    [
        (lambda g, x: g * np.where(x > 0, 1.0, 0.0), ["kink"]),
        (lambda g, x: g * np.where(x == 0, 0.5, np.where(x > 0, 1.0, 0.0)), ["kink"]),
        (lambda g, x: g * np.where(x == 0, 1.5, np.where(x > 0, 1.0, 0.0)), ["wrong"]),
        (lambda g, x: g * np.where(x == 0, -0.1, np.where(x > 0, 1.0, 0.0)), ["wrong"]),
    ],
)
def test_a_convention_lies_between_the_slopes_of_both_sides(rule: Any, kinds: list[str]) -> None:
    assert [f.kind for f in gradcheck(Op(lambda x: np.maximum(x, 0), name="ramp", x=rule), 0.0).findings] == kinds


def test_a_jump_has_the_slope_of_one_of_its_sides() -> None:
    steps = {slope: Op(np.floor, name="floor", x=eval(f"lambda g: g * {slope}")) for slope in (0.0, 5.0)}
    assert [f.kind for f in gradcheck(steps[0.0], 2.0).findings] == ["kink"]
    (finding,) = gradcheck(steps[5.0], 2.0).findings
    assert finding.kind == "wrong"
    assert "there is a kink, and the slopes around it come no nearer than" in str(finding)


@pytest.mark.parametrize(("convention", "kind"), [(0.0, "kink"), (math.inf, "kink"), (17.0, "undecided")])
def test_where_the_slope_is_infinite_0_is_a_convention_and_17_is_none(convention: float, kind: str) -> None:
    root = Op(
        lambda x: np.sqrt(x), name="root", x=lambda g, x: g * np.where(x == 0, convention, 0.5 / np.sqrt(x + (x == 0)))
    )
    assert [f.kind for f in gradcheck(root, 0.0).findings] == [kind]


def test_beside_a_kink_a_wrong_smooth_number_is_not_excused() -> None:
    """The largest of three, wrong by the smallest where the other two tie."""

    def rule(g: Any, x: Any, out: Any) -> Any:
        tied = (x == out).sum() > 1
        return g * ((x == out) / (x == out).sum() + np.where(tied & (x < out), 0.3, 0.0))

    wrong = Op(lambda x: np.max(x), name="largest", elementwise=False, x=rule)
    assert gradcheck(wrong, [1.0, 2.0, 3.0])
    assert [f.index for f in gradcheck(wrong, [1.0, 2.0, 2.0]).wrong] == [(0,)]


@pytest.mark.parametrize("each", [1.0, 0.2])
def test_equal_numbers_share_a_median_out_completely(each: float) -> None:
    middle = Op(
        lambda x: np.median(x),
        name="middle",
        elementwise=False,
        x=lambda g, x, out: g * np.where((x == out).sum() > 1, each, 1.0) * (x == out),
    )
    report = gradcheck(middle, [1.0, 1.0, 1.0, 5.0, -5.0])
    assert len(report.wrong) == 1
    assert "together" in report.wrong[0].input
    assert not gradcheck(np.median, np.array([1.0, 1.0, 1.0, 5.0, -5.0])).wrong


@pytest.mark.parametrize(
    ("function", "at"),
    [
        (lambda x: tg.sigmoid(1e8 * x), 0.0),
        (lambda x: np.log(1 - x), 1 - 1e-9),
        (lambda x: np.tanh(1e6 * x), 0.0),
        (lambda x: 1 / (x - 1), 1 + 1e-7),
        (np.log, 1e-200),
    ],
)
def test_a_steep_smooth_function_is_compared(function: Callable[..., Any], at: float) -> None:
    assert gradcheck(function, at).check().compared == 1


def test_what_changes_faster_than_numbers_lie_is_undecided() -> None:
    for faster in (1e11, 1e13, 1e15, 1e17):
        report = gradcheck(lambda x, faster=faster: np.sin(faster * x), 1.0)
        assert not report.kinks
        assert not report.wrong
    assert report.undecided


def test_a_function_that_computes_in_float32_says_so_and_can_be_compared_loosely() -> None:
    report = gradcheck(lambda x: np.exp(x.astype(np.float32)), [1.0, 2.0])
    assert report
    assert "rounded to" in str(report)
    assert "float32" in str(report)
    hidden = {
        slope: Op(
            lambda x: np.exp(x.astype("f4")).astype(float), name="exp", x=eval(f"lambda g, out: g * out * {slope}")
        )
        for slope in (1.0, 1.01, 0.0)
    }
    assert gradcheck(hidden[1.0], [1.0, 2.0], rtol=1e-3)
    assert gradcheck(hidden[1.01], [1.0, 2.0]).wrong
    assert gradcheck(hidden[0.0], [1.0, 2.0]).wrong
    assert gradcheck(hidden[1.01], [1.0, 2.0], rtol=0.1)


@pytest.mark.parametrize("part", [1e-4, 1e-6, 1e-7])
def test_the_documented_precision_is_kept(part: float) -> None:
    """Also for functions without a complex step: a comparison is in them."""
    nearly = Op(lambda x: np.where(x > 0, np.exp(x), 1 + x), name="mixed", x=lambda g, out: g * out * (1 + part))
    assert gradcheck(nearly, 1.0).wrong
    assert gradcheck(nearly, 1.0, rtol=2 * part)


def test_an_empty_input_has_nothing_to_compare_and_nothing_wrong() -> None:
    report = gradcheck(np.sin, np.zeros((0, 3)))
    assert report
    assert "has no numbers to compare" in str(report)


@pytest.mark.parametrize(
    ("function", "inputs", "said"),
    [
        (3.0, (1.0,), "takes a function first, not a float"),
        (None, (1.0,), "takes a function first, not None"),
        (np.ones(3), (np.sin,), "the function stands first"),
        (np.sin, (), "there are no numbers to differentiate by"),
        (np.sin, ("a",), "give 2.0, or an array of floats"),
        (np.sin, (None,), "give 2.0, or an array of floats"),
        (lambda p: p["w"], ({"w": 1.0},), "a dict is no input: pass its arrays one by one"),
        (lambda x: None, (1.0,), "returned None: end it with `return"),
        (lambda x: (x, None), (1.0,), "returned a tuple: return Tensors only"),
        (lambda x: {"a": x}, (1.0,), "returned a dict: return its values, as a tuple"),
        (lambda x: x > 0, (1.0,), "returned no floats but bool"),
        (lambda x: np.argmax(x), (np.ones(2),), "returned no floats but int64"),
    ],
)
def test_what_cannot_be_checked_says_what_to_write(function: Any, inputs: Any, said: str) -> None:
    with pytest.raises(TypeError) as raised:
        gradcheck(function, *inputs)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "function",
    [
        np.max,
        np.median,
        lambda x: np.sort(x, axis=None),
        lambda x: np.quantile(x, [0.13, 0.57], method="midpoint"),
        lambda x: np.percentile(x, 30.0),
        lambda x: np.partition(x, 3)[2] * 2.0,
    ],
)
@pytest.mark.parametrize("count", [5, 9, 16])
def test_conventions_of_many_equal_numbers_are_found_around(function: Callable[..., Any], count: int) -> None:
    assert not gradcheck(function, np.zeros(count)).wrong


@pytest.mark.parametrize(
    ("function", "at"),
    [
        (lambda x: np.unique(x, axis=0), np.array([[1.0, 0.0, 1.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0]])),
        (lambda x: np.vdot(np.sort(x) * x, [1.0, 0.5, -1.0]), np.array([0.002, 0.0, 0.002])),
        (lambda x: np.vdot(np.sort(abs(x)), np.cos(np.arange(6))), np.array([1.0, -1.0, -1.0, 1.0, 1.0, -1.0])),
    ],
)
def test_conventions_of_orders_of_rows_and_of_small_numbers_are_found(function: Any, at: Any) -> None:
    assert not gradcheck(function, at).wrong


def test_nan_among_the_inputs_comes_to_an_end() -> None:
    report = gradcheck(lambda x: np.nancumsum(x), np.array([1.0, np.nan, 2.0]))
    assert not report.wrong
    assert report.compared == 9


def test_nan_among_many_inputs_comes_to_an_end() -> None:
    at = np.ones(500)
    at[3] = np.nan
    assert gradcheck(lambda x: np.nansum(x * x), at).compared >= 499
