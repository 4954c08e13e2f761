"""DataLoader: batches of a data set, shuffled or not, read ahead in the background if you like."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import repeat
from typing import Any

import numpy as np

from tinygrad_edu.data.collate import default_collate
from tinygrad_edu.data.dataset import IterableDataset, rows
from tinygrad_edu.data.sampler import BatchSampler, RandomSampler, SequentialSampler, chunks
from tinygrad_edu.device import is_cupy
from tinygrad_edu.errors import DataError
from tinygrad_edu.graph import wrap

__all__ = ["DataLoader"]

END = object()


class DataLoader:
    """The batches of a data set: `for x, y in DataLoader(dataset, batch_size=32, shuffle=True)`.

    `dataset`: a `Dataset`, or anything with a length and numbered items. `shuffle` draws a new order at each pass, from
    `generator`, else from that of `manual_seed`. `sampler` or `batch_sampler` give the order otherwise; `collate_fn`
    makes a batch of a list of items, else `default_collate` does.

    With `num_workers` from 1 up, so many threads read ahead, at most `prefetch_factor` batches each; the batches come
    in the same order. Random numbers that items draw in several threads do not come in the same order: give items
    that draw them one worker, and a generator of their own. An error carries the number of its item.

    Rows of a `TensorDataset`, or of a `Subset` of one, are taken a batch at a time. Unshuffled they are read-only views
    of its memory: `x.clone()` may be changed. `pin_memory` and `persistent_workers` are PyTorch's, and do nothing here:
    all memory serves a GPU alike, and threads start at once.

    DataError for a batch size below 1 and where there is not one batch; ValueError for arguments that exclude each
    other. Follows https://pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader.

    >>> from tinygrad_edu.data import TensorDataset
    >>> data = TensorDataset(np.arange(5.0), np.arange(5) % 2)
    >>> for x, y in DataLoader(data, batch_size=2):
    ...     print(x, y)
    Tensor([0., 1.]) Tensor([0, 1])
    Tensor([2., 3.]) Tensor([0, 1])
    Tensor([4.]) Tensor([0])
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        *,
        generator: np.random.Generator | None = None,
        prefetch_factor: int = 2,
        persistent_workers: bool = False,
    ) -> None:
        del pin_memory, persistent_workers
        stream = isinstance(dataset, IterableDataset)
        if stream and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError("a stream has the order in which it comes: shuffle in the __iter__ of the IterableDataset")
        if sampler is not None and shuffle:
            raise ValueError("sampler= is an order, and shuffle=True another one: give one of them")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError("batch_sampler= gives whole batches: leave out batch_size, shuffle, sampler and drop_last")
        if not stream and not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise TypeError(
                f"a data set has a length and numbered items, and a {type(dataset).__name__} has not: write the methods"
                " __len__(self) and __getitem__(self, index), or make it an IterableDataset with __iter__(self)"
            )
        if isinstance(num_workers, bool) or not isinstance(num_workers, int) or num_workers < 0:
            raise ValueError(f"num_workers is a number of threads, or 0 for none, not {num_workers!r}")
        if prefetch_factor < 1:
            raise ValueError(
                f"prefetch_factor is how many batches a thread reads ahead, from 1 up: {prefetch_factor!r}"
            )
        if not stream and sampler is None and batch_sampler is None:
            if not len(dataset):
                raise DataError("the data set is empty: there is nothing to make batches of")
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.dataset, self.batch_size, self.drop_last, self.generator = dataset, batch_size, drop_last, generator
        self.sampler, self.num_workers, self.prefetch_factor = sampler, num_workers, prefetch_factor
        self.collate_fn = collate_fn or default_collate
        self.batch_sampler = BatchSampler(sampler, batch_size, drop_last) if batch_sampler is None else batch_sampler
        if drop_last and not stream and hasattr(sampler, "__len__") and not len(self):
            raise DataError(f"drop_last leaves no batch: {len(dataset)} items do not fill one of {batch_size}")

    def __len__(self) -> int:
        """The number of batches of a pass."""
        if isinstance(self.dataset, IterableDataset):
            raise TypeError("nobody knows the length of a stream: count its batches while they come")
        return len(self.batch_sampler)  # type: ignore[arg-type] # a batch sampler without a length says so itself

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self.dataset, IterableDataset):
            return self._streamed()
        sampler = self.batch_sampler
        keys = sampler.batches() if type(sampler) is BatchSampler else iter(sampler)
        make = self._of_rows() or self._of_items
        if not self.num_workers:
            return map(make, keys)
        return ahead(make, keys, self.num_workers, self.num_workers * self.prefetch_factor)

    def _of_rows(self) -> Callable[[Any], Any] | None:
        """What makes a batch by indexing whole tensors; None where the items must be asked for one by one."""
        found = rows(self.dataset) if self.collate_fn is default_collate else None
        if found is None or any(tensor.requires_grad for tensor in found[0]):
            return None
        tensors, places = found
        arrays = [protected(tensor.array) for tensor in tensors]

        def batch(key: Any) -> list[Any]:
            if places is not None:
                key = places[key.start : key.stop] if type(key) is range else places[key]
            elif type(key) is range:
                return [wrap(array[key.start : key.stop], None) for array in arrays]
            return [wrap(array[key] if is_cupy(array) else array.take(key, axis=0), None) for array in arrays]

        return batch

    def _of_items(self, key: Iterable[int]) -> Any:
        items = []
        for place in key:
            try:
                items.append(self.dataset[int(place)])
            except Exception as error:
                error.add_note(f"This came from item {int(place)} of the data set, in its __getitem__.")
                raise
        return self.collate_fn(items)

    def _streamed(self) -> Iterator[Any]:
        batches = map(self.collate_fn, chunks(self.dataset, self.batch_size, self.drop_last))
        if not self.num_workers:
            yield from batches
            return
        for batch in ahead(lambda _: next(batches, END), repeat(None), 1, self.prefetch_factor):  # one reader a stream
            if batch is END:
                return
            yield batch


def protected(array: Any) -> Any:
    """A view that cannot be written to; the array itself on a GPU, where there are none."""
    if not isinstance(array, np.ndarray):
        return array
    view = array.view()
    view.flags.writeable = False
    return view


def ahead(make: Callable[[Any], Any], keys: Iterable[Any], workers: int, depth: int) -> Iterator[Any]:
    """`map(make, keys)`, computed by threads while the consumer is at work, never more than `depth` results ahead.

    Results and errors come in order. When the iterator is closed or forgotten, its threads end.
    """
    with ThreadPoolExecutor(workers, "DataLoader") as pool:
        waiting: deque[Future[Any]] = deque()
        try:
            for key in keys:
                waiting.append(pool.submit(copy_context().run, make, key))
                if len(waiting) == depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
