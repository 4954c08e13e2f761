"""What numbers say of themselves, where looking at them is free: on the host. To look at a GPU's is to wait for it.

An op may have a quicker way for numbers that are all finite, or none of them 0: of arrays on a GPU nobody asks, and the
way that is right for all numbers is taken there. A loss says which target cannot be one: of those on a GPU it does not.
Nor is a Tensor looked at while a function is captured: its program runs with other numbers.
"""

from typing import Any

import numpy as np

from tinygrad_edu.device import is_cupy
from tinygrad_edu.watch import watchers, watching


def surely(condition: Any) -> bool:
    """Whether a condition, an array or a Tensor, holds everywhere; False on a GPU, where it may.

    >>> surely(np.array([True, True])), surely(np.array([True, False]))
    (True, False)
    """
    return free(condition) and bool(np.all(getattr(condition, "_value", condition)))


def seen(condition: Any) -> bool:
    """Whether a condition, an array or a Tensor, holds somewhere; False on a GPU, where it may.

    >>> seen(np.array([True, False])), seen(np.array([False, False]))
    (True, False)
    """
    return free(condition) and bool(np.any(getattr(condition, "_value", condition)))


def free(condition: Any) -> bool:
    """Whether a look costs nothing: on the host, and where no program is written down that would not look again."""
    value = getattr(condition, "_value", condition)
    if value is not condition and watchers and (watch := watching()) and watch.shares:
        return False
    return not is_cupy(value)
