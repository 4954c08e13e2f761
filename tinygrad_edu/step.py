"""One line of the chain rule, as the backward pass ran it."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from tinygrad_edu.device import CPU, is_cupy, moved
from tinygrad_edu.graph import Array, Node
from tinygrad_edu.places import Part
from tinygrad_edu.recording import no_grad


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the chain rule as the backward pass ran it: `node` handed something to its input number `index`.

    `upstream` is the gradient of the node's result, `local` the derivative by the input (None where it is no single
    number a place), `handed` what the rule returned, `contribution` that summed back over broadcast axes, and
    `accumulated` the input's gradient so far.
    """

    node: Node
    index: int
    upstream: Array
    local: Array | None
    handed: Array
    contribution: Array
    accumulated: Array

    def __post_init__(self) -> None:
        for field in fields(self)[2:]:  # to be looked at, which is done on the host
            if is_cupy(value := getattr(self, field.name)):
                object.__setattr__(self, field.name, moved(value, CPU))


def local_derivative(node: Node, pull: Callable[..., Any], upstream: Any, kept: tuple[Any, ...]) -> Array | None:
    """The derivative by one input where it is one number a place: what the rule makes of ones.

    Other rules are not asked: it would cost as much as the step itself, and some refuse gradients that are not theirs.
    """
    if not node.op.elementwise and upstream.shape:
        return None
    with np.errstate(all="ignore"), no_grad():
        local = pull(np.ones_like(upstream), kept)
    if isinstance(local, Part):
        local = local.whole()
    if not (node.op.elementwise or np.shape(local) == upstream.shape == ()):
        return None
    return getattr(local, "_value", local)
