"""Distributions beside PyTorch's: densities, entropies, divergences and their gradients; and what is drawn."""

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import distributions

RNG = np.random.default_rng(0)
A, B = RNG.uniform(0.1, 0.9, (3, 4)), RNG.uniform(0.1, 0.9, (3, 4))
LINES = """
D.Normal(a, b).log_prob(b * 3)
D.Normal(a, 0.5).entropy() + D.Normal(0.5, b).entropy()
D.Normal(a, b).cdf(b)
D.Normal(a, b).mean + D.Normal(a, b).stddev * D.Normal(a, b).variance
D.Uniform(a - 1, b + 1).log_prob(b) + D.Uniform(a - 1, b + 1).entropy()
D.Uniform(a - 1, b).mean + D.Uniform(a - 1, b).variance
D.Categorical(a).log_prob(i)
D.Categorical(logits=a).log_prob(i[:1])
D.Categorical(probs=a).entropy() + D.Categorical(logits=b).entropy()
D.Categorical(a).probs + D.Categorical(logits=a).probs * D.Categorical(a).logits
D.Bernoulli(a).log_prob((b > 0.5).double())
D.Bernoulli(logits=a).entropy() + D.Bernoulli(a).entropy() + D.Bernoulli(logits=a).mean
D.kl_divergence(D.Normal(a, b), D.Normal(b, a))
D.kl_divergence(D.Uniform(a, a + 1), D.Uniform(a - b, a + 2))
D.kl_divergence(D.Categorical(a), D.Categorical(logits=b))
D.kl_divergence(D.Bernoulli(a), D.Bernoulli(logits=b))
""".strip().splitlines()


@pytest.mark.parametrize("line", LINES)
def test_values_and_gradients_are_pytorchs(line: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
    found = []
    for library in (tg, torch):
        a, b = (library.tensor(x, requires_grad=True) for x in (A, B))
        out = eval(line, {"D": library.distributions, "a": a, "b": b, "i": library.tensor([0, 3, 1])})
        (out**2).sum().backward()
        found.append([t.detach().numpy() for t in (out, a.grad, b.grad) if t is not None])
    for mine, other in zip(*found, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)


def test_what_is_drawn() -> None:
    tg.manual_seed(0)
    loc = tg.tensor([1.0, -2.0], requires_grad=True)
    normal = distributions.Normal(loc, tg.tensor([0.5, 2.0]))
    drawn = normal.rsample((20000,))
    assert (drawn.shape, drawn.requires_grad, normal.sample().requires_grad) == ((20000, 2), True, False)
    np.testing.assert_allclose(drawn.detach().numpy().mean(0), [1.0, -2.0], atol=0.05)
    np.testing.assert_allclose(drawn.detach().numpy().std(0), [0.5, 2.0], rtol=0.03)
    drawn.sum().backward()
    assert loc.grad.tolist() == [20000.0, 20000.0]
    flat = distributions.Uniform(tg.tensor([0.0, 5.0]), 6.0).sample((5000,)).numpy()
    assert (flat.min(0) >= [0, 5]).all()
    np.testing.assert_allclose(flat.mean(0), [3.0, 5.5], atol=0.1)
    classes = distributions.Categorical(tg.tensor([[1.0, 3.0], [1.0, 0.0]])).sample((100, 50))
    assert (classes.shape, classes.dtype) == ((100, 50, 2), np.int64)
    np.testing.assert_allclose(classes.numpy().mean((0, 1)), [0.75, 0.0], atol=0.03)
    coins = distributions.Bernoulli(tg.tensor([0.2, 0.9])).sample((5000,))
    np.testing.assert_allclose(coins.numpy().mean(0), [0.2, 0.9], atol=0.03)
    assert distributions.Categorical(logits=np.zeros(3)).sample().shape == ()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: distributions.Normal(0.0, 0.0), "above 0"),
        (lambda: distributions.Normal(0.0, np.nan), "above 0"),
        (lambda: distributions.Uniform(1.0, 1.0), "low is below high"),
        (lambda: distributions.Categorical(np.array([0.5, -0.5])), "0 or more"),
        (lambda: distributions.Categorical(), "one of probs= and logits="),
        (lambda: distributions.Bernoulli(tg.tensor([1.5])), "from 0 to 1"),
    ],
)
def test_parameters_that_cannot_be_are_told(call: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()


def test_divergences_are_of_one_kind() -> None:
    with pytest.raises(TypeError, match="not of Normal and Uniform"):
        distributions.kl_divergence(distributions.Normal(0.0, 1.0), distributions.Uniform(0.0, 1.0))
    with pytest.raises(NotImplementedError, match="Categorical draws no numbers with a gradient"):
        distributions.Categorical(np.ones(2)).rsample()
