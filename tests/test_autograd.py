"""What backward promises: PyTorch's rules for leaves, accumulation, graphs kept and freed, hooks and higher order."""

import copy
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, enable_grad, errors, is_grad_enabled, no_grad, places, set_grad_enabled
from tinygrad_edu.autograd import ancestors, backward, grad

accumulates = pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.AccumulationWarning")  # on purpose


def leaf(value: Any, name: str | None = None) -> Tensor:
    return Tensor(value, requires_grad=True, name=name)


def value_of(t: Tensor | None) -> Any:
    assert t is not None
    return t.tolist()


def test_the_lectures_graph() -> None:
    """p = a b, q = p + c: dq/da = b, dq/db = a, dq/dc = 1."""
    a, b, c = leaf(2.0), leaf(-3.0), leaf(10.0)
    q = a * b + c
    q.backward()
    assert q.item() == 4.0
    assert [value_of(t.grad) for t in (a, b, c)] == [-3.0, 2.0, 1.0]


@accumulates
def test_gradients_accumulate_until_reset() -> None:
    x = leaf(3.0)
    (2 * x * x).backward()
    (2 * x * x).backward()
    assert value_of(x.grad) == 24.0
    x.grad = None
    (2 * x * x).backward()
    assert value_of(x.grad) == 12.0


@accumulates
def test_backward_twice_through_a_kept_graph_adds_the_same_again() -> None:
    x = leaf(3.0)
    y = 2 * (x * x)
    y.backward(retain_graph=True)
    y.backward()
    assert value_of(x.grad) == 24.0


def test_an_operand_used_twice_gets_both_contributions() -> None:
    x = leaf(3.0)
    y = x * x
    assert len(y.grad_fn.inputs) == 2
    (y + x).backward()
    assert value_of(x.grad) == 7.0


def test_newest_first_is_right_where_a_stack_is_wrong() -> None:
    """b reaches the result by a short and by a long way; its own rule must run after both have arrived."""
    a = leaf(2.0)
    b = a * a
    c = b * 3
    d = c * c
    (d + b).backward()
    assert value_of(a.grad) == (2 * 9 * 4 + 1) * 4


def test_each_node_is_visited_once() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(64):
        y = y + y
    seen: list[int] = []
    backward(y, observe=lambda step: seen.append(step.node.index))
    assert len(ancestors(x + 0 * y)) == 66
    assert len(seen) == 2 * 64
    assert value_of(x.grad) == 2.0**64


def test_ancestors_come_newest_first() -> None:
    x = leaf(2.0)
    y = tg.exp(x) * x + 1
    assert [node.op.name for node in ancestors(y)] == ["add", "multiply", "exp"]
    indices = [node.index for node in ancestors(y)]
    assert indices == sorted(indices, reverse=True)


def test_a_node_keeps_what_the_needed_rules_ask_for_and_nothing_else() -> None:
    x, y, data = leaf([1.0, 2.0]), leaf([3.0, 4.0]), Tensor([5.0, 6.0])
    names = lambda t: set(t.grad_fn.saved)  # noqa: E731 - reads best in the lines below
    assert names(x * y) == {"x", "y"}
    assert names(x * data) == {"y"}
    assert names(data * x) == {"x"}
    assert names(x + y) == set()
    assert names(tg.exp(x)) == {"out"}
    assert names(x.sum()) == {"axis", "keepdims", "where", "x_shape"}  # settings and shapes


def test_no_gradient_is_computed_for_an_operand_that_needs_none() -> None:
    """The input batch of a first layer costs no product."""
    calls = []
    spy = tg.Op(
        lambda x, w: x @ w,
        name="spy",
        x=lambda g, w: calls.append("x") or g @ w.T,
        w=lambda g, x: calls.append("w") or x.T @ g,
    )
    batch, weights = Tensor(np.ones((4, 3))), leaf(np.ones((3, 2)))
    spy(batch, weights).sum().backward()
    assert calls == ["w"]


def test_gradient_of_many_numbers_needs_weights() -> None:
    x = leaf([1.0, 2.0])
    (x * x).backward(Tensor([1.0, 10.0]))
    assert value_of(x.grad) == [2.0, 40.0]
    x.grad = None
    (x * x).backward([1, 10])
    assert value_of(x.grad) == [2.0, 40.0]


def test_one_number_in_axes_needs_no_weights() -> None:
    x = leaf([[2.0]])
    (x * x).backward()
    assert value_of(x.grad) == [[4.0]]


def test_backward_on_a_leaf() -> None:
    x, given = leaf([1.0, 2.0]), Tensor([3.0, 4.0])
    x.backward(given)
    assert value_of(x.grad) == [3.0, 4.0]
    with no_grad():
        given *= 0  # the leaf's gradient is its own
    assert value_of(x.grad) == [3.0, 4.0]


@accumulates
def test_gradients_share_no_memory() -> None:
    """add hands the same array to both operands, sum a stretched one; changing one .grad changes no other."""
    x, y = leaf(np.ones(3)), leaf(np.ones(3))
    (x + y).sum().backward()
    with no_grad():
        assert x.grad is not None
        x.grad *= 5
    assert value_of(y.grad) == [1.0, 1.0, 1.0]
    u, v = leaf(np.ones(3)), leaf(np.ones((1, 3)))
    backward(u + v.reshape(3), np.ones(3))
    assert not np.shares_memory(u.grad.numpy(), v.grad.numpy())
    backward((u + v.reshape(3)).sum(), create_graph=True)
    assert not np.shares_memory(u.grad.numpy(), v.grad.numpy())


@accumulates
def test_several_roots_add() -> None:
    x = leaf(3.0)
    backward([x * x, 2 * x])
    assert value_of(x.grad) == 8.0
    backward([x * x, x * x], [1.0, 10.0])
    assert value_of(x.grad) == 8.0 + 66.0


def test_grad_returns_and_leaves_grad_alone() -> None:
    x, y = leaf(3.0), leaf(4.0)
    gx, gy = grad(x * y, [x, y])
    assert (value_of(gx), value_of(gy)) == (4.0, 3.0)
    assert x.grad is None
    assert y.grad is None


def test_grad_by_a_computed_tensor() -> None:
    x = leaf(3.0)
    h = x * x
    gh, gx = grad(h * h + x, [h, x])
    assert (value_of(gh), value_of(gx)) == (18.0, 18.0 * 6 + 1)


def test_grad_walks_only_towards_its_inputs() -> None:
    calls = []
    spy = tg.Op(lambda x: 2 * x, name="double", x=lambda g: calls.append(1) or 2 * g)
    x, y = leaf(1.0), leaf(1.0)
    grad(spy(x) * spy(y), y)
    assert len(calls) == 1


def test_grad_of_what_is_not_reached() -> None:
    x, y = leaf(1.0), leaf(1.0, "y")
    with pytest.raises(errors.NoGradientPathError, match="'y'"):
        grad(x * x, y)
    assert grad(x * x, [x, y], allow_unused=True)[1] is None


def test_higher_derivatives() -> None:
    x = leaf(2.0)
    y = x**5
    for expected in (80.0, 160.0, 240.0, 240.0, 120.0):
        (y,) = grad(y, x, create_graph=True)
        assert value_of(y) == pytest.approx(expected)


def test_create_graph_in_backward_gives_gradients_with_history() -> None:
    x = leaf([1.0, 2.0])
    (x**3).sum().backward(create_graph=True)
    g, x.grad = x.grad, None
    assert g is not None
    g.sum().backward()
    assert value_of(x.grad) == [6.0, 12.0]


def test_create_graph_records_inside_no_grad() -> None:
    x = leaf(2.0)
    y = x**3
    with no_grad():
        (slope,) = grad(y, x, create_graph=True)
    assert value_of(grad(slope, x)[0]) == 12.0


def test_gradients_carry_no_history_by_default() -> None:
    x = leaf(2.0)
    (x**3).backward()
    assert x.grad is not None
    assert not x.grad.requires_grad


def test_gradient_penalty() -> None:
    """The squared length of a gradient, differentiated: d/dw (2 w x)**2 = 8 w x**2."""
    w, x = leaf(3.0), leaf(2.0)
    (slope,) = grad(w * x * x, x, create_graph=True)
    (slope**2).backward()
    assert value_of(w.grad) == 2 * (2 * 3 * 2) * 2 * 2


def test_no_grad_as_block_and_decorator() -> None:
    x = leaf(2.0)
    with no_grad():
        assert not is_grad_enabled()
        assert not (x * x).requires_grad
        with enable_grad():
            assert (x * x).requires_grad
        assert not (x * x).requires_grad
    assert (x * x).requires_grad

    @no_grad()
    def predict(t: Tensor, depth: int = 2) -> Tensor:
        return t * t if depth == 0 else predict(t, depth - 1)

    assert not predict(x).requires_grad
    assert is_grad_enabled()
    with set_grad_enabled(True):
        assert is_grad_enabled()


def test_recording_comes_back_after_an_error() -> None:
    def fail() -> None:
        with no_grad():
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert is_grad_enabled()


def test_recording_is_switched_per_thread() -> None:
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_parallel_graphs_in_threads() -> None:
    results: dict[int, Any] = {}

    def work(k: int) -> None:
        x = leaf(float(k))
        y = x
        for _ in range(200):
            y = y * 1.01 + x
        y.backward()
        results[k] = value_of(x.grad)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(results.values())) == 1


def test_detach_and_data_share_memory_without_history() -> None:
    x = leaf([1.0, 2.0])
    y = x * 2
    assert not y.detach().requires_grad
    assert np.shares_memory(y.detach().numpy(), y.numpy())
    assert np.shares_memory(x.data.numpy(), x.numpy())
    (y.detach() * x).sum().backward()
    assert value_of(x.grad) == [2.0, 4.0]


def test_data_of_a_single_number_is_the_same_number() -> None:
    w = leaf(2.0)
    w.data -= 0.5
    assert w.item() == 1.5
    memory = w.data
    memory -= 0.5
    assert w.item() == 1.0
    assert w.requires_grad


def test_retain_grad_keeps_the_gradient_of_a_computed_tensor() -> None:
    x = leaf(3.0)
    y = x * x
    y.retain_grad()
    (y * y).backward()
    assert value_of(y.grad) == 18.0
    z = x * 1
    assert z.grad is None
    x.retain_grad()


@accumulates
def test_hooks_see_and_replace_gradients() -> None:
    seen = []
    x = leaf(3.0)
    y = x * x
    handle = y.register_hook(lambda g: seen.append(g.item()))
    y.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g + 1)
    (y + y).backward(retain_graph=True)
    assert seen == [2.0]  # after both contributions have arrived
    assert value_of(x.grad) == 2 * 10 * 6 + 1
    handle.remove()
    handle.remove()
    (y + y).backward()
    assert seen == [2.0]


def test_a_hook_may_not_change_the_shape() -> None:
    x = leaf([1.0, 2.0])
    x.register_hook(lambda g: g.sum())
    with pytest.raises(errors.GradientShapeError):
        (x * x).sum().backward()
    assert x.grad is None


def test_steps_are_those_of_the_run() -> None:
    a, b, c = leaf(2.0), leaf(-3.0), leaf(10.0)
    steps: list[Any] = []
    backward(a * b + c, observe=steps.append)
    told = [(s.node.op.name, s.index, s.upstream, s.local, s.contribution, s.accumulated) for s in steps]
    assert told == [
        ("add", 0, 1.0, 1.0, 1.0, 1.0),
        ("add", 1, 1.0, 1.0, 1.0, 1.0),
        ("multiply", 0, 1.0, -3.0, -3.0, -3.0),
        ("multiply", 1, 1.0, 2.0, 2.0, 2.0),
    ]


def test_steps_show_what_is_summed_over_broadcast_axes() -> None:
    row = leaf([1.0, 2.0, 3.0])
    steps: list[Any] = []
    backward((Tensor(np.ones((4, 3))) * row).sum(), observe=steps.append)
    assert (steps[1].handed.shape, steps[1].contribution.shape) == ((4, 3), (3,))


def test_in_place_with_history_keeps_the_old_value_for_whoever_needs_it() -> None:
    x = leaf([1.0, 2.0])
    y = tg.exp(x)
    z = y * y  # keeps the old y
    y += 1
    (z + y).sum().backward()
    expected = 2 * np.exp([2.0, 4.0]) + np.exp([1.0, 2.0])
    np.testing.assert_allclose(value_of(x.grad), expected)


@pytest.mark.parametrize("change", ["+= 2", "-= 2", "*= 2", "/= 2", "**= 2", "@= np.eye(2)", "[1] = 2", "[:] = 2"])
def test_in_place_without_history_changes_the_memory(change: str) -> None:
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    scope: dict[str, Any] = {"t": tg.from_numpy(array), "a": array.copy(), "np": np}
    exec(f"t{change}\na{change}", scope)
    np.testing.assert_array_equal(array, scope["a"])


def test_item_assignment_is_recorded() -> None:
    w, total = leaf([2.0, 3.0]), tg.zeros(3)
    total[1] = w[0] * w[1]
    total[:1] = w[:1]
    assert total.tolist() == [2.0, 6.0, 0.0]
    (total * Tensor([1.0, 10.0, 100.0])).sum().backward()
    assert value_of(w.grad) == [31.0, 20.0]


def test_update_of_a_leaf_in_place() -> None:
    w = leaf([1.0, 2.0])
    (w * w).sum().backward()
    memory = w.array
    with no_grad():
        w -= 0.5 * w.grad
    assert w.requires_grad
    assert w.is_leaf
    assert memory is w.array
    assert w.tolist() == [0.0, 0.0]


def test_copies_are_leaves_of_their_own() -> None:
    w = leaf([1.0, 2.0], "w")
    twin = copy.deepcopy(w)
    assert (twin.requires_grad, twin.name, twin.tolist()) == (True, "w", [1.0, 2.0])
    twin.sum().backward()
    assert w.grad is None
    assert value_of(twin.grad) == [1.0, 1.0]
    with pytest.raises(errors.NoGradientPathError, match="detach"):
        copy.deepcopy(w * 2)
    shallow = copy.copy(w)
    assert np.shares_memory(shallow.numpy(), w.numpy())
    shallow.sum().backward()
    assert w.grad is None
    copy.copy(w * 2).sum().backward()
    assert value_of(w.grad) == [2.0, 2.0]


def test_clone_passes_the_gradient() -> None:
    x = leaf([1.0, 2.0])
    y = x.clone()
    assert not np.shares_memory(x.numpy(), y.numpy())
    y.sum().backward()
    assert value_of(x.grad) == [1.0, 1.0]


def test_mixed_precision_keeps_each_gradient_in_its_dtype() -> None:
    x, y = Tensor([1.0, 2.0], dtype=np.float32, requires_grad=True), leaf([3.0, 4.0])
    (x * y).sum().backward()
    assert x.grad is not None
    assert y.grad is not None
    assert (x.grad.dtype, y.grad.dtype) == (np.float32, np.float64)
    assert (x.float().dtype, x.double().dtype, x.long().dtype) == (np.float32, np.float64, np.int64)
    assert not x.long().requires_grad
    assert (2.0 * x).dtype == np.float32  # a Python number promotes weakly


def test_a_deep_and_wide_graph_needs_no_recursion() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(20_000):
        y = y + x * 1e-4
    y.backward()
    assert value_of(x.grad) == pytest.approx(1 + 20_000 * 1e-4)


@pytest.mark.parametrize(("rows", "tables"), [(slice(None), 0), (slice(1, None), 1)])
def test_the_parts_of_an_array_add_up_in_one_array(rows: slice, tables: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop over rows makes one table of zeros, not one for every row; over all of them it needs none."""
    made: list[tuple[int, ...]] = []
    whole = places.Part.whole
    monkeypatch.setattr(places.Part, "whole", lambda part: made.append(part.shape) or whole(part))
    x = leaf(np.arange(12.0).reshape(4, 3))
    y = x * 2
    squares, twice = (y * y).sum(), y[[0, 0], 1].sum()
    several = [(i + 1.0) * y[i].sum() for i in range(4)[rows]]
    (sum(several) + squares + twice).backward()
    weights = np.where(np.isin(np.arange(4), range(4)[rows]), np.arange(1.0, 5.0), 0)
    expected = 2 * (2 * y.numpy() + weights[:, None])
    expected[0, 1] += 4
    np.testing.assert_allclose(x.grad.numpy(), expected)
    assert len(made) == tables


@pytest.mark.parametrize(
    "parts",
    [
        lambda x: np.split(x, [1, 3], axis=1),
        lambda x: np.split(x, 3),
        lambda x: [x[:, 2:], x[:, :2]],
        lambda x: [x[1:], x[0], x[1]],
        lambda x: [x[0], x[-3], x[1]],
        lambda x: [x[:, -1], x[:, :3], x[0, 0]],
        lambda x: [x[:2], x[:, :2], x[2:]],
        lambda x: [x[::2], x[1]],
        lambda x: [x[1:1], x[:]],
        lambda x: [x[..., 1:], x[..., 0]],
        lambda x: [x[None, :2], x[2:]],
        lambda x: [x[True, :2], x[2:]],
        lambda x: [x[2:], x * 1.0, x[:2], x[1]],
    ],
)
def test_parts_that_make_up_the_whole_or_overlap_add_up(parts: Callable[[Any], list[Any]]) -> None:
    x = leaf(np.arange(12.0).reshape(3, 4))
    sum((part * part * (i + 1)).sum() for i, part in enumerate(parts(x))).backward()
    weights = np.zeros((3, 4))
    places_of = np.arange(12).reshape(3, 4)
    for i, part in enumerate(parts(places_of)):
        np.add.at(weights, np.unravel_index(np.round(part).astype(int), (3, 4)), i + 1)
    np.testing.assert_allclose(x.grad.numpy(), 2 * x.numpy() * weights)


@pytest.mark.parametrize(
    "rearrange",
    [
        lambda x: x.reshape(3, 2),
        lambda x: x.T,
        lambda x: np.flip(x, 0),
        lambda x: x[None],
        lambda x: np.squeeze(np.expand_dims(x, 0)),
        lambda x: x + 0,
        lambda x: np.broadcast_to(x, (2, 2, 3)),
        lambda x: (x.T + x.reshape(3, 2)).T,
        lambda x: x[:],
        lambda x: np.concatenate([x, x]),
    ],
)
def test_a_gradient_is_nobody_elses_memory(rearrange: Callable[[Any], Any]) -> None:
    """Neither the caller's gradient, nor another leaf's, nor what a hook or `retain_grad` kept."""
    x, z = leaf(np.arange(6.0).reshape(2, 3)), leaf(np.ones((2, 3)))
    seen: list[Tensor] = []
    middle = x * 1 + z
    middle.retain_grad()
    middle.register_hook(seen.append)
    y = rearrange(middle)
    given = np.ones(y.shape)
    y.backward(given)
    held = [x.grad.numpy(), z.grad.numpy(), middle.grad.numpy(), seen[0].numpy(), given]
    for i, array in enumerate(held):
        assert array.flags.writeable
        assert not any(np.shares_memory(array, other) for other in held[i + 1 :])
    w = leaf(np.arange(6.0).reshape(2, 3))
    y = rearrange(w)
    given = np.ones(y.shape)
    y.backward(given)
    assert not np.shares_memory(w.grad.numpy(), given)
    assert w.grad.numpy().flags.writeable
    np.testing.assert_allclose(w.grad.numpy(), x.grad.numpy())


def test_a_whole_gradient_in_another_order_is_not_copied() -> None:
    w = leaf(np.arange(6.0).reshape(2, 3))
    (w.T.reshape(-1) * 2.0).backward(np.ones(6))
    assert w.grad.numpy().base is not None
    assert w.grad.tolist() == [[2.0] * 3] * 2
