"""Derivatives of pooling: each window of an image becomes one number, its largest or its mean."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu.device import is_cupy
from tinygrad_edu.errors import does_not_fit
from tinygrad_edu.graph import Array
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand, composed
from tinygrad_edu.ops.windows import Shape, Slices, Windows, add_back, check_axes, lay, numbers

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "max_pool1d",
    "max_pool2d",
]

Parts = tuple[tuple[tuple[int, int], ...], ...]  # of each axis its parts, (start, stop)


TIES = "numbers that tie for the largest of a window share its gradient equally (PyTorch: the first gets it)"


def _lowest(dtype: Any) -> Any:
    """What is not larger than any number of the dtype."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min if dtype.kind in "iu" else False


def _window_max(x: Array, windows: Windows) -> Array:
    """The largest number of each window."""
    lead, size = windows.parted(x)
    out: Array = np.full_like(x, _lowest(x.dtype), shape=(*lead, *windows.places))
    for _, which, where in windows.reads(size):
        part = out[(..., *which)]
        np.maximum(part, x[(..., *where)], out=part)
    return out


def _window_sum(x: Array, windows: Windows) -> Array:
    """The sum of each window."""
    lead, size = windows.parted(x)
    out: Array = np.zeros_like(x, shape=(*lead, *windows.places))
    for _, which, where in windows.reads(size):
        out[(..., *which)] += x[(..., *where)]
    return out


def _chosen(x: Array, top: Array, windows: Windows) -> tuple[list[Any], Array]:
    """For each offset, which windows have there their largest number; and how many such numbers a window has."""
    count: Array = np.zeros_like(top)
    chosen = []
    for _, which, where in windows.reads(windows.parted(x)[1]):
        here = x[(..., *where)] == top[(..., *which)]
        count[(..., *which)] += here
        chosen.append((which, where, here))
    return chosen, np.maximum(count, 1)  # where top is NaN, no number equals it


def _to_max(y: Array, x: Array, top: Array, windows: Windows) -> Array:
    """Each window's y, shared equally among its numbers that equal its `top`."""
    chosen, count = _chosen(x, top, windows)
    share = y / count
    out: Array = np.zeros_like(x, dtype=share.dtype)
    for which, where, here in chosen:
        back, part = out[(..., *where)], share[(..., *which)]
        np.multiply(part, here, out=back) if windows.apart else np.add(back, part * here, out=back)
    return out


def _of_max(y: Array, x: Array, top: Array, windows: Windows) -> Array:
    """Transpose of `to_max`: the mean of y over each window's places where x is the window's `top`."""
    chosen, count = _chosen(x, top, windows)
    out: Array = np.zeros_like(y, shape=top.shape)
    for which, where, here in chosen:
        out[(..., *which)] += y[(..., *where)] * here
    return out / count


def _everywhere(g: Any, windows: Windows, x_shape: Shape) -> Any:
    """Every number of a window gets all of g: the windows added back, each full of its g."""
    axes = len(windows.kernel)
    lead = g.shape[: g.ndim - axes]
    full = np.broadcast_to(
        np.reshape(g, (*lead, *[1] * axes, *windows.places)), (*lead, *windows.kernel, *windows.places)
    )
    return add_back(full, windows, x_shape[len(lead) :])


window_sum = Op(_window_sum, x=_everywhere)
window_max: Op = Op(
    _window_max,
    name="max_pool",
    x=lambda g, x, out, windows: to_max(g, x, out, windows),
    kink=TIES,
)
to_max: Op = Op(_to_max, y=lambda g, x, top, windows: of_max(g, x, top, windows), x=None, top=None)
of_max: Op = Op(_of_max, y=lambda g, x, top, windows: to_max(g, x, top, windows), x=None, top=None)


def _largest(x: Any, windows: Windows) -> Any:
    return np.max(x, axis=_axes(windows), keepdims=True) if _whole(x, windows) else window_max(x, windows)


def _mean(x: Any, windows: Windows, count_include_pad: bool = True) -> Any:
    """The sums of the windows by how many numbers they hold: one that reaches out of the padding holds fewer."""
    if _whole(x, windows):
        return np.mean(x, axis=_axes(windows), keepdims=True)
    size, before = windows.parted(x)[1], windows.before
    if count_include_pad:
        size, before = tuple(n + 2 * p for n, p in zip(size, before, strict=True)), (0,) * len(size)
    return window_sum(x, windows) / window_sum(np.ones_like(x, shape=size), windows._replace(before=before))


def _axes(windows: Windows) -> Shape:
    return tuple(range(-len(windows.kernel), 0))


def _whole(x: Any, windows: Windows) -> bool:
    """Whether all of `x` is one window: then NumPy's reductions are 20 times faster than a loop over its offsets."""
    size = windows.parted(x)[1]
    return windows.kernel == windows.covered == size and not any(windows.before)


def _pooled(
    op: str, axes: int, x: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Any, Windows]:
    """x, and the windows of its pool; their stride is the kernel size where none is given."""
    x = as_operand(x)
    check_axes(op, x, axes, "(N, C, L)" if axes == 1 else "(N, C, H, W)")
    kernel = numbers(op, "kernel_size", kernel_size, axes, 1)
    steps = kernel if stride is None else numbers(op, "stride", stride, axes, 1)
    dilation, around = numbers(op, "dilation", dilation, axes, 1), numbers(op, "padding", padding, axes, 0)
    if any(2 * p > k for p, k in zip(around, kernel, strict=True)):
        raise ValueError(
            f"{op}: padding={padding!r} is more than half the kernel, {kernel_size!r}: write a smaller one."
        )
    return x, lay(op, x, kernel, steps, dilation, (around, around), ceil_mode)


@composed()
def max_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Any:
    """`max_pool2d` with one axis, for (N, C, L) or (C, L). After `torch.nn.functional.max_pool1d`.

    >>> max_pool1d([[1.0, 5.0, 2.0, 3.0]], 2)
    array([[5., 3.]])
    """
    return _largest(*_pooled("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode))


@composed()
def max_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Any:
    """The largest number of each window: out[n, c, i, j] = max over k, l of input[n, c, i*stride + k*dilation, ...].

    The input is (N, C, H, W) or (C, H, W). `kernel_size` is a number or (height, width), and so are the other options;
    the stride is the kernel size unless given, so that windows lie side by side. Padding never is the largest; with
    `ceil_mode` a last window may reach out of it. Numbers that tie for the largest share the gradient equally (PyTorch:
    the first gets it). Raises `ShapeError` where no window fits, ValueError for options that are not whole numbers.
    After `torch.nn.functional.max_pool2d`.

    >>> max_pool2d([[[1.0, 5.0, 2.0, 3.0], [4.0, 0.0, 2.0, 7.0]]], 2)
    array([[[5., 7.]]])
    """
    return _largest(*_pooled("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode))


@composed()
def avg_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """`avg_pool2d` with one axis, for (N, C, L) or (C, L). After `torch.nn.functional.avg_pool1d`.

    >>> avg_pool1d([[1.0, 5.0, 2.0, 3.0]], 2)
    array([[3. , 2.5]])
    """
    return _mean(*_pooled("avg_pool1d", 1, input, kernel_size, stride, padding, 1, ceil_mode), count_include_pad)


@composed()
def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window: out[n, c, i, j] = mean over k, l of input[n, c, i*stride + k, j*stride + l].

    The input is (N, C, H, W) or (C, H, W), the options are those of `max_pool2d`. The zeros of the padding count as
    numbers unless `count_include_pad` is False. Raises as `max_pool2d` does. After `torch.nn.functional.avg_pool2d`.

    >>> avg_pool2d([[[1.0, 5.0, 2.0, 3.0], [4.0, 0.0, 2.0, 7.0]]], 2)
    array([[[2.5, 3.5]]])
    """
    return _mean(*_pooled("avg_pool2d", 2, input, kernel_size, stride, padding, 1, ceil_mode), count_include_pad)


def _adaptive(op: str, axes: int, x: Any, output_size: Any) -> tuple[Any, Windows | None, Shape]:
    """x, the windows that make a result of `output_size` where they can all be alike and side by side, and its size."""
    x = as_operand(x)
    check_axes(op, x, axes, "(N, C, L)" if axes == 1 else "(N, C, H, W)")
    size = x.shape[-axes:]
    if isinstance(output_size, tuple | list) and len(output_size) == axes:
        output_size = tuple(n if wanted is None else wanted for n, wanted in zip(size, output_size, strict=True))
    places = size if output_size is None else numbers(op, "output_size", output_size, axes, 1)
    if 0 in size:
        raise does_not_fit(op, [(x.shape, getattr(x, "name", None))], "There is nothing to pool: give it longer axes.")
    kernel = tuple(n // p for n, p in zip(size, places, strict=True))
    alike = all(n == k * p for n, k, p in zip(size, kernel, places, strict=True))
    return x, Windows(kernel, kernel, (1,) * axes, (0,) * axes, places) if alike else None, places


def _parts(size: int, places: int) -> tuple[tuple[int, int], ...]:
    """An axis in `places` parts, as equal as whole numbers can be and overlapping where they must: (start, stop)."""
    return tuple((i * size // places, -(-(i + 1) * size // places)) for i in range(places))


def _adaptive_mean(x: Any, windows: Windows | None, places: Shape) -> Any:
    """A mean along an axis is a product with a matrix whose row number i is 1 / n in the n places of part i."""
    if windows and _whole(x, windows):
        return _mean(x, windows)
    dtype = x.dtype if x.dtype.kind == "f" else float
    for axis, count in zip(range(-len(places), 0), places, strict=True):
        means: Array = np.zeros_like(x, shape=(count, x.shape[axis]), dtype=dtype)
        for row, (start, stop) in zip(means, _parts(x.shape[axis], count), strict=True):
            row[start:stop] = 1 / (stop - start)
        x = means @ x if axis == -2 else x @ means.T
    return x


# Parts are small, and NumPy's loops run along the last axis: with the images there, of which there are many, the rules
# take 4 ms where they take 15 with the places there, for 32 images of 32 channels, 28 x 28, in 5 x 5 parts.
def _images_last(x: Array, axes: int) -> Array:
    """A copy of `x` with its places first, and all axes before them as one, the last."""
    lead, size = math.prod(x.shape[: x.ndim - axes]), x.shape[x.ndim - axes :]
    return x.reshape(lead, math.prod(size)).T.copy().reshape(*size, lead)


def _places_last(x: Array, shape: Shape) -> Array:
    """Undo `_images_last`, to this shape."""
    flat = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    out: Array = np.empty_like(flat, shape=flat.shape[::-1])
    few = max(len(flat), 1) if is_cupy(x) else 8  # rows at a time stay in the cache: 0.4 ms rather than 5
    for start in range(0, len(flat), few):
        out[:, start : start + few] = flat[start : start + few].T
    return out.reshape(shape)


def _part_max(x: Array, parts: Parts) -> Array:
    """The largest number of each part: of its rows first, and then of those."""
    out = _images_last(x, len(parts))
    for axis, along in enumerate(parts):
        before = (slice(None),) * axis
        out = np.stack([np.max(out[(*before, slice(*part))], axis=axis) for part in along], axis=axis)
    return _places_last(out, (*x.shape[: x.ndim - len(parts)], *map(len, parts)))


def _marked(x: Array, top: Array, parts: Parts) -> Iterator[tuple[Shape, Slices, Array, Array]]:
    """For each part its place in the result and in `x`, which numbers are its largest, and how many, images last."""
    x, top = _images_last(x, len(parts)), _images_last(top, len(parts))
    for place in np.ndindex(*map(len, parts)):
        where = tuple(slice(*along[i]) for i, along in zip(place, parts, strict=True))
        here = x[where] == top[place]
        yield place, where, here, np.maximum(here.sum(axis=tuple(range(len(parts))), dtype=top.dtype), 1)


def _to_part_max(y: Array, x: Array, top: Array, parts: Parts) -> Array:
    """Each part's y, shared equally among its numbers that equal its `top`."""
    share = _images_last(y, len(parts))
    out: Array = np.zeros_like(share, shape=(*x.shape[x.ndim - len(parts) :], share.shape[-1]))
    for place, where, here, count in _marked(x, top, parts):
        out[where] += here * (share[place] / count)
    return _places_last(out, x.shape)


def _of_part_max(y: Array, x: Array, top: Array, parts: Parts) -> Array:
    """Transpose of `to_part_max`: the mean of y over each part's places where x is the part's `top`."""
    y = _images_last(y, len(parts))
    out: Array = np.zeros_like(y, shape=(*map(len, parts), y.shape[-1]))
    for place, where, here, count in _marked(x, top, parts):
        out[place] = (y[where] * here).sum(axis=tuple(range(len(parts)))) / count
    return _places_last(out, top.shape)


part_max: Op = Op(_part_max, name="max_pool", x=lambda g, x, out, parts: to_part_max(g, x, out, parts), kink=TIES)
to_part_max: Op = Op(_to_part_max, y=lambda g, x, top, parts: of_part_max(g, x, top, parts), x=None, top=None)
of_part_max: Op = Op(_of_part_max, y=lambda g, x, top, parts: to_part_max(g, x, top, parts), x=None, top=None)


def _adaptive_largest(x: Any, windows: Windows | None, places: Shape) -> Any:
    if windows:
        return _largest(x, windows)
    return part_max(x, tuple(_parts(size, count) for size, count in zip(x.shape[-len(places) :], places, strict=True)))


@composed()
def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """`adaptive_avg_pool2d` with one axis, for (N, C, L) or (C, L). After `torch.nn.functional.adaptive_avg_pool1d`.

    >>> adaptive_avg_pool1d([[1.0, 5.0, 3.0]], 2)
    array([[3., 4.]])
    """
    return _adaptive_mean(*_adaptive("adaptive_avg_pool1d", 1, input, output_size))


@composed()
def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """The means of as many parts as you want: part i of n of an axis of H places is floor(i H / n) : ceil((i+1) H / n).

    It takes (N, C, H, W) or (C, H, W); `output_size` is a number or (height, width), None for an axis left as it is.
    Raises `ShapeError` for other shapes, ValueError for sizes that are not whole numbers.
    After `torch.nn.functional.adaptive_avg_pool2d`.

    >>> adaptive_avg_pool2d([[[1.0, 5.0, 3.0], [2.0, 4.0, 3.0]]], (1, 2))
    array([[[3.  , 3.75]]])
    """
    return _adaptive_mean(*_adaptive("adaptive_avg_pool2d", 2, input, output_size))


@composed()
def adaptive_max_pool1d(input: Any, output_size: Any) -> Any:
    """`adaptive_max_pool2d` with one axis, for (N, C, L) or (C, L). After `torch.nn.functional.adaptive_max_pool1d`.

    >>> adaptive_max_pool1d([[1.0, 5.0, 3.0]], 2)
    array([[5., 5.]])
    """
    return _adaptive_largest(*_adaptive("adaptive_max_pool1d", 1, input, output_size))


@composed()
def adaptive_max_pool2d(input: Any, output_size: Any) -> Any:
    """The largest numbers of the parts that `adaptive_avg_pool2d` takes the means of; ties share the gradient equally.

    It takes (N, C, H, W) or (C, H, W); `output_size` is a number or (height, width), None for an axis left as it is.
    Raises `ShapeError` for other shapes, ValueError for sizes that are not whole numbers.
    After `torch.nn.functional.adaptive_max_pool2d`.

    >>> adaptive_max_pool2d([[[1.0, 5.0, 3.0], [2.0, 4.0, 3.0]]], (1, 2))
    array([[[5., 5.]]])
    """
    return _adaptive_largest(*_adaptive("adaptive_max_pool2d", 2, input, output_size))
