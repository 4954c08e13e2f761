"""A learner's formula: what it may hold, what it computes, and where an error points."""

import time
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import Tensor, autograd
from tinygrad_edu.errors import ExpressionError
from tinygrad_edu.expression import evaluate, parse_value, parse_values

A_B = ["a=2", "b=-3"]
W_X = ["w=[1,2]", "x=[[5,2],[3,4]]"]


def refused(expression: str, assignments: list[str]) -> tuple[str, int | None]:
    """The message, in one line, and the column of the character that the caret stands under."""
    with pytest.raises(ExpressionError) as caught:
        evaluate(expression, parse_values(assignments))
    message, *display = str(caught.value).split("\n")
    assert len(display) in (0, 1, 2)
    return message, display[1].index("^") - 2 if len(display) == 2 else None


@pytest.mark.parametrize(
    ("expression", "assignments", "expected"),
    [
        ("a*b + 10", A_B, 4),
        ("-a", ["a=1"], -1),
        ("+a - (b / a) ** 2", A_B, 2 - 2.25),
        ("sigmoid(w @ x + b)", ["w=[1,2]", "x=[5,2]", "b=-5"], 0.9820137900379085),
        ("w @ x", W_X, [11, 10]),
        ("x.T", ["x=[[5,2],[3,4]]"], [[5, 3], [2, 4]]),
        ("x[0, 1:] * x[-1, 0]", ["x=[[5,2],[3,4]]"], [6]),
        ("sum(x, axis=0) + mean(x, 1)", ["x=[[5,2],[3,4]]"], [11.5, 9.5]),
        ("max(x, axis=(0, 1)) - min(x, keepdims=True)", ["x=[[5,2],[3,4]]"], [[3]]),
        ("where((a > b) & (a != 0), a, b)", A_B, 2),
        ("where(~(a > b), a, b)", A_B, -3),
        ("stack([a, b]) @ [10, 1]", A_B, 17),
        ("concatenate([w, w], axis=0)", ["w=[1,2]"], [1, 2, 1, 2]),
        ("reshape(w, (2, 1)) + broadcast_to(w, [2, 2])", ["w=[1,2]"], [[2, 3], [3, 4]]),
        ("maximum(a, [1, 3])", ["a=2"], [2, 3]),
        ("abs(tanh(a)) + exp(log(sqrt(square(b))))", A_B, np.tanh(2) + 3),
        ("größe * 2", ["größe=3"], 6),
        ("a\n  * a", ["a=3"], 9),
    ],
)
def test_a_formula_is_computed(expression: str, assignments: list[str], expected: object) -> None:
    np.testing.assert_allclose(evaluate(expression, parse_values(assignments)).numpy(), expected)


@given(st.integers(-99, 99), st.integers(-99, 99), st.sampled_from("+-*"), st.sampled_from("+-*"))
def test_a_formula_has_the_value_and_the_precedence_of_python(a: int, b: int, first: str, second: str) -> None:
    text = f"a {first} b {second} a"
    python = eval(text, {"a": float(a), "b": float(b)})
    assert evaluate(text, parse_values([f"a={a}", f"b={b}"])).item() == python


def test_intermediate_results_are_named_by_their_text() -> None:
    root = evaluate("(a*b + c) * 2", parse_values(["a=2", "b=-3", "c=10"]))
    assert [node.name for node in autograd.ancestors(root)] == ["(a*b + c) * 2", "a*b + c", "a*b"]


def test_values_keep_their_own_names() -> None:
    values = parse_values(["a=1"])
    assert evaluate("a", values) is values["a"]
    assert values["a"].name == "a"


@pytest.mark.parametrize(
    ("expression", "assignments", "said", "column"),
    [
        ("sigmod(a)", ["a=1"], "did you mean sigmoid?", 0),
        ("a + weigth", ["a=1", "weight=2"], "did you mean weight?", 4),
        ("a + b", ["a=1"], "b has no value", 4),
        ("a + exp", ["a=1"], "exp is a function: write exp(...)", 4),
        ("a ^ 2", ["a=1"], "write a ** b", 2),
        ("(a) % 2", ["a=1"], "% is not allowed", 4),
        ("a // 2", ["a=1"], "write a / b", 2),
        ("a < a < a", ["a=1"], "write (a < b) & (b < c)", 2),
        ("a and a", ["a=1"], "write (a > 0) & (b > 0)", 2),
        ("not a", ["a=1"], "write ~(a > b)", 0),
        ("a & a", ["a=1"], "join conditions", 2),
        ("a if a else a", ["a=1"], "write where(condition, a, b)", 0),
        ("a + (lambda: a)", ["a=1"], "lambda is not allowed", 5),
        ("[a for a in a]", ["a=1"], "not arithmetic", 0),
        ("a + 'text'", ["a=1"], "is no number", 4),
        ("a + f'{a}'", ["a=1"], "text is not allowed", 4),
        ("a + True", ["a=1"], "True is no number", 4),
        ("a + 1j", ["a=1"], "only numbers as written", 4),
        ("(a := 2)", ["a=1"], ":= is not allowed", 1),
        ("a = 2", ["a=1"], "write only the right side", 2),
        ("a.sum()", ["a=1"], "write functions alone, sum(a)", 1),
        ("np.exp(a)", ["a=1"], "write functions alone, exp(a)", 2),
        ("a.__class__", ["a=1"], ".__class__ is not allowed", 1),
        ("__import__('os')", [], "there is no function __import__", 0),
        ("2 * (a)(3)", ["a=1"], "a is a number, not a function", 4),
        ("2 * (a + 1)(3)", ["a=1"], "write * for a product", 4),
        ("2a", ["a=1"], "write 2*a", 0),
        ("a b", ["a=1"], "with * for every product", 2),
        ("a +", ["a=1"], "ends too early", 3),
        ("2 * (a", ["a=1"], "parentheses do not match", 4),
        ("a)", ["a=1"], "parentheses do not match", 1),
        ("sum(a, axis=b)", ["a=1", "b=0"], "b cannot stand here", 12),
        ("sum(a, **{})", ["a=1"], "** is not allowed here", 7),
        ("sum(*a)", ["a=1"], "a star must stand between", 4),
        ("max(a, b)", A_B, "write maximum(a, b)", 0),
        ("power(a)", ["a=1"], "takes 2 operands, and 1 are given", 0),
        ("sum(w, axis=3)", ["w=[1,2]"], "axis 3 is out of bounds", 0),
        ("1 + w @ x", ["w=[1,2]", "x=[1,2,3]"], "do not fit", 6),
        ("w[5]", ["w=[1,2]"], "out of bounds", 0),
        ("a + [[1], [2, 3]]", ["a=1"], "rows of numbers of one length", 4),
        ("a * (1 / 0)", ["a=1"], "has no finite value", 7),
        ("a + 1e999", ["a=1"], "has no finite value", 4),
        ("9**9**9**9 + a", ["a=1"], "has no finite value", 4),
        ("1 + 1", [], "nothing to differentiate", 2),
        ("broadcast_to(a, (200, 200))", ["a=1"], "at most 10,000", 0),
        ("é + a^2", ["é=1", "a=1"], "write a ** b", 5),
        ("日本 + a^2", ["日本=1", "a=1"], "write a ** b", 8),  # wide characters take two columns
        ("e\u0301 + a^2", ["é=1", "a=1"], "write a ** b", 5),  # e and its accent are one
        ("a + \ud800", ["a=1"], "no text", 0),
    ],
)
def test_an_error_says_what_to_write_and_points_at_the_character(
    expression: str, assignments: list[str], said: str, column: int
) -> None:
    message, at = refused(expression, assignments)
    assert said in message
    assert at == column


def test_a_value_that_is_not_used_is_an_error() -> None:
    message, _ = refused("a * 2", ["a=1", "b=2"])
    assert "b=2.0 is given but not used" in message


def test_an_empty_expression_is_an_error() -> None:
    assert "is empty" in refused("  ", [])[0]


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 100_000 + "a" + ")" * 100_000,
        "-" * 4_000 + "a",
        "a+" * 2_000 + "a",
        "9" * 4_900 + "*a",
        "a" + "[0]" * 1_500,
    ],
)
def test_absurd_expressions_are_refused_at_once(expression: str) -> None:
    start = time.perf_counter()
    refused(expression, ["a=1"])
    assert time.perf_counter() - start < 2


def test_the_caret_of_a_long_expression_stays_on_the_screen() -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(f"{'a + ' * 30}b{' + a' * 30}", parse_values(["a=1"]))
    _, text, caret = str(caught.value).split("\n")
    assert len(text) < 80
    assert text[caret.index("^")] == "b"


def test_control_characters_do_not_reach_the_terminal() -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate("a + \x1b[31m", parse_values(["a=1"]))
    assert "\x1b" not in str(caught.value)


@given(st.text(alphabet="ab01 +-*/@()[].,:=<>'\"{}!~#\\\té日\u200f\x00", max_size=12))
def test_any_text_gives_a_tensor_or_an_expression_error(text: str) -> None:
    with suppress(ExpressionError):
        assert isinstance(evaluate(text, parse_values(["a=1", "b=[1, 2]"])), Tensor)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=2", 2.0),
        ("a=-3.5", -3.5),
        ("a=.5", 0.5),
        ("a=+2", 2.0),
        ("a= 3 ", 3.0),
        ("a=1e-3", 0.001),
        ("a=[[1, 2]]", [[1, 2]]),
    ],
)
def test_values_become_named_float64_tensors_that_require_grad(text: str, expected: object) -> None:
    tensor = parse_value(text)
    assert (tensor.name, tensor.dtype, tensor.requires_grad) == ("a", np.float64, True)
    assert tensor.tolist() == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "write NAME=VALUE"),
        ("=2", "no name before the ="),
        ("a=", "is no number"),
        ("a=NaN", "is no number"),
        ("a=Infinity", "is no number"),
        ("a=inf", "is no number"),
        ("a=[NaN]", "is no number"),
        ("a=1e999", "is no finite number"),
        ("a=true", "is no number"),
        ("a=[true]", "is no number"),
        ("a=null", "is no number"),
        ('a="x"', "is no number"),
        ("a={}", "is no number"),
        ("a==2", "is no number"),
        ("a=[1,2", "is no number"),
        ("a=" + "[" * 5_000, "is no number"),
        ("a=[[1,2],[3]]", "rows of different lengths"),
        ("a=[]", "has 0 numbers"),
        (f"a={[1] * 10_001}", "has 10,001 numbers"),
        ("1a=2", "cannot be a name"),
        ("a b=2", "cannot be a name"),
        ("if=2", "cannot be a name"),
        ("exp=2", "is the name of a function"),
    ],
)
def test_what_is_no_value_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_value(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_name_is_given_once() -> None:
    with pytest.raises(ExpressionError, match="a is given twice"):
        parse_values(["a=1", "b=2", "a=3"])
