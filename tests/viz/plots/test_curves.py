"""Learning curves: the numbers of the history, the best epoch, and what has no place on the axis."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor
from tinygrad_edu.train import History
from viz.plots import learning_curves

pytest.importorskip("matplotlib")


def lines(axes: Any) -> dict[str, Any]:
    return {line.get_label(): line for line in axes.get_lines()}


def test_the_curves_are_the_numbers_of_the_history() -> None:
    drawn = lines(learning_curves(History({"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 1.0, 2.0], "lr": [0.1] * 3})))
    assert list(drawn) == ["loss", "val_loss", "best: epoch 2, 1"]
    assert list(drawn["loss"].get_xdata()) == [1, 2, 3]
    assert list(drawn["val_loss"].get_ydata()) == [3.0, 1.0, 2.0]
    assert (drawn["loss"].get_linestyle(), drawn["val_loss"].get_linestyle()) == ("-", "--")
    assert drawn["loss"].get_color() == drawn["val_loss"].get_color()


@pytest.mark.parametrize(
    "history",
    [
        [3.0, 2.0],
        (Tensor(3.0), Tensor(2.0, requires_grad=True)),
        np.array([3.0, 2.0]),
        Tensor([3.0, 2.0]),
        {"loss": [3.0, 2.0]},
        SimpleNamespace(history={"loss": [3.0, 2.0]}),  # what the fit of Keras gives
    ],
)
def test_every_kind_of_history_is_taken(history: Any) -> None:
    assert list(lines(learning_curves(history))["loss"].get_ydata()) == [3.0, 2.0]


@pytest.mark.parametrize(
    ("measure", "mode", "best"),
    [
        ("loss", None, "best: epoch 1, 1"),
        ("mae", None, "best: epoch 1, 1"),
        ("accuracy", None, "best: epoch 3, 3"),
        ("r2", None, "best: epoch 3, 3"),
        ("my_own", "max", "best: epoch 3, 3"),
        ("my_own", "min", "best: epoch 1, 1"),
        ("my_own", None, None),  # nobody said what is better
    ],
)
def test_the_best_epoch_is_that_of_the_validation(measure: str, mode: str | None, best: str | None) -> None:
    axes = learning_curves({measure: [0.0, 9.0, 0.0], f"val_{measure}": [1.0, 2.0, 3.0]}, measure, mode=mode)
    assert [name for name in lines(axes) if name.startswith("best")] == ([best] if best else [])


def test_a_measure_that_is_nan_is_never_best() -> None:
    axes = learning_curves({"loss": [3.0, 2.0, 1.0], "val_loss": [np.nan, 2.0, -np.inf]})
    assert "best: epoch 2, 2" in lines(axes)
    assert not [name for name in lines(learning_curves({"loss": [1.0], "val_loss": [np.nan]})) if "best" in name]


def test_what_has_no_place_is_marked_at_the_edge_and_named() -> None:
    drawn = lines(learning_curves([1.0, np.nan, np.inf, 2.0, -np.inf]))
    assert list(drawn) == ["loss", "loss is inf or nan", "loss is -inf"]
    above, below = drawn["loss is inf or nan"], drawn["loss is -inf"]
    assert (list(above.get_xdata()), list(below.get_xdata())) == ([2, 3], [5])
    assert above.get_ydata()[0] > 0.9
    assert below.get_ydata()[0] < 0.1
    assert np.isnan(drawn["loss"].get_ydata()).tolist() == [False, True, True, False, True]


def test_measures_that_fail_in_one_epoch_are_told_apart() -> None:
    drawn = lines(learning_curves({"loss": [1.0, np.nan], "val_loss": [1.0, np.nan]}))
    train, validation = drawn["loss is nan"], drawn["val_loss is nan"]
    assert train.get_markerfacecolor() != validation.get_markerfacecolor()
    assert abs(train.get_ydata()[0] - validation.get_ydata()[0]) > 0.04


def test_on_a_logarithmic_axis_zero_is_marked() -> None:
    axes = learning_curves([1.0, 0.1, 0.0], log=True)
    assert axes.get_yscale() == "log"
    assert list(lines(axes)["loss is 0 or below"].get_xdata()) == [3]
    assert list(lines(learning_curves([1.0, 0.1, 0.0]))) == ["loss"]


@pytest.mark.parametrize("given", [None, "loss"])
def test_what_is_no_history_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"a history is what fit returns, history = fit\(\.\.\.\)"):
        learning_curves(given)


def test_an_epoch_between_two_gaps_is_seen() -> None:
    long = np.full(100, np.nan)
    long[50] = 1.0
    assert lines(learning_curves(long))["loss"].get_marker() == "o"
    assert lines(learning_curves(np.ones(100)))["loss"].get_marker() == "None"


@pytest.mark.parametrize(
    ("history", "given", "said"),
    [
        (History(), {}, "no epoch yet"),
        ([], {}, "no epoch yet"),
        ({"loss": [1.0]}, {"measures": "accuracy"}, "'accuracy' is not in the history: there is 'loss'"),
        ({"loss": [[1.0, 2.0]]}, {}, "one number an epoch"),
        ([1.0], {"mode": "best"}, "mode is 'min'"),
    ],
)
def test_what_cannot_be_drawn_is_said(history: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        learning_curves(history, **given)


def test_one_epoch_stands_alone_on_an_axis_of_whole_epochs() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    axes = learning_curves({"loss": [0.5]})
    FigureCanvasAgg(axes.figure).draw()
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]


def test_of_many_epochs_the_dashes_of_the_validation_data_are_seen_before_the_other_line() -> None:
    few, many = (lines(learning_curves({"loss": np.ones(count), "val_loss": np.ones(count)})) for count in (300, 301))
    assert few["loss"].get_alpha() == few["val_loss"].get_alpha() == many["val_loss"].get_alpha() == 1
    assert many["loss"].get_alpha() < 0.5
