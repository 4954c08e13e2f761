"""A progress bar, where somebody looks on."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

__all__ = ["Progress"]

FORMAT = "{desc} {bar:20} {n_fmt}/{total_fmt} steps [{elapsed}<{remaining}{postfix}]"


class Progress:
    """One bar over all steps of a training: the epoch, the steps a second, and what was measured last.

    `wanted`: None shows it in a terminal or a notebook where tqdm is installed, True always, False never.
    """

    def __init__(self, wanted: bool | None, batches: Any, first: int, epochs: int) -> None:
        self.bar: Any = None
        if wanted is False or (wanted is None and not _watched()):
            return
        try:
            from tqdm.auto import tqdm
        except ImportError as error:
            if wanted:
                raise ImportError("a progress bar needs tqdm: pip install tqdm, or write progress=None") from error
            return
        try:
            steps = len(batches)
        except TypeError:  # a stream, of which nobody knows the length
            self.bar = tqdm(unit="step", mininterval=0.25)
        else:
            self.bar = tqdm(total=steps * epochs, initial=steps * first, mininterval=0.25, bar_format=FORMAT)
        self.epochs = epochs

    def epoch(self, number: int) -> None:
        """The epoch that begins."""
        if self.bar is not None:
            self.bar.set_description(f"epoch {number}/{self.epochs}", refresh=False)

    def measured(self, numbers: dict[str, float]) -> None:
        """What the epoch came to."""
        if self.bar is not None:
            self.bar.set_postfix({name: f"{value:.4g}" for name, value in numbers.items()}, refresh=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()


def _watched() -> bool:
    return sys.stderr.isatty() or "ipykernel" in sys.modules
