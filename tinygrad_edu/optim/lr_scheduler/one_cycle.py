"""OneCycleLR: one rise and one fall of the learning rate over the training, the other way round for momentum."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from tinygrad_edu.optim.groups import Group
from tinygrad_edu.optim.lr_scheduler.scheduler import LRScheduler, checked, each, positive
from tinygrad_edu.optim.optimizer import Optimizer

__all__ = ["OneCycleLR"]


class OneCycleLR(LRScheduler):
    """Raises the rate from max_lr / div_factor to `max_lr`, then lowers it to almost 0; `step()` after each batch.

    There are `total_steps` of them, or `epochs` times `steps_per_epoch`. The rise takes the share `pct_start`; the fall
    ends at max_lr / div_factor / final_div_factor. With `three_phase` the fall mirrors the rise first. Both follow half
    a cosine, or a line with anneal_strategy="linear". With `cycle_momentum` the momentum (of Adam: beta1) goes from
    `max_momentum` down to `base_momentum` and up again. ValueError for settings that do not fit, and for a step beyond
    the last. Smith, Topin 2019.
    After https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html

    >>> from tinygrad_edu import Tensor, optim
    >>> w = Tensor(1.0, requires_grad=True)
    >>> w.grad = Tensor(0.0)
    >>> optimizer = optim.SGD([w], lr=1.0, momentum=0.9)
    >>> scheduler = OneCycleLR(optimizer, max_lr=1.0, total_steps=6, anneal_strategy="linear")
    >>> for batch in range(6):
    ...     print(f"{scheduler.get_last_lr()[0]:.4g} {optimizer.param_groups[0]['momentum']:.4g}")
    ...     optimizer.step()
    ...     scheduler.step()
    0.04 0.95
    0.9524 0.8548
    0.7143 0.8786
    0.4762 0.9024
    0.2381 0.9262
    4e-06 0.95
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is not None:
            self.total_steps = positive("total_steps", total_steps)
        elif epochs is not None and steps_per_epoch is not None:
            self.total_steps = positive("epochs", epochs) * positive("steps_per_epoch", steps_per_epoch)
        else:
            raise ValueError("OneCycleLR has to know when it ends: give total_steps, or epochs and steps_per_epoch")
        if not 0 <= pct_start <= 1:
            raise ValueError(f"pct_start is the share of the rise, from 0 to 1, and {pct_start} was given")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy is 'cos' or 'linear', and {anneal_strategy!r} was given")
        kinds = [name for name in ("momentum", "betas") if name in checked(optimizer).defaults]
        if cycle_momentum and not kinds:
            raise ValueError(f"{type(optimizer).__name__} has no momentum: write cycle_momentum=False")
        self._anneal_func_type = anneal_strategy
        self.cycle_momentum = cycle_momentum
        self.use_beta1 = kinds[-1:] == ["betas"]
        rise = pct_start * self.total_steps - 1
        bend = [rise, 2 * rise] if three_phase else [rise]
        ends = [*bend, self.total_steps - 1]
        rates = ["initial_lr", "max_lr", *["initial_lr"] * three_phase, "min_lr"]
        momenta = ["max_momentum", "base_momentum", *["max_momentum"] * (1 + three_phase)]
        self._schedule_phases: list[dict[str, Any]] = [
            {"end_step": end, "start_lr": lr, "end_lr": next_lr, "start_momentum": m, "end_momentum": next_m}
            for end, (lr, next_lr), (m, next_m) in zip(ends, pairwise(rates), pairwise(momenta), strict=True)
        ]
        if last_epoch == -1:
            peaks = each("max_lr", max_lr, optimizer)
            lows, highs = each("base_momentum", base_momentum, optimizer), each("max_momentum", max_momentum, optimizer)
            for group, peak, low, high in zip(optimizer.param_groups, peaks, lows, highs, strict=True):
                first = peak / div_factor
                group |= {"initial_lr": first, "max_lr": peak, "min_lr": first / final_div_factor}
                if cycle_momentum:
                    group |= {"base_momentum": low, "max_momentum": high}
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Where the phase is, between its ends; the momentum is set on the way."""
        if self.last_epoch > self.total_steps:
            raise ValueError(f"this schedule has {self.total_steps} steps, and step() was called for one more")
        start, phase = 0.0, self._schedule_phases[0]
        for following in self._schedule_phases[1:]:
            if self.last_epoch > phase["end_step"]:
                start, phase = phase["end_step"], following
        end = phase["end_step"]
        share = (self.last_epoch - start) / (end - start)
        for group in self.optimizer.param_groups:
            if self.cycle_momentum:
                momentum = self._between(group, phase, "momentum", share)
                group |= {"betas": (momentum, *group["betas"][1:])} if self.use_beta1 else {"momentum": momentum}
        return [self._between(group, phase, "lr", share) for group in self.optimizer.param_groups]

    def _between(self, group: Group, phase: dict[str, Any], what: str, share: float) -> float:
        """The value of the group a share of the way from the start of the phase to its end."""
        start, end = float(group[phase[f"start_{what}"]]), float(group[phase[f"end_{what}"]])
        if self._anneal_func_type == "linear":
            return start + (end - start) * share
        return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
