"""What a step of an optimiser costs, as ratios to the same update in hand-written NumPy and to PyTorch's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, optim

Ratio = Callable[..., None]
SMALL = [(2, 16), (16,), (16, 16), (16,), (16, 2), (2,)]
LARGE = [(2000, 2000)]
RATE = 1e-6  # so that the weights stay what they are


def arrays(shapes: list[tuple[int, ...]], scale: float) -> list[Any]:
    random = np.random.default_rng(0)
    return [(scale * random.standard_normal(shape)).astype(np.float32) for shape in shapes]


def ours(kind: Callable[..., Any], shapes: list[tuple[int, ...]], **options: Any) -> Callable[[], Any]:
    weights = [Tensor(w, requires_grad=True) for w in arrays(shapes, 1.0)]
    for w, g in zip(weights, arrays(shapes, 1e-3), strict=True):
        (w * g).sum().backward()
    step: Callable[[], Any] = kind(weights, lr=RATE, **options).step
    return step


def torchs(name: str, shapes: list[tuple[int, ...]], **options: Any) -> Callable[[], Any]:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
    weights = [torch.tensor(w, requires_grad=True) for w in arrays(shapes, 1.0)]
    for w, g in zip(weights, arrays(shapes, 1e-3), strict=True):
        w.grad = torch.tensor(g)
    step: Callable[[], Any] = getattr(torch.optim, name)(weights, lr=RATE, **options).step
    return step


def test_sgd_of_a_small_network(ratio: Ratio) -> None:
    pairs = list(zip(arrays(SMALL, 1.0), arrays(SMALL, 1e-3), strict=True))

    def by_hand() -> None:
        for w, g in pairs:
            w -= RATE * g

    ratio(ours(optim.SGD, SMALL), by_hand, goal=1.75, calls=2000)


def test_adam_of_a_small_network(ratio: Ratio) -> None:
    parts = [(w, g, 0 * w, 0 * w) for w, g in zip(arrays(SMALL, 1.0), arrays(SMALL, 1e-3), strict=True)]

    def by_hand() -> None:
        for w, g, m, v in parts:
            m *= 0.9
            m += 0.1 * g
            v *= 0.999
            v += 0.001 * g * g
            w -= RATE * (m / 0.5) / (np.sqrt(v / 0.5) + 1e-8)

    ratio(ours(optim.Adam, SMALL), by_hand, goal=1.0, calls=500)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_a_small_network_beside_pytorch(name: str, ratio: Ratio) -> None:
    ratio(ours(getattr(optim, name), SMALL), torchs(name, SMALL), goal=1.0, calls=500)


@pytest.mark.parametrize(
    ("name", "options"),
    [("SGD", {}), ("SGD", {"momentum": 0.9}), ("Adam", {}), ("AdamW", {}), ("RMSprop", {})],
    ids=str,
)
def test_four_million_numbers_beside_pytorch(name: str, options: dict[str, Any], ratio: Ratio) -> None:
    ratio(ours(getattr(optim, name), LARGE, **options), torchs(name, LARGE, **options), goal=1.0, calls=2, rounds=15)
