"""Linear layers: their numbers, their derivatives, what they cost, and what they refuse."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.case import numbers, signed
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.functional import bilinear, linear
from tinygrad_edu.testing import gradcheck, gradgradcheck

SHAPES = [(4, 3), (3,), (1, 3), (0, 3), (2, 5, 3), (2, 1, 4, 3)]
WEIGHT, BIAS = signed(2, 3), signed(2, seed=1)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("bias", [BIAS, None], ids=["bias", "no bias"])
def test_it_is_a_product_and_a_sum_over_the_last_axis(shape: tuple[int, ...], bias: Any) -> None:
    x = signed(*shape, seed=2)
    expected = x @ WEIGHT.T + (0 if bias is None else bias)
    for given in (x, Tensor(x)):
        np.testing.assert_allclose(np.asarray(linear(given, WEIGHT, bias)), expected, rtol=1e-15)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_its_derivatives_agree_with_differences(shape: tuple[int, ...]) -> None:
    x = signed(*shape, seed=2)
    assert gradcheck(linear, x, WEIGHT, BIAS)
    assert gradcheck(linear, x, WEIGHT)
    if x.size:
        assert gradgradcheck(linear, x, WEIGHT, BIAS)
        assert gradgradcheck(linear, x, WEIGHT)


def test_strided_operands_give_the_same() -> None:
    x, w = signed(6, 8)[::2, ::-2], signed(4, 6)[:, ::3].T
    t, u = Tensor(x, requires_grad=True), Tensor(np.ascontiguousarray(w), requires_grad=True)
    out = linear(tg.from_numpy(x), tg.from_numpy(w))
    np.testing.assert_allclose(out.numpy(), x @ w.T)
    (linear(t, u) * out).sum().backward()
    np.testing.assert_allclose(u.grad.numpy(), out.numpy().T @ x)


def test_the_gradient_of_a_shared_operand_adds_up() -> None:
    w = Tensor(signed(3, 3), requires_grad=True)
    linear(w, w).sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), np.ones((3, 3)) @ w.numpy() + np.ones((3, 3)).T @ w.numpy())


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_dtype_stays(dtype: Any) -> None:
    layer = nn.Linear(3, 2, dtype=dtype)
    out = layer(Tensor(signed(4, 3), dtype=dtype))
    out.sum().backward()
    assert out.dtype == layer.weight.grad.dtype == layer.bias.grad.dtype == dtype


def test_numpys_promotion_holds() -> None:
    layer = nn.Linear(3, 2)
    assert layer(signed(4, 3)).dtype == np.float64
    assert layer(np.ones((4, 3), np.int64)).dtype == np.float64
    mixed = linear(np.ones((4, 3), np.float32), WEIGHT.astype(np.float32), BIAS)
    np.testing.assert_array_equal(mixed, np.ones((4, 3), np.float32) @ WEIGHT.astype(np.float32).T + BIAS)


def test_the_input_of_the_first_layer_costs_no_product() -> None:
    layer = nn.Linear(3, 2)
    node = layer(Tensor(signed(4, 3), dtype=np.float32)).grad_fn
    assert set(node.saved) == {"x"}
    assert node.op.name == "linear"
    frozen = nn.Linear(3, 2).requires_grad_(False)
    assert set(frozen(Tensor(signed(4, 3), requires_grad=True)).grad_fn.saved) == {"weight"}


def test_a_sum_of_many_rows_is_as_accurate_as_numpys() -> None:
    x, layer = np.full((100_000, 1), 0.1, np.float32), nn.Linear(1, 1)
    layer(Tensor(x)).backward(Tensor(x))
    assert layer.bias.grad.item() == pytest.approx(10_000, rel=1e-5)


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((5, 4), r"Make the layer nn.Linear\(4, 2\), or give it inputs of 3 features"),
        ((4,), "4 features, the length of its last axis, and the layer takes 3"),
        ((3, 5), "give it x.T"),
        ((5, 3, 1), r"Put nn.Flatten\(\) before it"),
        ((2, 5, 4), r"Make the layer nn.Linear\(4, 2\)"),
        ((), "a single number has no axis of features"),
    ],
)
def test_an_input_that_does_not_fit_is_told_the_sizes(shape: tuple[int, ...], hint: str) -> None:
    with pytest.raises(ShapeError, match=hint):
        nn.Linear(3, 2)(Tensor(np.ones(shape, np.float32)))


@pytest.mark.parametrize(
    ("weight", "bias", "hint"),
    [
        (WEIGHT[0], None, r"a weight has the shape \(out_features, in_features\), not \(3,\)"),
        (WEIGHT, signed(3), r"its shape is \(2,\), not \(3,\)"),
        (WEIGHT, signed(1), r"its shape is \(2,\), not \(1,\)"),
        (WEIGHT, signed(4, 2), r"its shape is \(2,\), not \(4, 2\)"),
    ],
)
def test_weights_that_do_not_fit(weight: Any, bias: Any, hint: str) -> None:
    with pytest.raises(ShapeError, match=hint):
        linear(Tensor(signed(4, 3)), weight, bias)


def test_a_layer_begins_within_its_bounds() -> None:
    tg.manual_seed(0)
    layer = nn.Linear(100, 400)
    for values in (layer.weight.numpy(), layer.bias.numpy()):
        assert 0.098 < abs(values).max() <= 0.1
        assert abs(values.mean()) < 0.01
    assert layer.weight.dtype == np.float32
    before = layer.weight.numpy().copy()
    layer.reset_parameters()
    assert (layer.weight.numpy() != before).any()


def test_a_layer_shows_its_sizes() -> None:
    assert repr(nn.Linear(3, 2, bias=False)) == "Linear(in_features=3, out_features=2, bias=False)"
    assert nn.Linear(3, 2, False).bias is None
    assert list(nn.Linear(3, 2, bias=False).state_dict()) == ["weight"]
    assert repr(nn.Bilinear(2, 3, 4)) == "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)"


def test_a_layer_without_inputs_or_outputs() -> None:
    assert nn.Linear(0, 2)(np.ones((3, 0), np.float32)).shape == (3, 2)
    assert nn.Linear(2, 0)(np.ones((3, 2), np.float32)).shape == (3, 0)


def test_identity_takes_anything() -> None:
    x = Tensor(1.0)
    assert nn.Identity(54, unused=True)(x) is x
    assert repr(nn.Identity(54)) == "Identity()"


@pytest.mark.parametrize("leading", [(), (4,), (2, 3)], ids=str)
def test_bilinear_is_a_form_of_every_pair(leading: tuple[int, ...]) -> None:
    a, b, w, c = signed(*leading, 2), signed(*leading, 3, seed=1), signed(4, 2, 3, seed=2), signed(4, seed=3)
    np.testing.assert_allclose(bilinear(a, b, w, c), np.einsum("...i,kij,...j->...k", a, w, b) + c)
    assert gradcheck(bilinear, a, b, w, c)
    layer = nn.Bilinear(2, 3, 4, bias=False, dtype=np.float64)
    np.testing.assert_allclose(layer(a, b).numpy(), np.einsum("...i,kij,...j->...k", a, layer.weight.numpy(), b))
    assert abs(layer.weight.numpy()).max() <= 1 / np.sqrt(2)


@pytest.mark.parametrize(
    "action",
    [
        lambda: nn.Bilinear(2, 3, 4)(numbers(5, 3), numbers(5, 3)),
        lambda: nn.Bilinear(2, 3, 4)(numbers(5, 2), numbers(5, 2)),
        lambda: nn.Bilinear(2, 3, 4)(numbers(5, 2), numbers(1, 3)),
    ],
)
def test_bilinear_names_what_does_not_fit(action: Callable[[], Any]) -> None:
    with pytest.raises(ShapeError, match=r"do not fit a weight of shape \(4, 2, 3\)"):
        action()
