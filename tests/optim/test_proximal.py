"""Soft thresholding: exact zeros, and the minimum of an L1 penalty."""

import numpy as np
import pytest

from tinygrad_edu import Tensor, errors, nn, optim
from tinygrad_edu.optim.blocks import BLOCK


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_towards_zero_and_no_further(dtype: type) -> None:
    w = Tensor([-2.0, -0.5, -0.25, 0.0, 0.5, 1.0], requires_grad=True, dtype=dtype)
    optim.soft_threshold_([w], 0.5)
    assert w.tolist() == [-1.5, 0.0, 0.0, 0.0, 0.0, 0.5]
    assert w.dtype == dtype


def test_large_parameters_and_single_numbers() -> None:
    large, number = Tensor(np.full(BLOCK + 3, 2.0), requires_grad=True), Tensor(-2.0, requires_grad=True)
    optim.soft_threshold_(iter([large, number]), 0.5)
    assert (large == 1.5).all()
    assert number.item() == -1.5


def test_it_minimises_the_penalised_loss() -> None:
    """Of (w - a)^2 / 2 + penalty |w| the minimum is known: a, moved towards 0 by the penalty."""
    a = np.array([3.0, 0.4, -0.7, -5.0])
    w = Tensor(np.ones(4), requires_grad=True)
    optimizer = optim.SGD([w], lr=0.3)
    for _ in range(200):
        optimizer.zero_grad()
        (0.5 * (w - a) ** 2).sum().backward()
        optimizer.step()
        optim.soft_threshold_(w, 0.3 * 1.0)
    np.testing.assert_allclose(w.numpy(), [2.0, 0.0, 0.0, -4.0], rtol=1e-12)
    assert (w.numpy() == 0).tolist() == [False, True, True, False]


def test_a_graph_that_kept_the_old_weights_is_refused() -> None:
    w = Tensor([3.0], requires_grad=True)
    loss = (w**2).sum()
    optim.soft_threshold_(w, 0.1)
    with pytest.raises(errors.MutationError, match=r"test_proximal\.py"):
        loss.backward()


def test_mistakes_are_answered() -> None:
    with pytest.raises(ValueError, match="threshold has to be 0 or more, and -1 was given"):
        optim.soft_threshold_(Tensor([1.0]), -1)
    with pytest.raises(TypeError, match=r"write \[model.weight\]"):
        optim.soft_threshold_(nn.Linear(1, 1), 0.1)
