"""Dropout as layers: in training only, numbers or whole channels are set to 0 at random.

`inplace=True` is accepted and computes in a new array: the result is the same, and what the graph keeps stays whole.
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.nn.functional.dropout import check_probability, dropout, dropout1d, dropout2d
from tinygrad_edu.nn.module import Module

__all__ = ["Dropout", "Dropout1d", "Dropout2d"]


class _Dropout(Module):
    """What the layers of dropout have in common: a probability."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        check_probability(type(self).__name__, p)
        self.p, self.inplace = p, inplace

    def extra_repr(self) -> str:
        """Its settings."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training, each number is 0 with probability `p`, else times 1 / (1 - p); in evaluation, y = x.

    Any shape. The numbers come from the generator of `manual_seed`. Raises ValueError for a `p` that is no probability.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html

    >>> from tinygrad_edu import manual_seed, ones
    >>> layer, _ = Dropout(0.5), manual_seed(0)
    >>> layer(ones(5)), layer.eval()(ones(5))
    (Tensor([2., 2., 2., 0., 0.]), Tensor([1., 1., 1., 1., 1.]))
    """

    def forward(self, input: Any) -> Any:
        """y."""
        return dropout(input, self.p, self.training)


class Dropout1d(_Dropout):
    """In training, each channel of (N, C, L) or (C, L) is 0 with probability `p`, else times 1 / (1 - p).

    Raises `ShapeError` for other numbers of axes. After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout1d.html

    >>> from tinygrad_edu import manual_seed, ones
    >>> layer, _ = Dropout1d(0.5), manual_seed(2)
    >>> layer(ones(2, 3))
    Tensor([[2., 2., 2.],
            [0., 0., 0.]])
    """

    def forward(self, input: Any) -> Any:
        """y."""
        return dropout1d(input, self.p, self.training)


class Dropout2d(_Dropout):
    """In training, each channel of (N, C, H, W) is 0 with probability `p`, else times 1 / (1 - p).

    Raises `ShapeError` for other numbers of axes. After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout2d.html

    >>> from tinygrad_edu import manual_seed, ones
    >>> layer, _ = Dropout2d(0.5), manual_seed(2)
    >>> layer(ones(1, 2, 1, 3)).tolist()
    [[[[2.0, 2.0, 2.0]], [[0.0, 0.0, 0.0]]]]
    """

    def forward(self, input: Any) -> Any:
        """y."""
        return dropout2d(input, self.p, self.training)
