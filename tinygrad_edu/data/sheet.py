"""A table of numbers in a CSV file; what is wrong with it is told by row and column, as a spreadsheet shows them."""

import csv
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.data.table import Table
from tinygrad_edu.errors import DataError

__all__ = ["load_csv"]

MISSING = frozenset(["", "?", "na", "n/a", "nan", "null", "none"])
"""How files write that a number is not known."""

COMMAS = "numbers here have decimal commas: pass decimal=','; or, where 1,234 is 1234, take the commas out of the file"

BEGINNINGS = {
    b"PK": "a workbook or an archive: in the spreadsheet choose Save as, CSV UTF-8",
    b"\xff\xfe": "text in UTF-16: save it as CSV UTF-8",
    b"\x1f\x8b": "compressed: unpack it first, with gunzip",
}


def load_csv(
    path: str | os.PathLike[str],
    target: str | int | None = None,
    *,
    columns: Sequence[str | int] | None = None,
    header: bool | None = None,
    delimiter: str = ",",
    decimal: str = ".",
    missing: str | float | None = None,
) -> Table:
    """A table of numbers from a CSV file, with labels in the column `target`.

    `target` and `columns`, those of the features (else all others), are names, or numbers from 0 or, below 0, from the
    end. The first row holds the names if `header` says so; None: if there is no number in it. Empty rows are passed
    over. `decimal` parts a number from its fraction, "," in 1,5. Labels that are words become the classes 0, 1, ... in
    alphabetical order, and keep their names; whole numbers become int64, others float64.

    `missing` says what to do with features that are empty or NA, NaN, null, None or ?: None refuses them, "drop" leaves
    out their rows, and those without a label; "mean" puts the mean of the column there (of all rows, also of those for
    a later test); a number is put there itself.

    DataError names row and column, counted from 1, of what is no finite number, of missing ones, and of rows that are
    shorter or longer than the first; FileNotFoundError where there is no such file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "pets.csv").write_text("weight,legs,kind\\n4.5,4,cat\\n0.02,2,bird\\n")
    ...     pets = load_csv(f"{folder}/pets.csv", target="kind")
    >>> pets
    Table(2 samples, features weight, legs, classes bird, cat)
    >>> pets.X, pets.y
    (array([[4.5 , 4.  ],
           [0.02, 2.  ]]), array([1, 0]))
    """
    if not (missing is None or missing in ("drop", "mean") or isinstance(missing, int | float)):
        raise ValueError(f"missing= is 'drop', 'mean' or a number to put there, not {missing!r}")
    if decimal not in (".", ",") or decimal == delimiter:
        other = "another delimiter, as delimiter=';'" if decimal == delimiter else "'.' or ','"
        raise ValueError(f"decimal={decimal!r} beside delimiter={delimiter!r}: write {other}")
    sheet = _Sheet(path, delimiter, header, decimal)
    label = None if target is None else sheet.place(target, "target")
    if columns is None:
        places = [place for place in range(len(sheet.names)) if place != label]
    else:
        places = [sheet.place(column, "columns") for column in columns]
    if not places:
        raise DataError(f"{sheet.path!r} has no column of features beside the target")
    if missing == "drop":
        sheet.drop(places, label)
    features = np.stack([sheet.numbers(place, missing) for place in places], axis=1)
    names = [sheet.names[place] for place in places] if sheet.named else None
    y, classes = (None, None) if label is None else sheet.labels(label)
    return Table(features, y, classes, names)


class _Sheet:
    """The cells of a CSV file, and where they are."""

    def __init__(self, path: str | os.PathLike[str], delimiter: str, header: bool | None, decimal: str) -> None:
        self.path, self.delimiter, self.decimal = str(path), delimiter, decimal
        with Path(path).open("rb") as file:
            begin = file.read(2)
        for beginning, what in BEGINNINGS.items():
            if begin == beginning:
                raise DataError(f"{self.path!r} is no CSV file but {what}")
        try:
            with Path(path).open(encoding="utf-8-sig", newline="") as text:
                numbered = enumerate(csv.reader(text, delimiter=delimiter), 1)
                self.rows = [(row, cells) for row, cells in numbered if any(cells)]
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path!r} is not in UTF-8 ({error}): save it as CSV UTF-8") from error
        except csv.Error as error:
            raise DataError(f"{self.path!r} is no CSV file: {error}") from error
        if not self.rows:
            raise DataError(f"{self.path!r} is empty: it has no row with anything in it")
        top, first = self.rows[0]
        for row, cells in self.rows:
            if len(cells) != len(first):
                hint = self._other_delimiter(cells) or self._other_delimiter(first)
                if not hint and delimiter == "," and len(first) == 1 and len(cells) == 2:
                    hint = f"; if {','.join(cells)} is one number: delimiter=';', decimal=','"
                raise DataError(
                    f"{self.path!r}, row {row} has {len(cells)} cells, and row {top} has {len(first)}: correct it{hint}"
                )
        if header is None and any(map(self._has_comma, first)) and not any(map(self._is_number, first)):
            raise DataError(f"{self.path!r}, row {top} is {first}: {COMMAS}; if these are names: header=True")
        self.named = not any(map(self._is_number, first)) if header is None else header
        self.names = [name.strip() if self.named else str(place) for place, name in enumerate(first)]
        if self.named:
            del self.rows[0]
        if not self.rows:
            hint = self._other_delimiter(first)
            raise DataError(f"{self.path!r} has one row, {first}, taken for names; if it is data: header=False{hint}")

    def _other_delimiter(self, cells: Sequence[str]) -> str:
        """What to ask where a row is a single cell, with what may be a delimiter in it."""
        found = [d for d in (";", "\t", ",", "|") if d in cells[0] and d != self.delimiter]
        return f"; do you mean delimiter={found[0]!r}?" if len(cells) == 1 and found else ""

    def place(self, column: str | int, argument: str) -> int:
        """The number of a column, from 0, by its name or number."""
        if isinstance(column, int) and -len(self.names) <= column < len(self.names):
            return column % len(self.names)
        found = [place for place, name in enumerate(self.names) if name == column and self.named]
        if len(found) == 1:
            return found[0]
        there = f"{self.names}" if self.named else f"numbers from 0 to {len(self.names) - 1}, and no names"
        raise DataError(
            f"{argument}={column!r} {'names several columns' if found else 'is no column'} of {self.path!r}: there are"
            f" {there}{self._other_delimiter(self.names)}"
        )

    def drop(self, places: Sequence[int], label: int | None) -> None:
        """Leave out the rows in which a number of these columns, or the label, is not known."""
        kept = [row for row in self.rows if not any(_is_missing(row[1][place]) for place in places)]
        if label is not None:
            unknown = _is_missing if self._has_numbers(label) else _is_nameless
            kept = [row for row in kept if not unknown(row[1][label])]
        if not kept:
            raise DataError(f"missing='drop' leaves nothing of {self.path!r}: every row lacks something")
        self.rows = kept

    def numbers(self, place: int, missing: str | float | None) -> Any:
        """A column as float64."""
        column, lacking = np.zeros(len(self.rows)), []
        for i, (row, cells) in enumerate(self.rows):
            if _is_missing(cells[place]):
                lacking.append(i)
            else:
                column[i] = self._number(row, place, cells[place])
        if lacking and missing is None:
            some = ", ".join(str(self.rows[i][0]) for i in lacking[:5]) + (", ..." if len(lacking) > 5 else "")
            raise DataError(
                f"{self._where(place)} has no number in {len(lacking)} row{'s' * (len(lacking) > 1)}: {some};"
                " missing='drop' leaves such rows out, missing='mean' or missing=0.0 puts a number there"
            )
        if lacking and missing == "mean":
            if len(lacking) == len(column):
                raise DataError(f"{self._where(place)} has no number at all, so no mean: leave it out with columns=")
            missing = np.delete(column, lacking).mean()
        if lacking:
            column[lacking] = missing
        return column

    def _number(self, row: int, place: int, cell: str) -> float:
        if self._is_number(cell):
            if math.isfinite(number := float(cell.replace(self.decimal, "."))):
                return number
            what = "which is not finite"
        elif self._has_comma(cell):
            raise DataError(f"{self._where(place, row)} has {cell!r}: {COMMAS}")
        elif self.decimal == "," and _is_number(cell.replace(".", "").replace(",", ".")):
            what = "with a point, and decimal=',' was given: where it parts thousands, take it out of the file"
        else:
            what = "which is no number"
        name = repr(self.names[place]) if self.named else str(place)
        remedy = (
            f"correct it; if it is the label, write target={name}; or choose the columns of numbers with columns=[...]"
        )
        remedy += self._other_delimiter([cell])
        if not self.named and row == self.rows[0][0]:
            remedy += "; if this row holds the names, write header=True"
        raise DataError(f"{self._where(place, row)} has {cell!r}, {what}: {remedy}")

    def labels(self, place: int) -> tuple[Any, Sequence[str] | None]:
        """A column of labels: numbers, or classes and their names."""
        cells = [cells[place].strip() for _, cells in self.rows]
        if self._has_numbers(place):
            numbers = self.numbers(place, None)
            whole = all(cell.lstrip("+-").isdecimal() for cell in cells)
            return np.array([int(cell) for cell in cells]) if whole else numbers, None
        for (row, _), cell in zip(self.rows, cells, strict=True):
            if _is_nameless(cell):
                raise DataError(f"{self._where(place, row)} has no label: missing='drop' leaves such rows out")
        classes, y = np.unique(cells, return_inverse=True)
        return y, classes.tolist()

    def _has_numbers(self, place: int) -> bool:
        return any(self._is_number(cells[place]) and not _is_missing(cells[place]) for _, cells in self.rows)

    def _is_number(self, cell: str) -> bool:
        return _is_number(cell if self.decimal == "." else cell.replace(".", "point").replace(",", "."))

    def _has_comma(self, cell: str) -> bool:
        """Whether it would be a number without its commas, which are not told of."""
        return self.decimal == "." and "," in cell and _is_number(cell.replace(",", ""))

    def _where(self, place: int, row: int | None = None) -> str:
        """Row and column as in a spreadsheet, and the name of the column."""
        named = f" ({self.names[place]!r})" if self.named else ""
        return f"{self.path!r}, {'' if row is None else f'row {row}, '}column {place + 1}{named}"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # Python reads 1_000 as 1000


def _is_missing(cell: str) -> bool:
    return cell.strip().casefold() in MISSING


def _is_nameless(cell: str) -> bool:
    """Whether a class is not known: one may be called "none" or "?"."""
    return cell.strip().casefold() in ("", "nan")
