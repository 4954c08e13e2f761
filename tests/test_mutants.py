"""The tests are tested: flip a sign, drop a factor in a rule of the table, and some case must go red."""

import ast
import copy
import inspect
import itertools
import textwrap
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases import CASES, Case
from tests.derivatives import central_differences
from tests.test_ops import gradients, loss, tensors
from tinygrad_edu import Op
from tinygrad_edu.plan import Plan
from tinygrad_edu.rules import _lambda

Rule = tuple[Op, str]


def cases_by_rule() -> dict[Rule, list[Case]]:
    """For every rule the cases that use it in a first derivative."""
    found: dict[Rule, list[Case]] = {}
    for case in CASES:
        if not all(array.size for array in case.arrays):
            continue
        total = loss(case, *tensors(case))
        rules = {(n.op, n.op.operand(i)) for n in tg.autograd.ancestors(total) for i, _ in n.plan.pulls}
        for rule in rules:
            found.setdefault(rule, []).append(case)
    found = {rule: cases for rule, cases in found.items() if not rule[0].variadic}  # their plans differ by the call
    return {(op, operand): sorted(c, key=lambda case: case.op != op.name)[:60] for (op, operand), c in found.items()}


def tree_of(rule: Any) -> ast.Lambda | ast.FunctionDef | None:
    """The source of a rule as a tree; None where it is no function of its own, or closes over others."""
    if not isinstance(rule, FunctionType) or rule.__closure__:
        return None
    if rule.__name__ == "<lambda>":
        return _lambda(rule)
    definition = ast.parse(textwrap.dedent(inspect.getsource(rule))).body[0]
    return definition if isinstance(definition, ast.FunctionDef) else None


class Mutation(ast.NodeTransformer):
    """Change operator number `place`, in one of two ways."""

    def __init__(self, place: int, way: int) -> None:
        self.place, self.way, self.seen, self.said = place, way, 0, ""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Mult | ast.Div | ast.Add | ast.Sub):
            return node
        self.seen += 1
        if self.seen - 1 != self.place:
            return node
        if isinstance(node.op, ast.Add | ast.Sub):
            other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
            new: ast.expr = ast.BinOp(node.left, other, node.right) if self.way == 0 else node.left
        else:
            new = node.left if self.way == 0 or isinstance(node.op, ast.Div) else node.right
        self.said = f"{ast.unparse(new)} for {ast.unparse(node)}"
        return new

    def visit_Return(self, node: ast.Return) -> ast.AST:
        if node.value is not None and self.place < 0:
            self.said = f"-({ast.unparse(node.value)})"
            return ast.Return(ast.UnaryOp(ast.USub(), node.value))
        self.generic_visit(node)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        if self.place < 0:
            self.said = f"-({ast.unparse(node.body)})"
            return ast.Lambda(node.args, ast.UnaryOp(ast.USub(), node.body))
        self.generic_visit(node)
        return node


def mutants(rule: Any) -> Iterator[tuple[str, Any]]:
    """What was changed, and the changed rule."""
    tree = tree_of(rule)
    if tree is None:
        return
    operators = sum(
        isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult | ast.Div | ast.Add | ast.Sub) for n in ast.walk(tree)
    )
    for place, way in [(-1, 0), *itertools.product(range(operators), (0, 1))]:
        mutation = Mutation(place, way)
        changed = ast.fix_missing_locations(mutation.visit(copy.deepcopy(tree)))
        space: dict[str, Any] = dict(rule.__globals__)
        if isinstance(changed, ast.Lambda):
            exec(compile(ast.fix_missing_locations(ast.Expression(changed)), "<mutant>", "eval"), space)
            made = eval(compile(ast.Expression(changed), "<mutant>", "eval"), space)
        else:
            exec(compile(ast.Module([changed], []), "<mutant>", "exec"), space)
            made = space[changed.name]
        yield mutation.said, made


RULES = cases_by_rule()
NAMES = {
    f"{op.name}-{operand}-{i}": (op, operand)
    for i, (op, operand) in enumerate(sorted(RULES, key=lambda r: (r[0].name, r[1])))
}
"""By name, and by number, because two ops may have one name."""


def caught(op: Op, operand: str, rule: Any, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a case goes red with another rule in its place."""
    every = [needs for needs in itertools.product((True, False), repeat=len(op.operands)) if any(needs)]
    plans = {needs: op.plan(needs) for needs in every}  # made before, and not of the changed rule for good
    with monkeypatch.context() as patch:
        patch.setitem(op.rules, operand, rule)
        for needs, plan in plans.items():
            patch.setattr(plan, "pulls", Plan(op, needs).pulls)
        return any(not agrees(case) for case in RULES[op, operand])


def agrees(case: Case) -> bool:
    try:
        _, found = gradients(case, *case.arrays)
    except Exception:
        return False
    for index, g in enumerate(found):
        expected = central_differences(lambda *a: loss(case, *a), case.arrays, index)
        if g is None or not np.allclose(g.numpy(), expected, rtol=1e-7, atol=1e-8):
            return False
    return True


EQUIVALENT = (
    "-(np.where(False, g, 0)",  # no gradient is none with a minus, too
    "len(value_shape)",  # axes of length 1 in front, one too many, are summed away by the engine
    "np.finfo(out.dtype).eps",  # how much rounding may leave of 0: the order of magnitude counts
    "4 * np.finfo(out.dtype).eps",
    "level for",
    "_gaps(",  # the ones on the diagonal are there to divide by, and what is divided there is 0
)
"""How mutants begin that compute the same."""


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", NAMES)
def test_a_changed_rule_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    op, operand = NAMES[name]
    survivors = [said for said, rule in mutants(op.rules[operand]) if not caught(op, operand, rule, monkeypatch)]
    assert [said for said in survivors if not said.startswith(EQUIVALENT)] == []
