"""PyTorch's checks of derivatives and of anomalies, where it has them: `autograd.gradcheck` and so on.

`tinygrad_edu.testing` has the first two with reports of what is wrong, and finds by itself how far it can tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu.anomaly import detect_anomaly

__all__ = ["gradcheck", "gradgradcheck", "set_detect_anomaly"]


def gradcheck(func: Callable[..., Any], inputs: Any, *, raise_exception: bool = True, **_tolerances: Any) -> bool:
    """Whether the derivatives of `func(*inputs)` are those of differences; AssertionError, with a report, if not.

    PyTorch's `eps`, `atol` and others choose steps and tolerances, which `testing.gradcheck` finds by itself.
    After https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html

    >>> from tinygrad_edu import Tensor
    >>> gradcheck(lambda x: x**3, (Tensor([1.0, 2.0], requires_grad=True),), eps=1e-6, atol=1e-4)
    True
    """
    from tinygrad_edu import testing  # built on the whole package

    return bool(testing.gradcheck(func, *_several(inputs), raise_exception=raise_exception))


def gradgradcheck(func: Callable[..., Any], inputs: Any, *, raise_exception: bool = True, **_tolerances: Any) -> bool:
    """The same of second derivatives."""
    from tinygrad_edu import testing  # as above

    return bool(testing.gradgradcheck(func, *_several(inputs), raise_exception=raise_exception))


def _several(inputs: Any) -> tuple[Any, ...]:
    return tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)


class set_detect_anomaly:  # noqa: N801 - PyTorch's name
    """Look for nan and infinities from here on, in this thread or task, or no longer; as a `with` block, inside it.

    See `detect_anomaly`. After
    https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.set_detect_anomaly

    >>> with set_detect_anomaly(True):
    ...     pass
    >>> _ = set_detect_anomaly(False)
    """

    _on: list[detect_anomaly] = []  # noqa: RUF012 - those that were switched on, for all objects

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = len(self._on)
        while self._on:
            self._on.pop().__exit__(None, None, None)
        if mode:
            block = detect_anomaly(check_nan)
            block.__enter__()
            self._on.append(block)

    def __enter__(self) -> None:
        """Switched already."""

    def __exit__(self, *_error: object) -> None:
        set_detect_anomaly(bool(self._before))
