"""What a recipe asks for while it writes one call of an op: operands of fitting shapes, axes, numbers."""

import ast
import math
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.testing.strategies import arrays, shapes, stretched_to

Array = Any
Shape = tuple[int, ...]
LARGEST, MOST = 1e4, 60  # of a number, and of how many: beyond them a program says little about rules and takes long
SPACE = {"np": np, "tg": tg}


class Maker:
    """A program while it grows: its inputs, the lines written so far, and the value of every name by plain NumPy.

    A recipe asks it for operands, each a name, which is one of those already there as often as not, so that
    subexpressions are shared.
    """

    def __init__(self, draw: Any, space: dict[str, Any] = SPACE) -> None:
        self.draw, self.space = draw, space
        self.inputs: dict[str, Array] = {}
        self.lines: list[tuple[str, str]] = []  # what is assigned to, and the code that it gets
        self.values: dict[str, Any] = {}

    def any(
        self,
        min_dims: int = 0,
        max_dims: int = 3,
        *,
        where: Callable[[Shape], bool] | None = None,
        empty: bool = False,
    ) -> str:
        """A name with so many axes, and a shape that `where` accepts (a new input only has the axes, so help it).

        `empty` allows arrays without numbers.
        """
        fitting = [
            n
            for n in self._arrays(empty)
            if min_dims <= self.ndim(n) <= max_dims and (not where or where(self.shape(n)))
        ]
        if fitting and self.draw(st.integers(0, 2)):
            return str(self.draw(st.sampled_from(fitting)))
        side = 1 if not empty or self.draw(st.integers(0, 15)) else 0
        drawn = self.draw(shapes(min_dims, max_dims, side))
        return self.new(drawn if not where or where(drawn) else self.draw(shapes(min_dims, max_dims).filter(where)))

    def of(self, shape: Shape) -> str:
        """A name of exactly this shape."""
        fitting = [n for n in self._arrays(empty=True) if self.shape(n) == shape]
        return str(self.draw(st.sampled_from(fitting))) if fitting and self.draw(st.integers(0, 2)) else self.new(shape)

    def like(self, name: str) -> str:
        """A name whose shape broadcasts with that of another."""
        shape = self.shape(name)
        fitting = [n for n in self._arrays(0 in shape) if _broadcasts(self.shape(n), shape)]
        if fitting and self.draw(st.integers(0, 2)):
            return str(self.draw(st.sampled_from(fitting)))
        return self.new(self.draw(stretched_to(shape)))

    def square(self, min_dims: int = 2, max_dims: int = 3) -> str:
        """A name of one square matrix, or of several."""
        lead = self.draw(st.sampled_from([(), (2,)] if max_dims > 2 else [()]))
        n = self.draw(st.integers(1, 3))
        return (
            self.any(min_dims, max_dims, where=lambda s: s[-1] == s[-2])
            if self.draw(st.booleans())
            else self.of((*lead, n, n))
        )

    def new(self, shape: Shape) -> str:
        """A new input."""
        name = f"x{len(self.inputs)}"
        self.inputs[name] = self.values[name] = self.draw(arrays(shape))
        return name

    def value(self, name: str) -> Any:
        """What a name stands for, by plain NumPy."""
        return self.values[name]

    def shape_of(self, code: str) -> Shape:
        """The shape of what code makes of the names."""
        with np.errstate(all="ignore"):
            return np.shape(eval(code, SPACE | self.values))  # noqa: S307 - code of recipes

    def shape(self, name: str) -> Shape:
        """The shape of what a name stands for."""
        return np.shape(self.values[name])

    def ndim(self, name: str) -> int:
        """How many axes it has."""
        return len(self.shape(name))

    def axis(self, name: str) -> int:
        """One of its axes, from either end; it must have some."""
        return int(self.draw(st.integers(-self.ndim(name), self.ndim(name) - 1)))

    def axes(self, name: str) -> int | tuple[int, ...] | None:
        """One axis, several, or None for all."""
        ndim = self.ndim(name)
        several = st.lists(st.integers(0, ndim - 1), unique=True).map(tuple) if ndim else st.just(())
        one = [st.integers(-ndim, ndim - 1)] if ndim else []
        return self.draw(st.one_of(st.none(), *one, several))  # type: ignore[no-any-return] # of one of these types

    def permuted(self, count: int) -> Shape:
        """The axes 0, 1, ... in some order."""
        return tuple(self.draw(st.permutations(range(count))))

    def shrunk(self, shape: Shape) -> Shape:
        """A shape that broadcasts to this one."""
        return tuple(self.draw(stretched_to(shape)))

    def reshaped(self, shape: Shape) -> Shape:
        """Another shape of as many numbers."""
        size = math.prod(shape)
        if size == 0:
            return (0, 3)
        parts = [n for n in range(1, size + 1) if size % n == 0]
        first = self.one_of(*parts)
        return tuple(self.one_of((first, size // first), (-1, first), (1, size), (first, 1, -1)))

    def flag(self) -> bool:
        """True or False."""
        return bool(self.draw(st.booleans()))

    def whole(self, low: int, high: int) -> int:
        """A whole number between two, both included."""
        return int(self.draw(st.integers(low, high)))

    def number(self, low: float = -2.0, high: float = 2.0) -> float:
        """A number with three decimals."""
        return float(round(self.draw(st.floats(low, high, allow_nan=False)), 3))

    def one_of(self, *choices: Any) -> Any:
        """One of the choices."""
        return self.draw(st.sampled_from(choices))

    def wholes(self, low: int, high: int, count: int) -> list[int]:
        """So many whole numbers between two."""
        return list(self.draw(st.lists(st.integers(low, high), min_size=count, max_size=count)))

    def integers(self, shape: Shape, low: int, high: int) -> str:
        """The code of an array of whole numbers of a shape."""
        return f"np.array({self.wholes(low, high, math.prod(shape))}).reshape({shape})"

    def mask(self, shape: Shape) -> str:
        """The code of an array of booleans of a shape, more of them True."""
        size = math.prod(shape)
        bits = self.draw(st.lists(st.sampled_from([True, True, False]), min_size=size, max_size=size))
        return f"np.array({bits}, bool).reshape({shape})"

    def key(self, name: str) -> str:
        """The code of an index: numbers, slices, lists, masks, `None` and `...` in a mix that fits."""
        shape, parts, advanced = self.shape(name), [], False
        count = self.whole(0, len(shape))
        for n in shape[:count]:
            kinds = ["number", "slice", "every"] + ([] if advanced else ["list", "mask"])
            kind = self.one_of(*kinds) if n else "every"
            advanced |= kind in ("list", "mask")
            if kind == "number":
                parts.append(str(self.whole(-n, n - 1)))
            elif kind == "slice":
                parts.append(self.one_of("1:", ":-1", "::-1", "::2", f":{n}", "-2:"))
            elif kind == "every":
                parts.append(":")
            elif kind == "list":
                parts.append(str(self.wholes(-n, n - 1, self.whole(1, 3))))
            else:
                parts.append(str(self.draw(st.lists(st.booleans(), min_size=n, max_size=n))))
        if not advanced and self.flag():
            new = self.one_of("None", "...")
            parts.insert(self.whole(0, len(parts)) if new == "None" else len(parts), new)  # each keeps its axis
        return ", ".join(parts) or "..."

    def add(self, code: str, then: Sequence[str] = ()) -> bool:
        """Write the lines of an expression, one call each, if plain NumPy gives numbers that are worth going on with.

        `then` are lines after it, in which @ stands for the name of the result: "@[0] = x1". A line to a name in
        capitals makes a new name, which lines after it may use: "NEW = np.negative(@)".

        >>> maker = Maker(draw=None)
        >>> maker.values["x0"] = np.array([0.0, 1.0])
        >>> maker.add("np.copy(2 * x0)", ["@[0] = 3.0", "NEW = -np.exp(@)"]), maker.add("np.log(x0)")
        (True, False)
        >>> for line in maker.lines:
        ...     print(*line, sep=" = ")
        t0 = 2 * x0
        t1 = np.copy(t0)
        t1[0] = 3.0
        t3 = np.exp(t1)
        t4 = -t3
        """
        earlier = len(self.lines)
        known = dict(self.values)
        names = {"@": self._assign(self._flat(code))}
        for line in then:
            target, code = line.split(" = ", 1)
            code = self._flat(_renamed(code, names))
            if target.isupper():
                names[target] = self._assign(code)
            else:
                self.lines.append((_renamed(target, names), code))
        try:
            self._run(earlier)
        except (ArithmeticError, ValueError, IndexError, Warning, np.linalg.LinAlgError):
            worth = False
        else:
            with_nan = any("np.nan)" in line for _, line in self.lines[earlier:])  # on the way, not in the end
            *way, last = (self.values[target] for target, _ in self.lines[earlier:] if target in self.values)
            worth = _worth(last) and all(_worth(value, with_nan) for value in way)
        if not worth:
            del self.lines[earlier:]
            self.values = known
        return worth

    def _flat(self, code: str) -> str:
        """The last call of an expression; the others go into lines before it."""
        root = ast.parse(code, mode="eval").body
        return ast.unparse(_Flatten(self, root).visit(root))

    def _assign(self, code: str) -> str:
        name = f"t{len(self.lines)}"
        self.lines.append((name, code))
        return name

    def _run(self, start: int) -> None:
        space = self.space | self.values
        with np.errstate(all="ignore"), warnings.catch_warnings(action="error"):
            for target, code in self.lines[start:]:
                exec(f"{target} = {code}", space)  # noqa: S102 - lines that this class wrote
        self.values |= {target: space[target] for target, _ in self.lines[start:] if target.isidentifier()}

    def _arrays(self, empty: bool = False) -> list[str]:
        """The names of arrays of floats, of which there may be an operand."""
        floats = [n for n, v in self.values.items() if getattr(v, "dtype", np.dtype(int)).kind == "f" and _worth(v)]
        return [n for n in floats if empty or self.values[n].size]


class _Flatten(ast.NodeTransformer):
    """Every call in an expression, and every operator, that has a name of the program in it, gets a line of its own."""

    def __init__(self, maker: Maker, root: ast.expr) -> None:
        self.maker, self.root = maker, root

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Lambda | ast.ListComp):
            return node
        super().generic_visit(node)
        split = isinstance(node, ast.Call | ast.BinOp | ast.UnaryOp | ast.Subscript | ast.Compare)
        if not split or node is self.root:
            return node
        names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
        written = {target for target, _ in self.maker.lines}
        if not names & (self.maker.values.keys() | written):
            return node
        return ast.Name(self.maker._assign(ast.unparse(node)), ast.Load())


def _renamed(code: str, names: dict[str, str]) -> str:
    return re.sub(r"@|\b[A-Z]+\b", lambda word: names.get(word[0], word[0]), code)


def _broadcasts(a: Shape, b: Shape) -> bool:
    return all(m == n or 1 in (m, n) for m, n in zip(a[::-1], b[::-1], strict=False))


def _worth(value: Any, with_nan: bool = False) -> bool:
    """Finite, not too large, not too many: tuples of arrays, too."""
    if isinstance(value, tuple | list):
        return all(_worth(item, with_nan) for item in value)
    if not hasattr(value, "dtype"):
        return True
    if value.dtype.kind != "f":
        return bool(value.size <= MOST)
    return bool(value.size <= MOST and np.all((abs(value) < LARGEST) | (np.isnan(value) & with_nan)))
