"""The picture of a computation, as a `graphviz.Digraph`."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import graphviz

from tinygrad_edu import Tensor, nn
from tinygrad_edu.graph import Node
from tinygrad_edu.tree import leaves
from viz.build import build
from viz.cells import colored, row, table
from viz.draw import draw_edge, draw_thing, kind_of
from viz.labels import printable
from viz.legend import draw_legend
from viz.model import Block, Graph, Group, Vertex
from viz.modules import module_of, run
from viz.picture import Picture
from viz.render import HURRY
from viz.steps import Trace
from viz.themes import Theme, themed

__all__ = ["make_dot"]

FONT = "Helvetica,Arial,DejaVu Sans,sans-serif"
DIRECTIONS = ("TB", "LR", "BT", "RL")
MOST_ARROWS = 8
"""From the box of what is left out."""
LARGE = 100
"""Of more boxes than this the picture is laid out in a hurry: 200 that all use one value took minutes, and now 2 s."""


def make_dot(
    var: "Tensor | nn.Module | Iterable[Any] | Mapping[str, Any]",
    params: Mapping[str, Tensor] | None = None,
    show_attrs: bool = False,
    show_saved: bool = False,
    max_attr_chars: int = 50,
    *,
    trace: Trace | None = None,
    inputs: Any = None,
    model: "nn.Module | nn.scopes | None" = None,
    depth: int = 1,
    expand: str | Collection[str] = (),
    rankdir: str = "TB",
    theme: str | Theme = "light",
    legend: bool = False,
    max_nodes: int = 250,
    wrong: Collection[tuple[Node, int]] = (),
) -> graphviz.Digraph:
    """Draw how `var`, a Tensor or several, was computed; called as torchviz's function of the same name.

    Leaves that require grad are light blue, constants white, ops grey, results green. `params` maps names to Tensors,
    as `dict(model.named_parameters())` does. `show_attrs` adds what an op was called with (axis, key), cut at
    `max_attr_chars`; `show_saved` adds in orange what the graph keeps for backward. With `trace=viz.trace(root)` every
    node shows its gradient and every arrow what flows back along it; without, leaves show their `.grad`, and whether it
    is a sum of several passes or older than this computation. Arrows say where broadcasting stretched a value, over
    which axes its gradient is therefore summed, and which operand is which where that matters.

    A network is drawn as its modules: `make_dot(model, inputs=x)` runs it once, as in `eval()`; around a run of your
    own write `with nn.scopes(model) as calls: y = model(x)` and then `make_dot(y, model=calls)`. `model=model` alone
    goes by the parameters that ops use, and so cannot tell who made the others. Modules are closed from level `depth`
    on; `expand` names some to open: `expand="fc1"`, or several in a list.

    `rankdir` "LR" draws from left to right; `theme` is light, dark, print or colorblind, or a `viz.themes.Theme`;
    `legend` explains the picture in it. Beyond `max_nodes` modules close, ops that repeat become one and in the end
    only the newest are drawn, with a warning. `wrong` are edges to draw in red, each a node and the number of its
    operand: the `wrong_edges` of a verdict of `tinygrad_edu.testing`. Raises TypeError and ValueError for arguments
    that do not fit, saying which would.

    >>> a = Tensor(2.0, requires_grad=True, name="a")
    >>> picture = make_dot(a * a)
    >>> "lightblue" in picture.source, picture.source.count("->")
    (True, 2)
    """
    painted = themed(theme)
    opened = (expand,) if isinstance(expand, str) else tuple(expand)
    if rankdir not in DIRECTIONS:
        raise ValueError(f"rankdir is one of {', '.join(DIRECTIONS)}, not {rankdir!r}")
    if max_nodes < 1 or depth < 0:
        raise ValueError(f"max_nodes is at least 1 and depth at least 0: got {max_nodes} and {depth}")
    names: dict[str, Tensor] = {}
    if isinstance(var, nn.Module):
        if inputs is None:
            raise TypeError("a Module is drawn from what it makes of an input: write make_dot(model, inputs=x)")
        var, model, names = run(var, inputs)
        names |= dict(model.model.named_parameters())
    elif inputs is not None:
        raise TypeError("inputs= goes with a Module: make_dot(model, inputs=x); a Tensor knows what it was made from")
    elif model is not None:
        names = dict(module_of(model).named_parameters())
    elif opened:
        raise TypeError("expand= opens modules of a network: write make_dot(y, model=calls, expand=...) with it")
    roots = _roots(var)
    names |= {**(var if isinstance(var, Mapping) else {}), **(params or {})}
    graph = build(roots, trace, names, max_nodes, wrong, model=model, depth=depth, expand=opened)
    return drawn(graph, painted, rankdir, max_attr_chars if show_attrs else 0, show_saved, legend)


def drawn(
    graph: Graph, theme: Theme, rankdir: str, attribute_length: int, show_saved: bool, legend: bool
) -> graphviz.Digraph:
    """The picture of the records."""
    picture = Picture("computation")  # with attributes of its own, so that whoever changes them changes the drawing
    picture.graph_attr.update(rankdir=rankdir, bgcolor=theme.background, pad="0.15", nodesep="0.3", ranksep="0.35")
    picture.node_attr.update(shape="box", style="rounded,filled", color=theme.border, margin="0.08,0.04")
    picture.node_attr.update(fontname=FONT, fontsize="11", fontcolor=theme.ink, height="0.3", width="0.5")
    picture.edge_attr.update(color=theme.line, arrowsize="0.6", fontname=FONT, fontsize="10", fontcolor=theme.gradient)
    if len(graph.vertices) > LARGE:
        picture.graph_attr.update(HURRY)
    inside: dict[str | None, list[Vertex | Block]] = {}
    for thing in graph.vertices:
        inside.setdefault(thing.group, []).append(thing)
    within: dict[str | None, list[Group]] = {}
    for group in graph.groups:
        within.setdefault(group.outer, []).append(group)

    def draw_inside(place: graphviz.Digraph, identity: str | None) -> None:
        for thing in inside.get(identity, ()):
            draw_thing(place, thing, theme, attribute_length, show_saved)
        for group in within.get(identity, ()):
            with place.subgraph(name=f"cluster_{group.id}") as cluster:
                _draw_frame(cluster, group, theme)
                draw_inside(cluster, group.id)

    draw_inside(picture, None)
    for edge in graph.edges:
        draw_edge(picture, edge, theme)
    _draw_hidden(picture, graph, theme)
    if legend:
        draw_legend(picture, theme, _kinds(graph, show_saved))
    return picture


def _roots(var: Any) -> list[Tensor]:
    """The Tensors in `var`, in order; TypeError for what holds something else, or nothing."""
    found = leaves(var)
    if not found or not all(isinstance(root, Tensor) for root in found):
        other = next((root for root in found if not isinstance(root, Tensor)), var)
        raise TypeError(f"make_dot draws a Tensor, or several in a list or dict, not {type(other).__name__}")
    return found


def _kinds(graph: Graph, show_saved: bool) -> set[str]:
    """What there is to explain in a picture."""
    kinds = {"module" if isinstance(thing, Block) else kind_of(thing) for thing in graph.vertices}
    saved = show_saved and any(thing.saved for thing in graph.vertices if isinstance(thing, Vertex))
    return kinds | {"saved"} if saved else kinds


def _draw_frame(cluster: graphviz.Digraph, group: Group, theme: Theme) -> None:
    """The border and the title of an open module."""
    title = f"<b>{colored(group.name or group.kind, theme.ink, 12, 40)}</b>"
    said = [group.kind] if group.name else []
    said += [f"{group.parameters:,} parameters"] if group.parameters else []
    words = f"{title}&#160; {colored(', '.join(said), theme.faint, 10)}" if said else title
    room = 6 * len(", ".join([printable(group.name or group.kind), *said]))  # to its right, so that no arrow crosses it
    cells = f'<tr><td>{words}</td><td width="{room}">&#160;</td></tr>'
    label = f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="0">{cells}</table>>'
    cluster.attr(label=label, labeljust="l", style="rounded,filled", fillcolor=theme.opened, color=theme.border)
    cluster.attr(fontname=FONT, margin="12")


def _draw_hidden(picture: graphviz.Digraph, graph: Graph, theme: Theme) -> None:
    """One box for what is left out, and an arrow from it to the first that used it; to others an arrow from nowhere.

    Arrows to all of them, across the whole picture, kept Graphviz busy for 2 seconds of 2.3, and nobody could read it.
    """
    if graph.hidden:
        picture.node("more", table([row(colored(f"... {graph.hidden:,} more", theme.faint))]), style="dashed")
        for i, identity in enumerate(graph.cut):
            source = "more" if i < MOST_ARROWS else f"more{i}"
            if source != "more":
                picture.node(source, table([row(colored("...", theme.faint))]), shape="plain", style="")
            picture.edge(source, identity, style="dashed")
