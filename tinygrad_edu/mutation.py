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
    """The array that owns the memory `array` looks at: NumPy's views of one array share it."""
    while isinstance(array.base, np.ndarray) or (array.base is not None and type(array.base) is type(array)):
        array = array.base
    return array


class Changes:
    """The time of the last in-place change of every array that the engine changed and that is still alive."""

    def __init__(self) -> None:
        self.latest = 0
        self._times: dict[int, int] = {}  # by the identity of the array that owns the memory, while it lives

    def note(self, array: Any) -> None:
        """Remember that the memory of `array` was changed now."""
        memory = array if array.base is None else owner(array)
        key, self.latest = id(memory), tick()
        if key not in self._times:
            weakref.finalize(memory, self._times.pop, key, None).atexit = False
        self._times[key] = self.latest

    def since(self, index: int, value: Any) -> bool:
        """Whether the memory of `value` was changed after the clock showed `index`."""
        if isinstance(value, tuple):
            return any(self.since(index, item) for item in value)
        if isinstance(value, np.generic) or not hasattr(value, "base"):
            return False  # a NumPy scalar or a number: nobody can change it in place
        return self._times.get(id(owner(value)), 0) > index


changes = Changes()
