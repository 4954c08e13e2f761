"""Embedding: a table of which each row is learnt."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from tinygrad_edu.creation import zeros
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import init
from tinygrad_edu.nn.functional.embedding import embedding, embedding_bag
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.ops.composed import as_operand
from tinygrad_edu.recording import no_grad
from tinygrad_edu.tensor import Tensor

__all__ = ["Embedding", "EmbeddingBag"]


class Embedding(Module):
    """A row of learnt numbers for each of `num_embeddings` things: words, letters, users.

    The input holds whole numbers from 0 to num_embeddings - 1, in any shape; the result has the shape
    (*input.shape, embedding_dim). `weight`, (num_embeddings, embedding_dim), begins standard normal, in float32. Row
    `padding_idx` begins with zeros and does not learn. `max_norm`: rows that are picked are scaled down to that norm,
    of order `norm_type`. Raises IndexError for a number that is no row, TypeError for fractions. After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html

    >>> layer = Embedding(10, 3, padding_idx=0)
    >>> layer, layer(np.array([[1, 2], [4, 0]])).shape, layer(np.array(0))
    (Embedding(10, 3, padding_idx=0), (2, 2, 3), Tensor([0., 0., 0.], dtype=float32, grad_fn=<embedding>))
    """

    weight: Parameter

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Any = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError(f"Embedding: padding_idx={padding_idx} is none of the {num_embeddings} rows.")
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        if _weight is None:
            table = zeros(num_embeddings, embedding_dim, dtype=dtype or np.float32, device=device)
            self.weight = Parameter(table, requires_grad=not _freeze)
            self.reset_parameters()
        elif _weight.shape != (num_embeddings, embedding_dim):
            raise ShapeError(f"Embedding: the table is {_weight.shape}, not {(num_embeddings, embedding_dim)}.")
        else:
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    def reset_parameters(self) -> None:
        """Draw all rows anew, but that of the padding, which becomes 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """An embedding with these rows, which learns only with freeze=False. A Tensor's memory is shared.

        >>> Embedding.from_pretrained(Tensor([[1.0, 2.0], [3.0, 4.0]]))(np.array(1))
        Tensor([3., 4.])
        """
        table = as_operand(embeddings)
        if table.ndim != 2:
            raise ShapeError(f"Embedding: a table has the shape (rows, features), and this one {table.shape}.")
        table = table if isinstance(table, Tensor) else Tensor(table)
        rest = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, table, freeze)
        return cls(table.shape[0], table.shape[1], *rest)

    def forward(self, input: Any) -> Any:
        """The rows."""
        return embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:
        """Its sizes, and what else was chosen."""
        said = [f"{self.num_embeddings}, {self.embedding_dim}"]
        said += [
            f"{name}={value}"
            for name, value, usual in (
                ("padding_idx", self.padding_idx, None),
                ("max_norm", self.max_norm, None),
                ("norm_type", self.norm_type, 2.0),
            )
            if value != usual
        ]
        return ", ".join(said)


class EmbeddingBag(Embedding):
    """The sum, mean or maximum of learnt rows for each bag of words: see `functional.embedding_bag`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.EmbeddingBag.html

    >>> layer = EmbeddingBag(10, 3, mode="sum")
    >>> layer, layer(np.array([4, 1, 2, 2]), np.array([0, 3])).shape
    (EmbeddingBag(10, 3, mode='sum'), (2, 3))
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Any = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        options = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight, False, device, dtype)
        super().__init__(num_embeddings, embedding_dim, *options)
        self.mode, self.include_last_offset = mode, include_last_offset

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, **options: Any) -> Self:  # type: ignore[override] # PyTorch's
        """Bags of these rows, which learn only with freeze=False; the options are those of the class."""
        table = as_operand(embeddings)
        if table.ndim != 2:
            raise ShapeError(f"EmbeddingBag: a table has the shape (rows, features), and this one {table.shape}.")
        rows, features = table.shape
        made = cls(rows, features, _weight=table if isinstance(table, Tensor) else Tensor(table), **options)
        return made.requires_grad_(not freeze)

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Any:
        """What became of every bag."""
        return embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        """Its sizes, and what else was chosen."""
        return f"{super().extra_repr()}, mode={self.mode!r}"
