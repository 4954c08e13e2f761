"""The decision boundary: where it is, and that nobody needs colours to read it."""

from typing import Any

import numpy as np
import pytest

from viz.plots import decision_boundary

pytest.importorskip("matplotlib")

POINTS = np.array([[0.0, 0.0], [0.0, 1.0], [2.0, 0.0], [2.0, 1.0]])
CLASSES = np.array([0, 0, 1, 1])


def at_one(points: Any) -> Any:
    """The probability crosses 0.5 where the first feature is 1."""
    return 1 / (1 + np.exp(-4 * (points[:, 0] - 1)))


def test_the_line_is_where_the_probability_is_a_half() -> None:
    axes = decision_boundary(at_one, POINTS, CLASSES)
    (line,) = [c for c in axes.collections if getattr(c, "levels", None) is not None and list(c.levels) == [0.5]]
    np.testing.assert_allclose(np.asarray(line.get_paths()[0].vertices)[:, 0], 1, atol=0.01)


def test_classes_are_told_apart_by_marker_and_named() -> None:
    axes = decision_boundary(at_one, POINTS, CLASSES, feature_names=["links", "capitals"], class_names=["ham", "spam"])
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["ham", "spam", "probability 0.5"]
    markers = [np.asarray(c.get_paths()[0].vertices) for c in axes.collections if c.get_label() in ("ham", "spam")]
    assert len(markers[0]) != len(markers[1])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("links", "capitals")


def test_a_classifier_that_never_changes_its_mind_has_no_line() -> None:
    axes = decision_boundary(lambda points: np.full(len(points), 0.9), POINTS, CLASSES)
    legend = axes.get_legend()
    assert legend is not None
    assert len(legend.get_texts()) == 2


@pytest.mark.parametrize(
    ("points", "classes", "said"),
    [
        (POINTS[:, :1], CLASSES, r"X must be \(n, 2\)"),
        (POINTS, CLASSES[:2], r"X must be \(n, 2\)"),
        (POINTS, [0, 1, 2, 1], "y must hold 0 and 1 only"),
    ],
)
def test_other_shapes_are_refused(points: object, classes: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        decision_boundary(at_one, points, classes)
