"""Cases of `ops.shape`."""

import numpy as np

import tinygrad_edu as tg
from tests.cases.case import STRIDED, Case, signed

CASES: list[Case] = [
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
]
