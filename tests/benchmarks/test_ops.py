"""Every op on 100,000 numbers, forward and backward, against the same written by hand in NumPy.

By hand means what a careful person writes who wants value and gradient and knows the conventions of this package: the
forward result is used in the gradient where that saves work. Each pair is first checked to give the same numbers.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

import tinygrad_edu as tg
from tinygrad_edu import Tensor

Ratio = Callable[..., None]
Array = Any

N = 100_000
RANDOM = np.random.default_rng(0)
ROW = RANDOM.uniform(0.3, 2.0, N)
OTHER = RANDOM.uniform(0.3, 2.0, N)
TABLE = RANDOM.uniform(0.3, 2.0, (250, 400))
SQUARE = RANDOM.uniform(-1, 1, (316, 316)) + 8 * np.eye(316)
STACK = RANDOM.uniform(-1, 1, (1000, 10, 10)) + 4 * np.eye(10)
SYMMETRIC = SQUARE @ SQUARE.T / 316
KERNEL = RANDOM.uniform(0.3, 2.0, 5)
KEYS = RANDOM.integers(0, N, N)


def tanh_by_hand(x: Array, g: Array) -> Any:
    out = np.tanh(x)
    return out, g * (1 - out * out)


def sigmoid_by_hand(x: Array, g: Array) -> Any:
    out = 1 / (1 + np.exp(-x))
    return out, g * out * (1 - out)


def softplus_by_hand(x: Array, g: Array) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x))), g / (1 + np.exp(-x))


def silu_by_hand(x: Array, g: Array) -> Any:
    s = 1 / (1 + np.exp(-x))
    out = x * s
    return out, g * (s + out * (1 - s))


def gelu_by_hand(x: Array, g: Array) -> Any:
    p = 0.5 * special.erfc(x * -np.sqrt(0.5))
    return x * p, g * (p + x * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi))


def elu_by_hand(x: Array, g: Array) -> Any:
    below = np.minimum(x, 0)  # exp(x) - 1 loses all digits for small x, expm1(x) + 1 for large ones: both are needed
    return np.where(x > 0, x, np.expm1(below)), g * np.where(x > 0, 1, np.exp(below))


def with_out(function: Callable[..., Any], slope: Callable[..., Any]) -> Callable[..., Any]:
    """By hand, where the gradient is g times a function of x and the result."""

    def by_hand(x: Array, g: Array) -> Any:
        out = function(x)
        return out, g * slope(x, out)

    return by_hand


LN2, LN10 = float(np.log(2)), float(np.log(10))
UNARY: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "negative": (np.negative, lambda x, g: (-x, -g)),
    "reciprocal": (np.reciprocal, with_out(np.reciprocal, lambda x, out: -out * out)),
    "square": (np.square, with_out(np.square, lambda x, out: 2 * x)),
    "sqrt": (np.sqrt, lambda x, g: (out := np.sqrt(x), g / (2 * np.where(out == 0, np.inf, out)))),
    "cbrt": (np.cbrt, lambda x, g: (out := np.cbrt(x), g / (3 * out * out))),
    "absolute": (abs, with_out(abs, lambda x, out: np.sign(x))),
    "cube": (lambda x: x**3, with_out(lambda x: x**3, lambda x, out: 3 * x**2)),
    "exp": (np.exp, with_out(np.exp, lambda x, out: out)),
    "exp2": (np.exp2, with_out(np.exp2, lambda x, out: LN2 * out)),
    "expm1": (np.expm1, with_out(np.expm1, lambda x, out: out + 1)),
    "log": (np.log, lambda x, g: (np.log(x), g / x)),
    "log2": (np.log2, lambda x, g: (np.log2(x), g / (LN2 * x))),
    "log10": (np.log10, lambda x, g: (np.log10(x), g / (LN10 * x))),
    "log1p": (np.log1p, lambda x, g: (np.log1p(x), g / (1 + x))),
    "sin": (np.sin, with_out(np.sin, lambda x, out: np.cos(x))),
    "cos": (np.cos, lambda x, g: (np.cos(x), -g * np.sin(x))),
    "tan": (np.tan, with_out(np.tan, lambda x, out: 1 + out * out)),
    "arctan": (np.arctan, lambda x, g: (np.arctan(x), g / (1 + x * x))),
    "arcsin": (lambda x: np.arcsin(x / 2), lambda x, g: (np.arcsin(x / 2), g / np.sqrt((1 - x / 2) * (1 + x / 2)) / 2)),
    "sinh": (np.sinh, with_out(np.sinh, lambda x, out: np.cosh(x))),
    "cosh": (np.cosh, with_out(np.cosh, lambda x, out: np.sinh(x))),
    "tanh": (np.tanh, tanh_by_hand),
    "arcsinh": (np.arcsinh, lambda x, g: (np.arcsinh(x), g / np.sqrt(x * x + 1))),
    "deg2rad": (np.deg2rad, lambda x, g: (np.deg2rad(x), g * (np.pi / 180))),
    "floor": (np.floor, lambda x, g: (np.floor(x), 0 * g)),
    "round": (np.round, lambda x, g: (np.round(x), 0 * g)),
    "clip": (
        lambda x: np.clip(x, 0.5, 1.5),
        with_out(lambda x: np.clip(x, 0.5, 1.5), lambda x, out: (x >= 0.5) & (x <= 1.5)),
    ),
    "sigmoid": (tg.sigmoid, sigmoid_by_hand),
    "relu": (tg.relu, with_out(lambda x: np.maximum(x, 0), lambda x, out: out > 0)),
    "leaky_relu": (
        tg.leaky_relu,
        lambda x, g: (np.where(x > 0, x, 0.01 * x), np.where(x > 0, g, 0.01 * g)),
    ),
    "elu": (tg.elu, elu_by_hand),
    "silu": (tg.silu, silu_by_hand),
    "softplus": (tg.softplus, softplus_by_hand),
    "gelu": (tg.gelu, gelu_by_hand),
}


def shared(x: Array, y: Array, g: Array) -> Array:
    return np.where(x == y, g / 2, np.where(x > y, g, 0))


def hypot_by_hand(x: Array, y: Array, g: Array) -> Any:
    out = np.hypot(x, y)
    safe = np.where(out == 0, 1, out)
    return out, g * (x / safe), g * (y / safe)


def arctan2_by_hand(x: Array, y: Array, g: Array) -> Any:
    squares = x * x + y * y
    squares = np.where(squares == 0, 1, squares)
    return np.arctan2(x, y), g * (y / squares), -g * (x / squares)


def power_by_hand(x: Array, y: Array, g: Array) -> Any:
    out = x**y
    return out, g * (y * x ** (y - 1)), g * (out * np.log(x))


def logaddexp_by_hand(x: Array, y: Array, g: Array) -> Any:
    out = np.logaddexp(x, y)
    return out, g * np.exp(x - out), g * np.exp(y - out)


def divide_by_hand(x: Array, y: Array, g: Array) -> Any:
    out = x / y
    by_x = g / y
    return out, by_x, -g * out / y


BINARY: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "add": (np.add, lambda x, y, g: (x + y, g.copy(), g.copy())),
    "subtract": (np.subtract, lambda x, y, g: (x - y, g.copy(), -g)),
    "multiply": (np.multiply, lambda x, y, g: (x * y, g * y, g * x)),
    "divide": (np.divide, divide_by_hand),
    "power": (np.power, power_by_hand),
    "maximum": (np.maximum, lambda x, y, g: (np.maximum(x, y), shared(x, y, g), shared(y, x, g))),
    "minimum": (np.minimum, lambda x, y, g: (np.minimum(x, y), shared(y, x, g), shared(x, y, g))),
    "hypot": (np.hypot, hypot_by_hand),
    "arctan2": (np.arctan2, arctan2_by_hand),
    "logaddexp": (np.logaddexp, logaddexp_by_hand),
    "remainder": (np.remainder, lambda x, y, g: (x % y, g.copy(), -g * (x // y))),
    "where": (
        lambda x, y: np.where(ROW > 1, x, y),
        lambda x, y, g: (np.where(ROW > 1, x, y), np.where(ROW > 1, g, 0), np.where(ROW > 1, 0, g)),
    ),
    "append": (np.append, lambda x, y, g: (np.append(x, y), g[:N].copy(), g[N:].copy())),
    "stack": (lambda x, y: np.stack([x, y]), lambda x, y, g: (np.stack([x, y]), g[0].copy(), g[1].copy())),
    "concatenate": (
        lambda x, y: np.concatenate([x, y]),
        lambda x, y, g: (np.concatenate([x, y]), g[:N].copy(), g[N:].copy()),
    ),
}


def extreme_by_hand(pick: Callable[..., Any]) -> Callable[..., Any]:
    def by_hand(x: Array, g: Array) -> Any:
        out = pick(x, axis=1, keepdims=True)
        chosen = x == out
        return out[:, 0], chosen * (g[:, None] / chosen.sum(1, keepdims=True))

    return by_hand


def var_by_hand(x: Array, g: Array) -> Any:
    return np.var(x, axis=1), (g * 2 / 400)[:, None] * (x - x.mean(1, keepdims=True))


def std_by_hand(x: Array, g: Array) -> Any:
    out = np.std(x, axis=1)
    return out, (g / 400 / out)[:, None] * (x - x.mean(1, keepdims=True))


def logsumexp_by_hand(x: Array, g: Array) -> Any:
    largest = x.max(1, keepdims=True)
    e = np.exp(x - largest)
    total = e.sum(1, keepdims=True)
    return (largest + np.log(total))[:, 0], e * (g[:, None] / total)


def softmax_by_hand(x: Array, g: Array) -> Any:
    e = np.exp(x - x.max(1, keepdims=True))
    out = e / e.sum(1, keepdims=True)
    return out, out * (g - (g * out).sum(1, keepdims=True))


def log_softmax_by_hand(x: Array, g: Array) -> Any:
    moved = x - x.max(1, keepdims=True)
    out = moved - np.log(np.exp(moved).sum(1, keepdims=True))
    return out, g - np.exp(out) * g.sum(1, keepdims=True)


def cumsum_by_hand(x: Array, g: Array) -> Any:
    return np.cumsum(x, 1), np.cumsum(g[:, ::-1], 1)[:, ::-1].copy()


def cumprod_by_hand(x: Array, g: Array) -> Any:
    out = np.cumprod(x, 1)
    return out, np.cumsum((g * out)[:, ::-1], 1)[:, ::-1] / x


def sort_by_hand(x: Array, g: Array) -> Any:
    order = np.argsort(x, 1)
    back = np.empty_like(g)
    np.put_along_axis(back, order, g, 1)
    return np.take_along_axis(x, order, 1), back


def median_by_hand(x: Array, g: Array) -> Any:
    order = np.argpartition(x, [199, 200], 1)[:, 199:201]
    back = np.zeros_like(x)
    np.put_along_axis(back, order, g[:, None] / 2, 1)
    return np.take_along_axis(x, order, 1).mean(1), back


def diff_by_hand(x: Array, g: Array) -> Any:
    back = np.zeros_like(x)
    back[:, 1:] = g
    back[:, :-1] -= g
    return x[:, 1:] - x[:, :-1], back


def gradient_by_hand(x: Array, g: Array) -> Any:
    back = np.zeros_like(x)
    back[:, 2:] += g[:, 1:-1] / 2
    back[:, :-2] -= g[:, 1:-1] / 2
    for place, end in ((0, 1), (-2, -1)):
        back[:, place] -= g[:, 0 if place == 0 else -1]
        back[:, end] += g[:, 0 if place == 0 else -1]
    return np.gradient(x, axis=1), back


def norm_by_hand(x: Array, g: Array) -> Any:
    out = np.sqrt((x * x).sum(1))
    return out, (g / out)[:, None] * x


def placed(shape: tuple[int, ...], key: Any, g: Array) -> Array:
    back = np.zeros(shape)
    back[key] = g
    return back


def prod_by_hand(x: Array, g: Array) -> Any:
    out = np.prod(x, 1)
    return out, (g * out)[:, None] / x


ROWS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sum": (lambda x: np.sum(x, 1), lambda x, g: (x.sum(1), np.broadcast_to(g[:, None], x.shape).copy())),
    "mean": (lambda x: np.mean(x, 1), lambda x, g: (x.mean(1), np.broadcast_to(g[:, None] / 400, x.shape).copy())),
    "prod": (lambda x: np.prod(x, 1), prod_by_hand),
    "var": (lambda x: np.var(x, 1), var_by_hand),
    "std": (lambda x: np.std(x, 1), std_by_hand),
    "max": (lambda x: np.max(x, 1), extreme_by_hand(np.max)),
    "min": (lambda x: np.min(x, 1), extreme_by_hand(np.min)),
    "logsumexp": (lambda x: tg.logsumexp(x, 1), logsumexp_by_hand),
    "softmax": (tg.softmax, softmax_by_hand),
    "log_softmax": (tg.log_softmax, log_softmax_by_hand),
    "cumsum": (lambda x: np.cumsum(x, 1), cumsum_by_hand),
    "cumprod": (lambda x: np.cumprod(x, 1), cumprod_by_hand),
    "sort": (lambda x: np.sort(x, 1), sort_by_hand),
    "median": (lambda x: np.median(x, 1), median_by_hand),
    "diff": (np.diff, diff_by_hand),
    "norm": (lambda x: np.linalg.norm(x, axis=1), norm_by_hand),
    "transpose": (lambda x: x.T * 2, lambda x, g: (x.T * 2, g.T * 2)),
    "reshape": (lambda x: np.reshape(x, -1) * 2, lambda x, g: (x.reshape(-1) * 2, (g * 2).reshape(x.shape))),
    "flip": (lambda x: np.flip(x, 1) * 2, lambda x, g: (np.flip(x, 1) * 2, np.flip(g * 2, 1))),
    "roll": (lambda x: np.roll(x, 3, 1), lambda x, g: (np.roll(x, 3, 1), np.roll(g, -3, 1))),
    "pad": (lambda x: np.pad(x, 2), lambda x, g: (np.pad(x, 2), g[2:-2, 2:-2].copy())),
    "tile": (lambda x: np.tile(x, (2, 1)), lambda x, g: (np.tile(x, (2, 1)), g[:250] + g[250:])),
    "repeat": (
        lambda x: np.repeat(x, 2, 1),
        lambda x, g: (np.repeat(x, 2, 1), g.reshape(250, 400, 2).sum(-1)),
    ),
    "convolve": (
        lambda x: np.convolve(np.ravel(x), KERNEL),
        lambda x, g: (np.convolve(x.ravel(), KERNEL), np.correlate(g, KERNEL, "valid").reshape(x.shape)),
    ),
    "gradient": (lambda x: np.gradient(x, axis=1), gradient_by_hand),
    "insert": (
        lambda x: np.insert(x, 5, 1.0, axis=1),
        lambda x, g: (np.insert(x, 5, 1.0, axis=1), np.delete(g, 5, axis=1)),
    ),
    "delete": (
        lambda x: np.delete(x, 5, axis=1),
        lambda x, g: (np.delete(x, 5, axis=1), np.insert(g, 5, 0.0, axis=1)),
    ),
    "triu": (np.triu, lambda x, g: (np.triu(x), np.triu(g))),
    "diagonal": (
        np.diagonal,
        lambda x, g: (x.diagonal(), placed(x.shape, (np.arange(250), np.arange(250)), g)),
    ),
    "broadcast_to": (
        lambda x: np.broadcast_to(x, (3, 250, 400)) * 2,
        lambda x, g: (np.broadcast_to(x, (3, 250, 400)) * 2, (g * 2).sum(0)),
    ),
    "split": (lambda x: np.split(x, 4, 1), lambda x, g: (np.split(x, 4, 1), np.concatenate(g, 1))),
    "slice": (lambda x: x[:, ::2], lambda x, g: (x[:, ::2], placed(x.shape, (slice(None), slice(None, None, 2)), g))),
    "mask": (lambda x: x[TABLE > 1], lambda x, g: (x[TABLE > 1], placed(x.shape, TABLE > 1, g))),
}


def matmul_by_hand(x: Array, y: Array, g: Array) -> Any:
    return x @ y, g @ y.swapaxes(-1, -2), x.swapaxes(-1, -2) @ g


def inv_by_hand(x: Array, g: Array) -> Any:
    out = np.linalg.inv(x)
    back = out.swapaxes(-1, -2)
    return out, -back @ g @ back


def det_by_hand(x: Array, g: Array) -> Any:
    out = np.linalg.det(x)
    return out, (g * out)[..., None, None] * np.linalg.inv(x).swapaxes(-1, -2)


def solve_by_hand(a: Array, b: Array, g: Array) -> Any:
    x = np.linalg.solve(a, b)
    by_b = np.linalg.solve(a.swapaxes(-1, -2), g)
    return x, -by_b @ x.swapaxes(-1, -2), by_b


def gather_by_hand(x: Array, g: Array) -> Any:
    back = np.zeros_like(x)
    np.add.at(back, KEYS, g)
    return x[KEYS], back


def take_rows_by_hand(x: Array, g: Array) -> Any:
    back = np.zeros_like(x)
    np.add.at(back, KEYS[:250] % 250, g)
    return x[KEYS[:250] % 250], back


CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[Array, ...]]] = {
    **{name: (ours, hand, (ROW if name != "relu" else ROW - 1,)) for name, (ours, hand) in UNARY.items()},
    **{name: (ours, hand, (ROW, OTHER)) for name, (ours, hand) in BINARY.items()},
    **{name: (ours, hand, (TABLE,)) for name, (ours, hand) in ROWS.items()},
    "gather": (lambda x: x[KEYS], gather_by_hand, (ROW,)),
    "gather rows": (lambda x: x[KEYS[:250] % 250], take_rows_by_hand, (TABLE,)),
    "outer": (np.outer, lambda x, y, g: (np.outer(x, y), g @ y, x @ g), (ROW[:316], OTHER[:316])),
    "matmul": (np.matmul, matmul_by_hand, (SQUARE, SQUARE + 1)),
    "matmul of a stack": (np.matmul, matmul_by_hand, (STACK, STACK + 1)),
    "tensordot": (
        lambda x, y: np.tensordot(x, y, 1),
        lambda x, y, g: (np.tensordot(x, y, 1), g @ y.T, x.T @ g),
        (SQUARE, SQUARE + 1),
    ),
    "einsum": (lambda x, y: np.einsum("bij,bjk->bik", x, y), matmul_by_hand, (STACK, STACK + 1)),
    "inv": (np.linalg.inv, inv_by_hand, (STACK,)),
    "det": (np.linalg.det, det_by_hand, (STACK,)),
    "solve": (np.linalg.solve, solve_by_hand, (STACK, STACK[:, :, :2] + 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_an_op_on_a_hundred_thousand_numbers(name: str, ratio: Ratio) -> None:
    function, hand, arrays = CASES[name]
    inputs = [tg.from_numpy(array).requires_grad_() for array in (a.copy() for a in arrays)]
    out = function(*arrays)
    random = np.random.default_rng(1)
    g = [random.uniform(-1, 1, o.shape) for o in out] if isinstance(out, list) else random.uniform(-1, 1, np.shape(out))

    def ours() -> Any:
        for t in inputs:
            t.grad = None
        out = function(*inputs)
        tg.autograd.backward(out, g)
        return out

    expected, *gradients = hand(*arrays, g)
    for one, by_hand in zip(*((ours(), expected) if isinstance(out, list) else ([ours()], [expected])), strict=True):
        np.testing.assert_allclose(one.numpy(), by_hand, rtol=1e-9, atol=1e-12)
    for t, by_hand in zip(inputs, gradients, strict=True):
        np.testing.assert_allclose(t.grad.numpy(), by_hand, rtol=1e-8, atol=1e-10)
    ratio(ours, lambda: hand(*arrays, g), goal=1.25, calls=5, rounds=31)


def test_sixty_four_doublings_walk_sixty_four_nodes(benchmark: Any) -> None:
    """2**64 paths, 64 nodes."""
    y = x = Tensor(1.0, requires_grad=True)
    for _ in range(64):
        y = y + y
    steps: list[tg.autograd.Step] = []
    tg.autograd.backward(y, observe=steps.append)
    assert len(tg.autograd.ancestors(y)) == len({step.node for step in steps}) == 64
    assert x.grad.item() == 2.0**64
    benchmark(lambda: None)
