"""Functions that look at a gradient, or replace it, when all of it has arrived."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.graph import Vertex, array_of, copied, wrap
from tinygrad_edu.recording import set_grad_enabled
from tinygrad_edu.watch import switched, watching

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


class Handle:
    """What `register_hook` returns: `remove()` takes the hook away again."""

    def __init__(self, hooks: list[Any], hook: Any) -> None:
        self._hooks, self._hook = hooks, hook

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        switched.count += 1
        self._hooks[:] = [hook for hook in self._hooks if hook is not self._hook]


def add_hook(tensor: Tensor, hook: Callable[[Tensor], Any]) -> Handle:
    """Have `hook` called with the gradient of `tensor`."""
    if tensor._origin is None:
        raise errors.no_gradient_path("a tensor given a hook", tensor.name)
    hooks = tensor._origin.hooks = tensor._origin.hooks or []
    hooks.append(hook)
    switched.count += 1
    return Handle(hooks, hook)


class Retainer:
    """The hook of `retain_grad`: runs after the pass. Weak, because the node that holds it is held by the tensor."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = weakref.ref(tensor)

    def __call__(self, g: Tensor) -> None:
        """Add `g`, which is its own, to the tensor's `.grad`."""
        tensor = self.tensor()
        if tensor is not None:
            tensor.grad = g if tensor.grad is None else tensor.grad + g


def retain(tensor: Tensor) -> None:
    """Have the gradient of a computed tensor kept; once is enough."""
    if not _retainers(tensor, tensor._origin):
        add_hook(tensor, Retainer(tensor))


def moved_retainers(tensor: Tensor, old: Vertex | None) -> None:
    """After an in-place change the tensor is another result: what kept its gradient moves there."""
    if old is not None and (kept := _retainers(tensor, old)):
        old.hooks = [hook for hook in old.hooks or () if hook not in kept]
        retain(tensor)


def _retainers(tensor: Tensor, vertex: Vertex | None) -> list[Retainer]:
    hooks = (vertex.hooks if vertex is not None else None) or ()
    return [hook for hook in hooks if isinstance(hook, Retainer) and hook.tensor() is tensor]


def retains(vertex: Vertex) -> bool:
    """Whether the gradient of a computed tensor is kept in its `.grad`."""
    return any(isinstance(hook, Retainer) for hook in vertex.hooks or ())


def run_hooks(vertex: Vertex, g: Any, create_graph: bool, retained: list[Any]) -> Any:
    """The gradient after all hooks of the vertex. What they get, and return, they may keep or change.

    Those of `retain_grad` come last and only when the pass has ended well: they go to `retained`, with the gradient.
    """
    before, g = g, copied(g)
    tensor = g if hasattr(g, "grad_fn") else wrap(g, None)
    with set_grad_enabled(create_graph):
        for hook in tuple(vertex.hooks or ()):
            if isinstance(hook, Retainer):
                continue
            answer = hook(tensor)
            if answer is not None:
                if np.shape(answer) != vertex.shape:
                    raise errors.gradient_shape(np.shape(answer), vertex.shape, vertex.name)
                tensor = answer if hasattr(answer, "grad_fn") else wrap(array_of(answer)[()], None)
                tensor = tensor if tensor.dtype == vertex.dtype else tensor.astype(vertex.dtype)
        if watcher := watching():
            watcher.hooked(vertex, before, tensor)
        retained += [(hook, copied(tensor)) for hook in vertex.hooks or () if isinstance(hook, Retainer)]
        return copied(tensor if create_graph else tensor._value)
