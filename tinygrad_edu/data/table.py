"""Table: features X and labels y, with their names, cut into a part to train on and a part to test on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tinygrad_edu.errors import DataError

__all__ = ["Table", "check_finite"]


@dataclass(frozen=True)
class Table:
    """Samples: row i of `X` with the label `y[i]`.

    `X`: an array (N, ...). `y`: (N,) or (N, ...), whole numbers for classes, which `class_names` names in their order;
    None for data without labels. `feature_names`: those of the columns of X. DataError where lengths differ or a number
    is nan or infinite.

    >>> table = Table(np.arange(10.0).reshape(5, 2), np.array([0, 1, 0, 1, 0]), ["cat", "dog"], ["width", "height"])
    >>> table
    Table(5 samples, features width, height, classes cat, dog)
    >>> train, test = table.split(test=0.4)
    >>> len(train), len(test), test.y
    (3, 2, array([1, 0]))
    """

    X: Any = field(repr=False)
    y: Any = field(repr=False, default=None)
    class_names: Sequence[str] | None = None
    feature_names: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.y is not None and len(self.X) != len(self.y):
            raise DataError(f"there are {len(self.X)} samples in X and {len(self.y)} labels in y")
        check_finite(self.X, "X", self.feature_names)
        if self.y is not None:
            check_finite(self.y, "y")

    def split(self, test: float = 0.2, seed: int = 0) -> "tuple[Table, Table]":
        """Two tables: to train on, and, of the fraction `test` of the samples (rounded up), to test on.

        The order is that of `numpy.random.RandomState(seed).permutation`; the last ones are for the test. DataError for
        a fraction that leaves either part empty.
        """
        size = len(self.X)
        tested = math.ceil(size * test - 1e-9) if 0 < test < 1 else 0  # 0.07 * 100 is a little more than 7
        if not 0 < tested < size:
            raise DataError(f"test={test} of {size} samples leaves one part empty: write a fraction such as 0.2")
        order = np.random.RandomState(seed).permutation(size)  # the lectures' shuffle, fixed for good
        return self._part(order[: size - tested]), self._part(order[size - tested :])

    def _part(self, places: Any) -> "Table":
        return replace(self, X=self.X[places], y=None if self.y is None else self.y[places])

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        said = [f"{len(self)} samples"]
        if self.feature_names is not None:
            said.append(f"features {_listed(self.feature_names)}")
        elif self.X.ndim > 1:
            said.append(f"features of shape {self.X.shape[1:]}")
        if self.class_names is not None:
            said.append(f"classes {_listed(self.class_names)}")
        return f"Table({', '.join(said)})"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def check_finite(array: Any, what: str, columns: Sequence[str] | None = None) -> None:
    """DataError where a number is nan or infinite, with its place and the name of its column."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return
    places = np.argwhere(~np.isfinite(array))
    first = places[0].tolist()
    named = f" (column {columns[first[1]]!r})" if columns is not None and len(first) == 2 else ""
    raise DataError(
        f"{what} has {len(places):,} numbers that are nan or infinite, first {array[tuple(first)]} at {first}{named}:"
        " leave those samples out, or put numbers there"
    )
