"""Layers that put numbers round sequences and images: one width, or one for each end, the last axis first."""

from __future__ import annotations

from typing import Any, ClassVar

from tinygrad_edu.nn.functional.vectors import pad
from tinygrad_edu.nn.module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ZeroPad1d",
    "ZeroPad2d",
]


class _Pad(Module):
    """(left, right, top, bottom), or one width for all; ValueError for other numbers of widths."""

    axes: ClassVar[int] = 2
    mode: ClassVar[str] = "constant"
    value: float | None = None

    def __init__(self, padding: int | tuple[int, ...]) -> None:
        super().__init__()
        self.padding = (padding,) * (2 * self.axes) if isinstance(padding, int) else tuple(padding)
        if len(self.padding) != 2 * self.axes:
            raise ValueError(
                f"{type(self).__name__}: padding is one width, or {2 * self.axes}, and {padding!r} was given"
            )

    def forward(self, input: Any) -> Any:
        """What was given, and round it more."""
        return pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"{self.padding}" if self.value is None else f"padding={self.padding}, value={self.value}"


class ZeroPad2d(_Pad):
    """Zeros round images: (..., H, W) -> (..., H + 2, W + 2) for 1.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.ZeroPad2d.html
    """


class ZeroPad1d(_Pad):
    """Zeros at the ends of sequences."""

    axes = 1


class ConstantPad2d(_Pad):
    """One number round images. After https://docs.pytorch.org/docs/stable/generated/torch.nn.ConstantPad2d.html"""

    def __init__(self, padding: int | tuple[int, ...], value: float) -> None:
        super().__init__(padding)
        self.value = value


class ConstantPad1d(ConstantPad2d):
    """One number at the ends of sequences."""

    axes = 1


class ReflectionPad2d(_Pad):
    """Images go on mirrored, without the edge twice: 2 1 | 0 1 2.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.ReflectionPad2d.html
    """

    mode = "reflect"


class ReflectionPad1d(ReflectionPad2d):
    """Sequences go on mirrored."""

    axes = 1


class ReplicationPad2d(_Pad):
    """The edge of images again and again: 0 0 | 0 1 2.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.ReplicationPad2d.html
    """

    mode = "replicate"


class ReplicationPad1d(ReplicationPad2d):
    """The ends of sequences again and again."""

    axes = 1


class CircularPad2d(_Pad):
    """Images go on with their other side: 1 2 | 0 1 2.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.CircularPad2d.html
    """

    mode = "circular"


class CircularPad1d(CircularPad2d):
    """Sequences go on with their other end."""

    axes = 1
