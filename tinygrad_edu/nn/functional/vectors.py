"""Functions of vectors and of their lengths, padding, and labels as rows of 0 and 1."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.graph import wrap
from tinygrad_edu.watch import bare

__all__ = ["cosine_similarity", "glu", "normalize", "one_hot", "pad", "pairwise_distance", "softmin", "threshold"]

MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@bare
def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """Rows of 0 with a 1 at the place of the label: whole numbers (...) -> (..., num_classes), int64.

    Without `num_classes`, one more than the largest label. ValueError for labels that are no whole numbers, negative,
    or too large.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.one_hot.html

    >>> one_hot(np.array([2, 0]))
    Tensor([[0, 0, 1],
            [1, 0, 0]])
    """
    labels = getattr(tensor, "_value", tensor)
    if labels.dtype.kind not in "iu":
        raise ValueError(f"one_hot takes labels that are whole numbers, not {labels.dtype}: write labels.long()")
    if num_classes == -1:
        if not labels.size:
            raise ValueError("one_hot of no labels: say how many classes there are, num_classes=")
        num_classes = int(labels.max()) + 1
    if labels.size and not (labels.min() >= 0 and labels.max() < num_classes):
        bad = int(labels.min()) if labels.min() < 0 else int(labels.max())
        raise ValueError(f"one_hot: label {bad} is none of the {num_classes} classes, 0 to {num_classes - 1}")
    return wrap((labels[..., None] == np.arange(num_classes, like=labels)).astype(np.int64), None)


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """More numbers at the ends of the last axes: `pad` is (left, right) of the last axis, then of the one before it.

    `mode` "constant" puts `value`, 0 unless given; "reflect", "replicate" and "circular" put numbers of x.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pad.html

    >>> pad(np.array([[1.0, 2.0]]), (1, 2))
    array([[0., 1., 2., 0., 0.]])
    """
    if len(pad) % 2 or len(pad) > 2 * input.ndim:
        raise ValueError(f"pad {tuple(pad)} must be pairs, (left, right) of each axis, of at most {input.ndim} axes")
    if min(pad, default=0) < 0:
        raise ValueError(f"pad {tuple(pad)} has a negative length: cut with x[..., 1:-1]")
    if mode not in MODES:
        raise ValueError(f"pad has the modes {', '.join(MODES)}, not {mode!r}")
    last = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)][::-1]
    widths = [*[(0, 0)] * (input.ndim - len(last)), *last]
    if mode == "constant":
        return np.pad(input, widths, constant_values=0 if value is None else value)
    return np.pad(input, widths, MODES[mode])  # type: ignore[call-overload] # one of NumPy's modes


def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    """x / max(|x|, eps), |x| the p-norm along `dim`: vectors of length 1.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.normalize.html

    >>> normalize(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]])
    """
    return input / ops.maximum(ops.vector_norm(input, axis=dim, keepdims=True, ord=p), eps)


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """x1·x2 / (max(|x1|, eps) max(|x2|, eps)) along `dim`: the cosine of the angle between them.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cosine_similarity.html

    >>> cosine_similarity(np.array([[3.0, 4.0]]), np.array([[6.0, 8.0]]))
    array([1.])
    """
    first, second = (ops.maximum(ops.vector_norm(x, axis=dim), eps) for x in (x1, x2))
    return ops.sum(x1 * x2, axis=dim) / (first * second)


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The p-norm of x1 - x2 + eps along the last axis: how far vectors are from each other.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pairwise_distance.html

    >>> pairwise_distance(np.array([[3.0, 4.0]]), np.array([[0.0, 0.0]])).round(4)
    array([5.])
    """
    return ops.vector_norm(x1 - x2 + eps, axis=-1, ord=p, keepdims=keepdim)


def glu(input: Any, dim: int = -1) -> Any:
    """a sigmoid(b), of the halves a and b of x along `dim`. Dauphin et al. 2017.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.glu.html

    >>> glu(np.array([4.0, 0.0]))
    array([2.])
    """
    if input.shape[dim] % 2:
        raise ValueError(f"glu halves axis {dim}, whose length {input.shape[dim]} is odd")
    first, second = np.split(input, 2, axis=dim)
    return first * ops.sigmoid(second)


def softmin(input: Any, dim: int) -> Any:
    """softmax(-x) along `dim`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmin.html
    """
    return ops.softmax(-input, dim)


def threshold(input: Any, threshold: float, value: float) -> Any:
    """x where x > threshold, else `value`.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.threshold.html
    """
    return np.where(input > threshold, input, input.dtype.type(value))
