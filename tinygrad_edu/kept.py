"""Whether what a node keeps for its rules is still what it was when the node was recorded.

Changes that are made through Tensors the engine notes. Those made to a bare array it cannot see; of what is recorded
inside `detect_anomaly` it therefore knows a checksum, and the learner's line.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.device import is_cupy
from tinygrad_edu.lines import told
from tinygrad_edu.mutation import changes

if TYPE_CHECKING:
    from tinygrad_edu.graph import Node


class Record(NamedTuple):
    """What is known of a node that was recorded inside `detect_anomaly`."""

    line: str
    prints: tuple[Any, ...]  # of what it keeps


records: WeakKeyDictionary[Node, Record] = WeakKeyDictionary()


def fingerprint(value: Any) -> Any:
    """A checksum of the bytes of an array, or of each in a tuple or list; what cannot change has none.

    >>> fingerprint(np.zeros(2)) == fingerprint(np.array([0.0, -0.0]))
    False
    """
    if isinstance(value, tuple | list):
        return tuple(fingerprint(item) if hasattr(item, "base") else repr(item) for item in value)
    if is_cupy(value):
        value = value.get()
    if not isinstance(value, np.ndarray):
        return None
    numbers: Any = np.ascontiguousarray(value)
    return zlib.crc32(numbers)


def check_unchanged(node: Node) -> None:
    """Raise `MutationError` if something that the node keeps was changed since its birth."""
    record = records.get(node)
    for place, (name, value) in enumerate(zip(node.plan.names, node.kept or (), strict=True)):
        change = changes.since(node.index, value)
        if change is not None or (record is not None and record.prints[place] != fingerprint(value)):
            changed_in = told(change.code, change.instruction) if change is not None and change.code else None
            raise errors.changed_value(
                node.op.name, name, _named(node, name), change is not None, changed_in, record and record.line
            )


def _named(node: Node, name: str) -> str | None:
    """The name of the tensor that the node keeps as `name`."""
    operands = node.op.operands
    if node.op.variadic and name in operands:
        return next((vertex.name for vertex in node.inputs if vertex.name), None)
    return node.inputs[operands.index(name)].name if name in operands else node.name if name == "out" else None
