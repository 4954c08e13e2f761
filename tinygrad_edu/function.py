"""Function: an op of one's own as PyTorch has it, a class with a forward and a backward of Tensors.

`Op` and `custom_op` are shorter and faster, keep only what a rule asks for and check more; this is here so that a
program that has a `torch.autograd.Function` runs as it is.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_edu.errors import DerivativeError
from tinygrad_edu.graph import Array, wrap
from tinygrad_edu.op import Op
from tinygrad_edu.recording import set_grad_enabled
from tinygrad_edu.tensor import Tensor

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


class Call(list[Array]):
    """One call of a function: the arrays that it saved, as a list, in which the engine looks for changes in place."""

    def __init__(self, function: type[Function], arguments: tuple[Any, ...]) -> None:
        super().__init__()
        self.function, self.arguments = function, arguments
        self.vertices = [t._origin for t in arguments if isinstance(t, Tensor)]
        self.inputs: list[Tensor] = []  # the Tensors that forward was given
        self.outputs: tuple[Any, ...] = ()
        self.several = False  # whether it returned a tuple
        self.constant: tuple[Tensor, ...] = ()
        self.places: list[tuple[str, int] | None] = []  # of what was saved: where in inputs or outputs it is
        self.saved: tuple[Tensor | None, ...] = ()
        self.node: Callable[[], Any] = lambda: None
        self.recorded = False  # whether the backward pass that is running is
        self._last: tuple[Any, Any, set[int]] | None = None

    # ---- forwards

    def run(self, *values: Array) -> Array:
        """The results as one array: that of a single one, of several all their numbers in a row."""
        self.clear()
        self.inputs = [wrap(value, None) for value in values]
        given = iter(self.inputs)
        arguments = [next(given) if isinstance(a, Tensor) else a for a in self.arguments]
        ctx = self.ctx = Context(self)
        ctx.needs_input_grad = tuple(getattr(a, "requires_grad", False) for a in self.arguments)
        cls = self.function
        with set_grad_enabled(False):
            if cls.setup_context is not Function.setup_context:
                found = cls.forward(*arguments)
                cls.setup_context(ctx, tuple(arguments), found)
            else:
                found = cls.forward(ctx, *arguments)
        self.several = isinstance(found, tuple)
        self.outputs = found if isinstance(found, tuple) else (found,)
        for output in self.outputs:
            if not isinstance(output, Tensor) and self.several is False:
                raise TypeError(
                    f"{cls.__name__}.forward returned {type(output).__name__}: return a Tensor, or a tuple with some"
                )
        self._keep()
        parts = [output._value for output in self.differentiable()]
        if not self.several and parts:
            return parts[0].copy() if any(parts[0] is value for value in values) else parts[0]
        return np.concatenate([part.reshape(-1) for part in parts]) if parts else np.zeros(0)

    def differentiable(self) -> list[Tensor]:
        """The results through which gradients flow."""
        constant = {id(t) for t in self.constant}
        return [o for o in self.outputs if isinstance(o, Tensor) and o.dtype.kind == "f" and id(o) not in constant]

    def results(self, bundle: Tensor) -> Any:
        """What the learner gets: the results, recorded."""
        if bundle._origin is not None:
            self.node = weakref.ref(bundle._origin)
        flowing = {id(o) for o in self.differentiable()}
        parts = self._pieces(bundle)
        every = tuple(
            next(parts) if id(o) in flowing else wrap(o._value, None) if isinstance(o, Tensor) else o
            for o in self.outputs
        )
        return every if self.several else every[0]

    def _pieces(self, bundle: Any) -> Iterator[Any]:
        """The single results in what `run` returned, or their gradients in what arrives at it."""
        if not self.several:
            yield bundle
            return
        start = 0
        for output in self.differentiable():
            size = int(output._value.size)
            yield bundle[start : start + size].reshape(output.shape)
            start += size

    # ---- what is kept

    def save(self, tensors: tuple[Tensor | None, ...]) -> None:
        """Remember them, their arrays in this list."""
        self.saved = tensors
        self[:] = [t._value for t in tensors if t is not None]

    def _keep(self) -> None:
        """Find out which of the saved Tensors are arguments or results, whose derivatives are known."""

        def place(tensor: Tensor | None) -> tuple[str, int] | None:
            for kind, every in (("input", self.inputs), ("output", self.differentiable())):
                for i, other in enumerate(every):
                    if other is tensor:
                        return kind, i
            return None

        self.places = [place(t) for t in self.saved]

    def saved_tensors(self) -> tuple[Any, ...]:
        """What was saved: in a backward pass that is recorded, in its place in the graph."""
        if not self.recorded:
            return self.saved
        return tuple(
            t if t is None or place is None else self._linked(t, *place)
            for t, place in zip(self.saved, self.places, strict=True)
        )

    def _linked(self, tensor: Tensor, kind: str, number: int) -> Any:
        if kind == "input":
            return wrap(tensor._value, self.vertices[number])
        if not self.several:
            return wrap(tensor._value, self.node())
        every = np.concatenate([o._value.reshape(-1) for o in self.differentiable()])
        return list(self._pieces(wrap(every, self.node())))[number]

    # ---- backwards

    def gradient(self, g: Any, index: int) -> Any:
        """What arrives at operand `index`; `backward` is called once a pass, when the first operand asks."""
        if self._last is None or self._last[0] is not g or index in self._last[2]:
            self._last = g, self._gradients(g), set()
        _, found, served = self._last
        served.add(index)
        mine = found[index]
        if mine is None:
            return np.zeros_like(self.inputs[index]._value)
        if not isinstance(mine, Tensor):
            raise TypeError(
                f"{self.function.__name__}.backward returned {type(mine).__name__} for a Tensor: return a Tensor"
            )
        return mine if self.recorded else mine._value

    def _gradients(self, g: Any) -> list[Any]:
        """One gradient, or None, for every Tensor among the arguments."""
        self.recorded = isinstance(g, Tensor)
        pieces, flowing = self._pieces(g if self.recorded else wrap(g, None)), {id(o) for o in self.differentiable()}
        arriving = [
            next(pieces) if id(o) in flowing else wrap(np.zeros_like(o._value), None) if isinstance(o, Tensor) else None
            for o in self.outputs
        ]
        with set_grad_enabled(self.recorded):
            found = self.function.backward(self.ctx, *arriving)
        every = found if isinstance(found, tuple) else (found,)
        name, wanted = self.function.__name__, len(self.arguments)
        if (len(every) > wanted and any(extra is not None for extra in every[wanted:])) or len(every) < wanted:
            raise DerivativeError(
                f"{name}.backward returned {len(every)} gradients, and forward takes {wanted} arguments: return one for"
                " each, None for those that are no Tensors or need none"
            )
        pairs = list(zip(every, self.arguments, strict=False))
        if wrong := [a for grad, a in pairs if grad is not None and not isinstance(a, Tensor)]:
            raise DerivativeError(
                f"{name}.backward returned a gradient for {wrong[0]!r}, which is no Tensor: return None in its place"
            )
        return [grad for grad, a in pairs if isinstance(a, Tensor)]


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
