"""Ops of your own, of several lines."""

from collections.abc import Callable
from typing import Any

from tinygrad_edu.errors import DerivativeError
from tinygrad_edu.op import Op


def custom_op(*function: Any, **declaration: Any) -> Callable[[Callable[..., Any]], Op]:
    """Make an `Op` of the function below: `Op(function, ...)` as a decorator, with the same keyword arguments.

    The function computes on arrays, in as many lines as it needs; the rules, one for each operand, hand on its
    derivative times `g`, and may be functions too. The op is then used, drawn, traced and checked like a built-in one,
    and `implements=[np.f]` makes NumPy's `f` come here. Raises `DerivativeError` for rules that do not fit its
    parameters. A function that is made of NumPy's own functions needs no rules: call it on Tensors as it is.

    >>> import numpy as np
    >>> from tinygrad_edu import Tensor
    >>> @custom_op(x=lambda g, x, limit: g * np.clip(x, -limit, limit))
    ... def huber(x, limit=1.0):
    ...     \"\"\"x**2 / 2 up to the limit, and straight on from there.\"\"\"
    ...     inside = np.clip(x, -limit, limit)
    ...     return inside * (x - inside / 2)
    >>> x = Tensor([0.5, -3.0], requires_grad=True)
    >>> huber(x)
    Tensor([0.125, 2.5  ], grad_fn=<huber>)
    >>> huber(x).sum().backward()
    >>> x.grad
    Tensor([ 0.5, -1. ])
    """

    if function:
        raise DerivativeError(
            "custom_op takes the rules by name: write @custom_op(x=lambda g, x: g * ...) over the function"
        )

    def declare(function: Callable[..., Any]) -> Op:
        return Op(function, **declaration)

    return declare
