"""Op and Node: how a derivative is declared, and how one application of an op is remembered.

An op is a NumPy function and one vector-Jacobian rule for each operand:

    multiply = Op(np.multiply, x=lambda g, y: g * y, y=lambda g, x: g * x)
    exp      = Op(np.exp, x=lambda g, out: g * out)

A rule takes the gradient `g` of the result and, *by the names of its parameters*, what else it needs: operands, `out`,
static parameters, `x_shape` for the shape of operand `x`. The graph keeps exactly what is asked for by the rules of
the operands that need a gradient. This file knows no particular op; the table of them is `tinygrad_edu.ops`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from copy import copy, deepcopy
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tinygrad_edu import fast
from tinygrad_edu.errors import DerivativeError, unfit_arguments
from tinygrad_edu.graph import as_value, setting, unwrap
from tinygrad_edu.guard import guarded, ours
from tinygrad_edu.plan import Plan, by_keyword
from tinygrad_edu.recording import recording
from tinygrad_edu.watch import watchers, watching

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor  # noqa: TC004 - at run time tensor.py, built on this file, puts it here

CHANGEABLE = frozenset((list, np.ndarray))
Rule: TypeAlias = Callable[..., Any] | None


class Op:
    """A NumPy function with one vector-Jacobian rule for each operand.

    `function` computes on arrays: operands first, then static parameters (`axis`, `shape`). `forward` is a faster
    spelling of it, if there is one (`operator.mul` for `np.multiply`). The other keyword arguments are the rules, keyed
    by the operand that they differentiate; None: no gradient flows there. A rule of a variadic operand (`*xs`) may also
    ask for the operand's `index`. `implements` lists the NumPy functions that come here when given a Tensor (a ufunc
    names itself); `elementwise`: each number of the result depends on one place of each operand; `masks`: a zero in a
    gradient says that a branch was not taken; `hint` ends the error for shapes that do not fit; `kink` says what the
    rules give where there is no derivative. `beside` names what `forward` finds on its way to the result and returns
    behind it, for the rules to ask for; each with the function of operands, in ops, that it is, for higher derivatives.

    Called with a Tensor it computes and records, called with plain arrays it only computes, so that rules can use it.

    >>> cube = Op(lambda x: x**3, name="cube", x=lambda g, x: 3 * g * x**2)
    >>> cube(np.float64(2))
    np.float64(8.0)
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        forward: Callable[..., Any] | None = None,
        name: str | None = None,
        implements: Sequence[Callable[..., Any]] = (),
        elementwise: bool | None = None,
        masks: bool = False,
        hint: str = "",
        kink: str = "",
        beside: dict[str, Callable[..., Any]] | None = None,
        **rules: Rule,
    ) -> None:
        ufunc = function if isinstance(function, np.ufunc) else None
        self.masks, self.hint, self.kink, self.beside = masks, hint, kink, beside or {}
        self.name, self.__doc__ = name or function.__name__.strip("_"), function.__doc__
        self.function, self.rules = function, rules
        self.forward = guarded(forward or function, self.name, len(self.beside))
        self.elementwise = bool(ufunc and not ufunc.signature) if elementwise is None else elementwise
        if ufunc:
            positional = inspect.Parameter.POSITIONAL_ONLY
            self.signature = inspect.Signature([inspect.Parameter(name, positional) for name in rules])
        else:
            self.signature = inspect.signature(function)
        self.parameters, self.operands = tuple(self.signature.parameters), tuple(rules)
        self.static = self.parameters[len(rules) :]
        if not rules or self.parameters[: len(rules)] != self.operands or (ufunc and ufunc.nin != len(rules)):
            raise DerivativeError(
                f"{self.name}{self.signature} needs a rule, or None, for its first operands: {list(rules)}"
            )
        every = tuple(self.signature.parameters.values())
        self.variadic = every[0].kind is inspect.Parameter.VAR_POSITIONAL
        self.defaults = tuple(p.default for p in every if p.default is not p.empty)
        self.required = len(every) - len(self.defaults)
        keyword_only = tuple(p.name for p in every if p.kind is p.KEYWORD_ONLY)
        self.positional = 0 if self.variadic else len(every) - len(keyword_only)
        if keyword_only and forward is None:  # `forward` takes what `apply` is given, in order
            self.forward = partial(by_keyword, self.forward, keyword_only)
        self.plan: Callable[[tuple[bool, ...]], Plan] = cache(partial(Plan, self))  # one for each set of needs
        names = self.plan((True,) * len(rules)).names  # a rule that asks for what is not there is found at once
        self.held = {*names} - {"key"}  # static arguments that are copied, because they may be filled anew; keys are
        known = ours(function)  # what those take holds no changeable things in turn
        self.changeable, self.copied = (CHANGEABLE, copy) if known else (CHANGEABLE | {tuple, dict, set}, deepcopy)
        self.apply: Callable[..., Tensor] = fast.apply(self)
        implementations.update(dict.fromkeys((*implements, *((ufunc,) if ufunc else ())), self))

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def operand(self, index: int) -> str:
        """The name of operand number `index`."""
        return self.operands[0 if self.variadic else index]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs or self.variadic or len(args) != len(self.parameters):
            args = self.bind(args, kwargs)
        operands = args[0] if self.variadic else args[: len(self.operands)]
        for operand in operands:
            if isinstance(operand, Tensor):
                return self.apply(*args)
        values = [unwrap(o)[0] if isinstance(o, list | tuple) else o for o in operands]
        out = self.forward(*values, *self.plain(args[1 if self.variadic else len(operands) :]))
        return as_value(out[0] if self.beside else out, self.name)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Every argument in its place, defaults filled in; TypeError for arguments that the op does not take."""
        if not kwargs and self.required <= len(args) <= self.positional:
            return (*args, *self.defaults[len(args) - self.required :])
        if self.variadic and kwargs.keys() <= {*self.static}:
            return (args, *(kwargs.get(n, d) for n, d in zip(self.static, self.defaults, strict=True)))
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise unfit_arguments(self.name, self.signature, error) from None
        bound.apply_defaults()
        return tuple(bound.arguments.values())

    def plain(self, static: Sequence[Any]) -> tuple[Any, ...]:
        """Static arguments as arrays, copied where a rule reads them later; none may require grad."""
        if not any([isinstance(a, Tensor) or type(a) in self.changeable for a in static]):  # noqa: C419 - half the time
            return tuple(static)
        for name, argument in zip(self.static, static, strict=True):
            if isinstance(argument, Tensor) and argument.requires_grad and recording():
                raise DerivativeError(
                    f"{self.name} has no rule for {name!r}, which requires grad: pass {name}.detach() to take it as"
                    f" constant, or declare the op with a rule, {name}=lambda g, ...: ..."
                )
        shared = watchers and (watch := watching()) and watch.shares
        held = () if shared else self.held
        kept = [n in held and type(a) in self.changeable for n, a in zip(self.static, static, strict=True)]
        own = [self.copied(a) if keep else a for keep, a in zip(kept, static, strict=True)]
        own = [tuple(a) if n == "axis" and type(a) is list else a for n, a in zip(self.static, own, strict=True)]
        return tuple([setting(argument) if isinstance(argument, Tensor) else argument for argument in own])


implementations: dict[Callable[..., Any], Callable[..., Any]] = {}
"""NumPy function -> what it does when it is given a Tensor; filled by every `Op` and by `tinygrad_edu.ops`."""
