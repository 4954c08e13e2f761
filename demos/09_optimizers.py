"""Momentum, RMSprop and Adam on a bowl that is 50 times as steep one way as the other.

L = (x^2 + 50 y^2) / 2. Plain steps must be short enough for the steep side, below 2 / 50, and then creep along the flat
one. Momentum gathers speed there; RMSprop and Adam divide each coordinate by the size of its own gradients, so that
steepness no longer counts. Writes 09_optimizers.png into the folder it is started from.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import tinygrad_edu.optim as optim
from viz import plots

STEEPNESS, START, STEPS = np.array([1.0, 50.0]), np.array([-8.0, 1.5]), 120


def bowl(x: Any, y: Any) -> Any:
    """L, of two numbers or of arrays."""
    return (STEEPNESS[0] * x**2 + STEEPNESS[1] * y**2) / 2


optimizers = {
    "gradient descent": lambda point: optim.SGD(point, lr=0.03),
    "momentum": lambda point: optim.SGD(point, lr=0.03, momentum=0.8),
    "RMSprop": lambda point: optim.RMSprop(point, lr=0.1, alpha=0.9),
    "Adam": lambda point: optim.Adam(point, lr=0.6),
}
paths = {name: plots.walk(bowl, START, make, STEPS) for name, make in optimizers.items()}
losses = {name: bowl(*visited.T) for name, visited in paths.items()}
arrived = {name: int(np.argmax(loss < 0.1)) for name, loss in losses.items()}
for name in paths:
    first = paths[name][1] - START
    print(
        f"{name:16}  first step ({first[0]:+.3f}, {first[1]:+.3f})  loss first below 0.1 after {arrived[name]:3} steps"
    )

# Plain steps multiply each coordinate by 1 - lr * steepness; the flat one hardly moves, the steep one changes sides.
n = np.arange(STEPS + 1)[:, None]
np.testing.assert_allclose(paths["gradient descent"], (1 - 0.03 * STEEPNESS) ** n * START, rtol=1e-9, atol=1e-12)
# The first step of RMSprop is lr / sqrt(1 - alpha) and that of Adam lr, in both directions, however steep they are.
np.testing.assert_allclose(abs(paths["RMSprop"][1] - START), 0.1 / np.sqrt(1 - 0.9), rtol=1e-6)
np.testing.assert_allclose(abs(paths["Adam"][1] - START), 0.6, rtol=1e-6)
assert arrived == {"gradient descent": 95, "momentum": 30, "RMSprop": 87, "Adam": 37}

figure = Figure(figsize=(11, 7), layout="constrained")
for axes, (name, visited) in zip(figure.subplots(2, 2).flat, paths.items(), strict=True):
    plots.descent(bowl, visited, axes, xlim=(-9, 4), ylim=(-2, 2))
    axes.set_title(f"{name}: below 0.1 after {arrived[name]} steps")
figure.savefig("09_optimizers.png", dpi=120)
print("wrote 09_optimizers.png")
