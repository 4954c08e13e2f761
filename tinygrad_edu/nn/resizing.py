"""Layers that make images larger, exchange channels for places, and cut windows out."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.nn.functional.resizing import Factor, Size, interpolate, pixel_shuffle, pixel_unshuffle
from tinygrad_edu.nn.module import Module
from tinygrad_edu.ops import fold, unfold

__all__ = [
    "Fold",
    "PixelShuffle",
    "PixelUnshuffle",
    "Unfold",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
]


class _Settings(Module):
    """A layer that shows its attributes of the names in `shown`."""

    shown: tuple[str, ...] = ()

    def extra_repr(self) -> str:
        """Its settings."""
        given = {name: getattr(self, name) for name in self.shown}
        return ", ".join(f"{name}={value!r}" for name, value in given.items() if value is not None)


class Upsample(_Settings):
    """Images or sequences of another size: see `functional.interpolate`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Upsample.html

    >>> import numpy as np
    >>> Upsample(scale_factor=2, mode="bilinear")(np.zeros((5, 3, 4, 4), np.float32)).shape
    (5, 3, 8, 8)
    """

    shown = ("size", "scale_factor", "mode")

    def __init__(
        self,
        size: Size = None,
        scale_factor: Factor = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.scale_factor: Factor = scale_factor
        if scale_factor is not None:
            several = isinstance(scale_factor, tuple | list)
            self.scale_factor = tuple(map(float, scale_factor)) if several else float(scale_factor)  # type: ignore[arg-type]
        self.size, self.mode, self.align_corners = size, mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Any) -> Any:
        """The images of that size."""
        given = (self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor)
        return interpolate(input, *given)


class UpsamplingNearest2d(Upsample):
    """`Upsample` by repetition."""

    def __init__(self, size: Size = None, scale_factor: Factor = None) -> None:
        super().__init__(size, scale_factor)


class UpsamplingBilinear2d(Upsample):
    """`Upsample` along straight lines, the corners where they were."""

    def __init__(self, size: Size = None, scale_factor: Factor = None) -> None:
        super().__init__(size, scale_factor, "bilinear", True)


class PixelShuffle(_Settings):
    """Channels as places, (..., C r², H, W) -> (..., C, H r, W r): see `functional.pixel_shuffle`."""

    shown = ("upscale_factor",)

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Any) -> Any:
        """The larger images."""
        return pixel_shuffle(input, self.upscale_factor)


class PixelUnshuffle(_Settings):
    """Places as channels, (..., C, H r, W r) -> (..., C r², H, W): see `functional.pixel_unshuffle`."""

    shown = ("downscale_factor",)

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Any) -> Any:
        """The smaller images."""
        return pixel_unshuffle(input, self.downscale_factor)


class Unfold(_Settings):
    """Every window of the images as a column: see `functional.unfold`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Unfold.html
    """

    shown = ("kernel_size", "dilation", "padding", "stride")

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        super().__init__()
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Any) -> Any:
        """The columns."""
        return unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(_Settings):
    """Columns added up as the windows of images: see `functional.fold`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Fold.html
    """

    shown = ("output_size", "kernel_size", "dilation", "padding", "stride")

    def __init__(
        self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__()
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, input: Any) -> Any:
        """The images."""
        return fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)
