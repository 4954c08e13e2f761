"""The names that PyTorch has for NumPy's functions mean what they mean there."""

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.case import signed

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")

X, Y, Z = signed(4, 3), signed(4, 3, seed=1), signed(2, 3, 4)
LINES = """
torch.cat([x, y])
torch.cat((x, y), dim=1)
torch.concat([x, y], dim=-1)
torch.unsqueeze(x, 1)
torch.permute(z, (2, 0, 1))
z.permute(2, 0, 1)
z.permute((1, 2, 0))
x.t()
torch.mm(x, y.t())
x.mm(y.t())
torch.bmm(z, z.permute(0, 2, 1))
torch.clamp(x, -1.0, 1.0)
torch.clamp(x, min=0.5)
x.clamp(max=0.5)
torch.mul(x, y) + x.mul(y) + x.sub(y) + torch.sub(x, y) + x.add(y) + torch.div(x, y) + x.div(y) + torch.neg(x) + x.neg()
torch.flatten(z)
torch.flatten(z, 1)
torch.flatten(z, start_dim=0, end_dim=1)
z.flatten() + z.flatten(0).sum()
z.flatten(1)
z.flatten(start_dim=0, end_dim=1)
torch.chunk(x, 3)[1]
x.chunk(2, dim=1)[1]
torch.gather(x, 1, i)
x.gather(0, i)
torch.masked_fill(x, x > 0, -7.0)
x.masked_fill(x.lt(0), 0.0)
x.contiguous().view_as(y)
x.unsqueeze(0).expand_as(torch.cat([x.unsqueeze(0), y.unsqueeze(0)]))
""".strip().splitlines()
PLAIN = """
torch.argmax(x, dim=1)
torch.argmax(x, 0, keepdim=True)
torch.argmin(x)
torch.eq(x, y) | torch.gt(x, y) | x.ge(y)
torch.lt(x, y) & torch.le(x, y) & torch.ne(x, y) | torch.ge(x, y)
x.eq(x) & x.ne(y) & (x.le(y) | x.gt(y))
x.numel() + 10 * x.dim()
x.clone().zero_()
x.clone().fill_(3.0)
x.clone().copy_(y)
x.clone().add_(y, alpha=2.0).sub_(y, alpha=0.5).mul_(y).div_(3.0)
x.clone().add_(1.0).sub_(y)
""".strip().splitlines()


def names(library: Any, tensor: Any) -> dict[str, Any]:
    return {
        "torch": library,
        "x": tensor(X),
        "y": tensor(Y),
        "z": tensor(Z),
        "i": tensor(np.array([[2], [0], [1], [0]])),
    }


@pytest.mark.parametrize("line", LINES)
def test_a_value_and_its_gradients(line: str) -> None:
    ours, theirs = names(tg, tg.Tensor), names(torch, torch.tensor)
    for values in (ours, theirs):
        for name in "xyz":
            values[name].requires_grad_()
    mine, other = eval(line, ours), eval(line, theirs)
    np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=1e-13)
    mine.backward(signed(*mine.shape, seed=4))
    other.backward(torch.tensor(signed(*other.shape, seed=4)))
    for name in "xyz":
        found, wanted = ours[name].grad, theirs[name].grad
        assert (found is None) == (wanted is None)
        if found is not None:
            np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("line", PLAIN)
def test_a_value(line: str) -> None:
    mine, other = eval(line, names(tg, tg.Tensor)), eval(line, names(torch, torch.tensor))
    np.testing.assert_array_equal(np.asarray(mine), np.asarray(other))
