"""Cases of `ops.reduction`."""

import numpy as np

from tests.cases.case import STRIDED, Case, signed

CASES: list[Case] = [
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
]
