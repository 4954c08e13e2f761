"""Penalties on the weights: L1 makes some of them exactly 0, L2 makes all of them smaller and none 0.

Linear regression of how diabetes advanced on ten measurements of 442 patients. L2 is `weight_decay`. L1 has a corner at
0, which plain gradient steps cross to and fro; a step of gradient descent followed by soft thresholding (ISTA) comes
to rest in it. Its zeros are those of scikit-learn's Lasso. Writes 10_l1_l2.png into the folder it is started from.
"""

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Lasso, Ridge

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F  # noqa: N812 - PyTorch's name for it
import tinygrad_edu.optim as optim
from tinygrad_edu import Tensor

tg.manual_seed(0)
data = load_diabetes()
features = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
progress = data.target[:, None]
X, y = Tensor(features), Tensor(progress)
STEPS, RATE = 3000, 0.2


def fit(l1: float = 0.0, l2: float = 0.0, corner: bool = True) -> np.ndarray:
    """The weights that make mean squared error / 2 + l1 |w|_1 + l2 / 2 |w|^2 least; the bias goes unpenalised.

    Without `corner` the slope of |w| is added to the gradient, which is all that a plain optimiser can do.
    """
    model = nn.Linear(10, 1).double()
    groups = [{"params": [model.weight], "weight_decay": l2}, {"params": [model.bias]}]
    optimizer = optim.SGD(groups, lr=RATE)
    for _ in range(STEPS):
        loss = F.mse_loss(model(X), y) / 2
        if not corner:
            loss = loss + l1 * abs(model.weight).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if corner:
            optim.soft_threshold_(model.weight, RATE * l1)
    return model.weight.detach().numpy()[0]


penalties = [0.3, 1.0, 3.0, 10.0, 30.0]
by_l1 = np.array([fit(l1=penalty) for penalty in penalties])
by_l2 = np.array([fit(l2=penalty / 10) for penalty in penalties])
for penalty, ours, smaller in zip(penalties, by_l1, by_l2, strict=True):
    lasso = Lasso(alpha=penalty, tol=1e-10, max_iter=100_000).fit(features, progress[:, 0]).coef_
    ridge = Ridge(alpha=penalty / 10 * len(features)).fit(features, progress[:, 0]).coef_
    zeros = [name for name, weight in zip(data.feature_names, ours, strict=True) if weight == 0]
    print(f"L1 {penalty:4}: {len(zeros)} weights are exactly 0: {' '.join(zeros)}")
    assert ((ours == 0) == (lasso == 0)).all()
    np.testing.assert_allclose(ours, lasso, atol=1e-3)
    np.testing.assert_allclose(smaller, ridge, atol=1e-3)
    assert (smaller != 0).all()
counts = [int((weights == 0).sum()) for weights in by_l1]
assert counts == [2, 3, 3, 6, 8]

crossing = fit(l1=3.0, corner=False)
near = by_l1[2] == 0
print(
    f"L1 3 without the corner: {(crossing == 0).sum()} zeros; those weights are up to {abs(crossing[near]).max():.2f}"
)
assert (crossing != 0).all()

figure = Figure(figsize=(11, 4.5), layout="constrained")
left, right = figure.subplots(1, 2, sharey=True)
for axes, strengths, weights, title in (
    (left, penalties, by_l1, "L1: exact zeros"),
    (right, np.array(penalties) / 10, by_l2, "L2: smaller, never 0"),
):
    lines = axes.plot(strengths, weights, "o-", markersize=4)
    axes.axhline(0, color="#333333", linewidth=0.8)
    axes.set(xscale="log", xlabel="penalty", ylabel="weight", title=title)
right.legend(lines, data.feature_names, ncols=2, fontsize="small")
figure.savefig("10_l1_l2.png", dpi=120)
print("wrote 10_l1_l2.png")
