"""Backward hooks of modules see what PyTorch's see, and may replace what leaves."""

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn

X = np.random.default_rng(0).standard_normal((2, 3))


def forward(_self: Any, a: Any, b: Any, c: float) -> Any:
    """Three arguments, of which one is used twice and one is no tensor, and two results."""
    return a * b * c, a.exp()


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")  # PyTorch's, of a first layer
def test_they_see_what_pytorchs_see() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
    found = []
    for library in (tg, torch):
        seen: list[Any] = []
        two = type("Two", (library.nn.Module,), {"forward": forward})()
        first = library.nn.Linear(3, 3)
        with library.no_grad():
            for i, p in enumerate(first.parameters()):
                p[...] = 0.1 * (i + 1)
        first.double()
        first.register_full_backward_hook(lambda _m, into, out, seen=seen: seen.append((*into, *out)))
        two.register_full_backward_pre_hook(lambda _m, out, seen=seen: seen.append(out))
        two.register_full_backward_pre_hook(lambda _m, out: (2 * out[0], out[1]))
        two.register_full_backward_hook(lambda _m, into, out, seen=seen: seen.append((*into, *out)))
        two.register_full_backward_hook(lambda _m, into, _out: (into[0], 3 * into[1], into[2]))
        x, w = library.tensor(X), library.tensor(X[0], requires_grad=True)
        y, z = two(first(x), w, 2.0)
        (y.sum() + (z**2).sum()).backward()
        found.append([*(g for part in seen for g in part), w.grad, *(p.grad for p in first.parameters())])
    for mine, other in zip(*found, strict=True):
        assert (mine is None) == (other is None)
        if mine is not None:
            np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=1e-6)


def test_one_that_was_removed_is_not_called() -> None:
    layer, seen = nn.Linear(3, 1).double(), []
    handles = [
        layer.register_full_backward_hook(lambda *_: seen.append(1)),
        layer.register_full_backward_pre_hook(lambda *_: seen.append(2)),
    ]
    for handle in handles:
        handle.remove()
    layer(tg.tensor(X, requires_grad=True)).sum().backward()
    assert seen == []


def test_other_than_one_gradient_an_argument_is_refused() -> None:
    layer = nn.Linear(3, 1).double()
    layer.register_full_backward_hook(lambda _m, into, _out: (*into, *into))
    with pytest.raises(ValueError, match="got 1 gradients, and returned 2"):
        layer(tg.tensor(X, requires_grad=True)).sum().backward()
