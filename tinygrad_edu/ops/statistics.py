"""Means with weights, ranges, covariances, and the reductions that leave NaN out: compositions of `ops.reduction`."""

import math
from typing import Any

import numpy as np

from tinygrad_edu.device import library_of
from tinygrad_edu.glance import seen, surely
from tinygrad_edu.graph import array_of
from tinygrad_edu.ops.composed import as_operand, as_operands, composed
from tinygrad_edu.ops.reduction import Axis, axes_of, max, mean, min, prod, std, sum, var

__all__ = ["average", "corrcoef", "cov", "nanmean", "nanprod", "nanstd", "nansum", "nanvar", "ptp"]


@composed(np.ptp)
def ptp(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The largest number minus the smallest: "peak to peak". After `numpy.ptp`.

    >>> from tinygrad_edu import Tensor
    >>> ptp(Tensor([3.0, 1.0, 7.0]))
    Tensor(6.)
    """
    return max(a, axis, keepdims=keepdims) - min(a, axis, keepdims=keepdims)


@composed(np.average)
def average(a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    """The sum of weights * a divided by that of the weights, which may be Tensors too; `returned`: that sum as well.

    Weights have the shape of `a`, or of its reduced axes. Raises ZeroDivisionError where they sum to 0. After
    `numpy.average`.

    >>> from tinygrad_edu import Tensor
    >>> average(Tensor([1.0, 4.0]), weights=[2, 1])
    Tensor(2.)
    """
    a = as_operand(a)
    if weights is None:
        result = mean(a, axis, keepdims=keepdims)
        total = library_of(a).full(result.shape, a.size / np.maximum(result.size, 1))
    else:
        weights = as_operand(weights, a)
        if weights.shape != a.shape:
            if axis is None:
                raise TypeError(f"weights of shape {weights.shape} for numbers of shape {a.shape} need an axis=")
            axes = axes_of(axis, a.ndim)
            if weights.shape != tuple(a.shape[i] for i in axes):
                raise ValueError(f"weights of shape {weights.shape} do not fit axes {axes} of the shape {a.shape}")
            weights = np.transpose(weights, np.argsort(axes).tolist())
            weights = np.reshape(weights, [n if i in axes else 1 for i, n in enumerate(a.shape)])
            weights = np.broadcast_to(weights, a.shape)
        total = sum(weights, axis, keepdims=keepdims)
        total = np.astype(total, np.result_type(a.dtype, weights.dtype, float if a.dtype.kind != "f" else a.dtype))
        if seen(total == 0):
            raise ZeroDivisionError("the weights sum to 0: nothing can be averaged with them")
        result = sum(a * weights, axis, keepdims=keepdims) / total
    return (result, total) if returned else result


@composed(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: float | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """How the variables, the rows of m and y (columns with rowvar=False), vary together, divided by n - ddof.

    `fweights` (whole numbers) and `aweights` weigh the observations. After `numpy.cov`.

    >>> from tinygrad_edu import Tensor
    >>> cov(Tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    Tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    given = as_operands([m] if y is None else [m, y])
    x = np.concatenate([_variables(t, rowvar, dtype) for t in given])
    given = [as_operand(w, x) for w in (fweights, aweights) if w is not None]
    weights = math.prod(given[1:], start=given[0]) if given else None
    centred = x - (mean(x, axis=1, keepdims=True) if weights is None else average(x, 1, weights, keepdims=True))
    total = x.shape[1] if weights is None else sum(weights)
    ddof = (0 if bias else 1) if ddof is None else ddof
    lost = ddof if aweights is None else ddof * sum(weights * as_operand(aweights, x)) / total
    weighed = centred if weights is None else centred * weights
    return np.squeeze(weighed @ np.transpose(centred) / (total - lost))


def _variables(m: Any, rowvar: bool, dtype: Any) -> Any:
    x = np.atleast_2d(as_operand(m))
    if x.ndim > 2:
        raise ValueError(f"observations come in a table of two axes, not in the shape {x.shape}")
    x = np.astype(x, dtype or np.result_type(x.dtype, float))
    return x if rowvar or np.ndim(m) < 2 else np.transpose(x)


@composed(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """`cov` divided by the standard deviations of both variables: from -1 to 1. After `numpy.corrcoef`.

    >>> from tinygrad_edu import Tensor
    >>> corrcoef(Tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))[0, 1]
    Tensor(-1.)
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    spread = np.sqrt(np.diagonal(c))
    r = c / spread[:, None] / spread
    value = array_of(r)
    return r + (np.clip(value, -1, 1) - value)  # rounding is cut off, and a correlation of 1 keeps its derivatives


def _there(a: Any) -> Any:
    """Where the numbers are not NaN; True, which costs nothing, where all are numbers."""
    there = ~np.isnan(array_of(a))
    return True if surely(there) else there


@composed(np.nansum)
def nansum(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
    """`sum` of the numbers that are not NaN. After `numpy.nansum`.

    >>> from tinygrad_edu import Tensor
    >>> nansum(Tensor([1.0, float("nan"), 2.0]))
    Tensor(3.)
    """
    return sum(a, axis, dtype, keepdims=keepdims, where=_both(_there(a), where))


@composed(np.nanprod)
def nanprod(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
    """`prod` of the numbers that are not NaN. After `numpy.nanprod`.

    >>> from tinygrad_edu import Tensor
    >>> nanprod(Tensor([2.0, float("nan"), 3.0]))
    Tensor(6.)
    """
    return prod(a, axis, dtype, keepdims=keepdims, where=_both(_there(a), where))


@composed(np.nanmean)
def nanmean(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
    """`mean` of the numbers that are not NaN. After `numpy.nanmean`.

    >>> from tinygrad_edu import Tensor
    >>> nanmean(Tensor([1.0, float("nan"), 2.0]))
    Tensor(1.5)
    """
    return mean(a, axis, dtype, keepdims=keepdims, where=_both(_there(a), where))


@composed(np.nanvar)
def nanvar(
    a: Any, axis: Axis = None, dtype: Any = None, ddof: float = 0, *, keepdims: bool = False, where: Any = True
) -> Any:
    """`var` of the numbers that are not NaN. After `numpy.nanvar`.

    >>> from tinygrad_edu import Tensor
    >>> nanvar(Tensor([1.0, float("nan"), 3.0]))
    Tensor(1.)
    """
    return var(a, axis, dtype, ddof, keepdims=keepdims, where=_both(_there(a), where))


@composed(np.nanstd)
def nanstd(
    a: Any, axis: Axis = None, dtype: Any = None, ddof: float = 0, *, keepdims: bool = False, where: Any = True
) -> Any:
    """`std` of the numbers that are not NaN. After `numpy.nanstd`.

    >>> from tinygrad_edu import Tensor
    >>> nanstd(Tensor([1.0, float("nan"), 3.0]))
    Tensor(1.)
    """
    return std(a, axis, dtype, ddof, keepdims=keepdims, where=_both(_there(a), where))


def _both(there: Any, where: Any) -> Any:
    return where if there is True else there if where is True else there & where
