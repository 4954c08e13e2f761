"""Cases of `ops.elementwise`."""

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tests.cases.case import PAIRS, SHAPES, STRIDED, Case, binary, numbers, signed, unary

WITH_ZERO = np.array([0.0, 1.3, 0.7, 0.0])


def inside(op: str, function: Callable[..., Any], torch: Callable[..., Any] | None) -> list[Case]:
    """One case a shape, of numbers between -1 and 1."""
    return [Case(op, label, function, (a * 0.5,), torch) for label, (a,) in SHAPES.items()]


def above(op: str, function: Callable[..., Any], torch: Callable[..., Any] | None) -> list[Case]:
    """One case a shape, of numbers greater than 1."""
    return [Case(op, label, function, (1.1 + abs(a),), torch) for label, (a,) in SHAPES.items()]


UNARY: list[Case] = [
    *unary("negative", lambda x: -x, lambda t, x: -x),
    *unary("positive", lambda x: +x, lambda t, x: +x),
    *unary("conjugate", np.conjugate, lambda t, x: t.conj(x)),
    *unary("reciprocal", np.reciprocal, lambda t, x: t.reciprocal(x)),
    *unary("absolute", lambda x: abs(x), lambda t, x: t.abs(x)),
    *unary("fabs", np.fabs, lambda t, x: t.abs(x)),
    *unary("square", np.square, lambda t, x: t.square(x)),
    *unary("sqrt", np.sqrt, lambda t, x: t.sqrt(x), positive=True),
    *unary("cbrt", np.cbrt),
    *unary("exp", np.exp, lambda t, x: t.exp(x)),
    *unary("exp2", np.exp2, lambda t, x: t.exp2(x)),
    *unary("expm1", np.expm1, lambda t, x: t.expm1(x)),
    *unary("log", np.log, lambda t, x: t.log(x), positive=True),
    *unary("log2", np.log2, lambda t, x: t.log2(x), positive=True),
    *unary("log10", np.log10, lambda t, x: t.log10(x), positive=True),
    *unary("log1p", np.log1p, lambda t, x: t.log1p(x), positive=True),
    *unary("sin", np.sin, lambda t, x: t.sin(x)),
    *unary("cos", np.cos, lambda t, x: t.cos(x)),
    *inside("tan", np.tan, lambda t, x: t.tan(x)),
    *inside("arcsin", np.arcsin, lambda t, x: t.arcsin(x)),
    *inside("arccos", np.arccos, lambda t, x: t.arccos(x)),
    *unary("arctan", np.arctan, lambda t, x: t.arctan(x)),
    *unary("sinh", np.sinh, lambda t, x: t.sinh(x)),
    *unary("cosh", np.cosh, lambda t, x: t.cosh(x)),
    *unary("tanh", np.tanh, lambda t, x: t.tanh(x)),
    *unary("arcsinh", np.arcsinh, lambda t, x: t.arcsinh(x)),
    *above("arccosh", np.arccosh, lambda t, x: t.arccosh(x)),
    *inside("arctanh", np.arctanh, lambda t, x: t.arctanh(x)),
    *unary("deg2rad", np.deg2rad, lambda t, x: t.deg2rad(x)),
    *unary("radians", np.radians, lambda t, x: t.deg2rad(x)),
    *unary("rad2deg", np.rad2deg, lambda t, x: t.rad2deg(x)),
    *unary("degrees", np.degrees, lambda t, x: t.rad2deg(x)),
    *unary("sinc", np.sinc, lambda t, x: t.sinc(x)),
    Case("sinc", "near-zero", np.sinc, (np.array([-0.09, -1e-3, 1e-8, 0.05, 0.0999, 0.1001]),)),
    *[
        case
        for op, step in {"sign": np.sign, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc}.items()
        for case in unary(op, lambda x, step=step: step(x) * x, lambda t, x, op=op: getattr(t, op)(x) * x)
    ],
    *unary("rint", lambda x: np.rint(x * 1.01) * x, lambda t, x: t.round(x * 1.01) * x),
    # np.fix itself warns from NumPy 2.5 on
    *unary("fix", lambda x: tg.fix(x) * x, lambda t, x: t.fix(x) * x),
    *unary("round", lambda x: np.round(x * 1.013, 1) * x, lambda t, x: t.round(x * 1.013, decimals=1) * x),
    *unary("nan_to_num", np.nan_to_num, lambda t, x: t.nan_to_num(x)),
    *unary("modf", lambda x: np.modf(x)[0] * x + np.modf(x)[1], lambda t, x: t.frac(x) * x + t.trunc(x)),
    *unary("frexp", lambda x: np.frexp(x * 1.01)[0] * x),
    *unary("ldexp", lambda x: np.ldexp(x, 3) * x, lambda t, x: t.ldexp(x, t.tensor(3)) * x),
    Case("ldexp", "array", lambda x: np.ldexp(x, np.array([1, -2, 0])), (signed(2, 3),)),
]

BINARY: list[Case] = [
    *binary("add", lambda x, y: x + y, lambda t, x, y: x + y),
    *binary("subtract", lambda x, y: x - y, lambda t, x, y: x - y),
    *binary("multiply", lambda x, y: x * y, lambda t, x, y: x * y),
    *binary("divide", lambda x, y: x / y, lambda t, x, y: x / y),
    *binary("power", lambda x, y: x**y, lambda t, x, y: x**y, positive=True),
    *binary("float_power", np.float_power, lambda t, x, y: t.float_power(x, y).to(x.dtype), positive=True),
    *binary("maximum", np.maximum, lambda t, x, y: t.maximum(x, y)),
    *binary("minimum", np.minimum, lambda t, x, y: t.minimum(x, y)),
    *binary("fmax", np.fmax, lambda t, x, y: t.fmax(x, y)),
    *binary("fmin", np.fmin, lambda t, x, y: t.fmin(x, y)),
    *binary("hypot", np.hypot, lambda t, x, y: t.hypot(x, y)),
    *binary("arctan2", np.arctan2, lambda t, x, y: t.arctan2(x, y)),
    *binary("logaddexp", np.logaddexp, lambda t, x, y: t.logaddexp(x, y)),
    *binary("logaddexp2", np.logaddexp2, lambda t, x, y: t.logaddexp2(x, y)),
    *binary("copysign", np.copysign, lambda t, x, y: t.abs(x) * t.sign(y)),
    *binary("remainder", lambda x, y: x % y, lambda t, x, y: t.remainder(x, y)),
    *binary("fmod", np.fmod, lambda t, x, y: t.fmod(x, y)),
    *binary("floor_divide", lambda x, y: (x // y) * x * y),
    *binary("divmod", lambda x, y: np.divmod(x, y)[0] * x + np.divmod(x, y)[1] * y),
    *binary("heaviside", lambda x, y: np.heaviside(x, y) * x * y, lambda t, x, y: (x > 0) * x * y),
    Case("heaviside", "at-the-step", lambda y: np.heaviside(np.array([0.0, 1.0]), y), (signed(2),)),
    *[Case("where", k, lambda x, y: np.where(np.arange(3) > 0, x, y), v) for k, v in PAIRS.items() if k != "strided"],
]

CASES: list[Case] = [
    *UNARY,
    *BINARY,
    # a base of 0 among others, where its square and its fourth power are smooth
    *(
        case
        for op, power in (("power", np.power), ("float_power", np.float_power))
        for case in (
            Case(op, "of-zero-too", lambda x, f=power: f(x, np.array([2.0, 3.1, 1.5, 4.0])), (WITH_ZERO,)),
            Case(op, "zero-to-others-too", lambda y, f=power: f(WITH_ZERO, y), (np.array([2.0, 3.1, 1.5, 4.0]),)),
        )
    ),
    Case("float_power", "squared", lambda x: np.float_power(x, 2), (signed(2, 3),)),
    Case("power", "squared", lambda x: x**2, (signed(2, 3),), lambda t, x: x**2),
    Case("power", "cubed", lambda x: x**3, (signed(2, 3),), lambda t, x: x**3),
    Case("power", "to-the-first", lambda x: x**1, (signed(2, 3),), lambda t, x: x**1),
    Case("power", "to-nothing", lambda x: x**0 + x, (signed(2, 3),), lambda t, x: x**0 + x),
    Case("power", "inverse", lambda x: x**-1.5, (numbers(2, 3),), lambda t, x: x**-1.5),
    Case("power", "integer-array", lambda x: x ** np.array([0, 1, 2]), (signed(2, 3),)),
    Case("power", "of-a-number", lambda x: 2**x, (signed(2, 3),), lambda t, x: 2**x),
    Case("multiply", "by-itself", lambda x: x * x, (signed(2, 3),), lambda t, x: x * x),
    Case("multiply", "by-an-array", lambda x: np.arange(3.0) * x, (signed(2, 3),)),
    Case("subtract", "from-a-number", lambda x: 1 - x, (signed(2, 3),), lambda t, x: 1 - x),
    Case("divide", "a-number", lambda x: 2 / x, (signed(2, 3),), lambda t, x: 2 / x),
    Case("remainder", "of-a-number", lambda y: 7.3 % y, (signed(2, 3),)),
    Case("where", "of-a-comparison", lambda x: np.where(x > 0, x * x, 3 * x), (signed(2, 3),)),
    Case("where", "with-a-number", lambda x: np.where(x > 0, x, 0.0), (signed(2, 3),)),
    Case("clip", "both", lambda x: np.clip(x, -1, 0.5), (signed(2, 3),), lambda t, x: t.clip(x, -1, 0.5)),
    Case("clip", "low", lambda x: np.clip(x, 0, None), (signed(2, 3),), lambda t, x: t.clip(x, 0)),
    Case("clip", "high", lambda x: np.clip(x, max=0.5), (STRIDED,), lambda t, x: t.clip(x, max=0.5)),
    Case("clip", "zero-size", lambda x: np.clip(x, 0, 1), (signed(0, 3),), lambda t, x: t.clip(x, 0, 1)),
    Case(
        "clip",
        "limits-with-gradient",
        lambda x, a, b: np.clip(x, a, b),
        (signed(4, 3), np.array([-0.9, 0.1, 1.0]), np.array(0.7)),
        lambda t, x, a, b: t.clip(x, a, b),
    ),
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
    "logical_xor",
    "signbit",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "invert",
    "isnan",
    "isinf",
    "isfinite",
}
