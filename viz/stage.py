"""The picture of the stepper: boxes that fill with values on the way forward and with gradients on the way back."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain, pairwise
from typing import Any

import numpy as np

from tinygrad_edu.graph import Vertex
from viz.boxes import Box
from viz.build import MOST_EDGES
from viz.chain import ChainRule
from viz.frames import Frame
from viz.heatmap import cells, has_map, size_of
from viz.labels import printable
from viz.numbers import MOST, brief
from viz.scene import Layout, Rectangle, lay_out
from viz.steps import Trace

CHARACTER, LINE, MARGIN = 7.3, 17.0, 8.0
"""Pixels: the width of a character of the monospaced font at 12 px, the height of a line, around the text."""
MAP = 54.0
"""Pixels of the longer side of a map in a box."""
LONGEST = 26
"""Characters of a value in a box."""
EVER = -1
"""Seen until the end."""


@dataclass(frozen=True, slots=True)
class Note:
    """A text, or a map, that is seen from one frame on until another, this one included."""

    start: int
    stop: int
    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow: from the box of a vertex into the box that uses it, and the notes of what flows back along it."""

    id: str
    source: str
    target: str
    steps: tuple[int, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """The drawn picture as SVG, and the arrows in it."""

    svg: str
    links: tuple[Link, ...]


def draw(trace: Trace, boxes: Sequence[Box], film: Sequence[Frame], rule: ChainRule) -> Picture:
    """Lay out and draw; every text and map says from which frame on it is seen."""
    shown_at = {i: frame for frame, content in enumerate(film) for i in content.steps}
    born = {box: frame for frame, content in enumerate(film) if content.phase == "forward" for box in content.boxes}
    values = {box.id: _value_note(trace, box, born.get(box.id, 0)) for box in boxes}
    gradients = {box.id: _gradient_notes(trace, box, film, shown_at, rule) for box in boxes}
    links = _links(trace, boxes, shown_at)
    sizes = {box.id: _size(box, values[box.id], gradients[box.id]) for box in boxes}
    labels = {link.id: (_wide([note.text for note in link.notes]) + 4, LINE) for link in links if link.notes}
    layout = lay_out(sizes, {link.id: (link.source, link.target) for link in links}, labels)
    drawn = [_link(link, layout) for link in links]
    drawn += [_box(box, layout.boxes[box.id], values[box.id], gradients[box.id]) for box in boxes]
    head = (
        f'<svg id="graph" role="group" aria-label="The graph of {escape(trace.root)}" width="{layout.width:.0f}"'
        f' height="{layout.height:.0f}" viewBox="0 0 {layout.width:.0f} {layout.height:.0f}">{MARKERS}'
    )
    return Picture(f"{head}{''.join(drawn)}</svg>", tuple(links))


MARKERS = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="9" markerHeight="9"'
    ' markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0.5L8 4L0 7.5z"/></marker>'
    '<marker id="tip-back" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="12" markerHeight="12"'
    ' markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0.5L8 4L0 7.5z"/></marker></defs>'
)


def _short(value: Any) -> str:
    """A value in a box or beside an arrow; of a long one, nothing: the map, or the shape, speaks for it."""
    text = brief(value)
    mapped = has_map(value) and (np.ndim(value) > 1 or np.size(value) > MOST)
    return text if len(text) <= LONGEST and not mapped else ""


def _value_note(trace: Trace, box: Box, start: int) -> Note | None:
    value = trace.values.get(box.result)
    if value is None:
        return None
    text = _short(value)
    return Note(start, EVER, value, "" if text == box.title else text)


def _gradient_notes(
    trace: Trace, box: Box, film: Sequence[Frame], shown_at: Mapping[int, int], rule: ChainRule
) -> list[Note]:
    """What the gradient of a box is in each frame: while something arrives, the sum that is made; then, what it is."""
    if not trace.steps and box.kind == "leaf":  # the result is itself an input
        return [Note(1, EVER, trace.by_vertex[box.result], _short(trace.by_vertex[box.result]))]
    if trace.steps and box.result is trace.steps[0].node:
        seed = next(i for i, frame in enumerate(film) if frame.phase == "seed")
        return [Note(seed, EVER, trace.by_vertex[box.result], _short(trace.by_vertex[box.result]))]
    last = {shown_at[i]: i for i in rule.arrived.get(box.result, ())}
    frames, notes = [*sorted(last), None], list[Note]()
    for frame, following in pairwise(frames):
        assert frame is not None  # only the one behind the last is
        row = trace.backward[last[frame]]
        now = row.accumulated if len(row.accumulated) <= LONGEST + 6 and np.ndim(row.after) == 0 else _short(row.after)
        until = EVER if following is None else following - 1
        if now == _short(row.after):
            notes.append(Note(frame, until, row.after, now))
        else:
            notes.append(Note(frame, frame, row.after, now))
            if until == EVER or until > frame:
                notes.append(Note(frame + 1, until, row.after, _short(row.after)))
    return notes


def _links(trace: Trace, boxes: Sequence[Box], shown_at: Mapping[int, int]) -> list[Link]:
    home = {vertex: box for box in boxes for vertex in box.vertices}
    flows = {(step.node, step.index): i for i, step in enumerate(trace.steps)}
    joined: dict[tuple[Vertex, str, int], list[int]] = {}
    for box in boxes:
        for node in box.nodes:
            for index, vertex in enumerate(node.inputs):
                if home[vertex] is not box:
                    several = len(box.nodes) > 1
                    steps = joined.setdefault((vertex, box.id, -1 if several else index), [])
                    steps += [flows[node, index]] if (node, index) in flows else []
    between: dict[tuple[str, str], list[list[int]]] = {}
    for (vertex, target, _), steps in joined.items():
        between.setdefault((home[vertex].id, target), []).append(steps)
    arrows = [
        (source, target, steps)
        for (source, target), several in between.items()
        for steps in (several if len(several) <= MOST_EDGES else [sorted(chain(*several))])
    ]
    return [
        Link(f"e{i}", source, target, tuple(steps), tuple(_flow_notes(trace, steps, shown_at)))
        for i, (source, target, steps) in enumerate(arrows)
    ]


def _flow_notes(trace: Trace, steps: Sequence[int], shown_at: Mapping[int, int]) -> list[Note]:
    if not steps:
        return []
    parts = [trace.backward[i].contribution for i in steps]
    texts = [_short(part) or str(np.shape(part)) for part in parts]
    text = " + ".join(texts) if len(" + ".join(texts)) <= LONGEST else f"{len(texts)} parts"
    return [Note(shown_at[steps[-1]], EVER, parts[-1], text)]


def _columns(text: str) -> float:
    """How many columns of a monospaced font the text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _wide(texts: Sequence[str]) -> float:
    return max(map(_columns, texts), default=0) * CHARACTER


def _maps(value: Note | None, gradients: Sequence[Note]) -> list[tuple[str, list[tuple[Note, float]]]]:
    """The maps of the value and those of the gradient, with the size of their cells; none of what numbers tell."""
    found: dict[str, list[tuple[Note, float]]] = {}
    for look, notes in (("value", [value] if value else []), ("grad", gradients)):
        for note in notes:
            if has_map(note.value) and not _short(note.value):
                cell = max(2.0, min(10.0, MAP / max(np.shape(note.value))))
                found.setdefault(look, []).append((note, cell))
    return list(found.items())


def _map_size(look: str, notes: Sequence[tuple[Note, float]]) -> tuple[float, float]:
    """How much room maps that come one after the other take, with the word above them."""
    sizes = [size_of(note.value, cell) for note, cell in notes]
    return max(_wide([look]), *(wide for wide, _ in sizes)), max(high for _, high in sizes) + LINE


def _heads(box: Box) -> list[tuple[str, str]]:
    """The lines of a box that never change: class and text."""
    shape = str(box.result.shape) if box.result.shape else ""
    lines = [("name", printable(box.title, 24)), ("faint", box.subtitle), ("faint", shape)]
    return [(look, text) for look, text in lines if text]


def _rows(value: Note | None, gradients: Sequence[Note]) -> list[list[tuple[str, Note]]]:
    """The lines of a box that come and go; what is in one list takes the same line."""
    told = [[("value", note)] for note in (value,) if note is not None and note.text]
    back = [("grad", note) for note in gradients if note.text]
    return [*told, back] if back else told


def _size(box: Box, value: Note | None, gradients: Sequence[Note]) -> tuple[float, float]:
    rows = _rows(value, gradients)
    texts = [text for _, text in _heads(box)]
    texts += [f"{look} {note.text}" for row in rows for look, note in row]
    maps = [_map_size(look, notes) for look, notes in _maps(value, gradients)]
    tall = max((high for _, high in maps), default=0.0)
    across = sum(wide + MARGIN for wide, _ in maps)
    lines = len(_heads(box)) + len(rows)
    return max(56.0, _wide(texts), across) + 2 * MARGIN, lines * LINE + (tall + 6 if maps else 0) + MARGIN


def _seen(note: Note) -> str:
    return f'data-from="{note.start}"' + ("" if note.stop == EVER else f' data-until="{note.stop}"')


def _seen_from(notes: Sequence[tuple[Note, float]]) -> str:
    """From the first of the notes to the end of the last."""
    first, last = notes[0][0], notes[-1][0]
    return _seen(Note(first.start, last.stop, None, ""))


def _box(box: Box, place: Rectangle, value: Note | None, gradients: Sequence[Note]) -> str:
    x, _ = place.middle
    y = place.y + MARGIN / 2 + 12
    drawn = []
    for look, text in _heads(box):
        drawn.append(f'<text class="{look}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>')
        y += LINE
    for row in _rows(value, gradients):
        for look, note in row:
            drawn.append(
                f'<text class="{look}" {_seen(note)} x="{x:.1f}" y="{y:.1f}"><tspan class="faint">{look}</tspan>'
                f" {escape(note.text)}</text>"
            )
        y += LINE
    maps = [(look, notes, _map_size(look, notes)[0]) for look, notes in _maps(value, gradients)]
    left = x - sum(wide + MARGIN for _, _, wide in maps) / 2
    for look, notes, across in maps:
        middle = left + (across + MARGIN) / 2
        drawn.append(f'<text class="{look}" {_seen_from(notes)} x="{middle:.1f}" y="{y:.1f}">{look}</text>')
        for note, cell in notes:
            wide, _ = size_of(note.value, cell)
            drawn.append(
                f'<g class="map" {_seen(note)} transform="translate({middle - wide / 2:.1f} {y + 5:.1f})">'
                f"{cells(note.value, cell, cell)}</g>"
            )
        left += across + MARGIN
    frame = (
        f'<rect class="frame" x="{place.x:.1f}" y="{place.y:.1f}" width="{place.width:.1f}"'
        f' height="{place.height:.1f}" rx="7"/>'
    )
    return (
        f'<g id="{box.id}" class="box {box.kind}" role="button" tabindex="0" aria-controls="about"'
        f' aria-label="{escape(printable(box.title))}">{frame}{"".join(drawn)}</g>'
    )


def _link(link: Link, layout: Layout) -> str:
    arrow = layout.arrows[link.id]
    x, y = arrow.label.middle
    texts = "".join(
        f'<text class="flow" {_seen(note)} x="{x:.1f}" y="{y + 4:.1f}">{escape(note.text)}</text>'
        for note in link.notes
    )
    return f'<g id="{link.id}" class="link" aria-hidden="true"><path class="line" d="{arrow.path}"/>{texts}</g>'
