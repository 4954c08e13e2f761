"""How gradients get into `.grad`, and what is said where they add up, or are missing, unexpectedly."""

from __future__ import annotations

import sys
from threading import RLock
from typing import Any
from weakref import WeakSet

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.conversion import needs_gradient
from tinygrad_edu.device import is_cupy
from tinygrad_edu.graph import Leaf, Node, Vertex, nodes_above, passes, wrap
from tinygrad_edu.hooks import retains
from tinygrad_edu.lines import inside, warn
from tinygrad_edu.mutation import changes, tick
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.watch import watchers, watching

lock = RLock()  # a finalizer may run a pass inside one
acquire, release = lock.acquire, lock.release  # `with lock:` takes twice the time, and every backward pass does

_told: WeakSet[Node] = WeakSet()
"""Of which computed tensors it was said that they keep no gradient, which is done once."""


def accumulate(found: dict[Any, Any], told: bool) -> None:
    """Add to the `.grad` of every leaf; passes in several threads do so in turn. `told`: say where they add up."""
    added: list[Leaf] = []
    watcher = watchers and watching()
    if watcher:
        for leaf, g in found.items():
            if (tensor := leaf._tensor()) is not None and tensor._origin is leaf:
                watcher.accumulating(leaf, tensor._grad, g)
    now = tick() if passes.counted else 0
    acquire()
    try:
        for leaf, g in found.items():
            tensor = leaf._tensor()
            if tensor is not None and tensor._origin is leaf:
                earlier = tensor._grad
                if earlier is None:
                    tensor._grad = g
                    if watcher:
                        watcher.accumulated(tensor, g)
                    if now:
                        leaf.summed, leaf.last = 1, now
                    if leaf.left is None:
                        leaf.left = True
                    continue
                if type(earlier) is Tensor and earlier._origin is None:
                    earlier = earlier._value
                tensor._grad = earlier + g
                if watcher:
                    watcher.accumulated(tensor, g)
                if now:
                    changed = changes.since(leaf.last, getattr(earlier, "_value", earlier))  # in place, as to zeros
                    leaf.summed, leaf.last = 1 if changed else leaf.summed + 1, now
                if leaf.left and told and _surprises(getattr(earlier, "_value", earlier)):
                    leaf.left = False  # told once
                    added.append(leaf)
        passes.count += 1
    finally:
        release()
    if added:
        warn(errors.accumulated([(leaf.name, leaf.shape) for leaf in added]), errors.AccumulationWarning)


def _surprises(earlier: Any) -> bool:
    """Whether nobody has changed the gradient in place since it was left, as to zeros."""
    return changes.since(0, earlier) is None and (is_cupy(earlier) or bool(np.any(earlier)))


def looked_at(tensor: Tensor) -> Tensor | None:
    """The `.grad`, as the Tensor that nobody has asked for so far; None where there is none, and why, where it is used.

    A step of training need not pay for a Tensor, so the backward pass leaves an array.
    """
    acquire()
    try:
        g = getattr(tensor, "_grad", None)
        if g is not None and not hasattr(g, "grad_fn"):
            tensor._grad = g = wrap(g, None)
    finally:
        release()
    if watchers and (watch := watching()):
        watch.asked(tensor, g)
    if g is None and tensor._origin is not None:
        _explain(tensor._origin)
    return g


def _explain(vertex: Vertex) -> None:
    """Say why there is no gradient, once a tensor, where backward has run and the learner's line computes with it."""
    frame = sys._getframe(3)
    if inside[frame.f_code.co_filename]:
        return
    if isinstance(vertex, Leaf):
        if vertex.left is None and passes.count > vertex.passes and needs_gradient(frame):
            vertex.left = False  # told once
            warn(errors.not_reached(vertex.name), errors.MissingGradientWarning)
        return
    assert isinstance(vertex, Node)
    ran = vertex.kept is None or any(
        getattr(v, "left", None) is not None for n in nodes_above([vertex]) for v in n.inputs
    )
    if ran and vertex not in _told and not retains(vertex) and needs_gradient(frame):
        _told.add(vertex)
        warn(errors.not_retained(vertex.name), errors.MissingGradientWarning)
