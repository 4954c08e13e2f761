"""Which line of a wrong program is wrong, by which of its operands, and which edges of the graph those are."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.autograd import ancestors
from tinygrad_edu.graph import Node
from tinygrad_edu.mutation import tick
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.testing.corners import has_corner
from tinygrad_edu.testing.gradcheck import gradcheck, gradgradcheck
from tinygrad_edu.testing.program import Program, is_floats, names_in
from tinygrad_edu.testing.report import Finding
from tinygrad_edu.testing.rows import CORNER

if TYPE_CHECKING:
    from tinygrad_edu.testing.verdict import Verdict

__all__ = ["blame"]


def blame(verdict: Verdict) -> None:
    """Check each line alone, at the numbers it had, and find its edges in the graph."""
    program = verdict.program
    values: dict[str, Any] = dict(program.inputs)
    tensors: dict[str, Any] = {n: Tensor(v, requires_grad=True, name=n) for n, v in program.inputs.items()}
    at_kink = ""
    for place, (target, code) in enumerate(program.lines):
        follow = program.lines[place + 1 : place + 2]
        block = [(target, code), *(line for line in follow if not line[0].isidentifier())]
        names = [n for n, v in values.items() if is_floats(v) and n in names_in(*(c for _, c in block))]
        finding = _alone(program, block, names, values) if target.isidentifier() and names else None
        if finding is not None and finding.kind == "kink":
            at_kink = at_kink or f"{target} = {code} is at a kink: {finding}"
        elif finding is not None:
            verdict.blamed = f"the wrong line is {target} = {code}, by {finding.input}: {finding}"
            verdict.root, verdict.wrong_edges = _edges(program, tensors, place, finding.input)
            return
        space = dict(program.space) | values
        exec(f"{target} = {code}", space)  # noqa: S102 - a line that recipes wrote
        if target.isidentifier():
            values[target] = space[target]
    if at_kink:  # every line is right by itself; as |x| in |x|**2, one has no derivative here and the whole has
        verdict.kind, verdict.said = "kink", at_kink


def _alone(program: Program, block: list[tuple[str, str]], names: list[str], values: dict[str, Any]) -> Finding | None:
    """What is wrong with one line (and the item assignments to its result) by itself."""
    if any(re.search(r"cholesky|eigh|eigvalsh|hermitian|out=.*where=|where=.*out=", code) for _, code in block):
        return None  # what reads half of a matrix is differentiated as if both halves were the same
    block = [(target, re.sub(r", out=\w+", "", code)) for target, code in block]  # it is no input of the line
    block = [(target, re.sub(r"^(\w+)\.__i", r"np.copy(\1).__i", code)) for target, code in block]  # nor a leaf
    rest = {n: v for n, v in values.items() if n not in names}
    block, sources = _apart(block, names)
    inputs = {name: np.asarray(values[source]) for name, source in sources.items()}
    single = Program(inputs, block, {**program.space, **rest}, block[0][1])
    if not single.results:
        return _jump(single)
    for check in (gradcheck, gradgradcheck):
        try:
            report = check(single, *single.inputs.values())
        except Exception as error:
            return Finding("impure", names[0], message=f"{type(error).__name__}: {error}")
        if report.wrong:
            return replace(report.wrong[0], input=sources.get(report.wrong[0].input, names[0]))
        if report.kinks:
            return report.kinks[0]  # there the second derivative says nothing
    return Finding("kink", names[0], message=CORNER) if has_corner(single, *inputs.values()) else None


def _jump(line: Program) -> Finding | None:
    """A comparison, an order, or one of several results that is another when the inputs move a little: a kink."""
    inputs = list(line.inputs.values())
    here = _parts(line.run(*inputs)[line.lines[0][0]])
    for turn in range(4):
        moved = [
            x + 1e-7 * np.cos(np.arange(x.size) * (turn + 1.0) + turn + i).reshape(x.shape)
            for i, x in enumerate(inputs)
        ]
        there = _parts(line.run(*moved)[line.lines[0][0]])
        if len(here) != len(there) or not all(map(_close, here, there)):
            said = "it comes out otherwise when its inputs move a little"
            return Finding("kink", next(iter(line.inputs)), message=said)
    return None


def _parts(value: Any) -> list[Any]:
    every = value if isinstance(value, tuple | list) else [value]
    return [part for part in every if isinstance(part, np.ndarray | np.generic)]


def _close(here: Any, there: Any) -> bool:
    if here.shape != there.shape or here.dtype.kind != "f":
        return np.array_equal(here, there)
    return np.allclose(here, there, 1e-3, 1e-3, equal_nan=True)


def _apart(lines: list[tuple[str, str]], names: list[str]) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """The lines with every use of a name as a name of its own, and what those stand for: x * x is a product of two."""
    sources: dict[str, str] = {}

    def renamed(found: re.Match[str]) -> str:
        if found[0] not in names:
            return found[0]
        name = f"{found[0]}_{list(sources.values()).count(found[0])}"
        sources[name] = found[0]
        return name

    return [(target, re.sub(r"(?<![.\w])[A-Za-z_]\w*", renamed, code)) for target, code in lines], sources


def _edges(program: Program, tensors: dict[str, Any], place: int, operand: str) -> tuple[Tensor | None, list[Any]]:
    """The graph of the whole program, and the edges on which the line hands something to the operand."""
    space = dict(program.space) | tensors
    born = (0, 0)
    edges: list[tuple[Node, int]] = []
    try:
        for i, (target, code) in enumerate(program.lines):
            before = tick()
            origin = getattr(space.get(operand), "_origin", None)
            exec(f"{target} = {code}", space)  # noqa: S102 - a line that recipes wrote
            if i == place:
                born = (before, tick())
                wanted = origin
            if target.isidentifier() and isinstance(space[target], Tensor):
                space[target].name = target
        root = eval(program.loss, space)  # noqa: S307 - see above
    except Exception:
        return None, []
    for node in ancestors(root):
        if born[0] < node.index < born[1]:
            edges += [(node, k) for k, vertex in enumerate(node.inputs) if vertex is wanted]
    return root, edges
