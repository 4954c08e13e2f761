"""What a function looks at beside its arguments: variables, attributes and modules, which a program takes for granted.

They are those that its code names, and that of the functions which it names in turn. While one of them is another
object than it was, the program is not run.
"""

from __future__ import annotations

import dis
import math
import sys
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.lines import INSTALLED, inside
from tinygrad_edu.tensor import Tensor

SETTINGS = (bool, int, float, str, type(None))
CONTAINERS = (list, tuple, dict, set, deque)
LONG = 1000
"""Of containers of more things than this the number alone is looked at."""


class Place(NamedTuple):
    """Where something is held: a variable of a function around, a key of a dict, or all that is in a container."""

    holder: Any
    key: Any
    value: Any

    def check(self, i: int) -> str:
        """Whether that is still so, as an expression of h, k and v number `i`."""
        kind = type(self.holder).__name__
        if self.key is ALL:
            held = f"h{i}.values()" if kind == "dict" else f"h{i}"
            return f"len(h{i}) == {len(self.holder)}" + f" and [*map(id, {held})] == v{i}" * (len(self.holder) <= LONG)
        if kind == "cell":
            return self._is(f"h{i}.cell_contents", i)
        held = f"h{i}.get(k{i}, MISS)" if hasattr(self.holder, "get") else f"getattr(h{i}, k{i}, MISS)"
        return self._is(held, i)

    def _is(self, held: str, i: int) -> str:
        return f"({held} is v{i} or alike({held}, v{i}))" if isinstance(self.value, SETTINGS) else f"{held} is v{i}"

    def holds(self) -> bool:
        """Whether that is still so."""
        space = {"h0": self.holder, "k0": self.key, "v0": self.value, "MISS": ALL, "alike": alike}
        return bool(eval(self.check(0), space))  # noqa: S307 - the text above


ALL: Any = object()
NO_NAMES: frozenset[str] = frozenset()


class Surroundings:
    """The places that a function looks at, and modules; `given`: its arguments, and the modules that it called."""

    def __init__(self, function: Callable[..., Any], given: Iterable[Any]) -> None:
        self.places: dict[tuple[int, Any], Place] = {}
        self.modules: dict[int, Any] = {}
        self.read: set[str] = set()  # names that are not only counted, as in n += 1
        self._seen: set[tuple[int, int]] = set()
        self._alive: list[Any] = []
        names = _names_of(function)
        self._visit(function, names)
        for value in given:
            self._visit(value, names)

    def _put(self, holder: Any, key: Any, value: Any, names: frozenset[str]) -> None:
        if not isinstance(value, ModuleType | type):  # nobody gives those names to something else
            self.places[id(holder), key if isinstance(key, str) else ""] = Place(holder, key, value)
        self._visit(value, names)

    def _visit(self, value: Any, names: frozenset[str]) -> None:
        """What is looked at of a value, by code that has these names."""
        if isinstance(value, (*SETTINGS, Tensor, np.ndarray, np.generic)) or (id(value), id(names)) in self._seen:
            return
        self._seen.add((id(value), id(names)))
        self._alive += value, names
        if isinstance(value, partial):
            for part in (value.func, *value.args, *value.keywords.values()):
                self._visit(part, names)
        elif isinstance(value, MethodType | FunctionType):
            self._function(value)
        elif isinstance(value, CONTAINERS):
            if not isinstance(value, tuple):
                ids = [*map(id, value.values() if isinstance(value, dict) else value)]
                self.places[id(value), ""] = Place(value, ALL, ids)
            if len(value) <= LONG:
                for item in value.values() if isinstance(value, dict) else value:
                    self._visit(item, names)
        elif isinstance(value, ModuleType):
            if _is_learners(getattr(value, "__file__", None) or ""):
                self._attributes(vars(value), names)
        elif isinstance(value, type):
            self._attributes(vars(value), names)
        elif hasattr(value, "_kinds"):
            self._module(value, names)
        elif hasattr(value, "__dict__"):
            self._attributes(vars(value), names)
            self._methods(value, names)
        elif _is_learners(getattr(sys.modules.get(type(value).__module__), "__file__", None) or "<input>"):
            slots = {slot for kind in type(value).__mro__ for slot in getattr(kind, "__slots__", ())}
            for name in sorted(names & slots):
                if hasattr(value, name):
                    self._put(value, name, getattr(value, name), names)
            self._methods(value, names)

    def _function(self, function: Any) -> None:
        code = getattr(function, "__code__", None)
        if not isinstance(code, CodeType) or not _is_learners(code.co_filename):
            if (owner := getattr(function, "__self__", None)) is not None:
                self._visit(owner, NO_NAMES)
            return
        owner = getattr(function, "__self__", None)
        if (id(function), id(owner)) in self._seen or (id(code), id(owner)) in self._seen:
            return
        self._seen.add((id(code if owner is not None else function), id(owner)))
        self._alive += function, owner
        names = _names_of(function)
        self._alive.append(names)
        self.read |= _read(code)
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            try:
                self._put(cell, name, cell.cell_contents, names)
            except ValueError:
                continue  # nothing is in it yet
        for name in sorted(names & function.__globals__.keys()):
            self._put(function.__globals__, name, function.__globals__[name], names)
        for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self._visit(default, names)
        if owner is not None:
            self._visit(owner, names)

    def _attributes(self, held: Any, names: frozenset[str]) -> None:
        for name in sorted(names & held.keys()):
            self._put(held, name, held[name], names)

    def _methods(self, value: Any, names: frozenset[str]) -> None:
        for name in sorted(names | {"__call__", "forward"}):
            found = next((vars(kind)[name] for kind in type(value).__mro__ if name in vars(kind)), None)
            found = found.fget if isinstance(found, property) else found
            if isinstance(found, FunctionType) and _is_learners(found.__code__.co_filename):
                self._visit(MethodType(found, value), names)

    def _module(self, module: Any, names: frozenset[str]) -> None:
        self.modules[id(module)] = module
        self._methods(module, names)
        for name, value in tuple(vars(module).items()):
            if name not in ("_kinds", "_before", "_after", "_backward"):
                self._visit(value, names)

    def holds(self) -> bool:
        """Whether every place has what it had; containers, as of losses so far, are looked at when a program runs."""
        return all(place.key is ALL or place.holds() for place in self.places.values())

    def changed(self, before: Surroundings) -> str | None:
        """What was another number in the call before, so that it may be yet another; None: nothing.

        What is only counted, and lists that are appended to, are not looked at from now on.
        """
        for place, (_, key, value) in tuple(self.places.items()):
            then = before.places.get(place)
            if then is None or alike(value, then.value):
                continue
            if isinstance(value, SETTINGS) and key in self.read:
                return (
                    f"{key} was {then.value!r} in one call and {value!r} in the next: what changes has to be an"
                    " argument, a number as a Tensor"
                )
            del self.places[place]
        return None


def settings_of(module: Any) -> dict[str, Any]:
    """The attributes of a module, with what is in its containers."""
    return {name: _copied(value) for name, value in tuple(vars(module).items())}


def _copied(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    return type(value)(map(_copied, value)) if type(value) in (list, tuple) else value


def still(now: Any, then: Any) -> bool:
    """Whether an attribute is what it was; numbers, and the containers, may be made anew."""
    if type(now) is not type(then) or now is then:
        return now is then
    if isinstance(now, dict):
        return now.keys() == then.keys() and all(still(now[key], then[key]) for key in now)
    if isinstance(now, list | tuple):
        return len(now) == len(then) and all(map(still, now, then))
    return alike(now, then)


def alike(a: Any, b: Any) -> bool:
    """Whether a setting is what it was."""
    return a is b or (type(a) is type(b) and isinstance(a, (*SETTINGS, list)) and equal(a, b))


def equal(a: Any, b: Any) -> bool:
    """Whether two settings are equal; 0.0 and -0.0 are not, and nan is itself."""
    if isinstance(a, float | np.floating):
        return bool(a == b and math.copysign(1, a) == math.copysign(1, b)) or bool(a != a and b != b)
    return bool(a == b)


def _is_learners(filename: str) -> bool:
    return bool(filename) and not inside[filename] and not any(folder in filename for folder in INSTALLED)


def _names_of(function: Any) -> frozenset[str]:
    """The names in the code of a function, which may be one for certain arguments."""
    while isinstance(function, partial):
        function = function.func
    code = getattr(function, "__code__", None)
    return frozenset(_names(code)) if isinstance(code, CodeType) and _is_learners(code.co_filename) else NO_NAMES


def _names(code: CodeType) -> set[str]:
    names = {*code.co_names, *code.co_freevars, *(part for part in code.co_consts if isinstance(part, str))}
    return names.union(*(_names(part) for part in code.co_consts if isinstance(part, CodeType)))


def _read(code: CodeType) -> set[str]:
    """The names that code reads, but those that it only counts.

    >>> def f(self):
    ...     self.calls += 1
    ...     return self.size
    >>> _read(f.__code__)
    {'size'}
    """
    loads: list[str] = []
    last = ""
    for instruction in dis.get_instructions(code):
        name = instruction.argval
        if not isinstance(name, str) or instruction.opname == "BINARY_OP":
            pass
        elif instruction.opname.startswith("LOAD_") and instruction.opname not in ("LOAD_CONST", "LOAD_FAST"):
            loads.append(name)
        elif instruction.opname.startswith("STORE_") and last.endswith("=") and name in loads:
            loads.remove(name)
        last = last if instruction.opname in ("SWAP", "CACHE") else instruction.argrepr
    return {*loads}.union(*(_read(part) for part in code.co_consts if isinstance(part, CodeType)))
