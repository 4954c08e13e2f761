"""Pieces of HTML that the stepper shows in more than one place."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from viz.chain import Equation
from viz.heatmap import has_map, heatmap
from viz.mathml import math


def equation(made: Equation) -> str:
    """An equation on a line of its own."""
    return f'<div class="equation{" total" if made.total else ""}">{math(made.sides)}</div>'


def figures(arrays: Sequence[tuple[str, Any]]) -> str:
    """Arrays as maps, each with what it is and its shape; nothing for single numbers and for large arrays."""
    maps = [(what, value) for what, value in arrays if has_map(value)]
    if not maps:
        return ""
    shapes = [f"{what} {np.shape(value)}" for what, value in maps]
    figures = "".join(
        f"<figure>{heatmap(value, what)}<figcaption>{escape(said)}</figcaption></figure>"
        for (what, value), said in zip(maps, shapes, strict=True)
    )
    return f'<div class="maps">{figures}<p class="key">Orange is above 0, blue below, stronger is larger.</p></div>'
