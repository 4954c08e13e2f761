"""First weights: their bounds, means and deviations, which are known; what they refuse."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Generator, Tensor, nn
from tinygrad_edu.errors import MutationError
from tinygrad_edu.nn import init

Fill = Callable[..., Tensor]
ROWS, COLUMNS = 300, 500  # of the weights that are looked at: fan_out, fan_in


def weights(fill: Fill, *shape: int, **options: Any) -> Any:
    t = tg.zeros(*(shape or (ROWS, COLUMNS)), dtype=np.float32)
    assert fill(t, generator=Generator().manual_seed(0), **options) is t
    return t.numpy()


def spread(values: Any, mean: float, deviation: float) -> None:
    """Mean and deviation within 5 standard errors, so that one seed in a million would fail."""
    assert abs(values.mean() - mean) < 5 * deviation / math.sqrt(values.size)
    assert abs(values.std() / deviation - 1) < 5 / math.sqrt(values.size)


@pytest.mark.parametrize(
    ("fill", "options", "bound"),
    [
        (init.uniform_, {"a": -2.0, "b": 2.0}, 2.0),
        (init.xavier_uniform_, {}, math.sqrt(6 / (ROWS + COLUMNS))),
        (init.xavier_uniform_, {"gain": 3.0}, 3 * math.sqrt(6 / (ROWS + COLUMNS))),
        (init.kaiming_uniform_, {}, math.sqrt(6 / COLUMNS)),
        (init.kaiming_uniform_, {"a": math.sqrt(5)}, 1 / math.sqrt(COLUMNS)),
        (init.kaiming_uniform_, {"mode": "fan_out"}, math.sqrt(6 / ROWS)),
        (init.kaiming_uniform_, {"nonlinearity": "tanh"}, 5 / 3 * math.sqrt(3 / COLUMNS)),
    ],
)
def test_uniform_weights(fill: Fill, options: dict[str, Any], bound: float) -> None:
    values = weights(fill, **options)
    assert 0.999 * bound < abs(values).max() <= bound * (1 + 1e-6)
    spread(values, 0.0, bound / math.sqrt(3))


@pytest.mark.parametrize(
    ("fill", "options", "mean", "deviation"),
    [
        (init.normal_, {"mean": 3.0, "std": 0.5}, 3.0, 0.5),
        (init.xavier_normal_, {}, 0.0, math.sqrt(2 / (ROWS + COLUMNS))),
        (init.kaiming_normal_, {"nonlinearity": "relu"}, 0.0, math.sqrt(2 / COLUMNS)),
        (init.kaiming_normal_, {"mode": "fan_out", "nonlinearity": "linear"}, 0.0, math.sqrt(1 / ROWS)),
        (init.kaiming_normal_, {"a": 1.0}, 0.0, math.sqrt(1 / COLUMNS)),
        (init.trunc_normal_, {}, 0.0, 0.8796),
        (init.trunc_normal_, {"mean": 1.0, "std": 0.5, "a": 0.5, "b": 1.5}, 1.0, 0.5 * 0.5396),
    ],
)
def test_normal_weights(fill: Fill, options: dict[str, Any], mean: float, deviation: float) -> None:
    spread(weights(fill, **options), mean, deviation)


def test_fans_count_the_kernel() -> None:
    values = weights(init.kaiming_uniform_, 64, 32, 5, 5)
    bound = math.sqrt(6 / (32 * 25))
    assert 0.999 * bound < abs(values).max() <= bound


@pytest.mark.parametrize(("a", "b"), [(-0.5, 0.5), (-2.0, 2.0), (1.0, 1.5)])
def test_truncated_weights_stay_inside(a: float, b: float) -> None:
    values = weights(init.trunc_normal_, a=a, b=b)
    assert a <= values.min() < a + 0.01
    assert b - 0.01 < values.max() <= b


def test_truncation_far_from_the_mean_is_refused() -> None:
    for limits in ({"a": 4.0, "b": 5.0}, {"a": 1.0, "b": -1.0}):
        with pytest.raises(ValueError, match="choose limits a < b around its mean"):
            weights(init.trunc_normal_, **limits)


@pytest.mark.parametrize("shape", [(20, 50), (50, 20), (30, 30), (10, 4, 3, 3)])
def test_orthogonal_rows_or_columns(shape: tuple[int, ...]) -> None:
    matrix = weights(init.orthogonal_, *shape, gain=2.0).reshape(shape[0], -1).astype(np.float64)
    products = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(products, 4 * np.eye(len(products)), atol=1e-5)


def test_orthogonal_matrices_turn_and_mirror_alike() -> None:
    generator = Generator().manual_seed(0)
    signs = [np.linalg.det(init.orthogonal_(tg.zeros(3, 3), generator=generator).numpy()) for _ in range(400)]
    corners = [init.orthogonal_(tg.zeros(1, 1), generator=generator).item() for _ in range(400)]
    assert 150 < sum(sign > 0 for sign in signs) < 250
    assert 150 < sum(corner > 0 for corner in corners) < 250


def test_sparse_columns() -> None:
    values = weights(init.sparse_, 10, 2000, sparsity=0.25, std=0.5)
    assert set((values == 0).sum(axis=0)) == {3}  # a quarter of 10, rounded up
    assert abs((values == 0).mean(axis=1) - 0.3).max() < 0.06
    spread(values[values != 0], 0.0, 0.5)


def test_constants() -> None:
    assert init.constant_(tg.zeros(2), 3.5).tolist() == [3.5, 3.5]
    assert init.ones_(tg.zeros(2)).tolist() == [1.0, 1.0]
    assert init.zeros_(tg.ones(2)).tolist() == [0.0, 0.0]
    assert init.eye_(tg.ones(2, 3)).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


@pytest.mark.parametrize(
    ("name", "param", "gain"),
    [
        ("linear", None, 1.0),
        ("conv2d", None, 1.0),
        ("sigmoid", None, 1.0),
        ("tanh", None, 5 / 3),
        ("relu", None, math.sqrt(2)),
        ("leaky_relu", None, math.sqrt(2 / 1.0001)),
        ("leaky_relu", 0.2, math.sqrt(2 / 1.04)),
        ("selu", None, 0.75),
    ],
)
def test_gains(name: str, param: float | None, gain: float) -> None:
    assert init.calculate_gain(name, param) == pytest.approx(gain)


def test_seeds_make_the_same_weights() -> None:
    tg.manual_seed(3)
    first = nn.Linear(4, 3).weight.tolist()
    tg.manual_seed(3)
    assert nn.Linear(4, 3).weight.tolist() == first
    assert nn.Linear(4, 3).weight.tolist() != first


def test_filling_keeps_the_parameter_and_counts_as_a_change() -> None:
    layer = nn.Linear(2, 2)
    memory, y = layer.weight.array, layer(Tensor(np.ones((1, 2), np.float32), requires_grad=True))
    init.normal_(layer.weight)
    assert layer.weight.array is memory
    assert layer.weight.requires_grad
    with pytest.raises(MutationError):
        y.sum().backward()


@pytest.mark.parametrize(
    ("action", "error", "said"),
    [
        (lambda: init.xavier_uniform_(tg.zeros(3)), ValueError, "no fan_in and fan_out"),
        (lambda: init.kaiming_normal_(tg.zeros(3)), ValueError, "Fill a bias with zeros_"),
        (lambda: init.kaiming_normal_(tg.zeros(3, 3), mode="fan"), ValueError, "'fan_in' or 'fan_out', not 'fan'"),
        (lambda: init.kaiming_normal_(tg.zeros(3, 3), nonlinearity="rel"), ValueError, "no gain is known for 'rel'"),
        (lambda: init.orthogonal_(tg.zeros(3)), ValueError, "orthogonal_ fills a matrix"),
        (lambda: init.eye_(tg.zeros(3)), ValueError, "eye_ fills a matrix"),
        (lambda: init.sparse_(tg.zeros(3), 0.1), ValueError, "sparse_ fills a matrix"),
        (lambda: init.uniform_(tg.zeros(3, dtype=int)), TypeError, "write t.float()"),
        (lambda: init.normal_(np.zeros(3)), TypeError, "init fills a Tensor in place, and this is a ndarray"),
        (lambda: init.normal_(tg.zeros(3), generator=0), TypeError, "generator= takes"),
    ],
)
def test_what_cannot_be_filled_is_told_why(action: Callable[[], Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        action()


def test_empty_weights_stay_empty() -> None:
    for fill in (init.xavier_uniform_, init.xavier_normal_, init.kaiming_uniform_, init.kaiming_normal_):
        assert fill(tg.zeros(0, 0)).shape == (0, 0)
