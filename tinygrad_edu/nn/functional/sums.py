"""Short sums, as products with a vector of ones: BLAS begins to compute sooner than `sum`."""

from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_edu.graph import Array

__all__ = ["over_rows"]

FEW = 1024  # a sum of more would lose digits, which NumPy's sum in pairs keeps


def over_rows(x: Any) -> Any:
    """The sum over the first axis, 1ᵀ x: for 32 rows of 16 numbers BLAS takes 0.3 us, sum 1.2.

    >>> over_rows(np.array([[1.0, 2.0], [3.0, 4.0]])), over_rows(np.array([1.0, 2.0]))
    (array([4., 6.]), np.float64(3.0))
    """
    if type(x) is not np.ndarray or len(x) > FEW:
        return x.sum(axis=0) if x.dtype != np.float16 else x.sum(axis=0, dtype=np.float32).astype(np.float16)
    return _ones(len(x), x.dtype).dot(x)


@lru_cache(maxsize=64)
def _ones(count: int, dtype: Any) -> Array:
    return np.ones(count, dtype)
