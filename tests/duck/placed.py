"""A function as it would be written for a GPU: the arrays that it names are there."""

from types import CellType, FunctionType
from typing import Any

import numpy as np

from tests.duck.module import upload

MAKERS = frozenset(
    ["arange", "array", "asarray", "empty", "eye", "full", "identity", "linspace", "ones", "tri", "zeros"]
)


class NumPyThere:
    """NumPy, but for what makes arrays of nothing: that is CuPy's, as after `import cupy`."""

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cupy if name in MAKERS else np, name)


def on_gpu(function: Any, cupy: Any) -> Any:
    """The function with ducks for the arrays that its lines name."""

    def there(value: Any) -> Any:
        if value is np:
            return NumPyThere(cupy)
        if isinstance(value, np.ndarray):
            return upload(value)
        if type(value) in (list, tuple):
            return type(value)(map(there, value))
        if isinstance(value, FunctionType) and value.__module__ == "tests.cases.case":
            return lambda *args, **kwargs: there(value(*args, **kwargs))
        if isinstance(value, FunctionType) and value.__module__.startswith("tests."):
            return on_gpu(value, cupy)
        return value

    if not isinstance(function, FunctionType):
        return function
    code = function.__code__
    names = {*code.co_names, *(n for c in code.co_consts if hasattr(c, "co_names") for n in c.co_names)}
    known = {name: there(value) if name in names else value for name, value in function.__globals__.items()}
    cells = tuple(CellType(there(cell.cell_contents)) for cell in function.__closure__ or ())
    twin = FunctionType(code, known, function.__name__, there(function.__defaults__), cells)
    twin.__kwdefaults__ = function.__kwdefaults__
    return twin
