"""Ctrl-C ends a training as it should end, not in the middle of a step."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["interruptible"]


@contextmanager
def interruptible(run: Any) -> Iterator[None]:
    """In the block the first Ctrl-C stops the run after its batch, and the second raises KeyboardInterrupt at once.

    Only the main thread hears of Ctrl-C; and a program that handles it in its own way goes on to do so.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def first(_number: int, _frame: Any) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("\nCtrl-C: training ends after this batch; press it again to end at once", file=sys.stderr, flush=True)
        run.stop(f"Ctrl-C in epoch {run.epoch + 1}")

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
