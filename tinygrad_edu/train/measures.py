"""The metrics of a training: functions of predictions and targets, by name or the learner's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from tinygrad_edu.graph import wrap
from tinygrad_edu.metrics import metric
from tinygrad_edu.nn.losses import BCELoss, BCEWithLogitsLoss, MultiLabelSoftMarginLoss

__all__ = ["Measures", "Metrics"]

Metrics = Iterable[str | Callable[..., Any]] | Mapping[str, str | Callable[..., Any]]

ABOUT_CLASSES = ("accuracy", "acc", "precision", "recall", "f1")

THRESHOLDS: dict[type, float] = {BCELoss: 0.5, BCEWithLogitsLoss: 0.0, MultiLabelSoftMarginLoss: 0.0}
"""Above what a prediction is a yes, by the loss: a probability of 1/2 is a logit of 0."""


class Measures:
    """What is measured beside the loss, over all predictions of an epoch at once: precision and r2 are no means."""

    def __init__(self, metrics: Metrics, loss: Any) -> None:
        if isinstance(metrics, str) or callable(metrics):
            raise TypeError(f'metrics is a list, as ["accuracy"], or a dict of names and functions, not {metrics!r}')
        named = metrics if isinstance(metrics, Mapping) else {_name(given): given for given in metrics}
        self.functions = {name: metric(f) if isinstance(f, str) else f for name, f in named.items()}
        self.yes = {name for name, given in named.items() if given in ABOUT_CLASSES and type(loss) in THRESHOLDS}
        self.threshold = THRESHOLDS.get(type(loss), 0.5)
        self.start()

    def start(self) -> None:
        """Forget what was seen."""
        self.outputs: list[Any] = []
        self.targets: list[Any] = []

    def see(self, output: Any, target: Any) -> None:
        """Keep the predictions of a batch."""
        self.outputs.append(output._value)
        self.targets.append(target._value)

    def result(self) -> dict[str, float]:
        """Every metric of what was seen."""
        if not self.functions:
            return {}
        outputs, targets = (wrap(np.concatenate(seen), None) for seen in (self.outputs, self.targets))
        self.start()
        found = {}
        for name, function in self.functions.items():
            value = function(outputs > self.threshold if name in self.yes else outputs, targets)
            found[name] = float(value)
        return found


def _name(given: Any) -> str:
    if isinstance(given, str):
        return given
    if not callable(given):
        raise TypeError(f'a metric is a name, as "accuracy", or a function of predictions and targets, not {given!r}')
    return getattr(given, "__name__", type(given).__name__)
