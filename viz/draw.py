"""How one record looks: the box of a value, of an op or of a closed module, and the arrow between two."""

import textwrap
from collections.abc import Sequence
from typing import Any

import graphviz
import numpy as np

from viz.cells import colored, lines, pair, row, table
from viz.labels import printable
from viz.model import Block, Edge, Vertex
from viz.numbers import MOST, brief
from viz.themes import Theme

__all__ = ["BORDERS", "draw_edge", "draw_thing"]

SYMBOLS = {
    "add": "+",
    "subtract": "−",  # noqa: RUF001 - a real minus sign, as wide as the plus
    "multiply": "×",  # noqa: RUF001 - the sign of a product, not the letter
    "divide": "÷",
    "negative": "−",  # noqa: RUF001 - see subtract
    "power": "**",
    "matmul": "@",
}
WIDE, NARROW = 40, 26
"""Characters of a line of numbers in a box, and beside an arrow: wider ones push all others apart."""
BORDERS: dict[str, dict[str, str]] = {
    "leaf": {"penwidth": "1.7"},
    "op": {},
    "root": {"penwidth": "2.5"},
    "constant": {"style": "rounded,filled,dashed"},
    "saved": {"shape": "note", "style": "filled"},
    "module": {"shape": "box", "style": "filled", "peripheries": "2"},
}
"""What tells the kinds of nodes apart where colours do not."""


def kind_of(vertex: Vertex) -> str:
    """What the vertex is, as themes and borders call it."""
    return "root" if vertex.is_root else "op" if vertex.op else "leaf" if vertex.requires_grad else "constant"


def draw_thing(
    picture: graphviz.Digraph, thing: Vertex | Block, theme: Theme, attribute_length: int, show_saved: bool
) -> None:
    """Draw one box, and what it keeps for backward where that is asked for."""
    if isinstance(thing, Block):
        _draw_block(picture, thing, theme)
        return
    _draw_vertex(picture, thing, theme, attribute_length, show_saved)
    if show_saved:
        _draw_saved(picture, thing, theme)


def _draw_vertex(
    picture: graphviz.Digraph, vertex: Vertex, theme: Theme, attribute_length: int, show_saved: bool
) -> None:
    kind, name = kind_of(vertex), printable(vertex.name or "")
    rows = []
    if vertex.op:
        rows.append(row(f"<b>{colored(SYMBOLS.get(vertex.op, vertex.op), theme.ink, 15)}</b>"))
        if name:
            rows.append(row(colored(name, theme.faint, 10)))
    elif name:
        rows.append(row(f"<b>{colored(name, theme.ink)}</b>"))
    if vertex.shape:
        rows.append(row(colored(_shape(vertex.shape, vertex.dtype), theme.faint, 9)))
    if attribute_length:
        for key, setting in vertex.settings.items():
            rows.append(pair(colored(key, theme.faint, 9), colored(setting, theme.faint, 0, attribute_length)))
    if vertex.freed and show_saved:
        rows.append(row(colored("freed by backward", theme.faint, 9)))
    if kind == "constant" and vertex.value is not None and np.size(vertex.value) <= MOST:
        rows += [row(colored(figure, theme.value)) for figure in _figures(vertex.value)]
    else:
        rows += _numbers("value", vertex.value, theme.value, theme)
    if vertex.changed:
        rows.append(row(colored("changed since it was used here", theme.faint, 9)))
    rows += _numbers("grad", vertex.gradient, theme.gradient, theme)
    if vertex.gradient is None and vertex.op is None and vertex.requires_grad:
        rows.append(pair(colored("grad", theme.faint, 9), colored("not computed", theme.faint)))
    if vertex.passes > 1:
        rows.append(row(colored(f"grad is the sum of {vertex.passes} passes", theme.gradient, 9)))
    if vertex.outdated:
        rows.append(row(colored("grad is from before this was computed", theme.gradient, 9)))
    picture.node(vertex.id, table(rows), fillcolor=getattr(theme, kind), **BORDERS[kind])


def _draw_block(picture: graphviz.Digraph, block: Block, theme: Theme) -> None:
    """A closed module: its name, its class, what it learns, and the shape of what it makes; or ops that repeat."""
    rows = [row(f"<b>{colored(block.name or block.kind, theme.ink, 13)}</b>")]
    if block.times > 1:
        rows.append(row(colored(f"{block.times:,} times, {block.ops:,} ops", theme.faint, 10)))
    elif block.name:
        rows.append(row(colored(block.kind, theme.faint, 10)))
    if block.parameters:
        rows.append(row(colored(f"{block.parameters:,} parameters", theme.faint, 9)))
    if block.shapes:
        made = ", ".join(str(shape) if shape else "one number" for shape in block.shapes[:3])
        rows.append(row(colored(f"makes {made}{', ...' * (len(block.shapes) > 3)}", theme.faint, 9)))
    rows += _numbers("value", block.value, theme.value, theme)
    rows += _numbers("grad", block.gradient, theme.gradient, theme)
    fill = theme.root if block.is_root else theme.module
    picture.node(block.id, table(rows), fillcolor=fill, **BORDERS["module"])


def _draw_saved(picture: graphviz.Digraph, vertex: Vertex, theme: Theme) -> None:
    for i, saved in enumerate(vertex.saved):
        identity = f"{vertex.id}_saved{i}"
        rows = [row(colored(f"keeps {saved.name}{f': {saved.of}' * bool(saved.of)}", theme.ink))]
        if saved.shape:
            rows.append(row(colored(_shape(saved.shape, saved.dtype), theme.faint, 9)))
        rows += [row(colored(figure, theme.value)) for figure in _figures(saved.value)]
        picture.node(identity, table(rows), fillcolor=theme.saved, **BORDERS["saved"])
        picture.edge(identity, vertex.id, dir="none", style="dashed")


def draw_edge(picture: graphviz.Digraph, edge: Edge, theme: Theme) -> None:
    """The arrow from a value to what uses it: forward what it carries, backward what flows."""
    said = edge.operand or (f"{edge.times:,} values" if edge.times > 1 else "")
    parts = [colored(said, theme.faint, 9)] if said else []
    if edge.stretched is not None:
        parts.append(colored(f"{edge.shape or 'one number'} → {edge.stretched}", theme.value))
    elif edge.shape:
        parts.append(colored(str(edge.shape), theme.faint, 9))
    if edge.gradient is not None:
        parts.append(colored(_span(edge.gradient), theme.gradient))
    if edge.summed:
        parts.append(colored(f"summed over {_axes(edge.summed)}", theme.gradient, 9))
    marked = {"color": theme.wrong, "penwidth": "3", "xlabel": "wrong", "fontcolor": theme.wrong} if edge.wrong else {}
    picture.edge(edge.source, edge.target, lines(parts) or None, **marked)


def _numbers(called: str, value: Any | None, color: str, theme: Theme) -> list[str]:
    """A value in one row, a summary in one row a figure; nothing where it is not known."""
    if value is None:
        return []
    size = 0 if np.size(value) <= MOST else 9
    first, *others = (colored(figure, color, size) for figure in _figures(value))
    return [pair(colored(called, theme.faint, 9), first), *(pair("&#160;", figure) for figure in others)]


def _figures(value: Any) -> list[str]:
    """A few numbers as they are, a matrix row by row; of many, how far they go.

    >>> _figures(np.eye(2)), _figures(np.arange(10.0))
    (['[[1, 0],', '[0, 1]]'], ['min 0', 'mean 4.5', 'max 9'])
    """
    if np.size(value) > MOST:
        return brief(value).split(", ")
    rows = brief(value).replace("], [", "],\n[").splitlines()
    return [line for row in rows for line in textwrap.wrap(row, WIDE)]


def _span(value: Any) -> str:
    """A few numbers as they are; of many, or long ones, from about which to which: an arrow has little room.

    >>> _span(np.array([1.0, 2.0])), _span(np.arange(10.0)), _span(np.full((3, 2), 0.1234567))
    ('[1, 2]', '0 to 9', '0.123 to 0.123')
    """
    if np.size(value) <= MOST and len(brief(value)) <= NARROW:
        return brief(value)
    with np.errstate(all="ignore"):
        return f"{np.min(value) + 0.0:.3g} to {np.max(value) + 0.0:.3g}"  # + 0.0: no -0


def _shape(shape: tuple[int, ...], dtype: Any) -> str:
    """The shape, and the dtype where it is not the usual one or there are many numbers.

    >>> _shape((2,), np.dtype(float)), _shape((64, 10), np.dtype(np.float32))
    ('(2,)', '(64, 10) float32')
    """
    return str(shape) if dtype == np.float64 and np.prod(shape) <= MOST else f"{shape} {dtype}"


def _axes(axes: Sequence[int]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"
