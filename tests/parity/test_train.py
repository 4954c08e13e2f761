"""`fit` beside the loop that a PyTorch program writes, from equal weights and over the same batches."""

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.train import evaluate, fit

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((96, 5)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64) + (X[:, 2] > 1)
BATCH, EPOCHS = 16, 17  # 102 steps


def test_a_training_follows_that_of_pytorch() -> None:
    """With momentum, a penalty, clipping and a schedule; the losses of the epochs, on the training and test data."""
    layers: Any = [torch.nn.Linear(5, 16), torch.nn.BatchNorm1d(16), torch.nn.ReLU(), torch.nn.Linear(16, 3)]
    torch.manual_seed(0)
    theirs = torch.nn.Sequential(*layers)
    ours = nn.Sequential(nn.Linear(5, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})

    optimizer = optim.SGD(ours.parameters(), lr=0.1, momentum=0.9)
    found = fit(
        ours,
        (X[:80], Y[:80]),
        nn.CrossEntropyLoss(),
        optimizer,
        EPOCHS,
        batch_size=BATCH,
        shuffle=False,
        validation=(X[80:], Y[80:]),
        scheduler=optim.lr_scheduler.StepLR(optimizer, 5, gamma=0.5),
        l2=1e-3,
        clip_norm=1.0,
    )

    x, y, loss = torch.from_numpy(X), torch.from_numpy(Y), torch.nn.CrossEntropyLoss()
    descent = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(descent, 5, gamma=0.5)
    losses, held_out = [], []
    for _ in range(EPOCHS):
        theirs.train()
        total = 0.0
        for start in range(0, 80, BATCH):
            cost = loss(theirs(x[start : start + BATCH]), y[start : start + BATCH])
            total += cost.item() * BATCH
            descent.zero_grad()
            (cost + 1e-3 * sum((p * p).sum() for p in theirs.parameters() if p.ndim > 1)).backward()
            torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
            descent.step()
        schedule.step()
        losses.append(total / 80)
        with torch.no_grad():
            held_out.append(loss(theirs.eval()(x[80:]), y[80:]).item())
    assert found["loss"] == pytest.approx(losses, rel=1e-4)
    assert found["val_loss"] == pytest.approx(held_out, rel=1e-4)
    assert evaluate(ours, (tg.Tensor(X[80:]), Y[80:]), nn.CrossEntropyLoss())["loss"] == found["val_loss"][-1]
