"""Activations: the curve and the derivative are the engine's, and a kink shows both limits and the convention."""

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn, no_grad
from viz.plots import activations

pytest.importorskip("matplotlib")


def lines(axes: Any) -> dict[str, Any]:
    return {line.get_label(): line for line in axes.get_lines()}


def test_the_curves_are_the_function_and_its_derivative() -> None:
    drawn = lines(activations(tg.sigmoid))
    x, y = drawn["sigmoid"].get_data()
    np.testing.assert_allclose(y, 1 / (1 + np.exp(-x)), rtol=1e-12)
    at, slope = drawn["derivative of sigmoid"].get_data()
    s = 1 / (1 + np.exp(-at))
    np.testing.assert_allclose(slope, s * (1 - s), rtol=1e-9)
    assert (x[0], x[-1]) == (-5, 5)


@pytest.mark.parametrize(
    ("function", "kinks"),
    [
        (tg.relu, {0: (0, 0, 1)}),
        (nn.LeakyReLU(0.1), {0: (0.1, 0.1, 1)}),
        (nn.ELU(alpha=0.5), {0: (0.5, 0.5, 1)}),
        (nn.ReLU6(), {0: (0, 0, 1), 6: (1, 0, 0)}),
        (abs, {0: (-1, 0, 1)}),
        (lambda x: abs(x - 1 / 3), {0.333333: (-1, 0, 1)}),
        (tg.sigmoid, {}),
        (nn.ELU(), {}),
        (nn.GELU(), {}),
        (lambda x: tg.tanh(20 * x), {}),  # steep, and smooth
    ],
)
def test_limits_and_convention_are_shown_at_every_kink(function: Any, kinks: dict[float, tuple[float, ...]]) -> None:
    axes = activations({"f": function}, low=-4, high=8)
    (dots,) = [line for name, line in lines(axes).items() if "convention" in name] or [None]
    rings = [line for line in axes.get_lines() if line.get_markerfacecolor() == "white"]
    if not kinks:
        assert (dots, rings) == (None, [])
        return
    np.testing.assert_allclose(dots.get_xdata(), list(kinks), atol=1e-6)
    left, right = rings[0].get_ydata().reshape(2, -1)
    found = np.stack([left, dots.get_ydata(), right], axis=1)
    if 0.333333 not in kinks:  # which is not a third, so the dot is on a side
        np.testing.assert_allclose(found, list(kinks.values()), atol=1e-4)


def test_the_derivative_is_cut_where_it_jumps() -> None:
    x, slope = lines(activations(tg.relu))["derivative of relu"].get_data()
    assert np.isnan(slope[x == 0]).all()
    assert set(slope[x < 0]) == {0.0}
    assert set(slope[x > 0]) == {1.0}


def test_numpy_s_functions_and_ones_of_your_own_are_taken_and_recording_may_be_off() -> None:
    with no_grad():
        drawn = lines(activations([np.tanh, lambda x: x * x], low=0, high=1))
    x, slope = drawn["derivative of <lambda>"].get_data()
    np.testing.assert_allclose(slope, 2 * x, atol=1e-12)
    assert "tanh" in drawn


def test_one_entry_of_the_legend_says_that_derivatives_are_dashed() -> None:
    texts = [text.get_text() for text in activations([tg.sigmoid, tg.relu]).get_legend().get_texts()]
    assert texts == ["sigmoid", "relu", "relu: by convention 0 at 0", "its derivative"]


@pytest.mark.parametrize(
    ("function", "error", "said"),
    [
        (nn.ReLU, TypeError, r"ReLU is a class: make one, ReLU\(\)"),
        (["relu"], TypeError, "'relu' is a str and no function"),
        (nn.Softmax(dim=0), ValueError, "does not work number by number"),
        (lambda x: x.sum(), ValueError, "does not work number by number"),
        ("relu", TypeError, "'relu' is a str and no function"),
        ({"f": 3}, TypeError, "f is a int and no function"),
        (
            lambda x: Tensor(x.detach().numpy()),
            RuntimeError,
            "does not require grad",
        ),  # it leaves the engine, whose error says so
    ],
)
def test_what_has_no_curve_is_refused(function: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        activations(function)


def test_limits_are_in_order() -> None:
    with pytest.raises(ValueError, match="low has to be below high"):
        activations(tg.relu, low=1, high=1)


def test_more_functions_than_colours_are_refused_and_a_long_legend_stands_below() -> None:
    functions = {f"f{i}": (lambda x, i=i: x * i) for i in range(8)}
    with pytest.raises(ValueError, match="8 functions need 8 colours: draw at most 7 in a picture"):
        activations(functions)
    del functions["f0"]
    axes = activations(functions)
    axes.figure.draw_without_rendering()
    assert axes.get_legend().get_window_extent().y1 < axes.get_window_extent().y0
