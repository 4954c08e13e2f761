"""What the lines of a program call the values in them: results by their op, Tensors by their names.

A value is known by its identity. One that no line has made is constant, or belongs to a Tensor from outside, which a
line reads when the program runs. Lines hold the numbers of values, which get their names when all are known.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.graph import wrap
from tinygrad_edu.mutation import owner
from tinygrad_edu.tensor import Tensor

LITERALS = (bool, int, str, type(None))
TOKEN = re.compile(r"§(\d+)§")
LARGE = 1024
"""Results of more numbers are let go as soon as no line needs them any more."""


def token(number: int) -> str:
    """The place of the name of a value in a line."""
    return f"§{number}§"


def numbers_in(text: str) -> list[int]:
    """The values that a text names.

    >>> numbers_in("§3§ * §4§")
    [3, 4]
    """
    return [int(number) for number in TOKEN.findall(text)]


class Line(NamedTuple):
    """A line of a program, with places for the names of values; what it makes; whether it only makes that."""

    text: str
    made: tuple[int, ...] = ()
    pure: bool = True


class Outside(NamedTuple):
    """A Tensor that the function did not make: it is read anew whenever the program runs."""

    tensor: Tensor
    number: int  # of its value
    origin: Any  # its place in the graph before anything was done with it


class Names:
    """The lines of one call, and what they call the values in them."""

    def __init__(self, names: Sequence[str], arguments: Sequence[Any]) -> None:
        self.lines: list[Line] = []
        self.bases: list[str] = []  # of the names of all values, by number
        self.large: set[int] = set()  # the numbers of large results
        self.constants: dict[int, Any] = {}  # by number
        self.outside: dict[int, Outside] = {}  # by the number of the constant
        self.results: list[tuple[int, Tensor]] = []  # with their numbers
        self.given_names: dict[int, str] = {}  # of results that have names of their own
        self.aliases: dict[int, ref[Tensor]] = {}  # Tensors on an array that has a name: made in the function, or not
        self._holders: dict[int, str] = {}  # what a Tensor that was an argument is called
        self._values: dict[int, str] = {}  # what an array is called
        self._known: dict[int, tuple[Any, str]] = {}  # what the value of a Tensor is called, while it holds that array
        self._constant_of: dict[int, str] = {}
        self._alive: list[Any] = []  # so that an identity stays that of one object
        self.arguments = []
        for name, argument in zip(names, arguments, strict=True):
            if isinstance(argument, Tensor):
                self.arguments.append(self.result(name, argument._value, argument))
                self._holders[id(argument)] = self._new(f"{name}_tensor")
            elif isinstance(argument, np.ndarray):
                raise errors.array_given(name)
            else:
                self.arguments.append(self._made(name, argument))
        self._alive += arguments
        self.tensors = [self._holders.get(id(argument)) for argument in arguments]

    def operand(self, operand: Any) -> str:
        """What a line calls an operand."""
        return self.tensor(operand) if isinstance(operand, Tensor) else self.plain(operand)

    def tensor(self, tensor: Tensor) -> str:
        """What a line calls the value of a Tensor; one from outside is read first."""
        value, known = tensor._value, self._known.get(id(tensor))
        if known is not None and known[0] is value:
            return known[1]
        found = self._find(value)
        if found is None:
            holder = self.holder(tensor) or self.constant(tensor, tensor.name or "tensor")
            number = numbers_in(holder)[0]
            found = self.result(self.bases[number], value)
            self.outside.setdefault(number, Outside(tensor, numbers_in(found)[0], tensor._origin))
            self._write([found], f"{holder}._value", pure=False)
        elif known is None and id(tensor) not in self._holders:
            self.aliases[id(tensor)] = ref(tensor)
        self._known[id(tensor)] = (value, found)
        self._alive.append(tensor)
        return found

    def holder(self, tensor: Tensor) -> str | None:
        """What a line calls the Tensor itself, if it was there before the call."""
        name = self._holders.get(id(tensor)) or self._constant_of.get(id(tensor))
        if name is None and id(tensor) not in self._known and self._find(tensor._value) is None:
            name = self.constant(tensor, tensor.name or "tensor")
        return name

    def number_of(self, tensor: Tensor) -> int | None:
        """The number of a Tensor from outside."""
        name = self._constant_of.get(id(tensor))
        return None if name is None else numbers_in(name)[0]

    def plain(self, value: Any) -> str:
        """What a line calls an array, or a setting."""
        found = self._find(value)
        if found is not None:
            return found
        kind = type(value)
        if kind in LITERALS or (kind is float and math.isfinite(value)):
            return repr(value)
        if kind in (tuple, list):
            parts = [self.plain(item) for item in value]
            return f"({', '.join(parts)}{',' * (len(parts) == 1)})" if kind is tuple else f"[{', '.join(parts)}]"
        if kind is slice:
            return f"slice({self.plain(value.start)}, {self.plain(value.stop)}, {self.plain(value.step)})"
        if value is ...:
            return "..."
        if isinstance(value, Tensor):
            return self.tensor(value)
        return self.constant(value, "constant" if hasattr(value, "dtype") else kind.__name__.lower())

    def _passed(self, argument: Any) -> str:
        """What a line passes to a function that it does not look into: Tensors from outside as they are."""
        if isinstance(argument, Tensor):
            holder = self.holder(argument) if argument._origin is not None else self._constant_of.get(id(argument))
            if holder is None and self._find(argument._value) is None:
                return self.constant(argument, argument.name or "tensor")
            return holder or f"{self.function(wrapped)}({self.tensor(argument)})"
        if type(argument) in (list, tuple):
            parts = [self._passed(item) for item in argument]
            return f"[{', '.join(parts)}]" if type(argument) is list else f"({''.join(p + ', ' for p in parts)})"
        return self.plain(argument)

    def function(self, function: Callable[..., Any], name: str | None = None) -> str:
        """What a line calls a function."""
        return self.constant(function, str(name or getattr(function, "__name__", "function")).strip("_<>"))

    def _find(self, value: Any) -> str | None:
        value = getattr(value, "_value", value)
        return self._values.get(id(value)) if is_one_of_many(value) else None

    def _made(self, base: str, value: Any) -> str:
        token = self._new(base)
        value = getattr(value, "_value", value)
        if is_one_of_many(value):
            self._values[id(value)] = token
            self._alive.append(value)
        if isinstance(value, tuple):
            self._values |= {id(item): f"{token}[{i}]" for i, item in enumerate(value) if is_one_of_many(item)}
        return token

    def result(self, base: str, value: Any, tensor: Tensor | None = None) -> str:
        """What a line calls a value that it makes, and the Tensor around it."""
        token = self._made(base, value)
        if tensor is not None:
            self._known[id(tensor)] = (tensor._value, token)
            self.results.append((len(self.bases) - 1, tensor))
        if getattr(value, "size", 0) > LARGE:
            self.large.add(len(self.bases) - 1)
        return token

    def _new(self, base: str) -> str:
        self.bases.append(re.sub(r"\W", "_", base).lstrip("0123456789") or "value")
        return token(len(self.bases) - 1)

    def constant(self, value: Any, base: str) -> str:
        """What a line calls something that is the same in every run."""
        name = self._constant_of.get(id(value))
        if name is None:
            if isinstance(value, np.ndarray) and value.base is not None and self._find(owner(value)) is not None:
                raise errors.not_captured("an array that was taken out of a tensor")
            name = self._constant_of[id(value)] = self._new(base)
            self.constants[len(self.bases) - 1] = value
            self._alive.append(value)
        return name

    def _write(self, targets: Sequence[str], call: str, pure: bool = True) -> None:
        text = f"{', '.join(targets)} = {call}" if targets else call
        self.lines.append(Line(text, tuple(numbers_in(t)[0] for t in targets), pure and bool(targets)))


def is_one_of_many(value: Any) -> bool:
    """Whether an object is known by its identity: there is only one True, and only one empty tuple."""
    return isinstance(value, np.ndarray | np.generic | tuple) and type(value) is not np.bool_ and not _is_empty(value)


def _is_empty(value: Any) -> bool:
    return isinstance(value, tuple) and not value


def wrapped(value: Any) -> Tensor:
    """A Tensor around an array, for a function that takes Tensors."""
    return wrap(value, None)
