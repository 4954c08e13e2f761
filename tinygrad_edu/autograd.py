"""Reverse mode: visit the nodes that the root reaches, newest first, and sum what arrives.

Every input is older than its node, so birth order is a topological order: when a node's turn comes, everything that
used its result has already added to its gradient. A heap of birth numbers keeps that order; nothing recurses.
"""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.graph import Node, Vertex, conform, copied, nodes_above, own, wrap
from tinygrad_edu.hooks import run_hooks
from tinygrad_edu.mutation import changes
from tinygrad_edu.op import Op
from tinygrad_edu.places import Part, Parts, gathered
from tinygrad_edu.plan import pull_carefully
from tinygrad_edu.recording import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from tinygrad_edu.step import Step, local_derivative
from tinygrad_edu.tensor import Tensor

float64, ndarray = np.float64, np.ndarray
ONES = {kind: kind(1) for kind in (np.float64, np.float32)}

__all__ = [
    "Op",
    "Step",
    "ancestors",
    "backward",
    "enable_grad",
    "grad",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]


def ancestors(*roots: Tensor) -> list[Node]:
    """The nodes that the roots reach, newest first: the order in which backward visits them.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> [node.op.name for node in ancestors(x * x + 1)]
    ['add', 'multiply']
    """
    return nodes_above(root.grad_fn for root in roots)


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    observe: Callable[[Step], None] | None = None,
) -> None:
    """Add the gradient of `tensors` to the `.grad` of every leaf that they reach.

    `grad_tensors`, of the tensors' shapes, weigh them (vector-Jacobian product); a single number needs none.
    `retain_graph` keeps what the graph holds for another pass; `create_graph` records the backward pass itself, for
    higher derivatives. `observe` is called with every `Step` as it happens. Raises `NonScalarBackwardError`,
    `NoGradientPathError`, `FreedGraphError`, `MutationError`, and then leaves every `.grad` as it was.
    After https://docs.pytorch.org/docs/stable/generated/torch.autograd.backward.html
    """
    if create_graph and not is_grad_enabled():
        with enable_grad():
            backward(tensors, grad_tensors, retain_graph, True, observe)
        return
    retain = create_graph if retain_graph is None else retain_graph
    for leaf, g in _propagate(_seed(tensors, grad_tensors, create_graph), retain, create_graph, None, observe).items():
        tensor = leaf._tensor()
        if tensor is not None and tensor._origin is leaf:
            earlier = tensor._grad
            if type(earlier) is Tensor and earlier._origin is None:
                earlier = earlier._value
            tensor._grad = g if earlier is None else earlier + g


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of `outputs` by each of `inputs`, returned rather than added to `.grad`; only they are computed.

    Raises `NoGradientPathError` for an input that the outputs do not depend on, or gives None with `allow_unused`.
    After https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html

    >>> x = Tensor(3.0, requires_grad=True)
    >>> (slope,) = grad(x * x, x, create_graph=True)
    >>> slope.item(), grad(slope, x)[0].item()
    (6.0, 2.0)
    """
    if create_graph and not is_grad_enabled():
        with enable_grad():
            return grad(outputs, inputs, grad_outputs, retain_graph, True, allow_unused)
    targets = _listed(inputs)
    wanted: dict[Vertex, bool] = {}
    for i, target in enumerate(targets):
        if target._origin is None:
            raise errors.no_gradient_path(f"input {i}", target.name)
        wanted[target._origin] = True
    seeds = _seed(outputs, grad_outputs, create_graph)
    reached = set(seeds)
    for node in reversed(nodes_above(seeds)):  # oldest first: does a path lead from here to a target?
        reached.update((node, *node.inputs))
        if any(vertex in wanted for vertex in node.inputs):
            wanted.setdefault(node, False)
    for i, target in enumerate(targets):
        if target._origin not in reached and not allow_unused:
            raise errors.unused_input(i, target.name)
    retain = create_graph if retain_graph is None else retain_graph
    found = _propagate({v: g for v, g in seeds.items() if v in wanted}, retain, create_graph, wanted)
    wrapped = {v: wrap(g, None) if not isinstance(g, Tensor) else g for v, g in found.items()}
    return tuple(wrapped.get(target._origin) for target in targets)


def _listed(tensors: Any) -> list[Tensor]:
    listed = [tensors] if isinstance(tensors, Tensor) else list(tensors) if isinstance(tensors, Sequence) else [tensors]
    if wrong := [t for t in listed if not isinstance(t, Tensor)]:
        raise TypeError(f"gradients are of Tensors and by Tensors, not of or by {type(wrong[0]).__name__}")
    return listed


def _seed(tensors: Any, gradients: Any, create_graph: bool) -> dict[Any, Any]:
    """The roots, each with the gradient it starts from: 1 for a single number, else what the caller gave."""
    if isinstance(tensors, Tensor) and isinstance(tensors._origin, Node) and not create_graph:  # the usual cases
        value, given = tensors._value, gradients
        if given is None and type(value) in ONES:
            return {tensors._origin: ONES[type(value)]}
        if type(given) is ndarray and (given.shape, given.dtype) == (value.shape, value.dtype):
            return {tensors._origin: given}  # only read, so it is not copied
    roots = _listed(tensors)
    listed = isinstance(gradients, list | tuple) and (len(roots) > 1 or any(hasattr(g, "ndim") for g in gradients))
    given = [None] * len(roots) if gradients is None else list(gradients) if listed else [gradients]
    if len(given) != len(roots):
        raise ValueError(f"{len(roots)} tensors need as many gradients, or none; {len(given)} were given")
    seeds: dict[Vertex, Any] = {}
    for root, g in zip(roots, given, strict=True):
        vertex, value = root._origin, root._value
        if vertex is None:
            raise errors.no_gradient_path("the result", root.name)
        if g is None:
            if value.size != 1:
                raise errors.non_scalar_backward(value.shape, root.name)
            g = np.ones_like(value)
        else:
            g = (
                wrap(g, None)
                if type(g) is ndarray and g.dtype == value.dtype
                else g
                if isinstance(g, Tensor)
                else Tensor(g)
            )
            g = g if g.dtype == value.dtype else g.astype(value.dtype)
            if g.shape != value.shape:
                raise errors.gradient_shape(g.shape, value.shape, root.name)
        if create_graph != isinstance(g, Tensor):
            g = wrap(g, None) if create_graph else g._value
        g = g if type(vertex) is Node else copied(g)
        seeds[vertex] = seeds[vertex] + g if vertex in seeds else g
    return seeds


def _propagate(
    pending: dict[Any, Any],
    retain_graph: bool,
    create_graph: bool,
    wanted: dict[Vertex, bool] | None = None,
    observe: Callable[[Step], None] | None = None,
) -> dict[Any, Any]:
    """The backward pass: from the gradients of the roots to those of the leaves, or of what is True in `wanted`.

    `pending` holds what has arrived so far at every vertex that has not had its turn.
    """
    heap: list[tuple[int, Node]] = []
    for vertex in pending:
        if type(vertex) is Node:
            heappush(heap, (-vertex.index, vertex))
    changed, found = changes.latest, {}
    careful: tuple[Any, ...] | set[Any] = ()  # vertices that a gradient reached through a `where`
    shared = set(pending) if observe is None and not create_graph else None  # whose gradient others may hold
    while heap:
        node = heappop(heap)[1]
        g = pending.pop(node)
        if type(g) is Part or type(g) is Parts:
            g = g.whole()
        if node.hooks:
            g = run_hooks(node, g, create_graph)
        if wanted is not None and wanted[node]:
            found[node] = copied(g)
        plan, kept = node.plan, node.kept
        if kept is None:
            raise errors.freed_graph(plan.op.name, node.name)
        if node.index < changed:
            node.check_unchanged()
        if create_graph:
            kept = node.kept_tensors()
        if not retain_graph:
            node.kept = None
        masked = (plan.masks and plan.masking(kept)) or (careful and node in careful)
        if masked:
            careful = {*careful, *node.operands}
        for index, pull in plan.pulls:
            vertex = node.operands[index]
            if wanted is not None and vertex not in wanted:
                continue
            handed = contribution = pull(g, kept) if not masked else pull_carefully(pull, g, kept)
            kind, like = type(handed), vertex.like
            if kind is Part and observe is None:
                held = pending.get(vertex)
                if held is None and type(vertex) is Node:
                    heappush(heap, (-vertex.index, vertex))
                pending[vertex] = handed if held is None else gathered(held, handed)
                continue
            if kind is Part:
                handed = contribution = handed.whole()
                kind = type(handed)
            if kind is not float64 or type(like) is not float64:  # a number for a number fits
                shape, dtype = like if type(like) is tuple else (like.shape, like.dtype)
                if kind is not ndarray or handed.shape != shape or handed.dtype is not dtype:
                    contribution = conform(handed, node, index)
            if vertex in pending:
                pending[vertex] = pending[vertex] + contribution
            elif type(vertex) is Node:
                pending[vertex] = contribution
                heappush(heap, (-vertex.index, vertex))
                passed_on = kind is ndarray and (contribution is g or contribution.base is not None)
                if passed_on and shared is not None and not _alone(node, shared):
                    shared.add(vertex)
            else:
                fresh = kind is ndarray and contribution is not g and contribution.base is None
                pending[vertex] = (
                    contribution if kind is float64 or fresh else own(contribution, g, _alone(node, shared))
                )
            if observe is not None:
                local = local_derivative(node, pull, g, kept)
                observe(Step(node, index, g, local, handed, contribution, copied(pending[vertex])))
    for leaf, g in pending.items():
        if type(g) is Part or type(g) is Parts:
            pending[leaf] = g.whole()
        if leaf.hooks:
            pending[leaf] = run_hooks(leaf, pending[leaf], create_graph)
    return pending if wanted is None else pending | found


def _alone(node: Node, shared: set[Any] | None) -> bool:
    """Whether nobody but its only rule has the gradient of the node."""
    return shared is not None and len(node.plan.pulls) == 1 and node not in shared
