"""A learning rate that is too low, right and too high, on the contour lines of a loss of two weights.

A line is laid through noisy points: the loss is a bowl over slope and intercept. Along each of its axes a step of
gradient descent multiplies the distance from the lowest point by 1 - lr * curvature, so a rate above 2 / curvature
makes the steepest one grow: that limit is known from the second derivatives, which the engine computes.
Writes 18_learning_rates.png into the folder it is started from.
"""

import numpy as np
from matplotlib.figure import Figure

import tinygrad_edu as tg
import tinygrad_edu.optim as optim
from tinygrad_edu import Tensor, func
from viz import plots

START, STEPS = (-1.5, 3.0), 25

random = np.random.default_rng(0)
inputs = random.uniform(-1, 2, 40)
targets = 1.5 * inputs - 0.5 + random.normal(0, 0.5, 40)


def loss(slope: Tensor, intercept: Tensor) -> Tensor:
    """The mean squared error of the line."""
    return ((slope * inputs + intercept - targets) ** 2).mean()


curvatures = np.linalg.eigvalsh(func.hessian(lambda both: loss(both[0], both[1]))(np.zeros(2)).numpy())
limit = 2 / curvatures[1]
print(f"the bowl is curved by {curvatures[0]:.3f} and {curvatures[1]:.3f}: rates above {limit:.4f} are too high")

best = np.polyfit(inputs, targets, 1)
rates = {"too low": 0.02 * limit, "right": 0.8 * limit, "too high": 1.08 * limit}
paths = {name: plots.walk(loss, START, lambda both, lr=lr: optim.SGD(both, lr=lr), STEPS) for name, lr in rates.items()}
losses = {name: [loss(*point).item() for point in tg.Tensor(path)] for name, path in paths.items()}
for name, lr in rates.items():
    far = np.linalg.norm(paths[name][-1] - best)
    print(f"learning rate {lr:.4f}, {name:8}: loss {losses[name][-1]:6.4g}, {far:.3g} from the best line")

shares = [np.linalg.norm(path[-1] - best) / np.linalg.norm(path[0] - best) for path in paths.values()]
assert shares[1] < 0.1 < shares[0] < 1 < shares[2]  # there, on the way, and further off than at first
for name, along in losses.items():  # lower and lower, but where the rate is too high
    assert (along == sorted(along, reverse=True)) == (name != "too high")

figure = Figure(figsize=(14, 8.5), layout="constrained")
above, below = figure.subfigures(2, 1, height_ratios=[1.3, 1])
for axes, (name, path) in zip(above.subplots(1, 3), paths.items(), strict=True):
    plots.descent(loss, path, axes, xlim=(-3, 5), ylim=(-5, 5), names=("slope", "intercept"))
    axes.set_title(f"learning rate {rates[name]:.4f}: {name}")
left, right = below.subplots(1, 2)
after = {name: along[1:] for name, along in losses.items()}
plots.learning_curves(after, list(after), left, log=True).set(xlabel="step", ylabel="loss")
right.plot(inputs, targets, "o", color="#999999", label="the points")
for (name, path), curve in zip(paths.items(), left.get_lines(), strict=True):
    slope, intercept = path[-1]
    ends = np.array([-1, 2])
    right.plot(ends, slope * ends + intercept, color=curve.get_color(), label=f"the line, {name}")
right.set(xlabel="x", ylabel="y", ylim=(-3, 7))
right.legend()
figure.savefig("18_learning_rates.png", dpi=120)
print("wrote 18_learning_rates.png")
