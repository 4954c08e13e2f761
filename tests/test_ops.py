"""Every op against NumPy for its value and against central differences for its derivatives, to second order."""

import functools
import operator
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases import CASES, WITHOUT_DERIVATIVE, Case
from tests.derivatives import central_differences, weights
from tinygrad_edu import Op, Tensor, ops
from tinygrad_edu.ops.composed import compositions
from tinygrad_edu.rules import table

each_case = pytest.mark.parametrize("case", CASES, ids=str)
EVERY = [op for found in table().values() for op in found]
TABLE = {name: op for name, op in vars(ops).items() if isinstance(op, Op)}  # those with a public name


def tensors(case: Case, dtype: Any = None) -> list[Tensor]:
    return [Tensor(array, dtype=dtype, requires_grad=True) for array in case.arrays]


def parts(result: Any) -> list[Any]:
    """The parts of a result that have derivatives: some functions give several arrays, some of them whole numbers."""
    every = result if isinstance(result, tuple | list) else (result,)
    return [part for part in every if hasattr(part, "dtype") and part.dtype.kind == "f"]


def loss(case: Case, *arguments: Any) -> Any:
    """One number that weighs every number of the result differently."""
    results = parts(case.function(*arguments))
    weighed = [(part * weights(part.shape, seed)).sum() for seed, part in enumerate(results)]
    return functools.reduce(operator.add, weighed)


def gradients(case: Case, *arrays: Any, dtype: Any = None, create_graph: bool = False) -> tuple[list[Tensor], Any]:
    inputs = [Tensor(array, dtype=dtype, requires_grad=True) for array in arrays]
    return inputs, tg.autograd.grad(loss(case, *inputs), inputs, create_graph=create_graph, allow_unused=True)


def test_every_op_has_cases() -> None:
    assert {op.name for op in TABLE.values()} | set(compositions) <= {case.op for case in CASES} | WITHOUT_DERIVATIVE


def test_every_rule_is_reached_by_a_case() -> None:
    """By its graph, or by that of its first or second derivatives: some ops are there for the rules of others only."""
    reached = set()
    for case in CASES:
        inputs = tensors(case)
        total = loss(case, *inputs) ** 2  # squared, so that the gradient of a linear op depends on its operand
        for order in range(3):
            for node in tg.autograd.ancestors(total):
                reached |= {(node.op, index) for index, _ in node.plan.pulls}
            if order < 2 and total.requires_grad:
                found = tg.autograd.grad(total, inputs, create_graph=True, allow_unused=True)
                total = sum(((g * g).sum() for g in found if g is not None), start=Tensor(0.0))
    for op in EVERY:
        for index, name in enumerate(op.operands):
            assert op.rules[name] is None or (op, index) in reached, f"no case differentiates {op} by {name}"


@each_case
def test_value_is_numpys(case: Case) -> None:
    expected, got = case.function(*case.arrays), case.function(*tensors(case))
    assert type(got) is type(expected) or isinstance(got, Tensor)
    for mine, numpys in zip(parts(got), parts(expected), strict=True):
        assert isinstance(mine, Tensor)
        assert (mine.shape, mine.dtype) == (numpys.shape, numpys.dtype)
        np.testing.assert_allclose(mine.numpy(), numpys, rtol=1e-12, atol=1e-14)


@each_case
def test_first_derivative(case: Case) -> None:
    _, found = gradients(case, *case.arrays)
    for index, g in enumerate(found):
        expected = central_differences(lambda *a: loss(case, *a), case.arrays, index)
        assert g is not None
        np.testing.assert_allclose(g.numpy(), expected, rtol=1e-7, atol=1e-8)


@each_case
def test_second_derivative(case: Case) -> None:
    """The gradient of a weighted sum of first derivatives, against central differences of that sum."""

    def weighed(*arrays: Any) -> float:
        _, found = gradients(case, *arrays)
        return float(sum((g.numpy() * weights(g.shape, seed=3)).sum() for g in found))

    inputs, first = gradients(case, *case.arrays, create_graph=True)
    total = sum(((g * weights(g.shape, seed=3)).sum() for g in first), start=Tensor(0.0))
    second = tg.autograd.grad(total, inputs, allow_unused=True) if total.requires_grad else [None] * len(inputs)
    for index, g in enumerate(second):
        expected = central_differences(weighed, case.arrays, index)
        np.testing.assert_allclose(np.zeros_like(expected) if g is None else g.numpy(), expected, rtol=1e-6, atol=1e-7)


@each_case
def test_create_graph_does_not_change_the_first_derivative(case: Case) -> None:
    _, once = gradients(case, *case.arrays)
    _, kept = gradients(case, *case.arrays, create_graph=True)
    for plain, recorded in zip(once, kept, strict=True):
        np.testing.assert_allclose(recorded.numpy(), plain.numpy(), rtol=1e-13, atol=1e-15)


@each_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradient_has_shape_and_dtype_of_its_tensor(case: Case, dtype: Any) -> None:
    inputs, found = gradients(case, *case.arrays, dtype=dtype)
    double = gradients(case, *case.arrays)[1]
    for tensor, g, exact in zip(inputs, found, double, strict=True):
        assert (g.shape, g.dtype, g.device) == (tensor.shape, dtype, tensor.device)
        np.testing.assert_allclose(g.numpy(), exact.numpy(), rtol=2e-4, atol=2e-5)


@each_case
def test_inputs_are_left_alone_and_runs_repeat(case: Case) -> None:
    before = [array.copy() for array in case.arrays]
    inputs, found = gradients(case, *case.arrays)
    _, again = gradients(case, *case.arrays)
    for array, copy, tensor in zip(case.arrays, before, inputs, strict=True):
        np.testing.assert_array_equal(array, copy)
        np.testing.assert_array_equal(tensor.numpy(), copy)
    for g, h in zip(found, again, strict=True):
        np.testing.assert_array_equal(g.numpy(), h.numpy())


@each_case
def test_one_operand_at_a_time(case: Case) -> None:
    """With the other operands constant an operand gets the same gradient, and the constants get none."""
    full = gradients(case, *case.arrays)[1]
    for index, expected in enumerate(full):
        inputs = [Tensor(a, requires_grad=i == index) for i, a in enumerate(case.arrays)]
        loss(case, *inputs).backward()
        found = inputs[index].grad
        assert found is not None
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-12, atol=1e-15)
        assert all(t.grad is None for i, t in enumerate(inputs) if i != index)


@pytest.mark.parametrize("name", sorted(WITHOUT_DERIVATIVE))
def test_ops_without_derivative_give_constants(name: str) -> None:
    op = TABLE[name]
    integral = name.startswith(("logical", "bitwise", "invert"))
    arrays = [np.array([True, False]) if integral else np.array([1.0, -2.0]) for _ in op.operands]
    result = op(*(Tensor(a, requires_grad=not integral) for a in arrays))
    assert isinstance(result, Tensor)
    assert not result.requires_grad
    np.testing.assert_array_equal(result.numpy(), op.function(*arrays))


@pytest.mark.parametrize("op", TABLE.values(), ids=list(TABLE))
def test_numpy_names_reach_the_op(op: Op) -> None:
    """Every ufunc of the table is its NumPy function on Tensors too."""
    if isinstance(op.function, np.ufunc):
        from tinygrad_edu.op import implementations

        assert implementations[op.function] is op
        assert op.name == op.function.__name__


@pytest.mark.parametrize("function", [tg.erf, tg.erfc, tg.nn.functional.gelu])
def test_special_functions_of_float16_are_float16(function: Any) -> None:
    """SciPy's, and CuPy's, are of longer floats."""
    x = Tensor(np.linspace(-2, 2, 9), dtype=np.float16)
    assert function(x).dtype == np.float16
    np.testing.assert_allclose(function(x).numpy(), function(x.double()).numpy(), atol=1e-3)


def test_an_op_on_plain_arrays_only_computes() -> None:
    assert type(tg.exp(np.ones(2))) is np.ndarray
    assert type(tg.concatenate([np.ones(2), np.ones(1)])) is np.ndarray
