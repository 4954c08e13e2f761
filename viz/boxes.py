"""What the stepper draws as one box: a value, a module of the network, or in a large graph a run of values."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import ceil

from tinygrad_edu.graph import Leaf, Node, Vertex
from tinygrad_edu.nn.scopes import Call
from viz.labels import formula, printable
from viz.modules import Network, closed

MOST_BOXES = 60
"""More are drawn as runs of values: nobody steps through thousands."""


@dataclass(frozen=True, slots=True)
class Box:
    """One or more vertices of the graph, in the order they were computed; `kind` is its look.

    leaf, constant, op, root: one vertex; module, run: several, of which the last is what the box is known by. `nodes`
    are those of them that an op made.
    """

    id: str
    kind: str
    title: str
    subtitle: str
    vertices: tuple[Vertex, ...]
    nodes: tuple[Node, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(vertex for vertex in self.vertices if isinstance(vertex, Node)))

    @property
    def result(self) -> Vertex:
        """The vertex that the box is known by."""
        return self.vertices[-1]


def boxes(
    names: Mapping[Vertex, str],
    end: Vertex,
    network: Network | None = None,
    depth: int = 1,
    opened: Collection[str] = (),
    most: int = MOST_BOXES,
) -> list[Box]:
    """The boxes of a graph, inputs before results; `names` holds its vertices in the order they were computed.

    In a network, what a closed module made, and the parameters that it made it with, are one box. Beyond `most` boxes,
    neighbours in time are one: as every input is older than what is made of it, no arrow leads in a circle.
    """
    homes = {v: closed(network.paths[v], depth, opened) if network else None for v in names}
    nodes = [vertex for vertex in names if isinstance(vertex, Node)]
    units = [tuple(run) for _, run in groupby(nodes, key=lambda node: homes[node] or node)]
    if len(units) + sum(isinstance(v, Leaf) and not homes[v] for v in names) > most:
        size = ceil(len(units) / most)
        parts = [units[i : i + size] for i in range(0, len(units), size)]
        units = [tuple(node for unit in part for node in unit) for part in parts]
    hosts = _hosts(units, homes)
    drawn = [Box("", _look(v), names[v], "", (v,)) for v in names if isinstance(v, Leaf) and v not in hosts]
    times: Counter[str] = Counter()
    for unit in units:
        module = _home(unit, homes)
        members = (*(leaf for leaf, host in hosts.items() if host == unit[0]), *unit)
        if module is not None:
            times[module.name] += 1
            title = module.name or module.kind
            title += f" ({times[module.name]})" if times[module.name] > 1 else ""
            drawn.append(Box("", "module", printable(title), f"{module.kind}, gives {names[unit[-1]]}", members))
        elif len(unit) > 1:
            title = f"{names[unit[0]]} ... {names[unit[-1]]}"
            drawn.append(Box("", "run", title, f"{len(unit):,} operations", members))
        else:
            look = "root" if unit[0] is end else "op"
            drawn.append(Box("", look, names[unit[0]], printable(formula(unit[0], dict(names)), 28), members))
    return [replace(box, id=f"n{i}") for i, box in enumerate(drawn)]


def _look(leaf: Leaf) -> str:
    return "leaf" if leaf.requires_grad else "constant"


def _home(unit: Sequence[Node], homes: Mapping[Vertex, Call | None]) -> Call | None:
    """The module that made all of a box; None for what several made, or none."""
    made = {homes[node] for node in unit}
    return made.pop() if len(made) == 1 else None


def _hosts(units: Sequence[tuple[Node, ...]], homes: Mapping[Vertex, Call | None]) -> dict[Vertex, Node]:
    """The first node of the box that a leaf is drawn in: of its module, of the only run that uses it, or of the first.

    The first of several runs it is only where so many leaves would stand by themselves that nobody could read them.
    """
    users: dict[Vertex, dict[Node, None]] = {}
    wide = {unit[0] for unit in units if len(unit) > 1 and _home(unit, homes) is None}
    for unit in units:
        for vertex in (vertex for node in unit for vertex in node.inputs if isinstance(vertex, Leaf)):
            users.setdefault(vertex, {})[unit[0]] = None
    hosts: dict[Vertex, Node] = {}
    for leaf, (first, *others) in users.items():
        if not others and (first in wide or (homes[leaf] is not None and homes[leaf] is homes[first])):
            hosts[leaf] = first
    crowd = {leaf: first for leaf, (first, *_) in users.items() if leaf not in hosts and first in wide}
    return hosts | crowd if len(crowd) > MOST_BOXES // 2 else hosts
