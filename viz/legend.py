"""What the colours and the texts of a picture mean, as one box of it."""

from collections.abc import Collection

import graphviz

from viz.cells import colored
from viz.themes import Theme

__all__ = ["draw_legend"]


KINDS = {
    "leaf": "input that requires grad",
    "constant": "constant",
    "op": "op",
    "root": "result",
    "module": "several ops drawn as one",
    "saved": "kept for backward",
}


def draw_legend(picture: graphviz.Digraph, theme: Theme, kinds: Collection[str]) -> None:
    """Add the legend, for the kinds of nodes that there are, to the picture."""
    rows = []
    for kind, text in KINDS.items():
        if kind in kinds:
            rows.append(_row(_sample(getattr(theme, kind), kind, theme.border), text, theme))
    rows.append(_row(f"<td>{colored('value', theme.value, 10)}</td>", "what was computed", theme))
    rows.append(_row(f"<td>{colored('grad', theme.gradient, 10)}</td>", "what flows back, also on arrows", theme))
    cells = f'<table border="1" color="{theme.border}" cellborder="0" cellspacing="3">{"".join(rows)}</table>'
    picture.node("legend", f"<{cells}>", shape="plain", style="")


def _row(cell: str, text: str, theme: Theme) -> str:
    return f'<tr>{cell}<td align="left">{colored(text, theme.ink, 10)}</td></tr>'


def _sample(fill: str, kind: str, border: str) -> str:
    """A cell that looks like the box of that kind, as far as cells can."""
    width = {"leaf": "2", "root": "3"}.get(kind, "1")
    style = ' style="dashed"' if kind == "constant" else ""
    cell = f'<td border="{width}" color="{border}" bgcolor="{fill}" width="24"{style}>&#160;</td>'
    if kind != "module":
        return cell
    inner = f'<table border="0" cellborder="0" cellspacing="0"><tr>{cell}</tr></table>'
    return f'<td border="1" color="{border}" cellpadding="1">{inner}</td>'
