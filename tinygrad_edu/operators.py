"""The operators and methods of an array, each an op of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.inplace import in_place, set_item
from tinygrad_edu.ops.indexing import plain_key

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


class Operators:
    """The part of Tensor that computes: `method` and `reflected` are the op itself, with no call between."""

    __slots__ = ()

    __add__, __radd__ = ops.add.method, ops.add.reflected
    __sub__, __rsub__ = ops.subtract.method, ops.subtract.reflected
    __mul__, __rmul__ = ops.multiply.method, ops.multiply.reflected
    __truediv__, __rtruediv__ = ops.divide.method, ops.divide.reflected
    __pow__, __rpow__ = ops.power.method, ops.power.reflected
    __matmul__, __rmatmul__ = ops.matmul.method, ops.matmul.reflected
    __and__, __rand__ = ops.bitwise_and.method, ops.bitwise_and.reflected
    __or__, __ror__ = ops.bitwise_or.method, ops.bitwise_or.reflected
    __xor__, __rxor__ = ops.bitwise_xor.method, ops.bitwise_xor.reflected
    __neg__, __pos__, __abs__, __invert__ = (
        ops.negative.method,
        ops.positive.method,
        ops.absolute.method,
        ops.invert.method,
    )
    __lt__, __le__, __gt__, __ge__ = (
        ops.less.method,
        ops.less_equal.method,
        ops.greater.method,
        ops.greater_equal.method,
    )
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> Any:
        return ops.equal(self, other) if _comparable(other) else NotImplemented

    def __ne__(self, other: object) -> Any:
        return ops.not_equal(self, other) if _comparable(other) else NotImplemented

    sum, mean, max, min = ops.sum.method, ops.mean.method, ops.max.method, ops.min.method
    exp, log, sqrt, sin, cos = ops.exp.method, ops.log.method, ops.sqrt.method, ops.sin.method, ops.cos.method
    tanh, sigmoid, relu = ops.tanh.method, ops.sigmoid.method, ops.relu.method
    abs, square, pow, matmul, dot = (o.method for o in (ops.absolute, ops.square, ops.power, ops.matmul, ops.dot))
    swapaxes, squeeze, unsqueeze, astype = (o.method for o in (ops.swapaxes, ops.squeeze, ops.expand_dims, ops.astype))
    __iadd__, __isub__, __imul__ = in_place(ops.add), in_place(ops.subtract), in_place(ops.multiply)
    __itruediv__, __ipow__, __imatmul__ = in_place(ops.divide), in_place(ops.power), in_place(ops.matmul)
    __setitem__ = set_item

    def __getitem__(self, key: Any) -> Tensor:
        return ops.getitem.apply(self, plain_key(key))

    def reshape(self, *shape: Any) -> Tensor:
        """The same numbers in another shape: `t.reshape(2, 3)` or `t.reshape((2, -1))`."""
        return ops.reshape.apply(self, shape[0] if len(shape) == 1 else shape)

    view = reshape

    def transpose(self, *axes: Any) -> Tensor:
        """Axes in another order, reversed without arguments, as in NumPy: `t.transpose(1, 0, 2)`."""
        return ops.transpose.apply(self, (axes[0] if len(axes) == 1 else axes) or None)

    def expand(self, *shape: Any) -> Tensor:
        """Stretched to a larger shape without copying, as `numpy.broadcast_to`."""
        return ops.broadcast_to.apply(self, shape[0] if len(shape) == 1 else shape)

    def flatten(self) -> Tensor:
        """The numbers in one axis."""
        return self.reshape(-1)

    ravel = flatten

    def float(self) -> Tensor:
        """As float32, what PyTorch calls float."""
        return self.astype(np.float32)

    def double(self) -> Tensor:
        """As float64."""
        return self.astype(np.float64)

    def long(self) -> Tensor:
        """As int64; whole numbers carry no gradient."""
        return self.astype(np.int64)


def _comparable(other: Any) -> bool:
    """Whether there are numbers to compare with: `t == None` is False, as for any other object."""
    dtype = other.dtype if hasattr(other, "dtype") else np.asarray(other).dtype
    return getattr(dtype, "kind", "") in tuple("fiub")
