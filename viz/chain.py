"""The chain rule, an equation for every step of the backward pass, and one more where several paths add up."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.autograd import Step
from tinygrad_edu.graph import Node, Vertex
from viz.formulas import (
    Math,
    Name,
    Number,
    Operand,
    Row,
    Sign,
    Total,
    Words,
    derivative,
    grouped,
    negative,
    numbers,
    parsed,
    product,
    symbol,
)
from viz.labels import formula
from viz.numbers import MOST, short
from viz.rules import formula_text, rule_text
from viz.walk import host

MOST_TERMS = 6
"""A sum of more terms is written with dots."""


@dataclass(frozen=True, slots=True)
class Equation:
    """What is equal: `sides[0] = sides[1] = ...`; `total` says that it adds up what came along several paths."""

    sides: tuple[Math, ...]
    total: bool = False


class ChainRule:
    """The equations of a backward pass, made when somebody reads them."""

    def __init__(self, steps: Sequence[Step], names: Mapping[Vertex, str]) -> None:
        self.steps, self.names = steps, names
        self.arrived: dict[Vertex, list[int]] = {}
        for i, step in enumerate(steps):
            self.arrived.setdefault(step.node.inputs[step.index], []).append(i)

    def at(self, i: int) -> list[Equation]:
        """The equation of step `i`; behind the last of several paths to a value also the one that adds them up."""
        step, root = self.steps[i], self.steps[0].node
        arrived = self.arrived[step.node.inputs[step.index]]
        found = [Equation(_sides(step, self.names, root, len(arrived) == 1))]
        if i == arrived[-1] and len(arrived) > 1:
            found.append(Equation(_total([self.steps[j] for j in arrived], self.names, root), total=True))
        return found

    def all(self) -> list[Equation]:
        """Every equation, in the order of the steps."""
        return [equation for i in range(len(self.steps)) for equation in self.at(i)]


def term(step: Step, names: Mapping[Vertex, str], root: Node) -> Math:
    """What one step adds to the gradient of its input, in derivatives: that of the root by the node, times one more."""
    operand = _operand(step, names)
    if step.node is root:
        return derivative(_made(step.node, names), operand)
    local = derivative(_variable(step.node, names), operand)
    arriving = derivative(_variable(root, names), _variable(step.node, names))
    return product(arriving, local, "⊙" if np.ndim(step.upstream) else "·")


def _sides(step: Step, names: Mapping[Vertex, str], root: Node, alone: bool) -> tuple[Math, ...]:
    """The equation of one step; the gradient itself stands first only where nothing else is added to it."""
    vertex = step.node.inputs[step.index]
    sides: list[Math] = [derivative(_variable(root, names), _variable(vertex, names))] if alone else []
    summed = _summed_axes(np.shape(step.handed), np.shape(step.contribution))
    made: list[Math] = []
    if step.local is not None:
        made += [term(step, names, root)] if step.node is not root or not alone else []
        made += _spelled(step, step.local, names, root)
    else:
        arriving = Number("1") if step.node is root else derivative(_variable(root, names), _variable(step.node, names))
        made.append(_rule(step, names, arriving))
        if not alone:
            sides.append(term(step, names, root))
    if summed:
        made = [Row((Total(summed), grouped(side))) for side in made]
    sides += [side for side in made if side not in sides]
    result = numbers(host(step.contribution))
    return (*sides, result) if result != sides[-1] else tuple(sides)


def _spelled(step: Step, slope: Any, names: Mapping[Vertex, str], root: Node) -> list[Math]:
    """The product with the local derivative written out, then in numbers where that says more."""
    arrays = np.ndim(step.upstream) > 0 or np.ndim(slope) > 0
    sign = "⊙" if arrays else "·"
    first = step.node is root and not arrays  # what arrives is 1, and is not said
    arriving = derivative(_variable(root, names), _variable(step.node, names))
    upstream, local = (numbers(host(part)) for part in (step.upstream, slope))
    said: list[Math] = []
    text = formula_text(step)
    if text is not None:
        given: Math = arriving if arrays else upstream
        written = {"g": Number("1"), "-g": Number("-1")}.get(text)
        if written is not None and arrays:
            spelled: Math | None = given if text == "g" else negative(given)
        elif written is not None:
            spelled = written if first else product(given, written)
        elif first:
            spelled = parsed(text.removeprefix("g * "), _meanings(step, names, given), sign)
        else:
            spelled = parsed(text, _meanings(step, names, given), sign)
        if spelled is not None:
            said.append(spelled)
        if written is not None or text in ("g * x", "g * y"):
            return said if not arrays or written is not None else [*said, *_in_numbers(upstream, local, sign)]
    return [*said, *(_in_numbers(upstream, local, sign) if not first else [])]


def _in_numbers(upstream: Math, local: Math, sign: str) -> list[Math]:
    """The product in numbers, unless there are too many."""
    return [] if isinstance(upstream, Words) or isinstance(local, Words) else [product(upstream, local, sign)]


def _rule(step: Step, names: Mapping[Vertex, str], arriving: Math) -> Math:
    """What a rule that is no number a place does, as a formula where it is one, else in words."""
    text = formula_text(step)
    found = None if text is None else parsed(text, _meanings(step, names, arriving), "⊙")
    if found is not None:
        return found
    words = re.split(r"\bg\b", rule_text(step, dict(names), "g"))
    return Row(tuple(part for text in words for part in (arriving, Words(text.strip())) if part != Words(""))[1:])


def _total(arrived: Sequence[Step], names: Mapping[Vertex, str], root: Node) -> tuple[Math, ...]:
    """The gradient as the sum of what came along every path: in derivatives, in numbers, and what they add up to."""
    vertex = arrived[0].node.inputs[arrived[0].index]
    terms = [term(step, names, root) for step in arrived]
    added = [numbers(host(step.contribution)) for step in arrived]
    sides = [derivative(_variable(root, names), _variable(vertex, names)), _sum(terms)]
    if np.size(arrived[0].contribution) <= MOST:
        sides.append(_sum(added))
    return (*sides, numbers(host(arrived[-1].accumulated)))


def _sum(terms: Sequence[Math]) -> Math:
    shown = [*terms[: MOST_TERMS - 1], Sign("…"), terms[-1]] if len(terms) > MOST_TERMS else list(terms)
    parts: list[Math] = [shown[0]]
    for one in shown[1:]:
        negative = isinstance(one, Number) and one.text.startswith("-")
        parts += [Sign("+"), grouped(one) if negative else one]
    return Row(tuple(parts))


def _meanings(step: Step, names: Mapping[Vertex, str], arriving: Math) -> dict[str, Math]:
    """What the names in a rule stand for: the operands, the result, what arrives, and settings that are numbers."""
    node = step.node
    meanings: dict[str, Math] = {
        name: Number(short(value)) for name, value in node.saved.items() if isinstance(value, int | float)
    }
    if not node.op.variadic:
        meanings |= {name: symbol(names[v]) for name, v in zip(node.op.operands, node.inputs, strict=True)}
    return meanings | {"out": _variable(node, names), "g": arriving}


def _variable(vertex: Vertex, names: Mapping[Vertex, str]) -> Name:
    return Name(names[vertex])


def _made(node: Node, names: Mapping[Vertex, str]) -> Math:
    """What the node computes, in the names of its inputs: `p + a`."""
    stands = {f"x{i}": symbol(names[v]) for i, v in enumerate(node.inputs)}
    called = dict(zip(dict.fromkeys(node.inputs), stands, strict=False))
    found = parsed(formula(node, called), {called[v]: symbol(names[v]) for v in node.inputs})
    return _variable(node, names) if found is None else Row((Sign("("), found, Sign(")")))


def _operand(step: Step, names: Mapping[Vertex, str]) -> Name | Operand:
    """The input of a step, with a number where the op takes it more than once."""
    vertex = step.node.inputs[step.index]
    name = _variable(vertex, names)
    places = [i for i, other in enumerate(step.node.inputs) if other is vertex]
    return Operand(name, places.index(step.index) + 1) if len(places) > 1 else name


def _summed_axes(wide: tuple[int, ...], narrow: tuple[int, ...]) -> tuple[int, ...]:
    """The axes over which broadcasting copied, and over which the way back adds up."""
    extra = len(wide) - len(narrow)
    if wide == narrow or extra < 0:
        return ()
    return (*range(extra), *(extra + i for i, n in enumerate(narrow) if n != wide[extra + i]))
