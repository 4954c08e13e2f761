"""The whole op table on ducks: values, first and second derivatives, beside those on the host."""

from typing import Any

import numpy as np
import pytest

from tests.cases import CASES, WITHOUT_DERIVATIVE, Case, activations, elementwise, reduction
from tests.derivatives import weights
from tests.duck.beside import same
from tests.duck.module import upload
from tests.duck.placed import on_gpu
from tests.test_ops import TABLE, parts
from tinygrad_edu import Tensor, autograd

THERE = [case for case in CASES if str(case) != "move-home"]  # which leaves the GPU
each_case = pytest.mark.parametrize("case", THERE, ids=str)


@each_case
def test_values(case: Case, cupy: Any) -> None:
    found = on_gpu(case.function, cupy)(*(Tensor(upload(a), requires_grad=True) for a in case.arrays))
    same(parts(found), parts(case.function(*map(Tensor, case.arrays))))


def derivatives(function: Any, arrays: Any, there: Any) -> list[Tensor]:
    """The gradients of a weighed sum of all results, and those of a weighed sum of them."""
    inputs = [Tensor(there(a), requires_grad=True) for a in arrays]
    found: list[Tensor] = []
    results = parts(function(*inputs))
    for order in (1, 2):
        weighed = (np.sum(r * Tensor(there(weights(r.shape, seed)))) for seed, r in enumerate(results))
        total = sum(weighed, start=sum(np.sum(t * 0.0) for t in inputs))
        results = list(autograd.grad(total, inputs, create_graph=order == 1))
        found += results
    return found


@each_case
def test_first_and_second_derivatives(case: Case, cupy: Any) -> None:
    found = derivatives(on_gpu(case.function, cupy), case.arrays, upload)
    same(found, derivatives(case.function, case.arrays, np.array), tolerance=1e-8)


HALF = [case for module in (activations, elementwise, reduction) for case in module.CASES]


@pytest.mark.parametrize(
    ("case", "dtype"),
    [*((case, np.float32) for case in THERE), *((case, np.float16) for case in HALF)],
    ids=lambda given: given.__name__ if isinstance(given, type) else str(given),
)
def test_a_dtype_stays(case: Case, dtype: Any, cupy: Any) -> None:
    """Also where a loop of CuPy's has another than NumPy's: its erf of float16 is a float64."""
    arrays = [a.astype(dtype) for a in case.arrays]
    inputs = [Tensor(upload(a), requires_grad=True) for a in arrays]
    results = parts(on_gpu(case.function, cupy)(*inputs))
    expected = parts(case.function(*map(Tensor, arrays)))
    assert [r.dtype for r in results] == [r.dtype for r in expected]
    total = sum((np.sum(r) for r in results), start=sum(np.sum(t * 0) for t in inputs))
    assert [g.dtype for g in autograd.grad(total, inputs)] == [dtype] * len(inputs)


@pytest.mark.parametrize("name", sorted(WITHOUT_DERIVATIVE))
def test_ops_without_derivative(name: str) -> None:
    op = TABLE[name]
    integral = name.startswith(("logical", "bitwise", "invert"))
    arrays = [np.array([True, False]) if integral else np.array([1.0, -2.0]) for _ in op.operands]
    same(op(*(Tensor(upload(a)) for a in arrays)), op(*map(Tensor, arrays)))
