"""SequentialLR: one schedule after another."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from tinygrad_edu.optim.lr_scheduler.plateau import ReduceLROnPlateau
from tinygrad_edu.optim.lr_scheduler.scheduler import LRScheduler, checked
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.watch import unseen

__all__ = ["SequentialLR"]


class SequentialLR(LRScheduler):
    """Follows the first of `schedulers` until the first of the epochs `milestones`, then the second, and so on.

    Each begins at its own epoch 0, from the first rates. ValueError where there is not one milestone less than
    schedules, for schedules of another optimizer, and for `ReduceLROnPlateau`, which goes by a measure.
    After https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.SequentialLR.html

    >>> from tinygrad_edu import Tensor, optim
    >>> from tinygrad_edu.optim.lr_scheduler import ConstantLR, ExponentialLR
    >>> w = Tensor(1.0, requires_grad=True)
    >>> w.grad = Tensor(0.0)
    >>> optimizer = optim.SGD([w], lr=1.0)
    >>> warm, fall = ConstantLR(optimizer, factor=0.1, total_iters=9), ExponentialLR(optimizer, gamma=0.5)
    >>> scheduler = SequentialLR(optimizer, [warm, fall], milestones=[2])
    >>> rates = []
    >>> for epoch in range(5):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> [round(rate, 4) for rate in rates]
    [0.1, 0.1, 1.0, 0.5, 0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = checked(optimizer)
        if len(schedulers) != len(milestones) + 1:
            raise ValueError(
                f"{len(schedulers)} schedules one after another have {max(len(schedulers) - 1, 0)} milestones between"
                f" them, and {len(milestones)} were given"
            )
        for i, scheduler in enumerate(schedulers):
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError("ReduceLROnPlateau goes by a measure, not by epochs: step it by itself")
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"schedule {i}, {type(scheduler).__name__}, is of another optimizer")
        self._schedulers, self._milestones = list(schedulers), list(milestones)
        self.last_epoch = last_epoch
        self._restart()

    @unseen
    def step(self) -> None:
        """Go to the next epoch, after the optimizer's `step()`."""
        self.last_epoch += 1
        place = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[place]
        if place and self._milestones[place - 1] == self.last_epoch:
            scheduler._restart()
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def _restart(self) -> None:
        self.last_epoch = 0
        scheduler = self._schedulers[bisect_right(self._milestones, 0)]
        scheduler._restart()
        self._last_lr = scheduler.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        """As elsewhere, with the state of every schedule."""
        return super().state_dict() | {"_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """As elsewhere, for the same schedules."""
        schedulers = self._schedulers
        super().load_state_dict(state_dict)
        self._schedulers = schedulers
        for scheduler, state in zip(schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(state)
