"""L1 and L2 penalties: weights that are large cost something, beside what the loss says."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.optim import Optimizer, soft_threshold_
from tinygrad_edu.recording import no_grad
from tinygrad_edu.tensor import Tensor

__all__ = ["Penalty"]


class Penalty:
    """l1 Σ|w| + l2 Σw² over the weights: all parameters of two or more axes, so no biases and no scales of a norm.

    The square is added to the loss and differentiated with it. |w| has a corner at 0, which gradient steps cross to
    and fro, so its part is a step of its own, after that of the optimizer: `optim.soft_threshold_` by lr l1, which
    makes weights exactly 0. With gradient descent both together find the least of loss and penalty. Optimisers that
    give every weight a step of its own, as Adam, still shrink all alike, which weighs the penalty differently.
    """

    def __init__(self, optimizer: Optimizer, l1: float, l2: float) -> None:
        for name, value in (("l1", l1), ("l2", l2)):
            if not 0 <= value < np.inf:
                raise ValueError(f"{name} is how much a large weight costs, 0 or more, and {value!r} was given")
        self.l1, self.l2 = l1, l2
        self.optimizer = optimizer
        self.weights = [w for group in optimizer.param_groups for w in _weights(group)]
        if (l1 or l2) and not self.weights:
            raise ValueError("l1 and l2 are of weights, parameters of two or more axes, and the optimizer has none")

    def squares(self) -> Any:
        """l2 Σw², recorded."""
        return self.l2 * sum((w * w).sum() for w in self.weights)

    def shrink(self) -> None:
        """Take every weight lr l1 towards 0, and not beyond."""
        for group in self.optimizer.param_groups:  # not kept: a state that is loaded brings its own
            soft_threshold_(_weights(group), group["lr"] * self.l1)

    def value(self) -> float:
        """All of it, as it is now."""
        with no_grad():
            sizes = sum((abs(w).sum().item() for w in self.weights), 0.0)
            return self.l1 * sizes + (self.squares().item() if self.l2 else 0.0)


def _weights(group: dict[str, Any]) -> list[Tensor]:
    """The parameters of the group that are weights."""
    return [p for p in group["params"] if p.ndim > 1]
