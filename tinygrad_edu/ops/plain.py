"""NumPy functions whose results have no derivative: given Tensors, they compute on the arrays, with plain results."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from tinygrad_edu.op import implementations
from tinygrad_edu.watch import numbers_read, watchers


def plain(argument: Any) -> Any:
    """The argument with every Tensor in it, also inside tuples, lists and dicts, replaced by its array."""
    if isinstance(argument, tuple | list):
        return type(argument)(plain(item) for item in argument)
    if isinstance(argument, dict):
        return {key: plain(value) for key, value in argument.items()}
    return argument._value if hasattr(argument, "grad_fn") else argument


def _on_arrays(function: Callable[..., Any]) -> Callable[..., Any]:
    looks = function.__name__ not in OF_SHAPES.split()

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if looks and watchers:
            numbers_read(f"np.{function.__name__}(t)")
        return function(*plain(args), **plain(kwargs))

    return call


OF_SHAPES = (
    "broadcast_shapes can_cast diag_indices_from einsum_path empty_like iscomplexobj isrealobj may_share_memory ndim"
    " ones_like result_type shape shares_memory size tril_indices_from triu_indices_from zeros_like"
)
"""Those of them that do not look at the numbers."""

NAMES = (
    "all allclose any argmax argmin argpartition argsort argwhere array2string array_equal array_equiv array_repr"
    " array_str broadcast_shapes can_cast count_nonzero diag_indices_from digitize einsum_path empty_like flatnonzero"
    " full_like isclose ix_ iscomplex iscomplexobj isin isneginf isposinf isreal isrealobj lexsort may_share_memory"
    " min_scalar_type nanargmax nanargmin ndim nonzero ones_like ravel_multi_index result_type save savetxt savez"
    " savez_compressed searchsorted shape shares_memory size tril_indices_from triu_indices_from unravel_index"
    " zeros_like"
)


def _full_like(a: Any, fill_value: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
    """`np.full_like`; filled with a Tensor, it is that Tensor stretched."""
    if not hasattr(fill_value, "grad_fn"):
        return np.full_like(plain(a), fill_value, dtype, *args, **kwargs)
    return np.broadcast_to(np.astype(fill_value, dtype or a.dtype), np.shape(a))


FUNCTIONS = [getattr(np, name) for name in NAMES.split()] + [np.linalg.matrix_rank]
implementations.update({function: _on_arrays(function) for function in FUNCTIONS})
implementations[np.full_like] = _full_like
