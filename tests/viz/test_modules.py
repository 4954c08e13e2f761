"""A network as its modules: closed and open, whoever tells which of them made what."""

import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn
from viz import make_dot, render, trace
from viz.build import build
from viz.model import Block, Graph, Vertex

HOSTILE = [
    "<script>alert(1)</script>",
    '"; a -> b',
    r"\N \G \\",
    "&lt;",
    "😀",
    "\u202e\u05e9\u05dc\u05d5\u05dd",
    "</table>>",
]


class Half(nn.Module):
    """A module of modules."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.act = nn.Tanh()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.act(self.fc(x))
        return out


class Net(nn.Module):
    """Two levels, an op of its own, and a layer that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Half()
        self.head = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.head(self.body(x)) * 2
        out: Tensor = self.head(h)
        return out


def run() -> tuple[Net, Tensor, "nn.scopes"]:
    tg.manual_seed(0)
    net = Net()
    with nn.scopes(net) as calls:
        y = net(Tensor(np.ones((2, 4), np.float32), name="x"))
    return net, y, calls


def said(graph: Graph) -> list[str]:
    """What is drawn, in order: modules by name and class, ops, and other values by name or value."""
    return [f"{v.name}: {v.kind}" if isinstance(v, Block) else v.op or v.name or str(v.value) for v in graph.vertices]


def parameters(net: nn.Module) -> dict[str, Tensor]:
    return dict(net.named_parameters())


def test_at_depth_1_the_parts_of_the_network_are_closed() -> None:
    _, y, calls = run()
    graph = build([y], model=calls)
    assert said(graph) == ["x", "body: Half", "head: Linear", "2", "multiply", "head: Linear"]
    blocks = [v for v in graph.vertices if isinstance(v, Block)]
    assert [(b.parameters, b.shapes, b.is_root) for b in blocks] == [
        (15, ((2, 3),), False),
        (12, ((2, 3),), False),
        (12, ((2, 3),), True),
    ]
    assert [(g.name, g.kind, g.parameters, g.outer) for g in graph.groups] == [("", "Net", 27, None)]
    assert [v.group for v in graph.vertices] == [None, *["g0"] * 5]
    assert [(e.source, e.target) for e in graph.edges] == [
        *(("v0", "v1"), ("v1", "v2"), ("v2", "v4"), ("v3", "v4"), ("v4", "v5"))
    ]


def test_at_depth_0_the_network_is_one_box_and_at_2_its_parts_are_open() -> None:
    _, y, calls = run()
    assert said(build([y], model=calls, depth=0)) == ["x", ": Net"]
    graph = build([y], model=calls, depth=2)
    assert [text for text in said(graph) if ":" in text] == ["body.fc: Linear", "body.act: Tanh"]
    assert [g.name for g in graph.groups] == ["", "body", "head", "head"]


def test_a_module_opens_by_its_name_and_what_is_around_it_too() -> None:
    net, y, calls = run()
    graph = build([y], model=calls, depth=0, expand=["body.fc"], names=parameters(net))
    assert said(graph) == [
        *("x", "body.fc.weight", "body.fc.bias", "linear", "body.act: Tanh"),
        *("head: Linear", "2", "multiply", "head: Linear"),
    ]
    assert [(g.name, g.outer) for g in graph.groups] == [("", None), ("body", "g0"), ("body.fc", "g1")]
    inside = [v.name for v in graph.vertices if v.group == "g2" and isinstance(v, Vertex)]
    assert inside == ["body.fc.weight", "body.fc.bias", None]


def test_an_unknown_module_is_answered_with_the_nearest() -> None:
    _, y, calls = run()
    with pytest.raises(ValueError, match=r"no module 'haed' made anything here: did you mean 'head'\?"):
        make_dot(y, model=calls, expand="haed")
    with pytest.raises(ValueError, match=r"there are body, body.act, body.fc, head"):
        make_dot(y, model=calls, expand="zzz")


def test_edges_of_a_closed_module_are_what_goes_in_and_comes_out() -> None:
    net, y, calls = run()
    loss = tg.sum(y * y)
    traced = trace(loss)
    graph = build([loss], traced, model=calls)
    ids = {text: v.id for text, v in zip(said(graph), graph.vertices, strict=True)}
    (edge,) = [e for e in graph.edges if e.source == ids["body: Half"]]
    assert (edge.index, edge.shape) == (None, (2, 3))
    (tanh,) = [n for n in tg.autograd.ancestors(loss) if n.op.name == "tanh"]
    block = next(v for v in graph.vertices if v.id == ids["body: Half"])
    np.testing.assert_array_equal(edge.gradient, traced.by_vertex[tanh])
    np.testing.assert_array_equal(block.gradient, traced.by_vertex[tanh])
    assert not any(e.source == e.target for e in graph.edges)
    assert parameters(net)["body.fc.weight"].grad is None


def test_a_model_and_an_input_are_enough() -> None:
    net, _, _ = run()
    net.train()
    tg.manual_seed(5)
    state = tg.get_rng_state()
    dropped = nn.Sequential(net, nn.Dropout(0.5), nn.BatchNorm1d(3))
    before = {name: np.array(value) for name, value in dropped.state_dict().items()}
    source = make_dot(dropped, inputs=np.ones((2, 4), np.float32)).source
    assert all(f">{name}</font>" in source for name in ("input", "Sequential", "Net", "BatchNorm1d"))
    assert all(module.training for module in dropped.modules())
    assert all(np.array_equal(value, before[name]) for name, value in dropped.state_dict().items())
    assert str(tg.get_rng_state()) == str(state)


def test_parameters_alone_tell_who_made_what_uses_them() -> None:
    net, y, calls = run()
    by_parameters, by_calls = build([y], model=net), build([y], model=calls)
    assert said(by_parameters) == ["x", "body: Half", "tanh", *said(by_calls)[2:]]
    assert [g.name for g in by_parameters.groups] == [""]


def test_a_parameter_that_is_also_used_outside_is_drawn() -> None:
    net, y, calls = run()
    loss = tg.sum(y) + tg.sum(net.head.weight * net.head.weight)
    assert "head.weight" in said(build([loss], model=calls, names=parameters(net)))


def test_a_tied_weight_is_drawn_once_outside_of_both_that_use_it() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
            self.two.weight = self.one.weight

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.two(self.one(x))
            return out

    tied = Tied()
    graph_of = {}
    with nn.scopes(tied) as calls:
        y = tied(Tensor(np.ones((1, 3), np.float32), name="x"))
    graph_of = {v.name: v.group for v in build([y], model=calls, names=parameters(tied)).vertices}
    assert graph_of == {"x": None, "one": "g0", "two": "g0", "one.weight": "g0"}


def test_too_large_a_network_closes_on_its_own_and_says_so() -> None:
    _, y, calls = run()
    with pytest.warns(UserWarning, match=r"more than 8: its modules are drawn closed from level 1 on; pass max_nodes="):
        graph = build([y], model=calls, depth=9, max_nodes=8)
    assert said(graph) == said(build([y], model=calls))
    with pytest.warns(UserWarning, match="from level 0 on"):
        assert said(build([y], model=calls, max_nodes=3)) == ["x", ": Net"]
    with warnings.catch_warnings(action="error"):
        build([y], model=calls, max_nodes=6)


def test_what_is_no_network_is_refused() -> None:
    net, y, calls = run()
    with pytest.raises(TypeError, match=r"write make_dot\(model, inputs=x\)"):
        make_dot(net)
    with pytest.raises(TypeError, match="inputs= goes with a Module"):
        make_dot(y, inputs=y)
    with pytest.raises(TypeError, match="model= takes a Module, or what"):
        make_dot(y, model="net")
    with pytest.raises(TypeError, match="expand= opens modules of a network"):
        make_dot(y, expand="body")
    with pytest.raises(ValueError, match="depth at least 0"):
        make_dot(y, model=calls, depth=-1)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_of_modules_are_text(name: str, tmp_path: Path) -> None:
    kind = type(name, (nn.Tanh,), {})
    net = nn.Sequential(nn.Linear(2, 2))
    net.add_module(name.replace(".", ""), kind())
    x = Tensor(np.ones((1, 2), np.float32))
    for depth in (1, 2):
        picture = make_dot(net, inputs=x, depth=depth)
        svg = ET.parse(render(picture, tmp_path / "net.svg"))  # noqa: S314 - drawn here
        kinds = {str(element.tag).rpartition("}")[2] for element in svg.iter()}
        assert kinds <= {"svg", "g", "title", "polygon", "path", "polyline", "text"}
        words = " ".join("".join(element.itertext()) for element in svg.iter() if element.tag.endswith("text"))
        assert " ".join(name.replace("\u202e", " ").split()) in " ".join(words.replace("\xa0", " ").split())
