"""The traced lines of a function as source, and the program that they are: what `capture` runs again.

A function that ends with a live result, through which gradients can flow, becomes one op: forward returns what backward
needs beside the result. One that runs its own backward pass is only repeated.
"""

from __future__ import annotations

import builtins
import keyword
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu import autograd, errors, tree
from tinygrad_edu.graph import Node, wrap
from tinygrad_edu.op import Op
from tinygrad_edu.recording import recording
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.tracing import TOKEN, Line, Lines
from tinygrad_edu.watch import switched, watchers

MISS: Any = object()
"""What a program returns that was made for something else."""

RESERVED = {*keyword.kwlist, *dir(builtins), "np"}
SETTINGS = (bool, int, float, str, type(None))


class Trace:
    """One call of a function, and its lines."""

    def __init__(self, function: Callable[..., Any], names: Sequence[str], leaves: Sequence[Any]) -> None:
        self.function, self.leaves = function, leaves
        self.lines = Lines(names, leaves)
        self.structure: Any = None  # of the arguments
        self.result: Any = None  # its containers
        self.outputs: list[tuple[str, str | None]] = []  # how each part of the result is made, and what a line calls it
        self.live: int | None = None  # the part through which gradients flow
        self.sources: list[tuple[str, Tensor]] = []  # where they flow to
        self.forward: list[Line] = []
        self.backward: list[Line] = []
        self.seed = ""
        self.gradients: list[str | None] = []
        self.settings: list[tuple[Any, dict[str, Any]]] = []

    def call(self, args: Any, kwargs: Any) -> Any:
        """Call the function, and write down what it does."""
        self.structure, lines = (args, kwargs), self.lines
        with lines:
            result = self.function(*args, **kwargs)
        self.settings = [(module, settings_of(module)) for module in lines.modules]
        self.result = tree.mapped(lambda _: 0, result)
        parts = tree.leaves(result)
        tensors = [part for part in parts if isinstance(part, Tensor)]
        live = [part for part in tensors if isinstance(part._origin, Node) and part._origin.kept is not None]
        if len(live) > 1:
            raise errors.CaptureError(
                f"{called(self.function)} returns {len(live)} Tensors through which gradients could flow: return one,"
                " and the others as t.detach()"
            )
        self.outputs = [self._output(part, part in live if isinstance(part, Tensor) else False) for part in parts]
        self.forward = lines.lines
        if live:
            self.live = next(i for i, part in enumerate(parts) if part is live[0])
            self._backward(live[0])
        return result

    def _output(self, part: Any, live: bool) -> tuple[str, str | None]:
        lines = self.lines
        if isinstance(part, Tensor):
            if not live and (holder := lines._holder(part)) is not None:
                return "tensor", holder
            return "value", lines.tensor(part)
        return "constant", lines._constant(part, "constant")

    def _backward(self, out: Tensor) -> None:
        """The lines from the gradient of the result to those of the arguments and of the Tensors from outside."""
        lines = self.lines
        known = [(lines._holders[id(t)], t) for t in self.leaves if isinstance(t, Tensor)]
        known += [(f"‹{number}›", seen.tensor) for number, seen in lines.outside.items()]
        self.sources = [(token, tensor) for token, tensor in known if tensor._origin is not None]
        vertices = {tensor._origin for _, tensor in self.sources}
        hooks = [(vertex, vertex.hooks) for vertex in vertices if vertex is not None]
        for vertex, _ in hooks:
            vertex.hooks = None  # the engine runs them when the program has run
        lines.lines = []
        seed = wrap(np.ones_like(out._value)[()], None)
        self.seed = lines._result("g", seed._value, seed)
        try:
            with lines:
                found = autograd.grad(out, [t for _, t in self.sources], seed, retain_graph=True, allow_unused=True)
        finally:
            for vertex, old in hooks:
                vertex.hooks = old
        self.gradients = [None if g is None else lines.tensor(g) for g in found]
        self.backward, lines.lines = lines.lines, self.forward

    # ---- two calls that must be alike

    def difference(self, before: Trace) -> str | None:
        """What this call did otherwise than the one before, so that neither can be repeated; None: nothing."""
        ours, theirs = (self.forward + self.backward, before.forward + before.backward)
        for line, earlier in zip(ours, theirs, strict=False):
            if line != earlier:
                return (
                    f"one call has the line `{before.shown(earlier.text)}` where the next has `{self.shown(line.text)}`"
                )
        if len(ours) != len(theirs) or self.outputs != before.outputs:
            return f"one call has {len(theirs)} lines and the next {len(ours)}, or returns something else"
        changed = self.lines.changed_memory
        for number, value in self.lines.constants.items():
            earlier_value = before.lines.constants.get(number)
            if value is earlier_value:
                continue
            array = getattr(value, "_value", value)
            if isinstance(array, np.ndarray) and id(array) in changed:
                return f"{_told(value)} is made in the function and changed in place: write t = t + x there"
            if not same(value, earlier_value):
                return (
                    f"it used {_told(earlier_value)} in one call and {_told(value)} in the next: what changes has to"
                    " be an argument, a number as a Tensor"
                )
        return None

    # ---- as source

    @property
    def source(self) -> str:
        """The functions as text."""
        return self.written()[0]

    def written(self) -> tuple[str, dict[str, Any]]:
        """The functions as text, and the constants that they name."""
        names = self._names()
        lines, saved = self._used()
        text = self._function(called(self.function), names, self._parameters(), lines, self._returned(saved))
        if self.live is not None:
            back = [_line_of(TOKEN.findall(g)) for g in self.gradients if g]
            needed = _kept(self.backward, [n for numbers in back for n in numbers])
            given = [self.seed, *(f"‹{n}›" for n in saved)]
            text += "\n" + self._function(
                f"{called(self.function)}_backward", names, given, needed, _each_once(self.gradients)
            )
        constants = {names[n]: v for n, v in self.lines.constants.items() if f"‹{n}›" in self._text(lines)}
        told = [f"# {name}: {_told(v)}\n" for name, v in constants.items() if not callable(v)]
        return "".join(told) + text, {names[n]: v for n, v in self.lines.constants.items()}

    def shown(self, text: str) -> str:
        """A line with the names of its values."""
        names = self._names()
        return TOKEN.sub(lambda match: names[int(match[1])], text)

    def _text(self, lines: list[Line]) -> str:
        return "\n".join(line.text for line in lines + self.backward) + str(self.outputs)

    def _parameters(self) -> list[str]:
        """Values of the arguments, and the Tensors themselves where a line needs them."""
        text = self._text(self.forward)
        return [*self.lines.arguments, *(t for t in self.lines.tensors if t is not None and t in text)]

    def _used(self) -> tuple[list[Line], list[int]]:
        """The lines of forward that something comes of, and what backward needs of them."""
        made = {n for line in self.backward for n in line.made} | {*map(int, TOKEN.findall(self.seed))}
        back = [int(n) for g in self.gradients if g for n in TOKEN.findall(g)]
        lines = _kept(self.backward, back)
        asked = dict.fromkeys([n for line in lines for n in line.used()] + back)
        saved = [n for n in asked if n not in made and n not in self.lines.constants]
        ends = [int(n) for _, token in self.outputs if token for n in TOKEN.findall(token)]
        return _kept(self.forward, ends + saved), saved

    def _returned(self, saved: list[int]) -> list[str]:
        return [token for _, token in self.outputs if token] + [f"‹{n}›" for n in saved if self.live is not None]

    def _function(
        self, name: str, names: list[str], parameters: Sequence[str], lines: list[Line], returned: Sequence[str | None]
    ) -> str:
        ends = {int(n) for token in returned if token for n in TOKEN.findall(token)}
        last: dict[int, int] = {}
        for at, line in enumerate(lines):
            last.update(dict.fromkeys(line.used(), at))
        freed = [
            [n for n, end in last.items() if end == at and n in self.lines.large and n not in ends]
            for at in range(len(lines))
        ]
        made = {n for line in lines for n in line.made}
        text = [f"def {name}({', '.join(parameters)}):"]
        for line, done in zip(lines, freed, strict=True):
            text.append(f"    {line.text}")
            if done := [n for n in done if n in made]:
                text.append(f"    del {', '.join(f'‹{n}›' for n in done)}")
        text.append(f"    return {', '.join(token or 'None' for token in returned)}")
        return TOKEN.sub(lambda match: names[int(match[1])], "\n".join(text)) + "\n"

    def _names(self) -> list[str]:
        """A name for each value, by its number: constants get theirs first."""
        lines, taken = self.lines, Counter(dict.fromkeys([*RESERVED, called(self.function)], 1))
        bases = list(lines.bases)
        for name, parameter in ((n, p) for m in reversed(lines.modules) for n, p in m.named_parameters()):
            number = lines._constant_of.get(id(parameter))
            if number is not None and not parameter.name:
                text = name.replace(".", "_")
                bases[int(number[1:-1])] = f"layer{text}" if text[:1].isdigit() else text
        for number, seen in lines.outside.items():
            if (value := seen.number) is not None:
                bases[value] = bases[number].removesuffix("_tensor")
                bases[number] = bases[value] + "_tensor"
        for number, tensor in lines.results:
            if tensor.name:
                bases[number] = tensor.name if tensor.name.isidentifier() else bases[number]
        names = [""] * len(bases)
        arguments = [int(token[1:-1]) for token in lines.arguments]
        every = [*arguments, *lines.constants, *range(len(bases))]
        for number in every:
            if not names[number]:
                base, count = bases[number], 0
                name = base
                while taken[name]:
                    count += 1
                    name = f"{base}_{count}"
                taken[name] = 1
                names[number] = name
        return names


def called(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return name if name.isidentifier() and not keyword.iskeyword(name) else "program"


def _line_of(numbers: Iterable[str]) -> list[int]:
    return [int(number) for number in numbers]


def _kept(lines: list[Line], needed: Iterable[int]) -> list[Line]:
    """The lines of which something comes: a result that is needed, or a change."""
    wanted, kept = set(needed), []
    for line in reversed(lines):
        if not line.pure or wanted.intersection(line.made):
            wanted.update(line.used())
            kept.append(line)
    return kept[::-1]


def _each_once(gradients: Sequence[str | None]) -> list[str | None]:
    """Gradients that are returned twice as copies: each becomes somebody's own."""
    seen: set[str] = set()
    return [None if g is None else f"{g}.copy()" if g in seen or seen.add(g) else g for g in gradients]


def settings_of(module: Any) -> dict[str, Any]:
    """What of a module says how it computes."""
    return {name: value for name, value in vars(module).items() if type(value) in SETTINGS}


def same(a: Any, b: Any) -> bool:
    """Whether two constants of two calls are the same, or alike and made anew."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, Tensor):
        return a._origin is None and b._origin is None and same(a._value, b._value)
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, partial):
        return same((a.func, a.args, a.keywords), (b.func, b.args, b.keywords))
    if hasattr(a, "__code__"):
        closed = [[cell.cell_contents for cell in f.__closure__ or ()] for f in (a, b)]
        return a.__code__ is b.__code__ and same((closed[0], a.__defaults__), (closed[1], b.__defaults__))
    if isinstance(a, float) and a != a:
        return bool(b != b)
    return type(a).__eq__ is not object.__eq__ and bool(a == b)


def _told(value: Any) -> str:
    """A constant as an error or a comment says it."""
    if isinstance(value, Tensor):
        name = f" {value.name!r}" if value.name else ""
        return f"Tensor{name} of shape {value.shape}" if value._value.ndim else f"Tensor{name}({value._value})"
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"array of {value.dtype} of shape {value.shape}"
    text = " ".join(repr(value).split())
    return text if len(text) < 80 else type(value).__name__


class Saved:
    """What backward needs of a run of forward, and gradients that nobody has taken so far."""

    __slots__ = ("g", "gradients", "others", "values")

    def __init__(self, values: tuple[Any, ...], others: tuple[Any, ...]) -> None:
        self.values, self.others = values, others
        self.g: Any = None
        self.gradients: dict[int, Any] = {}


class Again:
    """The Tensors to differentiate the function itself by, for derivatives of derivatives."""

    def __init__(self, program: Program, *operands: Any) -> None:
        self.program, self.operands = program, operands

    def gradient(self, g: Any, operand: int) -> Any:
        """The gradient by an operand, recorded."""
        trace, given = self.program.trace, iter(self.operands)
        leaves = [next(given) if _is_operand(leaf) else leaf for leaf in trace.leaves]
        args, kwargs = tree.rebuilt(trace.structure, leaves)
        out = tree.leaves(trace.function(*args, **kwargs))[trace.live or 0]
        return autograd.grad(out, self.operands[operand], g, create_graph=True)[0]


class Program:
    """A function as NumPy, for arguments of one kind."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.source, constants = trace.written()
        self.switches = switched.count
        space: dict[str, Any] = {"np": np, **constants}
        exec(compile(self.source, f"<captured {called(trace.function)}>", "exec"), space)  # noqa: S102 - the lines
        self.forward = space[called(trace.function)]
        self.backward = space.get(f"{called(trace.function)}_backward")
        self.apply = self._as_op() if trace.live is not None else None
        self.run = self._guarded()

    def still_so(self) -> bool:
        """Whether the modules that were called still have the settings that they had."""
        if all(settings_of(module) == settings for module, settings in self.trace.settings):
            self.switches = switched.count
            return True
        return False

    def _guarded(self) -> Callable[..., Any]:
        """The program behind what it takes for granted; `MISS` where that is not so."""
        trace, given = self.trace, []
        space: dict[str, Any] = {
            "MISS": MISS, "Tensor": Tensor, "forward": self.forward, "wrap": wrap, "watchers": watchers,
            "recording": recording, "switched": switched, "program": self, "misfit": _misfit, "apply": self.apply,
            "rebuilt": tree.rebuilt, "hollow": trace.result, "ndarray": np.ndarray, "same_setting": _same_setting,
        }  # fmt: skip
        count = len(trace.leaves)
        names = [f"a{i}" for i in range(count)]
        checks = [
            f"recording() is not {recording()}",
            "watchers",
            "(switched.count != program.switches and not program.still_so())",
        ]
        for name, leaf in zip(names, trace.leaves, strict=True):
            space[f"{name}_like"] = leaf._value if isinstance(leaf, Tensor) else leaf
            if isinstance(leaf, Tensor):
                value = leaf._value
                space |= {
                    f"{name}_kind": type(leaf),
                    f"{name}_held": type(value),
                    f"{name}_shape": value.shape,
                    f"{name}_dtype": value.dtype,
                }
                checks.append(
                    f"type({name}) is not {name}_kind or ({name}._origin is None) is not {leaf._origin is None}"
                )
                checks.append(
                    f"type(v := {name}._value) is not {name}_held or v.shape != {name}_shape or v.dtype is not {name}_dtype"
                )
                given.append(f"{name}._value")
            elif isinstance(leaf, np.ndarray):
                checks.append(
                    f"type({name}) is not ndarray or {name}.shape != {name}_like.shape or {name}.dtype is not {name}_like.dtype"
                )
                given.append(name)
            else:
                checks.append(f"{name} is not {name}_like and not same_setting({name}, {name}_like)")
                given.append(name)
        for i, seen in enumerate(trace.lines.outside.values()):
            space |= {f"t{i}": seen.tensor, f"o{i}": seen.tensor._origin, f"b{i}": seen.tensor._value}
            checks.append(f"t{i}._origin is not o{i} or (t{i}._value is not b{i} and misfit(t{i}._value, b{i}))")
        extra = [names[i] for i, t in enumerate(trace.lines.tensors) if t is not None and t in trace._parameters()]
        parameters = "".join(f"{name}, " for name in names)
        body = [f"    if len(arguments) != {count}:", "        return MISS"]
        body += [f"    ({parameters}) = arguments"] if count else []
        body += [f"    if {check}:\n        return MISS" for check in checks]
        kinds = [kind for kind, _ in trace.outputs]
        if self.apply is not None:
            operands = [names[i] for i, leaf in enumerate(trace.leaves) if _is_operand(leaf)]
            body.append(f"    result = apply({', '.join(operands + self._closed_over(space))})")
            if len(kinds) > 1:
                body.append("    others = result._origin.saved['saved'].others")
            parts = ["result" if i == trace.live else _wrapped(kind, f"others[{i}]") for i, kind in enumerate(kinds)]
        else:
            body.append(f"    results = forward({', '.join(given + extra)})")
            parts = [_wrapped(kind, f"results[{i}]" if len(kinds) > 1 else "results") for i, kind in enumerate(kinds)]
        body.append(
            f"    return {parts[0]}" if trace.result == 0 else f"    return rebuilt(hollow, [{', '.join(parts)}])"
        )
        source = "def run(*arguments):\n" + "\n".join(body) + "\n"
        exec(compile(source, f"<checks of {called(trace.function)}>", "exec"), space)  # noqa: S102 - the lines above
        return space["run"]  # type: ignore[no-any-return] # a function

    def _closed_over(self, space: dict[str, Any]) -> list[str]:
        """The Tensors from outside to which gradients flow."""
        known = {id(seen.tensor): f"t{i}" for i, seen in enumerate(self.trace.lines.outside.values())}
        arguments = {id(leaf) for leaf in self.trace.leaves}
        return [known[id(tensor)] for _, tensor in self.trace.sources if id(tensor) not in arguments]

    def _as_op(self) -> Callable[..., Tensor]:
        """The program as an op of its Tensors and arrays, those from outside behind the arguments."""
        trace = self.trace
        if any(t in trace._parameters() for t in trace.lines.tensors if t is not None):
            raise errors.CaptureError(
                f"{called(trace.function)} sets the .grad of an argument and returns a result with a history: do the"
                " one or the other"
            )
        place = {id(leaf): f"x{i}" for i, leaf in reversed([*enumerate(trace.leaves)])}
        names = [f"x{i}" for i, leaf in enumerate(trace.leaves) if _is_operand(leaf)]
        for _, tensor in trace.sources:
            if id(tensor) not in place:
                place[id(tensor)] = f"w{len(names)}"
                names.append(place[id(tensor)])
        given = [name if name in names else f"{name}_like" for name in (f"x{i}" for i in range(len(trace.leaves)))]
        space = {f"x{i}_like": leaf for i, leaf in enumerate(trace.leaves)}
        space |= {"program": self.forward, "Saved": Saved, "Again": partial(Again, self), "__name__": __name__}
        count = len(trace.outputs)
        operands = ", ".join(names)
        source = f"""
def forward({operands}):
    results = program({", ".join(given)})
    {"results = (results,)" if len(trace._returned(trace._used()[1])) == 1 else ""}
    return results[{trace.live}], Saved(results[{count}:], results[:{count}])
def again({operands}):
    return Again({operands})
def plain({operands}):
    return forward({operands})[0]
"""
        exec(compile(source, f"<the op of {called(trace.function)}>", "exec"), space)  # noqa: S102 - the lines above
        rules: dict[str, Any] = dict.fromkeys(names)
        for i, (_, tensor) in enumerate(trace.sources):
            if trace.gradients[i] is not None:
                rules[place[id(tensor)]] = partial_rule(self, i, names.index(place[id(tensor)]))
        op = Op(
            space["plain"],
            forward=space["forward"],
            name=called(trace.function),
            beside={"saved": space["again"]},
            **rules,
        )
        return op.apply

    def gradient(self, g: Any, saved: Any, source: int, operand: int) -> Any:
        """The gradient by one of the sources; all are computed when the first is asked for."""
        if isinstance(saved, Again):
            return saved.gradient(g, operand)
        if source not in saved.gradients or saved.g is not g:
            found = self.backward(g, *saved.values)
            saved.gradients = dict(enumerate(found if len(self.trace.gradients) > 1 else (found,)))
            saved.g = g
        return saved.gradients.pop(source)


def partial_rule(program: Program, source: int, operand: int) -> Callable[..., Any]:
    """The rule by one of the sources of a program."""

    def rule(g: Any, saved: Any) -> Any:
        return program.gradient(g, saved, source, operand)

    return rule


def _wrapped(kind: str, part: str) -> str:
    return f"wrap({part}, None)" if kind == "value" else part


def _is_operand(leaf: Any) -> bool:
    return isinstance(leaf, Tensor | np.ndarray)


def _misfit(value: Any, before: Any) -> bool:
    """Whether a program for one array does not do for another."""
    return type(value) is not type(before) or value.shape != before.shape or value.dtype != before.dtype


def _same_setting(given: Any, known: Any) -> bool:
    return type(given) is type(known) and bool(given == known)
