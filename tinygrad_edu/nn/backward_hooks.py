"""Functions that look at the gradients at both ends of a module, or replace those that leave it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu.function import Function
from tinygrad_edu.tensor import Tensor

__all__ = ["Ends"]


class _End(Function):
    """The tensors themselves; their gradients go through a function of its own."""

    @staticmethod
    def forward(ctx: Any, through: Callable[[tuple[Any, ...]], tuple[Any, ...]], *tensors: Any) -> Any:
        ctx.through = through
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return None, *ctx.through(gradients)


class Ends:
    """One call of a module, between two ends: what arrives at its results, and what leaves it at its arguments."""

    def __init__(self, module: Any, before: list[Any], after: list[Any]) -> None:
        self.module, self.before, self.after = module, tuple(before), tuple(after)
        self.arguments: tuple[Any, ...] = ()
        self.arrived: tuple[Any, ...] = ()

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, those that require grad through an end."""
        self.arguments = args
        return _through(self.leaving, args)

    def leave(self, out: Any) -> Any:
        """The result, one or several, through an end."""
        several = isinstance(out, tuple)
        outs = _through(self.arriving, out if several else (out,))
        return outs if several else outs[0]

    def arriving(self, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        """What arrives at the results: the pre-hooks, and where no argument requires grad the hooks too."""
        for hook in self.before:
            gradients = _replaced(hook(self.module, gradients), gradients)
        self.arrived = gradients
        if not any(_flows(a) for a in self.arguments):
            for hook in self.after:
                hook(self.module, (None,) * len(self.arguments), gradients)
        return gradients

    def leaving(self, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        """What leaves at the arguments: a gradient for those that require grad, None for the others."""
        given = iter(gradients)
        every = tuple(next(given) if _flows(a) else None for a in self.arguments)
        for hook in self.after:
            every = _replaced(hook(self.module, every, self.arrived), every)
        return tuple(g for g, a in zip(every, self.arguments, strict=True) if _flows(a))


def _flows(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _through(function: Callable[..., Any], values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values, those that require grad through an end."""
    flowing = [value for value in values if _flows(value)]
    ended = iter(_End.apply(function, *flowing) if flowing else ())
    return tuple(next(ended) if _flows(value) else value for value in values)


def _replaced(answer: Any, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a hook returned in the place of the gradients, if anything."""
    if answer is None:
        return gradients
    every: tuple[Any, ...] = answer if isinstance(answer, tuple) else (answer,)
    if len(every) != len(gradients):
        raise ValueError(f"a backward hook got {len(gradients)} gradients, and returned {len(every)}")
    return every
