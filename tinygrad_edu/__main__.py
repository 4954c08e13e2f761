"""The command line: `python -m tinygrad_edu trace "a*b + c" a=2 b=-3 c=10 --out abc.svg`."""

import argparse
import io
import os
import re
import secrets
import sys
import warnings
import webbrowser
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu import Tensor
from tinygrad_edu.errors import ExpressionError, NonScalarBackwardError, RenderError, TinygradError, UnsupportedError
from tinygrad_edu.expression import evaluate, parse_values
from tinygrad_edu.rules import page

if TYPE_CHECKING:
    from tinygrad_edu.testing import Verdict
    from viz.steps import Trace

EXAMPLE = """\
examples:
  python -m tinygrad_edu trace "a*b + c" a=2 b=-3 c=10 --out abc.svg
  python -m tinygrad_edu trace "a*b + a" a=2 b=-3 --out steps.html --out chain.tex --open
  python -m tinygrad_edu trace "sigmoid(w @ x + b)" "w=[1,2]" "x=[5,2]" b=-5
  python -m tinygrad_edu rules exp matmul
  python -m tinygrad_edu fuzz exp matmul --examples 500
  python -m tinygrad_edu fuzz --expr "log(1 + exp(a*b))"
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0; 1 where fuzzing found something wrong; 2 after one message on stderr that says what to write instead.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows only ASCII gets ? for what it cannot show
    arguments = _parse(sys.argv[1:] if argv is None else argv)
    try:
        with warnings.catch_warnings(record=True, action="always") as caught:
            said, problems, found = _run(arguments)
    except TinygradError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for warning in caught:
        print(f"warning: {warning.message}", file=sys.stderr)
    code = _print(said)
    for problem in problems:  # after the tables, which need no file
        print(f"error: {problem}", file=sys.stderr)
    return 2 if problems else code or found


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_edu",
        description="Watch the chain rule at work.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tinygrad-edu {_version()}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    trace = commands.add_parser(
        "trace",
        help="compute a formula, go backward through it, and show every step",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    trace.add_argument("expression", metavar="EXPR", help='a formula with one number as its result, such as "a*b + c"')
    trace.add_argument("values", metavar="NAME=VALUE", nargs="*", help="a number or a JSON array for each name")
    trace.add_argument(
        "--out",
        metavar="FILE",
        action="append",
        default=[],
        help="also write a file, by its ending a page to step through (.html), a picture (.svg .png .pdf), its source"
        " (.dot .gv), the chain rule for LaTeX (.tex) or the tables (.txt); may be given several times",
    )
    trace.add_argument("--open", action="store_true", help="show the first of these files")
    trace.set_defaults(command="trace")
    rules = commands.add_parser(
        "rules",
        help="print the table of derivatives: every op, what its rules hand on, what the graph keeps for them",
        allow_abbrev=False,
    )
    rules.add_argument("values", metavar="NAME", nargs="*", help="ops to print, such as exp; all without any")
    rules.set_defaults(command="rules")
    fuzz = commands.add_parser(
        "fuzz",
        help="compare ops, or a formula, with differences at random values; exit code 1 if one is wrong",
        allow_abbrev=False,
    )
    fuzz.add_argument(
        "values", metavar="OP", nargs="*", help="ops to fuzz, such as exp; all, and programs, without any"
    )
    fuzz.add_argument("--expr", metavar="EXPR", help='a formula to fuzz instead, such as "sigmoid(w @ x + b)"')
    fuzz.add_argument("--examples", metavar="N", type=_count, default=100, help="random programs for each (100)")
    fuzz.add_argument("--seconds", metavar="S", type=_seconds, help="stop after so many seconds, shared by all ops")
    fuzz.add_argument("--seed", metavar="N", type=int, help="the seed that another run printed, for the same programs")
    fuzz.set_defaults(command="fuzz")
    arguments, rest = parser.parse_known_args([_not_an_option(argument) for argument in argv])
    if unknown := [argument for argument in rest if argument.startswith("-")]:
        parser.error(f"there is no option {unknown[0]}")
    arguments.values += rest  # values that stand behind an option
    return arguments


def _run(arguments: argparse.Namespace) -> tuple[str, list[RenderError], int]:
    """What to print, what could not be written, and the exit code."""
    if arguments.command == "rules":
        return page(arguments.values), [], 0
    if arguments.command == "fuzz":
        return _fuzz(arguments)
    return *_trace(arguments.expression, arguments.values, arguments.out, arguments.open), 0


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"a whole number from 1 on, not {text.strip()!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"a number of seconds above 0, not {text.strip()!r}")
    return number


def _fuzz(arguments: argparse.Namespace) -> tuple[str, list[RenderError], int]:
    """The table; what is wrong is also written as a program and a picture with the wrong edges in red."""
    try:
        from tinygrad_edu.testing.commandline import report, run
    except ModuleNotFoundError as error:
        raise UnsupportedError(f'fuzzing is built on {error.name}: pip install "tinygrad-edu[test]"') from error
    if arguments.expr is not None and arguments.values:
        raise ExpressionError("either ops or --expr: a formula is fuzzed by itself")
    seed = secrets.randbelow(1_000_000) if arguments.seed is None else arguments.seed
    tallies = run(arguments.values, arguments.expr, arguments.examples, arguments.seconds, seed)
    if arguments.expr is not None and not tallies[0].examples:
        raise ExpressionError(f"{arguments.expr!r} has no finite value at any of the numbers that were tried")
    written: list[str] = [report(tallies)]
    problems: list[RenderError] = []
    failures = [tally.failure for tally in tallies if tally.failure]
    for failure in failures:
        name = "fuzz-" + (re.sub(r"\W+", "-", failure.name)[:40].strip("-") or "formula")
        try:
            Path(f"{name}.py").write_text(failure.source() + "\n", encoding="utf-8")
            written.append(f"wrote {name}.py")
            if failure.root is not None:
                written.append(_drawn(failure, f"{name}.svg"))
        except RenderError as error:
            problems.append(error)
        except OSError as error:
            problems.append(RenderError(f"cannot write {name}.py: {error.strerror}"))
    return "\n".join([*written, f"the same programs again: --seed {seed}"]), problems, 1 if failures else 0


def _drawn(failure: "Verdict", file: str) -> str:
    from viz import make_dot, render

    assert failure.root is not None
    render(make_dot(failure.root, wrong=failure.wrong_edges), file)
    return f"wrote {file}: the wrong edges are red"


def _not_an_option(argument: str) -> str:
    """The argument as argparse must see it: a formula may start with a minus sign, and a space before it hides that."""
    return f" {argument}" if argument.startswith("-") and argument != "-h" and argument[:2] != "--" else argument


def _version() -> str:
    try:
        return version("tinygrad-edu")
    except PackageNotFoundError:
        return "(not installed: run from its source)"


def _trace(
    expression: str, assignments: Sequence[str], files: Sequence[str], show: bool
) -> tuple[str, list[RenderError]]:
    """What `trace` prints, and which files it could not write.

    The files are written first, so that a reader who stops listening still finds them.
    """
    from viz import trace  # here, because everything else works without pictures
    from viz.render import FORMATS

    endings = (".html", *FORMATS, ".tex", ".txt")
    for file in files:
        if Path(file).suffix.lower() not in endings:
            raise RenderError(f"cannot write {file!r}: its ending must be one of {', '.join(endings)}")
    if show and not files:
        raise RenderError("--open shows a file: name one, such as --out steps.html --open")
    root = evaluate(expression, parse_values(assignments))
    try:
        traced = trace(root)
    except NonScalarBackwardError as error:
        raise NonScalarBackwardError(f"{error} In a formula, write sum(...) or mean(...) around it.") from error
    if not np.isfinite(root.item()):
        warnings.warn(f"the result is {root.item()}: follow the values to where that starts", stacklevel=2)
    written: list[str] = []
    problems: list[RenderError] = []
    for file in files:
        try:
            written.append(_write(root, traced, file, expression))
        except RenderError as error:
            problems.append(error)
    if show and f"wrote {files[0]}" in written:
        webbrowser.open(Path(files[0]).resolve().as_uri())
    return "\n".join([_tables(traced), *([""] if written else []), *written]), problems


def _tables(traced: "Trace") -> str:
    """The tables: with colours on a terminal where rich is installed, else in plain text."""
    if sys.stdout.isatty() and find_spec("rich"):
        from rich.console import Console

        console = Console()
        with console.capture() as captured:
            console.print(traced)
        return captured.get().rstrip("\n")
    return str(traced)


def _write(root: Tensor, traced: "Trace", file: str, expression: str) -> str:
    """Write one file, and say so."""
    from viz import make_dot, render
    from viz.page import page
    from viz.render import write

    path = Path(file)
    try:
        texts: dict[str, Callable[[], str]] = {
            ".txt": lambda: f"{traced}\n",
            ".tex": traced.latex,
            ".html": lambda: page(traced, title=expression),
        }
        if path.suffix.lower() in texts:
            write(path, texts[path.suffix.lower()]().encode())
            return f"wrote {file}"
        picture = make_dot(root, trace=traced)
        try:
            render(picture, path)
        except RenderError as error:
            source = render(picture, path.with_suffix(".dot"))
            raise RenderError(f"{error}; the picture's source is in {source}") from error
    except OSError as error:
        raise RenderError(f"cannot write {file!r}: {error.strerror}") from error
    return f"wrote {file}"


def _print(text: str) -> int:
    try:
        print(text)
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough; what Python would still flush at its end goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # a full disk behind `> file`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"error: cannot print: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
