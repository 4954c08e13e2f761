"""Dropout: how many numbers fall, that their mean stays, that gradients fall with them, and what is refused."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.case import signed
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.functional import dropout, dropout1d, dropout2d
from tinygrad_edu.testing import gradcheck, gradgradcheck


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.75])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_share_p_falls_and_the_mean_stays(p: float, dtype: Any) -> None:
    out = dropout(np.ones(100_000, dtype), p, generator=generator())
    assert out.dtype == dtype
    assert (out == 0).mean() == pytest.approx(p, abs=0.01)
    assert out.mean() == pytest.approx(1, abs=0.02)
    np.testing.assert_array_equal(out[out != 0], dtype(1 / (1 - p)))


@pytest.mark.parametrize(
    ("function", "shape", "channel"),
    [(dropout1d, (50, 40, 3), (2,)), (dropout1d, (2000, 3), (1,)), (dropout2d, (50, 40, 3, 2), (2, 3))],
)
def test_whole_channels_fall(function: Callable[..., Any], shape: tuple[int, ...], channel: tuple[int, ...]) -> None:
    out = function(np.ones(shape), 0.3, generator=generator())
    fallen = (out == 0).any(axis=channel)
    np.testing.assert_array_equal(fallen, (out == 0).all(axis=channel))
    assert fallen.mean() == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("function", [dropout, dropout1d], ids=["dropout", "dropout1d"])
def test_derivatives_agree_with_differences(function: Callable[..., Any]) -> None:
    def drop(x: Any) -> Any:
        return function(x, 0.4, generator=generator())

    assert gradcheck(drop, signed(3, 4, 2))
    assert gradgradcheck(lambda x: drop(x) ** 3, signed(3, 4, 2))


def test_gradients_fall_where_numbers_fell() -> None:
    x = Tensor(np.ones((20, 30)), requires_grad=True)
    out = nn.Dropout(0.5)(x)
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), out.detach().numpy())


def test_it_is_one_op() -> None:
    x = Tensor(np.ones(3), requires_grad=True)
    assert [node.op.name for node in tg.autograd.ancestors(dropout(x))] == ["dropout"]


@pytest.mark.parametrize("layer", [nn.Dropout, nn.Dropout1d, nn.Dropout2d])
def test_evaluation_is_the_input_itself(layer: Any) -> None:
    x = Tensor(np.ones((2, 3, 4, 5)[: 3 if layer is nn.Dropout1d else 4]))
    state = tg.random.get_rng_state()
    assert layer(0.5).eval()(x) is x
    assert layer(0.0)(x) is x
    assert tg.random.get_rng_state() == state  # and nothing was drawn


def test_p_of_1_leaves_nothing() -> None:
    x = Tensor(np.ones(50), requires_grad=True)
    out = dropout(x, 1.0)
    out.sum().backward()
    assert not out.detach().numpy().any()
    assert not x.grad.numpy().any()


def test_the_numbers_are_those_of_the_seed() -> None:
    layer, x = nn.Dropout(0.5), np.ones(1000)
    tg.manual_seed(3)
    first = layer(x)
    assert (layer(x) != first).any()
    tg.manual_seed(3)
    np.testing.assert_array_equal(layer(x), first)
    np.testing.assert_array_equal(dropout(x, generator=generator(3)), dropout(x, generator=generator(3)))


def test_a_number_and_whole_numbers() -> None:
    assert dropout(Tensor(3.0), 0.5, generator=generator(2)).item() in (0.0, 6.0)
    assert set(dropout(np.array([2, 2, 2, 2]), 0.5, generator=generator()).tolist()) == {0.0, 4.0}
    assert dropout(np.ones(4, np.float16), 0.5).dtype == np.float16


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "p above 1": (lambda: nn.Dropout(1.5), ValueError, "Dropout: p is the probability that a number is set to 0"),
    "p below 0": (lambda: dropout(np.ones(2), -0.1), ValueError, "from 0 to 1, and not -0.1"),
    "p that is nan": (lambda: dropout(np.ones(2), np.nan), ValueError, "and not nan"),
    "images": (lambda: nn.Dropout1d(0.5)(np.ones((2, 3, 4, 5))), ShapeError, "whole channels of (C, L) or (N, C, L)"),
    "one image": (lambda: nn.Dropout2d(0.5)(np.ones((3, 4, 5))), ShapeError, "x[None] to make one image a batch"),
    "a generator": (lambda: dropout(np.ones(2), generator=0), TypeError, "numpy.random.default_rng(0)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_the_way_out(name: str) -> None:
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=re.escape(message)):
        call()
