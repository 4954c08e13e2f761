"""A learner's formula as a random program: `sigmoid(w @ x + b)` at random values of its names."""

import ast
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from tinygrad_edu.errors import ExpressionError
from tinygrad_edu.expression import FUNCTIONS, evaluate
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.testing.maker import Maker
from tinygrad_edu.testing.program import Program
from tinygrad_edu.testing.strategies import arrays, shapes, stretched_to

__all__ = ["formula"]

Shape = tuple[int, ...]


def formula(text: str) -> st.SearchStrategy[Program]:
    """Programs that compute `text`, of the functions in `expression.FUNCTIONS` only, for random values of its names.

    Raises `ExpressionError` for what is no formula, has no gradient, or fits together with no shapes of its names.
    """
    names = _names(text)
    fitting = [shaped for shaped in SHAPINGS if _fits(text, {n: np.full(shaped, 0.5) for n in names})]
    if not fitting:  # say what is wrong with it for numbers
        evaluate(text, {n: Tensor(0.5, requires_grad=True) for n in names})
    return _programs(text, names, fitting)


SHAPINGS: list[Shape] = [(), (2,), (2, 2)]  # of all names alike: with these shapes a formula is tried


def _names(text: str) -> list[str]:
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        evaluate(text, {})  # says where and why
        raise ExpressionError(f"{text!r} is no formula") from None
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - called
    if not found:
        raise ExpressionError(
            f"{text!r} has no names: there is nothing to differentiate by; write a formula of a, b, ..."
        )
    return sorted(found)


def _fits(text: str, values: dict[str, Any]) -> bool:
    """Whether the formula can be computed; then it holds nothing but what `evaluate` allows, and may be executed."""
    try:
        result = evaluate(text, {name: Tensor(value, requires_grad=True) for name, value in values.items()})
    except ExpressionError:
        return False
    if result.dtype.kind != "f":
        said = "conditions" if result.dtype == bool else "whole numbers"
        raise ExpressionError(
            f"{text!r} has no gradient: its results are {said}, and only numbers with a point have one"
        )
    return True


@st.composite
def _programs(draw: Any, text: str, names: list[str], fitting: list[Shape]) -> Program:
    space: dict[str, Callable[..., Any]] = {name: function for name, (function, _) in FUNCTIONS.items()}
    maker = Maker(draw, {"np": np, **space})
    shaped = draw(st.sampled_from(fitting))
    full = shaped if len(shaped) > 1 else draw(shapes(len(shaped), 3 if () in fitting else 1))
    for name in names:
        shape = draw(stretched_to(full)) if () in fitting else full
        maker.inputs[name] = maker.values[name] = draw(arrays(shape))
    assume(maker.add(text.strip()))
    return Program(maker.inputs, maker.lines, maker.space, text)
