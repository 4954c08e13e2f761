"""First weights: every function fills a tensor in place, without recording, and returns it.

How large they should be follows from the sizes of the layer: `fan_in` numbers go into each of its results, and each of
its inputs goes into `fan_out` of them. After https://docs.pytorch.org/docs/stable/nn.init.html
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu import random
from tinygrad_edu.device import moved
from tinygrad_edu.recording import no_grad
from tinygrad_edu.tensor import Tensor

__all__ = [
    "calculate_gain",
    "constant_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

Generator = np.random.Generator | None

GAINS = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d", "sigmoid"), 1.0),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), 1.0),
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """How much larger the weights before a nonlinearity are, so that numbers keep their size through it.

    `param` is the slope below 0 of "leaky_relu", 0.01 if None. ValueError for an unknown name.

    >>> calculate_gain("tanh"), round(calculate_gain("leaky_relu", 0.2), 4)
    (1.6666666666666667, 1.3868)
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in GAINS:
        raise ValueError(f"no gain is known for {nonlinearity!r}: there are {', '.join([*GAINS, 'leaky_relu'])}")
    return GAINS[nonlinearity]


def _filled(tensor: Tensor, values: Any) -> Tensor:
    with no_grad():
        tensor[...] = Tensor(values, device=tensor.device)
    return tensor


def _floats(tensor: Tensor) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"init fills a Tensor in place, and this is a {type(tensor).__name__}")
    if tensor.dtype.kind != "f":
        raise TypeError(f"random weights are fractions, and a tensor of {tensor.dtype} holds none: write t.float()")
    return tensor


def _standard_normal(tensor: Tensor, generator: Generator) -> Any:
    return random.standard_normal(_floats(tensor).shape, np.float64, generator, tensor.device)


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator = None) -> Tensor:
    """Numbers between `a` and `b`, each as likely: mean (a + b) / 2, standard deviation (b - a) / √12."""
    return _filled(tensor, a + (b - a) * random.uniform(_floats(tensor).shape, np.float64, generator, tensor.device))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator = None) -> Tensor:
    """Numbers from the normal distribution with that mean and standard deviation."""
    return _filled(tensor, mean + std * _standard_normal(tensor, generator))


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Generator = None
) -> Tensor:
    """Numbers from a normal distribution of which only those from `a` to `b` are taken.

    ValueError where less than 1 % of that distribution lies there. (PyTorch warns, and says that its numbers may then
    be distributed otherwise.)
    """
    share = 0.5 * (math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2)))
    if not share > 0.01:
        raise ValueError(
            f"from a={a} to b={b} lies {max(share, 0):.2%} of a normal distribution of mean {mean} and std {std}:"
            " choose limits a < b around its mean"
        )
    values = _standard_normal(tensor, generator) * std + mean
    while count := int((outside := (values < a) | (values > b)).sum()):  # draw those anew
        values[outside] = random.standard_normal(count, np.float64, generator, tensor.device) * std + mean
    return _filled(tensor, values)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """The same number everywhere."""
    return _filled(tensor, val)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix: a layer that hands on as many of its inputs as it can. ValueError without two axes."""
    return _filled(tensor, np.eye(*_matrix(tensor, "eye_")))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator = None) -> Tensor:
    """Normal numbers of which a share `sparsity` of each column, rounded up, is 0. After Martens 2010."""
    rows, columns = _matrix(tensor, "sparse_")
    values = std * _standard_normal(tensor, generator)
    places = random.chosen(generator).permuted(np.tile(np.arange(rows)[:, None], columns), axis=0)
    values[moved(places < math.ceil(sparsity * rows), tensor.device)] = 0
    return _filled(tensor, values)


def _matrix(tensor: Tensor, function: str) -> tuple[int, int]:
    if tensor.ndim != 2:
        raise ValueError(f"{function} fills a matrix, and this tensor has shape {tensor.shape}")
    return tensor.shape  # type: ignore[no-any-return] # of NumPy's array


def _fans(tensor: Tensor) -> tuple[int, int]:
    """fan_in and fan_out of a weight of shape (out, in, *kernel)."""
    if tensor.ndim < 2:
        raise ValueError(
            f"a tensor of shape {tensor.shape} has no fan_in and fan_out: they are those of weights, of shape (out, in)"
            " or (out, in, *kernel). Fill a bias with zeros_, or uniform_."
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Uniform in ±gain √(6 / (fan_in + fan_out)): numbers and gradients keep their size. Glorot, Bengio 2010."""
    bound = gain * math.sqrt(6 / max(sum(_fans(tensor)), 1))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Normal with standard deviation gain √(2 / (fan_in + fan_out)). Glorot, Bengio 2010."""
    return normal_(tensor, 0.0, gain * math.sqrt(2 / max(sum(_fans(tensor)), 1)), generator)


def _kaiming(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """Standard deviation gain / √fan."""
    fans = dict(zip(("fan_in", "fan_out"), _fans(tensor), strict=True))
    if mode not in fans:
        raise ValueError(f"mode is 'fan_in' or 'fan_out', not {mode!r}")
    return calculate_gain(nonlinearity, a) / math.sqrt(max(fans[mode], 1))


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> Tensor:
    """Uniform in ±gain √(3 / fan), for layers before a relu. He, Zhang, Ren, Sun 2015.

    `mode` "fan_in" keeps the size of numbers going forward, "fan_out" that of gradients going back; `a` is the slope
    below 0 of a leaky relu.
    """
    bound = math.sqrt(3) * _kaiming(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> Tensor:
    """Normal with standard deviation gain / √fan; arguments are those of `kaiming_uniform_`. He et al. 2015."""
    return normal_(tensor, 0.0, _kaiming(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """`gain` times a random matrix with orthonormal rows, or columns where it has fewer. Saxe et al. 2014.

    All axes but the first count as one. Every such matrix is as likely.
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_ fills a matrix, or one of more axes, and this tensor has shape {tensor.shape}")
    normal = _standard_normal(tensor, generator).reshape(tensor.shape[0], math.prod(tensor.shape[1:]))
    wide = normal.shape[0] < normal.shape[1]
    q, r = np.linalg.qr(normal.T if wide else normal)
    q = q * np.where(np.diagonal(r) < 0, -1, 1)  # QR alone prefers some signs; Mezzadri 2007
    return _filled(tensor, gain * (q.T if wide else q).reshape(tensor.shape))
