"""The conventions where there is no derivative, one or more for every op that documents one in its `kink`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_edu as tg


@dataclass(frozen=True)
class Kink:
    """At `at` the gradient of the sum of `function` is `slope`; `forward`: so it is in forward mode."""

    op: str
    label: str
    function: Callable[..., Any]
    at: Any
    slope: Any
    forward: bool = True

    def __str__(self) -> str:
        return f"{self.op}-{self.label}"


NAN, INF = np.nan, np.inf
KINKS: list[Kink] = [  # forward mode moves eigenvectors too, and equal eigenvalues have no derivative of those
    Kink("relu", "zero", tg.relu, [0.0, -0.0], [0.0, 0.0]),
    Kink("leaky_relu", "zero", lambda x: tg.leaky_relu(x, 0.3), 0.0, 0.3),
    Kink("elu", "zero", lambda x: tg.elu(x, 0.7), 0.0, 0.7),
    Kink("selu", "zero", tg.selu, 0.0, 1.7580993408473766),
    Kink("sqrt", "zero", np.sqrt, 0.0, 0.0),
    Kink("sqrt", "length", lambda x: np.sqrt((x * x).sum()), [0.0, 0.0], [0.0, 0.0]),
    Kink("cbrt", "zero", np.cbrt, 0.0, INF),
    Kink("absolute", "zero", abs, [0.0, -0.0], [0.0, 0.0]),
    Kink("fabs", "zero", np.fabs, 0.0, 0.0),
    Kink("power", "zeroth", lambda x: x**0, [0.0, 1.0], [0.0, 0.0]),
    Kink("power", "zeroth-array", lambda x: x ** np.zeros(2), [0.0, 1.0], [0.0, 0.0]),
    Kink("power", "of-zero", lambda y: 0.0**y, [2.0, 0.0], [0.0, 0.0]),
    Kink("float_power", "of-zero", lambda y: np.float_power(0.0, y), [2.0, 0.0], [0.0, 0.0]),
    Kink("arcsin", "ends", np.arcsin, [1.0, -1.0], [INF, INF]),
    Kink("arccos", "ends", np.arccos, [1.0, -1.0], [-INF, -INF]),
    Kink("hypot", "zero", lambda x: np.hypot(x[0], x[1]), [0.0, 0.0], [0.0, 0.0]),
    Kink("arctan2", "zero", lambda x: np.arctan2(x[0], x[1]), [0.0, 0.0], [0.0, 0.0]),
    *[
        Kink(function.__name__, "step", function, [0.0, 1.0, -2.0, 0.5], [0.0, 0.0, 0.0, 0.0])
        for function in (np.sign, np.floor, np.ceil, np.trunc, np.rint, np.fix, np.round)
    ],
    Kink("heaviside", "step", lambda x: np.heaviside(x, 0.5), [0.0, 1.0], [0.0, 0.0]),
    Kink("floor_divide", "step", lambda x: x // 2, [2.0, 4.0], [0.0, 0.0]),
    Kink("remainder", "step", lambda x: x % 2, [2.0, -4.0], [1.0, 1.0]),
    Kink("remainder", "step-of-divisor", lambda y: 4.0 % y, [2.0], [-2.0]),
    Kink("fmod", "step-of-divisor", lambda y: np.fmod(-4.0, y), [2.0], [2.0]),
    Kink("copysign", "zero", lambda x: np.copysign(x, -1.0), [0.0, 2.0], [0.0, -1.0]),
    Kink("maximum", "equal", lambda x: np.maximum(x, 3.0), [2.0, 3.0, 4.0], [0.0, 0.5, 1.0]),
    Kink("maximum", "itself", lambda x: np.maximum(x, x), 3.0, 1.0),
    Kink("minimum", "equal", lambda x: np.minimum(3.0, x), [2.0, 3.0, 4.0], [1.0, 0.5, 0.0]),
    Kink("minimum", "itself", lambda x: np.minimum(x, x), 3.0, 1.0),
    Kink("fmax", "equal-and-nan", lambda x: np.fmax(x, np.array([3.0, NAN, 1.0])), [3.0, 1.0, NAN], [0.5, 1.0, 0.0]),
    Kink("fmin", "equal-and-nan", lambda x: np.fmin(x, np.array([3.0, NAN, 1.0])), [3.0, 1.0, NAN], [0.5, 1.0, 0.0]),
    Kink("clip", "limits", lambda x: np.clip(x, 0, 1), [-1.0, 0.0, 0.5, 1.0, 2.0], [0.0, 1.0, 1.0, 1.0, 0.0]),
    Kink("std", "equal-but-for-rounding", np.std, [-1.6383041111044254] * 3, [0.0] * 3),
    Kink("clip", "equal-limits", lambda x: np.clip(x, 1, 1), [0.0, 1.0, 2.0], [0.0, 0.0, 0.0]),
    Kink("clip", "limits-alike", lambda a: np.clip(1.0, a, a), [0.0, 1.0, 2.0], [1.0, 1.0, 1.0]),
    Kink("clip", "limit-itself", lambda a: np.clip(1.0, a, 2.0), 1.0, 0.0),
    Kink("nan_to_num", "replaced", np.nan_to_num, [NAN, INF, 1.0], [0.0, 0.0, 1.0]),
    Kink("where", "not-taken", lambda x: np.where(x > 1, np.log(x - 1), 2 * x), [1.0, 2.0], [2.0, 1.0]),
    Kink("std", "equal", np.std, [2.0, 2.0], [0.0, 0.0]),
    Kink("max", "ties", np.max, [2.0, 2.0, 1.0], [0.5, 0.5, 0.0]),
    Kink("max", "ties-of-an-axis", lambda x: x.max(axis=0), [[1.0, 5.0], [1.0, 4.0]], [[0.5, 1.0], [0.5, 0.0]]),
    Kink(
        "max",
        "ties-masked",
        lambda x: np.max(x, initial=0.0, where=np.array([1, 0, 1], bool)),
        [2.0, 2.0, 2.0],
        [0.5, 0.0, 0.5],
    ),
    Kink("max", "initial-wins", lambda x: np.max(x, initial=9.0), [2.0, 1.0], [0.0, 0.0]),
    Kink("min", "ties", np.min, [1.0, 2.0, 1.0], [0.5, 0.0, 0.5]),
    Kink("nanmax", "ties-and-nan", np.nanmax, [2.0, NAN, 2.0], [0.5, 0.0, 0.5]),
    Kink("nanmin", "ties-and-nan", np.nanmin, [2.0, NAN, 3.0], [1.0, 0.0, 0.0]),
    Kink("sort", "ties", lambda x: np.sort(x, kind="stable") * np.arange(3.0), [2.0, 2.0, 1.0], [1.0, 2.0, 0.0]),
    Kink("norm", "zero", np.linalg.norm, [0.0, 0.0], [0.0, 0.0]),
    Kink(
        "norm", "zero-of-rows", lambda x: np.linalg.norm(x, axis=1), [[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [0.6, 0.8]]
    ),
    Kink("norm", "zero-cubed", lambda x: np.linalg.norm(x, 3), [0.0, 0.0], [0.0, 0.0]),
    Kink("eigh", "values-of-equals", lambda x: np.linalg.eigh(x)[0], np.eye(2), np.eye(2), False),
    Kink("svd", "values-of-equals", lambda x: np.linalg.svd(x)[1], np.eye(2), np.eye(2), False),
    Kink("pinv", "zero-matrix", np.linalg.pinv, np.zeros((2, 2)), np.zeros((2, 2))),
    Kink("max_pool", "ties", lambda x: tg.max_pool1d(x, 2), [[2.0, 2.0, 1.0, 0.0]], [[0.5, 0.5, 1.0, 0.0]]),
]
RAISES = {"slogdet"}  # there the function itself has no finite value: `test_linalg.py`
