"""NumPy functions whose results have no derivative: given Tensors, they compute on the arrays, with plain results."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from tinygrad_edu.graph import unwrap
from tinygrad_edu.op import implementations


def plain(argument: Any) -> Any:
    """The argument with every Tensor in it, also inside tuples, lists and dicts, replaced by its array."""
    if isinstance(argument, tuple | list):
        return type(argument)(plain(item) for item in argument)
    if isinstance(argument, dict):
        return {key: plain(value) for key, value in argument.items()}
    return unwrap(argument)[0] if hasattr(argument, "grad_fn") else argument


def _on_arrays(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*plain(args), **plain(kwargs))

    return call


NAMES = (
    "all allclose any argmax argmin argsort argwhere array2string array_equal array_repr array_str broadcast_shapes"
    " can_cast count_nonzero empty_like flatnonzero full_like isclose iscomplexobj isrealobj may_share_memory ndim"
    " nonzero ones_like result_type searchsorted shape shares_memory size zeros_like"
)
implementations.update({getattr(np, name): _on_arrays(getattr(np, name)) for name in NAMES.split()})
