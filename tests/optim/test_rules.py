"""Every optimiser beside its formula, written out for one number."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, optim

GRADIENTS = [0.5, -2.0, 0.0, 1.5, 0.25]


def sgd(w: float, lr: float, momentum: float = 0, dampening: float = 0, nesterov: bool = False) -> Iterator[float]:
    v = None
    for g in GRADIENTS:
        v = g if v is None else momentum * v + (1 - dampening) * g
        w -= lr * (g + momentum * v if nesterov else v)
        yield w


def rmsprop(w: float, lr: float, alpha: float, momentum: float = 0, centered: bool = False) -> Iterator[float]:
    s = m = v = 0.0
    for g in GRADIENTS:
        s = alpha * s + (1 - alpha) * g**2
        m = alpha * m + (1 - alpha) * g
        v = momentum * v + g / (math.sqrt(s - m**2 if centered else s) + 1e-8)
        w -= lr * v
        yield w


def adagrad(w: float, lr: float, lr_decay: float = 0, start: float = 0) -> Iterator[float]:
    s = start
    for t, g in enumerate(GRADIENTS):
        s += g**2
        w -= lr / (1 + t * lr_decay) * g / (math.sqrt(s) + 1e-10)
        yield w


def adadelta(w: float, rho: float) -> Iterator[float]:
    s = a = 0.0
    for g in GRADIENTS:
        s = rho * s + (1 - rho) * g**2
        d = math.sqrt((a + 1e-6) / (s + 1e-6)) * g
        a = rho * a + (1 - rho) * d**2
        w -= d
        yield w


def adam(w: float, lr: float, beta1: float, beta2: float, amsgrad: bool = False, decay: float = 0) -> Iterator[float]:
    m = v = largest = 0.0
    for t, g in enumerate(GRADIENTS, 1):
        w *= 1 - lr * decay
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        largest = max(largest, v) if amsgrad else v
        w -= lr * m / (1 - beta1**t) / (math.sqrt(largest / (1 - beta2**t)) + 1e-8)
        yield w


FORMULAS: list[tuple[Callable[..., Any], dict[str, Any], Iterator[float]]] = [
    (optim.SGD, {"lr": 0.1}, sgd(3.0, 0.1)),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9}, sgd(3.0, 0.1, 0.9)),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}, sgd(3.0, 0.1, 0.9, 0.3)),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}, sgd(3.0, 0.1, 0.9, nesterov=True)),
    (optim.RMSprop, {}, rmsprop(3.0, 0.01, 0.99)),
    (optim.RMSprop, {"alpha": 0.5, "momentum": 0.9}, rmsprop(3.0, 0.01, 0.5, 0.9)),
    (optim.RMSprop, {"alpha": 0.5, "centered": True}, rmsprop(3.0, 0.01, 0.5, centered=True)),
    (optim.Adagrad, {}, adagrad(3.0, 0.01)),
    (optim.Adagrad, {"lr": 1, "lr_decay": 0.5, "initial_accumulator_value": 2}, adagrad(3.0, 1.0, 0.5, 2.0)),
    (optim.Adadelta, {}, adadelta(3.0, 0.9)),
    (optim.Adam, {}, adam(3.0, 0.001, 0.9, 0.999)),
    (optim.Adam, {"lr": 0.1, "betas": (0.5, 0.6), "amsgrad": True}, adam(3.0, 0.1, 0.5, 0.6, amsgrad=True)),
    (optim.AdamW, {"lr": 0.1}, adam(3.0, 0.1, 0.9, 0.999, decay=0.01)),
    (optim.AdamW, {"lr": 0.1, "weight_decay": 0.5}, adam(3.0, 0.1, 0.9, 0.999, decay=0.5)),
]


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)], ids=str)
@pytest.mark.parametrize(("kind", "options", "formula"), FORMULAS, ids=lambda part: getattr(part, "__name__", None))
def test_a_rule_is_its_formula(
    kind: Callable[..., Any], options: dict[str, Any], formula: Iterator[float], shape: tuple[int, ...]
) -> None:
    w = Tensor(np.full(shape, 3.0), requires_grad=True)
    optimizer = kind([w], **options)
    found = []
    for g in GRADIENTS:
        w.grad = Tensor(np.full(shape, g))
        optimizer.step()
        assert np.ptp(w.numpy()) == 0
        found.append(w.numpy().flat[0])
    np.testing.assert_allclose(found, EXPECTED.setdefault(id(formula), list(formula)), rtol=1e-12)


EXPECTED: dict[int, list[float]] = {}
"""What a formula gave, kept because several shapes are compared with it."""


def test_every_parameter_counts_its_own_steps() -> None:
    early, late = Tensor([3.0], requires_grad=True), Tensor([3.0], requires_grad=True)
    optimizer = optim.Adam([early, late], lr=0.1)
    expected = list(adam(3.0, 0.1, 0.9, 0.999))
    for step, g in enumerate([*GRADIENTS, *GRADIENTS[:1]]):
        early.grad = Tensor([g]) if step < len(GRADIENTS) else None
        late.grad = Tensor([GRADIENTS[step - 1]]) if step else None
        optimizer.step()
    assert [early.item(), late.item()] == pytest.approx([expected[-1]] * 2, rel=1e-12)


EVERY = [optim.SGD, optim.RMSprop, optim.Adagrad, optim.Adadelta, optim.Adam]


@pytest.mark.parametrize("kind", EVERY)
def test_weight_decay_is_the_l2_penalty(kind: Callable[..., Any]) -> None:
    penalised, decayed = (Tensor([1.0, -2.0], requires_grad=True) for _ in range(2))
    by_hand, by_option = kind([penalised], lr=0.1), kind([decayed], lr=0.1, weight_decay=0.3)
    for _ in range(5):
        for optimizer, w, penalty in ((by_hand, penalised, 0.3 / 2), (by_option, decayed, 0.0)):
            optimizer.zero_grad()
            (((w - 3) ** 2).sum() + penalty * (w**2).sum()).backward()
            optimizer.step()
    np.testing.assert_allclose(penalised.numpy(), decayed.numpy(), rtol=1e-12)


@pytest.mark.parametrize("kind", [*EVERY, optim.AdamW])
def test_maximize_climbs_what_descends_when_negated(kind: Callable[..., Any]) -> None:
    down, up = (Tensor([1.0, -2.0], requires_grad=True) for _ in range(2))
    descent, climb = kind([down], weight_decay=0.1), kind([up], weight_decay=0.1, maximize=True)
    for _ in range(5):
        for optimizer, w, sign in ((descent, down, 1), (climb, up, -1)):
            optimizer.zero_grad()
            (sign * (w**3).sum()).backward()
            optimizer.step()
    assert down.tolist() == up.tolist()


def test_a_centered_deviation_that_rounding_takes_below_zero_is_zero() -> None:
    w = Tensor(np.ones(1000), requires_grad=True, dtype=np.float32)
    optimizer = optim.RMSprop([w], centered=True, alpha=0.5, eps=1.0)
    g = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    for _ in range(60):  # the mean of equal gradients is each of them, and the deviation nothing
        w.grad = Tensor(g)
        optimizer.step()
    assert np.isfinite(w.numpy()).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("lr", [0.1, np.float64(0.1), np.float32(0.1), Tensor(0.1)], ids=lambda lr: type(lr).__name__)
def test_the_dtype_stays(dtype: Any, lr: Any) -> None:
    w = Tensor([1.0, 2.0], requires_grad=True, dtype=dtype)
    for optimizer in (optim.SGD([w], lr=lr, momentum=0.9, weight_decay=0.1), optim.Adam([w], lr=lr, eps=1e-3)):
        w.grad = Tensor([1.0, -1.0], dtype=dtype)
        optimizer.param_groups[0]["lr"] = lr
        optimizer.step()
        assert w.dtype == dtype
        assert {value.dtype for value in optimizer.state[w].values() if isinstance(value, Tensor)} == {np.dtype(dtype)}
