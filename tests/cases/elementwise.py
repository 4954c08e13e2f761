"""Cases of `ops.elementwise`."""

import numpy as np

import tinygrad_edu as tg
from tests.cases.case import PAIRS, Case, binary, numbers, signed, unary

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
