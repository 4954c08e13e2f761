"""What the graph holds, and that reference counting alone lets go of it."""

import contextlib
import gc
import tracemalloc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from tinygrad_edu import Tensor, no_grad
from tinygrad_edu.autograd import grad


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Cyclic garbage collection off: what is freed here is freed by reference counting."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def graph(x: Tensor) -> Tensor:
    y = (x * x).sum() + np.exp(x)[0] @ x[0] if x.ndim == 2 else x * x + np.exp(x)
    return np.where(y > 0, y, -y)


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("value", [2.0, np.ones(3), np.ones((2, 3))])
@pytest.mark.parametrize("use", ["nothing", "backward", "kept", "create_graph", "retain_grad", "hook", "grad"])
def test_a_graph_is_freed_without_the_collector(value: object, use: str) -> None:
    x = Tensor(value, requires_grad=True)
    y = graph(x).sum()
    watched = [weakref.ref(y), weakref.ref(y.grad_fn), weakref.ref(x)]
    if use == "backward":
        y.backward()
    elif use == "kept":
        y.backward(retain_graph=True)
    elif use == "create_graph":
        y.backward(create_graph=True)
        watched.append(weakref.ref(x.grad))
    elif use == "retain_grad":
        y.retain_grad()
        y.backward()
    elif use == "hook":
        x.register_hook(lambda g: g * 2)
        y.register_hook(lambda g: g * 2)
        y.backward()
    elif use == "grad":
        (g,) = grad(y, x, create_graph=True)
        grad(g.sum(), x)
        del g
    del x, y
    assert [ref() for ref in watched] == [None] * len(watched)
    assert gc.collect() == 0


@pytest.mark.usefixtures("no_collector")
def test_an_error_leaves_no_cycle() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    ref = weakref.ref(x)
    with contextlib.suppress(ValueError):
        x + np.ones(3)
    del x
    assert ref() is None


@pytest.mark.usefixtures("no_collector")
def test_a_million_chained_ops_run_backward_and_are_freed() -> None:
    """Without recursion, forward, backward and freeing; the time is in the benchmarks."""
    x = y = Tensor(1.0, requires_grad=True)
    for _ in range(500_000):
        y = y * 1.0000001 + 1e-7
    last = weakref.ref(y.grad_fn)
    y.backward()
    assert x.grad is not None
    assert x.grad.item() == pytest.approx(1.0000001**500_000)
    del y
    assert last() is None
    assert gc.collect() == 0


def test_a_graph_that_was_never_run_backward_is_freed_too() -> None:
    y = Tensor(1.0, requires_grad=True)
    for _ in range(200_000):
        y = y + 1.0
    last = weakref.ref(y.grad_fn)
    del y
    assert last() is None


def measured(function: object, *arguments: object) -> int:
    """Bytes that are allocated and still held after the call."""
    gc.collect()
    tracemalloc.start()
    result = function(*arguments)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del result
    return held


def test_what_no_rule_asks_for_is_not_held() -> None:
    """A chain of additions of 1 MB arrays holds its result only; a chain of products holds the factors."""
    x, one = Tensor(np.ones(125_000), requires_grad=True), Tensor(np.ones(125_000))

    def sums() -> Tensor:
        y = x
        for _ in range(10):
            y = -(y + one)
        return y

    def squares() -> Tensor:
        y = x
        for _ in range(10):
            y = y * y
        return y

    assert measured(sums) < 1.1e6
    assert 9.9e6 < measured(squares) < 10.3e6


def test_backward_frees_what_was_kept_as_it_goes() -> None:
    x = Tensor(np.ones(125_000), requires_grad=True)

    def run() -> Tensor:
        y = x
        for _ in range(10):
            y = y * y
        total = y.sum()
        total.backward()
        return total

    run()  # the gradient itself is held by x from here on
    x.grad = None
    assert measured(run) < 1.2e6


def test_without_recording_nothing_is_held() -> None:
    x = Tensor(np.ones(125_000), requires_grad=True)

    def run() -> Tensor:
        y = x
        with no_grad():
            for _ in range(10):
                y = y * y
        return y

    assert measured(run) < 1.1e6


def test_notes_of_changes_go_with_their_arrays() -> None:
    from tinygrad_edu.mutation import changes

    before = len(changes._times)
    for _ in range(100):
        t = Tensor(np.ones(3))
        with no_grad():
            t += 1
            t[0] = 2.0
    del t
    assert len(changes._times) == before
