"""CuPy's kernels on the CPU: the same C++ between the braces of a loop, compiled by the C++ compiler of the machine.

They take ducks and numbers, and NumPy's arrays where no duck is among them.
"""

import ctypes
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.duck.array import Duck, lifted, lowered

COMPILER = shutil.which("c++")

TYPES = {"T": "{T}", "int64": "long long", "bool": "bool"}
"""CuPy's names of types in C++, where `T` is that of the arrays."""

LOOP = """
#include <cmath>
using namespace std;
typedef {T} T;
extern "C" void kernel(char **at, const long long *steps, long long count) {{
    for (long long number = 0; number < count; number++) {{
{declared}
        {code}
    }}
}}
"""


def declared(parameters: str) -> list[tuple[str, str]]:
    """Types and names of the parameters of a kernel.

    >>> declared("T x, bool y")
    [('T', 'x'), ('bool', 'y')]
    """
    return [(type_, name) for type_, name in (given.split() for given in parameters.split(","))]


@cache
def compiled(inputs: str, outputs: str, code: str, dtype: str) -> Any:
    """The loop over flat arrays that lie `steps` bytes apart."""
    lines = []
    for place, (type_, name) in enumerate([*declared(inputs), *declared(outputs)]):
        constant = "const " if place < len(declared(inputs)) else ""
        kind = TYPES[type_].format(T="T")
        lines.append(f"        {constant}{kind} &{name} = *({kind} *)(at[{place}] + number * steps[{place}]);")
    source = LOOP.format(T={"float32": "float", "float64": "double"}[dtype], declared="\n".join(lines), code=code)
    folder = Path(tempfile.mkdtemp())
    (folder / "kernel.cpp").write_text(source)
    assert COMPILER is not None
    made = [COMPILER, "-O1", "-shared", "-fPIC", "-Wall", "-Werror", str(folder / "kernel.cpp"), "-o"]
    subprocess.run([*made, str(folder / "kernel.so")], check=True)  # noqa: S603 - what is compiled is our own
    function = ctypes.CDLL(str(folder / "kernel.so")).kernel
    shutil.rmtree(folder)
    return function


class ElementwiseKernel:
    """As `cupy.ElementwiseKernel`, for NumPy's arrays."""

    def __init__(self, inputs: str, outputs: str, code: str, name: str) -> None:
        self.inputs, self.outputs, self.code, self.name = declared(inputs), declared(outputs), code, name
        self.source = inputs, outputs, code

    def __call__(self, *given: Any) -> Any:
        if not any(isinstance(g, Duck) for g in given):
            return self._run(given)
        found = lifted(self._run(lowered(given)))
        return found if len(given) == len(self.inputs) else given[-1]

    def _run(self, given: tuple[Any, ...]) -> Any:
        count, every = len(self.inputs), [*self.inputs, *self.outputs]
        assert len(given) in (count, len(every)), "the inputs, and all outputs or none"
        floats = [g.dtype for g, (kind, _) in zip(given, every, strict=False) if kind == "T" and hasattr(g, "dtype")]
        dtype = next(dtype for dtype in floats if dtype.kind == "f")
        known = {"T": dtype, "int64": np.dtype(np.int64), "bool": np.dtype(bool)}
        for array, (kind, name) in zip(given, every, strict=False):
            assert not isinstance(array, np.ndarray) or array.dtype == known[kind], f"{self.name}: dtype of {name}"
        shape = np.broadcast_shapes(*[np.shape(g) for g in given])
        inside = [np.asarray(g, known[kind]) for g, (kind, _) in zip(given, every, strict=False)]
        inside = [np.array(np.broadcast_to(array, shape), order="C") for array in inside]
        inside += [np.empty(shape, dtype) for _ in every[len(given) :]]
        at = (ctypes.c_void_p * len(every))(*[array.ctypes.data for array in inside])
        steps = (ctypes.c_longlong * len(every))(*[array.itemsize for array in inside])
        compiled(*self.source, dtype.name)(at, steps, ctypes.c_longlong(int(np.prod(shape))))
        for own, changed in zip(given[count:], inside[count:], strict=False):
            assert own.shape == shape, f"{self.name}: no output is stretched"
            own[...] = changed
        results = list(given[count:]) or inside[count:]
        return results[0] if len(results) == 1 else tuple(results)


class ReductionKernel:
    """As `cupy.ReductionKernel`, for NumPy's arrays, of sums: the terms by a kernel, and NumPy's sum of them."""

    def __init__(self, inputs: str, outputs: str, term: str, reduce: str, post: str, identity: str, name: str) -> None:
        assert (outputs, reduce, post, identity) == ("T total", "a + b", "total = a", "0"), "only sums"
        self.terms = ElementwiseKernel(inputs, "T term", f"term = {term};", name)

    def __call__(self, *given: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
        terms = self.terms(*given)
        total = np.asarray(lowered(terms, hosts=True).sum(axis=axis, keepdims=keepdims))
        return lifted(total) if isinstance(terms, Duck) else total
