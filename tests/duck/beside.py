"""Results on ducks beside those on the host."""

from typing import Any

import numpy as np

from tests.duck.array import Duck
from tinygrad_edu import Tensor
from tinygrad_edu.device import is_cupy


def on_host(t: Any) -> Any:
    """The numbers of a Tensor on the GPU in use, without a copy that anybody counts."""
    assert is_cupy(t._value), f"{type(t._value).__name__} on the host"
    return t._value._host if isinstance(t._value, Duck) else t._value.get()


def tensors(found: Any) -> list[Tensor]:
    """The Tensors in a result, in order."""
    if isinstance(found, Tensor):
        return [found]
    return [t for item in found for t in tensors(item)] if isinstance(found, tuple | list) else []


def same(found: Any, expected: Any, tolerance: float = 1e-9) -> None:
    """Each Tensor is on the GPU, and of the same shape, dtype and numbers as on the host."""
    for mine, wanted in zip(tensors(found), tensors(expected), strict=True):
        numbers = on_host(mine)
        if numbers.dtype == np.float32 and not isinstance(mine._value, Duck):
            tolerance = max(tolerance, 1e-4)  # a GPU adds in another order
        assert (numbers.shape, numbers.dtype) == (wanted.shape, wanted.dtype)
        np.testing.assert_allclose(numbers, wanted.numpy(), rtol=tolerance, atol=tolerance)
