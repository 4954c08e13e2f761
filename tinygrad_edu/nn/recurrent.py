"""Recurrent layers: a state is carried from step to step of a sequence."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.creation import zeros
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import init
from tinygrad_edu.nn.functional.dropout import dropout
from tinygrad_edu.nn.functional.recurrent import gru_states, lstm_states, rnn_states
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.packed import PackedSequence
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.ops import sigmoid
from tinygrad_edu.ops.composed import as_operand

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]

State = list[Any]  # [h], or [h, c] of an LSTM
PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class Kind(NamedTuple):
    """What tells recurrent networks apart."""

    gates: int  # blocks of hidden_size rows in every weight
    carried: tuple[str, ...]  # the names of what is carried from step to step
    steps: Callable[..., State]  # x, the weights, state -> the state before the first step and after every one


def _elman(nonlinearity: str, x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, h: Any) -> State:
    return [rnn_states(x, w_ih, w_hh, b_ih + b_hh, h, nonlinearity)]


def _long_short_term(x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, h: Any, c: Any) -> State:
    states = lstm_states(x, w_ih, w_hh, b_ih + b_hh, h, c)
    return [states[0], states[1]]


def _gated(x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, h: Any) -> State:
    return [gru_states(x, w_ih, w_hh, b_ih, b_hh, h)]


def _projected(x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any, h: Any, c: Any) -> State:
    """An LSTM whose h is a projection of what it shows, `proj_size` numbers. Sak, Senior, Beaufays 2014."""
    every = [(h, c)]
    sums = x @ w_ih.T + (b_ih + b_hh)
    for t in range(len(x)):
        i, f, candidate, o = np.split(sums[t] + h @ w_hh.T, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
        h = (sigmoid(o) * np.tanh(c)) @ w_hr.T
        every.append((h, c))
    return [np.stack(part) for part in zip(*every, strict=True)]


ELMAN = {name: Kind(1, ("h",), partial(_elman, name)) for name in ("tanh", "relu")}
LONG_SHORT_TERM = Kind(4, ("h", "c"), _long_short_term)
PROJECTED = Kind(4, ("h", "c"), _projected)
GATED = Kind(3, ("h",), _gated)


def _elman_kind(nonlinearity: str) -> Kind:
    if nonlinearity not in ELMAN:
        raise ValueError(f"the nonlinearity of an RNN is 'tanh' or 'relu', not {nonlinearity!r}")
    return ELMAN[nonlinearity]


class _Recurrent(Module):
    """What layers and cells share: parameters, and a look at what they are given."""

    proj_size = 0  # of an LSTM the size of h, where it is not hidden_size

    def __init__(self, kind: Kind, input_size: int, hidden_size: int, bias: bool) -> None:
        super().__init__()
        if hidden_size < 1:
            raise ValueError(f"{type(self).__name__}: hidden_size is a number from 1 up, not {hidden_size}")
        self.kind, self.input_size, self.hidden_size, self.bias = kind, input_size, hidden_size, bias

    def _add_weights(self, suffix: str, input_size: int, device: Any, dtype: Any) -> None:
        rows, shown = self.kind.gates * self.hidden_size, self.proj_size or self.hidden_size
        shapes = dict.fromkeys(PARAMETERS, (rows,)) | {"weight_ih": (rows, input_size), "weight_hh": (rows, shown)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        for name, shape in shapes.items():
            made = Parameter(zeros(shape, dtype=dtype or np.float32, device=device))
            self.register_parameter(f"{name}{suffix}", made if self.bias or len(shape) > 1 else None)

    def _weights(self, suffix: str) -> list[Any]:
        w_ih, w_hh, b_ih, b_hh = (getattr(self, f"{name}{suffix}") for name in PARAMETERS)
        if b_ih is None:
            b_ih = b_hh = np.zeros_like(w_hh, shape=w_hh.shape[:1])
        return [w_ih, w_hh, b_ih, b_hh, *([getattr(self, f"weight_hr{suffix}")] if self.proj_size else [])]

    def reset_parameters(self) -> None:
        """Draw weights and biases anew."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _checked(self, input: Any, batched: str, unbatched: str) -> Any:
        """The input, if it is of floats and its axes are one of the two."""
        x, kind = as_operand(input), type(self).__name__
        if x.dtype.kind != "f":
            raise TypeError(f"{kind} takes floats, not {x.dtype}: nn.Embedding makes vectors of whole numbers")
        if x.ndim not in (batched.count(",") + 1, unbatched.count(",") + 1) or x.shape[-1] != self.input_size:
            raise ShapeError(
                f"{kind}: an input of shape {x.shape} is neither ({batched}) nor, for one sequence, ({unbatched}):"
                f" the last axis holds input_size={self.input_size} features."
            )
        return x

    def _start(self, hx: Any, like: Any, *before: int) -> State:
        """The state to start from, with these axes before that of its numbers: zeros where none is given."""
        carried, kind = self.kind.carried, type(self).__name__
        shapes = [(*before, self.proj_size or self.hidden_size), (*before, self.hidden_size)][: len(carried)]
        if hx is None:
            return [np.zeros_like(like, shape=shape) for shape in shapes]
        if len(carried) == 1:
            hx = (hx,)
        elif not isinstance(hx, tuple | list) or len(hx) != len(carried):
            raise TypeError(f"{kind}: the state is a pair, (h, c), not a {type(hx).__name__}")
        for name, part, shape in zip(carried, hx, shapes, strict=True):
            if np.shape(part) != shape:
                raise ShapeError(f"{kind}: for this input {name} has the shape {shape}, not {np.shape(part)}.")
        return [as_operand(part) for part in hx]


class _Layer(_Recurrent):
    """One or several layers over a whole sequence, in one direction or both."""

    def __init__(
        self,
        kind: Kind,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__(kind, input_size, hidden_size, bias)
        if num_layers < 1 or not 0 <= dropout <= 1:
            raise ValueError(f"num_layers={num_layers} is from 1 up, and dropout={dropout} from 0 to 1")
        if dropout and num_layers == 1:
            warnings.warn(
                f"dropout={dropout} works between layers, and there is one: num_layers=2 or more makes use of it",
                stacklevel=3,
            )
        self.num_layers, self.batch_first, self.dropout = num_layers, batch_first, dropout
        self.bidirectional = bidirectional
        for layer, suffix, _ in self._directions():
            width = input_size if layer == 0 else (self.proj_size or hidden_size) * (2 if bidirectional else 1)
            self._add_weights(suffix, width, device, dtype)
        self.reset_parameters()

    def _directions(self) -> Iterator[tuple[int, str, bool]]:
        """The number of the layer, the ending of its parameters' names, and whether it goes from the end."""
        for layer in range(self.num_layers):
            yield layer, f"_l{layer}", False
            if self.bidirectional:
                yield layer, f"_l{layer}_reverse", True

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """The h of the last layer at every step, and the state after the last step of every layer and direction."""
        if isinstance(input, PackedSequence):
            return self._packed(input, hx)
        batched = "sequences, steps, features" if self.batch_first else "steps, sequences, features"
        x = self._checked(input, batched, "steps, features")
        alone = x.ndim == 2
        if alone:
            x = np.expand_dims(x, 1)
        elif self.batch_first:
            x = np.swapaxes(x, 0, 1)
        if not len(x):
            raise ShapeError(f"{type(self).__name__}: an input of shape {np.shape(input)} has no steps.")
        layers = len(list(self._directions()))
        start = self._start(hx, self.weight_hh_l0, *((layers,) if alone else (layers, x.shape[1])))
        if alone:
            start = [np.expand_dims(part, 1) for part in start]
        out, state = self._run(x, start, lambda y: np.flip(y, 0), lambda part: part[-1])
        if alone:
            out, state = out[:, 0], [part[:, 0] for part in state]
        elif self.batch_first:
            out = np.swapaxes(out, 0, 1)
        return out, tuple(state) if len(state) > 1 else state[0]

    def _run(
        self, x: Any, start: State, reversed: Callable[[Any], Any], last: Callable[[Any], Any]
    ) -> tuple[Any, State]:
        """Every layer and direction over x of shape (steps, sequences, features)."""
        ends: list[State] = []
        outputs: list[Any] = []
        for number, (layer, suffix, backwards) in enumerate(self._directions()):
            if layer and not backwards:  # a new layer, on what the last one found
                x = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-1)
                x, outputs = dropout(x, self.dropout, self.training), []
            ordered = reversed(x) if backwards else x
            states = self.kind.steps(ordered, *self._weights(suffix), *(part[number] for part in start))
            outputs.append(reversed(states[0][1:]) if backwards else states[0][1:])
            ends.append([last(part) for part in states])
        out = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-1)
        return out, [np.stack(parts) for parts in zip(*ends, strict=True)]

    def _packed(self, input: PackedSequence, hx: Any) -> tuple[Any, Any]:
        """The same for sequences of several lengths, each of which ends, and goes backwards from, where it ends."""
        lengths, order = input.lengths(), input.sorted_indices
        sequences = np.arange(len(lengths))
        x = self._checked(input.padded(), "steps, sequences, features", "steps, sequences, features")
        start = self._start(hx, self.weight_hh_l0, len(list(self._directions())), len(lengths))
        if order is not None and hx is not None:
            start = [np.take(part, order, axis=1) for part in start]
        steps = np.arange(len(x))[:, None]
        turned = np.where(steps < lengths, lengths - 1 - steps, steps)
        out, state = self._run(x, start, lambda y: y[turned, sequences], lambda part: part[lengths, sequences])
        if input.unsorted_indices is not None:
            state = [np.take(part, input.unsorted_indices, axis=1) for part in state]
        return input.like(out), tuple(state) if len(state) > 1 else state[0]

    def extra_repr(self) -> str:
        """Its sizes, and what differs from the defaults."""
        said = [f"{self.input_size}, {self.hidden_size}"]
        defaults = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        said += [f"proj_size={self.proj_size}"] if self.proj_size else []
        said += [f"{name}={value}" for name, default in defaults.items() if (value := getattr(self, name)) != default]
        return ", ".join(said)


class RNN(_Layer):
    """h[t] = tanh(W_ih x[t] + b_ih + W_hh h[t - 1] + b_hh), step by step; or relu, with `nonlinearity="relu"`.

    `rnn(x)` or `rnn(x, h0)` gives (output, h_n). x has the shape (steps, sequences, input_size), with `batch_first`
    (sequences, steps, input_size), for one sequence (steps, input_size); h0 and h_n (layers, sequences, hidden_size),
    where each direction of `bidirectional` counts as a layer. The output holds the last layer's h of every step, both
    directions side by side. `dropout` is what falls away between layers in training. Parameters, `weight_ih_l0` and so
    on, begin uniform in ±1/√hidden_size. Raises `ShapeError`. Elman 1990; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html

    >>> rnn = RNN(3, 4, num_layers=2)
    >>> output, h_n = rnn(np.ones((5, 2, 3), np.float32))
    >>> rnn, output.shape, h_n.shape
    (RNN(3, 4, num_layers=2), (5, 2, 4), (2, 2, 4))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        kind = _elman_kind(nonlinearity)
        super().__init__(
            kind, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype
        )
        self.nonlinearity = nonlinearity


class LSTM(_Layer):
    """Long short-term memory: gates decide what a cell c forgets (f), takes in (i) and shows (o).

    i, f, o = sigmoid and g = tanh of W x[t] + b + U h[t - 1] + d, each with its block of rows of `weight_ih_l0`,
    `bias_ih_l0`, `weight_hh_l0` and `bias_hh_l0`, in the order i, f, g, o; c[t] = f c[t - 1] + i g and
    h[t] = o tanh(c[t]). With `proj_size` it is h[t] = P (o tanh(c[t])), of that many numbers, P in `weight_hr_l0`.

    `lstm(x)` or `lstm(x, (h0, c0))` gives (output, (h_n, c_n)); shapes, arguments and first weights as for `RNN`.
    Raises `ShapeError`. Hochreiter, Schmidhuber 1997; Gers, Schmidhuber, Cummins 2000; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html

    >>> lstm = LSTM(3, 4, batch_first=True, bidirectional=True)
    >>> output, (h_n, c_n) = lstm(np.ones((2, 5, 3), np.float32))
    >>> output.shape, h_n.shape, c_n.shape
    ((2, 5, 8), (2, 2, 4), (2, 2, 4))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if not 0 <= proj_size < hidden_size:
            raise ValueError(f"proj_size={proj_size} is from 0, no projection, to below hidden_size={hidden_size}")
        vars(self)["proj_size"] = proj_size  # before there are weights, whose shapes it says
        super().__init__(
            PROJECTED if proj_size else LONG_SHORT_TERM,
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device,
            dtype,
        )


class GRU(_Layer):
    """Gated recurrent units: a gate decides what of h is replaced (z), another what of it the new part sees (r).

    With a = W_ih x[t] + b_ih and b = W_hh h[t - 1] + b_hh, in blocks of rows in the order r, z, n:
    r, z = sigmoid(a + b); n = tanh(a + r b); h[t] = (1 - z) n + z h[t - 1].

    `gru(x)` or `gru(x, h0)` gives (output, h_n); shapes, arguments and first weights as for `RNN`. Raises `ShapeError`.
    Cho et al. 2014, with r applied after the product; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html

    >>> output, h_n = GRU(3, 4)(np.ones((5, 3), np.float32))  # one sequence of 5 steps
    >>> output.shape, h_n.shape
    ((5, 4), (1, 4))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            GATED, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype
        )


class _Cell(_Recurrent):
    """One step of one layer."""

    def __init__(self, kind: Kind, input_size: int, hidden_size: int, bias: bool, device: Any, dtype: Any) -> None:
        super().__init__(kind, input_size, hidden_size, bias)
        self._add_weights("", input_size, device, dtype)
        self.reset_parameters()

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The state after this step."""
        x = self._checked(input, "sequences, features", "features")
        start = self._start(hx, self.weight_hh, *x.shape[:-1])
        alone = x.ndim == 1
        if alone:
            x, start = np.expand_dims(x, 0), [np.expand_dims(part, 0) for part in start]
        end = [part[1] for part in self.kind.steps(np.expand_dims(x, 0), *self._weights(""), *start)]
        if alone:
            end = [part[0] for part in end]
        return tuple(end) if len(end) > 1 else end[0]

    def extra_repr(self) -> str:
        """Its sizes."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(_Cell):
    """One step of an `RNN`: `cell(x, h)` is tanh(W_ih x + b_ih + W_hh h + b_hh), or relu.

    x has the shape (sequences, input_size) or (input_size,), h (sequences, hidden_size) or (hidden_size,), zeros if it
    is left out. After https://docs.pytorch.org/docs/stable/generated/torch.nn.RNNCell.html

    >>> RNNCell(3, 4)(np.ones((2, 3), np.float32)).shape
    (2, 4)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(_elman_kind(nonlinearity), input_size, hidden_size, bias, device, dtype)
        self.nonlinearity = nonlinearity


class LSTMCell(_Cell):
    """One step of an `LSTM`: `h, c = cell(x, (h, c))`, with shapes as for `RNNCell`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html

    >>> h, c = LSTMCell(3, 4)(np.ones(3, np.float32))
    >>> h.shape, c.shape
    ((4,), (4,))
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(LONG_SHORT_TERM, input_size, hidden_size, bias, device, dtype)


class GRUCell(_Cell):
    """One step of a `GRU`: `h = cell(x, h)`, with shapes as for `RNNCell`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.GRUCell.html

    >>> GRUCell(3, 4)(np.ones((2, 3), np.float32)).shape
    (2, 4)
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(GATED, input_size, hidden_size, bias, device, dtype)
