"""capture: what a function does, as straight-line NumPy source, and its replay without the engine.

An eager step of a small network is mostly bookkeeping: a product of two arrays of ten takes NumPy 0.2 us, and 0.7 us
with its record. Captured, the step is a Python function of NumPy calls and rules, which the learner can read.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from functools import update_wrapper
from types import MethodType
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from tinygrad_edu import errors, tree
from tinygrad_edu.program.replay import MISS, Program
from tinygrad_edu.program.source import Source, called
from tinygrad_edu.program.traced import Trace
from tinygrad_edu.recording import recording
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.watch import watchers

__all__ = ["Captured", "capture"]

P = ParamSpec("P")
R = TypeVar("R")

MOST = 64
"""So many programs a function may have."""


def capture(function: Callable[P, R]) -> Captured[P, R]:
    """The function as straight-line NumPy: traced in its first two calls, then repeated without the engine.

    `function` takes Tensors (and settings) and returns Tensors; it may run a whole step of training, with `backward()`
    and `optimizer.step()` in it, or only compute, and then gradients flow through what it returns. `.source` is what
    runs. For arguments of other shapes or dtypes, or other settings, it is traced again.

    What is not a Tensor is constant, and where a variable, an attribute, a layer or a hook that the function names is
    another one, it is traced again: a number that changes from call to call has to be an argument, as a Tensor. What is
    printed, counted or kept in a list is so only while it is traced, and so is what NumPy makes of arrays that are not
    in Tensors. Where the first calls differ in more than numbers of Tensors, or the numbers themselves are looked at
    (`item()`, `if loss < 1`), a `CaptureError` says so.

    >>> from tinygrad_edu import Tensor
    >>> @capture
    ... def line(a, b, c):
    ...     return a * b + c
    >>> a, b, c = (Tensor(x, requires_grad=True) for x in (2.0, -3.0, 10.0))
    >>> line(a, b, c)
    Tensor(4., grad_fn=<add>)
    >>> print(line.source)
    def line(a, b, c):
        multiply = a * b
        add = multiply + c
        return add, b, a
    <BLANKLINE>
    def line_backward(g, b, a):
        g_x = g * b
        g_y = g * a
        return g_x, g_y, g
    <BLANKLINE>
    """
    return Captured(function)


class Captured(Generic[P, R]):
    """A function under `capture`."""

    def __init__(self, function: Callable[P, R]) -> None:
        if not callable(function):
            raise TypeError(
                f"capture takes a function, not {type(function).__name__}: write capture(f), without a call"
            )
        update_wrapper(self, function)
        self.function = function
        self._run: Callable[..., Any] = _missed
        self._programs: dict[Any, Program] = {}
        self._traced: dict[Any, tuple[Trace, int]] = {}
        self._latest: Trace | Program | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if not kwargs:
            result: R = self._run(*args)
            if result is not MISS:
                return result
        found: R = self._found(args, kwargs)
        return found

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __deepcopy__(self, memo: dict[int, Any]) -> Captured[P, R]:
        return Captured(copy.deepcopy(self.function, memo))  # a program is of the Tensors that it was traced with

    def __reduce__(self) -> Any:
        return Captured, (self.function,)

    @property
    def source(self) -> str:
        """The lines that run, for the arguments of the last call that needed others than the call before."""
        if self._latest is None:
            raise errors.CaptureError("there is nothing to show before the first call: call the function once")
        return self._latest.source if isinstance(self._latest, Program) else Source(self._latest).text

    def _found(self, args: Any, kwargs: Any) -> Any:
        """The result by the program for such arguments, or by the function itself, which is traced."""
        if watchers:
            return self.function(*args, **kwargs)
        structure = (args, kwargs)
        leaves = tree.leaves(structure)
        key = (recording(), _shape_of(structure), *map(_kind, leaves))
        program = self._programs.get(key)
        if program is not None:
            result = program.run(*leaves)
            if result is not MISS:
                self._take(program, kwargs, args)
                return result
            del self._programs[key]  # what it takes for granted is not so any more
        return self._trace(key, leaves, args, kwargs)

    def _take(self, program: Program, kwargs: Any, args: Any) -> None:
        self._latest = program
        plain = not kwargs and not any(isinstance(a, list | tuple | dict) or a is None for a in args)
        self._run = program.run if plain else _missed

    def _trace(self, key: Any, leaves: list[Any], args: Any, kwargs: Any) -> Any:
        before, differed = self._traced.pop(key, (None, 0))
        if before is not None and not before.holds():
            before = None  # changed from outside since, as by model.eval(): the two calls need not be alike
        trace = Trace(self.function, _names(self.function, args, kwargs, leaves), leaves)
        result = trace.call(args, kwargs)
        self._latest = trace
        difference = None if before is None else trace.difference(before)
        if before is None and len(self._traced) >= MOST:
            raise errors.CaptureError(
                f"{called(self.function)} has been called with {MOST} kinds of arguments, each of them once: pass"
                " numbers that change as Tensors, and batches of one size"
            )
        if before is None or (difference and not differed):
            self._traced[key] = trace, bool(difference)
        elif difference:
            raise errors.CaptureError(f"{called(self.function)} cannot be repeated: {difference}")
        elif len(self._programs) >= MOST:
            raise errors.CaptureError(
                f"{called(self.function)} has {MOST} programs by now, one for each kind of arguments: pass numbers that"
                " change as Tensors, and batches of one size"
            )
        else:
            program = self._programs[key] = Program(trace, before)
            self._take(program, kwargs, args)
        return result


def _missed(*_: Any) -> Any:
    """No program yet."""
    return MISS


def _names(function: Any, args: Any, kwargs: Any, leaves: list[Any]) -> list[str]:
    """A name for each leaf of the arguments: that of the parameter."""
    try:
        bound = inspect.signature(function).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        return [f"x{i}" for i in range(len(leaves))]
    names = {id(leaf): name for name, argument in reversed(bound.items()) for leaf in tree.leaves(argument)}
    return [names.get(id(leaf), f"x{i}") for i, leaf in enumerate(leaves)]


def _shape_of(structure: Any) -> Any:
    """The containers of arguments, and where in them something is."""
    if isinstance(structure, dict):
        return type(structure), tuple((key, _shape_of(value)) for key, value in structure.items())
    if isinstance(structure, list | tuple):
        return type(structure), tuple(map(_shape_of, structure))
    return structure is None


def _kind(leaf: Any) -> Any:
    """What a program is made for: the kind of an array; a setting itself."""
    if isinstance(leaf, Tensor):
        origin = leaf._origin
        return type(leaf), leaf.shape, leaf.dtype, isinstance(leaf._value, np.generic), origin is None
    try:
        hash(leaf)
    except TypeError:
        return id(leaf)
    return type(leaf), leaf, str(leaf) if isinstance(leaf, float) else ""  # 0.0 is not -0.0
