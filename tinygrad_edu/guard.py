"""What an op's function and rules are given is read-only, where they are not ours: the graph and others hold it too.

`g[x < 0] = 0` in a rule, or `x *= x` in a function, would change the gradient of another branch, or a leaf, unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.graph import wrap

OURS = ("tinygrad_edu", "numpy", "operator", "_operator")
"""The packages whose functions write to nothing that they are given."""


def guarded(function: Callable[..., Any], op: str, what: str) -> Callable[..., Any]:
    """The function itself where it is known to write to nothing, else one that is given read-only arrays.

    Raises `DerivativeError` where it writes to them. `what`: "the function", or "the rule for 'x'".
    """
    if _known(function):
        return function

    def call(*arguments: Any) -> Any:
        try:
            return _own(function(*map(read_only, arguments)))
        except errors.InPlaceError as error:
            raise errors.writes(op, what) from error
        except ValueError as error:
            if "read-only" in str(error):
                raise errors.writes(op, what) from error
            raise

    return call


def _known(function: Any) -> bool:
    while isinstance(function, partial):
        function = function.func
    module = getattr(function, "__module__", None) or ""
    return isinstance(function, np.ufunc) or module.partition(".")[0] in OURS


def read_only(value: Any) -> Any:
    """The same numbers, not to be written to; also in a Tensor, a tuple or a list.

    >>> read_only(np.zeros(2)).flags.writeable
    False
    """
    if isinstance(value, np.ndarray):
        view = value.view()
        view.flags.writeable = False
        return view
    if isinstance(value, tuple | list):
        return type(value)(map(read_only, value)) if type(value) in (tuple, list) else value
    return wrap(read_only(value._value), value._origin) if hasattr(value, "grad_fn") else value


def _own(result: Any) -> Any:
    """A result that may be changed: what it was given, or a view of that, as a copy."""
    if isinstance(result, tuple):
        return tuple(map(_own, result))
    return result.copy() if isinstance(result, np.ndarray) and not result.flags.writeable else result
