"""Recipes of what moves numbers: shapes, joining, cutting, arranging, diagonals, margins."""

from tinygrad_edu.testing.maker import Maker
from tinygrad_edu.testing.recipes.registry import calls, into, recipe

calls("reshape", "np.reshape(X, -1)", "X.reshape(-1)", "np.reshape(X, RESHAPED, order=ORDER)", "X.reshape(RESHAPED)")
calls("reshape", "np.reshape(A, (A.shape[-1], -1), copy=True)", "X.reshape((-1, 1), order=ORDER)")
calls("reshape", "X.ravel()", "X.flatten()")
calls("ravel", "np.ravel(X, order=ORDER)", "np.ravel(X)")
calls(
    "transpose",
    "np.transpose(X)",
    "X.T",
    "np.transpose(X, PERMUTED)",
    "np.permute_dims(X, PERMUTED)",
    "X.transpose(PERMUTED)",
)
calls("swapaxes", "np.swapaxes(A, AXIS, AXIS)", "A.swapaxes(AXIS, AXIS)", "np.swapaxes(A, 0, -1)")
calls("moveaxis", "np.moveaxis(A, AXIS, AXIS)", "np.moveaxis(B, (0, 1), (-1, 0))", "np.moveaxis(D, (0, -1), (1, 0))")
calls("rollaxis", "np.rollaxis(A, AXIS)", "np.rollaxis(A, AXIS, AXIS)", "np.rollaxis(A, 0, A.ndim)")
calls("matrix_transpose", "np.matrix_transpose(B)", "np.linalg.matrix_transpose(B)", "1.5 * B.mT")
calls("expand_dims", "np.expand_dims(X, 0)", "np.expand_dims(A, AXIS)", "np.expand_dims(A, (0, -1))")
calls("squeeze", "np.squeeze(X)", "np.squeeze(A[:1], 0)", "np.squeeze(A[..., None, 0:1], (-1, -2))", "X.squeeze()")
calls("broadcast_to", "np.broadcast_to(X, (2, *X.shape))", "np.broadcast_to(A[:1], (3, *A.shape[1:]))")
calls("broadcast_arrays", "np.broadcast_arrays(X, Y)[0]", "np.stack(np.broadcast_arrays(X, Y, Z))")
calls("astype", "X.astype(np.float64)", "np.astype(X, float)", "X.astype(X.dtype)")
calls("copy", "np.copy(X)", "np.copy(X, order=ORDER)", "X.copy()")
calls("real", "np.real(X)", "np.real(X) * X")
calls("imag", "np.imag(X) + X")
calls("atleast_1d atleast_2d atleast_3d", "np.NAME(X)", "np.NAME(X, Y)[1]")

LISTS = ("[X, Z]", "(X, Z, X)")
calls(
    "stack",
    *(f"np.stack({of})" for of in LISTS),
    "np.stack([A, Z], axis=AXIS)",
    "np.stack([X, Z, ZZ], axis=-1, dtype=np.float64)",
)
calls(
    "concatenate", "np.concatenate([A, Z])", "np.concatenate((A, Z, A), axis=AXIS)", "np.concatenate([X, Y], axis=None)"
)
calls(
    "concatenate",
    "np.concatenate([V, np.ones(2), W])",
    "np.concat([A, A[:1]])",
    "np.concatenate([A, Z], dtype=np.float64)",
)
calls("concatenate", "np.concatenate([B[0], B[-1]])")
calls("hstack vstack dstack", "np.NAME([X, Z])", "np.NAME((X, Z, X))", "np.NAME([X, np.ones(X.shape)])")
calls("hstack", "np.hstack([V, W, U])")
calls("column_stack", "np.column_stack([V, Z])", "np.column_stack([M, Z, M[:, 0]])")
calls(
    "block",
    "np.block([[X, Z], [Z, X]])",
    "np.block([A, Z])",
    "np.block([[M], [M[0]]])",
    "np.block(X)",
    "np.block([[M, Z], [np.eye(2, 2 * M.shape[1])]])",
)
calls("append", "np.append(X, Y)", "np.append(A, Z, axis=AXIS)", "np.append(V, NUM)", "np.append(np.ones(2), X)")
into("stack", "np.stack([X, Z], out=@)")
into("concatenate", "np.concatenate([A, Z], axis=AXIS, out=@)")

calls("split", "np.split(A, [1], axis=AXIS)[0]", "np.split(A, [1, 3])[1]", "np.split(np.concatenate([A, A]), 2)[1]")
calls("split", "np.concatenate(np.split(A, [-1])[::-1])")
calls(
    "array_split",
    "np.array_split(A, COUNT, AXIS)[0]",
    "np.array_split(A, [1], axis=AXIS)[-1]",
    "np.concatenate(np.array_split(A, 3)[::-1])",
)
calls("hsplit", "np.hsplit(B, [1])[1]", "np.hsplit(V, [1, 2])[0]", "np.hstack(np.hsplit(np.hstack([A, Z]), 2)[::-1])")
calls("vsplit", "np.vsplit(B, [1])[0]", "np.vsplit(np.vstack([B, Z]), 2)[1]")
calls("dsplit", "np.dsplit(D, [1])[0]", "np.dsplit(np.dstack([B, Z]), 2)[1]")
calls(
    "unstack",
    "np.unstack(A, axis=AXIS)[0]",
    "np.unstack(A)[-1]",
    "np.concatenate(np.unstack(B)[::-1])",
    "sum(np.unstack(A, axis=AXIS))",
)

calls("flip", "np.flip(X)", "np.flip(X, AXES)", "np.flip(A, AXIS)")
calls("flipud", "np.flipud(A)")
calls("fliplr", "np.fliplr(B)")
calls(
    "roll",
    "np.roll(X, WHOLE)",
    "np.roll(A, WHOLE, axis=AXIS)",
    "np.roll(B, (WHOLE, 1), (0, -1))",
    "np.roll(A, 1, axis=AXES)",
)
calls("rot90", "np.rot90(B, WHOLE)", "np.rot90(B)", "np.rot90(B, WHOLE, (-1, 0))")
calls("tile", "np.tile(X, COUNT)", "np.tile(X, (2, 1))", "np.tile(M, (COUNT, 1, 2))", "np.tile(X, ())")
calls(
    "repeat",
    "np.repeat(X, COUNT)",
    "np.repeat(A, 2, axis=AXIS)",
    "np.repeat(A, np.arange(A.shape[0]), axis=0)",
    "A.repeat(2, axis=AXIS)",
)
calls("repeat", "np.repeat(A, [2], axis=AXIS)")
calls("kron", "np.kron(V, W)", "np.kron(M, V)", "np.kron(U, X)", "np.kron(V[:2], M)", "np.kron(M[:2, :2], M)")
calls(
    "meshgrid",
    "np.meshgrid(V, W)[0]",
    "np.stack(np.meshgrid(V, W, indexing='ij'))",
    "np.meshgrid(V, W, sparse=True)[1]",
)
calls("meshgrid", "np.meshgrid(V, [1.0, 2.0], W, indexing=INDEXING)[2]", "np.meshgrid(V)[0]", "np.meshgrid(V, U)[0]")
calls("resize", "np.resize(X, (COUNT, COUNT))", "np.resize(X, 5)", "np.resize(A, (2, *A.shape))")

calls("triu tril", "np.NAME(B)", "np.NAME(B, WHOLE)", "np.NAME(V)")
calls("diag", "np.diag(V, WHOLE)", "np.diag(M)", "np.diag(M, NEAR)", "np.diag(V)")
calls("diagflat", "np.diagflat(V)", "np.diagflat(M[:2, :2], NEAR)", "np.diagflat(U, WHOLE)")
calls(
    "diagonal",
    "np.diagonal(B)",
    "np.diagonal(B, NEAR)",
    "np.diagonal(D, NEAR, -1, 0)",
    "np.linalg.diagonal(B, offset=NEAR)",
    "B.diagonal(NEAR)",
)
calls(
    "trace",
    "np.trace(B)",
    "np.trace(B, NEAR)",
    "np.trace(D, NEAR, 2, 1)",
    "np.linalg.trace(B, offset=NEAR)",
    "B.trace(NEAR)",
)
calls(
    "pad",
    "np.pad(X, 1)",
    "np.pad(A, (COUNT, 0), constant_values=NUM)",
    "np.pad(M, ((1, 0), (0, 2)), constant_values=((1, 2), (3, 4)))",
)
calls("pad", "np.pad(V, (1, COUNT), constant_values=U)", "np.pad(B, {-1: (1, 2)})")
calls(
    "pad",
    *(
        f"np.pad({of}, mode={mode!r})"
        for mode in ("edge", "reflect", "symmetric", "wrap")
        for of in ("V, (COUNT, COUNT)", "M, 1")
    ),
)
calls("pad", "np.pad(V, (9, 7), 'reflect')", "np.pad(V, 5, 'wrap')", "np.pad(M, ((0, 2), (3, 0)), 'symmetric')")


@recipe("delete")
def _(m: Maker) -> str:
    x = m.any(1)
    axis = m.axis(x)
    n = m.shape(x)[axis]
    gone = m.one_of(
        m.whole(-n, n - 1), m.wholes(-n, n - 1, m.whole(0, 3)), "np.s_[::2]", "np.s_[1:]", [True] + [False] * (n - 1)
    )
    return f"np.delete({x}, {gone}, axis={axis})" if m.flag() else f"np.delete({x}, {m.whole(0, n - 1)})"


@recipe("insert")
def _(m: Maker) -> str:
    x = m.any(1)
    axis = m.axis(x)
    shape = m.shape(x)
    n, size = shape[axis], int(m.value(x).size)
    if m.flag():  # numbers, among all numbers in one axis
        at = m.one_of(m.whole(-size, size), "np.s_[::2]", m.wholes(-size, size, 1))
        return f"np.insert({x}, {at}, {m.one_of(m.of(()), m.number())})"
    count = m.whole(1, 3)
    slab = tuple(count if i == axis % len(shape) else length for i, length in enumerate(shape))
    rest = tuple(length for i, length in enumerate(shape) if i != axis % len(shape))
    if m.flag():
        return f"np.insert({x}, {m.whole(-n, n)}, {m.of(rest)}, axis={axis})"
    return f"np.insert({x}, {m.wholes(-n, n, count)}, {m.of(slab)}, axis={axis})"
