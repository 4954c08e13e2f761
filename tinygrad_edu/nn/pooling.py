"""Pooling as layers: each window of the images becomes one number, its largest or its mean."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.nn.module import Module
from tinygrad_edu.ops.pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
)
from tinygrad_edu.ops.windows import numbers

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "MaxPool1d",
    "MaxPool2d",
]


def _no_indices(module: Module, return_indices: bool) -> None:
    if return_indices:
        raise ValueError(
            f"{type(module).__name__}: return_indices=True is not here; the places of the largest numbers are"
            " np.argmax(windows, axis) of x.reshape or unfold(x, ...)."
        )


class _MaxPool(Module):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        _no_indices(self, return_indices)
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation, self.ceil_mode = padding, dilation, ceil_mode

    def extra_repr(self) -> str:
        """Its settings."""
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)


class MaxPool1d(_MaxPool):
    """`MaxPool2d` for sequences (N, C, L) or (C, L).

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool1d.html

    >>> MaxPool1d(2)([[1.0, 5.0, 2.0, 3.0]])
    array([[5., 3.]])
    """

    def forward(self, input: Any) -> Any:
        """The largest number of each window."""
        return max_pool1d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)


class MaxPool2d(_MaxPool):
    """The largest number of each window of images (N, C, H, W) or (C, H, W).

    `kernel_size`, `stride` (the kernel size unless given), `padding` and `dilation` are a number or (height, width);
    with `ceil_mode` a last window may reach out of the padding. Numbers that tie share the gradient equally (PyTorch:
    the first gets it). Raises `ShapeError` where no window fits, ValueError for options that are not whole numbers.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html

    >>> MaxPool2d(2)([[[1.0, 5.0, 2.0, 3.0], [4.0, 0.0, 2.0, 7.0]]])
    array([[[5., 7.]]])
    """

    def forward(self, input: Any) -> Any:
        """The largest number of each window."""
        return max_pool2d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)


class _AvgPool(Module):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad

    def extra_repr(self) -> str:
        """Its settings."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """`AvgPool2d` for sequences (N, C, L) or (C, L).

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool1d.html

    >>> AvgPool1d(2)([[1.0, 5.0, 2.0, 3.0]])
    array([[3. , 2.5]])
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        kernel = numbers("AvgPool1d", "kernel_size", kernel_size, 1, 1)
        steps = kernel if stride is None else numbers("AvgPool1d", "stride", stride, 1, 1)
        around = numbers("AvgPool1d", "padding", padding, 1, 0)
        super().__init__(kernel, steps, around, ceil_mode, count_include_pad)

    def forward(self, input: Any) -> Any:
        """The mean of each window."""
        return avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class AvgPool2d(_AvgPool):
    """The mean of each window of images (N, C, H, W) or (C, H, W).

    The options are those of `MaxPool2d`; the zeros of the padding count as numbers unless `count_include_pad` is False.
    Raises as `MaxPool2d` does, and for `divisor_override`. After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html

    >>> AvgPool2d(2)([[[1.0, 5.0, 2.0, 3.0], [4.0, 0.0, 2.0, 7.0]]])
    array([[[2.5, 3.5]]])
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        if divisor_override is not None:
            raise ValueError("AvgPool2d: divisor_override is not here: multiply the result by what it should be.")

    def forward(self, input: Any) -> Any:
        """The mean of each window."""
        return avg_pool2d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class _Adaptive(Module):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """The size of its results."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_Adaptive):
    """The means of `output_size` parts of sequences (N, C, L) or (C, L), as equal as whole numbers can be.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool1d.html

    >>> AdaptiveAvgPool1d(2)([[1.0, 5.0, 3.0]])
    array([[3., 4.]])
    """

    def forward(self, input: Any) -> Any:
        """The mean of each part."""
        return adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_Adaptive):
    """The means of the parts of images (N, C, H, W) or (C, H, W), as many as `output_size` says.

    That is a number or (height, width), None for an axis left as it is; the parts are as equal as whole numbers can be.
    Raises `ShapeError` for other shapes, ValueError for sizes that are not whole numbers. After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html

    >>> AdaptiveAvgPool2d(1)([[[1.0, 5.0, 2.0, 3.0], [4.0, 0.0, 2.0, 7.0]]])
    array([[[3.]]])
    """

    def forward(self, input: Any) -> Any:
        """The mean of each part."""
        return adaptive_avg_pool2d(input, self.output_size)


class _AdaptiveMax(_Adaptive):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        _no_indices(self, return_indices)


class AdaptiveMaxPool1d(_AdaptiveMax):
    """The largest numbers of the parts that `AdaptiveAvgPool1d` takes the means of.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool1d.html

    >>> AdaptiveMaxPool1d(2)([[1.0, 5.0, 3.0]])
    array([[5., 5.]])
    """

    def forward(self, input: Any) -> Any:
        """The largest number of each part."""
        return adaptive_max_pool1d(input, self.output_size)


class AdaptiveMaxPool2d(_AdaptiveMax):
    """The largest numbers of the parts that `AdaptiveAvgPool2d` takes the means of.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool2d.html

    >>> AdaptiveMaxPool2d((1, 2))([[[1.0, 5.0, 2.0, 3.0], [4.0, 0.0, 2.0, 7.0]]])
    array([[[5., 7.]]])
    """

    def forward(self, input: Any) -> Any:
        """The largest number of each part."""
        return adaptive_max_pool2d(input, self.output_size)
