"""A derivative in words, for ops whose derivative is not one number a place: products of matrices, sums, reshapes."""

import re

from tinygrad_edu import rules
from tinygrad_edu.autograd import Step
from tinygrad_edu.graph import Vertex

WORDS = {  # by the op, or by op and operand
    "getitem": "g at the place that was read, 0 elsewhere",
    "stack": "the slice of g that this operand became",
    "concatenate": "the part of g that this operand became",
    "sum": "g for every number that was summed",
    "mean": "g / n for each of the n numbers",
    "max": "g for the largest number, shared among equals, 0 elsewhere",
    "min": "g for the smallest number, shared among equals, 0 elsewhere",
    "transpose": "g with its axes put back",
    "swapaxes": "g with its axes put back",
    "broadcast_to": "g",
    "setitem.x": "g, but 0 at the place that was written",
    "setitem.value": "g at the place that was written",
    "max_pool": "g at the largest number of each window, 0 elsewhere",
    "einsum": "g times the other operands, summed over the axes that this one does not have",
    "flip": "g turned back",
    "roll": "g rolled back",
    "sort": "g with each number back at the place it came from",
}
"""What a reader who does not know NumPy's names understands better than the code of the rule."""

FORMULAS = {
    "sigmoid": {"x": "g * (out * (1 - out))"},
    "power": {"x": "g * (y * x ** (y - 1))", "y": "g * (out * log(x))"},
    "sqrt": {"x": "g / (2 * out)"},
    "square": {"x": "g * (2 * x)"},
}
"""Rules as the formula of the textbooks, where their code says more: what to do at 0, or how to lose no digits."""


def formula_text(step: Step) -> str | None:
    """The rule as a Python expression of `g`, the operands and `out`; None where it is told in words."""
    op, operand = step.node.op, step.node.op.operand(step.index)
    product = _product(step) or _layer(step)
    if product:
        return product
    if _words(step):
        return None
    return FORMULAS.get(op.name, {}).get(operand) or rules.rule_text(op, operand)


def rule_text(step: Step, names: dict[Vertex, str], arriving: str) -> str:
    """How the step makes its gradient of what arrives: in words, or else by the rule's own docstring or source."""
    node, operands = step.node, step.node.op.operands
    text = _words(step) or _product(step) or _layer(step) or rules.rule_text(node.op, node.op.operand(step.index))
    spoken = {} if node.op.variadic else {name: names[v] for name, v in zip(operands, node.inputs, strict=True)}
    spoken["g"] = arriving
    return re.sub(r"\b(\w+)\b", lambda match: spoken.get(match[1], match[1]), text)


def _words(step: Step) -> str | None:
    op = step.node.op
    return WORDS.get(op.name) or WORDS.get(f"{op.name}.{op.operand(step.index)}")


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


def _layer(step: Step) -> str:
    """The rule of a linear layer, x @ weight.T + bias, on rows of samples."""
    if step.node.op.name != "linear" or len(step.node.inputs[0].shape) != 2:
        return ""
    return ("g @ weight", "g.T @ x", "")[step.index]
