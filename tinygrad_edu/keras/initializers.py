"""First weights by their Keras names: each is a function of `nn.init`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu.keras.names import named
from tinygrad_edu.nn import init

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "Zeros",
    "get",
]

Fill = Callable[[Any], Any]


def _with_seed(function: Callable[..., Any], seed: int | None, **options: Any) -> Fill:
    """The function with its options, and a generator of its own where a seed is given."""
    if seed is None:
        return partial(function, **options)
    return lambda tensor: function(tensor, **options, generator=np.random.default_rng(seed))


def RandomNormal(mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> Fill:  # noqa: N802 - Keras's name
    """Normal around `mean`. After https://keras.io/api/layers/initializers/

    >>> from tinygrad_edu import zeros
    >>> RandomNormal(mean=3.0, stddev=0.0)(zeros(2))
    Tensor([3., 3.])
    """
    return _with_seed(init.normal_, seed, mean=mean, std=stddev)


def TruncatedNormal(mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> Fill:  # noqa: N802 - as above
    """Normal around `mean`, drawn anew where it is more than two deviations away."""
    limits = {"a": mean - 2 * stddev, "b": mean + 2 * stddev}
    return _with_seed(init.trunc_normal_, seed, mean=mean, std=stddev, **limits)


def RandomUniform(minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> Fill:  # noqa: N802 - as above
    """Uniform from `minval` to `maxval`."""
    return _with_seed(init.uniform_, seed, a=minval, b=maxval)


def GlorotNormal(seed: int | None = None) -> Fill:  # noqa: N802 - as above
    """Normal, of variance 2 / (fan_in + fan_out)."""
    return _with_seed(init.xavier_normal_, seed)


def GlorotUniform(seed: int | None = None) -> Fill:  # noqa: N802 - as above
    """Uniform, of variance 2 / (fan_in + fan_out)."""
    return _with_seed(init.xavier_uniform_, seed)


def HeNormal(seed: int | None = None) -> Fill:  # noqa: N802 - as above
    """Normal, of variance 2 / fan_in."""
    return _with_seed(init.kaiming_normal_, seed, nonlinearity="relu")


def HeUniform(seed: int | None = None) -> Fill:  # noqa: N802 - as above
    """Uniform, of variance 2 / fan_in."""
    return _with_seed(init.kaiming_uniform_, seed, nonlinearity="relu")


def Orthogonal(gain: float = 1.0, seed: int | None = None) -> Fill:  # noqa: N802 - as above
    """A matrix whose columns, or rows, are at right angles."""
    return _with_seed(init.orthogonal_, seed, gain=gain)


def Constant(value: float = 0.0) -> Fill:  # noqa: N802 - as above
    """One number."""
    return partial(init.constant_, val=value)


def Zeros() -> Fill:  # noqa: N802 - as above
    """Zeros."""
    return init.zeros_


def Ones() -> Fill:  # noqa: N802 - as above
    """Ones."""
    return init.ones_


NAMES: dict[str, Callable[[Any], Any]] = {
    "glorot_normal": init.xavier_normal_,
    "glorot_uniform": init.xavier_uniform_,
    "he_normal": partial(init.kaiming_normal_, nonlinearity="relu"),
    "he_uniform": partial(init.kaiming_uniform_, nonlinearity="relu"),
    "ones": init.ones_,
    "orthogonal": init.orthogonal_,
    "random_normal": partial(init.normal_, std=0.05),
    "random_uniform": partial(init.uniform_, a=-0.05, b=0.05),
    "zeros": init.zeros_,
}

KINDS = (GlorotNormal, GlorotUniform, HeNormal, HeUniform, Orthogonal, RandomNormal, RandomUniform, TruncatedNormal)
CLASSES: tuple[Any, ...] = (*KINDS, Constant, Ones, Zeros)


def get(given: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function that fills a weight, of a name or itself; Keras cuts the tails off its normal ones.

    >>> get("zeros") is init.zeros_
    True
    """
    if isinstance(given, str):
        found: Callable[[Any], Any] = named("initializer", given, NAMES)
        return found
    if any(given is kind for kind in CLASSES):
        raise TypeError(f"{getattr(given, '__name__', '')} is a class: write {given.__name__}(), with brackets")
    if not callable(given):
        raise TypeError(f'an initializer is a name, as "he_normal", or a function of nn.init, and not {given!r}')
    return given
