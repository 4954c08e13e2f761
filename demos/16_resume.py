"""A training that is killed and goes on ends as if nothing had happened, bit for bit.

The program starts itself in a second process, which is killed without a warning, as by a power cut, and then goes on
from the checkpoint that was left. Model, optimizer, schedule, shuffling and dropout are all where they were.
Writes the checkpoint, 16_resume.safetensors, into the folder it is started from.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
from tinygrad_edu.train import Checkpoint, History, Run, fit

PATH, EPOCHS, KILLED_IN = Path("16_resume.safetensors"), 8, 5

rng = np.random.default_rng(0)
points = rng.standard_normal((600, 2))
inside = (np.hypot(points[:, 0], points[:, 1]) < 1).astype(int)


def kill_myself(run: Run) -> None:
    """As a power cut: no clean-up runs."""
    if run.epoch == KILLED_IN:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows has only the other, as deadly


def train(*callbacks: object, resume: Path | None = None) -> tuple[History, bytes]:
    """A network that tells points inside the circle; the history and the bytes of all weights."""
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    history = fit(
        model,
        (points, inside),
        nn.CrossEntropyLoss(),
        optimizer,
        EPOCHS,
        scheduler=optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS),
        callbacks=callbacks,
        resume=resume,
    )
    return history, b"".join(value.numpy().tobytes() for value in model.state_dict().values())


if sys.argv[1:] == ["to be killed"]:
    train(kill_myself, Checkpoint(PATH))

whole, weights = train()

child = subprocess.run([sys.executable, __file__, "to be killed"], check=False)  # noqa: S603 - this program itself
assert child.returncode != 0
print(f"killed in epoch {KILLED_IN}; the checkpoint is whole, and of epoch {tg.load(PATH)['epoch']}")

history, resumed = train(Checkpoint(PATH), resume=PATH)
print(history)
same = resumed == weights and history == whole
print(f"the {len(weights):,} bytes of the weights are {'the same as' if same else 'others than'} without the kill")
assert same
print(f"wrote {PATH}")
