"""Layers of convolution: their options, what is put around images, sizes turned round, and what is refused."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.case import signed
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.testing import gradcheck


def by_hand(x: Any, layer: Any, around: list[tuple[int, int]], mode: str) -> Any:
    """What the layer should give: the windows of the padded images times the kernels."""
    x = np.pad(x, [(0, 0), (0, 0), *around], mode)
    windows = np.lib.stride_tricks.sliding_window_view(x, layer.kernel_size, axis=(2, 3))
    windows = windows[:, :, :: layer.stride[0], :: layer.stride[1]]
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    return np.einsum("nchwij,ocij->nohw", windows, weight) + bias[:, None, None]


@pytest.mark.parametrize(
    ("mode", "numpys"),
    [("zeros", "constant"), ("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")],
)
@pytest.mark.parametrize(
    ("padding", "stride", "around"),
    [
        ((2, 1), 1, [(2, 2), (1, 1)]),
        (1, (2, 1), [(1, 1), (1, 1)]),
        ("same", 1, [(1, 1), (0, 1)]),
        ("valid", 1, [(0, 0), (0, 0)]),
    ],
    ids=str,
)
def test_what_is_put_around_images(mode: str, numpys: str, padding: Any, stride: Any, around: Any) -> None:
    layer = nn.Conv2d(2, 3, (3, 2), stride, padding, padding_mode=mode, dtype=np.float64)
    x = signed(2, 2, 5, 4)
    np.testing.assert_allclose(layer(x).detach().numpy(), by_hand(x, layer, around, numpys))
    assert gradcheck(lambda x: layer(x), x)


@pytest.mark.parametrize("build", [lambda: nn.Conv1d(2, 4, 3, groups=2), lambda: nn.ConvTranspose1d(2, 4, 3, 2, 1)])
def test_gradients_reach_every_parameter(build: Callable[[], Any]) -> None:
    layer, x = build().double(), signed(3, 2, 6)

    function: Any = tg.conv1d if isinstance(layer, nn.Conv1d) else tg.conv_transpose1d
    out = layer(x)
    g = signed(*out.shape, seed=4)
    out.backward(g)
    twins = [Tensor(p.detach().numpy(), requires_grad=True) for p in layer.parameters()]
    again = function(x, *twins, stride=layer.stride, padding=layer.padding, groups=layer.groups)
    np.testing.assert_array_equal(again.detach().numpy(), out.detach().numpy())
    again.backward(g)
    for parameter, twin in zip(layer.parameters(), twins, strict=True):
        np.testing.assert_array_equal(parameter.grad.numpy(), twin.grad.numpy())


def test_padding_same_keeps_the_size_of_images() -> None:
    for kernel, dilation in ((1, 1), (2, 1), (3, 2), ((4, 5), (3, 1))):
        layer = nn.Conv2d(1, 1, kernel, padding="same", dilation=dilation)
        assert layer(np.ones((2, 1, 16, 15), np.float32)).shape == (2, 1, 16, 15)


def test_output_size_chooses_among_the_sizes_that_the_stride_leaves_open() -> None:
    layer, x = nn.ConvTranspose2d(1, 1, 3, stride=3), np.ones((1, 1, 4, 4), np.float32)
    assert layer(x).shape == (1, 1, 12, 12)
    assert layer(x, output_size=(13, 14)).shape == (1, 1, 13, 14)
    assert layer(x, (1, 1, 12, 14)).shape == (1, 1, 12, 14)
    for size in ((15, 12), (12, 11)):
        with pytest.raises(ValueError, match=re.escape("it can make sizes from (12, 12) to (14, 14)")):
            layer(x, size)


def test_transposed_undoes_the_size() -> None:
    x = np.ones((2, 3, 9, 8), np.float32)
    small = nn.Conv2d(3, 5, 3, 2, 1)(x)
    assert nn.ConvTranspose2d(5, 3, 3, 2, 1)(small, x.shape).shape == x.shape


def test_first_weights_lie_in_pytorchs_bounds() -> None:
    tg.manual_seed(0)
    for layer, bound in ((nn.Conv2d(16, 8, 3), 1 / 12), (nn.ConvTranspose2d(4, 36, 2, groups=4), 1 / 6)):
        weight = layer.weight.detach().numpy()
        assert weight.dtype == np.float32
        assert 0.9 * bound < abs(weight).max() <= bound
        assert weight.std() == pytest.approx(bound / np.sqrt(3), rel=0.1)
        assert abs(layer.bias.detach().numpy()).max() <= bound


def test_without_a_bias() -> None:
    layer = nn.Conv2d(1, 2, 3, bias=False)
    assert layer.bias is None
    assert [*layer.state_dict()] == ["weight"]
    assert "bias=False" in repr(layer)


def test_float64_and_dtypes_that_are_given() -> None:
    assert nn.Conv1d(1, 1, 2, dtype=np.float64)(np.ones((1, 1, 4))).dtype == np.float64
    assert nn.Conv1d(1, 1, 2)(np.ones((1, 1, 4), np.float32)).dtype == np.float32


GREY = np.ones((5, 8, 8), np.float32)
REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "images without channels": (lambda: nn.Conv2d(1, 4, 3)(GREY), ShapeError, "get one by x[:, None]"),
    "channels last": (lambda: nn.Conv2d(3, 4, 3)(np.ones((5, 8, 8, 3))), ShapeError, "np.moveaxis(x, -1, -3)"),
    "channels": (lambda: nn.Conv2d(3, 4, 3)(np.ones((5, 2, 8, 8))), ShapeError, "images of 3 channels, not 2"),
    "axes": (lambda: nn.Conv2d(1, 4, 3)(np.ones((8, 8))), ShapeError, "x[None] adds an axis"),
    "small images": (lambda: nn.Conv2d(1, 4, 9)(GREY[:, None]), ShapeError, "A window reaches over (9, 9) places"),
    "kernel": (lambda: nn.Conv2d(1, 4, 0), ValueError, "Conv2d: kernel_size is a whole number of at least 1"),
    "kernel of other axes": (lambda: nn.Conv1d(1, 4, (3, 3)), ValueError, "Conv1d: kernel_size is a whole number"),
    "half a stride": (lambda: nn.Conv2d(1, 4, 3, stride=0.5), ValueError, "stride is a whole number"),
    "padding by another name": (lambda: nn.Conv2d(1, 4, 3, padding="full"), ValueError, "'same', 'valid' or whole"),
    "same with a stride": (lambda: nn.Conv2d(1, 4, 3, 2, "same"), ValueError, "padding='same' is for stride=1"),
    "groups": (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "in_channels=3 do not fall into groups=2"),
    "groups of results": (lambda: nn.Conv2d(4, 3, 3, groups=2), ValueError, "out_channels=3 do not fall into"),
    "no groups": (lambda: nn.Conv2d(4, 4, 3, groups=0), ValueError, "do not fall into groups=0"),
    "no channels": (lambda: nn.Conv2d(0, 4, 3), ValueError, "in_channels=0"),
    "mode": (lambda: nn.Conv2d(1, 4, 3, padding_mode="mirror"), ValueError, "'circular', not 'mirror'"),
    "mode turned round": (
        lambda: nn.ConvTranspose2d(1, 4, 3, padding_mode="reflect"),
        ValueError,
        "padding_mode is 'zeros', not 'reflect'",
    ),
    "padding turned round": (lambda: nn.ConvTranspose2d(1, 4, 3, padding="same"), ValueError, "is whole numbers"),
    "output padding": (
        lambda: nn.ConvTranspose1d(1, 4, 3, output_padding=1)(np.ones((1, 1, 4))),
        ValueError,
        "must be smaller than the stride or the dilation",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_the_way_out(name: str) -> None:
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=re.escape(message)):
        call()
