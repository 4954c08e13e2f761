"""Metrics give scikit-learn's numbers, take what networks put out, and refuse what would be a wrong number."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, metrics
from tinygrad_edu.errors import ShapeError

random = np.random.default_rng(0)
CHANCES, YES = random.random(50).astype(np.float32), random.integers(0, 2, 50)
SCORES, CLASSES = random.normal(size=(60, 4)), random.integers(0, 4, 60)
GUESSES, VALUES = random.normal(size=(40, 3)), random.normal(size=(40, 3))


def test_classes_are_judged_as_by_scikit_learn() -> None:
    judge = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed: pip install scikit-learn")
    told, best = CHANCES > 0.5, SCORES.argmax(axis=1)
    assert metrics.accuracy(CHANCES, YES) == pytest.approx(judge.accuracy_score(YES, told))
    assert metrics.accuracy(SCORES, CLASSES) == pytest.approx(judge.accuracy_score(CLASSES, best))
    np.testing.assert_array_equal(metrics.confusion_matrix(CHANCES, YES), judge.confusion_matrix(YES, told))
    np.testing.assert_array_equal(metrics.confusion_matrix(SCORES, CLASSES), judge.confusion_matrix(CLASSES, best))
    for name in ("precision", "recall", "f1"):
        ours, theirs = getattr(metrics, name), getattr(judge, f"{name}_score")
        assert ours(CHANCES, YES) == pytest.approx(theirs(YES, told))
        assert ours(CHANCES, YES, average="macro") == pytest.approx(theirs(YES, told, average="macro"))
        assert ours(SCORES, CLASSES, average="macro") == pytest.approx(theirs(CLASSES, best, average="macro"))
        nothing = np.zeros(3, int)
        assert ours(nothing, [1, 1, 0]) == theirs([1, 1, 0], nothing, zero_division=0)
        assert ours([0, 5], [5, 5], average="macro") == theirs([5, 5], [0, 5], average="macro", zero_division=0)


def test_numbers_are_judged_as_by_scikit_learn() -> None:
    judge = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed: pip install scikit-learn")
    for guesses, values in ((GUESSES, VALUES), (GUESSES[:, 0], VALUES[:, 0])):
        for name, theirs in (
            ("mae", judge.mean_absolute_error),
            ("mse", judge.mean_squared_error),
            ("r2", judge.r2_score),
        ):
            assert metrics.metric(name)(guesses, values) == pytest.approx(theirs(values, guesses))
    for guess in ([1.0, 1.0], [1.0, 2.0]):
        assert metrics.r2(guess, [1.0, 1.0]) == judge.r2_score([1.0, 1.0], guess)


def test_the_same_answers_in_every_form_that_networks_give_them() -> None:
    right = metrics.accuracy(CHANCES, YES)
    logits = np.log(CHANCES / (1 - CHANCES))
    forms: list[tuple[Any, Any]] = [
        (Tensor(CHANCES, requires_grad=True), Tensor(YES)),
        (CHANCES.reshape(-1, 1), YES),
        (CHANCES.reshape(-1, 1), YES.reshape(-1, 1).astype(np.float32)),
        (CHANCES, YES.astype(bool)),
        (CHANCES > 0.5, YES),
        (np.stack([1 - CHANCES, CHANCES], axis=1), YES),
        (np.stack([1 - CHANCES, CHANCES], axis=1), np.eye(2)[YES]),
        (np.stack([1 - CHANCES, CHANCES], axis=1).reshape(5, 10, 2).swapaxes(1, 2), YES.reshape(5, 10)),
        (list(CHANCES), list(YES)),
    ]
    for predictions, targets in forms:
        assert metrics.accuracy(predictions, targets) == right
    assert metrics.accuracy(logits, YES, threshold=0) == right
    assert type(metrics.accuracy(Tensor(CHANCES), YES)) is float


def test_several_labels_a_row_are_compared_place_by_place() -> None:
    labels = np.array([[1, 1, 0], [0, 0, 0]])
    assert metrics.accuracy(np.array([[0.9, 0.2, 0.1], [0.1, 0.6, 0.2]]) > 0.5, labels) == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: metrics.accuracy([-2.0, 3.0], [0, 1]), ValueError, "from -2 to 3 are no probabilities.*threshold=0"),
        (lambda: metrics.accuracy([0.2, 0.3], [-1, 1]), ValueError, "label -1 names no class.*from 0 to 1"),
        (lambda: metrics.accuracy([0.2, 0.3], [0.5, 1]), ValueError, "label 0.5 names no class"),
        (lambda: metrics.accuracy(SCORES[:2], [0, 4]), ValueError, "label 4 names no class.*from 0 to 3"),
        (lambda: metrics.accuracy(SCORES, CLASSES[:-1]), ShapeError, r"\(60, 4\) and targets of shape \(59,\)"),
        (lambda: metrics.accuracy(SCORES[:1, :3], [[1, 1, 0]]), ValueError, r"do not add up to 1.*> 0\.5"),
        (lambda: metrics.accuracy([], []), ValueError, "no predictions"),
        (lambda: metrics.precision(SCORES, CLASSES), ValueError, "4 classes: write average='macro'"),
        (lambda: metrics.f1(CHANCES, YES, average="micro"), ValueError, "'binary' or 'macro'"),
        (lambda: metrics.r2(np.ones((3, 2)), np.ones(3)), ShapeError, r"r2: predictions have shape \(3, 2\)"),
        (lambda: metrics.mean_absolute_error([], []), ValueError, "no predictions"),
        (lambda: metrics.metric("acuracy"), ValueError, "do you mean 'accuracy'"),
        (lambda: metrics.metric("xyz"), ValueError, "there are accuracy, "),
    ],
)
def test_what_would_be_a_wrong_number_is_refused(call: Callable[[], Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call()
