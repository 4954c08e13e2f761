"""Who asked for a bare array: `np.asarray(t)` means it, `np.array([t, t])` and `a[0] = t` lose a history unawares.

NumPy calls `__array__` alike in all of these, so the line that called it is looked at. That happens only where there is
history to lose, and costs nothing elsewhere.
"""

import ast
import builtins
import linecache
import os
import sys
import warnings
from functools import lru_cache
from itertools import islice
from types import FrameType
from typing import Any

from tinygrad_edu import errors
from tinygrad_edu.errors import HistoryWarning

Position = tuple[int | None, ...]

__all__ = ["HistoryWarning", "needs_gradient", "notice", "stored_back"]


def notice(frame: FrameType, number: bool = False) -> None:
    """Warn, or refuse, where the caller does not seem to know that it gets an array, or a `number`, without history.

    Inside a function of NumPy, which was handed a list of Tensors or knows no protocol, that is an `UnsupportedError`;
    in the user's own line a list of Tensors given to NumPy, a place of an array that a Tensor is put into, or a
    function of `math` is a `HistoryWarning`. Other libraries (a plot, say) ask for the numbers and get them.
    """
    module = _module(frame)
    if module.startswith("tinygrad_edu"):  # this package knows what it does, and does it often
        return
    if module.startswith("numpy."):
        if not _wants_numbers_only(frame):
            raise errors.lost_history()
        return
    if _foreign(frame):
        return
    node = _node(frame)
    if isinstance(node, ast.Subscript):
        if isinstance(node.ctx, ast.Store):
            warnings.warn(errors.LOST_IN_ITEM, HistoryWarning, stacklevel=3)
    elif isinstance(node, ast.Call):
        home = getattr(_value(frame, node.func), "__module__", None) or ""
        if number and home == "math":
            warnings.warn(errors.LOST_IN_MATH, HistoryWarning, stacklevel=3)
        elif not number and home.partition(".")[0] == "numpy" and _given_a_list(frame, node):
            warnings.warn(errors.LOST_IN_LIST, HistoryWarning, stacklevel=3)


def stored_back(frame: FrameType, tensor: Any) -> bool:
    """Whether the line is `t[i] += x` with a Tensor t, which puts what it changed back to its place.

    Without its source, whether nobody but the line holds what is changed.
    """
    node = _node(frame)
    if node is None:
        return sys.version_info < (3, 14) and sys.getrefcount(tensor) <= 4  # its stack, two calls, and the argument
    if not isinstance(node, ast.AugAssign) or not isinstance(node.target, ast.Subscript):
        return False
    return hasattr(_value(frame, node.target.value), "grad_fn")


def needs_gradient(frame: FrameType) -> bool:
    """Whether the line reads a `.grad` to compute with it or to show it, and not to ask whether it is there.

    `if p.grad is not None`, and what stores it or hands it on, may know that it is None; so may a line without source.
    """
    position = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), None)
    use = None if position is None else _uses_of_grad(frame.f_code.co_filename).get(position)
    if isinstance(use, ast.Call):
        function = _value(frame, use.func) or getattr(builtins, getattr(use.func, "id", ""), None)
        return function in SHOWING or str(getattr(function, "__module__", "")).startswith("numpy")
    if isinstance(use, ast.Compare):
        return not isinstance(use.ops[0], ast.Is | ast.IsNot)
    return isinstance(
        use, ast.BinOp | ast.UnaryOp | ast.AugAssign | ast.Attribute | ast.Subscript | ast.FormattedValue | ast.Expr
    )


SHOWING = (print, repr, str, float, int, len, abs)


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _wants_numbers_only(frame: FrameType) -> bool:
    """Whether NumPy was asked by a library, or asks for no more than a shape, or compares for a test."""
    if frame.f_code.co_name in ("shape", "ndim", "size") or _module(frame).startswith("numpy.testing"):
        return True
    caller: FrameType | None = frame
    while caller is not None and _module(caller).startswith("numpy."):
        caller = caller.f_back
    return caller is None or _foreign(caller)


def _foreign(frame: FrameType) -> bool:
    """Whether the code is not the user's: an installed package, or Python's own library."""
    name = frame.f_code.co_filename
    return f"{os.sep}site-packages{os.sep}" in name or name.startswith((os.path.dirname(os.__file__), "<frozen"))


def _given_a_list(frame: FrameType, call: ast.Call) -> bool:
    for given in (*call.args, *(keyword.value for keyword in call.keywords)):
        if isinstance(given, ast.List | ast.Tuple | ast.ListComp | ast.GeneratorExp):
            return True
        if isinstance(_value(frame, given), list | tuple):
            return True
    return False


def _value(frame: FrameType, expression: ast.expr) -> Any:
    """What a name, or a dotted name, stands for in the frame; None for anything else."""
    if isinstance(expression, ast.Name):
        return frame.f_locals.get(expression.id, frame.f_globals.get(expression.id))
    if isinstance(expression, ast.Attribute):
        holder = _value(frame, expression.value)
        return vars(holder).get(expression.attr) if hasattr(holder, "__dict__") else None
    return None


def _node(frame: FrameType) -> ast.AST | None:
    """The call, the place or the `+=` that the frame is at; None where the source is not to be had."""
    position = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), None)
    return None if position is None else _nodes(frame.f_code.co_filename).get(position)


@lru_cache(maxsize=16)
def _nodes(filename: str) -> dict[Position, ast.AST]:
    """The calls, places and `+=` of a file by their lines and columns, as instructions know them."""
    kinds = (ast.Call, ast.Subscript, ast.AugAssign)
    return {_position(n): n for n in ast.walk(_tree(filename)) if isinstance(n, kinds)}


@lru_cache(maxsize=16)
def _uses_of_grad(filename: str) -> dict[Position, ast.AST]:
    """What every `t.grad` of a file is part of, by where it stands."""
    pairs = ((part, use) for use in ast.walk(_tree(filename)) for part in ast.iter_child_nodes(use))
    return {_position(part): use for part, use in pairs if isinstance(part, ast.Attribute) and part.attr == "grad"}


def _tree(filename: str) -> ast.Module:
    try:
        return ast.parse("".join(linecache.getlines(filename)))
    except SyntaxError:
        return ast.Module([], [])


def _position(node: Any) -> Position:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset
