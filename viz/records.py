"""Arrays as plain dicts, lists, strings and numbers, of which JSON knows all."""

import math
from typing import Any

import numpy as np

from viz.numbers import short, shown

KEPT = 1000
"""Arrays of more numbers than this are told, and not written down."""


def record(value: Any | None) -> dict[str, Any] | None:
    """The shape, the dtype, the text of the tables, and the numbers themselves; None stays None.

    >>> record(np.array([1.0, np.inf]))
    {'shape': [2], 'dtype': 'float64', 'text': '[1, inf]', 'values': [1.0, 'inf']}
    """
    if value is None:
        return None
    array = np.asarray(value)
    values = _plain(array.tolist()) if array.size <= KEPT else None
    return {"shape": list(array.shape), "dtype": str(array.dtype), "text": shown(array), "values": values}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value if not isinstance(value, float) or math.isfinite(value) else short(value)
