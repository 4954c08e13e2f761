"""Recipes of the linear algebra. Vectors that are free in their sign are used in ways that are not."""

import math
from functools import partial

from tinygrad_edu.testing.maker import Maker
from tinygrad_edu.testing.recipes.registry import calls, into, recipe, wrapped


def products(names: str, template: str, *subscripts: str) -> None:
    """Declare calls of operands whose axes fit: "ij,jk" is one of the same length for both j; '.' has length 1."""
    for name in names.split():
        for terms in subscripts:
            recipe(name)(partial(_product, template.replace("NAME", name), terms))


def _product(template: str, terms: str, m: Maker) -> str:
    lengths = {letter: m.whole(1, 3) for letter in sorted({*terms} - {",", "."})} | {".": 1}
    operands = [m.of(tuple(lengths[letter] for letter in term)) for term in terms.split(",")]
    return template.format(*operands)


PAIRS = ("i,i", "ij,j", "j,jk", "ij,jk")
STACKS = ("bij,j", "j,bjk", "bij,jk", "ij,bjk", "bij,bjk", "bij,.jk", "ab.j,bjk")
products("matmul", "{} @ {}", *PAIRS, *STACKS)
products("matmul", "np.matmul({}, {})", *PAIRS, "bij,bjk")
products("matmul", "np.linalg.matmul({}, {})", "ij,jk", "ij,bjk")
products("dot", "np.dot({}, {})", *PAIRS, ",", ",ij", "ij,", "bij,j", "bij,jk", "bij,ajk")
products("dot", "{}.dot({})", "ij,jk", "i,i")
calls("dot inner", "np.NAME(NUM, X)", "np.NAME(X, NUM)")
products("inner", "np.inner({}, {})", "i,i", "ij,kj", "ij,j", "bij,j", "bij,kj", ",ij", "i,", ",")
products("vecdot", "np.vecdot({}, {})", "i,i", "ij,ij", "ij,j", "bi.,i.", "b.i,ai")
products("vecdot", "np.linalg.vecdot({}, {}, axis=0)", "ij,ij", "ij,i.")
products("vecdot", "np.linalg.vecdot({}, {}, axis=-2)", "ij,bij")
products("matvec", "np.matvec({}, {})", "ij,j", "ij,bj", "bij,j", "bij,bj")
products("vecmat", "np.vecmat({}, {})", "i,ij", "bi,ij", "i,bij", "bi,bij")
products("outer", "np.outer({}, {})", "i,j", "ij,k", "i,jk", ",i")
products("outer", "np.linalg.outer({}, {})", "i,j")
products("vdot", "np.vdot({}, {})", "i,i", "ij,ij", "ij,ji", ",")
products("tensordot", "np.tensordot({}, {}, axes=1)", "ij,jk", "bij,jk", "i,i")
products("tensordot", "np.tensordot({}, {})", "ij,ij", "aij,ijb")
products("tensordot", "np.tensordot({}, {}, 0)", "i,j", "ij,k")
products("tensordot", "np.linalg.tensordot({}, {}, axes=([0, -1], [1, 0]))", "ibj,jia", "ij,ji")
products("tensordot", "np.tensordot({}, {}, axes=(-1, 0))", "ij,jk")
products("multi_dot", "np.linalg.multi_dot([{}, {}, {}])", "ij,jk,kl", "j,jk,kl", "ij,jk,k", "j,jk,k")
products("multi_dot", "np.linalg.multi_dot([{}, {}])", "ij,jk", "j,jk", "j,j")
products("multi_dot", "np.linalg.multi_dot(({}, {}, {}, {}))", "ij,jk,kl,la")
calls("matmul", "S @ S", "S @ Z", "B @ ROW", "M.T @ M", "np.eye(2) @ np.stack([V, Z])")
calls("dot", "Q.dot(Q)", "np.dot(V, V)")
into("matmul", "np.matmul(S, Z, out=@)")
into("dot", "np.dot(Q, Z, out=@)")
calls(
    "matrix_power", *(f"np.linalg.matrix_power(S, {n})" for n in (0, 1, 2, 3)), "np.linalg.matrix_power(REGULAR_S, -2)"
)


@recipe("cross")
def _(m: Maker) -> str:
    lead = m.one_of((), (2,), (1, 2))
    x, y, z = m.of((*lead, 3)), m.of(m.one_of((*lead, 3), (3,))), m.of((3, 2))
    crosswise = f"np.cross({z}, {m.of((2, 3))}, 0, 1, {m.one_of(0, 1)})"
    return str(
        m.one_of(f"np.cross({x}, {y})", f"np.linalg.cross({x}, {y})", f"np.cross({z}, {z} * {z}, axis=0)", crosswise)
    )


EINSUM = (
    *("ij,jk->ik", "ij,jk", "ba,ac", "ij,kj->ki", "bij,bjk->bik", "i,j->ij", "i,i->", "i,i->i", "bi,bi->b", "ij,j->"),
    *("ijk,jl->il", ",ij->ij", "ij,ij->ij", "ii,ij->j", "ij,kl->", "ij,ik->jk", "ij,ij", "i,i,i->i", "i,ij,j"),
    *("ij,jk,kl->il", "a,b,c,ab->c", "ij->ji", "ba", "ij->", "ij->j", "ii", "ii->i", "iij->j", "iji->ji", "iii->i"),
)
DOTS = (
    "...ij,...jk->...ik",
    "...i,i->...",
    "...ij->...ji",
    "...i,...i->...",
    "i...,i->...",
    "...",
    "...ii->...i",
    "i...->...",
)


@recipe("einsum")
def _(m: Maker) -> str:
    subscripts = m.one_of(*EINSUM)
    terms = subscripts.partition("->")[0]
    stretched = m.one_of(
        "", *sorted({letter for letter in terms if letter.isalpha()})
    )  # of length 1 in the first operand
    first, _, rest = terms.partition(",")
    if stretched and stretched in rest and first.count(stretched) == 1 and subscripts.count("->"):
        terms = f"{first.replace(stretched, '.')},{rest}"
    places = ", ".join(["{}"] * len(terms.split(",")))
    return _product(f"np.einsum({subscripts!r}, {places}{m.one_of('', ', optimize=True')})", terms, m)


@recipe("einsum")
def _(m: Maker) -> str:
    subscripts = m.one_of(*DOTS)
    longest = m.one_of("", "y", "xy")
    terms = [
        t.replace("...", m.one_of(longest, longest[1:], "." * len(longest)))
        for t in subscripts.partition("->")[0].split(",")
    ]
    return _product(f"np.einsum({subscripts!r}, {', '.join(['{}'] * len(terms))})", ",".join(terms), m)


products("einsum", "np.einsum({}, [0, 1], {}, [1, 2], [2, 0])", "ij,jk")
products("einsum", "np.einsum({}, [3, 1], {}, [1, 5])", "ij,jk")
products("einsum", "np.einsum({}, [..., 0], [0, ...])", "aij", "i")

calls("inv", "np.linalg.inv(REGULAR_S)", "np.linalg.inv(DEFINITE_S)")
calls("solve", "np.linalg.solve(REGULAR_S, Z)", "np.linalg.solve(REGULAR_Q, ROW)", "np.linalg.solve(REGULAR_S, S)")
calls("solve", "np.linalg.solve(REGULAR_S, ROW)", "np.linalg.solve(REGULAR_Q, np.stack([Z, ZZ]))")
calls("pinv", "np.linalg.pinv(UNEQUAL_B)", "np.linalg.pinv(SYMMETRIC_S, hermitian=True)", "np.linalg.pinv(REGULAR_S)")
calls("pinv", "np.linalg.pinv(UNEQUAL_M, rtol=1e-6)", "np.linalg.pinv(np.outer(POSITIVE_V, POSITIVE_W), 1e-6)")
calls("lstsq", "np.linalg.lstsq(UNEQUAL_M, COLUMN)[0]", "np.linalg.lstsq(UNEQUAL_M, Z, rcond=-1)[0]")
calls("lstsq", "np.linalg.lstsq(np.stack([POSITIVE_V, V], 1), Z, rcond=1e-6)[1]", "np.linalg.lstsq(UNEQUAL_M, Z)[1]")
calls("det", "np.linalg.det(S)", "np.linalg.det(REGULAR_S)", "np.linalg.det(S * 0.0 + S[..., :1])")
calls("slogdet", "np.linalg.slogdet(REGULAR_S)[1]", "np.linalg.slogdet(SYMMETRIC_S).logabsdet")
calls("slogdet", "np.linalg.slogdet(REGULAR_S)[0] * S[..., 0, 0]")

calls("cholesky", "np.linalg.cholesky(DEFINITE_S)", "np.linalg.cholesky(DEFINITE_S, upper=True)")
calls("eigvalsh", "np.linalg.eigvalsh(SYMMETRIC_S)", "np.linalg.eigvalsh(SYMMETRIC_S, 'U')")
calls("eigh", "np.linalg.eigh(SYMMETRIC_S)[0]", "np.linalg.eigh(SYMMETRIC_S, UPLO='U')[1] ** 2")
calls(
    "eigh",
    "np.linalg.eigh(SYMMETRIC_S); VECTORS = @.eigenvectors; SCALED = VECTORS * np.exp(@[0] / 9)[..., None, :];"
    " NEW = np.matmul(SCALED, np.swapaxes(VECTORS, -1, -2))",
)
# LAPACK turns the sign of a column of Q where what is below the diagonal is exactly 0, so squares are read.
calls(
    "qr", "np.linalg.qr(UNEQUAL_B).Q ** 2", "np.linalg.qr(UNEQUAL_B)[1] ** 2", "np.linalg.qr(UNEQUAL_B, mode='r') ** 2"
)
calls("qr", "np.linalg.qr(REGULAR_S)[0] ** 2", "np.linalg.qr(UNEQUAL_M, mode='complete')[1] ** 2")
calls("qr", "np.linalg.qr(UNEQUAL_M, 'complete')[0][..., :1] ** 2")
calls("qr", "np.linalg.qr(UNEQUAL_B); NEW = np.matmul(@.Q, @.R * @.R * @.R)")
calls("svdvals", "np.linalg.svdvals(UNEQUAL_B)", "np.linalg.svdvals(UNEQUAL_S)")
calls(
    "svd",
    "np.linalg.svd(UNEQUAL_B)[1]",
    "np.linalg.svd(UNEQUAL_B, compute_uv=False)",
    "np.linalg.svd(UNEQUAL_S)[0] ** 2",
)
calls(
    "svd", "np.linalg.svd(UNEQUAL_B, full_matrices=False)[0] ** 2", "np.linalg.svd(SYMMETRIC_S, hermitian=True).Vh ** 2"
)
calls(
    "svd",
    "np.linalg.svd(UNEQUAL_B, full_matrices=False); SCALED = @.U * np.cos(@.S)[..., None, :];"
    " NEW = np.matmul(SCALED, @.Vh)",
)


@recipe("tensorinv")
def _(m: Maker) -> str:
    shape, ind = m.one_of(((2, 2, 4), 2), ((4, 2, 2), 1), ((2, 2, 2, 2), 2), ((3, 1, 3), 2))
    return f"np.linalg.tensorinv({_regular(m, shape, ind)}, ind={ind})"


@recipe("tensorsolve")
def _(m: Maker) -> str:
    shape, ind = m.one_of(((2, 2, 4), 2), ((2, 2, 2, 2), 2), ((3, 3), 1), ((4, 2, 2), 1))
    b = m.of(shape[:ind])
    if m.flag():
        return f"np.linalg.tensorsolve({_regular(m, shape, ind)}, {b})"
    last = tuple(range(-ind, 0))  # the axes that tensorsolve moves to the end, here to begin with
    return f"np.linalg.tensorsolve(np.moveaxis({_regular(m, shape, ind)}, {last}, {last}), {b}, axes=())"


def _regular(m: Maker, shape: tuple[int, ...], ind: int) -> str:
    """The code of an array of this shape whose first `ind` axes, in one, are the rows of a regular matrix."""
    n = math.prod(shape[:ind])
    return f"np.reshape({wrapped(m, 'REGULAR', m.of((n, n)))}, {shape})"


calls("cond", "np.linalg.cond(UNEQUAL_B)", *(f"np.linalg.cond(REGULAR_S, {p})" for p in ("1", "-1", "np.inf", "'fro'")))
calls("cond", *(f"np.linalg.cond(UNEQUAL_S, {p})" for p in ("2", "-2", "'nuc'", "p=-np.inf")))
calls("norm", "np.linalg.norm(X)", "np.linalg.norm(A, axis=AXIS, keepdims=FLAG)", "np.linalg.norm(V, np.inf)")
calls(
    "norm",
    *(f"np.linalg.norm(A, {p}, axis=AXIS, keepdims=FLAG)" for p in ("1", "2", "3", "1.5", "0", "np.inf", "-np.inf")),
)
calls("norm", *(f"np.linalg.norm(M, {p})" for p in ("'fro'", "1", "-1", "np.inf", "-np.inf")))
calls("norm", *(f"np.linalg.norm(UNEQUAL_M, {p}, keepdims=FLAG)" for p in ("2", "-2", "'nuc'")))
calls(
    "norm",
    "np.linalg.norm(POSITIVE_A, -1, axis=AXIS)",
    "np.linalg.norm(D, 'fro', axis=(2, 0))",
    "np.linalg.norm(B, axis=(0, -1))",
)
calls("vector_norm", "np.linalg.vector_norm(X, axis=AXES, keepdims=FLAG)", "np.linalg.vector_norm(A, ord=3, axis=AXIS)")
calls("vector_norm", "np.linalg.vector_norm(X, ord=1)", "np.linalg.vector_norm(X, axis=AXES, ord=np.inf)")
calls(
    "matrix_norm",
    "np.linalg.matrix_norm(B, keepdims=FLAG)",
    "np.linalg.matrix_norm(B, ord=1)",
    "np.linalg.matrix_norm(UNEQUAL_B, ord='nuc')",
)
