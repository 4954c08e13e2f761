"""Reading and writing by every kind of key, against NumPy and its `add.at`; memory, aliasing and what is refused."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.indexing import KEYS
from tinygrad_edu import Tensor, errors, no_grad


def leaf(data: Any) -> Tensor:
    return Tensor(data, dtype=float, requires_grad=True)


def gradients(result: Tensor, weights: Any, *inputs: Tensor) -> list[Any]:
    return [g.numpy() for g in tg.autograd.grad((result * weights).sum(), inputs)]


def random_key(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Numbers, slices, new axes, an ellipsis, masks and arrays of numbers that broadcast, in any order."""
    parts: list[Any] = []
    lengths = list(shape[: rng.integers(0, len(shape) + 1)])
    broadcast = tuple(rng.integers(1, 4, rng.integers(1, 3)).tolist())
    masked = False
    while lengths:
        n = lengths.pop(0)
        kind = rng.choice(["number", "slice", "array", "new", "mask", "list", "backwards"])
        if kind == "number":
            parts.append(int(rng.integers(-n, n)))
        elif kind == "slice":
            parts.append(slice(*sorted(rng.integers(0, n + 1, 2).tolist())))
        elif kind == "backwards":
            parts.append(slice(None, None, -int(rng.integers(1, 3))))
        elif kind == "mask" and not masked:
            mask, masked = np.zeros(n, bool), True
            mask[rng.integers(0, n)] = True  # one True broadcasts with every array
            parts.append(mask)
        else:
            array = rng.integers(-n, n, broadcast[rng.integers(0, 2) :] or (1,))
            parts.append(array.tolist() if kind == "list" else array)
            if kind == "new":
                parts.insert(-1, None)
    if rng.random() < 0.3:
        parts.append(...)
    return tuple(parts) if len(parts) != 1 or rng.random() < 0.5 else parts[0]


CASES = [pytest.param(x, key, id=label) for label, (x, key) in KEYS.items()]
for seed in range(150):
    generator = np.random.default_rng(seed)
    array = generator.standard_normal(generator.integers(1, 5, generator.integers(1, 4)))
    CASES.append(pytest.param(array, random_key(generator, array.shape), id=f"random-{seed}"))
every_key = pytest.mark.parametrize(("array", "key"), CASES)


def as_tensors(key: Any) -> Any:
    """The same key with its arrays as Tensors."""
    if isinstance(key, tuple):
        return tuple(as_tensors(part) for part in key)
    return Tensor(key) if isinstance(key, np.ndarray) else key


@every_key
@pytest.mark.parametrize("form", [lambda key: key, as_tensors], ids=["arrays", "tensors"])
def test_reading_adds_the_gradient_back(array: Any, key: Any, form: Callable[[Any], Any]) -> None:
    x, expected = leaf(array), array[key]
    weights = np.random.default_rng(0).standard_normal(np.shape(expected))
    added = np.zeros(array.shape)
    np.add.at(added, key, weights)
    result = x[form(key)]
    np.testing.assert_array_equal(result.numpy(), expected)
    np.testing.assert_allclose(gradients(result, weights, x)[0], added, atol=1e-14)


@every_key
@pytest.mark.parametrize("stretched", [False, True])
def test_writing_is_numpys_and_the_last_write_counts(array: Any, key: Any, stretched: bool) -> None:
    rng = np.random.default_rng(0)
    shape = () if stretched else np.shape(array[key])
    written, weights = np.asarray(rng.standard_normal(shape)), rng.standard_normal(array.shape)
    expected, from_value = array.copy(), np.full(array.shape, -1)
    expected[key] = written
    from_value[key] = np.arange(written.size).reshape(shape)  # which number of the value is there in the end
    x, value = leaf(array), leaf(written)
    result = x.clone()
    result[key] = value
    np.testing.assert_array_equal(result.numpy(), expected)
    of_x, of_value = gradients(result, weights, x, value)
    np.testing.assert_array_equal(of_x, np.where(from_value < 0, weights, 0))
    arrived = np.bincount(from_value[from_value >= 0], weights[from_value >= 0], minlength=written.size)
    np.testing.assert_allclose(of_value, arrived.reshape(shape), atol=1e-14)
    np.testing.assert_array_equal(x.numpy(), array)
    with no_grad():
        plain = Tensor(array)
        plain[as_tensors(key)] = written
    np.testing.assert_array_equal(plain.numpy(), expected)


OVERLAPS: dict[str, Callable[[Any], Any]] = {
    "shifted": lambda t: t.__setitem__(slice(1, None), t[:-1]),
    "shifted back": lambda t: t.__setitem__(slice(None, -1), t[1:]),
    "reversed": lambda t: t.__setitem__(slice(None), t[::-1]),
    "itself": lambda t: t.__setitem__(..., t),
    "by its own values": lambda t: t.__setitem__(t > 0, -t[t > 0]),
    "swapped": lambda t: t.__setitem__([0, 1], t[[1, 0]]),
    "np.copyto": lambda t: np.copyto(t[1:], t[:-1]),
}


@pytest.mark.parametrize("name", [name for name in OVERLAPS if name != "np.copyto"])
def test_a_tensor_set_from_itself(name: str) -> None:
    array, weights = np.array([1.0, -2.0, 3.0, -4.0]), np.array([1.0, 10.0, 100.0, 1000.0])
    expected = array.copy()
    OVERLAPS[name](expected)
    x = leaf(array)
    t = x.clone()
    OVERLAPS[name](t)
    np.testing.assert_array_equal(t.numpy(), expected)
    step = 1e-3  # each of these is linear near the array
    columns = []
    for i in range(4):
        moved = array + step * np.eye(4)[i]
        OVERLAPS[name](moved)
        columns.append((moved - expected) @ weights / step)
    np.testing.assert_allclose(gradients(t, weights, x)[0], columns, rtol=1e-9)


@pytest.mark.parametrize("name", OVERLAPS)
def test_memory_set_from_itself(name: str) -> None:
    array = np.array([1.0, -2.0, 3.0, -4.0])
    t = Tensor(array)
    OVERLAPS[name](array)
    OVERLAPS[name](t)
    np.testing.assert_array_equal(t.numpy(), array)


def test_a_key_is_taken_as_it_is_now() -> None:
    x, key = leaf([1.0, 2.0, 3.0]), [0, 0]
    read = x[key]
    key[0] = 2
    assert gradients(read, 1.0, x)[0].tolist() == [2.0, 0.0, 0.0]
    bound = Tensor(1)
    read = x[bound:]
    with no_grad():
        bound += 1
    assert gradients(read, 1.0, x)[0].tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("kind", [Tensor, np.array])
def test_a_key_may_be_filled_anew_before_backward(kind: Callable[..., Any]) -> None:
    """The buffer of indices of a loop over batches: the graph has a copy."""
    x, key, mask = leaf([1.0, 2.0, 3.0]), kind([0, 0]), kind([True, False, True])
    read = x[key].sum() + (x[mask] * 10).sum() + x[key, None].sum()
    key[0], mask[0] = 2, False
    read.backward()
    assert x.grad.tolist() == [14.0, 0.0, 10.0]


@pytest.mark.parametrize("key", [range(-2, 2), ((0, 0),), [[0], [0]], (np.uint8([1, 1]),)], ids=repr)
def test_sequences_that_name_a_place_twice(key: Any) -> None:
    array, x = np.array([1.0, 2.0]), leaf([1.0, 2.0])
    added = np.zeros(2)
    np.add.at(added, key, 1.0)
    assert gradients(x[key], 1.0, x)[0].tolist() == added.tolist()
    assert gradients(tg.getitem(x, key), 1.0, x)[0].tolist() == added.tolist()
    np.testing.assert_array_equal(x[key].numpy(), array[key])


def test_rows_of_a_large_table_need_no_second_table() -> None:
    """The gradient of an embedding is one table and what the rows themselves need."""
    table, rows = leaf(np.ones((20_000, 50))), np.random.default_rng(0).integers(0, 20_000, 1000)
    loss = table[rows].sum()
    tracemalloc.start()
    loss.backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.3 * table.array.nbytes


def test_parts_of_one_array_add_up_with_each_other_and_with_the_rest() -> None:
    x = leaf(np.ones((3, 4)))
    keys: list[Any] = [[0, 0], (slice(None), [1, 1]), 0, ([0, 0], [1, 1]), x.numpy() > 0]
    expected = np.full((3, 4), 2.0)
    loss = (x.T * 2).T.sum()
    for key in keys:
        np.add.at(expected, key, 1.0)
        loss = loss + x[key].sum()
    assert gradients(loss, 1.0, x)[0].tolist() == expected.tolist()
    number = leaf(2.0)
    assert gradients(number[...] + 3 * number + number[()] + number[None][0], 1.0, number)[0] == 6.0


@pytest.mark.parametrize("parts", [1, 2, 4, 5, 9, 30])
def test_parts_join_to_the_whole(parts: int) -> None:
    array = np.random.default_rng(0).standard_normal((30, 2))
    x = leaf(array)
    weights = np.arange(60.0).reshape(30, 2)
    assert gradients(tg.concatenate(tg.array_split(x, parts)), weights, x)[0].tolist() == weights.tolist()
    assert gradients(tg.stack(tg.unstack(x)), weights, x)[0].tolist() == weights.tolist()
    for mine, numpys in zip(np.array_split(x, parts), np.array_split(array, parts), strict=True):
        np.testing.assert_array_equal(mine.numpy(), numpys)


def test_branches_not_taken_put_no_nan_into_the_others() -> None:
    """As with `where`: the logarithm of what is not chosen is infinitely steep, and does not count."""
    for chosen in (
        lambda x: np.select([x > 0], [np.log(x)], 0.0),
        lambda x: np.choose((x > 0).numpy().astype(int), [x * 0, np.log(x)]),
        lambda x: np.piecewise(x, [x > 0], [np.log, 0.0]),
    ):
        x = leaf([0.0, 2.0])
        with np.errstate(all="ignore"):
            chosen(x).sum().backward()
        assert x.grad.tolist() == [0.0, 0.5]


def test_lists_and_numbers_beside_tensors() -> None:
    x, y = leaf(1.0), leaf([2.0, 3.0])
    for joined, expected in (
        (np.hstack([y, 1.0]), [2.0, 3.0, 1.0]),
        (np.append(np.ones(1), y), [1.0, 2.0, 3.0]),
        (np.append(y, [x, 2 * x]), [2.0, 3.0, 1.0, 2.0]),
        (np.insert(y, 1, [x, x * x]), [2.0, 1.0, 1.0, 3.0]),
        (np.vstack([y, [x, 5.0]])[1], [1.0, 5.0]),
        (np.column_stack([y, [x, 4.0]])[0], [2.0, 1.0]),
    ):
        assert joined.tolist() == expected
        assert joined.requires_grad
    (g,) = tg.autograd.grad(np.append(y, [x, 2 * x]).sum(), x)
    assert g.item() == 3.0


def test_functions_that_write_refuse_an_array_that_forgets() -> None:
    array, t = np.zeros((2, 2)), leaf(1.0)
    for write in (
        lambda: np.put(array, [0], t),
        lambda: np.putmask(array, array == 0, t),
        lambda: np.place(array, array == 0, t),
        lambda: np.copyto(array, t),
        lambda: np.put_along_axis(array, np.zeros((2, 1), int), t, 1),
        lambda: tg.fill_diagonal(array, t),
    ):
        with pytest.raises(errors.UnsupportedError, match=r"Tensor\(a\)"):
            write()
    assert not array.any()
    with pytest.raises(errors.InPlaceError):
        np.put(leaf([1.0]), [0], 2.0)
    with pytest.raises(TypeError, match="Cannot cast"):
        np.copyto(Tensor([1]), Tensor([1.5]))


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (lambda t: t[Tensor(1.0)], IndexError, "integer"),
        (lambda t: t[Tensor([0.0, 1.0])], IndexError, "integer"),
        (lambda t: t[1.0], IndexError, "integer"),
        (lambda t: t["a"], IndexError, "integer"),
        (lambda t: t[[0.5]], IndexError, "integer"),
        (lambda t: t[5], IndexError, "out of bounds"),
        (lambda t: t[[0, -4]], IndexError, "out of bounds"),
        (lambda t: t[0, 0, 0], IndexError, "too many indices"),
        (lambda t: t[[True, False]], IndexError, "boolean index did not match"),
        (lambda t: t[[[0, 1], [2]]], ValueError, "inhomogeneous"),
        (lambda t: np.take(t, [7]), IndexError, "out of bounds"),
        (lambda t: np.take(t, np.array([0.5])), TypeError, "Cannot cast"),
        (lambda t: np.take(t, 0, mode="round"), ValueError, "'clip'"),
        (lambda t: np.take(t[:0], 0, 0, mode="wrap"), IndexError, "length 0"),
        (lambda t: np.take_along_axis(t, np.zeros((3, 1)), 1), IndexError, "integer"),
        (lambda t: np.compress([[True]], t), ValueError, "one axis"),
        (lambda t: np.choose([2], [t, t]), ValueError, "2 choices"),
        (lambda t: np.select([t > 0], [t, t]), ValueError, "one choice a condition"),
        (lambda t: np.select([t], [t]), TypeError, "booleans"),
        (lambda t: np.piecewise(t, [t > 0], []), ValueError, "as many functions"),
        (lambda t: np.reshape(t, -1, order="A"), errors.UnsupportedError, "order='C'"),
        (lambda t: np.ravel(t, order="K"), errors.UnsupportedError, "order='C'"),
        (lambda t: np.reshape(t.T, -1, copy=False), ValueError, "leave out copy=False"),
        (lambda t: np.moveaxis(t, (0, 1), 0), ValueError, "each axis needs one place"),
        (lambda t: np.rollaxis(t, 0, 4), ValueError, "places from 0 to 2"),
        (lambda t: np.matrix_transpose(t[0]), ValueError, "two axes"),
        (lambda t: np.concatenate([t, t[:, :1]]), errors.ShapeError, "joined axis"),
        (lambda t: np.concatenate([t, t], dtype=int), TypeError, "leave out dtype="),
        (lambda t: np.stack([t, t[0]]), errors.ShapeError, "one shape"),
        (lambda t: np.block([[t], t]), ValueError, "one depth"),
        (lambda t: np.block((t, t)), TypeError, "lists"),
        (lambda t: np.split(t, 2), ValueError, "use array_split"),
        (lambda t: np.array_split(t, 0), ValueError, "one part or more"),
        (lambda t: np.vsplit(t[0], 1), ValueError, "use split"),
        (lambda t: np.unstack(t[0, 0]), ValueError, "no axis"),
        (lambda t: np.delete(t, 7, 0), IndexError, "out of bounds"),
        (lambda t: np.insert(t, [0, 7], 1.0, 0), IndexError, "from -3 to 3"),
        (lambda t: np.fliplr(t[0]), ValueError, "use flip"),
        (lambda t: np.flipud(t[0, 0]), ValueError, "has none"),
        (lambda t: np.rot90(t, axes=(0, 0)), ValueError, "two different ones"),
        (lambda t: np.diag(t[None]), ValueError, "use diagonal"),
        (lambda t: np.resize(t, (-1, 2)), ValueError, "negative length"),
        (lambda t: np.meshgrid(t, indexing="yx"), ValueError, "'xy' or 'ij'"),
        (lambda t: np.pad(t, 1, "mean"), errors.UnsupportedError, "concatenate"),
        (lambda t: np.pad(t, 1, "reflect", reflect_type="odd"), errors.UnsupportedError, "2 \\* pad"),
        (lambda t: np.pad(t, 1, "edge", constant_values=2), ValueError, "takes no constant_values"),
        (lambda t: np.pad(t, -1), ValueError, "whole numbers from 0"),
        (lambda t: np.pad(t, 0.5), TypeError, "whole numbers from 0"),
        (lambda t: np.pad(t, 1, constant_values=[leaf(1.0), 2.0]), errors.UnsupportedError, "join them"),
    ],
)
def test_what_is_refused_and_how(wrong: Callable[[Tensor], Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        wrong(leaf(np.arange(6).reshape(3, 2)))


@pytest.mark.parametrize("history", [False, True])
@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        (0, [1.0, 2.0, 3.0], errors.ShapeError),
        ([0, 1], np.ones((3, 2)), errors.ShapeError),
        ([True, False, True], np.ones((3, 2)), (errors.ShapeError, ValueError)),
        (7, 1.0, IndexError),
        (Tensor([0.0]), 1.0, IndexError),
        ((0, 0, 0), 1.0, IndexError),
        ([True, False], 1.0, IndexError),
    ],
    ids=repr,
)
def test_what_cannot_be_written(key: Any, value: Any, error: Any, history: bool) -> None:
    t = leaf(np.zeros((3, 2))) * 1 if history else Tensor(np.zeros((3, 2)))
    with pytest.raises(error):
        t[key] = value
    assert not t.numpy().any()
