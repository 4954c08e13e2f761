"""The derivative of what puts margins around an array: the gradient without the margins, or these added to it."""

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_edu.device import library_of
from tinygrad_edu.errors import UnsupportedError
from tinygrad_edu.graph import Array, array_of
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand, composed

__all__ = [
    "pad",
]

Widths = tuple[tuple[int, int], ...]  # before and after each axis


def _pad(array: Array, pad_width: Widths, mode: Any, constant_values: Any = 0) -> Array:
    """With a constant around it."""
    if mode != "constant" or np.ndim(constant_values) or array.ndim == 0:
        values = constant_values.tolist() if isinstance(constant_values, np.ndarray) else constant_values
        options: dict[str, Any] = {"constant_values": values} if mode == "constant" else {}
        return np.pad(array, pad_width or 0, mode, **options)
    shape = tuple([before + n + after for n, (before, after) in zip(array.shape, pad_width, strict=True)])
    out = np.empty_like(array, shape=shape)  # np.pad does the same in 7 us more
    _middle(out, pad_width)[...] = array
    for axis, (before, after) in enumerate(pad_width):
        along = (slice(None),) * axis
        out[(*along, slice(before))] = constant_values
        out[(*along, slice(shape[axis] - after, None))] = constant_values
    return out


def _pad_back(g: Any, pad_width: Widths, mode: str) -> Any:
    """The gradient without its margins; where these are numbers of the array again, they are added to those."""
    return _middle(g, pad_width) if mode == "constant" else unpad(g, pad_width, mode)


def _middle(g: Any, pad_width: Widths) -> Any:
    return g[tuple([slice(before, n - after) for (before, after), n in zip(pad_width, g.shape, strict=True)])]


def _unpad(g: Array, pad_width: Widths, mode: Any) -> Array:
    """The middle, with each slice of a margin added where it was taken from, axis by axis."""
    for axis, (before, after) in enumerate(pad_width):
        if before == after == 0:
            continue
        slices = np.moveaxis(g, axis, 0)
        length = len(slices) - before - after
        sources = np.pad(np.arange(length), (before, after), mode)
        middle = slices[before : before + length].copy()
        for place in (*range(before), *range(before + length, len(slices))):
            middle[sources[place]] += slices[place]
        g = np.moveaxis(middle, 0, axis)
    return g


padded: Op = Op(_pad, array=_pad_back)
unpad: Op = Op(_unpad, g=lambda g, pad_width, mode: padded(g, pad_width, mode))


@composed(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Any:
    """With `pad_width` more numbers before and after each axis: constants, or the array's own again.

    `pad_width` is one number, a pair (before, after), a pair an axis, or a dict of them by axis. `mode`: "constant"
    with `constant_values` (0); "edge" repeats the outermost number, "reflect" mirrors at it, "symmetric" mirrors with
    it, "wrap" goes on at the other end. Raises `UnsupportedError` for NumPy's other modes. After `numpy.pad`.

    >>> from tinygrad_edu import Tensor
    >>> pad(Tensor([1.0, 2.0, 3.0]), (1, 2)), pad(Tensor([1.0, 2.0, 3.0]), 2, "reflect")
    (Tensor([0., 1., 2., 3., 0., 0.]), Tensor([3., 2., 1., 2., 3., 2., 1.]))
    """
    array = as_operand(array)
    options = {"constant": {"constant_values"}, "reflect": {"reflect_type"}, "symmetric": {"reflect_type"}}
    if mode not in (*options, "edge", "wrap"):
        raise UnsupportedError(
            f"pad has the modes constant, edge, reflect, symmetric and wrap here, not {mode!r}: make the margins"
            " yourself and join them, np.concatenate([before, t, after], axis)"
        )
    if unknown := set(kwargs) - options.get(mode, set()):
        raise ValueError(f"pad with mode {mode!r} takes no {', '.join(sorted(unknown))}")
    if kwargs.get("reflect_type", "even") != "even":
        raise UnsupportedError("reflect_type='odd' is not here: write 2 * pad(t, n, 'edge') - pad(t, n, 'reflect')")
    widths, constants = _widths(pad_width, array.ndim), as_operand(kwargs.get("constant_values", 0))
    if not getattr(constants, "requires_grad", False):
        return padded(array, widths, mode, constants if constants.ndim else constants[()])
    if constants.ndim:
        raise UnsupportedError("several constant_values with a gradient: join them yourself, np.concatenate([a, t, b])")
    margins = np.pad(library_of(array).zeros(array.shape, constants.dtype), widths, constant_values=1)
    return padded(array, widths, mode, 0) + constants * margins


def _widths(pad_width: Any, ndim: int) -> Widths:
    """A pair of widths for each axis."""
    if type(pad_width) is int and pad_width >= 0:
        return ((pad_width, pad_width),) * ndim
    if isinstance(pad_width, dict):
        by_axis = {normalize_axis_index(axis, ndim): width for axis, width in pad_width.items()}
        pad_width = [np.broadcast_to(by_axis.get(axis, 0), 2) for axis in range(ndim)]
    widths = array_of(pad_width)
    if widths.size and (widths.dtype.kind not in "iu" or widths.min() < 0):
        raise (TypeError if widths.dtype.kind not in "iu" else ValueError)(
            f"pad_width counts numbers to put before and after each axis: whole numbers from 0 on, not {pad_width}"
        )
    return tuple((before, after) for before, after in np.broadcast_to(widths, (ndim, 2)).tolist())
