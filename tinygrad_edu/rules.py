"""The table of derivatives as a page to read: `python -m tinygrad_edu rules`.

Nothing here is written by hand: names, formulas, what the graph keeps and the conventions at kinks are read from the
ops themselves, so the page cannot say anything else than what the engine does.
"""

import ast
import inspect
import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.errors import UnsupportedError, parameters
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import compositions

__all__ = ["describe", "page", "rule_text", "table"]


def table() -> dict[str, list[Op]]:
    """Every op with a rule or without, by the file of `ops` that it stands in.

    >>> [op.name for op in table()["elementwise"]][:3]
    ['add', 'subtract', 'multiply']
    """
    modules = {name: module for name, module in sorted(vars(ops).items()) if isinstance(module, ModuleType)}
    return {
        name: [op for op in vars(module).values() if isinstance(op, Op) and _stands_in(op, module)]
        for name, module in modules.items()
        if hasattr(module, "__all__")
    }


def _stands_in(op: Op, module: ModuleType) -> bool:
    home = getattr(op.function, "__module__", None)
    return home == module.__name__ or (isinstance(op.function, np.ufunc) and op.name in module.__all__)


def page(names: Sequence[str] = ()) -> str:
    """The page in Markdown: all ops, or those named. Raises `UnsupportedError` for a name that is not in the table.

    >>> print(page(["exp"]).splitlines()[-1])
    | `exp(x)` | Calculate the exponential of all elements in the input array | x: `g * out` | out |  |
    """
    known = {op.name: op for found in table().values() for op in found}
    names = [name.rpartition(".")[2] for name in names]  # np.sort is sort
    for name in names:
        if name not in known and name not in compositions:
            nearest = get_close_matches(name, [*known, *compositions], 1)
            raise UnsupportedError(f"no op is called {name!r}" + (f": do you mean {nearest[0]}?" if nearest else ""))
    chosen = names or [*known, *compositions]
    lines = [INTRODUCTION] if not names else []
    for file, found in table().items():
        rows = [describe(op) for op in found if op.name in chosen]
        made = [
            function
            for name, function in compositions.items()
            if name in chosen and function.__module__ == f"tinygrad_edu.ops.{file}"
        ]
        if rows or made:
            lines += ["", f"## {file}"]
        if rows:
            lines += ["", "| op | value | handed to each operand | the graph keeps | at kinks |", "| --- " * 5 + "|"]
            lines += ["| " + " | ".join(part.replace("|", "\\|") for part in row) + " |" for row in rows]
        if made:
            lines += ["", "| made of other ops | value |", "| --- | --- |"]
            pairs = [(f"`{_called(function)}`", _value(function)) for function in dict.fromkeys(made)]
            lines += ["| " + " | ".join(part.replace("|", "\\|") for part in pair) + " |" for pair in pairs]
    return "\n".join(lines).strip()


INTRODUCTION = """\
# The table of derivatives

An op hands to each of its operands its derivative times `g`, the gradient that arrives at its result `out`. What a rule
names, and nothing else, is what the graph keeps for it; shapes and settings such as `axis` cost nothing to keep, and a
`where`, `key` or `order` is what was given.
Gradients are summed over the axes that broadcasting stretched. Every rule is itself made of ops, so all of this holds
for derivatives of any order, and forward mode uses the same rules."""


STATIC_ARRAYS = ("condition", "indices", "key", "order", "where")
"""Settings that may be arrays as large as an operand; the graph holds what it was given."""


def describe(op: Op) -> tuple[str, str, str, str, str]:
    """One row: how it is called, its value, what each operand is handed, what the graph keeps, the kink convention."""
    differentiable = [name for name, rule in op.rules.items() if rule is not None]
    handed = "; ".join(f"{name}: {_quoted(op, name)}" for name in differentiable)
    arrays = {*op.operands, "out", *op.beside, *STATIC_ARRAYS}
    kept = [n for n in op.plan((True,) * len(op.operands)).names if n in arrays]
    return (
        f"`{op.name}({', '.join(parameters(op.signature))})`",
        _value(op.function),
        handed or "nothing: its result is a constant",
        ", ".join(kept) or "nothing",
        op.kink,
    )


def _quoted(op: Op, operand: str) -> str:
    """Code as code, words as words."""
    text = rule_text(op, operand)
    return text if inspect.getdoc(op.rules[operand]) else f"`{text}`"


def _called(function: Any) -> str:
    return f"{function.__name__}({', '.join(parameters(inspect.signature(function)))})"


def _value(function: Any) -> str:
    """The first sentence of a docstring; that of a ufunc stands under its signature."""
    said = inspect.getdoc(function) or ""
    if isinstance(function, np.ufunc):
        said = said.partition("\n\n")[2]
    return " ".join(said.partition("\n\n")[0].split()).rstrip(".")


@cache
def rule_text(op: Op, operand: str) -> str:
    """What a rule hands on: the expression of a lambda, or the first clause of a named function's docstring.

    >>> rule_text(ops.reciprocal, "x")
    '-g * out * out'
    """
    rule = op.rules[operand]
    if not isinstance(rule, FunctionType):
        return "by the rule of the op"
    documented = inspect.getdoc(rule)
    if documented:
        return _clause(documented)
    found = _lambda(rule)
    return "by the rule of the op" if found is None else _spelled(found.body, rule.__globals__)


def _clause(docstring: str) -> str:
    paragraph = " ".join(docstring.partition("\n\n")[0].split())
    return re.split(r"[;:](?:\s|$)", paragraph)[0].rstrip(".")


def _lambda(rule: FunctionType) -> ast.Lambda | None:
    """The source of a lambda, where it can be told from its neighbours."""
    code = rule.__code__
    try:
        lines, _ = inspect.findsource(code)
        tree = ast.parse("".join(lines))
    except (OSError, SyntaxError):  # typed at a prompt
        return None
    arguments = list(code.co_varnames[: code.co_argcount])
    spots = {(position[0], position[2]) for position in code.co_positions() if position[0] and position[2] is not None}
    lambdas = [
        found
        for found in ast.walk(tree)
        if isinstance(found, ast.Lambda)
        and found.lineno == code.co_firstlineno
        and [argument.arg for argument in found.args.args] == arguments
        and any((node.lineno, node.col_offset) in spots for node in ast.walk(found.body) if isinstance(node, ast.expr))
    ]
    return lambdas[0] if len(lambdas) == 1 else None


def _spelled(body: ast.expr, names: dict[str, Any]) -> str:
    """The expression, with what a helper of the table computes in the words of its docstring."""

    class Helpers(ast.NodeTransformer):
        def visit_Call(self, call: ast.Call) -> ast.AST:
            self.generic_visit(call)
            helper = names.get(call.func.id) if isinstance(call.func, ast.Name) else None
            if not isinstance(helper, FunctionType) or not helper.__name__.startswith("_") or not helper.__doc__:
                return call
            said = dict(zip(inspect.signature(helper).parameters, map(ast.unparse, call.args), strict=False))
            words = re.sub(r"\b(\w+)\b", lambda match: said.get(match[1], match[1]), _clause(helper.__doc__))
            return ast.Name(words if call is body else f"({words})")

    return ast.unparse(ast.fix_missing_locations(Helpers().visit(body)))
