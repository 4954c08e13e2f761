"""Derivatives of inverses and of solutions of linear equations."""

import math
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_edu.device import is_cupy, library_of
from tinygrad_edu.errors import DerivativeError, does_not_fit
from tinygrad_edu.graph import Array, array_of
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand, composed
from tinygrad_edu.ops.linalg import transposed

__all__ = ["inv", "lstsq", "pinv", "solve", "tensorinv", "tensorsolve"]

Shape = tuple[int, ...]


_held: Any = None


def lend(g: Any, out: Any, value: Any) -> Any:
    """Keep what the rule of a node worked out, while g lives, for the next, which `lent` gives it to.

    The rules of a node are called in turn with the same g, and `out` is the node's own: the gradients of `solve` take
    1.2 ms, not 1.7, for 316 equations. In a recorded pass each rule works for itself, so that no graph is held.
    """
    global _held
    _held = (weakref.ref(g, _forget), out, value) if isinstance(g, np.ndarray) else None
    return value


def lent(g: Any, out: Any) -> Any:
    """What the rule before this one worked out, once, or None."""
    global _held
    held, _held = _held, None
    return held[2] if held is not None and held[0]() is g and held[1] is out else None


def _forget(_: Any) -> None:
    global _held
    _held = None


def _inv(a: Array) -> Array:
    """a⁻¹, of each matrix."""
    return np.linalg.inv(a)


def _inv_a(g: Any, out: Any) -> Any:
    """-a⁻ᵀ g a⁻ᵀ, because a a⁻¹ = I gives d(a⁻¹) = -a⁻¹ da a⁻¹."""
    return -(transposed(out) @ g @ transposed(out))


def _solve(a: Array, b: Array) -> Array:
    """The x with a x = b, for each matrix a; b is a vector, or a matrix of them side by side."""
    if is_cupy(a) and b.ndim > 1 and a.shape[:-2] != b.shape[:-2]:  # whose solve broadcasts no stacks
        lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        a, b = (np.broadcast_to(t, (*lead, *t.shape[-2:])) for t in (a, b))
    return np.linalg.solve(a, b)


def _adjoint(g: Any, a: Any, b_shape: Shape) -> Any:
    """The y with aᵀ y = g."""
    return solve(transposed(a), g[..., None])[..., 0] if len(b_shape) == 1 else solve(transposed(a), g)


def _solve_a(g: Any, a: Any, b_shape: Shape, out: Any) -> Any:
    """-(a⁻ᵀ g) xᵀ, because a x = b gives dx = -a⁻¹ da x."""
    y = lend(g, out, _adjoint(g, a, b_shape))
    return -(y[..., :, None] * out[..., None, :] if len(b_shape) == 1 else y @ transposed(out))


def _solve_b(g: Any, a: Any, b_shape: Shape, out: Any) -> Any:
    """a⁻ᵀ g."""
    y = lent(g, out)
    return _adjoint(g, a, b_shape) if y is None else y


def _pinv(a: Array, rcond: Any = None, hermitian: bool = False, *, rtol: Any = np._NoValue) -> Array:
    """The pseudo-inverse of each matrix: of all x that make |a x - I| smallest, the smallest."""
    if not is_cupy(a):
        return np.linalg.pinv(a, rcond, hermitian, rtol=rtol)
    cut = 1e-15 if rtol is np._NoValue else max(a.shape[-2:]) * np.finfo(a.dtype).eps if rtol is None else rtol
    whole = np.tril(a) + transposed(np.tril(a, -1)) if hermitian else a
    return np.linalg.pinv(whole, cut if rcond is None else rcond)


def _pinv_a(g: Any, a: Any, out: Any, hermitian: bool) -> Any:
    """-pᵀ g pᵀ + (I - a p) gᵀ p pᵀ + pᵀ p gᵀ (I - p a), with p the pseudo-inverse (Golub and Pereyra 1973).

    It holds while the rank stays the same. With `hermitian` one triangle is read for both, so both share the gradient.
    """
    p_t, g_t = transposed(out), transposed(g)
    left, right = g_t @ (out @ p_t), (p_t @ out) @ g_t
    total = left - a @ (out @ left) + right - (right @ out) @ a - p_t @ g @ p_t
    return (total + transposed(total)) / 2 if hermitian else total


inv = Op(_inv, implements=[np.linalg.inv], a=_inv_a)
solve: Op = Op(
    _solve,
    implements=[np.linalg.solve],
    hint="a is square, and b has as many rows as a; only a b of one axis is a vector: a stack of them is b[..., None].",
    a=_solve_a,
    b=_solve_b,
)
pinv = Op(
    _pinv,
    implements=[np.linalg.pinv],
    kink="Where the rank changes the pseudo-inverse jumps; the gradient is that of matrices of the same rank.",
    a=_pinv_a,
)


def _lstsq(a: Array, b: Array, rcond: float | None = None) -> Array:
    """All results of `numpy.linalg.lstsq` in a row: solution, squared residuals, singular values, rank."""
    x, residuals, rank, s = np.linalg.lstsq(a, b, rcond)
    return np.concatenate([x.reshape(-1), residuals, s, library_of(x).asarray(rank).reshape(1)]).astype(x.dtype)


def _parts(row: Any, a_shape: Shape, b_shape: Shape) -> tuple[Any, Any, Any]:
    """Solution (a matrix), squared residuals (one a column of b, or none), and the rest."""
    columns = math.prod(b_shape[1:])
    first, last = a_shape[1] * columns, row.size - min(a_shape) - 1
    return np.reshape(row[:first], (a_shape[1], columns)), row[first:last], row[last:]


def _lstsq_terms(g: Any, a: Any, b: Any, out: Any, rcond: float | None) -> tuple[Any, ...]:
    """What both rules are made of: the pseudo-inverse p, x, g for x, the residual b - a x and g for it."""
    g_x, g_residuals, g_rest = _parts(g, a.shape, b.shape)
    if np.any(array_of(g_rest) != 0):
        raise DerivativeError(
            "lstsq's singular values carry no gradient here: for those that do write np.linalg.svdvals(a)"
        )
    x = _parts(out, a.shape, b.shape)[0]
    residual = np.reshape(b, (a.shape[0], x.shape[1])) - a @ x
    g_residual = 2 * residual * g_residuals if g_residuals.size else 0 * residual
    cut = max(a.shape) * np.finfo(a.dtype).eps if rcond is None else rcond if rcond >= 0 else np.finfo(a.dtype).eps
    p = lent(g, out)
    return pinv(a, cut) if p is None else p, x, g_x, residual, g_residual


def _lstsq_a(g: Any, a: Any, b: Any, out: Any, rcond: float | None) -> Any:
    """-y xᵀ + r (p y)ᵀ + (pᵀ x) (g - aᵀ y)ᵀ with y = pᵀ g and r = b - a x, from the derivative of p in x = p b.

    The squared residuals r² add -2 r xᵀ: they do not change with x, which makes them smallest.
    """
    p, x, g_x, residual, g_residual = _lstsq_terms(g, a, b, out, rcond)
    y = lend(g, out, p).T @ g_x
    return residual @ (p @ y).T + (p.T @ x) @ (g_x - a.T @ y).T - (y + g_residual) @ x.T


def _lstsq_b(g: Any, a: Any, b: Any, out: Any, rcond: float | None) -> Any:
    """pᵀ g, because x = p b; the squared residuals r² add 2 r."""
    p, _, g_x, _, g_residual = _lstsq_terms(g, a, b, out, rcond)
    return np.reshape(p.T @ g_x + g_residual, b.shape)


least_squares = Op(_lstsq, a=_lstsq_a, b=_lstsq_b)


@composed(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Any, Any, int, Any]:
    """The x that makes |a x - b|² smallest, the smallest of them: solution, squared residuals, rank, singular values.

    a is (m, n), b (m,) or (m, k), x (n,) or (n, k); the residuals are (k,), or empty if m <= n or the rank is below n.
    Solution and residuals are differentiable while the rank stays the same; the singular values are not here (backward
    raises `DerivativeError`: `svdvals(a)` has them). After `numpy.linalg.lstsq`.

    >>> from tinygrad_edu import Tensor
    >>> lstsq(Tensor([[1.0], [1.0]]), Tensor([1.0, 3.0]))[0].numpy().round(6)
    array([2.])
    """
    a, b = as_operand(a), as_operand(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        shapes = [(t.shape, getattr(t, "name", None)) for t in (a, b)]
        raise does_not_fit("lstsq", shapes, "a is one matrix, and b a vector as long as its columns, or several such.")
    row = least_squares(a, b, rcond)
    x, residuals, rest = _parts(row, a.shape, b.shape)
    return np.reshape(x, (a.shape[1], *b.shape[1:])), residuals, int(rest[-1]), rest[:-1]


@composed(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of a as the matrix whose rows are its first `ind` axes. After `numpy.linalg.tensorinv`.

    >>> from tinygrad_edu import Tensor
    >>> tensorinv(Tensor([[[2.0, 0.0], [0.0, 4.0]]]).reshape(2, 1, 2), ind=1).shape
    (1, 2, 2)
    """
    a = as_operand(a)
    if ind <= 0:
        raise ValueError(f"tensorinv: ind, how many of the axes are rows, is at least 1, not {ind}")
    rows, columns = a.shape[:ind], a.shape[ind:]
    if math.prod(rows) != math.prod(columns):
        raise does_not_fit("tensorinv", [(a.shape, None)], f"{rows} and {columns} must hold as many numbers.")
    return np.reshape(inv(np.reshape(a, (math.prod(rows), math.prod(columns)))), (*columns, *rows))


@composed(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Sequence[int] | None = None) -> Any:
    """The x with tensordot(a, x, x.ndim) = b; first the `axes` of a are moved to its end.

    After `numpy.linalg.tensorsolve`.

    >>> from tinygrad_edu import Tensor
    >>> tensorsolve(Tensor([[2.0, 0.0], [0.0, 4.0]]), Tensor([2.0, 8.0]))
    Tensor([1., 2.])
    """
    a, b = as_operand(a), as_operand(b)
    last = normalize_axis_tuple(axes or (), a.ndim, "axes")
    a = np.transpose(a, [*(axis for axis in range(a.ndim) if axis not in last), *last])
    shape = a.shape[b.ndim :]
    if math.prod(shape) != b.size or a.size != b.size**2:
        shapes = [(t.shape, getattr(t, "name", None)) for t in (a, b)]
        raise does_not_fit("tensorsolve", shapes, "a's first axes are b's, its others hold as many numbers.")
    return np.reshape(solve(np.reshape(a, (b.size, b.size)), np.reshape(b, -1)), shape)
