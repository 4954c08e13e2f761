"""Where boxes and arrows stand: laid out by Graphviz, drawn as an SVG of our own that a script can light up."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import graphviz

from viz.render import HURRY, content

LARGE = 90
"""Of more arrows than this the picture is laid out in a hurry."""
SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A place in the picture, in pixels from its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        """The point in the middle."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow from one box to another: the path of SVG's `d`, and the place for what flows along it."""

    source: str
    target: str
    path: str
    label: Rectangle


@dataclass(frozen=True, slots=True)
class Layout:
    """The size of the picture, the place of each box, the arrows."""

    width: float
    height: float
    boxes: Mapping[str, Rectangle]
    arrows: Mapping[str, Arrow]


def lay_out(
    sizes: Mapping[str, tuple[float, float]],
    arrows: Mapping[str, tuple[str, str]],
    labels: Mapping[str, tuple[float, float]],
    rankdir: str = "TB",
) -> Layout:
    """Place boxes of the given `sizes`, joined by `arrows`, those in `labels` with room for one; ids are plain words.

    Raises `RenderError` where there is no Graphviz.
    """
    picture = graphviz.Digraph("scene")
    picture.attr(rankdir=rankdir, pad="0.1", nodesep="0.35", ranksep="0.4")
    if len(arrows) > LARGE:
        picture.attr(**HURRY)
    picture.attr("node", shape="box", label="", fixedsize="true")
    picture.attr("edge", arrowhead="none")
    for identity, (width, height) in sizes.items():
        picture.node(identity, id=identity, width=f"{width / 72:.4f}", height=f"{height / 72:.4f}")
    for identity, (source, target) in arrows.items():
        wide, high = labels.get(identity, (0, 0))
        tight = 'border="1" cellborder="0" cellpadding="0" cellspacing="0" fixedsize="true"'
        room = f'<table {tight} width="{wide:.0f}" height="{high:.0f}">'
        label = f"<{room}<tr><td></td></tr></table>>" if wide else ""
        picture.edge(source, target, id=identity, label=label)
    drawn = ET.fromstring(content(picture, "svg"))  # noqa: S314 - just drawn here
    return _read(drawn, arrows)


def _read(drawn: ET.Element, arrows: Mapping[str, tuple[str, str]]) -> Layout:
    left, top, width, height = map(float, drawn.attrib["viewBox"].split())
    whole = drawn.find(f"{SVG}g")
    moved = re.search(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", "" if whole is None else whole.get("transform", ""))
    right, down = (float(moved[1]) - left, float(moved[2]) - top) if moved else (-left, -top)
    places: dict[str, Rectangle] = {}
    paths: dict[str, Arrow] = {}
    for group in drawn.iter(f"{SVG}g"):
        identity, kind = group.get("id", ""), group.get("class")
        if kind not in ("node", "edge"):
            continue
        polygon = group.find(f".//{SVG}polygon")
        place = _around(_numbers("0 0" if polygon is None else polygon.get("points", "")), right, down)
        if kind == "node":
            places[identity] = place
        else:
            path = group.find(f".//{SVG}path")
            paths[identity] = Arrow(
                *arrows[identity], _moved("" if path is None else path.get("d", ""), right, down), place
            )
    return Layout(width, height, places, paths)


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]


def _around(points: Sequence[float], right: float, down: float) -> Rectangle:
    """The rectangle around the corners of a polygon."""
    across, upright = points[0::2], points[1::2]
    return Rectangle(min(across) + right, min(upright) + down, max(across) - min(across), max(upright) - min(upright))


def _moved(path: str, right: float, down: float) -> str:
    """The path, shifted: Graphviz writes absolute coordinates only."""
    flip = iter([right, down] * (len(path) // 2 + 1))
    return re.sub(r"-?\d+(?:\.\d+)?", lambda number: f"{float(number[0]) + next(flip):.1f}", path)
