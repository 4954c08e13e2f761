"""In which order a loader takes the items: samplers, with PyTorch's names and arguments.

`order()` is the whole order of a pass at once, so that a loader of rows cuts it into batches without a Python step an
item. A sampler of your own needs no more than `__iter__`.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from tinygrad_edu.errors import DataError
from tinygrad_edu.random import chosen

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

Order = Any  # a range, or an array of whole numbers


class Sampler:
    """What gives the numbers of the items, in the order of `order()`."""

    def order(self) -> Order:
        """The numbers of all items of a pass; drawn anew at each call where they are random."""
        raise TypeError(f"{type(self).__name__} needs a method __iter__(self) that gives the numbers of the items")

    def __iter__(self) -> Iterator[int]:
        return map(int, self.order())


class SequentialSampler(Sampler):
    """From the first item to the last.

    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def order(self) -> range:
        """0, 1, 2, ..."""
        return range(len(self.data_source))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """Every item once, in random order; or `num_samples` items, with `replacement` each from all of them.

    >>> sorted(RandomSampler("abc"))
    [0, 1, 2]
    """

    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self.num_samples = len(data_source) if num_samples is None else num_samples

    def order(self) -> Order:
        """A draw; without replacement an item comes a second time only when all have come once."""
        size, generator = len(self.data_source), chosen(self.generator)
        if self.replacement:
            return generator.integers(0, size, self.num_samples)
        rounds = [generator.permutation(size) for _ in range(-(-self.num_samples // size))]
        return np.concatenate(rounds)[: self.num_samples] if len(rounds) > 1 else rounds[0][: self.num_samples]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The items at `indices`, in random order."""

    def __init__(self, indices: Sequence[int], generator: np.random.Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def order(self) -> Order:
        """The indices, shuffled."""
        return chosen(self.generator).permutation(np.asarray(self.indices, np.int64))

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """`num_samples` items, item i with a chance in proportion to `weights[i]`: rare classes as often as others.

    DataError for weights below 0 or that are all 0.

    >>> list(WeightedRandomSampler([0, 0, 1], 3))
    [2, 2, 2]
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.weights = np.asarray(weights, np.float64)
        if self.weights.ndim != 1 or not (self.weights >= 0).all() or not 0 < self.weights.sum() < np.inf:
            raise DataError(f"weights are numbers from 0 up, one for each item, and not all 0: {weights!r} given")
        if not replacement and num_samples > (self.weights > 0).sum():
            raise DataError(
                f"only {(self.weights > 0).sum()} items have a weight above 0: {num_samples} need replacement"
            )
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def order(self) -> Order:
        """A draw."""
        chances = self.weights / self.weights.sum()
        return chosen(self.generator).choice(len(chances), self.num_samples, self.replacement, chances)

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler:
    """The items of a sampler in batches; `drop_last` leaves out a last one that is shorter.

    >>> list(BatchSampler(SequentialSampler("abcde"), 2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
            raise DataError(
                f"batch_size is a whole number from 1 up, not {batch_size!r}; for all the data at once, its length"
            )
        self.sampler, self.batch_size, self.drop_last = sampler, int(batch_size), drop_last

    def batches(self) -> Iterator[Any]:
        """The batches as lists, or as pieces of the sampler's whole order where it knows it."""
        size = self.batch_size
        if not isinstance(self.sampler, Sampler) or type(self.sampler).__iter__ is not Sampler.__iter__:
            yield from chunks(self.sampler, size, self.drop_last)
            return
        order = self.sampler.order()
        if type(order) is not range or order.step != 1:  # whose pieces a loader takes for slices
            order = np.asarray(order)
        end = len(order) - len(order) % size if self.drop_last else len(order)
        for start in range(0, end, size):
            yield order[start : start + size]

    def __iter__(self) -> Iterator[list[int]]:
        return ([int(place) for place in batch] for batch in self.batches())

    def __len__(self) -> int:
        return len(self.sampler) // self.batch_size if self.drop_last else -(-len(self.sampler) // self.batch_size)


def chunks(items: Iterable[Any], size: int, drop_last: bool) -> Iterator[list[Any]]:
    """Lists of `size` items; `drop_last` leaves out a last one that is shorter.

    >>> list(chunks("abcde", 2, drop_last=True))
    [['a', 'b'], ['c', 'd']]
    """
    supply = iter(items)
    while (chunk := list(islice(supply, size))) and (len(chunk) == size or not drop_last):
        yield chunk
