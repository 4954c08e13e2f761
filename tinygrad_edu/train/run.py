"""Run: a training while it goes on, and all of it that a checkpoint holds."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.errors import CheckpointError
from tinygrad_edu.io import load
from tinygrad_edu.nn.module import Module
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.random import default_generator
from tinygrad_edu.train.callbacks import Callback
from tinygrad_edu.train.history import History

__all__ = ["Run"]


class Run:
    """A training: what learns, how far it is, and its history. Callbacks are handed it."""

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        scheduler: Any,
        epochs: int,
        callbacks: Sequence[Callback],
        generator: np.random.Generator | None,
        monitor: str,
    ) -> None:
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.epochs, self.callbacks, self.monitor = epochs, callbacks, monitor
        self.generators = [default_generator] if generator is None else [default_generator, generator]
        self.epoch = 0  # the last one that was completed
        self.history = History()

    @property
    def stopped(self) -> str | None:
        """Why it ends before the last epoch; None: it does not."""
        return self.history.stopped

    def stop(self, why: str) -> None:
        """End the training after this epoch."""
        self.history.stopped = why

    def state_dict(self) -> dict[str, Any]:
        """All that has to be saved."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "kinds": self._kinds(),
            "epoch": self.epoch,
            "history": dict(self.history),
            "generators": [generator.bit_generator.state for generator in self.generators],
            "callbacks": [state for callback in self.callbacks if (state := callback.state_dict())],
        }

    def _kinds(self) -> dict[str, str]:
        """What the optimizer and the scheduler are called."""
        return {"optimizer": type(self.optimizer).__name__, "scheduler": type(self.scheduler).__name__}

    def resume(self, path: str | os.PathLike[str]) -> None:
        """Go on from a file that `Checkpoint` saved; CheckpointError where it is of another kind of training."""
        state = load(path)
        if not isinstance(state, dict) or not state.keys() >= {"model", "optimizer", "epoch", "callbacks"}:
            raise CheckpointError(
                f"{str(path)!r} holds no training that was begun, which Checkpoint saves: for weights alone write"
                " model.load_state_dict(load(path))"
            )
        remembering = [callback for callback in self.callbacks if callback.state_dict()]
        kinds = (
            ("callbacks that remember something", len(state["callbacks"]), len(remembering)),
            ("generators", len(state["generators"]), len(self.generators)),
            ("schedulers", int(state["scheduler"] is not None), int(self.scheduler is not None)),
        )
        for what, saved, given in kinds:
            if saved != given:
                raise CheckpointError(
                    f"{str(path)!r} is of a training with {saved} {what}, and this one has {given}: call fit as when it"
                    " was saved"
                )
        for what, kind in state.get("kinds", {}).items():
            if (own := self._kinds()[what]) != kind:
                raise CheckpointError(
                    f"{str(path)!r} was saved with the {what} {kind}, and this training has {own}: call fit as when it"
                    " was saved, or load only its weights, model.load_state_dict(load(path)['model'])"
                )
        before = copy.deepcopy(self.optimizer.state_dict())
        self.optimizer.load_state_dict(state["optimizer"])  # which changes nothing where it does not fit
        try:
            self.model.load_state_dict(state["model"])
        except BaseException:
            self.optimizer.load_state_dict(before)
            raise
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        for generator, numbers in zip(self.generators, state["generators"], strict=True):
            generator.bit_generator.state = numbers
        for callback, own in zip(remembering, state["callbacks"], strict=True):
            callback.load_state_dict(own)
        self.epoch = state["epoch"]
        self.history.update(state["history"])
