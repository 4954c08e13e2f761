"""How good predictions are, in numbers that a person reads: no gradient flows here.

All take predictions first and targets second, as the losses do, as Tensors, arrays or lists, and give Python numbers.
What is predicted is told from shapes and dtypes:

| predictions | targets | what is compared |
| --- | --- | --- |
| floats (N,) or (N, 1) | 0 or 1, (N,) or (N, 1) | whether the probability is above 1/2; for logits write threshold=0 |
| floats (N, C) or (N, C, d1, ...) | class indices (N,) or (N, d1, ...) | the class with the largest number |
| floats (N, C) | one-hot rows (N, C) | the same |
| whole numbers or booleans | the same shape | place by place |
"""

import difflib
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError

__all__ = [
    "METRICS",
    "accuracy",
    "confusion_matrix",
    "f1",
    "mean_absolute_error",
    "mean_squared_error",
    "metric",
    "precision",
    "r2",
    "recall",
]


def _numbers(given: Any) -> Any:
    """As an array of the host."""
    return given.detach().cpu().numpy() if hasattr(given, "grad_fn") else np.asarray(given)


def _answers(name: str, predictions: Any, targets: Any, threshold: float | None) -> tuple[Any, Any]:
    """The classes that are predicted and those that are right, as whole numbers of one shape."""
    predicted, right = _numbers(predictions), _numbers(targets)
    if predicted.size == 0:
        raise ValueError(f"{name}: there are no predictions to judge")
    floats = predicted.dtype.kind == "f"
    if {predicted.shape, right.shape} == {(right.size,), (right.size, 1)}:  # a column and a row of as many answers
        predicted, right = predicted.reshape(-1), right.reshape(-1)
    if floats and predicted.ndim == right.ndim + 1 and predicted.shape[:1] + predicted.shape[2:] == right.shape:
        return predicted.argmax(axis=1), _labels(name, right, predicted.shape[1])
    if predicted.shape != right.shape:
        raise ShapeError(
            f"{name}: predictions of shape {predicted.shape} and targets of shape {right.shape} do not fit: there is"
            " one target for each prediction, or for each row of scores"
        )
    if not floats:
        return predicted.astype(np.int64), _labels(name, right, None)
    if predicted.ndim == 2 and predicted.shape[1] > 1:
        if not np.allclose(right.sum(axis=1), 1):
            raise ValueError(
                f"{name}: targets of shape {right.shape} are one-hot rows, and these do not add up to 1; for several"
                f" labels a row compare answers, {name}(predictions > 0.5, targets)"
            )
        return predicted.argmax(axis=1), right.argmax(axis=1)
    if threshold is None:
        low, high = predicted.min(), predicted.max()
        if low < 0 or high > 1:
            raise ValueError(
                f"{name}: predictions from {low:g} to {high:g} are no probabilities: for logits write threshold=0"
            )
        threshold = 0.5
    return (predicted > threshold).astype(np.int64), _labels(name, right, 2)


def _labels(name: str, right: Any, classes: int | None) -> Any:
    """Class indices as whole numbers; ValueError for others."""
    labels = right.astype(np.int64)
    top = labels.max() if classes is None else classes - 1
    wrong = (labels != right) | (labels < 0) | (labels > top)
    if wrong.any():
        label = right[wrong][0].item()
        raise ValueError(f"{name}: label {label:g} names no class: they are whole numbers from 0 to {max(top, 0)}")
    return labels


def accuracy(predictions: Any, targets: Any, *, threshold: float | None = None) -> float:
    """The share of predictions that are right.

    Raises `ShapeError` for shapes that do not fit, ValueError for labels that name no class, for floats outside 0 to 1
    where probabilities are expected, and for nothing at all.

    >>> accuracy([0.2, 0.9, 0.6], [0, 1, 0]), accuracy([[2.0, 1.0], [0.0, 3.0]], [0, 1])
    (0.6666666666666666, 1.0)
    """
    predicted, right = _answers("accuracy", predictions, targets, threshold)
    return float(np.mean(predicted == right))


def confusion_matrix(predictions: Any, targets: Any, *, threshold: float | None = None) -> Any:
    """How often class i was predicted as class j, at [i, j]; every class up to the largest has a row and a column.

    After https://scikit-learn.org/stable/modules/generated/sklearn.metrics.confusion_matrix.html

    >>> confusion_matrix([0.2, 0.9, 0.6], [0, 1, 0])
    array([[1, 1],
           [0, 1]])
    """
    return _counts(*_answers("confusion_matrix", predictions, targets, threshold))


def _counts(predicted: Any, right: Any) -> Any:
    size = int(max(predicted.max(), right.max(), 1)) + 1
    return np.bincount((right * size + predicted).reshape(-1), minlength=size * size).reshape(size, size)


def precision(predictions: Any, targets: Any, *, average: str = "binary", threshold: float | None = None) -> float:
    """Of all that was predicted to be of class 1, the share that is; 0 where nothing was.

    average="macro" is the mean over the classes that occur. Raises ValueError for more than two classes without it.
    After https://scikit-learn.org/stable/modules/generated/sklearn.metrics.precision_score.html

    >>> precision([1, 1, 0, 1], [1, 0, 1, 1])
    0.6666666666666666
    """
    return _averaged("precision", predictions, targets, average, threshold, lambda hit, said, _: _share(hit, said))


def recall(predictions: Any, targets: Any, *, average: str = "binary", threshold: float | None = None) -> float:
    """Of all that is of class 1, the share that was predicted to be; 0 where nothing is.

    `average` and what is raised are those of `precision`.
    After https://scikit-learn.org/stable/modules/generated/sklearn.metrics.recall_score.html

    >>> recall([1, 0, 0, 1], [1, 0, 1, 1])
    0.6666666666666666
    """
    return _averaged("recall", predictions, targets, average, threshold, lambda hit, _, there: _share(hit, there))


def f1(predictions: Any, targets: Any, *, average: str = "binary", threshold: float | None = None) -> float:
    """The harmonic mean of precision and recall, 2 hits / (predicted + there); 0 where both are.

    `average` and what is raised are those of `precision`.
    After https://scikit-learn.org/stable/modules/generated/sklearn.metrics.f1_score.html

    >>> f1([1, 0, 0, 1], [1, 0, 1, 1])
    0.8
    """
    return _averaged(
        "f1", predictions, targets, average, threshold, lambda hit, said, there: _share(2 * hit, said + there)
    )


def _share(part: Any, whole: Any) -> Any:
    return part / np.maximum(whole, 1)


def _averaged(
    name: str, predictions: Any, targets: Any, average: str, threshold: float | None, score: Callable[..., Any]
) -> float:
    """The score of class 1, or the mean of those of all classes that occur."""
    if average not in ("binary", "macro"):
        raise ValueError(f"{name}: average={average!r} is unknown: it is 'binary' or 'macro'")
    counts = _counts(*_answers(name, predictions, targets, threshold))
    if average == "binary" and len(counts) > 2:
        raise ValueError(f"{name}: there are {len(counts)} classes: write average='macro' for the mean over them")
    said, there = counts.sum(axis=0), counts.sum(axis=1)
    scores = score(np.diag(counts), said, there)
    return float(scores[1] if average == "binary" else scores[said + there > 0].mean())


def _pair(name: str, predictions: Any, targets: Any) -> tuple[Any, Any]:
    """Numbers of one shape, in float64, so that the mean of many is exact."""
    predicted, right = (_numbers(given).astype(np.float64) for given in (predictions, targets))
    if {predicted.shape, right.shape} == {(right.size,), (right.size, 1)}:
        predicted, right = predicted.reshape(-1), right.reshape(-1)
    if predicted.shape != right.shape:
        raise ShapeError(f"{name}: predictions have shape {predicted.shape} and targets {right.shape}; both have one")
    if predicted.size == 0:
        raise ValueError(f"{name}: there are no predictions to judge")
    return predicted, right


def mean_absolute_error(predictions: Any, targets: Any) -> float:
    """The mean of |prediction - target|, in the unit of the targets.

    Raises `ShapeError` for different shapes, but for a column and a row of as many; ValueError for nothing at all.

    >>> mean_absolute_error([1.0, 2.0], [0.0, 4.0])
    1.5
    """
    predicted, right = _pair("mean_absolute_error", predictions, targets)
    return float(np.mean(abs(predicted - right)))


def mean_squared_error(predictions: Any, targets: Any) -> float:
    """The mean of (prediction - target)**2; raises as `mean_absolute_error` does.

    >>> mean_squared_error([1.0, 2.0], [0.0, 4.0])
    2.5
    """
    predicted, right = _pair("mean_squared_error", predictions, targets)
    return float(np.mean((predicted - right) ** 2))


def r2(predictions: Any, targets: Any) -> float:
    """The share of the targets' variance that the predictions explain: 1 is perfect, 0 as good as their mean.

    1 - sum (y - p)**2 / sum (y - mean y)**2, averaged over the columns of targets of shape (N, D). Targets that are all
    equal give 1 if they are predicted, else 0. Raises as `mean_absolute_error` does.
    After https://scikit-learn.org/stable/modules/generated/sklearn.metrics.r2_score.html

    >>> r2([1.0, 2.0, 4.0], [1.0, 3.0, 5.0])
    0.75
    """
    predicted, right = _pair("r2", predictions, targets)
    left = ((right - predicted) ** 2).sum(axis=0)
    spread = ((right - right.mean(axis=0)) ** 2).sum(axis=0)
    explained = 1 - left / np.where(spread == 0, 1, spread)
    return float(np.mean(np.where(spread == 0, left == 0, explained)))


METRICS: dict[str, Callable[..., float]] = {
    "accuracy": accuracy,
    "acc": accuracy,
    "f1": f1,
    "mae": mean_absolute_error,
    "mean_absolute_error": mean_absolute_error,
    "mean_squared_error": mean_squared_error,
    "mse": mean_squared_error,
    "precision": precision,
    "r2": r2,
    "recall": recall,
}
"""The metrics that are one number, by the names that `fit` and Keras's `compile` take."""


def metric(name: str) -> Callable[..., float]:
    """The metric of that name; ValueError, with the nearest one, for a name that is not there.

    >>> metric("mae").__name__
    'mean_absolute_error'
    """
    if name not in METRICS:
        near = difflib.get_close_matches(name, METRICS, 1)
        hint = f"do you mean {near[0]!r}?" if near else f"there are {', '.join(METRICS)}"
        raise ValueError(f"no metric is called {name!r}: {hint}")
    return METRICS[name]
