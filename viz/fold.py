"""What a picture draws as one box: modules that stay closed, and ops that repeat where there are too many to draw."""

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tinygrad_edu.graph import Leaf, Node, Vertex
from tinygrad_edu.nn.scopes import Call
from viz.modules import Network, Path, closed

__all__ = ["Box", "Run", "folded"]

LONGEST = 64
"""Patterns of at most so many ops are found."""
WORTH = 8
"""So many ops at least are drawn as one; of more inputs than this, those of such ops are not drawn."""


@dataclass(frozen=True, eq=False, slots=True)
class Run:
    """Ops that follow each other several times in the same order."""

    pattern: tuple[str, ...]
    times: int


Box: TypeAlias = Call | Run
"""What stands for several vertices."""


def folded(
    order: Sequence[Vertex],
    ends: Collection[Vertex],
    network: Network | None,
    depth: int,
    opened: Collection[str],
    max_nodes: int,
) -> dict[Vertex, Box]:
    """The box of every vertex that is not drawn by itself.

    Beyond `max_nodes` modules close one level after the other, then repeated ops become one, with a warning.
    """
    boxes: dict[Vertex, Box] = {}
    if network is not None:
        deepest = min(depth, max(map(len, network.paths.values()), default=0))
        choices = [(depth, opened), *((level, ()) for level in range(deepest, -1, -1))]
        for level, names in choices:
            boxes = _modules(order, network, level, names)
            if _drawn(order, boxes) <= max_nodes:
                break
        if level != depth or names != opened:
            _say(order, max_nodes, f"its modules are drawn closed from level {level} on")
    if _drawn(order, boxes) > max_nodes:
        runs = _runs(order, boxes, ends, network.paths if network else {})
        if runs:
            boxes |= runs
            _say(order, max_nodes, "ops that repeat are drawn as one")
    return boxes


def _say(order: Sequence[Vertex], max_nodes: int, what: str) -> None:
    message = f"the computation has {len(order):,} values, more than {max_nodes:,}: {what}; pass max_nodes=... for more"
    warnings.warn(message, stacklevel=5)


def _drawn(order: Sequence[Vertex], boxes: dict[Vertex, Box]) -> int:
    return len({boxes.get(vertex, vertex) for vertex in order})


def _modules(order: Sequence[Vertex], network: Network, depth: int, opened: Collection[str]) -> dict[Vertex, Box]:
    """The vertices that closed modules hide; those called several times also what they own and only they use."""
    found: dict[Vertex, Call] = {}
    for vertex in order:
        if (call := closed(network.paths[vertex], depth, opened)) is not None:
            found[vertex] = call
    for leaf, name in network.owned.items():
        users = network.users.get(leaf, [])
        calls = [found[node] for node in users if node in found]
        if calls and len(calls) == len(users) and all(name.startswith(f"{call.name}.") for call in calls):
            found[leaf] = calls[0]
    return dict(found)


def _runs(
    order: Sequence[Vertex], boxes: dict[Vertex, Box], ends: Collection[Vertex], paths: Mapping[Vertex, Path]
) -> dict[Vertex, Box]:
    """The vertices that repeated ops hide: the ops, and the inputs that only such ops use, where these are many."""
    found: dict[Vertex, Box] = {}
    for stretch in _stretches(order, boxes, ends, paths):
        found |= _repeated(stretch)
    drawn, users = boxes | found, dict[Vertex, dict[Box | Vertex, None]]()
    for vertex in order:
        for source in vertex.inputs if isinstance(vertex, Node) else ():
            if isinstance(source, Leaf):
                users.setdefault(source, {})[drawn.get(vertex, vertex)] = None
    together: dict[tuple[Box | Vertex, ...], list[Vertex]] = {}
    for leaf, boxes_of in users.items():
        if leaf not in ends and all(isinstance(box, Run) for box in boxes_of):
            together.setdefault(tuple(boxes_of), []).append(leaf)
    for (first, *others), leaves in together.items():
        few = len(leaves) <= WORTH
        hidden = [leaf for leaf in leaves if not (few and (others or leaf.requires_grad or leaf.name))]
        if isinstance(first, Run):
            found |= dict.fromkeys(hidden, first)
    return found


def _stretches(
    order: Sequence[Vertex], boxes: dict[Vertex, Box], ends: Collection[Vertex], paths: Mapping[Vertex, Path]
) -> list[list[Node]]:
    """Nodes that are drawn one by one, in the same open module, one after the other; results stand by themselves."""
    stretches: list[list[Node]] = [[]]
    place: Path | None = None
    for vertex in order:
        if isinstance(vertex, Node):
            if vertex in boxes or vertex in ends or paths.get(vertex) != place:
                stretches.append([])
                place = paths.get(vertex)
            if vertex not in boxes and vertex not in ends:
                stretches[-1].append(vertex)
    return [stretch for stretch in stretches if len(stretch) >= WORTH]


def _repeated(nodes: Sequence[Node]) -> dict[Vertex, Box]:
    """The runs in a stretch, at each place the pattern that covers most."""
    numbers: dict[str, int] = {}
    ops = np.array([numbers.setdefault(node.op.name, len(numbers)) for node in nodes])
    covered = np.array([_covered(ops, period) for period in range(1, min(LONGEST, len(ops) // 3) + 1)])
    found: dict[Vertex, Box] = {}
    place = 0
    while place < len(nodes):
        length, period = int(covered[:, place].max()), int(covered[:, place].argmax()) + 1  # the shortest of equals
        if length < WORTH:
            place += 1
            continue
        run = Run(tuple(node.op.name for node in nodes[place : place + period]), length // period)
        found |= dict.fromkeys(nodes[place : place + length], run)
        place += length
    return found


def _covered(ops: np.ndarray, period: int) -> np.ndarray:
    """For each place, how many ops from there on repeat with the period, three times at least.

    >>> _covered(np.array([1, 2, 1, 2, 1, 2, 3, 3]), 2)
    array([6, 0, 0, 0, 0, 0, 0, 0])
    """
    same = ops[:-period] == ops[period:]
    ends = np.append(np.flatnonzero(~same), len(same))
    lengths = ends[np.searchsorted(ends, np.arange(len(same)))] - np.arange(len(same))
    whole = (lengths // period + 1) * period
    return np.append(np.where(lengths >= 2 * period, whole, 0), np.zeros(period, dtype=int))
