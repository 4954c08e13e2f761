"""Derivatives of determinants, right for singular matrices too: the gradient is the matrix of cofactors."""

from typing import Any

import numpy as np

from tinygrad_edu.device import library_of
from tinygrad_edu.errors import DerivativeError
from tinygrad_edu.glance import surely
from tinygrad_edu.graph import Array, array_of
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import composed
from tinygrad_edu.ops.inverses import inv
from tinygrad_edu.ops.linalg import transposed

__all__ = ["det", "slogdet"]

SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))


def _det(a: Array) -> Array:
    """The determinant of each matrix."""
    return np.linalg.det(a)


def _det_a(g: Any, a: Any, out: Any) -> Any:
    """g det(a) a⁻ᵀ, which is g times the cofactors, and they are found without a⁻¹ where a is (nearly) singular."""
    inverse = _safe_inverse(a)
    if inverse is None:
        return g[..., None, None] * cofactors(a)
    return (g * out)[..., None, None] * transposed(inverse)


def _safe_inverse(a: Any) -> Any:
    """The inverses, or None if one of the matrices has none, or one that half the digits of are wrong."""
    try:
        inverse = inv(a)
    except np.linalg.LinAlgError:
        return None
    values = [array_of(t) for t in (a, inverse)]
    with np.errstate(all="ignore"):
        squares = [np.einsum("...ij,...ij->...", value, value) for value in values]
        good = squares[0] * squares[1] < 1 / np.finfo(a.dtype).eps  # the condition number, squared
    return inverse if surely(good) else None


def _singular(a: Array) -> tuple[Array, Array, Array, Array]:
    """u, s and vᵀ with u diag(s) vᵀ = a, and det(u) det(v), which is 1 or -1."""
    u, s, vt = np.linalg.svd(a)
    return u, s, vt, np.sign(np.linalg.det(u) * np.linalg.det(vt))[..., None, None]


def _but_one(s: Array) -> Array:
    """At place i the product of all numbers but the one there."""
    return np.prod(np.where(library_of(s).eye(s.shape[-1], dtype=bool), 1, s[..., None, :]), axis=-1)


def _cofactors(a: Array) -> Array:
    """The derivative of det(a) by each number of a.

    With a = u diag(s) vᵀ it is det(u) det(v) u diag(p) vᵀ, where pᵢ is the product of all s but sᵢ.
    """
    u, s, vt, sign = _singular(a)
    return sign * (u * _but_one(s)[..., None, :]) @ vt


def _bicofactors(k: Array, a: Array) -> Array:
    """The second derivative of det(a), times k: how the cofactors change when a moves along k.

    In the coordinates of u and v, m = uᵀ k v, the determinant of diag(s) + m is to second order the sum over pairs of
    (mᵢᵢ mⱼⱼ - mᵢⱼ mⱼᵢ) pᵢⱼ, where pᵢⱼ is the product of all s but sᵢ and sⱼ. Its derivative by m has the sum over j of
    pᵢⱼ mⱼⱼ at place (i, i), and -pᵢⱼ mⱼᵢ at (i, j).
    """
    u, s, vt, sign = _singular(a)
    eye = library_of(s).eye(s.shape[-1], dtype=bool)
    pairs = _but_one(np.where(eye, 1, s[..., None, :])) * ~eye
    m = transposed(u) @ k @ transposed(vt)
    diagonal = (pairs * (m * eye).sum(axis=-2)[..., None, :]).sum(axis=-1)
    return sign * (u @ (diagonal[..., None, :] * eye - pairs * transposed(m)) @ vt)


def _no_third(g: Any) -> Any:  # noqa: ARG001 - a rule
    """Refused: a determinant near a singular matrix is differentiated twice here, not three times."""
    raise DerivativeError(
        "det of a (nearly) singular matrix has first and second derivatives here, no third."
        " For a small matrix write the determinant out, x[0, 0] * x[1, 1] - x[0, 1] * x[1, 0]."
    )


cofactors = Op(_cofactors, a=lambda g, a: bicofactors(g, a))
bicofactors: Op = Op(_bicofactors, k=lambda g, a: bicofactors(g, a), a=_no_third)
det = Op(_det, implements=[np.linalg.det], a=_det_a)


def _slogdet(a: Array) -> Array:
    """Sign and logarithm of the determinant's absolute value, side by side."""
    return np.stack(np.linalg.slogdet(a), axis=-1)


def _slogdet_a(g: Any, a: Any) -> Any:
    """a⁻ᵀ for the logarithm, because det(a) a⁻ᵀ is the gradient of det(a); 0 for the sign."""
    try:
        return g[..., 1, None, None] * transposed(inv(a))
    except np.linalg.LinAlgError:
        raise DerivativeError(
            "slogdet: a singular matrix has determinant 0, whose logarithm has no derivative; det(a) itself has one"
        ) from None


signed_log = Op(_slogdet, kink="A singular matrix has no derivative: DerivativeError.", a=_slogdet_a)


@composed(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """Sign and logarithm of the absolute value of each determinant, where det itself would overflow.

    The gradient of the logarithm is a⁻ᵀ, that of the sign 0. Backward raises DerivativeError for a singular
    matrix, whose logarithm is -inf. After `numpy.linalg.slogdet`.

    >>> from tinygrad_edu import Tensor
    >>> slogdet(Tensor([[0.0, -1.0], [1.0, 0.0]])).logabsdet
    Tensor(0.)
    """
    both = signed_log(a)
    return SlogdetResult(both[..., 0], both[..., 1])
