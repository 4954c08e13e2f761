"""Cases of the linear algebra: products, einsum, inverses, determinants, decompositions, norms.

`cholesky` and `eigh` read one triangle, so their cases hand them x + xᵀ or the like, which moves both. Vectors that are
free in their sign or order are used in ways that are not.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.cases.case import STRIDED, Case, signed

Arrays = tuple["np.ndarray[Any, Any]", ...]
MATMUL: dict[str, Arrays] = {
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
DOT: dict[str, Arrays] = {
    **{k: MATMUL[k] for k in ("1-1", "2-1", "1-2", "2-2", "3-1", "1-3", "3-2", "2-3", "3-3", "zero-inner")},
    "0-0": (signed(), signed(seed=1)),
    "0-2": (signed(), signed(2, 3)),
    "3-0": (signed(2, 2, 3), signed()),
    "0-1": (signed(), signed(3)),
    "4-3": (signed(2, 1, 2, 3), signed(2, 3, 2)),
}
INNER: dict[str, Arrays] = {
    "1-1": (signed(3), signed(3, seed=1)),
    "2-1": (signed(2, 3), signed(3)),
    "1-3": (signed(3), signed(2, 2, 3)),
    "3-2": (signed(2, 2, 3), signed(4, 3)),
    "0-2": (signed(), signed(2, 3)),
    "2-0": (signed(2, 3), signed()),
    "0-0": (signed(), signed(seed=1)),
    "zero-size": (signed(2, 0), signed(3, 0)),
}
EINSUM: dict[str, Arrays] = {
    "ij,jk->ik": (signed(2, 3), signed(3, 4)),
    "ij,jk": (signed(2, 3), signed(3, 4)),
    "ba,ac": (signed(2, 3), signed(3, 4)),
    "ij,kj->ki": (STRIDED, signed(4, 2)),
    "bij,bjk->bik": (signed(2, 2, 3), signed(2, 3, 2)),
    "bhqd,bhkd->bhqk": (signed(1, 2, 2, 3), signed(1, 2, 4, 3)),
    "i,j->ij": (signed(2), signed(3)),
    "i,i->": (signed(3), signed(3, seed=1)),
    "i,i->i": (signed(3), signed(3, seed=1)),
    "bi,bi->b": (signed(2, 3), signed(2, 3, seed=1)),
    "ij,j->": (signed(2, 3), signed(3)),
    "ijk,jl->il": (signed(2, 3, 2), signed(3, 2)),
    "ij->ji": (signed(2, 3),),
    "ba": (signed(2, 3),),
    "ij->": (signed(2, 3),),
    "ij->j": (signed(2, 3),),
    "ii": (signed(3, 3),),
    "ii->i": (signed(3, 3),),
    "iij->j": (signed(2, 2, 3),),
    "iji->ji": (signed(2, 3, 2),),
    "iii->i": (signed(2, 2, 2),),
    "ii,ij->j": (signed(2, 2), signed(2, 3)),
    "...ij,...jk->...ik": (signed(2, 2, 3), signed(3, 2)),
    "...i,i...->...": (signed(2, 3), signed(3, 1)),
    "i...->...": (signed(2, 3, 2),),
    "...": (signed(2, 3),),
    "ij,ij->ij": (signed(1, 3), signed(2, 3, seed=1)),
    "ij,jk->k": (signed(2, 1), signed(3, 2)),
    ",ij->ij": (signed(), signed(2, 3)),
    "ij,jk,kl->il": (signed(2, 3), signed(3, 2), signed(2, 2, seed=2)),
    "i,ij,j": (signed(2), signed(2, 3), signed(3)),
    "a,b,c,ab->c": (signed(2), signed(3), signed(2, seed=1), signed(2, 3)),
    "zero,zk->ek": (signed(0, 2, 2, 2), signed(0, 2)),
}


def well(*shape: int, seed: int = 0) -> "np.ndarray[Any, Any]":
    """Matrices far from singular, with singular values far apart."""
    rows, columns = shape[-2:]
    return np.asarray(signed(*shape, seed=seed) / 4 + np.eye(rows, columns) * np.arange(1.0, columns + 1))


SQUARE: dict[str, Arrays] = {
    "one": (well(1, 1),),
    "matrix": (well(3, 3),),
    "stack": (well(2, 1, 2, 2),),
    "strided": (well(3, 6)[:, ::-2] + np.eye(3)[::-1],),
    "zero-size": (well(0, 0),),
    "empty-stack": (well(0, 2, 2),),
}
RECTANGULAR: dict[str, Arrays] = {
    "tall": (well(3, 2),),
    "wide": (well(2, 3),),
    "square": (well(2, 2),),
    "row": (well(1, 3),),
    "stack": (well(2, 3, 2),),
    "zero-size": (well(3, 0),),
}
SOLVE: dict[str, Arrays] = {
    "vector": (well(3, 3), signed(3)),
    "matrix": (well(3, 3), signed(3, 2)),
    "stack-and-vector": (well(2, 2, 2), signed(2)),
    "stacks": (well(2, 1, 2, 2), signed(3, 2, 1)),
    "matrix-and-stack": (well(2, 2), signed(3, 2, 1)),
    "no-columns": (well(2, 2), signed(2, 0)),
    "zero-size": (well(0, 0), signed(0)),
}
SINGULAR: dict[str, Arrays] = {
    "singular": (np.array([[1.0, 2.0], [2.0, 4.0]]),),
    "rank-1-of-3": (np.outer(signed(3), signed(3, seed=1)),),
    "zero": (np.zeros((2, 2)),),
    "zero-3": (np.zeros((3, 3)),),
    "one-of-a-stack": (np.stack([well(2, 2), np.ones((2, 2))]),),
}
COND: dict[str, Arrays] = {"stack": (well(2, 2, 2),)}
NORMS: dict[str, tuple[Arrays, dict[str, Any]]] = {
    "vector": ((signed(3),), {}),
    "matrix": ((signed(2, 3),), {}),
    "number": ((signed(),), {}),
    "all-of-three-axes": ((signed(2, 2, 3),), {"keepdims": True}),
    "strided": ((STRIDED,), {}),
    "axis": ((signed(2, 3),), {"axis": 0}),
    "axis-keepdims": ((signed(2, 3),), {"axis": -1, "keepdims": True}),
    "2": ((signed(2, 3),), {"ord": 2, "axis": 1}),
    "1": ((signed(2, 3),), {"ord": 1, "axis": 1}),
    "3": ((signed(2, 3),), {"ord": 3, "axis": 0, "keepdims": True}),
    "1.5-of-a-vector": ((signed(3),), {"ord": 1.5}),
    "-1": ((signed(3),), {"ord": -1}),
    "0": ((signed(3),), {"ord": 0}),
    "inf": ((signed(2, 3),), {"ord": np.inf, "axis": 0}),
    "-inf": ((signed(3),), {"ord": -np.inf}),
    "fro": ((signed(2, 3),), {"ord": "fro"}),
    "fro-axes": ((signed(2, 2, 3),), {"ord": "fro", "axis": (2, 0), "keepdims": True}),
    "matrix-1": ((well(2, 3),), {"ord": 1}),
    "matrix--1": ((signed(2, 2, 3),), {"ord": -1, "axis": (1, 2)}),
    "matrix-inf": ((signed(2, 2, 3),), {"ord": np.inf, "axis": (2, 0), "keepdims": True}),
    "matrix--inf": ((signed(2, 3),), {"ord": -np.inf}),
    "matrix-2": ((well(2, 3),), {"ord": 2}),
    "matrix--2": ((well(2, 3),), {"ord": -2, "keepdims": True}),
    "matrix-nuc": ((np.moveaxis(well(2, 3, 2), 0, 1),), {"ord": "nuc", "axis": (0, -1)}),
    "zero-size": ((signed(0),), {}),
    "no-rows": ((signed(0, 2),), {"axis": 0}),
}


def mirrored(x: Any) -> Any:
    """x + xᵀ, for each matrix of a stack."""
    return x + x.swapaxes(-1, -2)


def positive(x: Any) -> Any:
    """x xᵀ + I: symmetric and positive definite."""
    return x @ x.swapaxes(-1, -2) + np.eye(x.shape[-1])


def of_linalg(op: str, table: dict[str, Arrays], twin: bool = True, **options: Any) -> list[Case]:
    """One case a row of the table, of `np.linalg`'s function and `torch.linalg`'s, which has the same name."""
    label = "".join(f"-{value}" for value in options.values())
    return [
        Case(
            op,
            f"{row}{label}",
            lambda *a: getattr(np.linalg, op)(*a, **options),
            arrays,
            (lambda torch, *a: getattr(torch.linalg, op)(*a, **options)) if twin else None,
        )
        for row, arrays in table.items()
    ]


def combined(
    op: str, table: dict[str, Arrays], function: Callable[..., Any], torch: Callable[..., Any] | None = None
) -> list[Case]:
    """One case a row of the table."""
    return [Case(op, row, function, arrays, torch) for row, arrays in table.items()]


def _norm_in_torch(options: dict[str, Any]) -> Callable[..., Any]:
    names = {"ord": "ord", "axis": "dim", "keepdims": "keepdim"}
    return lambda torch, x: torch.linalg.norm(x, **{names[name]: value for name, value in options.items()})


def _eigen_projections(eigh: Callable[..., Any], x: Any) -> Any:
    """The square of each eigenvector's numbers, times the eigenvalues: free of the vectors' signs."""
    w, v = eigh(mirrored(x))
    return v * v * w[..., None, :]


def _singular_products(svd: Callable[..., Any], x: Any, **options: Any) -> Any:
    """uᵢₖ sₖ² vⱼₖ for every k: free of the vectors' signs."""
    u, s, vt = svd(x, **options)
    k = s.shape[-1]
    return (u[..., :k] * s[..., None, :] ** 2)[..., :, None, :] * vt[..., :k, :].swapaxes(-1, -2)[..., None, :, :]


def _of_complete(x: Any) -> Any:
    q, r = np.linalg.qr(x, mode="complete")
    return q[..., : x.shape[-1]] @ (r[..., : x.shape[-1], :] * 2 + 1)


PRODUCTS: list[Case] = [
    *combined("matmul", MATMUL, lambda x, y: x @ y, lambda torch, x, y: x @ y),
    Case("matmul", "by-itself", lambda x: x @ x.T, (signed(2, 3),), lambda torch, x: x @ x.T),
    Case("matmul", "linalg", lambda x, y: np.linalg.matmul(x, y), MATMUL["2-2"]),
    *[
        Case("dot", label, np.dot, pair, (lambda torch, x, y: x @ y) if label in ("1-1", "2-2") else None)
        for label, pair in DOT.items()
    ],
    *[
        Case(f.__name__, f"number-{label}", function, (signed(3),))
        for f in (np.dot, np.inner)
        for label, function in (("first", lambda x, f=f: f(0.5, x)), ("second", lambda x, f=f: f(x, 0.5)))
    ],
    *combined("inner", INNER, np.inner, lambda torch, x, y: torch.inner(x, y)),
    Case(
        "vecdot", "rows", np.vecdot, (signed(2, 3), signed(2, 3, seed=1)), lambda torch, x, y: torch.linalg.vecdot(x, y)
    ),
    Case(
        "vecdot", "broadcast", np.vecdot, (signed(2, 1, 3), signed(4, 3)), lambda torch, x, y: torch.linalg.vecdot(x, y)
    ),
    Case("vecdot", "axis", lambda x, y: np.linalg.vecdot(x, y, axis=0), (signed(3, 2), signed(3, 2, seed=1))),
    Case("vecdot", "axis-broadcast", lambda x, y: np.linalg.vecdot(x, y, axis=0), (signed(3), signed(3, 2))),
    Case("vecdot", "axis-from-the-end", lambda x, y: np.linalg.vecdot(x, y, axis=-2), (signed(3, 2), signed(2, 3, 2))),
    Case("matvec", "one", np.matvec, (signed(2, 3), signed(3))),
    Case("matvec", "broadcast", np.matvec, (signed(2, 3), signed(4, 3))),
    Case("matvec", "stack", np.matvec, (signed(2, 2, 3), signed(3))),
    Case("vecmat", "one", np.vecmat, (signed(2), signed(2, 3))),
    Case("vecmat", "broadcast", np.vecmat, (signed(4, 2), signed(2, 3))),
    Case("vecmat", "stack", np.vecmat, (signed(2), signed(2, 2, 3))),
    Case("cross", "vectors", np.cross, (signed(3), signed(3, seed=1)), lambda torch, x, y: torch.linalg.cross(x, y)),
    Case(
        "cross", "broadcast", np.cross, (signed(2, 1, 3), signed(1, 2, 3)), lambda torch, x, y: torch.linalg.cross(x, y)
    ),
    Case("cross", "axis", lambda x, y: np.cross(x, y, axis=0), (signed(3, 2), signed(3, 2, seed=1))),
    Case("cross", "axis-broadcast", lambda x, y: np.linalg.cross(x, y, axis=0), (signed(3, 2), signed(3, 1))),
    Case("cross", "three-axes", lambda x, y: np.cross(x, y, 0, 1, 0), (signed(3, 2), signed(2, 3))),
    Case("cross", "up", lambda x, y: np.cross(x, y, 0, 1, 2), (signed(3), signed(2, 3, 2))),
    Case("outer", "vectors", np.outer, (signed(2), signed(3)), lambda torch, x, y: torch.outer(x, y)),
    Case("outer", "matrices", np.outer, (signed(2, 2), signed(3, 1))),
    Case("outer", "linalg", lambda x, y: np.linalg.outer(x, y), (signed(2), signed(3))),
    Case("vdot", "matrices", np.vdot, (signed(2, 3), signed(3, 2))),
    Case("vdot", "numbers", np.vdot, (signed(), signed(1))),
    Case(
        "tensordot",
        "pairs",
        lambda x, y: np.tensordot(x, y, axes=([0, 2], [2, 1])),
        (signed(2, 3, 4), signed(5, 4, 2)),
        lambda torch, x, y: torch.tensordot(x, y, dims=([0, 2], [2, 1])),
    ),
    Case("tensordot", "two", lambda x, y: np.tensordot(x, y), (signed(2, 3, 4), signed(3, 4))),
    Case("tensordot", "none", lambda x, y: np.linalg.tensordot(x, y, axes=0), (signed(2), signed(3))),
    Case("tensordot", "one-axis", lambda x, y: np.tensordot(x, y, axes=(-1, 0)), (signed(2, 3), signed(3, 2))),
    Case(
        "multi_dot",
        "matrices",
        lambda *a: np.linalg.multi_dot(a),
        (signed(2, 3), signed(3, 1), signed(1, 3), signed(3, 2)),
        lambda torch, *a: torch.linalg.multi_dot(a),
    ),
    Case("multi_dot", "vectors", lambda *a: np.linalg.multi_dot(a), (signed(2), signed(2, 3), signed(3))),
    Case("multi_dot", "two", lambda *a: np.linalg.multi_dot(a), (signed(2), signed(2, 3))),
    *[
        Case(
            "matrix_power",
            str(n),
            lambda x, n=n: np.linalg.matrix_power(x, n),
            (well(2, 2, 2),),
            lambda torch, x, n=n: torch.linalg.matrix_power(x, n),
        )
        for n in (-2, 0, 1, 3, 5)
    ],
    *[
        Case(
            "einsum",
            subscripts,
            lambda *a, s=subscripts: np.einsum(s, *a),
            arrays,
            lambda torch, *a, s=subscripts: torch.einsum(s, *a),
        )
        for subscripts, arrays in EINSUM.items()
    ],
    Case("einsum", "numbers", lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [2, 0]), (signed(2, 3), signed(3, 2))),
    Case("einsum", "numbers-implicit", lambda x, y: np.einsum(x, [5, 1], y, [1, 3]), (signed(2, 3), signed(3, 2))),
    Case("einsum", "numbers-dots", lambda x: np.einsum(x, [..., 0], [0, ...]), (signed(2, 3),)),
    Case(
        "einsum", "optimize", lambda x, y: np.einsum("ij,jk->k", x, y, optimize="optimal"), (signed(2, 3), signed(3, 2))
    ),
]

INVERSES: list[Case] = [
    *of_linalg("inv", SQUARE),
    *of_linalg("solve", SOLVE),
    *of_linalg("pinv", {k: v for k, v in RECTANGULAR.items() if k != "zero-size"}),
    Case("pinv", "zero-size", np.linalg.pinv, RECTANGULAR["zero-size"]),
    Case("pinv", "hermitian", lambda x: np.linalg.pinv(mirrored(x), hermitian=True), (well(3, 3),)),
    Case("pinv", "of-rank-1", lambda x, y: np.linalg.pinv(np.outer(x, y), 1e-8), (signed(3), signed(2))),
    Case("pinv", "rtol", lambda x: np.linalg.pinv(x, rtol=1e-3), (well(3, 2),)),
    *of_linalg("tensorinv", {"pairs": (well(4, 4).reshape(2, 2, 4, 1),)}),
    Case("tensorinv", "ind", lambda x: np.linalg.tensorinv(x, ind=1), (well(4, 4).reshape(4, 2, 2),)),
    *of_linalg("tensorsolve", {"pairs": (well(4, 4).reshape(2, 2, 4), signed(2, 2))}),
    Case(
        "tensorsolve", "axes", lambda a, b: np.linalg.tensorsolve(a, b, (0,)), (well(4, 4).reshape(2, 4, 2), signed(4))
    ),
    *[
        Case("lstsq", label, lambda a, b: np.linalg.lstsq(a, b)[:2], arrays)
        for label, arrays in {
            "tall": (well(3, 2), signed(3)),
            "tall-matrix": (well(4, 2), signed(4, 2)),
            "wide": (well(2, 3), signed(2)),
            "wide-matrix": (well(2, 3), signed(2, 2)),
            "square": (well(2, 2), signed(2)),
        }.items()
    ],
    Case(
        "lstsq",
        "of-rank-1",
        lambda x, y, b: np.linalg.lstsq(np.outer(x, y), b, 1e-8)[0],
        (signed(3), signed(2), signed(3, seed=2)),
    ),
    Case(
        "lstsq",
        "solution",
        lambda a, b: np.linalg.lstsq(a, b, rcond=-1)[0],
        (well(3, 2), signed(3, 2)),
        lambda torch, a, b: torch.linalg.lstsq(a, b, driver="gelsd").solution,
    ),
]

DETERMINANTS: list[Case] = [
    *of_linalg("det", SQUARE),
    *of_linalg("det", SINGULAR, twin=False),
    *of_linalg("slogdet", SQUARE, twin=False),
    *[
        Case(
            "slogdet",
            f"log-{k}",
            lambda x: np.linalg.slogdet(x).logabsdet,
            v,
            lambda torch, x: torch.linalg.slogdet(x)[1],
        )
        for k, v in SQUARE.items()
    ],
]

DECOMPOSITIONS: list[Case] = [
    *combined(
        "cholesky",
        SQUARE,
        lambda x: np.linalg.cholesky(positive(x)),
        lambda torch, x: torch.linalg.cholesky(x @ x.mT + torch.eye(x.shape[-1])),
    ),
    Case(
        "cholesky",
        "upper",
        lambda x: np.linalg.cholesky(positive(x), upper=True),
        SQUARE["stack"],
        lambda torch, x: torch.linalg.cholesky(x @ x.mT + torch.eye(x.shape[-1]), upper=True),
    ),
    *combined(
        "eigh",
        SQUARE,
        lambda x: _eigen_projections(np.linalg.eigh, x),
        lambda torch, x: _eigen_projections(torch.linalg.eigh, x),
    ),
    Case("eigh", "vectors", lambda x: np.linalg.eigh(mirrored(x)), SQUARE["matrix"]),
    Case("eigh", "upper", lambda x: _eigen_projections(lambda s: np.linalg.eigh(s, UPLO="U"), x), SQUARE["stack"]),
    *combined(
        "eigvalsh",
        SQUARE,
        lambda x: np.linalg.eigvalsh(mirrored(x)) ** 2,
        lambda torch, x: torch.linalg.eigvalsh(mirrored(x)) ** 2,
    ),
    *of_linalg("qr", RECTANGULAR, twin=False),
    *combined(
        "qr",
        {f"r-{k}": v for k, v in RECTANGULAR.items()},
        lambda x: np.linalg.qr(x, mode="r"),
    ),
    *combined("qr", {f"complete-{k}": v for k, v in RECTANGULAR.items()}, _of_complete),
    *combined(
        "qr",
        {f"twin-{k}": RECTANGULAR[k] for k in ("tall", "square", "stack")},
        lambda x: np.linalg.qr(x).Q,
        lambda torch, x: torch.linalg.qr(x).Q,
    ),
    *combined(
        "svd",
        RECTANGULAR,
        lambda x: _singular_products(np.linalg.svd, x),
        lambda torch, x: _singular_products(torch.linalg.svd, x, full_matrices=False),
    ),
    *of_linalg("svd", RECTANGULAR, twin=False, full_matrices=False),
    Case("svd", "values", lambda x: np.linalg.svd(x, compute_uv=False), RECTANGULAR["stack"]),
    Case("svd", "hermitian", lambda x: np.linalg.svd(mirrored(x) - 4 * np.eye(3), hermitian=True), SQUARE["matrix"]),
    Case(
        "svd",
        "hermitian-values",
        lambda x: np.linalg.svd(mirrored(x) - 4 * np.eye(3), compute_uv=False, hermitian=True),
        SQUARE["matrix"],
    ),
    *of_linalg("svdvals", RECTANGULAR),
]

NORM: list[Case] = [
    Case("norm", "zero-among-others", lambda x: np.linalg.norm(x, 4), (np.array([0.0, 1.3, -0.7]),)),
    *[
        Case("norm", label, lambda x, o=options: np.linalg.norm(x, **o), arrays, _norm_in_torch(options))
        for label, (arrays, options) in NORMS.items()
    ],
    Case("vector_norm", "all", np.linalg.vector_norm, (signed(2, 3),), lambda torch, x: torch.linalg.vector_norm(x)),
    Case("vector_norm", "3", lambda x: np.linalg.vector_norm(x, axis=(0, 2), ord=3), (signed(2, 2, 3),)),
    Case("vector_norm", "keepdims", lambda x: np.linalg.vector_norm(x, keepdims=True, ord=np.inf), (signed(2, 3),)),
    Case("matrix_norm", "fro", np.linalg.matrix_norm, (signed(2, 2, 3),), lambda torch, x: torch.linalg.matrix_norm(x)),
    Case("matrix_norm", "nuc", lambda x: np.linalg.matrix_norm(x, keepdims=True, ord="nuc"), (well(2, 3),)),
    *of_linalg("cond", {k: SQUARE[k] for k in ("matrix", "stack")}),
    *of_linalg("cond", {"tall": (well(3, 2),)}, p=-2),
    *[case for p in (2, 1, -1, np.inf, -np.inf, "fro", "nuc") for case in of_linalg("cond", COND, twin=False, p=p)],
]

CASES: list[Case] = [*PRODUCTS, *INVERSES, *DETERMINANTS, *DECOMPOSITIONS, *NORM]
