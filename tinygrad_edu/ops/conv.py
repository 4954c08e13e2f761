"""Derivatives of convolution: one number, linear in three arrays, and so three ops that are each other's gradients.

Weigh the result of a convolution by y and add up, B(y, x, w) = <y, conv(x, w)>. It is linear in y, in the images x and
in the weight w; its derivatives by them are the three ops `conv`, `conv_transpose` and `conv_weight`. The derivatives
of those are derivatives of B again: no order of differentiation needs a fourth op.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu.device import is_cupy
from tinygrad_edu.errors import does_not_fit
from tinygrad_edu.graph import Array
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand, composed
from tinygrad_edu.ops.windows import Shape, Windows, add_back, check_axes, lay, numbers

__all__ = [
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
]

BLOCK, BLOCK_ON_GPU = 2**18, 2**28
"""How many numbers of the columns are made at a time: 1 MB of float32 stay in the cache, however large the batch.

A GPU has no such cache, and is quick where it is given much at once: 1 GB.
"""

SHALLOW = 32
"""Columns of fewer rows make poor matrix products; then the offsets of all axes are unrolled, not of the last alone."""


def _rolled(x: Array, windows: Windows, channels: int) -> int:
    """How many of the first axes keep their offsets apart, one matrix each, rather than unrolled into the columns.

    None on a GPU, where one large product takes less time than several and their sum.
    """
    return len(windows.kernel) - 1 if channels * windows.kernel[-1] >= SHALLOW and not is_cupy(x) else 0


def _at_a_time(x: Array, each: int) -> int:
    """How many images of `each` numbers of columns are looked at in one go."""
    return max(1, (BLOCK_ON_GPU if is_cupy(x) else BLOCK) // max(1, each))


def _columns(x: Array, windows: Windows, groups: int) -> Iterator[tuple[slice, Shape, Array]]:
    """The windows of `x` as matrices (images, groups, rows, places), a few images at a time.

    A convolution is a product of matrices once each window is a column. Only the offsets along the last axis are copied
    to rows of their own; those of the axes before it are yielded one by one, each a matrix that begins some rows
    further down in the same memory. That copies a third as much for a kernel of 3 x 3: 3.1 ms where copying all
    nine takes 3.8, for 32 images of 32 channels, 28 x 28, of which the products take 2.4.
    """
    (images, channels, *size), kernel, places = x.shape, windows.kernel, math.prod(windows.places)
    head, whole = _rolled(x, windows, channels // groups), (slice(None),) * len(kernel)
    one, rest = (1,) * head, (*windows.covered[:head], *windows.places[head:])
    lines = Windows(
        one + kernel[head:], one + windows.stride[head:], one + windows.dilation[head:], windows.before, rest
    )
    rows = channels // groups * math.prod(lines.kernel)
    block = max(1, min(images, _at_a_time(x, groups * rows * math.prod(rest))))
    # Zeros, which stay where the padding is; in order "C", so that the matrices are another look at the columns.
    columns: Array = np.zeros_like(x, order="C", shape=(block, channels, *lines.kernel, *rest))
    matrices: Array = columns.reshape(block, groups, rows, *rest)
    unrolled = lines.reads(tuple(size))
    rolled = [(offset, (*windows.at(offset), *whole[head:])) for offset in np.ndindex(kernel[:head])]
    for start in range(0, images, block):
        some, n = slice(start, start + block), min(block, images - start)
        for offset, which, where in unrolled:
            columns[(slice(n), whole[0], *offset, *which)] = x[(some, ..., *where)]
        for offset, at in rolled:
            yield some, offset, matrices[(slice(n), ..., *at)].reshape(n, groups, rows, places)


def _conv(x: Array, weight: Array, windows: Windows, groups: int) -> Array:
    """The derivative of B by y: out[n, o, p] = sum over c, k of weight[o, c, k] x[n, c, p * stride + k * dilation]."""
    images, (outputs, channels, *kernel) = x.shape[0], weight.shape
    out: Array = np.empty_like(x, order="C", shape=(images, outputs, *windows.places), dtype=np.result_type(x, weight))
    flat = out.reshape(images, groups, outputs // groups, math.prod(windows.places))
    head, each = _rolled(x, windows, channels), (groups, outputs // groups)
    weight = np.moveaxis(weight.reshape(*each, channels, *kernel), range(3, 3 + head), range(head))
    weight = weight.reshape(*kernel[:head], *each, channels * math.prod(kernel[head:]))
    for some, offset, columns in _columns(x, windows, groups):
        if any(offset):
            flat[some] += weight[offset] @ columns
        else:
            np.matmul(weight[offset], columns, out=flat[some])
    return out


def _conv_bias(x: Array, weight: Array, bias: Array, windows: Windows, groups: int) -> Array:
    """A convolution and a number for each output channel, in one array: one node, and a pass through memory less."""
    out = _conv(x, weight, windows, groups)
    bias = bias.reshape(-1, *[1] * len(windows.kernel))
    return np.add(out, bias, out=out) if np.can_cast(bias.dtype, out.dtype) else out + bias


def _conv_transpose(y: Array, weight: Array, windows: Windows, groups: int, size: Shape) -> Array:
    """The derivative of B by x: y times the weight, added up where the windows lie in images of `size`."""
    images, (outputs, channels, *kernel) = y.shape[0], weight.shape
    weight = weight.reshape(groups, outputs // groups, channels, *kernel)
    # Side by side the windows make it a convolution too, of y with the kernel turned round: 3.2 ms where adding back
    # takes 6.7. But that copies the windows of y, and they are many where y has many more channels than the images.
    if set(windows.stride) == {1} and outputs <= 4 * groups * channels:
        flipped = np.flip(weight.swapaxes(1, 2), tuple(range(3, weight.ndim)))
        flipped = flipped.reshape(groups * channels, outputs // groups, *kernel)
        before = tuple(d * (k - 1) - b for k, d, b in zip(kernel, windows.dilation, windows.before, strict=True))
        return _conv(y, flipped, windows._replace(before=before, places=size), groups)
    matrix = weight.reshape(groups, outputs // groups, channels * math.prod(kernel)).swapaxes(1, 2)
    block = _at_a_time(y, matrix.size // max(1, outputs // groups) * math.prod(windows.places))
    y = y.reshape(images, groups, outputs // groups, math.prod(windows.places))
    out: Array = np.empty_like(y, order="C", shape=(images, groups * channels, *size), dtype=np.result_type(y, weight))
    for start in range(0, images, block):
        columns = matrix @ y[start : start + block]
        lying = columns.reshape(len(columns), groups * channels, *kernel, *windows.places)
        out[start : start + block] = add_back(lying, windows, size)
    return out


def _conv_weight(y: Array, x: Array, windows: Windows, groups: int) -> Array:
    """The derivative of B by w: how y and the window's number k vary together, summed over images and places."""
    (images, outputs), channels, kernel = y.shape[:2], x.shape[1] // groups, windows.kernel
    y = y.reshape(images, groups, outputs // groups, math.prod(windows.places)).swapaxes(2, 3)
    head = _rolled(x, windows, channels)
    shape = (*kernel[:head], groups, channels * math.prod(kernel[head:]), outputs // groups)
    out: Array = np.zeros_like(y, order="C", shape=shape, dtype=np.result_type(y, x))
    for some, offset, columns in _columns(x, windows, groups):
        out[offset] += (columns @ y[some]).sum(axis=0)  # the other way round the product takes a tenth longer
    out = out.reshape(*kernel[:head], groups, channels, *kernel[head:], outputs // groups)
    out = np.moveaxis(out, (*range(head), -1), (*range(3, 3 + head), 1))
    return out.reshape(outputs, channels, *kernel)


def _conv_x(g: Any, weight: Any, windows: Windows, groups: int, x_shape: Shape) -> Any:
    """The kernels laid down at each place, g times; what `conv_transpose` of g and the weight is."""
    return conv_transpose(g, weight, windows, groups, x_shape[2:])


def _conv_w(g: Any, x: Any, windows: Windows, groups: int) -> Any:
    """For each number of a kernel the sum of g times what it met in x; what `conv_weight` of g and x is."""
    return conv_weight(g, x, windows, groups)


conv = Op(_conv, x=_conv_x, weight=_conv_w)
conv_bias = Op(
    _conv_bias,
    name="conv",
    x=_conv_x,
    weight=_conv_w,
    bias=lambda g: g.sum(axis=(0, *range(2, g.ndim))),
)
conv_transpose: Op = Op(
    _conv_transpose,
    y=lambda g, weight, windows, groups: conv(g, weight, windows, groups),
    weight=lambda g, y, windows, groups: conv_weight(y, g, windows, groups),
)
conv_weight: Op = Op(
    _conv_weight,
    y=lambda g, x, windows, groups: conv(x, g, windows, groups),
    x=lambda g, y, windows, groups, x_shape: conv_transpose(y, g, windows, groups, x_shape[2:]),
)


def _paddings(op: str, padding: Any, kernel: Shape, stride: Shape, dilation: Shape) -> tuple[Shape, Shape]:
    """Places of padding before and after each axis; "same" gives as many places as there were, "valid" none more."""
    if padding == "same":
        if set(stride) != {1}:
            raise ValueError(f"{op}: padding='same' is for stride=1, not {stride}: write the padding as numbers.")
        both = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple(n // 2 for n in both), tuple(n - n // 2 for n in both)
    if isinstance(padding, str) and padding != "valid":
        raise ValueError(f"{op}: padding is 'same', 'valid' or whole numbers, not {padding!r}. Write padding=1.")
    around = (0,) * len(kernel) if padding == "valid" else numbers(op, "padding", padding, len(kernel), 0)
    return around, around


def _check(op: str, axes: int, x: Any, weight: Any, bias: Any, groups: Any, transposed: bool) -> int:
    """The number of groups; ShapeError where images, weight and bias do not belong together."""
    (groups,) = numbers(op, "groups", groups, 1, 1)
    check_axes(op, x, axes, "(N, C, L)" if axes == 1 else "(N, C, H, W)")
    layout = ("in, out / groups" if transposed else "out, in / groups") + (
        ", length" if axes == 1 else ", height, width"
    )
    shapes = [(t.shape, getattr(t, "name", None)) for t in (x, weight)]
    if weight.ndim != axes + 2 or 0 in weight.shape[2:]:
        raise does_not_fit(op, shapes, f"The weight is ({layout}).")
    channels, split = x.shape[-axes - 1], weight.shape[0]
    needed = split if transposed else weight.shape[1] * groups
    if channels != needed or split % groups:
        hint = (
            f"The weight is ({layout}) and groups={groups}: it takes images of {needed} channels, not {channels};"
            f" its first axis, {split}, must be a multiple of groups."
        )
        if needed == 1 and x.ndim == axes + 1:
            hint += " Images without an axis of channels get one by x[:, None]."
        elif x.shape[-1] == needed:
            hint += f" Channels come before the places: write np.moveaxis(x, -1, {-axes - 1})."
        raise does_not_fit(op, shapes, hint)
    outputs = weight.shape[1] * groups if transposed else split
    if bias is not None and bias.shape != (outputs,):
        raise does_not_fit(
            op,
            [*shapes, (bias.shape, getattr(bias, "name", None))],
            f"The bias has one number an output: ({outputs},).",
        )
    return int(groups)


def _convolved(
    op: str, axes: int, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    x, weight, bias = (None if t is None else as_operand(t) for t in (x, weight, bias))
    groups = _check(op, axes, x, weight, bias, groups, transposed=False)
    kernel, stride = weight.shape[2:], numbers(op, "stride", stride, axes, 1)
    dilation = numbers(op, "dilation", dilation, axes, 1)
    windows = lay(op, x, kernel, stride, dilation, _paddings(op, padding, kernel, stride, dilation))
    images = x if x.ndim == axes + 2 else np.reshape(x, (1, *x.shape))
    out = conv(images, weight, windows, groups) if bias is None else conv_bias(images, weight, bias, windows, groups)
    return out if images is x else np.reshape(out, out.shape[1:])


def _transposed(
    op: str,
    axes: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Any:
    x, weight, bias = (None if t is None else as_operand(t) for t in (x, weight, bias))
    groups = _check(op, axes, x, weight, bias, groups, transposed=True)
    places, stride = x.shape[-axes:], numbers(op, "stride", stride, axes, 1)
    padding, extra = numbers(op, "padding", padding, axes, 0), numbers(op, "output_padding", output_padding, axes, 0)
    windows = Windows(weight.shape[2:], stride, numbers(op, "dilation", dilation, axes, 1), padding, places)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, windows.dilation, strict=True)):
        raise ValueError(
            f"{op}: output_padding={output_padding!r} must be smaller than the stride or the dilation, {stride} and"
            f" {windows.dilation}. Write output_padding=0, or pad the result."
        )
    size = tuple(n - 2 * p + e for n, p, e in zip(windows.covered, padding, extra, strict=True))
    if min(*size, *places) < 1:
        hint = f"The result would have the size {size}: take less padding, or images of at least one place."
        raise does_not_fit(op, [(t.shape, getattr(t, "name", None)) for t in (x, weight)], hint)
    images = x if x.ndim == axes + 2 else np.reshape(x, (1, *x.shape))
    out = conv_transpose(images, weight, windows, groups, size)
    if bias is not None:
        out = out + np.reshape(bias, (-1, *[1] * axes))
    return out if images is x else np.reshape(out, out.shape[1:])


@composed()
def conv1d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """`conv2d` with one axis: the input is (N, C, L) or (C, L), the weight (out, C / groups, length).

    After `torch.nn.functional.conv1d`.

    >>> conv1d([[1.0, 2.0, 4.0, 8.0]], [[[-1.0, 1.0]]])
    array([[1., 2., 4.]])
    """
    return _convolved("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


@composed()
def conv2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """How much each window of images looks like each kernel: the sum of products of their numbers (cross-correlation).

        out[n, o, i, j] = bias[o] + Σ weight[o, c, k, l] * input[n, c, i*stride + k*dilation, j*... + l*...]

    The input is (N, C, H, W) or (C, H, W), with zeros put around it as `padding` says: numbers, "same" (the result is
    as large as the images) or "valid" (none). The weight is (out, C / groups, height, width): with groups the channels
    fall into as many parts, each with kernels of its own. `stride` is the step from window to window, `dilation` that
    between numbers of one window. Raises `ShapeError` for shapes that do not belong together, ValueError for options
    that are not whole numbers. After `torch.nn.functional.conv2d`.

    >>> conv2d([[[0.0, 0.0, 1.0, 1.0]] * 3], [[[[-1.0, 1.0]]]])
    array([[[0., 1., 0.],
            [0., 1., 0.],
            [0., 1., 0.]]])
    """
    return _convolved("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


@composed()
def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """`conv_transpose2d` with one axis: the input is (N, C, L) or (C, L), the weight (C, out / groups, length).

    After `torch.nn.functional.conv_transpose1d`.

    >>> conv_transpose1d([[1.0, 10.0]], [[[1.0, 2.0, 3.0]]], stride=2)
    array([[ 1.,  2., 13., 20., 30.]])
    """
    return _transposed("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


@composed()
def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """Lay a kernel down at each place, as often as the number there says, and add up: the gradient of `conv2d` by x.

        out[n, o, i*stride + k*dilation, j*... + l*...] += input[n, c, i, j] * weight[c, o, k, l]

    and bias[o] everywhere. The input is (N, C, H, W) or (C, H, W), the weight (C, out / groups, height, width). An axis
    of the result has (H - 1) * stride - 2 * padding + dilation * (height - 1) + output_padding + 1 places. Raises
    `ShapeError` for shapes that do not belong together, ValueError for options that are not whole numbers.
    After `torch.nn.functional.conv_transpose2d`.

    >>> conv_transpose2d([[[1.0, 10.0]]], [[[[1.0], [2.0]]]])
    array([[[ 1., 10.],
            [ 2., 20.]]])
    """
    return _transposed("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)
