"""How recipes are declared: as templates with words to fill in, or as functions of a `Maker`.

A template is a call as one writes it, in which words of capital letters are drawn:

    calls("cumsum", "np.cumsum(X)", "np.cumsum(A, axis=AXIS)", "A.cumsum(AXIS)")

An operand (`OPERANDS`) is drawn once, so `X * X` is a square; an option (`OPTIONS`) at each place, and fits the first
operand. A prefix wraps an operand so that it stays in a domain: `POSITIVE_X` (`WRAPS`). NAME is the op. After "; "
come lines of their own, in which @ is the result so far.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from tinygrad_edu.testing.maker import Maker

__all__ = ["RECIPES", "calls", "filled", "into", "recipe", "wrapped"]

Recipe = Callable[[Maker], Any]  # returns code, or code and lines after it

RECIPES: dict[str, list[Recipe]] = {}
"""For each op the ways to call it."""

POSITIVE = (
    "({0} * {0} + 0.3)",
    "(np.abs({0}) + 0.5)",
    "(tg.softplus({0}) + 0.2)",
    "(2.5 + np.sin({0}))",
    "np.cosh({0})",
)
WRAPS: dict[str, tuple[str, ...]] = {
    "POSITIVE": POSITIVE,
    "NONZERO": (*POSITIVE, "(np.copysign(0.5, {0}) + {0})", "(-0.4 - np.exp(-np.abs({0})))"),
    "INSIDE": ("(0.9 * np.tanh({0}))", "(0.95 * np.sin({0}))", "({0} / (np.abs({0}) + 1.2))"),
    "SHARE": ("(0.9 * tg.sigmoid({0}) + 0.05)", "(0.5 + 0.4 * np.cos({0}))"),  # between 0 and 1
    "REGULAR": (
        "(np.tanh({0}) + {n} * np.eye({n}) + np.diag(np.arange({n}) + 1.0))",
        "(0.5 * np.sin({0}) - np.diag(np.arange({n}) * 2.0 + 2.0))",
    ),
    "SYMMETRIC": (  # with eigenvalues far from each other and from 0
        "(0.2 * (np.tanh({0}) + np.matrix_transpose(np.tanh({0}))) + np.diag(np.arange({n}) * 3.0 + 2.0))",
        "(0.1 * (np.sin({0}) + np.swapaxes(np.sin({0}), -1, -2)) - np.diag(np.arange({n}) * 2.0 + 2.0))",
    ),
    "DEFINITE": (
        "(np.tanh({0}) @ np.matrix_transpose(np.tanh({0})) + np.eye({n}))",
        "(0.2 * (np.sin({0}) + np.matrix_transpose(np.sin({0}))) + np.diag(np.arange({n}) + 2.0))",
    ),
    "UNEQUAL": (  # with singular values far from each other and from 0
        "(0.2 * np.tanh({0}) + np.eye({m}, {n}) * (np.arange({n}) * 2.0 + 2.0))",
        "(0.1 * np.sin({0}) - np.eye({m}, {n})[::-1] * (np.arange({n}) * 1.5 + 1.0))",
    ),
}
WORD = re.compile(r"(?<![.'])\b[A-Z][A-Z_]*\b")


def _same(m: Maker, first: str) -> str:
    return m.of(m.shape(first))


OPERANDS: dict[str, Callable[[Maker, Any], str]] = {  # given the operand that came first
    "X": lambda m, _: m.any(empty=True),  # the others are of one number or more
    "A": lambda m, _: m.any(1),
    "V": lambda m, _: m.any(1, 1),
    "W": lambda m, _: m.any(1, 1),
    "M": lambda m, _: m.any(2, 2),
    "B": lambda m, _: m.any(2),
    "D": lambda m, _: m.any(3),
    "S": lambda m, _: m.square(),
    "Q": lambda m, _: m.square(2, 2),
    "U": lambda m, _: m.of(()),
    "Y": lambda m, first: m.like(first),
    "Z": _same,
    "ZZ": _same,
    "ROW": lambda m, first: m.of(m.shape(first)[-1:]),
    "COLUMN": lambda m, first: m.of(m.shape(first)[:1]),
}


def _mask(m: Maker, first: str) -> str:
    """Of the shape of the operand, or one that is stretched to it."""
    shape = m.shape(first)
    return m.mask(m.one_of(shape, shape, shape[-1:], tuple(1 if i else n for i, n in enumerate(shape))))


OPTIONS: dict[str, Callable[[Maker, str], Any]] = {
    "AXIS": lambda m, first: m.axis(first),
    "AXES": lambda m, first: m.axes(first),
    "PERMUTED": lambda m, first: m.permuted(m.ndim(first)),
    "FLAG": lambda m, _: m.flag(),
    "NUM": lambda m, _: m.number(),
    "STEP": lambda m, _: m.number(0.2, 2.0),
    "WHOLE": lambda m, _: m.whole(-3, 3),
    "COUNT": lambda m, _: m.whole(1, 3),
    "FULLMASK": lambda m, first: m.mask(m.shape(first)),
    "MASK": _mask,
    "KEY": lambda m, first: m.key(first),
    "ORDER": lambda m, _: repr(m.one_of("C", "F")),
    "MODE": lambda m, _: repr(m.one_of("wrap", "clip")),
    "INDEXING": lambda m, _: repr(m.one_of("ij", "xy")),
    "NEAR": lambda m, _: m.whole(-1, 1),
    "SHRUNK": lambda m, first: m.shrunk(m.shape(first)),
    "RESHAPED": lambda m, first: m.reshaped(m.shape(first)),
}


def recipe(*names: str) -> Callable[[Recipe], Recipe]:
    """Declare how these ops may be called, by a function."""

    def declare(function: Recipe) -> Recipe:
        for name in names:
            RECIPES.setdefault(name, []).append(function)
        return function

    return declare


def calls(names: str, *templates: str) -> None:
    """Declare how these ops may be called, by templates."""
    for name in names.split():
        for template in templates:
            recipe(name)(partial(_called, template.replace("NAME", name)))


def _called(template: str, m: Maker) -> Any:
    first, *then = filled(m, template).split("; ")
    return (first, then) if then else first


def into(names: str, *templates: str) -> None:
    """Declare calls whose result is written to `out=@`, a copy of an array of the result's shape.

    OUTMASK is a mask of that shape.
    """
    for name in names.split():
        for template in templates:
            recipe(name)(partial(_written, template.replace("NAME", name)))


def _written(template: str, m: Maker) -> tuple[str, list[str]]:
    code = filled(m, template)
    shape = m.shape_of(re.sub(", (out|where)=(@|OUTMASK)", "", code))
    return f"np.copy({m.of(shape)})", ["NEW = " + re.sub("OUTMASK", lambda _: m.mask(shape), code)]


def wrapped(m: Maker, wrap: str, name: str) -> str:
    """The code of an operand that stays in a domain; NAN puts some where a mask holds."""
    if wrap == "NAN":
        return f"np.where({m.mask(m.shape(name))}, {name}, np.nan)"
    rows, columns = (1, 1, *m.shape(name))[-2:]
    return str(m.one_of(*WRAPS[wrap])).format(name, m=rows, n=columns)


def filled(m: Maker, template: str) -> str:
    """The template with its words drawn, the operands first."""
    operands: dict[str, str] = {}
    for word in WORD.findall(template):
        name = word.rpartition("_")[2]
        if name in OPERANDS and name not in operands:
            operands[name] = OPERANDS[name](m, next(iter(operands.values()), ""))

    def drawn(match: re.Match[str]) -> str:
        wrap, _, name = match[0].rpartition("_")
        if name in operands:
            return wrapped(m, wrap, operands[name]) if wrap else operands[name]
        return str(OPTIONS[name](m, next(iter(operands.values()), ""))) if name in OPTIONS else name

    return WORD.sub(drawn, template)
