"""Cases of what moves numbers: `ops.shape`, `joining`, `cutting`, `arranging`, `diagonals`, `padding`."""

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tests.cases.case import STRIDED, Case, signed

V, W = signed(4), signed(3, seed=1)
M, N = signed(2, 3), signed(2, 3, seed=1)
C = signed(2, 3, 4)
NONE = signed(0, 3)


def cat(torch: Any, *parts: Any, dim: int = 0) -> Any:
    return torch.cat(parts, dim)


def padded(mode: str, *pad: int) -> Callable[..., Any]:
    """PyTorch's pad takes the last axis first, and its modes want axes for a batch and channels."""

    def twin(torch: Any, x: Any) -> Any:
        if mode == "constant":
            return torch.nn.functional.pad(x, pad)
        return torch.nn.functional.pad(x[None, None], pad, mode=mode)[0, 0]

    return twin


SHAPE: list[Case] = [
    Case("reshape", "flat", lambda x: np.reshape(x, -1), (M,), lambda t, x: x.reshape(-1)),
    Case("reshape", "of-a-view", lambda x: np.reshape(x, (4, 1)), (STRIDED,), lambda t, x: x.reshape(4, 1)),
    Case("reshape", "of-nothing", lambda x: np.reshape(x, (3, 0)), (NONE,), lambda t, x: x.reshape(3, 0)),
    Case("reshape", "to-a-scalar", lambda x: np.reshape(x, ()), (signed(1, 1),), lambda t, x: x.reshape(())),
    Case("reshape", "fortran", lambda x: np.reshape(x, (3, -1, 2), order="F"), (C,)),
    Case("reshape", "fortran-flat", lambda x: np.reshape(x, -1, "F"), (M,), lambda t, x: x.T.reshape(-1)),
    Case("reshape", "copied", lambda x: np.reshape(x, (3, 2), copy=True), (M,), lambda t, x: x.reshape(3, 2)),
    Case("ravel", "rows", np.ravel, (M,), lambda t, x: t.ravel(x)),
    Case("ravel", "columns", lambda x: np.ravel(x, order="F"), (STRIDED,), lambda t, x: t.ravel(x.T)),
    Case("ravel", "number", np.ravel, (signed(),), lambda t, x: t.ravel(x)),
    Case("transpose", "reversed", np.transpose, (C,), lambda t, x: x.permute(2, 1, 0)),
    Case("transpose", "permuted", lambda x: np.transpose(x, (1, 2, 0)), (C,), lambda t, x: x.permute(1, 2, 0)),
    Case("transpose", "negative-axes", lambda x: np.transpose(x, (-1, 0, 1)), (C,), lambda t, x: x.permute(-1, 0, 1)),
    Case("transpose", "attribute", lambda x: x.T, (M,), lambda t, x: x.T),
    Case("transpose", "number", lambda x: np.transpose(x, ()), (signed(),), lambda t, x: x.permute(())),
    Case("transpose", "permute_dims", lambda x: np.permute_dims(x, (0, 2, 1)), (C,), lambda t, x: x.permute(0, 2, 1)),
    Case("swapaxes", "last", lambda x: np.swapaxes(x, 0, -1), (C,), lambda t, x: t.swapaxes(x, 0, -1)),
    Case("moveaxis", "one", lambda x: np.moveaxis(x, 0, -1), (C,), lambda t, x: t.moveaxis(x, 0, -1)),
    Case(
        "moveaxis",
        "several",
        lambda x: np.moveaxis(x, (0, -1), (-2, 0)),
        (C,),
        lambda t, x: x.moveaxis((0, -1), (-2, 0)),
    ),
    Case("rollaxis", "to-the-front", lambda x: np.rollaxis(x, -1), (C,), lambda t, x: x.permute(2, 0, 1)),
    Case("rollaxis", "to-the-back", lambda x: np.rollaxis(x, 0, 3), (C,), lambda t, x: x.permute(1, 2, 0)),
    Case("rollaxis", "negative", lambda x: np.rollaxis(x, 0, -1), (C,), lambda t, x: x.permute(1, 0, 2)),
    Case("matrix_transpose", "stack", np.matrix_transpose, (C,), lambda t, x: x.mT),
    Case("matrix_transpose", "linalg", np.linalg.matrix_transpose, (M,), lambda t, x: x.mT),
    Case("expand_dims", "pair", lambda x: np.expand_dims(x, (0, -1)), (M,), lambda t, x: x[None, ..., None]),
    Case("squeeze", "all", np.squeeze, (signed(1, 3, 1),), lambda t, x: t.squeeze(x)),
    Case("squeeze", "one", lambda x: np.squeeze(x, 0), (signed(1, 3, 1),), lambda t, x: t.squeeze(x, 0)),
    Case("broadcast_to", "rows", lambda x: np.broadcast_to(x, (4, 3)), (W,), lambda t, x: x.expand(4, 3)),
    Case("broadcast_to", "middle", lambda x: np.broadcast_to(x, (2, 4, 3)), (signed(2, 1, 3),)),
    Case("broadcast_to", "scalar", lambda x: np.broadcast_to(x, (2, 3)), (signed(),), lambda t, x: x.expand(2, 3)),
    Case("broadcast_to", "nothing", lambda x: np.broadcast_to(x, (0, 3)), (W,), lambda t, x: x.expand(0, 3)),
    Case("broadcast_arrays", "both", np.broadcast_arrays, (signed(4, 1), W)),
    Case(
        "broadcast_arrays",
        "one",
        lambda x: np.broadcast_arrays(x, np.ones((2, 1)))[0],
        (W,),
        lambda t, x: x.expand(2, 3),
    ),
    Case("sum_to", "row", lambda x: tg.sum_to(x, (3,)), (signed(4, 3),), lambda t, x: x.sum(0)),
    Case("sum_to", "middle", lambda x: tg.sum_to(x, (2, 1, 3)), (signed(5, 2, 4, 3),)),
    Case("sum_to", "scalar", lambda x: tg.sum_to(x, ()), (M,), lambda t, x: x.sum()),
    Case("move", "home", lambda x: tg.ops.move(x, "cpu", "cpu"), (W,)),
    Case("astype", "same", lambda x: x.astype(x.dtype), (M,)),
    Case("copy", "as-it-lies", np.copy, (STRIDED,), lambda t, x: t.clone(x)),
    Case("copy", "by-columns", lambda x: np.copy(x, order="F"), (M,), lambda t, x: t.clone(x)),
    Case("copy", "number", np.copy, (signed(),), lambda t, x: t.clone(x)),
    Case("real", "real", lambda x: np.real(x) * x, (M,), lambda t, x: t.real(x) * x),
    Case("imag", "zeros", lambda x: x * x + np.imag(x), (M,)),
    *[
        Case(name, label, getattr(np, name), (x,), lambda t, x, name=name: getattr(t, name)(x))
        for name in ("atleast_1d", "atleast_2d", "atleast_3d")
        for label, x in {"number": signed(), "vector": V, "matrix": M, "cube": C, "nothing": NONE}.items()
        if (name, label) != ("atleast_3d", "nothing")
    ],
    Case("atleast_1d", "several", np.atleast_1d, (signed(), V)),
]

JOINING: list[Case] = [
    Case("concatenate", "rows", lambda x, y: np.concatenate([x, y]), (M, signed(1, 3)), cat),
    Case("concatenate", "columns", lambda x, y: np.concatenate((x, y, x), axis=-1), (M, signed(2, 1))),
    Case("concatenate", "flat", lambda x, y: np.concatenate([x, y], axis=None), (M, signed(2))),
    Case("concatenate", "with-a-constant", lambda x: np.concatenate([np.ones(2, x.dtype), x]), (W,)),
    Case("concatenate", "nothing", lambda x, y: np.concatenate([x, y]), (NONE, M), cat),
    Case("concatenate", "concat", lambda x, y: np.concat([x.T, y.T], 1), (M, N), lambda t, x, y: t.cat([x.T, y.T], 1)),
    Case("concatenate", "dtype", lambda x, y: np.concatenate([x, y], dtype=x.dtype), (M, N), cat),
    Case("stack", "first", lambda x, y: np.stack([x, y]), (M, N), lambda t, x, y: t.stack([x, y])),
    Case("stack", "last", lambda x, y: np.stack([x, y, x], axis=-1), (M, N), lambda t, x, y: t.stack([x, y, x], -1)),
    Case("stack", "numbers", lambda x, y: np.stack([x, y]), (signed(), signed(seed=1)), lambda t, *x: t.stack(x)),
    Case("hstack", "matrices", lambda x, y: np.hstack([x, y]), (M, signed(2, 1)), lambda t, *x: t.hstack(x)),
    Case("hstack", "vectors", lambda x, y: np.hstack((x, y)), (V, W), lambda t, *x: t.hstack(x)),
    Case("hstack", "with-a-number", lambda x: np.hstack([x, x.dtype.type(1)]), (V,)),
    Case("vstack", "matrices", lambda x, y: np.vstack([x, y]), (M, signed(1, 3)), lambda t, *x: t.vstack(x)),
    Case("vstack", "vectors", lambda x, y: np.vstack([x, y, x]), (W, signed(3)), lambda t, x, y: t.vstack([x, y, x])),
    Case("dstack", "matrices", lambda x, y: np.dstack([x, y]), (M, N), lambda t, *x: t.dstack(x)),
    Case("dstack", "vectors", lambda x, y: np.dstack([x, y]), (W, signed(3)), lambda t, *x: t.dstack(x)),
    Case(
        "column_stack", "vectors", lambda x, y: np.column_stack([x, y]), (W, signed(3)), lambda t, *x: t.column_stack(x)
    ),
    Case("column_stack", "both", lambda x, y: np.column_stack([x, y]), (M, signed(2)), lambda t, *x: t.column_stack(x)),
    Case("block", "matrix", lambda x, y: np.block([[x, y], [y, x]]), (M, N)),
    Case("block", "ranks", lambda x, y: np.block([[x], [y]]), (M, W), lambda t, x, y: t.cat([x, y[None]])),
    Case("block", "row", lambda x, y: np.block([x, y, y[0]]), (V, W), lambda t, x, y: t.cat([x, y, y[:1]])),
    Case("block", "bare", np.block, (M,)),
    Case("append", "flat", lambda x, y: np.append(x, y), (M, W), lambda t, x, y: t.cat([x.ravel(), y])),
    Case("append", "rows", lambda x, y: np.append(x, y, axis=0), (M, N), cat),
    Case("append", "number", lambda y: np.append(np.ones(2, y.dtype), y), (signed(),)),
]


def split(name: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
    return lambda x: getattr(np, name)(x, *args, **kwargs)


CUTTING: list[Case] = [
    Case("split", "equal", split("split", 2, axis=1), (signed(2, 4),)),
    Case("split", "at", split("split", [1, 3]), (V,)),
    Case("split", "beyond", split("split", [-1, 2, 9], axis=-1), (signed(2, 4),)),
    Case("split", "one", lambda x: np.split(x, 2)[1], (V,), lambda t, x: t.split(x, 2)[1]),
    Case("array_split", "uneven", split("array_split", 3), (V,)),
    Case("array_split", "many", split("array_split", 7, 1), (signed(2, 9),)),
    Case("array_split", "too-many", split("array_split", 6), (V,)),
    Case("array_split", "one", lambda x: np.array_split(x, 3)[0], (V,), lambda t, x: t.tensor_split(x, 3)[0]),
    Case("hsplit", "vector", split("hsplit", 2), (V,)),
    Case("hsplit", "matrix", lambda x: np.hsplit(x, [1])[1], (M,), lambda t, x: t.hsplit(x, [1])[1]),
    Case("vsplit", "matrix", lambda x: np.vsplit(x, 2)[1], (M,), lambda t, x: t.vsplit(x, 2)[1]),
    Case("dsplit", "cube", lambda x: np.dsplit(x, 2)[0], (C,), lambda t, x: t.dsplit(x, 2)[0]),
    Case("unstack", "first", np.unstack, (M,)),
    Case("unstack", "many", lambda x: np.unstack(x, axis=-1), (signed(2, 7),)),
    Case("unstack", "one", lambda x: np.unstack(x, axis=1)[2], (M,), lambda t, x: t.unbind(x, 1)[2]),
    Case("delete", "one", lambda x: np.delete(x, 1), (M,), lambda t, x: x.ravel()[[0, 2, 3, 4, 5]]),
    Case("delete", "several", lambda x: np.delete(x, [0, -1, 0], axis=1), (M,), lambda t, x: x[:, 1:2]),
    Case("delete", "slice", lambda x: np.delete(x, slice(None, None, 2)), (V,), lambda t, x: x[1::2]),
    Case("delete", "mask", lambda x: np.delete(x, [True, False, True, False], 0), (V,), lambda t, x: x[1::2]),
    Case("insert", "number", lambda x, y: np.insert(x, 1, y), (V, signed(seed=1))),
    Case("insert", "flat", lambda x, y: np.insert(x, [5, 0, 0], y), (M, W)),
    Case("insert", "row", lambda x, y: np.insert(x, -1, y, axis=0), (M, W)),
    Case("insert", "column", lambda x, y: np.insert(x, 1, y, axis=1), (M, signed(2))),
    Case("insert", "columns", lambda x, y: np.insert(x, [1], y, axis=1), (M, signed(2, 2))),
    Case("insert", "slice", lambda x, y: np.insert(x, slice(0, 4, 2), y), (V, signed(seed=1))),
    Case("insert", "mask", lambda x, y: np.insert(x, np.array([True, False, False, True]), y), (V, signed(2))),
    Case("insert", "stretched", lambda x, y: np.insert(x, [2, 0], y, axis=1), (M, signed(2, 1))),
]

ARRANGING: list[Case] = [
    Case("flip", "all", np.flip, (M,), lambda t, x: t.flip(x, (0, 1))),
    Case("flip", "one", lambda x: np.flip(x, -1), (STRIDED,), lambda t, x: t.flip(x, (-1,))),
    Case("flip", "several", lambda x: np.flip(x, (0, 2)), (C,), lambda t, x: t.flip(x, (0, 2))),
    Case("fliplr", "matrix", np.fliplr, (M,), lambda t, x: t.fliplr(x)),
    Case("flipud", "matrix", np.flipud, (M,), lambda t, x: t.flipud(x)),
    Case("flipud", "vector", np.flipud, (V,), lambda t, x: t.flipud(x)),
    Case("roll", "flat", lambda x: np.roll(x, 2), (M,), lambda t, x: t.roll(x, 2)),
    Case("roll", "axis", lambda x: np.roll(x, -1, axis=1), (M,), lambda t, x: t.roll(x, -1, 1)),
    Case("roll", "axes", lambda x: np.roll(x, (1, -5), (0, 1)), (M,), lambda t, x: t.roll(x, (1, -5), (0, 1))),
    Case("roll", "one-shift", lambda x: np.roll(x, 1, axis=(0, 1)), (M,), lambda t, x: t.roll(x, (1, 1), (0, 1))),
    *[
        Case("rot90", f"{k}-turns", lambda x, k=k: np.rot90(x, k), (M,), lambda t, x, k=k: t.rot90(x, k))
        for k in range(5)
    ],
    Case("rot90", "axes", lambda x: np.rot90(x, -1, (2, 0)), (C,), lambda t, x: t.rot90(x, -1, (2, 0))),
    Case("tile", "row", lambda x: np.tile(x, 3), (V,), lambda t, x: t.tile(x, (3,))),
    Case("tile", "more-axes", lambda x: np.tile(x, (2, 1, 2)), (M,), lambda t, x: t.tile(x, (2, 1, 2))),
    Case("tile", "fewer-axes", lambda x: np.tile(x, 2), (C,), lambda t, x: t.tile(x, (2,))),
    Case("tile", "number", lambda x: np.tile(x, (2, 2)), (signed(),), lambda t, x: t.tile(x, (2, 2))),
    Case("tile", "no-times", lambda x: np.tile(x, 0), (V,), lambda t, x: t.tile(x, (0,))),
    Case("tile", "no-axes", lambda x: np.tile(x, ()), (signed(),), lambda t, x: t.tile(x, ())),
    Case("repeat", "flat", lambda x: np.repeat(x, 2), (M,), lambda t, x: t.repeat_interleave(x, 2)),
    Case("repeat", "axis", lambda x: np.repeat(x, 3, axis=1), (C,), lambda t, x: t.repeat_interleave(x, 3, 1)),
    Case("repeat", "last", lambda x: np.repeat(x, [2], axis=-1), (M,), lambda t, x: t.repeat_interleave(x, 2, -1)),
    Case(
        "repeat",
        "each",
        lambda x: np.repeat(x, [2, 0, 1], axis=1),
        (M,),
        lambda t, x: t.repeat_interleave(x, t.tensor([2, 0, 1]), 1),
    ),
    Case("repeat", "number", lambda x: np.repeat(x, 3), (signed(),), lambda t, x: t.repeat_interleave(x, 3)),
    Case("repeat", "no-times", lambda x: np.repeat(x, 0), (V,), lambda t, x: t.repeat_interleave(x, 0)),
    Case("kron", "vectors", np.kron, (V, W), lambda t, x, y: t.kron(x, y)),
    Case("kron", "matrices", np.kron, (M, signed(3, 2)), lambda t, x, y: t.kron(x, y)),
    Case("kron", "ranks", np.kron, (M, W), lambda t, x, y: t.kron(x, y)),
    Case("kron", "number", np.kron, (signed(), M), lambda t, x, y: t.kron(x, y)),
    Case("meshgrid", "xy", np.meshgrid, (V, W)),
    Case("meshgrid", "ij", lambda x, y: np.meshgrid(x, y, signed(2), indexing="ij")[:2], (V, W)),
    Case("meshgrid", "sparse", lambda x, y: np.meshgrid(x, y, sparse=True), (V, W)),
    Case("meshgrid", "one", np.meshgrid, (V,)),
    Case("meshgrid", "first", lambda x: np.meshgrid(x, V)[0], (W,), lambda t, x: x.expand(4, 3)),
    Case("resize", "longer", lambda x: np.resize(x, (3, 3)), (V,)),
    Case("resize", "shorter", lambda x: np.resize(x, 3), (M,), lambda t, x: x.ravel()[:3]),
    Case("resize", "nothing", lambda x: np.resize(x, (2, 2)), (NONE,)),
]

DIAGONALS: list[Case] = [
    Case("triu", "matrix", np.triu, (M,), lambda t, x: t.triu(x)),
    Case("triu", "stack", lambda x: np.triu(x, 1), (C,), lambda t, x: t.triu(x, 1)),
    Case("triu", "vector", np.triu, (W,)),
    Case("tril", "matrix", np.tril, (M,), lambda t, x: t.tril(x)),
    Case("tril", "stack", lambda x: np.tril(x, -1), (C,), lambda t, x: t.tril(x, -1)),
    Case("diag", "of-a-matrix", lambda x: np.diag(x, 1), (M,), lambda t, x: t.diag(x, 1)),
    *[
        Case("diag", f"number-{k}", lambda x, k=k: np.diag(x, k), (W,), lambda t, x, k=k: t.diag(x, k))
        for k in (-2, 0, 1)
    ],
    Case("diagflat", "matrix", lambda x: np.diagflat(x, -1), (signed(2, 2),), lambda t, x: t.diagflat(x, -1)),
    *[
        Case("diagonal", f"number-{k}", lambda x, k=k: np.diagonal(x, k), (M,), lambda t, x, k=k: t.diagonal(x, k))
        for k in (-3, -1, 0, 1, 2)
    ],
    Case("diagonal", "axes", lambda x: np.diagonal(x, 1, -1, 0), (C,), lambda t, x: t.diagonal(x, 1, -1, 0)),
    Case("diagonal", "strided", np.diagonal, (STRIDED,), lambda t, x: t.diagonal(x)),
    Case(
        "diagonal",
        "tall",
        lambda x: np.linalg.diagonal(x, offset=-1),
        (signed(2, 4, 3),),
        lambda t, x: x.diagonal(-1, 1, 2),
    ),
    Case("trace", "matrix", np.trace, (M,), lambda t, x: x.diagonal().sum()),
    Case("trace", "linalg", lambda x: np.linalg.trace(x, offset=1), (C,), lambda t, x: x.diagonal(1, 1, 2).sum(-1)),
    Case("trace", "axes", lambda x: np.trace(x, -1, 2, 1), (C,), lambda t, x: x.diagonal(-1, 2, 1).sum(-1)),
]

PADDING: list[Case] = [
    Case("pad", "edge-squared", lambda x: np.pad(x, 2, "edge") ** 2, (signed(3, 2),)),
    Case("pad", "by-its-constant", lambda x, c: np.pad(x, 1, constant_values=c), (signed(2, 2), signed())),
    Case("pad", "constant", lambda x: np.pad(x, ((1, 2), (0, 1))), (M,), padded("constant", 0, 1, 1, 2)),
    Case("pad", "values", lambda x: np.pad(x, 1, constant_values=((1, 2), (3, 4))), (M,)),
    Case("pad", "by-axis", lambda x: np.pad(x, ((0, 0), (1, 2))), (STRIDED,), padded("constant", 1, 2)),
    Case("pad", "of-nothing", lambda x: np.pad(x, (1, 0)), (NONE,), padded("constant", 1, 0, 1, 0)),
    Case("pad", "edge", lambda x: np.pad(x, ((1, 2), (3, 0)), "edge"), (M,), padded("replicate", 3, 0, 1, 2)),
    Case("pad", "reflect", lambda x: np.pad(x, (1, 1), "reflect"), (signed(3, 3),), padded("reflect", 1, 1, 1, 1)),
    Case("pad", "reflect-far", lambda x: np.pad(x, 5, mode="reflect"), (W,)),
    Case("pad", "symmetric", lambda x: np.pad(x, ((2, 1), (0, 0)), "symmetric"), (M,)),
    Case("pad", "wrap", lambda x: np.pad(x, 1, "wrap"), (M,), padded("circular", 1, 1, 1, 1)),
    Case("pad", "wrap-far", lambda x: np.pad(x, (5, 9), "wrap"), (W,)),
    Case("pad", "no-axes", lambda x: np.pad(x, 0), (signed(),)),
]

CASES: list[Case] = [*SHAPE, *JOINING, *CUTTING, *ARRANGING, *DIAGONALS, *PADDING]
