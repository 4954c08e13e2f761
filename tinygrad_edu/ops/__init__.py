"""The table of derivatives: one op a NumPy function, one short rule an operand, in plain NumPy.

To add an op, add a row to one of the files here and its name to the file's `__all__`; it is then reachable under its
NumPy name and through NumPy's protocols, recorded, drawn, documented by `python -m tinygrad_edu rules`, and refused by
the tests until it has cases.
"""

from typing import TYPE_CHECKING

from tinygrad_edu.ops import (
    activations,
    arranging,
    choosing,
    contractions,
    conv,
    cumulative,
    curves,
    cutting,
    decompositions,
    determinants,
    diagonals,
    elementwise,
    indexing,
    inverses,
    joining,
    linalg,
    norms,
    padding,
    placing,
    pooling,
    products,
    reduction,
    shape,
    sorting,
    spectra,
    statistics,
    windows,
)
from tinygrad_edu.ops import plain as _plain  # noqa: F401 - registers the functions that have no derivative
from tinygrad_edu.ops.activations import *
from tinygrad_edu.ops.arranging import *
from tinygrad_edu.ops.choosing import *
from tinygrad_edu.ops.contractions import *
from tinygrad_edu.ops.conv import *
from tinygrad_edu.ops.cumulative import *
from tinygrad_edu.ops.curves import *
from tinygrad_edu.ops.cutting import *
from tinygrad_edu.ops.decompositions import *
from tinygrad_edu.ops.determinants import *
from tinygrad_edu.ops.diagonals import *
from tinygrad_edu.ops.elementwise import *
from tinygrad_edu.ops.indexing import *
from tinygrad_edu.ops.inverses import *
from tinygrad_edu.ops.joining import *
from tinygrad_edu.ops.linalg import *
from tinygrad_edu.ops.norms import *
from tinygrad_edu.ops.padding import *
from tinygrad_edu.ops.placing import *
from tinygrad_edu.ops.pooling import *
from tinygrad_edu.ops.products import *
from tinygrad_edu.ops.reduction import *
from tinygrad_edu.ops.shape import *
from tinygrad_edu.ops.sorting import *
from tinygrad_edu.ops.spectra import *
from tinygrad_edu.ops.statistics import *
from tinygrad_edu.ops.windows import *

if not TYPE_CHECKING:  # type checkers read literal lists only, and take the names from the star imports themselves
    __all__ = [
        *activations.__all__,
        *arranging.__all__,
        *choosing.__all__,
        *contractions.__all__,
        *conv.__all__,
        *cumulative.__all__,
        *curves.__all__,
        *cutting.__all__,
        *decompositions.__all__,
        *determinants.__all__,
        *diagonals.__all__,
        *elementwise.__all__,
        *indexing.__all__,
        *inverses.__all__,
        *joining.__all__,
        *linalg.__all__,
        *norms.__all__,
        *padding.__all__,
        *placing.__all__,
        *pooling.__all__,
        *products.__all__,
        *reduction.__all__,
        *shape.__all__,
        *sorting.__all__,
        *spectra.__all__,
        *statistics.__all__,
        *windows.__all__,
    ]
