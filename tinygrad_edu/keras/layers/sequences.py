"""Layers of sequences, (steps, features): learnt vectors of words, recurrent layers, and what sums steps up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.errors import DataError
from tinygrad_edu.keras.activations import Function
from tinygrad_edu.keras.layers.core import Layer, Shape, check_count
from tinygrad_edu.nn import init
from tinygrad_edu.recording import no_grad
from tinygrad_edu.tensor import Tensor

__all__ = ["GRU", "LSTM", "Embedding", "GlobalAveragePooling1D", "GlobalMaxPooling1D", "SimpleRNN"]


class Embedding(Layer):
    """A row of `output_dim` learnt numbers for each of `input_dim` words, which are given by their numbers.

    They begin uniform in ±0.05. `input_length` says how many words a sample has. DataError for fractions, IndexError
    for a number that is no row. After https://keras.io/api/layers/core_layers/embedding/

    >>> Embedding(1000, 64)(np.array([[4, 20, 7]])).shape
    (1, 3, 64)
    """

    def __init__(self, input_dim: int, output_dim: int, input_length: int | None = None, **options: Any) -> None:
        if input_length is not None:
            options["input_shape"] = (input_length,)
        super().__init__(**options)
        check_count("input_dim", input_dim)
        check_count("output_dim", output_dim)
        self.sizes = input_dim, output_dim

    def make(self, shape: Shape) -> list[nn.Module]:  # noqa: ARG002 - of any shape
        """The table."""
        self.rows = Rows(*self.sizes)
        init.uniform_(self.rows.weight, -0.05, 0.05)
        return [self.rows]

    def laid_out(self) -> list[tuple[Tensor, tuple[int, ...]]]:
        """The table."""
        return [(self.rows.weight, (0, 1))]


class Rows(nn.Embedding):
    """An embedding that takes whole numbers as floats too, which is what a model makes of its data."""

    def forward(self, input: Any) -> Any:
        """The rows."""
        numbers = getattr(input, "_value", input)
        if numbers.dtype.kind == "f" and not (numbers == np.floor(numbers)).all():
            raise DataError("Embedding takes the numbers of words, and these have fractions")
        return super().forward(numbers.astype(np.int64))


class Recurrent(Layer):
    """What the recurrent layers share: units, the last step or every one, and Keras's first weights and layout.

    The input is (samples, steps, features). Kernels begin Glorot-uniform, recurrent kernels orthogonal, biases at 0.
    """

    kind: ClassVar[Callable[..., Any]]
    gates: ClassVar[Sequence[int]] = (0,)  # which of PyTorch's blocks of rows is Keras's first, second, ...

    def __init__(self, units: int, return_sequences: bool = False, use_bias: bool = True, **options: Any) -> None:
        super().__init__(**options)
        check_count("units", units)
        self.units, self.return_sequences, self.use_bias = units, return_sequences, use_bias

    def make(self, shape: Shape) -> list[nn.Module]:
        """The layer of `nn`, and a choice of its results."""
        if len(shape) != 2:
            raise ValueError(f"{type(self).__name__} takes samples of shape (steps, features), not {shape}")
        self.cells = type(self).kind(shape[1], self.units, bias=self.use_bias, batch_first=True)
        init.xavier_uniform_(self.cells.weight_ih_l0)
        init.orthogonal_(self.cells.weight_hh_l0)
        for bias in (self.cells.bias_ih_l0, self.cells.bias_hh_l0) if self.use_bias else ():
            init.zeros_(bias)
        self.begin()
        chosen = (lambda out: out[0]) if self.return_sequences else (lambda out: out[0][:, -1])
        return [self.cells, Function(chosen)]

    def begin(self) -> None:
        """Set those first weights that the kind of layer has of its own; one bias of the two of PyTorch is enough."""
        if self.use_bias:
            self.cells.bias_hh_l0.requires_grad_(False)

    def laid_out(self) -> list[tuple[Tensor, tuple[int, ...]]]:
        """Kernel, recurrent kernel and bias."""
        both = [(self.cells.weight_ih_l0, (1, 0)), (self.cells.weight_hh_l0, (1, 0))]
        return both + ([(self.cells.bias_ih_l0, (0,))] if self.use_bias else [])

    def get_weights(self) -> list[Any]:
        """Copies of the weights as arrays, the gates in Keras's order."""
        return [_reordered(weight, self.gates) for weight in super().get_weights()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Put arrays, the gates in Keras's order, into the weights; ValueError where they do not fit."""
        back = [self.gates.index(i) for i in range(len(self.gates))]
        fits = [np.ndim(w) and np.shape(w)[-1] % len(back) == 0 for w in weights]
        super().set_weights([_reordered(np.asarray(w), back) for w in weights] if all(fits) else weights)


def _reordered(weight: Any, order: Sequence[int]) -> Any:
    """The blocks of the last axis in another order."""
    blocks = np.split(weight, len(order), axis=-1)
    return np.concatenate([blocks[i] for i in order], axis=-1)


class SimpleRNN(Recurrent):
    """h = tanh(x W + h U + b), step by step: `nn.RNN`. After
    https://keras.io/api/layers/recurrent_layers/simple_rnn/

    >>> SimpleRNN(3)(np.ones((2, 5, 4))).shape
    (2, 3)
    """

    kind = nn.RNN


class LSTM(Recurrent):
    """Long short-term memory: `nn.LSTM`, its forget gate open at first, a bias of 1.

    After https://keras.io/api/layers/recurrent_layers/lstm/

    >>> layer = LSTM(3, return_sequences=True)
    >>> layer(np.ones((2, 5, 4))).shape, [weight.shape for weight in layer.get_weights()]
    ((2, 5, 3), [(4, 12), (3, 12), (12,)])
    """

    kind, gates = nn.LSTM, (0, 1, 2, 3)

    def begin(self) -> None:
        """Open the forget gate."""
        super().begin()
        if self.use_bias:
            with no_grad():
                self.cells.bias_ih_l0[self.units : 2 * self.units] = 1.0


class GRU(Recurrent):
    """Gated recurrent units: `nn.GRU`, which is Keras's with `reset_after`; its bias has two rows.

    After https://keras.io/api/layers/recurrent_layers/gru/

    >>> layer = GRU(3)
    >>> layer(np.ones((2, 5, 4))).shape, [weight.shape for weight in layer.get_weights()]
    ((2, 3), [(4, 9), (3, 9), (2, 9)])
    """

    kind, gates = nn.GRU, (1, 0, 2)

    def begin(self) -> None:
        """Both biases learn."""

    def laid_out(self) -> list[tuple[Tensor, tuple[int, ...]]]:
        """Kernel, recurrent kernel, and the biases, each by itself."""
        return super().laid_out() + ([(self.cells.bias_hh_l0, (0,))] if self.use_bias else [])

    def get_weights(self) -> list[Any]:
        """Copies of the weights as arrays, the biases as two rows of one."""
        weights = super().get_weights()
        return [*weights[:2], np.stack(weights[2:])] if len(weights) == 4 else weights

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Put arrays into the weights; ValueError where they do not fit."""
        both = self.use_bias and len(weights) == 3 and np.ndim(weights[2]) == 2
        super().set_weights([*weights[:2], *weights[2]] if both else weights)


class GlobalAveragePooling1D(Layer):
    """The mean over the steps. After https://keras.io/api/layers/pooling_layers/global_average_pooling1d/"""

    def make(self, shape: Shape) -> list[nn.Module]:
        """A mean."""
        _check_steps(self, shape)
        return [Function(lambda x: x.mean(axis=1))]


class GlobalMaxPooling1D(Layer):
    """The maximum over the steps. After https://keras.io/api/layers/pooling_layers/global_max_pooling1d/"""

    def make(self, shape: Shape) -> list[nn.Module]:
        """A maximum."""
        _check_steps(self, shape)
        return [Function(lambda x: x.max(axis=1))]


def _check_steps(layer: Layer, shape: Shape) -> None:
    if len(shape) != 2:
        raise ValueError(f"{type(layer).__name__} takes samples of shape (steps, features), not {shape}")
