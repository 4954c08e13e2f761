"""What an op does when it is given Tensors: compute, and record where there is something to differentiate.

`several` does it for variadic ops, as np.stack. For the others `written_out` has the same lines, one for each operand
where `several` loops, compiled from how many there are as `collections.namedtuple` is from its fields: the hot path of
the engine. It calls nothing that can be written out: a product of two arrays of 10 takes NumPy 0.2 us, with its record
0.7 us, and 1.5 us with the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from textwrap import indent
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import failed
from tinygrad_edu.graph import SMALL, Node, as_value, constant, records, unwrap
from tinygrad_edu.mutation import tick
from tinygrad_edu.recording import recording
from tinygrad_edu.watch import watchers, watching

if TYPE_CHECKING:
    from tinygrad_edu.op import Op
    from tinygrad_edu.plan import Plan
    from tinygrad_edu.tensor import Tensor  # noqa: TC004 - at run time tensor.py, built on this file, puts it here

float64, ndarray, new = np.float64, np.ndarray, object.__new__


def apply(op: Op) -> Callable[..., Tensor]:
    """What `op` does when it is given Tensors."""
    return several(op) if op.variadic else written_out(op)


def several(op: Op) -> Callable[..., Tensor]:
    """A variadic op, of a sequence of operands and of static parameters."""
    forward = op.forward

    def apply(operands: Sequence[Any], *static: Any) -> Tensor:
        if static:
            static = op.plain(static)
        pairs = [unwrap(operand, op) for operand in operands]
        values = tuple([value for value, _ in pairs])
        try:
            out = forward(*values, *static)
            out, *beside = out if op.beside else (out,)
            out = as_value(out, op.name)
        except Exception as error:
            raise failed(op, operands, error) from error
        result, node = new(Tensor), None
        result._value = out
        needs = tuple([vertex is not None for _, vertex in pairs])
        if any(needs) and recording() and (plan := op.plan(needs)).pulls and records(out, op):
            node = Node()
            node.plan = plan
            node.operands = tuple([vertex or constant(operands[i]) for i, (_, vertex) in enumerate(pairs)])
            node.kept = plan.keep(values, *static, out, *beside)
            node.index = tick()
            node.hooks = node.name = None
            node.like = out if type(out) is float64 or out.size <= SMALL else (out.shape, out.dtype)
        result._origin = node
        if watchers and (watcher := watching()):
            watcher.applied(op, (*operands, *static), result, node)
        return result

    return apply


APPLY = f"<apply in {__file__}>"
"""The name of the file that the lines below would stand in, in a traceback."""

UNWRAP = """
    if type({x}) is Tensor:
        {x}_value, {x}_vertex = {x}._value, {x}._origin
    else:
        {x}_value, {x}_vertex = unwrap({x}, op)"""

PLAIN = """
    for argument in static:
        if type(argument) in changeable or isinstance(argument, Tensor):
            static = op.plain(static)
            break"""

CONSTANT = """
        if {x}_vertex is None:
            {x}_vertex = constant({x})"""


class Plans(dict[tuple[bool, ...], "Plan"]):
    """The plans of an op, made when they are first needed, by which operands need a gradient."""

    def __init__(self, op: Op) -> None:
        self.op = op

    def __missing__(self, needs: tuple[bool, ...]) -> Plan:
        plan = self[needs] = self.op.plan(needs)
        return plan


def written_out(op: Op) -> Callable[..., Tensor]:
    """An op of a certain number of operands, and of static parameters if it has any."""
    ruled = tuple(rule is not None for rule in op.rules.values())
    checked = not isinstance(op.function, np.ufunc)  # those give floats for floats
    closed = _compiled(ruled, bool(op.static), len(op.beside))
    apply = closed(op, op.forward, op.plan((True,) * len(ruled)), Plans(op), checked, op.changeable)
    # A copy of the code, because CPython adapts code to what it is used for: 6 % where every op has its own.
    return FunctionType(apply.__code__.replace(), globals(), op.name, None, apply.__closure__)


@cache
def _compiled(rules: tuple[bool, ...], has_static: bool, count: int) -> Callable[..., Any]:
    """The lines for ops with an operand for each of `rules`, which say whether it has one, and `count` by-products.

    Compiled once for all such ops, in a function that is given what differs.
    """
    names = [f"x{i}" for i in range(len(rules))]
    operands, values, vertices = (", ".join(name + part for name in names) + "," for part in ("", "_value", "_vertex"))
    ruled = [name for name, has_rule in zip(names, rules, strict=True) if has_rule]
    static, beside = "*static" * has_static, "".join(f", beside_{i}" for i in range(count))
    needs = "".join(f"{x}_vertex is not None, " for x in names)
    given = f"{values} {static}," if static else values
    lines = f"""
def apply({operands} {static}):{"".join(UNWRAP.format(x=x) for x in names)}{PLAIN if static else ""}
    try:
        out{beside} = forward({values} {static})
    except Exception as error:
        raise failed(op, ({operands}), error) from error
    if type(out) is not float64 and type(out) is not ndarray:
        out = as_value(out, op.name)
    result = new(Tensor)
    result._value = out
    if (
        ({" and ".join(f"{x}_vertex is None" for x in ruled) or True})
        or not recording()
        or (checked and out.dtype.kind != "f" and not records(out, op))
    ):
        result._origin = None
        if watchers and (watcher := watching()):
            watcher.applied(op, ({operands} {static}), result, None)
        return result
    plan = full
    if {" or ".join(f"{x}_vertex is None" for x in names)}:
        plan = plans[{needs}]{"".join(CONSTANT.format(x=x) for x in names)}
    result._origin = node = Node()
    node.plan = plan
    node.operands = ({vertices})
    node.kept = ({values} {static}) if plan.whole else plan.keep({given} out{beside}) if plan.names else ()
    node.index = tick()
    node.hooks = node.name = None
    node.like = out if type(out) is float64 or out.size <= SMALL else (out.shape, out.dtype)
    if watchers and (watcher := watching()):
        watcher.applied(op, ({operands} {static}), result, node)
    return result
"""
    source = f"def closed(op, forward, full, plans, checked, changeable):{indent(lines, '    ')}    return apply"
    made: dict[str, Callable[..., Any]] = {}
    exec(compile(source, APPLY, "exec"), globals(), made)  # noqa: S102 - the lines above
    return made["closed"]
