"""A learner's formula, `sigmoid(w @ x + b)`, computed with named Tensors.

The text is parsed to a tree and the tree is walked against a list of what is allowed; nothing is ever handed to
`eval` or `exec`. Whatever is not on the list is an `ExpressionError` that points at the character.
"""

import ast
import json
import keyword
import math
import operator
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.errors import ExpressionError, TinygradError
from tinygrad_edu.rules import table
from tinygrad_edu.tensor import Tensor

__all__ = ["FUNCTIONS", "evaluate", "parse_value", "parse_values"]

_OF_ONE = (
    "concatenate cumprod cumsum det diagonal expand_dims flip inv log_softmax logsumexp max mean min norm prod reshape"
    " broadcast_to silu softmax sort squeeze stack std sum swapaxes trace transpose var"
)
_OF_TWO = "dot inner matmul outer solve tensordot vdot"
FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    **{
        op.name: (op, len(op.operands))
        for file in ("elementwise", "activations")
        for op in table()[file]
        if any(op.rules.values())
    },
    **{name: (getattr(tg, name), 1) for name in _OF_ONE.split()},
    **{name: (getattr(tg, name), 2) for name in _OF_TWO.split()},
    "abs": (tg.absolute, 1),
    "clip": (tg.clip, 1),
}
"""Allowed name -> the function, and how many operands it takes before its settings (axis, shape)."""

OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}

INSTEAD: dict[type[ast.AST], str] = {
    ast.BitXor: "^ is not a power here: write a ** b",
    ast.FloorDiv: "// has no derivative: write a / b",
    ast.Mod: "% is not allowed: only + - * / ** @ are",
    ast.Not: "`not` is not allowed: write ~(a > b)",
    ast.And: "`and` is not allowed: write (a > 0) & (b > 0)",
    ast.Or: "`or` is not allowed: write (a > 0) | (b > 0)",
    ast.IfExp: "`if` is not allowed: write where(condition, a, b)",
    ast.Lambda: "lambda is not allowed: write the formula itself",
    ast.NamedExpr: ":= is not allowed: write only the formula, and give values as NAME=VALUE",
    ast.JoinedStr: "text is not allowed: a formula has numbers, names and functions",
    ast.Dict: "braces are not allowed: write ( ) around a part of the formula",
    ast.Set: "braces are not allowed: write ( ) around a part of the formula",
    ast.Starred: "a star must stand between two factors: write a * b",
}

LONGEST, DEEPEST, LARGEST = 5_000, 100, 10_000
"""Characters of an expression, levels of nesting, numbers in a value: far beyond what anybody can follow by eye."""
TOO_DEEP = f"more than {DEEPEST} operations stand inside one another: write a shorter expression"


def evaluate(expression: str, values: Mapping[str, Tensor]) -> Tensor:
    """The value of `expression`, with its history; every intermediate result is named by the text that made it.

    Numbers are float64. Raises `ExpressionError` for anything but arithmetic, comparisons, subscripts and the
    functions in `FUNCTIONS`, for a name without a value and for a value without a use; its message is one line, then
    the expression with a caret under the place.

    >>> w, x = Tensor([1.0, 2.0], requires_grad=True), Tensor([5.0, 2.0])
    >>> evaluate("sigmoid(w @ x - 5)", {"w": w, "x": x}).item()
    0.9820137900379085
    """
    text = unicodedata.normalize("NFC", " ".join(expression.splitlines())).replace("\t", " ").strip()
    return _Evaluation(text, values).result()


class _Evaluation:
    """One walk over one expression."""

    def __init__(self, text: str, values: Mapping[str, Tensor]) -> None:
        self.text, self.values, self.used = text, values, set[str]()

    def result(self) -> Tensor:
        tree = self.parse()
        with np.errstate(all="ignore"):  # log(-1) is nan, and the reader sees where it appears
            root = self.number(tree, 0)
        if unused := [name for name in self.values if name not in self.used]:
            raise ExpressionError(
                f"{unused[0]}={_short(self.values[unused[0]])} is given but not used: leave it out, or use {unused[0]}"
                f" in the expression\n{_pointer(self.text, None)}"
            )
        if not isinstance(root, Tensor):
            raise self.error(tree, "there is nothing to differentiate by: use a name, and give its value as NAME=VALUE")
        return root

    def parse(self) -> ast.expr:
        if not self.text:
            raise ExpressionError("the expression is empty: write a formula such as a*b + c")
        if len(self.text) > LONGEST:
            raise self.error_at(LONGEST, f"only {LONGEST:,} characters are read: write a shorter expression")
        try:
            with warnings.catch_warnings(action="ignore"):  # what Python would warn of is an error here anyway
                return ast.parse(self.text, mode="eval").body
        except SyntaxError as error:
            at = error.offset - 1 if error.offset and error.offset > 0 else len(self.text)
            raise self.error_at(at, _misread(self.text, at, error.msg)) from None
        except (RecursionError, MemoryError):
            raise self.error_at(0, TOO_DEEP) from None
        except ValueError:  # half a character, which no encoding can write
            raise self.error_at(0, "these characters are no text: use letters, digits and + - * /") from None

    def error(self, tree: ast.AST, message: str) -> ExpressionError:
        """The error for a part of the expression: at its operator where it has one, else at its start."""
        match tree:
            case ast.BinOp(left=left) | ast.Compare(left=left) | ast.BoolOp(values=[left, *_]):
                offset = left.end_col_offset or 0
                between = self.text.encode()[offset:].decode()
                offset += len(between) - len(between.lstrip(") "))
            case ast.Attribute(value=value):
                offset = value.end_col_offset or 0
            case _:
                offset = getattr(tree, "col_offset", 0)
        at = len(self.text.encode()[:offset].decode())  # offsets count bytes, a caret characters
        return self.error_at(at, message)

    def error_at(self, at: int, message: str) -> ExpressionError:
        """The error for a character of the expression."""
        return ExpressionError(f"{message}\n{_pointer(self.text, at)}")

    def source(self, tree: ast.AST) -> str:
        """The part of the expression that `tree` was read from."""
        return ast.get_source_segment(self.text, tree) or ""

    def number(self, tree: ast.expr, depth: int) -> Any:
        """The value of one node: a Tensor, or float64 numbers where no name is involved."""
        if depth > DEEPEST:
            raise self.error(tree, TOO_DEEP)
        match tree:
            case ast.Name(id=name):
                return self.named(tree, name)
            case ast.Constant() | ast.List() | ast.Tuple():
                return self.literal_numbers(tree)
            case ast.BinOp(left=left, op=op, right=right):
                self.allowed(tree, op)
                operands = self.number(left, depth + 1), self.number(right, depth + 1)
                return self.apply(tree, OPERATORS[type(op)], *operands)
            case ast.UnaryOp(op=op, operand=operand):
                self.allowed(tree, op)
                return self.apply(tree, OPERATORS[type(op)], self.number(operand, depth + 1))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
                operands = self.number(left, depth + 1), self.number(right, depth + 1)
                return self.apply(tree, OPERATORS[type(op)], *operands)
            case ast.Compare(ops=[_, _, *_]):
                raise self.error(tree, "one comparison at a time: write (a < b) & (b < c)")
            case ast.Subscript(value=value, slice=key):
                return self.apply(tree, operator.getitem, self.number(value, depth + 1), self.literal(key))
            case ast.Call():
                return self.call(tree, depth)
            case ast.Attribute(value=value, attr="T"):
                return self.apply(tree, tg.transpose, self.number(value, depth + 1))
            case ast.Attribute(attr=name):
                instead = f"{name}(...)" if name in FUNCTIONS else "functions, sum(a), not methods, a.sum()"
                raise self.error(tree, f".{_shown(name)} is not allowed: write {instead}")
            case ast.BoolOp(op=op):
                self.allowed(tree, op)
        other = "this is not arithmetic: use numbers, names, + - * / ** @ and functions"
        raise self.error(tree, INSTEAD.get(type(tree), other))

    def allowed(self, tree: ast.expr, op: ast.AST) -> None:
        if type(op) not in OPERATORS:
            raise self.error(tree, INSTEAD.get(type(op), "this operator is not allowed: only + - * / ** @ are"))

    def named(self, tree: ast.expr, name: str) -> Tensor:
        if name in self.values:
            self.used.add(name)
            return self.values[name]
        if name in FUNCTIONS:
            raise self.error(tree, f"{name} is a function: write {name}(...)")
        near = get_close_matches(name, [*self.values, *FUNCTIONS], 1)
        hint = f"did you mean {near[0]}?" if near else f"give one as {_shown(name)}=NUMBER"
        raise self.error(tree, f"{_shown(name)} has no value: {hint}")

    def call(self, tree: ast.Call, depth: int) -> Any:
        if isinstance(tree.func, ast.Attribute):
            name = tree.func.attr if tree.func.attr in FUNCTIONS else "sum"
            raise self.error(tree.func, f"write functions alone, {name}(a): no methods, no np.")
        if not isinstance(tree.func, ast.Name):
            raise self.error(tree, "only a function can be called: write * for a product")
        name = tree.func.id
        if name in self.values:
            raise self.error(tree, f"{_shown(name)} is a number, not a function: write * for a product")
        if name not in FUNCTIONS:
            near = get_close_matches(name, FUNCTIONS, 1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(FUNCTIONS))}"
            raise self.error(tree, f"there is no function {_shown(name)}: {hint}")
        function, count = FUNCTIONS[name]
        operands, settings = tree.args[:count], tree.args[count:]
        if name in ("concatenate", "stack") and operands and isinstance(operands[0], ast.List | ast.Tuple):
            arguments: list[Any] = [[self.number(item, depth + 1) for item in operands[0].elts]]
        else:
            arguments = [self.number(operand, depth + 1) for operand in operands]
        if len(operands) < count:
            raise self.error(tree, f"{name} takes {count} operand{'s' * (count > 1)}, and {len(operands)} are given")
        if name in ("max", "min") and settings and not isinstance(settings[0], ast.Constant | ast.Tuple | ast.UnaryOp):
            raise self.error(tree, f"{name} takes one array: for the {name}imum of two write {name}imum(a, b)")
        arguments += [self.literal(setting) for setting in settings]
        for setting in tree.keywords:
            if setting.arg is None:
                raise self.error(setting, "** is not allowed here: write the settings one by one, axis=0")
        keywords = {str(setting.arg): self.literal(setting.value) for setting in tree.keywords}
        return self.apply(tree, function, *arguments, **keywords)

    def apply(self, tree: ast.expr, function: Callable[..., Any], *arguments: Any, **settings: Any) -> Any:
        """What the function makes of the operands, named by its text, or an error that points at `tree`."""
        try:
            result = function(*arguments, **settings)
        except (TinygradError, TypeError, ValueError, IndexError, ArithmeticError, MemoryError) as error:
            said = str(error).partition("\n")[0] or type(error).__name__
            if function in (operator.and_, operator.or_, operator.invert):
                said = "& | ~ join conditions, not numbers: write (a > 0) & (b > 0)"
            raise self.error(tree, f"{_shown(self.source(tree))}: {said}") from error
        if np.size(result) > LARGEST:
            raise self.error(tree, f"this has {np.size(result):,} numbers and at most {LARGEST:,} are drawn: use fewer")
        if isinstance(result, Tensor):
            result.name = self.source(tree)
        elif not np.all(np.isfinite(result)):
            raise self.error(tree, f"{_shown(self.source(tree))} has no finite value: write other numbers")
        return result

    def literal_numbers(self, tree: ast.expr) -> Any:
        """Numbers as written, or nested lists of them, as float64."""
        if isinstance(tree, ast.Constant) and isinstance(tree.value, bool | str | bytes | None | type(...)):
            said = f"{_shown(self.source(tree))} is no number: a formula has numbers, names and functions"
            raise self.error(tree, said)
        try:
            value = np.asarray(self.literal(tree), dtype=np.float64)[()]
        except (TypeError, ValueError, OverflowError):
            said = "these are not rows of numbers of one length: write [[1, 2], [3, 4]]"
            raise self.error(tree, said) from None
        if not np.all(np.isfinite(value)):
            raise self.error(tree, f"{_shown(self.source(tree))} has no finite value: write other numbers")
        return value

    def literal(self, tree: ast.expr, depth: int = 0) -> Any:
        """A setting as written: whole numbers, None, True, False, slices, and tuples or lists of them."""
        match tree:
            case _ if depth > DEEPEST:
                pass
            case ast.Constant(value=bool() | int() | float() | None as value):
                return value
            case ast.Constant(value=value) if value is Ellipsis:
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
            case ast.Tuple(elts=items):
                return tuple(self.literal(item, depth + 1) for item in items)
            case ast.List(elts=items):
                return [self.literal(item, depth + 1) for item in items]
            case ast.Slice(lower=lower, upper=upper, step=step):
                return slice(*(part and self.literal(part, depth + 1) for part in (lower, upper, step)))
            case ast.Name(id=name) if name in self.values:
                said = f"{_shown(name)} cannot stand here, only numbers as written; to join values write stack([a, b])"
                raise self.error(tree, said)
        raise self.error(tree, "only numbers as written can stand here, such as axis=0, (2, 3) or a[0, 1:3]")


def parse_values(assignments: Sequence[str]) -> dict[str, Tensor]:
    """The Tensors of several `NAME=VALUE`; raises `ExpressionError` for a name that is given twice.

    >>> parse_values(["a=2", "w=[1, 2]"])
    {'a': Tensor(2., requires_grad=True, name='a'), 'w': Tensor([1., 2.], requires_grad=True, name='w')}
    """
    values: dict[str, Tensor] = {}
    for text in assignments:
        tensor = parse_value(text)
        name = str(tensor.name)
        if name in values:
            raise ExpressionError(f"{_shown(name)} is given twice: keep one of the two")
        values[name] = tensor
    return values


def parse_value(text: str) -> Tensor:
    """The Tensor of `NAME=VALUE`, where VALUE is a number or a JSON array: float64, requires grad, named.

    Raises `ExpressionError`, in one line, for a name or a value that cannot be used.

    >>> parse_value("w=[1, 2]")
    Tensor([1., 2.], requires_grad=True, name='w')
    """
    said = _shown(text)
    name, equals, value = text.partition("=")
    name = unicodedata.normalize("NFKC", name.strip())  # as Python reads a name in the expression
    if not equals:
        raise ExpressionError(f"{said!r} is no value: write NAME=VALUE, such as a=2")
    if not name:
        raise ExpressionError(f"{said!r} has no name before the =: write NAME=VALUE, such as a=2")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ExpressionError(f"{_shown(name)!r} cannot be a name: use letters, digits and _, such as a or w1")
    if name in FUNCTIONS:
        raise ExpressionError(f"{name} is the name of a function: choose another name for the value")
    array = _numbers(_shown(name), value.strip())
    return Tensor(array, requires_grad=True, name=name)


def _numbers(name: str, text: str) -> Any:
    """The float64 array that `text` writes."""
    example = f"write a number, {name}=2, or a JSON array, {name}=[1,2] or {name}=[[1,2],[3,4]]"
    try:
        data = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        data = _plain_float(text)
    flat = [data]
    for item in flat:  # grows while it is read
        if isinstance(item, list):
            flat.extend(item)
        elif isinstance(item, bool) or not isinstance(item, int | float):
            raise ExpressionError(f"{name}={_shown(text)} is no number: {example}")
    try:
        array = np.asarray(data, dtype=np.float64)
    except (ValueError, OverflowError):
        raise ExpressionError(
            f"{name}={_shown(text)} has rows of different lengths, or a number too large: {example}"
        ) from None
    if not np.all(np.isfinite(array)):
        raise ExpressionError(f"{name}={_shown(text)} is no finite number: {example}")
    if not 0 < array.size <= LARGEST:
        raise ExpressionError(f"{name} has {array.size:,} numbers, and 1 to {LARGEST:,} can be used: {example}")
    return array


def _plain_float(text: str) -> float | None:
    """A number in a spelling that JSON does not have, `.5` or `1.`; None where it is none."""
    try:
        return float(text) if math.isfinite(float(text)) else None
    except ValueError:
        return None


def _refuse(token: str) -> NoReturn:
    raise ValueError(token)


def _misread(text: str, at: int, said: str) -> str:
    """What is wrong with an expression that Python cannot parse."""
    if text[at : at + 1] == "=":
        return "= cannot stand in an expression: write only the right side, and give values as NAME=VALUE"
    if "decimal literal" in said:
        return "a name cannot start with a digit: write 2*a for a product"
    if "never closed" in said or "unmatched" in said or "does not match" in said:
        return f"the parentheses do not match ({said}): each ( needs its )"
    if "too many nested" in said:
        return TOO_DEEP
    if at >= len(text):
        return "the expression ends too early: a number, a name or a function must follow"
    return "this cannot be read: write it as in Python, with * for every product, such as 2*a*(b + 1)"


def _pointer(text: str, at: int | None) -> str:
    """The expression, and under it a caret at character `at`; long ones are cut around it."""
    start = 0 if at is None else max(0, min(at - 40, len(text) - 76))
    part = _shown(text[start : start + 76], 76)
    if at is None:
        return f"  {part}"
    return f"  {part}\n  {' ' * sum(_columns(c) for c in part[: at - start])}^"


def _columns(character: str) -> int:
    """How many columns a terminal gives the character."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _shown(text: str, longest: int = 40) -> str:
    """The text without control characters, which a terminal would obey, and not too long."""
    plain = "".join(c if c.isprintable() else "?" for c in text)
    return plain if len(plain) <= longest else plain[: longest - 3] + "..."


def _short(tensor: Tensor) -> str:
    return _shown(json.dumps(tensor.tolist()), 20)
