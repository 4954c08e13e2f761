"""What numbers say of themselves, where looking at them is free: on the host. To look at a GPU's is to wait for it.

An op may have a quicker way for numbers that are all finite, or none of them 0: of arrays on a GPU nobody asks, and the
way that is right for all numbers is taken there. A loss says which target cannot be one: of those on a GPU it does not.
"""

from typing import Any

import numpy as np

from tinygrad_edu.device import is_cupy


def surely(condition: Any) -> bool:
    """Whether a condition, an array or a Tensor, holds everywhere; False on a GPU, where it may.

    >>> surely(np.array([True, True])), surely(np.array([True, False]))
    (True, False)
    """
    value = getattr(condition, "_value", condition)
    return not is_cupy(value) and bool(np.all(value))


def seen(condition: Any) -> bool:
    """Whether a condition, an array or a Tensor, holds somewhere; False on a GPU, where it may.

    >>> seen(np.array([True, False])), seen(np.array([False, False]))
    (True, False)
    """
    value = getattr(condition, "_value", condition)
    return not is_cupy(value) and bool(np.any(value))
