"""A derivative in words, for ops whose derivative is not one number a place: products of matrices, sums, reshapes."""

import ast
import inspect
import re
from functools import cache
from types import FunctionType
from typing import cast

from tinygrad_edu.autograd import Step
from tinygrad_edu.graph import Vertex

WORDS = {
    "getitem": "g at the place that was read, 0 elsewhere",
    "stack": "the slice of g that this operand became",
    "concatenate": "the part of g that this operand became",
    "sum": "g for every number that was summed",
    "mean": "g / n for each of the n numbers",
    "max": "g for the largest number, shared among equals, 0 elsewhere",
    "min": "g for the smallest number, shared among equals, 0 elsewhere",
    "transpose": "g with its axes put back",
    "broadcast_to": "g",
}
"""What a reader who does not know NumPy's names understands better than the code of the rule."""


def rule_text(step: Step, names: dict[Vertex, str], arriving: str) -> str:
    """How the step makes its gradient of what arrives: in words, or else by the rule's own docstring or source."""
    node, operands = step.node, step.node.op.operands
    text = (
        WORDS.get(node.op.name)
        or _product(step)
        or _own_words(cast("FunctionType", node.op.rules[node.op.operand(step.index)]))
    )
    spoken = {} if node.op.variadic else {name: names[v] for name, v in zip(operands, node.inputs, strict=True)}
    spoken["g"] = arriving
    return re.sub(r"\b(\w+)\b", lambda match: spoken.get(match[1], match[1]), text)


def _product(step: Step) -> str:
    """The rule of a matrix product, for the shapes at hand."""
    if step.node.op.name not in ("matmul", "dot") or len(step.node.op.operands) != 2:
        return ""
    x, y = step.node.op.operands
    left, right = step.node.inputs
    axes = (len(left.shape), len(right.shape))
    if max(axes) > 2 or min(axes) == 0:
        return ""
    if step.index == 0:
        return {(1, 1): f"g * {y}", (2, 1): f"outer(g, {y})"}.get(axes, f"g @ {y}.T")
    return {(1, 1): f"g * {x}", (1, 2): f"outer({x}, g)"}.get(axes, f"{x}.T @ g")


@cache
def _own_words(rule: FunctionType) -> str:
    """The first clause of the rule's docstring, or the expression of a lambda."""
    documented = inspect.getdoc(rule)
    if documented:
        return documented.partition("\n")[0].partition(";")[0].rstrip(".")
    code = rule.__code__
    try:
        lines, _ = inspect.findsource(code)
    except OSError:  # typed at a prompt
        return "by the rule of the op"
    lambdas = [
        found
        for found in ast.walk(ast.parse("".join(lines)))
        if isinstance(found, ast.Lambda)
        and found.lineno == code.co_firstlineno
        and [argument.arg for argument in found.args.args] == list(code.co_varnames[: code.co_argcount])
    ]
    return ast.unparse(lambdas[0].body) if len(lambdas) == 1 else "by the rule of the op"
