"""Ten handwritten digits: softmax regression, and a network of 25, 15 and 10 units that learns from logits.

The 1797 images of 8x8 that come with scikit-learn, 1437 to train on and 360 to test on. Softmax regression is convex,
so it ends where scikit-learn's logistic regression ends, from any start: 98.06 % of the test digits are told right. The
network tells at least 97 % right. Writes 11_digits_softmax.png into the folder it is started from.
"""

import numpy as np
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
from tinygrad_edu.data import Standardize, load_digits
from tinygrad_edu.train import evaluate, fit, predict
from viz import plots

train, test = load_digits().split()
loss = nn.CrossEntropyLoss()  # takes logits, and the softmax is in it: the numerically better form

# Softmax regression: one layer, the gradient of its logits is (p - y), and an L2 penalty keeps the weights finite.
tg.manual_seed(0)
regression = nn.Linear(64, 10)
optimizer = optim.SGD(regression.parameters(), lr=2.0, momentum=0.9)
penalty = 1 / (2 * 1437)  # C = 1 in scikit-learn, which adds up the losses of all samples
fit(regression, (train.X / 16, train.y), loss, optimizer, 1500, batch_size="full", l2=penalty)
regressed = evaluate(regression, (test.X / 16, test.y), loss, ["accuracy"])["accuracy"]
theirs = LogisticRegression(C=1.0, max_iter=1000).fit(train.X / 16, train.y)
gap = np.abs(regression.weight.detach() - (theirs.coef_ - theirs.coef_.mean(axis=0))).max().item()
print(f"softmax regression  {regressed:.2%}, scikit-learn {theirs.score(test.X / 16, test.y):.2%}")
print(
    f"                    its weights and scikit-learn's differ by at most {gap:.4f}, of {abs(theirs.coef_).max():.2f}"
)
assert round(regressed, 4) == round(theirs.score(test.X / 16, test.y), 4) == 0.9806

# The network: relu, relu, linear. Its pixels are standardised by the training set.
standardize = Standardize().fit(train.X)
held_out = standardize(test.X), test.y
tg.manual_seed(0)
network = nn.Sequential(nn.Linear(64, 25), nn.ReLU(), nn.Linear(25, 15), nn.ReLU(), nn.Linear(15, 10))
print(network.summary((1, 64)))
optimizer = optim.Adam(network.parameters(), lr=5e-3)
history = fit(
    network,
    (standardize(train.X), train.y),
    nn.CrossEntropyLoss(label_smoothing=0.1),  # so that it need not be sure beyond all measure
    optimizer,
    60,
    scheduler=optim.lr_scheduler.CosineAnnealingLR(optimizer, 60),
    validation=held_out,
    metrics=["accuracy"],
    l2=1e-4,
)
print(history)
learned = evaluate(network, held_out, loss, ["accuracy"])["accuracy"]
print(f"25-15-10 network    {learned:.2%} (over twenty seeds: from 97.50 % to 98.89 %)")
assert learned >= 0.97

figure = Figure(figsize=(12, 9), layout="constrained")
(weights, confusion), (curves, right) = figure.subplots(2, 2)
plots.first_layer(regression, weights).set_title("softmax regression: the weights of 0, 1, 2, ..., 9")
plots.learning_curves(history, ax=curves).set_title("25-15-10 on ten digits")
said = predict(network, held_out[0]).numpy().argmax(axis=1)
plots.confusion_matrix(said, test.y, confusion)
wrong = np.flatnonzero(said != test.y)
right.set_axis_off()
right.set_title(f"the {len(wrong)} of 360 that it tells wrong: what they are, and what it says")
for place, sample in enumerate(wrong):
    inset = right.inset_axes((place % 5 / 5, 0.7 - place // 5 * 0.35, 0.17, 0.25))
    inset.imshow(test.X[sample].reshape(8, 8), cmap="gray_r")
    inset.set_title(f"{test.y[sample]}, {said[sample]}", fontsize="small")
    inset.set_axis_off()
figure.savefig("11_digits_softmax.png", dpi=120)
print("wrote 11_digits_softmax.png")
