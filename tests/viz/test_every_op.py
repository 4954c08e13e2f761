"""Every op of the table is drawn, traced and written as LaTeX, and what a trace finds is what `backward()` finds."""

import json
import warnings

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases import CASES, Case
from tinygrad_edu import Tensor
from tinygrad_edu.errors import DerivativeError
from tinygrad_edu.tree import leaves
from viz import make_dot, trace

FIRST: dict[str, Case] = {}
for case in CASES:
    if case.arrays and case.arrays[0].ndim and case.arrays[0].size:
        FIRST.setdefault(case.op, case)


@pytest.mark.parametrize("case", FIRST.values(), ids=str)
def test_an_op_is_shown_with_the_gradients_that_it_has(case: Case) -> None:
    inputs = [Tensor(array, requires_grad=array.dtype.kind == "f", name=f"x{i}") for i, array in enumerate(case.arrays)]
    with warnings.catch_warnings(action="ignore"):
        results = [made for made in leaves(case.function(*inputs)) if isinstance(made, Tensor) and made.requires_grad]
        if not results:
            pytest.skip("it has no derivative")
        root = tg.sum(results[0] * results[0])
        try:
            root.backward(retain_graph=True)
        except DerivativeError as error:
            pytest.skip(f"its first result has no derivative: {error}")
    told = trace(root)
    for tensor in inputs:
        if tensor.grad is not None:
            np.testing.assert_array_equal(told.gradients[f"{tensor.name}"], tensor.grad.numpy())
    assert json.loads(json.dumps(told.data()))["root"] == "out"
    said = told.latex()
    assert said.isascii()
    assert said.replace(r"\{", "").count("{") == said.replace(r"\}", "").count("}")
    assert "->" in make_dot(root, trace=told, show_attrs=True, show_saved=True).source
