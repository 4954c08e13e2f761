"""Sums of float16 are added in float32, as in PyTorch: float16 has no whole numbers between 2048 and 2050."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn
from tinygrad_edu.nn import functional as F  # noqa: N812 - as everywhere

torch = pytest.importorskip("torch")

MANY = np.ones((10_000, 2), np.float16)


@pytest.mark.parametrize("axis", [0, 1, None])
def test_a_sum_counts_beyond_2048(axis: int | None) -> None:
    x = np.ones((3000, 3000), np.float16) if axis is not None else MANY
    assert np.unique(Tensor(x).sum(axis=axis).numpy()).tolist() == [3000.0 if axis is not None else 20_000.0]
    assert Tensor(x).sum(axis=axis).dtype == np.float16


SUMS: dict[str, Callable[[Any, Any], Any]] = {
    "added to every row": lambda x, b: x + b,
    "times every row": lambda x, b: x * b,
    "added as one number": lambda x, b: x + b[0],
}


@pytest.mark.parametrize("name", SUMS)
def test_what_is_stretched_over_many_rows_gets_the_whole_gradient(name: str) -> None:
    b = Tensor(np.zeros(2, np.float16), requires_grad=True)
    theirs = torch.zeros(2, dtype=torch.float16, requires_grad=True)
    SUMS[name](Tensor(MANY), b).backward(MANY)
    SUMS[name](torch.from_numpy(MANY), theirs).backward(torch.from_numpy(MANY))
    assert b.grad.dtype == np.float16
    assert b.grad.tolist() == theirs.grad.tolist()


def test_the_bias_of_a_layer_gets_the_whole_gradient() -> None:
    layer = nn.Linear(4, 2).half()
    out = layer(Tensor(np.ones((10_000, 4), np.float16)))
    out.backward(MANY)
    assert layer.bias.grad.tolist() == [10_000.0] * 2
    assert layer.weight.grad.tolist() == [[10_000.0] * 4] * 2


def test_a_second_derivative_is_whole_too() -> None:
    b = Tensor(np.ones(2, np.float16), requires_grad=True)
    (first,) = tg.autograd.grad(Tensor(MANY) * (b * b), b, MANY, create_graph=True)
    (second,) = tg.autograd.grad(first.sum(), b)
    assert first.tolist() == [20_000.0] * 2
    assert second.tolist() == [20_000.0] * 2


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.LayerNorm])
def test_weights_and_biases_of_normalisation_get_the_whole_gradient(kind: Any) -> None:
    layer = kind(2).half()
    x = np.tile(np.array([[-1.0, 1.0], [1.0, -1.0]], np.float16), (5000, 1))
    layer(Tensor(x)).backward(x + np.float16(1))
    assert layer.bias.grad.tolist() == [10_000.0] * 2
    assert layer.weight.grad.tolist() == [10_000.0] * 2


def test_a_network_in_float16_is_as_near_to_float64_as_pytorchs() -> None:
    x = np.random.default_rng(0).normal(100, 1, (512, 8)).astype(np.float16)
    labels = np.arange(512) % 8

    def pytorchs(dtype: Any) -> Any:
        t = torch.tensor(x).to(dtype).requires_grad_()
        loss = torch.nn.functional.cross_entropy(torch.nn.functional.layer_norm(t, (8,)), torch.tensor(labels))
        loss.backward()
        return t.grad.double().numpy()

    ours = Tensor(x, requires_grad=True)
    F.cross_entropy(F.layer_norm(ours, (8,)), Tensor(labels)).backward()
    wrong = [np.abs(g - pytorchs(torch.float64)).max() for g in (ours.grad.numpy(), pytorchs(torch.float16))]
    assert wrong[0] <= wrong[1]
