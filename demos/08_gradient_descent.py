"""Gradient descent: learning rates that are too small, right and too large; and how much data one step looks at.

On L = x^2 the gradient is 2x, so a step multiplies x by 1 - 2 lr, and 20 of them by (1 - 2 lr)^20. On a line through
noisy points, a step along the gradient of all of them goes straight down, one along that of a single point wanders.
Writes 08_gradient_descent.png into the folder it is started from.
"""

import numpy as np
from matplotlib.figure import Figure

import tinygrad_edu.optim as optim
from tinygrad_edu import Tensor
from viz import plots

START, STEPS = 4.0, 20


def descend(lr: float) -> list[float]:
    """Where x is at first and after every step on L = x^2."""
    x = Tensor(START, requires_grad=True)
    optimizer = optim.SGD([x], lr=lr)
    visited = [x.item()]
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = x**2
        loss.backward()
        optimizer.step()
        visited.append(x.item())
    return visited


rates = {"too small": 0.01, "right": 0.3, "too large": 1.05}
paths = {name: descend(lr) for name, lr in rates.items()}
for name, lr in rates.items():
    last, expected = paths[name][-1], (1 - 2 * lr) ** STEPS * START
    print(f"learning rate {lr} is {name}: from x = {START} to {last:.6g} in {STEPS} steps")
    assert np.isclose(last, expected, rtol=1e-12)
assert [f"{paths[name][-1]:.4g}" for name in rates] == ["2.67", "4.398e-08", "26.91"]
assert descend(0.5)[1] == 0  # 1 - 2 lr = 0: it is there after one step

# A line through 64 noisy points: the same ten epochs with all of them a step, with eight, and with one.
random = np.random.default_rng(0)
inputs = random.uniform(-2, 2, 64)
targets = 1.5 * inputs - 0.5 + random.normal(0, 0.8, 64)
best = np.polyfit(inputs, targets, 1)
EPOCHS, RATE = 10, 0.1


def fit(batch_size: int) -> np.ndarray:
    """Slope and intercept, at first and after every step."""
    line = Tensor([-1.0, 2.0], requires_grad=True)
    optimizer = optim.SGD([line], lr=RATE)
    order, visited = np.random.default_rng(1), [line.tolist()]
    for _ in range(EPOCHS):
        for batch in order.permutation(64).reshape(-1, batch_size):
            loss = ((line[0] * inputs[batch] + line[1] - targets[batch]) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            visited.append(line.tolist())
    return np.array(visited)


def loss_of_all(slope: Tensor, intercept: Tensor) -> Tensor:
    """The mean squared error of a line over all points."""
    return ((slope * inputs + intercept - targets) ** 2).mean()


fits = {
    f"{name}: {size} a step": fit(size) for name, size in (("full batch", 64), ("mini-batch", 8), ("stochastic", 1))
}
uphill, distances = [], []
for name, visited in fits.items():
    along = [loss_of_all(*line).item() for line in Tensor(visited)]
    uphill.append(np.mean(np.diff(along) > 0))
    distances.append(np.linalg.norm(visited[-1] - best))
    print(f"{name:24} {len(visited) - 1:3} steps, {uphill[-1]:4.0%} uphill, end {distances[-1]:.2f} from the best line")
assert [len(visited) - 1 for visited in fits.values()] == [10, 80, 640]
assert uphill[0] == 0 < uphill[1] < uphill[2]  # the fewer points a step looks at, the less it knows where down is
assert distances[1] < distances[0] < distances[2]  # ten steps are too few, and single points go on pulling about

figure = Figure(figsize=(12, 7), layout="constrained")
above, below = figure.subfigures(2, 1)
x = np.linspace(-8, 8, 200)
for axes, (name, visited) in zip(above.subplots(1, 3), paths.items(), strict=True):
    axes.plot(x, x**2, color="#999999")
    axes.plot(visited, np.square(visited), "o-", color="#d55e00", markersize=4, linewidth=1)
    axes.set(title=f"learning rate {rates[name]}: {name}", xlabel="x", ylabel="x squared", xlim=(-8, 8), ylim=(-3, 64))
for axes, (name, visited) in zip(below.subplots(1, 3), fits.items(), strict=True):
    plots.descent(loss_of_all, visited, axes, xlim=(-1.5, 3), ylim=(-2, 2.5), names=("slope", "intercept"))
    axes.plot(*best, "x", color="#333333", markersize=9, markeredgewidth=2)  # where the best line is
    axes.set_title(name)
figure.savefig("08_gradient_descent.png", dpi=120)
print("wrote 08_gradient_descent.png")
