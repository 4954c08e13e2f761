"""Keras's helpers: labels as rows of zeros and a one, and the seed. After https://keras.io/api/utils/"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.errors import DataError
from tinygrad_edu.random import manual_seed

__all__ = ["set_random_seed", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Class numbers as rows of zeros with a one; `num_classes`: one more than the largest, unless given.

    DataError for labels that are no class. After https://keras.io/api/utils/python_utils/

    >>> to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    labels = np.asarray(x)
    labels = labels[..., 0] if labels.ndim > 1 and labels.shape[-1] == 1 else labels
    classes = (int(labels.max()) + 1 if labels.size else 0) if num_classes is None else num_classes
    wrong = (labels < 0) | (labels >= classes) | (labels != np.floor(labels))
    if wrong.any():
        raise DataError(f"{labels[wrong][0]} is no class: they are numbered from 0 to {classes - 1}")
    return np.eye(classes, dtype=np.float32)[labels.astype(int)]


def set_random_seed(seed: int) -> None:
    """Begin all random numbers anew: weights, order of the samples, dropout. It is `manual_seed`."""
    manual_seed(seed)
