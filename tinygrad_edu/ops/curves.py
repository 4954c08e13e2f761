"""Sampled curves and polynomials: slopes, interpolation, convolution of sequences."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_edu.device import library_of
from tinygrad_edu.errors import UnsupportedError
from tinygrad_edu.graph import Array, array_of
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand, as_operands, composed
from tinygrad_edu.ops.indexing import getitem, scatter
from tinygrad_edu.ops.reduction import axes_of

__all__ = [
    "apply_along_axis",
    "bincount",
    "convolve",
    "correlate",
    "ediff1d",
    "gradient",
    "interp",
    "polyval",
    "unwrap",
    "vander",
]


@composed(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """The slope of f along its axes by differences of neighbours; `varargs` are steps, or places along each axis.

    Inside, second order in the step; at the ends of first or second order. Steps and places may be Tensors. One array
    for one axis, else a tuple. Raises ValueError for fewer than edge_order + 1 samples. After `numpy.gradient`.

    >>> from tinygrad_edu import Tensor
    >>> gradient(Tensor([0.0, 1.0, 4.0, 9.0]))
    Tensor([1., 2., 4., 5.])
    """
    f = as_operand(f)
    axes = axes_of(tuple(axis) if isinstance(axis, list) else axis, f.ndim)
    steps = list(varargs) or [1.0]
    if len(steps) == 1 and np.ndim(steps[0]) == 0:
        steps *= len(axes)
    if len(steps) != len(axes):
        raise TypeError(f"{len(varargs)} steps are given for {len(axes)} axes: give one for all, or one for each")
    slopes = tuple(_slope(f, step, i, edge_order) for step, i in zip(steps, axes, strict=True))
    return slopes[0] if len(axes) == 1 else slopes


def _slope(f: Any, step: Any, axis: int, edge_order: int) -> Any:
    f = np.moveaxis(f, axis, -1)
    if edge_order not in (1, 2) or f.shape[-1] <= edge_order:
        raise ValueError(
            f"edge_order is 1 or 2 and needs one sample more than that: it is {edge_order}, and there are"
            f" {f.shape[-1]} samples along axis {axis}"
        )
    if np.ndim(step) == 1 and len(step) != f.shape[-1]:
        raise ValueError(f"{len(step)} places are given for {f.shape[-1]} samples along axis {axis}")
    step = (
        library_of(f).asarray(step, f.dtype if f.dtype.kind == "f" else float)
        if isinstance(step, int | float)
        else as_operand(step, f)
    )
    d = np.diff(step) if step.ndim == 1 else np.broadcast_to(step, (f.shape[-1] - 1,))
    if step.ndim == 0:
        inside = (f[..., 2:] - f[..., :-2]) / (2 * step)
    else:
        left, right = d[:-1], d[1:]
        both = left + right
        inside = (
            -right / (left * both) * f[..., :-2]
            + (right - left) / (left * right) * f[..., 1:-1]
            + left / (right * both) * f[..., 2:]
        )
    if edge_order == 1:
        first = (f[..., 1:2] - f[..., :1]) / d[:1]
        last = (f[..., -1:] - f[..., -2:-1]) / d[-1:]
    else:
        first = _edge(f[..., :1], f[..., 1:2], f[..., 2:3], d[:1], d[1:2])
        last = -_edge(f[..., -1:], f[..., -2:-1], f[..., -3:-2], d[-1:], d[-2:-1])
    return np.moveaxis(np.concatenate([first, inside, last], axis=-1), -1, axis)


def _edge(a: Any, b: Any, c: Any, near: Any, far: Any) -> Any:
    """The slope at `a` of the parabola through three samples, `near` and `far` the steps from it."""
    both = near + far
    return -(2 * near + far) / (near * both) * a + both / (near * far) * b - near / (far * both) * c


@composed(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """The straight lines through the points (xp, fp), xp ascending, read at x; `left` and `right` outside of them.

    All of x, xp and fp may be Tensors; at a point the slope is that of the line to its right. After `numpy.interp`.

    >>> from tinygrad_edu import Tensor
    >>> interp(Tensor([0.5, 1.5]), [0.0, 1.0, 2.0], [0.0, 10.0, 40.0])
    Tensor([ 5., 25.])
    """
    if period is not None:
        raise UnsupportedError(
            "interp with period= is not differentiated: write x % period, and add the first point again"
        )
    x, xp, fp = as_operands([x, xp, fp])
    if xp.ndim != 1 or xp.shape != fp.shape or xp.size == 0:
        raise ValueError(f"interp needs as many heights as places, in one axis: {xp.shape} and {fp.shape} are given")
    values, places = array_of(x), array_of(xp)
    first, last = (fp[0] if left is None else left), (fp[-1] if right is None else right)
    if xp.size == 1:
        inside = fp[0] + 0 * x
    else:
        i = np.clip(np.searchsorted(places, values, side="right") - 1, 0, xp.size - 2)
        width, points = xp[i + 1] - xp[i], array_of(fp)
        plain = np.all(array_of(width)) and np.all(np.isfinite(points))
        inside = fp[i] + (x - xp[i]) * ((fp[i + 1] - fp[i]) / (width if plain else np.where(width == 0, 1, width)))
        if not plain:  # a point twice, or at infinity: the points themselves are what they are
            inside = np.where(values >= places[-1], fp[-1], np.where(values == places[i], fp[i], inside))
    return np.where(values < places[0], first, np.where(values > places[-1], last, inside))


def _slid(long: Array, short: Array) -> Array:
    """The products of `short` with each stretch of `long`, summed."""
    return np.correlate(long, short, "valid")


def _spread(x: Array, y: Array) -> Array:
    """The products of every number of x with every one of y, summed at the sum of their places."""
    return np.convolve(x, y, "full")


slid: Op = Op(_slid, name="correlate", long=lambda g, short: spread(g, short), short=lambda g, long: slid(long, g))
spread: Op = Op(_spread, name="convolve", x=lambda g, y: slid(g, y), y=lambda g, x: slid(g, x))


@composed(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """out[n] = sum over m of a[m] v[n - m], of two sequences: all of it, "same" length, or the "valid" middle.

    After `numpy.convolve`.

    >>> from tinygrad_edu import Tensor
    >>> convolve(Tensor([1.0, 2.0, 3.0]), [0.0, 1.0, 0.5])
    Tensor([0. , 1. , 2.5, 4. , 1.5])
    """
    a, v = _sequences(a, v)
    long, short = (a, v) if a.size >= v.size else (v, a)
    return spread(long, short) if mode == "full" else _moved_over(long, np.flip(short), mode)


@composed(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """out[k] = sum over n of a[n + k] v[n], of two sequences of real numbers. After `numpy.correlate`.

    >>> from tinygrad_edu import Tensor
    >>> correlate(Tensor([1.0, 2.0, 3.0]), [0.0, 1.0, 0.5], "same")
    Tensor([2. , 3.5, 3. ])
    """
    a, v = _sequences(a, v)
    return _moved_over(a, v, mode) if a.size >= v.size else np.flip(_moved_over(v, a, mode))


def _sequences(a: Any, v: Any) -> tuple[Any, Any]:
    a, v = (t if t.ndim else np.reshape(t, 1) for t in map(as_operand, (a, v)))
    if a.ndim != 1 or v.ndim != 1 or not a.size or not v.size:
        raise ValueError(f"two sequences of numbers are needed, not arrays of the shapes {a.shape} and {v.shape}")
    return a, v


def _moved_over(long: Any, short: Any, mode: str) -> Any:
    """The products of `short` with each stretch of `long`, summed; the sequence is continued with zeros."""
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"mode is 'full', 'same' or 'valid', not {mode!r}")
    if mode == "valid":
        return slid(long, short)
    every = spread(long, np.flip(short))
    return every if mode == "full" else getitem(every, slice((short.size - 1) // 2, (short.size - 1) // 2 + long.size))


@composed(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * np.pi) -> Any:
    """Angles without jumps: whole turns are added so that neighbours differ by less than half of one; slope 1.

    After `numpy.unwrap`.

    >>> from tinygrad_edu import Tensor
    >>> unwrap(Tensor([0.0, 3.0, -3.0])).tolist()[2] > 3
    True
    """
    p = as_operand(p)
    value = array_of(p)
    return p + (np.unwrap(value, discont, axis, period=period) - value)


@composed(np.linspace)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    """`num` numbers at equal steps from start to stop, both of which may be Tensors. After `numpy.linspace`.

    >>> from tinygrad_edu import Tensor
    >>> linspace(Tensor(0.0), 1.0, 3)
    Tensor([0. , 0.5, 1. ])
    """
    start, stop = (t * 1.0 for t in as_operands([start, stop]))
    parts = num - 1 if endpoint else num
    share = (library_of(start).arange(num) / max(parts, 1)).astype(np.result_type(start.dtype, stop.dtype))
    share = np.reshape(share, (num,) + (1,) * len(np.broadcast_shapes(start.shape, stop.shape)))
    out = np.moveaxis(start + share * (stop - start), 0, axis)
    out = out if dtype is None else np.astype(out, dtype)
    return (out, (stop - start) / parts if parts > 0 else (stop - start) * np.nan) if retstep else out


@composed(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """p[0] x**(n-1) + ... + p[n-1], by Horner's rule. After `numpy.polyval`.

    >>> from tinygrad_edu import Tensor
    >>> polyval([1.0, 0.0, -1.0], Tensor([2.0, 3.0]))
    Tensor([3., 8.])
    """
    p, x = as_operands([p, x])
    total = 0 * x
    for coefficient in p:
        total = total * x + coefficient
    return total


@composed(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:  # noqa: N803 - NumPy's name
    """The powers x**(N-1), ..., x, 1 of each number as a row; in rising order if asked. After `numpy.vander`.

    >>> from tinygrad_edu import Tensor
    >>> vander(Tensor([2.0, 3.0]), 3)
    Tensor([[4., 2., 1.],
            [9., 3., 1.]])
    """
    x = as_operand(x)
    if x.ndim != 1:
        raise ValueError(f"vander takes numbers in one axis, not the shape {x.shape}")
    powers = library_of(x).arange(x.size if N is None else N)
    return x[:, None] ** (powers if increasing else powers[::-1])


@composed(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """The differences of neighbours of all numbers in one row, between numbers to begin and end with.

    After `numpy.ediff1d`.

    >>> from tinygrad_edu import Tensor
    >>> ediff1d(Tensor([1.0, 4.0, 9.0]), to_end=0.0)
    Tensor([3., 5., 0.])
    """
    ends = [[] if end is None else [np.ravel(as_operand(end, ary))] for end in (to_begin, to_end)]
    return np.concatenate([*ends[0], np.diff(np.ravel(as_operand(ary))), *ends[1]])


@composed(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """How often each of 0, 1, 2, ... stands in x; with weights (a Tensor, say), their sums. After `numpy.bincount`.

    >>> from tinygrad_edu import Tensor
    >>> bincount([0, 2, 0], weights=Tensor([1.0, 2.0, 3.0]))
    Tensor([4., 0., 2.])
    """
    x = array_of(x)
    x = x.astype(np.intp) if x.dtype.kind == "b" else x
    counts = np.bincount(x, minlength=minlength)
    return counts if weights is None else scatter(as_operand(weights), x, counts.shape)


@composed(np.apply_along_axis)
def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """`func1d` of each row along an axis; what it makes of a row, written with ops, stands in its place.

    After `numpy.apply_along_axis`.

    >>> from tinygrad_edu import Tensor
    >>> apply_along_axis(lambda row: row.sum(), 0, Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([4., 6.])
    """
    arr = as_operand(arr)
    axis = normalize_axis_index(axis, arr.ndim)
    rows = np.moveaxis(arr, axis, -1)
    lead = rows.shape[:-1]
    if not all(lead):
        raise ValueError(f"there are no rows along axis {axis} of the shape {arr.shape}")
    made = [as_operand(func1d(rows[place], *args, **kwargs)) for place in np.ndindex(lead)]
    out = np.reshape(np.stack(made), (*lead, *made[0].shape))
    return np.moveaxis(out, range(len(lead), out.ndim), range(axis, axis + made[0].ndim))
