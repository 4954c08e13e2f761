"""Cases of `ops.indexing`."""

import numpy as np

from tests.cases.case import Case, signed
from tinygrad_edu import ops

CASES: list[Case] = [
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
]
