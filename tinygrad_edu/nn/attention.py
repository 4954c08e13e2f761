"""Multi-head attention: several attentions side by side, each in its own projection of the features."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.creation import zeros
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import init
from tinygrad_edu.nn.functional.attention import additive_mask, attention_weights, causal_mask
from tinygrad_edu.nn.functional.dropout import dropout
from tinygrad_edu.nn.functional.linear import linear
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.ops.composed import as_operand

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Every query takes a mean of the values, weighed by how well it matches the keys, in `num_heads` ways at once.

    head[i] = softmax(Q[i] K[i]ᵀ / √(E / num_heads) + mask) V[i], where Q, K and V are linear in query, key and value
    and are cut into heads; the output is linear in the heads side by side.

    `attention(query, key, value)` gives (output, weights). query has the shape (L, N, E), with `batch_first` (N, L, E),
    for one sequence (L, E), and so has the output; key and value have S for L, and `kdim` and `vdim` features (E unless
    given). weights are (N, L, S), averaged over the heads, or (N, num_heads, L, S) with `average_attn_weights=False`;
    None with `need_weights=False`. Of booleans, True in `attn_mask` of shape (L, S) or (N num_heads, L, S), and in
    `key_padding_mask` of shape (N, S), says that a key must *not* be looked at; floats are added to the scores.
    `is_causal` without a mask lets query i look at the keys 0 to i; beside a mask it says what the mask is, and the
    mask counts. A query that may look at nothing gets zeros, where PyTorch may give nan.

    `in_proj_weight` of shape (3 E, E) holds the weights of Q, K and V; with other `kdim` or `vdim` they are
    `q_proj_weight`, `k_proj_weight`, `v_proj_weight`. Those begin Xavier-uniform, biases at 0. Raises `ShapeError`;
    ValueError for `embed_dim` that `num_heads` does not divide; TypeError for masks of whole numbers. Vaswani et al.
    2017; after https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html

    >>> attention = MultiheadAttention(8, num_heads=2, batch_first=True)
    >>> x = np.ones((3, 5, 8), np.float32)
    >>> output, weights = attention(x, x, x, is_causal=True)
    >>> output.shape, weights[0, 1].round(2).tolist()
    ((3, 5, 8), [0.5, 0.5, 0.0, 0.0, 0.0])
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if embed_dim < 1 or num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"embed_dim={embed_dim} features cannot be shared among num_heads={num_heads}")
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = embed_dim, num_heads, dropout, batch_first
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        self.head_dim, self.add_zero_attn = embed_dim // num_heads, add_zero_attn

        def made(*shape: int) -> Parameter:
            return Parameter(zeros(shape, dtype=dtype or np.float32, device=device))

        packed = self.kdim == self.vdim == embed_dim
        self.register_parameter("in_proj_weight", made(3 * embed_dim, embed_dim) if packed else None)
        for letter, features in zip("qkv", (embed_dim, self.kdim, self.vdim), strict=True):
            self.register_parameter(f"{letter}_proj_weight", None if packed else made(embed_dim, features))
        self.register_parameter("in_proj_bias", made(3 * embed_dim) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias, device, dtype)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, made(1, 1, embed_dim) if add_bias_kv else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights anew."""
        for name, parameter in self.named_parameters(recurse=False):
            if name.endswith("weight"):
                init.xavier_uniform_(parameter)
            elif name in ("bias_k", "bias_v"):
                init.xavier_normal_(parameter)
            else:
                init.zeros_(parameter)
        self.out_proj.reset_parameters()
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """Output and weights."""
        alone = self._check(query, key, value)
        q, k, v = self._projected(query, key, value)  # (N, heads, length, head_dim)
        mask = self._mask(key_padding_mask, attn_mask, is_causal, q, k)
        k, v, mask = self._lengthened(k, v, mask)
        weights = attention_weights(q @ np.swapaxes(k, -1, -2), mask, 1 / math.sqrt(self.head_dim))
        weights = dropout(weights, self.dropout, self.training)
        order = (0, 2, 1, 3) if self.batch_first else (2, 0, 1, 3)
        out = self.out_proj(np.reshape(np.transpose(weights @ v, order), (*query.shape[:-1], self.embed_dim)))
        if not need_weights:
            return out, None
        weights = weights.mean(axis=1) if average_attn_weights else weights
        return out, weights[0] if alone else weights

    def _check(self, query: Any, key: Any, value: Any) -> bool:
        """Whether the inputs are one sequence; `ShapeError` if they are neither that nor several."""
        shapes = [np.shape(x) for x in (query, key, value)]
        lengths = [shape[:-1] for shape in shapes]
        batch = 0 if self.batch_first else 1
        if (
            {len(shape) for shape in shapes} not in ({2}, {3})
            or [shape[-1] for shape in shapes] != [self.embed_dim, self.kdim, self.vdim]
            or lengths[1] != lengths[2]
            or (len(lengths[0]) == 2 and lengths[0][batch] != lengths[1][batch])
        ):
            axes = (
                "(N, L, E), (N, S, kdim), (N, S, vdim)" if self.batch_first else "(L, N, E), (S, N, kdim), (S, N, vdim)"
            )
            raise ShapeError(
                f"MultiheadAttention: query, key and value of shapes {shapes[0]}, {shapes[1]} and {shapes[2]} are not"
                f" {axes}, with batch_first={self.batch_first}, E={self.embed_dim}, kdim={self.kdim} and"
                f" vdim={self.vdim}; for one sequence N is left out."
            )
        return len(shapes[0]) == 2

    def _projected(self, query: Any, key: Any, value: Any) -> list[Any]:
        """Queries, keys and values, each with a product of its own unless all are made of one input."""
        weight, bias, size = self.in_proj_weight, self.in_proj_bias, self.embed_dim
        if weight is not None and query is key and key is value:
            parts = self._in_heads(linear(query, weight, bias), 3)
            return [parts[i] for i in range(3)]
        if weight is None:
            weights = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        else:
            weights = [weight[i * size : (i + 1) * size] for i in range(3)]
        biases = [None if bias is None else bias[i * size : (i + 1) * size] for i in range(3)]
        made = zip((query, key, value), weights, biases, strict=True)
        return [self._in_heads(linear(as_operand(x), w, b), 1)[0] for x, w, b in made]

    def _in_heads(self, x: Any, parts: int) -> Any:
        """Features of shape (..., parts E) as (parts, N, heads, length, head_dim)."""
        if x.ndim == 2:
            x = np.expand_dims(x, 0 if self.batch_first else 1)
        split = np.reshape(x, (*x.shape[:2], parts, self.num_heads, self.head_dim))
        return np.transpose(split, (2, 0, 3, 1, 4) if self.batch_first else (2, 1, 3, 0, 4))

    def _mask(self, key_padding_mask: Any, attn_mask: Any, is_causal: bool, q: Any, k: Any) -> Any:
        """What is added to the scores, of a shape that broadcasts to (N, heads, L, S); 0.0 for nothing."""
        (batch, heads, queries, _), keys = q.shape, k.shape[-2]
        mask: Any = 0.0
        if attn_mask is not None:
            mask = _added(attn_mask, q)
            if mask.shape == (batch * heads, queries, keys):
                mask = np.reshape(mask, (batch, heads, queries, keys))
            elif mask.shape != (queries, keys):
                raise ShapeError(
                    f"attn_mask has the shape (L, S) = {(queries, keys)} or (N num_heads, L, S) ="
                    f" {(batch * heads, queries, keys)}, not {mask.shape}."
                )
        elif is_causal:
            mask = additive_mask(causal_mask(q, k), q)
        if key_padding_mask is not None:
            padding = _added(key_padding_mask, q)
            if padding.shape not in ((batch, keys), (keys,)):
                raise ShapeError(f"key_padding_mask has the shape (N, S) = {(batch, keys)}, not {padding.shape}.")
            mask = mask + np.reshape(padding, (batch, 1, 1, keys))
        return mask

    def _lengthened(self, k: Any, v: Any, mask: Any) -> tuple[Any, Any, Any]:
        """Keys and values with one more for `add_bias_kv` and for `add_zero_attn`, which every query may look at."""
        batch, heads, _, size = k.shape
        more = []
        if self.bias_k is not None:
            both = (np.reshape(bias, (1, heads, 1, size)) for bias in (self.bias_k, self.bias_v))
            more.append([np.broadcast_to(bias, (batch, heads, 1, size)) for bias in both])
        if self.add_zero_attn:
            more.append([np.zeros_like(k, shape=(batch, heads, 1, size))] * 2)
        for more_k, more_v in more:
            k, v = np.concatenate((k, more_k), axis=2), np.concatenate((v, more_v), axis=2)
            mask = np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, 1)]) if np.ndim(mask) else mask
        return k, v, mask


def _added(mask: Any, like: Any) -> Any:
    """A mask whose True says that a key must not be looked at, or that is added, as what is added."""
    mask = as_operand(mask, like)
    return additive_mask(~mask if mask.dtype.kind == "b" else mask, like)
