"""What the rules of one node have in common, so that it is computed once.

An op has one rule an operand, and the engine calls each by itself. Where they start from the same costly thing, as the
backward sweep through time of a recurrent layer, the first that asks computes it and the others find it.
"""

from collections.abc import Callable
from typing import Any

__all__ = ["Shared"]


class Shared:
    """The last result that a rule of this node asked for, with the gradient `g` that it was computed for.

    An op lists it under `beside`, so every node has one of its own and higher derivatives start with an empty one. A
    gradient is known by being the same object: an op that uses this hands its result to a learner only behind another
    op (`states[1:]`), which makes the gradient anew in every pass.

    >>> import numpy as np
    >>> shared, g = Shared(), np.ones(3)
    >>> total = shared(g, np.sum)
    >>> shared(g, np.sum) is total, shared(np.ones(3), np.sum) is total
    (True, False)
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: tuple[Any, Any] | None = None

    def __call__(self, g: Any, compute: Callable[..., Any], *arguments: Any) -> Any:
        """`compute(g, *arguments)`, from the last time if that was for this very `g`."""
        held = self._held
        if held is None or held[0] is not g:
            self._held = held = g, compute(g, *arguments)
        return held[1]
