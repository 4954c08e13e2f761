"""PyTorch's arguments of NumPy's functions mean what they mean there; what would mean two things is refused."""

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.case import signed
from tinygrad_edu import errors

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")

X, Z = signed(4, 3), signed(2, 3, 4)
LINES = """
x.max(dim=1)[0]
x.max(dim=1).values
x.max(1, keepdim=True)[0]
torch.max(x, dim=0)[0]
torch.min(x, dim=0, keepdim=True).values
z.min(dim=-1)[0]
torch.max(x, x * x)
torch.max(x, 1)[0] + torch.min(x, -1).values
torch.max(x, 0, True)[0] + torch.min(x, 0, keepdim=True)[0]
x.transpose(0, 1) + x.transpose(-1, -2) + x.transpose(1, 0)
x.expand(2, -1, -1) + x.unsqueeze(0).expand(2, -1, 3)
x.repeat(2, 1, 3)
x.sum([0, 1]) + x.mean(dim=[0]).sum() + z.sum(dim=[1, 2], keepdim=True)
torch.flip(x, [0, 1]) + x.flip([0])
torch.min(x, 0 * x)
x.std(dim=0)
x.std(0, keepdim=True)
x.std(unbiased=True)
x.std(dim=1, unbiased=False)
x.var(0, unbiased=False)
x.var(dim=0, correction=2)
torch.var(x, dim=(0, 1))
torch.std(x, dim=1, keepdim=True)
x.sum(dim=1, keepdim=True) + x.mean(dim=1, keepdim=True)
torch.sum(z, dim=(0, 1))
torch.mean(x, dim=0, keepdim=True)
torch.prod(x, dim=1) + x.prod(dim=1)
torch.cumsum(x, dim=1) + x.cumsum(dim=0) + torch.cumprod(x, dim=0)
torch.softmax(x, dim=0)
torch.log_softmax(x, dim=1)
torch.logsumexp(x, dim=1, keepdim=True)
torch.stack([x, x * x], dim=1)
torch.squeeze(x[:1], dim=0)
torch.flip(x, dims=(0,))
torch.roll(x, 1, dims=0)
torch.triu(x, diagonal=1) + torch.tril(x, diagonal=-1)
torch.sort(x, dim=0)[0]
x.sort(dim=1, descending=True).values
torch.sort(x, descending=True)[0]
torch.split(x, 3, dim=0)[1]
torch.split(z, [1, 3], dim=2)[1]
z.split(3, dim=2)[0]
z.transpose(-2, -1)
z.transpose(0, 2)
z.split([1, 1])[1]
x.norm()
x.norm(1)
x.norm(p=2, dim=1)
torch.norm(x)
torch.norm(x, p=2, dim=1, keepdim=True)
""".strip().splitlines()
PLAIN = """
x.max(dim=1)[1]
torch.max(x, 1)[1] + torch.min(x, 1).indices
x.max(dim=1, keepdim=True).indices
torch.min(x, dim=0).indices
(x > 0).any(dim=1)
(x > 0).all(dim=1, keepdim=True)
x.argsort(dim=0)
torch.argsort(x, dim=1, descending=True)
torch.argsort((x > 0).long(), dim=0, descending=True, stable=True)
x.sort(descending=True)[1]
torch.sort(x, dim=0).indices
""".strip().splitlines()


def both(line: str) -> tuple[Any, Any, Any, Any]:
    ours = {"torch": tg, "x": tg.Tensor(X, requires_grad=True), "z": tg.Tensor(Z, requires_grad=True)}
    theirs = {"torch": torch, "x": torch.tensor(X, requires_grad=True), "z": torch.tensor(Z, requires_grad=True)}
    return eval(line, ours), eval(line, theirs), ours, theirs


@pytest.mark.parametrize("line", LINES)
def test_a_value_and_its_gradient(line: str) -> None:
    mine, other, ours, theirs = both(line)
    np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=1e-12)
    mine.backward(signed(*mine.shape, seed=4))
    other.backward(torch.tensor(signed(*other.shape, seed=4)))
    for name in "xz":
        found, wanted = ours[name].grad, theirs[name].grad
        assert (found is None) == (wanted is None)
        if found is not None:
            np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("line", PLAIN)
def test_a_value(line: str) -> None:
    mine, other, *_ = both(line)
    np.testing.assert_array_equal(np.asarray(mine), np.asarray(other))


def test_a_share_that_numpy_would_take_for_an_axis_is_refused() -> None:
    with pytest.raises(errors.UnsupportedError, match=r"std\(unbiased=False\)"):
        tg.Tensor(X).std(False)


def test_numpy_and_its_words_stay_as_they_are() -> None:
    x = tg.Tensor(X)
    for mine, wanted in [
        (np.max(x, 1), X.max(1)),
        (x.max(axis=1), X.max(1)),
        (x.max(1), X.max(1)),
        (np.min(x, -1), X.min(-1)),
        (tg.min(x, axis=-1), X.min(-1)),
        (np.transpose(x, (0, 1)), X),
        (x.transpose((0, 1)), X),
        (tg.repeat(x, 2, 1), X.repeat(2, 1)),
        (x.repeat(2, 1), X.repeat(2, 1)),
        (tg.split(x, 2)[1], X[2:]),
        (tg.norm(x, 1), np.linalg.norm(X, 1)),
        (x.max((0, 1)), X.max()),
        (tg.min(x, 0, keepdims=True), X.min(0, keepdims=True)),
        (np.std(x, 0), X.std(0)),
        (x.std(0), X.std(0)),
        (tg.var(x, axis=0, ddof=1), X.var(0, ddof=1)),
        (np.repeat(x, 2, 1), X.repeat(2, 1)),
        (x.repeat(2), X.repeat(2)),
        (x.repeat(2, axis=0), X.repeat(2, 0)),
        (np.split(x, 2)[1], X[2:]),
        (tg.split(x, [1], axis=0)[1], X[1:]),
        (tg.sort(x, 0), np.sort(X, 0)),
        (np.argsort(x, 0), np.argsort(X, 0)),
        (tg.norm(x, axis=0), np.linalg.norm(X, axis=0)),
        (np.linalg.norm(x, 1), np.linalg.norm(X, 1)),
    ]:
        np.testing.assert_allclose(np.asarray(mine), wanted, rtol=1e-13)
    with pytest.raises(TypeError, match="dim"):
        np.sum(x, dim=0)
    with pytest.raises(TypeError, match="twice"):
        x.sum(dim=0, axis=1)


def test_lengths_that_do_not_add_up() -> None:
    with pytest.raises(ValueError, match=r"\[1, 2\] do not add up to 4"):
        tg.Tensor(X).split([1, 2])
