"""A step of training, captured: what the engine does for a small network, as plain NumPy that runs without it.

The 2-16-16-2 network learns two rings, once as always and once by `capture`. The first two steps are traced, the others
run the lines that are written to 20_capture.txt: every op, every rule of the chain, every gradient, and the update. The
losses are the same to the last bit; the time is that of NumPy written by hand.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn, optim

random = np.random.default_rng(0)
angle, ring = random.uniform(0, 2 * np.pi, 320), np.arange(320) % 2
radius = 1 + ring + random.normal(0, 0.15, 320)
X = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)
batches = [(Tensor(X[i::10]), Tensor(ring[i::10])) for i in range(10)]


def learner(captured: bool) -> tuple[Any, Any]:
    """A network from fixed first weights, and a step of training it."""
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))
    criterion, optimizer = nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1)

    def step(x: Tensor, y: Tensor) -> Any:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return model, tg.capture(step) if captured else step


losses, seconds = {}, {}
for captured in (False, True):
    model, step = learner(captured)
    begin = time.perf_counter()
    losses[captured] = [step(x, y).item() for _ in range(300) for x, y in batches]
    seconds[captured] = time.perf_counter() - begin
    accuracy = (model(Tensor(X)).numpy().argmax(axis=1) == ring).mean()
    print(f"{'captured' if captured else 'as always'}: loss {losses[captured][-1]:.6f}, accuracy {accuracy:.1%},"
          f" {seconds[captured] / 3000 * 1e6:.0f} us a step")  # fmt: skip

assert losses[False] == losses[True]  # to the last bit
assert accuracy > 0.97

lines = step.source.splitlines()
print("\n".join([line for line in lines if " = linear(" in line or "relu_x(" in line]))
assert sum(" = linear(" in line for line in lines) == 3
assert sum("relu_x(" in line for line in lines) == 2  # the rule of relu, twice
Path("20_capture.txt").write_text(step.source, encoding="utf-8")
print("wrote 20_capture.txt")
