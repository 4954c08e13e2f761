"""Flatten and Unflatten: axes put together and taken apart."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.cases.case import signed
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import ShapeError

X = signed(2, 3, 4, 5)


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [((), (2, 60)), ((0,), (120,)), ((-2,), (2, 3, 20)), ((0, 1), (6, 4, 5)), ((1, 2), (2, 12, 5)), ((3, 3), X.shape)],
    ids=str,
)
def test_flatten(arguments: tuple[int, ...], shape: tuple[int, ...]) -> None:
    np.testing.assert_array_equal(nn.Flatten(*arguments)(X), X.reshape(shape))


def test_an_empty_batch() -> None:
    assert nn.Flatten()(np.zeros((0, 3, 4))).shape == (0, 12)


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [((1, (3, 1)), (2, 3, 1, 4, 5)), ((-1, [-1, 5]), (2, 3, 4, 1, 5)), ((2, (2, -1)), (2, 3, 2, 2, 5))],
    ids=str,
)
def test_unflatten(arguments: tuple[int, Any], shape: tuple[int, ...]) -> None:
    np.testing.assert_array_equal(nn.Unflatten(*arguments)(X), X.reshape(shape))


def test_gradients_come_back_in_the_first_shape() -> None:
    x = Tensor(X, requires_grad=True)
    out = nn.Sequential(nn.Flatten(), nn.Unflatten(1, (5, 12)))(x)
    out.backward(signed(2, 5, 12, seed=1))
    np.testing.assert_array_equal(x.grad.numpy(), signed(2, 5, 12, seed=1).reshape(X.shape))


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "a single sample": (lambda: nn.Flatten()(X[0, 0, 0]), "x[None] for a single one"),
    "no such axis": (lambda: nn.Flatten(1, 4)(X), "an input of shape (2, 3, 4, 5) has no axis end_dim=4"),
    "backwards": (lambda: nn.Flatten(2, 1)(X), "start_dim=2 lies behind end_dim=1"),
    "parts": (lambda: nn.Unflatten(1, (2, 2))(X), "the product of those must be 3"),
    "parts with an open one": (lambda: nn.Unflatten(1, (2, -1))(X), "does not fall into"),
    "two open ones": (lambda: nn.Unflatten(1, (-1, -1))(X), "one may be -1"),
    "no axis": (lambda: nn.Unflatten(4, (2, -1))(X), "has no axis dim=4"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_the_way_out(name: str) -> None:
    call, message = REFUSED[name]
    with pytest.raises(ShapeError, match=re.escape(message)):
        call()
