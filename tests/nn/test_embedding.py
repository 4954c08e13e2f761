"""Embedding: the rows that it picks, the gradients that they get, and numbers that name no row."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.case import signed
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.functional import embedding, embedding_bag
from tinygrad_edu.testing import gradcheck, gradgradcheck

TABLE = signed(5, 3)
INDICES = np.array([[1, 4, 1], [0, 1, 4]])


@pytest.mark.parametrize("indices", [INDICES, INDICES[0], np.array(2), np.zeros((2, 0), int), [3, 3]], ids=str)
def test_rows_by_their_numbers(indices: Any) -> None:
    expected = TABLE[np.array(indices)]
    np.testing.assert_array_equal(embedding(indices, TABLE), expected)
    found = embedding(Tensor(indices), Tensor(TABLE, requires_grad=True))
    np.testing.assert_array_equal(found.detach().numpy(), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_whole_numbers_of_any_size(dtype: Any) -> None:
    np.testing.assert_array_equal(embedding(INDICES.astype(dtype), TABLE), TABLE[INDICES])


def test_a_row_that_is_picked_often_gets_the_sum() -> None:
    """Row 1 three times, row 4 twice, row 0 once, rows 2 and 3 never."""
    table = Tensor(TABLE, requires_grad=True)
    embedding(INDICES, table).sum().backward()
    np.testing.assert_array_equal(table.grad.numpy(), np.repeat([[1.0], [3.0], [0.0], [0.0], [2.0]], 3, axis=1))


def test_derivatives_agree_with_differences() -> None:
    assert gradcheck(lambda t: embedding(INDICES, t), TABLE)
    assert gradgradcheck(lambda t: embedding(INDICES, t) ** 3, TABLE)
    assert gradcheck(lambda t: embedding(np.array(2), t), TABLE)


def test_the_padding_learns_nothing_to_any_order() -> None:
    table = Tensor(TABLE, requires_grad=True)
    rows = embedding(INDICES, table, padding_idx=1)
    np.testing.assert_array_equal(rows.detach().numpy(), TABLE[INDICES])
    (first,) = tg.autograd.grad((rows**3).sum(), table, create_graph=True)
    expected = 3 * TABLE**2 * np.array([[1.0], [0.0], [0.0], [0.0], [2.0]])
    np.testing.assert_allclose(first.detach().numpy(), expected)
    (second,) = tg.autograd.grad(first.sum(), table)
    np.testing.assert_allclose(second.numpy(), 6 * TABLE * np.array([[1.0], [0.0], [0.0], [0.0], [2.0]]))
    g = Tensor(signed(2, 3, 3), requires_grad=True)
    (first,) = tg.autograd.grad(embedding(INDICES, table, padding_idx=1), table, g, create_graph=True)
    first.sum().backward()
    np.testing.assert_array_equal(g.grad.numpy()[..., 0], INDICES != 1)


def test_the_padding_may_be_counted_from_the_end() -> None:
    layer = nn.Embedding(5, 3, padding_idx=-1)
    assert layer.padding_idx == 4
    assert layer.weight.detach().numpy()[4].tolist() == [0, 0, 0]
    assert layer.weight.detach().numpy()[:4].all()
    layer(INDICES).sum().backward()
    assert layer.weight.grad.numpy()[4].tolist() == [0, 0, 0]


def test_max_norm_scales_down_the_rows_that_are_picked() -> None:
    layer = nn.Embedding.from_pretrained(np.array([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]]), max_norm=1.0)
    np.testing.assert_allclose(layer(np.array([0, 1])).numpy(), [[0.6, 0.8], [0.3, 0.4]], rtol=1e-6)
    np.testing.assert_allclose(layer.weight.numpy(), [[0.6, 0.8], [0.3, 0.4], [6.0, 8.0]], rtol=1e-6)


def test_indices_that_are_filled_anew_do_no_harm() -> None:
    table, batch = Tensor(TABLE, requires_grad=True), np.array([0, 0])
    out = embedding(batch, table).sum()
    batch[:] = 3
    out.backward()
    assert table.grad.numpy()[:, 0].tolist() == [2, 0, 0, 0, 0]


def test_a_pretrained_table_is_shared() -> None:
    table = Tensor(TABLE)
    layer = nn.Embedding.from_pretrained(table, freeze=False)
    assert np.shares_memory(layer.weight.detach().numpy(), table.numpy())
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    copied = nn.Embedding.from_pretrained(TABLE)
    assert not np.shares_memory(copied.weight.detach().numpy(), TABLE)
    assert not copied(INDICES).requires_grad


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "too large": (
        lambda: embedding(np.array([[0, 1], [5, 2]]), TABLE),
        IndexError,
        "the index 5 at place (1, 0) of the input is none of the table's 5 rows, which are 0 to 4. Make the table"
        " larger, nn.Embedding(6, ...)",
    ),
    "negative": (lambda: nn.Embedding(5, 3)([0, -1]), IndexError, "the index -1 at place 1 of the input"),
    "a single one": (lambda: embedding(7, TABLE), IndexError, "the index 7 of the input is none"),
    "fractions": (lambda: embedding(np.array([0.0, 1.0]), TABLE), TypeError, "holds float64: write x.long()"),
    "booleans": (lambda: embedding(np.array([True]), TABLE), TypeError, "holds bool"),
    "a vector for a table": (lambda: embedding(INDICES, TABLE[0]), ShapeError, "has the shape (rows, features)"),
    "padding": (lambda: nn.Embedding(5, 3, padding_idx=5), ValueError, "padding_idx=5 is none of the 5 rows"),
    "padding of a function": (lambda: embedding(INDICES, TABLE, -6), ValueError, "padding_idx=-6 is none"),
    "sparse": (lambda: embedding(INDICES, TABLE, sparse=True), ValueError, "leave sparse out"),
    "by frequency": (lambda: embedding(INDICES, TABLE, scale_grad_by_freq=True), ValueError, "np.bincount(indices)"),
    "pretrained": (lambda: nn.Embedding.from_pretrained([1.0, 2.0]), ShapeError, "and this one (2,)"),
    "another table": (lambda: nn.Embedding(5, 3, _weight=Tensor(TABLE.T)), ShapeError, "the table is (3, 5)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_the_way_out(name: str) -> None:
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=re.escape(message)):
        call()


def test_a_negative_number_is_told_about_padding() -> None:
    with pytest.raises(IndexError, match=r"the index -1 at place 1 .*Rows are not counted from the end.*padding_idx=0"):
        nn.Embedding(5, 3)(np.array([2, -1]))


BAGS: list[tuple[Any, Any, dict[str, Any]]] = [
    (INDICES, None, {"mode": "mean"}),
    (INDICES, None, {"mode": "max"}),
    (INDICES.reshape(-1), np.array([0, 2, 2]), {"mode": "sum"}),
    (INDICES.reshape(-1), np.array([0, 2, 2]), {"mode": "mean"}),
    (INDICES.reshape(-1), np.array([0, 2, 2]), {"mode": "max"}),
    (INDICES.reshape(-1), np.array([0, 2, 6]), {"mode": "sum", "include_last_offset": True}),
    (INDICES, None, {"mode": "mean", "padding_idx": 1}),
    (INDICES, None, {"mode": "max", "padding_idx": 1}),
    (np.array([[1, 1], [2, 1]]), None, {"mode": "max", "padding_idx": 1}),
]


@pytest.mark.parametrize(("words", "offsets", "options"), BAGS, ids=str)
def test_bags_are_pytorchs(words: Any, offsets: Any, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
    found = []
    for library in (tg, torch):
        layer = library.nn.EmbeddingBag(5, 3, **options).double()
        layer.load_state_dict({"weight": library.tensor(TABLE)})
        out = layer(library.tensor(words), None if offsets is None else library.tensor(offsets))
        (out**2).sum().backward()
        found.append((out.detach().numpy(), layer.weight.grad.numpy()))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-12)
    if options["mode"] != "max":  # where the same row is in a bag twice its gradient is shared, and not the first one's
        np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-12)


def test_bags_of_given_rows() -> None:
    layer = nn.EmbeddingBag.from_pretrained(TABLE, mode="sum")
    np.testing.assert_allclose(layer(INDICES), TABLE[INDICES].sum(1))
    assert (layer.weight.requires_grad, repr(layer)) == (False, "EmbeddingBag(5, 3, mode='sum')")
    assert nn.EmbeddingBag.from_pretrained(TABLE, freeze=False).weight.requires_grad
    with pytest.raises(ShapeError, match="EmbeddingBag"):
        nn.EmbeddingBag.from_pretrained(TABLE[0])


def test_the_rows_of_a_bag_are_weighed() -> None:
    weights = Tensor(signed(2, 3), requires_grad=True)
    layer = nn.EmbeddingBag(5, 3, mode="sum").double()
    out = layer(INDICES, per_sample_weights=weights)
    expected = (layer.weight[INDICES] * weights[..., None]).sum(axis=1)
    np.testing.assert_allclose(out.detach(), expected.detach())
    assert gradcheck(lambda w: embedding_bag(INDICES, TABLE, mode="sum", per_sample_weights=w), weights)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: embedding_bag(INDICES[0], TABLE), "one axis and offsets="),
        (lambda: embedding_bag(INDICES, TABLE, np.array([0])), "one axis and offsets="),
        (lambda: embedding_bag(INDICES[0], TABLE, np.array([0, 4])), "at most 3"),
        (lambda: embedding_bag(INDICES[0], TABLE, np.array([1])), "from 0"),
        (lambda: embedding_bag(INDICES, TABLE, mode="median"), "'median'"),
        (lambda: embedding_bag(INDICES, TABLE, per_sample_weights=signed(2, 3)), "weights are for a sum"),
    ],
)
def test_bags_that_cannot_be_are_told(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()
