"""From the recorded graph to the records of `viz.model`: the only place that asks the engine what a picture shows."""

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu import Tensor, nn
from tinygrad_edu.graph import Leaf, Node
from tinygrad_edu.graph import Vertex as Recorded
from tinygrad_edu.hooks import Retainer
from tinygrad_edu.mutation import changes
from tinygrad_edu.nn.scopes import Call
from viz.fold import Box, Run, folded
from viz.labels import settings_of
from viz.model import Block, Edge, Graph, Group, Saved, Vertex
from viz.modules import Network, Path
from viz.steps import Trace
from viz.walk import forward_order, host, values_of

__all__ = ["build"]

COMMUTING = {"add", "multiply", "maximum", "minimum", "fmax", "fmin", "hypot", "logaddexp", "logaddexp2"}
COMMUTING |= {"equal", "not_equal", "logical_and", "logical_or", "logical_xor", "vdot", "vecdot", "inner"}
"""Ops of two operands that give the same for them the other way round."""

_Use: TypeAlias = tuple[Recorded, Recorded | Box, int | None]
"""A value, what uses it, and as which operand; None where that is a closed box."""
MOST_EDGES = 8
"""More edges between the same two are drawn as one: of 5,000 the picture was 244,279 points wide."""


def build(
    roots: Iterable[Tensor],
    trace: Trace | None = None,
    names: Mapping[str, Tensor] | None = None,
    max_nodes: int = 250,
    wrong: Collection[tuple[Node, int]] = (),
    *,
    model: "nn.Module | nn.scopes | None" = None,
    depth: int = 1,
    expand: Collection[str] = (),
) -> Graph:
    """The records of what `roots` were computed from, with ids v0, v1, ... in the order it was computed.

    Gradients of intermediate results are those of `trace`; without one, only what `.grad` of the leaves, of the roots
    and of what was told to `retain_grad()` holds is known. `names` overrides the tensors' own names. `model`, `depth`
    and `expand` say which modules are one block. Beyond `max_nodes` more is drawn as one, and in the end only the
    newest, with a warning. Works on a graph that backward has freed.
    """
    roots = list(roots)
    order, ends = forward_order(*roots)
    network = None if model is None else Network(model, order)
    if network is not None:
        network.check(expand)
    boxes = folded(order, set(ends), network, depth, expand, max_nodes)
    return _Builder(order, roots, ends, boxes, network, trace, names or {}, wrong).graph(max_nodes)


@dataclass
class _Builder:
    """What is known of one computation while its records are made."""

    order: Sequence[Recorded]
    roots: Sequence[Tensor]
    ends: Sequence[Recorded]
    boxes: Mapping[Recorded, Box]
    network: Network | None
    trace: Trace | None
    names: Mapping[str, Tensor]
    wrong: Collection[tuple[Node, int]]

    def __post_init__(self) -> None:
        self.leaves = {id(v.tensor): v for v in self.order if isinstance(v, Leaf) and v.tensor is not None}
        self.called = {self._vertex(tensor): name for name, tensor in self.names.items()}
        self.gradients, self.values = self._gradients(), values_of(self.order)
        self.steps = {(step.node, step.index): step for step in self.trace.steps} if self.trace else {}
        self.users: dict[Recorded, list[Node]] = {}
        self.members: dict[Recorded | Box, list[Recorded]] = {}
        last: dict[Recorded | Box, int] = {}
        for place, vertex in enumerate(self.order):
            self.members.setdefault(self._drawn(vertex), []).append(vertex)
            last[self._drawn(vertex)] = place
            if isinstance(vertex, Node):
                for source in vertex.inputs:
                    self.users.setdefault(source, []).append(vertex)
        self.things = sorted(self.members, key=last.__getitem__)
        self.groups: dict[Call, Group] = {}

    def graph(self, max_nodes: int) -> Graph:
        """The records; of too many, the newest."""
        hidden = self.things[: max(0, len(self.things) - max_nodes)]
        if hidden:
            warnings.warn(
                f"the computation has {len(self.order):,} values and only the newest {max_nodes:,} are drawn;"
                " pass max_nodes=... for more",
                stacklevel=4,
            )
        self.ids = {thing: f"v{i}" for i, thing in enumerate(self.things[len(hidden) :])}
        nodes = [vertex for vertex in self.order if isinstance(vertex, Node) and self._drawn(vertex) in self.ids]
        cut = (self._id(n) for n in nodes if any(self._drawn(source) not in self.ids for source in n.inputs))
        return Graph(
            vertices=tuple(
                self._block(thing) if isinstance(thing, Call | Run) else self._record(thing) for thing in self.ids
            ),
            edges=tuple(self._edges(nodes)),
            groups=tuple(self.groups.values()),
            hidden=sum(len(self.members[thing]) for thing in hidden),
            cut=tuple(dict.fromkeys(cut)),
        )

    def _drawn(self, vertex: Recorded) -> Recorded | Box:
        """The vertex itself, or the box that hides it."""
        return self.boxes.get(vertex, vertex)

    def _id(self, vertex: Recorded) -> str:
        return self.ids[self._drawn(vertex)]

    def _vertex(self, tensor: Tensor) -> Recorded | None:
        """Where a tensor stands in the graph."""
        return tensor.grad_fn or self.leaves.get(id(tensor))

    def _gradients(self) -> dict[Recorded | None, Any]:
        """What is known of the gradients: `.grad`, and over it what the trace found."""
        tensors: dict[Recorded | None, Tensor | None] = {
            vertex: vertex.tensor if isinstance(vertex, Leaf) else _retained(vertex) for vertex in self.order
        }
        tensors |= {self._vertex(tensor): tensor for tensor in self.names.values()}
        tensors |= dict(zip(self.ends, self.roots, strict=True))
        known = {v: t.grad for v, t in tensors.items() if t is not None and t.requires_grad}
        found = {vertex: host(gradient.array) for vertex, gradient in known.items() if gradient is not None}
        return found | ({**self.trace.by_vertex} if self.trace else {})

    def _record(self, vertex: Recorded) -> Vertex:
        node = vertex if isinstance(vertex, Node) else None
        passes, outdated = self._history(vertex)
        return Vertex(
            id=self.ids[vertex],
            name=self._title(vertex),
            op=node.op.name if node else None,
            value=self.values.get(vertex),
            gradient=self.gradients.get(vertex),
            shape=vertex.shape,
            dtype=vertex.dtype,
            requires_grad=vertex.requires_grad,
            is_root=vertex in self.ends,
            settings=settings_of(node) if node else {},
            saved=tuple(self._saved(node)) if node else (),
            passes=passes,
            outdated=outdated,
            changed=self._changed(vertex),
            freed=node is not None and node.kept is None,
            group=self._group(self._path(vertex)),
        )

    def _title(self, vertex: Recorded) -> str | None:
        """Its name; for what was computed, where there is a trace, first the one that the tables use: `p = a*b`."""
        name = self.called.get(vertex, vertex.name)
        short = self.trace.names.get(vertex) if self.trace and isinstance(vertex, Node) else None
        return name if short in (None, name) else f"{short} = {name}" if name else short

    def _history(self, vertex: Recorded) -> tuple[int, bool]:
        """Of how many passes the `.grad` of a leaf is the sum, and whether all were over before it was used here."""
        if not isinstance(vertex, Leaf) or not vertex.requires_grad or not vertex.summed:
            return 1, False
        if self.trace is not None and vertex in self.trace.by_vertex:
            return 1, False
        users = self.users.get(vertex, ())
        return vertex.summed, bool(users) and all(node.index > vertex.last for node in users)

    def _changed(self, vertex: Recorded) -> bool:
        """Whether a leaf was changed after it was first used here: in memory, or a number that a node kept before."""
        users = self.users.get(vertex, ())
        if not isinstance(vertex, Leaf) or vertex.tensor is None or not users:
            return False
        if vertex.shape == ():
            kept = (
                node.saved.get(node.op.operand(i)) for node in users for i, v in enumerate(node.inputs) if v is vertex
            )
            return any(isinstance(value, np.generic) and value != vertex.value for value in kept)
        return changes.since(min(node.index for node in users), vertex.tensor.array) is not None

    def _block(self, box: Box) -> Block:
        members = self.members[box]
        nodes = [vertex for vertex in members if isinstance(vertex, Node)]
        results = [
            node
            for node in nodes
            if node in self.ends or any(self._drawn(user) is not box for user in self.users.get(node, ()))
        ]
        only = results[0] if len(results) == 1 else None
        path = self._path(nodes[0])
        return Block(
            id=self.ids[box],
            name=", ".join(box.pattern) if isinstance(box, Run) else box.name,
            kind="" if isinstance(box, Run) else box.kind,
            ops=len(nodes),
            times=box.times if isinstance(box, Run) else 1,
            parameters=self.network.parameters(box.name) if self.network and not isinstance(box, Run) else 0,
            shapes=tuple(dict.fromkeys(node.shape for node in results)),
            value=self.values.get(only) if only else None,
            gradient=self.gradients.get(only) if only else None,
            is_root=any(vertex in self.ends for vertex in members),
            group=self._group(path if isinstance(box, Run) else path[: path.index(box)]),
        )

    def _saved(self, node: Node) -> Iterable[Saved]:
        """The arrays that the node keeps; of a tuple of them, each."""
        for name, kept in node.saved.items():
            several = isinstance(kept, tuple | list)
            for i, array in enumerate(kept if several else (kept,)):
                if hasattr(array, "dtype"):
                    known = name in node.op.operands
                    source = node.inputs[i if several else node.op.operands.index(name)] if known else None
                    of = (self.called.get(source, source.name) or "") if source else ""
                    yield Saved(f"{name}[{i}]" if several else name, of, array.shape, array.dtype, host(array))

    def _path(self, vertex: Recorded) -> Path:
        return self.network.paths.get(vertex, ()) if self.network else ()

    def _group(self, path: Path) -> str | None:
        """The id of the innermost open module; those around it are recorded on the way."""
        outer: str | None = None
        for call in path:
            if call not in self.groups:
                assert self.network is not None  # where a path comes from
                parameters = self.network.parameters(call.name)
                self.groups[call] = Group(f"g{len(self.groups)}", call.name, call.kind, parameters, outer)
            outer = self.groups[call].id
        return outer

    def _edges(self, nodes: Iterable[Node]) -> Iterable[Edge]:
        """An edge for each operand; of many between the same two, one that stands for all."""
        uses: dict[_Use, list[tuple[Node, int]]] = {}
        for node in nodes:
            target = self._drawn(node)
            for index, source in enumerate(node.inputs):
                drawn = self._drawn(source)
                mine = drawn is not source and isinstance(source, Leaf)  # of a module that is called several times
                if drawn in self.ids and drawn is not target and not mine:
                    uses.setdefault((source, target, index if target is node else None), []).append((node, index))
        between: dict[tuple[str, str], list[_Use]] = {}
        for use in uses:
            between.setdefault((self._id(use[0]), self.ids[use[1]]), []).append(use)
        for use, places in uses.items():
            start, end = self._id(use[0]), self.ids[use[1]]
            several = between[start, end]
            if len(several) <= MOST_EDGES:
                yield self._edge(start, end, use, places)
            elif use is several[0]:
                shapes = {source.shape for source, _, _ in several}
                wrong = any(place in self.wrong for other in several for place in uses[other])
                yield Edge(start, end, None, shapes.pop() if len(shapes) == 1 else (), times=len(several), wrong=wrong)

    def _edge(self, start: str, end: str, use: _Use, places: Sequence[tuple[Node, int]]) -> Edge:
        """What one value is to one box: used in one place, or in several of a closed one."""
        (source, _, place), (node, index), alone = use, places[0], len(places) == 1
        step = self.steps.get((node, index)) if alone else None
        shape = np.shape(step.handed) if step else node.shape if node.op.elementwise and alone else source.shape
        seen = source.shape != () or source.requires_grad  # of a plain number it is no news
        return Edge(
            source=start,
            target=end,
            index=place,
            shape=source.shape,
            gradient=None if step is None else step.contribution,
            operand=_operand(node, index) if place is not None else "",
            stretched=shape if alone and node.op.elementwise and seen and shape != source.shape else None,
            summed=_summed(source.shape, shape) if source.requires_grad else (),
            wrong=any(other in self.wrong for other in places),
        )


def _retained(vertex: Recorded) -> Tensor | None:
    """The tensor that was told to `retain_grad()`."""
    return next((hook.tensor() for hook in vertex.hooks or () if isinstance(hook, Retainer)), None)


def _operand(node: Node, index: int) -> str:
    """Which operand of an op it is, where that matters: by its name where the others have telling ones."""
    if len(node.inputs) < 2 or node.op.name in COMMUTING:
        return ""
    if not node.op.variadic and any(len(name) > 2 for name in node.op.operands):
        return node.op.operand(index)
    return {1: "1st", 2: "2nd", 3: "3rd"}.get(index + 1, f"{index + 1}th")


def _summed(shape: tuple[int, ...], result: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of a result over which a gradient is summed to have `shape`: those that NumPy stretched.

    >>> _summed((3,), (4, 3)), _summed((4, 1), (4, 3)), _summed((1, 3), (1, 3))
    ((0,), (1,), ())
    """
    extra = len(result) - len(shape)
    inner = (extra + i for i, n in enumerate(shape) if n == 1 and result[extra + i] != 1)
    return (*range(extra), *inner) if extra >= 0 else ()
