"""L1 and L2 penalties: weights that are large cost something, beside what the loss says."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.optim import Optimizer
from tinygrad_edu.recording import no_grad
from tinygrad_edu.tensor import Tensor

__all__ = ["Penalty"]


class Penalty:
    """l1 Σ|w| + l2 Σw² over the weights: all parameters of two or more axes, so no biases and no scales of a norm.

    The square is added to the loss and differentiated with it. |w| has no slope at 0, and a step of gradient descent
    jumps over 0 and never stays there, so its part is taken exactly after each step: every weight goes lr l1 towards 0,
    and stays there when it arrives (the proximal step of Daubechies, Defrise, De Mol 2004, "ISTA").
    """

    def __init__(self, optimizer: Optimizer, l1: float, l2: float) -> None:
        for name, value in (("l1", l1), ("l2", l2)):
            if not 0 <= value < np.inf:
                raise ValueError(f"{name} is how much a large weight costs, 0 or more, and {value!r} was given")
        self.l1, self.l2 = l1, l2
        self.groups = [(group, [p for p in group["params"] if p.ndim > 1]) for group in optimizer.param_groups]
        self.weights = [w for _, weights in self.groups for w in weights]
        if (l1 or l2) and not self.weights:
            raise ValueError("l1 and l2 are of weights, parameters of two or more axes, and the optimizer has none")

    def squares(self) -> Any:
        """l2 Σw², recorded."""
        return self.l2 * sum((w * w).sum() for w in self.weights)

    def shrink(self) -> None:
        """Take every weight lr l1 towards 0, and not beyond: w <- sign(w) max(|w| - lr l1, 0)."""
        with no_grad():
            for group, weights in self.groups:
                for w in weights:
                    w -= np.clip(w, -group["lr"] * self.l1, group["lr"] * self.l1)

    def value(self) -> float:
        """All of it, as it is now."""
        with no_grad():
            sizes = sum((abs(w).sum().item() for w in self.weights), 0.0)
            return self.l1 * sizes + (float(Tensor(self.squares()).item()) if self.l2 else 0.0)
