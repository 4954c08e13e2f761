"""The frames of the stepper: what is told, and lit, one after the other, forward through values, then backward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np

from tinygrad_edu.graph import Leaf, Node, Vertex
from viz.boxes import Box
from viz.chain import ChainRule, Equation
from viz.labels import formula
from viz.numbers import shown
from viz.steps import Backward, Trace

LONGEST_LINE = 90
"""Characters of a line of arithmetic; longer ones are told in words."""
MOST_LINES = 12
"""A box of many ops tells the first of them."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the film: a `headline`, `lines` of words, `equations`, and what is lit.

    `phase` is given, forward, seed, backward or done. `arrays` are shown as maps, each with what it is. `arrows` are
    the steps (numbers into the trace) whose contributions flow in this frame.
    """

    phase: str
    headline: str
    lines: tuple[str, ...] = ()
    equations: tuple[Equation, ...] = ()
    boxes: tuple[str, ...] = ()
    steps: tuple[int, ...] = ()
    arrays: tuple[tuple[str, Any], ...] = field(default=())

    @property
    def said(self) -> str:
        """The frame in one breath, for who listens."""
        return " ".join([f"{self.headline}.", *(f"{line}." for line in self.lines)])


def frames(trace: Trace, boxes: Sequence[Box], rule: ChainRule) -> list[Frame]:
    """The inputs, every box in the order it was computed, the gradient 1 of the result, every step back, the end."""
    home = {vertex: box for box in boxes for vertex in box.vertices}
    given = [box for box in boxes if not box.nodes]
    told = [(box.title, _value(trace, box.result)) for box in given]
    inputs = [f"{title} = {value}" for title, value in told if title != value]  # a plain number is its own name
    known = [f"d {trace.root}/d {name} = {shown(value)}" for name, value in trace.gradients.items()]
    film = [
        Frame(
            "given",
            "The inputs are given",
            _few(inputs, len(inputs)),
            boxes=tuple(box.id for box in given),
        )
    ]
    film += [_forward(trace, box) for box in boxes if box.nodes]
    end = next(vertex for vertex, name in trace.names.items() if name == trace.root)
    film.append(
        Frame(
            "seed",
            f"Now backward: d {trace.root}/d {trace.root} = 1",
            (f"{trace.root} changes as much as {trace.root} does, so the gradient that starts the way back is 1",),
            boxes=(home[end].id,),
        )
    )
    for _, group in groupby(range(len(trace.steps)), key=lambda i: _together(home[trace.steps[i].node], i)):
        film.append(_backward(trace, list(group), rule, home))
    film.append(
        Frame(
            "done",
            "All gradients are known",
            (
                *_few(known, len(known)),
                f"Add a small h to an input, and {trace.root} changes by about its gradient times h",
            ),
            boxes=tuple(box.id for box in given if isinstance(box.result, Leaf) and box.result in trace.by_vertex),
        )
    )
    return film


def _together(box: Box, step: int) -> tuple[str, int]:
    """Steps with the same key are one frame: all of a box of several ops, else each by itself."""
    return (box.id, -1) if len(box.nodes) > 1 else (box.id, step)


def _called(box: Box) -> str:
    """A module of which the name is a number also by its class: `2 (Linear)`."""
    kind = box.subtitle.partition(",")[0]
    return f"{box.title} ({kind})" if box.kind == "module" and box.title[:1].isdigit() else box.title


def _few(lines: Sequence[str], of: int) -> tuple[str, ...]:
    """The first lines, and how many there are beside them."""
    shown_lines = lines[:MOST_LINES]
    return (*shown_lines, f"and {of - len(shown_lines):,} more") if of > len(shown_lines) else tuple(lines)


def _value(trace: Trace, vertex: Vertex) -> str:
    return shown(trace.values.get(vertex), vertex.shape)


def _forward(trace: Trace, box: Box) -> Frame:
    made = [_computed(trace, node) for node in box.nodes[:MOST_LINES]]
    arrays = [(trace.names[node], trace.values.get(node)) for node in box.nodes[-3:]]
    if len(box.nodes) == 1 and box.kind != "module":
        (node,) = box.nodes
        arrays = [(trace.names[v], trace.values.get(v)) for v in dict.fromkeys(node.inputs)] + arrays
        return Frame("forward", made[0], _broadcasts(node, trace.names), (), (box.id,), (), tuple(arrays))
    headline = f"{_called(box)} computes {trace.names[box.result]}"
    return Frame("forward", headline, _few(made, len(box.nodes)), (), (box.id,), (), tuple(arrays))


def _computed(trace: Trace, node: Node) -> str:
    """`p = a * b = 2 * -3 = -6`: the formula in names, in numbers where all are single numbers, and the value."""
    said = [trace.names[node], formula(node, trace.names)]
    single = [trace.values.get(vertex) for vertex in node.inputs]
    if all(value is not None and np.ndim(value) == 0 for value in single):
        numbers = formula(node, {v: shown(value) for v, value in zip(node.inputs, single, strict=True)})
        said += [numbers] if numbers != said[1] else []
    return " = ".join([*said, _value(trace, node)])


def _broadcasts(node: Node, names: Mapping[Vertex, str]) -> tuple[str, ...]:
    """What broadcasting stretches on the way forward."""
    if not node.op.elementwise:
        return ()
    narrow = {v: v.shape for v in node.inputs if v.shape != node.shape and v.shape}
    return tuple(f"{names[v]} is stretched from {shape} to {node.shape}" for v, shape in narrow.items())


def _backward(trace: Trace, steps: Sequence[int], rule: ChainRule, home: Mapping[Vertex, Box]) -> Frame:
    rows = [trace.backward[i] for i in steps]
    told = tuple(equation for i in steps[:MOST_LINES] for equation in rule.at(i))
    box = home[trace.steps[steps[0]].node]
    reached = dict.fromkeys(home[trace.steps[i].node.inputs[trace.steps[i].index]].id for i in steps)
    lit = tuple(dict.fromkeys([box.id, *reached]))
    if len(box.nodes) > 1:
        inputs = dict.fromkeys(row.input for row in rows)
        lines = [f"d {trace.root}/d {row.input} so far: {row.accumulated}" for row in rows[:MOST_LINES]]
        headline = f"Back from {_called(box)} to {', '.join(list(inputs)[:MOST_LINES])}"
        return Frame("backward", headline, _few(lines, len(rows)), told, lit, tuple(steps))
    (row,) = rows
    headline = f"Back from {row.node} to {row.input}"
    return Frame("backward", headline, _handed(row), told, lit, tuple(steps), _arrays(row))


def _handed(row: Backward) -> tuple[str, ...]:
    """A step in words: its arithmetic, or where that would be a long row of figures, what is done with the arrays."""
    lines = [f"{row.arithmetic} arrives at {row.input}"]
    if len(lines[0]) > LONGEST_LINE:
        made = "times the local derivative at its place, " if row.local is not None else "by the rule of the op, "
        lines = [f"Each number that arrives at {row.node}, {made}is handed on to {row.input}"]
        if row.local is None:
            lines = [f"{row.node} hands on to {row.input}: {row.rule}"]
    wide, narrow = np.shape(row.handed), np.shape(row.contribution)
    if wide != narrow:
        lines.append(
            f"Forward {row.input} was stretched from {narrow} to {wide}, so backward {wide} is summed to {narrow}"
        )
    if row.before is not None:
        added = f": {row.accumulated}" if len(row.accumulated) <= LONGEST_LINE else ""
        lines.append(f"It is added to what came along another path{added}")
    return tuple(lines)


def _arrays(row: Backward) -> tuple[tuple[str, Any], ...]:
    """The arrays of a step, in the order of the reckoning."""
    shown_arrays = [("what arrives", row.upstream), ("local derivative", row.local), ("handed on", row.handed)]
    if np.shape(row.handed) != np.shape(row.contribution):
        shown_arrays.append(("summed", row.contribution))
    if row.before is not None:
        shown_arrays += [("so far", row.before), ("together", row.after)]
    return tuple((what, value) for what, value in shown_arrays if value is not None)
