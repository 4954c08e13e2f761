"""Schedules that follow a cosine from the first rate down to the least."""

import math

from tinygrad_edu.optim.lr_scheduler.scheduler import LRScheduler, positive
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.watch import unseen

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]


class CosineAnnealingLR(LRScheduler):
    """Takes the rates down to `eta_min` in `T_max` epochs along half a cosine, and up again in as many.

    eta_min + (first - eta_min) (1 + cos(pi epoch / T_max)) / 2, from the present rate on.
    Loshchilov, Hutter 2017.
    After https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingLR.html

    >>> from tinygrad_edu import Tensor, optim
    >>> w = Tensor(1.0, requires_grad=True)
    >>> w.grad = Tensor(0.0)
    >>> optimizer = optim.SGD([w], lr=1.0)
    >>> scheduler = CosineAnnealingLR(optimizer, T_max=4)
    >>> rates = []
    >>> for epoch in range(9):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> [round(rate, 4) for rate in rates]
    [1.0, 0.8536, 0.5, 0.1464, 0.0, 0.1464, 0.5, 0.8536, 1.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:  # noqa: N803 - PyTorch's name
        self.T_max, self.eta_min = positive("T_max", T_max), eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The present rates, taken from where the cosine was to where it is."""
        rates, least, span = self._rates(), self.eta_min, self.T_max
        if self._beginning:
            return rates
        if (self.last_epoch - 1 - span) % (2 * span) == 0:  # it was at its least, of which nothing is a multiple
            up = (1 - math.cos(math.pi / span)) / 2
            return [rate + (base - least) * up for rate, base in zip(rates, self.base_lrs, strict=True)]
        now, before = (1 + math.cos(math.pi * epoch / span) for epoch in (self.last_epoch, self.last_epoch - 1))
        return [least + (rate - least) * (now / before) for rate in rates]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Takes the rates down to `eta_min` along half a cosine, in `T_0` epochs, and begins again at the top.

    Every time it takes `T_mult` times as many epochs. `step(epoch)` takes fractions, to go down within an epoch too:
    `scheduler.step(epoch + i / len(loader))`. Loshchilov, Hutter 2017.
    After https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.html

    >>> from tinygrad_edu import Tensor, optim
    >>> w = Tensor(1.0, requires_grad=True)
    >>> w.grad = Tensor(0.0)
    >>> optimizer = optim.SGD([w], lr=1.0)
    >>> scheduler = CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2)
    >>> rates = []
    >>> for epoch in range(8):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> [round(rate, 4) for rate in rates]
    [1.0, 0.5, 1.0, 0.8536, 0.5, 0.1464, 1.0, 0.9619]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,  # noqa: N803 - PyTorch's name
        T_mult: int = 1,  # noqa: N803 - the same
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        self.T_0 = self.T_i = positive("T_0", T_0)
        self.T_mult, self.eta_min = positive("T_mult", T_mult), eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The cosine, `T_cur` epochs after it began."""
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]

    @unseen
    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to any, also to a fraction of one. ValueError for one below 0."""
        if epoch is None:
            super().step()
        elif epoch < 0:
            raise ValueError(f"epochs count from 0, and {epoch} was given")
        else:
            self._go_to(epoch)

    def _update(self) -> None:
        self._go_to(self.last_epoch + 1)

    def _go_to(self, epoch: float) -> None:
        self._step_count += 1
        self.last_epoch = math.floor(epoch)
        self.T_cur, self.T_i = epoch, self.T_0
        while self.T_cur >= self.T_i:
            self.T_cur -= self.T_i
            self.T_i *= self.T_mult
        self._set(self.get_lr())
