"""Plain records of a computation: in order, complete, and honest about what is not known."""

import warnings

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor
from tinygrad_edu.errors import AccumulationWarning
from viz import trace
from viz.build import build
from viz.model import Block, Vertex


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
    assert [(s.name, s.of, s.shape) for s in total[1].saved] == [("x", "", (2, 2))]
    assert build([x[0, 1:]]).vertices[1].settings == {"key": "0, 1:"}


def test_a_picture_is_not_changed_by_later_changes() -> None:
    array = np.array([1.0, 2.0])
    x = tg.from_numpy(array).requires_grad_()
    graph = build([x * 2])
    array[:] = 9
    assert graph.vertices[0].value is not None
    assert graph.vertices[0].value.tolist() == [1, 2]


def test_what_repeats_is_one_block_where_there_is_too_much() -> None:
    x = leaf(1, "x")
    y = x
    for _ in range(50_000):
        y = tg.tanh(y * x)
    with pytest.warns(UserWarning, match="100,001 values, more than 250: ops that repeat are drawn as one"):
        graph = build([y])
    (block,) = [v for v in graph.vertices if isinstance(v, Block)]
    assert (block.name, block.times, block.ops) == ("multiply, tanh", 49_999, 99_998)
    assert [v.name if v.op is None else v.op for v in graph.vertices if v is not block] == ["x", "multiply", "tanh"]
    assert (graph.hidden, graph.vertices[-1].is_root) == (0, True)


def various(count: int) -> Tensor:
    """Ops in no order that repeats."""
    x = y = leaf(1, "x")
    for op in np.random.default_rng(0).choice([tg.tanh, tg.sigmoid, tg.sin, tg.cos], count):
        y = op(y + x)
    return y


def test_what_does_not_repeat_is_cut_to_the_newest_with_a_warning() -> None:
    with warnings.catch_warnings(record=True, action="always") as told:
        graph = build([various(5_000)])
    assert "10,001 values and only the newest 250 are drawn" in str(told[-1].message)
    assert len(graph.vertices) == 250
    assert graph.vertices[-1].is_root
    assert graph.cut[0] == "v0"
    shown = sum(v.ops if isinstance(v, Block) else 1 for v in graph.vertices)
    assert shown + graph.hidden == 10_001


def test_inputs_that_several_repeated_boxes_share_are_not_drawn_where_they_are_many() -> None:
    """As the weights of a network of single numbers, which every sample uses."""
    weights, total = [leaf(i) for i in range(20)], leaf(0, "total")
    for _ in range(3):
        y = total
        for weight in weights:
            y = tg.tanh(y * weight)
        total = tg.exp(tg.sum(y))
    with pytest.warns(UserWarning, match="drawn as one"):
        graph = build([total], max_nodes=12)
    assert sum(isinstance(v, Block) and v.times == 20 for v in graph.vertices) == 3
    assert [v.name for v in graph.vertices if isinstance(v, Vertex) and v.op is None] == ["total"]


@pytest.mark.parametrize("parts", [8, 9, 500])
def test_many_values_that_one_box_gives_another_are_one_edge(parts: int) -> None:
    x = leaf(2, "x")
    graph = build([tg.sum(tg.stack([x] * parts))])
    between = [edge for edge in graph.edges if edge.source == "v0"]
    if parts == 8:
        assert [(edge.index, edge.times) for edge in between] == [(i, 1) for i in range(8)]
    else:
        assert [(edge.index, edge.times, edge.shape) for edge in between] == [(None, parts, ())]


def test_inputs_of_what_repeats_are_drawn_while_they_are_few() -> None:
    few = [leaf(i) for i in range(3)]
    y = leaf(1, "x")
    for i in range(30):
        y = y * few[i % 3]
    with pytest.warns(UserWarning, match="drawn as one"):
        assert len(build([y], max_nodes=10).vertices) == 6
    y = leaf(1, "x")
    for i in range(30):
        y = y * leaf(i)
    with pytest.warns(UserWarning, match="drawn as one"):
        graph = build([y], max_nodes=10)
    assert len(graph.vertices) == 3


def test_what_others_use_too_and_results_are_not_drawn_into_what_repeats() -> None:
    c = Tensor(2.0)
    y = leaf(1, "x")
    results = []
    for i in range(40):
        y = y * c
        results += [y] if i % 20 == 10 else []
    with pytest.warns(UserWarning, match="drawn as one"):
        graph = build([*results, tg.tanh(y) + c], max_nodes=10)
    assert sum(v.is_root for v in graph.vertices) == 3
    assert [v.value for v in graph.vertices if isinstance(v, Vertex) and v.op is None] == [1, 2]
    assert [(v.times, v.is_root) for v in graph.vertices if isinstance(v, Block)] == [
        (10, False),
        (19, False),
        (9, False),
    ]


def test_an_edge_says_what_broadcasting_does() -> None:
    w, b, s = leaf(np.ones((4, 3)), "w"), leaf([1, 2, 3], "b"), leaf(2, "s")
    column = Tensor(np.ones((4, 1)))
    edges = build([(w + b) * s / column * 2]).edges
    assert [(e.shape, e.stretched, e.summed) for e in edges] == [
        ((4, 3), None, ()),
        ((3,), (4, 3), (0,)),
        ((4, 3), None, ()),
        ((), (4, 3), (0, 1)),
        ((4, 3), None, ()),
        ((4, 1), (4, 3), ()),
        ((4, 3), None, ()),
        ((), None, ()),
    ]


def test_the_axes_of_a_sum_are_those_that_the_engine_sums_over() -> None:
    table, column = leaf(np.arange(12).reshape(2, 2, 3)), leaf([[2], [3]])
    root = tg.sum(table * column)
    traced = trace(root)
    (edge,) = [e for e in build([root], traced).edges if e.shape == (2, 1)]
    (step,) = [s for s in traced.steps if s.contribution.shape == (2, 1)]
    assert edge.summed == (0, 2)
    np.testing.assert_array_equal(step.handed.sum(axis=edge.summed, keepdims=True)[0], edge.gradient)


def test_operands_are_told_apart_where_their_order_matters() -> None:
    x, y = leaf([1, 2]), leaf([3, 4])

    def operands(result: Tensor) -> list[str]:
        return [edge.operand for edge in build([result]).edges]

    assert operands(x - y) == operands(x / y) == operands(x @ y) == operands(x**y) == ["1st", "2nd"]
    assert operands(x + y) == operands(x * y) == operands(tg.maximum(x, y)) == ["", ""]
    assert operands(tg.concatenate([x, y, x])) == ["1st", "2nd", "3rd"]
    assert operands(tg.where(np.array([True, False]), x, y)) == ["condition", "x", "y"]
    assert operands(tg.exp(x)) == [""]


def test_a_gradient_tells_of_how_many_passes_it_is_the_sum() -> None:
    x = leaf(3, "x")
    for passes in (1, 2, 3):
        y = x * x
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AccumulationWarning)
            y.backward()
        drawn = build([y]).vertices[0]
        assert (drawn.gradient, drawn.passes, drawn.outdated) == (6 * passes, passes, False)
    x.grad = None
    assert (build([x * x]).vertices[0].gradient, build([x * x]).vertices[0].passes) == (None, 1)
    y = x * x
    y.backward()
    assert build([y]).vertices[0].passes == 1


def test_a_gradient_that_was_filled_with_zeros_counts_from_there() -> None:
    x = leaf([3, 4], "x")
    tg.sum(x * x).backward()
    left = x.grad
    with tg.no_grad():
        left *= 0
    y = tg.sum(x * x)
    y.backward()
    assert (build([y]).vertices[0].gradient.tolist(), build([y]).vertices[0].passes) == ([6, 8], 1)


def test_a_gradient_of_an_earlier_computation_is_outdated() -> None:
    x = leaf(3, "x")
    first = x * x
    first.backward()
    second = x * 5
    assert [build([y]).vertices[0].outdated for y in (first, second)] == [False, True]
    assert [(v.gradient, v.outdated) for v in build([second], trace(second)).vertices[:1]] == [(5, False)]
    assert build([second]).vertices[0].outdated  # the trace has changed nothing


def test_a_value_that_was_changed_after_its_use_is_told() -> None:
    w, v = leaf(3, "w"), leaf([1, 2], "v")
    y = tg.sum(w * v)
    assert [vertex.changed for vertex in build([y]).vertices] == [False] * 4
    with tg.no_grad():
        w -= 1
        v -= 1
    assert [vertex.changed for vertex in build([y]).vertices] == [True, True, False, False]
    assert not any(vertex.changed for vertex in build([tg.sum(w * v)]).vertices)


def test_a_gradient_that_was_retained_is_drawn() -> None:
    x = leaf(3)
    y = x * x
    y.retain_grad()
    (y * 5).backward()
    z = tg.exp(y)
    assert [v.gradient for v in build([z]).vertices] == [30, 5, None]


def test_what_is_kept_is_recorded_each_by_itself() -> None:
    x = leaf(2, "x")
    square = build([x * x]).vertices[1]
    assert [(s.name, s.of, s.value) for s in square.saved] == [("x", "x", 2), ("y", "x", 2)]
    y = x * x
    y.backward()
    assert (build([y]).vertices[1].saved, build([y]).vertices[1].freed) == ((), True)


def test_a_second_derivative_is_a_graph_like_any_other() -> None:
    x = leaf(2, "x")
    (slope,) = tg.autograd.grad(x**3, x, create_graph=True)
    assert slope is not None
    graph = build([slope])
    assert [v.op for v in graph.vertices if v.op] == ["power", "multiply", "multiply"]
    assert (graph.vertices[-1].value, graph.vertices[-1].is_root) == (12, True)
    slope.backward()
    assert [v.gradient for v in build([slope]).vertices if v.name == "x"] == [12]
