"""Threads and tasks: each has its own recording state, and passes that share leaves or a graph lose nothing."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, detect_anomaly, enable_grad, errors, is_grad_enabled, no_grad
from tinygrad_edu.autograd import grad

pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.AccumulationWarning")  # they add up on purpose

THREADS = 8


@pytest.fixture(autouse=True)
def threads_take_turns_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def leaf(value: Any) -> Tensor:
    return Tensor(value, requires_grad=True)


def at_once(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """The results of `work(k)` in as many threads, started together; an error is a result."""
    gate = threading.Barrier(threads)

    def run(k: int) -> Any:
        gate.wait()
        try:
            return work(k)
        except errors.TinygradError as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def test_no_grad_is_of_its_thread_also_in_a_pool_that_goes_on() -> None:
    inside, outside = threading.Event(), threading.Event()

    def switched_off() -> bool:
        with no_grad():
            inside.set()
            outside.wait()
            return is_grad_enabled()

    def beside() -> bool:
        inside.wait()
        seen = is_grad_enabled() and (leaf(1.0) * 2).requires_grad
        outside.set()
        return seen

    with ThreadPoolExecutor(2) as pool:
        assert [f.result() for f in (pool.submit(switched_off), pool.submit(beside))] == [False, True]
        assert list(pool.map(lambda _: is_grad_enabled(), range(10))) == [True] * 10
    with no_grad(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(is_grad_enabled).result()


def test_no_grad_is_of_its_task() -> None:
    async def switched_off() -> list[bool]:
        seen = []
        with no_grad():
            for _ in range(3):
                await asyncio.sleep(0)
                seen.append(is_grad_enabled())
        return seen

    async def beside() -> list[bool]:
        seen = []
        for _ in range(3):
            await asyncio.sleep(0)
            seen.append(is_grad_enabled())
            with enable_grad():
                await asyncio.sleep(0)
        return seen

    async def both() -> list[list[bool]]:
        return list(await asyncio.gather(switched_off(), beside()))

    assert asyncio.run(both()) == [[False] * 3, [True] * 3]


def test_graphs_of_their_own_in_parallel() -> None:
    def work(k: int) -> list[float]:
        x = leaf(np.linspace(0.1, 1.0, 20) + k)
        for _ in range(20):
            x.grad = None
            y = x
            for _ in range(20):
                y = np.tanh(y) * 1.01 + x[::-1]
            y.sum().backward()
        return x.grad.tolist()

    assert at_once(work) == [work(k) for k in range(THREADS)]


def test_passes_that_share_leaves_lose_no_gradient() -> None:
    number, array = leaf(3.0), leaf(np.ones(20_000))  # of that size NumPy lets other threads run while it adds

    def work(k: int) -> None:
        for i in range(100):
            (number * number).backward()
            (array * 2.0).sum().backward()
            if i % 10 == k:
                number.grad.item()  # somebody looks

    at_once(work)
    assert number.grad.item() == 6.0 * 100 * THREADS
    np.testing.assert_array_equal(array.grad.numpy(), 2.0 * 100 * THREADS)


def test_a_kept_graph_gives_every_thread_its_pass() -> None:
    x = leaf(np.linspace(0.1, 1.0, 50))
    y = x
    for _ in range(20):
        y = np.tanh(y) * y + x
    total = y.sum()
    (expected,) = grad(total, x, retain_graph=True)
    at_once(lambda _: [total.backward(retain_graph=True) for _ in range(10)])
    np.testing.assert_allclose(x.grad.numpy(), 10 * THREADS * expected.numpy())


def test_one_graph_in_several_threads_is_passed_whole_or_refused() -> None:
    for _ in range(20):
        x, w = leaf(np.linspace(0.1, 1.0, 50)), leaf(2.0)
        y = x * w
        for _ in range(20):
            y = np.tanh(y) * y + x
        total = y.sum()
        expected = [g.numpy() for g in grad(total, [x, w], retain_graph=True)]
        results = at_once(lambda _, root=total: root.backward(), threads=4)  # type: ignore[misc] # types of defaults
        refused = [error for error in results if error is not None]
        assert all(isinstance(error, errors.FreedGraphError) for error in refused)
        passes = len(results) - len(refused)
        for t, g in zip((x, w), expected, strict=True):
            if passes:
                np.testing.assert_allclose(t.grad.numpy(), passes * g)
            else:
                assert t.grad is None


def test_derivatives_of_derivatives_in_parallel() -> None:
    x = leaf(np.linspace(0.5, 1.5, 10))

    def work(_: int) -> Any:
        (first,) = grad((x**4).sum(), x, create_graph=True)
        (second,) = grad(first.sum(), x)
        return second.tolist()

    expected = (12 * x.numpy() ** 2).tolist()
    for found in at_once(lambda k: [work(k) for _ in range(20)]):
        np.testing.assert_allclose(found, [expected] * 20)


def test_no_change_is_overlooked_because_of_one_in_another_thread() -> None:
    def work(_: int) -> int:
        refused = 0
        for _ in range(200):
            x, y = leaf(np.ones(3)), leaf(np.ones(3))
            z = (x * y).sum()
            with no_grad():
                x += 1
            try:
                z.backward()
            except errors.MutationError:
                refused += 1
        return refused

    assert at_once(work) == [200] * THREADS


@pytest.mark.parametrize("check_nan", [True, False])
def test_watched_and_free_threads_beside_each_other(check_nan: bool) -> None:
    def work(k: int) -> Any:
        x = leaf(np.linspace(0.1, 1.0, 20))
        for _ in range(20):
            x.grad = None
            if k % 2:
                (np.log(x) * x).sum().backward()
            else:
                with detect_anomaly(check_nan):
                    (np.log(x) * x).sum().backward()
        return x.grad.tolist()

    results = at_once(work)
    assert results == [results[0]] * THREADS
