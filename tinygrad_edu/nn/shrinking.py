"""Layers of the activations that draw small numbers to 0, and of others that are rarer."""

from typing import Any

from tinygrad_edu.nn.functional.shrinking import celu, hardshrink, softshrink, tanhshrink
from tinygrad_edu.nn.functional.vectors import pairwise_distance
from tinygrad_edu.nn.module import Module
from tinygrad_edu.ops import softmax

__all__ = ["CELU", "Hardshrink", "PairwiseDistance", "Softmax2d", "Softshrink", "Tanhshrink"]


class Hardshrink(Module):
    """y = x where |x| > lambd, else 0.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardshrink.html
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Any) -> Any:
        """y."""
        return hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"{self.lambd}"


class Softshrink(Module):
    """y = x, brought nearer to 0 by lambd.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Softshrink.html
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Any) -> Any:
        """y."""
        return softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"{self.lambd}"


class Tanhshrink(Module):
    """y = x - tanh(x). After https://docs.pytorch.org/docs/stable/generated/torch.nn.Tanhshrink.html"""

    def forward(self, input: Any) -> Any:
        """y."""
        return tanhshrink(input)


class CELU(Module):
    """y = x where x > 0, else alpha (exp(x / alpha) - 1).

    `inplace=True` is accepted and computes in a new array.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.CELU.html
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Any) -> Any:
        """y."""
        return celu(input, self.alpha)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"alpha={self.alpha}{', inplace=True' if self.inplace else ''}"


class Softmax2d(Module):
    """Probabilities of the channels at every place of images, (N, C, H, W) or (C, H, W).

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmax2d.html
    """

    def forward(self, input: Any) -> Any:
        """y."""
        return softmax(input, -3)


class PairwiseDistance(Module):
    """The p-norm of x1 - x2 + eps along the last axis.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.PairwiseDistance.html
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.p, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Any, x2: Any) -> Any:
        """How far the vectors are from each other."""
        return pairwise_distance(x1, x2, self.p, self.eps, self.keepdim)
