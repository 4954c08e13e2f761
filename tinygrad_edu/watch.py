"""Who watches the engine: `detect_anomaly` looks at every number, `capture` writes down every op.

While nobody does, a look at a list is all that it costs. Code that does more with numbers than ops do says so here: it
is `unseen`, or `bare`, or it tells that `numbers_read` them.
"""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

watcher: ContextVar[Any] = ContextVar("watcher", default=None)

watchers: list[Any] = []
"""Who watches, in any thread: while nobody does, a look at this list is all that it costs."""


def watching() -> Any:
    """The `Watch` that is open here, to be told of what happens; None where there is none."""
    return watcher.get() if watchers else None


class Watch:
    """Is told of what the engine does: the base of `detect_anomaly`'s and of `capture`'s. Here nothing comes of it."""

    shares = False  # whether keys and settings are not copied, so that they are known again

    def applied(self, op: Any, arguments: Sequence[Any], result: Any, node: Any) -> None:
        """An op was applied to operands and static parameters; `node`, if it was recorded."""

    def changed(self, op: Any, tensor: Any, before: Any, other: Any) -> None:
        """The memory of a tensor was changed in place by an op; `before`: what it held."""

    def assigned(self, tensor: Any, key: Any, value: Any) -> None:
        """`value` was put at the places `key` of the memory of a tensor."""

    def used(self, tensor: Any) -> None:
        """The array of a tensor becomes a key or a setting."""

    def renamed(self, old: Any, new: Any) -> None:
        """A number is held as an array from now on."""

    def became(self, tensor: Any) -> None:
        """A tensor holds another value now."""

    def asked(self, tensor: Any, g: Any) -> None:
        """The `.grad` of a tensor was looked at."""

    def granted(self, tensor: Any, g: Any) -> None:
        """The `.grad` of a tensor was set."""

    def copied(self, value: Any, copy: Any) -> None:
        """A gradient was copied."""

    def noted(self) -> None:
        """Some memory was changed in place."""

    def read(self, what: str) -> None:
        """Numbers were taken out of a tensor."""

    def started(self, roots: Sequence[Any]) -> None:
        """A backward pass starts from these."""

    def seeded(self, seeds: dict[Any, Any]) -> None:
        """A backward pass begins with these gradients, by vertex."""

    def handed(self, node: Any, index: int, g: Any, kept: Sequence[Any], handed: Any, part: bool, masked: bool) -> None:
        """The rule of a node, for its operand `index`, made `handed` of the gradient `g` and of what was kept.

        `part`: as a part of an array, of which this is the whole; `masked`: below a `where`.
        """

    def arrived(self, vertex: Any, handed: Any, contribution: Any, total: Any) -> None:
        """What a rule handed to a vertex was made its contribution, and added to what had arrived before."""

    def hooked(self, vertex: Any, g: Any, answer: Any) -> None:
        """The hooks of a vertex were given g and made `answer` of it."""

    def accumulating(self, leaf: Any, earlier: Any, g: Any) -> None:
        """The gradient `g` of a leaf is about to be added to its `.grad`."""

    def accumulated(self, tensor: Any, g: Any) -> None:
        """The gradient `g` was added to the `.grad` of a tensor."""

    def entered(self, module: Any) -> None:
        """A module was called."""

    def called(
        self,
        function: Callable[..., Any],
        arguments: Sequence[Any],
        options: dict[str, Any],
        bare: bool,  # noqa: ARG002 - only a program asks for it
    ) -> Any:
        """The result of an `unseen` function, or of one that is `bare`."""
        return function(*arguments, **options)


class Switched:
    """How often a module, or a hook, was changed: while none is, programs need not look at them."""

    count = 0


switched = Switched()


def unseen(function: Function) -> Function:
    """Mark a function that looks at numbers, changes them in place, or draws them: a watch sees the call, no more."""

    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        if watchers and (watch := watching()):
            return watch.called(function, arguments, options, False)
        return function(*arguments, **options)

    return call  # type: ignore[return-value] # of the same signature


def bare(function: Function) -> Function:
    """Mark a function that computes arrays from the arrays of Tensors, or from arrays: it is `unseen` too."""

    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        if watchers and (watch := watching()):
            return watch.called(function, arguments, options, True)
        return function(*arguments, **options)

    return call  # type: ignore[return-value] # of the same signature


def numbers_read(what: str) -> None:
    """Tell the watch, if there is one, that the numbers themselves are taken out of a tensor."""
    if watch := watching():
        watch.read(what)
