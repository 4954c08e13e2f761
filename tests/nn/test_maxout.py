"""Maxout: the largest of several linear pieces, and what that can become."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.case import signed
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.testing import gradcheck


@pytest.mark.parametrize("pieces", [1, 2, 3])
@pytest.mark.parametrize("shape", [(4, 3), (3,), (2, 5, 3), (0, 3)], ids=str)
def test_it_is_the_largest_of_its_pieces(pieces: int, shape: tuple[int, ...]) -> None:
    layer, x = nn.Maxout(3, 2, pieces).double(), signed(*shape)
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    expected = np.max([x @ w.T + b for w, b in zip(weight, bias, strict=True)], axis=0)
    np.testing.assert_allclose(layer(x).detach().numpy(), expected)


def test_gradients_go_to_the_piece_that_was_largest() -> None:
    layer, x = nn.Maxout(3, 2).double(), Tensor(signed(4, 3), requires_grad=True)
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    lines = np.einsum("ni,poi->npo", x.detach().numpy(), weight) + bias
    first = lines[:, 0] > lines[:, 1]
    assert 0 < first.sum() < first.size
    layer(x).sum().backward()
    np.testing.assert_allclose(layer.bias.grad.numpy(), [first.sum(axis=0), (~first).sum(axis=0)])
    np.testing.assert_allclose(x.grad.numpy(), np.where(first[..., None], weight[0], weight[1]).sum(axis=1))
    np.testing.assert_allclose(layer.weight.grad.numpy()[0], first.T.astype(float) @ x.detach().numpy())
    assert gradcheck(layer, signed(4, 3))


def test_two_pieces_can_be_relu() -> None:
    layer, x = nn.Maxout(1, 1), np.linspace(-2, 2, 9, dtype=np.float32)[:, None]
    with tg.no_grad():
        layer.weight[1] = 0.0
        layer.weight[0] = 1.0
        layer.bias *= 0.0
    np.testing.assert_array_equal(layer(x).detach().numpy(), np.maximum(x, 0))


def test_it_learns_what_one_line_cannot() -> None:
    """|x| on both sides of 0, of which the best line is the mean; the seed is one that leaves both pieces a part."""
    tg.manual_seed(0)
    x = np.linspace(-1, 1, 21, dtype=np.float32)[:, None]
    layer = nn.Maxout(1, 1)
    for _ in range(300):
        loss = ((layer(x) - abs(x)) ** 2).mean()
        layer.zero_grad()
        loss.backward()
        with tg.no_grad():
            for parameter in layer.parameters():
                parameter.data = parameter - 0.2 * parameter.grad
    assert loss.item() < 1e-3 < abs(x).var()


def test_what_it_shows() -> None:
    layer = nn.Maxout(3, 2, pieces=4, bias=False)
    assert repr(layer) == "Maxout(in_features=3, out_features=2, pieces=4, bias=False)"
    assert {name: value.shape for name, value in layer.state_dict().items()} == {"weight": (4, 2, 3)}


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"takes 3 features.* this input has shape \(2, 4\)"):
        nn.Maxout(3, 2)(np.ones((2, 4)))
    with pytest.raises(ValueError, match="at least one piece, not of pieces=0"):
        nn.Maxout(3, 2, 0)
