"""Cases of `ops.linalg`."""

import numpy as np

from tests.cases.case import STRIDED, Case, signed

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
