"""Normalisation as layers: numbers are brought to mean 0 and variance 1, and then scaled and moved as is learnt."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.creation import ones, zeros
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import init
from tinygrad_edu.nn.functional.normalization import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.ops.composed import as_operand
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.watch import bare

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "LayerNorm",
    "RMSNorm",
]


class _Affine(Module):
    """A weight that begins with ones and a bias that begins with zeros, or none."""

    weight: Parameter | None
    bias: Parameter | None

    def _learn(self, shape: tuple[int, ...], weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        made = {"dtype": dtype or np.float32, "device": device}
        self.register_parameter("weight", Parameter(ones(shape, **made)) if weight else None)
        self.register_parameter("bias", Parameter(zeros(shape, **made)) if bias else None)

    def reset_parameters(self) -> None:
        """Begin anew."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class _Running(_Affine):
    """What keeps a running mean and variance of its channels, and counts the batches that they follow."""

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    layouts: dict[int, str]  # the inputs that the layer takes, by their number of axes

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Any,
        dtype: Any,
        bias: bool,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._learn((num_features,), affine, affine and bias, device, dtype)
        made = {"dtype": dtype or np.float32, "device": device}
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, **made) if tracked else None)
        self.register_buffer("running_var", ones(num_features, **made) if tracked else None)
        self.register_buffer("num_batches_tracked", Tensor(0) if tracked else None)

    def reset_running_stats(self) -> None:
        """Forget the batches so far."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            self.num_batches_tracked[...] = 0

    def reset_parameters(self) -> None:
        """Begin anew, and forget the batches so far."""
        super().reset_parameters()
        self.reset_running_stats()

    def _check(self, input: Any) -> Any:
        input, name = as_operand(input), type(self).__name__
        if input.ndim not in self.layouts:
            raise ShapeError(f"{name}: it takes {' or '.join(self.layouts.values())}, and this input {input.shape}.")
        channels = int("N" in self.layouts[input.ndim])
        if input.shape[channels] != self.num_features:
            raise ShapeError(
                f"{name}: the layer is made for {self.num_features} features, the length of axis {channels}, and this"
                f" input has shape {input.shape}: write {name}({input.shape[channels]}), or reshape the input."
            )
        return input

    def extra_repr(self) -> str:
        """Its settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine},"
            f" bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


@bare
def _share(batches: Any) -> Any:
    """The share of the next batch in the average over all of them."""
    return 1 / (getattr(batches, "_value", batches) + 1)


class _BatchNorm(_Running):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Any) -> Any:
        """y."""
        input = self._check(input)
        share, batches = self.momentum, self.num_batches_tracked
        if share is None:
            share = 0.0 if batches is None else _share(batches)
        of_batch = self.training or self.running_mean is None
        statistics = (self.running_mean, self.running_var)
        out = batch_norm(input, *statistics, self.weight, self.bias, of_batch, share, self.eps)
        if self.training and batches is not None:
            batches += 1
        return out


class BatchNorm1d(_BatchNorm):
    """Each feature to mean 0 and variance 1 over the batch, times a learnt weight, plus a learnt bias.

        y = (x - mean) / √(variance + eps) · weight + bias

    x and y have the shape (N, C) or (N, C, L); `weight`, `bias` and the buffers `running_mean` and `running_var` have
    the shape (C,), in float32. In training mean and variance are those of the batch, and the running ones go a share
    `momentum` of the way to them (the variance with n / (n - 1)); momentum=None makes them the average of all batches.
    In evaluation the running ones are used, or the batch's without `track_running_stats`. Raises `ShapeError`, a
    ValueError, for other shapes, and in training for a single value per channel. Ioffe, Szegedy 2015; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html

    >>> layer = BatchNorm1d(2, eps=0.0)
    >>> layer(np.array([[1.0, 10.0], [3.0, 30.0]], np.float32)).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    >>> layer.running_mean, layer.running_var.round(1)
    (Tensor([0.2, 2. ], dtype=float32), Tensor([ 1.1, 20.9], dtype=float32))
    """

    layouts = {2: "(N, C)", 3: "(N, C, L)"}  # noqa: RUF012 - never changed


class BatchNorm2d(_BatchNorm):
    """`BatchNorm1d` for images (N, C, H, W): mean and variance of each channel over the batch and all places.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html

    >>> BatchNorm2d(1, eps=0.0)(np.array([[[[1.0, 3.0], [1.0, 3.0]]]], np.float32)).tolist()
    [[[[-1.0, 1.0], [-1.0, 1.0]]]]
    """

    layouts = {4: "(N, C, H, W)"}  # noqa: RUF012 - never changed


class _InstanceNorm(_Running):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Any) -> Any:
        """y."""
        input = self._check(input)
        single = "N" not in self.layouts[input.ndim]
        out = instance_norm(
            input[None] if single else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            self.momentum or 0.0,
            self.eps,
        )
        return out[0] if single else out


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sample of (N, C, L), or (C, L), to mean 0 and variance 1.

    With `affine` times a learnt weight, plus a learnt bias; with `track_running_stats` evaluation uses the running mean
    and variance, as in `BatchNorm1d`. Raises `ShapeError` for other shapes and for L = 1. Ulyanov et al. 2016; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.InstanceNorm1d.html

    >>> InstanceNorm1d(2, eps=0.0)(np.array([[1.0, 3.0], [10.0, 30.0]]))
    array([[-1.,  1.],
           [-1.,  1.]])
    """

    layouts = {2: "(C, L)", 3: "(N, C, L)"}  # noqa: RUF012 - never changed


class InstanceNorm2d(_InstanceNorm):
    """`InstanceNorm1d` for images (N, C, H, W), or (C, H, W).

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.InstanceNorm2d.html

    >>> InstanceNorm2d(1, eps=0.0)(np.array([[[1.0, 3.0], [1.0, 3.0]]]))
    array([[[-1.,  1.],
            [-1.,  1.]]])
    """

    layouts = {3: "(C, H, W)", 4: "(N, C, H, W)"}  # noqa: RUF012 - never changed


class GroupNorm(_Affine):
    """Each of `num_groups` groups of channels of each sample to mean 0 and variance 1, times a weight, plus a bias.

    The input has the shape (N, num_channels, ...), `weight` and `bias` (num_channels,). Raises `ShapeError` for other
    inputs, ValueError for channels that do not fall into the groups. Wu, He 2018; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html

    >>> GroupNorm(2, 4, eps=0.0)(np.array([[1.0, 3.0, 10.0, 30.0]], np.float32)).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(f"GroupNorm: {num_channels} channels do not fall into {num_groups} groups of equal size.")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self._learn((num_channels,), affine, affine and bias, device, dtype)

    def forward(self, input: Any) -> Any:
        """y."""
        input = as_operand(input)
        if input.ndim < 2 or input.shape[1] != self.num_channels:
            raise ShapeError(
                f"GroupNorm: the layer is made for (N, {self.num_channels}, ...), and this input has shape"
                f" {input.shape}."
            )
        return group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Its settings."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine},"
            f" bias={self.bias is not None}"
        )


class LayerNorm(_Affine):
    """The features of each sample to mean 0 and variance 1, times a learnt weight, plus a learnt bias.

        y = (x - mean) / √(variance + eps) · weight + bias

    The last axes of x have the lengths `normalized_shape`, a number or a tuple; so have `weight` and `bias`, which
    `elementwise_affine` and `bias` can leave out. Raises `ShapeError` for other inputs. Ba, Kiros, Hinton 2016; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html

    >>> LayerNorm(2, eps=0.0)(np.array([[1.0, 3.0], [10.0, 30.0]], np.float32)).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._learn(self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype)

    def forward(self, input: Any) -> Any:
        """y."""
        return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Its settings."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine},"
            f" bias={self.bias is not None}"
        )


class RMSNorm(_Affine):
    """The features of each sample by their root mean square, times a learnt weight: x / √(mean(x²) + eps) · weight.

    The last axes of x have the lengths `normalized_shape`, a number or a tuple; so has `weight`, which
    elementwise_affine=False leaves out. `eps` is the spacing of the input's dtype at 1 unless given. Raises
    `ShapeError` for other inputs. Zhang, Sennrich 2019; after
    https://docs.pytorch.org/docs/stable/generated/torch.nn.RMSNorm.html

    >>> RMSNorm(2)(np.array([3.0, 4.0])).round(4).tolist()
    [0.8485, 1.1314]
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._learn(self.normalized_shape, elementwise_affine, False, device, dtype)

    def forward(self, input: Any) -> Any:
        """y."""
        return rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Its settings."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


def _shape(normalized_shape: Any) -> tuple[int, ...]:
    return tuple(normalized_shape) if isinstance(normalized_shape, tuple | list) else (normalized_shape,)
