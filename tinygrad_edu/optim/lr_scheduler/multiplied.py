"""Schedules that multiply the learning rate by a factor when an epoch begins."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tinygrad_edu.optim.lr_scheduler.scheduler import LRScheduler, positive
from tinygrad_edu.optim.optimizer import Optimizer

__all__ = ["ConstantLR", "ExponentialLR", "LinearLR", "MultiStepLR", "PolynomialLR", "StepLR"]


class Multiplied(LRScheduler):
    """A schedule that says in `factor` by what the rates are multiplied when an epoch begins."""

    def factor(self, epoch: int) -> float:  # noqa: ARG002 - every schedule says it
        """By what the rates of the epoch before are multiplied; in epoch 0, the optimizer's own."""
        return 1.0

    def get_lr(self) -> list[float]:
        """The present rates, multiplied."""
        factor = self.factor(self.last_epoch)
        return [rate * factor for rate in self._rates()]


class StepLR(Multiplied):
    """Multiplies the rates by `gamma` every `step_size` epochs.
    After https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html

    >>> from tinygrad_edu import Tensor, optim
    >>> w = Tensor(1.0, requires_grad=True)
    >>> w.grad = Tensor(0.0)
    >>> optimizer = optim.SGD([w], lr=1.0)
    >>> scheduler = StepLR(optimizer, step_size=2, gamma=0.5)
    >>> rates = []
    >>> for epoch in range(6):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> [round(rate, 4) for rate in rates]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = positive("step_size", step_size), gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        """`gamma` at every multiple of `step_size`."""
        return self.gamma if epoch and epoch % self.step_size == 0 else 1.0


class MultiStepLR(Multiplied):
    """Multiplies the rates by `gamma` at each of the epochs `milestones`.
    After https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.MultiStepLR.html

    >>> from tinygrad_edu import Tensor, optim
    >>> w = Tensor(1.0, requires_grad=True)
    >>> w.grad = Tensor(0.0)
    >>> optimizer = optim.SGD([w], lr=1.0)
    >>> scheduler = MultiStepLR(optimizer, milestones=[1, 4], gamma=0.5)
    >>> rates = []
    >>> for epoch in range(6):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> [round(rate, 4) for rate in rates]
    [1.0, 0.5, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        """`gamma`, as often as the epoch is a milestone."""
        return self.gamma ** self.milestones[epoch]

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """As elsewhere; in a file the milestones may have become strings."""
        super().load_state_dict(state_dict)
        self.milestones = Counter({int(epoch): times for epoch, times in state_dict["milestones"].items()})


class ExponentialLR(Multiplied):
    """Multiplies the rates by `gamma` every epoch.
    After https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html

    >>> from tinygrad_edu import Tensor, optim
    >>> w = Tensor(1.0, requires_grad=True)
    >>> w.grad = Tensor(0.0)
    >>> optimizer = optim.SGD([w], lr=1.0)
    >>> scheduler = ExponentialLR(optimizer, gamma=0.5)
    >>> rates = []
    >>> for epoch in range(6):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> [round(rate, 4) for rate in rates]
    [1.0, 0.5, 0.25, 0.125, 0.0625, 0.0312]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:  # noqa: ARG002 - the same in every epoch
        """`gamma`."""
        return 1.0 if self._beginning else self.gamma


class ConstantLR(Multiplied):
    """Multiplies the rates by `factor` in the first `total_iters` epochs.

    ValueError for a factor that is not above 0 and at most 1.
    After https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ConstantLR.html

    >>> from tinygrad_edu import Tensor, optim
    >>> w = Tensor(1.0, requires_grad=True)
    >>> w.grad = Tensor(0.0)
    >>> optimizer = optim.SGD([w], lr=1.0)
    >>> scheduler = ConstantLR(optimizer, factor=0.5, total_iters=3)
    >>> rates = []
    >>> for epoch in range(6):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> [round(rate, 4) for rate in rates]
    [0.5, 0.5, 0.5, 1.0, 1.0, 1.0]
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0 < factor <= 1:
            raise ValueError(f"factor has to be above 0 and at most 1, and {factor} was given")
        self._factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        """`factor` at first, and what undoes it at the end."""
        return self._factor if epoch == 0 else 1.0 / self._factor if epoch == self.total_iters else 1.0


class LinearLR(Multiplied):
    """Multiplies the rates by a factor that goes in a line from `start_factor` to `end_factor`, within `total_iters`.

    ValueError for factors above 1, or a `start_factor` that is not above 0.
    After https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LinearLR.html

    >>> from tinygrad_edu import Tensor, optim
    >>> w = Tensor(1.0, requires_grad=True)
    >>> w.grad = Tensor(0.0)
    >>> optimizer = optim.SGD([w], lr=1.0)
    >>> scheduler = LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> rates = []
    >>> for epoch in range(6):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> [round(rate, 4) for rate in rates]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError(f"start_factor has to be above 0 and at most 1, and {start_factor} was given")
        if not 0 <= end_factor <= 1:
            raise ValueError(f"end_factor has to be from 0 to 1, and {end_factor} was given")
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = positive("total_iters", total_iters)
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        """The line, divided by the line one epoch before."""
        if epoch == 0:
            return self.start_factor
        if self._beginning or epoch > self.total_iters:
            return 1.0
        rise = self.end_factor - self.start_factor
        return 1.0 + rise / (self.total_iters * self.start_factor + (epoch - 1) * rise)


class PolynomialLR(Multiplied):
    """Takes the rates to 0 in `total_iters` epochs, as (1 - epoch / total_iters)^power.
    After https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.PolynomialLR.html

    >>> from tinygrad_edu import Tensor, optim
    >>> w = Tensor(1.0, requires_grad=True)
    >>> w.grad = Tensor(0.0)
    >>> optimizer = optim.SGD([w], lr=1.0)
    >>> scheduler = PolynomialLR(optimizer, total_iters=4, power=2.0)
    >>> rates = []
    >>> for epoch in range(6):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> [round(rate, 4) for rate in rates]
    [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = positive("total_iters", total_iters), power
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        """The power, divided by that of one epoch before."""
        if self._beginning or epoch > self.total_iters:
            return 1.0
        left, before = 1.0 - epoch / self.total_iters, 1.0 - (epoch - 1) / self.total_iters
        return float((left / before) ** self.power)
