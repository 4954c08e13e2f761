"""Training that is stopped, saved, and continued in a new process ends with the same bytes as training that was not."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import tinygrad_edu as tg

SCRIPT = """
import sys
import numpy as np
import tinygrad_edu as torch
from tinygrad_edu import nn, optim
from tinygrad_edu.data import DataLoader, TensorDataset
from tinygrad_edu.data.transforms import GaussianNoise
from tinygrad_edu.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, OneCycleLR, ReduceLROnPlateau, StepLR

KINDS = {
    "sgd": (
        lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
        lambda o: CosineAnnealingLR(o, T_max=6),
    ),
    "adam": (
        lambda p: optim.Adam([{"params": p[:2], "lr": 1e-3}, {"params": p[2:]}], lr=1e-2, amsgrad=True),
        lambda o: StepLR(o, 2, 0.5),
    ),
    "adamw": (lambda p: optim.AdamW(p, lr=1e-2), lambda o: OneCycleLR(o, 0.02, total_steps=6)),
    "rmsprop": (
        lambda p: optim.RMSprop(p, lr=1e-3, centered=True, momentum=0.5),
        lambda o: ReduceLROnPlateau(o, patience=0, factor=0.5),
    ),
    "adagrad": (
        lambda p: optim.Adagrad(p, lr=1e-2, lr_decay=0.1),
        lambda o: LambdaLR(o, lambda epoch: 1 / (1 + epoch)),
    ),
}

def train(kind, first, last, found):
    torch.manual_seed(0)
    rng = np.random.default_rng(1)
    X = rng.standard_normal((60, 1, 6, 6)).astype(np.float32)
    y = (X.sum(axis=(1, 2, 3)) > 0).astype(np.int64)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(), nn.Linear(48, 2)
    )
    optimizer = KINDS[kind][0](list(model.parameters()))
    scheduler = KINDS[kind][1](optimizer)
    own = torch.Generator().manual_seed(5)
    if found:
        assert found["epoch"] == first
        model.load_state_dict(found["model"])
        optimizer.load_state_dict(found["optimizer"])
        scheduler.load_state_dict(found["scheduler"])
        own.set_state(found["own"])
        torch.set_rng_state(found["generator"])
    loader = DataLoader(TensorDataset(X, y), 16, shuffle=True)
    augment, criterion = GaussianNoise(0.1, generator=own), nn.CrossEntropyLoss()
    for epoch in range(first, last):
        total = 0.0
        for x, target in loader:
            optimizer.zero_grad()
            loss = criterion(model(augment(x)), target)
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step(*([total] if kind == "rmsprop" else []))
    return {
        "model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(),
        "epoch": last, "generator": torch.get_rng_state(), "own": own.get_state(), "loss": total,
    }

first, last, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
found = torch.load(path) if first else {}
torch.save({kind: train(kind, first, last, found.get(kind)) for kind in KINDS}, path)
"""


def run(first: int, last: int, checkpoint: Path) -> Any:
    """What the script saves, its Tensors as bytes."""
    command = [sys.executable, "-W", "error", "-c", SCRIPT, str(first), str(last), str(checkpoint)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)  # noqa: S603 - our own script
    assert done.returncode == 0, done.stderr
    return bare(tg.load(checkpoint))


def bare(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: bare(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [bare(value) for value in tree]
    return (str(tree.dtype), tree.shape, tree.numpy().tobytes()) if isinstance(tree, tg.Tensor) else tree


def test_six_epochs_are_three_and_three_in_a_new_process(tmp_path: Path) -> None:
    whole = run(0, 6, tmp_path / "whole")
    half = run(0, 3, tmp_path / "parts")
    resumed = run(3, 6, tmp_path / "parts")
    for kind, state in whole.items():
        for part in ("model", "optimizer", "scheduler", "epoch", "generator", "own", "loss"):
            assert resumed[kind][part] == state[part], (kind, part)
            assert half[kind][part] != state[part], (kind, part)
