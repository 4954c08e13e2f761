"""Functions as CuPy has them, computed by NumPy: CuPy's signatures and loops, and no floating-point warnings.

Here arrays are NumPy's, those under the ducks.
"""

from functools import cache
from typing import Any

import numpy as np
import scipy.special

from tests.duck.coverage import coverage, reached, signature

SYNCHRONIZING = frozenset(
    [
        "argwhere",
        "average",
        "bincount",
        "delete",
        "digitize",
        "extract",
        "flatnonzero",
        "histogram",
        "nonzero",
        "percentile",
        "quantile",
        "ravel_multi_index",
        "trim_zeros",
        "unique",
        "unravel_index",
        "linalg.matrix_rank",
    ]
)
"""Functions that wait for a number of the GPU, as for the length of their result: CuPy's pages say so."""

OF_ARRAYS = frozenset(["column_stack", "concatenate", "dstack", "hstack", "stack", "vstack"])
OF_TWO_ARRAYS = frozenset(["cross", "dot", "inner", "matmul", "outer", "tensordot", "vdot"])
TAKES_HOSTS = frozenset(["array", "asanyarray", "asarray", "ascontiguousarray", "asfortranarray", "put", "take"])
"""What takes arrays of the host too, and copies them: functions that make arrays, and the places of some."""

AT = {"add": "iILQefd", "subtract": "iI", "maximum": "iILQfd", "minimum": "iILQfd"}
"""The dtypes that a GPU can add to where several threads want to, and the like; int64 came after CuPy 14.0."""


def run_function(name: str, args: Any, kwargs: Any) -> Any:
    """What a function of CuPy's gives. TypeError for arguments that it does not take."""
    known = signature(name)
    given = known.bind(*args, **kwargs).arguments if known else {}
    if name in OF_ARRAYS and not all(isinstance(part, np.ndarray) for part in args[0]):
        raise TypeError("Only cupy arrays can be concatenated")
    if name == "where":
        if not hasattr(given["condition"], "astype"):
            raise AttributeError(f"{type(given['condition']).__name__!r} object has no attribute 'astype'")
        args = (given["condition"].astype(bool), *args[1:])
    if name in OF_TWO_ARRAYS and not all(isinstance(part, np.ndarray) for part in args[:2]):
        raise TypeError(f"cupy.{name} is of two arrays")
    if name == "tensordot" and 0 in (args[0].ndim, args[1].ndim) and given.get("axes", 2) not in (0, ((), ())):
        raise ValueError("An input is zero-dim while axes has dimensions")
    if name == "linalg.solve" and args[1].ndim > 1 and args[0].shape[:-1] != args[1].shape[:-1]:
        raise ValueError("a must have (..., M, M) shape and b must have (..., M, K) for multidimensional b")
    if name in ("sort", "argsort") and given.get("kind") not in (None, "stable"):
        raise ValueError("kind can only be None or 'stable'")
    with np.errstate(all="ignore"):
        found = reached(np, name)(*args, **kwargs)
    return np.asarray(found) if name in ("allclose", "array_equal", "array_equiv") else found


def run_ufunc(name: str, inputs: Any, options: dict[str, Any]) -> Any:
    """What a ufunc of CuPy's gives: by the first of its loops that the inputs fit."""
    out, dtype, casting = options.pop("out", None), options.pop("dtype", None), options.pop("casting", "same_kind")
    if options:
        raise TypeError(f"Wrong arguments {options}")
    loops = coverage().ufuncs[name]
    count = len(loops[0].partition("->")[0])
    inputs, outs = inputs[:count], inputs[count:] or ((out,) if out is not None else ())
    for value in inputs:
        if not isinstance(value, np.ndarray | np.generic | bool | int | float | complex):
            raise TypeError(f"Unsupported type {type(value)}")
    kinds = tuple(value.dtype if hasattr(value, "dtype") else type(value) for value in inputs)
    loop = _loop(name, kinds, None if dtype is None else np.dtype(dtype))
    if loop is None:
        raise TypeError(f"Wrong type ({kinds}) of arguments for cupy_{name}")
    takes, gives = loop
    values = [np.asarray(value).astype(kind) for value, kind in zip(inputs, takes, strict=True)]
    function = getattr(scipy.special, name[8:]) if name.startswith("special.") else reached(np, name)
    with np.errstate(all="ignore"):
        found = function(*values)
        results = found if isinstance(found, tuple) else (found,)
        results = tuple(np.asarray(value).astype(kind, copy=False) for value, kind in zip(results, gives, strict=True))
    for value, target in zip(results, outs, strict=False):
        np.copyto(target, value, casting)
    results = outs or results
    return results if len(results) > 1 else results[0]


@cache
def _loop(name: str, kinds: tuple[Any, ...], dtype: Any) -> tuple[str, str] | None:
    """The dtypes that a ufunc computes with and gives; None where it has no such loop.

    A Python number takes the kind of the arrays, unless its own is higher, as NEP 50 has it.
    """
    order = {int: 1, float: 2, complex: 3}
    rank = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}
    arrays = [rank[kind.kind] if isinstance(kind, np.dtype) else 0 for kind in kinds if not _is_number(kind)]
    numbers = [order[kind] for kind in kinds if _is_number(kind)]
    weak = bool(arrays and numbers) and max(arrays) >= max(numbers)
    for loop in coverage().ufuncs[name]:
        takes, gives = loop.split("->")
        if dtype is not None:
            if all(np.dtype(kind) == dtype for kind in gives):
                return takes, gives
        elif all(_fits(kind, np.dtype(taken), weak) for kind, taken in zip(kinds, takes, strict=True)):
            return takes, gives
    return None


def _is_number(kind: Any) -> bool:
    return not isinstance(kind, np.dtype) and kind is not bool


def _fits(kind: Any, taken: Any, weak: bool) -> bool:
    if isinstance(kind, np.dtype):
        return np.can_cast(kind, taken)
    if np.can_cast(np.dtype(kind), taken):
        return True
    return weak and _is_number(kind) and np.result_type(kind(0), taken) == taken


def run_scatter(name: str, array: Any, key: Any, values: Any) -> None:
    """`ufunc.at`: of a few ufuncs and dtypes."""
    if array.dtype.char not in AT.get(name, ""):
        raise TypeError(f"cupy.{name}.at does not support {array.dtype} as data type")
    getattr(np, name).at(array, key, values)
