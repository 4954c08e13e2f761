"""What a click on a box tells: how a value was made, and its gradient as the sum over all paths to the result."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from tinygrad_edu.graph import Node, Vertex
from viz.boxes import Box
from viz.chain import ChainRule
from viz.formulas import Math, Row, Sign, grouped, numbers
from viz.labels import formula, printable
from viz.markup import equation, figures
from viz.mathml import math
from viz.numbers import shown
from viz.paths import MOST_PATHS, count, paths
from viz.steps import Trace

MOST_VALUES = 12
"""A box of many values tells the last of them."""
MOST_STEPS = 200
"""Paths are followed in graphs of so many steps; in larger ones they are counted."""


def details(trace: Trace, boxes: Sequence[Box], rule: ChainRule) -> str:
    """A section of HTML for each box."""
    told = _Told(trace, rule, count(trace.steps))
    return "\n".join(told.box(box) for box in boxes)


@dataclass(frozen=True, slots=True)
class _Told:
    """A trace, and what is looked up in it again and again."""

    trace: Trace
    rule: ChainRule
    ways: dict[Vertex, int]

    def box(self, box: Box) -> str:
        inner = [vertex for vertex in box.vertices if not isinstance(vertex, Node) and vertex.requires_grad]
        told = [box.result, *reversed(inner)] if box.nodes else [box.result]
        named = len(told) > 1 or box.kind in ("module", "run")
        said = f"<p>{escape(box.subtitle)}.</p>" if named else ""
        return (
            f'<section class="about" data-about="{box.id}"><h3>{escape(printable(box.title))}</h3>{said}'
            f"{''.join(self.vertex(vertex, named) for vertex in told[:MOST_VALUES])}</section>"
        )

    def vertex(self, vertex: Vertex, named: bool) -> str:
        trace, name = self.trace, self.trace.names[vertex]
        made = formula(vertex, trace.names) if isinstance(vertex, Node) else "given"
        value, gradient = trace.values.get(vertex), trace.by_vertex.get(vertex)
        said = "no gradient is computed for it" if gradient is None else shown(gradient)
        arrived = self.rule.arrived.get(vertex, [])
        parts = [f"<h4>{escape(name)}</h4>"] if named else []
        parts.append(
            f"<dl><dt>made by</dt><dd>{escape(made)}</dd>"
            f"<dt>value</dt><dd>{escape(shown(value, vertex.shape))}</dd>"
            f"<dt>d {escape(trace.root)}/d {escape(name)}</dt><dd>{escape(said)}</dd></dl>"
        )
        parts.append(figures([("value", value), ("gradient", gradient)]))
        if len(arrived) > 1:
            parts.append(
                f"<p>It is used {len(arrived):,} times, and what comes back along every arrow is added up:</p>"
            )
        told = dict.fromkeys((*arrived[: MOST_PATHS - 1], *arrived[-1:]))  # the last one has the sum
        parts += [equation(made) for i in told for made in self.rule.at(i)]
        return "".join([*parts, self.paths(vertex, len(arrived))])

    def paths(self, vertex: Vertex, arrows: int) -> str:
        """The sum over all paths, where there are more of them than arrows, but not too many to be read."""
        ways, trace = self.ways.get(vertex, 0), self.trace
        if ways <= max(arrows, 1):
            return ""
        many = f"{ways:,}" if ways < 1e15 else f"{float(ways):.0e}" if ways < 1e300 else "More than 1e+300"
        said = f"<p>{many} paths lead from it to {escape(trace.root)}; its gradient is the sum over all of them"
        found = paths(vertex, trace.steps) if ways <= MOST_PATHS and len(trace.steps) <= MOST_STEPS else []
        rows = []
        for path in found:
            way = " → ".join(escape(trace.names[v]) for v in path.vertices)
            sides = (_product(path.factors), numbers(path.product))
            rows.append(f"<li><span>{way}</span> {math(sides if len(path.factors) > 1 else sides[1:])}</li>")
        return f'{said}:</p><ul class="paths">{"".join(rows)}</ul>' if rows else f"{said}.</p>"


def _product(factors: Sequence[Any]) -> Math:
    parts: list[Math] = []
    for factor in factors:
        parts += [Sign("·"), grouped(numbers(factor))]
    return Row(tuple(parts[1:]))
