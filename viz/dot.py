"""The picture of a computation, as a `graphviz.Digraph`."""

from collections.abc import Collection, Iterable, Mapping

import graphviz

from tinygrad_edu import Tensor
from tinygrad_edu.graph import Node
from viz.escape import escaped
from viz.labels import printable
from viz.model import Edge, Graph, Vertex, build
from viz.numbers import brief
from viz.steps import Trace

FILLS = {"leaf": "lightblue", "op": "gray93", "root": "darkolivegreen1", "constant": "white", "saved": "orange"}
"""What torchviz paints them, so that nobody has to learn the colours anew."""
INK, FAINT, VALUE, GRADIENT = "#1a1a1a", "#595959", "#0b4a8f", "#a61b1b"
"""Each readable (contrast above 4.5) on each of the fills; value and gradient also say what they are in words."""
WRONG = "#e00000"
FONT = "Helvetica,Arial,DejaVu Sans,sans-serif"

SYMBOLS = {
    "add": "+",
    "subtract": "−",  # noqa: RUF001 - a real minus sign, as wide as the plus
    "multiply": "×",  # noqa: RUF001 - the sign of a product, not the letter
    "divide": "÷",
    "negative": "−",  # noqa: RUF001 - see subtract
    "power": "**",
    "matmul": "@",
}


def make_dot(
    var: Tensor | Iterable[Tensor] | Mapping[str, Tensor],
    params: Mapping[str, Tensor] | None = None,
    show_attrs: bool = False,
    show_saved: bool = False,
    max_attr_chars: int = 50,
    *,
    trace: Trace | None = None,
    rankdir: str = "TB",
    max_nodes: int = 500,
    wrong: Collection[tuple[Node, int]] = (),
) -> graphviz.Digraph:
    """Draw how `var`, a Tensor or several, was computed; called as torchviz's function of the same name.

    Leaves that require grad are light blue, constants white, ops grey, results green. `params` maps names to Tensors,
    as `dict(model.named_parameters())` does. `show_attrs` adds what an op was called with (axis, key), cut at
    `max_attr_chars`; `show_saved` adds in orange what the graph keeps for backward. With `trace=viz.trace(root)` every
    node shows its gradient and every arrow what flows back along it; without, leaves show their `.grad`. `rankdir`
    "LR" draws from left to right. Beyond `max_nodes` only the newest are drawn, with a warning. `wrong` are edges to
    draw in red, each a node and the number of its operand: the `wrong_edges` of a verdict of `tinygrad_edu.testing`.

    >>> a = Tensor(2.0, requires_grad=True, name="a")
    >>> picture = make_dot(a * a)
    >>> "lightblue" in picture.source, picture.source.count("->")
    (True, 2)
    """
    if not isinstance(var, Tensor | Iterable):
        raise TypeError(f"make_dot draws a Tensor, or several in a list or dict, not {type(var).__name__}")
    roots = [var] if isinstance(var, Tensor) else list(var.values() if isinstance(var, Mapping) else var)
    names = {**(var if isinstance(var, Mapping) else {}), **(params or {})}
    graph = build(roots, trace, names, max_nodes, wrong)
    picture = graphviz.Digraph("computation")
    picture.attr(rankdir=rankdir, bgcolor="white", pad="0.15", nodesep="0.3", ranksep="0.35")
    picture.attr("node", shape="box", style="rounded,filled", color="#00000040", fontname=FONT, margin="0.08,0.04")
    picture.attr("node", fontsize="11", fontcolor=INK, height="0.3", width="0.5")
    picture.attr("edge", color="#808080", arrowsize="0.6", fontname=FONT, fontsize="10", fontcolor=GRADIENT)
    for vertex in graph.vertices:
        _draw_vertex(picture, vertex, max_attr_chars if show_attrs else 0)
        if show_saved:
            _draw_saved(picture, vertex)
    for edge in graph.edges:
        _draw_edge(picture, edge)
    _draw_hidden(picture, graph)
    return picture


def _draw_vertex(picture: graphviz.Digraph, vertex: Vertex, attribute_length: int) -> None:
    kind = "root" if vertex.is_root else "op" if vertex.op else "leaf" if vertex.requires_grad else "constant"
    rows, name = [], printable(vertex.name or "")
    if vertex.op:
        rows.append(_row(f'<font point-size="15"><b>{escaped(SYMBOLS.get(vertex.op, vertex.op))}</b></font>'))
        if name:
            rows.append(_row(f'<font color="{FAINT}" point-size="10">{escaped(name)}</font>'))
    elif name:
        rows.append(_row(f"<b>{escaped(name)}</b>"))
    if vertex.shape:
        rows.append(_row(f'<font color="{FAINT}" point-size="9">{escaped(str(vertex.shape))}</font>'))
    if attribute_length:
        rows += [_pair(key, value, FAINT, attribute_length) for key, value in vertex.settings.items()]
    if kind == "constant" and vertex.value is not None:
        rows.append(_row(f'<font color="{VALUE}">{escaped(brief(vertex.value), 80)}</font>'))
    elif vertex.value is not None:
        rows.append(_pair("value", brief(vertex.value), VALUE))
    if vertex.gradient is not None:
        rows.append(_pair("grad", brief(vertex.gradient), GRADIENT))
    elif kind == "leaf":
        rows.append(_pair("grad", "not computed", FAINT))
    picture.node(vertex.id, _table(rows), fillcolor=FILLS[kind])


def _draw_saved(picture: graphviz.Digraph, vertex: Vertex) -> None:
    for i, saved in enumerate(vertex.saved):
        identity = f"{vertex.id}_saved{i}"
        picture.node(identity, _table([_row(escaped(f"{saved.name} {saved.shape or ''}"))]), fillcolor=FILLS["saved"])
        picture.edge(identity, vertex.id, dir="none", style="dashed")


def _draw_edge(picture: graphviz.Digraph, edge: Edge) -> None:
    label = "" if edge.gradient is None else f"<&#160;{escaped(brief(edge.gradient), 80)}>"
    marked = {"color": WRONG, "penwidth": "3", "xlabel": "wrong", "fontcolor": WRONG} if edge.wrong else {}
    picture.edge(edge.source, edge.target, label, **marked)


def _draw_hidden(picture: graphviz.Digraph, graph: Graph) -> None:
    if graph.hidden:
        picture.node("more", _table([_row(f"... {graph.hidden:,} more")]), style="dashed", fontcolor=FAINT)
        for identity in graph.cut:
            picture.edge("more", identity, style="dashed")


def _table(rows: Iterable[str]) -> str:
    """A label of Graphviz's HTML-like kind: the only one in which one word can have another colour than the next."""
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="2">{"".join(rows)}</table>>'


def _row(markup: str) -> str:
    return f'<tr><td colspan="2">{markup}</td></tr>'


def _pair(key: str, value: str, color: str, longest: int = 80) -> str:
    """What it is, right-aligned, and what it says, in its colour."""
    left = f'<td align="right"><font color="{FAINT}" point-size="9">{escaped(key)}</font></td>'
    right = f'<td align="left"><font color="{color}">{escaped(value, longest)}</font></td>'
    return f"<tr>{left}{right}</tr>"
