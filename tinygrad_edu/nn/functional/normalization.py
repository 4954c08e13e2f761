"""Normalisation under PyTorch's names and with its arguments; the ops are in `normalized`."""

from __future__ import annotations

from string import ascii_lowercase
from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.graph import memory
from tinygrad_edu.nn.functional.normalized import (
    Layout,
    Running,
    batch_normalized,
    group_normalized,
    instance_normalized,
    layer_normalized,
    layout,
    rescaled,
    rms_normalized,
)
from tinygrad_edu.ops.composed import as_operand
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.watch import bare

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"]

Shape = tuple[int, ...]
CHANNELS = "channels along its second axis"


def _affine(name: str, input: Any, weight: Any, bias: Any, shape: Shape, what: str) -> tuple[Any, Any]:
    """Weight and bias as operands, numbers where there are none; `ShapeError` for those of another shape."""
    for called, given in (("weight", weight), ("bias", bias)):
        if given is not None and given.shape != shape:
            raise ShapeError(
                f"{name}: an input of shape {input.shape} has {what}, which takes a {called} of shape {shape}, and this"
                f" one has shape {given.shape}: make the layer for the inputs that it gets."
            )
    return 1.0 if weight is None else weight, 0.0 if bias is None else bias


def _channels(name: str, input: Any) -> Any:
    """The input as an operand; `ShapeError` where it has no axis of channels."""
    input = as_operand(input)
    if input.ndim < 2:
        raise ShapeError(
            f"{name}: the input has shape {input.shape}, and channels are its second axis, behind the samples: (N, C)"
            " or (N, C, ...). Write x[None] for a single sample."
        )
    return input


@bare
def _running(name: str, input: Any, mean: Any, variance: Any, momentum: float) -> Running | None:
    if mean is None or variance is None:
        return None
    channels = input.shape[1]
    for called, given in (("running_mean", mean), ("running_var", variance)):
        if given.shape != (channels,):
            raise ShapeError(
                f"{name}: an input of shape {input.shape} has {channels} channels, the length of its second axis, and"
                f" {called} has shape {given.shape}: the layer is made for {given.size}."
            )
    mean, variance = (memory(t) if isinstance(t, Tensor) else t for t in (mean, variance))
    return Running(mean, variance, momentum)


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Each channel to mean 0 and variance 1 over the batch: (x - mean) / √(variance + eps) · weight + bias.

    `input` has the shape (N, C) or (N, C, ...), the others (C,) or None. With `training` mean and variance are those of
    the batch, and the running ones follow in place: running += momentum · (batch's - running), the variance with
    n / (n - 1). Without it the running ones are used. Raises `ShapeError`, a ValueError, for other shapes, and in
    training for a single value per channel, which has no variance. Ioffe, Szegedy 2015; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.batch_norm.html

    >>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
    >>> batch_norm(x, None, None, training=True, eps=0.0)
    array([[-1., -1.],
           [ 1.,  1.]])
    """
    input = _channels("batch_norm", input)
    running = _running("batch_norm", input, running_mean, running_var, momentum)
    weight, bias = _affine("batch_norm", input, weight, bias, input.shape[1:2], CHANNELS)
    laid = layout(input.shape, "b", "b")
    if not training:
        if running is None:
            raise ValueError("batch_norm: without training=True it needs running_mean and running_var.")
        return rescaled(input, weight, bias, running_mean, running_var, laid, eps)
    if laid.count < 2:
        raise ShapeError(
            f"batch_norm: in training it takes the variance of each channel over the batch, and an input of shape"
            f" {input.shape} has not more than one value per channel: give it several samples (drop a last batch of"
            " one, DataLoader(..., drop_last=True)), or use the running variance, model.eval()."
        )
    return batch_normalized(input, weight, bias, laid, eps, running)


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Each channel of each sample to mean 0 and variance 1: (x - mean) / √(variance + eps) · weight + bias.

    `input` has the shape (N, C, ...), the others (C,) or None. The running mean and variance, if given, follow the
    average over the batch; with use_input_stats=False they are used instead, as in `batch_norm`. Raises `ShapeError`, a
    ValueError, for other shapes and for a single value per channel. Ulyanov, Vedaldi, Lempitsky 2016; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.instance_norm.html

    >>> instance_norm(np.array([[[1.0, 3.0], [10.0, 30.0]]]), eps=0.0)
    array([[[-1.,  1.],
            [-1.,  1.]]])
    """
    input = _channels("instance_norm", input)
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    running = _running("instance_norm", input, running_mean, running_var, momentum)
    weight, bias = _affine("instance_norm", input, weight, bias, input.shape[1:2], CHANNELS)
    laid = layout(input.shape, "ab", "b")
    if laid.count < 2:
        raise ShapeError(
            f"instance_norm: it takes the variance of each channel of each sample, and an input of shape {input.shape}"
            " has not more than one value there: its shape is (N, C, L) or (N, C, H, W), with several places."
        )
    return instance_normalized(input, weight, bias, laid, eps, running)


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Each group of channels of each sample to mean 0 and variance 1, then each channel · weight + bias.

    `input` has the shape (N, C, ...), weight and bias (C,) or None; the first C / num_groups channels are the first
    group. Raises `ShapeError`, a ValueError, for other shapes. Wu, He 2018; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.group_norm.html

    >>> group_norm(np.array([[1.0, 3.0, 10.0, 30.0]]), 2, eps=0.0)
    array([[-1.,  1., -1.,  1.]])
    """
    input = _channels("group_norm", input)
    samples, channels, *places = input.shape
    if num_groups < 1 or channels % num_groups:
        raise ShapeError(
            f"group_norm: {channels} channels, the second axis of shape {input.shape}, do not fall into {num_groups}"
            " groups of equal size: choose a number that divides them."
        )
    weight, bias = _affine("group_norm", input, weight, bias, (channels,), CHANNELS)
    groups = (num_groups, channels // num_groups)
    weight, bias = (t if isinstance(t, float) else t.reshape(groups) for t in (weight, bias))
    grouped = input.reshape(samples, *groups, *places)
    return group_normalized(grouped, weight, bias, layout(grouped.shape, "ab", "bc"), eps).reshape(input.shape)


def _rows(name: str, input: Any, normalized_shape: Any) -> tuple[Any, Shape, Layout]:
    """The input, the shape of what is normalised together, and the input as rows of that."""
    input = as_operand(input)
    shape = tuple(normalized_shape) if isinstance(normalized_shape, tuple | list) else (normalized_shape,)
    if not shape or input.shape[-len(shape) :] != shape:
        raise ShapeError(
            f"{name}: it was made for inputs whose last axes are {shape}, its normalized_shape, and this one has shape"
            f" {input.shape}."
        )
    axes = ascii_lowercase[: input.ndim]
    own = input.ndim - len(shape)
    return input, shape, layout(input.shape, axes[:own], axes[own:])


def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Each sample's features to mean 0 and variance 1: (x - mean) / √(variance + eps) · weight + bias.

    The last axes of `input` have the lengths `normalized_shape`, a number or a tuple, which is the shape of weight and
    bias too. Raises `ShapeError`, a ValueError, for other shapes. Ba, Kiros, Hinton 2016; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.layer_norm.html

    >>> layer_norm(np.array([[1.0, 3.0], [10.0, 30.0]]), 2, eps=0.0)
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    input, shape, laid = _rows("layer_norm", input, normalized_shape)
    weight, bias = _affine("layer_norm", input, weight, bias, shape, f"features of shape {shape} along its last axes")
    return layer_normalized(input, weight, bias, laid, eps)


def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """Each sample's features by their root mean square: x / √(mean(x²) + eps) · weight.

    The last axes of `input` have the lengths `normalized_shape`, a number or a tuple, which is the shape of the weight
    too; `eps` is the spacing of the input's dtype at 1 unless given. Raises `ShapeError`, a ValueError, for other
    shapes. Zhang, Sennrich 2019; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.rms_norm.html

    >>> rms_norm(np.array([3.0, 4.0]), 2) * np.sqrt(12.5)
    array([3., 4.])
    """
    input, shape, laid = _rows("rms_norm", input, normalized_shape)
    weight, _ = _affine("rms_norm", input, weight, None, shape, f"features of shape {shape} along its last axes")
    if eps is None:
        eps = float(np.finfo(input.dtype if input.dtype.kind == "f" else float).eps)
    return rms_normalized(input, weight, laid, eps)
