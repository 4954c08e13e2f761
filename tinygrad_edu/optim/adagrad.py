"""Adagrad: every weight divides its step by the size of all its gradients so far."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu.graph import Array
from tinygrad_edu.optim.groups import Group
from tinygrad_edu.optim.optimizer import Number, Optimizer, Rule

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Gradient descent where every weight has a step of its own, the smaller the more it has moved.

    s <- s + g^2, w <- w - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps) in step t; s begins at
    `initial_accumulator_value`. `weight_decay` and `maximize` as in `SGD`. ValueError for an option out of range.
    Duchi, Hazan, Singer 2011. After https://docs.pytorch.org/docs/stable/generated/torch.optim.Adagrad.html

    >>> from tinygrad_edu import Tensor
    >>> w = Tensor([10.0, 0.1], requires_grad=True)
    >>> optimizer = Adagrad([w], lr=1.0)
    >>> (w**2).sum().backward()  # gradients 20 and 0.2
    >>> optimizer.step()
    >>> w.detach().round(4)
    Tensor([ 9. , -0.9])
    """

    counts = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
        **kernels: bool | None,
    ) -> None:
        options = {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay}
        beginning = {"initial_accumulator_value": initial_accumulator_value}
        super().__init__(params, options | beginning | {"maximize": maximize}, kernels)

    def remembers(self, group: Group) -> tuple[str, ...]:  # noqa: ARG002 - whatever the options
        """The sum of squares."""
        return ("sum",)

    def start(self, name: str, group: Group, w: Array) -> Array:  # noqa: ARG002 - there is only one
        """All the same."""
        return np.full_like(w, group["initial_accumulator_value"])

    def rule(self, group: Group, number: Number, step: int) -> Rule:
        """Seven passes over the numbers."""
        lr, eps = number(group["lr"] / (1 + (step - 1) * group["lr_decay"])), number(group["eps"])

        def descend(w: Array, g: Array, s: Array) -> None:
            size = np.square(g)
            s += size
            np.sqrt(s, size)
            size += eps
            np.divide(g, size, size)
            size *= lr
            w -= size

        return descend
