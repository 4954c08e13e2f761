"""Ops of one's own: what their functions and rules may do, and what is refused rather than computed wrong."""

import warnings
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Op, Tensor, autograd, errors, func
from tinygrad_edu.errors import DerivativeError

LEAVING: list[Any] = [
    lambda g, x: g * 3 * np.asarray(x) ** 2,
    lambda g, x: g * 3 * x.array**2 if isinstance(x, Tensor) else g * 3 * x**2,
    lambda g, x: g * 3 * x.item() ** 2,
    lambda g, x: g * 3 * float(x) ** 2,
    lambda g, x: g * 3 * np.asarray(x, dtype=float) ** 2,
]


@pytest.mark.parametrize("rule", LEAVING)
def test_a_rule_that_leaves_the_graph_has_no_derivative_rather_than_a_wrong_one(rule: Any) -> None:
    """Beside another path, and in functions of functions, where a missing part would be taken for 0."""
    cube = Op(lambda x: x**3, name="cube", x=rule)
    x = Tensor(2.0, requires_grad=True)
    cube(x).backward()
    assert x.grad.item() == 12.0
    for derive in (
        lambda: autograd.grad(cube(x) + x * x, x, create_graph=True),
        lambda: func.hessian(lambda x: cube(x))(Tensor(2.0)),
        lambda: func.hvp(lambda x: cube(x) + x, Tensor(2.0), Tensor(1.0)),
    ):
        with pytest.raises(errors.RuleError, match="a rule of cube leaves the graph"):
            derive()


def test_a_tensor_from_outside_is_refused_where_no_gradient_could_flow_to_it() -> None:
    w, x = Tensor([3.0], requires_grad=True), Tensor([2.0], requires_grad=True)
    inside = Op(lambda x: x * w, name="inside", x=lambda g: g * 3)
    with pytest.raises(DerivativeError, match="the function of inside returned a Tensor"):
        inside(x)
    setting = Op(lambda x, k: x * 3, name="setting", x=lambda g: g * 3)
    for hidden in ([w], (w,), {"w": [w]}):
        with pytest.raises(DerivativeError, match="setting was given a tensor that requires grad inside a list"):
            setting(x, hidden)
    assert setting(x, [w.detach()]).tolist() == [6.0]
    ruled = Op(lambda x: x * 3, name="ruled", x=lambda g: g * w)
    with pytest.raises(errors.RuleError, match="the rule of ruled for 'x' made a Tensor of arrays"):
        ruled(x).sum().backward()
    assert (x.grad, w.grad) == (None, None)


def test_what_a_function_returns_is_a_plain_array() -> None:
    def matrix(x: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.matrix(x)

    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = Op(matrix, name="matrix", x=lambda g: g)(x)
    (y * y).sum().backward()
    assert x.grad.tolist() == [[2.0, 4.0], [6.0, 8.0]]
    with pytest.raises(DerivativeError, match="the function of masked returned"):
        Op(lambda x: np.ma.masked_array(x, x > 2), name="masked", x=lambda g: g)(x)


def test_a_setting_by_keyword_only_is_not_written_to_either() -> None:
    def halving(x: Any, *, weights: Any) -> Any:
        weights /= 2
        return x * weights

    halve, weights = Op(halving, name="halve", x=lambda g, weights: g * weights), np.ones(2)
    with pytest.raises(errors.RuleError, match="the function of halve writes to what it was given"):
        halve(Tensor([1.0, 2.0], requires_grad=True), weights=weights)
    assert weights.tolist() == [1.0, 1.0]


def test_settings_by_keyword_only_and_by_products_of_ones_own_op() -> None:
    scaled = Op(lambda x, *, k=2.0: x * k, name="scaled", x=lambda g, k: g * k)
    total = Op(lambda *xs, scale=1.0: sum(xs) * scale, name="total", xs=lambda g, scale: g * scale)
    x = Tensor([1.0], requires_grad=True)
    (scaled(x, k=3.0) + scaled(x) + total(x, x, scale=4.0)).sum().backward()
    assert x.grad.tolist() == [3.0 + 2.0 + 8.0]
    assert (scaled(np.ones(1), k=3.0).tolist(), total(np.ones(1), scale=4.0).tolist()) == ([3.0], [4.0])
    careless = Op(
        lambda x: x, forward=lambda x: x * 2, name="careless", beside={"s": lambda x: x}, x=lambda g, s: g * s
    )
    with pytest.raises(DerivativeError, match="write return out, s"):
        careless(Tensor([1.0, 2.0], requires_grad=True))
