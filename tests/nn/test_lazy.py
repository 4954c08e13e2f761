"""Layers that learn the size of their input become the layers that know it, with the same parameters."""

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

CASES: list[tuple[Any, nn.Module, tuple[int, ...]]] = [
    (lambda: nn.LazyLinear(4, bias=False), nn.Linear(6, 4, bias=False), (2, 5, 6)),
    (lambda: nn.LazyConv1d(4, 3, groups=2), nn.Conv1d(6, 4, 3, groups=2), (2, 6, 5)),
    (lambda: nn.LazyConv2d(4, kernel_size=3, padding=1), nn.Conv2d(6, 4, 3, padding=1), (6, 5, 5)),
    (lambda: nn.LazyConvTranspose2d(4, 3, stride=2), nn.ConvTranspose2d(6, 4, 3, 2), (2, 6, 5, 5)),
    (lambda: nn.LazyBatchNorm1d(momentum=0.3), nn.BatchNorm1d(6, momentum=0.3), (2, 6)),
    (lambda: nn.LazyBatchNorm2d(), nn.BatchNorm2d(6), (2, 6, 5, 5)),
]


@pytest.mark.parametrize(("make", "known", "shape"), CASES, ids=[repr(known) for _, known, _ in CASES])
def test_it_becomes_the_layer(make: Any, known: nn.Module, shape: tuple[int, ...]) -> None:
    layer = make()
    before = dict(layer.named_parameters())
    out = layer(tg.ones(*shape, dtype=np.float32))
    assert (type(layer), repr(layer), out.shape) == (type(known), repr(known), known(np.ones(shape, np.float32)).shape)
    assert [n for n, _ in layer.named_buffers()] == [n for n, _ in known.named_buffers()]
    for name, parameter in known.named_parameters():
        assert before[name] is getattr(layer, name)
        assert before[name].shape == parameter.shape


def test_an_optimiser_that_was_made_before_learns_after() -> None:
    network = nn.Sequential(nn.LazyLinear(3), nn.ReLU(), nn.LazyLinear(1))
    optimizer = optim.Adam(network.parameters(), lr=0.1)
    seen: list[Any] = []
    network[0].register_forward_hook(lambda *_: seen.append(1))
    network.eval()
    for _ in range(2):
        optimizer.zero_grad()
        network(tg.ones(4, 2)).sum().backward()
        optimizer.step()
    assert (len(seen), network[0].training, len(optimizer.state)) == (2, False, 4)


def test_options_are_looked_at_at_once() -> None:
    with pytest.raises(ValueError, match="groups=3"):
        nn.LazyConv2d(4, 3, groups=3)
    with pytest.raises(TypeError, match="biass"):
        nn.LazyLinear(4, biass=False)
