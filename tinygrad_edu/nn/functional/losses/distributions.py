"""Minus the log-likelihood of counts and of measurements, and the distance between two distributions."""

import math
from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.lines import warn
from tinygrad_edu.nn.functional.losses.operands import floats, not_below_zero, pair
from tinygrad_edu.nn.functional.losses.reduction import REDUCTIONS, check_reduction, mean_or_sum

__all__ = ["gaussian_nll_loss", "kl_div", "poisson_nll_loss"]


def kl_div(input: Any, target: Any, *, reduction: str = "mean", log_target: bool = False) -> Any:
    """How far the distribution q with logarithms `input` is from p = `target`: p (log p - log q), 0 where p is 0.

    Its sum over the outcomes is the Kullback-Leibler divergence of one distribution, so for rows of distributions use
    reduction="batchmean", the sum divided by the number of rows. "mean" divides by the number of all outcomes, as in
    PyTorch, and warns. With `log_target` the target holds log p too. `input` and `target` have one shape. Raises
    `ShapeError` for different shapes, ValueError for an unknown reduction or a probability below 0.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.kl_div.html

    >>> from tinygrad_edu import Tensor, log
    >>> round(kl_div(log(Tensor([[0.5, 0.5]])), Tensor([[1.0, 0.0]]), reduction="batchmean").item(), 4)
    0.6931
    """
    check_reduction(reduction, (*REDUCTIONS, "batchmean"))
    input, target = pair("kl_div", input, target)
    if reduction == "mean":
        warn(
            "kl_div with reduction='mean' divides by the number of all outcomes, which gives no Kullback-Leibler"
            " divergence: write reduction='batchmean', the mean over the rows.",
            UserWarning,
        )
    if log_target:
        losses = np.exp(target) * (target - input)
    else:
        not_below_zero("kl_div", "target", "a probability is 0 or more; pass log_target=True for logs", target)
        some = target > 0
        losses = np.where(some, target * np.log(np.where(some, target, 1)), 0) - target * input
    if reduction == "batchmean":
        return losses.sum() / (input.shape[0] if input.ndim else 1)
    return mean_or_sum(losses, reduction)


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    *,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Any:
    """Minus the log-probability of the counts `target` when exp(input) are expected.

    exp(z) - y z for z = `input`, y = `target`; without `log_input` the input is the expected count itself, and the loss
    z - y log(z + eps). `full` adds Stirling's approximation of log y!, y log y - y + log(2 pi y) / 2, for y above 1.
    `input` and `target` have one shape; raises `ShapeError` for different ones.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.poisson_nll_loss.html

    >>> from tinygrad_edu import Tensor
    >>> poisson_nll_loss(Tensor([0.0, 1.0]), Tensor([1.0, 2.0]), reduction="none").numpy().round(4)
    array([1.    , 0.7183])
    """
    input, target = pair("poisson_nll_loss", input, target)
    losses = np.exp(input) - target * input if log_input else input - target * np.log(input + eps)
    if full:
        many = target > 1
        y = np.where(many, target, 1)
        losses = losses + np.where(many, y * np.log(y) - y + 0.5 * np.log(2 * math.pi * y), 0)
    return mean_or_sum(losses, reduction)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """Minus the log-density of the measurements `target` when they scatter about `input` with variance `var`.

    (log v + (input - target)**2 / v) / 2 with v = `var`, at least `eps`, whose gradient is that of v all the same;
    `full` adds log(2 pi) / 2. `input` and `target` have one shape; `var` has it too, or with 1 for its last length, or
    without its last axis, or is one number. Raises `ShapeError` for shapes that do not fit, ValueError for a variance
    below 0.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.gaussian_nll_loss.html

    >>> from tinygrad_edu import Tensor
    >>> round(gaussian_nll_loss(Tensor([1.0]), Tensor([3.0]), Tensor([4.0])).item(), 4)
    1.1931
    """
    input, target = pair("gaussian_nll_loss", input, target)
    var = floats("gaussian_nll_loss", var, "var").astype(input.dtype)
    if input.ndim and var.shape == input.shape[:-1]:
        var = np.expand_dims(var, -1)
    if var.shape not in ((), input.shape, (*input.shape[:-1], 1)):
        raise ShapeError(
            f"gaussian_nll_loss: var of shape {var.shape} does not fit an input of shape {input.shape}: give one"
            f" variance for each number, {input.shape}, or for each row, {(*input.shape[:-1], 1)}"
        )
    not_below_zero("gaussian_nll_loss", "var", "a variance is 0 or more; write exp(var) for logs", var)
    small = var < eps
    v = var + np.where(small, eps - (var.detach() if hasattr(var, "detach") else var), 0)
    losses = 0.5 * (np.log(v) + (input - target) ** 2 / v)
    return mean_or_sum(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)
