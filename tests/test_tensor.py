"""A Tensor is an array to NumPy and to Python: construction, protocols, conversions, display."""

import pickle
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor


def test_construction_copies_and_from_numpy_shares() -> None:
    array = np.array([1.0, 2.0])
    copied, shared, viewed = Tensor(array), tg.from_numpy(array), tg.as_tensor(array)
    array[0] = 9.0
    assert copied.tolist() == [1.0, 2.0]
    assert shared.tolist() == viewed.tolist() == [9.0, 2.0]
    assert tg.as_tensor(shared) is shared
    assert tg.as_tensor(array, dtype=np.float32).dtype == np.float32
    assert shared.array is array


@pytest.mark.parametrize(
    ("data", "dtype"),
    [(2.0, "f8"), (2, "i8"), (True, "?"), ([1, 2.5], "f8"), (np.float32(1), "f4"), ([[1], [2]], "i8")],
)
def test_dtypes_are_numpys(data: Any, dtype: str) -> None:
    assert Tensor(data).dtype == dtype
    assert Tensor(data, dtype=np.float32).dtype == np.float32


def test_attributes() -> None:
    t = Tensor(np.ones((2, 3)), name="w")
    assert (t.shape, t.ndim, t.size, t.T.shape, t.name, str(t.device)) == ((2, 3), 2, 6, (3, 2), "w", "cpu")
    assert len(t) == 2
    assert t.is_leaf
    assert t.grad is None
    assert t.grad_fn is None


def test_a_single_number_has_an_array_too() -> None:
    t = Tensor(2.0)
    t.array[...] = 5.0
    assert isinstance(t.array, np.ndarray)
    assert t.item() == 5.0
    assert (t * 2).item() == 10.0


def test_conversions() -> None:
    assert (float(Tensor(2.5)), int(Tensor(2.5)), bool(Tensor(0.0)), [10, 20][Tensor(1)]) == (2.5, 2, False, 20)
    assert f"{Tensor(2.0):.3f}" == "2.000"
    assert [row.tolist() for row in Tensor([[1.0], [2.0]])] == [[1.0], [2.0]]
    assert 2.0 in Tensor([1.0, 2.0])
    with pytest.raises(TypeError, match="no length"):
        len(Tensor(1.0))
    with pytest.raises(TypeError):
        iter(Tensor(1.0))
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match="size 1"):
        Tensor([1.0, 2.0]).item()


def test_repr_shows_what_matters() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    assert repr(x) == "Tensor([1., 2.], requires_grad=True, name='x')"
    assert repr(x * 2) == "Tensor([2., 4.], grad_fn=<multiply>)"
    assert repr(Tensor(1, dtype=np.float32)) == "Tensor(1., dtype=float32)"


ARRAYS: list[Any] = [np.array([3.0, 4.0]), np.array(3.0), [3.0, 4.0]]
NUMBERS: list[Any] = [np.float64(3.0), np.float32(3.0), np.int64(3), 3, 3.0, True]


@pytest.mark.parametrize("other", ARRAYS + NUMBERS, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "**"])
@pytest.mark.parametrize("data", [[1.0, 2.0], 1.5])
def test_operators_with_everything_on_either_side(data: Any, symbol: str, other: Any) -> None:
    x = Tensor(data, requires_grad=True)
    scope = {"x": x, "a": np.array(data), "o": other, "n": np.asarray(other)}
    for ours, numpys in ((f"x {symbol} o", f"a {symbol} n"), (f"o {symbol} x", f"n {symbol} a")):
        got = eval(ours, scope)
        assert type(got) is Tensor
        assert got.requires_grad
        np.testing.assert_allclose(got.numpy(), eval(numpys, scope))


@pytest.mark.parametrize("symbol", ["<", "<=", ">", ">=", "==", "!="])
def test_comparisons(symbol: str) -> None:
    x, a = Tensor([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])
    scope = {"x": x, "a": a, "b": np.array([2.0, 2.0, 2.0])}
    for call in ("x {} 2", "b {} x", "x {} x"):
        ours, numpys = call.format(symbol), call.replace("x", "a").format(symbol)
        got = eval(ours, scope)
        assert type(got) is Tensor
        assert got.tolist() == eval(numpys, scope).tolist()


def test_masks_of_comparisons_combine() -> None:
    x = Tensor([1.0, 2.0, 3.0])
    assert x[(x > 1) & ~(x > 2)].tolist() == [2.0]
    assert x[Tensor([2, 0])].tolist() == [3.0, 1.0]
    assert x[(x < 2) | (x > 2)].tolist() == [1.0, 3.0]


def test_numpys_protocols() -> None:
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    joined = np.concatenate([x, np.ones((1, 2))])
    for got in (np.exp(x), np.sum(x, axis=0), np.add.reduce(x), np.matmul(x, x), joined, np.ones(2) @ x):
        assert type(got) is Tensor
        assert got.requires_grad
    assert type(np.asarray(x)) is np.ndarray
    assert np.asarray(x, dtype=np.float32).dtype == np.float32
    assert np.shares_memory(np.asarray(x), x.numpy())
    assert np.from_dlpack(x).tolist() == x.tolist()


def test_functions_without_derivative_give_plain_results() -> None:
    x = Tensor([[1.0, 5.0], [7.0, 2.0]], requires_grad=True)
    assert np.argmax(x) == 2
    assert np.argmax(x, axis=1).tolist() == [1, 0]
    assert np.shape(x) == (2, 2)
    assert np.allclose(x, x.numpy())
    assert np.array_equal(x, x)
    assert type(np.zeros_like(x)) is np.ndarray
    np.testing.assert_allclose(x, x.numpy())


def test_methods_of_arrays() -> None:
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert x.reshape(3, 2).shape == x.view((3, -1)).shape == (3, 2)
    assert x.transpose().shape == x.transpose(1, 0).shape == x.transpose((1, 0)).shape == (3, 2)
    assert x.unsqueeze(0).squeeze().shape == (2, 3)
    assert x.flatten().shape == x.ravel().shape == (6,)
    assert Tensor([1.0, 2.0]).expand(3, 2).shape == (3, 2)
    assert x.sum(axis=1, keepdims=True).shape == (2, 1)
    assert x.mean().item() == 2.5
    assert (x.max().item(), x.min().item()) == (5.0, 0.0)
    assert x.exp().log().tolist() == pytest.approx(x.numpy())
    assert x.sigmoid().shape == x.tanh().shape == x.relu().shape == x.sqrt().shape == x.abs().shape == (2, 3)
    assert Tensor.sum.__doc__


def test_pickle_keeps_a_leaf() -> None:
    w = pickle.loads(pickle.dumps(Tensor([1.0], requires_grad=True, name="w")))
    assert (w.tolist(), w.requires_grad, w.name) == ([1.0], True, "w")


def test_creation() -> None:
    assert tg.zeros((2, 3)).shape == tg.ones(2, 3).shape == (2, 3)
    assert tg.zeros(2).shape == tg.ones([2]).shape == (2,)
    assert tg.full(2, 7.0).tolist() == [7.0, 7.0]
    assert tg.arange(3).tolist() == [0, 1, 2]
    assert tg.arange(1, 2, 0.5).tolist() == [1.0, 1.5]
    assert tg.linspace(0, 1, 3).tolist() == [0.0, 0.5, 1.0]
    assert tg.eye(2).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert tg.zeros_like(Tensor([1, 2])).dtype == np.int64
    assert tg.ones_like(Tensor([1.0, 2.0])).tolist() == [1.0, 1.0]
    assert tg.tensor([1.0], requires_grad=True).requires_grad


def test_random_numbers_repeat_after_manual_seed() -> None:
    def draw() -> list[Any]:
        tg.manual_seed(3)
        return [tg.rand(2, 3).tolist(), tg.randn((4,)).tolist(), tg.randint(0, 10, 5).tolist()]

    assert draw() == draw()
    assert tg.rand(2, 3, requires_grad=True).requires_grad


def test_hash_is_identity() -> None:
    x, y = Tensor(1.0), Tensor(1.0)
    assert len({x, y, x}) == 2


class Labelled(Tensor):
    """A subclass, as a learner may write one."""


def test_a_subclass_computes_as_its_base() -> None:
    x = Labelled([1.0, 2.0], requires_grad=True)
    y = (2 * x * x).sum()
    y.backward()
    assert type(y) is Tensor
    assert x.grad is not None
    assert x.grad.tolist() == [4.0, 8.0]
