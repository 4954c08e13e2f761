"""Whether operations are recorded: on by default, switched per thread and per asynchronous task."""

from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from typing import Any

recorder: ContextVar[Any] = ContextVar("recorder", default=True)
watcher: ContextVar[Any] = ContextVar("watcher", default=None)

recording = recorder.get
"""False: nothing is recorded; True: it is; else it is too, and this is the watcher of `detect_anomaly`, to be told."""

watching = watcher.get
"""The watcher of `detect_anomaly`, also where nothing is recorded; None outside of it."""


def is_grad_enabled() -> bool:
    """Whether operations are recorded here and now."""
    return bool(recording())


class set_grad_enabled(ContextDecorator):  # noqa: N801 - PyTorch's name, and it reads as a statement
    """Record operations (`True`) or not (`False`) in a `with` block or a decorated function.

    >>> with set_grad_enabled(False):
    ...     is_grad_enabled()
    False
    """

    _tokens: tuple[Token[Any], Any] | None = None  # and those below: a block may stand inside itself

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        self._tokens = recorder.set(self.mode and (watching() or True)), self._tokens

    def __exit__(self, _kind: object, _error: object, _traceback: object) -> None:
        token, self._tokens = self._tokens  # type: ignore[misc] # entered
        recorder.reset(token)

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
