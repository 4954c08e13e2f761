"""One call of a function under `capture`: its lines, what they return, and whether a second call has the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import autograd, errors, tree
from tinygrad_edu.graph import Node, wrap
from tinygrad_edu.program.naming import Line
from tinygrad_edu.program.source import called, shown, told
from tinygrad_edu.program.surroundings import Surroundings, equal, settings_of, still
from tinygrad_edu.program.tracing import Lines
from tinygrad_edu.tensor import Tensor


class Output(NamedTuple):
    """A part of a result: a "value" that a line makes, a "tensor" that was there before, or a "constant"."""

    kind: str
    name: str


class Trace:
    """One call of a function, and its lines."""

    def __init__(self, function: Callable[..., Any], names: Sequence[str], leaves: Sequence[Any]) -> None:
        self.function, self.leaves = function, leaves
        self.lines = Lines(names, leaves)
        self.arguments: Any = None  # in their containers
        self.containers: Any = None  # of the result
        self.outputs: list[Output] = []
        self.live: int | None = None  # the part of the result through which gradients flow
        self.sources: list[Tensor] = []  # the Tensors that they flow to
        self.gradients: list[str | None] = []
        self.forward: list[Line] = []
        self.backward: list[Line] = []
        self.seed = ""
        self.surroundings: Any = None
        self.settings: list[tuple[Any, dict[str, Any]]] = []  # of the modules that it looks at
        self.counted: set[str] = set()  # those of their attributes that change without a line that does

    def call(self, args: Any, kwargs: Any) -> Any:
        """Call the function, and write down what it does."""
        self.arguments, lines = (args, kwargs), self.lines
        with lines:
            result = self.function(*args, **kwargs)
        self.surroundings = Surroundings(self.function, [*self.leaves, *lines.modules])
        for seen in lines.outside.values():
            if seen.tensor._origin is not seen.origin:
                raise errors.not_captured(f"requires_grad, or the dtype, of a Tensor ({told(seen.tensor)}) is changed")
        self.settings = [(module, settings_of(module)) for module in self.surroundings.modules.values()]
        self.containers = tree.mapped(lambda _: 0, result)
        parts = tree.leaves(result)
        live = [i for i, part in enumerate(parts) if isinstance(part, Tensor) and _is_live(part)]
        if len({id(parts[i]) for i in live}) > 1:
            raise errors.CaptureError(
                f"{called(self.function)} returns {len(live)} Tensors through which gradients could flow: return one,"
                " and the others as t.detach()"
            )
        self.outputs = [self._output(part, i in live) for i, part in enumerate(parts)]
        self.forward = lines.lines
        if live:
            self.live = live[0]
            self._backward(parts[live[0]])
        lines.forget()
        return result

    def holds(self) -> bool:
        """Whether what the function looks at is as it was when the call ended."""
        return self.surroundings.holds() and all(
            still(vars(module).get(name), value) for module, then in self.settings for name, value in then.items()
        )

    def _output(self, part: Any, live: bool) -> Output:
        if isinstance(part, np.ndarray | np.generic):
            raise errors.not_captured(f"an array of NumPy, returned by {called(self.function)},")
        if not isinstance(part, Tensor):
            return Output("constant", self.lines.constant(part, "constant"))
        holder = None if live else self.lines.holder(part)
        return Output("value", self.lines.tensor(part)) if holder is None else Output("tensor", holder)

    def _backward(self, out: Tensor) -> None:
        """The lines from the gradient of the result to those of the arguments and of the Tensors from outside."""
        lines = self.lines
        every = [t for t in self.leaves if isinstance(t, Tensor)] + [seen.tensor for seen in lines.outside.values()]
        self.sources = list({id(t): t for t in every if t._origin is not None}.values())
        hooks = [(t._origin, t._origin.hooks) for t in self.sources if t._origin is not None]
        for vertex, _ in hooks:
            vertex.hooks = None  # the engine runs them when the program has run
        seed = wrap(np.ones_like(out._value)[()], None)
        self.seed, lines.lines = lines.result("g", seed._value, seed), []
        try:
            with lines:
                found = autograd.grad(out, self.sources, seed, retain_graph=True, allow_unused=True)
        finally:
            for vertex, old in hooks:
                vertex.hooks = old
        self.gradients = [None if g is None else lines.tensor(g) for g in found]
        self.backward, lines.lines = lines.lines, self.forward

    def difference(self, before: Trace) -> str | None:
        """What this call did otherwise than the one before, so that neither can be repeated; None: nothing."""
        ours, theirs = self.forward + self.backward, before.forward + before.backward
        for line, earlier in zip(ours, theirs, strict=False):
            if line != earlier:
                return (
                    f"one call has the line `{shown(before, earlier)}` where the next has `{shown(self, line)}`. What"
                    " changes from call to call has to be an argument, a number as a Tensor"
                )
        if len(ours) != len(theirs) or self.outputs != before.outputs:
            return f"one call has {len(theirs)} lines and the next {len(ours)}, or it returns something else"
        for number, value in self.lines.constants.items():
            earlier_value = before.lines.constants[number]
            if value is earlier_value:
                continue
            if id(getattr(value, "_value", value)) in self.lines.changed_memory:
                return f"{told(value)} is made in the function and changed in place: write t = t + x there"
            if not same(value, earlier_value):
                return (
                    f"it used {told(earlier_value)} in one call and {_another(value, earlier_value)} in the next. What"
                    " changes from call to call has to be an argument, a number as a Tensor"
                )
        return self._changed(before)

    def _changed(self, before: Trace) -> str | None:
        """What the function looks at that was something else before; it forgets what is only counted there."""
        if difference := self.surroundings.changed(before.surroundings):
            return str(difference)
        then = {id(module): settings for module, settings in before.settings}
        for module, now in self.settings:
            earlier = then.get(id(module), {})
            for name in [n for n in now if n not in earlier or not still(now[n], earlier[n])]:
                counted = not isinstance(now[name], int | float | str) or name not in self.surroundings.read
                if not counted and name in earlier:
                    return (
                        f"{type(module).__name__}.{name} was {earlier[name]!r} in one call and {now[name]!r} in the"
                        " next: what changes has to be an argument, a number as a Tensor"
                    )
                del now[name]
                self.counted.add(name)
        return None


def _another(value: Any, earlier: Any) -> str:
    text = told(value)
    return f"{text} with other numbers" if text == told(earlier) else text


def _is_live(part: Tensor) -> bool:
    """Whether gradients can flow through a result: it has a history that no backward pass has freed."""
    return isinstance(part._origin, Node) and part._origin.kept is not None


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
    return equal(a, b)
