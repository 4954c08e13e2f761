"""Normalisation: its formula, its derivatives, what the running statistics do, what is kept, and what is refused."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.case import signed
from tinygrad_edu import Tensor, func, nn
from tinygrad_edu.errors import MutationError, ShapeError
from tinygrad_edu.nn.functional import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from tinygrad_edu.testing import gradcheck, gradgradcheck

Function = Callable[..., Any]  # of x, weight and bias

CASES: dict[str, tuple[Function, tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
    # the function, the shapes of x and of weight and bias, and the axes that share a mean
    "batch_norm rows": (lambda x, w, b: batch_norm(x, None, None, w, b, True), (6, 3), (3,), (0,)),
    "batch_norm images": (lambda x, w, b: batch_norm(x, None, None, w, b, True), (3, 2, 2, 3), (2,), (0, 2, 3)),
    "instance_norm": (lambda x, w, b: instance_norm(x, None, None, w, b), (2, 3, 4), (3,), (2,)),
    "layer_norm": (lambda x, w, b: layer_norm(x, 4, w, b), (3, 4), (4,), (1,)),
    "layer_norm images": (lambda x, w, b: layer_norm(x, (2, 3), w, b), (2, 2, 2, 3), (2, 3), (2, 3)),
    "layer_norm of all": (lambda x, w, b: layer_norm(x, (2, 3), w, b), (2, 3), (2, 3), (0, 1)),
}


def spread(weight: Any, x: Any) -> Any:
    """Along the channels, or the last axes."""
    return weight if weight.shape == x.shape[-weight.ndim :] else weight.reshape(-1, *[1] * (x.ndim - 2))


def by_definition(x: Any, weight: Any, bias: Any, axes: tuple[int, ...], eps: float = 1e-5) -> Any:
    mean, variance = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps) * spread(weight, x) + spread(bias, x)


@pytest.mark.parametrize("name", CASES)
def test_it_is_its_formula(name: str) -> None:
    function, shape, weights, axes = CASES[name]
    x, w, b = signed(*shape), signed(*weights, seed=1), signed(*weights, seed=2)
    for given in (x, Tensor(x), Tensor(x, requires_grad=True)):
        found = function(given, w, b)
        np.testing.assert_allclose(
            np.asarray(found.detach() if given is not x else found), by_definition(x, w, b, axes)
        )


def test_group_norm_is_layer_norm_of_each_group() -> None:
    x, w, b = signed(2, 6, 3), signed(6, seed=1), signed(6, seed=2)
    grouped = x.reshape(2, 2, 9)
    normal = (grouped - grouped.mean(axis=2, keepdims=True)) / np.sqrt(grouped.var(axis=2, keepdims=True) + 1e-5)
    np.testing.assert_allclose(group_norm(x, 2, w, b), normal.reshape(2, 6, 3) * w[:, None] + b[:, None])


def test_rms_norm_is_its_formula() -> None:
    x, w = signed(2, 3, 4), signed(4, seed=1)
    np.testing.assert_allclose(rms_norm(x, 4, w, 0.1), x / np.sqrt((x**2).mean(axis=2, keepdims=True) + 0.1) * w)


EPS = 0.3  # large, so that it shows in every derivative
DERIVED: dict[str, tuple[Function, tuple[int, ...], tuple[int, ...]]] = {
    "batch_norm rows": (lambda x, w, b: batch_norm(x, None, None, w, b, True, eps=EPS), (6, 3), (3,)),
    "batch_norm images": (lambda x, w, b: batch_norm(x, None, None, w, b, True, eps=EPS), (3, 2, 2, 3), (2,)),
    "batch_norm evaluated": (
        lambda x, w, b: batch_norm(x, np.array([0.5, -1.0]), np.array([0.3, 2.0]), w, b, eps=EPS),
        (3, 2, 2),
        (2,),
    ),
    "instance_norm": (lambda x, w, b: instance_norm(x, None, None, w, b, eps=EPS), (2, 3, 4), (3,)),
    "group_norm": (lambda x, w, b: group_norm(x, 2, w, b, EPS), (2, 4, 3), (4,)),
    "group_norm rows": (lambda x, w, b: group_norm(x, 2, w, b, EPS), (3, 6), (6,)),
    "layer_norm": (lambda x, w, b: layer_norm(x, 4, w, b, EPS), (3, 4), (4,)),
    "layer_norm images": (lambda x, w, b: layer_norm(x, (2, 3), w, b, EPS), (2, 2, 2, 3), (2, 3)),
    "layer_norm of all": (lambda x, w, b: layer_norm(x, (2, 3), w, b, EPS), (2, 3), (2, 3)),
    "rms_norm": (lambda x, w, b: rms_norm(x, (2, 3), w, EPS) + b, (2, 2, 3), (2, 3)),
}


@pytest.mark.parametrize("name", DERIVED)
def test_derivatives_agree_with_differences(name: str) -> None:
    function, shape, weights = DERIVED[name]
    operands = signed(*shape), signed(*weights, seed=1), signed(*weights, seed=2)
    assert gradcheck(function, *operands)
    assert gradgradcheck(function, *operands)


@pytest.mark.parametrize("name", DERIVED)
def test_recorded_gradients_are_the_same_numbers(name: str) -> None:
    """What `forward` found on its way and what is computed anew for higher derivatives agree."""
    function, shape, weights = DERIVED[name]
    operands = [Tensor(a, requires_grad=True) for a in (signed(*shape), signed(*weights), signed(*weights, seed=2))]
    out, g = function(*operands), signed(*shape, seed=3)
    recorded = tg.autograd.grad(out, operands, g, create_graph=True)
    for a, b in zip(recorded, tg.autograd.grad(out, operands, g), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", DERIVED)
def test_forward_mode_is_the_transpose(name: str) -> None:
    """<g, jvp(t)> = <vjp(g), t>."""
    function, shape, weights = DERIVED[name]
    operands = signed(*shape), signed(*weights, seed=1), signed(*weights, seed=2)
    tangents = signed(*shape, seed=4), signed(*weights, seed=5), signed(*weights, seed=6)
    _, pushed = func.jvp(function, operands, tangents)
    _, pull = func.vjp(function, *operands)
    g = signed(*shape, seed=3)
    pulled = sum(np.vdot(a.numpy(), t) for a, t in zip(pull(g), tangents, strict=True))
    assert np.vdot(pushed.numpy(), g) == pytest.approx(pulled, rel=1e-9)


@pytest.mark.parametrize("name", DERIVED)
def test_a_number_in_the_weights_place_is_no_weight(name: str) -> None:
    function, shape, weights = DERIVED[name]
    x = signed(*shape)
    ones, zeros = np.ones(weights), np.zeros(weights)
    np.testing.assert_allclose(function(x, None, zeros), function(x, ones, zeros))
    if name != "rms_norm":
        np.testing.assert_allclose(function(x, ones, None), function(x, ones, zeros))
        assert gradcheck(lambda x: function(x, None, None), x)


@pytest.mark.parametrize("name", DERIVED)
@pytest.mark.parametrize("index", [0, 1, 2])
def test_each_operand_gets_its_gradient_alone_too(name: str, index: int) -> None:
    function, shape, weights = DERIVED[name]
    arrays = [signed(*shape), signed(*weights, seed=1), signed(*weights, seed=2)]
    tensors = [Tensor(a, requires_grad=True) for a in arrays]
    g = signed(*shape, seed=3)
    function(*tensors).backward(g)
    alone = [Tensor(a, requires_grad=i == index) for i, a in enumerate(arrays)]
    out = function(*alone)
    out.backward(g)
    np.testing.assert_allclose(alone[index].grad.numpy(), tensors[index].grad.numpy())


def test_what_the_graph_keeps() -> None:
    """For a bias nothing; for weights the input and two numbers a channel, and never the normalised numbers."""
    x, w, b = signed(6, 3), Tensor(signed(3), requires_grad=True), Tensor(signed(3), requires_grad=True)
    node = batch_norm(x, None, None, signed(3), b, True).grad_fn
    assert [value for value in node.saved.values() if isinstance(value, np.ndarray)] == []
    node = batch_norm(x, None, None, w, b, True).grad_fn
    kept = {name: value for name, value in node.saved.items() if isinstance(value, np.ndarray)}
    assert kept["x"] is x
    assert {name: value.size for name, value in kept.items() if name != "x"} == {"mean": 3, "scale": 3}


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (nn.BatchNorm1d(4), "batch_norm"),
        (nn.BatchNorm1d(4).eval(), "batch_norm"),
        (nn.InstanceNorm1d(4), "instance_norm"),
        (nn.LayerNorm(3), "layer_norm"),
        (nn.RMSNorm(3), "rms_norm"),
    ],
    ids=["batch", "evaluated", "instance", "layer", "rms"],
)
def test_it_is_one_op(layer: nn.Module, name: str) -> None:
    x = Tensor(signed(2, 4, 3), requires_grad=True)
    assert [node.op.name for node in tg.autograd.ancestors(layer(x))] == [name]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ["BatchNorm2d", "InstanceNorm2d", "LayerNorm", "RMSNorm"])
def test_the_dtype_stays(name: str, dtype: Any) -> None:
    layer = getattr(nn, name)(*([(2, 3, 40)] if name.endswith(("LayerNorm", "RMSNorm")) else [2])).to(dtype)
    x = Tensor(signed(5, 2, 3, 40), dtype=dtype, requires_grad=True)
    out = layer(x)
    (out * out).sum().backward()
    assert out.dtype == x.grad.dtype == dtype
    assert all(value.dtype in (dtype, np.int64) for value in layer.state_dict().values())
    exact = layer.to(np.float64)(x.detach().astype(float)).numpy()
    np.testing.assert_allclose(out.numpy(), exact, atol=4 * np.finfo(dtype).eps, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", ["BatchNorm2d", "InstanceNorm2d", "LayerNorm", "RMSNorm"])
def test_squares_that_do_not_fit_float16(name: str) -> None:
    layer = getattr(nn, name)(*([(2, 3, 4)] if name.endswith(("LayerNorm", "RMSNorm")) else [2])).half()
    x = Tensor(300 * signed(5, 2, 3, 4), dtype=np.float16, requires_grad=True)
    out = layer(x)
    out.sum().backward()
    np.testing.assert_allclose(out.numpy(), layer.double()(x.detach().astype(float)).numpy(), atol=4e-3)
    assert np.isfinite(x.grad.numpy()).all()


def test_numpys_promotion() -> None:
    x = signed(4, 3)
    assert layer_norm(x.astype(np.float32), 3, signed(3)).dtype == np.float64
    assert batch_norm(x, None, None, signed(3).astype(np.float32), training=True).dtype == np.float64
    assert batch_norm(np.arange(12).reshape(4, 3), None, None, training=True).dtype == np.float64
    assert batch_norm(x.astype(np.float32), np.zeros(3), np.ones(3), signed(3)).dtype == np.float64
    assert rms_norm([[3, 4]], 2).dtype == np.float64


def test_a_strided_input() -> None:
    x = signed(3, 8, 6, 4)[:, ::2, ::-2].swapaxes(2, 3)
    w, b = signed(4, seed=1), signed(4, seed=2)
    t = Tensor(np.ascontiguousarray(x), requires_grad=True)
    out = batch_norm(tg.from_numpy(x), None, None, w, b, True)
    np.testing.assert_allclose(out.numpy(), by_definition(x, w, b, (0, 2, 3)))
    batch_norm(t.swapaxes(2, 3), None, None, w, b, True).backward(signed(3, 4, 3, 4))
    straight = Tensor(np.ascontiguousarray(x.swapaxes(2, 3)), requires_grad=True)
    batch_norm(straight, None, None, w, b, True).backward(signed(3, 4, 3, 4))
    np.testing.assert_allclose(t.grad.numpy(), straight.grad.numpy().swapaxes(2, 3))


# ---- running statistics


def test_running_statistics_go_a_share_of_the_way() -> None:
    """x has mean 4 and, estimated for more than these four numbers, variance 20 / 3."""
    layer, x = nn.BatchNorm1d(1, momentum=0.25), np.array([[1.0], [3.0], [5.0], [7.0]], np.float32)
    layer(x)
    assert layer.running_mean.tolist() == [1.0]
    assert layer.running_var.item() == pytest.approx(0.75 + 0.25 * 20 / 3)
    layer(x)
    assert layer.running_mean.tolist() == [1.75]
    assert layer.num_batches_tracked.item() == 2


def test_without_momentum_they_are_the_average_of_all_batches() -> None:
    layer, batches = nn.BatchNorm1d(3, momentum=None), signed(4, 5, 3).astype(np.float32)
    for batch in batches:
        layer(batch)
    np.testing.assert_allclose(layer.running_mean.numpy(), batches.mean(axis=(0, 1)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.running_var.numpy(), batches.var(axis=1, ddof=1).mean(axis=0), rtol=1e-5)


def test_those_of_instances_follow_the_average_over_the_batch() -> None:
    layer, x = nn.InstanceNorm1d(2, momentum=1.0, track_running_stats=True), signed(4, 2, 5).astype(np.float32)
    layer(x)
    np.testing.assert_allclose(layer.running_mean.numpy(), x.mean(axis=(0, 2)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.running_var.numpy(), x.var(axis=2, ddof=1).mean(axis=0), rtol=1e-5)


def test_evaluation_uses_them_and_changes_nothing() -> None:
    layer, x = nn.BatchNorm1d(2), signed(5, 2).astype(np.float32)
    layer(x)
    before = {name: np.array(value) for name, value in layer.state_dict().items()}
    out = layer.eval()(x)
    mean, variance = before["running_mean"], before["running_var"]
    np.testing.assert_allclose(out.numpy(), (x - mean) / np.sqrt(variance + 1e-5), rtol=1e-5)
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(np.asarray(value), before[name])
    np.testing.assert_array_equal(layer(x[:1]).numpy(), out.numpy()[:1])  # one row is enough here


def test_without_recording_they_follow_too() -> None:
    layer = nn.BatchNorm1d(2, momentum=1.0)
    with tg.no_grad():
        layer(np.array([[1.0, 2.0], [3.0, 6.0]], np.float32))
    assert layer.running_mean.tolist() == [2.0, 4.0]


def test_a_layer_used_twice_before_backward() -> None:
    layer, x = nn.BatchNorm1d(3), Tensor(signed(5, 3), requires_grad=True)
    (layer(x) ** 3 + layer(2 * x + 1) ** 3).sum().backward()
    twice = x.grad.numpy()
    x.grad = None
    (2 * nn.BatchNorm1d(3)(x) ** 3).sum().backward()
    np.testing.assert_allclose(twice, x.grad.numpy(), rtol=1e-3)


def test_running_statistics_that_a_graph_kept_must_not_change_before_backward() -> None:
    layer, x = nn.BatchNorm1d(3).eval(), Tensor(signed(5, 3), requires_grad=True)
    out = layer(x).sum()
    layer.train()(x)
    with pytest.raises(MutationError, match=r"batch_norm kept its '(mean|variance)'"):
        out.backward()
    assert x.grad is None


def test_an_input_changed_before_backward_is_refused() -> None:
    x = Tensor(signed(5, 3))
    w = Tensor(signed(3), requires_grad=True)
    out = layer_norm(x, 3, w)
    x += 1
    with pytest.raises(MutationError, match="layer_norm kept its 'x'"):
        out.sum().backward()


def test_reset() -> None:
    layer = nn.BatchNorm1d(2)
    with tg.no_grad():
        layer.weight += 3
        layer.bias += 3
    layer(signed(5, 2))
    layer.reset_parameters()
    fresh = nn.BatchNorm1d(2).state_dict()
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(np.asarray(value), np.asarray(fresh[name]))


def test_a_constant_channel_is_no_division_by_zero() -> None:
    x = Tensor(np.ones((4, 2), np.float32), requires_grad=True)
    out = nn.BatchNorm1d(2)(x)
    (out**2).sum().backward()
    np.testing.assert_array_equal(out.numpy(), 0)
    np.testing.assert_array_equal(x.grad.numpy(), 0)


# ---- refusals

X = signed(4, 3)
REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "one row": (lambda: nn.BatchNorm1d(3)(X[:1]), ShapeError, "not more than one value per channel"),
    "one row, the way out": (lambda: nn.BatchNorm1d(3)(X[:1]), ValueError, "model.eval()"),
    "features": (lambda: nn.BatchNorm1d(5)(X), ShapeError, "made for 5 features, the length of axis 1"),
    "features, the way out": (lambda: nn.BatchNorm1d(5)(X), ShapeError, "write BatchNorm1d(3)"),
    "images for rows": (lambda: nn.BatchNorm1d(3)(signed(2, 3, 4, 4)), ShapeError, "it takes (N, C) or (N, C, L)"),
    "rows for images": (lambda: nn.BatchNorm2d(3)(X), ShapeError, "it takes (N, C, H, W), and this input (4, 3)"),
    "one place": (lambda: nn.InstanceNorm1d(3)(signed(2, 3, 1)), ShapeError, "not more than one value"),
    "channels of one image": (lambda: nn.InstanceNorm2d(5)(signed(3, 4, 4)), ShapeError, "the length of axis 0"),
    "groups of a layer": (lambda: nn.GroupNorm(2, 3), ValueError, "3 channels do not fall into 2 groups"),
    "groups": (lambda: group_norm(X, 2), ShapeError, "do not fall into 2 groups"),
    "channels of groups": (lambda: nn.GroupNorm(3, 6)(X), ShapeError, "made for (N, 6, ...)"),
    "last axes": (lambda: nn.LayerNorm(4)(X), ShapeError, "whose last axes are (4,), its normalized_shape"),
    "no axes": (lambda: layer_norm(X, ()), ShapeError, "last axes are ()"),
    "last axes of rms": (lambda: nn.RMSNorm((3, 3))(X), ShapeError, "last axes are (3, 3)"),
    "a weight": (lambda: layer_norm(X, 3, np.ones(4)), ShapeError, "takes a weight of shape (3,), and this one has"),
    "a bias": (lambda: batch_norm(X, None, None, None, np.ones(4), True), ShapeError, "takes a bias of shape (3,)"),
    "running": (lambda: batch_norm(X, np.zeros(4), np.ones(4)), ShapeError, "running_mean has shape (4,)"),
    "no running": (lambda: batch_norm(X, None, None), ValueError, "it needs running_mean and running_var"),
    "a single row": (lambda: batch_norm(X[0], None, None, training=True), ShapeError, "Write x[None]"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_the_way_out(name: str) -> None:
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=re.escape(message)):
        call()


def test_a_refused_batch_leaves_the_running_statistics() -> None:
    layer = nn.BatchNorm1d(3)
    with pytest.raises(ShapeError):
        layer(X[:1])
    assert layer.num_batches_tracked.item() == 0
    assert layer.running_mean.tolist() == [0.0, 0.0, 0.0]
