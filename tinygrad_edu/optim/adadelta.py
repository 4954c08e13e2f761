"""Adadelta: steps in the units of the weight, without a learning rate to choose."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu.graph import Array
from tinygrad_edu.optim.groups import Group
from tinygrad_edu.optim.optimizer import Number, Optimizer, Rule

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """RMSprop whose learning rate is the usual size of the weight's own steps.

    s <- rho s + (1 - rho) g^2, d = sqrt(a + eps) / sqrt(s + eps) g, a <- rho a + (1 - rho) d^2, w <- w - lr d.
    `weight_decay` and `maximize` as in `SGD`. ValueError for an option out of range. Zeiler 2012.
    After https://docs.pytorch.org/docs/stable/generated/torch.optim.Adadelta.html

    >>> from tinygrad_edu import Tensor
    >>> w = Tensor([10.0, 0.1], requires_grad=True)
    >>> optimizer = Adadelta([w])
    >>> (w**2).sum().backward()  # gradients 20 and 0.2
    >>> optimizer.step()
    >>> w.detach().round(4)
    Tensor([9.9968, 0.0968])
    """

    counts = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        **kernels: bool | None,
    ) -> None:
        super().__init__(
            params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}, kernels
        )

    def remembers(self, group: Group) -> tuple[str, ...]:  # noqa: ARG002 - whatever the options
        """The mean squares of the gradients and of the steps."""
        return ("square_avg", "acc_delta")

    def rule(self, group: Group, number: Number, step: int) -> Rule:  # noqa: ARG002 - the same in every step
        """Sixteen passes over the numbers."""
        lr, toward, eps = map(number, (group["lr"], 1 - group["rho"], group["eps"]))

        def descend(w: Array, g: Array, s: Array, a: Array) -> None:
            part = np.square(g)
            part -= s
            part *= toward
            s += part
            d = a + eps
            np.add(s, eps, part)
            d /= part
            np.sqrt(d, d)
            d *= g
            np.square(d, part)
            part -= a
            part *= toward
            a += part
            d *= lr
            w -= d

        return descend
