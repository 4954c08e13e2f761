"""Cases of `ops.indexing`, `choosing` and `placing`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.cases.case import STRIDED, Case, signed
from tinygrad_edu import ops

V, M, C = signed(4), signed(3, 4), signed(2, 3, 4)
NONE = signed(0, 3)
MASK = np.arange(12).reshape(3, 4) % 3 == 0
ROWS, COLUMNS = np.array([0, 2, 0]), np.array([1, 1, -3])
ORDER = np.argsort(M, axis=1)
KEYS: dict[str, tuple["np.ndarray[Any, Any]", Any]] = {
    "integer": (M, 1),
    "scalar-out": (M, (1, -1)),
    "all": (M, ...),
    "nothing-named": (M, ()),
    "slice": (M, (slice(1, None), slice(1, 3))),
    "strided": (STRIDED, (slice(None), 0)),
    "new-axis": (M, (..., None, 0)),
    "number": (signed(), ()),
    "number-new-axis": (signed(), (None, ...)),
    "nothing": (M, slice(3, None)),
    "of-nothing": (NONE, (slice(None), [0, 0, 2])),
    "array": (M, np.array([2, 0])),
    "array-repeated": (M, np.array([0, 2, 0, 0])),
    "array-negative": (V, np.array([0, -4, 3, -1])),
    "array-of-rows": (M, np.array([[0, 2], [2, -1]])),
    "array-unsigned": (M, np.array([0, 2, 2], np.uint8)),
    "list": (M, [0, 2, 0]),
    "empty-list": (M, []),
    "nested-tuple": (M, ((0, 0, 1),)),
    "pairs": (M, (ROWS, np.array([1, 1, 1]))),
    "pairs-negative": (M, (ROWS, COLUMNS)),
    "pair-and-number": (M, (ROWS, 1)),
    "outer": (M, np.ix_([0, 2, 0], [1, 1])),
    "mixed": (M, (slice(1, None), np.array([0, 0, 3]))),
    "mixed-apart": (C, (ROWS % 2, slice(None), COLUMNS)),
    "mixed-together": (C, (slice(None), ROWS, COLUMNS)),
    "mixed-new-axis": (C, (None, ROWS % 2, ..., np.array([0]))),
    "broadcast": (C, (np.array([[0], [1], [1]]), slice(None, None, -1), np.array([0, 0]))),
    "large-table": (signed(30, 2), np.array([4, 29, 4])),
    "mask": (M, MASK),
    "mask-list": (M, [True, False, True]),
    "mask-of-rows": (M, np.array([True, False, True])),
    "mask-and-slice": (C, (slice(None), MASK)),
    "mask-and-array": (M, (np.array([True, False, True]), np.array([1, 1]))),
    "mask-true": (M, True),
    "mask-nothing": (M, np.zeros((3, 4), bool)),
}


def torch_key(torch: Any, key: Any) -> Any:
    """The key as PyTorch's: it has no lists in tuples that mean what NumPy's do, and no unsigned indices."""
    if isinstance(key, tuple):
        return tuple(torch_key(torch, part) for part in key)
    if isinstance(key, np.ndarray):
        return torch.tensor(key if key.dtype == bool else key.astype(np.int64))
    return key


def read(key: Any) -> Callable[..., Any]:
    return lambda x: x[key]


def read_twin(key: Any) -> Callable[..., Any]:
    return lambda t, x: x[torch_key(t, key)]


def changed(change: Callable[..., Any]) -> Callable[..., Any]:
    """What `change` leaves of a copy of its first argument."""

    def function(x: Any, *values: Any) -> Any:
        copy = np.copy(x)
        change(copy, *values)
        return copy

    return function


NO_TWIN = {"array-unsigned"} | {k for k, (_, key) in KEYS.items() if "-1)" in repr(key)}  # no negative steps in PyTorch
INDEXING: list[Case] = [
    *[Case("getitem", k, read(key), (x,), None if k in NO_TWIN else read_twin(key)) for k, (x, key) in KEYS.items()],
    Case("getitem", "backwards", lambda x: x[::-2, ::-1], (M,), lambda t, x: x.flip(0, 1)[::2]),
    Case("getitem", "by-its-values", lambda x: x[x > 0], (M,), lambda t, x: x[x > 0]),
    Case("getitem", "by-its-order", lambda x: x[np.argsort(x)], (V,), lambda t, x: t.sort(x)[0]),
    Case("scatter", "repeated", lambda g: ops.scatter(g, np.array([0, 2, 0]), (3, 4)), (M,)),
    Case("scatter", "list", lambda g: ops.scatter(g, [0, 2, 0], (3, 4)), (M,)),
    Case("scatter", "slice", lambda g: ops.scatter(g, slice(1, None), (3, 4)), (signed(2, 4),)),
    Case("scatter", "once", lambda g: ops.scatter(g, np.array([2, 0]), (3, 4), True), (signed(2, 4),)),
    Case("setitem", "row", lambda x, v: ops.setitem(x, v, 1), (M, signed(4, seed=1))),
    Case("setitem", "stretched", lambda x, v: ops.setitem(x, v, slice(None, 2)), (M, signed(seed=1))),
    Case("setitem", "mask", lambda x, v: ops.setitem(x, v, np.eye(3, 4, dtype=bool)), (M, signed(3))),
    Case("setitem", "last-wins", lambda x, v: ops.setitem(x, v, np.array([0, 1, 0])), (signed(3), signed(3, seed=1))),
    Case("setitem", "list-last-wins", lambda x, v: ops.setitem(x, v, [0, 1, 0]), (signed(3), signed(3, seed=1))),
    Case("setitem", "rows-last-wins", lambda x, v: ops.setitem(x, v, [0, 1, 0]), (M, signed(3, 4, seed=1))),
    Case("setitem", "more-axes", lambda x, v: ops.setitem(x, v, 0), (M, signed(1, 1, 4))),
    Case("setitem", "number", lambda x, v: ops.setitem(x, v, ...), (signed(), signed(seed=1))),
    Case(
        "take_along_axis",
        "sorted",
        lambda x: np.take_along_axis(x, ORDER, 1),
        (M,),
        lambda t, x: t.take_along_dim(x, t.tensor(ORDER), 1),
    ),
    Case("take_along_axis", "transposed", lambda x: np.take_along_axis(x, ORDER, 1).T, (M,)),
    Case("take_along_axis", "repeated", lambda x: np.take_along_axis(x, np.array([[0], [-4], [0]]), axis=-1), (M,)),
    Case("take_along_axis", "first-axis", lambda x: np.take_along_axis(x, np.array([[0, 2, 2, -1]] * 2), axis=0), (M,)),
    Case("take_along_axis", "cube", lambda x: np.take_along_axis(x, np.array([[[1], [2], [2]]]), axis=1), (C,)),
    Case("take_along_axis", "flat", lambda x: np.take_along_axis(x, np.array([11, 0, -1]), axis=None), (M,)),
    Case(
        "take_along_axis", "stretched", lambda x: np.take_along_axis(x, np.ones((2, 2, 3), int), 2), (signed(1, 2, 3),)
    ),
    Case(
        "take_along_axis",
        "small-indices",
        lambda x: np.take_along_axis(x, np.full((20, 1), 19, np.uint8), 1),
        (signed(20, 20),),
    ),
    Case("take_along_axis", "of-nothing", lambda x: np.take_along_axis(x, np.zeros((0, 2), int), 1), (NONE,)),
]

CHOOSING: list[Case] = [
    Case(
        "take",
        "flat",
        lambda x: np.take(x, [[0, 5], [5, -1]]),
        (M,),
        lambda t, x: t.take(x, t.tensor([[0, 5], [5, -1]])),
    ),
    Case("take", "rows", lambda x: np.take(x, ROWS, axis=0), (M,), lambda t, x: t.index_select(x, 0, t.tensor(ROWS))),
    Case("take", "columns", lambda x: np.take(x, [[1], [-1]], axis=-1), (C,), lambda t, x: x[..., [[1], [-1]]]),
    Case("take", "one", lambda x: np.take(x, 1, axis=1), (M,), lambda t, x: x[:, 1]),
    Case("take", "wrap", lambda x: np.take(x, [5, -7], mode="wrap"), (V,), lambda t, x: x[[1, 1]]),
    Case("take", "clip", lambda x: np.take(x, [5, -7], 0, mode="clip"), (V,), lambda t, x: x[[3, 0]]),
    Case("take", "booleans-are-numbers", lambda x: np.take(x, [True, False]), (V,), lambda t, x: x[[1, 0]]),
    Case("compress", "rows", lambda x: np.compress([True, False, True], x, axis=0), (M,), lambda t, x: x[[0, 2]]),
    Case("compress", "flat-and-short", lambda x: np.compress([0, 1, 1], x), (M,), lambda t, x: x.ravel()[1:3]),
    Case("extract", "mask", lambda x: np.extract(MASK, x), (M,), lambda t, x: t.masked_select(x, t.tensor(MASK))),
    Case("extract", "by-its-values", lambda x: np.extract(x > 0, x), (M,), lambda t, x: x[x > 0]),
    Case("choose", "columns", lambda x, y: np.choose([0, 1, 1, 0], [x, y]), (V, signed(4, seed=1))),
    Case("choose", "broadcast", lambda x, y: np.choose([[0], [2], [1]], [x, y, 2 * x]), (V, signed(4, seed=1))),
    Case("choose", "wrap", lambda x: np.choose([-1, 0, 1, 2, 7], x, mode="wrap"), (signed(3, 5),)),
    Case("choose", "clip", lambda x: np.choose([-1, 0, 1, 2, 7], x, mode="clip"), (signed(3, 5),)),
    Case("select", "two", lambda x, y: np.select([x > 1, x < 0], [x * y, y], x), (V, signed(4, seed=1))),
    Case("select", "number", lambda x: np.select([x > 1, x > 0], [x, x**2]), (V,)),
    Case("select", "broadcast", lambda x, y: np.select([np.eye(3, dtype=bool)], [x], y), (signed(3), signed())),
    Case("piecewise", "two", lambda x: np.piecewise(x, [x < 0, x > 0], [lambda u: u * u, np.exp]), (M,)),
    Case("piecewise", "nowhere", lambda x: np.piecewise(x, [x > 5], [np.sin]), (V,)),
    Case("piecewise", "otherwise", lambda x: np.piecewise(x, x > 0, [np.sqrt, 3.0]), (V,)),
    Case("piecewise", "argument", lambda x: np.piecewise(x, [x > 1], [lambda u, p: u**p, lambda u, p: p * u], 3), (V,)),
    Case("piecewise", "overlap", lambda x: np.piecewise(x, [x > 0, x > 1], [np.sin, np.cos]), (V,)),
    Case("piecewise", "number", lambda x: np.piecewise(x, [x > 0, x < 0], [np.sin, np.cos]), (signed(),)),
]


def names_twice(x: "np.ndarray[Any, Any]", key: Any) -> bool:
    """Whether the key names a place twice: PyTorch leaves open which value stays there."""
    places = np.arange(x.size).reshape(x.shape)[key]
    return np.unique(places).size < np.size(places)


def write_twin(key: Any) -> Callable[..., Any]:
    def twin(torch: Any, x: Any, value: Any) -> Any:
        copy = x.clone()
        copy[torch_key(torch, key)] = value
        return copy

    return twin


PLACING: list[Case] = [
    Case(
        "setitem",
        f"in-place-{label}",
        changed(lambda x, v, key=key: x.__setitem__(key, v)),
        (x, np.asarray(signed(*x[key].shape, seed=1))),
        None if label in NO_TWIN or names_twice(x, key) else write_twin(key),
    )
    for label, (x, key) in KEYS.items()
] + [
    Case("put", "some", changed(lambda x, v: np.put(x, [0, -1, 5], v)), (M, signed(3))),
    Case("put", "in-turn", changed(lambda x, v: np.put(x, [[0, 5], [2, 9]], v)), (M, signed(3))),
    Case("put", "twice", changed(lambda x, v: np.put(x, [0, 1, 0], v)), (V, signed(3))),
    Case("put", "wrap", changed(lambda x, v: np.put(x, [7, -9], v, mode="wrap")), (V, signed(2))),
    Case("put", "clip", changed(lambda x, v: np.put(x, [7, -9], v, "clip")), (V, signed(2))),
    Case("place", "in-turn", changed(lambda x, v: np.place(x, MASK, v)), (M, signed(3))),
    Case("place", "too-many", changed(lambda x, v: np.place(x, MASK, v)), (M, signed(6))),
    Case("place", "number", changed(lambda x, v: np.place(x, x > 0, v)), (M, signed())),
    Case("putmask", "same-shape", changed(lambda x, v: np.putmask(x, MASK, v)), (M, signed(3, 4, seed=1))),
    Case("putmask", "in-turn", changed(lambda x, v: np.putmask(x, MASK, v)), (M, signed(5))),
    Case(
        "put_along_axis", "columns", changed(lambda x, v: np.put_along_axis(x, ORDER[:, :2], v, 1)), (M, signed(3, 2))
    ),
    Case("put_along_axis", "stretched", changed(lambda x, v: np.put_along_axis(x, ORDER[:, :2], v, 1)), (M, signed())),
    Case(
        "put_along_axis", "flat", changed(lambda x, v: np.put_along_axis(x, np.array([5, -1]), v, None)), (M, signed(2))
    ),
    Case("fill_diagonal", "number", changed(np.fill_diagonal), (M, signed())),
    Case("fill_diagonal", "in-turn", changed(np.fill_diagonal), (signed(5, 4), signed(3))),
    Case("fill_diagonal", "wrap", changed(lambda x, v: np.fill_diagonal(x, v, wrap=True)), (signed(7, 2), signed(3))),
    Case("fill_diagonal", "cube", changed(np.fill_diagonal), (signed(2, 2, 2), signed(2))),
    Case("copyto", "all", changed(np.copyto), (M, signed(4, seed=1))),
    Case("copyto", "where", changed(lambda x, v: np.copyto(x, v, where=MASK)), (M, signed(3, 4, seed=1))),
    Case("copyto", "where-stretched", changed(lambda x, v: np.copyto(x, v, where=x > 0)), (M, signed(4, seed=1))),
]

CASES: list[Case] = [*INDEXING, *CHOOSING, *PLACING]
