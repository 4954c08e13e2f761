"""Transformers: attention between the places of a sequence, and a small network at every place, layer upon layer."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.nn.attention import MultiheadAttention
from tinygrad_edu.nn.containers import ModuleList
from tinygrad_edu.nn.dropout import Dropout
from tinygrad_edu.nn.functional.activations import gelu, relu
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.normalization import LayerNorm
from tinygrad_edu.tensor import Tensor

__all__ = ["TransformerEncoder", "TransformerEncoderLayer", "generate_square_subsequent_mask"]

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"relu": relu, "gelu": gelu}


def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
    """The mask of a decoder, shape (sz, sz): place i looks at the places 0 to i, so 0 there and -inf after.

    >>> generate_square_subsequent_mask(3)
    Tensor([[  0., -inf, -inf],
            [  0.,   0., -inf],
            [  0.,   0.,   0.]], dtype=float32)
    """
    return Tensor(np.triu(np.full((sz, sz), -np.inf), 1), dtype=dtype or np.float32, device=device)


def activation_of(activation: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function for a name, or the function itself; ValueError for another name."""
    if not isinstance(activation, str):
        return activation
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation is 'relu', 'gelu' or a function such as F.silu, not {activation!r}")
    return ACTIVATIONS[activation]


class TransformerEncoderLayer(Module):
    """Self-attention, then a network of two linear layers at every place; each adds to what it was given.

    x = norm1(x + attention(x)); x = norm2(x + linear2(activation(linear1(x)))). With `norm_first` each part is given
    normalised features instead: x = x + attention(norm1(x)), x = x + linear2(activation(linear1(norm2(x)))).

    src has the shape (L, N, d_model), with `batch_first` (N, L, d_model), for one sequence (L, d_model), and so has the
    result. `activation` is "relu", "gelu" or a function. `src_mask`, `src_key_padding_mask` and `is_causal` are those
    of `MultiheadAttention`. Raises `ShapeError`; ValueError for another activation. Vaswani et al. 2017; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoderLayer.html

    >>> layer = TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> layer(np.ones((3, 5, 8), np.float32), is_causal=True).shape
    (3, 5, 8)
    """

    activation: Callable[[Any], Any]

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        made = {"bias": bias, "device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, batch_first=batch_first, **made)
        self.linear1 = Linear(d_model, dim_feedforward, **made)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **made)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, **made)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, **made)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = activation_of(activation)

    def forward(self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """What became of every place."""

        def attention(x: Any) -> Any:
            out, _ = self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)
            return self.dropout1(out)

        def network(x: Any) -> Any:
            return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))

        if self.norm_first:
            x = src + attention(self.norm1(src))
            return x + network(self.norm2(x))
        x = self.norm1(src + attention(src))
        return self.norm2(x + network(x))


class TransformerEncoder(Module):
    """`num_layers` copies of a layer, one after the other, and `norm` at the end, if there is one.

    The copies begin with equal weights, as in PyTorch: draw them anew (`init`) where that matters. `mask`,
    `src_key_padding_mask` and `is_causal` go to every layer. `enable_nested_tensor` and `mask_check` choose how PyTorch
    computes and change nothing here. After https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoder.html

    >>> layer = TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16)
    >>> TransformerEncoder(layer, num_layers=2)(np.ones((5, 3, 8), np.float32)).shape
    (5, 3, 8)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,  # noqa: ARG002 - see the docstring
        mask_check: bool = True,  # noqa: ARG002 - see the docstring
    ) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None
    ) -> Any:
        """What became of every place after all layers."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, is_causal=bool(is_causal))
        return src if self.norm is None else self.norm(src)
