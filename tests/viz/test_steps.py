"""The trace: the numbers of the backward pass itself, told as the chain rule, without leaving a mark."""

import dataclasses
import io
from collections.abc import Callable

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor
from tinygrad_edu.errors import FreedGraphError, NoGradientPathError, NonScalarBackwardError
from viz import trace
from viz.numbers import shown


def leaf(data: object, name: str | None = None) -> Tensor:
    return Tensor(data, requires_grad=True, name=name, dtype=float)


def lines(root: Tensor) -> list[str]:
    """Each step as one equation."""
    told = trace(root)
    return [f"d {told.root}/d {step.input} = {step.rule} = {step.arithmetic}" for step in told.backward]


def test_the_lecture_example() -> None:
    a, b, c = leaf(2, "a"), leaf(-3, "b"), leaf(10, "c")
    assert lines(a * b + c) == [
        "d out/d p = d out/d out * d(p + c)/d p = 1 * 1 = 1",
        "d out/d c = d out/d out * d(p + c)/d c = 1 * 1 = 1",
        "d out/d a = d out/d p * d(a * b)/d a = 1 * -3 = -3",
        "d out/d b = d out/d p * d(a * b)/d b = 1 * 2 = 2",
    ]


def test_a_value_used_twice_adds_up() -> None:
    x = leaf(3, "x")
    told = trace(x * x)
    assert [step.rule for step in told.backward] == [
        "d out/d out * d(x * x)/d x (1st x)",
        "d out/d out * d(x * x)/d x (2nd x)",
    ]
    assert [step.accumulated for step in told.backward] == ["3", "3 + 3 = 6"]
    assert "What reaches a value by several paths is added up." in str(told)


def test_what_broadcasting_stretched_is_summed_back() -> None:
    w, b = leaf([1, 2, 3], "w"), leaf(1, "b")
    assert "d out/d b = d out/d p * d(w + b)/d b = [1, 1, 1] * [1, 1, 1] = [1, 1, 1], summed (3,) -> () = 3" in lines(
        tg.sum(w + b)
    )


def written(target: Tensor, row: Tensor) -> Tensor:
    target[0] = row
    return target


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda x, y: tg.sum(x), "d out/d out for every number that was summed"),
        (lambda x, y: tg.mean(x), "d out/d out / n for each of the n numbers"),
        (lambda x, y: tg.max(x), "d out/d out for the largest number, shared among equals, 0 elsewhere"),
        (lambda x, y: x[0, 1], "d out/d out at the place that was read, 0 elsewhere"),
        (lambda x, y: tg.sum(x @ y), "d out/d p @ y.T"),
        (lambda x, y: tg.sum(x @ y[0]), "outer(d out/d q, p)"),
        (lambda x, y: tg.sum(tg.reshape(x, -1)), "The same numbers in the operand's shape"),
        (lambda x, y: tg.sum(tg.swapaxes(x, 0, 1)), "d out/d p with its axes put back"),
        (lambda x, y: tg.sum(tg.tril(x)), "np.tril(d out/d p, k)"),
        (lambda x, y: tg.sum(written(x * 1, y[0])), "d out/d r, but 0 at the place that was written"),
        (lambda x, y: tg.sum(written(x * 1, y[0])), "d out/d r at the place that was written"),
    ],
)
def test_a_rule_that_is_no_product_is_told_in_words(make: Callable[[Tensor, Tensor], Tensor], rule: str) -> None:
    x, y = leaf([[1, 2], [3, 4]], "x"), leaf([[5, 6], [7, 8]], "y")
    assert rule in [step.rule for step in trace(make(x, y)).backward]


def test_the_gradients_are_those_of_backward() -> None:
    x, w = leaf([[0.5, -1], [2, 3]], "x"), leaf([0.1, 0.2], "w")
    root = tg.sum(tg.tanh(x @ w) * tg.exp(-w) / (1 + tg.square(x)))
    told = trace(root)
    root.backward()
    for tensor in (x, w):
        assert tensor.grad is not None
        np.testing.assert_array_equal(told.gradients[str(tensor.name)], tensor.grad.numpy())


def test_a_trace_changes_no_gradient_and_leaves_the_graph_usable() -> None:
    x, y = leaf(3, "x"), leaf(4, "y")
    (x * 5).backward()
    before = x.grad
    root = x * y
    root.retain_grad()
    seen: list[Tensor] = []
    x.register_hook(seen.append)
    trace(root)
    assert x.grad is before
    assert x.grad is not None
    assert x.grad.item() == 5
    assert y.grad is None
    assert root.grad is None
    assert seen == []
    root.backward()
    assert x.grad.item() == 9
    assert root.grad is not None
    assert root.grad.item() == 1
    assert len(seen) == 1


def test_an_error_changes_no_gradient_either() -> None:
    x = leaf([1, 2], "x")
    x.sum().backward()
    before, seen = x.grad, list[Tensor]()
    x.register_hook(seen.append)
    with pytest.raises(NonScalarBackwardError):
        trace(x * x)
    assert x.grad is before
    root = (x * x).sum()
    root.backward()
    after = x.grad
    with pytest.raises(FreedGraphError):
        trace(root)
    assert x.grad is after
    assert len(seen) == 1


def test_a_result_without_a_history_is_an_error() -> None:
    with pytest.raises(NoGradientPathError):
        trace(Tensor(1.0) * 2)


def test_an_input_is_its_own_result() -> None:
    told = trace(leaf(2, "a"))
    assert told.gradients == {"a": 1}
    assert "a is itself an input" in str(told)


def test_names_are_short_unique_and_keep_what_the_user_called_them() -> None:
    x, other = leaf(1, "x"), leaf(2, "x")
    loss = (x + other) * 2
    loss.name = "loss"
    assert [row.name for row in trace(loss).forward] == ["x", "x_2", "2", "p", "loss"]
    many = leaf(1, "p")
    for _ in range(9):
        many = tg.exp(-tg.exp(many))
    assert [row.name for row in trace(many).forward][:3] == ["p", "v1", "v2"]


def test_text_of_any_origin_is_shown_as_text() -> None:
    x = leaf(1, "a\x1b[31m\nb")
    assert "\x1b" not in str(trace(x * 2))
    assert "\u202e" not in str(trace(leaf(1, "\u202eabc") * 2))


def test_rich_prints_colored_tables_in_which_names_are_no_commands() -> None:
    console = pytest.importorskip("rich.console").Console(width=120, record=True, file=io.StringIO())
    x = leaf(3, "[bold]x")
    console.print(trace(x * x))
    said = console.export_text(styles=False)
    assert "d out/d [bold]x" in said
    assert "3 + 3 = 6" in said


def test_numbers_are_short() -> None:
    assert [shown(np.float64(v)) for v in (0.1 + 0.2, -0.0, 1e-12, 1e9, np.nan, -np.inf)] == [
        *("0.3", "0", "1e-12", "1e+09", "nan", "-inf")
    ]
    assert shown(np.zeros((0, 3))) == "shape (0, 3), empty"
    assert shown(np.array([np.inf] * 4 + [-np.inf] * 4)) == "shape (8,), min -inf, mean nan, max inf"


def test_a_large_array_is_summarised_and_a_lost_one_says_so() -> None:
    x = leaf(np.arange(20), "x")
    said = [(row.name, shown(row.value, row.shape)) for row in trace(tg.sum(tg.exp(-x))).forward]
    assert said[:2] == [("x", "shape (20,), min 0, mean 9.5, max 19"), ("p", "shape (20,), not kept")]


def test_ten_thousand_steps_need_no_recursion() -> None:
    x = leaf(1, "x")
    y = x
    for _ in range(10_000):
        y = y + 1
    assert trace(y).gradients == {"x": 1}


def test_an_op_of_many_operands_is_written_with_the_first_and_the_last() -> None:
    told = trace(tg.sum(tg.stack([leaf(i, f"x{i}") for i in range(100)])))
    (row,) = [row for row in told.forward if row.formula.startswith("stack")]
    assert row.formula == "stack([x0, x1, ..., x99])"


def test_a_trace_shows_itself_as_its_tables() -> None:
    told = trace(leaf(2, "a") * 3)
    assert repr(told) == str(told) == told.text()


def test_a_result_whose_name_looks_like_a_command_of_rich_is_text() -> None:
    console = pytest.importorskip("rich.console", reason="rich is not installed: pip install rich")
    out = leaf(2, "a") * 3
    told = dataclasses.replace(trace(out), root="[red]x")
    screen = console.Console(width=100, record=True, file=io.StringIO())
    screen.print(told)
    assert "from d [red]x/d [red]x = 1" in screen.export_text()
