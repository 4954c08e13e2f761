"""Keras's metrics: names of those of `tinygrad_edu.metrics`, for `compile(metrics=[...])`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import metrics
from tinygrad_edu.keras.names import named

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "R2Score",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "get",
]


class Metric:
    """A measure of all predictions of an epoch; called with targets and predictions, in Keras's order, a number.

    >>> MeanAbsoluteError()([1.0, 2.0], [1.0, 4.0])
    1.0
    """

    function: Callable[[Any, Any], float] = staticmethod(metrics.accuracy)
    word: str = "accuracy"

    def __init__(self, name: str | None = None) -> None:
        self.name = name or self.word

    def __call__(self, y_true: Any, y_pred: Any) -> float:
        return float(self.function(y_pred, y_true))


class Accuracy(Metric):
    """The share of right answers."""


class BinaryAccuracy(Accuracy):
    """The share of right yes-or-no answers."""

    word = "binary_accuracy"


class CategoricalAccuracy(Accuracy):
    """The share of right classes, told by one-hot rows."""

    word = "categorical_accuracy"


class SparseCategoricalAccuracy(Accuracy):
    """The share of right classes, told by their numbers."""

    word = "sparse_categorical_accuracy"


class Precision(Metric):
    """Of those taken for class 1 the share that is."""

    function, word = staticmethod(metrics.precision), "precision"


class Recall(Metric):
    """Of class 1 the share that was taken for it."""

    function, word = staticmethod(metrics.recall), "recall"


class MeanAbsoluteError(Metric):
    """The mean of |y_true - y_pred|."""

    function, word = staticmethod(metrics.mean_absolute_error), "mean_absolute_error"


class MeanSquaredError(Metric):
    """The mean of (y_true - y_pred)**2."""

    function, word = staticmethod(metrics.mean_squared_error), "mean_squared_error"


class RootMeanSquaredError(MeanSquaredError):
    """The root of the mean of (y_true - y_pred)**2."""

    word = "root_mean_squared_error"

    def __call__(self, y_true: Any, y_pred: Any) -> float:
        return float(np.sqrt(super().__call__(y_true, y_pred)))


class R2Score(Metric):
    """The share of the variance that is explained."""

    function, word = staticmethod(metrics.r2), "r2_score"


KINDS = (
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    Accuracy,
    Precision,
    Recall,
    MeanAbsoluteError,
    MeanSquaredError,
    RootMeanSquaredError,
    R2Score,
)
NAMES: dict[str, Callable[[], Metric]] = {kind.word: kind for kind in KINDS}
SHORT = {"acc": "accuracy", "mae": "mean_absolute_error", "mse": "mean_squared_error", "r2": "r2_score"}


class Named(Metric):
    """A function of the learner's own, of targets and predictions."""

    def __init__(self, given: Callable[[Any, Any], Any]) -> None:
        super().__init__(getattr(given, "__name__", type(given).__name__))
        self.given = given

    def __call__(self, y_true: Any, y_pred: Any) -> float:
        return float(np.mean(self.given(y_true, y_pred)))


def get(given: str | Metric | Callable[[Any, Any], Any]) -> Metric:
    """The metric of that name, under that very name, the one given, or one of the function given."""
    if isinstance(given, str):
        words = NAMES | {short: NAMES[long] for short, long in SHORT.items()} | {"f1": lambda: Named(_f1)}
        made: Metric = named("metric", given, words)()
        made.name = given
        return made
    if isinstance(given, type):
        raise TypeError(f"{given.__name__} is a class: write {given.__name__}(), with brackets")
    return given if isinstance(given, Metric) else Named(given)


def _f1(y_true: Any, y_pred: Any) -> float:
    return metrics.f1(y_pred, y_true)
