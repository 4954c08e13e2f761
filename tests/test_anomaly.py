"""`detect_anomaly` names the first op that makes nan or infinity, forward or backward, with its line and numbers."""

import asyncio
import contextlib
import gc
import inspect
import linecache
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Op, Tensor, autograd, custom_op, detect_anomaly, enable_grad, is_grad_enabled, no_grad
from tinygrad_edu.errors import AnomalyError, MutationError
from tinygrad_edu.func import jvp
from tinygrad_edu.kept import records


@pytest.fixture(autouse=True)
def numpy_says_nothing() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def leaf(value: Any, name: str | None = None) -> Tensor:
    return Tensor(value, requires_grad=True, name=name)


def here(offset: int) -> str:
    """How an error names the line `offset` lines from the caller's."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    number = frame.f_back.f_lineno + offset
    return f"test_anomaly.py:{number}: {linecache.getline(__file__, number).strip()}"


def message(call: Callable[[], Any]) -> str:
    with pytest.raises(AnomalyError) as caught:
        call()
    return str(caught.value)


def test_forward_names_op_number_place_tensor_and_line() -> None:
    x = leaf([[1.0, 2.0, -1.0], [1.0, 1.0, 1.0]], "probabilities")
    with detect_anomaly():
        y = x * 1
        with pytest.raises(AnomalyError) as caught:
            np.log(x)
        line = here(-1)
    said = str(caught.value)
    assert said.startswith("log of -1.0 (in 'probabilities') at index (0, 2) gave nan, in\n")
    assert line in said
    assert "np.maximum(x, 1e-12)" in said
    assert isinstance(caught.value, RuntimeError)
    y.sum().backward()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda x: 1 / (x - 1), ["divide of 1 and 0.0", "index (0,)", "gave inf", "np.where(y == 0"]),
        (lambda x: np.sqrt(-x), ["sqrt of -1.0", "gave nan", "np.maximum(x, 0)"]),
        (lambda x: (-x) ** 0.5, ["power of -1.0 and 0.5", "gave nan"]),
        (lambda x: np.exp(1000 * x), ["exp of 1000.0", "gave inf", "logsumexp"]),
        (lambda x: np.arcsin(x + 1), ["arcsin of 2.0", "np.clip"]),
        (lambda x: (1e200 * x) * (1e200 * x), ["multiply of 1e+200 and 1e+200", "learning rate"]),
        (lambda x: (1e300 * x).reshape(1, 2) @ np.full((2, 1), 1e300), ["matmul", "from 1e+300 to 2e+300", "(0, 0)"]),
        (lambda x: np.prod(x * 1e300), ["prod", "gave inf"]),
        (lambda x: np.concatenate([x, np.log(x - 1)]), ["log of 0.0", "gave -inf"]),
        (lambda x: np.log(x[0] - 1), ["log of 0.0 gave -inf"]),
    ],
)
def test_forward_says_what_to_write(call: Callable[[Tensor], Tensor], told: list[str]) -> None:
    with detect_anomaly():
        said = message(lambda: call(leaf([1.0, 2.0])))
    for part in told:
        assert part in said


def test_backward_names_rule_gradient_kept_numbers_and_forward_line() -> None:
    w, other = leaf([4.0, 0.0], "w"), leaf(1.0)
    with detect_anomaly():
        y = 3.0 * w**0.5
        line = here(-1)
        total = (y * other).sum()
        said = message(total.backward)
    assert "the rule of power for 'x' (the tensor named 'w') made inf of the gradient 3.0 and x = 0.0, y = 0.5" in said
    assert "at index (1,)" in said
    assert line in said
    assert (w.grad, other.grad) == (None, None)


def test_no_gradient_is_written_before_an_anomaly_nor_a_retained_one() -> None:
    w = leaf([4.0, 0.0])
    with detect_anomaly():
        root = w**0.5
        y = root * 2
        y.retain_grad()
        message(y.sum().backward)
    assert (w.grad, y.grad) == (None, None)


def test_a_graph_recorded_outside_is_looked_at_inside_too() -> None:
    w = leaf([4.0, 0.0], "w")
    y = (w**0.5).sum()
    with detect_anomaly():
        said = message(y.backward)
    assert "the rule of power for 'x' (the tensor named 'w') made inf" in said
    assert "With the forward pass inside detect_anomaly too, this error names its line" in said
    assert w.grad is None
    overflow = np.exp(leaf([1000.0]))
    with detect_anomaly():
        assert "out = inf" in message(overflow.sum().backward)


def test_outside_nothing_is_looked_at() -> None:
    w = leaf([4.0, 0.0])
    (w**0.5).sum().backward()
    assert w.grad.tolist() == [0.25, np.inf]


def test_an_infinity_in_the_inputs_is_no_anomaly() -> None:
    x, y = leaf([1.0, np.inf, 2.0]), leaf([np.inf, 1.0, 1.0])
    with detect_anomaly():
        z = (x * y + y * x).sum() + (x @ y) + np.max(x, where=np.array([True, False, False]), initial=-np.inf)
        z.backward()
        np.clip(x, 0.0, np.inf).sum()
        np.cumsum(leaf([np.inf, 1.0]))
        tg.softmax(np.where([True, False], leaf([1.0, 2.0]), -np.inf)).sum().backward()  # as attention masks
    assert np.isinf(x.grad.numpy()).any()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tg.softmax(np.where([False, False], x, -np.inf)),  # a row that is masked all over
        lambda x: x * np.inf * 0.0,
        lambda x: (x * np.inf) - (x * np.inf),
    ],
)
def test_nan_made_of_infinities_is_an_anomaly(function: Any) -> None:
    with detect_anomaly(), pytest.raises(AnomalyError, match="nan"):
        function(leaf([1.0, 2.0]))


def test_beside_an_infinity_in_the_inputs_an_anomaly_is_found() -> None:
    with detect_anomaly():
        said = message(lambda: np.log(leaf([np.inf, np.nan, -1.0])))
    assert "log of -1.0 at index (2,)" in said


def test_the_branch_of_where_that_is_not_taken_is_found() -> None:
    x = leaf([4.0, 0.0], "x")
    with detect_anomaly():
        said = message(lambda: np.where(x > 0, np.log(x), 0.0))
    assert "log of 0.0 (in 'x') at index (1,) gave -inf" in said


def test_where_masks_what_its_branch_would_hand_on() -> None:
    """Its gradient is finite, so there is nothing to find backward; a bad number on the branch taken there is."""
    x = leaf([4.0, 0.0])
    y = np.where(x > 0, np.sqrt(np.log(x)), 0.0).sum()
    with detect_anomaly():
        y.backward()
    assert np.isfinite(x.grad.numpy()).all()
    x = leaf([4.0, 0.0])
    taken = np.where(x >= 0, x**0.5, 0.0).sum()
    with detect_anomaly():
        assert "the rule of power for 'x' made inf of the gradient 1.0" in message(taken.backward)


def test_a_recorded_backward_pass_is_looked_at_as_the_other_one() -> None:
    """What a rule computes on its way is masked below a `where`; what it hands on is looked at."""
    x = leaf([4.0, 0.0])
    y = np.where(x > 0, x**0.5, 0.0).sum()
    with detect_anomaly():
        (slope,) = autograd.grad(y, x, create_graph=True)
        assert slope.tolist() == [0.25, 0.0]
        root = leaf([4.0, 0.0]) ** 0.5
        assert "the rule of power" in message(lambda: root.sum().backward(create_graph=True))
        cusp = leaf([4.0, 0.0])
        (slope,) = autograd.grad((cusp**1.5).sum(), cusp, create_graph=True)
        line = here(-1)
        assert line in message(slope.sum().backward)


def test_forward_mode_invents_nothing() -> None:
    with detect_anomaly():
        _, tangent = jvp(lambda x: np.linalg.norm(x), (Tensor([0.0, 0.0]),), (Tensor([1.0, 0.0]),))
    assert tangent.item() == 0.0


def test_a_custom_op_is_named_like_a_built_in_one() -> None:
    @custom_op(x=lambda g, x: g / x)
    def pulse(x: Any) -> Any:
        return x + 1

    crash = Op(lambda x: x / 0.0, name="crash", x=lambda g: g)
    x = leaf([1.0, 0.0])
    with detect_anomaly():
        assert "the rule of pulse for 'x' made inf of the gradient 1.0 and x = 0.0" in message(pulse(x).sum().backward)
        assert "crash of 1.0 at index (0,) gave inf" in message(lambda: crash(x))


def test_it_is_a_decorator_also_of_what_calls_itself() -> None:
    @detect_anomaly()
    def root(x: Tensor, depth: int) -> Tensor:
        return root(x, depth - 1) if depth else np.log(x)

    assert "log of 0.0" in message(lambda: root(leaf(0.0), 3))
    assert np.log(leaf(0.0)).item() == -np.inf


def test_blocks_nest_and_end_with_an_error() -> None:
    block = detect_anomaly()
    with pytest.raises(KeyError), block, block:
        raise KeyError
    assert np.log(leaf(0.0)).item() == -np.inf
    with detect_anomaly():
        with detect_anomaly(check_nan=False):
            np.log(leaf(0.0))
        message(lambda: np.log(leaf(0.0)))


def test_switching_recording_off_and_on_inside_keeps_the_watch() -> None:
    with detect_anomaly():
        with no_grad():
            assert not is_grad_enabled()
            message(lambda: np.log(leaf(0.0)))
            with enable_grad():
                assert is_grad_enabled()
                message(lambda: np.log(leaf(0.0)))
        message(lambda: np.log(leaf(0.0)))
    with no_grad(), detect_anomaly():
        assert not np.log(leaf(1.0)).requires_grad
        message(lambda: np.log(leaf(0.0)))


@pytest.mark.parametrize(
    "update",
    [
        lambda w: w.__imul__(1e200),
        lambda w: w.__isub__(Tensor([-1.5e308, 0.0])),
        lambda w: w[0:1].__imul__(1e200),
        lambda w: np.multiply(w, 1e200),
        lambda w: np.log(Tensor([1.0, 2.0], name="data") - 1),
    ],
)
def test_what_is_not_recorded_is_looked_at_too(update: Callable[[Tensor], Any]) -> None:
    """An update that overflows would otherwise be told as data that was infinite already."""
    w = Tensor([1e200, 1.0], requires_grad=True, name="w")
    with detect_anomaly(), no_grad():
        if "isub" in inspect.getsource(update):
            w *= 1e-200
            w *= 1.5e308
        assert "gave" in message(lambda: update(w))


def test_nan_that_was_given_is_told_where_backward_starts_from_it() -> None:
    x = Tensor([[1.0, 2.0], [3.0, np.nan]], name="ages")
    w = leaf([1.0, 1.0])
    with detect_anomaly():
        cleaned = np.where(np.isnan(x), 0.0, x * 2.0)  # nan on the way is no matter
        (cleaned @ w).sum().backward()
        scores = x @ w
        line = here(-1)
        loss = (scores**2).mean()
        said = message(loss.backward)
    assert said.startswith("backward() starts from nan, which no op made of finite numbers: it was in 'ages' at")
    assert "index (1, 1)" in said
    assert line not in said  # `x * 2.0` met it first
    assert w.grad.tolist() == [8.0, 4.0]
    loss = (x @ w).mean()
    with detect_anomaly():
        assert "compute it inside detect_anomaly too" in message(loss.backward)


def test_gradients_that_overflow_where_they_add_up_are_found() -> None:
    x = leaf([1.0, 1.0], "x")
    with detect_anomaly():
        said = message(((x * 1e308 * [1, -1]).sum() + (x * 1e308 * [1, -1]).sum()).backward)
        assert "the gradient (the tensor named 'x'): 1e+308 and 1e+308 added up to inf at index (0,)" in said
        (x * 1e308 * [1, -1]).sum().backward()
        assert "added up to inf" in message((x * 1e308 * [1, -1]).sum().backward)
    assert x.grad.tolist() == [1e308, -1e308]
    row = leaf([[1e-300, 1e-300]])
    with detect_anomaly():
        said = message((row * np.full((2, 2), 1e308)).sum().backward)
        assert "finite numbers, summed over broadcast axes or as float64, became inf at index (0, 0)" in said
        small = Tensor([1.0, 2.0], dtype=np.float32, requires_grad=True)
        said = message((small * np.array([1e300, 1.0])).sum().backward)
        assert "or as float32, became inf at index (0,)" in said
        tiny = leaf([1e-300])  # indexing hands on part of a gradient, which adds up in another place
        assert "added up to inf" in message((tiny[:1] * 1e308 + tiny[0] * 1e308).sum().backward)


def test_a_hook_that_makes_nan_is_named() -> None:
    x = leaf([1.0, 0.0], "x")
    x.register_hook(lambda g: g / (1 - g))
    with detect_anomaly():
        assert "divide of 1.0 and 0.0" in message((x * 1.0).sum().backward)
        y = leaf([1.0, 0.0], "y")
        y.register_hook(lambda g: g.numpy() / 0)
        said = message((y * 1.0).sum().backward)
    assert said == "a hook (the tensor named 'y') made inf of the gradient 1.0 at index (0,)"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: leaf([10.0]) ** 800, "grown too large"),
        (lambda: leaf([0.0]) ** -1, "At 0 a power below 0 is infinite"),
        (lambda: leaf([-8.0]) ** (1 / 3), "np.abs(x)**p"),
        (lambda: leaf([-1e200]) ** 3, "grown too large"),
        (lambda: np.std(leaf([1e200, 2e200])), "with ddof=1 it takes two numbers or more"),
    ],
)
def test_the_remedy_is_for_the_numbers_that_were_given(call: Callable[[], Tensor], told: str) -> None:
    with detect_anomaly():
        assert told in message(call)


def test_it_holds_for_one_thread_and_one_task() -> None:
    seen = []

    def logarithm() -> None:
        with np.errstate(all="ignore"):
            seen.append(np.log(leaf(0.0)).item())

    with detect_anomaly():
        thread = threading.Thread(target=logarithm)
        thread.start()
        thread.join()

    async def watched(started: asyncio.Event) -> None:
        with detect_anomaly():
            started.set()
            await asyncio.sleep(0)
            message(lambda: np.log(leaf(0.0)))

    async def free(started: asyncio.Event) -> None:
        await started.wait()
        seen.append(np.log(leaf(0.0)).item())

    async def both() -> None:
        started = asyncio.Event()
        await asyncio.gather(watched(started), free(started))

    asyncio.run(both())
    assert seen == [-np.inf, -np.inf]


@pytest.mark.parametrize(("name", "text"), [("train.py", True), ("<ipython-input-7>", True), ("<stdin>", False)])
def test_the_line_is_the_learners_also_in_a_notebook_and_where_there_is_no_source(
    name: str, text: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "def loss(x):\n    return np.std(\n        np.log(x))\n"
    if name == "train.py":
        monkeypatch.chdir(tmp_path)
        name = str(tmp_path / name)
        Path(name).write_text(source, "utf-8")
    elif text:
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    names: dict[str, Any] = {"np": np}
    exec(compile(source, name, "exec"), names)
    with detect_anomaly():
        said = message(lambda: names["loss"](leaf([1.0, 0.0])))
    assert f"\n    {name.removeprefix(f'{tmp_path}/')}:3" in said
    assert ("np.log(x))" in said.split("\n")[1]) == text


def test_a_bare_array_that_changed_unseen_is_found_where_backward_uses_it() -> None:
    memory, factor = np.ones(20), np.full(20, 2.0)
    x, w = tg.from_numpy(memory), leaf(np.ones(20), "w")
    for change in (memory, factor, w.array):
        with detect_anomaly():
            y = ((w * x) * (factor * w) * (w * w)).sum()
            change[3] = 7.0
            with pytest.raises(MutationError, match=r"(?s)kept its .* through a bare array") as caught:
                y.backward()
        assert "test_anomaly.py" in str(caught.value)
        assert "((w * x) * (factor * w) * (w * w)).sum()" in str(caught.value)
    assert w.grad is None
    assert "'x' (the tensor named 'w')" in str(caught.value)


def test_a_bare_array_among_several_operands_is_looked_at_too() -> None:
    product = Op(lambda *xs: np.prod(xs, axis=0), name="product", xs=lambda g, xs, index: g * xs[1 - index])
    w, factor = leaf(np.eye(3), "w"), np.eye(3)
    with detect_anomaly():
        y = product(w, factor).sum()
        factor[0, 0] = 7.0
        with pytest.raises(MutationError, match=r"product kept its 'xs' \(the tensor named 'w'\)"):
            y.backward()


def test_a_change_unseen_is_found_after_the_block_too_and_an_equal_value_is_none() -> None:
    factor, w = np.full(20, 2.0), leaf(np.ones(20))
    with detect_anomaly():
        first, second = (factor * w).sum(), (factor * w).sum()
    factor[3] = 2.0
    first.backward()
    factor[3] = 7.0
    with pytest.raises(MutationError, match="'x'"):
        second.backward()


@pytest.mark.parametrize(
    "call",
    [
        lambda x, places: np.take(x, places),
        lambda x, places: np.concatenate([x[:2], places * 1.0]) * x[:5],
        lambda x, places: np.where(places > 0, x[:3], 0.0),
        lambda x, places: np.einsum("i,i->", x[:3], places.astype(float)),
        lambda x, places: x[:0] * np.zeros(0),
        lambda x, places: x.sum() ** 2 + np.float32(2) * x[0],
        lambda x, places: np.split(x, [1, 3])[1] * np.full(2, 3, np.float16),
    ],
)
def test_fingerprints_of_everything_that_is_kept_agree_with_themselves(call: Callable[..., Any]) -> None:
    x = leaf(np.arange(5.0))
    with detect_anomaly():
        y = call(x, np.array([0, 1, 2]))
        y.sum().backward()
    assert x.grad is not None


def test_the_watch_holds_no_graph_alive() -> None:
    gc.collect()
    gc.disable()
    try:
        before = len(records)
        x = leaf([4.0, 0.0])
        with detect_anomaly():
            y = x * 2
            watched = [weakref.ref(y), weakref.ref(y.grad_fn), weakref.ref(x), weakref.ref(x.array)]
            y.sum().backward()
            with contextlib.suppress(AnomalyError):
                np.log(x)
            with contextlib.suppress(AnomalyError):
                (x**0.5).sum().backward()
            memory = x.array
            z = (x * x).sum()
            memory[0] = 3.0
            with contextlib.suppress(MutationError):
                z.backward()
        del x, y, z, memory
        assert [ref() for ref in watched] == [None] * 4
        assert len(records) == before
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_nan_to_begin_with_is_told_of_results_of_any_size() -> None:
    x, w = Tensor(np.where(np.arange(40) == 30, np.nan, 1.0), name="ages"), leaf(np.ones(40))
    with detect_anomaly():
        said = message(lambda: (x * w).backward(np.ones(40)))
    assert "it was in 'ages' at index (30,)" in said


@pytest.mark.parametrize(
    "call",
    [
        lambda: leaf([[np.inf, 0.0], [1.7e308, 1.7e308]]).sum(axis=1),
        lambda: leaf([[-np.inf, 0.0], [1e200, 1e200]]) @ np.array([[1e200], [1e200]]),
        lambda: np.einsum("ij->i", leaf([[np.nan, 0.0], [1.7e308, 1.7e308]])),
    ],
)
def test_an_infinity_that_was_given_excuses_only_what_came_of_it(call: Callable[[], Tensor]) -> None:
    with detect_anomaly():
        assert "index (1" in message(call)
        (leaf([[np.inf, 0.0], [1.0, 2.0]]) @ np.ones((2, 2))).sum(axis=1)
        tg.softmax(leaf([[0.0, -np.inf], [1.0, 2.0]])).prod()
        np.linalg.norm(leaf([np.inf, 1.0]))


def test_a_decorated_generator_would_not_be_watched_and_is_refused() -> None:
    def generator() -> Any:
        yield np.log(leaf(0.0))

    async def task() -> None: ...

    for function in (generator, task):
        for block in (detect_anomaly(), no_grad(), enable_grad()):
            with pytest.raises(TypeError, match="inside it, around the lines that compute"):
                block(function)
