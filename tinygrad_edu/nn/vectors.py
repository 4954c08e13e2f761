"""Layers of the functions of vectors: gates, similarity."""

from typing import Any

from tinygrad_edu.nn.functional.vectors import cosine_similarity, glu, softmin, threshold
from tinygrad_edu.nn.module import Module

__all__ = ["GLU", "CosineSimilarity", "Softmin", "Threshold"]


class GLU(Module):
    """y = a sigmoid(b), of the halves a and b of x along `dim`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.GLU.html
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """y."""
        return glu(input, self.dim)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"dim={self.dim!r}"


class Softmin(Module):
    """y = softmax(-x) along axis `dim`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmin.html
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """y."""
        return softmin(input, self.dim)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"dim={self.dim!r}"


class Threshold(Module):
    """y = x where x > threshold, else `value`.

    `inplace=True` is accepted and computes in a new array.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Threshold.html
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace

    def forward(self, input: Any) -> Any:
        """y."""
        return threshold(input, self.threshold, self.value)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"threshold={self.threshold}, value={self.value}{', inplace=True' if self.inplace else ''}"


class CosineSimilarity(Module):
    """The cosine of the angle between vectors along `dim`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.CosineSimilarity.html
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Any, x2: Any) -> Any:
        """The similarities, without the axis `dim`."""
        return cosine_similarity(x1, x2, self.dim, self.eps)
