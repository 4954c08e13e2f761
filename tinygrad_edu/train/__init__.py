"""Training: `fit` a model, `predict`, `evaluate`; a `History` of every epoch, and checkpoints that resume."""

from tinygrad_edu.train.callbacks import Callback, Checkpoint, EarlyStopping
from tinygrad_edu.train.evaluation import evaluate, predict
from tinygrad_edu.train.fitting import fit
from tinygrad_edu.train.history import History
from tinygrad_edu.train.run import Run

__all__ = ["Callback", "Checkpoint", "EarlyStopping", "History", "Run", "evaluate", "fit", "predict"]
