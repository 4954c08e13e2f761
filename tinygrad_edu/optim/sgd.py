"""Gradient descent, and with momentum."""

from collections.abc import Iterable
from typing import Any

from tinygrad_edu import kernels
from tinygrad_edu.graph import Array
from tinygrad_edu.kernels import HOST, fits
from tinygrad_edu.optim.groups import Group
from tinygrad_edu.optim.optimizer import Number, Optimizer, Rule

__all__ = ["SGD"]


class SGD(Optimizer):
    """Gradient descent: a step against the gradient, `lr` times as long.

    w <- w - lr g. With `momentum`, v <- momentum v + (1 - dampening) g, where the first v is g, and w <- w - lr v;
    `nesterov` looks ahead, w <- w - lr (g + momentum v). `weight_decay` adds weight_decay w to g first (the gradient of
    weight_decay/2 |w|^2, the L2 penalty); `maximize` climbs. ValueError for a negative option, and for `nesterov` with
    no momentum or with dampening. Polyak 1964; Sutskever et al. 2013.
    After https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html

    >>> from tinygrad_edu import Tensor
    >>> w = Tensor(3.0, requires_grad=True)
    >>> optimizer = SGD([w], lr=0.25)
    >>> for step in range(3):
    ...     loss = (w - 1) ** 2
    ...     optimizer.zero_grad()
    ...     loss.backward()
    ...     optimizer.step()
    ...     print(f"loss {loss.item():.4f}, w {w.item():.4f}")
    loss 4.0000, w 2.0000
    loss 1.0000, w 1.5000
    loss 0.2500, w 1.2500
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        **kernels: bool | None,
    ) -> None:
        options = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, options | {"nesterov": nesterov, "maximize": maximize}, kernels)

    def check(self, group: Group) -> None:
        """Nesterov's step is made of momentum."""
        if group["nesterov"] and (not group["momentum"] or group["dampening"]):
            raise ValueError("nesterov=True looks ahead along the momentum: write momentum=0.9, and no dampening")

    def remembers(self, group: Group) -> tuple[str, ...]:
        """The velocity, where there is momentum."""
        return ("momentum_buffer",) if group["momentum"] else ()

    def rule(self, group: Group, number: Number, step: int) -> Rule:
        """Two passes over the numbers; with momentum four, and six with Nesterov's."""
        lr = number(group["lr"])

        def descend(w: Array, g: Array) -> None:
            if type(w) not in HOST and fits(w, g):
                kernels.descent(g, lr, w)
            else:
                w -= g * lr

        if not group["momentum"]:
            return descend
        momentum, nesterov = number(group["momentum"]), group["nesterov"]
        share = None if step == 1 or not group["dampening"] else number(1 - group["dampening"])

        def descend_with_momentum(w: Array, g: Array, v: Array) -> None:
            if type(w) not in HOST and fits(w, g):
                kernels.momentum(g, lr, momentum, 1 if share is None else share, nesterov, w, v)
                return
            v *= momentum
            v += g if share is None else g * share
            if nesterov:
                ahead = v * momentum
                ahead += g
                ahead *= lr
                w -= ahead
            else:
                w -= v * lr

        return descend_with_momentum
