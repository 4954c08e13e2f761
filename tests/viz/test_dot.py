"""The picture: golden DOT texts, and names that try to be something else than text."""

import os
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import Tensor
from tinygrad_edu.expression import evaluate, parse_values
from viz import make_dot, render, trace
from viz.labels import printable

GOLDEN = Path(__file__).parent / "golden"


def leaf(data: object, name: str | None = None) -> Tensor:
    return Tensor(data, requires_grad=True, name=name, dtype=float)


def shared() -> Tensor:
    """Fifteen ops, one result used three times, a matrix, constants."""
    x, y, w = leaf(1.5, "x"), leaf(-0.5, "y"), leaf(np.arange(12).reshape(3, 4), "W")
    p = x * y
    q = tg.tanh(p + x)
    weights = tg.sum(w @ Tensor(np.ones(4)), axis=0)
    return (tg.exp(p) * q - 2) ** 2 / (1 + tg.square(q)) + weights * p * 0.01


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("abc", lambda: evaluate("a*b + c", parse_values(["a=2", "b=-3", "c=10"]))),
        ("neuron", lambda: evaluate("sigmoid(w @ x + b)", parse_values(["w=[1,2]", "x=[5,2]", "b=-5"]))),
        ("shared", shared),
    ],
)
def test_pictures_stay_as_they_were_approved(name: str, make: Callable[[], Tensor]) -> None:
    """Run with UPDATE_GOLDEN=1 to approve new ones, and look at them."""
    root = make()
    source = make_dot(root, trace=trace(root)).source
    golden = GOLDEN / f"{name}.gv"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.write_bytes(source.encode())
    assert source == golden.read_text(encoding="utf-8")


def texts(svg: Path) -> list[str]:
    """All text in a picture, in order."""
    return [element.text or "" for element in ET.parse(svg).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314 - drawn here


def test_every_node_shows_its_value_and_its_gradient(tmp_path: Path) -> None:
    root = evaluate("a*b + c", parse_values(["a=2", "b=-3", "c=10"]))
    said = texts(render(make_dot(root, trace=trace(root)), tmp_path / "abc.svg"))
    assert said[:5] == ["a", "value", "2", "grad", "-3"]
    assert said.count("value") == said.count("grad") == 5
    plus = said.index("out = a*b + c")
    assert said[plus - 1 : plus + 5] == ["+", "out = a*b + c", "value", "4", "grad", "1"]


def test_a_gradient_that_is_not_computed_is_not_drawn_as_a_number() -> None:
    x = leaf(3, "x")
    source = make_dot(x * x).source
    assert source.count("not computed") == 1
    assert ">0<" not in source


def test_the_colors_are_those_of_torchviz() -> None:
    x = leaf([1, 2], "x")
    source = make_dot(tg.sum(tg.exp(x) * 2), show_saved=True).source
    for color in ("lightblue", "darkolivegreen1", "orange", "gray93", "white"):
        assert f"fillcolor={color}" in source


def test_var_may_be_several_results_and_params_names_them() -> None:
    x = leaf(2)
    y, z = x * 2, x * 3
    assert make_dot((y, z)).source == make_dot([y, z]).source
    assert ">weight</font></b>" in make_dot((y, z), params={"weight": x}).source
    assert "first" in make_dot({"first": y, "second": z}).source


def test_attributes_are_shown_when_asked_and_cut() -> None:
    x = leaf(np.ones((2, 2)), "x")
    y = x[tuple([slice(0, 2)] * 2)]
    assert "key" not in make_dot(y).source
    assert ">0:2, 0:2<" in make_dot(y, show_attrs=True).source
    assert ">0:...<" in make_dot(y, show_attrs=True, max_attr_chars=5).source


def test_the_picture_says_what_it_leaves_out() -> None:
    x = leaf(1, "x")
    y = x
    for op in (tg.tanh, tg.sin, tg.exp, tg.cos, tg.tanh, tg.cos, tg.sigmoid):
        y = op(y) * x
    with pytest.warns(UserWarning, match="only the newest 5"):
        source = make_dot(y, max_nodes=5).source
    assert "... 10 more" in source
    assert source.count("more ->") == 3


HOSTILE = [
    "<script>alert(1)</script>",
    "</td></tr></table>>",
    '" -> "',
    "a -> b; c",
    r"\N \G \l \n \\",
    "\\",
    "&lt; &amp; &#60; &copy;",
    "two\nlines\ttab\0nul",
    "x" * 10_000,
    "😀 👩‍🔬 é 日本",
    "\u202eright to left שלום",
    "<b>",
    "<>",
    "]]>",
    "%3",
    "node",
    "digraph { }",
    " ",
]


def assert_is_text(name: str, folder: Path) -> None:
    """The name is in the picture as text, and as nothing else."""
    x = leaf(2, name)
    y = x * 3
    y.name = name
    svg = render(make_dot(y, params={name: x}, trace=trace(y)), folder / "hostile.svg")
    kinds = {str(element.tag).rpartition("}")[2] for element in ET.parse(svg).iter()}  # noqa: S314 - drawn here
    assert kinds <= {"svg", "g", "title", "polygon", "path", "text"}
    said = " ".join(" ".join(texts(svg)).replace("\xa0", " ").split())
    assert said.startswith(f"{printable(name)} value 2 grad 3".strip()), said


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_come_out_as_text(name: str, tmp_path: Path) -> None:
    assert_is_text(name, tmp_path)


@given(st.text(alphabet=st.one_of(st.sampled_from("<>&;\"'\\/-#%{}[]|NGlnr "), st.characters()), max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_name_comes_out_as_text(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    assert_is_text(name, tmp_path_factory.mktemp("names"))
