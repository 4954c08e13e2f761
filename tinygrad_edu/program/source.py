"""Lines as text: names for all values, the functions that a program is made of, and what a value is told as."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.program.naming import TOKEN, Line, numbers_in, token
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_edu.program.traced import Trace

RESERVED = {*keyword.kwlist, *dir(builtins), "np"}


class Source:
    """A trace as Python: `text`, the `constants` that it names, and what backward needs of forward."""

    def __init__(self, trace: Trace) -> None:
        names, lines = _names(trace), trace.lines
        back = [n for g in trace.gradients if g for n in numbers_in(g)]
        backward = _needed(trace.backward, back)
        made = {n for line in trace.backward for n in line.made} | {*numbers_in(trace.seed)}
        asked = dict.fromkeys([n for line in backward for n in numbers_in(line.text)] + back)
        saved = [token(n) for n in asked if n not in made and n not in lines.constants]
        returned = [output.name for output in trace.outputs]
        forward = _needed(trace.forward, [n for name in returned + saved for n in numbers_in(name)])
        used = {n for line in forward + backward for n in numbers_in(line.text)}
        used |= {n for name in returned for n in numbers_in(name)}
        self.name = called(trace.function)
        self.needs_tensors = [name is not None and numbers_in(name)[0] in used for name in lines.tensors]
        given = [
            *lines.arguments,
            *(n for n, need in zip(lines.tensors, self.needs_tensors, strict=True) if n and need),
        ]
        text = _function(self.name, given, forward, returned + saved, lines.large)
        self.results = len(returned) + len(saved)
        if trace.live is not None:
            ends = _each_once(trace.gradients)
            text += "\n" + _function(f"{self.name}_backward", [trace.seed, *saved], backward, ends, lines.large)
        self.constants = {names[n]: value for n, value in lines.constants.items() if n in used}
        comments = [f"# {name}: {told(value)}\n" for name, value in self.constants.items() if not callable(value)]
        self.text = "".join(comments) + TOKEN.sub(lambda match: names[int(match[1])], text)


def _needed(lines: list[Line], ends: Iterable[int]) -> list[Line]:
    """The lines of which something comes: a result that is needed, or a change."""
    wanted, needed = set(ends), []
    for line in reversed(lines):
        if not line.pure or wanted.intersection(line.made):
            wanted.update(numbers_in(line.text))
            needed.append(line)
    return needed[::-1]


def _each_once(gradients: Sequence[str | None]) -> list[str]:
    """Gradients that are returned twice as copies: each becomes somebody's own."""
    return ["None" if g is None else f"{g}.copy()" if g in gradients[:i] else g for i, g in enumerate(gradients)]


def _function(name: str, given: Sequence[str], lines: list[Line], returned: Sequence[str], large: set[int]) -> str:
    """A function; large results are let go as soon as no line needs them any more."""
    last = {n: at for at, line in enumerate(lines) for n in numbers_in(line.text)}
    last |= {n: len(lines) for end in returned for n in numbers_in(end)}
    made: set[int] = set()
    text = [f"def {name}({', '.join(given)}):"]
    for at, line in enumerate(lines):
        made.update(line.made)
        text.append(f"    {line.text}")
        if done := [token(n) for n in sorted(made & large) if last[n] == at]:
            text.append(f"    del {', '.join(done)}")
    text.append(f"    return {', '.join(returned)}".rstrip())
    return "\n".join(text) + "\n"


def _names(trace: Trace) -> list[str]:
    """A name for each value, by its number: arguments get theirs first, then what is constant."""
    lines = trace.lines
    bases = list(lines.bases)
    for module in reversed(lines.modules):
        for name, parameter in (*module.named_parameters(), *module.named_buffers()):
            if (number := lines.number_of(parameter)) is not None and not parameter.name:
                bases[number] = "layer" * name[0].isdigit() + name.replace(".", "_")
    for number, seen in lines.outside.items():
        bases[seen.number], bases[number] = bases[number], f"{bases[number]}_tensor"
    for number, name in lines.given_names.items():
        bases[number] = name
    for number, owner in lines.gradients:
        bases[number] = f"{bases[lines.outside[owner].number if owner in lines.outside else owner]}_grad"
    names, taken = [""] * len(bases), {*RESERVED, called(trace.function)}
    arguments = [n for name in lines.arguments for n in numbers_in(name)]
    for number in dict.fromkeys([*arguments, *lines.constants, *range(len(bases))]):
        name, count = bases[number], 0
        while name in taken:
            count += 1
            name = f"{bases[number]}_{count}"
        taken.add(name)
        names[number] = name
    return names


def shown(trace: Trace, line: Line) -> str:
    """A line with the names of its values."""
    names = _names(trace)
    return TOKEN.sub(lambda match: names[int(match[1])], line.text)


def called(function: Callable[..., Any]) -> str:
    """What a program is called: as the function, if that has a name."""
    name = getattr(function, "__name__", "")
    return name if name.isidentifier() and not keyword.iskeyword(name) else "program"


def told(value: Any) -> str:
    """A constant as a comment or an error says it."""
    if isinstance(value, Tensor):
        name = f" {value.name!r}" if value.name else ""
        return f"Tensor{name} of shape {value.shape}" if value.ndim else f"Tensor{name}({value._value})"
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"array of {value.dtype} of shape {value.shape}"
    text = " ".join(repr(value).split())
    return text if len(text) < 80 else type(value).__name__
