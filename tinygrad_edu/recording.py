"""Whether operations are recorded: on by default, switched per thread and per asynchronous task."""

from contextlib import ContextDecorator
from contextvars import ContextVar, Token

_recording: ContextVar[bool] = ContextVar("recording", default=True)

is_grad_enabled = _recording.get
"""`is_grad_enabled()` says whether operations are recorded here and now."""


class set_grad_enabled(ContextDecorator):  # noqa: N801 - PyTorch's name, and it reads as a statement
    """Record operations (`True`) or not (`False`) in a `with` block or a decorated function.

    >>> with set_grad_enabled(False):
    ...     is_grad_enabled()
    False
    """

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self._tokens: list[Token[bool]] = []

    def __enter__(self) -> None:
        self._tokens.append(_recording.set(self.mode))

    def __exit__(self, *_: object) -> None:
        _recording.reset(self._tokens.pop())

    def _recreate_cm(self) -> "set_grad_enabled":
        return set_grad_enabled(self.mode)  # one a call: a decorated function may recurse, or run in several threads


def no_grad() -> set_grad_enabled:
    """Compute without recording: `with no_grad(): w -= 0.1 * w.grad`, or `@no_grad()` on a function.

    >>> from tinygrad_edu import Tensor
    >>> w = Tensor(2.0, requires_grad=True)
    >>> with no_grad():
    ...     (w * w).requires_grad
    False
    """
    return set_grad_enabled(False)


def enable_grad() -> set_grad_enabled:
    """Record again inside a `no_grad` block or function."""
    return set_grad_enabled(True)
