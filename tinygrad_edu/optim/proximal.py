"""Soft thresholding: the step of an L1 penalty that makes weights exactly 0."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu.graph import Array
from tinygrad_edu.mutation import changes
from tinygrad_edu.optim.blocks import in_blocks
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.watch import unseen

__all__ = ["soft_threshold_"]


@unseen
def soft_threshold_(parameters: Tensor | Iterable[Tensor], threshold: float) -> None:
    """Move every number of the parameters towards 0 by `threshold`, in place; those that are nearer become exactly 0.

    w <- sign(w) max(|w| - threshold, 0). Done after every step of gradient descent on a loss, with
    threshold = lr * penalty, it minimises loss + penalty * |w|_1 (iterative shrinkage-thresholding, ISTA). A step
    along the penalty's own gradient, lr * penalty * sign(w), goes over 0 and back: weights come near 0 and never stay.
    ValueError for a threshold below 0. Daubechies, Defrise, De Mol 2004; Beck, Teboulle 2009.

    >>> w = Tensor([3.0, -0.5, -2.0], requires_grad=True)
    >>> soft_threshold_(w, 1.0)
    >>> w
    Tensor([ 2.,  0., -1.], requires_grad=True)
    """
    if not threshold >= 0:
        raise ValueError(f"threshold has to be 0 or more, and {threshold} was given")
    if hasattr(parameters, "parameters"):
        raise TypeError("the numbers are those of parameters: write [model.weight], biases are seldom penalised")
    for p in [parameters] if isinstance(parameters, Tensor) else parameters:
        bare = isinstance(p._value, np.generic)
        memory = np.asarray(p._value) if bare else p._value
        in_blocks(lambda w: _shrink(w, w.dtype.type(threshold)), memory)
        if bare:  # a number, which nobody can change in place
            p._become(memory[()])
        else:
            changes.note(memory)


def _shrink(w: Array, threshold: Any) -> None:
    """w minus the part of it that lies within the threshold, in place."""
    w -= np.clip(w, -threshold, threshold)
