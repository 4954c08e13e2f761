"""A computation as plain records, in the order it ran: what a picture shows, without how it looks."""

import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tinygrad_edu import Tensor
from tinygrad_edu import graph as recorded
from viz.labels import settings_of
from viz.steps import Trace
from viz.walk import forward_order, value_of

__all__ = ["Edge", "Graph", "Saved", "Vertex", "build"]


@dataclass(frozen=True, slots=True)
class Saved:
    """An array that a node keeps for its backward pass, by the name that the rule has for it."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Vertex:
    """A value of the computation. `op` is None for what nobody computed; `gradient` is None: not computed."""

    id: str
    name: str | None
    op: str | None
    value: Any | None
    gradient: Any | None
    shape: tuple[int, ...]
    dtype: Any
    requires_grad: bool
    is_root: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    saved: tuple[Saved, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` is operand number `index` of `target`; `gradient` is what flows back along it, None: not known.

    `wrong`: marked by the caller, as one that a wrong derivative went along.
    """

    source: str
    target: str
    index: int
    gradient: Any | None = None
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """A computation: inputs before results. `hidden` older vertices are left out, and were used by those in `cut`."""

    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    hidden: int = 0
    cut: tuple[str, ...] = ()


def build(
    roots: Iterable[Tensor],
    trace: Trace | None = None,
    names: Mapping[str, Tensor] | None = None,
    max_nodes: int = 500,
    wrong: Collection[tuple[recorded.Node, int]] = (),
) -> Graph:
    """The records of what `roots` were computed from, with ids v0, v1, ... in the order it was computed.

    Gradients of intermediate results are those of `trace`; without one, only what `.grad` of the leaves and roots
    holds is known. `names` overrides the tensors' own names. Beyond `max_nodes` only the newest are kept, with a
    warning. Works on a graph that backward has freed.
    """
    roots = list(roots)
    order, ends = forward_order(*roots)
    hidden = max(0, len(order) - max_nodes)
    if hidden:
        warnings.warn(
            f"the computation has {len(order):,} values and only the newest {max_nodes:,} are drawn;"
            " pass max_nodes=... for more",
            stacklevel=3,
        )
    ids = {vertex: f"v{i}" for i, vertex in enumerate(order[hidden:])}
    known = {end: root.grad for end, root in zip(ends, roots, strict=True) if root.grad is not None}
    gradients = {vertex: gradient.numpy() for vertex, gradient in known.items()} | (trace.by_vertex if trace else {})
    called = {_vertex(tensor, order): name for name, tensor in (names or {}).items()}
    flows = {(step.node, step.index): step.contribution for step in trace.steps} if trace else {}
    nodes = [vertex for vertex in ids if isinstance(vertex, recorded.Node)]
    return Graph(
        vertices=tuple(
            _record(vertex, identity, _title(vertex, called, trace), gradients.get(vertex), vertex in ends)
            for vertex, identity in ids.items()
        ),
        edges=tuple(
            Edge(ids[source], ids[node], index, flows.get((node, index)), (node, index) in wrong)
            for node in nodes
            for index, source in enumerate(node.inputs)
            if source in ids
        ),
        hidden=hidden,
        cut=tuple(ids[node] for node in nodes if any(source not in ids for source in node.inputs)),
    )


def _title(vertex: recorded.Vertex, called: Mapping[Any, str], trace: Trace | None) -> str | None:
    """Its name; for what was computed, where there is a trace, first the one that the tables use: `p = a*b`."""
    name = called.get(vertex, vertex.name)
    short = trace.names.get(vertex) if trace and isinstance(vertex, recorded.Node) else None
    return name if short in (None, name) else f"{short} = {name}" if name else short


def _vertex(tensor: Tensor, order: list[recorded.Vertex]) -> recorded.Vertex | None:
    """Where a tensor stands in the graph."""
    if tensor.grad_fn is not None:
        return tensor.grad_fn
    return next((v for v in order if isinstance(v, recorded.Leaf) and v.tensor is tensor), None)


def _record(vertex: recorded.Vertex, identity: str, name: str | None, gradient: Any, is_root: bool) -> Vertex:
    node = vertex if isinstance(vertex, recorded.Node) else None
    tensor = vertex.tensor if isinstance(vertex, recorded.Leaf) else None
    if gradient is None and tensor is not None and tensor.grad is not None:
        gradient = tensor.grad.numpy()
    return Vertex(
        id=identity,
        name=name,
        op=node.op.name if node else None,
        value=value_of(vertex),
        gradient=gradient,
        shape=vertex.shape,
        dtype=vertex.dtype,
        requires_grad=vertex.requires_grad,
        is_root=is_root,
        settings=settings_of(node) if node else {},
        saved=tuple(Saved(key, v.shape) for key, v in node.saved.items() if hasattr(v, "shape")) if node else (),
    )
