"""Values and derivatives, to second order, of every case that has a twin in PyTorch, where that is installed."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases import CASES, Case
from tests.cases.case import STRIDED
from tests.derivatives import weights

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")


def compare(
    ours: Callable[..., Any], theirs: Callable[..., Any], *arrays: Any, dtype: str, orders: tuple[int, ...] = (1, 2)
) -> None:
    mine = [tg.Tensor(a, dtype=dtype, requires_grad=True) for a in arrays]
    other = [torch.tensor(np.array(a), dtype=getattr(torch, dtype), requires_grad=True) for a in arrays]
    y, z = ours(*mine), theirs(*other)
    assert y.shape == z.shape
    _close(y.numpy(), z.detach().numpy(), dtype, "value")
    w = weights(y.shape).astype(dtype)
    for order in orders:
        gradients = tg.autograd.grad((y * w).sum(), mine, create_graph=True, allow_unused=True)
        expected = torch.autograd.grad((z * torch.tensor(w)).sum(), other, create_graph=True, allow_unused=True)
        for g, e, t in zip(gradients, expected, mine, strict=True):
            zero = np.zeros(t.shape)
            found = zero if g is None else g.numpy()
            wanted = zero if e is None else e.detach().numpy(force=True)
            _close(found, wanted, dtype, f"order {order}")
        y = sum(((g * g).sum() for g in gradients if g is not None), start=tg.Tensor(0.0))
        z = sum((e * e).sum() for e in expected if e is not None)
        if not (y.requires_grad and getattr(z, "requires_grad", False)):
            break
        w = np.ones((), dtype)


def _close(found: Any, wanted: Any, dtype: str, what: str) -> None:
    """To rounding, of the largest number where others cancel."""
    relative, absolute = (1e-12, 1e-13) if dtype == "float64" else (2e-5, 2e-6)
    scale = 1 + np.max(abs(wanted), initial=0)
    np.testing.assert_allclose(found, wanted, rtol=relative, atol=absolute * scale, err_msg=what)


TWINS = [case for case in CASES if case.torch is not None]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", TWINS, ids=str)
def test_values_and_derivatives_are_pytorchs(case: Case, dtype: str) -> None:
    twin = case.torch
    assert twin is not None
    compare(case.function, functools.partial(twin, torch), *case.arrays, dtype=dtype)


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
