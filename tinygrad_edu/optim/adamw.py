"""AdamW: Adam whose weight decay is not divided by the size of the gradients."""

from collections.abc import Iterable
from typing import Any

from tinygrad_edu.optim.adam import Adam

__all__ = ["AdamW"]


class AdamW(Adam):
    """Adam that shrinks every weight by the same share, w <- (1 - lr weight_decay) w, beside its step.

    In `Adam` the decay is a part of the gradient, and so is divided by its size: weights with large gradients decay
    least. Arguments, and what is raised, as there. Loshchilov, Hutter 2019.
    After https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html

    >>> from tinygrad_edu import Tensor
    >>> w = Tensor([10.0, 0.1], requires_grad=True)
    >>> optimizer = AdamW([w], lr=0.5, weight_decay=0.1)
    >>> (w**2).sum().backward()
    >>> optimizer.step()
    >>> w.detach().round(4)
    Tensor([ 9.   , -0.405])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        **kernels: bool | None,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True, **kernels
        )
