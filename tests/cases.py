"""The table of cases: for every op, calls with sample inputs that reach every branch of its rules.

`function` is written as a learner would, on arrays or on Tensors alike. All inputs are float64 and away from kinks,
which `test_conventions.py` holds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import ops


@dataclass(frozen=True)
class Case:
    """One op, called by `function` on `arrays`."""

    op: str
    label: str
    function: Callable[..., Any]
    arrays: tuple["np.ndarray[Any, Any]", ...]

    def __str__(self) -> str:
        return f"{self.op}-{self.label}"


def numbers(*shape: int, low: float = 0.3, high: float = 2.0, seed: int = 0) -> "np.ndarray[Any, Any]":
    """Distinct numbers between low and high in a mixed order."""
    count = int(np.prod(shape, dtype=int))
    values = np.linspace(low, high, max(count, 1))[:count]
    return np.asarray(np.random.default_rng(seed + count).permutation(values).reshape(shape))


def signed(*shape: int, seed: int = 0) -> "np.ndarray[Any, Any]":
    """Distinct numbers of both signs, none near 0."""
    values = numbers(*shape, low=0.2, high=1.7, seed=seed)
    return np.asarray(np.where(np.arange(values.size).reshape(shape) % 2 == 0, values, -values))


STRIDED = signed(4, 6)[::2, ::-3]  # not contiguous, negative strides
SHAPES: dict[str, tuple["np.ndarray[Any, Any]", ...]] = {
    "scalar": (signed(),),
    "vector": (signed(5),),
    "matrix": (signed(2, 3),),
    "zero-size": (signed(0, 3),),
    "strided": (STRIDED,),
}
PAIRS: dict[str, tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]] = {
    "scalars": (signed(), signed(seed=1) * 2),
    "same": (signed(2, 3), signed(2, 3, seed=1) * 1.1),
    "scalar-and-matrix": (signed() * 1.05, signed(2, 3, seed=2)),
    "broadcast-row": (signed(4, 3), signed(3, seed=3) * 1.03),
    "broadcast-both": (signed(4, 1), signed(1, 3, seed=4) * 1.07),
    "broadcast-up": (signed(1), signed(2, 3, seed=5) * 1.01),
    "broadcast-middle": (signed(2, 1, 3), signed(4, 1, seed=6) * 1.04),
    "zero-size": (signed(0, 3), signed(3, seed=7)),
    "strided": (STRIDED, STRIDED[:, ::-1] * 1.2),
    "transposed": (signed(3, 2).T, signed(2, 3, seed=8) * 1.1),
}


def unary(op: str, function: Callable[..., Any], positive: bool = False) -> list[Case]:
    return [Case(op, label, function, tuple(map(abs, a)) if positive else a) for label, a in SHAPES.items()]


def binary(op: str, function: Callable[..., Any], positive: bool = False) -> list[Case]:
    return [Case(op, label, function, (abs(a) if positive else a, b)) for label, (a, b) in PAIRS.items()]


MATMUL = {
    "1-1": (signed(3), signed(3, seed=1)),
    "2-1": (signed(2, 3), signed(3)),
    "1-2": (signed(3), signed(3, 2)),
    "2-2": (signed(2, 3), signed(3, 4)),
    "strided": (STRIDED, signed(4, 3).T[:, ::2][:2]),
    "3-1": (signed(2, 4, 3), signed(3)),
    "1-3": (signed(3), signed(2, 3, 4)),
    "3-2": (signed(2, 4, 3), signed(3, 2)),
    "2-3": (signed(4, 3), signed(2, 3, 2)),
    "3-3": (signed(2, 4, 3), signed(2, 3, 2)),
    "batch-broadcast": (signed(2, 1, 2, 3), signed(4, 3, 2)),
    "zero-inner": (signed(2, 0), signed(0, 3)),
    "zero-rows": (signed(0, 3), signed(3, 2)),
    "one-one-one": (signed(1, 1), signed(1, 1, seed=1)),
}
DOT = {
    **{k: MATMUL[k] for k in ("1-1", "2-1", "1-2", "2-2", "3-1", "1-3", "3-2", "2-3", "3-3", "zero-inner")},
    "0-0": (signed(), signed(seed=1)),
    "0-2": (signed(), signed(2, 3)),
    "3-0": (signed(2, 2, 3), signed()),
    "0-1": (signed(), signed(3)),
    "4-3": (signed(2, 1, 2, 3), signed(2, 3, 2)),
}

CASES: list[Case] = [
    *binary("add", lambda x, y: x + y),
    *binary("subtract", lambda x, y: x - y),
    *binary("multiply", lambda x, y: x * y),
    *binary("divide", lambda x, y: x / y),
    *binary("power", lambda x, y: x**y, positive=True),
    Case("power", "squared", lambda x: x**2, (signed(2, 3),)),
    Case("power", "cubed", lambda x: x**3, (signed(2, 3),)),
    Case("power", "to-the-first", lambda x: x**1, (signed(2, 3),)),
    Case("power", "to-nothing", lambda x: x**0 + x, (signed(2, 3),)),
    Case("power", "inverse", lambda x: x**-1.5, (numbers(2, 3),)),
    Case("power", "integer-array", lambda x: x ** np.array([0, 1, 2]), (signed(2, 3),)),
    Case("power", "of-a-number", lambda x: 2**x, (signed(2, 3),)),
    Case("multiply", "by-itself", lambda x: x * x, (signed(2, 3),)),
    Case("multiply", "by-an-array", lambda x: np.arange(3.0) * x, (signed(2, 3),)),
    Case("subtract", "from-a-number", lambda x: 1 - x, (signed(2, 3),)),
    Case("divide", "a-number", lambda x: 2 / x, (signed(2, 3),)),
    *unary("negative", lambda x: -x),
    *unary("positive", lambda x: +x),
    *unary("absolute", lambda x: abs(x)),
    *unary("exp", np.exp),
    *unary("log", np.log, positive=True),
    *unary("sqrt", np.sqrt, positive=True),
    *unary("square", np.square),
    *unary("sin", np.sin),
    *unary("cos", np.cos),
    *unary("tanh", np.tanh),
    *unary("sigmoid", tg.sigmoid),
    *unary("relu", tg.relu),
    *unary("sign", lambda x: np.sign(x) * x),
    *binary("maximum", np.maximum),
    *binary("minimum", np.minimum),
    *[Case("where", k, lambda x, y: np.where(np.arange(3) > 0, x, y), v) for k, v in PAIRS.items() if k != "strided"],
    Case("where", "of-a-comparison", lambda x: np.where(x > 0, x * x, 3 * x), (signed(2, 3),)),
    Case("where", "with-a-number", lambda x: np.where(x > 0, x, 0.0), (signed(2, 3),)),
    *[
        Case(op, f"{label}-{shape}", function, array)
        for op, call in {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min}.items()
        for shape, array in {"vector": (signed(5),), "cube": (signed(2, 3, 4),), "strided": (STRIDED,)}.items()
        for label, function in {
            "all": lambda x, call=call: call(x),
            "keep": lambda x, call=call: call(x, keepdims=True),
            "last": lambda x, call=call: call(x, axis=-1),
            "first-keep": lambda x, call=call: call(x, axis=0, keepdims=True),
            "pair": lambda x, call=call: call(x, axis=tuple({0, x.ndim - 1})),
        }.items()
    ],
    Case("sum", "scalar", np.sum, (signed(),)),
    Case("mean", "scalar", np.mean, (signed(),)),
    Case("max", "scalar", np.max, (signed(),)),
    Case("sum", "zero-size", lambda x: np.sum(x, axis=0), (signed(0, 3),)),
    Case("sum", "zero-size-all", np.sum, (signed(0, 3),)),
    Case("mean", "zero-size", lambda x: np.mean(x, axis=1), (signed(0, 3),)),
    Case("sum", "no-axes", lambda x: np.sum(x, axis=()), (signed(2, 3),)),
    Case("reshape", "flat", lambda x: np.reshape(x, -1), (signed(2, 3),)),
    Case("reshape", "of-a-view", lambda x: np.reshape(x, (4, 1)), (STRIDED,)),
    Case("reshape", "of-nothing", lambda x: np.reshape(x, (3, 0)), (signed(0, 3),)),
    Case("reshape", "to-a-scalar", lambda x: np.reshape(x, ()), (signed(1, 1),)),
    Case("transpose", "reversed", np.transpose, (signed(2, 3, 4),)),
    Case("transpose", "permuted", lambda x: np.transpose(x, (1, 2, 0)), (signed(2, 3, 4),)),
    Case("transpose", "negative-axes", lambda x: np.transpose(x, (-1, 0, 1)), (signed(2, 3, 4),)),
    Case("transpose", "attribute", lambda x: x.T, (signed(2, 3),)),
    Case("swapaxes", "last", lambda x: np.swapaxes(x, 0, -1), (signed(2, 3, 4),)),
    Case("expand_dims", "pair", lambda x: np.expand_dims(x, (0, -1)), (signed(2, 3),)),
    Case("squeeze", "all", np.squeeze, (signed(1, 3, 1),)),
    Case("squeeze", "one", lambda x: np.squeeze(x, 0), (signed(1, 3, 1),)),
    Case("broadcast_to", "rows", lambda x: np.broadcast_to(x, (4, 3)), (signed(3),)),
    Case("broadcast_to", "middle", lambda x: np.broadcast_to(x, (2, 4, 3)), (signed(2, 1, 3),)),
    Case("broadcast_to", "scalar", lambda x: np.broadcast_to(x, (2, 3)), (signed(),)),
    Case("broadcast_to", "nothing", lambda x: np.broadcast_to(x, (0, 3)), (signed(3),)),
    Case("sum_to", "row", lambda x: tg.sum_to(x, (3,)), (signed(4, 3),)),
    Case("sum_to", "middle", lambda x: tg.sum_to(x, (2, 1, 3)), (signed(5, 2, 4, 3),)),
    Case("sum_to", "scalar", lambda x: tg.sum_to(x, ()), (signed(2, 3),)),
    Case("move", "home", lambda x: tg.ops.move(x, "cpu", "cpu"), (signed(3),)),
    Case("astype", "same", lambda x: x.astype(float), (signed(2, 3),)),
    Case("concatenate", "rows", lambda x, y: np.concatenate([x, y]), (signed(2, 3), signed(1, 3))),
    Case("concatenate", "columns", lambda x, y: np.concatenate((x, y, x), axis=-1), (signed(2, 3), signed(2, 1))),
    Case("concatenate", "flat", lambda x, y: np.concatenate([x, y], axis=None), (signed(2, 3), signed(2))),
    Case("concatenate", "with-a-constant", lambda x: np.concatenate([np.ones(2), x]), (signed(3),)),
    Case("concatenate", "nothing", lambda x, y: np.concatenate([x, y]), (signed(0, 3), signed(2, 3))),
    Case("stack", "first", lambda x, y: np.stack([x, y]), (signed(2, 3), signed(2, 3, seed=1))),
    Case("stack", "last", lambda x, y: np.stack([x, y, x], axis=-1), (signed(2, 3), signed(2, 3, seed=1))),
    Case("getitem", "integer", lambda x: x[1], (signed(3, 4),)),
    Case("getitem", "scalar-out", lambda x: x[1, -1], (signed(3, 4),)),
    Case("getitem", "slice", lambda x: x[::-2, 1:3], (signed(3, 4),)),
    Case("getitem", "new-axis", lambda x: x[..., None, 0], (signed(3, 4),)),
    Case("getitem", "array-repeated", lambda x: x[np.array([0, 2, 0, 0])], (signed(3, 4),)),
    Case("getitem", "list", lambda x: x[[0, 2, 0]], (signed(3, 4),)),
    Case("getitem", "pairs", lambda x: x[np.array([0, 2, 0]), np.array([1, 1, 1])], (signed(3, 4),)),
    Case("getitem", "mixed", lambda x: x[1:, np.array([0, 0, 3])], (signed(3, 4),)),
    Case("getitem", "mask", lambda x: x[np.arange(12).reshape(3, 4) % 3 == 0], (signed(3, 4),)),
    Case("getitem", "nothing", lambda x: x[3:], (signed(3, 4),)),
    Case("scatter", "repeated", lambda g: ops.scatter(g, np.array([0, 2, 0]), (3, 4)), (signed(3, 4),)),
    Case("scatter", "slice", lambda g: ops.scatter(g, slice(1, None), (3, 4)), (signed(2, 4),)),
    Case("setitem", "row", lambda x, v: ops.setitem(x, v, 1), (signed(3, 4), signed(4, seed=1))),
    Case("setitem", "stretched", lambda x, v: ops.setitem(x, v, slice(None, 2)), (signed(3, 4), signed(seed=1))),
    Case("setitem", "mask", lambda x, v: ops.setitem(x, v, np.eye(3, 4, dtype=bool)), (signed(3, 4), signed(3))),
    Case("setitem", "last-wins", lambda x, v: ops.setitem(x, v, np.array([0, 1, 0])), (signed(3), signed(3, seed=1))),
    *[Case("matmul", label, lambda x, y: x @ y, pair) for label, pair in MATMUL.items()],
    *[Case("dot", label, np.dot, pair) for label, pair in DOT.items()],
    Case("matmul", "by-itself", lambda x: x @ x.T, (signed(2, 3),)),
    Case(
        "matmul",
        "tensordot",
        lambda x, y: np.tensordot(x, y, axes=([0, 2], [2, 1])),
        (signed(2, 3, 4), signed(5, 4, 2)),
    ),
    Case("matmul", "tensordot-2", lambda x, y: np.tensordot(x, y), (signed(2, 3, 4), signed(3, 4))),
]

WITHOUT_DERIVATIVE = {
    "equal",
    "not_equal",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "logical_and",
    "logical_or",
    "logical_not",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "invert",
    "isnan",
    "isinf",
    "isfinite",
}
