"""Activations by their Keras names: each is a module of `nn`."""

from collections.abc import Callable
from typing import Any

from tinygrad_edu import nn
from tinygrad_edu.keras.names import named
from tinygrad_edu.nn.functional import elu, gelu, relu, selu, sigmoid, silu, softplus, tanh
from tinygrad_edu.ops import softmax

swish = silu


def linear(x: Any) -> Any:
    """x itself."""
    return x


FUNCTIONS = {
    "elu": elu,
    "gelu": gelu,
    "linear": linear,
    "relu": relu,
    "selu": selu,
    "sigmoid": sigmoid,
    "silu": silu,
    "softmax": softmax,
    "softplus": softplus,
    "tanh": tanh,
}
"""The functions of this file by their names, so that a layer knows which module each is."""

__all__ = [
    "elu",
    "gelu",
    "get",
    "linear",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "swish",
    "tanh",
]

NAMES: dict[str, Callable[[], nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "hard_sigmoid": nn.Hardsigmoid,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),  # Keras's slope
    "linear": nn.Identity,
    "log_softmax": lambda: nn.LogSoftmax(-1),
    "mish": nn.Mish,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softmax": lambda: nn.Softmax(-1),
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "swish": nn.SiLU,
    "tanh": nn.Tanh,
}


class Function(nn.Module):
    """A function of the learner's own as a module."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, input: Any) -> Any:
        """What it gives."""
        return self.function(input)


def get(activation: str | Callable[[Any], Any] | None) -> nn.Module:
    """The module for a name, a function or a module; for None the one that does nothing.

    >>> get("relu"), get(None)
    (ReLU(), Identity())
    """
    if activation is None:
        return nn.Identity()
    if isinstance(activation, str):
        module: nn.Module = named("activation", activation, NAMES)()
        return module
    if isinstance(activation, nn.Module):
        return activation
    if not callable(activation):
        raise TypeError(f'an activation is a name, as "relu", or a function, and not {activation!r}')
    known = [*FUNCTIONS.items(), ("softmax", nn.functional.softmax)]
    return next((NAMES[name]() for name, function in known if activation is function), None) or Function(activation)
