"""Data sets, samplers, batches and the loader: what comes in which order, and what is said of bad input."""

import gc
import threading
import time
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, errors
from tinygrad_edu.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    random_split,
)

X = np.arange(20, dtype=np.float32).reshape(10, 2)
Y = np.arange(10)


class Items(Dataset[Any]):
    """The rows of X and Y asked for one by one, so that the loader has to collate them."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> Any:
        return X[index], int(Y[index])


class Stream(IterableDataset[int]):
    def __init__(self, length: int) -> None:
        self.length = length

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.length))


def drawn(loader: Any) -> list[list[int]]:
    """The labels of every batch, having checked that the rows beside them are theirs."""
    found = []
    for x, y in loader:
        assert isinstance(x, Tensor)
        assert x.dtype == np.float32
        np.testing.assert_array_equal(x.numpy(), X[y.numpy()])
        found.append(y.tolist())
    return found


SETS = {"rows": TensorDataset(X, Y), "items": Items(), "subset": Subset(TensorDataset(X, Y), range(10))}


# The order of the items


@pytest.mark.parametrize("dataset", SETS.values(), ids=SETS)
@pytest.mark.parametrize("workers", [0, 1, 3])
def test_in_order_with_a_shorter_last_batch_or_without(dataset: Any, workers: int) -> None:
    loader = DataLoader(dataset, batch_size=4, num_workers=workers)
    assert len(loader) == 3
    assert drawn(loader) == drawn(loader) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    dropping = DataLoader(dataset, batch_size=4, drop_last=True, num_workers=workers)
    assert len(dropping) == 2
    assert drawn(dropping) == [[0, 1, 2, 3], [4, 5, 6, 7]]


@pytest.mark.parametrize("dataset", SETS.values(), ids=SETS)
@pytest.mark.parametrize("workers", [0, 1, 3])
def test_shuffled_is_every_item_once_in_the_order_of_the_seed(dataset: Any, workers: int) -> None:
    def two_passes(seed: int) -> list[list[list[int]]]:
        generator = np.random.default_rng(seed)
        loader = DataLoader(dataset, 3, shuffle=True, generator=generator, num_workers=workers)
        return [drawn(loader), drawn(loader)]

    first, second = two_passes(0)
    assert sorted(chain(*first)) == sorted(chain(*second)) == list(range(10))
    assert first != second
    assert two_passes(0) == [first, second]
    assert two_passes(1) != [first, second]
    assert first == [part.tolist() for part in np.split(np.random.default_rng(0).permutation(10), [3, 6, 9])]


def test_without_a_generator_shuffling_follows_manual_seed() -> None:
    loader = DataLoader(Items(), 3, shuffle=True)
    tg.manual_seed(1)
    first = drawn(loader)
    tg.manual_seed(1)
    assert drawn(loader) == first
    assert drawn(loader) != first


def test_samplers_give_the_order() -> None:
    for dataset in SETS.values():
        assert drawn(DataLoader(dataset, 2, sampler=[5, 3, 1])) == [[5, 3], [1]]
        assert drawn(DataLoader(dataset, batch_sampler=[[5, 3], [1]])) == [[5, 3], [1]]
        assert drawn(DataLoader(dataset, 2, sampler=iter([5, 3, 1]))) == [[5, 3], [1]]
        assert drawn(DataLoader(dataset, batch_sampler=BatchSampler(SequentialSampler(dataset), 6, True))) == [
            [*range(6)]
        ]


def test_a_sampler_of_ones_own_is_asked_for_its_items() -> None:
    class Odd(SequentialSampler):
        def __iter__(self) -> Iterator[int]:
            return iter(range(1, len(self.data_source), 2))

    for dataset in SETS.values():
        assert drawn(DataLoader(dataset, 2, sampler=Odd(dataset))) == [[1, 3], [5, 7], [9]]


@pytest.mark.parametrize("order", [range(9, -1, -2), range(0, 10, 3), [4, 2, 2], np.array([1, 8])])
def test_an_order_of_ones_own(order: Any) -> None:
    class Own(Sampler):
        def order(self) -> Any:
            return order

    for dataset in SETS.values():
        assert list(chain(*drawn(DataLoader(dataset, 2, sampler=Own())))) == list(order)


def test_random_samplers() -> None:
    generator = np.random.default_rng(0)
    assert sorted(RandomSampler(X, generator=generator)) == list(range(10))
    assert len(RandomSampler(X, num_samples=25)) == 25
    counts = np.bincount(list(RandomSampler(X, num_samples=25, generator=generator)), minlength=10)
    assert set(counts) == {2, 3}  # an item comes again only when all have come
    counts = np.bincount(list(RandomSampler(X, True, 10_000, generator)), minlength=10)
    assert 0 < abs(counts - 1000).max() < 150  # five standard deviations
    assert sorted(SubsetRandomSampler([7, 2, 5], generator)) == [2, 5, 7]
    counts = np.bincount(list(WeightedRandomSampler([1.0, 0.0, 3.0], 10_000, generator=generator)), minlength=3)
    assert counts[1] == 0
    assert abs(counts[0] - 2500) < 220  # as above
    assert sorted(WeightedRandomSampler([1, 0, 9], 2, replacement=False)) == [0, 2]


def test_balanced_batches_of_an_unbalanced_set() -> None:
    labels = np.array([0] * 990 + [1] * 10)
    weights = 1 / np.bincount(labels)[labels]
    sampler = WeightedRandomSampler(weights, 1000, generator=np.random.default_rng(0))
    (y,) = next(iter(DataLoader(TensorDataset(labels), 1000, sampler=sampler)))
    assert 0.4 < y.mean().item() < 0.6


# Batches of rows


def test_unshuffled_rows_are_views_that_protect_the_data() -> None:
    data = TensorDataset(X.copy(), Y)
    for x, _ in DataLoader(data, 4):
        assert np.shares_memory(x.array, data.tensors[0].array)
        with pytest.raises(errors.InPlaceError, match=r"t\.clone\(\)"):
            x += 1
        changed = x.clone()
        changed += 1
    np.testing.assert_array_equal(data.tensors[0].numpy(), X)


def test_shuffled_rows_are_fresh() -> None:
    data = TensorDataset(X.copy(), Y)
    for x, _ in DataLoader(data, 4, shuffle=True):
        x += 1
    np.testing.assert_array_equal(data.tensors[0].numpy(), X)


def test_a_split_of_a_split_of_rows_is_still_taken_by_the_batch() -> None:
    whole = TensorDataset(X, Y)
    part: Subset[Any] = Subset(Subset(whole, [9, 8, 7, 6, 5]), [4, 0, -1])
    assert drawn(DataLoader(part, 2)) == [[5, 9], [5]]
    assert DataLoader(part, 2)._of_rows() is not None
    assert DataLoader(Items(), 2)._of_rows() is None


def test_a_data_set_that_changes_its_rows_is_asked_for_its_items() -> None:
    class Doubled(TensorDataset):
        def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
            return tuple(2 * tensor for tensor in super().__getitem__(index))

    (x,) = next(iter(DataLoader(Doubled(Y), 3)))
    assert x.tolist() == [0, 2, 4]
    (x,) = next(iter(DataLoader(Subset(Doubled(Y), [2]), 3)))
    assert x.tolist() == [4]


def test_rows_that_require_grad_keep_their_history() -> None:
    x = Tensor(X, requires_grad=True)
    (batch,) = next(iter(DataLoader(TensorDataset(x), 3, sampler=[1, 1, 2])))
    batch.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy()[:4], [[0, 0], [2, 2], [1, 1], [0, 0]])


def test_rows_follow_the_data_when_it_is_changed() -> None:
    data = TensorDataset(X.copy())
    loader = DataLoader(data, 10)
    data.tensors[0][0] = 100.0
    assert next(iter(loader))[0][0, 0].item() == 100


# Batches of items


class Point(NamedTuple):
    x: int
    y: float


def test_collate_stacks_each_part() -> None:
    items: list[dict[str, Any]] = [
        {"p": Point(1, 2.5), "t": Tensor([1.0]), "a": np.float32(i), "w": "a", "l": [True, b"b"], "n": np.int8(i)}
        for i in range(2)
    ]
    batch = default_collate(items)
    assert list(batch) == ["p", "t", "a", "w", "l", "n"]
    assert batch["p"].x.tolist() == [1, 1]
    assert (batch["p"].x.dtype, batch["p"].y.dtype, batch["a"].dtype) == (np.int64, np.float64, np.float32)
    assert (batch["n"].dtype, batch["l"][0].dtype) == (np.int8, np.bool_)
    assert batch["t"].shape == (2, 1)
    assert batch["w"] == ["a", "a"]
    assert batch["l"][1] == (b"b", b"b")


def test_collate_keeps_the_history_of_tensors() -> None:
    t = Tensor([1.0, 2.0], requires_grad=True)
    default_collate([(t, 0), (t * 3, 1)])[0].sum().backward()
    assert t.grad.tolist() == [4, 4]


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ([np.ones(2), np.ones(2), np.ones(3)], r"items 0 and 2 of a batch have shapes \(2,\) and \(3,\).*collate_fn="),
        ([Tensor([1.0]), Tensor(1.0)], r"have shapes \(1,\) and \(\)"),
        ([(1, 2), (1,)], "have lengths 2 and 1"),
        ([{"a": 1}, {"b": 1}], r"have the keys \['a'\] and \['b'\]"),
    ],
)
def test_items_that_make_no_batch(batch: list[Any], message: str) -> None:
    with pytest.raises(errors.DataError, match=message):
        default_collate(batch)


def test_items_of_unknown_kinds() -> None:
    with pytest.raises(TypeError, match="not of set: convert it in __getitem__"):
        default_collate([{1}, {2}])
    with pytest.raises(TypeError, match="does __getitem__ return the item"):
        default_collate([None])


def test_a_collate_function_of_ones_own_gets_the_list_of_items() -> None:
    for dataset in SETS.values():
        assert list(DataLoader(dataset, 4, collate_fn=len)) == [4, 4, 2]
    assert list(DataLoader(Stream(5), 2, collate_fn=sum)) == [1, 5, 4]


def test_a_list_is_a_data_set() -> None:
    assert [batch.tolist() for batch in DataLoader([5, 6, 7], 2)] == [[5, 6], [7]]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream(workers: int) -> None:
    loader = DataLoader(Stream(5), 2, num_workers=workers)
    assert [batch.tolist() for batch in loader] == [[0, 1], [2, 3], [4]]
    loader = DataLoader(Stream(5), 2, drop_last=True, num_workers=workers)
    assert [batch.tolist() for batch in loader] == [[0, 1], [2, 3]]
    with pytest.raises(TypeError, match="length of a stream"):
        len(loader)


# Reading ahead


def loaders_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("DataLoader")]


class Counting(Dataset[int]):
    """A thousand items, of which it notes which were asked for and by whom."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.threads: set[str] = set()

    def __len__(self) -> int:
        return 1000

    def __getitem__(self, index: int) -> int:
        self.asked.append(index)
        self.threads.add(threading.current_thread().name)
        time.sleep(0.001 * (index % 3))
        return index


def test_workers_read_ahead_so_far_and_no_further_and_keep_the_order() -> None:
    data = Counting()
    batches = iter(DataLoader(data, 1, num_workers=3, prefetch_factor=2))
    got = [next(batches).item() for _ in range(20)]
    assert got == list(range(20))
    assert len(data.asked) <= 20 + 3 * 2
    assert all(name.startswith("DataLoader") for name in data.threads)
    assert len(data.threads) == 3


def test_work_goes_on_while_the_consumer_is_busy() -> None:
    data = Counting()
    batches = iter(DataLoader(data, 1, num_workers=1, prefetch_factor=8))
    next(batches)
    time.sleep(0.1)
    assert len(data.asked) == 8


def test_what_nobody_waits_for_is_not_read() -> None:
    data = Counting()
    batches = iter(DataLoader(data, 1, num_workers=1, prefetch_factor=100))
    next(batches)
    del batches
    assert len(data.asked) < 50


@pytest.mark.parametrize("dataset", [Counting(), Stream(1000)], ids=["items", "stream"])
def test_no_thread_is_left_behind(dataset: Any) -> None:
    gc.disable()
    try:
        for batch in DataLoader(dataset, 10, num_workers=2):
            if batch[0].item() == 30:
                assert loaders_threads()
                break
        del batch
        assert not loaders_threads()  # by reference counting alone
        iterator = iter(DataLoader(dataset, 500, num_workers=2))
        assert len(list(iterator)) == 2
        assert not loaders_threads()  # though the iterator lives
        iterator = iter(DataLoader(dataset, 10, num_workers=2))
        next(iterator)
        del iterator
        assert not loaders_threads()
    finally:
        gc.enable()


class Broken(Items):
    def __getitem__(self, index: int) -> Any:
        if index == 5:
            raise KeyError("no such file")
        return index


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_reaches_the_consumer_in_its_turn_and_names_the_item(workers: int) -> None:
    batches = iter(DataLoader(Broken(), 2, num_workers=workers))
    assert [next(batches).tolist(), next(batches).tolist()] == [[0, 1], [2, 3]]
    with pytest.raises(KeyError, match="no such file") as caught:
        next(batches)
    assert "item 5 of the data set" in caught.value.__notes__[0]
    del caught
    assert not loaders_threads()


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_in_a_stream_reaches_the_consumer_in_its_turn(workers: int) -> None:
    class Torn(IterableDataset[int]):
        def __iter__(self) -> Iterator[int]:
            yield from (0, 1, 2)
            raise OSError("the line is dead")

    batches = iter(DataLoader(Torn(), 2, num_workers=workers))
    assert next(batches).tolist() == [0, 1]
    with pytest.raises(OSError, match="the line is dead"):
        next(batches)


def test_workers_record_or_not_as_their_consumer_does() -> None:
    w = Tensor(2.0, requires_grad=True)

    class Weighted(Items):
        def __getitem__(self, index: int) -> Any:
            return w * index

    loader = DataLoader(Weighted(), 5, num_workers=1)
    assert all(batch.requires_grad for batch in loader)
    with tg.no_grad():
        assert not any(batch.requires_grad for batch in loader)


# Data sets


def test_tensor_dataset_shares_memory_and_takes_arrays() -> None:
    array = X.copy()
    data = TensorDataset(array, Tensor(Y))
    array[3] = 7
    assert data[3][0].tolist() == [7, 7]
    assert data[3][1].item() == 3
    assert data[-1][1].item() == 9
    assert [part.shape for part in data[2:5]] == [(3, 2), (3,)]
    with pytest.raises(IndexError):
        data[10]
    assert len(list(data)) == 10


def test_parts_of_data_sets() -> None:
    assert [item[1] for item in Subset(Items(), [3, -1, 0])] == [3, 9, 0]
    assert Subset(Items(), np.array([True] * 3).nonzero()[0]).indices.tolist() == [0, 1, 2]
    assert len(Subset(Items(), [])) == 0
    both = Items() + Subset(Items(), [5]) + TensorDataset(X, Y)
    assert isinstance(both, ConcatDataset)
    assert [int(both[i][1]) for i in (0, 9, 10, 11, 20, -1, -11)] == [0, 9, 5, 0, 9, 9, 5]
    assert list(chain(*drawn(DataLoader(both, 7)))) == [*range(10), 5, *range(10)]
    for index in (21, -22):
        with pytest.raises(IndexError, match=rf"no item {index} in a data set of 21"):
            both[index]


@pytest.mark.parametrize(
    ("size", "lengths", "expected"),
    [
        (10, [7, 3], [7, 3]),
        (10, [0.7, 0.3], [7, 3]),
        (569, [0.8, 0.2], [456, 113]),  # as PyTorch deals out what the fractions leave
        (11, [1 / 3, 1 / 3, 1 / 3], [4, 4, 3]),
        (10, [0.1] * 10, [1] * 10),
        (5, [5, 0], [5, 0]),
        (3, [1.0], [3]),
        (1, [1], [1]),
    ],
)
def test_random_split(size: int, lengths: list[float], expected: list[int]) -> None:
    parts = random_split(range(size), lengths, np.random.default_rng(0))
    assert [len(part) for part in parts] == expected
    assert sorted(i for part in parts for i in part.indices.tolist()) == list(range(size))
    again = random_split(range(size), lengths, np.random.default_rng(0))
    assert [p.indices.tolist() for p in parts] == [p.indices.tolist() for p in again]


# Bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: DataLoader(Items(), 0), "batch_size is a whole number from 1 up, not 0"),
        (lambda: DataLoader(Items(), -3), "not -3"),
        (lambda: DataLoader(Items(), 2.5), "not 2.5"),
        (lambda: DataLoader(Items(), None), "not None"),
        (lambda: DataLoader(Items(), True), "not True"),
        (lambda: DataLoader(Stream(3), 0), "batch_size"),
        (lambda: DataLoader([]), "the data set is empty"),
        (lambda: DataLoader(TensorDataset(X[:0]), shuffle=True), "the data set is empty"),
        (lambda: DataLoader(Items(), 11, drop_last=True), "10 items do not fill one of 11"),
        (lambda: TensorDataset(X, Y[:-1]), r"shapes \(10, 2\) and \(9,\) do not fit together"),
        (lambda: TensorDataset(), r"TensorDataset\(X, y\)"),
        (lambda: TensorDataset(1.0), r"TensorDataset\(X, y\)"),
        (lambda: TensorDataset(Y, np.where(X == 7, np.nan, X)), r"tensor 1 .* nan in 1 places, first at \[3, 1\]"),
        (lambda: Subset(Items(), np.ones(10, bool)), r"np\.flatnonzero\(mask\)"),
        (lambda: Subset(Items(), np.array([0.5])), "whole numbers"),
        (lambda: Subset(Items(), np.array([[1]])), "whole numbers"),
        (lambda: ConcatDataset([]), "at least one data set"),
        (lambda: random_split(X, [0.7, 0.2]), r"the fractions \[0.7, 0.2\] add up to 0.9: they must add up to 1"),
        (lambda: random_split(X, [0.7, 0.7]), "add up to 1.4"),
        (lambda: random_split(X, [7, 2]), r"add up to 9, and the data set has 10"),
        (lambda: random_split(X, [1.5, -0.5]), "less than no items"),
        (lambda: random_split(X, [float("nan"), 1]), "less than no items"),
        (lambda: WeightedRandomSampler([0, 0], 1), "weights are"),
        (lambda: WeightedRandomSampler([1, -1], 1), "weights are"),
        (lambda: WeightedRandomSampler([1, 0], 2, replacement=False), "only 1 items have a weight"),
    ],
)
def test_bad_input_is_named(call: Any, message: str) -> None:
    with pytest.raises(errors.DataError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: DataLoader(Items(), sampler=[0], shuffle=True), "another one"),
        (lambda: DataLoader(Items(), 2, batch_sampler=[[0]]), "leave out batch_size"),
        (lambda: DataLoader(Items(), batch_sampler=[[0]], drop_last=True), "leave out"),
        (lambda: DataLoader(Stream(3), shuffle=True), "shuffle in the __iter__"),
        (lambda: DataLoader(Items(), num_workers=-1), "num_workers is a number of threads"),
        (lambda: DataLoader(Items(), num_workers=1, prefetch_factor=0), "prefetch_factor"),
    ],
)
def test_arguments_that_exclude_each_other(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("places", [[10], [-11], [0, 99]])
def test_an_item_that_is_not_there(places: list[int]) -> None:
    with pytest.raises(IndexError, match=rf"no item {places[-1]} in a data set of 10"):
        Subset(Items(), places)
    for dataset in SETS.values():
        with pytest.raises(IndexError, match=str(places[-1])):
            list(DataLoader(dataset, sampler=places))


def test_classes_without_their_methods() -> None:
    class Forgot(Dataset[Any]):
        def __len__(self) -> int:
            return 3

    with pytest.raises(TypeError, match="Forgot needs a method __getitem__"):
        next(iter(DataLoader(Forgot())))
    with pytest.raises(TypeError, match=r"a generator has not: write the methods __len__\(self\)"):
        DataLoader(i for i in range(3))
    with pytest.raises(TypeError, match="needs a method __iter__"):
        next(iter(DataLoader(IterableDataset())))


def test_pytorch_programs_find_it_where_they_look() -> None:
    assert tg.utils.data.DataLoader is DataLoader
    loader = DataLoader(Items(), batch_size=4, shuffle=True, num_workers=2, pin_memory=True, persistent_workers=True)
    assert len(list(loader)) == 3
