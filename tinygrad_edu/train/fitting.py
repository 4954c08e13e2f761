"""fit: the loop that every training is."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_edu.errors import TrainingError
from tinygrad_edu.nn.module import Module
from tinygrad_edu.optim import Optimizer, clip_grad_norm_
from tinygrad_edu.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau
from tinygrad_edu.train.callbacks import Callback, Checkpoint, Each
from tinygrad_edu.train.evaluation import AT_ONCE, Average, evaluated, modes_kept
from tinygrad_edu.train.feeding import Counted, Kind, batches, targets_of
from tinygrad_edu.train.first_step import (
    check_arguments,
    check_gradients,
    check_inputs,
    check_labels,
    check_loss,
    check_optimizer,
    check_output,
)
from tinygrad_edu.train.history import History
from tinygrad_edu.train.interruption import interruptible
from tinygrad_edu.train.measures import Measures, Metrics
from tinygrad_edu.train.penalties import Penalty
from tinygrad_edu.train.progress import Progress
from tinygrad_edu.train.run import Run

__all__ = ["fit"]


def fit(
    model: Module,
    data: Any,
    loss: Callable[..., Any],
    optimizer: Optimizer,
    epochs: int = 1,
    *,
    batch_size: int | str | None = 32,
    shuffle: bool = True,
    generator: np.random.Generator | None = None,
    validation: Any = None,
    metrics: Metrics = (),
    callbacks: Iterable[Callback | Callable[[Run], Any]] = (),
    scheduler: Any = None,
    l1: float = 0.0,
    l2: float = 0.0,
    clip_norm: float | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
) -> History:
    """Train the model: for every batch of every epoch `zero_grad`, `loss(model(x), y).backward()`, `step`.

    - `data`: (X, y), arrays or Tensors of one length; a `Table`; a `Dataset` of pairs; or a `DataLoader`, which brings
      its own batches. Floats are converted to the dtype of the model. So are whole numbers in X, unless the model has
      an `nn.Embedding`; in y they stay, because they may name classes.
    - `batch_size`: 1 is stochastic gradient descent, "full" (or None) takes all samples in each step. `shuffle` draws
      a new order every epoch, from `generator` or that of `manual_seed`.
    - `validation`: data that are looked at after every epoch, in evaluation mode, and not learned from.
    - `metrics`: names as "accuracy", or functions of predictions and targets, computed from all predictions of an
      epoch, which are kept for them.
    - `callbacks`: `EarlyStopping`, `Checkpoint`, or functions that are called with the `Run` after every epoch.
    - `scheduler`: stepped after every epoch, `ReduceLROnPlateau` with the loss on the validation data (else on the
      training data), `OneCycleLR` after every batch.
    - `l1`, `l2`: penalties of large weights, see `Penalty`. `clip_norm` shortens the gradients to that length.
    - `resume`: the file of a `Checkpoint`, from which the same call goes on bit for bit, up to `epochs` in all.
    - `progress`: None shows a bar in a terminal or notebook, True always, False never.

    Returns the `History`: "loss", the mean over the samples of the epoch while they were learned, "val_loss", metrics;
    with penalties "penalty", which is not part of the loss, with a scheduler "lr". Ctrl-C ends after the batch, with
    the history so far (the epoch begun is left out); a second one raises. The model is left in the mode it was in.

    Raises `DataError` for nan in the data, lengths that differ, no data and a batch size below 1; `ShapeError` for
    predictions (N, 1) and targets (N,); `TrainingError`, which carries the `history`, for a loss that becomes nan or
    infinite, or depends on no parameter. Every exception while it learns has the epochs before it, if there are
    any, in its `.history`, and a note says at which batch of which data it was raised.

    >>> from tinygrad_edu import manual_seed, nn, optim
    >>> _ = manual_seed(0)
    >>> X = np.linspace(-1, 1, 64).reshape(-1, 1)
    >>> model = nn.Linear(1, 1)
    >>> history = fit(model, (X, 3 * X + 1), nn.MSELoss(), optim.SGD(model.parameters(), lr=0.2), epochs=40)
    >>> round(model.weight.item(), 3), round(model.bias.item(), 3), history.epochs
    (3.0, 1.0, 40)
    """
    if isinstance(epochs, bool) or not isinstance(epochs, int | np.integer) or epochs < 0:
        raise ValueError(f"epochs is how often all data are seen, 0 or more, and {epochs!r} was given")
    callbacks = [callbacks] if isinstance(callbacks, Callback) or callable(callbacks) else list(callbacks)
    check_arguments(loss, scheduler, callbacks)
    check_optimizer(model, optimizer)
    kind = Kind(model)
    pairs = batches(data, kind, batch_size, shuffle, generator)
    held_out = None if validation is None else batches(validation, kind, AT_ONCE)
    run = Run(
        model,
        optimizer,
        scheduler,
        int(epochs),
        _ordered(callbacks),
        generator or getattr(data, "generator", None),
        "loss" if validation is None else "val_loss",
    )
    learned, looked_at = Counted(pairs, "training"), Counted(held_out or (), "validation")
    teacher = Teacher(run, loss, Measures(metrics, loss), Penalty(optimizer, l1, l2), clip_norm, looked_at)
    if resume is not None:
        run.resume(resume)
    with (
        modes_kept(model),
        interruptible(run),
        history_kept(run, learned, looked_at),
        Progress(progress, pairs, run.epoch, run.epochs) as shown,
    ):
        for callback in run.callbacks:
            callback.on_train_begin(run)
        while run.epoch < run.epochs and run.stopped is None:
            shown.epoch(run.epoch + 1)
            numbers = teacher.epoch(learned, shown)
            if numbers is None:
                break
            if held_out is not None:
                found = evaluated(model, looked_at, loss, teacher.measures)
                numbers |= {f"val_{name}": value for name, value in found.items()}
            run.epoch += 1
            run.history.add(numbers)
            shown.measured(numbers)
            _reschedule(run)
            for callback in run.callbacks:
                callback.on_epoch_end(run)
        for callback in run.callbacks:
            callback.on_train_end(run)
    return run.history


@contextmanager
def history_kept(run: Run, *parts: Counted) -> Iterator[None]:
    """Every exception of the block carries the history so far, and the place where it was raised."""
    try:
        yield
    except BaseException as error:  # Ctrl-C too
        if getattr(error, "history", None) is None:
            error.history = run.history  # type: ignore[attr-defined] # exceptions take attributes
            at = next((f" batch {part.number} of the {part.what} data," for part in parts if part.number), "")
            if run.history.epochs:
                error.add_note(
                    f"fit:{at} epoch {run.epoch + bool(at)}; the history of the {run.history.epochs} epochs that were"
                    " completed is in this exception's .history"
                )
        raise


class Teacher:
    """The steps of an epoch, and what they came to."""

    def __init__(
        self,
        run: Run,
        loss: Callable[..., Any],
        measures: Measures,
        penalty: Penalty,
        clip_norm: float | None,
        looked_at: Counted,
    ) -> None:
        if clip_norm is not None and not clip_norm > 0:
            raise ValueError(f"clip_norm is how long the gradients may be together, above 0, and not {clip_norm!r}")
        self.run, self.loss, self.measures, self.penalty = run, loss, measures, penalty
        self.clip_norm, self.looked_at = clip_norm, looked_at
        self.parameters = [p for group in run.optimizer.param_groups for p in group["params"]]
        self.checked = False

    def epoch(self, pairs: Counted, shown: Progress) -> dict[str, float] | None:
        """Learn from every batch once; None where the run was stopped before the last one."""
        run, loss, measures, penalty = self.run, self.loss, self.measures, self.penalty
        model, optimizer, history = run.model, run.optimizer, run.history
        average, clip_norm, bar = Average(loss), self.clip_norm, shown.bar
        every_batch = run.scheduler.step if isinstance(run.scheduler, OneCycleLR) else None
        model.train()
        measures.start()
        seen = False
        for *inputs, target in pairs:
            seen = True
            if history.stopped is not None:
                return None
            if not self.checked:
                check_inputs(model, inputs)
            output = model(*inputs)
            if not self.checked:
                check_output(loss, output)
                for part in (pairs, self.looked_at):
                    check_labels(loss, output, targets_of(part.pairs), part.what)
            cost = loss(output, target)
            if not self.checked:
                check_loss(cost, output, target)
            self._check_finite(average, average.add(cost, len(target)), pairs.number)
            if measures.functions:
                measures.see(output, target)
            optimizer.zero_grad()
            (cost + penalty.squares() if penalty.l2 else cost).backward()
            if not self.checked:
                check_gradients(optimizer)
                self.checked = True
            if clip_norm is not None:
                clip_grad_norm_(self.parameters, clip_norm)
            optimizer.step()
            if penalty.l1:
                penalty.shrink()
            if every_batch is not None:
                every_batch()
            if bar is not None:
                bar.update()
        if not seen:
            raise TrainingError(
                "the loader gave no batch: an iterator is empty after its first pass, so give a Dataset or DataLoader",
                run.history,
            )
        self._check_finite(average, average.read(), 0)
        numbers = {"loss": average.value}
        if penalty.l1 or penalty.l2:
            numbers["penalty"] = penalty.value()
        if run.scheduler is not None:
            numbers["lr"] = optimizer.param_groups[0]["lr"]
        return numbers | measures.result()

    def _check_finite(self, average: Average, values: list[float], batch: int) -> None:
        """`TrainingError` for a loss among the last ones that is nan or infinite; the step of `batch` is not taken."""
        for at, value in enumerate(values, average.batches - len(values) + 1):
            if not math.isfinite(value):
                raise _diverged(self.run, at, value, at == batch)


def _reschedule(run: Run) -> None:
    """Let the scheduler set the learning rate of the next epoch."""
    if isinstance(run.scheduler, ReduceLROnPlateau):
        run.scheduler.step(run.history[run.monitor][-1])
    elif run.scheduler is not None and not isinstance(run.scheduler, OneCycleLR):
        run.scheduler.step()


def _ordered(callbacks: Iterable[Any]) -> list[Callback]:
    """The callbacks, those last that save what the others know after the epoch."""
    every = [given if isinstance(given, Callback) else Each(given) for given in callbacks]
    return sorted(every, key=lambda callback: isinstance(callback, Checkpoint) and 2 - callback.best_only)


def _diverged(run: Run, batch: int, value: float, seen_at_once: bool) -> TrainingError:
    steps = (
        "no step was taken with it"
        if seen_at_once
        else "steps were taken with it, because on a GPU losses are read later, so go on from weights of before"
    )
    rate = run.optimizer.param_groups[0]["lr"]
    return TrainingError(
        f"the loss is {value} in epoch {run.epoch + 1}, batch {batch}; {steps}, and the history of"
        f" the {run.epoch} epochs before is in this error's .history. A smaller learning rate (it is {rate:g}), inputs"
        " scaled to mean 0 and deviation 1, or clip_norm=1.0 help against numbers that grow; `with detect_anomaly():`"
        " around fit names the op that made it.",
        run.history,
    )
