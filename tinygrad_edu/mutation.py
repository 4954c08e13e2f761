"""Which memory was changed in place, and when: how a value changed after the graph kept it is found out.

The engine's clock numbers every node at birth and every in-place change. A node older than the last change of the
memory that it kept would compute with the wrong value, so backward refuses it. Nothing is paid when an op is
recorded, and one integer comparison a node in backward.
"""

import itertools
import weakref
from typing import Any

import numpy as np

tick = itertools.count(1).__next__
"""The engine's clock: the next birth or change number (atomic, so threads may share it)."""


def owner(array: Any) -> Any:
    """The array that owns the memory `array` looks at: views of one array share it."""
    while isinstance(getattr(array, "base", None), type(array)):
        array = array.base
    return array


class Changes:
    """The time of the last in-place change of every array that the engine changed and that is still alive."""

    def __init__(self) -> None:
        self.latest = 0
        self._times: dict[int, tuple[int, weakref.ref[Any]]] = {}

    def note(self, array: Any) -> None:
        """Remember that the memory of `array` was changed now."""
        memory = owner(array)
        key = id(memory)

        def forget(_: Any, times: dict[int, tuple[int, weakref.ref[Any]]] = self._times) -> None:
            times.pop(key, None)

        self.latest = tick()
        known = self._times.get(key)
        self._times[key] = (self.latest, known[1] if known else weakref.ref(memory, forget))

    def since(self, index: int, value: Any) -> bool:
        """Whether the memory of `value` was changed after the clock showed `index`."""
        if isinstance(value, tuple):
            return any(self.since(index, item) for item in value)
        if isinstance(value, np.generic) or not hasattr(value, "base"):
            return False  # a NumPy scalar or a number: nobody can change it in place
        time, _ = self._times.get(id(owner(value)), (0, None))
        return time > index


changes = Changes()
