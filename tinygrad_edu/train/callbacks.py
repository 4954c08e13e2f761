"""What happens after every epoch: stop early, save a checkpoint, or what a function of the learner's own does."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

from tinygrad_edu.io import save
from tinygrad_edu.recording import no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.tensorfile import library_needed

if TYPE_CHECKING:
    from tinygrad_edu.train.run import Run

__all__ = ["Callback", "Checkpoint", "EarlyStopping"]

RISING = ("accuracy", "acc", "precision", "recall", "f1", "r2")
FALLING = ("loss", "mae", "mse", "mean_absolute_error", "mean_squared_error", "penalty", "lr")
"""The measures of which more, and of which less, is better."""


class Callback:
    """Is told of the training while it goes on; a function `f(run)` in its place is called after every epoch.

    `run` is the training itself: `run.model`, `run.optimizer`, `run.epoch` (from 1), `run.epochs`, `run.history`, and
    `run.stop("why")` ends it after this epoch. `state_dict` and `load_state_dict` are for what has to be in a
    checkpoint; it is the same kind of dict from the beginning on.

    >>> class Patience(Callback):
    ...     def on_epoch_end(self, run):
    ...         if run.epoch == 2:
    ...             run.stop("it was late")
    """

    def on_train_begin(self, run: Run) -> None:
        """Before the first epoch."""

    def on_epoch_end(self, run: Run) -> None:
        """After every epoch; its numbers are the last ones of `run.history`."""

    def on_train_end(self, run: Run) -> None:
        """After the last epoch, also when training was stopped."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint has to hold of it."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""


class Each(Callback):
    """A function that is called after every epoch."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def on_epoch_end(self, run: Run) -> None:
        """Call it."""
        self.function(run)


class Watch:
    """Whether a measure has become better than it ever was, by more than `min_delta`."""

    def __init__(self, monitor: str | None, min_delta: float, mode: str | None) -> None:
        if mode not in (None, "min", "max"):
            raise ValueError(f"mode is 'min' for a measure that should fall, else 'max', and {mode!r} was given")
        if not min_delta >= 0:
            raise ValueError(f"min_delta is by how much it has to improve, 0 or more, and {min_delta!r} was given")
        self.monitor, self.min_delta, self.mode = monitor, min_delta, mode
        self.best = math.nan

    def improves(self, run: Run) -> bool:
        """Look at the epoch that ended; a measure that is nan is never better."""
        return self.improves_to({name: values[-1] for name, values in run.history.items()}, run.monitor)

    def improves_to(self, numbers: dict[str, float], monitor: str = "loss") -> bool:
        """Look at the numbers of an epoch, of which `monitor` matters where none was chosen."""
        name = self.monitor or monitor
        if name not in numbers:
            raise ValueError(f"monitor={name!r} is not among what is measured: {', '.join(map(repr, numbers))}")
        value = numbers[name]
        better = self.best - value if self.falls(name) else value - self.best
        if math.isnan(value) or not (math.isnan(self.best) or better > self.min_delta):
            return False
        self.best = value
        return True

    def falls(self, name: str) -> bool:
        """Whether less of the measure is better."""
        if self.mode is not None:
            return self.mode == "min"
        measure = name.removeprefix("val_")
        if measure not in RISING + FALLING:
            raise ValueError(
                f"is more of {name!r} better, or less? Write mode='max' or mode='min' beside monitor={name!r}"
            )
        return measure in FALLING


class EarlyStopping(Callback):
    """Stops when a measure has not improved for `patience` epochs in a row, and goes back to the best one.

    `monitor`: "val_loss", or "loss" where there are no validation data, unless another name is given. An improvement
    is one by more than `min_delta`. Less is better of losses and errors, more of accuracy, precision, recall, f1 and
    r2; of other measures say it, `mode="min"` or "max". With `restore_best` the model ends with the weights and buffers
    of the best epoch, also where all epochs were run. Prechelt 1998, "Early stopping - but when?".

    >>> EarlyStopping(patience=3).patience
    3
    """

    def __init__(
        self,
        patience: int = 5,
        monitor: str | None = None,
        min_delta: float = 0.0,
        restore_best: bool = True,
        mode: str | None = None,
    ) -> None:
        if not isinstance(patience, int) or patience < 1:
            raise ValueError(f"patience is a number of epochs from 1 up, and {patience!r} was given")
        self.patience, self.restore_best = patience, restore_best
        self._measure = monitor, min_delta, mode
        self._begin()

    def _begin(self) -> None:
        self.watch = Watch(*self._measure)
        self.waited = 0  # epochs since the best one
        self.best_epoch, self.best_state = 0, dict[str, Tensor]()

    def on_train_begin(self, run: Run) -> None:
        """Start anew, or stop again where a checkpoint goes on that had been stopped."""
        if run.epoch == 0:
            self._begin()
        self._stop_if_late(run)

    def on_epoch_end(self, run: Run) -> None:
        """Remember the epoch if it is the best, else wait for a better one, or no longer."""
        if self.watch.improves(run):
            self.waited, self.best_epoch = 0, run.epoch
            if self.restore_best:
                self.best_state = {name: value.clone() for name, value in run.model.state_dict().items()}
        else:
            self.waited += 1
        self._stop_if_late(run)

    def _stop_if_late(self, run: Run) -> None:
        if self.waited >= self.patience:
            name = self.watch.monitor or run.monitor
            run.stop(f"{name} was best in epoch {self.best_epoch} ({self.watch.best:.4g}), and not since")

    def on_train_end(self, run: Run) -> None:
        """Go back to the best epoch."""
        if self.restore_best and self.best_state:
            with no_grad():
                run.model.load_state_dict(self.best_state)

    def state_dict(self) -> dict[str, Any]:
        """How far it is, and the best weights."""
        return {
            "best": self.watch.best,
            "waited": self.waited,
            "best_epoch": self.best_epoch,
            "best_state": self.best_state,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.watch.best, self.waited = state["best"], state["waited"]
        self.best_epoch, self.best_state = state["best_epoch"], state["best_state"]


class Checkpoint(Callback):
    """Saves the whole training to the file `path`, so that `fit(..., resume=path)` goes on bit for bit.

    Model, optimizer, scheduler, random numbers, history and other callbacks, in a safetensors file that is replaced
    whole or not at all. It is written after every `every` epochs and after the last; with `best_only` where `monitor`
    has improved (`monitor`, `mode` as in `EarlyStopping`). `load(path)["model"]` is the model's state dict.
    ImportError, when it is made, without safetensors.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        every: int = 1,
        best_only: bool = False,
        monitor: str | None = None,
        mode: str | None = None,
    ) -> None:
        if not isinstance(every, int) or every < 1:
            raise ValueError(f"every is a number of epochs from 1 up, and {every!r} was given")
        library_needed()  # an hour of training later would be late
        self.path, self.every, self.best_only = path, every, best_only
        self._measure = monitor, 0.0, mode
        self.watch = Watch(*self._measure)

    def on_train_begin(self, run: Run) -> None:
        """Start anew."""
        if run.epoch == 0:
            self.watch = Watch(*self._measure)

    def on_epoch_end(self, run: Run) -> None:
        """Save if it is time."""
        due = run.epoch % self.every == 0 or run.epoch == run.epochs or run.stopped is not None
        if self.watch.improves(run) if self.best_only else due:
            save(run.state_dict(), self.path)

    def state_dict(self) -> dict[str, Any]:
        """The best so far, where it matters."""
        return {"best": self.watch.best} if self.best_only else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.watch.best = state["best"]
