"""Early stopping: a network that is too large for its data is best long before it knows them by heart.

How diabetes advanced, from ten measurements of 442 patients: 250 to train on, 96 to validate on, 96 to test on, and a
network of 64 and 64 hidden units. The training loss falls and falls; the loss on patients that it has not seen falls,
then rises. EarlyStopping ends when it has not improved for 20 epochs and goes back to the best one.
Writes 15_early_stopping.png into the folder it is started from.
"""

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
from tinygrad_edu.train import EarlyStopping, History, evaluate, fit

data = load_diabetes()
order = np.random.RandomState(0).permutation(442)
train, validation, test = order[:250], order[250:346], order[346:]
# Standardised by the training set alone.
features = (data.data - data.data[train].mean(axis=0)) / data.data[train].std(axis=0)
progress = ((data.target - data.target[train].mean()) / data.target[train].std())[:, None]


def part(patients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Their features and how the disease advanced."""
    return features[patients], progress[patients]


def trained(callbacks: list[EarlyStopping]) -> tuple[History, float]:
    """The history of the same training with these callbacks, and the error on the test patients."""
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    options = {"validation": part(validation), "callbacks": callbacks}
    history = fit(model, part(train), nn.MSELoss(), optimizer, 300, **options)
    return history, evaluate(model, part(test), nn.MSELoss())["loss"]


whole, error_of_whole = trained([])
stopped, error = trained([EarlyStopping(patience=20)])
print(stopped)
print(f"all 300 epochs:   training loss {whole['loss'][-1]:.3f}, test error {error_of_whole:.3f}")
print(f"stopped early:    training loss {stopped['loss'][stopped.best.epoch - 1]:.3f}, test error {error:.3f}")
print("a test error of 1 is what the mean of the training patients reaches, for every patient the same")

# Until it stops it is the same training, and it stops 20 epochs after the best.
assert stopped["val_loss"] == whole["val_loss"][: stopped.epochs]
assert stopped.best.epoch == stopped.epochs - 20
# By heart: almost no error on the patients that it learned from, and a large one on others.
assert whole["loss"][-1] < 0.05 < 0.7 < error_of_whole
assert error < 0.5

axes = Figure(figsize=(7.5, 4.8), layout="constrained").subplots()
whole.plot(axes).set(title="A network too large for its data", ylabel="mean squared error")
axes.axvline(stopped.epochs, color="#333333", linestyle=":", label=f"stopped after epoch {stopped.epochs}")
axes.legend()
axes.figure.savefig("15_early_stopping.png", dpi=120)
print("wrote 15_early_stopping.png")
