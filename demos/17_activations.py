"""Sigmoid, tanh, ReLU, leaky ReLU and ELU with their derivatives, which the engine finds.

A derivative that is nearly 0 lets nothing through to the layers before: the sigmoid's is at most 1/4, so ten layers of
it leave at most (1/4)^10 of a gradient. At a kink there is no derivative; the dot is what the engine gives there, as
PyTorch does, and the rings are the limits from both sides. Writes 17_activations.png into the folder it is started
from.
"""

import numpy as np
from matplotlib.figure import Figure

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
from tinygrad_edu import Tensor, func
from viz import plots

ACTIVATIONS = {
    "sigmoid": tg.sigmoid,
    "tanh": tg.tanh,
    "ReLU": nn.ReLU(),
    "leaky ReLU, slope 0.1": nn.LeakyReLU(0.1),
    "ELU": nn.ELU(),
}

x = Tensor(np.linspace(-5, 5, 1001), requires_grad=True)
print("                         steepest  share of -5 ... 5 with a slope below 0.01   slope at 0")
for name, function in ACTIVATIONS.items():
    (slope,) = tg.autograd.grad(function(x).sum(), x)
    at_zero = func.grad(function)(0.0).item()
    flat = np.mean(abs(slope.numpy()) < 0.01)
    print(f"{name:24} {slope.max().item():8.4g}  {flat:10.0%} {at_zero:41.4g}")

# What the formulas of the derivatives give: s (1 - s), and 1 - tanh^2.
for function, formula in ((tg.sigmoid, lambda y: y * (1 - y)), (tg.tanh, lambda y: 1 - y**2)):
    (slope,) = tg.autograd.grad(function(x).sum(), x)
    np.testing.assert_allclose(slope.numpy(), formula(function(x).detach().numpy()), rtol=1e-9, atol=1e-15)
conventions = [func.grad(ACTIVATIONS[name])(0.0).item() for name in ("ReLU", "leaky ReLU, slope 0.1", "ELU")]
assert conventions == [0.0, 0.1, 1.0]

# Ten layers of one number each, all weights 1: what is left of the gradient.
for name in ("sigmoid", "tanh", "ReLU"):

    def ten(number: Tensor, function: object = ACTIVATIONS[name]) -> Tensor:
        """The function, ten times."""
        for _ in range(10):
            number = function(number)
        return number

    print(f"ten layers of {name:7}: d out/d x at x = 1 is {func.grad(ten)(1.0).item():.3g}")
assert func.grad(ten)(1.0).item() == 1.0  # ReLU lets it through whole

figure = Figure(figsize=(13, 7.5), layout="constrained")
places = figure.subplots(2, 3).flat
for axes, (name, function) in zip(places, ACTIVATIONS.items(), strict=False):
    plots.activations({name: function}, ax=axes)
plots.activations({name: ACTIVATIONS[name] for name in ("sigmoid", "tanh")}, ax=places[5], low=-10, high=10)
places[5].set_title("both end flat: there, nothing is learned")
figure.savefig("17_activations.png", dpi=120)
print("wrote 17_activations.png")
