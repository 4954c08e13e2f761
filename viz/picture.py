"""A drawing that also works where the `dot` program is missing, and that shows itself in notebooks."""

import os
import re
from pathlib import Path
from typing import Any

import graphviz

from tinygrad_edu.errors import RenderError
from viz.render import content, write

__all__ = ["Picture", "fluid"]


class Picture(graphviz.Digraph):  # type: ignore[misc] # it comes without types
    """A `graphviz.Digraph` whose `pipe`, `render` and notebook display need no `dot` on PATH where pygraphviz is.

    >>> Picture("empty").pipe("svg", encoding="utf-8")[:5]
    '<?xml'
    """

    def pipe(self, format: str | None = None, *, encoding: str | None = None, **options: Any) -> Any:
        """The drawing as bytes, or as text in an encoding; other options are for the `dot` program alone.

        Raises `RenderError` where there is nothing to draw with.
        """
        if options:
            return super().pipe(format, encoding=encoding, **options)
        made = content(self, format or self.format)
        return made if encoding is None else made.decode(encoding)

    def render(self, filename: Any = None, directory: Any = None, **options: Any) -> str:
        """Write source and drawing as `graphviz.Digraph.render` does, and return the drawing's path."""
        try:
            return str(super().render(filename, directory=directory, **options))
        except graphviz.ExecutableNotFound:
            if not {*options} <= {"format", "cleanup", "outfile"}:
                raise
        kind = options.get("format") or (Path(options["outfile"]).suffix[1:] if "outfile" in options else self.format)
        source = Path(self.filepath)  # where `save`, above, has put it
        target = Path(options.get("outfile") or f"{source}.{kind}")
        write(target, content(self, kind))
        if options.get("cleanup"):
            source.unlink()
        return os.fspath(target)

    def _repr_svg_(self) -> str:
        return fluid(self.pipe("svg", encoding="utf-8"))

    def _repr_mimebundle_(self, *_: Any, **__: Any) -> dict[str, str]:
        try:
            return {"image/svg+xml": self._repr_svg_(), "text/plain": repr(self)}
        except RenderError as error:
            return {"text/plain": str(error)}


def fluid(svg: str) -> str:
    """An SVG that shrinks to the width of the page that shows it, and so is never clipped.

    >>> fluid('<svg width="90pt" height="9pt" viewBox="0 0 90 9">')
    '<svg style="max-width: 100%; height: auto" width="90pt" height="9pt" viewBox="0 0 90 9">'
    """
    return re.sub(r"<svg\b", '<svg style="max-width: 100%; height: auto"', svg, count=1)
