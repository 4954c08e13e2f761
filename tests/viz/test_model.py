"""Plain records of a computation: in order, complete, and honest about what is not known."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor
from viz import trace
from viz.model import build


def leaf(data: object, name: str | None = None) -> Tensor:
    return Tensor(data, requires_grad=True, name=name, dtype=float)


def test_a_computation_is_recorded_inputs_first() -> None:
    a, b = leaf(2, "a"), leaf(-3, "b")
    graph = build([a * b + 10])
    assert [(v.id, v.name, v.op, v.requires_grad, v.is_root) for v in graph.vertices] == [
        ("v0", "a", None, True, False),
        ("v1", "b", None, True, False),
        ("v2", None, "multiply", True, False),
        ("v3", None, None, False, False),
        ("v4", None, "add", True, True),
    ]
    assert [v.value for v in graph.vertices] == [2, -3, -6, 10, 4]
    assert [(e.source, e.target, e.index) for e in graph.edges] == [
        *(("v0", "v2", 0), ("v1", "v2", 1), ("v2", "v4", 0), ("v3", "v4", 1))
    ]


def test_a_leaf_used_twice_is_one_vertex_with_two_edges() -> None:
    x = leaf(3)
    graph = build([x * x])
    assert len(graph.vertices) == 2
    assert [(e.source, e.target, e.index) for e in graph.edges] == [("v0", "v1", 0), ("v0", "v1", 1)]


def test_a_constant_tensor_used_twice_is_one_vertex() -> None:
    x, c = leaf(3), Tensor(2.0, name="c")
    assert [v.name for v in build([x * c + c]).vertices if not v.requires_grad] == ["c"]


def test_a_gradient_is_none_until_it_is_computed() -> None:
    x = leaf(3)
    y = x * x
    assert [v.gradient for v in build([y]).vertices] == [None, None]
    assert [v.gradient for v in build([y], trace(y)).vertices] == [6, 1]
    y.backward()
    assert [v.gradient for v in build([y]).vertices] == [6, None]


def test_edges_carry_what_flows_back() -> None:
    w, b = leaf([1, 2]), leaf(1)
    root = tg.sum(w * b)
    graph = build([root], trace(root))
    assert [None if e.gradient is None else e.gradient.tolist() for e in graph.edges] == [[1, 1], 3, [1, 1]]


def test_a_freed_graph_is_still_drawn() -> None:
    x = leaf([1, 2], "x")
    root = tg.sum(tg.exp(x) * x)
    root.backward()
    assert [v.op for v in build([root]).vertices] == [None, "exp", "multiply", "sum"]


def test_several_roots_share_what_they_share() -> None:
    x = leaf(2)
    y = x * 3
    graph = build([y + 1, tg.exp(y), x])
    assert [(v.op, v.is_root) for v in graph.vertices] == [
        *((None, True), (None, False), ("multiply", False), (None, False), ("add", True), ("exp", True))
    ]


def test_an_input_alone_is_a_computation() -> None:
    assert [(v.name, v.is_root) for v in build([leaf(2, "a")]).vertices] == [("a", True)]


def test_a_leaf_that_nobody_holds_any_more_is_drawn_from_the_graph() -> None:
    root = leaf(2, "gone") * 3
    assert [(v.name, v.value) for v in build([root]).vertices] == [("gone", 2), (None, 3), (None, 6)]


def test_names_can_be_given() -> None:
    x = leaf(2)
    y = x * x
    assert [v.name for v in build([y], names={"weight": x, "loss": y}).vertices] == ["weight", "loss"]


def test_settings_and_saved_arrays_are_recorded() -> None:
    x = leaf([[1, 2], [3, 4]])
    total = build([tg.sum(tg.square(x), axis=1)]).vertices
    assert total[2].settings == {"axis": "1"}
    assert [(s.name, s.shape) for s in total[1].saved] == [("x", (2, 2))]
    assert build([x[0, 1:]]).vertices[1].settings == {"key": "0, 1:"}


def test_a_picture_is_not_changed_by_later_changes() -> None:
    array = np.array([1.0, 2.0])
    x = tg.from_numpy(array).requires_grad_()
    graph = build([x * 2])
    array[:] = 9
    assert graph.vertices[0].value is not None
    assert graph.vertices[0].value.tolist() == [1, 2]


def test_a_hundred_thousand_nodes_are_cut_to_the_newest_with_a_warning() -> None:
    x = leaf(1)
    y = x
    for _ in range(100_000):
        y = y * x
    with pytest.warns(UserWarning, match="100,001 values and only the newest 500 are drawn"):
        graph = build([y])
    assert (len(graph.vertices), graph.hidden) == (500, 99_501)
    assert graph.vertices[-1].is_root
    assert graph.cut[0] == "v0"
