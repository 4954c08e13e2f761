"""First weights by their Keras names: each is a function of `nn.init`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tinygrad_edu.keras.names import named
from tinygrad_edu.nn import init

__all__ = ["get"]

NAMES: dict[str, Callable[[Any], Any]] = {
    "glorot_normal": init.xavier_normal_,
    "glorot_uniform": init.xavier_uniform_,
    "he_normal": partial(init.kaiming_normal_, nonlinearity="relu"),
    "he_uniform": partial(init.kaiming_uniform_, nonlinearity="relu"),
    "ones": init.ones_,
    "random_normal": partial(init.normal_, std=0.05),
    "random_uniform": partial(init.uniform_, a=-0.05, b=0.05),
    "zeros": init.zeros_,
}


def get(given: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function that fills a weight, of a name or itself; Keras cuts the tails off its normal ones.

    >>> get("zeros") is init.zeros_
    True
    """
    if isinstance(given, str):
        found: Callable[[Any], Any] = named("initializer", given, NAMES)
        return found
    if not callable(given):
        raise TypeError(f'an initializer is a name, as "he_normal", or a function of nn.init, and not {given!r}')
    return given
