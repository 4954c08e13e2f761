"""Several labels at once: three sigmoid outputs, each its own yes-or-no question about the same picture.

Of a handwritten digit: is it even, is it above 4, has it a closed loop? A softmax would choose one of the three; three
sigmoids answer each, and the loss is the mean of three binary cross-entropies. At least 96 % of all answers on 360 test
digits are right. Writes 14_multi_label.png into the folder it is started from.
"""

import numpy as np
from matplotlib.figure import Figure

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
from tinygrad_edu.data import load_digits
from tinygrad_edu.train import evaluate, fit, predict

QUESTIONS = ("even?", "above 4?", "a loop?")


def answers(digit: np.ndarray) -> np.ndarray:
    """(N, 3) of yes and no."""
    return np.stack([digit % 2 == 0, digit > 4, np.isin(digit, (0, 6, 8, 9))], axis=1)


train, test = load_digits().split()

tg.manual_seed(0)
model = nn.Sequential(nn.Linear(64, 40), nn.ReLU(), nn.Linear(40, 3))
loss = nn.BCEWithLogitsLoss()  # the three sigmoids are in it
optimizer = optim.Adam(model.parameters(), lr=0.01)
history = fit(model, (train.X / 16, answers(train.y)), loss, optimizer, 40, metrics=["accuracy"])
print(history)

measured = evaluate(model, (test.X / 16, answers(test.y)), loss, ["accuracy"])
probability = tg.sigmoid(predict(model, test.X / 16)).numpy()
right = (probability > 0.5) == answers(test.y)
for question, share in zip(QUESTIONS, right.mean(axis=0), strict=True):
    print(f"{question:9} {share:.2%} of the test digits")
print(f"all       {measured['accuracy']:.2%} of the answers; all three are right for {right.all(axis=1).mean():.2%}")
assert measured["accuracy"] == right.mean() >= 0.96
# More than one answer may be yes, and none: their probabilities do not add up to 1.
assert {0, 1, 2, 3} == set((probability > 0.5).sum(axis=1))

figure = Figure(figsize=(10, 4), layout="constrained")
for axes, sample in zip(figure.subplots(2, 6).T.reshape(-1, 2), range(6), strict=True):
    axes[0].imshow(test.X[sample].reshape(8, 8), cmap="gray_r")
    axes[0].set_axis_off()
    colors = ["#0072b2" if said else "#d55e00" for said in right[sample]]
    axes[1].barh(QUESTIONS, probability[sample], color=colors)
    axes[1].set(xlim=(0, 1), xticks=[0, 0.5, 1])
    axes[1].invert_yaxis()
    if sample:
        axes[1].set_yticks([])
figure.suptitle("Three questions about a digit: the probability of yes (orange: on the wrong side of 1/2)")
figure.savefig("14_multi_label.png", dpi=100)
print("wrote 14_multi_label.png")
