"""What `t += x` and `t[i] = v` do.

Without history they change the memory, as in NumPy, and the engine notes when, so that a graph that kept the old value
refuses to use the new one. With history to record, the tensor takes a new value and a new node instead: whatever kept
the old value still has it, so nothing goes wrong (PyTorch has to raise an error there). Views taken before keep the
old value too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import errors, ops
from tinygrad_edu.conversion import stored_back
from tinygrad_edu.device import is_cupy
from tinygrad_edu.graph import Node, Vertex, setting, unwrap, wrap
from tinygrad_edu.graph import memory as held
from tinygrad_edu.hooks import moved_retainers
from tinygrad_edu.mutation import changes
from tinygrad_edu.op import Op
from tinygrad_edu.places import plain_key
from tinygrad_edu.recording import recording
from tinygrad_edu.watch import watchers, watching

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


def in_place(op: Op) -> Callable[[Any, Any], Tensor]:
    """The in-place form of a binary op, as a method."""
    function, note, bare = op.function, changes.note, np.generic

    def method(tensor: Tensor, other: Any) -> Tensor:
        value, history = (other._value, other._origin) if type(other) is type(tensor) else unwrap(other)
        if recording() and _records(tensor, history):
            if _is_view(tensor) and not stored_back(sys._getframe(1), tensor):
                raise errors.view_in_place(tensor.name)
            return _take(tensor, op.apply(tensor, other))
        memory = tensor._value
        if isinstance(memory, bare):  # nobody shares the memory of a number
            out = op.apply(wrap(setting(tensor), None), value)._value
            if out.shape != ():
                raise errors.does_not_fit(op.name, [((), tensor.name), (out.shape, None)], IN_PLACE_HINT)
            _check_kind(tensor, out.dtype)
            tensor._become(out if out.dtype == tensor.dtype else ops.astype.apply(wrap(out, None), tensor.dtype)._value)
            return tensor
        before = memory.copy() if watchers else None
        try:
            function(memory, value, memory)
        except (ValueError, TypeError) as error:
            if errors.are_mixed([tensor, other]):
                raise errors.mixed_devices(op.name, [tensor, other]) from error
            if isinstance(error, TypeError):
                raise
            raise _explained(op.name, tensor, tensor.shape, other, IN_PLACE_HINT) from error
        except BaseException:  # a warning that is an error comes when the numbers are there already
            note(memory)
            raise
        note(memory)
        if before is not None and (watcher := watching()):
            watcher.changed(op, tensor, before, other)
        return tensor

    return method


IN_PLACE_HINT = "In place the tensor keeps its shape; to get a larger one write t = t + x."


def set_item(tensor: Tensor, key: Any, new: Any) -> None:
    """`t[key] = new`, recorded where there is history to record."""
    value, history = unwrap(new)
    if history is not None and recording() and tensor.dtype.kind != "f":
        raise errors.gradient_dtype(tensor.dtype, tensor.name)  # the history of what is put there would be lost
    key = plain_key(key)
    if recording() and _records(tensor, history):
        if _is_view(tensor):
            raise errors.view_in_place(tensor.name)
        _take(tensor, ops.setitem(tensor, new, plain_key(key, copied=True)))
        return
    memory = held(tensor)
    if is_cupy(memory) != is_cupy(value) and errors.are_mixed([tensor, value]):
        raise errors.mixed_devices("item assignment", [tensor, value])
    try:
        memory[key] = value
    except ValueError as error:
        hint = "The place must be as large as what is put there."
        raise _explained("item assignment", tensor, memory[key].shape, new, hint) from error
    except BaseException:  # as above
        changes.note(memory)
        raise
    changes.note(memory)
    if watchers and (watcher := watching()):
        watcher.assigned(tensor, key, new)


def _check_kind(tensor: Tensor, dtype: Any) -> None:
    if not np.can_cast(dtype, tensor.dtype, "same_kind"):
        raise TypeError(f"in place a tensor stays {tensor.dtype}, and the result is {dtype}: write t = t + x instead")


def _explained(what: str, tensor: Tensor, shape: tuple[int, ...], other: Any, hint: str) -> Exception:
    """The error to raise where NumPy refused to change the memory."""
    if not tensor.array.flags.writeable:
        return errors.read_only(tensor.name)
    known = [(shape, tensor.name), (np.shape(other), getattr(other, "name", None))]
    return errors.does_not_fit(what, known, hint)


def _records(tensor: Tensor, history: Any) -> bool:
    if tensor._origin is None and history is None:
        return False
    if tensor._origin is not None and tensor.is_leaf:
        raise errors.leaf_in_place(tensor.name)
    return True


def _is_view(tensor: Tensor) -> bool:
    """Whether a change should also reach another tensor, as that of `t[0]` reaches `t` in NumPy, and could not."""
    base = getattr(tensor._value, "base", None)
    if base is None:
        return False
    held, node = 0, tensor._origin
    while isinstance(node, Node):  # what the graph holds of it nobody sees
        above = node.operands[0] if node.operands else None
        if isinstance(above, Vertex):
            held += above.like is base
        if isinstance(above, Node):
            held += sum(kept is base for kept in above.kept or ())
        node = above if len(node.operands) == 1 else None
    return sys.getrefcount(base) > 3 + held  # the view, `base` and the argument


def _take(tensor: Tensor, out: Tensor) -> Tensor:
    """Make `tensor` what `out` is: its value and its history."""
    if out.shape != tensor.shape:
        raise errors.does_not_fit("an in-place change", [(tensor.shape, tensor.name), (out.shape, None)], IN_PLACE_HINT)
    if out.dtype != tensor.dtype:
        _check_kind(tensor, out.dtype)
        out = ops.astype(out, tensor.dtype)
    name, old = tensor.name, tensor._origin
    tensor._value, tensor._origin = out._value, out._origin
    tensor.name = name
    moved_retainers(tensor, old)
    return tensor
