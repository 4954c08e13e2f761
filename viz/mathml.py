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


def math(sides: tuple[Math, ...]) -> str:
    """An equation as one element `math`.

    >>> math((Name("a"), Number("3")))
    '<math><mrow><mi>a</mi></mrow><mrow><mo>=</mo><mn>3</mn></mrow></math>'
    """
    first, *others = (mathml(side) for side in sides)
    rest = "".join(f"<mrow><mo>=</mo>{side}</mrow>" for side in others)
    return f"<math><mrow>{first}</mrow>{rest}</math>"


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
            return f"<mrow><mo>[</mo><mtable>{cells}</mtable><mo>]</mo></mrow>"


def _number(text: str) -> str:
    return f"<mn>{escape(text.replace('-', MINUS))}</mn>"
