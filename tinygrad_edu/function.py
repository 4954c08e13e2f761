"""Function: an op of one's own as PyTorch has it, a class with a forward and a backward of Tensors.

`Op` and `custom_op` are shorter and faster, keep only what a rule asks for and check more; this is here so that a
program that has a `torch.autograd.Function` runs as it is.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.errors import DerivativeError
from tinygrad_edu.graph import Array, wrap
from tinygrad_edu.op import Op
from tinygrad_edu.recording import set_grad_enabled
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.watch import numbers_read, watchers

__all__ = ["Function", "Variable"]


class Context:
    """What `forward` leaves for `backward`: saved Tensors, and any attributes.

    `needs_input_grad` says of every argument of `forward` whether a gradient will be asked for.
    """

    needs_input_grad: tuple[bool, ...]

    def __init__(self, call: Call) -> None:
        self._call = weakref.ref(call)  # which holds this

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep Tensors: arguments and results, whose derivatives are then known too, and others, or None."""
        if wrong := [t for t in tensors if not isinstance(t, Tensor | None)]:
            raise TypeError(
                f"save_for_backward keeps Tensors, and {type(wrong[0]).__name__} was given: write ctx.name = value"
            )
        self._of().save(tensors)

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """Say of results that no gradient flows through them."""
        self._of().constant = tuple(outputs)

    def set_materialize_grads(self, value: bool) -> None:
        """Have `backward` given zeros, which it is, for results that nothing was computed from; False is refused."""
        if not value:
            raise DerivativeError(
                "backward is given zeros, and never None, for a result that nothing was computed from"
            )

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was saved, in order."""
        return self._of().saved_tensors()

    def _of(self) -> Call:
        call = self._call()
        if call is None:
            raise DerivativeError("ctx is of one call of forward, and that is over: its graph was freed")
        return call


class Slot(NamedTuple):
    """What a result was: a Tensor of this shape and dtype, through which gradients flow or not."""

    shape: tuple[int, ...]
    dtype: Any
    flows: bool


class Call(list[Array]):
    """One call of a function: the arrays that it saved, as a list, in which the engine looks for changes in place.

    Of arguments and results that were not saved it keeps no more than shapes.
    """

    def __init__(self, function: type[Function], arguments: tuple[Any, ...]) -> None:
        super().__init__()
        tensors = [a for a in arguments if isinstance(a, Tensor)]
        self.function, self.vertices = function, [t._origin for t in tensors]
        self.taken = [(t.shape, t.dtype) for t in tensors]
        # None in the place of Tensors, which come as arrays; what the others are
        self.others = tuple(None if isinstance(a, Tensor) else (a,) for a in arguments)
        self.slots: list[Slot | None] = []  # of the results; None for what is no Tensor
        self.several = False  # whether a tuple was returned
        self.constant: tuple[Tensor, ...] = ()
        self.saved: tuple[Tensor | None, ...] = ()
        self.places: list[tuple[str, int] | None] = []  # of what was saved: which argument or result it is
        self.whole: Array = None  # the results as one array, where one of several was saved
        self.node: Callable[[], Any] = lambda: None
        self.recorded = False  # whether the backward pass that is running is
        self._last: tuple[Any, Any, set[int]] | None = None

    # ---- forwards

    def run(self, *values: Array) -> Array:
        """The results as one array: that of a single one, of several all their numbers in a row."""
        self.clear()
        cls, inputs = self.function, [wrap(value, None) for value in values]
        given = iter(inputs)
        arguments = [next(given) if other is None else other[0] for other in self.others]
        needs = iter(self.vertices)
        ctx = self.ctx = Context(self)
        ctx.needs_input_grad = tuple(other is None and next(needs) is not None for other in self.others)
        with set_grad_enabled(False):
            if cls.setup_context is not Function.setup_context:
                found = cls.forward(*arguments)
                cls.setup_context(ctx, tuple(arguments), found)
            else:
                found = cls.forward(ctx, *arguments)
        self.several = isinstance(found, tuple)
        if not self.several and not isinstance(found, Tensor):
            raise TypeError(
                f"{cls.__name__}.forward returned {type(found).__name__}: return a Tensor, or a tuple with some"
            )
        self.outputs = found if self.several else (found,)  # until `results` has them
        constant = {id(t) for t in self.constant}
        self.slots = [
            Slot(o.shape, o.dtype, o.dtype.kind == "f" and id(o) not in constant) if isinstance(o, Tensor) else None
            for o in self.outputs
        ]
        self.constant = ()
        flowing = [o for o, slot in zip(self.outputs, self.slots, strict=True) if slot and slot.flows]
        self.places = [_place(t, inputs, flowing) for t in self.saved]
        parts = [o._value for o in flowing]
        if not self.several and parts:
            return parts[0].copy() if any(parts[0] is value for value in values) else parts[0]
        whole = np.concatenate([part.reshape(-1) for part in parts]) if parts else np.zeros(0)
        self.whole = whole if any(place and place[0] == "result" for place in self.places) else None
        return whole

    def results(self, bundle: Tensor) -> Any:
        """What the learner gets: the results, recorded."""
        if bundle._origin is not None:
            self.node = weakref.ref(bundle._origin)
        parts = self._pieces(bundle)
        every = tuple(
            o if slot is None else next(parts) if slot.flows else wrap(o._value, None)
            for o, slot in zip(self.outputs, self.slots, strict=True)
        )
        del self.outputs
        return every if self.several else every[0]

    def _pieces(self, bundle: Any) -> Iterator[Any]:
        """The single results in what `run` returned, or their gradients in what arrives at it."""
        if not self.several:
            yield bundle
            return
        start = 0
        for slot in self.slots:
            if slot and slot.flows:
                stop = start + math.prod(slot.shape)
                yield bundle[start:stop].reshape(slot.shape)
                start = stop

    # ---- what is kept

    def save(self, tensors: tuple[Tensor | None, ...]) -> None:
        """Remember them, their arrays in this list."""
        self.saved = tensors
        self[:] = [t._value for t in tensors if t is not None]

    def saved_tensors(self) -> tuple[Any, ...]:
        """What was saved: in a backward pass that is recorded, in its place in the graph."""
        if not self.recorded:
            return self.saved
        return tuple(
            t if t is None or place is None else self._linked(t, *place)
            for t, place in zip(self.saved, self.places, strict=True)
        )

    def _linked(self, tensor: Tensor, kind: str, number: int) -> Any:
        if kind == "argument":
            return wrap(tensor._value, self.vertices[number])
        if not self.several:
            return wrap(tensor._value, self.node())
        return list(self._pieces(wrap(self.whole, self.node())))[number]

    # ---- backwards

    def gradient(self, g: Any, index: int) -> Any:
        """What arrives at operand `index`; `backward` is called once a pass, when the first operand asks."""
        if self._last is None or self._last[0] is not g or index in self._last[2]:
            self._last = g, self._gradients(g), set()
        _, found, served = self._last
        served.add(index)
        mine = found[index]
        if mine is None:
            shape, dtype = self.taken[index]
            return np.zeros_like(getattr(g, "_value", g), dtype, shape=shape)
        if not isinstance(mine, Tensor):
            raise TypeError(
                f"{self.function.__name__}.backward returned {type(mine).__name__} for a Tensor: return a Tensor"
            )
        return mine if self.recorded else mine._value

    def _gradients(self, g: Any) -> list[Any]:
        """One gradient, or None, for every Tensor among the arguments."""
        self.recorded = isinstance(g, Tensor)
        like = getattr(g, "_value", g)
        pieces = self._pieces(g if self.recorded else wrap(g, None))
        arriving = [
            None if slot is None else next(pieces) if slot.flows else wrap(_zeros(like, slot), None)
            for slot in self.slots
        ]
        with set_grad_enabled(self.recorded):
            found = self.function.backward(self.ctx, *arriving)
        every = found if isinstance(found, tuple) else (found,)
        name, wanted = self.function.__name__, len(self.others)
        if len(every) < wanted or any(extra is not None for extra in every[wanted:]):
            raise DerivativeError(
                f"{name}.backward returned {len(every)} gradients, and forward takes {wanted} arguments: return one for"
                " each, None for those that are no Tensors or need none"
            )
        pairs = list(zip(every, self.others, strict=False))
        if wrong := [other[0] for grad, other in pairs if grad is not None and other is not None]:
            raise DerivativeError(
                f"{name}.backward returned a gradient for {wrong[0]!r}, which is no Tensor: return None in its place"
            )
        return [grad for grad, other in pairs if other is None]


def _place(tensor: Tensor | None, inputs: list[Tensor], results: list[Tensor]) -> tuple[str, int] | None:
    """Which argument or result a saved Tensor is, whose derivatives are known; None for others."""
    for kind, every in (("argument", inputs), ("result", results)):
        for i, other in enumerate(every):
            if other is tensor:
                return kind, i
    return None


def _zeros(like: Array, slot: Slot) -> Array:
    return np.zeros_like(like, slot.dtype, shape=slot.shape)


class Function:
    """The base of functions with a backward of their own: write `forward` and `backward`, and call `apply`.

    `forward(ctx, *arguments)` computes on Tensors, unrecorded, and returns a Tensor or a tuple; `backward(ctx, *grads)`
    is given the gradient of each result and returns one for each argument of `forward`, None for those that are no
    Tensors. `ctx.save_for_backward` keeps Tensors between the two; one that is changed in between is refused. With
    `setup_context(ctx, inputs, output)` beside it, `forward(*arguments)` goes without ctx. A backward made of ops is
    differentiated in turn. `DerivativeError` for another number of gradients. After
    https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.Function

    >>> class Cube(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return 3 * g * x**2
    >>> x = Tensor(2.0, requires_grad=True)
    >>> y = Cube.apply(x)
    >>> y.backward()
    >>> y, x.grad
    (Tensor(8., grad_fn=<Cube>), Tensor(12.))
    """

    _op: Op

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._op = Op(
            lambda *xs, call=None: call.run(*xs),
            name=cls.__name__,
            xs=lambda g, index, call: call.gradient(g, index),
        )

    @staticmethod
    def forward(*arguments: Any) -> Any:  # noqa: ARG004 - every subclass says it
        """The results, computed from Tensors and others."""
        raise DerivativeError("a Function needs a forward: write @staticmethod, def forward(ctx, x): ...")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Where `forward` takes no ctx: keep what `backward` needs."""

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:  # noqa: ARG004 - as above
        """The gradients of the arguments, from those of the results."""
        raise DerivativeError("a Function needs a backward: write @staticmethod, def backward(ctx, g): return ...")

    @classmethod
    def apply(cls, *arguments: Any) -> Any:
        """Call `forward`, and record that it was."""
        if watchers:
            numbers_read(f"{cls.__name__}.apply(), whose forward is Python's (write it as an Op, or under custom_op)")
        call = Call(cls, arguments)
        tensors = [a for a in arguments if isinstance(a, Tensor)]
        bundle = cls._op.apply(tensors, call) if tensors else wrap(call.run(), None)
        return call.results(bundle)

    def __init__(self) -> None:
        raise TypeError(f"{type(self).__name__} is not made, but called: {type(self).__name__}.apply(x)")


def Variable(data: Tensor, requires_grad: bool = False) -> Tensor:  # noqa: N802 - PyTorch's name
    """The tensor itself, which is all that a Variable of old programs is today; with `requires_grad` a leaf of its own.

    >>> Variable(Tensor([1.0]), requires_grad=True)
    Tensor([1.], requires_grad=True)
    """
    return data.detach().requires_grad_() if requires_grad else data
