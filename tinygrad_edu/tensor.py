"""Tensor: an array, a gradient, and the node that made it. Its methods are the ops of `tinygrad_edu.ops`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Self

import numpy as np

from tinygrad_edu import errors, fast, graph, op
from tinygrad_edu.device import device_of, fresh
from tinygrad_edu.graph import SMALL, Array, Leaf, Node, Vertex, wrap
from tinygrad_edu.handed import came_back, hand_out, handed, numbers_out
from tinygrad_edu.hooks import Handle, add_hook, retain
from tinygrad_edu.operators import Operators
from tinygrad_edu.protocols import NumPyProtocols
from tinygrad_edu.size import Size
from tinygrad_edu.torchaliases import TorchAliases
from tinygrad_edu.torchindexing import TorchIndexing
from tinygrad_edu.torchmethods import TorchMethods
from tinygrad_edu.torchnames import TorchNames
from tinygrad_edu.watch import watchers, watching


class Tensor(Operators, TorchNames, TorchMethods, TorchIndexing, TorchAliases, NumPyProtocols):
    """An n-dimensional array that remembers how it was computed, so that `backward()` can find its derivatives.

    `data` (a number, nested lists, an array, another Tensor) is copied; `from_numpy` and `as_tensor` share memory
    instead. Dtypes are NumPy's: 2.0 is float64, 2 is int64. Only floating-point tensors can require grad
    (`GradientDtypeError`, a TypeError, for others). `name` is shown in pictures and errors.

    >>> a, b, c = Tensor(2.0, requires_grad=True), Tensor(-3.0, requires_grad=True), Tensor(10.0, requires_grad=True)
    >>> (a * b + c).backward()
    >>> a.grad, b.grad, c.grad
    (Tensor(-3.), Tensor(2.), Tensor(1.))
    """

    # Slots, and unset until needed, because a Tensor is made for every result. A number is held as a NumPy scalar.
    __slots__ = ("__weakref__", "_constant", "_frozen", "_grad", "_name", "_origin", "_value")
    _value: Array
    _origin: Vertex | None  # a Leaf that requires grad, a Node, or None: nothing to remember
    _grad: Any
    _constant: Leaf | None
    _frozen: Any

    def __init__(
        self, data: Any, *, requires_grad: bool = False, dtype: Any = None, device: Any = None, name: str | None = None
    ) -> None:
        if (id(data) in handed or type(data) is Tensor) and not requires_grad:
            came_back(data, None)
        self._value, self._origin = fresh(data, dtype, device), None
        if name is not None:
            self.name = name
        if requires_grad:
            self.requires_grad = True

    @property
    def array(self) -> Array:
        """The NumPy or CuPy array itself, sharing memory. The engine does not see what is written to it."""
        if self._origin is not None or watchers:
            hand_out(graph.memory(self), self, 2)
        return graph.memory(self)

    @property
    def data(self) -> Tensor:
        """A Tensor on the same memory that has no history; assign to it to replace the value."""
        return wrap(graph.shared(self), None)

    @data.setter
    def data(self, new: Any) -> None:
        value = graph.memory(new) if isinstance(new, Tensor) else fresh(new)
        if self.requires_grad and value.dtype.kind != "f":
            raise errors.gradient_dtype(value.dtype, self.name)
        old = self._origin or getattr(self, "_frozen", None)
        if isinstance(old, Leaf) and (value.shape, value.dtype) != (self.shape, self.dtype):
            if self._origin is old:
                self._origin = Leaf(value, self, True)  # what was recorded is of the old one
                self._origin.hooks = old.hooks
            self._grad, old.hooks = None, [partial(errors.raise_replaced, old)]
        self._become(value)

    def _become(self, value: Array) -> None:
        """Hold another value; the graph that was recorded keeps the one that it used, and its shape and dtype."""
        self._value = value
        for vertex in (self._origin, getattr(self, "_constant", None), getattr(self, "_frozen", None)):
            if vertex is not None and (vertex.shape, vertex.dtype) == (value.shape, value.dtype):
                vertex.like = value if value.size <= SMALL else (value.shape, value.dtype)
            elif vertex is not None and vertex is not self._origin:
                self._constant = None
        if watchers and (watch := watching()):
            watch.became(self)

    @property
    def grad(self) -> Tensor | None:
        """What the backward passes added up, of the tensor's shape and dtype; None: not computed."""
        g = getattr(self, "_grad", None)
        return g if type(g) is Tensor and not watchers else accumulation.looked_at(self)

    @grad.setter
    def grad(self, g: Tensor | None) -> None:
        if g is not None:
            if not isinstance(g, Tensor):
                raise TypeError(f"a gradient is a Tensor or None, not {type(g).__name__}: write t.grad = Tensor(g)")
            if g.shape != self.shape:
                raise errors.gradient_shape(g.shape, self.shape, self.name)
            if g.device != self.device:
                raise errors.gradient_elsewhere(g, self)
            g = g if g.dtype == self.dtype else g.astype(self.dtype)
        self._grad, leaf = g, self._origin
        if type(leaf) is Leaf:
            leaf.summed = 0
            if leaf.left is None:
                leaf.passes = graph.passes.count  # a missing one is no surprise for now
            elif g is not None:
                leaf.left = False  # nor is one that is there
        if watchers and (watch := watching()):
            watch.granted(self, g)

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded."""
        return self._origin is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if isinstance(self._origin, Node):
            if not value:
                raise RuntimeError(
                    "a computed tensor has the history of its inputs; t.detach() is the same value without it"
                )
        elif graph.setting(self).dtype.kind != "f" and value:
            raise errors.gradient_dtype(self._value.dtype, self.name)
        elif value != self.requires_grad:
            frozen = getattr(self, "_frozen", None)  # what was recorded before it was frozen still leads to it
            if value and (frozen is None or (frozen.shape, frozen.dtype) != (self.shape, self.dtype)):
                frozen = Leaf(self._value, self, True)
            self._origin, self._frozen = (frozen, None) if value else (None, self._origin)
            self._grad = self.grad

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set `requires_grad` and return the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor, or None for a leaf."""
        return self._origin if isinstance(self._origin, Node) else None

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded op made this tensor."""
        return self.grad_fn is None

    @property
    def name(self) -> str | None:
        """The name shown in pictures and errors."""
        return getattr(self, "_name", None)

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = name
        for vertex in (self._origin, getattr(self, "_constant", None)):
            if vertex is not None:
                vertex.name = name

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
        """Add this tensor's derivatives to the `.grad` of the leaves it was computed from: see `autograd.backward`."""
        autograd.backward(self, gradient, retain_graph, create_graph)

    def register_hook(self, hook: Callable[[Tensor], Any]) -> Handle:
        """Call `hook(gradient)` when all of it has arrived; a Tensor that it returns replaces the gradient."""
        return add_hook(self, hook)

    def retain_grad(self) -> None:
        """Keep the gradient of a computed tensor in its `.grad` too."""
        if self._origin is None:
            raise errors.no_gradient_path("a tensor told to retain_grad()", self.name)
        if not self.is_leaf:  # a leaf keeps it anyway
            retain(self)

    def detach(self) -> Tensor:
        """The same memory without the history."""
        return self.data

    def numpy(self) -> Array:
        """The array, sharing memory (copied to the host from a GPU)."""
        array = np.asarray(self)
        if self._origin is not None:
            hand_out(array, self, 2)
        return array

    def item(self) -> Any:
        """The number as a Python number; ValueError where there is not just one."""
        numbers_out(self, "item()", 2)
        return self._value.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        numbers_out(self, "tolist()", 2)
        return self._value.tolist()

    shape = property(lambda self: self._value.shape, doc="Lengths of the axes.")
    ndim = property(lambda self: self._value.ndim, doc="Number of axes.")
    size = property(lambda self: Size.of(self._value), doc="Number of numbers, as in NumPy; PyTorch's `size(0)` too.")
    nbytes = property(lambda self: self._value.nbytes, doc="Bytes of memory of the numbers.")
    dtype = property(lambda self: self._value.dtype, doc="NumPy dtype of the numbers.")
    device = property(lambda self: device_of(self._value), doc="Where the numbers live.")


for module in (fast, graph, op):  # they make Tensors, and this file is built on them
    module.Tensor = Tensor  # type: ignore[attr-defined] # see there
from tinygrad_edu import accumulation, autograd  # noqa: E402 - they are built on Tensor, and used above
