"""Functions made of other ops: they need no rule, because every line of theirs has one."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.device import is_cupy, library_of
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


def as_operand(x: Any, beside: Any = None) -> Any:
    """Tensors and arrays as they are, numbers and lists as arrays, which are made where `beside` lives.

    A list with Tensors in it is stacked.
    """
    if hasattr(x, "ndim") and not (beside is not None and isinstance(x, np.generic)):
        return x
    if isinstance(x, list | tuple) and holds_tensor(x):
        return np.stack(as_operands(x))
    return library_of(beside).asarray(x)


def as_operands(xs: Iterable[Any]) -> list[Any]:
    """Each as an operand; numbers and lists among them are put on the GPU that one of the others is on."""
    given = list(xs)
    beside = next((x for x in given if is_cupy(getattr(x, "_value", x))), None)
    return [as_operand(x, beside) for x in given]
