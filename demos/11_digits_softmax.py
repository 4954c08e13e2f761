"""Ten handwritten digits: softmax regression, and a network of 25, 15 and 10 units that learns from logits.

The 1797 images of 8x8 that come with scikit-learn, 1437 to train on and 360 to test on. Softmax regression is convex,
so it ends where scikit-learn's logistic regression ends, from any start: 98.06 % of the test digits are told right. The
network tells at least 97 % right. Writes 11_digits_softmax.png into the folder it is started from.
"""

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
from tinygrad_edu.train import evaluate, fit, predict

data = load_digits()
order = np.random.RandomState(0).permutation(1797)
train, test = order[:1437], order[1437:]
pixels, digit = data.data / 16, data.target
loss = nn.CrossEntropyLoss()  # takes logits, and the softmax is in it: the numerically better form


def accuracy(model: nn.Module, X: np.ndarray) -> float:  # noqa: N803 - the usual name of the samples
    """The share of the test digits that are told right."""
    return evaluate(model, (X[test], digit[test]), loss, ["accuracy"])["accuracy"]


# Softmax regression: one layer, the gradient of its logits is (p - y), and an L2 penalty keeps the weights finite.
tg.manual_seed(0)
regression = nn.Linear(64, 10)
optimizer = optim.SGD(regression.parameters(), lr=2.0, momentum=0.9)
penalty = 1 / (2 * 1437)  # C = 1 in scikit-learn, which adds up the losses of all samples
fit(regression, (pixels[train], digit[train]), loss, optimizer, 1500, batch_size="full", l2=penalty)
theirs = LogisticRegression(C=1.0, max_iter=1000).fit(pixels[train], digit[train])
gap = np.abs(regression.weight.detach() - (theirs.coef_ - theirs.coef_.mean(axis=0))).max().item()
regressed = accuracy(regression, pixels)
print(f"softmax regression  {regressed:.2%}, scikit-learn {theirs.score(pixels[test], digit[test]):.2%}")
print(
    f"                    its weights and scikit-learn's differ by at most {gap:.4f}, of {abs(theirs.coef_).max():.2f}"
)
assert round(regressed, 4) == round(theirs.score(pixels[test], digit[test]), 4) == 0.9806

# The network: relu, relu, linear. Its pixels are standardised by the training set.
mean, deviation = pixels[train].mean(axis=0), pixels[train].std(axis=0)
standard = (pixels - mean) / np.where(deviation > 0, deviation, 1)
tg.manual_seed(0)
network = nn.Sequential(nn.Linear(64, 25), nn.ReLU(), nn.Linear(25, 15), nn.ReLU(), nn.Linear(15, 10))
print(network.summary((1, 64)))
optimizer = optim.Adam(network.parameters(), lr=5e-3)
history = fit(
    network,
    (standard[train], digit[train]),
    nn.CrossEntropyLoss(label_smoothing=0.1),  # so that it need not be sure beyond all measure
    optimizer,
    60,
    scheduler=optim.lr_scheduler.CosineAnnealingLR(optimizer, 60),
    validation=(standard[test], digit[test]),
    metrics=["accuracy"],
    l2=1e-4,
)
print(history)
learned = accuracy(network, standard)
print(f"25-15-10 network    {learned:.2%} (over twenty seeds: from 97.50 % to 98.89 %)")
assert learned >= 0.97

figure = Figure(figsize=(11, 4.5), layout="constrained")
left, right = figure.subplots(1, 2, width_ratios=[1, 1.2])
history.plot(left).set_title("25-15-10 on ten digits")
said = predict(network, standard[test]).numpy().argmax(axis=1)
wrong = np.flatnonzero(said != digit[test])
right.set_axis_off()
right.set_title(f"the {len(wrong)} of 360 that it tells wrong: what they are, and what it says")
for place, sample in enumerate(wrong):
    inset = right.inset_axes((place % 5 / 5, 0.7 - place // 5 * 0.35, 0.17, 0.25))
    inset.imshow(data.images[test][sample], cmap="gray_r")
    inset.set_title(f"{digit[test][sample]}, {said[sample]}", fontsize="small")
    inset.set_axis_off()
figure.savefig("11_digits_softmax.png", dpi=120)
print("wrote 11_digits_softmax.png")
