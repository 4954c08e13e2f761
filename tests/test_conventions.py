"""The conventions at the awkward points, each documented where it is defined."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor
from tinygrad_edu.autograd import grad


def slope(function: Callable[[Any], Any], at: Any, dtype: Any = np.float64) -> Any:
    x = Tensor(at, dtype=dtype, requires_grad=True)
    return grad(function(x).sum(), x)[0].tolist()


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (np.max, [2.0, 2.0, 1.0], [0.5, 0.5, 0.0]),
        (np.max, [2.0, 2.0, 2.0], [1 / 3, 1 / 3, 1 / 3]),
        (np.min, [1.0, 2.0, 1.0], [0.5, 0.0, 0.5]),
        (lambda x: x.max(axis=0), [[1.0, 5.0], [1.0, 4.0]], [[0.5, 1.0], [0.5, 0.0]]),
        (lambda x: np.maximum(x, x), 3.0, 1.0),
        (lambda x: np.minimum(x, x), 3.0, 1.0),
        (lambda x: np.maximum(x, 3.0), [2.0, 3.0, 4.0], [0.0, 0.5, 1.0]),
        (lambda x: np.minimum(3.0, x), [2.0, 3.0, 4.0], [1.0, 0.5, 0.0]),
    ],
)
def test_ties_share_the_gradient(function: Callable[[Any], Any], at: Any, expected: Any) -> None:
    np.testing.assert_allclose(slope(function, at), expected)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (tg.relu, 0.0),
        (abs, 0.0),
        (np.sign, 0.0),
        (np.sqrt, 0.0),
        (lambda x: np.sqrt(x * x), 0.0),
        (lambda x: np.sqrt((x * x).sum()), 0.0),  # the norm at the origin
        (lambda x: x**0, 0.0),
        (lambda x: x ** np.zeros(()), 0.0),
        (lambda x: x ** np.zeros(x.shape), 0.0),
        (lambda x: x**1, 1.0),
        (lambda x: x**2, 0.0),
        (lambda x: 0.0**x, 0.0),
    ],
)
def test_at_the_kink_of_zero(function: Callable[[Any], Any], expected: float) -> None:
    assert slope(function, 0.0) == expected
    assert slope(function, [0.0, 0.0]) == [expected, expected]


BRANCHES: dict[str, tuple[Callable[[Any], Any], float]] = {
    "log": (np.log, 0.0),
    "log of a negative": (np.log, -1.0),
    "root of a negative": (np.sqrt, -1.0),
    "power": (lambda x: x**0.5, -1.0),
    "reciprocal": (lambda x: 1 / x, 0.0),
    "quotient": (lambda x: np.tanh(x) / x, 0.0),
    "overflow": (np.exp, 1000.0),
    "deep": (lambda x: np.log(np.sqrt(x) * np.exp(x)), 0.0),
    "product": (lambda x: np.exp(x) * np.exp(x), 1000.0),
}


@pytest.mark.parametrize("branch", BRANCHES)
@pytest.mark.parametrize("flip", [False, True])
def test_the_branch_not_taken_puts_nothing_into_the_gradient(branch: str, flip: bool) -> None:
    function, at = BRANCHES[branch]

    def guarded(x: Any) -> Any:
        safe = x == 2.0  # only the last place takes the dangerous branch
        with np.errstate(all="ignore"):
            return np.where(safe, function(x), 3 * x) if flip is False else np.where(~safe, 3 * x, function(x))

    x = np.array([at, 2.0])
    expected = [3.0, slope(function, 2.0)]
    np.testing.assert_allclose(slope(guarded, x), expected, rtol=1e-12)
    assert slope(guarded, at) == 3.0  # a single number is held in another way
    t = Tensor(x, requires_grad=True)
    (first,) = grad(guarded(t).sum(), t, create_graph=True)
    assert first is not None
    (second,) = grad(first.sum(), t)
    assert second is not None
    assert second.tolist()[0] == 0.0
    assert np.isfinite(second.tolist()).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_is_finite_and_quiet_for_every_finite_input(dtype: Any) -> None:
    largest = float(np.finfo(dtype).max)
    at = np.array([-largest, -1e5, -800.0, -90.0, -1.0, 0.0, 1.0, 90.0, 800.0, 1e5, largest], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        x = Tensor(at, requires_grad=True)
        y = tg.sigmoid(x)
        y.sum().backward()
        single = [tg.sigmoid(Tensor(v, requires_grad=True)) for v in at]
    assert np.isfinite(y.numpy()).all()
    assert np.isfinite(x.grad.numpy()).all()
    assert (np.diff(y.numpy()) >= 0).all()
    assert y.tolist()[0] == pytest.approx(0, abs=1e-37)
    assert y.tolist()[-1] == 1
    assert [float(s) for s in single] == y.tolist()


def test_sigmoid_keeps_its_relative_accuracy_far_out() -> None:
    """0.5 (1 + tanh(x / 2)) would give 0 here."""
    assert tg.sigmoid(Tensor(-40.0)).item() == pytest.approx(np.exp(-40.0), rel=1e-12)


def test_spam_example() -> None:
    w, b = Tensor([1.0, 2.0]), Tensor(-5.0)
    for x, expected in (([5.0, 2.0], 0.982), ([1.0, 0.0], 0.018)):
        assert round(tg.sigmoid(w @ Tensor(x) + b).item(), 3) == expected


def test_a_gradient_not_computed_is_none() -> None:
    x, y = Tensor(1.0, requires_grad=True), Tensor(1.0, requires_grad=True)
    (x * 2).backward()
    assert y.grad is None


def test_a_zero_gradient_that_is_not_from_a_branch_keeps_its_nan() -> None:
    """0 * infinity is only taken for 0 where a `where` says why."""
    x = Tensor(1000.0, requires_grad=True)
    with np.errstate(all="ignore"):
        (np.exp(x) * 0.0).backward()
    assert np.isnan(x.grad.item())
