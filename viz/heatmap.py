"""A small array as coloured cells: orange above 0, blue below, the stronger the larger."""

from html import escape
from typing import Any

import numpy as np

from viz.numbers import short, shown

LARGEST, LONGEST = 256, 64
"""Arrays of more numbers, or longer ones, are told by their shape, smallest, mean and largest number."""
WRITTEN = 36
"""In a map of at most so many cells, in at most `COLUMNS` columns, every cell says its number."""
COLUMNS = 6
ROOM = 384.0
"""Pixels: the width of the text beside the picture."""
DEEPEST = 0.6
"""How much of the colour the largest number gets: a number written on it stays readable."""


def has_map(value: Any | None) -> bool:
    """Whether a value is drawn as a map: one or two axes of at most `LONGEST`, two to `LARGEST` numbers."""
    if value is None or np.ndim(value) not in (1, 2):
        return False
    return 1 < np.size(value) <= LARGEST and max(np.shape(value)) <= LONGEST


def size_of(value: Any, cell: float) -> tuple[float, float]:
    """Width and height of a map with cells of that size."""
    rows, columns = np.atleast_2d(value).shape
    return columns * cell, rows * cell


def cells(value: Any, width: float, height: float, written: bool = False) -> str:
    """The cells as SVG rectangles from (0, 0) on, with their numbers where they are `written`.

    >>> print(cells(np.array([1.0, -2.0]), 9, 9))
    <rect class="up" width="9" height="9" fill-opacity="0.3"/><rect class="down" x="9" width="9" height="9" \
fill-opacity="0.6"/>
    """
    array = np.atleast_2d(value).astype(float)
    finite = array[np.isfinite(array)]
    most = float(np.abs(finite).max()) if finite.size else 0.0
    drawn = []
    for i, row in enumerate(array):
        for j, number in enumerate(row):
            look = "odd" if not np.isfinite(number) else "up" if number > 0 else "down"
            strength = DEEPEST if look == "odd" else DEEPEST * abs(float(number)) / most if most else 0.0
            place = (f' x="{j * width:g}"' if j else "") + (f' y="{i * height:g}"' if i else "")
            drawn.append(
                f'<rect class="{look}"{place} width="{width:g}" height="{height:g}" fill-opacity="{strength:.2g}"/>'
            )
            if written:
                x, y = (j + 0.5) * width, (i + 0.5) * height
                drawn.append(f'<text x="{x:g}" y="{y:g}">{escape(short(number))}</text>')
    return "".join(drawn)


def heatmap(value: Any, label: str) -> str:
    """The map as a picture of its own, for a page of HTML; a reader of the screen hears `label` and the numbers."""
    rows, columns = np.atleast_2d(value).shape
    written = np.size(value) <= WRITTEN and columns <= COLUMNS
    longest = max((len(short(number)) for number in np.ravel(value)), default=0) if written else 0
    small = max(6.0, min(14.0, ROOM / max(rows, columns)))
    width, height = (max(30.0, 7.2 * longest + 10), 24.0) if written else (small, small)
    told = escape(f"{label}: {_told(value) if written else shown(value)}")
    wide, high = columns * width + 1, rows * height + 1
    return (
        f'<svg class="map" role="img" aria-label="{told}" width="{wide:g}" height="{high:g}"'
        f' viewBox="-0.5 -0.5 {wide:g} {high:g}">{cells(value, width, height, written)}</svg>'
    )


def _told(value: Any) -> str:
    return "; ".join(", ".join(short(number) for number in row) for row in np.atleast_2d(value))
