"""Cases of `ops.curves`, and of what `ops.statistics` and `ops.sorting` make of tables."""

import numpy as np

from tests.cases.case import Case, numbers, signed

PLACES = np.array([0.0, 0.4, 1.1, 1.5, 2.6])
CASES: list[Case] = [
    Case("gradient", "steps-of-1", np.gradient, (signed(5),), lambda t, f: t.gradient(f)[0]),
    Case("gradient", "step", lambda f: np.gradient(f, 0.5, axis=0), (signed(4, 2),)),
    Case("gradient", "places", lambda f, x: np.gradient(f, x), (signed(5), PLACES)),
    Case("gradient", "second-order-ends", lambda f, x: np.gradient(f, x, edge_order=2), (signed(5), PLACES)),
    Case("gradient", "both-axes", lambda f: np.gradient(f, 0.5, 2.0, edge_order=2), (signed(3, 4),)),
    Case("gradient", "two-samples", lambda f, h: np.gradient(f, h), (signed(2), numbers())),
    Case("interp", "all", np.interp, (np.array([-0.5, 0.1, 0.5, 2.3, 3.0]), PLACES, signed(5))),
    Case(
        "interp",
        "outside",
        lambda x, f: np.interp(x, PLACES, f, left=-1.0, right=2.0),
        (np.array([-0.5, 0.1, 3.0]), signed(5)),
    ),
    Case("interp", "one-point", lambda x, f: np.interp(x, [1.0], f), (np.array([0.5, 2.0]), signed(1))),
    *[
        Case(op, f"{mode}-{m}-{n}", lambda a, v, call=call, mode=mode: call(a, v, mode), (signed(m), signed(n, seed=3)))
        for op, call in (("convolve", np.convolve), ("correlate", np.correlate))
        for mode in ("full", "same", "valid")
        for m, n in ((5, 3), (4, 4), (2, 5))
    ],
    Case("unwrap", "turns", lambda p: np.unwrap(p * 4), (signed(6),)),
    Case("linspace", "numbers", lambda a, b: np.linspace(a, b, 5), (signed(), signed(seed=1))),
    Case(
        "linspace", "arrays", lambda a, b: np.linspace(a, b, 3, endpoint=False, axis=-1), (signed(2), signed(2, seed=1))
    ),
    Case("linspace", "step", lambda a: np.linspace(a, 1.0, 4, retstep=True), (signed(),)),
    Case("polyval", "array", np.polyval, (signed(3), signed(2, 2))),
    Case("vander", "falling", np.vander, (signed(3),)),
    Case("vander", "rising", lambda x: np.vander(x, 4, increasing=True), (signed(3),)),
    Case("ediff1d", "ends", lambda x, y: np.ediff1d(x, to_begin=y, to_end=[0.0, 1.0]), (signed(2, 2), signed(1))),
    Case("bincount", "weights", lambda w: np.bincount([0, 3, 0, 1], weights=w, minlength=6), (signed(4),)),
    Case("apply_along_axis", "to-numbers", lambda x: np.apply_along_axis(np.prod, 1, x), (signed(2, 3),)),
    Case("apply_along_axis", "to-rows", lambda x: np.apply_along_axis(np.cumsum, 0, x), (signed(3, 2),)),
    Case(
        "apply_along_axis",
        "to-tables",
        lambda x: np.apply_along_axis(lambda r: np.outer(r, r), 1, x),
        (signed(2, 2, 2),),
    ),
    Case("cov", "rows", np.cov, (signed(2, 4),), lambda t, x: t.cov(x)),
    Case("cov", "columns", lambda x: np.cov(x, rowvar=False, ddof=0), (signed(4, 2),)),
    Case("cov", "two", np.cov, (signed(4), signed(4, seed=1))),
    Case("cov", "one", np.cov, (signed(4),), lambda t, x: t.cov(x)),
    Case("cov", "weights", lambda x, w: np.cov(x, fweights=[1, 2, 1, 3], aweights=w), (signed(2, 4), numbers(4))),
    Case("corrcoef", "rows", lambda x: np.corrcoef(x) * np.arange(9.0).reshape(3, 3), (signed(3, 5),)),
    Case(
        "corrcoef",
        "perfect",  # rounding is cut off at 1, where the second derivative is not 0
        lambda x: np.corrcoef(x, [0.0, 0.0, 3.0]) * np.arange(4.0).reshape(2, 2),
        (np.array([1.0, 1.0, 2.0]),),
    ),
    Case("corrcoef", "one", lambda x: np.corrcoef(x) + x.sum(), (signed(4),)),
    Case("unique", "values", np.unique, (signed(2, 3),)),
    Case("unique", "equals", lambda x: np.unique(np.concatenate([x, x])), (signed(3),)),
    Case("unique", "rows", lambda x: np.unique(x, axis=0, return_counts=True), (signed(3, 2),)),
]
