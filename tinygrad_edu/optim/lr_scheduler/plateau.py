"""ReduceLROnPlateau: a smaller learning rate where nothing improves any more."""

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.optim.lr_scheduler.scheduler import LRScheduler, checked, each
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.watch import unseen

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the rates by `factor` when a measure has not improved for more than `patience` epochs.

    `step(measure)` tells it, of the validation loss say. With `mode` "min" less is better, with "max" more; it improves
    by at least `threshold`, as a share of the best so far ("rel") or by itself ("abs"). After a reduction it waits for
    `cooldown` epochs. Rates do not go below `min_lr`, nor change by less than `eps`. ValueError for a factor of
    1 or more and for other modes.
    After https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html

    >>> from tinygrad_edu import Tensor, optim
    >>> optimizer = optim.SGD([Tensor(1.0, requires_grad=True)], lr=1.0)
    >>> scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> rates = []
    >>> for loss in [3.0, 2.0, 2.0, 2.0, 1.0]:
    ...     scheduler.step(loss)
    ...     rates += scheduler.get_last_lr()
    >>> [round(rate, 4) for rate in rates]
    [1.0, 1.0, 1.0, 0.5, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        if not 0 <= factor < 1:
            raise ValueError(f"factor has to be from 0 to below 1, and {factor} was given")
        if mode not in ("min", "max"):
            raise ValueError(f"mode is 'min' for a measure that should fall, else 'max', and {mode!r} was given")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold_mode is 'rel' or 'abs', and {threshold_mode!r} was given")
        self.optimizer, self.min_lrs = checked(optimizer), each("min_lr", min_lr, optimizer)
        self.mode, self.factor, self.patience, self.cooldown, self.eps = mode, factor, patience, cooldown, eps
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.best = math.inf if mode == "min" else -math.inf
        self.last_epoch = self.cooldown_counter = self.num_bad_epochs = 0
        self._last_lr = self._rates()

    @unseen
    def step(self, metrics: Any) -> None:  # type: ignore[override] # PyTorch's: this schedule goes by a measure
        """Take note of the measure of an epoch, a number or a Tensor of one, and reduce the rates if it is time."""
        measure = float(metrics)
        self.last_epoch += 1
        improved = self._improves(measure)
        self.best = measure if improved else self.best
        self.num_bad_epochs = 0 if improved else self.num_bad_epochs + 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        rates = self._rates()
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
            lower = [max(rate * self.factor, least) for rate, least in zip(rates, self.min_lrs, strict=True)]
            rates = [new if old - new > self.eps else old for new, old in zip(lower, rates, strict=True)]
        self._set(rates)

    def _improves(self, measure: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        share = self.threshold_mode == "rel"
        least = self.best * (1 - sign * self.threshold) if share else self.best - sign * self.threshold
        return sign * measure < sign * least
