"""Recipes of the functions of single numbers, their operators, and the options of ufuncs."""

from tinygrad_edu.testing.maker import Maker
from tinygrad_edu.testing.recipes.registry import calls, into, recipe

SMOOTH = "sin cos tanh square arctan arcsinh expm1 exp exp2 sinh cosh"
calls(SMOOTH, "np.NAME(X)", "np.NAME(X, dtype=np.float64)")
calls("cbrt fabs absolute negative positive conjugate sinc", "np.NAME(X)")
calls("deg2rad radians rad2deg degrees", "np.NAME(X)")
calls("sqrt log log2 log10 log1p reciprocal", "np.NAME(POSITIVE_X)")
calls("tan arcsin arccos arctanh", "np.NAME(INSIDE_X)")
calls("arccosh", "np.arccosh(1.1 + X * X)", "np.arccosh(1.3 + np.abs(X))")
calls("sign floor ceil trunc rint", "np.NAME(X)", "np.NAME(1.01 * X) * X")
calls("fix", "tg.fix(1.01 * X) * X")
calls("round", "np.round(0.2 * X, 1) * X", "np.round(X, NEAR)", "np.around(X) * X", "X.round() * X")
calls("negative", "-X")
calls("positive", "+X")
calls("absolute", "abs(X)")
calls("conjugate", "X.conj()")
calls("nan_to_num", "np.nan_to_num(X)", "np.nan_to_num(NAN_X, nan=NUM) * X")
calls("modf", "np.modf(X)[0] * X + np.modf(X)[1]", "np.modf(X)[0]")
calls("frexp", "np.frexp(1.01 * X)[0] * X", "np.frexp(X)[0]")
calls("ldexp", "np.ldexp(X, WHOLE)", "np.ldexp(A, np.arange(A.shape[-1]))")
calls("relu selu sigmoid silu gelu erf erfc elu leaky_relu softplus", "tg.NAME(X)")
calls("leaky_relu", "tg.leaky_relu(X, 0.3)")
calls("elu", "tg.elu(X, alpha=STEP)")
calls("softplus", "tg.softplus(X, beta=STEP)")
calls("softmax log_softmax", "tg.NAME(A, axis=AXIS)", "tg.NAME(A)")

BOTH = "maximum minimum fmax fmin"
calls(f"{BOTH} hypot arctan2 logaddexp logaddexp2 copysign add subtract multiply", "np.NAME(X, Y)")
calls(BOTH, "np.NAME(X, NUM)")
calls("add", "X + np.ones(X.shape)", "X + Y", "X + NUM", "NUM + X", "X + X", "sum([X, Y, X])")
calls("subtract", "X - Y", "X - NUM", "NUM - X", "X - X * Y")
calls("multiply", "X * Y", "X * NUM", "NUM * X", "X * X", "np.multiply(X, Y, dtype=np.float64)")
calls("divide", "X / NONZERO_Y", "NUM / NONZERO_X", "X / STEP", "np.true_divide(X, NONZERO_Y)", "X / POSITIVE_X")
calls("power", "POSITIVE_X ** Y", "np.power(POSITIVE_X, Y)", "X ** COUNT", "X ** 0 * X", "X ** 2.0")
calls("power", "POSITIVE_X ** NUM", "POSITIVE_X ** -1.5", "STEP ** X", "2 ** X", "A ** np.arange(A.shape[-1])")
calls("float_power", "np.float_power(POSITIVE_X, Y)", "np.float_power(X, 3)")
calls(
    "remainder",
    "X % NONZERO_Y",
    "X % (0.5 + STEP)",
    "NUM % NONZERO_X",
    "np.mod(X, NONZERO_Y)",
    "divmod(X, NONZERO_Y)[1]",
)
calls("fmod", "np.fmod(X, NONZERO_Y)", "np.fmod(X, 0.5 + STEP)")
calls("floor_divide", "X // NONZERO_Y", "X // (0.5 + STEP) * X", "np.floor_divide(NUM, NONZERO_X) * X")
calls("divmod", "np.divmod(X, NONZERO_Y)[1]", "np.divmod(X, 1.5)[0] * X + np.divmod(X, 1.5)[1]")
calls("heaviside", "np.heaviside(X, Y)", "np.heaviside(X, NUM) * X")
calls("where", "np.where(X > Y, X, Y)", "np.where(X > 0, X * X, NUM)")
calls("where", "np.where(X < Z, Z, 3 * X)", "np.where(np.isfinite(X), Y, X)", "np.where(X == X, NUM, X)")
calls("clip", "np.clip(X, -1.0, NUM)", "np.clip(X, 0, None)", "np.clip(X, max=NUM)", "X.clip(-0.5, 0.5)")
calls("clip", "np.clip(X, Y, Y + 1.0)", "np.clip(X, Z, ZZ)", "np.clip(X, None, Y)", "np.clip(X, min=Y, max=NUM)")

into(SMOOTH, "np.NAME(X, out=@)", "np.NAME(X, out=@, where=OUTMASK)")
into("add multiply subtract maximum arctan2 hypot copysign", "np.NAME(X, Y, out=@)")
into("add multiply minimum logaddexp", "np.NAME(X, Y, out=@, where=OUTMASK)")
into("clip", "np.clip(X, NUM, Y, out=@)")
calls("add subtract multiply maximum arctan2 hypot logaddexp", "np.NAME.outer(V, W)", "np.NAME.outer(U, X)")


@recipe("where")
def _(m: Maker) -> str:
    x = m.any()
    return f"np.where({m.mask(m.shape(x))}, {x}, {m.one_of(m.like(x), m.number())})"


IN_PLACE = {"add": "iadd", "subtract": "isub", "multiply": "imul", "divide": "itruediv", "power": "ipow"}
for name, method in IN_PLACE.items():  # what `t += x` calls
    calls(name, f"np.copy(POSITIVE_X); NEW = @.__{method}__(STEP)")
calls("add subtract multiply", "np.copy(X); @[...] = Z; NEW = np.NAME(@, X, out=@)")
