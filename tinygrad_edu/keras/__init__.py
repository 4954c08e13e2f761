"""Keras's face on `nn`, `optim` and `train`: lecture programs run with only their imports changed.

`from tinygrad_edu.keras import Sequential, Dense`, or by Keras's own paths, `from tinygrad_edu.keras.layers import
Dense`. Nothing is computed here that is not computed there.
"""

from tinygrad_edu.keras import callbacks, layers, losses, models, optimizers
from tinygrad_edu.keras.callbacks import Callback, EarlyStopping, History
from tinygrad_edu.keras.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Input,
    MaxPooling2D,
)
from tinygrad_edu.keras.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from tinygrad_edu.keras.models import Sequential
from tinygrad_edu.keras.optimizers import SGD, Adagrad, Adam, RMSprop

__all__ = [
    "SGD",
    "Activation",
    "Adagrad",
    "Adam",
    "BatchNormalization",
    "BinaryCrossentropy",
    "Callback",
    "CategoricalCrossentropy",
    "Conv2D",
    "Dense",
    "Dropout",
    "EarlyStopping",
    "Flatten",
    "History",
    "Input",
    "MaxPooling2D",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "RMSprop",
    "Sequential",
    "SparseCategoricalCrossentropy",
    "callbacks",
    "layers",
    "losses",
    "models",
    "optimizers",
]
