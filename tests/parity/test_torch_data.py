"""The same batches as PyTorch's loader makes of the same data."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from tinygrad_edu import data

torch = pytest.importorskip("torch")
theirs = pytest.importorskip("torch.utils.data")

X, Y = np.arange(22, dtype=np.float32).reshape(11, 2), np.arange(11)


class Pair(NamedTuple):
    x: Any
    y: Any


KINDS: dict[str, Any] = {
    "floats": [0.5, 1.5, 2.5],
    "whole numbers": [1, 2, 3],
    "booleans": [True, False, True],
    "arrays": [np.float32([1, 2]), np.float32([3, 4])],
    "NumPy numbers": [np.float32(1), np.float32(2)],
    "words": ["a", "b"],
    "bytes": [b"a", b"b"],
    "tuples": [(1, 2.0, "a"), (3, 4.0, "b")],
    "lists": [[1, [2]], [3, [4]]],
    "dicts": [{"x": 1, "w": "a"}, {"x": 2, "w": "b"}],
    "named tuples": [Pair(1, (2, 3.0)), Pair(4, (5, 6.0))],
}


def bare(tree: Any) -> Any:
    """Lists, dicts and numbers, with the name of the dtype where there was a tensor."""
    if isinstance(tree, dict):
        return {key: bare(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree).__name__, [bare(value) for value in tree]
    return (str(np.asarray(tree).dtype), tree.tolist()) if hasattr(tree, "tolist") else tree


@pytest.mark.parametrize("items", KINDS.values(), ids=KINDS)
def test_items_are_collated_alike(items: Any) -> None:
    assert bare(data.default_collate(items)) == bare(theirs.default_collate(items))


@pytest.mark.parametrize("batch_size", [1, 3, 11, 20])
@pytest.mark.parametrize("drop_last", [False, True])
def test_unshuffled_batches_are_the_same(batch_size: int, drop_last: bool) -> None:
    if drop_last and batch_size > 11:
        pytest.skip("PyTorch makes no batch at all of it, and this package says so")
    options: Any = {"batch_size": batch_size, "drop_last": drop_last}
    ours = data.DataLoader(data.TensorDataset(X, Y), **options)
    other = theirs.DataLoader(theirs.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), **options)
    assert len(ours) == len(other)
    assert [bare(batch) for batch in ours] == [bare(batch) for batch in other]


@pytest.mark.filterwarnings("ignore:Length of split")  # PyTorch says so of an empty part
@pytest.mark.parametrize("fractions", [[0.8, 0.2], [0.5, 0.5], [1 / 3, 1 / 3, 1 / 3], [0.7, 0.2, 0.1], [1.0]])
def test_fractions_are_dealt_out_alike(fractions: list[float]) -> None:
    for size in (1, 7, 20, 100, 569, 1797):
        ours = [len(part) for part in data.random_split(range(size), fractions)]
        assert ours == [len(part) for part in theirs.random_split(range(size), fractions)]


def test_samplers_take_the_same_arguments() -> None:
    assert len(data.RandomSampler(X, False, 25)) == len(theirs.RandomSampler(X, False, 25)) == 25
    for ours, other in (
        (data.BatchSampler(data.SequentialSampler(X), 4, drop_last=False), theirs.BatchSampler),
        (data.BatchSampler(data.SequentialSampler(X), 4, drop_last=True), theirs.BatchSampler),
    ):
        assert list(ours) == list(other(theirs.SequentialSampler(X), 4, ours.drop_last))
    both = theirs.ConcatDataset([X, Y])
    assert data.ConcatDataset([X, Y]).cumulative_sizes == both.cumulative_sizes


PROGRAM = """
from DATA import DataLoader, Dataset, TensorDataset, random_split

class Squares(Dataset):
    def __init__(self, n):
        self.n = n
    def __len__(self):
        return self.n
    def __getitem__(self, index):
        return torch.tensor([float(index)]), index ** 2

train, test = random_split(Squares(20), [15, 5], generator=torch.Generator().manual_seed(0))
loader = DataLoader(train, batch_size=4, shuffle=True, num_workers=0, drop_last=True, pin_memory=False)
seen = [(x.shape, y.shape) for x, y in loader]
total = sum(y.sum().item() for part in (train, test) for x, y in DataLoader(part, batch_size=3))
rows = [len(batch) for batch in torch.utils.data.DataLoader(TensorDataset(torch.zeros(5, 2)), batch_size=2)]
"""


def test_a_program_runs_with_only_its_imports_changed() -> None:
    found = []
    for imports, package in (
        ("import torch", "torch.utils.data"),
        ("import tinygrad_edu as torch", "tinygrad_edu.data"),
    ):
        names: dict[str, Any] = {"__name__": "program"}
        exec(f"{imports}\n{PROGRAM.replace('DATA', package)}", names)
        found.append([[tuple(map(tuple, pair)) for pair in names["seen"]], names["total"], names["rows"]])
    assert found[0] == found[1] == [[((4, 1), (4,))] * 3, sum(i**2 for i in range(20)), [1, 1, 1]]
