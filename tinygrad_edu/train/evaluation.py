"""What a model says, and how good it is, without learning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_edu.data import DataLoader, TensorDataset
from tinygrad_edu.device import CPU, is_cupy, moved
from tinygrad_edu.nn.module import Module
from tinygrad_edu.ops import concatenate
from tinygrad_edu.recording import no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.train.feeding import Counted, Kind, batches, inputs_of, targets_of
from tinygrad_edu.train.first_step import check_arguments, check_inputs, check_labels, check_output
from tinygrad_edu.train.measures import Measures, Metrics

__all__ = ["Average", "evaluate", "evaluated", "modes_kept", "predict"]

AT_ONCE = 1024
"""How many samples a model is asked about at a time: it changes the memory that is needed, and not the answer."""


AHEAD = 256
"""So many batches may a GPU be behind, or the losses ahead of being read."""


class Average:
    """The loss of an epoch from those of its batches: of means the mean over all samples, of sums their sum."""

    def __init__(self, loss: Any) -> None:
        self.summed = getattr(loss, "reduction", None) == "sum"
        self.total, self.count, self.batches = 0.0, 0, 0
        self._waiting: list[tuple[Any, int]] = []  # of a GPU, which is read seldom: to read one is to wait for it

    def add(self, loss: Any, samples: int) -> list[float]:
        """The loss of a batch; returns those of the last `batches` that were read now."""
        value = getattr(loss, "_value", loss)
        if is_cupy(value):
            self._waiting.append((value, samples))
            return self.read() if len(self._waiting) == AHEAD else []
        return self._read([float(value.item() if hasattr(value, "item") else value)], [samples])

    def read(self) -> list[float]:
        """Read what waits on a GPU, and return it."""
        if not self._waiting:
            return []
        values, samples = zip(*self._waiting, strict=True)
        self._waiting = []
        return self._read(moved(np.stack([value.reshape(()) for value in values]), CPU).tolist(), samples)

    def _read(self, values: list[float], samples: Sequence[int]) -> list[float]:
        for value, number in zip(values, samples, strict=True):
            self.total += value if self.summed else value * number
            self.count += number
        self.batches += len(values)
        return values

    @property
    def value(self) -> float:
        """The loss of all of them."""
        self.read()
        return self.total if self.summed else self.total / self.count


@contextmanager
def modes_kept(model: Module) -> Iterator[None]:
    """Every module is in training or not, after the block, as it was before it."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def predict(model: Module, X: Any, *, batch_size: int = AT_ONCE) -> Tensor:  # noqa: N803 - scikit-learn's name
    """What the model gives for every row of X, as in `model.eval()` and without recording.

    `X`: an array or Tensor (N, ...), or a tuple of several for a model of several inputs; floats and whole numbers are
    converted to the dtype of the model. The model is asked about `batch_size` rows at a time, and left in the mode in
    which it was. `DataError` for no rows, and for nan.

    >>> from tinygrad_edu import nn
    >>> predict(nn.Softmax(dim=1), [[0.0, 0.0], [0.0, 1000.0]])
    Tensor([[0.5, 0.5],
            [0. , 1. ]], dtype=float32)
    """
    parts = inputs_of(X, Kind(model))
    with modes_kept(model), no_grad():
        model.eval()
        found = [model(*rows) for rows in DataLoader(TensorDataset(*parts), batch_size)]
        answer: Tensor = found[0] if len(found) == 1 else concatenate(found)
        return answer


def evaluate(
    model: Module, data: Any, loss: Callable[..., Any], metrics: Metrics = (), *, batch_size: int = AT_ONCE
) -> dict[str, float]:
    """The loss of the model on `data`, and every metric, by name; nothing is learned.

    `data`, `loss` and `metrics` are those of `fit`. The loss is the mean over all samples of a loss that is a mean, the
    sum of one with `reduction="sum"`; metrics are computed once, from all predictions.

    >>> from tinygrad_edu import nn
    >>> evaluate(nn.Identity(), ([[2.0, 0.0], [0.0, 0.0]], [0, 1]), nn.NLLLoss(), ["accuracy"])
    {'loss': -1.0, 'accuracy': 0.5}
    """
    check_arguments(loss, None, ())
    measures = Measures(metrics, loss)
    with modes_kept(model):
        return evaluated(model, Counted(batches(data, Kind(model), batch_size), "evaluation"), loss, measures)


def evaluated(
    model: Module,
    pairs: Counted,
    loss: Callable[..., Any],
    measures: Measures,
) -> dict[str, float]:
    """The same of batches; the model is left in evaluation mode."""
    average = Average(loss)
    model.eval()
    measures.start()
    first = True
    with no_grad():
        for *inputs, target in pairs:
            if first:
                check_inputs(model, inputs)
            output = model(*inputs)
            if first:
                check_output(loss, output)
                check_labels(loss, output, targets_of(pairs.pairs), pairs.what)
            first = False
            average.add(loss(output, target), len(target))
            if measures.functions:
                measures.see(output, target)
    return {"loss": average.value, **measures.result()}
