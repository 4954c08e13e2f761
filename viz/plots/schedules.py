"""Learning rates over the steps of a schedule."""

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import Tensor, optim
from tinygrad_edu.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from viz.plots.style import axes_or_new, color, count_epochs, numbers, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["learning_rates"]


def learning_rates(
    schedule: Any,
    steps: int | None = None,
    ax: "Axes | None" = None,
    *,
    log: bool = False,
    label: str | None = None,
) -> "Axes":
    """The learning rate in each epoch: of a schedule that is yet to run, or as a history or a list recorded it.

    A scheduler is followed for `steps` epochs from where it is now; it and its optimizer stay as they are. Each group
    of parameters with other rates than the first is a line. ValueError for a history without "lr", for a scheduler
    without `steps`, and for `ReduceLROnPlateau`, which nobody knows before the training.

    >>> optimizer = optim.SGD([Tensor(1.0, requires_grad=True)], lr=0.8)
    >>> axes = learning_rates(optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5), 4)
    >>> axes.get_lines()[0].get_ydata().tolist()
    [0.8, 0.8, 0.4, 0.4]
    """
    rates = _rates(schedule, steps)
    axes = axes_or_new(ax)
    named = type(schedule).__name__ if label is None and isinstance(schedule, LRScheduler) else label
    for group, line in enumerate(rates.T):
        if group and (line == rates[:, 0]).all():
            continue
        name = " ".join(filter(None, [named, f"group {group}" if group else None]))
        hue = color(len(axes.lines))
        axes.plot(range(1, len(line) + 1), line, color=hue, linewidth=2, drawstyle="steps-mid", label=name or None)
    count_epochs(axes)
    axes.set(ylabel="learning rate", yscale="log" if log else "linear")
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=small(axes))
    return axes


def _rates(schedule: Any, steps: int | None) -> Any:
    """One row an epoch, one column a group."""
    if isinstance(schedule, LRScheduler):
        return _followed(schedule, steps)
    found = getattr(schedule, "history", schedule)
    if isinstance(found, dict):
        if "lr" not in found:
            raise ValueError('the history has no "lr": give fit a scheduler, fit(..., scheduler=...), and draw it then')
        found = found["lr"]
    rates = numbers(found).astype(float)
    if rates.ndim not in (1, 2) or not len(rates):
        raise ValueError(f"rates are one number an epoch, and these have shape {rates.shape}")
    return rates.reshape(len(rates), -1)


class _Standstill(optim.Optimizer):
    """The groups of another optimizer without their parameters: a schedule sets their rates, and nothing learns."""

    def step(self, closure: Any = None) -> None:
        """Nothing."""


def _followed(scheduler: LRScheduler, steps: int | None) -> Any:
    """The rates of a copy of the schedule that turns the knobs of an optimizer with nothing in it."""
    if isinstance(scheduler, ReduceLROnPlateau):
        raise ValueError(
            "ReduceLROnPlateau goes by what is measured: draw the history that fit returns, after training"
        )
    if steps is None or steps < 1:
        raise ValueError("say for how many epochs the schedule is followed, 1 or more: learning_rates(scheduler, 60)")
    optimizer = scheduler.optimizer
    idle = _Standstill([Tensor(0.0, requires_grad=True)], {})
    idle.defaults = dict(optimizer.defaults)
    idle.param_groups = [dict(group, params=[]) for group in optimizer.param_groups]
    copied = copy.deepcopy(scheduler, {id(optimizer): idle})
    rates = [copied.get_last_lr()]
    for _ in range(steps - 1):
        copied.step()
        rates.append(copied.get_last_lr())
    return np.array(rates)
