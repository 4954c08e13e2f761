"""Numbers as a reader wants them: six digits of a number, all of a short array, a summary of a long one."""

from typing import Any

import numpy as np

MOST = 6
"""Arrays of more numbers than this are summarised."""


def short(number: Any) -> str:
    """At most six significant digits.

    >>> short(0.1 + 0.2), short(-3.0), short(1e-9), short(np.bool_(True))
    ('0.3', '-3', '1e-09', 'True')
    """
    return str(bool(number)) if isinstance(number, bool | np.bool_) else f"{number + 0.0:.6g}"  # + 0.0: no -0


def shown(value: Any | None, shape: tuple[int, ...] = ()) -> str:
    """A value of any shape in one line; `shape` is all that is said of one that is gone (None).

    >>> shown(np.array([[1, 2], [3, 4]])), shown(np.arange(10.0)), shown(None, (64, 10))
    ('[[1, 2], [3, 4]]', 'shape (10,), min 0, mean 4.5, max 9', 'shape (64, 10), not kept')
    """
    if value is None:
        return f"shape {shape}, not kept"
    return brief(value) if 0 < np.size(value) <= MOST else f"shape {np.shape(value)}, {brief(value)}"


def brief(value: Any) -> str:
    """A value of which the shape is known.

    >>> brief(np.arange(10.0))
    'min 0, mean 4.5, max 9'
    """
    if np.size(value) == 0:
        return "empty"
    return _nested(np.asarray(value).tolist()) if np.size(value) <= MOST else _summary(value)


def _nested(value: Any) -> str:
    return f"[{', '.join(map(_nested, value))}]" if isinstance(value, list) else short(value)


def _summary(value: Any) -> str:
    with np.errstate(all="ignore"):  # an array with inf has no mean, and the picture says nan
        figures = {"min": np.min(value), "mean": np.mean(value), "max": np.max(value)}
    return ", ".join(f"{name} {short(figure)}" for name, figure in figures.items())
