"""Cross-entropy of one class among several: from logits, and from log-probabilities."""

from typing import Any

import numpy as np

from tinygrad_edu import kernels
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.kernels import HOST, fits
from tinygrad_edu.nn.functional.losses.labels import class_axis, class_places
from tinygrad_edu.nn.functional.losses.operands import class_weights, floats, held, not_below_zero, numbers
from tinygrad_edu.nn.functional.losses.reduction import divisor, reduced, share
from tinygrad_edu.op import Op
from tinygrad_edu.ops.indexing import scatter
from tinygrad_edu.ops.reduction import log_softmax, softmax
from tinygrad_edu.watch import bare

__all__ = ["cross_entropy", "nll_loss"]


def _cross_entropy(input: Any, right: Any, rows: Any = None, count: Any = None) -> Any:
    """-log softmax(input) at the places `right`, one for each row, times its `rows`; their sum divided by `count`."""
    return _cross_entropy_and_slope(input, right, rows, count)[0]


@np.errstate(over="ignore")
def _cross_entropy_and_slope(input: Any, right: Any, rows: Any, count: Any) -> tuple[Any, Any]:
    """Losses, and their slopes by the logits.

    From the largest logit of the row, so that nothing overflows: with e_k = exp(z_k - max z) and S their sum

        loss  = log S - (z_y - max z)
        slope = d loss / d z_k = e_k / S - [k = y]:  the probabilities, less 1 at the class that is right

    There it is exp(-loss) - 1, which takes 1.2 us to write where `e[right] -= 1`, which also reads, takes 1.8.
    """
    if type(input) not in HOST and fits(input):
        return _on_gpu(input, right, rows, count)
    axis = class_axis(input)
    moved = input.copy(_quick_order(input.shape))
    moved -= moved.max(axis=axis, keepdims=True)
    scores = moved[right]
    e = np.exp(moved, out=moved)
    total = e.sum(axis=axis, keepdims=True)
    losses = np.log(total).reshape(scores.shape)
    losses -= scores
    e /= total
    e[right] = np.expm1(-losses)
    if rows is not None:
        losses = losses * rows
        e *= np.expand_dims(rows, axis)
    return reduced(losses, count), e


def _on_gpu(input: Any, right: Any, rows: Any, count: Any) -> tuple[Any, Any]:
    """The same in three reads of the logits."""
    axis = class_axis(input)
    largest = input.max(axis=axis, keepdims=True)
    total = kernels.exp_sum(input, largest, axis=(axis,))
    label = np.expand_dims(right[axis], axis)
    number = np.arange(input.shape[axis], like=input).reshape(-1, *(1,) * (input.ndim - 1 - axis))
    row = 1 if rows is None else np.expand_dims(rows, axis)
    slope = kernels.class_slope(input, largest, total, label, number, row)
    one = np.take_along_axis(input, label, axis)
    losses = np.squeeze(kernels.class_loss(one, largest, total, row), axis)
    return reduced(losses, count), slope


def _quick_order(shape: tuple[int, ...]) -> str:
    """How to lay out the logits: class by class ("F") where rows outnumber classes, because NumPy loops along memory.

    For 64 rows of 10 classes the loss then takes 9 us, not 12, for 2,000 rows 42 us, not 150.
    """
    return "F" if len(shape) == 2 and shape[0] > shape[1] else "C"


def _slope(input: Any, right: Any, rows: Any) -> Any:
    """The slope as above, in ops."""
    axis = class_axis(input)
    rows = np.ones_like(input[right]) if rows is None else rows
    return softmax(input, axis) * np.expand_dims(rows, axis) - scatter(rows, right, input.shape, True)


def _over_classes(g: Any, slope: Any, count: Any) -> Any:
    """g / count times the slope."""
    return slope * (np.expand_dims(g, class_axis(slope)) if count is None else share(g, count))


cross_entropy_of_classes = Op(
    _cross_entropy,
    name="cross_entropy",
    forward=_cross_entropy_and_slope,
    beside={"slope": _slope},
    input=_over_classes,
)


def _soft_cross_entropy(input: Any, target: Any, count: Any = None) -> Any:
    """-sum over the classes of target times log softmax(input); their sum divided by `count`, if given."""
    return _soft_cross_entropy_and_more(input, target, count)[0]


@np.errstate(over="ignore")
def _soft_cross_entropy_and_more(input: Any, target: Any, count: Any) -> tuple[Any, Any, Any]:
    """Losses, their slopes by the logits, and what each class costs, c_k = -log softmax(z)_k = log sum exp(z) - z_k.

    loss  = sum_k q_k c_k
    slope = d loss / d z_j = p_j sum_k q_k - q_j,  because d c_k / d z_j = p_j - [j = k]
    """
    axis = class_axis(input)
    moved = input - input.max(axis=axis, keepdims=True)
    e = np.exp(moved)
    total = e.sum(axis=axis, keepdims=True)
    costs = np.subtract(np.log(total), moved, out=moved)
    losses = (target * costs).sum(axis=axis)
    e *= target.sum(axis=axis, keepdims=True) / total
    e -= target
    return reduced(losses, count), e, costs


def _soft_slope(input: Any, target: Any) -> Any:
    """The slope as above, in ops."""
    axis = class_axis(input)
    return softmax(input, axis) * np.sum(target, axis=axis, keepdims=True) - target


def _costs(input: Any) -> Any:
    return -log_softmax(input, class_axis(input))


cross_entropy_of_probabilities = Op(
    _soft_cross_entropy,
    name="cross_entropy",
    forward=_soft_cross_entropy_and_more,
    beside={"slope": _soft_slope, "costs": _costs},
    input=_over_classes,
    target=lambda g, costs, count: _over_classes(g, costs, count),
)


def _nll(input: Any, right: Any, rows: Any = None, count: Any = None) -> Any:
    """-input at the places `right`, one for each row, times its `rows`; their sum divided by `count`, if given."""
    losses = -input[right]
    return reduced(losses if rows is None else losses * rows, count)


def _nll_slope(g: Any, right: Any, rows: Any, count: Any, input_shape: tuple[int, ...]) -> Any:
    """-g / count at the right class of each row, times its `rows`, and 0 elsewhere."""
    axis = 0 if len(input_shape) == 1 else 1
    each = np.broadcast_to(-share(g, count), input_shape[:axis] + input_shape[axis + 1 :])
    return scatter(each if rows is None else each * rows, right, input_shape, True)


nll = Op(_nll, name="nll_loss", input=_nll_slope)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """What the logits `input` cost when the classes are `target`: minus the log-probability of the class that is right.

    -w_y log softmax(z)_y for a class y, or -sum_k w_k q_k log softmax(z)_k for probabilities q; by the logits the slope
    is softmax(z) less 1 at the class that is right.

    `input` has shape (C,), (N, C), or (N, C, d1, ...) for N samples with a class at every place. `target` holds whole
    numbers from 0 to C - 1, of the shape of `input` without C, or floats of the shape of `input`, the probabilities.
    `weight`, shape (C,), says what a class counts. "mean" divides by the sum of the weights of the classes that are
    right, for probabilities by the number of rows. Rows whose class is `ignore_index` count nothing; if no row counts,
    the mean is nan, with a gradient of 0. `label_smoothing` s moves that share of every target to all classes evenly:
    (1 - s) q_k + s / C.

    Raises IndexError for a class that is not there (on a GPU, where nobody looks at the numbers, the loss is nan then),
    `ShapeError` for shapes that do not fit, TypeError for class indices that are not whole numbers, ValueError for
    other arguments that make no sense.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html

    >>> from tinygrad_edu import Tensor
    >>> logits = Tensor([[2.0, 0.0, 0.0], [0.0, 0.0, 1000.0]])
    >>> cross_entropy(logits, Tensor([0, 2]), reduction="none").numpy().round(4)
    array([0.2395, 0.    ])
    >>> cross_entropy(logits, Tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]), reduction="none").numpy().round(4)
    array([1.2395, 0.    ])
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing is a share, between 0 and 1; it is {label_smoothing}")
    input, target, weight = _prepared("cross_entropy", input, target, weight)
    if held(target).dtype.kind == "f" and target.shape == input.shape:
        if ignore_index >= 0:
            raise ValueError("cross_entropy: ignore_index names a class, and the target holds probabilities")
        return _of_probabilities(input, target, weight, reduction, label_smoothing)
    right, kept = class_places("cross_entropy", input, target, ignore_index)
    rows, count = _row_weights(input, right, kept, weight, reduction)
    if not label_smoothing:
        return cross_entropy_of_classes(input, right, rows, count)
    return cross_entropy_of_probabilities(input, _smoothed(input, right, kept, weight, label_smoothing), count)


def nll_loss(input: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> Any:
    """Minus the log-probability of the class that is right: `cross_entropy` after `log_softmax`.

    -w_y `input`_y for the class y. Shapes, class indices, `weight`, `ignore_index`, `reduction` and what is raised are
    those of `cross_entropy`, which is the better choice where there are logits.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.nll_loss.html

    >>> from tinygrad_edu import Tensor, log
    >>> nll_loss(log(Tensor([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])), Tensor([0, 2]), reduction="none").numpy().round(4)
    array([0.6931, 0.2231])
    """
    input, target, weight = _prepared("nll_loss", input, target, weight)
    right, kept = class_places("nll_loss", input, target, ignore_index)
    return nll(input, right, *_row_weights(input, right, kept, weight, reduction))


def _prepared(loss: str, input: Any, target: Any, weight: Any) -> tuple[Any, Any, Any]:
    input = floats(loss, input)
    if held(input).ndim == 0:
        raise ShapeError(f"{loss}: the input is a single number, and needs a row of one number for each class, (N, C)")
    if weight is not None:
        weight = class_weights(loss, weight, input, input.shape[class_axis(input)])
    return input, numbers(loss, target, "target"), weight


def _row_weights(input: Any, right: Any, kept: Any, weight: Any, reduction: str) -> tuple[Any, Any]:
    """What each row counts, None: all alike, and what the sum of their losses is divided by."""
    if kept is None and weight is None:
        return None, divisor(reduction, right[class_axis(input)].size)
    return _counted(input, right, kept, weight, reduction)


@bare
def _counted(input: Any, right: Any, kept: Any, weight: Any, reduction: str) -> tuple[Any, Any]:
    """The weight of each row's class, and 0 where it is ignored; and the divisor."""
    rows = kept.astype(input.dtype) if weight is None else weight[right[class_axis(input)]]
    if weight is not None and kept is not None:
        rows = rows * kept
    return rows, divisor(reduction, rows.sum())


@bare
def _smoothed(input: Any, right: Any, kept: Any, weight: Any, smoothing: float) -> Any:
    """The probabilities (1 - s) [k = y] + s / C of each class, times its weight, and 0 in rows that are ignored."""
    axis = class_axis(input)
    rows = np.ones_like(right[axis], dtype=input.dtype)
    right = scatter(rows if kept is None else rows * kept, right, input.shape, True)
    spread = np.ones_like(right) if kept is None else np.broadcast_to(np.expand_dims(kept, axis), right.shape)
    return _weighted(right * (1 - smoothing) + spread * (smoothing / input.shape[axis]), weight, axis)


def _of_probabilities(input: Any, target: Any, weight: Any, reduction: str, smoothing: float) -> Any:
    axis = class_axis(input)
    count = divisor(reduction, input.size // (input.shape[axis] or 1))
    not_below_zero("cross_entropy", "target", "a probability is 0 or more, so these are no probabilities", target)
    target = target.astype(input.dtype, copy=False)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / input.shape[axis]
    return cross_entropy_of_probabilities(input, _weighted(target, weight, axis), count)


def _weighted(target: Any, weight: Any, axis: int) -> Any:
    """Every class times its weight."""
    return target if weight is None else target * weight.reshape(-1, *(1,) * (target.ndim - 1 - axis))
