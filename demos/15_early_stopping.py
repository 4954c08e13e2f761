"""Early stopping: a network that is too large for its data is best long before it knows them by heart.

How diabetes advanced, from ten measurements of 442 patients: 250 to train on, 96 to validate on, 96 to test on, and a
network of 64 and 64 hidden units. The training loss falls and falls; the loss on patients that it has not seen falls,
then rises. EarlyStopping ends when it has not improved for 20 epochs and goes back to the best one.
Writes 15_early_stopping.png into the folder it is started from.
"""

import numpy as np

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
from tinygrad_edu.data import Standardize, Table, load_diabetes
from tinygrad_edu.train import EarlyStopping, History, evaluate, fit
from viz import plots

rest, test = load_diabetes().split(test=96 / 442)
train, validation = rest.split(test=96 / 346)
features, progress = Standardize().fit(train.X), Standardize().fit(train.y[:, None])  # by the training set alone


def standard(part: Table) -> tuple[np.ndarray, np.ndarray]:
    """The measurements of the patients, and how the disease advanced."""
    return features(part.X), progress(part.y[:, None])


def trained(callbacks: list[EarlyStopping]) -> tuple[History, float]:
    """The history of the same training with these callbacks, and the error on the test patients."""
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    options = {"validation": standard(validation), "callbacks": callbacks}
    history = fit(model, standard(train), nn.MSELoss(), optimizer, 300, **options)
    return history, evaluate(model, standard(test), nn.MSELoss())["loss"]


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

axes = plots.learning_curves(whole)
axes.set(title="A network too large for its data", ylabel="mean squared error")
axes.axvline(stopped.epochs, color="#333333", linestyle=":", label=f"stopped after epoch {stopped.epochs}")
axes.legend()
axes.figure.savefig("15_early_stopping.png", dpi=120)
print("wrote 15_early_stopping.png")
