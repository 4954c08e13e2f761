"""`func`: derivatives of plain functions, nested, of trees of arguments, against each other and against PyTorch."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, errors, func, no_grad
from tinygrad_edu.func import grad, hessian, hvp, jacfwd, jacobian, jacrev, jvp, value_and_grad, vjp

A = np.array([[1.0, 2.0, -1.0], [0.5, -0.3, 0.7]])
V = np.array([0.3, -1.2, 0.8])


def curved(x: Any) -> Any:
    """Three numbers to two, with every second derivative."""
    return np.tanh(A @ x) * np.exp(x[0]) + np.array([1.0, 2.0]) * (x * x).sum()


class Layer(NamedTuple):
    w: Any
    b: Any


def scalar(x: Any) -> Any:
    return (curved(x) ** 2).sum() + x[0] * x[1] * x[2]


def close(found: Any, expected: Any, tolerance: float = 1e-10) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=tolerance, atol=tolerance)


def test_grad_of_powers_to_fourth_order() -> None:
    f: Callable[..., Any] = lambda x: x**5  # noqa: E731 - it is transformed again and again
    for expected in (80.0, 160.0, 240.0, 240.0, 120.0):
        f = grad(f)
        result = f(2.0)
        assert isinstance(result, Tensor)
        assert result.item() == pytest.approx(expected)
        assert not result.requires_grad


def test_numbers_arrays_and_tensors_are_taken() -> None:
    for x in (3.0, np.float64(3.0), np.array(3.0), Tensor(3.0), Tensor(3.0, requires_grad=True)):
        assert grad(lambda t: t * t)(x).item() == 6.0
    assert grad(lambda t: (t * t).sum())(np.array([1.0, 2.0], np.float32)).dtype == np.float32


def test_value_and_grad_with_aux_and_keywords() -> None:
    def f(x: Any, *, scale: float) -> Any:
        return (scale * x * x).sum(), {"seen": x}

    (value, aux), g = value_and_grad(f, has_aux=True)(Tensor([1.0, 2.0]), scale=3.0)
    assert value.item() == 15.0
    assert aux["seen"].tolist() == [1.0, 2.0]
    close(g, [6.0, 12.0])
    g, aux = grad(f, has_aux=True)(Tensor([1.0]), scale=1.0)
    assert g.tolist() == [2.0]


def test_several_arguments_and_trees() -> None:
    def loss(layers: Any, scale: Any) -> Any:
        out = V
        for layer in layers["hidden"]:
            out = np.tanh(layer.w @ out + layer.b)
        return (out * scale).sum() + layers["bias"][0]

    layers = {"hidden": [Layer(A, np.zeros(2)), Layer(A[:, :2], np.ones(2))], "bias": (1.0, None)}
    g, s = grad(loss, argnums=(0, 1))(layers, 2.0)
    assert isinstance(g["hidden"][0], Layer)
    assert g["hidden"][0].w.shape == (2, 3)
    assert g["bias"][0].item() == 1.0
    assert g["bias"][1] is None
    assert s.shape == ()
    assert grad(loss, argnums=-1)(layers, 2.0).item() == s.item()


def test_vjp_again_and_again() -> None:
    y, pull = vjp(curved, V)
    assert not y.requires_grad
    rows = [pull(row) for row in np.eye(2)]
    close(tg.stack(rows), jacobian(curved)(V))
    close(pull(np.array([2.0, 3.0])), 2 * rows[0] + 3 * rows[1])


def test_vjp_of_several_primals_and_a_tree_of_results() -> None:
    (product, total), pull = vjp(lambda x, y: (x * y, {"s": x.sum()}), np.ones(2), np.array([3.0, 4.0]))
    assert product.tolist() == [3.0, 4.0]
    assert total["s"].item() == 2.0
    by_x, by_y = pull((np.ones(2), {"s": 10.0}))
    close(by_x, [13.0, 14.0])
    close(by_y, [1.0, 1.0])


def test_jvp_is_the_derivative_along_a_direction() -> None:
    direction = np.array([1.0, -2.0, 0.5])
    y, moved = jvp(curved, (V,), (direction,))
    close(y, curved(V))
    close(moved, jacobian(curved)(V) @ direction)


def test_jacobians_agree_and_have_the_shape_of_result_and_argument() -> None:
    assert jacrev(curved)(V).shape == (2, 3)
    close(jacrev(curved)(V), jacfwd(curved)(V))
    close(jacobian(lambda x: x)(V), np.eye(3))
    assert jacobian(lambda x: np.outer(x, x))(V).shape == (3, 3, 3)
    assert jacobian(lambda x: x[:0])(V).shape == (0, 3)
    assert jacobian(lambda x: x.sum())(np.ones((0, 2))).shape == (0, 2)
    by_both = jacobian(lambda x, y: {"p": x * y, "s": x.sum()}, argnums=(0, 1))(np.ones(2), np.ones(2))
    assert [j.shape for j in by_both["p"]] == [(2, 2), (2, 2)]
    assert [j.shape for j in by_both["s"]] == [(2,), (2,)]
    assert not by_both["s"][1].numpy().any()


def test_jacobian_takes_the_mode_with_fewer_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    push, pull = func._Run.push, func._Run.pull
    monkeypatch.setattr(func._Run, "push", lambda self, t: taken.append("forward") or push(self, t))
    monkeypatch.setattr(func._Run, "pull", lambda self, w, retain: taken.append("reverse") or pull(self, w, retain))
    jacobian(lambda x: x.sum())(np.ones(5))
    assert taken == ["reverse"]
    taken.clear()
    jacobian(lambda x: x * np.ones(5))(2.0)
    assert taken == ["forward"]


def test_hessian_every_way_round() -> None:
    expected = hessian(scalar)(V)
    close(expected, expected.T)
    for outer in (jacrev, jacfwd):
        for inner in (jacrev, jacfwd, grad):
            close(outer(inner(scalar))(V), expected)


def test_hessian_of_several_arguments() -> None:
    h = hessian(lambda x, y: (x * x * y).sum(), argnums=(0, 1))(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    close(h[0][0], np.diag([6.0, 8.0]))
    close(h[0][1], np.diag([2.0, 4.0]))
    close(h[1][1], np.zeros((2, 2)))


def test_hvp_is_the_hessian_times_the_direction() -> None:
    direction = np.array([1.0, -2.0, 0.5])
    expected = hessian(scalar)(V).numpy() @ direction
    close(hvp(scalar, V, direction), expected)
    close(hvp(scalar, (V,), (direction,)), expected)
    by_x, by_y = hvp(lambda x, y: (x * y).sum() ** 2, (np.ones(2), np.ones(2)), (np.ones(2), np.zeros(2)))
    close(by_x, [4.0, 4.0])
    close(by_y, [8.0, 8.0])


def test_hvp_forms_no_hessian() -> None:
    """Ten million entries would not fit in the time of a test."""
    n = 3000
    x = np.linspace(-1, 1, n)
    product = hvp(lambda t: (t**3).sum() + (t.sum()) ** 2, x, np.ones(n))
    close(product, 6 * x + 2 * n)


def test_transformations_inside_one_another() -> None:
    close(grad(lambda x: jvp(np.sin, (x,), (x,))[1].sum())(V), np.cos(V) - V * np.sin(V))
    close(jvp(grad(lambda x: (x**4).sum()), (V,), (np.ones(3),))[1], 12 * V**2)
    close(grad(lambda x: vjp(np.exp, x)[1](x).sum())(V), np.exp(V) * (1 + V))
    close(jvp(lambda x: jvp(lambda y: y**3, (x,), (np.ones(3),))[1], (V,), (np.ones(3),))[1], 6 * V)
    close(grad(lambda x: (x * grad(lambda y: (x * y * y).sum())(x)).sum())(V), 6 * V**2)  # no confusion of the levels


def test_what_a_function_closes_over_is_still_recorded() -> None:
    w = Tensor(3.0, requires_grad=True)
    slope = grad(lambda x: w * x * x)(2.0)
    assert slope.requires_grad
    slope.backward()
    assert w.grad.item() == 4.0
    _, tangent = jvp(lambda x: w * x * x, (2.0,), (1.0,))
    (by_w,) = tg.autograd.grad(tangent, w)
    assert by_w.item() == 4.0


def test_a_tracked_argument_stays_in_its_graph() -> None:
    x = Tensor(2.0, requires_grad=True)
    g = grad(lambda t: t**3)(x * x)
    g.backward()
    assert x.grad.item() == pytest.approx(3 * 4 * 2**3)  # d 3 x**4 / dx


def test_nothing_is_left_behind() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    grad(lambda t: (t * t).sum())(x)
    assert x.grad is None
    with no_grad():
        g = grad(lambda t: (t * t).sum())(x)
    assert g.tolist() == [2.0, 4.0]
    assert not g.requires_grad


def test_results_that_do_not_depend_on_the_argument() -> None:
    assert grad(lambda x: Tensor(1.0))(V).tolist() == [0.0, 0.0, 0.0]
    assert grad(lambda x, y: (y * y).sum())(V, Tensor(V)).tolist() == [0.0, 0.0, 0.0]
    assert jvp(lambda x: Tensor([1.0, 2.0]), (V,), (V,))[1].tolist() == [0.0, 0.0]


def test_errors_say_what_to_write() -> None:
    with pytest.raises(errors.NonScalarBackwardError, match=r"shape \(3,\).*jacobian"):
        grad(lambda x: x * x)(V)
    with pytest.raises(errors.NonScalarBackwardError, match="is a tuple"):
        grad(lambda x: (x, x))(2.0)
    with pytest.raises(errors.GradientDtypeError, match="decimal point"):
        grad(lambda x: x * x)(2)
    with pytest.raises(TypeError, match=r"returned float.*\.item\(\)"):
        grad(lambda x: float(x))(2.0)
    with pytest.raises(ValueError, match="argnums=1"):
        grad(lambda x: x, argnums=1)(2.0)
    with pytest.raises(TypeError, match="tuples of arguments"):
        jvp(np.sin, V, V)
    with pytest.raises(ValueError, match=r"tangent has the shape of its argument, \(3,\).*\(2,\)"):
        jvp(np.sin, (V,), (np.ones(2),))
    with pytest.raises(TypeError, match="same tuples, lists and dicts"):
        jvp(lambda t: t["x"], ({"x": V},), ({"y": V},))
    with pytest.raises(TypeError, match="two things"):
        grad(lambda x: x, has_aux=True)(2.0)


def test_a_rule_that_leaves_the_graph_is_refused_by_forward_mode() -> None:
    total = tg.Op(lambda x: np.sum(x), name="total", x=lambda g, x_shape: np.full(x_shape, np.asarray(g)))
    assert grad(total)(V).tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(errors.DerivativeError, match="total leaves the graph"):
        jvp(total, (V,), (V,))


def test_against_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
    a, v = torch.tensor(A), torch.tensor(V)

    def theirs(x: Any) -> Any:
        return torch.tanh(a @ x) * torch.exp(x[0]) + torch.tensor([1.0, 2.0], dtype=a.dtype) * (x * x).sum()

    with warnings.catch_warnings(action="ignore"):  # PyTorch's own, about its compiler
        close(jacobian(curved)(V), torch.func.jacrev(theirs)(v))
        close(hessian(lambda x: (curved(x) ** 2).sum())(V), torch.func.hessian(lambda x: (theirs(x) ** 2).sum())(v))
        close(jvp(curved, (V,), (V,))[1], torch.func.jvp(theirs, (v,), (v,))[1])
