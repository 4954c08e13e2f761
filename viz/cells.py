"""Labels of Graphviz's HTML-like kind: the only one in which one word can have another colour than the next."""

from collections.abc import Iterable

from viz.escape import escaped

__all__ = ["colored", "lines", "pair", "row", "table"]


def colored(text: str, color: str, size: int = 0, longest: int = 80) -> str:
    """The text, whatever it holds, in a colour.

    >>> colored("a < b", "black", 9)
    '<font color="black" point-size="9">a &lt; b</font>'
    """
    points = f' point-size="{size}"' if size else ""
    return f'<font color="{color}"{points}>{escaped(text, longest)}</font>'


def row(markup: str) -> str:
    """One row across the table."""
    return f'<tr><td colspan="2">{markup}</td></tr>'


def pair(left: str, right: str) -> str:
    """What it is, right-aligned, and what it says."""
    return f'<tr><td align="right">{left}</td><td align="left">{right}</td></tr>'


def table(rows: Iterable[str]) -> str:
    """The label of a node."""
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="2">{"".join(rows)}</table>>'


def lines(parts: Iterable[str]) -> str:
    """The label of an edge, a little away from it; "" where there is nothing to say."""
    return "".join(f'&#160;{part}<br align="left"/>' for part in parts).join("<>") if (parts := list(parts)) else ""
