"""CyclicLR: the learning rate goes up and down again and again."""

import math
from collections.abc import Callable, Sequence

from tinygrad_edu.optim.lr_scheduler.scheduler import LRScheduler, checked, each, positive
from tinygrad_edu.optim.optimizer import Optimizer

__all__ = ["CyclicLR"]


class CyclicLR(LRScheduler):
    """Takes the rates in a line from `base_lr` to `max_lr`, in `step_size_up` steps, and back in `step_size_down`.

    It is stepped after every batch. The height of a cycle is the same in each ("triangular"), half that of the one
    before ("triangular2"), or `gamma` to the power of the step ("exp_range"), or what `scale_fn` makes of the number of
    the cycle, or of the step with scale_mode="iterations". With `cycle_momentum` the momentum (of Adam: beta1) goes the
    other way, from `max_momentum` to `base_momentum`. ValueError for another mode, and for an optimizer without
    momentum. Smith 2017; after
    https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CyclicLR.html

    >>> from tinygrad_edu import Tensor, optim
    >>> w = Tensor(1.0, requires_grad=True)
    >>> w.grad = Tensor(0.0)
    >>> optimizer = optim.SGD([w], lr=1.0, momentum=0.9)
    >>> scheduler = CyclicLR(optimizer, base_lr=0.0, max_lr=1.0, step_size_up=2)
    >>> rates = []
    >>> for step in range(6):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError(f"mode is 'triangular', 'triangular2' or 'exp_range', and {mode!r} was given")
        up = positive("step_size_up", step_size_up)
        self.total_size = up + (up if step_size_down is None else positive("step_size_down", step_size_down))
        self.step_ratio, self.mode, self.gamma = up / self.total_size, mode, gamma
        self.scale_mode = scale_mode if scale_fn else {"exp_range": "iterations"}.get(mode, "cycle")
        self._scale_fn = scale_fn
        self.max_lrs, lows = each("max_lr", max_lr, optimizer), each("base_lr", base_lr, optimizer)
        for group, low in zip(optimizer.param_groups, lows, strict=True):
            if last_epoch == -1:
                group["lr"] = group["initial_lr"] = low
        kinds = [name for name in ("momentum", "betas") if name in checked(optimizer).defaults]
        if cycle_momentum and not kinds:
            raise ValueError(f"{type(optimizer).__name__} has no momentum: write cycle_momentum=False")
        self.cycle_momentum = cycle_momentum
        self.base_momentums = each("base_momentum", base_momentum, optimizer)
        self.max_momentums = each("max_momentum", max_momentum, optimizer)
        self._kind = (*kinds, "")[0]
        super().__init__(optimizer, last_epoch)
        self.base_lrs = lows

    def get_lr(self) -> list[float]:
        """How far up the cycle is, times its height; the momentum is set on the way."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        along = 1 + self.last_epoch / self.total_size - cycle
        height = along / self.step_ratio if along <= self.step_ratio else (along - 1) / (self.step_ratio - 1)
        height *= self._scale(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            limits = zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True)
            for group, low, high in limits:
                momentum = high - (high - low) * height
                group[self._kind] = momentum if self._kind == "momentum" else (momentum, *group["betas"][1:])
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def _scale(self, x: float) -> float:
        """The height of a cycle, of its number or of the step."""
        if self._scale_fn is not None:
            return self._scale_fn(x)
        return 1.0 if self.mode == "triangular" else 2.0 ** (1 - x) if self.mode == "triangular2" else self.gamma**x

    def state_dict(self) -> dict[str, object]:
        """As elsewhere, without the function."""
        return {name: value for name, value in super().state_dict().items() if name != "_scale_fn"}
