"""Functions that look at a gradient, or replace it, when all of it has arrived."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.graph import Vertex, own, wrap
from tinygrad_edu.recording import set_grad_enabled

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


class Handle:
    """What `register_hook` returns: `remove()` takes the hook away again."""

    def __init__(self, hooks: list[Any], hook: Any) -> None:
        self._hooks, self._hook = hooks, hook

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        self._hooks[:] = [hook for hook in self._hooks if hook is not self._hook]


def add_hook(tensor: Tensor, hook: Callable[[Tensor], Any]) -> Handle:
    """Have `hook` called with the gradient of `tensor`."""
    if tensor._origin is None:
        raise errors.no_gradient_path("a tensor given a hook", tensor.name)
    hooks = tensor._origin.hooks = tensor._origin.hooks or []
    hooks.append(hook)
    return Handle(hooks, hook)


def run_hooks(vertex: Vertex, g: Any, create_graph: bool) -> Any:
    tensor = g if hasattr(g, "grad_fn") else wrap(g, None)
    with set_grad_enabled(create_graph):
        for hook in tuple(vertex.hooks or ()):
            answer = hook(tensor)
            if answer is not None:
                if np.shape(answer) != vertex.shape:
                    raise errors.gradient_shape(np.shape(answer), vertex.shape, vertex.name)
                tensor = answer if hasattr(answer, "grad_fn") else wrap(np.asarray(answer, dtype=vertex.dtype), None)
    return tensor if create_graph else tensor._value


def retainer(tensor: Tensor) -> Callable[[Tensor], None]:
    """The hook of `retain_grad`; weak, because the node that holds it is held by the tensor."""
    weak = weakref.ref(tensor)

    def retain(g: Tensor) -> None:
        if (tensor := weak()) is not None:
            tensor.grad = own(g, g) if tensor.grad is None else tensor.grad + g

    return retain
