"""Recipes of reading and writing places: indices of every kind, choices, and functions that change an array."""

from tinygrad_edu.testing.maker import Maker
from tinygrad_edu.testing.recipes.registry import calls, recipe

calls(
    "getitem",
    "A[KEY]",
    "A[KEY]",
    "A[KEY]",
    "X[X > 0]",
    "X[...]",
    "X[None, ...]",
    "V[np.argsort(V)]",
    "A[A[..., 0] > 0]",
)
calls("getitem", "A[np.array([[0, -1], [0, 0]])]", "M[np.ix_([0, -1, 0], [0, 0])]", "B[[0, -1], [0, 0]]", "X[FULLMASK]")
calls(
    "getitem",
    "D[[0, -1], :, [0, 0]]",
    "D[..., 0, [0, 0]]",
    "D[None, [[0], [-1]], ::-1, [0, 0]]",
    "B[:, np.array([-1, 0])]",
)
calls("getitem", "A[0].T", "A[::-1][0]", "A[1:]", "A[[]]", "A[-1:, ...]", "A[True]", "next(iter(A))", "[*A][-1]")
calls("setitem", "np.copy(A); @[0] = NUM", "np.copy(A); @[A > 0] = NUM", "np.copy(X); @[...] = Z")
calls(
    "setitem",
    "np.copy(A); @[::-1] = Z",
    "np.copy(X); @[FULLMASK] = U",
    "np.copy(V); @[[0, -1, 0]] = W[0]",
    "np.zeros_like(A) * A; @[0] = U",
)
calls(
    "scatter",
    "np.copy(A); _ = np.add.at(@, 0, U); NEW = @ * A",
    "tg.scatter(A, [*range(A.shape[0])][::-1], (5, *A.shape[1:]))",
)
calls(
    "scatter",
    "tg.scatter(V, np.arange(V.shape[0]) // 2, (4,))",
    "np.copy(V); _ = np.subtract.at(@, [0, -1, 0], W[0]); NEW = @ * V",
)


@recipe("setitem")
def _(m: Maker) -> tuple[str, list[str]]:
    x = m.any(1)
    key = m.key(x)
    shape = m.shape_of(f"{x}[{key}]")
    return f"np.copy({x})", [f"@[{key}] = {m.one_of(m.of(shape), m.of(m.shrunk(shape)))}"]


@recipe("setitem")
def _(m: Maker) -> tuple[str, list[str]]:
    """Twice, with a use between the two."""
    x = m.any(1)
    then = [f"@[{m.key(x)}] = {m.number()}", f"NEW = @ * {x}", f"@[{m.key(x)}] = {m.of(())}"]
    return f"np.copy({x})", [*then, f"NEW = @ + {x}"]


@recipe("scatter")
def _(m: Maker) -> tuple[str, list[str]]:
    x = m.any(1)
    key = m.key(x)
    added = m.of(m.shape_of(f"{x}[{key}]"))
    return f"np.copy({x})", [f"_ = np.{m.one_of('add', 'subtract')}.at(@, np.s_[{key}], {added})", f"NEW = @ * {x}"]


def _places(m: Maker, n: int, count: int, mode: str) -> list[int]:
    reach = 0 if mode == "raise" else 4
    return m.wholes(-n - reach, n - 1 + reach, count)


@recipe("take")
def _(m: Maker) -> str:
    x, mode = m.any(1), m.one_of("raise", "wrap", "clip")
    axis = m.one_of(None, m.axis(x))
    n = m.value(x).size if axis is None else m.shape(x)[axis]
    at = m.one_of(_places(m, n, m.whole(0, 3), mode), _places(m, n, 1, mode)[0], [_places(m, n, 2, mode)])
    return str(
        m.one_of(f"np.take({x}, {at}, axis={axis}, mode={mode!r})", f"{x}.take({at}, axis={axis}, mode={mode!r})")
    )


@recipe("take_along_axis")
def _(m: Maker) -> str:
    x = m.any(1)
    axis = m.axis(x)
    n, count = m.shape(x)[axis], m.whole(1, 3)
    shape = tuple(count if i == axis % m.ndim(x) else length for i, length in enumerate(m.shape(x)))
    size = m.value(x).size
    return str(
        m.one_of(
            f"np.take_along_axis({x}, np.argsort({x}, axis={axis}), {axis})",
            f"np.take_along_axis({x}, np.argmax({x}, axis={axis}, keepdims=True), axis={axis})",
            f"np.take_along_axis({x}, {m.integers(shape, -n, n - 1)}, {axis})",
            f"np.take_along_axis({x}, np.array({m.wholes(-size, size - 1, 3)}), axis=None)",
        )
    )


calls(
    "compress",
    "np.compress([True, False], np.concatenate([A, A]), axis=0)",
    "np.compress([1], A, AXIS)",
    "np.compress([True], X)",
)
calls("compress", "np.compress([False, True, True], np.tile(X, 3))", "A.compress([True], axis=AXIS)")
calls("extract", "np.extract(X > 0, X)", "np.extract(FULLMASK, X)", "np.extract(X < 1, X * X)")
calls(
    "choose",
    "np.choose(X > 0, [X, Y])",
    "np.choose(FULLMASK, [X * X, Z])",
    "np.choose([0, 2, 1], [U, X[..., None], 2.0])",
)
calls(
    "choose", "np.choose([-1, 0, 3], [U, V[0]], mode=MODE)", "np.choose(np.sign(X).astype(int), [X, Z, NUM], mode=MODE)"
)
calls(
    "select",
    "np.select([X > 1, X < 0], [X * X, Z], NUM)",
    "np.select([X > Z, FULLMASK], [X, Z], ZZ)",
    "np.select([FULLMASK], [X], Y)",
)
calls("select", "np.select([X > 1, X > 0], [X, X * Z])")
calls(
    "piecewise", "np.piecewise(X, [X < 0, X > 0], [np.sin, lambda u: u * u])", "np.piecewise(V, V > 0, [np.cosh, NUM])"
)
calls(
    "piecewise",
    "np.piecewise(A, [A > 1, FULLMASK], [lambda u: 3 * u, np.exp, np.tanh])",
    "np.piecewise(X, [X > 1], [lambda u, p: p * u, lambda u, p: u + p], NUM)",
)

# Functions that change an array, and a use of what they changed.
for function, *arguments in (
    ("put", "[0, -1], NUM", "[0], U", "[0, -1, 0], W", "[7, -9, 3], V, mode=MODE", "[[0, -1]], [U[()], 1.0]"),
    ("place", "FULLMASK, V", "A > 0, NUM", "A > 0, [2.0, 3.0]", "FULLMASK, Z"),
    ("putmask", "FULLMASK, V", "A > 0, Z", "FULLMASK, U", "A > NUM, A"),
    ("copyto", "Z", "U", "Z, where=MASK", "ROW, where=A > 0", "NUM"),
    ("put_along_axis", "np.argsort(A, axis=-1), Z, -1"),
):
    for argument in arguments:
        calls(function, f"np.copy(A); _ = np.{function}(@, {argument}); NEW = @ * A")
calls(
    "put_along_axis", "np.copy(A); _ = np.put_along_axis(@, np.argmax(A, axis=-1, keepdims=True), U, -1); NEW = @ + A"
)
calls("put_along_axis", "np.copy(A); _ = np.put_along_axis(@, np.array([0, -1]), NUM, None); NEW = @ * A")
calls(
    "fill_diagonal",
    *(
        f"np.copy({of}); _ = np.fill_diagonal(@, {value}); NEW = @ * {of}"
        for of, value in (("M", "NUM"), ("M", "U"), ("M", "V"), ("M", "V, wrap=True"))
    ),
)
calls("fill_diagonal", "np.tile(M, (3, 1)); _ = np.fill_diagonal(@, V, True); NEW = @ * 1.5")
