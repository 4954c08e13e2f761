"""Which memory was changed in place, when and by which line: how a value changed after the graph kept it is found out.

The engine's clock numbers every node at birth and every in-place change. A node older than the last change of the
memory that it kept would compute with the wrong value, so backward refuses it. Nothing is paid when an op is
recorded, and one integer comparison a node in backward.
"""

import itertools
import sys
import weakref
from collections.abc import Iterator
from functools import partial
from operator import itemgetter
from types import CodeType
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import byte_bounds

from tinygrad_edu.lines import inside, learners_frame
from tinygrad_edu.watch import watchers, watching

tick = itertools.count(1).__next__
"""The engine's clock: the next birth or change number (atomic, so threads may share it)."""


def owner(array: Any) -> Any:
    """The array that owns the memory `array` looks at: NumPy's views of one array share it."""
    while isinstance(array.base, np.ndarray) or (array.base is not None and type(array.base) is type(array)):
        array = array.base
    return array


class Change(NamedTuple):
    """An in-place change: its time, and the learner's line as `lines.told` takes it."""

    time: int
    code: CodeType | None
    instruction: int


NEVER = (0, None, 0)

FOREIGN = 256
"""So many stretches of memory that NumPy does not own are remembered as changed."""


class Changes:
    """The last in-place change of every array that the engine changed and that is still alive."""

    def __init__(self) -> None:
        self.latest = 0
        self._last: dict[int, tuple[int, CodeType | None, int]] = {}  # by the identity of the owner, while it lives
        self._owners: dict[int, weakref.ref[Any]] = {}
        # Those that look at memory of something else, as windows and after `np.from_dlpack`, which may live longer: by
        # addresses. What comes to lie there later is younger than the change.
        self._foreign: dict[tuple[int, int], tuple[int, CodeType | None, int]] = {}

    def note(self, *arrays: Any) -> None:
        """Remember that the memory of the arrays was changed now, by the learner's line that is running."""
        if watchers and (watcher := watching()):
            watcher.noted()
        frame = sys._getframe(2)  # who called the operator
        code = frame.f_code
        self.latest = now = tick()
        change: tuple[int, CodeType | None, int]
        if not inside[code.co_filename]:
            change = now, code, frame.f_lasti
        elif further := learners_frame(frame):
            change = now, further.f_code, further.f_lasti
        else:
            change = now, None, 0
        for array in arrays:
            memory = array if array.base is None else owner(array)
            key = id(memory)
            if key not in self._owners:
                self._owners[key] = weakref.ref(memory, partial(self._forget, key))
            self._last[key] = change
            if memory.base is not None and isinstance(memory, np.ndarray):
                self._foreign[byte_bounds(memory)] = change
                if len(self._foreign) > FOREIGN:
                    del self._foreign[next(iter(self._foreign))]

    def unseen(self) -> None:
        """From now on the nodes so far are looked at: they know a fingerprint of what they keep."""
        self.latest = tick()

    def _forget(self, key: int, _: object) -> None:
        del self._last[key], self._owners[key]

    def since(self, index: int, value: Any) -> Change | None:
        """The last change of the memory of `value`, if it was after the clock showed `index`."""
        if isinstance(value, tuple | list):
            return next((found for item in value if (found := self.since(index, item))), None)
        if isinstance(value, np.generic) or not hasattr(value, "base"):
            return None  # a NumPy scalar or a number: nobody can change it in place
        memory = owner(value)
        last = self._last.get(id(memory))
        if (memory.base is not None or self._foreign) and isinstance(memory, np.ndarray):
            last = max([*self._overlapping(memory), last or NEVER], key=itemgetter(0))
        return Change(*last) if last is not None and last[0] > index else None

    def _overlapping(self, memory: Any) -> Iterator[tuple[int, CodeType | None, int]]:
        """The changes of other arrays on the same memory, where they do not know of each other."""
        first, end = byte_bounds(memory)
        yield from (change for (start, stop), change in tuple(self._foreign.items()) if start < end and first < stop)
        for key, ref in tuple(self._owners.items()) if memory.base is not None else ():
            if isinstance(array := ref(), np.ndarray) and np.may_share_memory(array, memory):
                yield self._last[key]


changes = Changes()
