"""What CuPy has of NumPy: read from `coverage.txt`, and, by `python -m tests.duck.coverage`, from CuPy itself.

CuPy can be imported without a GPU, so this can be read anywhere. A line is one of

    ufunc NAME LOOP ...          as `ufunc.types` spells them: the first that the operands fit is taken
    function NAME (SIGNATURE)    `(...)` where CuPy does not say
    method NAME                  an attribute of `cupy.ndarray`
"""

import inspect
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FILE = Path(__file__).with_name("coverage.txt")
MODULES = ("", "linalg", "fft", "lib.stride_tricks")
SPECIAL = ("digamma", "erf", "erfc", "erfcinv", "erfinv", "expit", "gamma", "gammaln", "log_ndtr", "logit", "ndtr")
"""Those of `cupyx.scipy.special` that have a ufunc of SciPy's name beside them."""


class Coverage(NamedTuple):
    """What CuPy of a version has."""

    version: str
    ufuncs: dict[str, list[str]]
    functions: dict[str, str]
    methods: frozenset[str]


@cache
def coverage() -> Coverage:
    """What `coverage.txt` says."""
    first, *lines = FILE.read_text("utf-8").splitlines()
    found = Coverage(first.split()[1], {}, {}, frozenset(line[7:] for line in lines if line.startswith("method ")))
    for line in lines:
        kind, name, *rest = line.split(" ", 2)
        if kind == "ufunc":
            found.ufuncs[name] = rest[0].split()
        elif kind == "function":
            found.functions[name] = rest[0]
    return found


def reached(root: Any, path: str) -> Any:
    """What is at a dotted path; None where there is nothing."""
    for part in path.split(".") if path else ():
        root = getattr(root, part, None)
    return root


def read_from_cupy() -> str:
    """The lines of `coverage.txt` for the CuPy that is installed."""
    cupy: Any = import_module("cupy")
    import_module("cupy.lib.stride_tricks")
    special: Any = import_module("cupyx.scipy.special")
    lines = [f"cupy {cupy.__version__}"]
    for module in MODULES:
        ours, numpys = reached(cupy, module), reached(np, module)
        for name in sorted({*dir(ours)} & {*dir(numpys)}):
            function, original = getattr(ours, name), getattr(numpys, name)
            if name.startswith("_") or isinstance(original, type) or not callable(original) or function is original:
                continue
            lines.append(_line(f"{module}.{name}" if module else name, function))
    lines += [_line(f"special.{name}", getattr(special, name)) for name in SPECIAL]
    lines += [f"method {name}" for name in sorted(dir(cupy.ndarray)) if not name.startswith("_")]
    return "\n".join(lines) + "\n"


def _line(name: str, function: Any) -> str:
    if hasattr(function, "types"):
        return f"ufunc {name} {' '.join(function.types)}"
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # in C
        return f"function {name} (...)"
    bare = (p.replace(annotation=p.empty, default=p.default if p.default is p.empty else None) for p in parameters)
    return f"function {name} {inspect.Signature(list(bare))}"


@cache
def signature(name: str) -> inspect.Signature | None:
    """The signature of a function, with None for every default; None where CuPy does not say."""
    text = coverage().functions[name]
    if text == "(...)":
        return None
    found: dict[str, Any] = {}
    exec(f"def f{text}: ...", found)
    return inspect.signature(found["f"])


if __name__ == "__main__":
    FILE.write_text(read_from_cupy(), "utf-8")
