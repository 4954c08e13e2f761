"""The kernels for GPUs compute what NumPy's lines do: their C++ is compiled for the CPU here, and run beside them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

from tests.duck import kernels as compiled
from tinygrad_edu import Tensor, autograd, kernels, optim
from tinygrad_edu.nn import functional as F  # noqa: N812 - as everywhere
from tinygrad_edu.nn.functional import normalized
from tinygrad_edu.nn.functional.losses import classes
from tinygrad_edu.nn.functional.losses.labels import places

if compiled.COMPILER is None:
    pytest.skip("there is no C++ compiler", allow_module_level=True)

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
ROUNDED = {np.float32: 2e-6, np.float64: 2e-15}


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a kernel is asked of CuPy, the compiler of the machine gives it."""

    def kernel(kind: str, *definition: str) -> Any:
        return getattr(compiled, kind)(*definition)

    monkeypatch.setattr(kernels, "cuda_kernel", kernel)


def near(found: Any, expected: Any, dtype: Any) -> None:
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=ROUNDED[dtype] * 10, atol=ROUNDED[dtype])


def numbers(dtype: Any, *shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(0, 3, shape).astype(dtype)


X = np.array([-1000.0, -90.0, -5.0, -0.3, -0.0, 0.0, 0.7, 5.0, 90.0, 1000.0])

FORWARD: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sigmoid": (kernels.sigmoid, special.expit),
    "softplus": (lambda x: kernels.softplus(x, 1.0), lambda x: np.logaddexp(0, x)),
    "softplus, beta 2": (lambda x: kernels.softplus(x, 2.0), lambda x: np.logaddexp(0, 2 * x) / 2),
    "silu": (lambda x: kernels.silu(x)[0], lambda x: x * special.expit(x)),
    "silu, beside": (lambda x: kernels.silu(x)[1], special.expit),
    "gelu": (lambda x: kernels.gelu(x)[0], lambda x: x * special.ndtr(x)),
    "gelu, beside": (lambda x: kernels.gelu(x)[1], special.ndtr),
}


@DTYPES
@pytest.mark.parametrize("name", FORWARD)
def test_forward_kernels_are_scipys_functions(name: str, dtype: Any) -> None:
    kernel, function = FORWARD[name]
    near(kernel(X.astype(dtype)), function(X).astype(dtype), dtype)


RULES: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "sigmoid": (F.sigmoid, lambda g, x: kernels.sigmoid_x(g, F.sigmoid(x))),
    "tanh": (np.tanh, lambda g, x: kernels.tanh_x(g, np.tanh(x))),
    "relu": (F.relu, lambda g, x: kernels.relu_x(g, np.maximum(x, 0))),
    "silu": (F.silu, lambda g, x: kernels.silu_x(g, F.sigmoid(x), x * F.sigmoid(x))),
    "gelu": (F.gelu, lambda g, x: kernels.gelu_x(g, x, special.ndtr(x).astype(x.dtype))),
}


@DTYPES
@pytest.mark.parametrize("name", RULES)
def test_rule_kernels_are_the_rules(name: str, dtype: Any) -> None:
    function, kernel = RULES[name]
    x, g = X.astype(dtype), numbers(dtype, X.size)
    t = Tensor(x, requires_grad=True)
    (expected,) = autograd.grad(function(t), t, g)
    near(np.asarray(kernel(g, np.asarray(x))), expected.numpy(), dtype)


def case_of_classes(dtype: Any, shape: tuple[int, ...], weighed: bool) -> tuple[Any, ...]:
    """Logits, labels, what each row counts, and by what their sum is divided."""
    logits, random = numbers(dtype, *shape), np.random.default_rng(1)
    axis = classes.class_axis(logits)
    labels = random.integers(0, shape[axis], shape[:axis] + shape[axis + 1 :])
    rows = random.uniform(0, 2, labels.shape).astype(dtype) if weighed else None
    return logits, places(labels), rows, 7


@DTYPES
@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("shape", [(5,), (6, 4), (3, 4, 2, 5)])
def test_cross_entropy_from_kernels_is_that_of_numpys_lines(shape: tuple[int, ...], weighed: bool, dtype: Any) -> None:
    case = case_of_classes(dtype, shape, weighed)
    for found, expected in zip(classes._on_gpu(*case), classes._cross_entropy_and_slope(*case), strict=True):
        near(np.asarray(found), expected, dtype)


def test_cross_entropy_from_kernels_is_finite_for_large_logits() -> None:
    logits = np.array([[1e4, -1e4, 0.0], [0.0, -1e4, 1e4]])
    loss, slope = classes._on_gpu(logits, places(np.array([0, 1])), None, None)
    assert loss.tolist() == [0.0, 2e4]
    assert slope.tolist() == [[0.0, 0.0, 0.0], [0.0, -1.0, 1.0]]


LAYOUTS = {
    "batch norm": ((4, 3, 2, 5), "b", "b"),
    "instance norm": ((4, 3, 2, 5), "ab", "b"),
    "group norm": ((4, 2, 3, 5), "ab", "bc"),
    "layer norm": ((4, 3, 5), "ab", "c"),
    "layer norm of two axes": ((4, 3, 5), "a", "bc"),
}


@DTYPES
@pytest.mark.parametrize("bare", [False, True], ids=["with weights", "without weights"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_normalisation_from_kernels_is_that_of_numpys_lines(
    name: str, bare: bool, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape, means, weights = LAYOUTS[name]
    layout = normalized.Layout(shape, means, weights)
    x, g = numbers(dtype, *shape), numbers(dtype, *shape, seed=1)
    weight, bias = (1.0, 0.0) if bare else (numbers(dtype, *layout.to_shape, seed=s) for s in (2, 3))

    def everything() -> list[Any]:
        running = normalized.Running(np.zeros(3, dtype), np.ones(3, dtype), 0.1) if name == "batch norm" else None
        out, mean, scale = normalized._normalized_and_moments(x, weight, bias, layout, 1e-5, running)
        rules = [normalized._by_x(g, x, weight, mean, scale, layout), normalized._by_bias(g, layout)]
        rules.append(normalized._by_weight(g, x, mean, scale, layout))
        return [out, mean, scale, *rules, *(running or ())[:2]]

    expected = everything()
    for module in (kernels, normalized):
        monkeypatch.setattr(module, "HOST", ())
    monkeypatch.setattr(kernels, "is_cupy", lambda array: isinstance(array, np.ndarray))
    for one, (a, b) in enumerate(zip(everything(), expected, strict=True)):
        np.testing.assert_allclose(a, b, rtol=ROUNDED[dtype] * 50, atol=ROUNDED[dtype] * 50, err_msg=str(one))


OPTIMISERS: dict[str, Callable[[Any], optim.Optimizer]] = {
    "Adam": lambda p: optim.Adam(p, lr=0.1),
    "Adam with decay": lambda p: optim.Adam(p, lr=0.1, weight_decay=0.1),
    "AdamW": lambda p: optim.AdamW(p, lr=0.1, weight_decay=0.1),
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD with momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "SGD with dampening": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.3),
    "Nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, maximize=True),
}


@DTYPES
@pytest.mark.parametrize("name", OPTIMISERS)
def test_steps_by_kernels_are_those_of_numpys_lines(name: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def trained() -> Any:
        w = Tensor(numbers(dtype, 3, 4), requires_grad=True)
        optimizer = OPTIMISERS[name]([w])
        for step in range(4):
            w.grad = Tensor(numbers(dtype, 3, 4, seed=step))
            optimizer.step()
        return w.detach().numpy()

    expected = trained()
    for module in (kernels, optim.adam, optim.sgd):
        monkeypatch.setattr(module, "HOST", ())
    monkeypatch.setattr(kernels, "is_cupy", lambda array: isinstance(array, np.ndarray))
    near(trained(), expected, dtype)


def test_kernels_are_for_floats_of_32_and_64_bits_of_one_dtype_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.ones(2)
    assert not kernels.fits(x)
    monkeypatch.setattr(kernels, "is_cupy", lambda array: isinstance(array, np.ndarray))
    assert kernels.fits(x)
    assert kernels.fits(x, x)
    assert not kernels.fits(x, x.astype(np.float32))
    assert not kernels.fits(x.astype(np.float16))
    assert not kernels.fits(x.astype(int))
    assert not kernels.fits(Tensor(x))
