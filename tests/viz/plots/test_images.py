"""The first layer: every weight is a pixel, and 0 is white."""

from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, nn
from viz.plots import first_layer

pytest.importorskip("matplotlib")


def pixels(axes: Any) -> Any:
    """The weights that are shown, row by row, without what is between the images."""
    shown = axes.get_images()[0].get_array()
    return np.ma.compressed(np.ma.masked_invalid(shown))


@pytest.mark.parametrize(
    ("model", "weight", "title"),
    [
        (nn.Linear(64, 10), lambda m: m.weight, "10 units of 8 x 8"),
        (nn.Sequential(nn.Flatten(), nn.Linear(9, 1)), lambda m: m[1].weight, "1 unit of 3 x 3"),
        (nn.Sequential(nn.Conv2d(1, 6, (2, 3)), nn.Linear(4, 4)), lambda m: m[0].weight, "6 units of 2 x 3"),
        (nn.Conv2d(3, 4, 5), lambda m: m.weight, "4 units of 5 x 5, 3 channels side by side"),
    ],
)
def test_every_weight_of_the_first_layer_is_shown_once(model: nn.Module, weight: Any, title: str) -> None:
    axes = first_layer(model)
    assert sorted(pixels(axes)) == sorted(weight(model).detach().numpy().ravel().tolist())
    assert axes.get_title() == title


def test_a_unit_is_where_it_belongs() -> None:
    weight = np.arange(1.0, 13.0).reshape(2, 6)
    image = first_layer(weight, shape=(2, 3)).get_images()[0].get_array()
    rows, columns = np.where(image == 1.0), np.where(image == 7.0)
    np.testing.assert_array_equal(np.asarray(image)[rows[0][0] :, rows[1][0] :][:2, :3], weight[0].reshape(2, 3))
    np.testing.assert_array_equal(np.asarray(image)[columns[0][0] :, columns[1][0] :][:2, :3], weight[1].reshape(2, 3))


def test_zero_is_white_and_both_ends_are_as_far_from_it() -> None:
    picture = first_layer(np.array([[-1.0, 0.0, 0.0, 3.0]])).get_images()[0]
    assert picture.get_clim() == (-3, 3)
    assert np.allclose(picture.cmap(picture.norm(0.0))[:3], 1, atol=0.02)


def test_of_very_many_units_the_first_are_shown() -> None:
    assert first_layer(nn.Linear(4, 200)).get_title() == "the first 64 of 200 units of 2 x 2"


@pytest.mark.parametrize(
    ("model", "shape", "error", "said"),
    [
        (nn.Linear(12, 2), None, ValueError, r"12 weights, and that is no square: write shape=\(rows, columns\)"),
        (nn.Linear(12, 2), (5, 2), ValueError, "shape 5 x 2 has 10"),
        (nn.Sequential(nn.ReLU()), None, TypeError, "no Linear and no Conv2d"),
        (Tensor(np.ones((2, 2, 2))), None, ValueError, r"these have shape \(2, 2, 2\)"),
        ([1.0], None, TypeError, "not a list"),
        (np.array([[np.nan, 1, 1, 1]]), None, ValueError, "the model has diverged"),
    ],
)
def test_what_is_no_image_is_refused(model: Any, shape: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        first_layer(model, shape=shape)
