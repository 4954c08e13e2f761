"""Keras's layers: each is a description, and makes modules of `nn` when it learns the shape of its input.

Images have their channels last, (rows, columns, channels), and weights have Keras's layouts in `get_weights`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.creation import zeros
from tinygrad_edu.keras import activations, initializers, regularizers
from tinygrad_edu.recording import no_grad
from tinygrad_edu.tensor import Tensor

__all__ = [
    "Activation",
    "AveragePooling2D",
    "BatchNormalization",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "Input",
    "Layer",
    "LeakyReLU",
    "MaxPooling2D",
    "ReLU",
    "Reshape",
    "Softmax",
]

Shape = tuple[int, ...]
Pair = int | tuple[int, int]


class Input:
    """The shape of one sample, as the first entry of `Sequential`: `Input(shape=(28, 28, 1))`."""

    def __init__(self, shape: Sequence[int]) -> None:
        if not isinstance(shape, tuple | list) or not all(isinstance(n, int | np.integer) and n > 0 for n in shape):
            raise ValueError(f"shape is that of one sample, as (2,) for two features, and {shape!r} was given")
        self.shape = tuple(shape)


class Layer:
    """The base of all layers: a name, and modules once the shape of its input is known.

    `input_shape` is that of one sample, `input_dim` the number of its features; only a first layer needs them, and
    only where its weights are wanted before data come.
    """

    frozen: ClassVar[int] = 0  # how many of its weights, the last ones, are not learnt

    def __init__(
        self, *, name: str | None = None, input_shape: Sequence[int] | None = None, input_dim: int | None = None
    ) -> None:
        self.name = name
        self.modules: list[nn.Module] | None = None
        shape = (input_dim,) if input_dim is not None else input_shape
        self.input_shape = None if shape is None else Input(shape).shape
        self.output_shape: Shape | None = None
        self._trainable = True

    def make(self, shape: Shape) -> list[nn.Module]:
        """The modules for samples of that shape; each layer says which."""
        raise NotImplementedError(f"{type(self).__name__} has no make(self, shape) that returns a list of modules")

    def laid_out(self) -> list[tuple[Tensor, tuple[int, ...]]]:
        """The weights, and the order of their axes that makes Keras's layout of them."""
        return []

    def built(self, shape: Shape) -> list[nn.Module]:
        """The modules for samples of that shape, made where there are none; a layer keeps those that it has."""
        if self.modules is None:
            self.modules = self.make(shape)
            with no_grad():
                out = zeros(1, *shape, dtype=np.float32)
                for module in self.modules:
                    out = module.eval()(out)
            self.input_shape, self.output_shape = shape, out.shape[1:]
            self._learning = [p for module in self.modules for p in module.parameters() if p.requires_grad]
            self.trainable = self._trainable
        elif self.input_shape != shape:
            raise ValueError(
                f"this {type(self).__name__} was built for samples of shape {self.input_shape}, and these are {shape}:"
                " make another one"
            )
        return self.modules

    def __call__(self, x: Any) -> Any:
        """What the layer makes of a batch, as a Tensor; it is built for the samples of the first one.

        >>> layer = Dense(3, activation="sigmoid")
        >>> layer(np.array([[200.0, 17.0]])).shape
        (1, 3)
        """
        if isinstance(x, Input):
            raise TypeError(
                "layers are put together in a Sequential here, not called one on another: write"
                f" Sequential([Input(shape={x.shape}), {type(self).__name__}(...), ...])"
            )
        out = as_input(x)
        for module in self.built(out.shape[1:]):
            out = module(out)
        return out

    def penalties(self) -> list[Any]:
        """What its weights cost beside the loss, recorded."""
        return []

    @property
    def trainable(self) -> bool:
        """Whether its weights learn; False freezes them, and may be set at any time."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for parameter in self._learning if self.modules is not None else ():
            parameter.requires_grad_(self._trainable)

    @property
    def weights(self) -> list[Tensor]:
        """The weights as Tensors without history, in Keras's order and layout: views, to look at."""
        return [tensor.detach().transpose(axes) for tensor, axes in self._tensors()]

    @property
    def trainable_weights(self) -> list[Tensor]:
        """Those of them that learn."""
        return [view for view, (tensor, _) in zip(self.weights, self._tensors(), strict=True) if tensor.requires_grad]

    trainable_variables = trainable_weights

    @property
    def kernel(self) -> Tensor:
        """The first of the weights; AttributeError where there are none."""
        if not self.weights:
            raise AttributeError(f"{type(self).__name__} has no kernel, or none before it is built")
        return self.weights[0]

    @property
    def bias(self) -> Tensor | None:
        """The last of the weights where it is a bias, else None."""
        return self.weights[-1] if getattr(self, "use_bias", False) and self.weights else None

    def get_weights(self) -> list[Any]:
        """Copies of the weights as arrays, in Keras's order and layout; none before the layer is built."""
        return [tensor.detach().numpy().transpose(axes).copy() for tensor, axes in self._tensors()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Put arrays, in Keras's order and layout, into the weights; ValueError where they do not fit."""
        tensors = self._tensors()
        wanted = [tuple(tensor.shape[axis] for axis in axes) for tensor, axes in tensors]
        if (shapes := [np.shape(given) for given in weights]) != wanted:
            raise ValueError(f"layer {self.name!r} has weights of shapes {wanted}, and {shapes} were given")
        with no_grad():
            for (tensor, axes), given in zip(tensors, weights, strict=True):
                tensor[...] = np.asarray(given).transpose(np.argsort(axes))

    def count_params(self) -> int:
        """How many numbers it has, learnt or not."""
        return sum(tensor.size for tensor, _ in self._tensors())

    def _tensors(self) -> list[tuple[Tensor, tuple[int, ...]]]:
        return [] if self.modules is None else self.laid_out()


class Dense(Layer):
    """y = activation(x W + b), W of shape (features, units): Glorot-uniform, b zeros.

    After https://keras.io/api/layers/core_layers/dense/

    >>> layer = Dense(2, activation="relu")
    >>> layer(np.ones((5, 3))).shape
    (5, 2)
    >>> [weight.shape for weight in layer.get_weights()], layer.count_params()
    ([(3, 2), (2,)], 8)
    """

    def __init__(
        self,
        units: int,
        activation: str | Callable[[Any], Any] | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Callable[[Any], Any] = "glorot_uniform",
        bias_initializer: str | Callable[[Any], Any] = "zeros",
        kernel_regularizer: str | Callable[[Any], Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        check_count("units", units)
        self._regularizer = regularizers.get(kernel_regularizer)
        self._initial = initializers.get(kernel_initializer), initializers.get(bias_initializer)
        self.units, self.use_bias, self._activation = units, use_bias, activations.get(activation)
        if units == 1 and isinstance(self._activation, nn.Softmax):
            raise ValueError('the softmax of one unit is 1 for every input: write activation="sigmoid"')

    def make(self, shape: Shape) -> list[nn.Module]:
        """A linear layer and the activation."""
        if not shape:
            raise ValueError(
                "Dense takes samples of one or more features, and these are single numbers: x.reshape(-1, 1)"
            )
        self.linear = _begun(nn.Linear(shape[-1], self.units, bias=self.use_bias), *self._initial)
        return [self.linear, self._activation]

    def laid_out(self) -> list[tuple[Tensor, tuple[int, ...]]]:
        """Kernel and bias."""
        return _with_bias(self.linear, (1, 0))

    def penalties(self) -> list[Any]:
        """What the regularizer asks for the kernel."""
        return [] if self._regularizer is None else [self._regularizer(self.linear.weight)]


class Conv2D(Layer):
    """Every unit sees a window of the image, with one kernel a filter: (rows, columns, channels in, filters).

    `padding`: "valid", or "same" for as many windows as pixels (divided by the strides).
    After https://keras.io/api/layers/convolution_layers/convolution2d/
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Pair,
        strides: Pair = 1,
        padding: str = "valid",
        activation: str | Callable[[Any], Any] | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Callable[[Any], Any] = "glorot_uniform",
        bias_initializer: str | Callable[[Any], Any] = "zeros",
        kernel_regularizer: str | Callable[[Any], Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        check_count("filters", filters)
        self.filters, self.use_bias = filters, use_bias
        self._regularizer = regularizers.get(kernel_regularizer)
        self._initial = initializers.get(kernel_initializer), initializers.get(bias_initializer)
        self.kernel_size, self.strides = _pair("kernel_size", kernel_size), _pair("strides", strides)
        self.padding, self._activation = _padding(padding), activations.get(activation)

    def make(self, shape: Shape) -> list[nn.Module]:
        """A convolution between two turns of the axes, and the activation."""
        _check_image("Conv2D", shape)
        conv = nn.Conv2d(shape[-1], self.filters, self.kernel_size, self.strides, bias=self.use_bias)
        self.conv = _begun(conv, *self._initial)
        padded = _padded(self.padding, shape, self.kernel_size, self.strides, 0.0)
        return [ChannelsFirst(), *padded, conv, ChannelsLast(), self._activation]

    def laid_out(self) -> list[tuple[Tensor, tuple[int, ...]]]:
        """Kernel and bias."""
        return _with_bias(self.conv, (2, 3, 1, 0))

    def penalties(self) -> list[Any]:
        """What the regularizer asks for the kernel."""
        return [] if self._regularizer is None else [self._regularizer(self.conv.weight)]


class MaxPooling2D(Layer):
    """The largest number of every window of the image, channel by channel.

    After https://keras.io/api/layers/pooling_layers/max_pooling2d/
    """

    def __init__(
        self, pool_size: Pair = 2, strides: Pair | None = None, padding: str = "valid", **options: Any
    ) -> None:
        super().__init__(**options)
        self.pool_size = _pair("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else _pair("strides", strides)
        self.padding = _padding(padding)

    def make(self, shape: Shape) -> list[nn.Module]:
        """A pooling between two turns of the axes."""
        _check_image("MaxPooling2D", shape)
        padded = _padded(self.padding, shape, self.pool_size, self.strides, -np.inf)
        return [ChannelsFirst(), *padded, nn.MaxPool2d(self.pool_size, self.strides), ChannelsLast()]


class BatchNormalization(Layer):
    """Every feature, of images every channel, brought to mean 0 and variance 1 over the batch, then scaled and moved.

    `momentum` is the share that the running statistics keep, PyTorch's subtracted from 1. The running variance is that
    of PyTorch, divided by n - 1, where Keras divides by n.
    After https://keras.io/api/layers/normalization_layers/batch_normalization/
    """

    frozen = 2

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3, **options: Any) -> None:
        super().__init__(**options)
        self.momentum, self.epsilon = momentum, epsilon

    def make(self, shape: Shape) -> list[nn.Module]:
        """The normalisation; of images between two turns of the axes."""
        if len(shape) not in (1, 3):
            raise ValueError(
                f"BatchNormalization takes samples of shape (features,) or (rows, columns, channels), not {shape}"
            )
        kind = nn.BatchNorm1d if len(shape) == 1 else nn.BatchNorm2d
        self.norm = kind(shape[-1], eps=self.epsilon, momentum=1 - self.momentum)
        return [self.norm] if len(shape) == 1 else [ChannelsFirst(), self.norm, ChannelsLast()]

    def laid_out(self) -> list[tuple[Tensor, tuple[int, ...]]]:
        """Gamma, beta, and the running mean and variance."""
        norm = self.norm
        every = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
        return [(tensor, (0,)) for tensor in every if tensor is not None]


class Dropout(Layer):
    """In training sets every number to 0 with the chance `rate`, and scales the others so that their mean stays.

    After https://keras.io/api/layers/regularization_layers/dropout/
    """

    def __init__(self, rate: float, **options: Any) -> None:
        super().__init__(**options)
        self.rate = rate

    def make(self, shape: Shape) -> list[nn.Module]:  # noqa: ARG002 - of any shape
        """The same of `nn`."""
        return [nn.Dropout(self.rate)]


class Flatten(Layer):
    """All numbers of a sample in one row. After https://keras.io/api/layers/reshaping_layers/flatten/"""

    def make(self, shape: Shape) -> list[nn.Module]:  # noqa: ARG002 - of any shape
        """The same of `nn`."""
        return [nn.Flatten()]


class Activation(Layer):
    """An activation as a layer of its own. After https://keras.io/api/layers/core_layers/activation/"""

    def __init__(self, activation: str | Callable[[Any], Any], **options: Any) -> None:
        super().__init__(**options)
        self._activation = activations.get(activation)

    def make(self, shape: Shape) -> list[nn.Module]:  # noqa: ARG002 - of any shape
        """The activation."""
        return [self._activation]


class ReLU(Layer):
    """max(0, x) as a layer. After https://keras.io/api/layers/activation_layers/relu/"""

    def make(self, shape: Shape) -> list[nn.Module]:  # noqa: ARG002 - of any shape
        """The same of `nn`."""
        return [nn.ReLU()]


class LeakyReLU(Layer):
    """x, below 0 times `negative_slope`. After https://keras.io/api/layers/activation_layers/leaky_relu/"""

    def __init__(self, negative_slope: float = 0.3, **options: Any) -> None:
        super().__init__(**options)
        self.negative_slope = negative_slope

    def make(self, shape: Shape) -> list[nn.Module]:  # noqa: ARG002 - of any shape
        """The same of `nn`."""
        return [nn.LeakyReLU(self.negative_slope)]


class Softmax(Layer):
    """Scores to shares of 1 along the last axis. After https://keras.io/api/layers/activation_layers/softmax/"""

    def make(self, shape: Shape) -> list[nn.Module]:  # noqa: ARG002 - of any shape
        """The same of `nn`."""
        return [nn.Softmax(-1)]


class Reshape(Layer):
    """Every sample in another shape, where one -1 stands for what is left.

    After https://keras.io/api/layers/reshaping_layers/reshape/

    >>> Reshape((2, -1))(np.ones((5, 6))).shape
    (5, 2, 3)
    """

    def __init__(self, target_shape: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        self.target_shape = tuple(target_shape)

    def make(self, shape: Shape) -> list[nn.Module]:  # noqa: ARG002 - the op says what does not fit
        """A view."""
        return [activations.Function(lambda x: x.reshape(len(x), *self.target_shape))]


class AveragePooling2D(Layer):
    """The mean of every window of the image, channel by channel; windows lie within the image.

    After https://keras.io/api/layers/pooling_layers/average_pooling2d/
    """

    def __init__(self, pool_size: Pair = 2, strides: Pair | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.pool_size = _pair("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else _pair("strides", strides)

    def make(self, shape: Shape) -> list[nn.Module]:
        """A pooling between two turns of the axes."""
        _check_image("AveragePooling2D", shape)
        return [ChannelsFirst(), nn.AvgPool2d(self.pool_size, self.strides), ChannelsLast()]


class GlobalAveragePooling2D(Layer):
    """The mean of every channel of the image.

    After https://keras.io/api/layers/pooling_layers/global_average_pooling2d/
    """

    def make(self, shape: Shape) -> list[nn.Module]:
        """A mean over rows and columns."""
        _check_image("GlobalAveragePooling2D", shape)
        return [activations.Function(lambda x: x.mean(axis=(1, 2)))]


class GlobalMaxPooling2D(Layer):
    """The maximum of every channel of the image.

    After https://keras.io/api/layers/pooling_layers/global_max_pooling2d/
    """

    def make(self, shape: Shape) -> list[nn.Module]:
        """A maximum over rows and columns."""
        _check_image("GlobalMaxPooling2D", shape)
        return [activations.Function(lambda x: x.max(axis=(1, 2)))]


class ChannelsFirst(nn.Module):
    """(N, rows, columns, channels) seen as (N, channels, rows, columns)."""

    def forward(self, input: Any) -> Any:
        """A view."""
        return input.transpose(0, 3, 1, 2)


class ChannelsLast(nn.Module):
    """(N, channels, rows, columns) seen as (N, rows, columns, channels)."""

    def forward(self, input: Any) -> Any:
        """A view."""
        return input.transpose(0, 2, 3, 1)


class Frame(nn.Module):
    """Rows and columns of one number around an image, as many before and after as `widths` says."""

    def __init__(self, widths: tuple[tuple[int, int], ...], number: float) -> None:
        super().__init__()
        self.widths, self.number = widths, number

    def forward(self, input: Any) -> Any:
        """The larger image."""
        return np.pad(input, ((0, 0), (0, 0), *self.widths), constant_values=self.number)


def _padded(padding: str, shape: Shape, window: Shape, strides: Shape, number: float) -> list[nn.Module]:
    """What makes room for "same": ceil(n / stride) windows along an axis of n, the odd one of the frame at the end."""
    if padding == "valid":
        return []
    missing = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(shape, window, strides, strict=False)]
    widths = tuple((m // 2, m - m // 2) for m in missing)
    return [Frame(widths, number)] if any(missing) else []


def _begun(layer: Any, fill_kernel: Any = nn.init.xavier_uniform_, fill_bias: Any = nn.init.zeros_) -> Any:
    """The layer with Keras's first weights: Glorot-uniform, and biases of 0, unless others are given."""
    fill_kernel(layer.weight)
    if layer.bias is not None:
        fill_bias(layer.bias)
    return layer


def _with_bias(layer: Any, axes: tuple[int, ...]) -> list[tuple[Tensor, tuple[int, ...]]]:
    return [(layer.weight, axes)] + ([] if layer.bias is None else [(layer.bias, (0,))])


def _pair(name: str, given: Any) -> tuple[int, int]:
    pair = tuple(given) if isinstance(given, tuple | list) else (given, given)
    if len(pair) != 2 or not all(isinstance(n, int | np.integer) and n > 0 for n in pair):
        raise ValueError(f"{name} is one or two whole numbers above 0, as 3 or (3, 3), and {given!r} was given")
    return pair


def _padding(given: str) -> str:
    if given not in ("valid", "same"):
        raise ValueError(f'padding is "valid", none, or "same", and {given!r} was given')
    return given


def check_count(name: str, given: Any) -> None:
    """ValueError for what is no whole number above 0."""
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or given < 1:
        raise ValueError(f"{name} is a whole number above 0, and {given!r} was given")


def _check_image(layer: str, shape: Shape) -> None:
    if len(shape) != 3:
        hint = "x[..., None] adds the axis of one channel" if len(shape) == 2 else "x.reshape(-1, rows, columns, 1)"
        raise ValueError(f"{layer} takes images of shape (rows, columns, channels), and these are {shape}: {hint}")


def as_input(x: Any) -> Tensor:
    """A batch as a float32 Tensor, or the Tensor itself."""
    return x if isinstance(x, Tensor) else Tensor(np.asarray(x), dtype=np.float32)


def snake(name: str) -> str:
    """A class as Keras names its layers.

    >>> snake("Dense"), snake("MaxPooling2D"), snake("BatchNormalization")
    ('dense', 'max_pooling2d', 'batch_normalization')
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
