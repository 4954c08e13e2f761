"""RMSprop: every weight divides its step by how large its gradients usually are."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu.graph import Array
from tinygrad_edu.optim.groups import Group
from tinygrad_edu.optim.optimizer import Number, Optimizer, Rule

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """Gradient descent where every weight has a step of its own, by the usual size of its gradients.

    s <- alpha s + (1 - alpha) g^2, w <- w - lr g / (sqrt(s) + eps). `centered` divides by the deviation in place of the
    size, with the mean m of g, sqrt(s - m^2); with `momentum` the quotient goes into a velocity, as SGD's gradient
    does. `weight_decay` and `maximize` as in `SGD`. ValueError for an option out of range. Tieleman, Hinton 2012;
    centered: Graves 2013. After https://docs.pytorch.org/docs/stable/generated/torch.optim.RMSprop.html

    >>> from tinygrad_edu import Tensor
    >>> w = Tensor([10.0, 0.1], requires_grad=True)
    >>> optimizer = RMSprop([w], lr=0.01)
    >>> (w**2).sum().backward()  # gradients 20 and 0.2
    >>> optimizer.step()
    >>> w.detach().round(4)
    Tensor([9.9, 0. ])
    """

    counts = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
        **kernels: bool | None,
    ) -> None:
        options = {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, options | {"centered": centered, "maximize": maximize}, kernels)

    def remembers(self, group: Group) -> tuple[str, ...]:
        """The mean square; the mean and the velocity where they are asked for."""
        mean, velocity = ("grad_avg",) * group["centered"], ("momentum_buffer",) * bool(group["momentum"])
        return ("square_avg", *mean, *velocity)

    def rule(self, group: Group, number: Number, step: int) -> Rule:  # noqa: ARG002 - the same in every step
        """Nine passes over the numbers."""
        lr, toward, eps, momentum = map(number, (group["lr"], 1 - group["alpha"], group["eps"], group["momentum"]))
        centered, remembered = group["centered"], bool(group["momentum"])

        def descend(w: Array, g: Array, s: Array, *further: Array) -> None:
            size = np.square(g)
            size -= s
            size *= toward
            s += size
            if centered:
                m = further[0]
                np.subtract(g, m, size)
                size *= toward
                m += size
                np.square(m, size)
                np.subtract(s, size, size)
                np.maximum(size, 0, out=size)  # rounding may take it below
                np.sqrt(size, size)
            else:
                np.sqrt(s, size)
            size += eps
            np.divide(g, size, size)
            if remembered:
                v = further[-1]
                v *= momentum
                v += size
                np.multiply(v, lr, size)
            else:
                size *= lr
            w -= size

        return descend
