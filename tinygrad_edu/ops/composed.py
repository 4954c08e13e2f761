"""Functions made of other ops: they need no rule, because every line of theirs has one."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.graph import holds_tensor
from tinygrad_edu.op import implementations

Function = TypeVar("Function", bound=Callable[..., Any])

compositions: dict[str, Callable[..., Any]] = {}
"""Name -> function, of every composition; with the Ops they are the table."""


def composed(*implements: Callable[..., Any]) -> Callable[[Function], Function]:
    """Declare that a function of ops is what these NumPy functions do when they are given a Tensor."""

    def declare(function: Function) -> Function:
        compositions[function.__name__] = function
        implementations.update(dict.fromkeys(implements, function))
        return function

    return declare


def no_loss(array: Any, value: Any) -> None:
    """Raise `GradientDtypeError` where a value with a history goes into whole numbers."""
    if getattr(value, "requires_grad", False) and array.dtype.kind != "f":
        raise errors.gradient_dtype(array.dtype, getattr(array, "name", None))


def as_operand(x: Any) -> Any:
    """Tensors and arrays as they are, numbers and lists as arrays; a list with Tensors in it is stacked."""
    if hasattr(x, "ndim"):
        return x
    if isinstance(x, list | tuple) and holds_tensor(x):
        return np.stack([as_operand(item) for item in x])
    return np.asarray(x)
