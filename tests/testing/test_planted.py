"""The checker is checked: rules that are wrong on purpose, in the ways that rules go wrong, are all caught."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from tinygrad_edu import Op
from tinygrad_edu.op import implementations
from tinygrad_edu.testing import arrays, check_op


@pytest.fixture(autouse=True)
def the_table_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """An op of a ufunc is what the ufunc does from then on: here only until the end of the test."""
    for function, op in list(implementations.items()):
        monkeypatch.setitem(implementations, function, op)


SQUARES = st.integers(1, 3).flatmap(lambda n: st.tuples(arrays((n, n)), arrays((n, n))))
ONE_SQUARE = st.integers(1, 3).flatmap(lambda n: arrays((n, n))).map(lambda a: (a + 9 * np.eye(len(a)),))
ROWS = st.integers(1, 4).flatmap(lambda n: st.tuples(arrays((n, 3)), arrays((3,))))
SPLIT = st.integers(1, 4).flatmap(lambda n: arrays((n, 2))).map(lambda a: (a,))


def single(g: Any) -> Any:
    return g.astype(np.float32)


def spoiling(g: Any, x: Any) -> Any:
    return np.multiply(x, 2 * g, out=x) if isinstance(x, np.ndarray) else 2 * g * x


halved = Op(lambda x: x * 0.5, name="halved", x=lambda g: g)


def several(x: Any) -> Any:
    return np.sin(x), halved(x)


PLANTED: dict[str, tuple[Callable[[], Any], Any]] = {
    "sign": (lambda: Op(np.cos, name="cos", x=lambda g, x: g * np.sin(x)), None),
    "missing term": (lambda: Op(lambda x: x * np.sin(x), name="x_sin_x", x=lambda g, x: g * x * np.cos(x)), None),
    "missing factor": (lambda: Op(np.square, name="square", x=lambda g, x: g * x), None),
    "the other operand": (lambda: Op(np.multiply, name="multiply", x=lambda g, x: g * x, y=lambda g, y: g * y), None),
    "missing sum over the stretched axis": (
        lambda: Op(lambda x, y: x + y, name="add_row", x=lambda g: g, y=lambda g: g[0]),
        ROWS,
    ),
    "summed where nothing was stretched": (
        lambda: Op(np.add, name="add", x=lambda g: g, y=lambda g: g.sum() * np.ones(np.shape(g))),
        None,
    ),
    "a tie counted twice": (
        lambda: Op(np.maximum, name="maximum", x=lambda g, x, y: g * (x >= y), y=lambda g, x, y: g * (y >= x)),
        None,
    ),
    "a tie that gets nothing": (
        lambda: Op(np.maximum, name="maximum", x=lambda g, x, y: g * (x > y), y=lambda g, x, y: g * (y > x)),
        None,
    ),
    "dtype: rounded to float32": (lambda: Op(np.exp, name="exp", x=lambda g, out: single(g * out)), None),
    "transposed": (lambda: Op(np.matmul, name="matmul", x=lambda g, y: g @ y, y=lambda g, x: x.T @ g), SQUARES),
    "transposed, of a symmetric-looking rule": (
        lambda: Op(np.linalg.inv, name="inv", a=lambda g, out: -out @ g @ out),
        ONE_SQUARE,
    ),
    "a factor that is 1 at 1": (lambda: Op(lambda x: x**3, name="cube", x=lambda g, x: 3 * g * x), None),
    "a factor that is 1 for one number": (
        lambda: Op(
            lambda x: np.asarray(np.sum(x)),
            name="total",
            elementwise=False,
            x=lambda g, x: g * np.ones(x.shape) * x.size,
        ),
        None,
    ),
    "right for g of ones only": (
        lambda: Op(lambda x: x * 2.0, name="twice", x=lambda g: 2.0 * g * g),
        None,
    ),
    "right for one sign": (
        lambda: Op(np.absolute, name="absolute", x=lambda g, x: g * np.where(x < 0, 1.0, 1.0)),
        None,
    ),
    "right for positive exponents": (
        lambda: Op(lambda x: x**2.0, name="power", x=lambda g, x: g * 2 * abs(x)),
        None,
    ),
    "order of the parts": (
        lambda: Op(lambda x: x[::-1].copy(), name="backwards", elementwise=False, x=lambda g: g),
        SPLIT,
    ),
    "mean without the count": (
        lambda: Op(
            lambda x: np.asarray(np.mean(x)), name="average", elementwise=False, x=lambda g, x: g * np.ones(x.shape)
        ),
        None,
    ),
    "a gradient of another shape": (
        lambda: Op(lambda x: x * 2.0, name="twice", x=lambda g: 2.0 * g[..., None] if np.ndim(g) == 2 else 2.0 * g),
        None,
    ),
    "a small error": (lambda: Op(np.tanh, name="tanh", x=lambda g, out: g * (1 - out * out) * 1.0001), None),
    "first order right, second wrong": (
        lambda: Op(np.sin, name="sin", x=lambda g, x: g * np.cos(x.numpy() if hasattr(x, "numpy") else x)),
        None,
    ),
    "right unless both operands are the same": (
        lambda: Op(
            lambda x, y: x * y,
            name="times",
            x=lambda g, x, y: (
                g * (y + (0.5 if np.may_share_memory(np.array(x, copy=None), np.array(y, copy=None)) else 0))
            ),
            y=lambda g, x: g * x,
        ),
        None,
    ),
    "wrong for tiny numbers": (
        lambda: Op(
            np.arctan, name="arctan", x=lambda g, x: g / (1 + x * x) * np.where(abs(x) < 1e-4, np.sign(x) ** 2 / 2, 1)
        ),
        None,
    ),
    "wrong for huge numbers": (
        lambda: Op(np.square, name="square", x=lambda g, x: 2 * g * np.clip(x, -1e4, 1e4)),
        None,
    ),
    "wrong for the second of several operands": (
        lambda: Op(lambda *xs: sum(xs), name="total", xs=lambda g, index: g * (1 + 0.5 * (index == 1))),
        None,
    ),
    "a forward that is not the function": (
        lambda: Op(
            lambda x: np.tanh(x),
            forward=lambda x: np.tanh(x) + np.where(x > 2, 1e-3, 0.0),
            name="tanh",
            x=lambda g, out: g * (1 - out * out),
        ),
        None,
    ),
    "a value that float32 gets wrong": (
        lambda: Op(lambda x: np.log(np.exp(40 * x)), name="forty", x=lambda g, x: g * 40 * np.ones_like(x)),
        None,
    ),
    "one of several results": (
        lambda: several,
        None,
    ),
    "changes its input": (
        lambda: Op(lambda x: np.multiply(x, 2.0, out=x), name="doubled", x=lambda g: 2.0 * g),
        None,
    ),
    "a rule that changes what was kept": (
        lambda: Op(
            np.square,
            name="square",
            x=lambda g, x: np.multiply(x, 2 * g, out=x) if isinstance(x, np.ndarray) else 2 * g * x,
        ),
        None,
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_wrong_rule_is_caught(name: str) -> None:
    make, arguments = PLANTED[name]
    tally = check_op(make(), arguments, examples=100)
    assert tally.failure is not None, f"{name} passed: {tally}"
    calls = [code for _, code in tally.failure.program.lines if not code.startswith("t0[")]
    assert len(calls) == 1


RIGHT: dict[str, tuple[Callable[[], Op], Any]] = {
    "cos": (lambda: Op(np.cos, name="cos", x=lambda g, x: -g * np.sin(x)), None),
    "multiply": (lambda: Op(np.multiply, name="multiply", x=lambda g, y: g * y, y=lambda g, x: g * x), None),
    "add_row": (lambda: Op(lambda x, y: x + y, name="add_row", x=lambda g: g, y=lambda g: g), ROWS),
    "matmul": (lambda: Op(np.matmul, name="matmul", x=lambda g, y: g @ y.T, y=lambda g, x: x.T @ g), SQUARES),
    "inv": (lambda: Op(np.linalg.inv, name="inv", a=lambda g, out: -out.T @ g @ out.T), ONE_SQUARE),
    "absolute": (lambda: Op(np.absolute, name="absolute", x=lambda g, x: g * np.sign(x)), None),
    "maximum": (
        lambda: Op(
            np.maximum,
            name="maximum",
            x=lambda g, x, y: g * ((x > y) + 0.5 * (x == y)),
            y=lambda g, x, y: g * ((y > x) + 0.5 * (x == y)),
        ),
        None,
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_the_right_rule_passes(name: str) -> None:
    make, arguments = RIGHT[name]
    tally = check_op(make(), arguments, examples=100).check()
    assert tally.right > 30
    assert not tally.undecided
