"""Which line of the learner's program is running: the nearest one outside this package, NumPy and Python's library."""

import linecache
import os
import sys
import warnings
from itertools import islice
from types import CodeType, FrameType

import numpy as np

PACKAGE = os.path.dirname(os.path.abspath(__file__))
OURS = tuple(path + os.sep for path in (PACKAGE, os.path.join(os.path.dirname(PACKAGE), "viz")))
OURS += ("<rules in ", "<apply in ")  # see plan.py and fast.py
LIBRARIES = (os.path.dirname(np.__file__) + os.sep, os.path.dirname(os.__file__) + os.sep, "<frozen ")
INSTALLED = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))


class _Inside(dict[str, bool]):
    """Whether a file belongs to this package, to NumPy or to Python: found out once for each name."""

    def __missing__(self, filename: str) -> bool:
        other = any(folder in filename for folder in INSTALLED) and not filename.startswith(LIBRARIES[0])
        inside = filename.startswith(OURS) or (filename.startswith(LIBRARIES) and not other)
        self[filename] = inside
        return inside


inside = _Inside()


def learners_frame(frame: FrameType | None) -> FrameType | None:
    """The frame itself or the nearest caller that is the learner's; None where no such line is running."""
    while frame is not None and inside[frame.f_code.co_filename]:
        frame = frame.f_back
    return frame


def here() -> str:
    """The learner's line that is running, as `told` says it."""
    frame = learners_frame(sys._getframe(1))
    return "" if frame is None else told(frame.f_code, frame.f_lasti)


def told(code: CodeType, instruction: int) -> str:
    """A line as "train.py:12: y = np.log(x)"; without its text where the source is not to be had.

    Code and instruction say which, and hold no frame, so that remembering a line keeps no variables alive.
    """
    number = next(islice(code.co_positions(), instruction // 2, None), (None,))[0] or code.co_firstlineno
    name, text = code.co_filename, linecache.getline(code.co_filename, number).strip()
    here = os.getcwd() + os.sep
    return f"{name.removeprefix(here)}:{number}" + (f": {text}" if text else "")


def warn(message: str, category: type[Warning]) -> None:
    """Warn, pointing at the learner's line."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and inside[frame.f_code.co_filename]:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
