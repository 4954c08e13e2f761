"""Keras's face on `nn`, `optim` and `train`: lecture programs run with only their imports changed.

`from tinygrad_edu.keras import Sequential, Dense`, or by Keras's own paths, `from tinygrad_edu.keras.layers import
Dense`. Nothing is computed here that is not computed there.
"""

from tinygrad_edu.keras import callbacks, initializers, layers, losses, models, optimizers, regularizers, utils
from tinygrad_edu.keras.callbacks import Callback, EarlyStopping, History
from tinygrad_edu.keras.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Input,
    LeakyReLU,
    MaxPooling2D,
    ReLU,
    Reshape,
    Softmax,
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
    "AveragePooling2D",
    "BatchNormalization",
    "BinaryCrossentropy",
    "Callback",
    "CategoricalCrossentropy",
    "Conv2D",
    "Dense",
    "Dropout",
    "EarlyStopping",
    "Flatten",
    "GlobalAveragePooling2D",
    "History",
    "Input",
    "LeakyReLU",
    "MaxPooling2D",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "RMSprop",
    "ReLU",
    "Reshape",
    "Sequential",
    "Softmax",
    "SparseCategoricalCrossentropy",
    "callbacks",
    "initializers",
    "layers",
    "losses",
    "models",
    "optimizers",
    "regularizers",
    "utils",
]
