"""A rule that is one expression, written into a line of a program with the names that the line has for its parameters.

`lambda g, y: g * y` becomes `g_d * b`. What is written there is what runs, so nothing is guessed: the text of a lambda
counts only if it compiles to the very instructions that the rule has.
"""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable, Sequence
from functools import cache
from types import CodeType
from typing import Any

OPERATORS: dict[Any, str] = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.pow: "**",
    operator.matmul: "@",
}


@cache
def expression(rule: Callable[..., Any]) -> tuple[tuple[str, ...], ast.expr] | None:
    """The parameters of a lambda and the expression that it is; None where its source says nothing for certain.

    >>> from tinygrad_edu import ops
    >>> names, text = expression(ops.multiply.rules["x"])
    >>> names, ast.unparse(text)
    (('g', 'y'), 'g * y')
    """
    code = getattr(rule, "__code__", None)
    if code is None or code.co_name != "<lambda>" or code.co_freevars or getattr(rule, "__defaults__", None):
        return None
    names = code.co_varnames[: code.co_argcount]
    for body, made in _lambdas(code.co_filename).get(code.co_firstlineno, ()):
        if _same(made, code):
            nested = any(isinstance(node, ast.Lambda | ast.comprehension | ast.NamedExpr) for node in ast.walk(body))
            return None if nested else (names, body)
    return None


def inlined(rule: Callable[..., Any], given: Sequence[str], function: Callable[[Any, str], str]) -> str | None:
    """The expression with what is given for its parameters, as text; None where it has to be called.

    `function` names what the expression calls.
    """
    known = expression(rule)
    if known is None:
        return None
    names, body = known
    places = dict(zip(names, given, strict=True))
    uses = [node.id for node in ast.walk(body) if isinstance(node, ast.Name)]
    if any(uses.count(name) > 1 and not _is_short(text) for name, text in places.items()):
        return None
    for name in {*uses} - {*names, "np"}:
        value = rule.__globals__.get(name, getattr(builtins, name, None))
        if not callable(value):
            return None
        places[name] = name if getattr(builtins, name, None) is value else function(value, name)
    text = ast.unparse(_Renamed().visit(ast.parse(ast.unparse(body), mode="eval")))
    for name, value in places.items():
        text = text.replace(f"«{name}»", value if _is_short(value) else f"({value})")
    return text


class _Renamed(ast.NodeTransformer):
    """Names marked, so that they can be replaced in the text."""

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return node if node.id == "np" else ast.Name(f"«{node.id}»", node.ctx)


def _is_short(text: str) -> bool:
    """Whether a text is one name or one number, which no operator beside it can tear apart."""
    return text.strip("§").isdigit() or text.isidentifier()


@cache
def _lambdas(filename: str) -> dict[int, list[tuple[ast.expr, CodeType]]]:
    """The lambdas of a file by the line where they begin: expression and compiled code."""
    try:
        with open(filename, encoding="utf-8") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return {}
    found: dict[int, list[tuple[ast.expr, CodeType]]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            code = compile(ast.Expression(node), filename, "eval").co_consts[0]
            found.setdefault(node.lineno, []).append((node.body, code))
    return found


def _same(made: CodeType, code: CodeType) -> bool:
    return (made.co_code, made.co_names, made.co_consts) == (code.co_code, code.co_names, code.co_consts) and list(
        made.co_positions()
    ) == list(code.co_positions())
