"""Forward mode, from the same rules: a tangent for every node, oldest first.

A rule is linear in `g`: it multiplies by the transposed Jacobian of its op. Where the op works number by number, the
Jacobian is diagonal and is its own transpose, so the rule takes the tangent as it stands. Elsewhere the rule is
recorded as a function of `g` and run backward once, which is its transpose.
"""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

import numpy as np

from tinygrad_edu import autograd, errors
from tinygrad_edu.device import library_of
from tinygrad_edu.graph import Leaf, Node, Vertex, array_of, nodes_above, wrap
from tinygrad_edu.kept import check_unchanged
from tinygrad_edu.mutation import changes
from tinygrad_edu.recording import enable_grad
from tinygrad_edu.tensor import Tensor


def push_forward(roots: Iterable[Vertex | None], tangents: dict[Vertex, Any], create_graph: bool) -> dict[Vertex, Any]:
    """The tangent of every vertex between those given and the roots; `create_graph` records the pass itself."""
    nodes, tangents = nodes_above(roots), dict(tangents)
    masked = any(node.plan.masks and node.plan.masking(node.kept or ()) for node in nodes if node.kept is not None)
    with np.errstate(all="ignore") if masked else nullcontext():
        for node in reversed(nodes):
            parts = [(i, pull) for i, pull in node.plan.pulls if node.operands[i] in tangents]
            if not parts or node in tangents:
                continue
            if node.kept is None:
                raise errors.freed_graph(node.op.name, node.name)
            if node.index < changes.latest:
                check_unchanged(node)
            kept = node.kept_tensors() if create_graph else node.kept
            for i, pull in parts:
                part = _pushed(node, pull, tangents[node.operands[i]], kept, create_graph)
                if part is not None:
                    tangents[node] = tangents[node] + part if node in tangents else part
    return tangents


def _pushed(node: Node, pull: Callable[..., Any], tangent: Any, kept: tuple[Any, ...], create_graph: bool) -> Any:
    """What the tangent of one operand adds to that of the node, of the node's shape and dtype; None for nothing."""
    if node.op.elementwise:
        pushed = pull(_stretched(tangent, node.shape), kept)
    else:
        zeros = library_of(tangent).zeros(node.shape, node.dtype)[()]
        g = wrap(zeros, Leaf(zeros, None, True))
        with enable_grad():
            handed = pull(g, kept)
        if not isinstance(handed, Tensor) or not handed.requires_grad:
            if np.any(array_of(pull(np.ones_like(zeros), node.kept or ()))):
                raise errors.rule_without_ops(node.op.name)
            return None
        (pushed,) = autograd.grad(
            handed, g, _stretched(tangent, handed.shape), create_graph=create_graph, allow_unused=True
        )
        if pushed is None:
            return None
    if not create_graph and isinstance(pushed, Tensor):
        pushed = pushed._value
    if pushed.shape != node.shape:
        pushed = _stretched(pushed, node.shape)
    return pushed if pushed.dtype == node.dtype else pushed.astype(node.dtype)


def _stretched(tangent: Any, shape: tuple[int, ...]) -> Any:
    return tangent if np.shape(tangent) == shape else np.broadcast_to(tangent, shape)
