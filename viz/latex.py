r"""Formulas as LaTeX, for notes and slides: `\frac{\partial q}{\partial a} = 1 \cdot b = -3`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from viz.formulas import (
    Fraction,
    Function,
    Math,
    Matrix,
    Name,
    Number,
    Operand,
    Power,
    Root,
    Row,
    Sign,
    Total,
    Words,
)
from viz.labels import printable

if TYPE_CHECKING:
    from viz.chain import Equation

SIGNS = {
    "·": r"\cdot",
    "⊙": r"\odot",
    "⊗": r"\otimes",
    "∂": r"\partial",
    "π": r"\pi",
    "T": r"\top",
    "…": r"\cdots",
}
SMALL = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau"
SMALL += " upsilon phi chi psi omega"
CAPITAL = "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
"""Greek letters for which LaTeX has a command."""
KNOWN = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "ln"}
"""Functions for which LaTeX has a command."""
SPECIAL = {c: f"\\{c}" for c in "#$%&_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\char34{}",  # in every font encoding, and no shorthand of a language
    "ᑫ": "$^{q}$",
    "∘": r"$\circ$",
    "·": r"$\cdot$",
    "→": r"$\to$",
}


def escaped(text: str) -> str:
    r"""Text of any origin as text: no character of it is a command.

    >>> print(escaped(r"50% of \x_1"))
    50\% of \textbackslash{}x\_1
    """
    return "".join(SPECIAL.get(c) or _typeset(c) for c in printable(text))


def greek(character: str) -> str:
    r"""The command for a Greek letter; "" for any other character.

    >>> greek("λ"), greek("Σ"), greek("a")
    ('\\lambda', '\\Sigma', '')
    """
    found = re.fullmatch("GREEK (SMALL|CAPITAL) LETTER ([A-Z]+)", unicodedata.name(character, ""))
    if not found:
        return ""
    letter = {"LAMDA": "lambda"}.get(found[2], found[2].lower())
    letter, known = (letter, SMALL) if found[1] == "SMALL" else (letter.capitalize(), CAPITAL)
    return f"\\{letter}" if letter in known.split() else ""


def _typeset(character: str) -> str:
    """Letters that fonts of TeX do not have: the raised and lowered as exponent and index; any other as it is."""
    if command := greek(character):
        return f"${command}$"
    match unicodedata.decomposition(character).split():
        case ["<super>" | "<sub>" as place, code]:
            letter = unicodedata.normalize("NFKC", chr(int(code, 16))).replace("\N{MINUS SIGN}", "-")
            return f"${'^' if place == '<super>' else '_'}{{{letter}}}$"
    return character


def latex(formula: Math) -> str:
    r"""The formula as LaTeX, for math mode with the package amsmath.

    >>> print(latex(Fraction(Name("a"), Row((Number("1"), Sign("+"), Name("w12"))))))
    \frac{a}{1 + w_{12}}
    """
    match formula:
        case Name(text):
            return _name(text)
        case Number(text):
            return _number(text)
        case Words(text):
            return rf"\text{{{escaped(text)}}}"
        case Function(text):
            return f"\\{text}" if text in KNOWN else rf"\operatorname{{{escaped(text)}}}"
        case Sign(text):
            return SIGNS.get(text, text)
        case Row(parts):
            return _row(parts)
        case Fraction(top, bottom):
            return rf"\frac{{{latex(top)}}}{{{latex(bottom)}}}"
        case Power(base, exponent):
            return f"{latex(base)}^{{{latex(exponent)}}}"
        case Operand(name, place):
            return f"{latex(name)}^{{({place})}}"
        case Root(of):
            return rf"\sqrt{{{latex(of)}}}"
        case Total(axes):
            return rf"\sum_{{\text{{{escaped(axes_named(axes))}}}}}"
        case Matrix(rows):
            body = r" \\ ".join(" & ".join(map(_number, row)) for row in rows)
            return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


def axes_named(axes: Sequence[int]) -> str:
    """The axes in words.

    >>> axes_named((0,)), axes_named((0, 2))
    ('axis 0', 'axes 0, 2')
    """
    return f"ax{'i' if len(axes) == 1 else 'e'}s {', '.join(map(str, axes))}"


def document(equations: Sequence[Equation]) -> str:
    r"""The equations, aligned at their first equals sign: the body of `\begin{align*}`, to be put into any document.

    >>> print(document([]).splitlines()[0])
    % \usepackage{amsmath} in the preamble, then \input this file
    """
    lines = []
    for equation in equations:
        first, *others = map(latex, equation.sides)
        lines.append(f"  {first} &= {' = '.join(others)}")
    head = r"% \usepackage{amsmath} in the preamble, then \input this file"
    return "\n".join([head, r"\begin{align*}", " \\\\\n".join(lines), r"\end{align*}", ""])


def _name(text: str) -> str:
    """One letter in italics, a word upright, an index lowered."""
    base, index = base_and_index(text)
    body = base if re.fullmatch("[A-Za-z]", base) else ""
    body = body or (greek(base) if len(base) == 1 else "") or rf"\mathrm{{{_upright(base)}}}"
    return f"{body}_{{{index}}}" if index else body


def base_and_index(name: str) -> tuple[str, str]:
    """A name, and the number behind it.

    >>> base_and_index("w12"), base_and_index("x_2"), base_and_index("fc1.weight")
    (('w', '12'), ('x', '2'), ('fc1.weight', ''))
    """
    found = re.fullmatch(r"([^\W\d]+?)_?([0-9]+)", name)
    return (found[1], found[2]) if found else (name, "")


def _upright(text: str) -> str:
    """A word in math mode, where spaces are not seen, and where what is no plain letter must be said to be text."""
    plain = all(c.isalnum() or c in "_.-" for c in text) and unicodedata.is_normalized("NFC", text) and text.isascii()
    return escaped(text) if plain else rf"\text{{{escaped(text)}}}"


def _number(text: str) -> str:
    """A number: `1e-09` as a power of ten, `inf` as its sign."""
    found = re.fullmatch(r"(-?[\d.]+)e([+-]\d+)", text)
    if found:
        return rf"{found[1]} \times 10^{{{int(found[2])}}}"
    return {"inf": r"\infty", "-inf": r"-\infty"}.get(text) or (
        text if re.fullmatch(r"-?[\d.]+", text) else rf"\text{{{escaped(text)}}}"
    )


def _row(parts: Sequence[Math]) -> str:
    """One part after the other, with spaces where a reader of the source wants them."""
    said = ""
    for before, part in zip((None, *parts), parts, strict=False):
        open_before = before in (None, Sign("(")) or isinstance(before, Function) or (said == "-")
        beside = isinstance(part, Words) and not isinstance(before, Sign)
        beside |= isinstance(before, Words) and not isinstance(part, Sign)  # in math mode a space is not seen
        said += ("" if open_before or part == Sign(")") else r"\ " if beside else " ") + latex(part)
    return said
