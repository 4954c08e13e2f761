"""Keras's losses: which loss of `nn` fits the last activation, and in which shape it wants its targets.

Cross-entropy after a sigmoid or softmax is computed from the logits, which is the same number, and exact where the
probabilities have rounded to 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.errors import DataError
from tinygrad_edu.keras.names import named

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "get",
]


class Loss:
    """The base of the losses: called with targets and predictions, in Keras's order, it gives their mean loss."""

    def of(self, last: nn.Module) -> tuple[nn.Module, bool]:
        """The loss of `nn`, of predictions and targets, and whether it takes what is before the last activation."""
        raise NotImplementedError(f"{type(self).__name__} has no of(self, last)")

    def targets(self, y: Any, shape: tuple[int, ...]) -> Any:
        """The targets of predictions whose samples have that shape: a row of numbers for a column of one unit."""
        if shape == (1,) and y.ndim == 1:
            y = y.reshape(-1, 1)
        if y.shape[1:] != shape:
            raise DataError(
                f"the model gives {shape} for each sample, and y has shape {y.shape}, so {y.shape[1:]} for each: let"
                " the last layer have as many units"
            )
        return y.astype(np.float32) if y.dtype.kind != "f" else y

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        return self.of(nn.Identity())[0](y_pred, y_true)


class MeanSquaredError(Loss):
    """The mean of (y_true - y_pred)**2: `nn.MSELoss`. After https://keras.io/api/losses/regression_losses/

    >>> from tinygrad_edu import Tensor
    >>> MeanSquaredError()(Tensor([0.0, 4.0]), Tensor([1.0, 2.0]))
    Tensor(2.5)
    """

    def of(self, last: nn.Module) -> tuple[nn.Module, bool]:  # noqa: ARG002 - of any
        """The mean squared error."""
        return nn.MSELoss(), False


class MeanAbsoluteError(Loss):
    """The mean of |y_true - y_pred|: `nn.L1Loss`. After https://keras.io/api/losses/regression_losses/"""

    def of(self, last: nn.Module) -> tuple[nn.Module, bool]:  # noqa: ARG002 - of any
        """The mean absolute error."""
        return nn.L1Loss(), False


class Crossentropy(Loss):
    """Cross-entropy: of probabilities, or of logits where `from_logits` says so."""

    probabilities: type[nn.Module]  # the activation that makes them
    logits: type[nn.Module]  # the loss of what is before it
    else_of_probabilities: type[nn.Module] | None = None  # the loss of those that another activation makes
    word: str

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = from_logits

    def of(self, last: nn.Module) -> tuple[nn.Module, bool]:
        """The loss of logits; ValueError where the last activation is not what the loss was told."""
        makes_probabilities = isinstance(last, nn.Sigmoid | nn.Softmax)
        name = type(self).__name__
        if self.from_logits:
            if makes_probabilities:
                word = type(last).__name__.lower()
                raise ValueError(
                    f"{name}(from_logits=True) takes logits, and the last layer ends with a {word}, which makes"
                    f" probabilities of them: leave out activation={word!r}, or from_logits=True"
                )
            return self.logits(), False
        if isinstance(last, self.probabilities):
            return self.logits(), True
        if makes_probabilities and self.else_of_probabilities is not None:
            return self.else_of_probabilities(), False
        raise ValueError(
            f"{name}() takes probabilities, and the last layer does not end with a {self.word}: write"
            f" activation={self.word!r} there, or {name}(from_logits=True)"
        )

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        if self.from_logits:
            return self.logits()(y_pred, y_true)
        p = np.clip(y_pred, 1e-7, 1 - 1e-7)  # as Keras does
        return self.logits()(np.log(p) - np.log1p(-p) if self.word == "sigmoid" else np.log(p), y_true)


class BinaryCrossentropy(Crossentropy):
    """What yes-or-no answers cost, -(y log p + (1 - y) log(1 - p)): `nn.BCEWithLogitsLoss`.

    After https://keras.io/api/losses/probabilistic_losses/

    >>> from tinygrad_edu import Tensor
    >>> BinaryCrossentropy(from_logits=True)(Tensor([1.0]), Tensor([-1000.0]))
    Tensor(1000.)
    """

    probabilities, logits, word = nn.Sigmoid, nn.BCEWithLogitsLoss, "sigmoid"
    else_of_probabilities = nn.BCELoss


class SparseCategoricalCrossentropy(Crossentropy):
    """What the scores of several classes cost, the right one given by its number: `nn.CrossEntropyLoss`.

    After https://keras.io/api/losses/probabilistic_losses/

    >>> from tinygrad_edu import Tensor
    >>> round(SparseCategoricalCrossentropy()(Tensor([1]), Tensor([[0.25, 0.75]])).item(), 4)
    0.2877
    """

    probabilities, logits, word = nn.Softmax, nn.CrossEntropyLoss, "softmax"

    def targets(self, y: Any, shape: tuple[int, ...]) -> Any:
        """Class numbers, of one axis less than the predictions."""
        if y.shape[1:] == shape and shape[-1:] != (1,):
            raise DataError(
                f"y has shape {y.shape}, a row for each sample, and SparseCategoricalCrossentropy takes the number of"
                " the class: write y.argmax(axis=-1), or CategoricalCrossentropy for one-hot rows"
            )
        if y.ndim == len(shape) + 1 and y.shape[-1] == 1:
            y = y.reshape(y.shape[:-1])
        return y.astype(np.int64) if (y == y.astype(np.int64)).all() else y


class CategoricalCrossentropy(Crossentropy):
    """What the scores of several classes cost, the right one given by a one-hot row: `nn.CrossEntropyLoss`.

    After https://keras.io/api/losses/probabilistic_losses/
    """

    probabilities, logits, word = nn.Softmax, nn.CrossEntropyLoss, "softmax"

    def targets(self, y: Any, shape: tuple[int, ...]) -> Any:
        """One-hot rows, or probabilities."""
        if y.shape[1:] != shape:
            raise DataError(
                f"CategoricalCrossentropy takes a row of {shape[-1]} probabilities for each sample, and y has shape"
                f" {y.shape}: for class numbers write SparseCategoricalCrossentropy, or np.eye({shape[-1]})[y]"
            )
        return super().targets(y, shape)


class Own(Loss):
    """A function of the learner's own, of targets and predictions, one number or one for each sample."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self.function = function

    def of(self, last: nn.Module) -> tuple[nn.Module, bool]:  # noqa: ARG002 - of any
        """The mean of it."""
        function = self.function

        class Swapped(nn.Module):
            def forward(self, input: Any, target: Any) -> Any:
                return function(target, input).mean()

        return Swapped(), False


NAMES = {
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "mae": MeanAbsoluteError,
    "mean_absolute_error": MeanAbsoluteError,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
}


def get(given: str | Loss | Callable[[Any, Any], Any]) -> Loss:
    """The loss of that name, the one given, or one that calls a function of targets and predictions."""
    if isinstance(given, str):
        made: Loss = named("loss", given, NAMES)()
        return made
    if isinstance(given, nn.Module):
        raise TypeError(f'{type(given).__name__} is a loss of nn: here write a name, as "mse", or MeanSquaredError()')
    if isinstance(given, type):
        raise TypeError(f"{given.__name__} is a class: write {given.__name__}(), with brackets")
    if isinstance(given, Loss):
        return given
    if not callable(given):
        raise TypeError(f'a loss is a name, as "mse", or MeanSquaredError(), and not {given!r}')
    return Own(given)
