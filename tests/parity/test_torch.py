"""Values and gradients of the shared ops against PyTorch, where it is installed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.case import PAIRS, SHAPES, STRIDED, signed
from tests.cases.linalg import DOT, MATMUL
from tests.derivatives import weights

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")

UNARY: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "negative": (lambda x: -x, lambda x: -x),
    "exp": (np.exp, torch.exp),
    "log": (lambda x: np.log(abs(x)), lambda x: torch.log(abs(x))),
    "sqrt": (lambda x: np.sqrt(abs(x)), lambda x: torch.sqrt(abs(x))),
    "square": (np.square, torch.square),
    "sin": (np.sin, torch.sin),
    "cos": (np.cos, torch.cos),
    "tanh": (np.tanh, torch.tanh),
    "sigmoid": (tg.sigmoid, torch.sigmoid),
    "relu": (tg.relu, torch.relu),
    "abs": (abs, abs),
    "cubed": (lambda x: x**3, lambda x: x**3),
    "reciprocal": (lambda x: 1 / x, lambda x: 1 / x),
    "two to the": (lambda x: 2**x, lambda x: 2**x),
    "sum": (np.sum, torch.sum),
    "broadcast_to": (lambda x: np.broadcast_to(x, (2, *x.shape)), lambda x: torch.broadcast_to(x, (2, *x.shape))),
    "transpose": (lambda x: x.T, lambda x: x.permute(tuple(range(x.ndim - 1, -1, -1)))),
    "reshape": (lambda x: x.reshape(-1), lambda x: x.reshape(-1)),
}
BINARY: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "add": (lambda x, y: x + y, lambda x, y: x + y),
    "subtract": (lambda x, y: x - y, lambda x, y: x - y),
    "multiply": (lambda x, y: x * y, lambda x, y: x * y),
    "divide": (lambda x, y: x / y, lambda x, y: x / y),
    "power": (lambda x, y: abs(x) ** y, lambda x, y: abs(x) ** y),
    "maximum": (np.maximum, torch.maximum),
    "minimum": (np.minimum, torch.minimum),
    "where": (lambda x, y: np.where(x > y, x, y * y), lambda x, y: torch.where(x > y, x, y * y)),
}
REDUCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sum": (lambda x: x.sum(axis=1), lambda x: x.sum(dim=1)),
    "sum of two axes": (lambda x: x.sum(axis=(0, 2), keepdims=True), lambda x: x.sum(dim=(0, 2), keepdim=True)),
    "mean": (lambda x: x.mean(axis=-1), lambda x: x.mean(dim=-1)),
    "max": (lambda x: x.max(axis=0), lambda x: x.amax(dim=0)),
    "min": (lambda x: x.min(axis=(1, 2)), lambda x: x.amin(dim=(1, 2))),
    "max with ties": (lambda x: np.maximum(x, 1.0).max(axis=0), lambda x: torch.maximum(x, torch.ones(())).amax(dim=0)),
    "rows": (lambda x: x[[1, 0, 1]], lambda x: x[[1, 0, 1]]),
    "slice": (lambda x: x[..., 1:, ::2], lambda x: x[..., 1:, ::2]),
    "mask": (lambda x: x[x > 0], lambda x: x[x > 0]),
    "joined": (lambda x: np.concatenate([x, x * x], axis=1), lambda x: torch.cat([x, x * x], dim=1)),
    "piled": (lambda x: np.stack([x, x * x], axis=-1), lambda x: torch.stack([x, x * x], dim=-1)),
}


def compare(ours: Callable[..., Any], theirs: Callable[..., Any], *arrays: Any, dtype: str) -> None:
    mine = [tg.Tensor(a, dtype=dtype, requires_grad=True) for a in arrays]
    other = [torch.tensor(np.array(a), dtype=getattr(torch, dtype), requires_grad=True) for a in arrays]
    y, z = ours(*mine), theirs(*other)
    tolerance = {"rtol": 1e-12, "atol": 1e-14} if dtype == "float64" else {"rtol": 2e-5, "atol": 2e-6}
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), **tolerance)
    w = weights(y.shape).astype(dtype)
    for order in (1, 2):
        gradients = tg.autograd.grad((y * w).sum(), mine, create_graph=True, allow_unused=True)
        expected = torch.autograd.grad((z * torch.tensor(w)).sum(), other, create_graph=True, allow_unused=True)
        for g, e, t in zip(gradients, expected, mine, strict=True):
            zero = np.zeros(t.shape)
            found = zero if g is None else g.numpy()
            wanted = zero if e is None else e.detach().numpy(force=True)
            np.testing.assert_allclose(found, wanted, err_msg=f"order {order}", **tolerance)
        y = sum(((g * g).sum() for g in gradients if g is not None), start=tg.Tensor(0.0))
        z = sum((e * e).sum() for e in expected if e is not None)
        if not (y.requires_grad and getattr(z, "requires_grad", False)):
            break
        w = np.ones((), dtype)


both = pytest.mark.parametrize("dtype", ["float32", "float64"])


@both
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str, shape: str, dtype: str) -> None:
    compare(*UNARY[name], *SHAPES[shape], dtype=dtype)


@both
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str, pair: str, dtype: str) -> None:
    compare(*BINARY[name], *PAIRS[pair], dtype=dtype)


@both
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_and_indexing(name: str, dtype: str) -> None:
    compare(*REDUCTIONS[name], signed(3, 4, 5), dtype=dtype)


@both
@pytest.mark.parametrize("shapes", MATMUL)
def test_matmul(shapes: str, dtype: str) -> None:
    compare(lambda x, y: x @ y, lambda x, y: x @ y, *MATMUL[shapes], dtype=dtype)


@pytest.mark.parametrize("shapes", ["1-1", "2-2"])
def test_dot(shapes: str) -> None:
    x, y = DOT[shapes]
    compare(np.dot, torch.matmul, x, y, dtype="float64")


def test_ties_of_amax_and_maximum_are_pytorchs() -> None:
    compare(np.max, torch.amax, np.array([2.0, 2.0, 1.0]), dtype="float64")
    compare(np.maximum, torch.maximum, np.array([2.0, 1.0]), np.array([2.0, 3.0]), dtype="float64")


def test_a_network_of_views() -> None:
    compare(
        lambda x: (x.T @ x).reshape(-1)[::2].sum() * x.mean(),
        lambda x: (x.T @ x).reshape(-1)[::2].sum() * x.mean(),
        STRIDED,
        dtype="float64",
    )
