"""What large weights cost, beside the loss. After https://keras.io/api/layers/regularizers/"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tinygrad_edu.keras.names import named

__all__ = ["L1", "L1L2", "L2", "get", "l1", "l1_l2", "l2"]


class L1L2:
    """l1 times the sum of |w|, and l2 times the sum of w**2. ValueError for a number that is not 0 or more.

    >>> from tinygrad_edu import Tensor
    >>> L1L2(l1=0.5, l2=2.0)(Tensor([-1.0, 2.0]))
    Tensor(11.5)
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        for name, value in (("l1", l1), ("l2", l2)):
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} is how much a large weight costs, 0 or more, and {value!r} was given")
        self.l1, self.l2 = l1, l2

    def __call__(self, w: Any) -> Any:
        """What the weight costs."""
        return self.l1 * abs(w).sum() + self.l2 * (w * w).sum()


class L1(L1L2):
    """l1 times the sum of |w|."""

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1)


class L2(L1L2):
    """l2 times the sum of w**2."""

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=l2)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """Both."""
    return L1L2(l1, l2)


l1, l2 = L1, L2  # Keras's other names

NAMES: dict[str, Callable[[], L1L2]] = {"l1": L1, "l2": L2, "l1_l2": l1_l2}


def get(given: str | Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    """The regularizer of that name, with its default, or the one given; None: none."""
    if isinstance(given, str):
        found: L1L2 = named("regularizer", given, NAMES)()
        return found
    if given is None or (callable(given) and not isinstance(given, type)):
        return given
    raise TypeError(f'a regularizer is "l2", or regularizers.l2(0.01), or a function of a weight, and not {given!r}')
