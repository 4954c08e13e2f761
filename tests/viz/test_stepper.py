"""The page of the stepper as text: what it holds, and that nothing in it can become something else."""

import json
import os
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.viz.examples import Example, broadcast, leaf, network, neuron, product, shared
from tests.viz.test_dot import HOSTILE
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import NonScalarBackwardError, RenderError
from viz import scene, stepper, trace
from viz.boxes import boxes
from viz.frames import frames
from viz.heatmap import DEEPEST
from viz.modules import Network
from viz.page import page
from viz.paths import count, paths
from viz.render import content

GOLDEN = Path(__file__).parent / "golden"


class Reader(HTMLParser):
    """The elements of a page, and the text of its plan."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.plan = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][1].get("id") == "plan" and not self.plan:
            self.plan = data

    def ids(self) -> list[str | None]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]


@pytest.mark.parametrize("make", [product, shared, neuron, broadcast])
def test_step_records_stay_as_they_were_approved(make: Callable[[], Example]) -> None:
    """Run with UPDATE_GOLDEN=1 to approve new ones, and look at them. Numbers are compared to 12 digits."""
    data = rounded(trace(make().root).data())
    golden = GOLDEN / f"{make.__name__}.json"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.write_bytes(f"{json.dumps(data, indent=1)}\n".encode())
    assert data == json.loads(golden.read_text(encoding="utf-8"))


def rounded(data: Any) -> Any:
    """The same with numbers of 12 digits: processors differ in the last ones."""
    if isinstance(data, dict):
        return {key: rounded(value) for key, value in data.items()}
    if isinstance(data, list):
        return [rounded(value) for value in data]
    return float(f"{data:.12g}") if isinstance(data, float) else data


def test_data_is_json_whatever_the_numbers_are() -> None:
    x = leaf([0, 1], "x")
    with np.errstate(all="ignore"):
        data = trace(tg.sum(tg.log(x))).data()
    again = json.loads(json.dumps(data, allow_nan=False))
    assert again["gradients"]["x"]["values"] == ["inf", 1.0]
    x = leaf(np.ones(2000), "x")
    assert trace(tg.sum(x)).data()["gradients"]["x"] == {
        "shape": [2000],
        "dtype": "float64",
        "text": "shape (2000,), min 1, mean 1, max 1",
        "values": None,
    }


def test_the_film_goes_forward_through_the_values_and_back_through_the_steps() -> None:
    told = trace(product().root)
    end = next(vertex for vertex, name in told.names.items() if name == told.root)
    film = frames(told, boxes(told.names, end), told.chain_rule())
    assert [frame.phase for frame in film] == ["given", "forward", "forward", "seed", *["backward"] * 4, "done"]
    assert film[0].said == "The inputs are given. a = 2. b = -3. c = 10."
    assert film[1].said == "p = a * b = 2 * (-3) = -6."
    assert film[6].said == "Back from p to a. 1 * -3 = -3 arrives at a."
    assert film[8].lines[:3] == ("d out/d a = -3", "d out/d b = 2", "d out/d c = 1")


def test_what_is_called_by_its_number_is_not_told_to_be_that_number() -> None:
    x = leaf([1, 2], "x")
    told = trace(tg.sum(x * Tensor([0.0, 1.0]) + 2))
    end = next(vertex for vertex, name in told.names.items() if name == "out")
    first = frames(told, boxes(told.names, end), told.chain_rule())[0]
    assert first.lines == ("x = [1, 2]",)


def test_a_sum_of_what_arrives_is_told() -> None:
    told = trace(shared().root)
    end = next(vertex for vertex, name in told.names.items() if name == told.root)
    film = frames(told, boxes(told.names, end), told.chain_rule())
    assert film[-2].lines[-1] == "It is added to what came along another path: 3 + 2 = 5"


def test_what_broadcasting_does_is_told_both_ways() -> None:
    told = trace(broadcast().root)
    end = next(vertex for vertex, name in told.names.items() if name == told.root)
    said = " ".join(frame.said for frame in frames(told, boxes(told.names, end), told.chain_rule()))
    assert "row is stretched from (3,) to (4, 3)" in said
    assert "Forward row was stretched from (3,) to (4, 3), so backward (4, 3) is summed to (3,)" in said


def test_the_gradient_is_the_sum_over_all_paths() -> None:
    x, y = leaf(0.5, "x"), leaf(-2, "y")
    root = (x * y + tg.sin(x)) * tg.exp(x * 0.1) - x / y
    told = trace(root)
    ways = count(told.steps)
    for vertex, name in told.names.items():
        if name in ("x", "y"):
            found = paths(vertex, told.steps)
            assert len(found) == ways[vertex]
            np.testing.assert_allclose(sum(path.product for path in found), told.gradients[name], rtol=1e-12)


def test_paths_are_counted_also_where_they_are_too_many_to_follow() -> None:
    x = leaf(1, "x")
    y = x
    for _ in range(100):
        y = y + y
    told = trace(y)
    assert max(count(told.steps).values()) == 2**100
    assert "1e+30 paths lead from it to out" in page(told)


def test_what_a_click_tells_has_each_arrow_once_and_then_their_sum() -> None:
    about = page(trace(shared().root)).partition('data-about="n0"')[2].partition("</section>")[0]
    assert "It is used 3 times" in about
    assert about.count('class="equation"') == 3
    assert about.count('class="equation total"') == 1


TEXTS = {
    **dict.fromkeys(("leaf", "constant", "op", "root", "module"), ("ink", "faint", "value", "grad")),
    "paper": ("ink", "faint", "value", "grad"),
    "panel": ("ink", "faint", "value", "grad"),
}
"""What is written on what."""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_can_be_told_from_its_ground(dark: bool) -> None:
    """The contrast that WCAG 2.2 asks of text, 4.5; of what is lit, 3 (https://www.w3.org/TR/WCAG22/#contrast-minimum)."""
    style = (Path(page.__code__.co_filename).parent / "page.css").read_text("utf-8")
    block = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[dark]
    colors = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
    for ground, inks in TEXTS.items():
        for ink in inks:
            assert contrast(colors[ink], colors[ground]) >= 4.5, (ink, ground)
    assert contrast(colors["lit"], colors["paper"]) >= 3
    assert contrast(colors["line"], colors["paper"]) >= 3
    for cell in ("up", "down"):  # the number on the strongest cell of a map
        assert contrast(colors["ink"], mixed(colors[cell], colors["panel"], DEEPEST)) >= 4.5


def channels(color: str) -> list[float]:
    return [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def mixed(color: str, ground: str, share: float) -> str:
    mix = (share * c + (1 - share) * g for c, g in zip(channels(color), channels(ground), strict=True))
    return "#" + "".join(f"{round(255 * part):02x}" for part in mix)


def contrast(one: str, other: str) -> float:
    def luminance(color: str) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(color)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_a_network_is_drawn_as_its_modules() -> None:
    example, calls = network()
    told = trace(example.root, dict(calls.model.named_parameters()))
    modules = Network(calls, list(told.names))
    end = next(vertex for vertex, name in told.names.items() if name == told.root)
    closed = boxes(told.names, end, modules)
    assert [(box.kind, box.title) for box in closed if box.nodes] == [
        *(("module", "0"), ("module", "1"), ("module", "2"), ("module", "3"), ("root", "loss"))
    ]
    assert [told.names[vertex] for vertex in closed[2].vertices[:2]] == ["0.weight", "0.bias"]
    opened = boxes(told.names, end, modules, opened=("0",))
    assert {"0.weight", "0.bias"} <= {box.title for box in opened}


def test_a_module_that_is_called_by_a_number_is_also_called_by_its_class() -> None:
    example, calls = network()
    told = trace(example.root)
    end = next(vertex for vertex, name in told.names.items() if name == "loss")
    film = frames(told, boxes(told.names, end, Network(calls, list(told.names))), told.chain_rule())
    said = [frame.headline.split(" computes")[0] for frame in film if "computes" in frame.headline]
    assert said == ["0 (Linear)", "1 (Tanh)", "2 (Linear)", "3 (Sigmoid)"]


def test_a_network_of_many_modules_is_drawn_in_runs_with_their_parameters_in_them() -> None:
    tg.manual_seed(0)
    model = nn.Sequential(*[nn.Linear(1, 1) for _ in range(150)])
    with nn.scopes(model) as calls:
        y = model(tg.ones(1, 1).float())
    y = tg.sum(y)
    names = trace(y).names
    drawn = boxes(names, next(v for v, name in names.items() if name == "out"), Network(calls, list(names)))
    assert len(drawn) <= 62
    assert sum(len(box.vertices) for box in drawn) == len(names)


def test_of_a_single_path_no_sum_is_told() -> None:
    assert "paths lead" not in page(trace(tg.sin(leaf(2, "a")) * 3))


def test_a_large_graph_is_drawn_in_runs() -> None:
    x = leaf(1, "x")
    y = x
    for _ in range(1000):
        y = tg.sin(y)
    told = trace(y)
    end = next(vertex for vertex, name in told.names.items() if name == told.root)
    drawn = boxes(told.names, end)
    assert len(drawn) <= 61
    assert {box.subtitle for box in drawn} == {"17 operations", "14 operations"}
    assert sum(len(box.vertices) for box in drawn) == 1001


def test_a_large_graph_of_many_shared_inputs_stays_small(tmp_path: Path) -> None:
    """As a network of single numbers: hundreds of boxes and 866 arrows kept Graphviz busy for minutes."""
    weights = [leaf(0.0001 * i) for i in range(200)]
    y = leaf(1, "y")
    for _ in range(8):
        for weight in weights:
            y = y + weight * y
    names = trace(y).names
    end = next(v for v, name in names.items() if name == "out")
    assert len(boxes(names, end)) <= 62
    arrows = re.findall(r'<g id="(e\d+)" class="link"', stepper(y, tmp_path / "steps.html").read_text(encoding="utf-8"))
    assert len(arrows) < 700


@pytest.mark.parametrize(("shape", "mapped"), [((64,), True), ((65,), False), ((16, 16), True), ((2, 100), False)])
def test_maps_are_no_wider_than_the_boxes_can_be(shape: tuple[int, ...], mapped: bool) -> None:
    x = leaf(np.ones(shape), "x")
    said = page(trace(tg.sum(tg.exp(x))))
    assert ('class="map"' in said) == mapped
    assert max(float(wide) for wide in re.findall(r'<svg[^>]* width="([\d.]+)"', said)) <= 420


def test_a_value_whose_numbers_are_written_in_its_box_needs_no_map_there() -> None:
    graph = page(trace(tg.sum(tg.exp(leaf([1, 2], "x"))))).partition('<svg id="graph"')[2].partition("</svg>")[0]
    assert 'class="map"' not in graph
    assert "[1, 2]" in graph


@pytest.mark.parametrize(("arrows", "hurried"), [(90, False), (91, True)])
def test_many_arrows_are_laid_out_in_a_hurry(arrows: int, hurried: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """119 arrows took Graphviz 28 seconds, and so take one; how long it takes is in the benchmarks."""
    asked: list[str] = []

    def noted(picture: Any, kind: str) -> bytes:
        asked.append(picture.source)
        return content(picture, kind)

    monkeypatch.setattr(scene, "content", noted)
    made = scene.lay_out({"a": (9.0, 9.0), "b": (9.0, 9.0)}, {f"e{i}": ("a", "b") for i in range(arrows)}, {})
    assert len(made.arrows) == arrows
    assert ("nslimit" in asked[0]) == hurried


def test_one_file_holds_everything_and_forbids_the_network(tmp_path: Path) -> None:
    path = stepper(broadcast().root, tmp_path / "steps.html")
    assert list(tmp_path.iterdir()) == [path]
    read = Reader(path.read_text(encoding="utf-8"))
    (policy,) = [a["content"] for tag, a in read.elements if tag == "meta" and "http-equiv" in a]
    assert str(policy).startswith("default-src 'none'; style-src 'sha256-")
    assert not [a for _, a in read.elements if {"src", "href", "style", "onclick"} & a.keys()]
    plan = json.loads(read.plan)
    ids = read.ids()
    assert len(set(ids)) == len(ids)
    assert all(identity in ids for frame in plan["frames"] for identity in frame["lit"])


@pytest.mark.parametrize("name", [*HOSTILE, "</script><script>hacked()</script>", "$title ${x} $$", "{{x}}", "\ud800"])
def test_hostile_names_make_no_element(name: str) -> None:
    x = leaf(2, name)
    y = x * 3
    y.name = name
    plain = leaf(2, "x") * 3
    plain.name = "y"
    written = page(trace(y), title=name)
    found, expected = Reader(written), Reader(page(trace(plain), title="y"))
    formulas = {"math", "msub", "mi", "mn", "mrow", "mo", "mtext", "mfrac"}
    assert {tag for tag, _ in found.elements} - formulas == {tag for tag, _ in expected.elements} - formulas
    assert [t for t, _ in found.elements].count("script") == 2
    json.loads(found.plan)
    written.encode()


def test_numbers_that_are_none_are_shown_as_what_they_are() -> None:
    with np.errstate(all="ignore"):
        written = page(trace(tg.sum(tg.log(leaf([0, 1], "x")))))
    assert 'class="odd"' in written
    assert "-inf" in written


@pytest.mark.parametrize("name", ["steps", "steps.svg"])
def test_a_page_ends_in_html_or_no_browser_would_show_it(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"write steps\.html, not 'steps"):
        stepper(leaf(2, "a") * 2, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_an_input_is_its_own_result() -> None:
    written = page(trace(leaf(2, "a")))
    assert "All gradients are known" in written
    assert re.search(r'class="grad" data-from="1"[^>]*><tspan class="faint">grad</tspan> 1<', written)


def test_what_cannot_be_stepped_through_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = leaf([1, 2], "x")
    with pytest.raises(NonScalarBackwardError):
        stepper(x * 2, tmp_path / "a.html")
    with pytest.raises(TypeError, match="expand= opens modules"):
        stepper(tg.sum(x), tmp_path / "a.html", expand="fc1")
    example, calls = network()
    with pytest.raises(ValueError, match="no module 'fc9'"):
        stepper(example.root, tmp_path / "a.html", model=calls, expand="fc9")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(RenderError, match="pip install pygraphviz"):
        stepper(tg.sum(x), tmp_path / "a.html")
    assert list(tmp_path.iterdir()) == []
