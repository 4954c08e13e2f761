"""Probability distributions that lectures draw from and differentiate: what PyTorch has in `torch.distributions`.

`sample()` draws without a history, `rsample()` with one, so that gradients flow to the parameters; `log_prob` is what a
policy or a latent code is scored by.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.ops.composed import as_operand
from tinygrad_edu.random import randn, uniform
from tinygrad_edu.recording import no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.torchcreation import multinomial

__all__ = ["Bernoulli", "Categorical", "Distribution", "Normal", "Uniform", "kl_divergence"]


class Distribution:
    """The base of the distributions: parameters of one shape, each place with a distribution of its own."""

    has_rsample: ClassVar[bool] = False
    batch_shape: tuple[int, ...]

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density, or probability, of a value."""
        raise NotImplementedError(f"{type(self).__name__} has no log_prob(self, value)")

    def rsample(self, sample_shape: tuple[int, ...] = ()) -> Any:
        """Numbers drawn, with their history: shape (*sample_shape, *batch_shape)."""
        raise NotImplementedError(f"{type(self).__name__} draws no numbers with a gradient: sample() has none")

    def sample(self, sample_shape: tuple[int, ...] = ()) -> Any:
        """Numbers drawn, without a history: shape (*sample_shape, *batch_shape)."""
        with no_grad():
            return self.rsample(sample_shape)

    def _shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*tuple(sample_shape), *self.batch_shape)


def _parameters(*given: Any) -> tuple[Any, ...]:
    """The parameters as Tensors of one shape."""
    return tuple(np.broadcast_arrays(*(p if isinstance(p, Tensor) else Tensor(np.asarray(p, float)) for p in given)))


def _check(holds: Any, what: str) -> None:
    if not np.all(getattr(holds, "_value", holds)):
        raise ValueError(what)


class Normal(Distribution):
    """Normal around `loc` with standard deviation `scale`. ValueError for a scale that is not above 0.

    After https://docs.pytorch.org/docs/stable/distributions.html#normal

    >>> Normal(0.0, 1.0).log_prob(Tensor(0.0)), Normal(Tensor([1.0, 2.0]), 0.5).rsample((3,)).shape
    (Tensor(-0.91893853), (3, 2))
    """

    has_rsample = True

    def __init__(self, loc: Any, scale: Any) -> None:
        self.loc, self.scale = _parameters(loc, scale)
        _check(self.scale > 0, "the scale of a Normal is a standard deviation, above 0")
        self.batch_shape = self.loc.shape

    mean = property(lambda self: self.loc, doc="The mean.")
    stddev = property(lambda self: self.scale, doc="The standard deviation.")
    variance = property(lambda self: self.scale**2, doc="The variance.")

    def rsample(self, sample_shape: tuple[int, ...] = ()) -> Any:
        """loc + scale times standard normal numbers."""
        drawn = randn(self._shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + self.scale * drawn

    def log_prob(self, value: Any) -> Any:
        """-((x - loc) / scale)² / 2 - log scale - log √(2 π)."""
        return -(((value - self.loc) / self.scale) ** 2) / 2 - np.log(self.scale) - math.log(2 * math.pi) / 2

    def cdf(self, value: Any) -> Any:
        """The chance of a number that is not larger."""
        return (1 + ops.erf((value - self.loc) / (self.scale * math.sqrt(2)))) / 2

    def entropy(self) -> Any:
        """log scale + log √(2 π e)."""
        return np.log(self.scale) + (1 + math.log(2 * math.pi)) / 2


class Uniform(Distribution):
    """All numbers from `low` up to but not including `high` alike. ValueError where low is not below high.

    After https://docs.pytorch.org/docs/stable/distributions.html#uniform

    >>> Uniform(0.0, 2.0).log_prob(Tensor([1.0, 3.0])).exp()
    Tensor([0.5, 0. ])
    """

    has_rsample = True

    def __init__(self, low: Any, high: Any) -> None:
        self.low, self.high = _parameters(low, high)
        _check(self.low < self.high, "a Uniform goes from low to high: low is below high")
        self.batch_shape = self.low.shape

    mean = property(lambda self: (self.low + self.high) / 2, doc="The mean.")
    variance = property(lambda self: (self.high - self.low) ** 2 / 12, doc="The variance.")

    def rsample(self, sample_shape: tuple[int, ...] = ()) -> Any:
        """low + (high - low) times uniform numbers."""
        chance = uniform(self._shape(sample_shape), self.low.dtype, None, self.low.device)
        return self.low + (self.high - self.low) * chance

    def log_prob(self, value: Any) -> Any:
        """-log(high - low) inside, -inf outside."""
        inside = (value >= self.low) & (value < self.high)
        return np.where(inside, -np.log(self.high - self.low), -np.inf)

    def entropy(self) -> Any:
        """log(high - low)."""
        return np.log(self.high - self.low)


class Categorical(Distribution):
    """One of several classes, by their probabilities, or weights, in the last axis, or by their `logits`.

    ValueError for weights below 0, and for other than one of `probs` and `logits`. After
    https://docs.pytorch.org/docs/stable/distributions.html#categorical

    >>> policy = Categorical(Tensor([[1.0, 3.0], [2.0, 2.0]]))
    >>> policy.log_prob(Tensor([1, 0])).exp(), policy.sample().shape
    (Tensor([0.75, 0.5 ]), (2,))
    """

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        given = _one_of(probs, logits)
        if logits is None:
            _check(given >= 0, "the probabilities of a Categorical are 0 or more")
            self.probs = given / ops.sum(given, axis=-1, keepdims=True)
            self.logits = np.log(ops.clip(self.probs, np.finfo(given.dtype).eps, 1 - np.finfo(given.dtype).eps))
        else:
            self.logits = ops.log_softmax(given, axis=-1)
            self.probs = np.exp(self.logits)
        self.batch_shape = given.shape[:-1]

    def sample(self, sample_shape: tuple[int, ...] = ()) -> Any:
        """Class numbers."""
        count = math.prod(sample_shape)
        rows = self.probs.detach().reshape(-1, self.probs.shape[-1])
        return multinomial(rows, count, replacement=True).T.reshape(self._shape(sample_shape))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the probability of class numbers."""
        value = as_operand(value.detach() if isinstance(value, Tensor) else value).astype(np.int64)
        shape = np.broadcast_shapes(value.shape, self.batch_shape)
        logits = np.broadcast_to(self.logits, (*shape, self.logits.shape[-1]))
        return np.take_along_axis(logits, np.broadcast_to(value, shape)[..., None], -1)[..., 0]

    def entropy(self) -> Any:
        """-Σ p log p."""
        return -ops.sum(self.probs * self.logits, axis=-1)


class Bernoulli(Distribution):
    """1 with the chance `probs`, else 0; or by `logits`, whose sigmoid that is. ValueError for other chances.

    After https://docs.pytorch.org/docs/stable/distributions.html#bernoulli

    >>> Bernoulli(Tensor([0.25, 1.0])).log_prob(Tensor([1.0, 1.0])).exp().round(4)
    Tensor([0.25, 1.  ])
    """

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        given = _one_of(probs, logits)
        if logits is None:
            _check((given >= 0) & (given <= 1), "the chance of a Bernoulli is from 0 to 1")
            held = ops.clip(given, np.finfo(given.dtype).eps, 1 - np.finfo(given.dtype).eps)
            self.probs, self.logits = given, np.log(held) - np.log1p(-held)
        else:
            self.probs, self.logits = ops.sigmoid(given), given
        self.batch_shape = given.shape

    mean = property(lambda self: self.probs, doc="The mean.")

    def sample(self, sample_shape: tuple[int, ...] = ()) -> Any:
        """Zeros and ones, as floats."""
        p = self.probs.detach()
        return (uniform(self._shape(sample_shape), p.dtype, None, p.device) < p).astype(p.dtype)

    def log_prob(self, value: Any) -> Any:
        """x log p + (1 - x) log(1 - p), from the logits."""
        return value * self.logits - ops.softplus(self.logits)

    def entropy(self) -> Any:
        """-p log p - (1 - p) log(1 - p)."""
        return ops.softplus(self.logits) - self.probs * self.logits


def _one_of(probs: Any, logits: Any) -> Any:
    if (probs is None) == (logits is None):
        raise ValueError("give one of probs= and logits=")
    given = as_operand(logits if probs is None else probs)
    return given if isinstance(given, Tensor) else Tensor(given)


def kl_divergence(p: Distribution, q: Distribution) -> Any:
    """How much less probable what p draws is by q: the mean of log p(x) - log q(x) over p.

    TypeError for distributions of two kinds. Kullback, Leibler 1951; after
    https://docs.pytorch.org/docs/stable/distributions.html#torch.distributions.kl.kl_divergence

    >>> kl_divergence(Normal(1.0, 1.0), Normal(0.0, 1.0))
    Tensor(0.5)
    """
    if type(p) is not type(q) or type(p) not in DIVERGENCES:
        raise TypeError(f"kl_divergence is of two of one kind, not of {type(p).__name__} and {type(q).__name__}")
    return DIVERGENCES[type(p)](p, q)


def _of_normals(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale) ** 2
    return (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - np.log(ratio)) / 2


def _of_uniforms(p: Any, q: Any) -> Any:
    inside = (q.low <= p.low) & (p.high <= q.high)
    return np.where(inside, np.log((q.high - q.low) / (p.high - p.low)), np.inf)


def _of_categoricals(p: Any, q: Any) -> Any:
    return ops.sum(p.probs * (p.logits - q.logits), axis=-1)


def _of_bernoullis(p: Any, q: Any) -> Any:
    return p.probs * (p.logits - q.logits) + ops.softplus(q.logits) - ops.softplus(p.logits)


DIVERGENCES: dict[type[Distribution], Callable[[Any, Any], Any]] = {
    Bernoulli: _of_bernoullis,
    Categorical: _of_categoricals,
    Normal: _of_normals,
    Uniform: _of_uniforms,
}
