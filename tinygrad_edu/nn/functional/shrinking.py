"""Activations that draw small numbers to 0, the continuous elu, and softmax with chance in it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.ops.composed import as_operand
from tinygrad_edu.random import uniform

__all__ = ["celu", "gumbel_softmax", "hardshrink", "softshrink", "tanhshrink"]


def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """x where |x| > lambd, else 0.

    >>> hardshrink(np.array([-1.0, 0.2]))
    array([-1.,  0.])
    """
    return np.where(abs(input) > lambd, input, 0)


def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """x, brought nearer to 0 by lambd, and 0 where it is that near. ValueError for lambd below 0.

    >>> softshrink(np.array([-1.0, 0.2]))
    array([-0.5,  0. ])
    """
    if not lambd >= 0:
        raise ValueError(f"lambd is how much nearer to 0, 0 or more, and {lambd} was given")
    return np.where(abs(input) > lambd, input - lambd * np.sign(input), 0)


def tanhshrink(input: Any) -> Any:
    """x - tanh(x)."""
    return input - np.tanh(input)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:  # noqa: ARG001 - computes in a new array
    """x where x > 0, else alpha (exp(x / alpha) - 1). Barron 2017. ValueError for an alpha of 0."""
    if not alpha:
        raise ValueError("celu divides by alpha: it is not 0")
    return ops.maximum(input, 0) + alpha * np.expm1(np.where(input < 0, input, 0) / alpha)


def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:  # noqa: ARG001
    """softmax((logits + Gumbel noise) / tau) along `dim`: nearly a draw from the classes, with a gradient.

    `hard` gives rows of 0 with a 1 at the largest, and the gradient of the soft ones. `eps` is PyTorch's, and does
    nothing there either. Jang, Gu, Poole 2017; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.gumbel_softmax.html

    >>> gumbel_softmax(np.array([[1.0, 2.0, 30.0]]), hard=True)
    array([[0., 0., 1.]])
    """
    logits = as_operand(logits)
    chance = np.maximum(uniform(logits.shape, logits.dtype), np.finfo(logits.dtype).tiny)
    soft = ops.softmax((logits - np.log(-np.log(chance))) / tau, axis=dim)
    if not hard:
        return soft
    bare = getattr(soft, "_value", soft)
    one = np.argmax(bare, axis=dim, keepdims=True) == np.arange(bare.shape[dim]).reshape(_along(dim, bare.ndim))
    return soft + (one - bare)


def _along(dim: int, ndim: int) -> tuple[int, ...]:
    return tuple(-1 if axis == dim % ndim else 1 for axis in range(ndim))
