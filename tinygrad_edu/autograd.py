"""Reverse mode: visit the nodes that the root reaches, newest first, and sum what arrives.

Every input is older than its node, so birth order is a topological order: when a node's turn comes, everything that
used its result has already added to its gradient. A heap of birth numbers keeps that order; nothing recurses.
"""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.accumulation import accumulate
from tinygrad_edu.anomaly import detect_anomaly
from tinygrad_edu.function import Function, Variable
from tinygrad_edu.graph import Node, Vertex, conform, copied, nodes_above, own, wrap
from tinygrad_edu.guard import read_only
from tinygrad_edu.hooks import run_hooks
from tinygrad_edu.kept import check_unchanged
from tinygrad_edu.mutation import changes
from tinygrad_edu.op import Op
from tinygrad_edu.places import Part, Parts, gathered
from tinygrad_edu.plan import pull_carefully
from tinygrad_edu.recording import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from tinygrad_edu.seed import listed, seeded
from tinygrad_edu.step import Step, local_derivative
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.watch import watchers, watching

float64, ndarray = np.float64, np.ndarray

__all__ = [
    "Function",
    "Op",
    "Step",
    "Variable",
    "ancestors",
    "backward",
    "detect_anomaly",
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
    `NoGradientPathError`, `FreedGraphError`, `MutationError`, inside `detect_anomaly` also `AnomalyError`, and then
    leaves every `.grad` as it was; warns (`AccumulationWarning`) where it adds to what an earlier pass left.
    After https://docs.pytorch.org/docs/stable/generated/torch.autograd.backward.html
    """
    if create_graph and not is_grad_enabled():
        with enable_grad():
            backward(tensors, grad_tensors, retain_graph, True, observe)
        return
    retain = create_graph if retain_graph is None else retain_graph
    found = _propagate(seeded(tensors, grad_tensors, create_graph), retain, create_graph, None, observe)
    accumulate(found, observe is None)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,  # noqa: ARG001 - it is
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
            return grad(outputs, inputs, grad_outputs, retain_graph, True, True, allow_unused)
    targets = listed(inputs)
    wanted: dict[Vertex, bool] = {}
    for i, target in enumerate(targets):
        if target._origin is None:
            raise errors.no_gradient_path(f"input {i}", target.name)
        wanted[target._origin] = True
    seeds = seeded(outputs, grad_outputs, create_graph)
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
    unfinished = False  # whether a leaf has hooks, or parts to add up
    for vertex in pending:
        if type(vertex) is Node:
            heappush(heap, (-vertex.index, vertex))
        else:  # a leaf
            unfinished = True
    changed, found, watcher = changes.latest, {}, watchers and watching()
    looked_at = observe is not None or bool(watcher)
    retained: list[tuple[Callable[[Any], None], Any]] = []
    careful: tuple[Any, ...] | set[Any] = ()  # vertices that a gradient reached through a `where`
    shared = {*pending} if observe is None and not create_graph else None  # whose gradient others may hold
    while heap:
        node = heappop(heap)[1]
        g = pending.pop(node)
        kind = type(g)
        if kind is Part or kind is Parts:
            g = g.whole()
        if node.hooks:
            g = run_hooks(node, g, create_graph, retained)
            changed = changes.latest  # a hook may change what is kept
        if wanted is not None and wanted[node]:
            found[node] = copied(g)
        plan, kept, operands = node.plan, node.kept, node.operands
        if kept is None:
            raise errors.freed_graph(plan.op.name, node.name)
        if node.index < changed:
            check_unchanged(node)
        if create_graph:
            kept = node.kept_tensors()
        if not retain_graph:
            node.kept = None
        masked = (plan.masks and plan.masking(kept)) or (careful and node in careful)
        if masked:
            careful = {*careful, *operands}
        for index, pull in plan.pulls:
            vertex = operands[index]
            if wanted is not None and vertex not in wanted:
                continue
            handed = contribution = pull(g, kept) if not masked else pull_carefully(pull, g, kept)
            kind, like = type(handed), vertex.like
            if part := kind is Part:
                if not looked_at:
                    held = pending.get(vertex)
                    if held is None and type(vertex) is Node:
                        heappush(heap, (-vertex.index, vertex))
                    pending[vertex] = handed if held is None else gathered(held, handed)
                    unfinished = True
                    continue
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
                passed_on = shared and kind is not float64 and (contribution is g or contribution.base is not None)
                if passed_on and shared is not None and not _alone(node, shared):
                    shared.add(vertex)
            else:
                if kind is not float64 and (kind is not ndarray or contribution is g or contribution.base is not None):
                    contribution = own(contribution, g, _alone(node, shared))
                pending[vertex] = contribution
                if vertex.hooks:
                    unfinished = True
            if looked_at:
                if watcher:
                    watcher.handed(node, index, g, kept, handed, part, masked)
                    watcher.arrived(vertex, handed, contribution, pending[vertex])
                if observe is not None:
                    local = local_derivative(node, pull, g, kept)
                    seen = read_only((g, local, handed, contribution, copied(pending[vertex])))
                    observe(Step(node, index, *seen))
    for leaf, g in pending.items() if unfinished else ():
        if type(g) is Part or type(g) is Parts:
            pending[leaf] = g.whole()
        if leaf.hooks:
            pending[leaf] = run_hooks(leaf, pending[leaf], create_graph, retained)
    for retain, g in retained:  # last, because an error leaves every `.grad` as it was
        retain(g)
    return pending if wanted is None else pending | found


def _alone(node: Node, shared: set[Any] | None) -> bool:
    """Whether nobody but its only rule has the gradient of the node."""
    return shared is not None and len(node.plan.pulls) == 1 and node not in shared


from tinygrad_edu import functional  # noqa: E402, F401 - built on this file; PyTorch has it here
from tinygrad_edu.checks import gradcheck, gradgradcheck, set_detect_anomaly  # noqa: E402, F401 - the same
