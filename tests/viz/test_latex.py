"""The chain rule as LaTeX: the lines of the lecture, readable by LaTeX, and never a wrong formula."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.viz.examples import Example, broadcast, leaf, neuron, product, shared
from tests.viz.test_dot import HOSTILE
from tinygrad_edu import Tensor, ops
from tinygrad_edu.op import Op
from viz import trace
from viz.chain import ChainRule
from viz.formulas import Name, Number, Row, Sign, parsed
from viz.latex import latex
from viz.mathml import math
from viz.rules import formula_text

GOLDEN = Path(__file__).parent / "golden"


def lines(root: Tensor) -> list[str]:
    """The equations, without what aligns them."""
    body = trace(root).latex().split("\n")[2:-2]
    return [line.strip().removesuffix(r" \\").replace("&= ", "= ") for line in body]


def test_the_lecture_example() -> None:
    a, b, c = leaf(2, "a"), leaf(-3, "b"), leaf(10, "c")
    q = a * b + c
    q.name = "q"
    assert lines(q) == [
        r"\frac{\partial q}{\partial p} = 1",
        r"\frac{\partial q}{\partial c} = 1",
        r"\frac{\partial q}{\partial a} = "
        r"\frac{\partial q}{\partial p} \cdot \frac{\partial p}{\partial a} = 1 \cdot b = -3",
        r"\frac{\partial q}{\partial b} = "
        r"\frac{\partial q}{\partial p} \cdot \frac{\partial p}{\partial b} = 1 \cdot a = 2",
    ]


def test_what_comes_along_several_paths_is_added_up_in_a_line_of_its_own() -> None:
    a = leaf(2, "a")
    y = a * a
    y.name = "y"
    assert lines(y) == [
        r"\frac{\partial (a \cdot a)}{\partial a^{(1)}} = a = 2",
        r"\frac{\partial (a \cdot a)}{\partial a^{(2)}} = a = 2",
        r"\frac{\partial y}{\partial a} = \frac{\partial (a \cdot a)}{\partial a^{(1)}}"
        r" + \frac{\partial (a \cdot a)}{\partial a^{(2)}} = 2 + 2 = 4",
    ]


def test_a_sum_over_many_paths_is_written_with_dots() -> None:
    a = leaf(1, "a")
    y = a
    for _ in range(9):
        y = y + a
    assert lines(y)[-1].endswith(r"1 + 1 + 1 + 1 + 1 + \cdots + 1 = 10")


def test_what_broadcasting_stretched_is_summed_over_its_axes() -> None:
    row = lines(broadcast().root)[-1]
    assert row.startswith(r"\frac{\partial \mathrm{out}}{\partial \mathrm{row}} = \sum_{\text{axis 0}} ")
    assert row.endswith(r"= \begin{bmatrix} 44 & 60 & 76 \end{bmatrix}")


def test_matrices_are_multiplied_and_turned() -> None:
    x, w = leaf([[1, 2], [3, 4]], "X"), leaf([[5, 6], [7, 8]], "W")
    assert lines(tg.sum(x @ w))[1:] == [
        r"\frac{\partial \mathrm{out}}{\partial X} = \frac{\partial \mathrm{out}}{\partial p} \cdot W^{T}"
        r" = \begin{bmatrix} 11 & 15 \\ 11 & 15 \end{bmatrix}".replace("^{T}", r"^{\top}"),
        r"\frac{\partial \mathrm{out}}{\partial W} = X^{\top} \cdot \frac{\partial \mathrm{out}}{\partial p}"
        r" = \begin{bmatrix} 4 & 4 \\ 6 & 6 \end{bmatrix}",
    ]


def test_words_stand_apart_from_what_is_before_and_behind_them() -> None:
    """In math mode a space is not seen: `1 \\text{for every ...}` is printed as "1for every"."""
    (first, _) = lines(tg.sum(leaf([1, 2], "x") * 2))
    assert r"= 1\ \text{for every number that was summed} =" in first


def test_what_divides_is_a_factor_of_its_own_and_no_fraction_in_a_fraction() -> None:
    last = lines(tg.sin(tg.log(leaf([2, 3], "x")))[0])[-1]
    assert r"\frac{\partial q}" not in last  # the names are p = log(x), q = sin(p), out = q[0]
    assert r" = \frac{\partial \mathrm{out}}{\partial p} \odot \frac{1}{x} = " in last


@pytest.mark.parametrize("make", [tg.linalg.inv, tg.linalg.pinv, tg.linalg.det, tg.linalg.cholesky])
def test_raised_and_lowered_letters_of_rules_are_written_for_the_fonts_of_tex(make: Callable[[Tensor], Tensor]) -> None:
    said = trace(tg.sum(make(leaf([[2, 1], [1, 3]], "A")))).latex()
    assert said.isascii()
    assert "$^{T}$" in said


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a", "a"),
        ("w12", "w_{12}"),
        ("x_2", "x_{2}"),
        ("loss", r"\mathrm{loss}"),
        ("W_hidden", r"\mathrm{W\_hidden}"),
        ("fc1.weight", r"\mathrm{fc1.weight}"),
        ("50% & $x$", r"\mathrm{\text{50\% \& \$x\$}}"),
        (r"\input{x}", r"\mathrm{\text{\textbackslash{}input\{x\}}}"),
        ("λ", r"\lambda"),
        ("Σ_1", r"\Sigma_{1}"),
        ("step η", r"\mathrm{\text{step $\eta$}}"),
        ("größe", r"\mathrm{\text{größe}}"),
    ],
)
def test_names_are_the_tensors_names_and_never_commands(name: str, written: str) -> None:
    assert latex(Name(name)) == written


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_hold_no_command(name: str) -> None:
    said = trace(leaf(2, name) * 3).latex()
    allowed = r"\\(frac|partial|cdot|mathrm|text|textbackslash|textasciitilde|textasciicircum|textless|textgreater"
    allowed += r"|char34|begin|end|usepackage|input|\\|[#$%&_{}])"
    assert re.sub(allowed, "", said).count("\\") == 0
    opened = re.sub(r"\\[{}]", "", said)
    assert opened.count("{") == opened.count("}")


def test_lines_can_be_drawn_by_a_reader_of_latex() -> None:
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    a, b = leaf(2, "a"), leaf(-3, "w_1")
    for line in lines(tg.exp(-a) / (b * b) + tg.sin(a) ** 3 - tg.log(a) * tg.sqrt(a)):
        parser.parse(f"${line}$")


def test_a_formula_needs_no_more_parentheses_than_mathematics_does() -> None:
    meanings = {"g": Number("-1"), "x": Name("x"), "y": Number("-2"), "out": Name("q")}
    for source, written in {
        "g * y": r"(-1) \cdot (-2)",
        "-g / x": r"\frac{1}{x}",
        "g * (1 - x)": r"(-1) \cdot (1 - x)",
        "g * (y * x ** (y - 1))": r"(-1) \cdot (-2) \cdot x^{-2 - 1}",
        "g * (x * out) / x": r"\frac{(-1) \cdot x \cdot q}{x}",
        "x - (x - out)": r"x - (x - q)",
        "(x + out) ** 2": r"(x + q)^{2}",
        "g @ x.T": r"(-1) \cdot x^{\top}",
        "sin(x) * sqrt(x)": r"\sin(x) \cdot \sqrt{x}",
        "math.pi * x": r"\pi \cdot x",
    }.items():
        found = parsed(source, meanings)
        assert found is not None
        assert latex(found) == written


@pytest.mark.parametrize("source", ["np.where(x > 0, 1, 0)", "unknown", "x if y else x", "g(x", "f(x, axis=0)"])
def test_what_is_no_formula_is_not_written_as_one(source: str) -> None:
    assert parsed(source, {"x": Name("x"), "y": Name("y"), "g": Name("g")}) is None


ELEMENTWISE = [op for op in vars(ops).values() if isinstance(op, Op) and op.elementwise and any(op.rules.values())]
OTHER_OPERANDS = ("ldexp", "where")
"""They take whole numbers and conditions."""


@pytest.mark.parametrize("op", [op for op in ELEMENTWISE if op.name not in OTHER_OPERANDS], ids=lambda op: op.name)
def test_the_formula_of_a_rule_gives_the_number_that_the_rule_gives(op: Op) -> None:
    """Each formula that is shown, reckoned with Python, against the local derivative that the engine used."""
    inputs = [leaf(value, f"x{i}") for i, value in enumerate((0.3, 0.7)[: len(op.operands)])]
    if op.name == "arccosh":
        inputs = [leaf(1.3, "x0")]
    out = op(*inputs)
    for step in trace(out).steps:
        text = formula_text(step)
        meanings = {name: Name(name) for name in (*op.operands, "out", "g")}
        if text is None or parsed(text, meanings) is None:
            continue
        values = dict(zip(op.operands, (tensor.numpy() for tensor in inputs), strict=True))
        known = {name: getattr(np, name) for name in ("sqrt", "sign", "exp", "log", "sin", "cos", "tanh")}
        found = eval(text, {"np": np, "math": np, **known, **values, "out": out.numpy(), "g": 1.0})
        assert step.local is not None
        np.testing.assert_allclose(found, step.local, rtol=1e-12)


@pytest.mark.parametrize("make", [product, shared, neuron, broadcast])
def test_lines_stay_as_they_were_approved(make: Callable[[], Example]) -> None:
    """Run with UPDATE_GOLDEN=1 to approve new ones, and look at them."""
    said = trace(make().root).latex()
    golden = GOLDEN / f"{make.__name__}.tex"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.write_bytes(said.encode())
    assert said == golden.read_text(encoding="utf-8")


def test_mathml_says_the_same_and_escapes_what_it_says() -> None:
    rule = trace(leaf(2, "<b>") * leaf(-3, "w1")).chain_rule()
    assert isinstance(rule, ChainRule)
    first = math(rule.at(0)[0].sides)
    assert "<mi>&lt;b&gt;</mi>" in first
    assert "<msub><mi>w</mi><mn>1</mn></msub>" in first
    assert first.endswith('<math displaystyle="true"><mo form="infix">=</mo><mn>\u22123</mn></math>')
    assert math((Row((Name("a"), Sign("+"), Name("b"))),)).count("<math") == 2  # it may be broken there
