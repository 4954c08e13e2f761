"""Adam: momentum, and RMSprop's step for every weight, both corrected for beginning at zero."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu import kernels
from tinygrad_edu.graph import Array
from tinygrad_edu.kernels import HOST, fits
from tinygrad_edu.optim.groups import Group
from tinygrad_edu.optim.optimizer import Number, Optimizer, Rule

__all__ = ["Adam"]


class Adam(Optimizer):
    """Gradient descent along the mean of the gradients, divided by their usual size.

    m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2, and in step t
    w <- w - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps). `amsgrad` takes the largest v so far.
    `weight_decay` and `maximize` as in `SGD`; `decoupled_weight_decay` makes it `AdamW`. ValueError for an option out
    of range. Kingma, Ba 2015; amsgrad: Reddi, Kale, Kumar 2018.
    After https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html

    >>> from tinygrad_edu import Tensor
    >>> w = Tensor([10.0, 0.1], requires_grad=True)
    >>> optimizer = Adam([w], lr=0.5)
    >>> (w**2).sum().backward()  # gradients 20 and 0.2: the first step is lr long for both
    >>> optimizer.step()
    >>> w.detach().round(4)
    Tensor([ 9.5, -0.4])
    """

    counts = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
        **kernels: bool | None,
    ) -> None:
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        further = {"maximize": maximize, "decoupled_weight_decay": decoupled_weight_decay}
        super().__init__(params, options | further, kernels)

    def check(self, group: Group) -> None:
        """There are two betas."""
        if not isinstance(group["betas"], tuple | list) or len(group["betas"]) != 2:
            raise ValueError(f"betas are two numbers, (0.9, 0.999), and {group['betas']!r} was given")

    def remembers(self, group: Group) -> tuple[str, ...]:
        """The means of the gradient and of its square, and the largest of the latter where it is asked for."""
        return ("exp_avg", "exp_avg_sq", *("max_exp_avg_sq",) * group["amsgrad"])

    def rule(self, group: Group, number: Number, step: int) -> Rule:
        """Twelve passes over the numbers: both corrections are made in the step size and in eps (sec. 2)."""
        (beta1, beta2), lr = group["betas"], group["lr"]
        toward1, toward2, root = number(1 - beta1), number(1 - beta2), math.sqrt(1 - beta2**step)
        size, eps = number(lr * root / (1 - beta1**step)), number(group["eps"] * root)
        decay = group["weight_decay"] if group["decoupled_weight_decay"] else 0
        left = number(1 - lr * decay) if decay else None

        def descend(w: Array, g: Array, m: Array, v: Array, *largest: Array) -> None:
            if type(w) not in HOST and fits(w, g) and not largest:
                kernels.adam(g, toward1, toward2, size, eps, 1 if left is None else left, w, m, v)
                return
            part = g - m
            part *= toward1
            m += part
            np.square(g, part)
            part -= v
            part *= toward2
            v += part
            if largest:
                v = np.maximum(v, largest[0], out=largest[0])
            np.sqrt(v, part)
            part += eps
            np.divide(m, part, part)
            part *= size
            if left is not None:
                w *= left
            w -= part

        return descend
