"""A computation as plain records, in the order it ran: what a picture shows, without how it looks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Block", "Edge", "Graph", "Group", "Saved", "Vertex"]


@dataclass(frozen=True, slots=True)
class Saved:
    """An array that a node keeps for its backward pass, by the rule's name for it; `of` is what its owner is called."""

    name: str
    of: str
    shape: tuple[int, ...]
    dtype: Any
    value: Any


@dataclass(frozen=True, slots=True)
class Vertex:
    """A value of the computation. `op` is None for what nobody computed; `gradient` is None: not computed.

    `passes`: the gradient is the sum of so many backward passes. `outdated`: it was there before this was computed.
    `changed`: the value is no longer what was computed with. `freed`: backward has freed what the node kept.
    """

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
    passes: int = 1
    outdated: bool = False
    changed: bool = False
    freed: bool = False
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Several values drawn as one: a module that stays closed, or ops that repeat `times` times.

    `kind` is the class of the module, or the ops. `value` and `gradient` are those of its only result, where known.
    """

    id: str
    name: str
    kind: str
    ops: int
    times: int
    parameters: int
    shapes: tuple[tuple[int, ...], ...]
    value: Any | None
    gradient: Any | None
    is_root: bool = False
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A module that is drawn open, around the vertices that it made; `outer` is the open module around it."""

    id: str
    name: str
    kind: str
    parameters: int
    outer: str | None


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` is operand number `index` of `target`; `gradient` is what flows back along it, None: not known.

    `index` is None at a closed box, which may use a value in several places. `operand` names the place, where it
    matters which operand is which. `stretched` is the shape that broadcasting made of `shape`, and `summed` the axes
    over which the gradient is summed on its way back. `times`: it stands for so many edges. `wrong`: marked by the
    caller.
    """

    source: str
    target: str
    index: int | None
    shape: tuple[int, ...]
    gradient: Any | None = None
    operand: str = ""
    stretched: tuple[int, ...] | None = None
    summed: tuple[int, ...] = ()
    times: int = 1
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """A computation: inputs before results. `hidden` older vertices are left out, and were used by those in `cut`."""

    vertices: tuple[Vertex | Block, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...] = ()
    hidden: int = 0
    cut: tuple[str, ...] = ()
