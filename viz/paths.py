"""The gradient of a value as the sum over all paths from it to the result."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.autograd import Step
from tinygrad_edu.graph import Node, Vertex

MOST_PATHS = 8


@dataclass(frozen=True, slots=True)
class Path:
    """The vertices from a value to the result, the local derivatives from the result back, and their product."""

    vertices: tuple[Vertex, ...]
    factors: tuple[Any, ...]
    product: Any


def count(steps: Sequence[Step]) -> dict[Vertex, int]:
    """How many paths lead from each value to the result: one more for each that leads from what it is used in."""
    found: dict[Vertex, int] = {steps[0].node: 1} if steps else {}
    for step in steps:
        vertex = step.node.inputs[step.index]
        found[vertex] = found.get(vertex, 0) + found[step.node]
    return found


def paths(vertex: Vertex, steps: Sequence[Step]) -> list[Path]:
    """All paths from `vertex` to the result, the shortest first; none where a derivative on the way is no number.

    >>> from tinygrad_edu import Tensor
    >>> from viz import trace
    >>> a = Tensor(3.0, requires_grad=True)
    >>> steps = trace(a * a + a).steps
    >>> [path.product.item() for path in paths(steps[-1].node.inputs[0], steps)]
    [1.0, 3.0, 3.0]
    """
    uses: dict[Vertex, list[Step]] = {}
    for step in steps:
        uses.setdefault(step.node.inputs[step.index], []).append(step)
    found = []
    for way in _ways(vertex, uses, steps[0].node):
        if any(step.local is None or np.ndim(step.local) for step in way):
            return []
        factors = tuple(np.asarray(step.local) for step in reversed(way))
        found.append(Path((vertex, *(step.node for step in way)), factors, np.multiply.reduce(factors)))
    return sorted(found, key=lambda path: len(path.vertices))


def _ways(vertex: Vertex, uses: Mapping[Vertex, Sequence[Step]], root: Node) -> Iterator[list[Step]]:
    """Depth first, by a stack of its own: graphs are deeper than Python's."""
    waiting: list[list[Step]] = [[step] for step in reversed(uses.get(vertex, ()))]
    while waiting:
        way = waiting.pop()
        if way[-1].node is root:
            yield way
        waiting += [[*way, step] for step in reversed(uses.get(way[-1].node, ()))]
