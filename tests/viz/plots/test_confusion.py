"""The confusion matrix: the counts of `metrics`, readable on every shade."""

from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, metrics
from viz.plots import confusion_matrix

pytest.importorskip("matplotlib")

TARGETS = np.array([0, 0, 0, 1, 1, 2])
SAID = np.array([0, 0, 1, 1, 1, 0])


def counts(axes: Any) -> Any:
    return np.array([int(text.get_text()) for text in axes.texts])


@pytest.mark.parametrize(
    ("predictions", "targets"),
    [
        (SAID, TARGETS),
        (Tensor(SAID), Tensor(TARGETS)),
        (np.eye(3)[SAID], TARGETS),  # a score a class
        (Tensor(np.eye(3)[SAID], requires_grad=True), TARGETS.tolist()),
    ],
)
def test_the_numbers_are_those_of_metrics(predictions: Any, targets: Any) -> None:
    axes = confusion_matrix(predictions, targets)
    np.testing.assert_array_equal(counts(axes).reshape(3, 3), metrics.confusion_matrix(SAID, TARGETS))
    assert axes.get_title() == "66.7% of 6 are right"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "actual")


def test_probabilities_and_logits_of_two_classes() -> None:
    np.testing.assert_array_equal(counts(confusion_matrix([0.2, 0.9, 0.6], [0, 1, 0])), [1, 1, 0, 1])
    np.testing.assert_array_equal(counts(confusion_matrix([-2.0, 3.0, 1.0], [0, 1, 0], threshold=0)), [1, 1, 0, 1])


def test_shades_are_shares_of_the_row_and_numbers_stand_out() -> None:
    axes = confusion_matrix(np.repeat([0, 1, 1], [1000, 1, 1]), np.repeat([0, 1, 0], [1000, 1, 1]))
    shares = np.asarray(axes.get_images()[0].get_array())
    np.testing.assert_allclose(shares, [[1000 / 1001, 1 / 1001], [0, 1]])
    assert [text.get_color() for text in axes.texts] == ["white", "#333333", "#333333", "white"]


def test_classes_have_their_names_also_those_that_do_not_occur() -> None:
    axes = confusion_matrix([0, 1], [1, 1], class_names=["ham", "spam", "eggs"])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["ham", "spam", "eggs"]
    np.testing.assert_array_equal(counts(axes), [0, 0, 0, 1, 1, 0, 0, 0, 0])


def test_very_many_classes_are_shades_alone() -> None:
    assert not confusion_matrix(np.arange(30), np.arange(30)).texts


def test_classes_that_are_words_are_to_be_numbered() -> None:
    with pytest.raises(ValueError, match=r"classes, y = np\.unique\(targets, return_inverse=True\)"):
        confusion_matrix(["ham", "spam"], ["ham", "ham"])


def test_names_are_one_a_class() -> None:
    with pytest.raises(ValueError, match="class_names has 1 names, and there are 3 classes"):
        confusion_matrix(SAID, TARGETS, class_names=["ham"])


def test_a_few_mistakes_among_many_are_not_rounded_away() -> None:
    targets = np.zeros(10_000, dtype=int)
    predictions = np.append(targets[1:], 1)
    assert confusion_matrix(predictions, targets).get_title() == "all but 1 of 10,000 are right"
    assert confusion_matrix(targets, targets).get_title() == "100.0% of 10,000 are right"
