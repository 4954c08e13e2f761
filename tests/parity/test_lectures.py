"""Programs as PyTorch's lectures, books and tutorials have them run with only their imports changed, and find the same.

Each function in `lectures/` is one. They draw their data from NumPy; `start` gives a module, or a list of Tensors, the
same first weights in both libraries, and `folder`, where a program takes it, is an empty one.
"""

import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu
from tinygrad_edu.errors import AccumulationWarning, HistoryWarning

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install scikit-learn")

FILES = sorted((Path(__file__).parent / "lectures").glob("*.py"))
CLOSE = {"rtol": 3e-4, "atol": 2e-5}  # float32, after some dozens of steps; ours keeps some numbers in float64
NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?")


def starter(library: Any) -> Callable[[Any], None]:
    def start(given: Any) -> None:
        tensors = given if isinstance(given, list) else list(given.parameters())
        random = np.random.default_rng(len(tensors))
        with library.no_grad():
            for p in tensors:
                width = max(1.0, p.shape[-1] / 4) if p.ndim else 1.0
                p.copy_(library.tensor(random.uniform(-0.5, 0.5, tuple(p.shape)) / width**0.5).to(p.dtype))

    return start


def programs(path: Path, library: Any) -> dict[str, Any]:
    """The functions of a file of lectures, with the imports for that library."""
    source = path.read_text("utf-8")
    if library is tinygrad_edu:
        source = re.sub(r"^import torch$", "import tinygrad_edu as torch", source, flags=re.MULTILINE)
        source = re.sub(r"^(import|from) torch\b", r"\1 tinygrad_edu", source, flags=re.MULTILINE)
        assert "import torch" not in source
    names: dict[str, Any] = {"__name__": "lecture", "start": starter(library)}
    exec(compile(source, str(path), "exec"), names)
    return names


def lectures() -> Iterator[Any]:
    for path in FILES:
        theirs, ours = programs(path, torch), programs(path, tinygrad_edu)
        for name, function in theirs.items():
            program = inspect.isfunction(function) and function.__module__ == "lecture"
            if program and set(inspect.signature(function).parameters) <= {"folder"}:  # others are helpers
                yield pytest.param(ours[name], function, id=f"{path.stem}-{name}")


def alike(mine: Any, other: Any, where: str = "result") -> None:
    """The same numbers up to rounding, shapes, kinds of numbers, words, and numbers in words."""
    if isinstance(other, torch.Tensor | np.ndarray):
        a, b = (np.asarray(x.detach() if hasattr(x, "detach") else x) for x in (mine, other))
        assert (a.shape, a.dtype.kind) == (b.shape, b.dtype.kind), where
        np.testing.assert_allclose(a, b, err_msg=where, **CLOSE)
    elif isinstance(other, list | tuple):
        assert len(mine) == len(other), where
        for i, pair in enumerate(zip(mine, other, strict=True)):
            alike(*pair, f"{where}[{i}]")
    elif isinstance(other, str):
        assert NUMBER.sub("#", mine) == NUMBER.sub("#", other), where
        alike([float(n) for n in NUMBER.findall(mine)], [float(n) for n in NUMBER.findall(other)], where)
    elif isinstance(other, float):
        np.testing.assert_allclose(float(mine), other, err_msg=where, rtol=3e-4, atol=1.1e-4)
    else:
        assert mine == other, where


@pytest.mark.parametrize(("ours", "theirs"), list(lectures()))
def test_a_program_needs_other_imports_and_nothing_else(ours: Any, theirs: Any, tmp_path: Path) -> None:
    arguments = (tmp_path,) if inspect.signature(ours).parameters else ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own
        torch.manual_seed(0)
        expected = theirs(*arguments)
    with warnings.catch_warnings(), np.printoptions():  # some set how numbers are shown
        warnings.simplefilter("ignore", AccumulationWarning)  # some add gradients up on purpose,
        warnings.simplefilter("ignore", HistoryWarning)  # and some take numbers out
        tinygrad_edu.manual_seed(0)
        alike(ours(*arguments), expected)
