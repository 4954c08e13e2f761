"""Layers of pooling are the functions of `tinygrad_edu` with their options; what the layers add is refused by name."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.case import signed
from tinygrad_edu import Tensor, nn
from tinygrad_edu.testing import gradcheck

X1, X2 = signed(2, 3, 9), signed(2, 3, 7, 6)
LAYERS: dict[str, tuple[nn.Module, Callable[[Any], Any], Any]] = {
    "MaxPool1d": (nn.MaxPool1d(3, 2, 1, 2, False, True), lambda x: tg.max_pool1d(x, 3, 2, 1, 2, True), X1),
    "MaxPool2d": (
        nn.MaxPool2d((2, 3), 2, 1, 2, ceil_mode=True),
        lambda x: tg.max_pool2d(x, (2, 3), 2, 1, 2, True),
        X2,
    ),
    "MaxPool2d by default": (nn.MaxPool2d(2), lambda x: tg.max_pool2d(x, 2), X2),
    "AvgPool1d": (nn.AvgPool1d(3, 2, 1, True, False), lambda x: tg.avg_pool1d(x, 3, 2, 1, True, False), X1),
    "AvgPool2d": (nn.AvgPool2d(3, 2, 1, True, False), lambda x: tg.avg_pool2d(x, 3, 2, 1, True, False), X2),
    "AvgPool2d by default": (nn.AvgPool2d((2, 3)), lambda x: tg.avg_pool2d(x, (2, 3)), X2),
    "AdaptiveAvgPool1d": (nn.AdaptiveAvgPool1d(4), lambda x: tg.adaptive_avg_pool1d(x, 4), X1),
    "AdaptiveAvgPool2d": (nn.AdaptiveAvgPool2d((None, 4)), lambda x: tg.adaptive_avg_pool2d(x, (7, 4)), X2),
    "AdaptiveMaxPool1d": (nn.AdaptiveMaxPool1d(4), lambda x: tg.adaptive_max_pool1d(x, 4), X1),
    "AdaptiveMaxPool2d": (nn.AdaptiveMaxPool2d((None, 4)), lambda x: tg.adaptive_max_pool2d(x, (7, 4)), X2),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_its_function(name: str) -> None:
    layer, function, x = LAYERS[name]
    np.testing.assert_array_equal(layer(x), function(x))
    out = layer(Tensor(x, requires_grad=True))
    np.testing.assert_array_equal(out.detach().numpy(), function(x))
    assert gradcheck(layer, x)
    assert not list(layer.parameters())


def test_a_single_image() -> None:
    for layer in (nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d((2, 3))):
        np.testing.assert_array_equal(layer(X2[0]), layer(X2)[0])


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "indices": (lambda: nn.MaxPool2d(2, return_indices=True), "MaxPool2d: return_indices=True is not here"),
    "adaptive indices": (lambda: nn.AdaptiveMaxPool1d(2, return_indices=True), "AdaptiveMaxPool1d: return_indices"),
    "divisor": (lambda: nn.AvgPool2d(2, divisor_override=3), "AvgPool2d: divisor_override is not here"),
    "kernel": (lambda: nn.MaxPool2d(0)(X2), "kernel_size is a whole number of at least 1"),
    "kernel of averages": (lambda: nn.AvgPool1d((2, 2)), "AvgPool1d: kernel_size is a whole number"),
    "padding": (lambda: nn.MaxPool2d(2, padding=2)(X2), "more than half the kernel"),
    "small images": (lambda: nn.MaxPool2d(8)(X2), "A window reaches over (8, 8) places"),
    "size": (lambda: nn.AdaptiveAvgPool2d(0)(X2), "output_size is a whole number of at least 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_the_way_out(name: str) -> None:
    call, message = REFUSED[name]
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
