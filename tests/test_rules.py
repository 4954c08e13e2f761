"""The page of rules says what the ops do, because it is read from them."""

import numpy as np
import pytest

from tinygrad_edu import Op, custom_op, errors, ops, rules
from tinygrad_edu.__main__ import main
from tinygrad_edu.ops.composed import compositions


def test_the_page_has_every_op_and_every_composition(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules"]) == 0
    said = capsys.readouterr().out
    for name in ops.__all__:
        assert f"`{name}(" in said, name
    for found in rules.table().values():
        for op in found:
            assert f"`{op.name}(" in said


def test_every_row_has_a_formula_for_every_rule() -> None:
    for found in rules.table().values():
        for op in found:
            for operand, rule in op.rules.items():
                text = rules.rule_text(op, operand) if rule is not None else "none"
                assert text, f"{op} by {operand}"
                assert text != "by the rule of the op", f"{op} by {operand}"
            assert op.elementwise or op.function.__doc__, op


def test_rows_say_name_formula_memory_and_convention() -> None:
    assert rules.describe(ops.multiply)[2:] == ("x: `g * y`; y: `g * x`", "x, y", "")
    assert rules.describe(ops.reciprocal)[2:4] == ("x: `-g * out * out`", "out")
    assert rules.describe(ops.add)[3] == "nothing"
    assert rules.describe(ops.equal)[2] == "nothing: its result is a constant"
    assert rules.describe(ops.logaddexp)[2] == "x: `g * np.exp((x - out))`; y: `g * np.exp((y - out))`"


def test_some_ops_only() -> None:
    said = rules.page(["silu", "matmul"])
    assert "`matmul(" in said
    assert "`silu(" in said
    assert "`exp(" not in said


def test_an_unknown_name_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "matmull"]) == 2
    assert "do you mean matmul?" in capsys.readouterr().err
    with pytest.raises(errors.UnsupportedError):
        rules.page(["nonsense"])


def test_compositions_are_documented_with_an_example() -> None:
    for name, function in compositions.items():
        assert ">>>" in (function.__doc__ or ""), name


def test_a_custom_op_reads_like_a_built_in_one() -> None:
    @custom_op(x=lambda g, x, limit: g * np.clip(x, -limit, limit))
    def huber(x: object, limit: float = 1.0) -> object:
        """x**2 / 2 up to the limit, and straight on from there."""
        inside = np.clip(x, -limit, limit)
        return inside * (x - inside / 2)

    assert isinstance(huber, Op)
    called, value, *_ = rules.describe(huber)
    assert (called, value) == ("`huber(x, limit=1.0)`", "x**2 / 2 up to the limit, and straight on from there")
