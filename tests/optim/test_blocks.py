"""Large parameters: part by part, in place, and with little memory."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, from_numpy, optim
from tinygrad_edu.optim.blocks import BLOCK, in_blocks

KINDS = [
    (optim.SGD, {"momentum": 0.9, "weight_decay": 0.1}),
    (optim.RMSprop, {"centered": True, "momentum": 0.9}),
    (optim.Adagrad, {}),
    (optim.Adadelta, {}),
    (optim.Adam, {"amsgrad": True, "maximize": True}),
    (optim.AdamW, {}),
]
SHAPES = [(3 * BLOCK + 5,), (7, BLOCK // 2 + 1), (1, 2, BLOCK + 3), (BLOCK // 2, 3, 2), (2, 3, 4), (), (0, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_number_comes_once_with_its_own(shape: tuple[int, ...]) -> None:
    a, b = np.zeros(shape), np.arange(float(np.prod(shape))).reshape(shape)
    for order in (lambda x: x, lambda x: np.asfortranarray(x), lambda x: x[::-1] if x.ndim else x):
        a[...] = 0
        seen = []

        def add(x: Any, y: Any) -> None:
            seen.append(x.size)  # noqa: B023 - it is called here
            x += y + 1

        in_blocks(add, a, order(b))
        assert (a == order(b) + 1).all()
        assert sum(seen) == a.size
        assert max(seen) <= BLOCK


@pytest.mark.parametrize(("kind", "options"), KINDS, ids=lambda part: getattr(part, "__name__", None))
def test_a_large_parameter_learns_as_its_rows_would(kind: Callable[..., Any], options: dict[str, Any]) -> None:
    random = np.random.default_rng(0)
    values = random.standard_normal((5, BLOCK // 2 + 3))
    whole, rows = Tensor(values, requires_grad=True), [Tensor(row, requires_grad=True) for row in values]
    optimizers = kind([whole], **options), kind(rows, **options)
    for order in (np.ascontiguousarray, np.asfortranarray, np.ascontiguousarray):
        g = order(random.standard_normal(values.shape))
        whole.grad = from_numpy(g)
        for row, part in zip(rows, g, strict=True):
            row.grad = Tensor(part)
        for optimizer in optimizers:
            optimizer.step()
    assert (whole.numpy() == np.stack([row.detach().numpy() for row in rows])).all()


@pytest.mark.parametrize(("kind", "options"), KINDS, ids=lambda part: getattr(part, "__name__", None))
def test_a_step_allocates_less_than_the_parameter(kind: Callable[..., Any], options: dict[str, Any]) -> None:
    w = from_numpy(np.ones((3000, 2000), np.float32)).requires_grad_()
    w.grad = from_numpy(np.ones((3000, 2000), np.float32))
    optimizer = kind([w], **options)
    optimizer.step()
    tracemalloc.start()
    try:
        optimizer.step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * 4 * BLOCK < w.nbytes / 4


@pytest.mark.parametrize(("kind", "options"), KINDS, ids=lambda part: getattr(part, "__name__", None))
def test_gradients_are_only_read_and_weights_are_changed_where_they_are(
    kind: Callable[..., Any], options: dict[str, Any]
) -> None:
    memory, g = np.ones((3, BLOCK)), np.full((3, BLOCK), 2.0)
    w = from_numpy(memory).requires_grad_()
    w.grad = from_numpy(g)
    optimizer = kind([w], **options)
    for _ in range(3):
        optimizer.step()
    assert (g == 2).all()
    assert w.detach().numpy() is memory
    assert (memory != 1).all()
