"""The decision boundary: where it is, and that nobody needs colours to read it."""

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, keras, nn, train
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


@pytest.mark.parametrize("always", [0.1, 0.9])
def test_a_classifier_that_never_changes_its_mind_has_no_line(always: float) -> None:
    axes = decision_boundary(lambda points: np.full(len(points), always), POINTS, CLASSES)
    legend = axes.get_legend()
    assert legend is not None
    assert len(legend.get_texts()) == 2


@pytest.mark.parametrize(
    ("points", "classes", "said"),
    [
        (POINTS[:, :1], CLASSES, r"X must be \(n, 2\)"),
        (POINTS, CLASSES[:2], r"X must be \(n, 2\)"),
        (POINTS, [0, 1, 2, 1], "y must hold 0 and 1 only"),
        (POINTS, [0, 1, -1, 1], "y must hold 0 and 1 only"),
        (POINTS, [0, 0.5, 1, 1], "y must hold 0 and 1 only"),
        (POINTS, ["no", "no", "yes", "yes"], r"write np.unique\(y, return_inverse=True\)\[1\]"),
        (POINTS * np.nan, CLASSES, "X holds nan"),
        (POINTS[:0], CLASSES[:0], r"X must be \(n, 2\)"),
    ],
)
def test_other_shapes_and_labels_are_refused(points: object, classes: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        decision_boundary(at_one, points, classes)


@pytest.mark.parametrize(
    ("predict", "said"),
    [
        (lambda points: 8 * points[:, 0] - 4, r"for logits write lambda x: sigmoid\(model\(x\)\)"),
        (lambda points: points[:, 0] * np.nan, "probabilities are from 0 to 1"),
        (lambda points: points * np.nan, "the model has diverged"),
        (lambda points: points[:5], r"predict gives shape \(5, 2\) for 40000 points"),
        (lambda points: points[:, :, None], "one score a class"),
    ],
)
def test_what_is_no_prediction_is_refused(predict: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        decision_boundary(predict, POINTS, CLASSES)


def test_names_are_one_a_class() -> None:
    with pytest.raises(ValueError, match="class_names has 1 names, and there are 2 classes"):
        decision_boundary(at_one, POINTS, CLASSES, class_names=["ham"])


def three(points: Any) -> Any:
    """Scores of which class 0 wins left of 0.5, class 1 up to 1.5, and class 2 from there."""
    x = np.asarray(points)[:, 0]
    return np.stack([0.5 - x, np.zeros_like(x), x - 1.5], axis=1)


def edges(axes: Any) -> Any:
    """All corners of the lines between the classes."""
    lines = [path.vertices for c in axes.collections if list(getattr(c, "levels", [])) == [0] for path in c.get_paths()]
    return np.concatenate(lines)


@pytest.mark.parametrize("predict", [three, lambda points: Tensor(three(points)), lambda p: three(p).argmax(axis=1)])
def test_of_several_classes_every_edge_is_a_line(predict: Any) -> None:
    axes = decision_boundary(predict, POINTS, [0, 1, 2, 2])
    x = edges(axes)[:, 0]
    assert np.minimum(abs(x - 0.5), abs(x - 1.5)).max() < 0.02
    assert {round(float(place), 1) for place in x} == {0.5, 1.5}
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "class 0",
        "class 1",
        "class 2",
        "two classes are equal",
    ]


def test_of_several_classes_the_region_has_the_colour_of_its_points() -> None:
    axes = decision_boundary(three, POINTS, [0, 1, 2, 2])
    (image,) = axes.get_images()
    row = np.asarray(image.get_array())[100, [0, 100, 199]]
    points = [np.ravel(c.get_facecolor())[:3] for c in axes.collections[-3:]]
    np.testing.assert_allclose(row, 0.72 + 0.28 * np.array(points), atol=1e-9)


def test_a_class_that_wins_everywhere_has_no_line() -> None:
    axes = decision_boundary(lambda points: np.array([[0, 1, 0]]).repeat(len(points), axis=0), POINTS, [0, 1, 2, 2])
    assert len(axes.get_legend().get_texts()) == 3


def test_a_module_is_asked_in_evaluation_mode_and_left_in_its_own() -> None:
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.9))
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    axes = decision_boundary(model, POINTS, [0, 1, 2, 2])
    assert all(module.training for module in model.modules())
    assert all((model.state_dict()[name].numpy() == value).all() for name, value in before.items())
    scores = predict_rows(model, edges(axes))
    top = np.sort(scores, axis=1)
    np.testing.assert_allclose(top[:, -1], top[:, -2], atol=0.05)


def predict_rows(model: nn.Module, rows: Any) -> Any:
    return train.predict(model, rows).numpy()


def test_keras_and_scikit_learn_are_asked_by_their_predict() -> None:
    model = keras.Sequential([keras.Input(shape=(2,)), keras.Dense(1, activation="sigmoid")])
    model.compile(loss="binary_crossentropy")
    for predict in (model, model.predict):
        assert decision_boundary(predict, POINTS, CLASSES).get_legend() is not None
    linear = pytest.importorskip("sklearn.linear_model").LogisticRegression().fit(POINTS, CLASSES)
    line = edges(decision_boundary(linear.predict_proba, POINTS, CLASSES))
    np.testing.assert_allclose(linear.decision_function(line), 0, atol=1e-2)
