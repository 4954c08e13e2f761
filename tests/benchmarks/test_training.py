"""Steps of training beside PyTorch and beside NumPy written by hand: one program for both libraries, imports apart.

Each runs in a process of its own, and they take turns; ours once as the program stands and once with its step under
`capture`. `step` makes one batch's forward pass, loss, backward pass and
update, and returns the loss, so that all three can be seen to compute the same.
"""

from importlib.util import find_spec
from statistics import median
from typing import Any

import pytest

from tests.benchmarks.conftest import RATIOS
from tests.benchmarks.processes import in_turn, ratio_of

OURS = "import tinygrad_edu as torch\nfrom tinygrad_edu import nn, optim\n"
PYTORCHS = "import torch\nfrom torch import nn, optim\n"

DATA = """
import numpy as np
random = np.random.default_rng(0)
widths, batch, lr = {widths}, {batch}, 0.01
X = random.standard_normal((batch, widths[0])).astype(np.float32)
Y = random.integers(0, widths[-1], batch)
weights = [(random.standard_normal((b, a)) / a**0.5).astype(np.float32) for a, b in zip(widths, widths[1:])]
"""

NETWORK = """
layers = []
for W in weights:
    layer = nn.Linear(W.shape[1], W.shape[0])
    with torch.no_grad():
        layer.weight[...] = torch.from_numpy(W)
        layer.bias[...] = 0.0
    layers += [layer, nn.ReLU()]
model = nn.Sequential(*layers[:-1])
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=lr)
x, y = torch.from_numpy(X), torch.from_numpy(Y)

def step():
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()
"""

CAPTURED = """
@torch.capture
def captured(x, y):
    optimizer.zero_grad()
    loss = criterion(model(x){view}, y)
    loss.backward()
    optimizer.step()
    return loss

def step():
    return captured(x, y).item()
"""

NETWORK_BY_HAND = """
W = [w.T.copy() for w in weights]
b = [np.zeros(w.shape[1], np.float32) for w in W]
rows, lr = np.arange(batch), np.float32(lr)

def step():
    h = [X]
    for w, c in zip(W[:-1], b):
        z = h[-1] @ w
        z += c
        h.append(np.maximum(z, 0, out=z))
    z = h[-1] @ W[-1]
    z += b[-1]
    z -= z.max(axis=1, keepdims=True)
    p = np.exp(z)
    total = p.sum(axis=1, keepdims=True)
    loss = (np.log(total[:, 0]) - z[rows, Y]).mean()
    p /= total
    p[rows, Y] -= 1
    p /= batch
    g = p
    for i in range(len(W) - 1, -1, -1):
        grad_w, grad_b = h[i].T @ g, g.sum(axis=0)
        if i:
            g = g @ W[i].T
            g *= h[i] > 0
        grad_w *= lr
        grad_b *= lr
        W[i] -= grad_w
        b[i] -= grad_b
    return loss
"""

NEURON_DATA = """
import numpy as np
random = np.random.default_rng(0)
X = random.standard_normal((455, 2)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0]) + random.standard_normal(455) > 0).astype(np.float32)
"""

NEURON = """
model = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())
with torch.no_grad():
    model[0].weight[...] = 0.1
    model[0].bias[...] = 0.0
criterion = nn.BCELoss()
optimizer = optim.SGD(model.parameters(), lr=0.1)
x, y = torch.from_numpy(X), torch.from_numpy(Y)

def step():
    optimizer.zero_grad()
    loss = criterion(model(x).view(-1), y)
    loss.backward()
    optimizer.step()
    return loss.item()
"""

NEURON_BY_HAND = """
w, b = np.full((2, 1), 0.1, np.float32), np.zeros(1, np.float32)

def step():
    p = (1 / (1 + np.exp(-(X @ w + b)))).reshape(-1)
    loss = -(Y * np.log(p) + (1 - Y) * np.log(1 - p)).mean()
    g = ((p - Y) / len(Y)).reshape(-1, 1)
    np.subtract(w, 0.1 * (X.T @ g), out=w)
    np.subtract(b, 0.1 * g.sum(axis=0), out=b)
    return loss
"""


def programs(data: str, program: str, by_hand: str, view: str = "") -> tuple[str, str, str, str]:
    """Ours, ours captured, NumPy by hand, and PyTorch's."""
    ours = OURS + data + program
    return ours, ours + CAPTURED.format(view=view), data + by_hand, PYTORCHS + data + program


def network(*widths: int, batch: int) -> tuple[str, str, str, str]:
    return programs(DATA.format(widths=widths, batch=batch), NETWORK, NETWORK_BY_HAND)


CASES = {
    "single neuron": programs(NEURON_DATA, NEURON, NEURON_BY_HAND, ".view(-1)"),
    "2-16-16-2": network(2, 16, 16, 2, batch=32),
    "64-25-15-10": network(64, 25, 15, 10, batch=64),
    "784-256-10": network(784, 256, 10, batch=128),
    "1024 x 3": network(1024, 1024, 1024, 10, batch=256),
}
# The single neuron runs its 5,000 epochs; the others long enough for caches and branches to know them.
CALLS = {"single neuron": 5000, "2-16-16-2": 500, "64-25-15-10": 400, "784-256-10": 8, "1024 x 3": 1}
ROUNDS = {"single neuron": 9, "2-16-16-2": 15, "64-25-15-10": 15, "784-256-10": 31, "1024 x 3": 15}
GOALS = {"784-256-10": 1.05, "1024 x 3": 1.05}  # beside NumPy by hand; 1.25 for the small ones


@pytest.mark.parametrize("case", CASES)
def test_a_step_of_training(case: str, benchmark: Any, request: pytest.FixtureRequest) -> None:
    """Never slower than PyTorch; at most 1.25 times NumPy by hand where arrays are small, 1.05 where they are not."""
    texts = CASES[case] if find_spec("torch") else CASES[case][:3]
    enabled = not benchmark.disabled
    answers = in_turn(texts if enabled else texts[:3], CALLS[case] if enabled else 2, ROUNDS[case] if enabled else 1)
    losses = [[loss for _, loss in row] for row in answers]
    for row in losses[:3]:
        assert row == pytest.approx([row[0]] * len(row), rel=1e-3)
        assert row[0] == row[1]
    benchmark(lambda: None)
    if not enabled:
        return
    times = [median(row[i][0] for row in answers) * 1e6 for i in range(len(texts))]
    rows = request.config.stash.setdefault(RATIOS, [])
    for ours, name in enumerate((case, f"{case} captured")):
        goal = GOALS.get(case, 1.25)
        rows.append((f"{name} beside NumPy by hand", times[ours], times[2], ratio_of(answers, ours, 2), goal))
        if len(texts) == 4:
            rows.append((f"{name} beside PyTorch", times[ours], times[3], ratio_of(answers, ours, 3), 1.0))
