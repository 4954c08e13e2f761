"""Where the windows of a convolution or a pool lie, and what only moves numbers through them: `unfold` and `fold`.

Cutting an array into windows and adding windows back to where they were cut are transposes of each other: each is the
other's gradient.
"""

import math
from functools import lru_cache
from operator import index
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.errors import ShapeError, does_not_fit
from tinygrad_edu.graph import Array
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand, composed

__all__ = [
    "fold",
    "unfold",
]

Shape = tuple[int, ...]
Slices = tuple[slice, ...]


class Windows(NamedTuple):
    """Windows on the last axes of an array, one entry an axis.

    Window number p holds, of the axis with `before` places of padding in front of it, the places p * stride + o *
    dilation for each offset o below `kernel`; there are `places` windows.
    """

    kernel: Shape
    stride: Shape
    dilation: Shape
    before: Shape
    places: Shape

    @property
    def covered(self) -> Shape:
        """How far the windows reach from the first place of the padding."""
        return tuple((n - 1) * s + d * (k - 1) + 1 for k, s, d, _, n in zip(*self, strict=True))

    @property
    def apart(self) -> bool:
        """Whether no place belongs to two windows: then adding back to zeros is writing, in half the time."""
        return all(s > d * (k - 1) for k, s, d in zip(*self[:3], strict=True))

    def at(self, offset: Shape) -> Slices:
        """Where in the covered places the windows have their number `offset`: a slice for each of its axes."""
        rows = zip(offset, self.stride, self.dilation, self.places, strict=False)
        return tuple(slice(o * d, o * d + (n - 1) * s + 1, s) for o, s, d, n in rows)

    def parted(self, x: Any) -> tuple[Shape, Shape]:
        """The shape of `x` before the axes of the windows, and on them."""
        return x.shape[: -len(self.kernel)], x.shape[-len(self.kernel) :]

    def reads(self, size: Shape) -> tuple[tuple[Shape, Slices, Slices], ...]:
        """Each offset of the kernel; which windows have it in an array of `size`, not in the padding; and where there.

        What loops over these loops over the few numbers of a kernel, never over the many places of an array.
        """
        return _reads(self, size)


@lru_cache(maxsize=256)  # a network asks for few, again and again: 10 us for a kernel of 2 x 2
def _reads(windows: Windows, size: Shape) -> tuple[tuple[Shape, Slices, Slices], ...]:
    found = []
    for offset in np.ndindex(windows.kernel):
        rows = zip(offset, *windows[1:], size, strict=True)
        slices = [_along(o * d - before, s, n, length) for o, s, d, before, n, length in rows]
        found.append((offset, tuple(which for which, _ in slices), tuple(where for _, where in slices)))
    return tuple(found)


def _along(shift: int, stride: int, places: int, length: int) -> tuple[slice, slice]:
    """For which of `places` windows p the place p * stride + shift is one of an axis of `length`; and those places."""
    first = max(0, -(shift // stride))
    stop = max(first, min(places, (length - 1 - shift) // stride + 1))
    return slice(first, stop), slice(first * stride + shift, max(0, (stop - 1) * stride + shift + 1), stride)


def numbers(op: str, name: str, value: Any, axes: int, least: int) -> Shape:
    """An option as one whole number an axis; ValueError, with what to write instead, for anything else."""
    try:
        given = tuple(map(index, value)) if isinstance(value, tuple | list) else (index(value),) * axes
    except TypeError:
        given = ()
    if len(given) != axes or min(given) < least:
        many = f", or a tuple of {axes} such numbers" if axes > 1 else ""
        raise ValueError(f"{op}: {name} is a whole number of at least {least}{many}; it is {value!r}. Write {name}=2.")
    return given


def lay(
    op: str,
    x: Any,
    kernel: Shape,
    stride: Shape,
    dilation: Shape,
    padding: tuple[Shape, Shape],
    ceil_mode: bool = False,
) -> Windows:
    """As many windows as fit on the last axes of `x` and the padding before and after each axis.

    With `ceil_mode` one more where it starts in the array and reaches out of the padding. Raises `ShapeError` where not
    even one fits.
    """
    axes, places = len(kernel), []
    for size, k, s, d, before, after in zip(x.shape[-axes:], kernel, stride, dilation, *padding, strict=True):
        room = before + size + after - (d * (k - 1) + 1)
        fit = room // s + 1
        places.append(fit + 1 if ceil_mode and room % s and fit * s < before + size else fit)
    if min(places) < 1 or 0 in x.shape[-axes:]:
        reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
        hint = f"A window reaches over {reach} places, padding included: take a smaller kernel or more padding."
        raise does_not_fit(op, [(x.shape, getattr(x, "name", None))], hint)
    return Windows(kernel, stride, dilation, padding[0], tuple(places))


def check_axes(op: str, x: Any, axes: int, layout: str) -> None:
    """ShapeError for an operand of which the `axes` last axes are not behind one or two others."""
    if x.ndim not in (axes + 1, axes + 2):
        hint = f"It takes {layout}, or one image without the first axis: x[None] adds an axis, x.reshape(...) makes it."
        raise does_not_fit(op, [(x.shape, getattr(x, "name", None))], hint)


def _cut(x: Array, windows: Windows) -> Array:
    """Every window of `x`, of shape (..., *kernel, *places), with zeros for the padding."""
    lead, size = windows.parted(x)
    out: Array = np.zeros_like(x, shape=(*lead, *windows.kernel, *windows.places))
    for offset, which, where in windows.reads(size):
        out[(..., *offset, *which)] = x[(..., *where)]
    return out


def _add_back(x: Array, windows: Windows, size: Shape) -> Array:
    """Transpose of `cut`: windows of shape (..., *kernel, *places) added up where they lie in an array of `size`."""
    everywhere = (
        windows.apart and windows.kernel == windows.stride and windows.covered == size and not any(windows.before)
    )
    out: Array = (np.empty_like if everywhere else np.zeros_like)(x, shape=(*x.shape[: -2 * len(size)], *size))
    for offset, which, where in windows.reads(size):
        back, part = out[(..., *where)], x[(..., *offset, *which)]
        np.copyto(back, part) if windows.apart else np.add(back, part, out=back)
    return out


cut: Op = Op(_cut, x=lambda g, windows, x_shape: add_back(g, windows, x_shape[-len(windows.kernel) :]))
add_back: Op = Op(_add_back, x=lambda g, windows: cut(g, windows))


def _two(op: str, x: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Windows:
    """The windows of `unfold` and `fold` on the last two axes of `x`."""
    around = numbers(op, "padding", padding, 2, 0)
    steps, apart = numbers(op, "stride", stride, 2, 1), numbers(op, "dilation", dilation, 2, 1)
    return lay(op, x, numbers(op, "kernel_size", kernel_size, 2, 1), steps, apart, (around, around))


@composed()
def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Every window of images as a column, so that a convolution becomes a product of matrices.

    (N, C, H, W) gives (N, C * kernel height * kernel width, number of windows); without N too. Raises `ShapeError`
    where no window fits, ValueError for options that are not whole numbers. After `torch.nn.functional.unfold`.

    >>> unfold([[[0, 1, 2], [3, 4, 5]]], 2)
    array([[0, 1],
           [1, 2],
           [3, 4],
           [4, 5]])
    """
    input = as_operand(input)
    check_axes("unfold", input, 2, "(N, C, H, W)")
    windows = _two("unfold", input, kernel_size, dilation, padding, stride)
    rows = input.shape[-3] * math.prod(windows.kernel)
    return np.reshape(cut(input, windows), (*input.shape[:-3], rows, math.prod(windows.places)))


@composed()
def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The columns of `unfold`, added up where they lie in images of `output_size`: its gradient.

    (N, C * kernel height * kernel width, number of windows) gives (N, C, *output_size); without N too. Raises
    `ShapeError` for columns that are not those of such images. After `torch.nn.functional.fold`.

    >>> fold([[0, 1], [1, 2], [3, 4], [4, 5]], (2, 3), 2)
    array([[[0, 2, 2],
            [3, 8, 5]]])
    """
    input = as_operand(input)
    size = numbers("fold", "output_size", output_size, 2, 1)
    windows = _two("fold", np.empty((1, *size)), kernel_size, dilation, padding, stride)
    count, each = math.prod(windows.places), math.prod(windows.kernel)
    if input.ndim not in (2, 3) or input.shape[-2] % each or input.shape[-1] != count:
        raise ShapeError(
            f"fold: shape {input.shape} is not (N, channels * {each}, {count}) or (channels * {each}, {count}), the"
            f" columns of images of {size}: make them with unfold(images, {windows.kernel}, ...) and the same options."
        )
    shape = (*input.shape[:-2], input.shape[-2] // each, *windows.kernel, *windows.places)
    return add_back(np.reshape(input, shape), windows, size)
