"""Keras's callbacks, and the history that `fit` returns."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import train
from tinygrad_edu.train import Run

__all__ = ["Callback", "EarlyStopping", "History"]


class History(train.History):
    """The history of `train` in Keras's form: `history.history["loss"]`, and `history.epoch`, which counts from 0."""

    @property
    def history(self) -> dict[str, list[float]]:
        """Itself, a dict of lists."""
        return self

    @property
    def epoch(self) -> list[int]:
        """The numbers of the epochs."""
        return list(range(self.epochs))


class EarlyStopping(train.EarlyStopping):
    """`train.EarlyStopping` with Keras's names and defaults. After https://keras.io/api/callbacks/early_stopping/"""

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
        restore_best_weights: bool = False,
    ) -> None:
        how = None if mode == "auto" else mode
        super().__init__(max(patience, 1), monitor, abs(min_delta), restore_best_weights, how)  # 0 waits as long as 1


class Callback:
    """What a learner's own callback is made of: `self.model`, and methods that are called with the logs of an epoch.

    `self.model.stop_training = True` ends the training after the epoch.
    After https://keras.io/api/callbacks/base_callback/
    """

    model: Any = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Before the first epoch."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """After every epoch, counted from 0."""

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """After the last epoch."""


class Adapted(train.Callback):
    """A callback in Keras's form, called by `train`."""

    def __init__(self, callback: Callback, model: Any) -> None:
        self.callback, callback.model = callback, model

    def on_train_begin(self, run: Run) -> None:
        """Hand it on."""
        self.callback.on_train_begin({})
        self._look(run)

    def on_epoch_end(self, run: Run) -> None:
        """Hand it on, with the numbers of the epoch."""
        self.callback.on_epoch_end(run.epoch - 1, _last(run))
        self._look(run)

    def on_train_end(self, run: Run) -> None:
        """Hand it on, with the numbers of the last epoch."""
        self.callback.on_train_end(_last(run))

    def _look(self, run: Run) -> None:
        if self.callback.model.stop_training:
            run.stop(f"{type(self.callback).__name__} said so")


def _last(run: Run) -> dict[str, float]:
    return {name: values[-1] for name, values in run.history.items()}


def line(run: Run) -> None:
    """Print one line for the epoch, as `verbose=2` asks."""
    print(
        f"Epoch {run.epoch}/{run.epochs} - " + " - ".join(f"{name}: {value:.4f}" for name, value in _last(run).items())
    )
