"""Who asked for a bare array: `np.asarray(t)` means it, `np.array([t, t])` and `a[0] = t` lose a history unawares.

NumPy calls `__array__` alike in all of these, so the line that called it is looked at. That happens only where there is
history to lose, and costs nothing elsewhere.
"""

import ast
import linecache
import warnings
from functools import lru_cache
from itertools import islice
from types import CodeType, FrameType
from typing import Any

from tinygrad_edu import errors

__all__ = ["HistoryWarning", "notice"]


class HistoryWarning(UserWarning):
    """Numbers of a tensor that requires grad went where no gradient can follow."""


def notice(frame: FrameType) -> None:
    """Warn, or refuse, where the caller does not seem to know that it gets an array without history.

    Inside a function of NumPy, which was handed a list of Tensors or knows no protocol, that is an `UnsupportedError`;
    in the user's own line a list of Tensors, a place of an array that a Tensor is put into, or a function of `math` is
    a `HistoryWarning`.
    """
    name = frame.f_globals.get("__name__", "")
    if name.startswith("numpy.") and not name.startswith("numpy.testing"):
        raise errors.lost_history()
    said = _seen(frame.f_code, frame.f_lasti)
    if said is None:
        return
    if said == "math":
        warnings.warn(errors.LOST_IN_MATH, HistoryWarning, stacklevel=3)
    elif said == "item":
        warnings.warn(errors.LOST_IN_ITEM, HistoryWarning, stacklevel=3)
    elif said == "list" or any(_is_list(frame, variable) for variable in said):
        warnings.warn(errors.LOST_IN_LIST, HistoryWarning, stacklevel=3)


def _is_list(frame: FrameType, variable: str) -> bool:
    return isinstance(frame.f_locals.get(variable, frame.f_globals.get(variable)), list | tuple)


def stored_back(frame: FrameType) -> bool:
    """Whether the line is `t[i] += x`, which puts what it changed back to its place."""
    return bool(_seen(frame.f_code, frame.f_lasti) == "augmented")


@lru_cache(maxsize=256)
def _seen(code: CodeType, instruction: int) -> Any:
    """What the instruction does: "item" for `a[i] = ...`, "augmented" for `a[i] += ...`, "math" for a call of that
    module, "list" for a call with a list written out, else the names of the variables that the call is given.

    None where its source is not to be had.
    """
    position = next(islice(code.co_positions(), instruction // 2, None), None)
    lines = linecache.getlines(code.co_filename)
    if position is None or None in position or not lines:
        return None
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        return None
    line, last, column, end = position
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call | ast.Subscript | ast.AugAssign):
            continue
        if (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset) != (line, last, column, end):
            continue
        if isinstance(node, ast.AugAssign):
            return "augmented" if isinstance(node.target, ast.Subscript) else None
        if isinstance(node, ast.Subscript):
            return "item" if isinstance(node.ctx, ast.Store) else None
        if isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "math":
            return "math"
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if any(isinstance(g, ast.List | ast.Tuple | ast.ListComp | ast.GeneratorExp) for g in given):
            return "list"
        return tuple(g.id for g in given if isinstance(g, ast.Name))
    return None
