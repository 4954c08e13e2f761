"""Keras's callbacks, and the history that `fit` returns."""

from __future__ import annotations

import csv
import inspect
import math
import os
from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_edu import train
from tinygrad_edu.optim import lr_scheduler
from tinygrad_edu.train import Run

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
]

BATCHES = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
"""Methods of Keras's callbacks that nobody calls here: one that has them is refused."""


class History(train.History):
    """The history of `train` in Keras's form: `history.history["loss"]`, and `history.epoch`, which counts from 0."""

    first = 0  # the number of its first epoch

    @property
    def history(self) -> dict[str, list[float]]:
        """Itself, a dict of lists."""
        return self

    @property
    def epoch(self) -> list[int]:
        """The numbers of the epochs."""
        return list(range(self.first, self.first + self.epochs))


class EarlyStopping(train.EarlyStopping):
    """`train.EarlyStopping` with Keras's names and defaults. After https://keras.io/api/callbacks/early_stopping/

    `verbose=1` says why it stopped. Until the measure is better than `baseline`, if one is given, no epoch counts as
    better; the first `start_from_epoch` epochs are not looked at.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        how = None if mode == "auto" else mode
        self.verbose, self.baseline, self.start_from_epoch = verbose, baseline, start_from_epoch
        super().__init__(max(patience, 1), monitor, abs(min_delta), restore_best_weights, how)  # 0 waits as long as 1

    def _begin(self) -> None:
        super()._begin()
        if self.baseline is not None:
            self.watch.best = self.baseline

    def on_epoch_end(self, run: Run) -> None:
        """Look at the epoch, unless it is one of the first."""
        if run.epoch <= self.start_from_epoch:
            return
        super().on_epoch_end(run)
        if run.stopped is not None and self.verbose:
            print(f"Epoch {run.epoch}: early stopping, {run.stopped}")


class Callback:
    """What a learner's own callback is made of: `self.model`, and methods that are called with the logs of an epoch.

    `self.model.stop_training = True` ends the training after the epoch.
    After https://keras.io/api/callbacks/base_callback/
    """

    model: Any = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Before every epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """After every epoch, counted from 0."""

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """After the last epoch."""


class Adapted(train.Callback):
    """Callbacks in Keras's form, called by `train`; `first` is the number of the first epoch."""

    def __init__(self, callbacks: Sequence[Callback], model: Any, first: int = 0) -> None:
        for callback in callbacks:
            if unheard := [name for name in BATCHES if hasattr(callback, name)]:
                raise TypeError(
                    f"{type(callback).__name__} has {unheard[0]}, which is not called here: callbacks are called once"
                    " an epoch, on_epoch_end(self, epoch, logs)"
                )
            callback.model = model
        self.callbacks, self.model, self.first = callbacks, model, first

    def on_train_begin(self, run: Run) -> None:
        """Hand it on."""
        for callback in self.callbacks:
            callback.on_train_begin({})
            self._look(run, callback)
        self._begin(run)

    def on_epoch_end(self, run: Run) -> None:
        """Hand it on, with the numbers of the epoch."""
        for callback in self.callbacks:
            callback.on_epoch_end(self.first + run.epoch - 1, _last(run))
            self._look(run, callback)
        self._begin(run)

    def on_train_end(self, run: Run) -> None:
        """Hand it on, with the numbers of the last epoch."""
        for callback in self.callbacks:
            callback.on_train_end(_last(run))

    def _begin(self, run: Run) -> None:
        """Say that an epoch begins, if one does."""
        for callback in self.callbacks if run.epoch < run.epochs and run.stopped is None else ():
            callback.on_epoch_begin(self.first + run.epoch, {})

    def _look(self, run: Run, callback: Callback) -> None:
        if self.model.stop_training and run.stopped is None:
            run.stop(f"{type(callback).__name__} said so")


class ModelCheckpoint(Callback):
    """Saves the weights after every epoch, for `model.load_weights`; or only those of the best epoch.

    `filepath` may name the epoch and what is measured: "weights-{epoch:02d}-{val_loss:.2f}.safetensors". The file holds
    weights and nothing else, as with Keras's `save_weights_only=True`, and is replaced whole or not at all. ValueError
    for a measure that is not there. After https://keras.io/api/callbacks/model_checkpoint/
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = True,  # noqa: ARG002 - see the docstring
        mode: str = "auto",
    ) -> None:
        self.filepath, self.monitor, self.verbose = filepath, monitor, verbose
        self.save_best_only, self.mode = save_best_only, None if mode == "auto" else mode
        self._best = math.nan

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 - of every callback
        """Start anew."""
        self._best = math.nan

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Save, if it is the best epoch or all are saved."""
        logs = logs or {}
        if self.save_best_only:
            watch = train.callbacks.Watch(self.monitor, 0.0, self.mode)
            watch.best = self._best
            if not watch.improves_to(logs):
                return
            self._best = watch.best
        path = os.fspath(self.filepath).format(epoch=epoch + 1, **logs)
        self.model.save_weights(path)
        if self.verbose:
            print(f"Epoch {epoch + 1}: saved {path}")


class LearningRateScheduler(Callback):
    """Sets the learning rate of every epoch to `schedule(epoch, rate)`, or `schedule(epoch)`.

    After https://keras.io/api/callbacks/learning_rate_scheduler/
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        self.schedule, self.verbose = schedule, verbose
        taken = inspect.signature(schedule).parameters.values()
        self._both = len(taken) > 1 or any(p.kind is p.VAR_POSITIONAL for p in taken)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 - as above
        """Ask for the rate."""
        optimizer = self.model.optimizer
        rate = self.schedule(epoch, optimizer.learning_rate) if self._both else self.schedule(epoch)
        optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"Epoch {epoch + 1}: the learning rate is {float(rate):g}")


class ReduceLROnPlateau(Callback):
    """Multiplies the learning rate by `factor` when a measure has not improved for `patience` epochs.

    It is `optim.lr_scheduler.ReduceLROnPlateau`. After https://keras.io/api/callbacks/reduce_lr_on_plateau/
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 0.0001,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        self.monitor, self.verbose, self.mode = monitor, verbose, mode
        # PyTorch's patience is how many epochs are forgiven, Keras's which epoch is not
        options = {"factor": factor, "patience": max(patience, 1) - 1, "cooldown": cooldown, "min_lr": min_lr}
        self._options: dict[str, Any] = options | {"threshold": min_delta, "threshold_mode": "abs"}
        self._scheduler: Any = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 - as above
        """Start anew."""
        falls = train.callbacks.Watch(self.monitor, 0.0, None if self.mode == "auto" else self.mode).falls(self.monitor)
        made = self.model.optimizer.made
        self._scheduler = lr_scheduler.ReduceLROnPlateau(made, "min" if falls else "max", **self._options)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Look at the measure."""
        if self.monitor not in (logs or {}):
            raise ValueError(f"monitor={self.monitor!r} is not among what is measured: {', '.join(logs or {})}")
        before = self.model.optimizer.learning_rate
        self._scheduler.step((logs or {})[self.monitor])
        if self.verbose and self.model.optimizer.learning_rate != before:
            print(f"Epoch {epoch + 1}: the learning rate is {self.model.optimizer.learning_rate:g} now")


class LambdaCallback(Callback):
    """Functions as callbacks: `LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs))`.

    After https://keras.io/api/callbacks/lambda_callback/
    """

    def __init__(self, **functions: Callable[..., Any]) -> None:
        known = [name for name in vars(Callback) if name.startswith("on_")]
        for name, function in functions.items():
            if name not in known:
                raise TypeError(f"{name} is none of {', '.join(known)}")
            setattr(self, name, function)


class CSVLogger(Callback):
    """Writes the numbers of every epoch as a line of a CSV file. After https://keras.io/api/callbacks/csv_logger/"""

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        self.filename, self.separator, self.append = filename, separator, append

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002 - as above
        """Begin the file, unless it goes on."""
        self._headed = self.append and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0
        if not self._headed:
            open(self.filename, "w", encoding="utf-8").close()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write a line, the first one after the names."""
        with open(self.filename, "a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=self.separator)
            if not self._headed:
                writer.writerow(["epoch", *(logs or {})])
                self._headed = True
            writer.writerow([epoch, *(logs or {}).values()])


def _last(run: Run) -> dict[str, float]:
    return {name: values[-1] for name, values in run.history.items()}


def line(run: Run, first: int = 0) -> None:
    """Print one line for the epoch, as `verbose=2` asks."""
    print(
        f"Epoch {first + run.epoch}/{first + run.epochs} - "
        + " - ".join(f"{name}: {value:.4f}" for name, value in _last(run).items())
    )
