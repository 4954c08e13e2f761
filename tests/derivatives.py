"""Derivatives by central differences: what the rules are tested against, with nothing of the engine in it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Arrays = Sequence["np.ndarray[Any, Any]"]


def central_differences(f: Callable[..., float], arrays: Arrays, index: int) -> "np.ndarray[Any, Any]":
    """The gradient of `f(*arrays)`, one number, by `arrays[index]`.

    Two central differences, of step h and h / 2, combined so that the error of order h**2 cancels (Richardson):
    about ten right digits in float64.
    """
    x = np.array(arrays[index], dtype=float)
    gradient = np.zeros_like(x)

    def at(place: tuple[int, ...], step: float) -> float:
        moved = x.copy()
        moved[place] += step
        return float(f(*arrays[:index], moved, *arrays[index + 1 :]))

    for place in np.ndindex(x.shape):
        h = 1e-3 * max(1.0, abs(x[place]))
        coarse = (at(place, h) - at(place, -h)) / (2 * h)
        fine = (at(place, h / 2) - at(place, -h / 2)) / h
        gradient[place] = (4 * fine - coarse) / 3
    return gradient


def weights(shape: tuple[int, ...], seed: int = 7) -> "np.ndarray[Any, Any]":
    """Numbers of both signs to weigh a result with: a rule that is right only for a gradient of ones must not pass."""
    size = int(np.prod(shape, dtype=int))
    values = np.random.default_rng(seed).uniform(0.5, 1.5, size)
    return np.asarray((values * np.where(np.arange(size) % 2, 1, -1)).reshape(shape))
