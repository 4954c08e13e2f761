"""The recorded graph: a `Leaf` for what somebody made, a `Node` for what an op made."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.device import CPU, is_cupy, moved
from tinygrad_edu.handed import came_back, handed
from tinygrad_edu.watch import numbers_read, watchers, watching

if TYPE_CHECKING:
    from tinygrad_edu.op import Op
    from tinygrad_edu.plan import Plan
    from tinygrad_edu.tensor import Tensor  # noqa: TC004 - at run time tensor.py, built on this file, puts it here

Array: TypeAlias = Any
"""A `numpy.ndarray`, a `cupy.ndarray`, or a NumPy scalar: a single number is held as `np.float64`, 7 times faster."""

NUMBER = (int, float)

HALF = np.dtype(np.float16)

SMALL = 16
"""Results of at most so many numbers stay on their node, so that a picture can show them."""


class Vertex:
    """A point of the graph: a `Leaf`, which somebody made, or a `Node`, which an op made."""

    __slots__ = ("__weakref__", "hooks", "like", "name")
    like: Any  # the value itself where it is small, else its (shape, dtype)
    name: str | None
    hooks: list[Callable[[Any], Any]] | None
    requires_grad: bool

    @property
    def value(self) -> Array | None:
        """The value, on the host, where it has at most `SMALL` numbers, else None: the graph holds no large results."""
        return None if type(self.like) is tuple else moved(self.like, CPU) if is_cupy(self.like) else self.like

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value, and so of its gradient."""
        return self.like[0] if type(self.like) is tuple else np.shape(self.like)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the value, and so of its gradient."""
        dtype: np.dtype[Any] = self.like[1] if type(self.like) is tuple else array_of(self.like).dtype
        return dtype


class Passes:
    """How many backward passes that fill `.grad` have ended so far, and whether each leaf counts its own."""

    count = 0
    counted = False  # `viz` asks for it: it costs a sixth of the backward pass of a*b + c


passes = Passes()


class Leaf(Vertex):
    """An input of the graph that no op made: a tensor that requires grad, or a constant."""

    __slots__ = ("_tensor", "last", "left", "passes", "requires_grad", "summed")
    summed: int  # of how many backward passes `.grad` is the sum, where they are counted; 0: not known
    last: int  # when the last of them ended, by the engine's clock
    left: bool | None  # None: no backward pass came here so far; then, whether it would surprise that they add up
    passes: int  # how many backward passes had ended when it was made or its `.grad` was set

    def __init__(self, value: Array, tensor: Tensor | None, requires_grad: bool) -> None:
        self.hooks, self.requires_grad = None, requires_grad
        self.like = value if isinstance(value, NUMBER) or value.size <= SMALL else (value.shape, value.dtype)
        if requires_grad:
            self.left, self.passes = None, passes.count
            self.summed = self.last = 0
        if tensor is None:
            self.name = self._tensor = None
        else:  # weakly, because the tensor holds the leaf: without a cycle, reference counting alone frees a graph
            self.name, self._tensor = tensor.name, weakref.ref(tensor)

    @property
    def tensor(self) -> Tensor | None:
        """The tensor, while somebody holds it; None for a bare number or array."""
        return None if self._tensor is None else self._tensor()


class Node(Vertex):
    """One application of an op: the `grad_fn` of its result.

    `kept` is what its rules asked for, None once backward has freed it. `index` is its birth number: every input is
    older than its node.
    """

    __slots__ = ("index", "kept", "operands", "plan")
    requires_grad = True
    plan: Plan
    operands: tuple[Any, ...]  # vertices, and bare numbers where a Python number was an operand
    kept: tuple[Any, ...] | None
    index: int

    @property
    def inputs(self) -> tuple[Vertex, ...]:
        """The vertices of the operands, in operand order: `x * x` has two. A number gets one when somebody looks."""
        if any(isinstance(operand, NUMBER) for operand in self.operands):
            self.operands = tuple(Leaf(o, None, False) if isinstance(o, NUMBER) else o for o in self.operands)
        return self.operands

    @property
    def op(self) -> Op:
        """The op that was applied."""
        return self.plan.op

    @property
    def saved(self) -> dict[str, Any]:
        """What the graph keeps for backward, by the names that the rules use; empty once freed."""
        return dict(zip(self.plan.names, self.kept or (), strict=False))

    def kept_tensors(self) -> tuple[Any, ...]:
        """What the node keeps, as Tensors in their places in the graph, so that rules run on them are recorded."""
        kept = {name: self._tensor(name, value) for name, value in self.saved.items()}
        for name, asked in self.plan.beside.items():
            kept[name] = self.op.beside[name](*(kept[operand] for operand in asked))
        return tuple(kept.values())

    def _tensor(self, name: str, value: Any) -> Any:
        if name == "out":
            return wrap(value, self)
        if name not in self.op.operands:
            return value
        if self.op.variadic:
            return tuple(wrap(v, i) if i.requires_grad else v for v, i in zip(value, self.inputs, strict=True))
        vertex = self.inputs[self.op.operands.index(name)]
        return wrap(value, vertex) if vertex.requires_grad else value

    def __repr__(self) -> str:
        return f"<{self.op.name} #{self.index}, shape {self.shape}>"


def nodes_above(vertices: Iterable[Vertex | None]) -> list[Node]:
    """The nodes that the vertices reach, themselves included, newest first."""
    found = dict.fromkeys(vertex for vertex in vertices if type(vertex) is Node)
    order = list(found)
    for node in order:  # grows while it is read
        for vertex in node.operands:
            if type(vertex) is Node and vertex not in found:
                found[vertex] = None
                order.append(vertex)
    return sorted(order, key=attrgetter("index"), reverse=True)


def wrap(value: Array, vertex: Vertex | None) -> Tensor:
    """A Tensor around `value` itself, made by `vertex`, without the constructor's copy and checks."""
    tensor = object.__new__(Tensor)
    tensor._value, tensor._origin = value, vertex
    return tensor


def memory(tensor: Tensor) -> Array:
    """The array of a tensor, which it holds from now on where it held a number: then it can be changed in place."""
    if isinstance(tensor._value, np.generic):
        old, tensor._value = tensor._value, np.asarray(tensor._value)
        if watchers and (watch := watching()):
            watch.renamed(old, tensor._value)
    return tensor._value


def shared(tensor: Tensor) -> Array:
    """The array of a tensor, as `memory`, for another tensor on it."""
    memory(tensor)
    return setting(tensor)


def setting(tensor: Tensor) -> Array:
    """The array of a tensor that becomes a setting of an op, as a key does."""
    if watchers and (watch := watching()):
        watch.used(tensor)
    return tensor._value


def array_of(x: Any) -> Array:
    """The array that a Tensor holds, or that `np.asarray` makes of something else; on a GPU it stays there.

    For code that looks at the numbers in it.
    """
    value = getattr(x, "_value", x)
    if value is not x and watchers:
        numbers_read("the numbers of a tensor")
    return value if hasattr(value, "dtype") else np.asarray(value)


def as_value(value: Any, op: str) -> Array:
    """What a Tensor holds: arrays as they are, and a bare number as a NumPy scalar."""
    if not hasattr(value, "dtype"):
        if not isinstance(value, NUMBER):
            raise errors.no_array(op, value)
        return np.asarray(value)[()]
    if value.dtype.kind not in "fiub" or isinstance(value, np.ma.MaskedArray):
        raise errors.no_array(op, value)
    if hasattr(value, "grad_fn"):
        raise errors.returned_tensor(op)
    return np.asarray(value) if isinstance(value, np.ndarray) else value  # of a plain kind


def records(out: Array, op: Op) -> bool:
    """Whether a result can have a history: floats can. Whole numbers are fine where a dtype was asked for."""
    if out.dtype.kind == "f":
        return True
    as_value(out, op.name)
    if "dtype" not in op.static:
        raise errors.whole_numbers(op.name, out.dtype)
    return False


def unwrap(operand: Any, op: Op | None = None) -> tuple[Any, Any]:
    """Value and vertex of an operand; a number stays a Python number, so that it promotes weakly as in NumPy."""
    if isinstance(operand, Tensor):
        return operand._value, operand._origin
    if isinstance(operand, NUMBER):
        return operand, None
    if id(operand) in handed:
        came_back(operand, op)
    if isinstance(operand, list | tuple) and holds_tensor(operand):
        raise TypeError("a list of Tensors is no operand: write stack(tensors) or concatenate(tensors)")
    if isinstance(operand, np.ma.MaskedArray):
        raise TypeError("a masked array is no operand: write where(mask, other, t), or fill it first with .filled()")
    if isinstance(operand, np.ndarray) and type(operand) not in (np.ndarray, np.memmap):
        kind = type(operand).__name__
        raise TypeError(f"a {kind} has an arithmetic of its own: write np.asarray(x) to compute with its numbers")
    value = operand if is_cupy(operand) else np.asarray(operand)
    if value.dtype.kind not in "fiub":
        raise TypeError(f"an operand holds real numbers or booleans, not {value.dtype}: {type(operand).__name__} given")
    return value if value.ndim else value[()], None


def holds_tensor(data: Any) -> bool:
    """Whether there is a Tensor in a list, or in the lists in it."""
    return any(map(holds_tensor, data)) if isinstance(data, list | tuple) else isinstance(data, Tensor)


def constant(operand: Any) -> Any:
    """The vertex of an operand that needs no gradient, the same each time for the same Tensor; a number is itself."""
    if isinstance(operand, NUMBER):
        return operand
    if not isinstance(operand, Tensor):
        return Leaf(array_of(operand), None, False)
    leaf = getattr(operand, "_constant", None)
    if leaf is None:
        leaf = operand._constant = Leaf(operand._value, operand, False)
    return leaf


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum over the axes that broadcasting `shape` to `g.shape` stretched; the inverse bookkeeping of `broadcast_to`."""
    extra = g.ndim - len(shape)
    stretched = (extra + i for i, n in enumerate(shape) if n == 1 and g.shape[extra + i] != 1)
    axes = (*range(extra), *stretched)
    if g.dtype is HALF:  # of which NumPy adds many along the first axis up to 2048, and no further
        return g.sum(axis=axes, keepdims=True, dtype=np.float32).astype(HALF).reshape(shape)
    return g.sum(axis=axes, keepdims=True).reshape(shape)


def own(gradient: Any, upstream: Any, alone: bool) -> Any:
    """A gradient that nobody else holds: a rule may hand on what it got, or a view of it, and `.grad` may change.

    `alone`: nobody else holds what it got, so that all of it, also in another shape or order, needs no copy.
    """
    array = gradient._value if isinstance(gradient, Tensor) else gradient
    if gradient is not upstream and array.base is None:
        return gradient
    memory = upstream if getattr(upstream, "base", None) is None else upstream.base
    writeable = getattr(array.flags, "writeable", True)  # CuPy's always are
    whole = (array is memory or array.base is memory) and array.size == memory.size and writeable
    return gradient if alone and whole else copied(gradient)


def copied(gradient: Any) -> Any:
    """A gradient with memory of its own, still in its place in the graph where it has one."""
    copy = gradient.clone() if isinstance(gradient, Tensor) else gradient.copy()
    if watchers and (watch := watching()):
        watch.copied(gradient, copy)
    return copy


def conform(handed: Any, node: Node, index: int) -> Any:
    """The gradient with the shape and dtype of the input it is for: summed over the axes that NumPy stretched."""
    vertex = node.operands[index]
    shape, g = vertex.shape, array_of(handed) if not hasattr(handed, "dtype") else handed
    extra = g.ndim - len(shape)
    if g.dtype.kind != "f" or extra < 0 or any(n not in (1, m) for n, m in zip(shape, g.shape[extra:], strict=True)):
        raise errors.bad_rule(node.op.name, node.op.operand(index), handed, shape)
    if g.shape != shape:
        g = unbroadcast(g, shape)
    if isinstance(vertex.like, np.generic) and is_cupy(g):  # a number on the host that was an operand on a GPU
        g = moved(g, CPU)
    return g if g.dtype == vertex.dtype else g.astype(vertex.dtype)
