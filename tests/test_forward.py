"""Forward mode for every case of the table: against reverse mode, central differences, and for second derivatives."""

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases import CASES, Case
from tests.derivatives import weights
from tests.test_ops import loss, parts
from tinygrad_edu import Tensor, func

each_case = pytest.mark.parametrize("case", CASES, ids=str)


def directions(case: Case) -> tuple[Any, ...]:
    return tuple(weights(array.shape, seed=11 + i) for i, array in enumerate(case.arrays))


def results(case: Case, *arguments: Any) -> tuple[Any, ...]:
    return tuple(parts(case.function(*arguments)))


@each_case
def test_forward_mode_is_the_transpose_of_reverse_mode(case: Case) -> None:
    """w (J v) = (w J) v, for every result."""
    v = directions(case)
    outputs, tangents = func.jvp(lambda *a: results(case, *a), case.arrays, v)
    _, pull = func.vjp(lambda *a: results(case, *a), *case.arrays)
    w = tuple(weights(t.shape, seed=5 + i) for i, t in enumerate(outputs))
    gradients = pull(w)
    gradients = (gradients,) if len(v) == 1 else gradients
    for tangent, output in zip(tangents, outputs, strict=True):
        assert (tangent.shape, tangent.dtype) == (output.shape, output.dtype)
    forward = sum(float((t.numpy() * u).sum()) for t, u in zip(tangents, w, strict=True))
    reverse = sum(float((g.numpy() * u).sum()) for g, u in zip(gradients, v, strict=True))
    assert forward == pytest.approx(reverse, rel=1e-9, abs=1e-10)


@each_case
def test_forward_mode_is_the_difference_along_its_direction(case: Case) -> None:
    v = directions(case)

    def moved(step: float) -> list[Any]:
        return [np.asarray(r) for r in results(case, *(a + step * u for a, u in zip(case.arrays, v, strict=True)))]

    h = 1e-4
    coarse = [(a - b) / (2 * h) for a, b in zip(moved(h), moved(-h), strict=True)]
    fine = [(a - b) / h for a, b in zip(moved(h / 2), moved(-h / 2), strict=True)]
    for tangent, c, f in zip(func.jvp(lambda *a: results(case, *a), case.arrays, v)[1], coarse, fine, strict=True):
        expected = (4 * f - c) / 3
        np.testing.assert_allclose(
            tangent.numpy(), expected, rtol=1e-6, atol=1e-7 * (1 + np.max(abs(expected), initial=0))
        )


@each_case
def test_forward_over_reverse_is_reverse_over_reverse(case: Case) -> None:
    v = directions(case)
    product = func.hvp(lambda *a: loss(case, *a), case.arrays, v)
    inputs = [Tensor(a, requires_grad=True) for a in case.arrays]
    first = tg.autograd.grad(loss(case, *inputs), inputs, create_graph=True)
    along = sum(((g * u).sum() for g, u in zip(first, v, strict=True)), start=Tensor(0.0))
    second = tg.autograd.grad(along, inputs, allow_unused=True) if along.requires_grad else [None] * len(inputs)
    for mine, expected in zip(product if isinstance(product, tuple) else (product,), second, strict=True):
        wanted = np.zeros(mine.shape) if expected is None else expected.numpy()
        scale = 1 + np.max(abs(wanted), initial=0)
        np.testing.assert_allclose(mine.numpy(), wanted, rtol=1e-9, atol=1e-11 * scale)
