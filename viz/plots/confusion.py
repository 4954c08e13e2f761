"""The confusion matrix: what was predicted for the samples of every class."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import metrics
from viz.plots.style import BLACK, axes_or_new, numbers, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["confusion_matrix"]

MOST = 25
"""Up to so many classes there is room for numbers."""


def confusion_matrix(
    predictions: Any,
    targets: Any,
    ax: "Axes | None" = None,
    *,
    class_names: Sequence[str] | None = None,
    threshold: float | None = None,
) -> "Axes":
    """How often a class, the row, was predicted as another, the column; shades are shares of the row.

    Takes what `metrics.confusion_matrix` takes and counts as it does: classes, probabilities, or a score a class. The
    diagonal is what is right. Raises ValueError for classes that are words, for fewer names than classes, and what that
    raises.

    >>> axes = confusion_matrix([0, 1, 1, 1], [0, 0, 1, 1], class_names=["ham", "spam"])
    >>> [text.get_text() for text in axes.texts]
    ['1', '1', '0', '2']
    """
    if any(numbers(given).dtype.kind in "USO" for given in (predictions, targets)):
        raise ValueError(
            "classes are counted from 0: write classes, y = np.unique(targets, return_inverse=True) and"
            " class_names=classes, and number the predictions in the same way"
        )
    counts = metrics.confusion_matrix(predictions, targets, threshold=threshold)
    classes = len(counts)
    if class_names is not None and len(class_names) < classes:
        raise ValueError(f"class_names has {len(class_names)} names, and there are {classes} classes")
    if class_names is not None and len(class_names) > classes:  # the last ones occur nowhere
        counts = np.pad(counts, (0, len(class_names) - classes))
        classes = len(counts)
    names = list(map(str, range(classes) if class_names is None else class_names))
    axes = axes_or_new(ax)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if classes <= MOST:
        size = min(small(axes) + 2, 110 / classes)
        for row, column in np.ndindex(counts.shape):
            shade = "white" if shares[row, column] > 0.5 else BLACK
            axes.text(column, row, f"{counts[row, column]}", ha="center", va="center", color=shade, fontsize=size)
    axes.set(xlabel="predicted", ylabel="actual", title=f"{_share(np.trace(counts), counts.sum())} are right")
    if classes <= MOST:
        long = max(map(len, names)) > 3 and classes > 2
        axes.set_xticks(range(classes), names, rotation=45 if long else 0, ha="right" if long else "center")
        axes.set_yticks(range(classes), names)
    return axes


def _share(right: int, of: int) -> str:
    """How many are right; a few mistakes among many are not rounded away.

    >>> _share(3, 4), _share(999_999, 1_000_000), _share(2, 2)
    ('75.0% of 4', 'all but 1 of 1,000,000', '100.0% of 2')
    """
    said = f"{right / of:.1%}"
    return f"all but {of - right:,} of {of:,}" if said == "100.0%" and right < of else f"{said} of {of:,}"
