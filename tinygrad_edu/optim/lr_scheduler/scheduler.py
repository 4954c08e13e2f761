"""LRScheduler: what every schedule of learning rates shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.lines import warn
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.watch import unseen

__all__ = ["LRScheduler"]


class LRScheduler:
    """The base of every schedule: `step()` at the end of an epoch sets the learning rate of the next one.

    A subclass says in `get_lr` what the rates of the groups are in epoch `self.last_epoch`, from 0. Most go on from the
    rates as they are, so that several schedules of one optimizer multiply. Making one sets the rates of epoch 0, and
    every group remembers its own first rate as "initial_lr". `last_epoch` continues after that epoch, with an optimizer
    whose state was loaded. After https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate

    >>> from tinygrad_edu import Tensor, optim
    >>> class Harmonic(LRScheduler):
    ...     def get_lr(self):
    ...         return [base / (1 + self.last_epoch) for base in self.base_lrs]
    >>> w = Tensor(3.0, requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=0.5)
    >>> scheduler = Harmonic(optimizer)
    >>> for epoch in range(3):
    ...     optimizer.zero_grad()
    ...     (w * w).backward()
    ...     optimizer.step()
    ...     scheduler.step()
    ...     print(scheduler.get_last_lr())
    [0.25]
    [0.16666666666666666]
    [0.125]
    """

    last_epoch: int
    _last_lr: list[float]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"group {i} has no 'initial_lr', so the schedule cannot go on after epoch {last_epoch}: load the"
                    " optimizer's state first, from a run that had a scheduler, or leave last_epoch out"
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self._seen = optimizer.steps
        self._update()

    def get_lr(self) -> list[float]:
        """The rate of every group in epoch `self.last_epoch`, made of the present ones."""
        kind = type(self).__name__
        raise NotImplementedError(f"{kind} has no get_lr: write `def get_lr(self)` in class {kind}.")

    def get_last_lr(self) -> list[float]:
        """The rates that the last `step()` set, one a group."""
        return self._last_lr

    @unseen
    def step(self) -> None:
        """Go to the next epoch, after the optimizer's `step()`."""
        counted = type(self.optimizer).step is Optimizer.step  # one of somebody's own may not count
        if counted and self._step_count == 1 and self.optimizer.steps == self._seen:
            warn(
                "scheduler.step() came before the first optimizer.step(), so the first learning rate is never used:"
                " call optimizer.step() first",
                UserWarning,
            )
        self._update()

    def _update(self) -> None:
        """Go to the next epoch."""
        self._step_count += 1
        self.last_epoch += 1
        self._set(self.get_lr())

    def _set(self, rates: list[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = self._rates()

    def _rates(self) -> list[float]:
        """The present rates of the groups."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def _restart(self) -> None:
        """Begin at epoch 0, from the first rates."""
        self._set(self.base_lrs)
        self.last_epoch, self._step_count = -1, 0
        self._update()

    @property
    def _beginning(self) -> bool:
        """Whether the first rates are being set, and not those of a further epoch."""
        return self._step_count == 1

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule is, and its settings: plain numbers and lists."""
        return {name: value for name, value in vars(self).items() if name not in ("optimizer", "_seen")}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave; the rates themselves are in the optimizer's state."""
        vars(self).update(state_dict)


def checked(optimizer: Any) -> Optimizer:
    """The optimizer; TypeError for anything else."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"a scheduler changes the learning rate of an optimizer, not of a {type(optimizer).__name__}")
    return optimizer


def each(name: str, given: Any, optimizer: Optimizer) -> list[Any]:
    """What was given for every group: a list of as many, or the same for all. ValueError for another number."""
    groups = len(optimizer.param_groups)
    if not isinstance(given, list | tuple):
        return [given] * groups
    if len(given) != groups:
        raise ValueError(f"{name} has {len(given)} values, and the optimizer has {groups} groups: give one for each")
    return list(given)


def positive(name: str, value: int) -> int:
    """A number of epochs; ValueError where it is not a whole number above 0."""
    if not isinstance(value, int | float | np.number) or value < 1 or value != int(value):
        raise ValueError(f"{name} is a whole number of epochs above 0, and {value!r} was given")
    return int(value)
