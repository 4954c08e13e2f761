"""Coffee roasting: a network of three units and one, its forward pass by hand, neuron by neuron and layer by layer.

Two numbers say how beans were roasted, temperature and minutes; the roast is good inside a triangle: not too cold (175
degrees), not too short (12 minutes), and not too hot and long together. A network learns that from 200 roasts that are
made up here. Writes 06_coffee.png, where it draws the line, into the folder it is started from.
"""

from typing import Any

import numpy as np

import tinygrad_edu as torch
from tinygrad_edu import metrics, nn, optim
from viz import plots

random = np.random.default_rng(1)
roasts = np.stack([random.uniform(150, 285, 200), random.uniform(11.5, 15.5, 200)], axis=1)
temperature, minutes = roasts.T
good = (temperature > 175) & (minutes > 12) & (minutes < 21 - 3 / 85 * temperature)
mean, deviation = roasts.mean(axis=0), roasts.std(axis=0)


def normalised(x: Any) -> Any:
    """Both numbers in units of their own spread: a degree and a minute are not alike."""
    return (x - mean) / deviation


X, y = torch.tensor(normalised(roasts)).float(), torch.tensor(good).float()

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 1), nn.Sigmoid())
optimizer, loss_function = optim.Adam(model.parameters(), lr=0.05), nn.BCELoss()
for step in range(1, 2001):
    loss = loss_function(model(X).view(-1), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 500 == 0:
        print(f"step {step:4}  loss {loss.item():.4f}")

with torch.no_grad():
    accuracy = metrics.accuracy(model(X), good)
print(f"{accuracy:.1%} of {len(roasts)} roasts are judged right, {good.sum()} of which are good")
assert accuracy >= 0.98

# From here on bare NumPy. A Linear layer keeps one ROW of weights a neuron; the lecture writes one COLUMN a neuron.
W1, b1 = model[0].weight.detach().numpy().T, model[0].bias.detach().numpy()
W2, b2 = model[2].weight.detach().numpy().T, model[2].bias.detach().numpy()


def g(z: Any) -> Any:
    """The sigmoid."""
    return 1 / (1 + np.exp(-z))


def dense(a_in: Any, W: Any, b: Any) -> Any:  # noqa: N803 - the lecture's name
    """One layer: neuron j has the weights W[:, j]."""
    a_out = np.zeros(W.shape[1])
    for j in range(W.shape[1]):
        a_out[j] = g(np.dot(W[:, j], a_in) + b[j])
    return a_out


for roast in ([200.0, 17.0], [200.0, 13.0]):
    x = normalised(np.array(roast))

    a1_1 = g(W1[0, 0] * x[0] + W1[1, 0] * x[1] + b1[0])  # neuron by neuron
    a1_2 = g(W1[0, 1] * x[0] + W1[1, 1] * x[1] + b1[1])
    a1_3 = g(W1[0, 2] * x[0] + W1[1, 2] * x[1] + b1[2])
    a2_1 = g(W2[0, 0] * a1_1 + W2[1, 0] * a1_2 + W2[2, 0] * a1_3 + b2[0])

    a1 = dense(x, W1, b1)  # layer by layer
    a2 = dense(a1, W2, b2)

    with torch.no_grad():
        probability = model(torch.tensor(x).float()).item()
    print(f"{roast[0]:g} degrees, {roast[1]:g} minutes: hidden units {a1.round(3)}, good with probability {a2[0]:.3f}")
    np.testing.assert_allclose([a1_1, a1_2, a1_3, a2_1], [*a1, *a2], rtol=1e-12)
    assert abs(probability - a2[0]) < 1e-5
    assert (a2[0] > 0.5) == (roast[1] == 13)


def judged(points: Any) -> Any:
    """The network on roasts as they were measured."""
    with torch.no_grad():
        return model(torch.tensor(normalised(points)).float()).view(-1).numpy()


axes = plots.decision_boundary(
    judged, roasts, good, feature_names=["temperature", "minutes"], class_names=["bad", "good"]
)
axes.set_title(f"Two numbers, three units, one answer: {accuracy:.1%}")
axes.figure.savefig("06_coffee.png", dpi=150)
print("wrote 06_coffee.png")
