"""Gradients that are too large, made smaller before the step."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinygrad_edu.device import is_cupy
from tinygrad_edu.graph import Array, wrap
from tinygrad_edu.mutation import changes
from tinygrad_edu.optim.blocks import in_blocks
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.watch import unseen

__all__ = ["clip_grad_norm_", "clip_grad_value_"]


@unseen
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Shrink all gradients by one factor, in place, so that together they are no longer than `max_norm`.

    g <- g min(1, max_norm / (|g| + 1e-6)), where |g| is the norm of all of them as one vector, which is returned as it
    was before. `norm_type` is its p, `math.inf` for the largest absolute value. Parameters without a gradient are
    passed over. With `error_if_nonfinite` a norm that is nan or infinite is a RuntimeError, and nothing is changed.
    Pascanu, Mikolov, Bengio 2013.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html

    >>> w = Tensor([0.0, 0.0], requires_grad=True)
    >>> w.grad = Tensor([30.0, 40.0])
    >>> clip_grad_norm_([w], max_norm=1.0)
    Tensor(50.)
    >>> w.grad
    Tensor([0.59999999, 0.79999998])
    """
    holders = _holders(parameters)
    gradients = [_array(p) for p in holders]
    if not error_if_nonfinite and gradients and all(is_cupy(g) for g in gradients):
        return _clip_unseen(holders, gradients, max_norm, norm_type)
    norms = [_norm(g, norm_type) for g in gradients]
    total = float(np.linalg.norm(norms, norm_type)) if norms else 0.0
    if error_if_nonfinite and not math.isfinite(total):
        bad = next((i for i, norm in enumerate(norms) if not math.isfinite(norm)), None)
        where = "" if bad is None else f" of gradient {bad}{f' ({holders[bad].name!r})' if holders[bad].name else ''}"
        raise RuntimeError(
            f"the norm{where} is {total}, so it cannot be clipped: a forward and backward pass inside `with"
            " detect_anomaly():` names the op that made it"
        )
    factor = max_norm / (total + 1e-6)
    if not factor >= 1:  # nan is no small gradient either
        _change(holders, lambda g: np.multiply(g, g.dtype.type(factor), g))
    return wrap(np.result_type(np.float32, *gradients).type(total), None)


def _clip_unseen(holders: list[Any], gradients: list[Array], max_norm: float, p: float) -> Tensor:
    """The same on a GPU, which no number of leaves: the factor is computed there, and is 1 for short ones."""
    wide = np.result_type(np.float32, *gradients)
    norms = np.stack([np.linalg.norm(g.astype(wide, copy=False).ravel(), p) for g in gradients])
    total = np.linalg.norm(norms, p)
    factor = np.minimum(max_norm / (total + 1e-6), 1)
    _change(holders, lambda g: np.multiply(g, factor.astype(g.dtype), g))
    return wrap(total.astype(wide), None)


@unseen
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Move every number of the gradients into the range from -clip_value to clip_value, in place.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_value_.html

    >>> w = Tensor([0.0, 0.0], requires_grad=True)
    >>> w.grad = Tensor([-3.0, 0.5])
    >>> clip_grad_value_([w], 1.0)
    >>> w.grad
    Tensor([-1. ,  0.5])
    """
    _change(_holders(parameters), lambda g: np.clip(g, -clip_value, clip_value, out=g))


def _holders(parameters: Tensor | Iterable[Tensor]) -> list[Any]:
    """The parameters that have a gradient."""
    if hasattr(parameters, "parameters"):
        raise TypeError("the gradients are those of parameters: write model.parameters()")
    every = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p for p in every if getattr(p, "_grad", None) is not None]


def _array(p: Any) -> Array:
    return getattr(p._grad, "_value", p._grad)


@np.errstate(over="ignore")
def _norm(g: Array, p: float) -> float:
    """The norm of one gradient; where its dtype is too narrow for the squares, in float64, a block at a time."""
    norm = float(np.linalg.norm(g.ravel("K"), p))
    if math.isfinite(norm):
        return norm
    parts: list[float] = []
    in_blocks(lambda block: parts.append(float(np.linalg.norm(block.astype(np.float64).ravel(), p))), g)
    return float(np.linalg.norm(parts, p))


def _change(holders: list[Any], function: Callable[[Array], Any]) -> None:
    """Apply `function`, which changes an array in place, to the gradients."""
    for p in holders:
        g = _array(p)
        memory = np.asarray(g) if isinstance(g, np.generic) else g
        in_blocks(function, memory)
        if memory is not g:  # a number, which nobody can change in place
            p.grad = wrap(memory[()], None)
        elif isinstance(p._grad, Tensor):  # somebody holds it, and a graph may keep it
            changes.note(memory)
