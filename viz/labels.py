"""What the vertices of a graph are called, and the formula that made each."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Any

from tinygrad_edu.graph import Leaf, Node, Vertex
from viz.numbers import shown
from viz.walk import value_of

INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "matmul": "@"}
"""Ops that are written between their operands."""
MOST_OPERANDS = 8
"""Of more than these, as `stack` may have, the first and the last are written."""


def printable(text: str, longest: int = 40) -> str:
    """The text in one line, without characters that a terminal or an XML reader would obey, and not too long.

    >>> printable("two" + chr(10) + "lines"), printable("x" * 100, 8)
    ('two lines', 'xxxxx...')
    """
    plain = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * longest]).split())
    return plain if len(plain) <= longest else plain[: longest - 3] + "..."


def call_them(vertices: Sequence[Vertex], root: Vertex, given: Mapping[Vertex, str] | None = None) -> dict[Vertex, str]:
    """A short, unique name for each vertex: its own where it is one word, a number itself, else p, q, r ... and `out`.

    `given` names come before their own. A formula of its own, such as `a * b`, is too long to be repeated in every line
    of the chain rule.
    """
    names: dict[Vertex, str] = {}
    taken: set[str] = set()
    numbers: dict[str, Iterator[int]] = {}

    def unused(name: str) -> str:
        """The name, with a number behind it if another vertex has it already."""
        found = name
        while found in taken:
            found = f"{name}_{next(numbers.setdefault(name, count(2)))}"
        taken.add(found)
        return found

    for vertex in vertices:
        own = printable((given or {}).get(vertex) or vertex.name or "", 20)
        if own and (own.isidentifier() or isinstance(vertex, Leaf)):
            names[vertex] = unused(own)
        elif isinstance(vertex, Leaf) and not vertex.requires_grad:
            value = value_of(vertex)
            stands_for_itself = value is not None and value.size <= 3
            names[vertex] = shown(value) if stands_for_itself else unused("k")
            taken.add(names[vertex])
    if root not in names:
        names[root] = unused("out")
    unnamed = [vertex for vertex in vertices if vertex not in names]
    letters = [letter for letter in "pqrstuvw" if letter not in taken]
    numbered = (f"v{i}" for i in count(1))  # as in Griewank and Walther, Evaluating Derivatives
    fresh = chain(letters if len(unnamed) <= len(letters) else (), (name for name in numbered if name not in taken))
    return {vertex: names.get(vertex) or next(fresh) for vertex in vertices}


def formula(node: Node, names: dict[Vertex, str]) -> str:
    """How the node was computed, in the names of its inputs: `a * b`, `sum(p, axis=0)`."""
    inputs = [names[vertex] for vertex in node.inputs]
    name = node.op.name
    if name in INFIX:
        return f" {INFIX[name]} ".join(f"({text})" if text.startswith("-") else text for text in inputs)
    if name == "negative":
        return f"-{inputs[0]}"
    settings = settings_of(node)
    if name == "getitem":
        return f"{inputs[0]}[{settings.get('key', '...')}]"
    if node.op.variadic:
        few = inputs if len(inputs) <= MOST_OPERANDS else [*inputs[:2], "...", inputs[-1]]
        inputs = [f"[{', '.join(few)}]"]
    if name == "reshape":
        inputs.append(str(node.shape))
    return f"{name}({', '.join([*inputs, *(f'{key}={value}' for key, value in settings.items())])})"


def local_name(node: Node, vertex: Vertex, names: dict[Vertex, str]) -> str:
    """The derivative of one op by one of its inputs: `d(a * b)/d a`, `d sigmoid(p)/d p`."""
    made = formula(node, names)
    made = f"({made})" if node.op.name in (*INFIX, "negative") else f" {made}"
    return f"d{made}/d {names[vertex]}"


def settings_of(node: Node) -> dict[str, str]:
    """What the node was called with beside its operands, as far as it is kept and is not what it would be anyway."""
    parameters = node.op.signature.parameters
    kept = {name: value for name, value in node.saved.items() if name in node.op.static}
    return {
        name: _setting(value)
        for name, value in kept.items()
        if not (type(value) is type(parameters[name].default) and value == parameters[name].default)
    }


def _setting(value: Any) -> str:
    """A static parameter as it would be written."""
    if isinstance(value, slice):
        parts = ["" if part is None else str(part) for part in (value.start, value.stop, value.step)]
        return ":".join(parts if value.step is not None else parts[:2])
    if isinstance(value, tuple) and any(isinstance(part, slice) or part is Ellipsis for part in value):
        return ", ".join(map(_setting, value))
    return "..." if value is Ellipsis else printable(str(value))
