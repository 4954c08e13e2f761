"""Activations: each function by its formula, its derivatives by differences, its layer by its function."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.cases.case import signed
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import functional as F  # noqa: N812 - as everybody calls it
from tinygrad_edu.testing import gradcheck, gradgradcheck

X = 4 * signed(3, 5)  # on both sides of every bend, and on none


def normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def held(x: float, low: float, high: float) -> float:
    return min(max(x, low), high)


Formula = Callable[[float], float]
CASES: list[tuple[nn.Module, Callable[[Any], Any], Formula]] = [
    (nn.Sigmoid(), F.sigmoid, sigmoid),
    (nn.Tanh(), F.tanh, math.tanh),
    (nn.ReLU(), F.relu, lambda x: max(x, 0)),
    (nn.ReLU(inplace=True), lambda x: F.relu(x, inplace=True), lambda x: max(x, 0)),
    (nn.ReLU6(), F.relu6, lambda x: held(x, 0, 6)),
    (nn.LeakyReLU(), F.leaky_relu, lambda x: max(x, 0.01 * x)),
    (nn.LeakyReLU(0.3), lambda x: F.leaky_relu(x, 0.3), lambda x: max(x, 0.3 * x)),
    (nn.ELU(), F.elu, lambda x: x if x > 0 else math.exp(x) - 1),
    (nn.ELU(0.7), lambda x: F.elu(x, alpha=0.7), lambda x: x if x > 0 else 0.7 * (math.exp(x) - 1)),
    (nn.SELU(), F.selu, lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (math.exp(x) - 1))),
    (nn.GELU(), F.gelu, lambda x: x * normal(x)),
    (
        nn.GELU("tanh"),
        lambda x: F.gelu(x, approximate="tanh"),
        lambda x: 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    (nn.SiLU(), F.silu, lambda x: x * sigmoid(x)),
    (nn.Mish(), F.mish, lambda x: x * math.tanh(math.log1p(math.exp(x)))),
    (nn.Softplus(), F.softplus, lambda x: math.log1p(math.exp(x))),
    (
        nn.Softplus(2.0, 3.0),
        lambda x: F.softplus(x, 2.0, threshold=3.0),
        lambda x: x if 2 * x > 3 else math.log1p(math.exp(2 * x)) / 2,
    ),
    (nn.Hardtanh(), F.hardtanh, lambda x: held(x, -1, 1)),
    (nn.Hardtanh(-2.0, 0.5), lambda x: F.hardtanh(x, -2.0, 0.5), lambda x: held(x, -2, 0.5)),
    (nn.Softsign(), F.softsign, lambda x: x / (1 + abs(x))),
    (nn.LogSigmoid(), F.logsigmoid, lambda x: math.log(sigmoid(x))),
    (nn.Hardsigmoid(), F.hardsigmoid, lambda x: held(x / 6 + 0.5, 0, 1)),
    (nn.Hardswish(), F.hardswish, lambda x: x * held(x / 6 + 0.5, 0, 1)),
    (nn.PReLU(), lambda x: F.prelu(x, Tensor(0.25)), lambda x: x if x > 0 else 0.25 * x),
]


@pytest.mark.parametrize(("layer", "function", "formula"), CASES, ids=[repr(case[0]) for case in CASES])
def test_an_activation_is_its_formula(layer: nn.Module, function: Callable[[Any], Any], formula: Formula) -> None:
    expected = np.vectorize(formula, otypes=[float])(X)
    np.testing.assert_allclose(function(Tensor(X)).numpy(), expected, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(layer.double()(Tensor(X)).numpy(), expected, rtol=1e-14, atol=1e-15)
    assert function(Tensor(X, dtype=np.float32)).dtype == (np.float64 if "PReLU" in repr(layer) else np.float32)


@pytest.mark.parametrize(("layer", "function", "formula"), CASES, ids=[repr(case[0]) for case in CASES])
def test_its_derivatives_agree_with_differences(layer: nn.Module, function: Any, formula: Any) -> None:  # noqa: ARG001
    assert gradcheck(function, X)
    assert gradgradcheck(function, X)


@pytest.mark.parametrize("function", [case[1] for case in CASES], ids=[repr(case[0]) for case in CASES])
def test_it_is_finite_and_quiet_far_out(function: Callable[[Any], Any]) -> None:
    for dtype in (np.float32, np.float64):
        x = Tensor([-1e30, -800.0, 0.0, 800.0, 1e30], dtype=dtype, requires_grad=True)
        y = function(x)
        y.sum().backward()
        assert np.isfinite(y.numpy()).all()
        assert np.isfinite(x.grad.numpy()).all()


def test_the_slopes_at_the_bends() -> None:
    def slope(function: Callable[[Any], Any], at: float) -> Any:
        x = Tensor([at], requires_grad=True)
        function(x).backward()
        return x.grad.item()

    assert slope(F.relu, 0.0) == 0.0
    assert [slope(F.relu6, at) for at in (0.0, 6.0)] == [0.0, 0.0]
    assert [slope(F.hardtanh, at) for at in (-1.0, 1.0)] == [0.0, 0.0]
    assert [slope(F.hardsigmoid, at) for at in (-3.0, 3.0)] == [0.0, 0.0]
    assert [slope(F.hardswish, at) for at in (-3.0, 3.0)] == [0.0, 1.0]
    assert slope(lambda x: F.prelu(x, np.array(0.25)), 0.0) == 0.25


@pytest.mark.parametrize(
    ("shape", "along"), [((5,), (5,)), ((4, 5), (5,)), ((2, 3, 4), (3, 1)), ((2, 3, 4, 5), (3, 1, 1))]
)
def test_prelu_has_a_slope_for_each_channel(shape: tuple[int, ...], along: tuple[int, ...]) -> None:
    x, slopes = signed(*shape), signed(max(along), seed=3)
    np.testing.assert_array_equal(F.prelu(x, slopes), np.where(x > 0, x, slopes.reshape(along) * x))
    assert gradcheck(F.prelu, x, slopes)
    assert gradgradcheck(F.prelu, x, slopes)


def test_prelu_learns_its_slope() -> None:
    layer = nn.PReLU(num_parameters=3, init=0.5)
    layer(Tensor([[-2.0, 1.0, -4.0]])).sum().backward()
    assert layer.weight.grad.tolist() == [-2.0, 0.0, -4.0]
    assert layer.weight.tolist() == [0.5] * 3
    with pytest.raises(ShapeError, match="it has one number, or 4, one for each channel"):
        layer(Tensor(np.zeros((2, 4, 3))))


def test_softmax_along_an_axis() -> None:
    e = np.exp(X)
    for function, layer, expected in [
        (F.softmax, nn.Softmax, lambda axis: e / e.sum(axis=axis, keepdims=True)),
        (F.log_softmax, nn.LogSoftmax, lambda axis: X - np.log(e.sum(axis=axis, keepdims=True))),
    ]:
        for dim in (0, 1, -1):
            np.testing.assert_allclose(function(Tensor(X), dim).numpy(), expected(dim), rtol=1e-12)
            np.testing.assert_allclose(layer(dim=dim)(Tensor(X)).numpy(), expected(dim), rtol=1e-12)
            assert gradcheck(lambda x, f=function, d=dim: f(x, dim=d), X)
        np.testing.assert_allclose(layer()(Tensor(X)).numpy(), expected(1), rtol=1e-12)
        assert function(Tensor(X), 1, dtype=np.float32).dtype == np.float32
        with pytest.raises(ValueError, match="say along which axis"):
            layer()(Tensor(np.zeros((2, 3, 4))))


def test_settings_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="'none' or 'tanh', not 'erf'"):
        nn.GELU("erf")(Tensor(X))
    with pytest.raises(ValueError, match=r"1.0 is not less than 1.0"):
        F.hardtanh(Tensor(X), 1.0, 1.0)


def test_layers_show_their_settings() -> None:
    assert repr(nn.Sequential(nn.ReLU(True), nn.LeakyReLU(0.2, True), nn.PReLU(3), nn.Softmax(dim=1))) == (
        "Sequential(\n  (0): ReLU(inplace=True)\n  (1): LeakyReLU(negative_slope=0.2, inplace=True)\n"
        "  (2): PReLU(num_parameters=3)\n  (3): Softmax(dim=1)\n)"
    )


@pytest.mark.parametrize("function", [case[1] for case in CASES], ids=[repr(case[0]) for case in CASES])
def test_arrays_give_tensors_too(function: Callable[[Any], Any]) -> None:
    assert isinstance(function(X), Tensor)
    np.testing.assert_array_equal(function(X).numpy(), function(Tensor(X)).numpy())
