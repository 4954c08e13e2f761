"""Arrays that a learner took out of a tensor that requires grad: told about where they come back as bare numbers.

`x @ w.array` computes what `x @ w` does, and no gradient flows to w. An array is known again while it lives; what NumPy
made of it is another array, of which nobody knows.
"""

from __future__ import annotations

import sys
import weakref
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from tinygrad_edu import errors
from tinygrad_edu.lines import inside, warn
from tinygrad_edu.recording import recording
from tinygrad_edu.watch import numbers_read, watchers

if TYPE_CHECKING:
    from tinygrad_edu.op import Op
    from tinygrad_edu.tensor import Tensor

leaving: ContextVar[list[bool] | None] = ContextVar("leaving", default=None)
"""Where a learner's rule runs on Tensors, because it is recorded: whether it took bare numbers out of one."""

handed: dict[int, tuple[Any, Any]] = {}
"""By the identity of the array: weakly, the array and the vertex of its tensor."""


def numbers_out(tensor: Tensor, what: str, depth: int) -> None:
    """The caller `depth` frames up takes bare numbers out of a tensor, by `what`."""
    if watchers:
        numbers_read(what)
    if tensor._origin is None:
        return
    if (found := leaving.get()) is not None and not inside[sys._getframe(depth).f_code.co_filename]:
        found.append(True)


def hand_out(array: Any, tensor: Tensor, depth: int) -> None:
    """Remember an array of a tensor that requires grad, if the caller `depth` frames up is the learner's line."""
    numbers_out(tensor, "the array of a tensor", depth + 1)
    known = tensor._origin is None or id(array) in handed
    if known or not recording() or inside[sys._getframe(depth).f_code.co_filename]:
        return
    forget = partial(handed.pop, id(array))
    handed[id(array)] = weakref.ref(array, forget), weakref.ref(tensor._origin)


def came_back(array: Any, op: Op | None) -> None:
    """Warn, once for each array, that an operand of the op, or the data of a new Tensor, was taken out of a tensor.

    That data may be a computed Tensor itself: the new one does not remember how. Not where nothing would be
    differentiated anyway: by an op without rules, of numbers whose graph is done with, or where a leaf is copied into
    a new Tensor.
    """
    if not recording():
        return
    if hasattr(array, "grad_fn"):
        if array.grad_fn is not None and array.grad_fn.kept is not None:
            warn(errors.lost_through_copy(array.name), errors.HistoryWarning)
        return
    known, origin = handed[id(array)]
    vertex = origin()
    if known() is not array or vertex is None:
        return
    done = getattr(vertex, "kept", ()) is None
    copied = op is None and not hasattr(vertex, "kept")
    if done or copied or (op is not None and not any(op.rules.values())):
        return
    handed[id(array)] = known, _nothing
    warn(errors.lost_through_array(vertex.name), errors.HistoryWarning)


def _nothing() -> None:
    """In the place of a vertex of which was told already."""
