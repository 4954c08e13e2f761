"""Where a backward pass starts: the roots, and the gradient of each."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.graph import Node, Vertex, copied, wrap
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.watch import watchers, watching

ONES = {kind: kind(1) for kind in (np.float64, np.float32)}


def listed(tensors: Any) -> list[Tensor]:
    """The Tensors, one or several, as a list; TypeError for anything else."""
    every = [tensors] if isinstance(tensors, Tensor) else list(tensors) if isinstance(tensors, Sequence) else [tensors]
    if wrong := [t for t in every if not isinstance(t, Tensor)]:
        raise TypeError(f"gradients are of Tensors and by Tensors, not of or by {type(wrong[0]).__name__}")
    return every


def seeded(tensors: Any, gradients: Any, create_graph: bool) -> dict[Any, Any]:
    """The roots, each with the gradient it starts from: 1 for a single number, else what the caller gave."""
    watch = watchers and watching()
    if watch:
        watch.started(listed(tensors))
    elif type(tensors) is Tensor and not create_graph and type(tensors._origin) is Node:  # the usual cases
        value, given = tensors._value, gradients
        if given is None:
            one = ONES.get(type(value))
            if one is not None:
                return {tensors._origin: one}
        elif type(given) is type(value) is np.ndarray and (given.shape, given.dtype) == (value.shape, value.dtype):
            return {tensors._origin: given}  # only read, so it is not copied
    roots = listed(tensors)
    several = isinstance(gradients, list | tuple) and (len(roots) > 1 or any(hasattr(g, "ndim") for g in gradients))
    given = [None] * len(roots) if gradients is None else list(gradients) if several else [gradients]
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
            g = ONES.get(type(value))
            g = np.ones_like(value) if g is None else g
        else:
            g = (
                wrap(g, None)
                if type(g) is np.ndarray and g.dtype == value.dtype
                else g
                if isinstance(g, Tensor)
                else Tensor(g)
            )
            g = g if g.dtype == value.dtype else g.astype(value.dtype)
            if g.shape != value.shape:
                raise errors.gradient_shape(g.shape, value.shape, root.name)
            if g.device != root.device:
                raise errors.gradient_elsewhere(g, root)
        if create_graph != isinstance(g, Tensor):
            g = wrap(g, None) if create_graph else g._value
        g = g if type(vertex) is Node else copied(g)
        seeds[vertex] = seeds[vertex] + g if vertex in seeds else g
    if watch:
        watch.seeded(seeds)
    return seeds
