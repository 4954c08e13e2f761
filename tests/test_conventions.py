"""The conventions at the awkward points, each documented where it is defined."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.kinks import KINKS, RAISES, Kink
from tinygrad_edu import Tensor, func
from tinygrad_edu.autograd import grad
from tinygrad_edu.rules import table


def slope(function: Callable[[Any], Any], at: Any, dtype: Any = np.float64) -> Any:
    x = Tensor(at, dtype=dtype, requires_grad=True)
    return grad(function(x).sum(), x)[0].tolist()


@pytest.mark.parametrize("kink", KINKS, ids=str)
def test_the_convention_where_there_is_no_derivative(kink: Kink) -> None:
    with np.errstate(all="ignore"):  # an infinite slope is announced as a division by zero
        np.testing.assert_allclose(slope(kink.function, kink.at), kink.slope)


@pytest.mark.parametrize("kink", [kink for kink in KINKS if kink.forward and np.isfinite(kink.slope).all()], ids=str)
def test_forward_mode_has_the_same_convention(kink: Kink) -> None:
    at = np.asarray(kink.at)
    with np.errstate(all="ignore"):
        columns = [func.jvp(kink.function, (at,), (unit,))[1].numpy().sum() for unit in units(at.shape)]
        np.testing.assert_allclose(np.reshape(columns, at.shape), kink.slope, atol=1e-15)


def units(shape: tuple[int, ...]) -> Any:
    size = int(np.prod(shape, dtype=int))
    return np.eye(size).reshape(size, *shape)


def test_every_convention_has_a_case() -> None:
    documented = {op.name for found in table().values() for op in found if op.kink}
    assert documented == {kink.op for kink in KINKS} | RAISES


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
