"""`python -m tinygrad_edu fuzz`: a progress bar, a table with a row for each op, and what is left of a failure."""

import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tinygrad_edu.errors import ExpressionError
from tinygrad_edu.testing.formula import formula
from tinygrad_edu.testing.fuzzing import Tally, fuzz, no_such_op
from tinygrad_edu.testing.program import programs
from tinygrad_edu.testing.recipes import RECIPES

__all__ = ["report", "run"]

HEADINGS = ("", "right", "at kinks", "undecided", "refused", "seconds", "")


def run(ops: Sequence[str], expression: str | None, examples: int, seconds: float | None, seed: int) -> list[Tally]:
    """Fuzz the ops named, all of them without any, or a formula; `seconds` is for all together."""
    if unknown := [op for op in ops if op not in RECIPES]:
        raise ExpressionError(no_such_op(unknown[0]))
    if expression is not None:
        jobs = [(expression, formula(expression), False)]
    else:
        jobs = [(name, programs([name], 1, 1), True) for name in ops or sorted(RECIPES)]
        jobs += [] if ops else [("programs of several", programs(), False)]
    end = None if seconds is None else time.monotonic() + seconds
    tallies = []
    with _bar(len(jobs) * examples) as bar:
        for place, (name, strategy, thorough) in enumerate(jobs):
            share = None if end is None else max(0.05, (end - time.monotonic()) / (len(jobs) - place))
            number = seed + zlib.crc32(name.encode()) % 10_000
            tallies.append(
                fuzz(strategy, name, examples, thorough=thorough, seed=number, seconds=share, progress=bar(name))
            )
    return tallies


def report(tallies: Sequence[Tally]) -> str:
    """The table, and under it every failure as a program that shows it."""
    rows = [HEADINGS, *(_row(tally) for tally in tallies)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS))]
    lines = [
        "  ".join(
            cell.ljust(w) if i in (0, 6) else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    wrong = [tally for tally in tallies if tally.failure]
    for tally in wrong:
        lines += ["", f"{tally.name} is wrong:", str(tally.failure)]
    total = sum(tally.examples for tally in tallies)
    lines += [
        "",
        f"{total:,} programs: {len(wrong)} of {len(tallies)} rows wrong"
        if wrong
        else f"{total:,} programs, none wrong",
    ]
    return "\n".join(line.rstrip() for line in lines)


def _row(tally: Tally) -> tuple[str, ...]:
    verdict = "WRONG" if tally.failure else "" if tally else "nothing could be computed"
    counts = tally.right, tally.kinks, tally.undecided, tally.refused
    return tally.name, *map(str, counts), f"{tally.seconds:.1f}", verdict


@contextmanager
def _bar(total: int) -> Iterator[Any]:
    """A progress bar on stderr where that is a terminal and tqdm is installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        yield lambda _: None
        return
    with tqdm(total=total, unit=" programs", disable=not sys.stderr.isatty(), leave=False) as bar:

        def step(name: str) -> Any:
            bar.set_description(name)
            return lambda: bar.update() and None

        yield step
