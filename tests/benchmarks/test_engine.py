"""What the engine costs, as ratios to the same work in hand-written NumPy, or to micrograd on single numbers."""

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, no_grad

Ratio = Callable[..., None]


def test_product_of_ten_numbers_forward_and_recording(ratio: Ratio) -> None:
    a, b = np.arange(10.0) + 1, np.arange(10.0) + 2
    x, y = Tensor(a, requires_grad=True), Tensor(b, requires_grad=True)
    ratio(lambda: x * y, lambda: np.multiply(a, b), goal=3.0, calls=20_000)


def test_product_of_ten_numbers_without_recording(ratio: Ratio) -> None:
    a, b = np.arange(10.0) + 1, np.arange(10.0) + 2
    x, y = Tensor(a), Tensor(b)
    ratio(lambda: x * y, lambda: np.multiply(a, b), goal=2.0, calls=20_000)


@pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.AccumulationWarning")  # as micrograd, it adds them up
def test_product_and_sum_of_single_numbers_forward_and_backward(ratio: Ratio) -> None:
    """`a*b + c` on 0-d tensors against micrograd's pure-float engine."""
    engine = pytest.importorskip("micrograd.engine", reason="micrograd is not installed: pip install micrograd")
    a, b, c = (Tensor(v, requires_grad=True) for v in (2.0, -3.0, 10.0))
    d, e, f = (engine.Value(v) for v in (2.0, -3.0, 10.0))
    ratio(lambda: (a * b + c).backward(), lambda: (d * e + f).backward(), goal=1.0, calls=10_000)
    assert (a.grad.item() < 0) == (d.grad < 0)


def two_layers(dtype: Any) -> dict[str, Any]:
    """The network of the lecture: N = 64, D_in = 1000, H = 100, D_out = 10, sigmoid, sum of squares, lr 1e-4."""
    random = np.random.default_rng(0)
    shapes = {"x": (64, 1000), "y": (64, 10), "w1": (1000, 100), "w2": (100, 10)}
    return {name: aligned((random.standard_normal(shape) * 0.05).astype(dtype)) for name, shape in shapes.items()}


def aligned(array: Any) -> Any:
    """A copy that starts on a cache line: where malloc happens to put an array moves a step by up to a tenth."""
    memory = np.empty(array.nbytes + 64, np.uint8)
    start = -memory.ctypes.data % 64
    copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def by_hand(x: Any, y: Any, w1: Any, w2: Any) -> Callable[[], Any]:
    def step() -> Any:
        h = 1 / (1 + np.exp(-(x @ w1)))
        predicted = h @ w2
        loss = np.square(predicted - y).sum()
        grad_predicted = 2 * (predicted - y)
        grad_w2 = h.T @ grad_predicted
        grad_h = grad_predicted @ w2.T
        grad_w1 = x.T @ (grad_h * h * (1 - h))
        np.subtract(w1, 1e-4 * grad_w1, out=w1)
        np.subtract(w2, 1e-4 * grad_w2, out=w2)
        return loss

    return step


def by_engine(x: Any, y: Any, w1: Any, w2: Any) -> Callable[[], Any]:
    x, y, w1, w2 = map(tg.from_numpy, (x, y, w1, w2))
    w1.requires_grad = w2.requires_grad = True

    def step() -> Any:
        nonlocal w1, w2
        loss = ((tg.sigmoid(x @ w1) @ w2 - y) ** 2).sum()
        loss.backward()
        with no_grad():
            w1 -= 1e-4 * w1.grad
            w2 -= 1e-4 * w2.grad
        w1.grad = w2.grad = None
        return loss.item()

    return step


def test_two_layer_network_forward_backward_and_update(ratio: Ratio) -> None:
    ours, reference = by_engine(**two_layers(np.float32)), by_hand(**two_layers(np.float32))
    ratio(ours, reference, goal=1.1, calls=100)


def test_the_two_networks_are_the_same(benchmark: Any) -> None:
    """In float64 the losses agree to rounding over 200 steps: the benchmark above compares like with like."""
    ours, reference = by_engine(**two_layers(np.float64)), by_hand(**two_layers(np.float64))
    for _ in range(200):
        assert ours() == pytest.approx(reference(), rel=1e-10)
    benchmark(lambda: None)


def chain(length: int) -> Callable[[], None]:
    def run() -> None:
        y = Tensor(1.0, requires_grad=True)
        for _ in range(length // 2):
            y = y * 1.0000001 + 1e-9
        y.backward()

    return run


@pytest.mark.parametrize("collector", ["off", "on"])
def test_a_million_ops_against_ten_thousand(collector: str, ratio: Ratio, benchmark: Any) -> None:
    """Time an op, forward, backward and freed: linear in the number of ops.

    With Python's cycle collector on, a million nodes are also visited by it a dozen times, for nothing: there are no
    cycles to find. That is 0.9 us an op, as much as the op itself.
    """
    if collector == "off":
        gc.disable()
    short, long = chain(10_000), chain(1_000_000 if not benchmark.disabled else 10_000)

    def hundred_short() -> None:
        for _ in range(100):
            short()

    try:
        ratio(long, hundred_short if not benchmark.disabled else short, goal=1.5, calls=1, rounds=5)
    finally:
        gc.enable()


def test_step_without_recording_costs_what_numpy_costs(ratio: Ratio) -> None:
    w = two_layers(np.float32)
    x, w1 = Tensor(w["x"]), Tensor(w["w1"], requires_grad=True)

    def ours() -> None:
        with no_grad():
            tg.sigmoid(x @ w1)

    ratio(ours, lambda: 1 / (1 + np.exp(-(w["x"] @ w["w1"]))), goal=1.05, calls=200)
