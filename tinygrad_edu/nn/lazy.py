"""Layers that learn the size of their input from the first batch, and then are the layers of `nn` that know it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu.creation import zeros
from tinygrad_edu.nn.conv import Conv1d, Conv2d, ConvTranspose2d
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.normalization import BatchNorm1d, BatchNorm2d
from tinygrad_edu.nn.parameter import Parameter

__all__ = ["LazyBatchNorm1d", "LazyBatchNorm2d", "LazyConv1d", "LazyConv2d", "LazyConvTranspose2d", "LazyLinear"]


class _Lazy(Module):
    """The arguments of a layer but the first, and parameters without numbers until the first call."""

    becomes: ClassVar[Callable[..., Module]]
    features: ClassVar[int] = 1  # the axis of an input with its sizes

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__()
        like = type(self).becomes(int(options.get("groups", 1)), *args, **options)  # which looks at the options
        self.arguments, self.options = args, options
        for name, parameter in like.named_parameters():
            self.register_parameter(name, Parameter(zeros(0, dtype=parameter.dtype)))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Become the layer for inputs of this size, whose parameters are the same objects, and compute."""
        made = type(self).becomes(np.shape(args[0])[self.features], *self.arguments, **self.options)
        for own in self.parameters():
            made.to(own.device)
        for name, parameter in made.named_parameters():
            own = vars(self)[name]
            own.data = parameter.detach()
            vars(made)[name] = own
        kept = {name: vars(self)[name] for name in ("training", "_before", "_after", "_backward") if name in vars(self)}
        vars(self).clear()
        vars(self).update(vars(made) | kept)
        self.__class__ = type(made)  # type: ignore[assignment] # which is a Module too
        return self(*args, **kwargs)

    def extra_repr(self) -> str:
        """Its arguments."""
        return ", ".join([*map(repr, self.arguments), *(f"{name}={value!r}" for name, value in self.options.items())])


class LazyLinear(_Lazy):
    """`Linear(in_features, out_features)` that learns `in_features` from the first input.

    Until then its parameters have no numbers; an optimiser that was given them goes on with the same objects.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.LazyLinear.html

    >>> layer = LazyLinear(2)
    >>> layer
    LazyLinear(2)
    >>> layer(np.ones((5, 3), np.float32)).shape, layer
    ((5, 2), Linear(in_features=3, out_features=2, bias=True))
    """

    becomes, features = Linear, -1


class LazyConv1d(_Lazy):
    """`Conv1d` that learns `in_channels` from the first input."""

    becomes, features = Conv1d, -2


class LazyConv2d(_Lazy):
    """`Conv2d` that learns `in_channels` from the first input.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.LazyConv2d.html
    """

    becomes, features = Conv2d, -3


class LazyConvTranspose2d(_Lazy):
    """`ConvTranspose2d` that learns `in_channels` from the first input."""

    becomes, features = ConvTranspose2d, -3


class LazyBatchNorm1d(_Lazy):
    """`BatchNorm1d` that learns `num_features` from the first input."""

    becomes = BatchNorm1d


class LazyBatchNorm2d(_Lazy):
    """`BatchNorm2d` that learns `num_features` from the first input.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.LazyBatchNorm2d.html
    """

    becomes = BatchNorm2d
