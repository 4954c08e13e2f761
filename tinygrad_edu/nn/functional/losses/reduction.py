"""From a loss for each number or row to one loss, and the gradient back to them."""

import math
from typing import Any

import numpy as np

from tinygrad_edu.device import is_cupy
from tinygrad_edu.nn.functional.sums import over_rows

REDUCTIONS = ("none", "mean", "sum")


def divisor(reduction: str, size: Any) -> Any:
    """What the sum of the losses is divided by: their number for a mean, 1 for a sum; None keeps each of them.

    Raises ValueError for another word.

    >>> divisor("mean", 4), divisor("sum", 4), divisor("none", 4)
    (4, 1, None)
    """
    if reduction == "mean":
        return size
    if reduction == "sum":
        return 1
    check_reduction(reduction)
    return None


def check_reduction(reduction: str, known: tuple[str, ...] = REDUCTIONS) -> None:
    """Raise ValueError for a reduction that is not one of those known."""
    if reduction not in known:
        raise ValueError(f"reduction={reduction!r} is unknown: it is one of {', '.join(map(repr, known))}")


def reduced(losses: Any, count: Any) -> Any:
    """The losses themselves for None, else their sum divided by the count; the mean of nothing is nan, quietly."""
    if count is None:
        return losses
    total = over_rows(losses) if losses.ndim == 1 else losses.sum()
    if type(count) is int and count == 1:
        return total
    return total / (count if is_cupy(count) else count or math.nan)


def share(g: Any, count: Any) -> Any:
    """The part of the gradient of the reduced loss that each single loss gets: g / count."""
    if is_cupy(count):
        return g / np.where(count == 0, 1, count)
    return g if count is None else g / (count or 1)


def mean_or_sum(losses: Any, reduction: str) -> Any:
    """The losses reduced, for losses that are made of ops."""
    return reduced(losses, divisor(reduction, getattr(losses, "_value", losses).size))
