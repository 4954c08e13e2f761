"""Features of mean 0 and standard deviation 1, as the training set has them."""

from typing import Any, Self

import numpy as np

from tinygrad_edu.data.table import check_finite
from tinygrad_edu.errors import DataError
from tinygrad_edu.tensor import Tensor

__all__ = ["Standardize"]


class Standardize:
    """(x - mean) / std, with the mean and the std of the training set alone: what is tested must not be looked at.

    Each column has its own; with `axis=(0, 2, 3)` each channel of images (N, channels, height, width). A constant
    column becomes 0: its std counts as 1, and `constant` lists it. std divides by N, as scikit-learn's StandardScaler.

    DataError for nan or infinities among the numbers and for arrays with other columns than those of `fit`.

    >>> train, test = np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[2.0, 6.0]])
    >>> standardize = Standardize().fit(train)
    >>> standardize
    Standardize(2 columns, of which [1] are constant)
    >>> standardize(train)
    array([[-1.,  0.],
           [ 1.,  0.]])
    >>> standardize(test)
    array([[0., 1.]])
    >>> standardize.inverse(standardize(test))
    array([[2., 6.]])
    """

    mean: Any
    std: Any
    constant: list[int]
    columns: tuple[int | None, ...]  # the lengths of the axes after the samples; None: any, all share a mean

    def __init__(self, axis: int | tuple[int, ...] = 0) -> None:
        self.axis = (axis,) if isinstance(axis, int) else axis
        if 0 not in self.axis:
            raise ValueError(f"axis 0 counts the samples, so it is among those that a mean is taken over: {axis} given")

    def fit(self, x: Any) -> Self:
        """Find mean and std; returns itself."""
        array = np.asarray(x.detach() if isinstance(x, Tensor) else x)
        if not array.size:
            raise DataError(f"Standardize().fit takes the training set, and an array of shape {array.shape} is empty")
        check_finite(array, "the training set")
        low, high = array.min(self.axis, keepdims=True), array.max(self.axis, keepdims=True)
        mean = array.mean(self.axis, keepdims=True, dtype=np.float64)
        std = array.std(self.axis, keepdims=True, dtype=np.float64)
        dtype = array.dtype if array.dtype.kind == "f" else np.float64
        self.mean = np.where(low == high, low, mean).astype(dtype)[0]
        self.std = np.where(low == high, 1, std).astype(dtype)[0]
        self.constant = np.flatnonzero(low == high).tolist()
        self.columns = tuple(None if axis in self.axis else length for axis, length in enumerate(array.shape))[1:]
        return self

    def __call__(self, x: Any) -> Any:
        """What has the training set's mean 0 and std 1."""
        self._check(x)
        return (x - self.mean) / self.std

    def inverse(self, x: Any) -> Any:
        """The opposite: what the numbers were."""
        self._check(x)
        return x * self.std + self.mean

    def _check(self, x: Any) -> None:
        if not hasattr(self, "mean"):
            raise DataError("Standardize does not know the training set yet: Standardize().fit(X_train)")
        shape = np.shape(x)[max(np.ndim(x) - len(self.columns), 0) :]
        if len(shape) < len(self.columns) or any(
            there not in (None, n) for there, n in zip(self.columns, shape, strict=True)
        ):
            raise DataError(f"the training set had {self._said()}, and an array of shape {np.shape(x)} has not")

    def _said(self) -> str:
        return f"{self.mean.size} column{'s' if self.mean.size > 1 else ''}"

    def __repr__(self) -> str:
        if not hasattr(self, "mean"):
            return "Standardize(of no training set yet)"
        return f"Standardize({self._said()}{f', of which {self.constant} are constant' if self.constant else ''})"
