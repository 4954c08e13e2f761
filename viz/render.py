"""A picture as a file: SVG, PNG or PDF by whatever Graphviz is there, or the DOT text by none."""

import os
import sys
import warnings
from pathlib import Path

import graphviz

from tinygrad_edu.errors import RenderError

__all__ = ["FORMATS", "render", "write"]

FORMATS = (".svg", ".png", ".pdf", ".dot", ".gv")


def render(graph: graphviz.Digraph, path: str | os.PathLike[str]) -> Path:
    """Write the picture to `path`, whose ending chooses the format, and return it.

    Drawn by the `dot` program where it is on PATH, else by the Graphviz inside the pygraphviz package; `.dot` and
    `.gv` need neither. The file appears whole or not at all. Raises `RenderError` where there is nothing to draw
    with, for another ending, and for a drawing that Graphviz refuses; OSError where the file cannot be written.
    """
    if not hasattr(graph, "source"):
        raise TypeError(f"render takes a picture, not {type(graph).__name__}: write render(make_dot(t), path)")
    target = Path(path)
    ending = target.suffix.lower()
    if ending not in FORMATS:
        raise RenderError(f"cannot draw to {target.name!r}: its ending must be one of {', '.join(FORMATS)}")
    write(target, graph.source.encode() if ending in (".dot", ".gv") else _drawn(graph, ending[1:]))
    return target


def write(target: Path, content: bytes) -> None:
    """Write a file by way of a temporary one beside it, so that nobody ever finds half of it."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _drawn(graph: graphviz.Digraph, kind: str) -> bytes:
    picture = graph.copy()
    if kind == "png":
        picture.attr(dpi="144", size="40,40")  # at most 5,760 pixels a side: 2,000 nodes without it took 1.5 GB
        _warn_without_fonts()
    try:
        return bytes(picture.pipe(format=kind, quiet=True))
    except graphviz.ExecutableNotFound:
        return _drawn_in_process(picture.source, kind)
    except graphviz.CalledProcessError as error:
        raise RenderError(
            f"Graphviz could not draw this: {(error.stderr or b'').decode(errors='replace').strip()}"
        ) from error


def _drawn_in_process(source: str, kind: str) -> bytes:
    try:
        import pygraphviz
    except ImportError as error:
        raise RenderError(
            "there is no Graphviz to draw with: pip install pygraphviz (it brings its own), or install the system"
            " package graphviz; files ending in .dot need neither"
        ) from error
    try:
        return bytes(pygraphviz.AGraph(string=source).draw(format=kind, prog="dot"))
    except (OSError, ValueError, RuntimeError) as error:
        raise RenderError(f"Graphviz could not draw this: {error}") from error


def _warn_without_fonts() -> None:
    """Warn where a bitmap would show boxes for letters; only Linux systems come without fonts."""
    if sys.platform != "linux":
        return
    home = Path.home()
    data = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    places = [home / ".fonts", home / ".local/share/fonts", *(Path(place) / "fonts" for place in data.split(":"))]
    if not any(path.suffix in (".ttf", ".otf", ".ttc", ".pfb") for place in places for path in place.rglob("*")):
        warnings.warn(
            "no fonts are installed, so the letters in a PNG come out as boxes: draw SVG, which brings its text along,"
            " or install a font package such as fonts-dejavu",
            stacklevel=4,
        )
