"""Sequential: layers one after the other, with Keras's `compile`, `fit`, `predict`, `evaluate` and `summary`."""

from __future__ import annotations

import difflib
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import nn, train
from tinygrad_edu.errors import DataError
from tinygrad_edu.io import load, save
from tinygrad_edu.keras import callbacks as reports
from tinygrad_edu.keras import losses, optimizers
from tinygrad_edu.keras import metrics as measures
from tinygrad_edu.keras.layers.core import Input, Layer, Shape, as_input, snake
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.train.evaluation import modes_kept

__all__ = ["Sequential"]

ELSEWHERE = {
    "save": "write model.save_weights('weights.safetensors'), and load_weights into a model of the same layers",
    "history": "fit returns it: history = model.fit(...), then history.history['loss']",
    "pop": "make the model anew, Sequential(model.layers[:-1])",
}
"""What to write for what Keras has and this face has not."""


class Sequential:
    """A network of layers, built when the shape of a sample is known: from `Input`, `input_shape` or the first data.

    `network` is the same as a module of `nn`, so that all that is done with those can be done with it: pictures,
    `save(model.network.state_dict(), path)`. After https://keras.io/api/models/sequential/

    >>> from tinygrad_edu import manual_seed
    >>> from tinygrad_edu.keras import Dense, Sequential
    >>> _ = manual_seed(0)
    >>> model = Sequential([Dense(2, activation="sigmoid", input_dim=3), Dense(1, activation="sigmoid")])
    >>> model.compile(loss="binary_crossentropy", optimizer="adam")
    >>> X = np.random.default_rng(0).standard_normal((64, 3))
    >>> history = model.fit(X, X[:, 0] > 0, epochs=5)
    >>> len(history.history["loss"]), model.predict(X).shape
    (5, (64, 1))
    >>> model.summary()
    Model: "sequential"
    _______________________________________________________
    Layer (type)                Output Shape        Param #
    =======================================================
    dense (Dense)               (None, 2)                 8
    dense_1 (Dense)             (None, 1)                 3
    =======================================================
    Total params: 11 (44.00 B), 8 weights and 3 biases
    Trainable params: 11 (44.00 B)
    Non-trainable params: 0 (0.00 B)
    _______________________________________________________
    """

    def __init__(self, layers: Iterable[Layer | Input] = (), name: str = "sequential") -> None:
        self.name, self.layers = name, list[Layer]()
        self.network = nn.Sequential().eval()
        self.stop_training = False
        self._shape: Shape | None = None  # of a sample; None until it is known
        self._built = 0  # how many of the layers are in the network
        self._names: Counter[str] = Counter()
        self._compiled: tuple[optimizers.Optimizer, losses.Loss, tuple[Any, ...]] | None = None
        for layer in layers:
            self.add(layer)

    def __getattr__(self, name: str) -> Any:  # only where there is no such attribute
        hint = f": {ELSEWHERE[name]}" if name in ELSEWHERE else ""
        raise AttributeError(f"{type(self).__name__} has no {name!r}{hint}")

    # ---- its layers

    def add(self, layer: Any) -> None:
        """Put a layer at the end; an `Input` comes first, and says the shape of a sample."""
        if isinstance(layer, Input):
            if self.layers:
                raise ValueError("Input is the shape of a sample, so it comes before all layers")
            self._shape = layer.shape
            return
        if not isinstance(layer, Layer):
            raise TypeError(f"a model is made of layers, as Dense(2), and not of {layer!r}")
        if layer in self.layers:
            raise ValueError(f"layer {layer.name!r} is in the model already: make another one")
        if layer.name is None:
            kind = snake(type(layer).__name__)
            layer.name = f"{kind}_{self._names[kind]}" if self._names[kind] else kind
            self._names[kind] += 1
        if not self.layers and self._shape is None:
            self._shape = layer.input_shape
        self.layers.append(layer)
        self._build()

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name or number; ValueError, with the nearest name, where there is none."""
        if index is not None:
            return self.layers[index]
        names = [str(layer.name) for layer in self.layers]
        if name not in names:
            near = difflib.get_close_matches(str(name), names, 1) or names
            raise ValueError(f"no layer is called {name!r}: there is {', '.join(map(repr, near))}")
        return self.layers[names.index(str(name))]

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights, for inputs of shape (None, features) or (None, rows, columns, channels)."""
        self._shape = Input([n for n in tuple(input_shape)[1:] if n is not None]).shape
        self._build()

    def _build(self) -> None:
        """Put the modules of the layers into the network, as soon as the shape of a sample is known."""
        if self._shape is None:
            return
        while self._built < len(self.layers):
            layer = self.layers[self._built]
            shape = self._shape if not self._built else self.layers[self._built - 1].output_shape
            assert shape is not None
            self.network.extend(layer.built(shape))
            self._built += 1

    # ---- weights

    def get_weights(self) -> list[Any]:
        """The weights of all layers, copied, in Keras's order and layout."""
        return [weight for layer in self.layers for weight in layer.get_weights()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Put arrays into the weights of all layers; ValueError where they do not fit."""
        counts = [len(layer.get_weights()) for layer in self.layers]
        if len(weights) != sum(counts):
            raise ValueError(f"the model has {sum(counts)} arrays of weights, and {len(weights)} were given")
        given = iter(weights)
        for layer, count in zip(self.layers, counts, strict=True):
            layer.set_weights([next(given) for _ in range(count)])

    @property
    def weights(self) -> list[Tensor]:
        """The weights of all layers as Tensors without history, in Keras's order and layout: views, to look at."""
        return [weight for layer in self.layers for weight in layer.weights]

    @property
    def trainable_weights(self) -> list[Tensor]:
        """Those of them that learn."""
        return [weight for layer in self.layers for weight in layer.trainable_weights]

    trainable_variables = trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether any layer learns; set, it is set for all."""
        return any(layer.trainable for layer in self.layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self.layers:
            layer.trainable = value

    def save_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Write the weights of all layers to a safetensors file, whole or not at all; whatever its name ends with.

        After https://keras.io/api/models/model_saving_apis/weights_saving_and_loading/
        """
        self._check_built()
        named = {f"{layer.name}/{i}": w for layer in self.layers for i, w in enumerate(layer.get_weights())}
        save({name: Tensor(weight) for name, weight in named.items()}, filepath)

    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Put in the weights that `save_weights` wrote; ValueError, with nothing changed, where layers differ."""
        self._check_built()
        saved, own = load(filepath), self.get_weights()
        arrays = [value.numpy() for value in saved.values()] if isinstance(saved, dict) else []
        shapes, wanted = [a.shape for a in arrays], [w.shape for w in own]
        if shapes != wanted:
            raise ValueError(f"{os.fspath(filepath)!r} has weights of shapes {shapes}, and the model {wanted}")
        self.set_weights(arrays)

    def count_params(self) -> int:
        """How many numbers it has, learnt or not."""
        self._check_built()
        return sum(layer.count_params() for layer in self.layers)

    def summary(self) -> None:
        """Print the layers, the shapes of what comes out of them, and their numbers of parameters."""
        self._check_built()
        rows = [
            (f"{layer.name} ({type(layer).__name__})", _with_none(layer.output_shape), f"{layer.count_params():,}")
            for layer in self.layers
        ]
        first, second = (max(n, *(len(row[i]) + 2 for row in rows)) for i, n in ((0, 28), (1, 20)))
        width = first + second + 7
        total = self.count_params()
        fixed = total - sum(weight.size for weight in self.trainable_weights)
        shown = {id(tensor) for layer in self.layers for tensor, _ in layer.laid_out()}
        mine = [(name.rpartition(".")[2], p.size) for name, p in self.network.named_parameters() if id(p) in shown]
        biases = sum(size for name, size in mine if "bias" in name)
        print(f'Model: "{self.name}"', "_" * width, sep="\n")
        print(f"{'Layer (type)':{first}}{'Output Shape':{second}}Param #", "=" * width, sep="\n")
        for name, shape, count in rows:
            print(f"{name:{first}}{shape:{second}}{count:>7}")
        print("=" * width)
        weights = sum(size for _, size in mine) - biases
        print(f"Total params: {_with_bytes(total)}, {weights:,} weights and {biases:,} biases")
        print(
            f"Trainable params: {_with_bytes(total - fixed)}", f"Non-trainable params: {_with_bytes(fixed)}", sep="\n"
        )
        print("_" * width)

    def _check_built(self) -> None:
        if self._shape is None or not self.layers:
            raise ValueError(
                "the model has no weights yet, because it does not know its inputs: begin it with"
                " Input(shape=(features,)), or call fit or build((None, features)) first"
            )

    # ---- training

    def compile(
        self,
        optimizer: str | optimizers.Optimizer = "rmsprop",
        loss: str | losses.Loss | Callable[[Any, Any], Any] | None = None,
        metrics: Iterable[str | Callable[[Any, Any], Any]] | None = None,
    ) -> None:
        """Say how to learn: names or objects; ValueError, with the nearest name, for one that is not there."""
        if loss is None:
            raise ValueError('compile needs a loss, as loss="mse" or loss="binary_crossentropy"')
        if isinstance(metrics, str):
            raise TypeError(f"metrics is a list: write metrics=[{metrics!r}]")
        measured = tuple(measures.get(given) for given in metrics or ())
        found = optimizers.get(optimizer)
        found.made = None  # a new start, of what it remembered too
        self._compiled = found, losses.get(loss), measured
        if self._shape is not None and self.layers:
            self._plan()

    @property
    def optimizer(self) -> optimizers.Optimizer:
        """The optimiser; its `learning_rate` may be set."""
        return self._check_compiled()[0]

    def _check_compiled(self) -> tuple[optimizers.Optimizer, losses.Loss, tuple[Any, ...]]:
        if self._compiled is None:
            raise RuntimeError('the model does not know how to learn: call compile(optimizer="adam", loss=...) first')
        return self._compiled

    def _plan(self) -> tuple[nn.Sequential, nn.Module, dict[str, Any]]:
        """What is trained: the network, or what is before its last activation, with which loss, measured how."""
        _, loss, metrics = self._check_compiled()
        module, before_last = loss.of(self.network[-1])
        module.register_forward_hook(self._penalised)
        body = nn.Sequential(*list(self.network)[:-1]) if before_last else self.network
        last = self.network[-1] if before_last else nn.Identity()
        return body, module, dict(_measured(given, last) for given in metrics)

    def _penalised(self, _loss: nn.Module, _arguments: Any, cost: Any) -> Any:
        """The loss of a batch, with what the weights cost."""
        return sum((penalty for layer in self.layers for penalty in layer.penalties()), cost)

    def _prepared(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Arrays, the targets in the shape that the loss wants; the model is built from the first of them."""
        inputs = _array("x", x)
        if self._shape is None:
            self._shape = inputs.shape[1:]
            self._build()
        if not self.layers:
            raise ValueError("the model has no layers: Sequential([Dense(1)])")
        if inputs.ndim == len(self._shape) and self._shape == (1,):
            inputs = inputs.reshape(-1, 1)
        if inputs.shape[1:] != self._shape:
            raise DataError(
                f"the model takes samples of shape {self._shape}, and those of x, which has shape {inputs.shape}, have"
                f" {inputs.shape[1:]}"
            )
        if y is None:
            return inputs, None
        shape = self.layers[-1].output_shape
        assert shape is not None
        return inputs, self._check_compiled()[1].targets(_array("y", y), shape)

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Iterable[Any] | None = None,
        validation_split: float = 0.0,
        validation_data: tuple[Any, Any] | None = None,
        shuffle: bool = True,
        initial_epoch: int = 0,
    ) -> reports.History:
        """Learn, in batches of 32 samples unless told otherwise; a second call goes on. See `train.fit`.

        `validation_split` keeps that share of the samples, the last ones, to validate on. `verbose`: "auto" shows a
        progress bar in a terminal or notebook, 1 always, 2 a line for every epoch, 0 nothing. Epochs are counted from
        `initial_epoch` up to `epochs`. ValueError where that is less.
        """
        if not 0 <= initial_epoch <= epochs:
            raise ValueError(f"epochs={epochs} is the last epoch, and initial_epoch={initial_epoch} is behind it")
        optimizer = self._check_compiled()[0]
        x, y = self._prepared(x, y)
        held_out = None if validation_data is None else self._prepared(*validation_data)
        if validation_split and held_out is None:
            x, y, held_out = _split(x, y, validation_split)
        body, loss, metrics = self._plan()
        if optimizer.made is None or not _belongs(optimizer.made, self.network):
            optimizer.make(self.network.parameters())
        assert optimizer.made is not None
        self.stop_training = False
        given = list(callbacks or ())
        every: list[Any] = [c for c in given if isinstance(c, train.Callback)]
        every += [lambda run: reports.line(run, initial_epoch)] if verbose == 2 else []
        every.append(self._adapted([c for c in given if not isinstance(c, train.Callback)], initial_epoch))
        history = train.fit(
            body,
            (x, y),
            loss,
            optimizer.made,
            epochs - initial_epoch,
            batch_size=32 if batch_size is None else batch_size,
            validation=held_out,
            metrics=metrics,
            shuffle=shuffle,
            callbacks=every,
            progress={"auto": None, 0: False, 2: False}.get(verbose, True),
        )
        found = reports.History(history)
        found.stopped, found.first = history.stopped, initial_epoch
        return found

    def _adapted(self, given: list[Any], first: int) -> train.Callback:
        for callback in given:
            if not isinstance(callback, reports.Callback):
                raise TypeError(
                    f"a callback is EarlyStopping(...), or a class of your own from Callback, not {callback!r}"
                )
        return reports.Adapted(given, self, first)

    def evaluate(
        self, x: Any, y: Any, batch_size: int | None = None, verbose: int | str = "auto", return_dict: bool = False
    ) -> Any:
        """The loss of the data, and a list of it and the metrics where there are any; with `return_dict` by name."""
        del verbose
        x, y = self._prepared(x, y)
        body, loss, metrics = self._plan()
        found = train.evaluate(body, (x, y), loss, metrics, batch_size=batch_size or 1024)
        if return_dict:
            return found
        return list(found.values()) if len(found) > 1 else found["loss"]

    def predict(self, x: Any, batch_size: int | None = None, verbose: int | str = "auto") -> Any:
        """What the model gives for every sample, as a NumPy array."""
        del verbose
        inputs, _ = self._prepared(x, None)
        return train.predict(self.network, inputs, batch_size=batch_size or 1024).numpy()

    def __call__(self, x: Any, training: bool = False) -> Any:
        """The same as a Tensor, recorded."""
        inputs = as_input(x)
        if self._shape is None:
            self._shape = inputs.shape[1:]
            self._build()
        with modes_kept(self.network):
            return self.network.train(training)(inputs)


def _measured(given: measures.Metric, last: nn.Module) -> tuple[str, Any]:
    """Name and metric; all but accuracies are of the predictions, after the last activation."""
    if isinstance(given, measures.Accuracy):
        return given.name, "accuracy"
    return given.name, lambda output, target: given(target, last(output))


def _array(name: str, given: Any) -> Any:
    """As an array with an axis of samples."""
    array = given.detach().numpy() if isinstance(given, Tensor) else np.asarray(given)
    if not array.ndim:
        raise DataError(f"{name} is {given!r}, and its first axis should count the samples")
    return array


def _split(x: Any, y: Any, share: float) -> tuple[Any, Any, tuple[Any, Any]]:
    """The samples to learn from, and the last ones, to validate on."""
    if not 0 < share < 1:
        raise ValueError(f"validation_split is a share between 0 and 1, and {share!r} was given")
    first = math.floor(len(x) * (1 - share))
    if not 0 < first < len(x):
        raise DataError(f"validation_split={share} of {len(x)} samples leaves nothing to learn from, or to validate on")
    return x[:first], y[:first], (x[first:], y[first:])


def _belongs(optimizer: Any, network: nn.Module) -> bool:
    """Whether it was made for all parameters of the network, which may have grown."""
    own = [p for group in optimizer.param_groups for p in group["params"]]
    return {id(p) for p in own} == {id(p) for p in network.parameters()}


def _with_none(shape: Shape | None) -> str:
    return str((None, *(shape or ())))


def _with_bytes(count: int) -> str:
    """A number of float32 numbers, and their memory."""
    size, unit = 4.0 * count, "B"
    for larger in ("KB", "MB", "GB"):
        if size >= 1024:
            size, unit = size / 1024, larger
    return f"{count:,} ({size:.2f} {unit})"
