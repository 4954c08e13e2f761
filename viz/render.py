"""A picture as a file: SVG, PNG or PDF by whatever Graphviz is there, or the DOT text by none."""

import os
from pathlib import Path

import graphviz

from tinygrad_edu.errors import RenderError
from viz.fonts import warn_of_fonts

__all__ = ["FORMATS", "content", "render", "write"]

FORMATS = (".svg", ".png", ".pdf", ".dot", ".gv")
HURRY = {"nslimit": "1", "nslimit1": "1", "mclimit": "0.1", "splines": "line"}
"""What keeps Graphviz from minutes of work on a large graph: rough places, straight arrows."""
PIXELS = 5_760
"""The longest side of a bitmap: 2,000 nodes without a limit took 1.5 GB."""


def render(graph: graphviz.Digraph, path: str | os.PathLike[str], *, dpi: int = 144, size: float = 40.0) -> Path:
    """Write the picture to `path`, whose ending chooses the format, and return it.

    Drawn by the `dot` program where it is on PATH, else by the Graphviz inside the pygraphviz package; `.dot` and
    `.gv` need neither. A PNG has `dpi` pixels an inch and sides of at most `size` inches and 5,760 pixels: what is
    larger is drawn smaller. The file appears whole or not at all. Warns where no font has the letters.
    Raises `RenderError` where there is nothing to draw with, for another ending, and for a drawing that Graphviz
    refuses; ValueError for a `dpi` or a `size` that is not above 0; OSError where the file cannot be written.
    """
    if not hasattr(graph, "source"):
        raise TypeError(f"render takes a picture, not {type(graph).__name__}: write render(make_dot(t), path)")
    if not (dpi > 0 and size > 0):
        raise ValueError(f"dpi and size are above 0: got {dpi} and {size}")
    target = Path(path)
    ending = target.suffix.lower()
    if ending not in FORMATS:
        raise RenderError(f"cannot draw to {target.name!r}: its ending must be one of {', '.join(FORMATS)}")
    write(target, graph.source.encode() if ending in (".dot", ".gv") else content(graph, ending[1:], dpi, size))
    return target


def write(target: Path, content: bytes) -> None:
    """Write a file by way of a temporary one beside it, so that nobody ever finds half of it."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def content(graph: graphviz.Digraph, kind: str, dpi: int = 144, size: float = 40.0) -> bytes:
    """The drawing in a format that Graphviz knows; raises as `render` does."""
    source = graph.source
    if kind == "png" and hasattr(graph, "graph_attr"):  # a graphviz.Source has its text alone
        dots = float(graph.graph_attr.get("dpi", dpi))
        side = max(1, int(72 * min(size, PIXELS / dots))) / 72  # in whole points, to which Graphviz rounds
        bounded = graph.copy()
        bounded.graph_attr = {"dpi": f"{dots:g}", "size": f"{side:.6f},{side:.6f}", **graph.graph_attr}
        source = bounded.source
    if kind in ("png", "pdf"):
        warn_of_fonts(source)
    try:
        return bytes(graphviz.Source(source, engine=graph.engine).pipe(format=kind, quiet=True))
    except graphviz.ExecutableNotFound:
        return _drawn_in_process(source, kind, graph.engine or "dot")
    except graphviz.CalledProcessError as error:
        raise RenderError(
            f"Graphviz could not draw this: {(error.stderr or b'').decode(errors='replace').strip()}"
        ) from error


def _drawn_in_process(source: str, kind: str, engine: str) -> bytes:
    try:
        import pygraphviz
    except ImportError as error:
        raise RenderError(
            "there is no Graphviz to draw with: pip install pygraphviz (it brings its own), or install the system"
            " package graphviz; files ending in .dot need neither"
        ) from error
    try:
        return bytes(pygraphviz.AGraph(string=source).draw(format=kind, prog=engine))
    except (OSError, ValueError, RuntimeError) as error:
        raise RenderError(f"Graphviz could not draw this: {error}") from error
