"""How far predictions are from targets: losses of the error e = input - target, for regression."""

from typing import Any

import numpy as np

from tinygrad_edu.nn.functional.losses.operands import held, pair
from tinygrad_edu.nn.functional.losses.reduction import divisor, reduced, share
from tinygrad_edu.op import Op

__all__ = ["huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss"]


def _mse(input: Any, target: Any, count: Any = None) -> Any:
    """(input - target)**2; their sum divided by `count`, if there is one."""
    return _mse_and_error(input, target, count)[0]


def _mse_and_error(input: Any, target: Any, count: Any) -> tuple[Any, Any]:
    error = input - target
    return reduced(error * error, count), error


def _l1(input: Any, target: Any, count: Any = None) -> Any:
    """|input - target|; their sum divided by `count`, if there is one."""
    return _l1_and_error(input, target, count)[0]


def _l1_and_error(input: Any, target: Any, count: Any) -> tuple[Any, Any]:
    error = input - target
    return reduced(abs(error), count), error


def _huber(input: Any, target: Any, delta: float, count: Any = None) -> Any:
    """e**2 / 2 for an error e up to `delta`, delta (|e| - delta / 2) from there; their sum divided by `count`."""
    return _huber_and_inside(input, target, delta, count)[0]


def _huber_and_inside(input: Any, target: Any, delta: float, count: Any) -> tuple[Any, Any]:
    """Both pieces are i (e - i / 2), and i is the slope, for the error e and what the limits leave of it, i."""
    error = input - target
    inside = np.clip(error, -delta, delta)
    return reduced(inside * (error - inside / 2), count), inside


def _error(input: Any, target: Any) -> Any:
    return input - target


def _inside(input: Any, target: Any, delta: float) -> Any:
    return np.clip(input - target, -delta, delta)


mse = Op(
    _mse,
    name="mse_loss",
    forward=_mse_and_error,
    beside={"error": _error},
    input=lambda g, error, count: error * (2 * share(g, count)),
    target=lambda g, error, count: error * (-2 * share(g, count)),
)
l1 = Op(
    _l1,
    name="l1_loss",
    forward=_l1_and_error,
    beside={"error": _error},
    input=lambda g, error, count: np.sign(error) * share(g, count),
    target=lambda g, error, count: np.sign(error) * -share(g, count),
    kink="0 at 0",
)
huber = Op(
    _huber,
    name="huber_loss",
    forward=_huber_and_inside,
    beside={"inside": _inside},
    input=lambda g, inside, count: inside * share(g, count),
    target=lambda g, inside, count: inside * -share(g, count),
)


def mse_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """The squared error, (input - target)**2.

    `input` and `target` have one shape, which is that of the result for reduction="none"; "mean" divides the sum by the
    number of predictions. The slope is 2 (input - target) by the input, and its opposite by the target. The targets are
    taken in the dtype of the input. Raises `ShapeError` for different shapes, such as (N, 1) and (N,), TypeError for an
    input of whole numbers, ValueError for an unknown reduction.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html

    >>> from tinygrad_edu import Tensor
    >>> mse_loss(Tensor([1.0, 2.0]), Tensor([0.0, 4.0]))
    Tensor(2.5)
    """
    input, target = pair("mse_loss", input, target)
    return mse(input, target, divisor(reduction, held(input).size))


def l1_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """The absolute error, |input - target|, with slope 0 where they are equal.

    Shapes, dtypes, `reduction` and what is raised are those of `mse_loss`.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.l1_loss.html

    >>> from tinygrad_edu import Tensor
    >>> l1_loss(Tensor([1.0, 2.0]), Tensor([0.0, 4.0]))
    Tensor(1.5)
    """
    input, target = pair("l1_loss", input, target)
    return l1(input, target, divisor(reduction, held(input).size))


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """Half the squared error where e = input - target is small, and straight on from there.

    e**2 / 2 where |e| <= delta, else delta (|e| - delta / 2): no outlier pulls harder than with `delta`. Shapes,
    dtypes, `reduction` and what is raised are those of `mse_loss`; ValueError for a delta that is not above 0.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.huber_loss.html and Huber 1964.

    >>> from tinygrad_edu import Tensor
    >>> huber_loss(Tensor([0.5, 10.0]), Tensor([0.0, 0.0]), reduction="none")
    Tensor([0.125, 9.5  ])
    """
    if not delta > 0:
        raise ValueError(f"huber_loss: delta is the error at which the parabola ends, above 0; it is {delta}")
    input, target = pair("huber_loss", input, target)
    return huber(input, target, delta, divisor(reduction, held(input).size))


def smooth_l1_loss(input: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0) -> Any:
    """The absolute error with its corner rounded: `huber_loss` with delta = beta, divided by beta.

    e**2 / (2 beta) where |e| <= beta, else |e| - beta / 2; for beta = 0 it is `l1_loss`. Shapes, dtypes, `reduction`
    and what is raised are those of `mse_loss`; ValueError for a negative beta.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.smooth_l1_loss.html

    >>> from tinygrad_edu import Tensor
    >>> smooth_l1_loss(Tensor([0.5, 10.0]), Tensor([0.0, 0.0]), beta=2.0, reduction="none")
    Tensor([0.0625, 9.    ])
    """
    if not beta >= 0:
        raise ValueError(f"smooth_l1_loss: beta is the error at which the parabola ends, 0 or more; it is {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    input, target = pair("smooth_l1_loss", input, target)
    return huber(input, target, beta, divisor(reduction, held(input).size)) / beta
