"""What learners trip over in other engines, one test a row of the evidence, with the answer here."""

import gc
import math
import weakref
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, errors, no_grad
from tinygrad_edu.func import grad

ON_PURPOSE = pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.AccumulationWarning")


def leaf(value: Any, name: str | None = None) -> Tensor:
    return Tensor(value, requires_grad=True, name=name)


@ON_PURPOSE
def test_backward_twice_adds_up_to_24() -> None:
    """2x^2 at 3: micrograd says 36, because what lies between adds up too; MyGrad says 12."""
    x = leaf(3.0)
    y = 2 * (x * x)
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 24.0


def test_a_node_that_is_reused_runs_once_and_after_all_that_used_it() -> None:
    """micrograd#64: b is used directly and through c."""
    a = leaf(2.0)
    b = a * 3
    c = b * b
    (c + b).backward()
    assert a.grad.item() == 2 * 6 * 3 + 3


def test_a_value_that_changed_after_its_use_is_refused() -> None:
    """DeZero, micrograd and autograd give the gradient of a mixture."""
    x, y = leaf(np.ones(3), "x"), leaf(np.ones(3))
    z = (x * y).sum()
    with no_grad():
        x += 1
    with pytest.raises(errors.MutationError, match="'x'"):
        z.backward()


def test_a_chain_of_fifty_thousand_ops() -> None:
    """micrograd ends at 1,200, MyGrad at 5,000."""
    x = y = leaf(1.0)
    for _ in range(50_000):
        y = y + 1e-5
    y.backward()
    assert x.grad.item() == 1.0


@pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 3), (4, 1), (4, 3), (2, 1, 1)])
def test_a_gradient_has_the_shape_of_its_tensor_however_it_was_broadcast(shape: tuple[int, ...]) -> None:
    """autograd#376, #384."""
    x, y = leaf(np.ones(shape)), np.arange(24.0).reshape(2, 4, 3)
    (x * y).sum().backward()
    assert x.grad.shape == shape
    expected = np.broadcast_to(np.ones(shape), y.shape) * y
    assert x.grad.sum().item() == expected.sum()


@pytest.mark.parametrize(
    ("function", "at", "slopes"),
    [
        (np.max, [2.0, 2.0, 1.0], [0.5, 0.5, 0.0]),
        (np.min, [2.0, 1.0, 1.0], [0.0, 0.5, 0.5]),
        (lambda x: np.maximum(x, x).sum(), [2.0, 3.0], [1.0, 1.0]),
        (lambda x: np.maximum(x, 2.0).sum(), [2.0, 3.0], [0.5, 1.0]),
        (lambda x: tg.relu(x).sum(), [-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]),
        (lambda x: np.abs(x).sum(), [-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]),
    ],
)
def test_kinks_have_one_documented_slope(function: Any, at: list[float], slopes: list[float]) -> None:
    """Ties of max share (MyGrad 1 0 0, DeZero 1 1 0; maximum(x, x) gives 0 in MyGrad); relu'(0) = 0 (jax#37821)."""
    assert grad(function)(np.array(at)).tolist() == slopes


@pytest.mark.parametrize(
    ("function", "at", "slopes"),
    [
        (np.linalg.norm, [0.0, 0.0], [0.0, 0.0]),
        (lambda x: np.sqrt(x).sum(), [0.0, 4.0], [0.0, 0.25]),
        (lambda x: np.where(x > 0, np.log(x), 0.0).sum(), [0.0, 4.0], [0.0, 0.25]),
        (lambda x: np.where(x > 0, 1 / x, x).sum(), [0.0, 2.0], [1.0, -0.25]),
    ],
)
def test_no_nan_from_norm_and_sqrt_at_0_nor_from_the_branch_not_taken(
    function: Any, at: list[float], slopes: list[float]
) -> None:
    """autograd#151, #617; pytorch#36923: autograd, MyGrad and tinygrad give nan."""
    with np.errstate(all="ignore"):
        assert grad(function)(np.array(at)).tolist() == slopes


@pytest.mark.parametrize("function", [tg.softmax, tg.log_softmax, tg.logsumexp, tg.sigmoid, tg.softplus])
def test_exponentials_do_not_overflow(function: Callable[..., Tensor]) -> None:
    """autograd#110; without a warning of NumPy, which would be an error here."""
    x = leaf([1000.0, 0.0, -1000.0])
    y = function(x).sum()
    y.backward()
    assert np.isfinite(y.item())
    assert np.isfinite(x.grad.numpy()).all()


def test_whole_numbers_are_refused_with_what_to_write() -> None:
    """MyGrad leaves grad None in silence, DeZero makes integer gradients."""
    with pytest.raises(TypeError, match=r"Tensor\(2\.0, requires_grad=True\)"):
        Tensor(2, requires_grad=True)


def test_an_array_times_a_tensor_is_a_tensor() -> None:
    """pytorch#9651; an array of objects in tinygrad."""
    x = leaf(np.ones(3))
    for y in (np.arange(3.0) * x, np.float64(2.0) * x, 2 - x, [1.0, 2.0, 3.0] * x, np.matmul(np.ones((2, 3)), x)):
        assert type(y) is Tensor
        assert y.requires_grad


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (lambda x: 2**x, 4 * math.log(2)),
        (lambda x: 2 - x, -1.0),
        (lambda x: 1 / x, -0.25),
        (lambda x: x**x, 4 * (math.log(2) + 1)),
        (lambda x: 7 % x, -3.0),
        (lambda x: abs(-x), 1.0),
    ],
)
def test_numbers_may_stand_on_the_left(function: Any, slope: float) -> None:
    """micrograd raises a TypeError for 2**Value."""
    assert grad(function)(2.0).item() == pytest.approx(slope)


def test_items_may_be_assigned() -> None:
    """autograd#58, #177; MyGrad#93."""
    w, y = leaf([1.0, 2.0]), tg.zeros(3)
    for i in range(2):
        y[i] = w[i] ** 2
    y[2] += w.sum()
    (y * y).sum().backward()
    assert w.grad.tolist() == [2 * 1 * 2 + 6.0, 2 * 4 * 4 + 6.0]


def test_a_graph_is_freed_by_reference_counting() -> None:
    """Nodes of micrograd and autograd (#103) are cycles that wait for the collector."""
    gc.disable()
    try:
        x = leaf(np.ones(3))
        y = np.exp(x) * x
        watched = [weakref.ref(y), weakref.ref(y.grad_fn)]
        del x, y
        assert [ref() for ref in watched] == [None, None]
    finally:
        gc.enable()


def test_a_gpu_is_asked_for_by_name() -> None:
    """autograd#46: open since 2015. Without CuPy it is said what to install."""
    x = leaf(np.ones(3))
    assert x.to("cpu") is x
    if find_spec("cupy") is None:
        with pytest.raises(errors.DeviceError, match="pip install cupy-cuda13x"):
            x.to("cuda")
    else:
        moved = x.to("cuda")
        (moved * moved).sum().backward()
        assert x.grad.tolist() == [2.0] * 3


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda w, x: (w @ x).backward(), ["'w'", "(2, 3)", "x @ w.T"]),
        (lambda w, x: (w * 2).backward(), ["shape (2, 3)", "t.sum().backward()"]),
        (lambda w, x: w.detach().sum().backward(), ["requires_grad=True"]),
        (lambda w, x: w.__iadd__(1), ["'w'", "with no_grad()"]),
        (lambda w, x: np.fft.fft(w), ["np.fft.fft", "Op(np.fft.fft"]),
        (lambda w, x: np.mean([w, w]), ["stack(tensors)"]),
    ],
)
def test_errors_say_which_tensor_and_what_to_write(call: Callable[..., Any], told: list[str]) -> None:
    """pytorch#18523, #31569, #2940."""
    with pytest.raises(errors.TinygradError) as caught:
        call(leaf(np.ones((2, 3)), "w"), leaf(np.ones((2, 3)), "x"))
    for part in told:
        assert part in str(caught.value)
