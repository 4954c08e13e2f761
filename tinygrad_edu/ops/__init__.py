"""The table of derivatives: one op a NumPy function, one short rule an operand, in plain NumPy.

To add an op, add a row to one of the files here and its name to the file's `__all__`; it is then reachable under its
NumPy name and through NumPy's protocols, recorded, drawn, documented by `python -m tinygrad_edu rules`, and refused by
the tests until it has cases.
"""

from typing import TYPE_CHECKING

from tinygrad_edu.ops import conv, elementwise, indexing, linalg, reduction, shape
from tinygrad_edu.ops import plain as _plain  # noqa: F401 - registers the functions that have no derivative
from tinygrad_edu.ops.conv import *
from tinygrad_edu.ops.elementwise import *
from tinygrad_edu.ops.indexing import *
from tinygrad_edu.ops.linalg import *
from tinygrad_edu.ops.reduction import *
from tinygrad_edu.ops.shape import *

if not TYPE_CHECKING:  # type checkers read literal lists only, and take the names from the star imports themselves
    __all__ = [
        *conv.__all__,
        *elementwise.__all__,
        *indexing.__all__,
        *linalg.__all__,
        *reduction.__all__,
        *shape.__all__,
    ]
