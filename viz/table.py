"""Plain text tables that fit a terminal."""

from collections.abc import Sequence
from textwrap import wrap

WIDTH = 110


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, at most 110 characters wide: the widest are folded.

    >>> print(table(["name", "value"], [["a", "2"], ["b", "-3"]]))
      name  value
      a     2
      b     -3
    """
    columns = _natural(headers, rows)
    while 2 * len(columns) + sum(columns) > WIDTH:
        columns[columns.index(max(columns))] -= 1
    return "\n".join(line for row in (headers, *rows) for line in _lines(row, columns))


def table_or_blocks(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table where it fits; otherwise one block a row: its cells one after the other, on new lines where they must.

    >>> row = ["1", "y", "d y/d x", "= " + "z" * 80, "= 666666666666"]
    >>> print(table_or_blocks(["step", "node", "gradient", "rule", "numbers"], [row]))
      1  at y: d y/d x = zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz
                       = 666666666666
    """
    columns = _natural(headers, rows)
    if 2 * len(columns) + sum(columns) <= WIDTH:
        return table(headers, rows)
    return "\n".join(line for row in rows for line in _block(row, len(rows[-1][0]), headers[5:]))


def _block(row: Sequence[str], digits: int, titles: Sequence[str]) -> list[str]:
    number, node, name, rule, numbers, *others = row
    margin = f"  {number.ljust(digits)}  at {node}: {name} "
    hanging = " " * len(margin)
    parts = [f"{rule} {numbers}"] if len(f"{margin}{rule} {numbers}") <= WIDTH else [rule, numbers]
    parts += [f"  {title}: {text}" for title, text in zip(titles, others, strict=True) if text]
    return [
        line
        for i, part in enumerate(parts)
        for line in wrap(part, WIDTH, initial_indent=hanging if i else margin, subsequent_indent=hanging + "    ")
    ]


def _natural(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(cell) for cell in column) for column in zip(headers, *rows, strict=True)]


def _lines(row: Sequence[str], columns: Sequence[int]) -> list[str]:
    """The lines of one row; a folded cell hangs down."""
    cells = [
        wrap(cell, width, subsequent_indent="  "[: width - 1]) or [""] for cell, width in zip(row, columns, strict=True)
    ]
    height = max(map(len, cells))
    padded = [
        [part.ljust(width) for part in cell + [""] * (height - len(cell))]
        for cell, width in zip(cells, columns, strict=True)
    ]
    return ["".join(f"  {part}" for part in line).rstrip() for line in zip(*padded, strict=True)]
