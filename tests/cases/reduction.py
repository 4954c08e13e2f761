"""Cases of `ops.reduction`, `ops.cumulative`, `ops.sorting` and `ops.statistics`."""

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tests.cases.case import STRIDED, Case, numbers, signed

ARRAYS = {"vector": signed(5), "cube": signed(2, 3, 4), "strided": STRIDED}
MASK = np.arange(24).reshape(2, 3, 4) % 3 > 0


def reductions(op: str, call: Callable[..., Any], torch: Callable[..., Any] | None = None) -> list[Case]:
    """Every kind of axis, with and without keepdims; `torch(t, x, axes, keepdims)` is PyTorch's."""
    kinds: dict[str, dict[str, Any]] = {
        "all": {},
        "keep": {"keepdims": True},
        "last": {"axis": -1},
        "first-keep": {"axis": 0, "keepdims": True},
        "pair": {"axis": (0, -1)},
    }

    def twin(options: dict[str, Any], ndim: int) -> Callable[..., Any] | None:
        axes = options.get("axis", tuple(range(ndim)))
        axes = axes if isinstance(axes, tuple) else (axes,)
        return None if torch is None else lambda t, x: torch(t, x, axes, options.get("keepdims", False))

    return [
        Case(op, f"{kind}-{name}", lambda x, options=options: call(x, **options), (array,), twin(options, array.ndim))
        for name, array in ARRAYS.items()
        for kind, options in kinds.items()
        if kind != "pair" or array.ndim > 1
    ]


WITH_ZEROS = np.array([[0.5, 0.0, 1.2, -0.7], [0.0, 0.3, 0.0, 2.0], [1.1, -0.4, 0.9, 0.6]])
WITH_NAN = np.where(np.arange(24).reshape(2, 3, 4) % 5 == 1, np.nan, signed(2, 3, 4))

REDUCTIONS: list[Case] = [
    *reductions("sum", np.sum, lambda t, x, axes, keep: t.sum(x, axes, keep)),
    *reductions("mean", np.mean, lambda t, x, axes, keep: t.mean(x, axes, keep)),
    *reductions("prod", np.prod),
    *reductions("var", np.var, lambda t, x, axes, keep: t.var(x, axes, correction=0, keepdim=keep)),
    *reductions("std", np.std, lambda t, x, axes, keep: t.std(x, axes, correction=0, keepdim=keep)),
    *reductions("max", np.max, lambda t, x, axes, keep: t.amax(x, axes, keep)),
    *reductions("min", np.min, lambda t, x, axes, keep: t.amin(x, axes, keep)),
    *reductions("nanmax", np.nanmax, lambda t, x, axes, keep: t.amax(x, axes, keep)),
    *reductions("nanmin", np.nanmin, lambda t, x, axes, keep: t.amin(x, axes, keep)),
    *reductions("ptp", np.ptp, lambda t, x, axes, keep: t.amax(x, axes, keep) - t.amin(x, axes, keep)),
    *reductions("logsumexp", tg.logsumexp, lambda t, x, axes, keep: t.logsumexp(x, axes, keep)),
    *reductions("average", np.average, lambda t, x, axes, keep: t.mean(x, axes, keep)),
    *reductions("median", np.median),
    *[
        Case(op, f"where-{kind}", lambda x, call=call, o=options: call(x, where=MASK, **o), (signed(2, 3, 4),))
        for op, call in {
            "sum": np.sum,
            "mean": np.mean,
            "prod": np.prod,
            "var": np.var,
            "std": np.std,
            "max": lambda x, **o: np.max(x, initial=-9.0, **o),
            "min": lambda x, **o: np.min(x, initial=9.0, **o),
            "nansum": np.nansum,
        }.items()
        for kind, options in {"all": {}, "axis": {"axis": 1}, "keep": {"axis": (0, 2), "keepdims": True}}.items()
    ],
    *[
        Case(op, f"{kind}", lambda x, call=call, options=options: call(x, **options), (WITH_NAN,))
        for op, call in {
            "nansum": np.nansum,
            "nanprod": np.nanprod,
            "nanmean": np.nanmean,
            "nanvar": np.nanvar,
            "nanstd": np.nanstd,
            "nanmax": np.nanmax,
            "nanmin": np.nanmin,
            "nanmedian": np.nanmedian,
        }.items()
        for kind, options in {
            "nan": {},
            "nan-axis": {"axis": -1},
            "nan-pair": {"axis": (0, 1), "keepdims": True},
        }.items()
    ],
    *[
        Case(op, "nan", function, (WITH_NAN,))
        for op, function in {"nancumsum": np.nancumsum, "nancumprod": np.nancumprod}.items()
    ],
    Case("nanmean", "without-nan", np.nanmean, (signed(2, 3),)),
    Case("sum", "scalar", np.sum, (signed(),)),
    Case("mean", "scalar", np.mean, (signed(),)),
    Case("max", "scalar", np.max, (signed(),)),
    Case("prod", "scalar", np.prod, (signed(),)),
    Case("var", "scalar", lambda x: np.var(x) + x, (signed(),)),
    Case("logsumexp", "scalar", tg.logsumexp, (signed(),)),
    Case("sum", "zero-size", lambda x: np.sum(x, axis=0), (signed(0, 3),)),
    Case("sum", "zero-size-all", np.sum, (signed(0, 3),)),
    Case("sum", "initial", lambda x: np.sum(x, axis=0, initial=5), (signed(2, 3),)),
    Case("prod", "initial-zeros", lambda x: np.prod(x, axis=1, initial=5), (WITH_ZEROS,)),
    Case("prod", "initial-zero", lambda x: np.prod(x, initial=0) + x.sum(), (signed(2, 3),)),
    Case("mean", "where-broadcast", lambda x: np.mean(x, where=np.array([[True], [False]])), (signed(2, 3),)),
    Case("var", "where-broadcast", lambda x: np.var(x, where=np.array([True])), (signed(3),)),
    Case(
        "max",
        "where-broadcast",
        lambda x: np.max(x, 0, initial=-9.0, where=np.array([[True], [False]])),
        (signed(2, 3),),
    ),
    Case("prod", "initial", lambda x: np.prod(x, axis=0, initial=5), (signed(2, 3),)),
    Case("prod", "zero-size", lambda x: np.prod(x, axis=0) * np.sum(x), (signed(0, 3),)),
    Case("mean", "zero-size", lambda x: np.mean(x, axis=1), (signed(0, 3),)),
    Case("sum", "no-axes", lambda x: np.sum(x, axis=()), (signed(2, 3),)),
    Case("var", "ddof", lambda x: np.var(x, axis=1, ddof=1), (signed(2, 3),), lambda t, x: t.var(x, 1)),
    Case("std", "ddof", lambda x: np.std(x, axis=1, ddof=1), (signed(2, 3),), lambda t, x: t.std(x, 1)),
    Case("prod", "one-zero", lambda x: np.prod(x, axis=1), (WITH_ZEROS,), lambda t, x: t.prod(x, 1)),
    Case("prod", "zeros-first", lambda x: np.prod(x, axis=0), (WITH_ZEROS,), lambda t, x: t.prod(x, 0)),
    Case("prod", "zeros-all", np.prod, (WITH_ZEROS,), lambda t, x: t.prod(x)),
    Case("prod", "zeros-pair", lambda x: np.prod(x, axis=(0, 2)), (WITH_ZEROS.reshape(3, 2, 2),)),
    Case("prod", "zeros-where", lambda x: np.prod(x, axis=1, where=WITH_ZEROS != 1.2), (WITH_ZEROS,)),
    Case("logsumexp", "large", lambda x: tg.logsumexp(x * 1000, axis=0), (signed(2, 3),)),
    Case("softmax", "last", tg.softmax, (signed(2, 3),), lambda t, x: t.softmax(x, -1)),
    Case("softmax", "first", lambda x: tg.softmax(x, axis=0), (STRIDED,), lambda t, x: t.softmax(x, 0)),
    Case("log_softmax", "last", tg.log_softmax, (signed(2, 3),), lambda t, x: t.log_softmax(x, -1)),
    Case("log_softmax", "first", lambda x: tg.log_softmax(x, axis=0), (STRIDED,), lambda t, x: t.log_softmax(x, 0)),
    Case(
        "average",
        "weights",
        lambda x, w: np.average(x, axis=1, weights=w),
        (signed(2, 3), numbers(3)),
        lambda t, x, w: (x * w).sum(1) / w.sum(),
    ),
    Case("average", "weights-all", lambda x, w: np.average(x, weights=w), (signed(2, 3), numbers(2, 3))),
    Case("average", "weights-pair", lambda x, w: np.average(x, (2, 0), w), (signed(2, 3, 4), numbers(4, 2))),
    Case("average", "returned", lambda x, w: np.average(x, 1, w, True, keepdims=True), (signed(2, 3), numbers(2, 3))),
]

RUNNING: list[Case] = [
    *[
        Case(op, f"{name}-{axis}", lambda x, call=call, axis=axis: call(x, axis=axis), (array,), twin)
        for op, call, torch in (
            ("cumsum", np.cumsum, lambda t, x, axis: t.cumsum(x, axis)),
            ("cumprod", np.cumprod, lambda t, x, axis: t.cumprod(x, axis)),
        )
        for name, array in {**ARRAYS, "zeros": WITH_ZEROS, "zero-size": signed(0, 3)}.items()
        for axis in (None, 0, -1)
        for twin in (None if axis is None else lambda t, x, torch=torch, axis=axis: torch(t, x, axis),)
    ],
    Case("cumprod", "scalar", np.cumprod, (signed(),)),
    Case("cumprod", "zeros-long", np.cumprod, (np.where(np.arange(11) % 4 == 2, 0.0, signed(11)),)),
    Case("diff", "vector", np.diff, (signed(5),), lambda t, x: t.diff(x)),
    Case("diff", "twice", lambda x: np.diff(x, 2, axis=0), (signed(4, 2),), lambda t, x: t.diff(x, 2, 0)),
    Case("diff", "too-often", lambda x: np.diff(x, 3), (signed(2, 2),)),
    Case("diff", "none", lambda x: np.diff(x, 0), (signed(2, 2),)),
    Case(
        "diff",
        "joined",
        lambda x, y: np.diff(x, axis=0, prepend=y, append=0.0),
        (signed(3, 2), signed(1, 2, seed=1)),
        lambda t, x, y: t.diff(x, dim=0, prepend=y, append=t.zeros(1, 2, dtype=x.dtype)),
    ),
    Case("cumulative_sum", "rows", lambda x: np.cumulative_sum(x, axis=1), (signed(2, 3),)),
    Case("cumulative_sum", "initial", lambda x: np.cumulative_sum(x, include_initial=True), (signed(3),)),
    Case("cumulative_prod", "initial", lambda x: np.cumulative_prod(x, axis=0, include_initial=True), (signed(3, 2),)),
    Case("trapezoid", "steps-of-1", np.trapezoid, (signed(5),), lambda t, y: t.trapezoid(y)),
    Case("trapezoid", "dx", lambda y: np.trapezoid(y, dx=0.5, axis=0), (signed(3, 2),)),
    Case("trapezoid", "dx-array", lambda y: np.trapezoid(y, dx=np.array([0.5, 0.2])), (signed(2, 3),)),
    Case("trapezoid", "x", np.trapezoid, (signed(2, 4), numbers(4)), lambda t, y, x: t.trapezoid(y, x)),
    Case("trapezoid", "x-full", lambda y, x: np.trapezoid(y, x, axis=0), (signed(3, 2), numbers(3, 2))),
    Case("trapezoid", "one-point", np.trapezoid, (signed(2, 1),)),
]

METHODS = (
    "linear",
    "lower",
    "higher",
    "midpoint",
    "nearest",
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "median_unbiased",
    "normal_unbiased",
)
ORDER: list[Case] = [
    Case("sort", "vector", np.sort, (signed(5),), lambda t, x: t.sort(x)[0]),
    Case("sort", "axis", lambda x: np.sort(x, axis=0), (signed(2, 3, 2),), lambda t, x: t.sort(x, 0)[0]),
    Case("sort", "flat", lambda x: np.sort(x, axis=None, kind="stable"), (STRIDED,)),
    Case("sort", "zero-size", np.sort, (signed(0, 3),), lambda t, x: t.sort(x)[0]),
    Case("sort", "by-argsort", lambda x: x[np.argsort(x)] * np.arange(5), (signed(5),)),
    Case("unsort", "last", lambda g: tg.ops.sorting.disordered(g, np.array([[2, 0], [1, 3]]), 1, 4), (signed(2, 2),)),
    Case("partition", "last", lambda x: np.partition(x, 2), (signed(2, 5),)),
    Case("partition", "several-first", lambda x: np.partition(x, [0, 2], axis=0), (signed(4, 2),)),
    Case("median", "even", np.median, (signed(4),)),
    Case("quantile", "one", lambda x: np.quantile(x, 0.3), (signed(2, 3),), lambda t, x: t.quantile(x, 0.3)),
    Case(
        "quantile",
        "several",
        lambda x: np.quantile(x, [0.0, 0.3, 1.0], axis=0),
        (signed(5, 2),),
        lambda t, x: t.quantile(x, t.tensor([0.0, 0.3, 1.0], dtype=x.dtype), 0),
    ),
    *[
        Case("quantile", method, lambda x, m=method: np.quantile(x, [0.1, 0.52], axis=1, method=m), (signed(2, 7),))
        for method in METHODS
    ],
    Case("quantile", "by-q", lambda x, q: np.quantile(x, q, axis=0), (signed(5, 2), np.array([0.13, 0.61]))),
    Case("quantile", "keep", lambda x: np.quantile(x, 0.3, axis=(0, 2), keepdims=True), (signed(2, 3, 4),)),
    Case("quantile", "square-q", lambda x: np.quantile(x, [[0.2, 0.4], [0.6, 0.8]], axis=0), (signed(5, 2),)),
    Case("percentile", "several", lambda x: np.percentile(x, [10, 90]), (signed(7),)),
    Case("nanquantile", "axis", lambda x: np.nanquantile(x, [0.2, 0.7], axis=-1), (WITH_NAN,)),
    Case("nanquantile", "all", lambda x: np.nanquantile(x, 0.2), (WITH_NAN,)),
    Case("nanpercentile", "pair", lambda x: np.nanpercentile(x, 30, axis=(0, 2), keepdims=True), (WITH_NAN,)),
]

CASES: list[Case] = [*REDUCTIONS, *RUNNING, *ORDER]
