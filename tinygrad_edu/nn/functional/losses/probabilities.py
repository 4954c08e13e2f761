"""Binary cross-entropy, of probabilities and of logits: what a yes-or-no prediction costs."""

from typing import Any

import numpy as np

from tinygrad_edu.device import is_cupy
from tinygrad_edu.glance import seen
from tinygrad_edu.nn.functional.losses.operands import at, first_place, held, pair, weights
from tinygrad_edu.nn.functional.losses.reduction import divisor, reduced, share
from tinygrad_edu.op import Op
from tinygrad_edu.ops.activations import ONE, sigmoid, softplus
from tinygrad_edu.watch import bare

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits"]

LOWEST = -100.0  # a logarithm is at least this, as in PyTorch, so that a sure and wrong prediction costs 100, not inf
LEAST = 4e-44  # the logarithms of probabilities from here on are more than that
FEW = 4096  # of so few answers the sum is two products of vectors: 3 us instead of 7 for the 455 of a single neuron
FLATTEST = 1e-12  # and the slope of one is divided by at least this


def _bce(input: Any, target: Any, weight: Any = None, count: Any = None) -> Any:
    """-(y log p + (1 - y) log(1 - p)) w, the logarithms at least -100; their sum divided by `count`, if given."""
    few = type(input) is np.ndarray and 0 < input.size <= FEW and target.shape == input.shape
    if not few or weight is not None or not count:
        return _bce_of_any(input, target, weight, count)
    if not (input.item(input.argmin()) > LEAST and input.item(input.argmax()) < 1):
        return _bce_of_any(input, target, weight, count)
    p, y = input.ravel(), target.ravel()
    return (y.dot(np.log(p)) + (ONE.get(y.dtype, 1) - y).dot(np.log1p(-p))) / -count


@np.errstate(divide="ignore", invalid="ignore")
def _bce_of_any(input: Any, target: Any, weight: Any, count: Any) -> Any:
    yes, no = _logarithms(input)
    no *= 1 - target
    yes *= target
    yes += no
    return -reduced(yes if weight is None else yes * weight, count)


def _logarithms(p: Any) -> tuple[Any, Any]:
    """Log p and log(1 - p), at least -100."""
    return np.maximum(np.log(p), LOWEST), np.maximum(np.log1p(-p), LOWEST)


def _bce_slope(g: Any, input: Any, target: Any, weight: Any, count: Any) -> Any:
    """g (p - y) / (p (1 - p)) w / count: the sum of -y / p and (1 - y) / (1 - p), the divisor at least 1e-12."""
    slope = input - target
    one = ONE.get(input.dtype, 1) if type(input) is np.ndarray else 1
    slope /= _not_flat(input * (one - input))
    return share(g, count) * (slope if weight is None else slope * weight)


def _not_flat(slope: Any) -> Any:
    """At least 1e-12; where all are, to look for the least takes a third of the time of `np.maximum`."""
    if type(slope) is np.ndarray and slope.size and slope.item(slope.argmin()) >= FLATTEST:
        return slope
    return np.maximum(slope, FLATTEST)


@np.errstate(divide="ignore")
def _bce_target(g: Any, input: Any, weight: Any, count: Any) -> Any:
    """g (log(1 - p) - log p) w / count, the logarithms at least -100."""
    yes, no = _logarithms(input)
    slope = (no - yes) * share(g, count)
    return slope if weight is None else slope * weight


bce = Op(_bce, name="binary_cross_entropy", input=_bce_slope, target=_bce_target)


def _bce_with_logits(input: Any, target: Any, weight: Any = None, pos_weight: Any = None, count: Any = None) -> Any:
    """-(c y log s + (1 - y) log(1 - s)) w, s = sigmoid(z), c = pos_weight; their sum divided by `count`, if given."""
    return _bce_and_slope(input, target, weight, pos_weight, count)[0]


def _bce_and_slope(input: Any, target: Any, weight: Any, pos_weight: Any, count: Any) -> tuple[Any, Any]:
    """Losses and their slopes by z, from no number that can overflow and no difference of large ones.

    With e = exp(-|z|), at most 1, and l = log(1 + e):  -log s = l + max(-z, 0)  and  -log(1 - s) = l + max(z, 0), so

        loss  = (1 - y) (l + max(z, 0)) + c y (l + max(-z, 0)),   for c = 1:  l + max(z, 0) - y z
        slope = (1 - y) s - c y (1 - s),                          for c = 1:  s - y
        s     = 1 / (1 + e) for z >= 0, else e / (1 + e):  max(e, [z >= 0]) / (1 + e)

    `np.where` for that maximum takes 20 times as long, because no processor can guess the next sign.
    """
    e = np.exp(-abs(input))
    near, s = np.log1p(e), np.maximum(e, input >= 0) / (1 + e)
    if pos_weight is None:
        losses, slope = near, s  # in their memory
        losses += np.maximum(input, 0) - target * input
        slope -= target
    else:
        no, yes = 1 - target, pos_weight * target
        losses = no * (near + np.maximum(input, 0)) + yes * (near + np.maximum(-input, 0))
        slope = no * s - yes * (1 - s)
    if weight is not None:
        losses, slope = losses * weight, slope * weight
    return reduced(losses, count), slope


def _logits_slope(input: Any, target: Any, weight: Any, pos_weight: Any) -> Any:
    """The slope as above, in ops."""
    yes = target if pos_weight is None else pos_weight * target
    slope = (1 - target) * sigmoid(input) - yes * sigmoid(-input)
    return slope if weight is None else slope * weight


def _logits_target(g: Any, input: Any, weight: Any, pos_weight: Any, count: Any) -> Any:
    """g ((c - 1) softplus(-z) - z) w / count; the loss is linear in y."""
    slope = -input if pos_weight is None else (pos_weight - 1) * softplus(-input) - input
    return (slope if weight is None else slope * weight) * share(g, count)


bce_with_logits = Op(
    _bce_with_logits,
    name="binary_cross_entropy_with_logits",
    forward=_bce_and_slope,
    beside={"slope": _logits_slope},
    input=lambda g, slope, count: slope * share(g, count),
    target=_logits_target,
)


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Any:
    """What the probabilities p = `input` cost when the answers y = `target` are yes (1) or no (0), or between.

    -(y log p + (1 - y) log(1 - p)) times `weight`. A logarithm counts as at least -100, so that p = 0 for a yes costs
    100; by p the slope is (p - y) / (p (1 - p)), the divisor at least 1e-12. `input` and `target` have one shape, to
    which `weight` is stretched. Raises ValueError for probabilities or targets below 0 or above 1, `ShapeError` for
    different shapes. For the result of a linear layer use `binary_cross_entropy_with_logits`, which is also more
    accurate than a sigmoid and this.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy.html

    >>> from tinygrad_edu import Tensor
    >>> binary_cross_entropy(Tensor([0.5, 0.9]), Tensor([0.0, 1.0]), reduction="none").numpy().round(4)
    array([0.6931, 0.1054])
    """
    input, target = pair("binary_cross_entropy", input, target)
    _check_answers("binary_cross_entropy", target)
    weight = weights("binary_cross_entropy", "weight", weight, input)
    loss = bce(input, target, weight, divisor(reduction, held(input).size))
    value = held(loss)
    nan = value != value  # as the logarithm of a number below 0 is
    if nan if isinstance(nan, np.bool_) else seen(nan):
        _check_probabilities(input)
    return loss


def _check_probabilities(input: Any) -> None:
    wrong = (input < 0) | (input > 1)
    if seen(wrong):
        place = first_place(wrong)
        raise ValueError(
            f"binary_cross_entropy: the input holds {input[place].item():g}{at(place)}, and a probability is between"
            " 0 and 1: write sigmoid(input), or keep the input as it is and use binary_cross_entropy_with_logits"
            " (BCEWithLogitsLoss)"
        )


@bare
def _check_answers(loss: str, target: Any) -> None:
    """Raise ValueError for a target that is no yes, no or probability; nan passes through, as everywhere."""
    value = held(target)
    flat = value.reshape(-1)
    if not flat.size or (type(flat) is not np.ndarray and is_cupy(flat)):  # see glance.py
        return
    if flat.item(flat.argmin()) < 0 or flat.item(flat.argmax()) > 1:  # a quarter of the time of min() and max()
        place = first_place((value < 0) | (value > 1))
        raise ValueError(
            f"{loss}: the target holds {value[place].item():g}{at(place)}, and answers are 1 for yes, 0 for no, or a"
            " probability between. Labels -1 and 1 become that by (target + 1) / 2; for more than two classes use"
            " cross_entropy (CrossEntropyLoss)."
        )


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    """`binary_cross_entropy` of sigmoid(input), from the logits themselves: finite and accurate however large they are.

    (1 - y) log(1 + exp(z)) + c y log(1 + exp(-z)), times `weight`, for the logit z = `input`, y = `target` and
    c = `pos_weight`, which makes every yes count c times (a number for each column); without it the slope by z is
    sigmoid(z) - y. `input` and `target` have one shape, to which the weights are stretched. Raises ValueError for
    targets below 0 or above 1, `ShapeError` for different shapes.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy_with_logits.html

    >>> from tinygrad_edu import Tensor
    >>> binary_cross_entropy_with_logits(Tensor([0.0, -1000.0]), Tensor([1.0, 1.0]), reduction="none").numpy().round(4)
    array([6.931e-01, 1.000e+03])
    """
    name = "binary_cross_entropy_with_logits"
    input, target = pair(name, input, target)
    _check_answers(name, target)
    weight = weights(name, "weight", weight, input)
    pos_weight = weights(name, "pos_weight", pos_weight, input)
    return bce_with_logits(input, target, weight, pos_weight, divisor(reduction, held(input).size))
