"""Descents: a path is where the optimiser was, and the picture says where it begins, ends, and leaves."""

from typing import Any

import numpy as np
import pytest

from tinygrad_edu import no_grad, optim
from viz.plots import descent, walk

pytest.importorskip("matplotlib")


def bowl(x: Any, y: Any) -> Any:
    return (x**2 + 50 * y**2) / 2


def sgd(lr: float) -> Any:
    return lambda both: optim.SGD(both, lr=lr)


def test_a_walk_is_the_optimiser_s_own() -> None:
    path = walk(bowl, (-8.0, 1.5), sgd(0.03), steps=5)
    n = np.arange(6)[:, None]
    np.testing.assert_allclose(path, (1 - 0.03 * np.array([1.0, 50.0])) ** n * (-8.0, 1.5), rtol=1e-12)
    with no_grad():
        np.testing.assert_array_equal(walk(bowl, [-8.0, 1.5], sgd(0.03), steps=5), path)


def test_a_walk_ends_where_it_is_no_longer_finite() -> None:
    path = walk(bowl, (1.0, 1.0), sgd(1e200), steps=50)
    assert len(path) < 10
    assert not np.isfinite(path[-1]).all()
    said = descent(bowl, path).get_legend().get_texts()[0].get_text()
    assert said.startswith(f"{len(path) - 1} steps, loss from 25.5 to ")
    assert "leaves the picture in step 1" in said


def test_the_path_is_drawn_as_it_was_walked_from_square_to_star() -> None:
    path = walk(bowl, (-8.0, 1.5), sgd(0.03))
    line, start, end = descent(bowl, path).get_lines()
    np.testing.assert_array_equal(line.get_xydata(), path)
    assert (start.get_marker(), end.get_marker()) == ("s", "*")
    ends = [np.ravel(mark.get_xydata()) for mark in (start, end)]
    np.testing.assert_array_equal(ends, path[[0, -1]])


def test_the_picture_holds_paths_that_stay_down() -> None:
    axes = descent(bowl, {"a": [(-8, 1), (0, 0)], "b": [(3, -2), (1, 1)]})
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert left < -8 < 3 < right
    assert bottom < -2 < 1 < top
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "a: 1 steps, loss from 57 to 0",
        "b: 1 steps, loss from 104.5 to 25.5",
    ]


def test_a_path_that_climbs_away_is_followed_for_a_while_only() -> None:
    path = walk(bowl, (-8.0, 1.5), sgd(0.06), steps=40)
    axes = descent(bowl, path)
    assert np.ptp(axes.get_ylim()) < 100 < np.ptp(path[:, 1])
    assert "leaves the picture in step" in axes.get_legend().get_texts()[0].get_text()


def test_limits_and_names_can_be_given() -> None:
    axes = descent(bowl, [(1, 1)], xlim=(-2, 2), ylim=(-3, 3), names=("slope", "intercept"))
    assert (axes.get_xlim(), axes.get_ylim()) == ((-2, 2), (-3, 3))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("slope", "intercept")


def test_contour_lines_are_where_the_loss_is_the_same() -> None:
    axes = descent(lambda x, y: x**2 + y**2, [(2.0, 0.0), (0.0, 0.0)], xlim=(-2, 2), ylim=(-2, 2))
    lines = [c for c in axes.collections if not c.filled]
    for level, path in zip(lines[0].levels, lines[0].get_paths(), strict=True):
        corners = np.asarray(path.vertices)
        inside = corners[np.abs(corners).max(axis=1) < 1.99]
        np.testing.assert_allclose((inside**2).sum(axis=1), level, atol=0.02)


def test_a_loss_may_be_a_mean_over_data_and_may_have_holes() -> None:
    x = np.linspace(-1, 1, 7)
    axes = descent(lambda slope, shift: ((slope * x + shift - x) ** 2).mean(), [(0.0, 1.0), (1.0, 0.0)])
    assert axes.get_legend().get_texts()[0].get_text() == "1 steps, loss from 1.444 to 0"
    with np.errstate(all="raise"):
        descent(lambda x, y: np.log(x) ** 2 + y**2, [(0.5, 0.1), (1.0, 0.0)], xlim=(-1, 2), ylim=(-1, 1))


@pytest.mark.parametrize(
    ("loss", "path", "said"),
    [
        (bowl, [1.0, 2.0], r"a path must be \(n, 2\)"),
        (bowl, np.ones((3, 3)), r"a path must be \(n, 2\)"),
        (bowl, np.ones((0, 2)), r"a path must be \(n, 2\)"),
        (bowl, [(np.nan, 0.0)], "a start has to be finite"),
        (lambda x, y: np.stack([x, y]), [(0.0, 0.0)], "should be one number"),
        (lambda x, y: 0 * x * y, [(0.0, 0.0)], "the same or not finite everywhere"),
    ],
)
def test_what_cannot_be_drawn_is_said(loss: Any, path: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        descent(loss, path)


def test_a_start_is_two_numbers() -> None:
    with pytest.raises(ValueError, match="start is two numbers"):
        walk(bowl, [1.0], sgd(0.1))
