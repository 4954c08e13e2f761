"""Modules that hold others, by number or by name."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Self

from tinygrad_edu.nn.module import Kind, Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.tensor import Tensor

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


class _Numbered(Module):
    """Parts that are called "0", "1", ..., as a list of them."""

    _kind: Kind = "module"

    def __init__(self, parts: Iterable[Any] = ()) -> None:
        super().__init__()
        self.extend(parts)

    def _put(self, name: str, part: Any) -> None:
        self._register(name, self._kind, part)

    def _refill(self, parts: Iterable[Any]) -> None:
        """Have these parts and no others, numbered anew."""
        parts = list(parts)
        for name in self._own(self._kind):
            delattr(self, name)
        for number, part in enumerate(parts):
            self._put(str(number), part)

    def _name(self, index: Any) -> str:
        """The name of a part; IndexError where there are fewer."""
        names: list[str] = list(self._own(self._kind))
        try:
            return names[operator.index(index)]
        except IndexError:
            raise IndexError(f"part {index} of a {type(self).__name__} that has {len(names)}") from None

    def __len__(self) -> int:
        return len(self._own(self._kind))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._own(self._kind).values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return vars(self)[self._name(index)]

    def __setitem__(self, index: int, part: Any) -> None:
        self._put(self._name(index), part)

    def __delitem__(self, index: int | slice) -> None:
        parts = list(self)
        del parts[index]
        self._refill(parts)

    def append(self, part: Any) -> Self:
        """Put `part` at the end."""
        self._put(str(len(self)), part)
        return self

    def extend(self, parts: Iterable[Any]) -> Self:
        """Put the parts at the end, in order."""
        for part in list(parts):
            self.append(part)
        return self

    def insert(self, index: int, part: Any) -> Self:
        """Put `part` before number `index`; those after it get the next number."""
        parts = list(self)
        parts.insert(index, part)
        self._refill(parts)
        return self

    def pop(self, index: int) -> Any:
        """Take a part out, and return it."""
        part = self[index]
        del self[index]
        return part

    def __iadd__(self, parts: Iterable[Any]) -> Self:
        return self.extend(parts)


class Sequential(_Numbered):
    """Modules one after the other: what comes out of one goes into the next.

    `Sequential(first, second, ...)`, or one `OrderedDict` of names and modules. It is also a list of them: an index, a
    slice, `len`, `append`, `insert`. An error says in which of them it happened.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.Sequential.html

    >>> from tinygrad_edu import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Tanh()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], dict) else enumerate(args)
        for name, module in named:
            self.register_module(str(name), module)

    def forward(self, input: Any) -> Any:
        """What comes out of the last module."""
        modules, name = vars(self), ""
        try:
            for name, kind in self._kinds.items():
                if kind == "module":
                    input = modules[name](input)
        except Exception as error:
            error.add_note(f"in ({name}): {modules[name]}, of a {type(self).__name__}")
            raise
        return input

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):  # parts keep their names, so that their weights do
            return type(self)(OrderedDict(list(self._own("module").items())[index]))
        return super().__getitem__(index)

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            return NotImplemented
        return Sequential(*self, *other)


class ModuleList(_Numbered):
    """A list of modules whose parameters count, as those in a plain list do not; it computes nothing by itself.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleList.html

    >>> from tinygrad_edu import nn
    >>> layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
    >>> len(layers), sum(p.size for p in layers.parameters())
    (3, 60)
    """

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        lines, number = [], 0
        for said, equal in groupby(map(repr, self)):  # equal neighbours on one line
            count = len(list(equal))
            last = number + count - 1
            line = f"({number}): {said}" if count == 1 else f"({number}-{last}): {count} x {said}"
            lines.append(line.replace("\n", "\n  "))
            number += count
        return _shown(self, lines)


class ParameterList(_Numbered):
    """A list of parameters that count; Tensors become parameters on the same memory.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.ParameterList.html

    >>> [name for name, _ in ParameterList([Tensor([1.0]), Tensor([2.0])]).named_parameters()]
    ['0', '1']
    """

    _kind: Kind = "parameter"

    def _put(self, name: str, part: Any) -> None:
        super()._put(name, _as_parameter(part))

    def __repr__(self) -> str:
        return _shown(self, _described(self._own("parameter")))


class _Named(Module):
    """Parts under names of one's own, as a dict of them."""

    _kind: Kind = "module"

    def __init__(self, parts: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        super().__init__()
        self.update(parts or {})

    def __len__(self) -> int:
        return len(self._own(self._kind))

    def __iter__(self) -> Iterator[str]:
        return iter(self._own(self._kind))

    def __contains__(self, name: object) -> bool:
        return name in self._own(self._kind)

    def __getitem__(self, name: str) -> Any:
        return self._own(self._kind)[name]

    def __setitem__(self, name: str, part: Any) -> None:
        self._register(name, self._kind, part)

    def __delitem__(self, name: str) -> None:
        self.pop(name)

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._own(self._kind).keys()

    def values(self) -> Iterable[Any]:
        """The parts."""
        return self._own(self._kind).values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """The names, each with its part."""
        return self._own(self._kind).items()

    def update(self, parts: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add parts, or replace those of the same name."""
        for name, part in dict(parts).items():
            self[name] = part

    def pop(self, name: str) -> Any:
        """Take a part out, and return it; KeyError where there is none."""
        part = self[name]
        delattr(self, name)
        return part

    def clear(self) -> None:
        """Take all parts out."""
        for name in list(self):
            del self[name]


class ModuleDict(_Named):
    """A dict of modules whose parameters count; it computes nothing by itself.

    A name that a Module has an attribute for, as "train", is a KeyError.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleDict.html

    >>> from tinygrad_edu import nn
    >>> nn.ModuleDict({"hidden": nn.Linear(2, 3), "act": nn.ReLU()})["act"]
    ReLU()
    """


class ParameterDict(_Named):
    """A dict of parameters that count; Tensors become parameters on the same memory.

    Those of a plain dict are put in the order of their names, as PyTorch does: an optimiser numbers them so.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.ParameterDict.html

    >>> [name for name, _ in ParameterDict({"left": Tensor([1.0])}).named_parameters()]
    ['left']
    """

    _kind: Kind = "parameter"

    def __setitem__(self, name: str, part: Any) -> None:
        super().__setitem__(name, _as_parameter(part))

    def update(self, parts: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add parameters, or replace those of the same name."""
        plain = isinstance(parts, dict) and not isinstance(parts, OrderedDict)
        super().update(sorted(dict(parts).items()) if plain else parts)

    def __repr__(self) -> str:
        return _shown(self, _described(self._own("parameter")))


def _as_parameter(part: Any) -> Any:
    return Parameter(part) if isinstance(part, Tensor) and not isinstance(part, Parameter) else part


def _described(parameters: dict[str, Parameter]) -> list[str]:
    return [
        f"({name}): Parameter containing: [{parameter.dtype} of size {'x'.join(map(str, parameter.shape))}]"
        for name, parameter in parameters.items()
    ]


def _shown(module: Module, lines: list[str]) -> str:
    """The parts of a module, one a line."""
    kind = type(module).__name__
    return "\n  ".join([f"{kind}(", *lines]) + "\n)" if lines else f"{kind}()"
