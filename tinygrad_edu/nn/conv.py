"""Convolutions as layers: each unit sees a part of its input, and all units of a channel have the same weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.creation import zeros
from tinygrad_edu.nn import init
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.ops.composed import as_operand
from tinygrad_edu.ops.conv import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from tinygrad_edu.ops.padding import pad
from tinygrad_edu.ops.windows import numbers

__all__ = ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"]

MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""PyTorch's names of what is put around images, and NumPy's."""


class _Convolution(Module):
    """What convolutions have in common: their options, and a weight and a bias that begin as PyTorch's do."""

    weight: Parameter
    bias: Parameter | None
    padding: Any  # whole numbers, one an axis, or "same" or "valid"
    axes: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
        transposed: bool,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        for called, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if groups < 1 or channels < 1 or channels % groups:
                raise ValueError(f"{name}: {called}={channels} do not fall into groups={groups} of equal size.")
        if padding_mode not in MODES or (transposed and padding_mode != "zeros"):
            known = "'zeros'" if transposed else "'zeros', 'reflect', 'replicate' or 'circular'"
            raise ValueError(f"{name}: padding_mode is {known}, not {padding_mode!r}.")
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(f"{name}: padding is 'same', 'valid' or whole numbers, not {padding!r}. Write padding=1.")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = numbers(name, "kernel_size", kernel_size, self.axes, 1)
        self.stride = numbers(name, "stride", stride, self.axes, 1)
        self.dilation = numbers(name, "dilation", dilation, self.axes, 1)
        self.padding = padding if isinstance(padding, str) else numbers(name, "padding", padding, self.axes, 0)
        self.padding_mode, self.output_padding = padding_mode, (0,) * self.axes
        if padding == "same" and set(self.stride) != {1}:
            raise ValueError(f"{name}: padding='same' is for stride=1, not {stride}: write the padding as numbers.")
        first, second = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        made = {"dtype": dtype or np.float32, "device": device}
        self.weight = Parameter(zeros(first, second // groups, *self.kernel_size, **made))
        self.register_parameter("bias", Parameter(zeros(out_channels, **made)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights and biases anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # as in Linear: its bound is 1/√fan_in
        if self.bias is not None:
            bound = 1 / math.sqrt(math.prod(self.weight.shape[1:]))
            init.uniform_(self.bias, -bound, bound)

    def _padded(self, input: Any) -> tuple[Any, Any]:
        """The input and what zeros are still to be put around it: padding of another kind is made here."""
        if self.padding_mode == "zeros":
            return input, self.padding
        input = as_operand(input)
        if self.padding == "same":
            both = [d * (k - 1) for k, d in zip(self.kernel_size, self.dilation, strict=True)]
            widths = [(n // 2, n - n // 2) for n in both]
        else:
            widths = [(n, n) for n in ((0,) * self.axes if self.padding == "valid" else self.padding)]
        around = [(0, 0)] * (input.ndim - self.axes) + widths
        return pad(input, around, MODES[self.padding_mode]), 0

    def extra_repr(self) -> str:
        """Its sizes, and what else was chosen."""
        said = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        none, one = (0,) * self.axes, (1,) * self.axes
        said += [
            f"{name}={value}"
            for name, value, usual in (
                ("padding", self.padding, none),
                ("dilation", self.dilation, one),
                ("output_padding", self.output_padding, none),
                ("groups", self.groups, 1),
                ("bias", self.bias is not None, True),
                ("padding_mode", self.padding_mode, "zeros"),
            )
            if value != usual
        ]
        return ", ".join(said)


class _Straight(_Convolution):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        options = (stride, padding, dilation, groups, bias, padding_mode, device, dtype)
        super().__init__(in_channels, out_channels, kernel_size, *options, transposed=False)


class Conv1d(_Straight):
    """`Conv2d` for sequences: the input has the shape (N, C, L) or (C, L), `weight` (out, in / groups, length).

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv1d.html

    >>> layer = Conv1d(4, 8, 3, padding="same")
    >>> layer, layer(np.zeros((5, 4, 10), np.float32)).shape
    (Conv1d(4, 8, kernel_size=(3,), stride=(1,), padding=same), (5, 8, 10))
    """

    axes = 1

    def forward(self, input: Any) -> Any:
        """How much each window looks like each kernel."""
        input, padding = self._padded(input)
        return conv1d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv2d(_Straight):
    """How much each window of the images looks like each of `out_channels` learnt kernels, and a bias.

    The input has the shape (N, in_channels, H, W), or (in_channels, H, W); `weight` (out_channels, in_channels /
    groups, height, width), `bias` (out_channels,). `kernel_size`, `stride`, `padding` and `dilation` are a number or
    (height, width); padding="same" keeps the size of the images, and `padding_mode` says what is put around them:
    "zeros", "reflect", "replicate" or "circular". With n = in_channels / groups · height · width, weights and biases
    begin uniform in ±1/√n, in float32. Raises `ShapeError` for other images, ValueError for options that do not fit.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html

    >>> layer = Conv2d(1, 16, 3, padding=1)
    >>> layer, layer.weight.shape, layer(np.zeros((5, 1, 8, 8), np.float32)).shape
    (Conv2d(1, 16, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1)), (16, 1, 3, 3), (5, 16, 8, 8))
    """

    axes = 2

    def forward(self, input: Any) -> Any:
        """How much each window looks like each kernel."""
        input, padding = self._padded(input)
        return conv2d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class _Transposed(_Convolution):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        options = (stride, padding, dilation, groups, bias, padding_mode, device, dtype)
        super().__init__(in_channels, out_channels, kernel_size, *options, transposed=True)
        if isinstance(self.padding, str):
            raise ValueError(f"{type(self).__name__}: padding is whole numbers, not {padding!r}. Write padding=1.")
        self.output_padding = numbers(type(self).__name__, "output_padding", output_padding, self.axes, 0)

    def _extra(self, input: Any, output_size: Any) -> tuple[int, ...]:
        """The output padding that makes the result as large as `output_size` says, or the layer's own."""
        if output_size is None:
            return self.output_padding
        wanted = tuple(output_size)[-self.axes :]
        rows: Any = zip(
            input.shape[-self.axes :], self.stride, self.padding, self.dilation, self.kernel_size, strict=True
        )
        least = tuple((n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in rows)
        extra = tuple(w - n for w, n in zip(wanted, least, strict=True))
        if any(not 0 <= e < s for e, s in zip(extra, self.stride, strict=True)):
            most = tuple(n + s - 1 for n, s in zip(least, self.stride, strict=True))
            raise ValueError(
                f"{type(self).__name__}: from an input of shape {input.shape} it can make sizes from {least} to {most},"
                f" not output_size={wanted}."
            )
        return extra


class ConvTranspose1d(_Transposed):
    """`ConvTranspose2d` for sequences (N, C, L) or (C, L); `weight` has the shape (in, out / groups, length).

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose1d.html

    >>> ConvTranspose1d(4, 8, 4, stride=2, padding=1)(np.zeros((5, 4, 10), np.float32)).shape
    (5, 8, 20)
    """

    axes = 1

    def forward(self, input: Any, output_size: Any = None) -> Any:
        """The kernels laid down at each place and added up."""
        input = as_operand(input)
        options = (self.stride, self.padding, self._extra(input, output_size), self.groups, self.dilation)
        return conv_transpose1d(input, self.weight, self.bias, *options)


class ConvTranspose2d(_Transposed):
    """Each number of the input lays down a learnt kernel, that often, and these are added up: `Conv2d` turned round.

    The input has the shape (N, in_channels, H, W), or (in_channels, H, W); `weight` (in_channels, out_channels /
    groups, height, width), `bias` (out_channels,). The result has (H - 1) · stride - 2 · padding + dilation ·
    (height - 1) + output_padding + 1 rows; where the stride leaves several sizes open, output_size= of the call
    chooses. Weights begin as those of `Conv2d`, with n = out_channels / groups · height · width. Raises `ShapeError`
    for other images, ValueError for options that do not fit. After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html

    >>> layer, x = ConvTranspose2d(4, 8, 3, stride=2), np.zeros((5, 4, 7, 7), np.float32)
    >>> layer(x).shape, layer(x, output_size=(16, 16)).shape
    ((5, 8, 15, 15), (5, 8, 16, 16))
    """

    axes = 2

    def forward(self, input: Any, output_size: Any = None) -> Any:
        """The kernels laid down at each place and added up."""
        input = as_operand(input)
        options = (self.stride, self.padding, self._extra(input, output_size), self.groups, self.dilation)
        return conv_transpose2d(input, self.weight, self.bias, *options)
