"""A program: the lines of a function as a Python function, behind checks of what they take for granted.

A function that ends with a live result, through which gradients can flow, becomes one op: forward returns what backward
needs beside the result. One that runs its own backward pass is only repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import autograd, errors, tree
from tinygrad_edu.graph import wrap
from tinygrad_edu.op import Op
from tinygrad_edu.program.source import Source
from tinygrad_edu.program.surroundings import alike, equal, still
from tinygrad_edu.program.traced import Trace
from tinygrad_edu.recording import recording
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.watch import switched, watchers

MISS: Any = object()
"""What a program returns that was made for something else."""


class Saved:
    """What backward needs of a run of forward, and gradients that nobody has taken so far."""

    __slots__ = ("g", "gradients", "others", "values")

    def __init__(self, values: tuple[Any, ...], others: tuple[Any, ...]) -> None:
        self.values, self.others = values, others
        self.g: Any = None
        self.gradients: dict[int, Any] = {}


class Again:
    """The Tensors to differentiate the function itself by, for derivatives of derivatives."""

    def __init__(self, trace: Trace, *operands: Any) -> None:
        self.trace, self.operands = trace, operands

    def gradient(self, g: Any, operand: int) -> Any:
        """The gradient by an operand, recorded."""
        trace, given = self.trace, iter(self.operands)
        args, kwargs = tree.rebuilt(
            trace.arguments, [next(given) if isinstance(a, Tensor) else a for a in trace.leaves]
        )
        out = tree.leaves(trace.function(*args, **kwargs))[trace.live or 0]
        return autograd.grad(out, self.operands[operand], g, create_graph=True)[0]


class Program:
    """A function as NumPy, for arguments like those of a trace; `before`: the trace that was found to be alike.

    `run` returns what the function would, or `MISS` where something is not as it was.
    """

    def __init__(self, trace: Trace, before: Trace) -> None:
        self.trace, self.written = trace, Source(trace)
        self.source, name = self.written.text, self.written.name
        self.switches = switched.count
        space: dict[str, Any] = {"np": np, **self.written.constants}
        exec(compile(self.source, f"<captured {name}>", "exec"), space)  # noqa: S102 - the lines of the function
        self.forward = space[name]
        self.backward: Callable[..., Any] = space.get(f"{name}_backward", self.forward)
        # One that was the same in both calls may also be used from outside, unseen: it has to stay.
        self._fixed = [
            isinstance(a, Tensor) and a._value is getattr(b, "_value", b)
            for a, b in zip(trace.leaves, before.leaves, strict=True)
        ]
        known = {kept() for kept in before.lines.aliases.values()}
        self._aliases = [t for kept in trace.lines.aliases.values() if (t := kept()) is not None and t in known]
        origins = [seen.tensor._origin for seen in trace.lines.outside.values()]
        self._hooks = [(vertex, list(vertex.hooks or ())) for vertex in origins if vertex is not None]
        self.run = self._behind_checks()

    def still_so(self) -> bool:
        """Whether the modules that were called have the settings that they had."""
        for module, settings in self.trace.settings:
            given = vars(module)
            if not all(still(given.get(name, MISS), value) for name, value in settings.items()):
                return False
            if given.keys() - settings.keys() - self.trace.counted:
                return False
        if any((vertex.hooks or []) != hooks for vertex, hooks in self._hooks):
            return False
        self.switches = switched.count
        return True

    def gradient(self, g: Any, saved: Any, source: int, operand: int) -> Any:
        """The gradient by one of the sources; all are computed when the first is asked for, and given away once."""
        if isinstance(saved, Again):
            return saved.gradient(g, operand)
        if source not in saved.gradients or saved.g is not g:
            found = self.backward(g, *saved.values)
            saved.g, saved.gradients = g, dict(enumerate(found if len(self.trace.gradients) > 1 else (found,)))
        return saved.gradients.pop(source)

    def _behind_checks(self) -> Callable[..., Any]:
        """The program as a function, compiled behind the checks of what it takes for granted."""
        trace = self.trace
        names = [f"a{i}" for i in range(len(trace.leaves))]
        space: dict[str, Any] = {
            "MISS": MISS,
            "containers": trace.containers,
            "alike": alike,
            "equal": equal,
            "fits": _fits,
            "forward": self.forward,
            "program": self,
            "rebuilt": tree.rebuilt,
            "recording": recording,
            "switched": switched,
            "watchers": watchers,
            "wrap": wrap,
        }
        checks = [f"recording() is {recording()}", "not watchers"]
        checks.append("(switched.count == program.switches or program.still_so())")
        for name, leaf, fixed in zip(names, trace.leaves, self._fixed, strict=True):
            value = getattr(leaf, "_value", leaf)
            space |= {
                f"{name}_was": leaf,
                f"{name}_value": value,
                f"{name}_kind": type(leaf),
                f"{name}_held": type(value),
            }
            if fixed:
                checks.append(f"{name}._value is {name}_value")
            if isinstance(leaf, Tensor):
                checks.append(f"type({name}) is {name}_kind and ({name}._origin is None) is {leaf._origin is None}")
                space |= {f"{name}_shape": value.shape, f"{name}_dtype": value.dtype}
                checks.append(f"type(v := {name}._value) is {name}_held")
                checks.append(f"v.shape == {name}_shape and v.dtype is {name}_dtype")
            else:
                checks.append(f"({name} is {name}_was or (type({name}) is {name}_kind and equal({name}, {name}_was)))")
        checks += _still_alike(names, trace.leaves)
        for i, seen in enumerate(trace.lines.outside.values()):
            space |= {f"t{i}": seen.tensor, f"o{i}": seen.tensor._origin, f"b{i}": seen.tensor._value}
            checks.append(f"t{i}._origin is o{i} and (t{i}._value is b{i} or fits(t{i}._value, b{i}))")
        for i, tensor in enumerate(self._aliases):
            space |= {f"s{i}": tensor, f"s{i}_value": tensor._value}
            checks.append(f"s{i}._value is s{i}_value")
            checks += [
                f"t{j}._value is s{i}_value"
                for j, seen in enumerate(trace.lines.outside.values())
                if seen.tensor._value is tensor._value
            ]
        for i, (tensor, missing) in enumerate(trace.lines.graded.values()):
            if missing is not None:
                space[f"g{i}"] = tensor
                checks.append(f"(getattr(g{i}, '_grad', None) is None) is {missing}")
        for i, place in enumerate(trace.surroundings.places.values()):
            space |= {f"h{i}": place.holder, f"k{i}": place.key, f"v{i}": place.value}
            checks.append(place.check(i))
        lines = [
            f"if len(given) != {len(names)}:",
            "    return MISS",
            *([f"{', '.join(names)}, = given"] if names else []),
        ]
        lines += [line for check in checks for line in (f"if not ({check}):", "    return MISS")]
        lines += self._through_an_op(names, space) if trace.live is not None else self._at_once(names)
        text = "def run(*given):\n" + "".join(f"    {line}\n" for line in lines)
        exec(compile(text, f"<checks of {self.written.name}>", "exec"), space)  # noqa: S102 - the lines above
        run: Callable[..., Any] = space["run"]
        return run

    def _at_once(self, names: list[str]) -> list[str]:
        """Lines that call the program and return what it gives."""
        leaves, kinds = self.trace.leaves, [output.kind for output in self.trace.outputs]
        given = [f"{n}._value" if isinstance(leaf, Tensor) else n for n, leaf in zip(names, leaves, strict=True)]
        given += [name for name, needed in zip(names, self.written.needs_tensors, strict=True) if needed]
        parts = [
            _part(kind, f"results[{i}]" if self.written.results > 1 else "results") for i, kind in enumerate(kinds)
        ]
        return [f"results = forward({', '.join(given)})", f"return {self._in_containers(parts)}"]

    def _through_an_op(self, names: list[str], space: dict[str, Any]) -> list[str]:
        """Lines that apply the program as an op, and return its result and what else there is."""
        trace, kinds = self.trace, [output.kind for output in self.trace.outputs]
        if any(self.written.needs_tensors):
            raise errors.CaptureError(
                f"{self.written.name} sets the .grad of an argument and returns a result with a history: let it do the"
                " one or the other"
            )
        outside = {id(seen.tensor): f"t{i}" for i, seen in enumerate(trace.lines.outside.values())}
        arguments = {id(leaf): name for name, leaf in zip(names, trace.leaves, strict=True) if isinstance(leaf, Tensor)}
        operands = [name for name, leaf in zip(names, trace.leaves, strict=True) if isinstance(leaf, Tensor)]
        operands += [outside[id(t)] for t in trace.sources if id(t) not in arguments]
        space["apply"] = self._op(
            operands, [operands.index({**outside, **arguments}[id(t)]) for t in trace.sources]
        ).apply
        lines = [f"result = apply({', '.join(operands)})"]
        if len(kinds) > 1:
            lines.append("others = result._origin.saved['saved'].others")
        parts = ["result" if i == trace.live else _part(kind, f"others[{i}]") for i, kind in enumerate(kinds)]
        return [*lines, f"return {self._in_containers(parts)}"]

    def _op(self, operands: list[str], sources: list[int]) -> Op:
        """The program as an op of its arrays, those from outside last; `sources`: which of them gradients flow to."""
        trace, given = self.trace, ", ".join(operands)
        leaves = [f"a{i}" if isinstance(leaf, Tensor) else f"a{i}_was" for i, leaf in enumerate(trace.leaves)]
        one = "results = (results,)" if self.written.results == 1 else ""
        count = len(trace.outputs)
        text = f"""
def forward({given}):
    results = program({", ".join(leaves)})
    {one}
    return results[{trace.live}], Saved(results[{count}:], results[:{count}])
def again({given}):
    return Again(trace, {given})
def plain({given}):
    return forward({given})[0]
"""
        space = {f"a{i}_was": leaf for i, leaf in enumerate(trace.leaves)}
        space |= {"program": self.forward, "Saved": Saved, "Again": Again, "trace": trace, "__name__": __name__}
        exec(compile(text, f"<the op of {self.written.name}>", "exec"), space)  # noqa: S102 - the lines above
        rules: dict[str, Any] = dict.fromkeys(operands)
        for source, operand in enumerate(sources):
            if trace.gradients[source] is not None:
                rules[operands[operand]] = self._rule(source, operand)
        beside = {"saved": space["again"]}
        return Op(space["plain"], forward=space["forward"], name=self.written.name, beside=beside, **rules)

    def _rule(self, source: int, operand: int) -> Callable[..., Any]:
        def rule(g: Any, saved: Any) -> Any:
            return self.gradient(g, saved, source, operand)

        return rule

    def _in_containers(self, parts: list[str]) -> str:
        return parts[0] if self.trace.containers == 0 else f"rebuilt(containers, [{', '.join(parts)}])"


def _part(kind: str, name: str) -> str:
    return f"wrap({name}, None)" if kind == "value" else name


def _fits(value: Any, before: Any) -> bool:
    """Whether a program for one array does for another."""
    return type(value) is type(before) and value.shape == before.shape and value.dtype == before.dtype


def _still_alike(names: list[str], leaves: Sequence[Any]) -> Iterator[str]:
    """Checks that arguments which were one array are one again: the lines name it once."""
    first: dict[int, str] = {}
    for name, leaf in zip(names, leaves, strict=True):
        if isinstance(leaf, Tensor):
            held = f"{name}._value"
            earlier = first.setdefault(id(leaf._value), held)
            if earlier != held:
                yield f"{held} is {earlier}"
