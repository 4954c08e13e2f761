"""Every op can be in a random program: its recipes run, mean the same on arrays and Tensors, and use the op."""

import re
import sys
from collections import Counter
from types import CodeType, FrameType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

import tinygrad_edu as tg
from tests.cases import WITHOUT_DERIVATIVE
from tinygrad_edu import Op, Tensor, ops
from tinygrad_edu.ops.composed import compositions
from tinygrad_edu.testing.maker import Maker
from tinygrad_edu.testing.program import Program, programs
from tinygrad_edu.testing.recipes import RECIPES

OPS = {op.name: op for op in vars(ops).values() if isinstance(op, Op)}
EXAMPLES = settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Counter[bool]:
    """How many calls the recipes wrote that were kept (True), and how many that were dropped (False)."""
    counts: Counter[bool] = Counter()
    add = Maker.add

    def counted(maker: Maker, *code: Any) -> bool:
        worth = add(maker, *code)
        counts[worth] += 1
        return worth

    monkeypatch.setattr(Maker, "add", counted)
    return counts


def loss_and_functions_called(program: Program) -> tuple[Any, set[CodeType]]:
    """The loss on Tensors, and the code of every Python function that ran on the way."""
    ran: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            ran.add(frame.f_code)

    tensors = [Tensor(value, requires_grad=True) for value in program.inputs.values()]
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        return program(*tensors), ran
    finally:
        sys.setprofile(before)


def test_every_op_has_recipes() -> None:
    assert set(RECIPES) == (set(OPS) | set(compositions)) - WITHOUT_DERIVATIVE - {"move"}


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_recipes_call_the_op_and_mean_the_same_on_arrays_and_tensors(name: str, written: Counter[bool]) -> None:
    @EXAMPLES
    @given(programs([name], 1, 1))
    def check(program: Program) -> None:
        with np.errstate(all="ignore"):
            expected = program(*program.inputs.values())
            loss, ran = loss_and_functions_called(program)
        assert isinstance(loss, Tensor)
        np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-9, atol=1e-9)
        if name in compositions:
            assert compositions[name].__code__ in ran
        elif any(OPS[name].rules.values()):
            assert name in {node.op.name for node in tg.autograd.ancestors(loss)}
        else:  # a constant leaves no node
            assert any(re.search(rf"\b{name}\(", code) for _, code in program.lines)

    check()
    assert written[True] >= written[False], "most of what the recipes write should be worth keeping"
    assert written[True] >= 10
