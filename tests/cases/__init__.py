"""The table of cases: for every op, calls with sample inputs that reach every branch of its rules.

All inputs are float64 and away from kinks, which `kinks.py` holds. The tests of values, of first and second
derivatives, of forward mode, of dtypes and shapes, and the comparison with PyTorch are all made from it.
"""

from tests.cases import activations, conv, curves, elementwise, indexing, linalg, reduction, shape
from tests.cases.case import Case
from tests.cases.elementwise import WITHOUT_DERIVATIVE

__all__ = ["CASES", "WITHOUT_DERIVATIVE", "Case"]

CASES: list[Case] = [
    *elementwise.CASES,
    *reduction.CASES,
    *shape.CASES,
    *indexing.CASES,
    *linalg.CASES,
    *conv.CASES,
    *activations.CASES,
    *curves.CASES,
]
