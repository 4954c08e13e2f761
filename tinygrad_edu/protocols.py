"""How NumPy and Python see a Tensor: `np.exp(t)`, `ndarray * t`, `np.asarray(t)`, `float(t)`, `print(t)`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import dispatch, errors
from tinygrad_edu.conversion import notice
from tinygrad_edu.device import CPU, is_cupy, moved
from tinygrad_edu.graph import wrap
from tinygrad_edu.handed import hand_out, numbers_out
from tinygrad_edu.op import implementations
from tinygrad_edu.recording import recording
from tinygrad_edu.watch import numbers_read, watchers

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


class NumPyProtocols:
    """The part of Tensor that others call: NumPy's protocols, conversions, and display."""

    __slots__ = ()
    _value: Any

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array: Any = self.array  # type: ignore[attr-defined] # Tensor's; which is told of
        if self.requires_grad and recording():  # type: ignore[attr-defined] # as above
            notice(sys._getframe(1))
            hand_out(array, self, 2)  # type: ignore[arg-type] # as above
        if is_cupy(array):
            if copy is False:
                raise ValueError("the numbers are on a GPU, and on the host they are a copy: write np.asarray(t)")
            array, copy = moved(array, CPU), None
        return np.array(array, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            try:
                implementation = implementations[ufunc]
            except KeyError:
                raise errors.no_rule(f"np.{ufunc.__name__}") from None
            return implementation(*inputs)
        return dispatch.call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        return dispatch.call_function(function, args, kwargs)

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.array.__dlpack__(**kwargs)  # type: ignore[attr-defined] # Tensor's

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()  # type: ignore[attr-defined] # Tensor's

    def __len__(self) -> int:
        if self._value.ndim == 0:
            raise TypeError("a single number has no length")
        return int(self._value.shape[0])

    def __iter__(self: Any) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        if watchers:
            numbers_read("a tensor as a condition, in `if`, `while` or `assert`")
        return bool(self._value)

    def __float__(self: Any) -> float:
        if self.requires_grad and recording():
            notice(sys._getframe(1), number=True)
        numbers_out(self, "float(t)", 2)
        return float(self._value.item())

    def __int__(self) -> int:
        if watchers:
            numbers_read("int(t)")
        return int(self._value.item())

    def __index__(self) -> int:
        if watchers:
            numbers_read("a tensor as a place or a count")
        if self._value.dtype.kind not in "iu" or self._value.ndim:
            raise TypeError(f"a place or a count is one whole number, not {self._value}: write int(t)")
        return int(self._value)

    def __format__(self, spec: str) -> str:
        if watchers and not self._value.ndim:
            numbers_read("a number in a text")
        return format(str(self) if self._value.ndim else self._value.item(), spec)  # a number is itself in a text

    def __repr__(self: Any) -> str:
        if watchers:
            numbers_read("print(t), or a tensor in a text")
        said = [np.array2string(np.asarray(self), separator=", ", prefix="Tensor(")]
        if self.dtype not in (np.float64, np.int64, np.bool_):
            said.append(f"dtype={self.dtype}")
        if self.grad_fn is not None:
            said.append(f"grad_fn=<{self.grad_fn.op.name}>")
        elif self.requires_grad:
            said.append("requires_grad=True")
        if self.name:
            said.append(f"name={self.name!r}")
        return f"Tensor({', '.join(said)})"

    def __copy__(self: Any) -> Any:
        """A Tensor of its own on the same memory; a computed one keeps its history, a leaf becomes another leaf."""
        twin = wrap(self.array, self.grad_fn)
        twin.requires_grad, twin.name = self.requires_grad, self.name
        return twin

    def __reduce__(self: Any) -> Any:
        """For `deepcopy` and `pickle`: a leaf goes as its values; a history belongs to its graph."""
        if self.grad_fn is not None:
            raise errors.not_a_leaf(self.name)
        array = self._value.copy() if is_cupy(self._value) else np.array(self)
        return _rebuild, (type(self), array, self.requires_grad, self.name, self.grad)


def _rebuild(cls: type[Tensor], array: Any, requires_grad: bool, name: str | None, grad: Tensor | None) -> Tensor:
    tensor = cls(array, requires_grad=requires_grad, name=name)
    tensor.grad = grad
    return tensor
