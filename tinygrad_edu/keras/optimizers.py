"""Keras's optimisers: settings, of which `optim` makes the optimiser when there are weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tinygrad_edu import optim
from tinygrad_edu.keras.names import named
from tinygrad_edu.tensor import Tensor

__all__ = ["SGD", "Adagrad", "Adam", "Optimizer", "RMSprop", "get"]


class Optimizer:
    """A kind of `optim` and its options; `learning_rate` may be set while a model learns."""

    def __init__(self, kind: Callable[..., optim.Optimizer], learning_rate: float, **options: Any) -> None:
        if not isinstance(learning_rate, int | float):
            raise TypeError(f"learning_rate is a number, and not {learning_rate!r}")
        self._kind, self._learning_rate, self._options = kind, learning_rate, options
        self.made: optim.Optimizer | None = None

    def make(self, parameters: Iterable[Tensor]) -> optim.Optimizer:
        """The optimiser of these parameters."""
        self.made = self._kind(parameters, lr=self._learning_rate, **self._options)
        return self.made

    @property
    def learning_rate(self) -> float:
        """How long the steps are."""
        return self._learning_rate if self.made is None else float(self.made.param_groups[0]["lr"])

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self._learning_rate = rate
        for group in () if self.made is None else self.made.param_groups:
            group["lr"] = rate


class SGD(Optimizer):
    """Gradient descent: `optim.SGD`. After https://keras.io/api/optimizers/sgd/"""

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False) -> None:
        super().__init__(optim.SGD, learning_rate, momentum=momentum, nesterov=nesterov)


class RMSprop(Optimizer):
    """`optim.RMSprop`; epsilon is added after the root, as PyTorch does. After https://keras.io/api/optimizers/rmsprop/"""

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
    ) -> None:
        options = {"alpha": rho, "momentum": momentum, "eps": epsilon, "centered": centered}
        super().__init__(optim.RMSprop, learning_rate, **options)


class Adagrad(Optimizer):
    """`optim.Adagrad`. After https://keras.io/api/optimizers/adagrad/"""

    def __init__(
        self, learning_rate: float = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7
    ) -> None:
        options = {"initial_accumulator_value": initial_accumulator_value, "eps": epsilon}
        super().__init__(optim.Adagrad, learning_rate, **options)


class Adam(Optimizer):
    """`optim.Adam`; epsilon is added as PyTorch does. After https://keras.io/api/optimizers/adam/"""

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(optim.Adam, learning_rate, betas=(beta_1, beta_2), eps=epsilon, amsgrad=amsgrad)


NAMES = {"adagrad": Adagrad, "adam": Adam, "rmsprop": RMSprop, "sgd": SGD}


def get(given: str | Optimizer) -> Optimizer:
    """The optimiser of that name, with its defaults, or the one given."""
    if isinstance(given, str):
        made: Optimizer = named("optimizer", given, NAMES)()
        return made
    if not isinstance(given, Optimizer):
        raise TypeError(f'an optimizer is a name, as "adam", or Adam(learning_rate=0.001), and not {given!r}')
    return given
