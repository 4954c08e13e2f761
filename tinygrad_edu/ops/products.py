"""Products made of other products: they need no rule of their own."""

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_edu.device import library_of
from tinygrad_edu.errors import does_not_fit
from tinygrad_edu.ops.composed import as_operand, composed

__all__ = [
    "matrix_power",
    "multi_dot",
    "tensordot",
]


@composed(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Any:
    """Sum the products of a and b over pairs of axes: one matrix product of reshaped operands. After `numpy.tensordot`.

    >>> from tinygrad_edu import Tensor
    >>> tensordot(Tensor([[1.0, 2.0]]), Tensor([3.0, 4.0]), axes=1)
    Tensor([11.])
    """
    a, b = as_operand(a), as_operand(b)
    if isinstance(axes, int | np.integer):
        if not 0 <= axes <= min(a.ndim, b.ndim):
            raise ValueError(f"tensordot: axes={axes} of operands that have {a.ndim} and {b.ndim}")
        axes = (range(a.ndim - axes, a.ndim), range(axes))
    a_axes, b_axes = (normalize_axis_tuple(of, t.ndim) for of, t in zip(axes, (a, b), strict=True))
    if [a.shape[axis] for axis in a_axes] != [b.shape[axis] for axis in b_axes]:
        shapes = [(t.shape, getattr(t, "name", None)) for t in (a, b)]
        raise does_not_fit("tensordot", shapes, f"The axes {a_axes} and {b_axes} must be as long, pair by pair.")
    a_free = [axis for axis in range(a.ndim) if axis not in a_axes]
    b_free = [axis for axis in range(b.ndim) if axis not in b_axes]
    rows, columns = [a.shape[axis] for axis in a_free], [b.shape[axis] for axis in b_free]
    length = math.prod(a.shape[axis] for axis in a_axes)
    left = np.reshape(np.transpose(a, (*a_free, *a_axes)), (math.prod(rows), length))
    right = np.reshape(np.transpose(b, (*b_axes, *b_free)), (length, math.prod(columns)))
    return np.reshape(left @ right, (*rows, *columns))


@composed(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any]) -> Any:
    """The product of several matrices, in the order of fewest multiplications. After `numpy.linalg.multi_dot`.

    A product of shapes (m, k) and (k, n) takes m k n of them. The first and the last operand may be vectors.

    >>> from tinygrad_edu import Tensor
    >>> multi_dot([Tensor([1.0, 2.0]), Tensor([[1.0, 0.0], [0.0, 2.0]]), Tensor([3.0, 4.0])])
    Tensor(19.)
    """
    operands = [as_operand(array) for array in arrays]
    shapes = [(x.shape, getattr(x, "name", None)) for x in operands]
    if len(operands) < 2:
        raise ValueError(f"multi_dot takes at least two matrices; {len(operands)} given")
    ends = (0, len(operands) - 1)
    if not all(x.ndim == 2 or (x.ndim == 1 and i in ends) for i, x in enumerate(operands)):
        raise does_not_fit("multi_dot", shapes, "All are matrices; the first and the last may be vectors.")
    vectors = [operands[i].ndim == 1 for i in ends]
    operands = [x if x.ndim == 2 else np.reshape(x, (1, -1) if i == 0 else (-1, 1)) for i, x in enumerate(operands)]
    lengths = [operands[0].shape[0], *(x.shape[1] for x in operands)]
    if lengths[:-1] != [x.shape[0] for x in operands]:
        raise does_not_fit("multi_dot", shapes, "Each has as many columns as the next has rows.")
    best = {(i, i): (0, i) for i in range(len(operands))}  # from, to -> multiplications, where to part
    for span in range(1, len(operands)):
        for i in range(len(operands) - span):
            j = i + span
            best[i, j] = min(
                (best[i, k][0] + best[k + 1, j][0] + lengths[i] * lengths[k + 1] * lengths[j + 1], k)
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Any:
        if i == j:
            return operands[i]
        k = best[i, j][1]
        return product(i, k) @ product(k + 1, j)

    result = product(*ends)
    return np.reshape(result, [n for n, vector in zip(result.shape, vectors, strict=True) if not vector])


@composed(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """a a ... a, n times; of the inverse where n is negative, I where it is 0. After `numpy.linalg.matrix_power`.

    Squares of squares: about 2 log₂ n products. Raises LinAlgError where n is negative and a has no inverse.

    >>> from tinygrad_edu import Tensor
    >>> matrix_power(Tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    Tensor([[1., 5.],
            [0., 1.]])
    """
    square, n = as_operand(a), operator.index(n)
    if square.ndim < 2 or square.shape[-1] != square.shape[-2]:
        raise does_not_fit("matrix_power", [(square.shape, None)], "Only a square matrix has powers.")
    if n == 0:  # `where` keeps the result in the graph, with a derivative of 0
        return np.where(True, library_of(square).eye(square.shape[-1], dtype=square.dtype), square)
    square, n, result = (np.linalg.inv(square) if n < 0 else square), abs(n), None
    while True:
        n, odd = divmod(n, 2)
        if odd:
            result = square if result is None else result @ square
        if n == 0:
            return result
        square = square @ square
