"""The picture: golden DOT texts, and names that try to be something else than text."""

import os
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import AccumulationWarning
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


def broadcast() -> Tensor:
    """A row, a column and a number meet a matrix."""
    w, b, s = leaf(np.arange(12).reshape(4, 3), "W"), leaf([1, 2, 3], "b"), leaf(2, "s")
    return tg.sum((w - b) * s / Tensor(np.arange(1.0, 5).reshape(4, 1)))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("abc", lambda: evaluate("a*b + c", parse_values(["a=2", "b=-3", "c=10"]))),
        ("neuron", lambda: evaluate("sigmoid(w @ x + b)", parse_values(["w=[1,2]", "x=[5,2]", "b=-5"]))),
        ("shared", shared),
        ("broadcast", broadcast),
    ],
)
def test_pictures_stay_as_they_were_approved(name: str, make: Callable[[], Tensor]) -> None:
    """Run with UPDATE_GOLDEN=1 to approve new ones, and look at them."""
    root = make()
    assert_approved(name, make_dot(root, trace=trace(root)).source)


def assert_approved(name: str, source: str) -> None:
    golden = GOLDEN / f"{name}.gv"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.write_bytes(source.encode())
    assert source == golden.read_text(encoding="utf-8")


def mlp() -> tuple[nn.Module, Tensor]:
    """64-25-15-10, with weights that are the same everywhere."""
    model = nn.Sequential(nn.Linear(64, 25), nn.ReLU(), nn.Linear(25, 15), nn.ReLU(), nn.Linear(15, 10))
    for parameter in model.parameters():
        parameter.data = np.linspace(-0.25, 0.5, parameter.size, dtype=np.float32).reshape(parameter.shape)
    return model, Tensor(np.ones((2, 64), np.float32), name="x")


def test_pictures_of_networks_stay_as_they_were_approved() -> None:
    model, x = mlp()
    assert_approved("mlp", make_dot(model, inputs=x).source)
    assert_approved("mlp_open", make_dot(model, inputs=x, expand="2", theme="colorblind", legend=True).source)


def test_a_second_derivative_stays_as_it_was_approved() -> None:
    x = leaf(2, "x")
    y = x**3
    (slope,) = tg.autograd.grad(y, x, create_graph=True)
    assert slope is not None
    source = make_dot({"y": y, "dy/dx": slope}, show_saved=True, show_attrs=True, rankdir="LR", theme="dark").source
    assert_approved("double", source)


def test_the_same_computation_gives_the_same_picture() -> None:
    def source() -> str:
        model, x = mlp()
        return make_dot(model, inputs=x, depth=9, legend=True, show_saved=True).source

    assert source() == source()


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


def test_a_matrix_is_written_row_by_row_and_an_arrow_says_only_how_far_long_numbers_go(tmp_path: Path) -> None:
    w = leaf([[0.1234567, -0.2345678, 0.3456789], [1.234567, 2.345678, 3.456789]], "W")
    root = tg.sum(w * w)
    said = [text for text in texts(render(make_dot(root, trace=trace(root)), tmp_path / "rows.svg")) if text.strip()]
    assert said[3:5] == ["[[0.123457, -0.234568, 0.345679],", "[1.23457, 2.34568, 3.45679]]"]
    assert max(map(len, said)) <= 40
    assert [text.strip("\xa0 ") for text in said].count("-0.235 to 3.46") == 2


def test_an_input_that_is_a_result_says_that_its_gradient_is_not_computed() -> None:
    x = leaf([1, 2], "x")
    assert make_dot((x, x * 2)).source.count("not computed") == 1


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


def test_broadcasting_is_told_forward_and_backward(tmp_path: Path) -> None:
    root = broadcast()
    for picture in (make_dot(root), make_dot(root, trace=trace(root))):
        said = texts(render(picture, tmp_path / "broadcast.svg"))
        words = [text.replace("\xa0", " ").strip() for text in said]
        assert [words.count(text) for text in ("(3,) → (4, 3)", "summed over axis 0")] == [1, 1]
        assert [words.count(text) for text in ("one number → (4, 3)", "summed over axes 0, 1")] == [1, 1]
        assert [words.count(text) for text in ("(4, 1) → (4, 3)", "summed over axis 1")] == [1, 0]  # a constant


def test_gradients_say_when_they_are_sums_or_old() -> None:
    x = leaf(3, "x")
    y = x * x
    y.backward(retain_graph=True)
    assert "sum of" not in make_dot(y).source
    assert "from before" in make_dot(x * 2).source
    with pytest.warns(AccumulationWarning):
        y.backward()
    assert "grad is the sum of 2 passes" in make_dot(y).source
    z = x * x
    with tg.no_grad():
        x -= 1
    assert "changed since it was used here" in make_dot(z).source


def test_what_is_kept_is_drawn_each_by_itself_until_it_is_freed() -> None:
    x = leaf([1, 2], "x")
    y = tg.sum(x * x)
    source = make_dot(y, show_saved=True).source
    assert source.count("shape=note") == source.count("keeps ") == 2
    y.backward()
    source = make_dot(y, show_saved=True).source
    assert (source.count("keeps "), source.count("freed by backward")) == (0, 2)


def test_a_legend_explains_what_there_is_and_nothing_else() -> None:
    x = leaf([1, 2], "x")
    source = make_dot(tg.sum(x * 2), legend=True).source
    assert all(text in source for text in ("input that requires grad", ">constant<", ">op<", ">result<"))
    assert "several ops drawn as one" not in source
    assert "kept for backward" not in source
    assert "kept for backward" in make_dot(tg.sum(x * x), legend=True, show_saved=True).source


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"rankdir": "XY"}, ValueError, "rankdir is one of TB, LR, BT, RL, not 'XY'"),
        ({"max_nodes": 0}, ValueError, "max_nodes is at least 1"),
        ({"theme": "neon"}, ValueError, "there is no theme 'neon'"),
    ],
)
def test_wrong_arguments_say_what_would_do(wrong: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        make_dot(leaf(2) * 2, **wrong)


@pytest.mark.parametrize("wrong", [3, "x", [], [Tensor(1.0), 2]])
def test_what_is_no_tensor_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="make_dot draws a Tensor, or several in a list or dict, not"):
        make_dot(wrong)


@pytest.mark.parametrize("period", [1, 3, 5_000])
def test_ten_thousand_ops_become_a_picture_that_can_be_drawn(period: int, tmp_path: Path) -> None:
    """How long that takes is in the benchmarks."""
    x = leaf(1, "x")
    ops = list(np.random.default_rng(0).choice([tg.tanh, tg.sin, tg.sigmoid, tg.cos], period))
    y = x
    for i in range(5_000):
        y = ops[i % period](y * x)
    with pytest.warns(UserWarning, match="10,0"):
        picture = make_dot(y)
    assert picture.source.count("->") < 1_000
    svg = ET.parse(render(picture, tmp_path / "long.svg"))  # noqa: S314 - drawn here
    assert svg.getroot().tag.endswith("svg")


def test_an_edge_says_how_many_values_go_along_it() -> None:
    x = leaf(1, "x")
    assert ">1,200 values<" in make_dot(tg.sum(tg.stack([x] * 1_200))).source


def test_the_picture_says_what_it_leaves_out() -> None:
    x = leaf(1, "x")
    y = x
    for op in (tg.tanh, tg.sin, tg.exp, tg.cos, tg.tanh, tg.cos, tg.sigmoid):
        y = op(y) * x
    with pytest.warns(UserWarning, match="only the newest 5"):
        source = make_dot(y, max_nodes=5).source
    assert "... 10 more" in source
    assert source.count("more ->") == 3


def test_what_is_left_out_has_no_arrows_across_the_whole_picture() -> None:
    x = leaf(1, "x")
    y = x
    for op in np.random.default_rng(0).choice([tg.tanh, tg.sin, tg.sigmoid, tg.cos], 300):
        y = op(y) * x
    with warnings.catch_warnings(action="ignore"):
        source = make_dot(y, max_nodes=40).source
    assert source.count("more ->") == 8
    used = set(re.findall(r"more\d* -> (v\d+)", source))
    assert len(used) == len(re.findall(r"more\d* ->", source)) >= 20


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
