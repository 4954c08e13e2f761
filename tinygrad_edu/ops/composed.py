"""Functions made of other ops: they need no rule, because every line of theirs has one."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

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


def as_operand(x: Any) -> Any:
    """Tensors and arrays as they are, numbers and lists of numbers as arrays."""
    return x if hasattr(x, "ndim") else np.asarray(x)
