"""Checks of derivatives, for the ops of this package and for a learner's own.

`gradcheck` and `gradgradcheck` compare derivatives with differences and need nothing more. `check_op`, `fuzz` and the
strategies `arrays`, `tensors`, `broadcastable` and `programs` are built on Hypothesis:
`pip install "tinygrad-edu[test]"`.
"""

from typing import TYPE_CHECKING, Any

from tinygrad_edu.testing.gradcheck import gradcheck, gradgradcheck
from tinygrad_edu.testing.report import Finding, GradcheckError, Report

if TYPE_CHECKING:
    from tinygrad_edu.testing.fuzzing import Tally, WrongDerivativeError, check_op, fuzz
    from tinygrad_edu.testing.program import Program, programs
    from tinygrad_edu.testing.strategies import arrays, broadcastable, shapes, tensors
    from tinygrad_edu.testing.verdict import Verdict, judged

__all__ = [
    "Finding",
    "GradcheckError",
    "Program",
    "Report",
    "Tally",
    "Verdict",
    "WrongDerivativeError",
    "arrays",
    "broadcastable",
    "check_op",
    "fuzz",
    "gradcheck",
    "gradgradcheck",
    "judged",
    "programs",
    "shapes",
    "tensors",
]

HOMES = {
    **dict.fromkeys(("Tally", "WrongDerivativeError", "check_op", "fuzz"), "fuzzing"),
    **dict.fromkeys(("Program", "programs"), "program"),
    **dict.fromkeys(("arrays", "broadcastable", "shapes", "tensors"), "strategies"),
    **dict.fromkeys(("Verdict", "judged"), "verdict"),
}


def __getattr__(name: str) -> Any:
    """What needs Hypothesis is imported when somebody asks for it."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    try:
        home = importlib.import_module(f"{__name__}.{HOMES[name]}")
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise ImportError(f'{name} is built on Hypothesis: pip install "tinygrad-edu[test]", or hypothesis') from error
    globals()[name] = getattr(home, name)  # a module of the package may have the name of its function: fuzz
    return globals()[name]
