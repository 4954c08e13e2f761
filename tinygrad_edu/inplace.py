"""What `t += x` and `t[i] = v` do.

Without history they change the memory, as in NumPy, and the engine notes when, so that a graph that kept the old value
refuses to use the new one. With history to record, the tensor takes a new value and a new node instead: whatever kept
the old value still has it, so nothing goes wrong (PyTorch has to raise an error there). Views taken before keep the
old value too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import errors, ops
from tinygrad_edu.graph import unwrap
from tinygrad_edu.mutation import changes
from tinygrad_edu.op import Op
from tinygrad_edu.ops.indexing import plain_key
from tinygrad_edu.recording import is_grad_enabled

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


def in_place(op: Op) -> Callable[[Any, Any], Tensor]:
    """The in-place form of a binary op, as a method."""

    def method(tensor: Tensor, other: Any) -> Tensor:
        value, history = unwrap(other)
        if is_grad_enabled() and _records(tensor, history):
            return _take(tensor, op.apply(tensor, other))
        if isinstance(tensor._value, np.generic):  # nobody shares the memory of a bare number
            out = op.apply(tensor.detach(), value)._value
            if out.shape != ():
                raise errors.does_not_fit(op.name, [((), tensor.name), (out.shape, None)], IN_PLACE_HINT)
            if not np.can_cast(out.dtype, tensor.dtype, "same_kind"):
                raise TypeError(f"{op.name} in place would turn {tensor.dtype} into {out.dtype}: write t = t ...")
            tensor._become(out.astype(tensor.dtype)[()])
            return tensor
        try:
            op.function(tensor._value, value, tensor._value)
        except ValueError as error:
            known = [(tensor.shape, tensor.name), (np.shape(value), getattr(other, "name", None))]
            raise errors.does_not_fit(op.name, known, IN_PLACE_HINT) from error
        changes.note(tensor._value)
        return tensor

    return method


IN_PLACE_HINT = "In place the tensor keeps its shape; to get a larger one write t = t ... instead."


def set_item(tensor: Tensor, key: Any, new: Any) -> None:
    """`t[key] = new`, recorded where there is history to record."""
    value, history = unwrap(new)
    key = plain_key(key)
    if is_grad_enabled() and _records(tensor, history):
        _take(tensor, ops.setitem(tensor, new, key))
        return
    tensor.array[key] = value
    changes.note(tensor._value)


def _records(tensor: Tensor, history: Any) -> bool:
    if tensor._origin is None and history is None:
        return False
    if tensor._origin is not None and tensor.is_leaf:
        raise errors.leaf_in_place(tensor.name)
    return True


def _take(tensor: Tensor, out: Tensor) -> Tensor:
    """Make `tensor` what `out` is: its value and its history."""
    if out.shape != tensor.shape:
        raise errors.does_not_fit("an in-place change", [(tensor.shape, tensor.name), (out.shape, None)], IN_PLACE_HINT)
    if out.dtype != tensor.dtype:
        if not np.can_cast(out.dtype, tensor.dtype, "same_kind"):
            raise TypeError(f"an in-place change would turn {tensor.dtype} into {out.dtype}: write t = t ... instead")
        out = ops.astype(out, tensor.dtype)
    name = tensor.name
    tensor._value, tensor._origin = out._value, out._origin
    tensor.name = name
    return tensor
