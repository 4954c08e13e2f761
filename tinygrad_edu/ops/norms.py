"""Derivatives of lengths of vectors and matrices.

Convention: norm'(0) = 0, as for `absolute`: for all orders a vector of zeros gets a gradient of zeros, to all orders of
derivative. Equally large numbers share the gradient of the norm that takes the largest.
"""

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_edu.device import library_of
from tinygrad_edu.errors import does_not_fit
from tinygrad_edu.glance import surely
from tinygrad_edu.graph import Array, array_of
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand, composed
from tinygrad_edu.ops.inverses import inv
from tinygrad_edu.ops.spectra import svdvals

__all__ = ["cond", "matrix_norm", "norm", "vector_norm"]

Axis = Any  # an int, a tuple of ints, or None for all
Shape = tuple[int, ...]
KINK = "norm'(0) = 0."


def _stretched(t: Any, axis: Axis, keepdims: bool) -> Any:
    """A result with the reduced axes back, of length 1."""
    return t if keepdims or axis is None else np.expand_dims(t, axis)


def _length(x: Array, axis: Axis, keepdims: Any) -> Array:
    """The root of the sum of squares."""
    if axis is None and not keepdims:
        return np.linalg.norm(x)
    return np.sqrt(np.add.reduce(x * x, axis=axis, keepdims=keepdims))


def _length_x(g: Any, x: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    """g x / |x|, and 0 for a vector of zeros."""
    lengths = out if surely(out) else np.where(out == 0, np.inf, out)
    return x * _stretched(g / lengths, axis, keepdims)


def _p_norm(x: Array, p: float, axis: Axis, keepdims: Any) -> Array:
    """The p-th root of the sum of p-th powers."""
    return np.add.reduce(abs(x) ** p, axis=axis, keepdims=keepdims) ** (1 / p)


def _p_norm_x(g: Any, x: Any, out: Any, p: float, axis: Axis, keepdims: bool) -> Any:
    """g sign(x) (|x| / |x|ₚ)^(p-1), and 0 where x is 0."""
    g, out = (_stretched(t, axis, keepdims) for t in (g, out))
    zero = (array_of(x) == 0) | (array_of(out) == 0)
    if surely(~zero):
        return g * np.sign(x) * (abs(x) / out) ** (p - 1)
    share = np.where(zero, 1, abs(x)) / np.where(zero, 1, out)
    return np.where(zero, 0, g * np.sign(x) * share ** (p - 1))


length = Op(_length, name="norm", kink=KINK, x=_length_x)
p_norm = Op(_p_norm, name="norm", kink=f"{KINK} A 0 among other numbers gets 0, to all orders.", x=_p_norm_x)


def _of_vectors(x: Any, ord: Any, axis: Axis, keepdims: bool) -> Any:
    """Norms along one or several axes, whose numbers are one vector."""
    if ord is None or ord == 2:
        return length(x, axis, keepdims)
    if isinstance(ord, str):
        raise ValueError(f"norm: {ord!r} is of matrices, over two axes; a vector's order is a number, inf or -inf")
    if ord == np.inf:
        empty: dict[str, Any] = {} if x.size else {"initial": 0}
        return np.max(abs(x), axis=axis, keepdims=keepdims, **empty)
    if ord == -np.inf:
        return np.min(abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:  # how many are not 0; the sign keeps the result in the graph, with a derivative of 0
        return np.sum(np.where(array_of(x) != 0, 1, np.sign(x)), axis=axis, keepdims=keepdims)
    return np.sum(abs(x), axis=axis, keepdims=keepdims) if ord == 1 else p_norm(x, ord, axis, keepdims)


def _of_matrices(x: Any, ord: Any, axes: tuple[int, int], keepdims: bool) -> Any:
    """Norms of matrices that lie along two axes, rows along the first."""
    if ord is None or ord in ("fro", "f"):
        return length(x, axes, keepdims)
    largest = np.max if ord in (1, 2, np.inf) else np.min
    if ord in (1, -1, np.inf, -np.inf):  # sums of columns, of rows
        along, over = axes if abs(ord) == 1 else axes[::-1]
        result = largest(np.sum(abs(x), axis=along, keepdims=True), axis=over, keepdims=True)
    elif ord in (2, -2, "nuc"):
        s = svdvals(np.moveaxis(x, axes, (-2, -1)))
        result = np.expand_dims(np.sum(s, axis=-1) if ord == "nuc" else largest(s, axis=-1), sorted(axes))
    else:
        raise ValueError(f"norm: a matrix's order is 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, not {ord!r}")
    return result if keepdims else np.squeeze(result, axes)


@composed(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """The length of x: of vectors along one axis, of matrices over two, or of all numbers.

    `ord` of vectors: p for (sum of |x|^p)^(1/p), 2 if not given, inf and -inf for the largest and smallest |x|, 0 for
    how many are not 0. Of matrices: 'fro', the length of all their numbers, if not given; 1 and -1, inf and -inf for
    the largest and smallest sum of |x| in a column, in a row; 2, -2 and 'nuc' for the largest and smallest singular
    value and the sum of all. Without `axis` x is a vector or a matrix, or `ord` is not given. norm'(0) = 0.
    After `numpy.linalg.norm`.

    >>> from tinygrad_edu import Tensor
    >>> norm(Tensor([3.0, 4.0]))
    Tensor(5.)
    """
    x = _floats(x)
    if axis is None:
        if ord is None or (x.ndim == 1 and ord == 2):
            return length(x, None, keepdims)
        axis = tuple(range(x.ndim))
    axes = normalize_axis_tuple(axis, x.ndim, "axis")
    if len(axes) == 1:
        return _of_vectors(x, ord, axes[0], keepdims)
    if len(axes) != 2:
        raise ValueError(f"norm is of vectors, axis=0, or of matrices, axis=(0, 1), not over {len(axes)} axes")
    return _of_matrices(x, ord, axes, keepdims)


@composed(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Axis = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The length of the numbers along an axis, several, or all; orders as for vectors in `norm`.

    After `numpy.linalg.vector_norm`.

    >>> from tinygrad_edu import Tensor
    >>> vector_norm(Tensor([[3.0, 0.0], [0.0, 4.0]]), ord=1)
    Tensor(7.)
    """
    x = _floats(x)
    return _of_vectors(x, ord, axis, keepdims)


@composed(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """The norm of the matrices in the last two axes; orders as for matrices in `norm`.

    After `numpy.linalg.matrix_norm`.

    >>> from tinygrad_edu import Tensor
    >>> matrix_norm(Tensor([[3.0, 0.0], [0.0, 4.0]]), ord="nuc")
    Tensor(7.)
    """
    return norm(x, ord, (-2, -1), keepdims)


@composed(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """How much matrices magnify relative errors: the norm times that of the inverse, in the norm `p` of `norm`.

    By default the largest singular value over the smallest. A singular matrix has inf, and a gradient of 0 where p is
    neither 2 nor -2. Raises `ShapeError` for an empty matrix. After `numpy.linalg.cond`.

    >>> from tinygrad_edu import Tensor
    >>> cond(Tensor([[2.0, 0.0], [0.0, 4.0]]))
    Tensor(2.)
    """
    x = _floats(x)
    if 0 in x.shape[-2:]:
        raise does_not_fit("cond", [(x.shape, getattr(x, "name", None))], "An empty matrix has no condition number.")
    if p is None or p in (2, -2):
        s = svdvals(x)
        over, under = (s[..., -1], s[..., 0]) if p == -2 else (s[..., 0], s[..., -1])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(array_of(s)[..., 0] == 0, np.inf, over / under)
    singular = np.linalg.slogdet(array_of(x))[0] == 0
    regular = np.where(singular[..., None, None], library_of(x).eye(x.shape[-1], dtype=x.dtype), x)
    return np.where(singular, np.inf, matrix_norm(regular, ord=p) * matrix_norm(inv(regular), ord=p))


def _floats(x: Any) -> Any:
    x = as_operand(x)
    return x if x.dtype.kind == "f" else x.astype(float)
