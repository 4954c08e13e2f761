"""All parameters as one vector, and back."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """The numbers of all parameters, one after the other: a Tensor of one axis, through which gradients pass.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parameters_to_vector.html

    >>> from tinygrad_edu import nn
    >>> parameters_to_vector(nn.Linear(3, 2).parameters()).shape
    (8,)
    """
    return np.concatenate([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """Give the parameters, one after the other, the numbers of a vector; ShapeError where there are more or fewer.

    After https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.vector_to_parameters.html

    >>> from tinygrad_edu import Tensor, nn
    >>> layer = nn.Linear(2, 1)
    >>> vector_to_parameters(Tensor([1.0, 2.0, 3.0]), layer.parameters())
    >>> layer.weight.detach(), layer.bias.detach()
    (Tensor([[1., 2.]], dtype=float32), Tensor([3.], dtype=float32))
    """
    each = list(parameters)
    if vec.shape != (sum(p.size for p in each),):
        raise ShapeError(
            f"the parameters have {sum(p.size for p in each)} numbers together: a vector of shape {vec.shape} does not"
            " fit"
        )
    for p, (start, stop) in zip(each, pairwise(np.cumsum([0, *(p.size for p in each)])), strict=True):
        p.data = vec.detach()[start:stop].reshape(p.shape).astype(p.dtype)
