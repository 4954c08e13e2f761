"""Which module of a network made what: told by `nn.scopes`, or read off the parameters that an op uses."""

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu import Tensor, nn
from tinygrad_edu.graph import Leaf, Node, Vertex
from tinygrad_edu.nn.scopes import Call

__all__ = ["Network", "Path", "run"]

Path: TypeAlias = tuple[Call, ...]
"""The calls of modules around a vertex, the outermost first; () where no module made it."""


class Network:
    """A model, and the calls of its modules during which each vertex of a graph came to be."""

    def __init__(self, model: "nn.Module | nn.scopes", order: Sequence[Vertex]) -> None:
        self.module = module_of(model)
        self.modules: dict[str, nn.Module] = dict(self.module.named_modules())
        nodes = [vertex for vertex in order if isinstance(vertex, Node)]
        calls = model.calls if isinstance(model, nn.scopes) else inferred(self.module, nodes)
        self.paths: dict[Vertex, Path] = dict(_around(calls, nodes))
        self._place_leaves(order)

    def _place_leaves(self, order: Sequence[Vertex]) -> None:
        """Parameters, buffers and numbers stand where they are used; other tensors come from outside."""
        self.users: dict[Vertex, list[Node]] = {}
        for node in order:
            if isinstance(node, Node):
                for vertex in node.inputs:
                    self.users.setdefault(vertex, []).append(node)
        own = {id(tensor): name for name, tensor in (*self.module.named_parameters(), *self.module.named_buffers())}
        self.owned: dict[Vertex, str] = {}
        for vertex in order:
            if isinstance(vertex, Leaf):
                if id(vertex.tensor) in own:
                    self.owned[vertex] = own[id(vertex.tensor)]
                around = [self.paths[node] for node in self.users.get(vertex, ())]
                outside = vertex.tensor is not None and vertex not in self.owned
                self.paths[vertex] = () if outside or not around else reduce(_common, around)

    def parameters(self, name: str) -> int:
        """How many numbers a module learns."""
        return sum(parameter.size for parameter in self.modules[name].parameters())

    def check(self, names: Collection[str]) -> None:
        """ValueError for a name that no module which made something has."""
        known = sorted({call.name for path in self.paths.values() for call in path} - {""})
        for name in names:
            if not any(other == name or other.startswith(f"{name}.") for other in known):
                near = difflib.get_close_matches(name, known, 1)
                said = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known[:12]) or 'none'}"
                raise ValueError(f"no module {name!r} made anything here: {said}")


def module_of(model: "nn.Module | nn.scopes") -> nn.Module:
    """The module itself, or the one that is watched; TypeError for anything else."""
    if not isinstance(model, nn.Module | nn.scopes):
        raise TypeError(
            f"model= takes a Module, or what `with nn.scopes(module) as calls:` noted, not {type(model).__name__}"
        )
    return model.model if isinstance(model, nn.scopes) else model


def closed(path: Path, depth: int, opened: Collection[str]) -> Call | None:
    """The outermost call of the path that stays closed: beyond `depth`, unless it, or one in it, is to be opened."""
    for level, call in enumerate(path):
        inside = (name == call.name or not call.name or name.startswith(f"{call.name}.") for name in opened)
        if level >= depth and not any(inside):
            return call
    return None


def run(model: nn.Module, inputs: Any) -> tuple[Any, nn.scopes, dict[str, Tensor]]:
    """What the model makes of the inputs, who made what, and names for the inputs; as in `eval()`, and left as it was.

    `inputs`: one Tensor or array, or a tuple or list of what the model takes.
    """
    given = inputs if isinstance(inputs, tuple | list) else (inputs,)
    arguments = [Tensor(value) if isinstance(value, np.ndarray) else value for value in given]
    modes = [(module, module.training) for module in model.modules()]
    try:
        with nn.scopes(model) as calls:
            result = model.eval()(*arguments)
    finally:
        for module, training in modes:
            module.training = training
    unnamed = [argument for argument in arguments if isinstance(argument, Tensor) and argument.name is None]
    names = {"input" if len(unnamed) == 1 else f"input {i}": argument for i, argument in enumerate(unnamed, 1)}
    return result, calls, names


def inferred(model: nn.Module, nodes: Iterable[Node]) -> list[Call]:
    """The calls as far as parameters show them: ops in a row that use parameters of the same module are one call.

    What uses no parameter (an activation) is nobody's, or that of the module around its neighbours.
    """
    kinds = {name: type(module).__name__ for name, module in model.named_modules()}
    calls: list[Call] = []
    for name, first, last in _stretches(_owners(model, nodes), kinds):
        calls.append(Call(name, kinds[name], first - 1, last + 1))
    return sorted(calls, key=lambda call: (call.name, call.first))


def _owners(model: nn.Module, nodes: Iterable[Node]) -> list[tuple[int, str | None]]:
    """The birth number of every node, and the module whose parameters it uses."""
    parameters = {id(tensor): name.rpartition(".")[0] for name, tensor in model.named_parameters()}
    pure: dict[Vertex, str | None] = {}  # what is made of parameters and numbers only, as a transposed weight
    owned = []
    for node in nodes:
        for vertex in node.inputs:
            if isinstance(vertex, Leaf) and id(vertex.tensor) in parameters:
                pure[vertex] = parameters[id(vertex.tensor)]
            elif isinstance(vertex, Leaf) and not vertex.requires_grad and vertex.shape == ():
                pure[vertex] = None
        owner = next((name for vertex in node.inputs if (name := pure.get(vertex)) is not None), None)
        if all(vertex in pure for vertex in node.inputs):
            pure[node] = owner
        owned.append((node.index, owner))
    return owned


def _outer(name: str, kinds: Mapping[str, str]) -> list[str]:
    """The module and those around it."""
    parts = name.split(".")
    return [outer for i in range(len(parts) + 1) if (outer := ".".join(parts[:i])) in kinds]


def _stretches(owned: Sequence[tuple[int, str | None]], kinds: Mapping[str, str]) -> Iterable[tuple[str, int, int]]:
    """Modules, with the first and last birth number of what each made in a row.

    What is nobody's ends the row of a module that holds no other that made something; a container also spans it.
    """
    around = {owner: _outer(owner, kinds) for _, owner in owned if owner is not None}
    containers = {name for owner, names in around.items() for name in names if name != owner}
    running: dict[str, tuple[int, int]] = {}
    for index, owner in owned:
        going_on = containers if owner is None else around[owner]
        for name in [name for name in running if name not in going_on]:
            yield (name, *running.pop(name))
        for name in [] if owner is None else around[owner]:
            running[name] = (running.get(name, (index, index))[0], index)
    for name, (first, last) in running.items():
        yield name, first, last


def _around(calls: Iterable[Call], nodes: Iterable[Node]) -> Iterable[tuple[Node, Path]]:
    """Each node with the calls during which it was born, found in one sweep over both."""
    waiting = sorted(calls, key=lambda call: (-call.first, -len(call.name)))
    running: list[Call] = []
    for node in sorted(nodes, key=lambda node: node.index):
        while waiting and waiting[-1].first < node.index:
            running.append(waiting.pop())
        running = [call for call in running if call.last > node.index]
        yield node, tuple(running)


def _common(one: Path, other: Path) -> Path:
    """The calls around both."""
    length = 0
    while length < min(len(one), len(other)) and one[length] is other[length]:
        length += 1
    return one[:length]
