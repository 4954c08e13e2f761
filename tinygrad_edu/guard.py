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
from tinygrad_edu.handed import leaving

OURS = ("tinygrad_edu", "numpy", "operator", "_operator")
"""The packages whose functions write to nothing that they are given, and stay in the graph."""


def ours(function: Any) -> bool:
    """Whether a function is of this package or of NumPy."""
    while isinstance(function, partial):
        function = function.func
    module = getattr(function, "__module__", None) or ""
    return isinstance(function, np.ufunc) or module.partition(".")[0] in OURS


def guarded(function: Callable[..., Any], op: str, beside: int = 0) -> Callable[..., Any]:
    """The function of an op itself where it is ours, else one that is given read-only arrays.

    Raises `RuleError` where it writes to them, `DerivativeError` where a Tensor that requires grad is hidden in a
    setting, or where it does not return as many by-products as it should.
    """
    if ours(function):
        return function

    def call(*arguments: Any, **options: Any) -> Any:
        if any(map(_hides_gradient, (*arguments, *options.values()))):
            raise errors.hidden_operand(op)
        result = _unwritten(function, op, "the function", arguments, options)
        if beside and not (isinstance(result, tuple) and len(result) == 1 + beside):
            raise errors.no_by_products(op, beside)
        return result

    return call


def guarded_rule(rule: Callable[..., Any], op: str, operand: str) -> Callable[..., Any]:
    """The rule itself where it is ours, else one that is given read-only arrays, or Tensors of such.

    Raises `RuleError` where it writes to them, where it makes Tensors of arrays, and where it makes bare numbers of
    Tensors that require grad: the derivatives of the derivative would be wrong.
    """
    if ours(rule):
        return rule

    def call(*arguments: Any) -> Any:
        recorded = any(getattr(a, "requires_grad", False) for a in arguments)
        token = leaving.set([] if recorded else None)
        try:
            result = _unwritten(rule, op, f"the rule for {operand!r}", arguments, {})
            if leaving.get():
                raise errors.rule_without_ops(op)
        finally:
            leaving.reset(token)
        if hasattr(result, "grad_fn") and not any(hasattr(a, "grad_fn") for a in arguments):
            raise errors.tensor_in_rule(op, operand)
        return result

    return call


def _unwritten(function: Any, op: str, what: str, arguments: Any, options: Any) -> Any:
    try:
        return _own(function(*map(read_only, arguments), **{name: read_only(v) for name, v in options.items()}))
    except errors.InPlaceError as error:
        raise errors.writes(op, what) from error
    except ValueError as error:
        if "read-only" in str(error):
            raise errors.writes(op, what) from error
        raise


def _hides_gradient(argument: Any) -> bool:
    """Whether a Tensor that requires grad is in a list, tuple or dict, where no gradient could flow to it."""
    if isinstance(argument, dict):
        argument = tuple(argument.values())
    if isinstance(argument, tuple | list):
        return any(getattr(item, "requires_grad", False) or _hides_gradient(item) for item in argument)
    return False


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
