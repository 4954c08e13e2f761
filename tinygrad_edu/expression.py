"""A learner's formula, `sigmoid(w @ x + b)`, computed with named Tensors.

The text is parsed to a tree and the tree is walked against a list of what is allowed; nothing is ever handed to
`eval` or `exec`. Whatever is not on the list is an `ExpressionError` that points at the character.
"""

import ast
import json
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
from tinygrad_edu.tensor import Tensor

__all__ = ["FUNCTIONS", "evaluate", "parse_value", "parse_values"]

FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    **{op.name: (op, 1) for op in (tg.negative, tg.positive, tg.exp, tg.log, tg.sqrt, tg.square, tg.tanh, tg.sigmoid)},
    **{op.name: (op, 1) for op in (tg.relu, tg.absolute, tg.sign, tg.sum, tg.mean, tg.max, tg.min)},
    **{op.name: (op, 1) for op in (tg.reshape, tg.transpose, tg.swapaxes, tg.expand_dims, tg.squeeze, tg.broadcast_to)},
    **{op.name: (op, 2) for op in (tg.add, tg.subtract, tg.multiply, tg.divide, tg.power, tg.maximum, tg.minimum)},
    **{op.name: (op, 2) for op in (tg.matmul, tg.dot)},
    "abs": (tg.absolute, 1),
    "tensordot": (tg.tensordot, 2),
    "where": (tg.where, 3),
    "concatenate": (tg.concatenate, 1),
    "stack": (tg.stack, 1),
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
            self.fail(tree, "there is nothing to differentiate by: use a name, and give its value as NAME=VALUE")
        return root

    def parse(self) -> ast.expr:
        if not self.text:
            raise ExpressionError("the expression is empty: write a formula such as a*b + c")
        if len(self.text) > LONGEST:
            raise ExpressionError(
                f"the expression has {len(self.text):,} characters and at most {LONGEST:,} are read: write a shorter"
                f" one\n{_pointer(self.text[:60], None)} ..."
            )
        try:
            with warnings.catch_warnings(action="ignore"):  # what Python would warn of is an error here anyway
                return ast.parse(self.text, mode="eval").body
        except SyntaxError as error:
            at = error.offset - 1 if error.offset and error.offset > 0 else len(self.text)
            self.fail_at(at, _misread(self.text, at, error.msg))
        except (RecursionError, MemoryError):
            self.fail_at(0, f"the expression is nested too deeply: at most {DEEPEST} levels are read")
        except ValueError:  # half a character, which no encoding can write
            self.fail_at(0, "the expression has characters that are no text: write it with letters, digits and + - * /")

    def fail(self, tree: ast.AST, message: str) -> NoReturn:
        """Raise for a part of the expression."""
        offset = getattr(tree, "col_offset", 0)
        self.fail_at(len(self.text.encode()[:offset].decode()), message)  # offsets count bytes, a caret characters

    def fail_at(self, at: int, message: str) -> NoReturn:
        raise ExpressionError(f"{message}\n{_pointer(self.text, at)}")

    def source(self, tree: ast.AST) -> str:
        """The part of the expression that `tree` was read from."""
        return ast.get_source_segment(self.text, tree) or ""

    def number(self, tree: ast.expr, depth: int) -> Any:
        """The value of one node: a Tensor, or float64 numbers where no name is involved."""
        if depth > DEEPEST:
            self.fail(tree, f"the expression is nested too deeply: at most {DEEPEST} levels are read")
        match tree:
            case ast.Name(id=name):
                return self.named(tree, name)
            case ast.Constant() | ast.List() | ast.Tuple():
                return self.literal_numbers(tree)
            case ast.BinOp(left=left, op=op, right=right):
                self.allowed(tree, op)
                return self.apply(tree, OPERATORS[type(op)], self.number(left, depth + 1), self.number(right, depth + 1))
            case ast.UnaryOp(op=op, operand=operand):
                self.allowed(tree, op)
                return self.apply(tree, OPERATORS[type(op)], self.number(operand, depth + 1))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
                return self.apply(tree, OPERATORS[type(op)], self.number(left, depth + 1), self.number(right, depth + 1))
            case ast.Compare(ops=[_, _, *_]):
                self.fail(tree, "one comparison at a time: write (a < b) & (b < c)")
            case ast.Subscript(value=value, slice=key):
                return self.apply(tree, operator.getitem, self.number(value, depth + 1), self.literal(key))
            case ast.Call():
                return self.call(tree, depth)
            case ast.Attribute(value=value, attr="T"):
                return self.apply(tree, tg.transpose, self.number(value, depth + 1))
            case ast.Attribute(attr=name):
                hint = f": write {name}(...)" if name in FUNCTIONS else ": write functions, sum(a), not methods, a.sum()"
                self.fail(tree, f".{_shown(name)} is not allowed{hint}")
            case ast.BoolOp(op=op):
                self.allowed(tree, op)
        self.fail(tree, INSTEAD.get(type(tree), "this is not arithmetic: use numbers, names, + - * / ** @ and functions"))

    def allowed(self, tree: ast.expr, op: ast.AST) -> None:
        if type(op) not in OPERATORS:
            at = tree.right if isinstance(tree, ast.BinOp) else tree
            self.fail(at, INSTEAD.get(type(op), "this operator is not allowed: only + - * / ** @ are"))

    def named(self, tree: ast.expr, name: str) -> Tensor:
        if name in self.values:
            self.used.add(name)
            return self.values[name]
        if name in FUNCTIONS:
            self.fail(tree, f"{name} is a function: write {name}(...)")
        near = get_close_matches(name, [*self.values, *FUNCTIONS], 1)
        hint = f"did you mean {near[0]}?" if near else f"give one as {_shown(name)}=NUMBER"
        self.fail(tree, f"{_shown(name)} has no value: {hint}")

    def call(self, tree: ast.Call, depth: int) -> Any:
        if isinstance(tree.func, ast.Attribute):
            name = tree.func.attr
            self.fail(tree, f"write functions alone, {name if name in FUNCTIONS else 'sum'}(a): no methods, no np.")
        if not isinstance(tree.func, ast.Name):
            self.fail(tree, "only a function can be called: write * for a product")
        name = tree.func.id
        if name in self.values:
            self.fail(tree, f"{_shown(name)} is a number, not a function: write * for a product")
        if name not in FUNCTIONS:
            near = get_close_matches(name, FUNCTIONS, 1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(FUNCTIONS))}"
            self.fail(tree, f"there is no function {_shown(name)}: {hint}")
        function, count = FUNCTIONS[name]
        operands, settings = tree.args[:count], tree.args[count:]
        if name in ("concatenate", "stack") and operands and isinstance(operands[0], ast.List | ast.Tuple):
            arguments: list[Any] = [[self.number(item, depth + 1) for item in operands[0].elts]]
        else:
            arguments = [self.number(operand, depth + 1) for operand in operands]
        if len(operands) < count:
            self.fail(tree, f"{name} takes {count} operand{'s' * (count > 1)}, and {len(operands)} are given")
        arguments += [self.literal(setting) for setting in settings]
        for keyword in tree.keywords:
            if keyword.arg is None:
                self.fail(keyword, "** is not allowed here: write the settings one by one, axis=0")
        keywords = {str(keyword.arg): self.literal(keyword.value) for keyword in tree.keywords}
        return self.apply(tree, function, *arguments, **keywords)

    def apply(self, tree: ast.expr, function: Callable[..., Any], *arguments: Any, **settings: Any) -> Any:
        """What the function makes of the operands, named by its text, or an error that points at `tree`."""
        try:
            result = function(*arguments, **settings)
        except (TinygradError, TypeError, ValueError, IndexError, ArithmeticError, MemoryError) as error:
            said = str(error).partition("\n")[0] or type(error).__name__
            self.fail(tree, f"{_shown(self.source(tree))}: {said}")
        if np.size(result) > LARGEST:
            self.fail(tree, f"this has {np.size(result):,} numbers and at most {LARGEST:,} are drawn: use fewer")
        if isinstance(result, Tensor):
            result.name = self.source(tree)
        elif not np.all(np.isfinite(result)):
            self.fail(tree, f"{_shown(self.source(tree))} is no finite number: write a smaller one")
        return result

    def literal_numbers(self, tree: ast.expr) -> Any:
        """Numbers as written, or nested lists of them, as float64."""
        if isinstance(tree, ast.Constant) and isinstance(tree.value, bool | str | bytes | None | type(...)):
            self.fail(tree, f"{_shown(self.source(tree))} is no number: a formula has numbers, names and functions")
        try:
            value = np.asarray(self.literal(tree), dtype=np.float64)[()]
        except (TypeError, ValueError, OverflowError):
            self.fail(tree, "these are not rows of numbers of one length: write [[1, 2], [3, 4]]")
        if not np.all(np.isfinite(value)):
            self.fail(tree, f"{_shown(self.source(tree))} is no finite number: write a smaller one")
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
                self.fail(tree, f"{_shown(name)} cannot stand here, only numbers as written; for an array of values"
                                " write stack([a, b])")
        self.fail(tree, "only numbers as written can stand here, such as axis=0, (2, 3) or a[0, 1:3]")


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
    if not name.isidentifier() or name in ("None", "True", "False") or _is_keyword(name):
        raise ExpressionError(f"{_shown(name)!r} cannot be a name: use letters, digits and _, such as a or w1")
    if name in FUNCTIONS:
        raise ExpressionError(f"{name} is the name of a function: choose another name for the value")
    array = _numbers(_shown(name), value.strip())
    return Tensor(array, requires_grad=True, name=name)


def _numbers(name: str, text: str) -> Any:
    """The float64 array that `text` writes."""
    example = f"write a number, {name}=2, or a JSON array, {name}=[1,2] or {name}=[[1,2],[3,4]]"
    try:
        data = json.loads(text if text[:1] in "[{\"tfn" else text.removeprefix("+") or "null", parse_constant=_refuse)
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
        raise ExpressionError(f"{name}={_shown(text)} has rows of different lengths, or a number too large: {example}") from None
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


def _is_keyword(name: str) -> bool:
    import keyword

    return keyword.iskeyword(name)


def _misread(text: str, at: int, said: str) -> str:
    """What is wrong with an expression that Python cannot parse."""
    if text[at : at + 1] == "=":
        return "= cannot stand in an expression: write only the right side, and give values as NAME=VALUE"
    if "decimal literal" in said:
        return "a name cannot start with a digit: write 2*a for a product"
    if "never closed" in said or "unmatched" in said or "does not match" in said:
        return f"the parentheses do not match ({said}): each ( needs its )"
    if "too many nested" in said:
        return f"the expression is nested too deeply: at most {DEEPEST} levels are read"
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
