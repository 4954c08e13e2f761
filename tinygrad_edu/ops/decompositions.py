"""Derivatives of the factors of a matrix: Cholesky and QR.

With a = f₁ f₂ each rule writes the change of the factors in the coordinates that the factors themselves give (Giles,
Collected matrix derivative results for forward and reverse mode, 2008; Seeger et al., arXiv:1710.08717). An op has one
result, so q and r come out packed in one array, which the function `qr` takes apart.

Convention: `cholesky` reads one triangle of a symmetric matrix, and both triangles share the gradient equally, as in
PyTorch.
"""

import math
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_edu.device import is_cupy, library_of
from tinygrad_edu.errors import DerivativeError, UnsupportedError
from tinygrad_edu.graph import Array, array_of
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand, composed
from tinygrad_edu.ops.inverses import inv
from tinygrad_edu.ops.linalg import transposed

__all__ = ["cholesky", "qr"]

Shape = tuple[int, ...]
QRResult: Any = type(np.linalg.qr(np.eye(1)))


def packed(a: Array, *parts: Array) -> Array:
    """The parts of each matrix of `a` in one row, one after the other."""
    batch = a.shape[:-2]
    rows = [np.reshape(part, (*batch, math.prod(part.shape[len(batch) :]))) for part in parts]
    return np.concatenate(rows, axis=-1)


def unpacked(row: Any, *shapes: Shape) -> list[Any]:
    """The parts of what `packed` made, each of its shape."""
    ends = np.cumsum([0, *map(math.prod, shapes)])
    pieces = [row[..., start:stop] for start, stop in pairwise(ends)]
    return [p if len(s) == 1 else np.reshape(p, (*row.shape[:-1], *s)) for p, s in zip(pieces, shapes, strict=True)]


def _cholesky(a: Array, *, upper: bool = False) -> Array:
    """The lower triangular l with l lᵀ = a, or the upper u = lᵀ, of each symmetric positive definite matrix."""
    if is_cupy(a):  # which has the lower one
        return transposed(np.linalg.cholesky(transposed(a))) if upper else np.linalg.cholesky(a)
    return np.linalg.cholesky(a, upper=upper)


def _cholesky_a(g: Any, out: Any, upper: bool) -> Any:
    """l⁻ᵀ φ(lᵀ g) l⁻¹, symmetrised; φ takes the lower triangle and half of the diagonal.

    From da = dl lᵀ + l dlᵀ: l⁻¹ da l⁻ᵀ = l⁻¹ dl + (l⁻¹ dl)ᵀ, a lower triangle and its mirror image, so that
    dl = l φ(l⁻¹ da l⁻ᵀ).
    """
    lower, g = (transposed(out), transposed(g)) if upper else (out, g)
    n = lower.shape[-1]
    half = library_of(lower).tri(n, dtype=lower.dtype) - library_of(lower).eye(n, dtype=lower.dtype) / 2
    inverse = inv(lower)
    s = transposed(inverse) @ ((transposed(lower) @ g) * half) @ inverse
    return (s + transposed(s)) / 2


cholesky = Op(_cholesky, implements=[np.linalg.cholesky], a=_cholesky_a)


def _qr(a: Array, mode: Any) -> Array:
    """q and r, packed."""
    return packed(a, *np.linalg.qr(a, mode))


def _qr_shapes(a_shape: Shape, mode: str) -> tuple[Shape, Shape]:
    rows, columns = a_shape[-2:]
    inner = rows if mode == "complete" else min(rows, columns)
    return (rows, inner), (inner, columns)


def determined(g: Any, v: Any, others: Any, g_others: Any, what: str) -> Any:
    """The gradient for the columns v of an orthogonal matrix [v, others] of which a matrix determines v alone.

    The others only have to be at right angles to v, so a gradient for them is refused. Forward mode asks how they would
    move: as little as v makes them, do = -v dvᵀ o, which hands v -o gₒᵀ v.
    """
    if np.any(array_of(g_others) != 0):
        raise DerivativeError(f"{what}, beyond those that the matrix determines, are arbitrary and have no derivative")
    return g if isinstance(g_others, np.ndarray) else g - others @ (transposed(g_others) @ v)


def _qr_a(g: Any, out: Any, a_shape: Shape, mode: str) -> Any:
    """(gᑫ + q c) r⁻ᵀ, where c is the lower triangle of r gʳᵀ - gᑫᵀ q with its mirror image.

    From da = dq r + q dr: qᵀ dq is antisymmetric and dr r⁻¹ upper triangular, so the lower triangle of qᵀ da r⁻¹ is
    that of qᵀ dq. A wide a = [x y] has r = [u v], with x = q u and v = qᵀ y: the rule holds for x, and v adds y gᵛᵀ to
    gᑫ, and q gᵛ for y.
    """
    (q, r), (g_q, g_r) = (unpacked(t, *_qr_shapes(a_shape, mode)) for t in (out, g))
    k = min(a_shape[-2:])
    what = "qr: the columns of q in mode='complete'"
    g_q = determined(g_q[..., :k], q[..., :k], q[..., k:], g_q[..., k:], what) if mode == "complete" else g_q
    q, r, g_r = q[..., :k], r[..., :k, :], g_r[..., :k, :]
    u, v, g_u, g_v = r[..., :k], r[..., k:], g_r[..., :k], g_r[..., k:]
    if a_shape[-1] > k:
        g_q = g_q + q @ v @ transposed(g_v)
    m = u @ transposed(g_u) - transposed(g_q) @ q
    lower = m * library_of(q).tri(k, dtype=q.dtype)
    c = lower + transposed(lower * (1 - library_of(q).eye(k, dtype=q.dtype)))
    try:
        g_x = transposed(np.linalg.solve(u, transposed(g_q + q @ c)))
    except np.linalg.LinAlgError:
        raise DerivativeError("qr: where the first columns are dependent, q and r have no derivative") from None
    return np.concatenate([g_x, q @ g_v], axis=-1) if a_shape[-1] > k else g_x


orthogonal_and_triangular = Op(_qr, name="qr", a=_qr_a)


@composed(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """q with orthonormal columns and r, upper triangular, with q r = a; only r with mode="r".

    a is (..., m, n), q (..., m, k) and r (..., k, n); k is the smaller of m and n, or m with mode="complete", where the
    columns of q beyond the n-th are arbitrary: a gradient for them raises `DerivativeError`. The first k columns of a
    must be independent, else backward raises DerivativeError. After `numpy.linalg.qr`.

    >>> from tinygrad_edu import Tensor
    >>> abs(qr(Tensor([[3.0], [4.0]])).R).numpy().round(6)
    array([[5.]])
    """
    if mode not in ("reduced", "complete", "r"):
        raise UnsupportedError(
            f"qr: mode is 'reduced', 'complete' or 'r', not {mode!r}; otherwise np.linalg.qr(t.numpy(), ...)"
        )
    a, full = as_operand(a), "complete" if mode == "complete" else "reduced"
    q, r = unpacked(orthogonal_and_triangular(a, full), *_qr_shapes(a.shape, full))
    return r if mode == "r" else QRResult(q, r)
