"""Formulas as MathML Core, which browsers draw, and screen readers read, by themselves."""

from html import escape

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
from viz.latex import axes_named, base_and_index

MINUS = "\u2212"
EQUALS = '<mo form="infix">=</mo>'


def math(sides: tuple[Math, ...]) -> str:
    """An equation as an element `math` for each of its sides, so that a narrow page breaks it before an equals sign.

    >>> math((Name("a"), Number("3")))
    '<math displaystyle="true"><mi>a</mi></math> <math displaystyle="true"><mo form="infix">=</mo><mn>3</mn></math>'
    """
    return " ".join(_side(side, EQUALS if i else "") for i, side in enumerate(sides))


def _side(side: Math, equals: str) -> str:
    """One side of an equation; it may be broken before a plus sign, and words in it are text of the page."""
    if not isinstance(side, Row):
        return _element(f"{equals}{mathml(side)}")
    if any(isinstance(part, Words) for part in side.parts):
        said = [escape(part.text) if isinstance(part, Words) else _element(mathml(part)) for part in side.parts]
        return f"<span>{_element(equals)} {' '.join(said)}</span>"
    terms = [equals]
    for part in side.parts:
        if part == Sign("+"):
            terms.append('<mo form="infix">+</mo>')
        else:
            terms[-1] += mathml(part)
    return " ".join(map(_element, terms))


def _element(content: str) -> str:
    return f'<math displaystyle="true">{content}</math>' if content else ""


def mathml(formula: Math) -> str:
    """The formula as MathML, every text in it escaped."""
    match formula:
        case Name(text):
            base, index = base_and_index(printable(text))
            body = f"<mi>{escape(base)}</mi>"
            return f"<msub>{body}<mn>{index}</mn></msub>" if index else body
        case Number(text):
            return _number(text)
        case Words(text):
            return f"<mtext>{escape(printable(text))}</mtext>"
        case Function(text):
            return f"<mi>{escape(text)}</mi>"
        case Sign(text):
            if text in "()":
                return f'<mo stretchy="false">{text}</mo>'
            return f"<mo>{MINUS if text == '-' else text}</mo>"
        case Row(parts):
            return f"<mrow>{''.join(map(mathml, parts))}</mrow>"
        case Fraction(top, bottom):
            return f"<mfrac>{mathml(top)}{mathml(bottom)}</mfrac>"
        case Power(base, exponent):
            return f"<msup>{mathml(base)}{mathml(exponent)}</msup>"
        case Operand(name, place):
            return f"<msup>{mathml(name)}<mrow><mo>(</mo><mn>{place}</mn><mo>)</mo></mrow></msup>"
        case Root(of):
            return f"<msqrt>{mathml(of)}</msqrt>"
        case Total(axes):
            return f"<munder><mo>∑</mo><mtext>{axes_named(axes)}</mtext></munder>"
        case Matrix(rows):
            cells = "".join(f"<mtr>{''.join(f'<mtd>{_number(n)}</mtd>' for n in row)}</mtr>" for row in rows)
            return f"<mtable>{cells}</mtable>"  # the page draws the brackets: few systems have a font that stretches


def _number(text: str) -> str:
    return f"<mn>{escape(text.replace('-', MINUS))}</mn>"
