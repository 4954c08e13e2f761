"""Mathematics as plain records, which `latex.py` and `mathml.py` write down each in its own way."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from viz.numbers import MOST, short

FUNCTIONS = {"absolute": "abs", "log": "ln", "conjugate": "conj"}
"""Functions that mathematics calls by another name than NumPy."""


@dataclass(frozen=True, slots=True)
class Name:
    """A variable: `w`, or with an index, `w_1`."""

    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number as the tables write it."""

    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """What no formula says."""

    text: str


@dataclass(frozen=True, slots=True)
class Function:
    """The name of a function, before its argument in parentheses."""

    text: str


@dataclass(frozen=True, slots=True)
class Sign:
    """One of the signs + - · ⊙ ⊗ = ∂ π T ( ) and …"""

    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One thing after the other."""

    parts: tuple[Math, ...]


@dataclass(frozen=True, slots=True)
class Fraction:
    """Something over something."""

    top: Math
    bottom: Math


@dataclass(frozen=True, slots=True)
class Power:
    """Something with another above and behind it."""

    base: Math
    exponent: Math


@dataclass(frozen=True, slots=True)
class Operand:
    """A variable that an op takes several times, and which time this is."""

    name: Name
    place: int


@dataclass(frozen=True, slots=True)
class Root:
    """A square root."""

    of: Math


@dataclass(frozen=True, slots=True)
class Total:
    """The sum over axes of an array."""

    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Numbers in rows and columns."""

    rows: tuple[tuple[str, ...], ...]


Math: TypeAlias = Name | Number | Words | Function | Sign | Row | Fraction | Power | Operand | Root | Total | Matrix


def derivative(of: Math, by: Math) -> Fraction:
    """The partial derivative of one variable by another."""
    return Fraction(Row((Sign("∂"), of)), Row((Sign("∂"), by)))


def symbol(name: str) -> Math:
    """What a vertex is called, as mathematics: a variable, or the number that a constant is.

    >>> symbol("w1"), symbol("-2"), symbol("[1, 2]")
    (Name(text='w1'), Number(text='-2'), Words(text='[1, 2]'))
    """
    if re.fullmatch(r"-?(\d.*|inf|nan)", name):
        return Number(name)
    return Words(name) if name.startswith("[") else Name(name)


def numbers(value: Any) -> Math:
    """A value in numbers: one, a row, a matrix; of a long one, its shape.

    >>> numbers(np.array([[1, 2], [3, 4]])), numbers(np.zeros((5, 7)))
    (Matrix(rows=(('1', '2'), ('3', '4'))), Words(text='an array of shape (5, 7)'))
    """
    array = np.asarray(value)
    if array.ndim == 0:
        return Number(short(array[()]))
    if array.ndim > 2 or not 0 < array.size <= MOST:
        return Words(f"an array of shape {array.shape}")
    return Matrix(tuple(tuple(short(number) for number in row) for row in np.atleast_2d(array)))


def grouped(term: Math) -> Math:
    """The term with parentheses where a sign before it could be misread: `(-3)`, `(1 - x)`."""
    return Row((Sign("("), term, Sign(")"))) if _strength(term) < PRODUCT else term


SUM, PRODUCT, POWER, ATOM = range(4)


def _strength(term: Math) -> int:
    """How tightly the term holds together."""
    if isinstance(term, Number):
        return SUM if term.text.startswith("-") else ATOM
    if isinstance(term, Words):
        return ATOM if " " not in term.text or term.text.startswith("[") else SUM
    if isinstance(term, Power | Fraction):
        return POWER
    if not isinstance(term, Row):
        return ATOM
    signs = {part.text for part in term.parts if isinstance(part, Sign)}
    if isinstance(term.parts[0], Total) or signs & {"+", "-"}:
        return ATOM if term.parts[-1] == Sign(")") and isinstance(term.parts[0], Sign | Function) else SUM
    return PRODUCT if signs & {"·", "⊙", "⊗"} or not signs else ATOM


def product(left: Math, right: Math, sign: str = "·") -> Row:
    """Two factors, with parentheses where they need them."""
    return Row((*_factors(left, sign), Sign(sign), *_factors(right, sign)))


def _factors(term: Math, sign: str) -> tuple[Math, ...]:
    """The term, or where it is a product of the same kind itself, its factors."""
    if isinstance(term, Row) and _strength(term) == PRODUCT:
        return term.parts if Sign(sign) in term.parts else (Sign("("), term, Sign(")"))
    return (grouped(term),)


def negative(term: Math) -> Math:
    """The term with a minus sign before it."""
    if isinstance(term, Number):
        return Number(term.text.removeprefix("-") if term.text.startswith("-") else f"-{term.text}")
    return Row((Sign("-"), grouped(term)))


def parsed(source: str, meanings: Mapping[str, Math], times: str = "·") -> Math | None:
    """The formula that a Python expression writes, with `meanings` for its names; None for what is no formula.

    `times` is the sign of a product: ⊙ for one number by one of two arrays.

    >>> parsed("g * y", {"g": Number("1"), "y": Name("b")})
    Row(parts=(Number(text='1'), Sign(text='·'), Name(text='b')))
    >>> parsed("masked(g, out > 0)", {}) is None
    True
    """
    try:
        return _Reader(meanings, times).read(ast.parse(source, mode="eval").body)
    except (SyntaxError, _NoFormulaError):
        return None


class _NoFormulaError(Exception):
    """An expression that is a program rather than a formula."""


@dataclass(frozen=True, slots=True)
class _Reader:
    meanings: Mapping[str, Math]
    times: str

    def read(self, tree: ast.expr) -> Math:
        match tree:
            case ast.Constant(value=int() | float() as value):
                return Number(short(value))
            case ast.Name(id=name) if name in self.meanings:
                return self.meanings[name]
            case ast.Attribute(value=ast.Name(id="math" | "np"), attr="pi"):
                return Sign("π")
            case ast.Attribute(value=value, attr="T"):
                return Power(self._atom(value), Sign("T"))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return negative(self.read(operand))
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return Row((self.read(left), Sign("+"), self._term(right)))
            case ast.BinOp(left=left, op=ast.Sub(), right=right):
                return Row((self.read(left), Sign("-"), self._term(right)))
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                first, second = self.read(left), self.read(right)
                plain = isinstance(first, Number) or isinstance(second, Number)
                return product(first, second, "·" if plain else self.times)
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                return product(self.read(left), self.read(right))  # of matrices; ⊙ is that of their numbers
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                above, below = self.read(left), self.read(right)
                if isinstance(above, Fraction):  # one fraction in another is too small to be read
                    return product(above, Fraction(Number("1"), below), self.times)
                return Fraction(above, below)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return Power(self._atom(left), self.read(right))
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments, keywords=[]):
                return self._call(name, [self.read(argument) for argument in arguments])
        raise _NoFormulaError

    def _term(self, tree: ast.expr) -> Math:
        """What stands behind a plus or minus sign."""
        return grouped(self.read(tree))

    def _atom(self, tree: ast.expr) -> Math:
        term = self.read(tree)
        return term if _strength(term) == ATOM else Row((Sign("("), term, Sign(")")))

    def _call(self, name: str, arguments: list[Math]) -> Math:
        if name == "outer" and len(arguments) == 2:
            return product(arguments[0], arguments[1], "⊗")
        if name == "sqrt" and len(arguments) == 1:
            return Root(arguments[0])
        if name not in CALLED or len(arguments) != 1:
            raise _NoFormulaError
        return Row((Function(FUNCTIONS.get(name, name)), Sign("("), arguments[0], Sign(")")))


CALLED = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "sign", "sigmoid"}
"""Functions that a formula may name."""
