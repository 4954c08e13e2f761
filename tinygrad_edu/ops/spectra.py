"""Derivatives of eigenvalues and eigenvectors of symmetric matrices, and of singular values and vectors.

Each rule writes the change of the vectors in the coordinates that they themselves give (Giles, Collected matrix
derivative results for forward and reverse mode, 2008). There it is divided by the gaps between the values: where a
value is repeated its vectors have no derivative, and asking for one is an error.

Convention: `eigh` reads one triangle, and both share the gradient equally, as in PyTorch.
"""

import operator
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from tinygrad_edu.device import library_of
from tinygrad_edu.errors import DerivativeError, UnsupportedError
from tinygrad_edu.graph import Array, array_of
from tinygrad_edu.op import Op, implementations
from tinygrad_edu.ops.composed import as_operand, composed
from tinygrad_edu.ops.decompositions import determined, packed, unpacked
from tinygrad_edu.ops.linalg import transposed
from tinygrad_edu.ops.reduction import max

__all__ = ["eigh", "eigvalsh", "svd", "svdvals"]

Shape = tuple[int, ...]
EighResult: Any = type(np.linalg.eigh(np.eye(1)))
SVDResult: Any = type(np.linalg.svd(np.eye(1)))
REPEATED = (
    "vectors of a repeated eigenvalue or singular value, or of the singular value 0, have no derivative: any rotation"
    " of them is as good. Use the values alone (eigvalsh, svdvals), whose first"
    " derivatives exist (second ones do not), or the other vectors, or make the values distinct."
)
KINK = f"The values have their derivatives; {REPEATED} A gradient that arrives for them raises DerivativeError."


def _over(x: Array, gaps: Array, used: Array) -> Array:
    """x / gaps, and 0 where the gap is 0; there the vectors are not determined, so they must not have been used."""
    flat = gaps == 0
    if np.any(flat & used):
        raise DerivativeError(REPEATED)
    return np.where(flat, 0, x) / np.where(flat, 1, gaps)


over: Op = Op(
    _over,
    x=lambda g, gaps: over(g, gaps, array_of(g) != 0),
    gaps=lambda g, gaps, out: over(-g * out, gaps, False),
)


def _nothing(*gradients: Any) -> bool:
    """Whether no gradient arrives for the vectors, which makes the rules of the values alone a product or two.

    In a recorded pass the zeros may be zero by chance, so that their derivatives count.
    """
    return all(isinstance(g, np.ndarray) and not g.any() for g in gradients)


def _used(*columns: Any) -> Array:
    """For each pair of vectors, whether a gradient arrives for one of them."""
    arrives = reduce(operator.or_, [np.any(array_of(g) != 0, axis=-2) for g in columns])
    return arrives[..., None, :] | arrives[..., :, None]


def _gaps(column: Any, row: Any) -> Any:
    """rowⱼ - columnᵢ, and exactly 0 where the two are the same up to rounding."""
    gaps = row[..., None, :] - column[..., :, None]
    size = max.function(abs(array_of(row)), -1, initial=0.0)[..., None, None]
    return np.where(abs(array_of(gaps)) <= 8 * row.shape[-1] * np.finfo(gaps.dtype).eps * size, 0, gaps)


def _eigh(a: Array, UPLO: Any = "L") -> Array:  # noqa: N803 - NumPy's name
    """Eigenvalues and eigenvectors of symmetric matrices, read from the lower or the upper triangle, packed."""
    return packed(a, *np.linalg.eigh(a, UPLO))


def _eigh_a(g: Any, out: Any, a_shape: Shape) -> Any:
    """v (diag(gʷ) + (n - nᵀ)/2 ∘ f) vᵀ with n = vᵀ gᵛ and fᵢⱼ = 1 / (wⱼ - wᵢ).

    From a v = v diag(w): dv = v (f ∘ vᵀ da v) and dw is the diagonal of vᵀ da v.
    """
    shapes = a_shape[-1:], a_shape[-2:]
    (w, v), (g_w, g_v) = unpacked(out, *shapes), unpacked(g, *shapes)
    if _nothing(g_v):
        return (v * g_w[..., None, :]) @ transposed(v)
    n = transposed(v) @ g_v
    eye = library_of(w).eye(a_shape[-1], dtype=w.dtype)  # on the diagonal n - nᵀ is 0, and so is no gap
    middle = over((n - transposed(n)) / 2, _gaps(w, w) + eye, _used(g_v)) + g_w[..., None, :] * eye
    return v @ middle @ transposed(v)


eigenpairs = Op(_eigh, kink=KINK, a=_eigh_a)


@composed(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803 - NumPy's name
    """Eigenvalues w, ascending, and eigenvectors, the columns of v, of symmetric matrices: a v = v diag(w).

    a is (..., n, n); only its lower triangle is read, or the upper with UPLO="U", and both share the gradient. The
    eigenvectors of a repeated eigenvalue have no derivative: a gradient for them raises `DerivativeError`; the
    eigenvalues alone have theirs. After `numpy.linalg.eigh`.

    >>> from tinygrad_edu import Tensor
    >>> eigh(Tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    Tensor([1., 2.])
    """
    a = as_operand(a)
    return EighResult(*unpacked(eigenpairs(a, UPLO), a.shape[-1:], a.shape[-2:]))


@composed(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803 - NumPy's name
    """Eigenvalues of symmetric matrices, ascending; see `eigh`. After `numpy.linalg.eigvalsh`.

    >>> from tinygrad_edu import Tensor
    >>> eigvalsh(Tensor([[0.0, 1.0], [1.0, 0.0]])).numpy().round(6)
    array([-1.,  1.])
    """
    return eigh(a, UPLO).eigenvalues


def _no_eig(a: Any) -> Any:  # noqa: ARG001 - NumPy's argument
    raise UnsupportedError(
        "eig and eigvals have complex results in general, and this package differentiates real numbers only."
        " For a symmetric matrix write np.linalg.eigh(t); for values alone np.linalg.eig(t.numpy())."
    )


implementations[np.linalg.eig] = implementations[np.linalg.eigvals] = _no_eig


def _svd(a: Array, full_matrices: bool) -> Array:
    """u, s and vᵀ, packed."""
    return packed(a, *np.linalg.svd(a, full_matrices))


def _svd_shapes(a_shape: Shape, full_matrices: bool) -> Sequence[Shape]:
    rows, columns = a_shape[-2:]
    k = min(rows, columns)
    return ((rows, rows), (k,), (columns, columns)) if full_matrices else ((rows, k), (k,), (k, columns))


def _svd_a(g: Any, out: Any, a_shape: Shape, full_matrices: bool) -> Any:
    """u (diag(gˢ) + (x + y)/2 ∘ f + (x - y)/2 ∘ h) vᵀ, and where a is not square (I - u uᵀ) gᵘ s⁻¹ vᵀ or its like.

    x = uᵀ gᵘ - gᵘᵀ u, y = vᵀ gᵛ - gᵛᵀ v, fᵢⱼ = 1 / (sⱼ - sᵢ), hᵢⱼ = 1 / (sⱼ + sᵢ). From a = u diag(s) vᵀ with uᵀ du
    and vᵀ dv antisymmetric: m = uᵀ da v has ds on its diagonal, (mᵢⱼ + mⱼᵢ) f off it is uᵀ du + vᵀ dv, and
    (mᵢⱼ - mⱼᵢ) h is uᵀ du - vᵀ dv.
    """
    shapes, k = _svd_shapes(a_shape, full_matrices), min(a_shape[-2:])
    (u, s, vt), (g_u, g_s, g_vt) = unpacked(out, *shapes), unpacked(g, *shapes)
    if full_matrices:
        what = "svd with full_matrices=True (pass full_matrices=False): the vectors"
        g_u = determined(g_u[..., :k], u[..., :k], u[..., k:], g_u[..., k:], what)
        v, g_v = transposed(vt), transposed(g_vt)
        g_vt = transposed(determined(g_v[..., :k], v[..., :k], v[..., k:], g_v[..., k:], what))
        u, vt = u[..., :k], vt[..., :k, :]
    lengths = _gaps(library_of(s).zeros((*a_shape[:-2], 1), s.dtype), s)  # s as a row
    g_s = np.where(array_of(lengths) == 0, 0, g_s[..., None, :])
    if _nothing(g_u, g_vt):
        return (u * g_s) @ vt
    along_u, along_v = transposed(u) @ g_u, vt @ transposed(g_vt)
    x, y = along_u - transposed(along_u), along_v - transposed(along_v)
    eye, used = library_of(s).eye(k, dtype=s.dtype), _used(g_u, transposed(g_vt))
    middle = over((x + y) / 2, _gaps(s, s) + eye, used) + over((x - y) / 2, _gaps(-s, s) + eye, used)
    total = u @ (middle + g_s * eye) @ vt
    used = np.diagonal(used, axis1=-2, axis2=-1)
    if a_shape[-2] > k:
        total = total + over(g_u - u @ along_u, lengths, used[..., None, :]) @ vt
    if a_shape[-1] > k:
        total = total + u @ over(g_vt - transposed(along_v) @ vt, transposed(lengths), used[..., :, None])
    return total


singular = Op(_svd, name="svd", kink=f"{KINK} A singular value 0 gets 0, as the norm of 0.", a=_svd_a)


@composed(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """u, s and vᵀ with u diag(s) vᵀ = a: orthonormal columns, singular values (descending, >= 0), orthonormal rows.

    a is (..., m, n), s (..., k) with k the smaller of m and n, u (..., m, k), vᵀ (..., k, n); `full_matrices` gives u
    all m columns and vᵀ all n rows: those beyond the k-th are arbitrary, and a gradient for them raises
    `DerivativeError`, as does one for vectors of a repeated singular value. `compute_uv=False` gives s alone;
    `hermitian` says that a is symmetric (one triangle is read, both share the gradient). After `numpy.linalg.svd`.

    >>> from tinygrad_edu import Tensor
    >>> svd(Tensor([[0.0, 2.0], [1.0, 0.0]])).S
    Tensor([2., 1.])
    """
    a = as_operand(a)
    if not hermitian:
        full = full_matrices and compute_uv
        u, s, vt = unpacked(singular(a, full), *_svd_shapes(a.shape, full))
        return SVDResult(u, s, vt) if compute_uv else s
    w, v = eigh(a)
    order = np.argsort(-abs(array_of(w)), axis=-1, kind="stable")
    w, u = np.take_along_axis(w, order, -1), np.take_along_axis(v, order[..., None, :], -1)
    sign = np.copysign(1.0, array_of(w)).astype(w.dtype)
    return SVDResult(u, abs(w), transposed(u * sign[..., None, :])) if compute_uv else abs(w)


@composed(np.linalg.svdvals)
def svdvals(x: Any) -> Any:
    """Singular values, descending; see `svd`. After `numpy.linalg.svdvals`.

    >>> from tinygrad_edu import Tensor
    >>> svdvals(Tensor([[3.0, 0.0], [0.0, -4.0]]))
    Tensor([4., 3.])
    """
    return svd(x, compute_uv=False)
