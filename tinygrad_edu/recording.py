"""Whether operations are recorded: on by default, switched per thread and per asynchronous task."""

import inspect
from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from typing import Any, TypeVar

recorder: ContextVar[bool] = ContextVar("recorder", default=True)

recording: Callable[[], bool] = recorder.get
"""Whether operations are recorded here and now, for the hot path: `is_grad_enabled` without the call."""

Function = TypeVar("Function", bound=Callable[..., Any])


def check_runs_at_once(function: Callable[..., Any], block: str) -> None:
    """TypeError for a generator or a coroutine function: what it does comes after the decorated call has returned."""
    kinds = (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    if any(is_of_kind(function) for is_of_kind in kinds):
        raise TypeError(
            f"@{block} over a generator or an async function would end before its lines run: write `with {block}():`"
            " inside it, around the lines that compute and around no yield or await"
        )


def is_grad_enabled() -> bool:
    """Whether operations are recorded here and now."""
    return recording()


class set_grad_enabled(ContextDecorator):  # noqa: N801 - PyTorch's name, and it reads as a statement
    """Record operations (`True`) or not (`False`) in a `with` block or a decorated function.

    >>> with set_grad_enabled(False):
    ...     is_grad_enabled()
    False
    """

    _tokens: tuple[Token[bool], Any] | None = None  # and those below: a block may stand inside itself

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        self._tokens = recorder.set(self.mode), self._tokens

    def __exit__(self, _kind: object, _error: object, _traceback: object) -> None:
        token, self._tokens = self._tokens  # type: ignore[misc] # entered
        recorder.reset(token)

    def __call__(self, func: Function) -> Function:
        check_runs_at_once(func, type(self).__name__)
        return super().__call__(func)

    def _recreate_cm(self) -> "set_grad_enabled":
        return set_grad_enabled(self.mode)  # one a call: a decorated function may recurse, or run in several threads


class no_grad(set_grad_enabled):  # noqa: N801 - as above
    """Compute without recording: `with no_grad(): w -= 0.1 * w.grad`, or `@no_grad()` on a function.

    >>> from tinygrad_edu import Tensor
    >>> w = Tensor(2.0, requires_grad=True)
    >>> with no_grad():
    ...     (w * w).requires_grad
    False
    """

    mode = False

    def __init__(self) -> None: ...


class enable_grad(set_grad_enabled):  # noqa: N801 - as above
    """Record again inside a `no_grad` block or function."""

    mode = True

    def __init__(self) -> None: ...
