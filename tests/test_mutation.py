"""A value that changed between its use and backward is refused, or backward has the old one: never a wrong gradient."""

import copy
import inspect
import linecache
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import tinygrad_edu as tg
from tinygrad_edu import Op, Tensor, autograd, detect_anomaly, errors, no_grad
from tinygrad_edu.autograd import grad
from tinygrad_edu.errors import InPlaceError, MutationError

pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.HistoryWarning")  # arrays go out and come back


def leaf(value: Any, name: str | None = None) -> Tensor:
    return Tensor(value, requires_grad=True, name=name)


def two() -> tuple[Tensor, Tensor]:
    return leaf(np.arange(1.0, 7.0).reshape(2, 3)), leaf(np.full((2, 3), 2.0))


USES: dict[str, Callable[[Any, Any], Any]] = {
    "a product": lambda x, y: x * y,
    "what exp gave": lambda x, y: np.exp(x) * y,
    "a product of matrices": lambda x, y: x @ y.T,
    "views": lambda x, y: x.T * y.reshape(3, 2),
    "rows": lambda x, y: x[0] * y[1],
    "joined": lambda x, y: np.concatenate([x * y, y * x]),
    "einsum": lambda x, y: np.einsum("ij,ij->i", x, y),
    "where": lambda x, y: np.where(x > 2, x * y, y),
    "ties": lambda x, y: np.maximum(x, y) * x,
    "softmax": lambda x, y: tg.softmax(x * y) * y,
    "cumprod": lambda x, y: np.cumprod(x * y, 1),
    "multi_dot": lambda x, y: np.linalg.multi_dot([x, y.T, x]),
    "prod": lambda x, y: np.prod(x) * y,
    "power": lambda x, y: x**y,
    "max": lambda x, y: np.max(x, 1) * y[:, 0],
    "norm": lambda x, y: np.linalg.norm(x) * y,
    "sort": lambda x, y: np.sort(x) * y,
    "std": lambda x, y: np.std(x) * y,
    "quotient": lambda x, y: x / y,
    "windows": lambda x, y: tg.conv1d(x[:, None], y[:1, None, :2]),
    "outer": lambda x, y: np.outer(x, y),
    "nothing": lambda x, y: x + y,
}

CHANGES: dict[str, Callable[[Any], Any]] = {
    "t += 1": lambda t: t.__iadd__(1),
    "t **= 2": lambda t: t.__ipow__(2),
    "t[0, 0] = 9": lambda t: t.__setitem__((0, 0), 9.0),
    "t.fill": lambda t: t.fill(3.0),
    "t.sort": lambda t: t[:, ::-1].sort(),
    "t.partition": lambda t: t.partition(1),
    "np.add.at": lambda t: np.add.at(t, (0, [0, 0]), 5.0),
    "np.subtract.at": lambda t: np.subtract.at(t, (0, 0), 5.0),
    "out= of a ufunc": lambda t: np.multiply(t, 3.0, out=t),
    "out= of a function": lambda t: np.sum(np.ones((4, 2, 3)) * tg.Tensor(2.0), axis=0, out=t),
    "np.copyto": lambda t: np.copyto(t, 0.5),
    "np.put": lambda t: np.put(t, [0], 9.0),
    "np.place": lambda t: np.place(t, np.ones((2, 3), bool), [9.0]),
    "np.putmask": lambda t: np.putmask(t, np.ones((2, 3), bool), 9.0),
    "np.put_along_axis": lambda t: np.put_along_axis(t, np.zeros((2, 1), int), 9.0, 1),
    "np.fill_diagonal": lambda t: np.fill_diagonal(t, 9.0),
    "t.data += 1": lambda t: t.data.__iadd__(1),
    "t.data[...] = 7": lambda t: t.data.__setitem__(..., 7.0),
    "t.data = array": lambda t: setattr(t, "data", np.full((2, 3), 5.0)),
    "t.data = tensor": lambda t: setattr(t, "data", Tensor(np.full((2, 3), 5.0))),
    "t.detach()": lambda t: t.detach().__imul__(2),
    "a copy on the same memory": lambda t: copy.copy(t).__imul__(2),
    "from_numpy": lambda t: tg.from_numpy(t.array).__imul__(2),
    "as_tensor": lambda t: tg.as_tensor(t.array).__imul__(2),
    "a row": lambda t: t[0].__iadd__(1),
    "rows in a loop": lambda t: [row.__iadd__(1) for row in t],
    "t.T": lambda t: t.T.__iadd__(1),
    "t.real": lambda t: t.real.__iadd__(1),
    "np.split": lambda t: np.split(t, 2)[0].__iadd__(1),
    "np.flip": lambda t: np.flip(np.squeeze(t[None])).__iadd__(1),
    "windows of it": lambda t: tg.from_numpy(sliding_window_view(t.array, 2, axis=1, writeable=True)).__setitem__(
        0, 9.0
    ),
    "a memoryview": lambda t: tg.from_numpy(np.asarray(memoryview(t.array))).__iadd__(1),
    "DLPack": lambda t: tg.from_numpy(np.from_dlpack(t.array)).__iadd__(1),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("use", USES)
def test_a_gradient_is_that_of_the_values_used_or_refused(use: str, change: str) -> None:
    x, y = two()
    USES[use](x, y).sum().backward()
    expected = [x.grad.numpy(), y.grad.numpy()]
    refused = 0
    for changed in (0, 1):
        for before in (False, True):
            x, y = two()
            result = USES[use](x, y).sum()
            if before:
                result.backward(retain_graph=True)
            x.grad = y.grad = None
            leaves = [x, y]
            with no_grad():
                CHANGES[change](leaves[changed])
            try:
                result.backward()
            except MutationError:
                refused += 1
                assert (x.grad, y.grad) == (None, None)
            else:
                for t, g in zip(leaves, expected, strict=True):
                    np.testing.assert_allclose(t.grad.numpy(), g)
    if use == "nothing" or change.startswith("t.data = "):
        assert not refused  # nothing was kept, or the old memory is as it was
    if use == "a product" and not change.startswith("t.data = "):
        assert refused == 4


@pytest.mark.parametrize("change", ["t.data = array", "t[0, 0] = 9", "np.from_dlpack"])
def test_a_graph_recorded_after_a_change_is_as_good_as_any(change: str) -> None:
    x, y = two()
    with no_grad():
        CHANGES.get(change, CHANGES["DLPack"])(x)
    (x * y).sum().backward()
    np.testing.assert_array_equal(y.grad.numpy(), x.numpy())


def line(offset: int) -> str:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    number = frame.f_back.f_lineno + offset
    return f"test_mutation.py:{number}: {linecache.getline(__file__, number).strip()}"


def test_the_error_names_tensor_op_operand_and_the_line_that_changed_it() -> None:
    weights, x = leaf(np.ones(3), "weights"), leaf(np.ones(3))
    y = (weights * x).sum()
    with no_grad():
        weights -= 0.1 * x
        changed = line(-1)
    with pytest.raises(MutationError) as caught:
        y.backward()
    said = str(caught.value)
    assert "multiply kept its 'x' (the tensor named 'weights')" in said
    assert changed in said
    assert "with detect_anomaly():" in said


def test_inside_detect_anomaly_it_names_the_line_that_kept_it_too() -> None:
    weights, x = leaf(np.ones(3), "weights"), leaf(np.ones(3))
    with detect_anomaly():
        y = np.stack([weights * x, x]).sum()
        kept = line(-1)
        with no_grad():
            np.add.at(weights, 0, 1.0)
            changed = line(-1)
        with pytest.raises(MutationError) as caught:
            y.backward()
    said = str(caught.value)
    assert said.index(kept) < said.index(changed)
    assert "with detect_anomaly():" not in said


def test_the_line_is_that_of_the_learner_where_the_package_itself_changes_a_value() -> None:
    x = leaf(np.ones(3))
    y = (x * x).sum()
    with no_grad():
        x.fill(2.0)
        changed = line(-1)
    with pytest.raises(MutationError) as caught:
        y.backward()
    assert changed in str(caught.value)


def test_the_last_of_several_changes_is_named() -> None:
    x = leaf(np.ones(3))
    y = (x * x).sum()
    with no_grad():
        for _ in range(3):
            x *= 2
        x[0] = 1.0
        changed = line(-1)
    with pytest.raises(MutationError) as caught:
        y.backward()
    assert changed in str(caught.value)


def test_any_operand_of_an_op_of_several_is_named() -> None:
    x, y = leaf(np.eye(2), "x"), leaf(np.eye(2), "y")
    z = np.linalg.multi_dot([x, y, x]).sum()
    with no_grad():
        y += 1
    with pytest.raises(MutationError, match="the tensor named"):
        z.backward()


def test_a_result_that_is_kept_is_refused_when_it_changed() -> None:
    x = leaf(np.ones(3))
    y = np.exp(x)
    with no_grad():
        y *= 2
    with pytest.raises(MutationError, match="exp kept its 'out'"):
        y.sum().backward()


def test_data_that_needs_no_gradient_is_looked_at_too() -> None:
    batch, w = Tensor(np.ones(3)), leaf(np.ones(3))
    y = (batch * w).sum()
    batch[...] = 2.0
    with pytest.raises(MutationError, match="'x'"):
        y.backward()


def test_a_change_that_is_stopped_half_way_counts() -> None:
    """With NumPy's floating-point errors raised, the numbers are there already when it raises."""
    x, y = leaf(np.ones(3)), leaf(np.ones(3))
    z = (x * y).sum()
    with no_grad(), np.errstate(all="raise"), pytest.raises(FloatingPointError):
        x /= np.array([1.0, 0.0, 2.0])
    with pytest.raises(MutationError):
        z.backward()
    single = leaf(np.ones(3, np.float32))
    squares = (single * single).sum()
    with no_grad(), np.errstate(all="raise"), pytest.raises(FloatingPointError):
        single[:] = np.array([1.0, 1e300, 2.0])
    with pytest.raises(MutationError):
        squares.backward()
    z = (x * y).sum()
    with no_grad(), pytest.raises(ValueError, match="do not fit"):
        x += np.ones(4)
    z.backward()
    assert y.grad is not None


def test_between_two_passes_through_a_kept_graph() -> None:
    x = leaf(np.ones(3))
    y = (x * x).sum()
    y.backward(retain_graph=True)
    with no_grad():
        x -= 0.1 * x.grad
    with pytest.raises(MutationError):
        y.backward()
    assert x.grad.tolist() == [2.0] * 3


def test_in_the_graph_of_a_gradient() -> None:
    x = leaf(np.full(3, 2.0))
    (slope,) = grad((x**3).sum(), x, create_graph=True)
    with no_grad():
        x += 1
    with pytest.raises(MutationError):
        grad(slope.sum(), x)
    x = leaf(np.full(3, 2.0))
    (x**3).sum().backward(create_graph=True)
    g, x.grad = x.grad, None
    penalty = (g * g).sum()
    with no_grad():
        g *= 0
    with pytest.raises(MutationError):
        penalty.backward()
    assert x.grad is None


def test_a_hook_may_change_its_gradient_in_place() -> None:
    def double(g: Tensor) -> None:
        g *= 2

    x, y = leaf(np.ones(3)), leaf(np.full(3, 2.0))
    z = x * y
    z.register_hook(double)
    given = np.ones(3)
    z.backward(given, retain_graph=True)
    assert (x.grad.tolist(), y.grad.tolist()) == ([4.0] * 3, [2.0] * 3)  # what it made of it is handed on
    assert given.tolist() == [1.0] * 3  # and what the caller gave is the caller's


def test_a_gradient_may_be_changed_after_the_pass() -> None:
    x = leaf(np.ones(3))
    y = (x * x).sum()
    y.backward(retain_graph=True)
    with no_grad():
        x.grad *= 0
    y.backward()
    assert x.grad.tolist() == [2.0] * 3


@pytest.mark.parametrize(
    "read", [lambda x, at: x[at], np.take, lambda x, at: x[at, None], lambda x, at: x[at[:1], ...]]
)
def test_an_index_is_the_graphs_own(read: Callable[[Any, Any], Any]) -> None:
    x, at = leaf(np.arange(4.0)), np.array([0, 1])
    y = read(x, at).sum()
    at[:] = 3
    y.backward()
    assert x.grad.numpy()[3] == 0.0
    assert x.grad.numpy()[0] == 1.0


def test_single_numbers_keep_what_was_used() -> None:
    w, x = leaf(3.0), leaf(2.0)
    y = w * x
    w.array[...] = 5.0  # from here on w is an array of no axes; the graph has the number
    with no_grad():
        w += 1
    y.backward()
    assert x.grad.item() == 3.0
    z = w * x
    x.grad = None
    with no_grad():
        w += 1
    with pytest.raises(MutationError):
        z.backward()


@pytest.mark.parametrize("steps", [1, 5])
def test_an_optimizer_between_forward_and_backward_is_refused_and_after_it_fine(steps: int) -> None:
    x = np.linspace(-1, 1, 10)[:, None]
    w, v = leaf(np.ones((1, 4)), "w"), leaf(np.ones((4, 1)), "v")
    for _ in range(steps):
        loss = ((np.tanh(x @ w) @ v - x) ** 2).mean()
        w.grad = v.grad = None
        loss.backward()
        with no_grad():
            for p in (w, v):
                p -= 0.1 * p.grad
    loss = ((np.tanh(x @ w) @ v - x) ** 2).mean()
    with no_grad():
        v -= 0.1 * v.grad
    with pytest.raises(MutationError, match="the tensor named 'v'"):
        loss.backward()


def test_recorded_changes_of_leaves_and_views_are_refused() -> None:
    x = leaf(np.ones((2, 2)))
    row = (x * 1)[0]
    for change in (lambda: x.__setitem__(0, 1.0), lambda: np.add.at(x, 0, 1.0), lambda: np.exp(x, out=x)):
        with pytest.raises(InPlaceError):
            change()
    held = x * 1
    row = held[0]
    with pytest.raises(InPlaceError):
        row += 1
    assert held.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_nothing_is_refused_because_of_another_array_in_the_place_of_one_that_is_gone() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(200):
            x, y = leaf(np.ones(50)), leaf(np.ones(50))
            z = (x * y).sum()
            alias = tg.from_numpy(np.from_dlpack(np.ones(50)))
            alias += 1
            other = Tensor(np.ones(50))
            other += 1
            z.backward()
            assert y.grad is not None


def test_a_hook_that_changes_what_the_pass_still_needs_is_refused() -> None:
    w, x = Tensor([2.0, 3.0], requires_grad=True), Tensor([5.0, 7.0], requires_grad=True)
    product = x * w

    def hook(_: Tensor) -> None:
        with no_grad():
            w.__isub__(10.0)

    product.register_hook(hook)
    with pytest.raises(MutationError):
        (product * product).sum().backward()
    assert x.grad is None


def test_a_change_that_a_warning_as_an_error_stopped_has_happened() -> None:
    t, x = Tensor([2.0, 3.0]), Tensor([1.0, 1.0], requires_grad=True)
    y = (t * x).sum()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            t /= np.array([0.0, 1.0])
    with pytest.raises(MutationError):
        y.backward()


def test_what_was_recorded_before_a_tensor_was_frozen_still_leads_to_it() -> None:
    x = Tensor([2.0, 3.0], requires_grad=True)
    loss = (x * x * x).sum()
    x.requires_grad = False
    x.requires_grad = True
    loss.backward()
    assert x.grad.tolist() == [12.0, 27.0]


REFILLED: dict[str, tuple[Any, Any, list[float]]] = {
    "take_along_axis": (np.array([0, 1]), lambda x, i: np.take_along_axis(x, i, 0), [1, 1, 0]),
    "roll": ([1], lambda x, i: np.roll(x, i, 0) * Tensor([1.0, 10.0, 100.0]), [10, 100, 1]),
    "repeat": ([1, 2, 0], lambda x, i: np.repeat(x, i), [1, 2, 0]),
    "where": (np.array([True, False, True]), lambda x, i: np.sum(x, where=i), [1, 0, 1]),
    "transpose": ([1, 0], lambda x, i: np.transpose(np.outer(x, [1.0, 2.0]), i) @ Tensor([1.0, 0.0, 0.0]), [3, 0, 0]),
    "getitem": (np.array([0, 1]), lambda x, i: x[i], [1, 1, 0]),
    "scatter": (np.array([0, 1, 1]), lambda x, i: added(i, x) * Tensor([1.0, 2.0, 3.0]), [1, 2, 2]),
}


def added(places: Any, values: Tensor) -> Tensor:
    total = Tensor(np.zeros(3))
    np.add.at(total, places, values)
    return total


@pytest.mark.parametrize("name", REFILLED)
def test_places_and_settings_that_are_filled_anew_are_those_of_their_use(name: str) -> None:
    """As the buffer of the labels is, for the next batch."""
    setting, function, expected = REFILLED[name]
    setting = setting.copy()  # a list, or an array
    x = Tensor([1.0, 10.0, 100.0], requires_grad=True)
    y = function(x, setting).sum()
    setting[0] = setting[-1] if name != "roll" else 0
    y.backward()
    assert x.grad.tolist() == expected


def zeroing(g: Any, x: Any) -> Any:
    g[x < 0] = 0
    return g


def doubling(g: Any, x: Any) -> Any:
    x *= 2
    return g * x


def squaring(x: Any) -> Any:
    x *= x
    return x


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("rule", [zeroing, doubling])
def test_a_rule_that_writes_to_what_it_is_given_is_refused(rule: Any, create_graph: bool) -> None:
    """Otherwise the other branch, which has the same gradient, would lose it too."""
    ramp = Op(lambda x: np.maximum(x, 0), name="ramp", x=rule)
    x = leaf([-1.0, 2.0])
    y = x * 1
    with pytest.raises(errors.RuleError, match=r"the rule for 'x' of ramp writes to what it was given.*g\.copy\(\)"):
        (ramp(y) + y).sum().backward(create_graph=create_graph)
    assert (x.grad, x.tolist()) == (None, [-1.0, 2.0])


def test_a_function_that_writes_to_its_operand_is_refused() -> None:
    square = Op(squaring, name="square", x=lambda g, x: 2 * g * x)
    x = leaf([-1.0, 2.0])
    for call in (lambda: square(x), lambda: square(np.array([3.0]))):
        with pytest.raises(errors.RuleError, match="the function of square writes to what it was given"):
            call()
    assert x.tolist() == [-1.0, 2.0]


def test_what_such_an_op_hands_through_may_be_changed_afterwards() -> None:
    same = Op(lambda x: x, name="same", x=lambda g: g)
    pair = Op(lambda *xs: xs[0][::-1], name="pair", xs=lambda g, index: g[::-1] if index == 0 else g * 0)
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    for result in (same(x.detach()), pair(x.detach(), y.detach())):
        result += 1
    assert x.tolist() == [1.0, 2.0]
    (same(x) * pair(x, y)).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([4.0, 2.0], [0.0, 0.0])
    x.grad *= 2
    assert x.grad.tolist() == [8.0, 4.0]


def test_who_watches_the_steps_cannot_change_them() -> None:
    x = leaf([1.0, 2.0])

    def spoil(step: autograd.Step) -> None:
        for seen in (step.upstream, step.handed, step.contribution, step.accumulated):
            if np.ndim(seen):
                with pytest.raises(ValueError, match="read-only"):
                    seen[...] = 0.0

    autograd.backward((x * x).sum() * 2, observe=spoil)
    assert x.grad.tolist() == [4.0, 8.0]


@pytest.mark.parametrize(
    ("setting", "number", "change"),
    [
        ([[3.0]], lambda k: k[0][0], lambda k: k[0].__setitem__(0, 7.0)),
        ({"s": 3.0}, lambda k: k["s"], lambda k: k.update(s=7.0)),
        ((np.array([3.0]),), lambda k: k[0][0], lambda k: k[0].__setitem__(0, 7.0)),
    ],
)
def test_a_static_argument_of_ones_own_op_is_that_of_its_use_however_deep(
    setting: Any, number: Callable[[Any], float], change: Callable[[Any], Any]
) -> None:
    scaled = Op(lambda x, k: x * number(k), name="scaled", x=lambda g, k: g * number(k))
    x = leaf([1.0])
    y = scaled(x, setting).sum()
    change(setting)
    y.backward()
    assert x.grad.tolist() == [3.0]


def test_data_of_another_shape_is_refused_for_a_frozen_leaf_too() -> None:
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    x.requires_grad = False
    x.data = Tensor([1.0])
    x.requires_grad = True
    with pytest.raises(MutationError, match=r"assigned \.data of another shape"):
        y.backward()
