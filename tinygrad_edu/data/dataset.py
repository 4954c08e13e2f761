"""Data sets: items by their number, or one after the other. PyTorch's names and arguments.

See https://pytorch.org/docs/stable/data.html.
"""

import bisect
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from tinygrad_edu.creation import as_tensor
from tinygrad_edu.errors import DataError
from tinygrad_edu.random import chosen
from tinygrad_edu.tensor import Tensor

__all__ = ["ConcatDataset", "Dataset", "IterableDataset", "Subset", "TensorDataset", "random_split", "rows"]

Item = TypeVar("Item", covariant=True)
Places = np.ndarray[Any, np.dtype[np.int64]]


class Dataset(Generic[Item]):
    """Items that are numbered from 0: a class of your own has `__getitem__(self, index)` and `__len__(self)`.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 4
    ...
    ...     def __getitem__(self, index):
    ...         return index, index**2
    >>> Squares()[3]
    (3, 9)
    >>> len(Squares() + Squares())
    8
    """

    def __getitem__(self, index: Any) -> Item:
        raise TypeError(f"{type(self).__name__} needs a method __getitem__(self, index) that returns the item")

    def __add__(self, other: "Dataset[Any]") -> "ConcatDataset":
        return ConcatDataset([self, other])


class IterableDataset(Dataset[Item]):
    """Items that come one after the other, as from a stream: a class of your own has `__iter__(self)`."""

    def __iter__(self) -> Iterator[Item]:
        raise TypeError(f"{type(self).__name__} needs a method __iter__(self) that gives the items one by one")


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """The rows of tensors or arrays of one length; item i is the tuple of their rows i. Their memory is shared.

    DataError where the lengths differ or a number is nan: then the loss would be, and soon every weight.

    >>> data = TensorDataset(np.arange(6.0).reshape(3, 2), np.array([0, 1, 0]))
    >>> len(data), data[1]
    (3, (Tensor([2., 3.]), Tensor(1)))
    """

    def __init__(self, *tensors: Any) -> None:
        self.tensors = tuple(as_tensor(tensor) for tensor in tensors)
        if not tensors or not all(tensor.ndim for tensor in self.tensors):
            raise DataError("TensorDataset takes tensors whose first axis counts the items: TensorDataset(X, y)")
        if len({len(tensor) for tensor in self.tensors}) > 1:
            shapes = " and ".join(str(tensor.shape) for tensor in self.tensors)
            raise DataError(f"TensorDataset: one row of each is one item, so shapes {shapes} do not fit together")
        for number, tensor in enumerate(self.tensors):
            _check_nan(tensor.data.array, f"tensor {number} of the TensorDataset")

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)


def _check_nan(array: Any, what: str) -> None:
    if array.dtype.kind == "f" and array.size and np.isnan(array.min()):  # min hands nan on, and makes no copy
        places = np.argwhere(np.isnan(array))
        raise DataError(
            f"{what} has nan in {len(places):,} places, first at {places[0].tolist()}: leave those rows out, or fill"
            " them; a loss and its gradients would be nan"
        )


class Subset(Dataset[Item]):
    """The items of a data set at `indices`, in that order. IndexError for one that is not there.

    >>> Subset("abcdef", [4, 0])[0]
    'e'
    """

    def __init__(self, dataset: Any, indices: Iterable[int]) -> None:
        places = np.asarray(indices if isinstance(indices, np.ndarray | Tensor) else list(indices))
        if places.dtype == bool:
            raise DataError("Subset takes the numbers of items; of a mask they are np.flatnonzero(mask)")
        if places.ndim != 1 or (places.size and places.dtype.kind not in "iu"):
            raise DataError(f"Subset takes the numbers of items, a list of whole numbers, not {indices!r}")
        wrong = (places < -len(dataset)) | (places >= len(dataset))
        if wrong.any():
            raise IndexError(f"there is no item {places[wrong][0]} in a data set of {len(dataset)}")
        self.dataset, self.indices = dataset, places.astype(np.int64)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Item:
        item: Item = self.dataset[int(self.indices[index])]
        return item


class ConcatDataset(Dataset[Any]):
    """Data sets one after the other.

    >>> both = ConcatDataset(["abc", "de"])
    >>> len(both), both[2], both[3], both[-1]
    (5, 'c', 'd', 'e')
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise DataError("ConcatDataset takes a list of at least one data set")
        self.cumulative_sizes = list(itertools.accumulate(len(dataset) for dataset in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"there is no item {index} in a data set of {len(self)}")
        which = bisect.bisect_right(self.cumulative_sizes, place)
        return self.datasets[which][place - (self.cumulative_sizes[which - 1] if which else 0)]


def random_split(
    dataset: Any, lengths: Sequence[float], generator: np.random.Generator | None = None
) -> list[Subset[Any]]:
    """Deal the items out at random: into so many each, or into fractions that add up to 1.

    Of fractions each part gets the whole items of its share, and the first parts one more each until all are dealt out.
    DataError where the lengths or fractions do not add up. Follows
    https://pytorch.org/docs/stable/data.html#torch.utils.data.random_split.

    >>> train, test = random_split(range(569), [0.8, 0.2], np.random.default_rng(0))
    >>> len(train), len(test)
    (456, 113)
    """
    size, total = len(dataset), math.fsum(lengths)
    if any(not length >= 0 for length in lengths):
        raise DataError(f"no part can have less than no items: {list(lengths)}")
    if math.isclose(total, 1):
        counts = [math.floor(size * fraction) for fraction in lengths]
        rest = size - sum(counts)
        counts = [count + (place < rest % len(counts)) + rest // len(counts) for place, count in enumerate(counts)]
    elif any(int(length) != length for length in lengths):
        raise DataError(f"the fractions {list(lengths)} add up to {total:g}: they must add up to 1")
    else:
        counts = [int(length) for length in lengths]
    if sum(counts) != size:
        raise DataError(f"the lengths {list(lengths)} add up to {total:g}, and the data set has {size} items")
    order = chosen(generator).permutation(size)
    return [Subset(dataset, part) for part in np.split(order, list(itertools.accumulate(counts))[:-1])]


def rows(dataset: Any) -> tuple[tuple[Tensor, ...], Places | None] | None:
    """The tensors of which the items are rows, and which rows (None: all); None for a data set of another kind."""
    if type(dataset) is TensorDataset:
        return dataset.tensors, None
    if type(dataset) is Subset and (found := rows(dataset.dataset)):
        tensors, places = found
        return tensors, dataset.indices if places is None else places[dataset.indices]
    return None
