"""Random tensors, the same every time after `manual_seed`."""

from typing import Any

import numpy as np

from tinygrad_edu.tensor import Tensor

_generator = np.random.default_rng()


def manual_seed(seed: int) -> None:
    """Start the generator of `rand`, `randn` and `randint` anew.

    >>> manual_seed(0)
    >>> a = randn(2)
    >>> manual_seed(0)
    >>> bool((a == randn(2)).numpy().all())
    True
    """
    global _generator
    _generator = np.random.default_rng(seed)


def _shape(shape: tuple[Any, ...]) -> Any:
    return shape[0] if len(shape) == 1 else shape


def rand(*shape: Any, dtype: Any = np.float64, **options: Any) -> Tensor:
    """Uniform between 0 and 1: `rand(2, 3)` or `rand((2, 3))`."""
    return Tensor(_generator.random(_shape(shape)), dtype=dtype, **options)


def randn(*shape: Any, dtype: Any = np.float64, **options: Any) -> Tensor:
    """Standard normal: `randn(2, 3)` or `randn((2, 3))`."""
    return Tensor(_generator.standard_normal(_shape(shape)), dtype=dtype, **options)


def randint(low: int, high: int, size: Any, **options: Any) -> Tensor:
    """Whole numbers from `low` up to but not including `high`."""
    return Tensor(_generator.integers(low, high, size), **options)
