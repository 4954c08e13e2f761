"""Element by element over large arrays, a stretch at a time, so that what is passed on stays in the cache."""

from collections.abc import Callable
from typing import Any

from tinygrad_edu.device import is_cupy
from tinygrad_edu.graph import Array

BLOCK = 1 << 18
"""How many numbers a stretch has. Adam on 10 million float32 takes 34 ms so and 63 ms in whole arrays; in stretches of
a quarter of it too, but then the weights of a layer of 784 by 256 are cut, and SGD takes 46 us for them, not 39."""


def in_blocks(function: Callable[..., Any], *arrays: Array) -> None:
    """Call `function` with views of the arrays, all of one shape, of at most `BLOCK` numbers each.

    They are cut along the first axis that is long enough, so arrays of any strides are changed in place, and what
    `function` allocates is small. A number without axes comes as an array of one. A GPU takes arrays whole.

    >>> import numpy as np
    >>> w, g = np.zeros((3, 200_000)), np.ones((3, 200_000))
    >>> in_blocks(lambda w, g: print(w.shape, g.shape), w, g)
    (1, 200000) (1, 200000)
    (1, 200000) (1, 200000)
    (1, 200000) (1, 200000)
    """
    first = arrays[0]
    if first.size <= BLOCK or is_cupy(first):
        function(*(arrays if first.ndim else [array.reshape(1) for array in arrays]))
    elif len(first) == 1:
        in_blocks(function, *[array[0] for array in arrays])
    else:
        rows = max(1, BLOCK * len(first) // first.size)
        for start in range(0, len(first), rows):
            in_blocks(function, *[array[start : start + rows] for array in arrays])
