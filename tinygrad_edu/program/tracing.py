"""What a function does when it is called once, written down as straight-line NumPy: the lines of a captured program.

The engine tells of every op, every rule and every sum, as it tells `detect_anomaly`. A number that a line needs was
made by an earlier line, or it is constant: then the line names the Tensor or the array that held it, and reads it anew.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tinygrad_edu import errors, fast, inplace, plan
from tinygrad_edu.graph import Node, as_value, unbroadcast
from tinygrad_edu.mutation import changes, owner
from tinygrad_edu.program.inlining import OPERATORS, inlined
from tinygrad_edu.program.naming import Names, Outside, is_one_of_many, numbers_in
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.watch import Watch, watcher, watchers

if TYPE_CHECKING:
    from tinygrad_edu.op import Op


class Lines(Names, Watch):
    """The lines of one call, while they are written; used as a `with` block around the call."""

    shares = True

    def __init__(self, names: Sequence[str], arguments: Sequence[Any]) -> None:
        super().__init__(names, arguments)
        self.modules: list[Any] = []
        self.gradients: list[tuple[int, int]] = []  # numbers of values of `.grad`, and of whose they are
        self.changed_memory: set[int] = set()
        self.graded: dict[int, tuple[Tensor, bool | None]] = {}  # whether `.grad` was None when it was first asked for
        self._nodes: dict[Node, dict[str, str]] = {}
        self._pending: dict[Any, str] = {}
        self._handed, self._unseen = "", 0
        self._seeds: set[int] = set()  # which arrays the backward pass began with
        self._settled = False  # whether an unseen function may have set a `.grad`

    def __enter__(self) -> Self:
        watchers.append(self)
        self._token = watcher.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        watchers.remove(self)
        watcher.reset(self._token)
        del self._token  # it cannot be copied

    def forget(self) -> None:
        """Let go of the arrays of the call: the lines are written."""
        self.given_names = {n: t.name for n, t in self.results if t.name and t.name.isidentifier()}
        for found in (self._values, self._known, self._nodes, self._pending, self._alive, self.results):
            found.clear()

    # ---- what the engine tells

    def applied(self, op: Op, arguments: Sequence[Any], result: Tensor, node: Node | None) -> None:
        """A line for an op."""
        if self._unseen:
            return
        out = result._value
        count = len(arguments) - len(op.static)
        operands = [self.operand(a) for a in arguments[:count]]
        static = [self.plain(a) for a in arguments[count:]]
        made = self.result(op.name, out, result)
        beside = [self._new(name) for name in op.beside]
        call = self._forward(op, [*operands, *static])
        if not op.beside and not isinstance(op.function, np.ufunc) and np.ndim(out) == 0:
            call = f"{self.function(_number)}({call}, {op.name!r})"
        self._write([made, *beside], call)
        if any(map(_chooses, arguments[count:])) or op.name == "repeat":
            self._write([], f"{self.function(_checked)}({made}, {np.shape(out)}, {op.name!r})")
        if node is None:
            return
        known = dict(zip((*op.parameters, "out", *op.beside), (*operands, *static, made, *beside), strict=False))
        if op.variadic:
            known = {op.operands[0]: f"({', '.join(operands)},)", "out": made}
            known |= dict(zip(op.static, static, strict=True)) | dict(zip(op.beside, beside, strict=True))
        for name, value in zip(node.plan.names, node.kept or (), strict=False):
            if name not in known or name in op.static:
                known[name] = self.plain(value)
        self._nodes[node] = known

    def _forward(self, op: Op, given: list[str]) -> str:
        function = op.forward
        if function in OPERATORS and len(given) == 2:
            return f" {OPERATORS[function]} ".join(given)
        if isinstance(function, np.ufunc) and getattr(np, function.__name__, None) is function:
            return f"np.{function.__name__}({', '.join(given)})"
        return f"{self.function(function, op.name)}({', '.join(given)})"

    def changed(self, op: Op, tensor: Tensor, before: Any, other: Any) -> None:  # noqa: ARG002 - not what it held
        """A line for an in-place change."""
        if self._unseen:
            return
        memory, value = self.operand(tensor), self.operand(other)
        self._mark(tensor._value)
        self._write([], f"{self.function(op.function)}({memory}, {value}, {memory})")
        self._write([], f"{self.function(_note)}({memory})")

    def assigned(self, tensor: Tensor, key: Any, value: Any) -> None:
        """A line for `t[key] = value`."""
        if self._unseen:
            return
        memory, new = self.operand(tensor), self.operand(value)
        self._mark(tensor._value)
        self._write([], f"{memory}[{self.plain(key)}] = {new}")
        self._write([], f"{self.function(_note)}({memory})")

    def used(self, tensor: Tensor) -> None:
        """The array of a tensor becomes a key or a setting."""
        if not self._unseen:
            self.tensor(tensor)

    def renamed(self, old: Any, new: Any) -> None:
        """A number is held as an array from now on."""
        if (token := self._find(old)) is not None:
            self._values[id(new)] = token
            self._alive.append(new)

    def became(self, tensor: Tensor) -> None:
        """A line for `t.data = value`, or the change in place of a number."""
        holder = self._holders.get(id(tensor)) or self._constant_of.get(id(tensor))
        if self._unseen or (id(tensor) in self._known and holder is None):
            return
        value = self.plain(tensor._value)
        if holder is None:
            holder = self.constant(tensor, tensor.name or "tensor")
            self.outside[numbers_in(holder)[0]] = Outside(tensor, numbers_in(self._new("tensor"))[0], tensor._origin)
        self._write([], f"{holder}._become({value})")
        self._known[id(tensor)] = (tensor._value, value)

    def noted(self) -> None:
        """Some memory was changed in place; refused where that was not by an op, a rule or what makes a line."""
        frame = sys._getframe(2)
        while frame is not None and not self._unseen:
            if frame.f_code.co_filename in (fast.APPLY, plan.RULES, inplace.__file__):
                return
            frame = frame.f_back  # type: ignore[assignment] # None ends the loop
        if not self._unseen:
            raise errors.not_captured("memory was changed in place in a way that leaves no line")

    def read(self, what: str) -> None:
        """Refuse that numbers become known to Python, which decides by them now and not when the program runs."""
        if not self._unseen:
            raise errors.not_captured(what)

    def started(self, roots: Sequence[Tensor]) -> None:
        """A backward pass begins: nothing is pending."""
        self._pending.clear()
        if len({root._origin for root in roots}) < len(roots):
            raise errors.not_captured("backward() begins twice at the same tensor")

    def seeded(self, seeds: dict[Any, Any]) -> None:
        """The gradients that a backward pass begins with."""
        if not self._unseen:
            self._pending = {vertex: self.plain(getattr(g, "_value", g)) for vertex, g in seeds.items()}
            self._seeds = {id(g) for g in seeds.values()}

    def handed(
        self,
        node: Node,
        index: int,
        g: Any,
        kept: Sequence[Any],  # noqa: ARG002 - it is named as forward named it
        handed: Any,
        part: bool,
        masked: bool,
    ) -> None:
        """A line for a rule."""
        if self._unseen:
            return
        if (found := self._find(handed)) is not None:  # recorded, so it is made of ops; or the gradient itself
            self._handed = found
            return
        if node not in self._nodes:
            raise errors.not_captured(f"backward goes on into {node.op.name}, which was computed outside")
        if id(g) not in self._seeds and self._find(g) is None:
            raise errors.not_captured(f"the gradient of {node.op.name} came from no line")
        op, known = node.op, self._nodes[node]
        rule, asked = node.plan.calls[index]
        given = [self.plain(g), *(self._asked(index, name, known) for name in asked)]
        base = f"g_{op.operand(index)}" if len(op.operands) > 1 else "g"
        token = self.result(base, handed)
        function = None if masked else inlined(rule, given, self.function)
        if function is None:
            called = self.function(rule, f"{op.name}_{op.operand(index)}")
            if masked:
                function = f"{self.function(_carefully)}({called}, {', '.join(given)})"
            else:
                function = f"{called}({', '.join(given)})"
        self._write([token], function + ".whole()" * part)
        self._handed = token

    def _asked(self, index: int, name: str, known: dict[str, str]) -> str:
        if name == "index":
            return repr(index)
        return known[name]

    def arrived(self, vertex: Any, handed: Any, contribution: Any, total: Any) -> None:
        """Lines for a sum over stretched axes, a change of dtype, a copy, and for adding up."""
        if self._unseen:
            return
        token = self._handed
        handed, contribution, total = (getattr(a, "_value", a) for a in (handed, contribution, total))
        if contribution is not handed and (found := self._find(contribution)) is not None:
            token = found
        elif contribution is not handed:
            call = token
            if not hasattr(handed, "dtype"):
                call = f"{self.function(np.asarray)}({call})"
            shape, dtype = np.shape(contribution), contribution.dtype
            if np.shape(handed) != shape:
                call = f"{self.function(unbroadcast)}({call}, {shape})"
            if getattr(handed, "dtype", np.dtype(float)) != dtype:
                call = f"{call}.astype({self.plain(dtype)})"
            if call == token:
                call = f"{token}.copy()"
            token = self.result("g", contribution)
            self._write([token], call)
        if total is not contribution and vertex in self._pending:
            call = f"{self._pending[vertex]} + {token}"
            token = self.result("g", total)
            self._write([token], call)
        self._pending[vertex] = token

    def hooked(self, vertex: Any, g: Any, answer: Any) -> None:  # noqa: ARG002 - the copy that they got is known
        """Hooks that compute with Tensors have made their lines; what they hand on is a copy."""
        if self._unseen:
            return
        if any(type(hook).__name__ == "Retainer" for hook in vertex.hooks or ()):
            raise errors.not_captured("retain_grad() keeps the gradient of a tensor that is not there later")
        if self._find(answer) is None:
            raise errors.not_captured("a hook returned a gradient that no op made of the one it was given")

    def copied(self, value: Any, copy: Any) -> None:
        """A line for a copy of a gradient."""
        if not self._unseen and self._find(value) is not None and self._find(copy) is None:
            self._write([self.result("g", copy)], f"{self.plain(value)}.copy()")

    def accumulated(self, tensor: Tensor, g: Any) -> None:
        """Lines for adding to `.grad`."""
        if self._unseen:
            return
        token, holder = self.plain(getattr(g, "_value", g)), self.holder(tensor)
        self.graded.setdefault(id(tensor), (tensor, None))
        now = getattr(tensor._grad, "_value", tensor._grad)
        if holder is not None:
            total = self._new("grad")
            self.gradients.append((numbers_in(total)[0], numbers_in(holder)[0]))
            self._write([total], f"{self.function(_added)}({holder}._grad, {token})")
            self._write([], f"{holder}._grad = {total}")
            token = total
        self._values[id(now)] = token
        self._alive.append(now)

    def asked(self, tensor: Tensor, g: Tensor | None) -> None:
        """A line for `t.grad`; whether there is one, Python may have decided by."""
        if self._unseen or (holder := self.holder(tensor)) is None:
            return
        self.graded.setdefault(id(tensor), (tensor, None if self._settled else g is None))
        if g is not None and self._find(g) is None:
            self._write([self.result("grad", g._value, g)], f"{self.function(_held)}({holder}._grad)", pure=False)

    def granted(self, tensor: Tensor, g: Tensor | None) -> None:
        """A line for `t.grad = g`."""
        if not self._unseen and (holder := self.holder(tensor)) is not None:
            self.graded.setdefault(id(tensor), (tensor, None))
            self._write([], f"{holder}._grad = {'None' if g is None else self.operand(g)}")

    def entered(self, module: Any) -> None:
        """A module was called: its settings are part of what the lines take for granted."""
        if not any(module is known for known in self.modules):
            self.modules.append(module)

    def _mark(self, array: Any) -> None:
        memory = owner(array)
        self.changed_memory.add(id(memory))
        self._alive.append(memory)

    def called(
        self, function: Callable[..., Any], arguments: Sequence[Any], options: dict[str, Any], bare: bool
    ) -> Any:
        """A line for a call that is not looked into."""
        if self._unseen:
            return function(*arguments, **options)
        arguments = [list(a) if hasattr(a, "__next__") else a for a in arguments]
        call = self.operand if bare else self._passed
        given = [*map(call, arguments), *(f"{name}={call(value)}" for name, value in options.items())]
        self._unseen += 1
        try:
            result = function(*arguments, **options)
        finally:
            self._unseen -= 1
        self._settled |= not bare
        line = f"{self.function(function)}({', '.join(given)})"
        if type(result) is tuple:
            targets = [self._made(function.__name__.strip("_"), item) for item in result]
            self._write(targets, line, pure=False)
        elif result is None:
            self._write([], line)
        elif not is_one_of_many(getattr(result, "_value", result)):
            raise errors.not_captured(f"{function.__name__}() of a tensor")
        else:
            targets = [self._made(function.__name__.strip("_"), result)]
            self._write(targets, line + "._value" * isinstance(result, Tensor), pure=False)
            if bare and hasattr(result, "shape"):
                self._write([], f"{self.function(_checked)}({targets[0]}, {np.shape(result)}, {function.__name__!r})")
        return result


def _number(value: Any, op: str) -> Any:
    """A result of one number, as a Tensor holds it."""
    return value if isinstance(value, np.generic) else as_value(value, op)


def _note(memory: Any) -> None:
    changes.note(memory)


def _added(earlier: Any, g: Any) -> Any:
    """A gradient and what was there before."""
    return g if earlier is None else getattr(earlier, "_value", earlier) + g


def _carefully(rule: Callable[..., Any], g: Any, *asked: Any) -> Any:
    """What a rule makes of a gradient below a `where`."""
    return plan.pull_carefully(lambda g, kept: rule(g, *kept), g, asked)


def _chooses(key: Any) -> bool:
    """Whether how many numbers a key takes depends on the numbers in it: there is a mask in it."""
    parts = key if isinstance(key, tuple) else (key,)
    return any(isinstance(part, np.ndarray | np.bool_) and part.dtype.kind == "b" for part in parts)


def _checked(value: Any, shape: tuple[int, ...], what: str) -> None:
    """Stop a program whose lines were written for another shape."""
    if value.shape != shape:
        raise errors.CaptureError(
            f"{what} gave {value.shape} where it gave {shape} when the function was captured: a program is of arrays of"
            " certain shapes. Write where(mask, a, b) in the place of a[mask], or choose outside and pass the result"
        )


def _held(g: Any) -> Any:
    """The array of a gradient."""
    return getattr(g, "_value", g)
