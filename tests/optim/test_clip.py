"""Clipping: the whole gradient as one vector, also where its squares do not fit its dtype."""

import math

import numpy as np
import pytest

from tinygrad_edu import Tensor, errors, nn, optim
from tinygrad_edu.optim.blocks import BLOCK


def holder(gradient: object, dtype: type = np.float64) -> Tensor:
    g = Tensor(gradient, dtype=dtype)
    w = Tensor(np.zeros(g.shape), requires_grad=True, dtype=dtype)
    w.grad = g
    return w


def test_one_factor_for_all() -> None:
    a, b, number, without = holder([3.0, 0.0]), holder([[0.0], [4.0]]), holder(12.0), Tensor([1.0], requires_grad=True)
    total = optim.clip_grad_norm_((p for p in (a, b, number, without)), 1.3)
    assert total.item() == 13
    found = [*a.grad.tolist(), *b.grad.tolist(), number.grad.item()]
    np.testing.assert_allclose(found[:2], [0.3, 0.0], rtol=1e-6)
    np.testing.assert_allclose(number.grad.item(), 1.2, rtol=1e-6)
    assert without.grad is None


def test_a_short_gradient_stays_as_it_is() -> None:
    w = holder([0.3, 0.4])
    assert nn.utils.clip_grad_norm_(w, 1.0).item() == 0.5
    assert w.grad.tolist() == [0.3, 0.4]


def test_no_gradient_at_all_has_norm_zero() -> None:
    assert optim.clip_grad_norm_([Tensor([1.0], requires_grad=True)], 1.0).item() == 0


@pytest.mark.parametrize(("norm_type", "norm"), [(1, 7.0), (2, 5.0), (math.inf, 4.0)])
def test_norms(norm_type: float, norm: float) -> None:
    assert optim.clip_grad_norm_([holder([3.0]), holder([-4.0])], 100.0, norm_type).item() == norm


@pytest.mark.parametrize(("dtype", "size"), [(np.float16, 300.0), (np.float32, 1e25)])
def test_squares_that_overflow_do_not_count_as_infinite(dtype: type, size: float) -> None:
    w = holder(np.full(BLOCK + 1, size), dtype)
    optim.clip_grad_norm_([w], 20.0)
    np.testing.assert_allclose(w.grad.numpy(), 20 / math.sqrt(BLOCK + 1), rtol=1e-3)


def test_nan_is_no_small_gradient() -> None:
    w, v = holder([1.0, math.nan]), holder([5.0])
    v.name = "v"
    with pytest.raises(RuntimeError, match=r"norm of gradient 1 is nan.*detect_anomaly"):
        optim.clip_grad_norm_([v, w], 1.0, error_if_nonfinite=True)
    assert v.grad.item() == 5
    assert math.isnan(optim.clip_grad_norm_([v, w], 1.0).item())
    assert math.isnan(v.grad.item())


def test_by_value() -> None:
    w, number = holder([-3.0, 0.5, 3.0]), holder(-2.0)
    optim.clip_grad_value_([w, number], 1.0)
    assert (w.grad.tolist(), number.grad.item()) == ([-1.0, 0.5, 1.0], -1.0)


def test_a_graph_that_kept_the_gradient_is_refused() -> None:
    w = holder([3.0, 4.0])
    w.grad.requires_grad_()
    later = (w.grad**2).sum()
    optim.clip_grad_norm_([w], 1.0)
    with pytest.raises(errors.MutationError):
        later.backward()


def test_a_forgotten_zero_grad_is_still_told() -> None:
    w = Tensor([3.0], requires_grad=True)
    (w * w).sum().backward()
    optim.clip_grad_norm_([w], 1.0)
    with pytest.warns(errors.AccumulationWarning):
        (w * w).sum().backward()


def test_a_model_is_answered() -> None:
    with pytest.raises(TypeError, match=r"write model.parameters\(\)"):
        optim.clip_grad_norm_(nn.Linear(1, 1), 1.0)
