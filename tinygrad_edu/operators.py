"""The operators and methods of an array, each an op of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import errors, ops, torchwords
from tinygrad_edu.device import is_device
from tinygrad_edu.inplace import in_place, set_item
from tinygrad_edu.op import Op, implementations
from tinygrad_edu.places import plain_key

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


ELSEWHERE = ("gpu", "mps", "xpu", "tpu")
"""What devices are called elsewhere."""


def method(op: Op) -> Callable[..., Tensor]:
    """The op as a method of Tensor; without static parameters it is the op itself, with no call between."""
    if not op.static and not op.variadic:
        return op.apply  # a plain function, which Python binds: 100 ns less than a call of the Op

    apply, defaults = op.apply, op.defaults

    def call(tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if args or kwargs or len(op.parameters) != 1 + len(defaults):
            return apply(*op.bind((tensor, *args), kwargs))
        return apply(tensor, *defaults)

    call.__name__, call.__doc__ = op.name, (op.__doc__ or "").strip().partition("\n")[0]
    return call


def reflected(op: Op) -> Callable[..., Tensor]:
    """The op as a method of its right operand: `2 - t`."""
    apply = op.apply
    return lambda y, x: apply(x, y)


class Operators:
    """The part of Tensor that computes."""

    __slots__ = ()

    __add__, __radd__ = method(ops.add), reflected(ops.add)
    __sub__, __rsub__ = method(ops.subtract), reflected(ops.subtract)
    __mul__, __rmul__ = method(ops.multiply), reflected(ops.multiply)
    __truediv__, __rtruediv__ = method(ops.divide), reflected(ops.divide)
    __pow__, __rpow__ = method(ops.power), reflected(ops.power)
    __mod__, __rmod__ = method(ops.remainder), reflected(ops.remainder)
    __floordiv__, __rfloordiv__ = method(ops.floor_divide), reflected(ops.floor_divide)
    __matmul__, __rmatmul__ = method(ops.matmul), reflected(ops.matmul)
    __and__, __rand__ = method(ops.bitwise_and), reflected(ops.bitwise_and)
    __or__, __ror__ = method(ops.bitwise_or), reflected(ops.bitwise_or)
    __xor__, __rxor__ = method(ops.bitwise_xor), reflected(ops.bitwise_xor)
    __neg__, __pos__, __abs__, __invert__ = (
        method(ops.negative),
        method(ops.positive),
        method(ops.absolute),
        method(ops.invert),
    )
    __lt__, __le__, __gt__, __ge__ = (
        method(ops.less),
        method(ops.less_equal),
        method(ops.greater),
        method(ops.greater_equal),
    )
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> Any:
        return ops.equal(self, other) if _comparable(other) else NotImplemented

    def __ne__(self, other: object) -> Any:
        return ops.not_equal(self, other) if _comparable(other) else NotImplemented

    sum, mean, prod, round = method(ops.sum), method(ops.mean), method(ops.prod), method(ops.round)
    max, min, std, var = torchwords.max_of, torchwords.min_of, torchwords.std, torchwords.var
    cumsum, cumprod, logsumexp = method(ops.cumsum), method(ops.cumprod), ops.logsumexp
    clip, take, trace, diagonal = ops.clip, ops.take, ops.trace, method(ops.diagonal)
    all, any = torchwords.all_of, torchwords.any_of
    argsort, split, norm = torchwords.argsort, torchwords.split_lengths, torchwords.norm_of_numbers
    argpartition, searchsorted = implementations[np.argpartition], implementations[np.searchsorted]
    conj, choose = method(ops.conjugate), ops.choose
    exp, log, sqrt, sin, cos = method(ops.exp), method(ops.log), method(ops.sqrt), method(ops.sin), method(ops.cos)
    tanh, sigmoid, relu = method(ops.tanh), method(ops.sigmoid), method(ops.relu)
    abs, square, pow, matmul, dot = (method(o) for o in (ops.absolute, ops.square, ops.power, ops.matmul, ops.dot))
    swapaxes, squeeze, unsqueeze = (method(o) for o in (ops.swapaxes, ops.squeeze, ops.expand_dims))
    __iadd__, __isub__, __imul__ = in_place(ops.add), in_place(ops.subtract), in_place(ops.multiply)
    __imod__, __ifloordiv__ = in_place(ops.remainder), in_place(ops.floor_divide)
    __itruediv__, __ipow__, __imatmul__ = in_place(ops.divide), in_place(ops.power), in_place(ops.matmul)
    __setitem__ = set_item
    T = property(lambda self: ops.transpose(self), doc="Axes in reverse order.")

    def clone(self: Any) -> Any:
        """A copy; the gradient passes through it."""
        return ops.positive(self)

    def to(
        self: Any,
        target: Any = None,
        dtype: Any = None,
        non_blocking: bool = False,  # noqa: ARG002 - PyTorch's, which changes no number
        copy: bool = False,
        *,
        device: Any = None,
    ) -> Any:
        """On a device (`"cpu"`, `"cuda:0"`), as a dtype, or both, or as another tensor is; `copy` makes it another one.

        The tensor itself where it is that already. A gradient goes the way back.
        """
        if is_device(target):
            device = target
        elif hasattr(target, "grad_fn"):
            device, dtype = target.device, target.dtype
        elif isinstance(target, str) and target.partition(":")[0] in ELSEWHERE:
            raise errors.DeviceError(
                f"no device is called {target!r}: there are 'cpu', and 'cuda' where there is a GPU"
            )
        elif target is not None:
            dtype = target
        there = self
        if device is not None and self.device != device:
            there = ops.move.apply(self, str(device), str(self.device))
        if dtype is not None and not isinstance(dtype, bool) and there.dtype != dtype:
            there = there.astype(dtype)
        return there.clone() if copy and there is self else there

    def cpu(self: Any) -> Any:
        """In the memory of the host."""
        return self.to("cpu")

    def cuda(self: Any, device: Any = None) -> Any:
        """In the memory of a GPU, the one in use unless `device` says which."""
        return self.to(f"cuda:{device}" if isinstance(device, int) else device or "cuda")

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return other // self, other % self

    def __round__(self: Any, decimals: int | None = None) -> Any:
        """As NumPy's arrays: without `decimals` a Python int of a single number."""
        return round(self.item()) if decimals is None else ops.round(self, decimals)

    def __getitem__(self: Any, key: Any) -> Tensor:
        return ops.getitem.apply(self, plain_key(key, self._origin is not None))

    def __contains__(self, number: Any) -> bool:
        return bool((self == number).any())

    def compress(self, condition: Any, axis: int | None = None) -> Tensor:
        """The slices of an axis, or the numbers, where the condition holds."""
        return ops.compress(condition, self, axis)  # type: ignore[no-any-return] # a Tensor

    def fill(self: Any, number: Any) -> None:
        """Put one number everywhere, in place."""
        self[...] = number

    def sort(self: Any, axis: int = -1, kind: Any = None, **words: Any) -> Any:
        """Sort in place, as NumPy's arrays; PyTorch's (values, indices) with `dim` or `descending`."""
        if words:
            return torchwords.sort(self, **words)
        self[...] = ops.sort(self, axis, kind)
        return None

    def partition(self: Any, kth: Any, axis: int = -1) -> None:
        """Put number `kth` where sorting would, in place; `np.partition(t, kth)` is a copy."""
        self[...] = ops.partition(self, kth, axis)

    def astype(
        self: Any,
        dtype: Any,
        order: str = "K",
        casting: Any = "unsafe",
        subok: bool = True,  # noqa: ARG002 - NumPy's, about subclasses of arrays
        copy: bool = True,
    ) -> Tensor:
        """The numbers in another dtype, as NumPy's arrays; itself with copy=False where it is that already."""
        if order not in "KC" or not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"order={order!r}, casting={casting!r} do not allow {self.dtype} as {np.dtype(dtype)}")
        return self if not copy and self.dtype == dtype else ops.astype.apply(self, dtype)

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> Tensor:
        """The same numbers in another shape: `t.reshape(2, 3)` or `t.reshape((2, -1))`."""
        shape = shape[0] if len(shape) == 1 else shape
        if order == "C" and copy is None:
            return ops.reshape.apply(self, shape)
        return implementations[np.reshape](self, shape, order, copy=copy)  # type: ignore[no-any-return] # a Tensor

    view = reshape

    def transpose(self: Any, *axes: Any) -> Tensor:
        """Axes in another order, reversed without arguments, as in NumPy: `t.transpose(1, 0, 2)`.

        Two axes are exchanged, as in PyTorch: `t.transpose(0, 1)` of a matrix is its transpose, where NumPy's method
        would leave it as it is; as a tuple, `t.transpose((0, 1))`, the order is NumPy's.
        """
        if len(axes) == 2:
            return ops.swapaxes.apply(self, *axes)
        return ops.transpose.apply(self, (axes[0] if len(axes) == 1 else axes) or None)

    def expand(self: Any, *shape: Any) -> Tensor:
        """Stretched to a larger shape without copying, as `numpy.broadcast_to`; -1 leaves a length as it is."""
        shape = shape[0] if len(shape) == 1 else shape
        if isinstance(shape, tuple | list) and -1 in shape:
            own = (1,) * (len(shape) - self.ndim) + self.shape
            shape = tuple(n if m == -1 else m for m, n in zip(shape, own, strict=True))
        return ops.broadcast_to.apply(self, shape)

    def repeat(self: Any, *repeats: Any, axis: int | None = None) -> Tensor:
        """Every number so many times: `t.repeat(2)`, along axis 1 `t.repeat(2, 1)`, as in NumPy.

        Three numbers or more have no meaning there, and are PyTorch's: the whole so many times along each axis, as
        `np.tile(t, (2, 1, 1))`.
        """
        if len(repeats) > 2:
            return ops.tile(self, repeats)  # type: ignore[no-any-return] # a Tensor
        return ops.repeat(self, *repeats) if axis is None else ops.repeat(self, *repeats, axis=axis)  # type: ignore[no-any-return] # as above

    def ravel(self, order: str = "C") -> Tensor:
        """The numbers in one axis."""
        return self.reshape(-1, order=order)

    copy = method(ops.copy)
    real, imag = property(ops.real), property(ops.imag)
    mT = property(ops.matrix_transpose, doc="The last two axes exchanged.")  # noqa: N815 - NumPy's name

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
