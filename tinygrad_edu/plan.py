"""What an op keeps for its rules and how the rules are called with it, found once from their parameters' names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import DerivativeError
from tinygrad_edu.glance import surely
from tinygrad_edu.guard import guarded_rule
from tinygrad_edu.places import Part

if TYPE_CHECKING:
    from tinygrad_edu.op import Op


RULES = f"<rules in {__file__}>"
"""The name of the file that the calls of rules would stand in, so that a stack tells where one runs."""


class Plan:
    """What an op keeps and how it goes backward when the operands marked in `needs` want a gradient."""

    def __init__(self, op: Op, needs: Sequence[bool]) -> None:
        self.op, self.masks = op, op.masks
        for name, rule in op.rules.items():
            first = "g" if rule is None else next(iter(inspect.signature(rule).parameters), "")
            if first != "g" and (not first or first in (*op.parameters, "out")):
                raise DerivativeError(
                    f"the rule of {op.name} for {name!r} takes g, the gradient that arrives at the result, first: write"
                    f" {name}=lambda g, ...: g * ..., with the derivative for the dots"
                )
        asked = {
            i: list(inspect.signature(rule).parameters)[1:]
            for i, need in enumerate(needs)
            if need and (rule := op.rules[op.operand(i)]) is not None
        }
        every = {name for names in asked.values() for name in names} - {"index"}
        self.beside = {n: list(inspect.signature(op.beside[n]).parameters) for n in op.beside if n in every}
        every.update(*self.beside.values())
        sources = {n: n for n in (*op.parameters, "out", *op.beside)} | {
            f"{n}_shape": f"shape_of({n})" for n in op.operands
        }
        if unknown := every - set(sources):
            raise DerivativeError(f"a rule of {op.name} asks for {sorted(unknown)}; it may name {', '.join(sources)}")
        self.names = tuple(name for name in sources if name in every)
        # Compiled from the names, as collections.namedtuple is, to `lambda x, y, out: (x, y)` and
        # `lambda g, kept: rule(g, kept[1])`: 34 and 52 ns where itemgetter and star arguments take 55 and 97.
        made = "".join(f"{sources[name]}, " for name in self.names)
        source = f"lambda {', '.join((*op.parameters, 'out', *op.beside))}: ({made})"
        self.keep: Callable[..., tuple[Any, ...]] = _compiled(source, {"shape_of": _shapes if op.variadic else _shape})
        self.whole = self.names == op.parameters  # then it keeps all that it was given, which needs no call
        self.calls = {i: (self._rule(i), names) for i, names in asked.items()}  # with what they are given behind g
        self.pulls = tuple((i, self._pull(i)) for i in asked)

    def masking(self, kept: tuple[Any, ...]) -> bool:
        """Whether a node of an op that masks does: a reduction only if its `where` leaves numbers out."""
        return "where" not in self.names or kept[self.names.index("where")] is not True

    def _rule(self, index: int) -> Callable[..., Any]:
        operand = self.op.operand(index)
        rule = self.op.rules[operand]
        assert rule is not None  # it was asked for
        return guarded_rule(rule, self.op.name, operand)

    def _pull(self, index: int) -> Callable[[Any, tuple[Any, ...]], Any]:
        rule, asked = self.calls[index]
        saved = [n if n == "index" else f"kept[{self.names.index(n)}]" for n in asked]
        return _compiled(f"lambda g, kept: rule({', '.join(['g', *saved])})", {"rule": rule, "index": index})


def _compiled(source: str, names: dict[str, Any]) -> Callable[..., Any]:
    function: Callable[..., Any] = eval(compile(source, RULES, "eval"), names)  # noqa: S307 - of names
    return function


def by_keyword(function: Callable[..., Any], names: tuple[str, ...], *args: Any) -> Any:
    """`function` with its last arguments, which it takes by keyword only, given in order."""
    return function(*args[: -len(names)], **dict(zip(names, args[-len(names) :], strict=True)))


def _shape(operand: Any) -> tuple[int, ...]:
    return getattr(operand, "shape", ())  # () for a Python number; a third of the time of np.shape


def _shapes(operands: Sequence[Any]) -> tuple[tuple[int, ...], ...]:
    return tuple([_shape(operand) for operand in operands])


def pull_carefully(pull: Callable[..., Any], g: Any, kept: tuple[Any, ...]) -> Any:
    """`pull` below a `where`: a gradient of 0 says "not taken" there, and 0 times infinity is 0.

    Number by number, that is: a product of matrices mixes places, and an infinity in a branch not taken stays there.
    """
    with np.errstate(all="ignore"):
        handed = pull(g, kept)
    if isinstance(handed, Part) or np.shape(handed) != g.shape or surely(np.isfinite(handed)):
        return handed
    return np.where((g == 0) & ~np.isfinite(handed), g, handed)
