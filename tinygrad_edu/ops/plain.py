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


for function in (
    *(
        np.all,
        np.allclose,
        np.any,
        np.argmax,
        np.argmin,
        np.argsort,
        np.argwhere,
        np.array_equal,
        np.array_repr,
        np.array_str,
    ),
    *(np.array2string, np.broadcast_shapes, np.can_cast, np.count_nonzero, np.empty_like, np.flatnonzero, np.full_like),
    *(
        np.isclose,
        np.iscomplexobj,
        np.isrealobj,
        np.may_share_memory,
        np.ndim,
        np.nonzero,
        np.ones_like,
        np.result_type,
    ),
    *(np.searchsorted, np.shape, np.shares_memory, np.size, np.zeros_like),
):
    implementations[function] = _on_arrays(function)
