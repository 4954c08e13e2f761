"""A complete two-layer network in twenty lines of NumPy, gradients by hand, and the same on the engine.

64 random rows of 1000 numbers, 100 sigmoid units, 10 outputs, sum of squares, 2000 steps at a learning rate of 1e-4.
From equal weights the engine's losses are those of the twenty lines, to rounding. Writes 07_twenty_lines.png into the
folder it is started from.
"""

from collections.abc import Iterator
from time import perf_counter

import numpy as np

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F  # noqa: N812 - PyTorch's name for it
from tinygrad_edu import Tensor, no_grad
from viz import plots

STEPS, RATE = 2000, 1e-4
random = np.random.default_rng(0)
x, y = random.standard_normal((64, 1000)), random.standard_normal((64, 10))
first, second = random.standard_normal((1000, 100)), random.standard_normal((100, 10))


def by_hand() -> Iterator[float]:
    """The chain rule, worked out on paper."""
    w1, w2 = first.copy(), second.copy()
    while True:
        h = 1 / (1 + np.exp(-x.dot(w1)))
        prediction = h.dot(w2)
        yield np.square(prediction - y).sum()
        by_prediction = 2.0 * (prediction - y)
        by_w2 = h.T.dot(by_prediction)
        by_h = by_prediction.dot(w2.T)
        by_w1 = x.T.dot(by_h * h * (1 - h))
        w1 -= RATE * by_w1
        w2 -= RATE * by_w2


def by_the_engine() -> Iterator[float]:
    """The chain rule, worked out by `backward`."""
    w1, w2 = Tensor(first, requires_grad=True), Tensor(second, requires_grad=True)
    while True:
        loss = F.mse_loss(tg.sigmoid(x @ w1) @ w2, y, reduction="sum")
        yield loss.item()
        w1.grad = w2.grad = None
        loss.backward()
        with no_grad():
            w1 -= RATE * w1.grad
            w2 -= RATE * w2.grad


networks = [by_hand(), by_the_engine()]
losses, seconds = np.empty((2, STEPS)), [0.0, 0.0]
for step in range(STEPS):
    for i, network in enumerate(networks):  # in turn, so that whatever else the computer does slows down both
        started = perf_counter()
        losses[i, step] = next(network)
        seconds[i] += perf_counter() - started

hand, engine = losses
difference = np.max(abs(engine - hand) / hand)
print(f"loss {hand[0]:.1f} at first, {hand[-1]:.6g} after {STEPS} steps")
print(f"largest relative difference of any step: {difference:.1e}")
print(f"by hand {seconds[0]:.2f} s, by the engine {seconds[1]:.2f} s")
assert difference < 1e-9
assert hand[-1] < 0.01 * hand[0]

curves = {"twenty lines of NumPy": hand, "the engine": engine}
axes = plots.learning_curves(curves, list(curves), log=True)
axes.get_lines()[0].set(linewidth=7, alpha=0.4)  # it lies below the other
axes.set(xlabel="step", ylabel="loss", title="The same network twice")
axes.legend()
axes.figure.savefig("07_twenty_lines.png", dpi=150)
print("wrote 07_twenty_lines.png")
