"""The graph in the order it was computed, and the values that it still holds."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu import Tensor, autograd
from tinygrad_edu.graph import Leaf, Node, Vertex


def leaf_of(root: Tensor, known: dict[Vertex, None]) -> Leaf:
    """The leaf that stands for a root which no op made: the one in the graph, or a new one for the picture alone."""
    for vertex in known:
        if isinstance(vertex, Leaf) and vertex.tensor is root:
            return vertex
    return Leaf(root.array, root, root.requires_grad)


def forward_order(*roots: Tensor) -> tuple[list[Vertex], list[Vertex]]:
    """Every vertex that the roots reach, inputs before results, and the vertices of the roots themselves."""
    order: dict[Vertex, None] = {}
    nodes = autograd.ancestors(*roots)
    for node in reversed(nodes):
        order |= dict.fromkeys(vertex for vertex in node.inputs if isinstance(vertex, Leaf))
        order[node] = None
    ends: list[Vertex] = []
    for root in roots:
        ends.append(root.grad_fn or leaf_of(root, order))
        order.setdefault(ends[-1])
    return list(order), ends


def value_of(vertex: Vertex) -> Any | None:
    """The value as a NumPy array, a copy where it is small; None where the graph no longer holds it."""
    value = vertex.value
    if value is None and isinstance(vertex, Leaf) and vertex.tensor is not None:
        value = vertex.tensor.array
    if value is None and isinstance(vertex, Node):
        value = vertex.saved.get("out")
    return None if value is None else host(value)


def values_of(order: Iterable[Vertex]) -> dict[Vertex, Any]:
    """The values that the graph still holds: on the vertex itself, or for the rule of an op that took it."""
    found = {vertex: value for vertex in order if (value := value_of(vertex)) is not None}
    for node in order:
        if isinstance(node, Node) and not node.op.variadic:
            saved = node.saved
            for name, vertex in zip(node.op.operands, node.inputs, strict=True):
                if vertex not in found and name in saved and np.shape(saved[name]) == vertex.shape:
                    found[vertex] = host(saved[name])
    return found


def host(array: Any) -> Any:
    """The array in the memory of the host, a copy where it is small, so that later changes do not show."""
    value = array.get() if hasattr(array, "get") else np.asarray(array)
    return value.copy() if value.size <= 1000 else value
