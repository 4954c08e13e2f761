"""Losses that ask for a margin, and cost nothing once it is there."""

from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.glance import seen
from tinygrad_edu.nn.functional.losses.labels import class_places
from tinygrad_edu.nn.functional.losses.operands import (
    at,
    class_weights,
    different_shapes,
    first_place,
    floats,
    held,
    numbers,
    pair,
)
from tinygrad_edu.nn.functional.losses.probabilities import binary_cross_entropy_with_logits
from tinygrad_edu.nn.functional.losses.reduction import mean_or_sum
from tinygrad_edu.ops.activations import relu, softplus
from tinygrad_edu.ops.indexing import scatter
from tinygrad_edu.watch import bare

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
]


def _at_least_zero(x: Any) -> Any:
    """max(x, 0) with slope 1 at 0, as in PyTorch's losses of two answers."""
    return np.clip(x, 0, None)


@bare
def _signs(loss: str, target: Any) -> None:
    """Raise ValueError for a target that is neither 1 nor -1."""
    target = held(target)
    wrong = (target != 1) & (target != -1)
    if seen(wrong):
        place = first_place(wrong)
        raise ValueError(
            f"{loss}: the target holds {target[place].item():g}{at(place)}, and targets are 1 or -1 here: labels 0 and"
            " 1 become that by 2 * target - 1"
        )


def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, *, reduction: str = "mean") -> Any:
    """A distance is to be small where `target` is 1, and at least `margin` where it is -1.

    x where y = 1, max(0, margin - x) where y = -1, for x = `input`, y = `target` of the same shape. Raises `ShapeError`
    for different shapes, ValueError for other targets.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.hinge_embedding_loss.html

    >>> from tinygrad_edu import Tensor
    >>> hinge_embedding_loss(Tensor([0.3, 0.3, 2.0]), Tensor([1.0, -1.0, -1.0]), reduction="none")
    Tensor([0.3, 0.7, 0. ])
    """
    input, target = pair("hinge_embedding_loss", input, target)
    _signs("hinge_embedding_loss", target)
    return mean_or_sum(np.where(target == 1, input, _at_least_zero(margin - input)), reduction)


def soft_margin_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """log(1 + exp(-y x)) for x = `input` and y = `target`, 1 or -1: logistic regression with signs for labels.

    Raises `ShapeError` for different shapes, ValueError for other targets.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.soft_margin_loss.html

    >>> from tinygrad_edu import Tensor
    >>> soft_margin_loss(Tensor([0.0, -1000.0]), Tensor([1.0, 1.0]), reduction="none").numpy().round(4)
    array([6.931e-01, 1.000e+03])
    """
    input, target = pair("soft_margin_loss", input, target)
    _signs("soft_margin_loss", target)
    return mean_or_sum(softplus(-target * input), reduction)


def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean") -> Any:
    """The first is to be larger than the second by `margin` where `target` is 1, smaller where it is -1.

    max(0, -y (x1 - x2) + margin), all of one shape. Raises `ShapeError` for different shapes, ValueError for other
    targets.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.margin_ranking_loss.html

    >>> from tinygrad_edu import Tensor
    >>> margin_ranking_loss(Tensor([3.0, 3.0]), Tensor([1.0, 1.0]), Tensor([1.0, -1.0]), reduction="none")
    Tensor([0., 2.])
    """
    input1, input2 = pair("margin_ranking_loss", input1, input2, ("input1", "input2"))
    input1, target = pair("margin_ranking_loss", input1, target, ("input1", "target"))
    _signs("margin_ranking_loss", target)
    return mean_or_sum(_at_least_zero(-target * (input1 - input2) + margin), reduction)


def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Any:
    """Two vectors are to point the same way where `target` is 1, and apart where it is -1.

    1 - cos where y = 1, max(0, cos - margin) where y = -1, cos = x1.x2 / sqrt((x1.x1 + e) (x2.x2 + e)) with e = 1e-12.
    Inputs have shape (N, D) and targets (N,), or (D,) and (). Raises `ShapeError` for other shapes, ValueError for
    other targets.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cosine_embedding_loss.html

    >>> from tinygrad_edu import Tensor
    >>> a, b = Tensor([[1.0, 0.0], [1.0, 0.0]]), Tensor([[0.0, 2.0], [3.0, 0.0]])
    >>> cosine_embedding_loss(a, b, Tensor([1.0, -1.0]), reduction="none")
    Tensor([1., 1.])
    """
    name = "cosine_embedding_loss"
    input1, input2 = pair(name, input1, input2, ("input1", "input2"))
    target = numbers(name, target, "target")
    if input1.ndim not in (1, 2) or target.shape != input1.shape[:-1]:
        raise ShapeError(
            f"{name}: vectors of shape (N, D) have targets of shape (N,), and vectors of shape (D,) one of shape ();"
            f" these have shape {input1.shape}, and the target {target.shape}"
        )
    _signs(name, target)
    lengths = ((input1 * input1).sum(axis=-1) + 1e-12) * ((input2 * input2).sum(axis=-1) + 1e-12)
    cosine = (input1 * input2).sum(axis=-1) / np.sqrt(lengths)
    return mean_or_sum(np.where(target == 1, 1 - cosine, _at_least_zero(cosine - margin)), reduction)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: str = "mean",
) -> Any:
    """The anchor is to be nearer to the positive than to the negative, by a margin.

    max(0, d(a, p) - d(a, n) + margin), d the `p`-norm of the difference + eps along the last axis. `swap` takes the
    distance of positive and negative where that is the smaller one. All have one shape, (N, D) or (D,). Raises
    `ShapeError` for different shapes, ValueError for a margin that is not above 0.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.triplet_margin_loss.html

    >>> from tinygrad_edu import Tensor
    >>> a, p, n = Tensor([[0.0, 0.0]]), Tensor([[0.0, 3.0]]), Tensor([[2.0, 0.0]])
    >>> round(triplet_margin_loss(a, p, n).item(), 4)
    2.0
    """
    if not margin > 0:
        raise ValueError(f"triplet_margin_loss: margin is above 0; it is {margin}")
    anchor, positive = pair("triplet_margin_loss", anchor, positive, ("anchor", "positive"))
    anchor, negative = pair("triplet_margin_loss", anchor, negative, ("anchor", "negative"))
    far = _distance(anchor, negative, p, eps)
    if swap:
        far = np.minimum(far, _distance(positive, negative, p, eps))
    return mean_or_sum(_at_least_zero(_distance(anchor, positive, p, eps) - far + margin), reduction)


def _distance(x: Any, y: Any, p: float, eps: float) -> Any:
    return np.linalg.norm(x - y + eps, ord=p, axis=-1)


def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, *, reduction: str = "mean"
) -> Any:
    """The score of the class that is right is to exceed all others by a margin.

    The sum of w_y max(0, margin - x_y + x_k)**p over the other classes k, divided by the number of classes; x = `input`
    of shape (N, C) or (C,), y = `target` of class indices (N,) or (), `weight` of shape (C,), `p` 1 or 2. Raises
    IndexError for a class that is not there, `ShapeError` for shapes that do not fit, ValueError for another p.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.multi_margin_loss.html

    >>> from tinygrad_edu import Tensor
    >>> multi_margin_loss(Tensor([[0.5, 1.0, -1.0, 0.0]]), Tensor([0]))
    Tensor(0.5)
    """
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p is 1 or 2, not {p}")
    input = _scores("multi_margin_loss", input)
    places, _ = class_places("multi_margin_loss", input, numbers("multi_margin_loss", target, "target"), -100)
    classes = input.shape[-1]
    weight = class_weights("multi_margin_loss", weight, input, classes)
    right = input[places]
    costs = relu(margin - np.expand_dims(right, -1) + input) ** p
    losses = (costs * _others(input, places)).sum(axis=-1) / classes
    return mean_or_sum(losses if weight is None else losses * _weight_of(weight, places), reduction)


@bare
def _others(input: Any, places: Any) -> Any:
    """1 for every class but the one that is right."""
    return 1 - scatter(np.ones_like(places[-1], dtype=input.dtype), places, input.shape, True)


@bare
def _weight_of(weight: Any, places: Any) -> Any:
    return weight[places[-1]]


def multilabel_margin_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """The scores of all classes that are right are to exceed those of all others by 1.

    The sum of max(0, 1 - (x_j - x_k)) over right classes j and others k, divided by the number of classes. `input` has
    shape (N, C) or (C,), and so has `target`, whose rows list the right classes, ended by -1 where they are fewer than
    C. Raises IndexError for a class that is not there, `ShapeError` for different shapes, TypeError for targets that
    are not whole numbers.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.multilabel_margin_loss.html

    >>> from tinygrad_edu import Tensor
    >>> round(multilabel_margin_loss(Tensor([[0.1, 0.2, 0.4, 0.8]]), Tensor([[3, 0, -1, 1]])).item(), 4)
    0.85
    """
    name = "multilabel_margin_loss"
    input, target = _scores(name, input), numbers(name, target, "target")
    if target.shape != input.shape:
        raise different_shapes(name, input.shape, target.shape)
    if target.dtype.kind not in "iu":
        raise TypeError(f"{name}: the target lists class indices, whole numbers, not {target.dtype}: target.long()")
    listed = getattr(target, "array", target).astype(np.int64)
    classes = input.shape[-1]
    counts = np.cumsum(listed == -1, axis=-1) == 0  # what stands before the first -1
    if seen(wrong := counts & ((listed < 0) | (listed >= classes))):
        place = first_place(wrong)
        raise IndexError(
            f"{name}: label {listed[place]}{at(place)} names no class: the input has scores for {classes}, numbered"
            f" from 0 to {classes - 1}, and -1 ends a list of labels"
        )
    number = np.arange(classes, like=listed)
    right = ((np.expand_dims(listed, -1) == number) & np.expand_dims(counts, -1)).any(axis=-2)
    pairs = np.expand_dims(right, -1) & ~np.expand_dims(right, -2)
    costs = relu(1 - np.expand_dims(input, -1) + np.expand_dims(input, -2))
    return mean_or_sum((costs * pairs).sum(axis=(-2, -1)) / classes, reduction)


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Any:
    """Binary cross-entropy from logits for each of several labels, averaged over the labels of a row.

    The mean over the last axis of -(y log sigmoid(x) + (1 - y) log(1 - sigmoid(x))) w, for x = `input` and y = `target`
    of one shape, 1 for each label that applies, 0 for the others. Raises as `binary_cross_entropy_with_logits` does.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.multilabel_soft_margin_loss.html

    >>> from tinygrad_edu import Tensor
    >>> round(multilabel_soft_margin_loss(Tensor([[0.0, 0.0]]), Tensor([[1.0, 0.0]])).item(), 4)
    0.6931
    """
    losses = binary_cross_entropy_with_logits(input, target, weight, reduction="none")
    return mean_or_sum(losses.mean(axis=-1), reduction)


def _scores(loss: str, input: Any) -> Any:
    input = floats(loss, input)
    if input.ndim not in (1, 2):
        raise ShapeError(f"{loss}: the input holds scores of shape (N, C) or (C,), and this one has {input.shape}")
    return input
