"""Derivatives number by number: each rule is the calculus table's line, multiplied by what arrives.

`maximum` and its like share the gradient equally where their operands are equal; `where` lets nothing of the branch
not taken through, not even NaN. The other conventions are the `kink` of each op.
"""

import math
import operator
from typing import Any

import numpy as np

from tinygrad_edu import kernels
from tinygrad_edu.glance import free, surely
from tinygrad_edu.graph import Array, array_of
from tinygrad_edu.kernels import HOST, fits
from tinygrad_edu.op import Op, implementations
from tinygrad_edu.ops.composed import as_operand, composed

__all__ = [
    "absolute",
    "add",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "cbrt",
    "ceil",
    "clip",
    "conjugate",
    "copysign",
    "cos",
    "cosh",
    "deg2rad",
    "degrees",
    "divide",
    "divmod",
    "equal",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "fix",
    "float_power",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "frexp",
    "greater",
    "greater_equal",
    "heaviside",
    "hypot",
    "invert",
    "isfinite",
    "isinf",
    "isnan",
    "ldexp",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "modf",
    "multiply",
    "nan_to_num",
    "negative",
    "not_equal",
    "positive",
    "power",
    "rad2deg",
    "radians",
    "reciprocal",
    "remainder",
    "rint",
    "round",
    "sign",
    "signbit",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "trunc",
    "where",
]

add = Op(np.add, forward=operator.add, x=lambda g: g, y=lambda g: g)
subtract = Op(np.subtract, forward=operator.sub, x=lambda g: g, y=lambda g: -g)
multiply = Op(np.multiply, forward=operator.mul, x=lambda g, y: g * y, y=lambda g, x: g * x)
divide = Op(np.divide, forward=operator.truediv, x=lambda g, y: g / y, y=lambda g, y, out: -g * out / y)
negative = Op(np.negative, forward=operator.neg, x=lambda g: -g)
positive = Op(np.positive, forward=operator.pos, x=lambda g: g)
conjugate = Op(np.conjugate, x=lambda g: g)  # of real numbers
reciprocal = Op(np.reciprocal, x=lambda g, out: -g * out * out)
square = Op(np.square, x=lambda g, x: g * (2 * x))
sqrt = Op(np.sqrt, x=lambda g, out: g / (2 * np.where(out == 0, np.inf, out)), kink="0 at 0, as for a norm")
cbrt = Op(np.cbrt, x=lambda g, out: g / (3 * out * out), kink="infinite at 0, as it is")
absolute = Op(np.absolute, forward=abs, x=lambda g, x: g * np.sign(x), kink="0 at 0")
fabs = Op(np.fabs, x=lambda g, x: g * np.sign(x), kink="0 at 0")


def _tanh_x(g: Any, out: Any) -> Any:
    """g (1 - out²)."""
    if type(g) not in HOST and fits(g, out):
        return kernels.tanh_x(g, out)
    return g * (1 - out * out)


def _power_x(g: Any, x: Any, y: Any) -> Any:
    """g y x**(y-1), and 0 where x and y are 0."""
    if isinstance(y, (int, float, np.number)):
        return g * (2 * x) if y == 2 else g * (y * x ** (y - 1)) if y != 0 else _nothing(g)
    if surely(x):
        return g * (y * x ** (y - 1))
    flat = (x == 0) & (y == 0)
    return g * (y * np.where(flat, 1.0, x) ** np.where(flat, 1.0, y - 1))


def _power_y(g: Any, x: Any, y: Any, out: Any) -> Any:
    """g x**y log x, and 0 where x = 0 and y >= 0 (the limit)."""
    if isinstance(x, float | int) and x > 0:
        return g * (out * math.log(x))  # a Python number, which leaves float32 as it is
    if surely(x):
        return g * (out * np.log(x))
    flat = (x == 0) & (y >= 0)
    return g * np.where(flat, 0.0, out * np.log(np.where(flat, 1.0, x)))


ZERO = "(x**0)' = 0 for every x; by y, 0**y has slope 0 where y >= 0"
power = Op(np.power, forward=operator.pow, x=_power_x, y=_power_y, kink=ZERO)
float_power = Op(np.float_power, x=_power_x, y=_power_y, kink=ZERO)

exp = Op(np.exp, x=lambda g, out: g * out)
exp2 = Op(np.exp2, x=lambda g, out: g * (math.log(2) * out))
expm1 = Op(np.expm1, x=lambda g, out: g * (out + 1))
log = Op(np.log, x=lambda g, x: g / x)
log2 = Op(np.log2, x=lambda g, x: g / (math.log(2) * x))
log10 = Op(np.log10, x=lambda g, x: g / (math.log(10) * x))
log1p = Op(np.log1p, x=lambda g, x: g / (1 + x))
logaddexp = Op(
    np.logaddexp, x=lambda g, x, out: g * np.exp(_below(x, out)), y=lambda g, y, out: g * np.exp(_below(y, out))
)
logaddexp2 = Op(
    np.logaddexp2, x=lambda g, x, out: g * np.exp2(_below(x, out)), y=lambda g, y, out: g * np.exp2(_below(y, out))
)


def _below(x: Any, out: Any) -> Any:
    """x - out; -inf where x is -inf, also when the sum is nothing but such terms."""
    return x - np.where(out == -np.inf, 0.0, out)


sin = Op(np.sin, x=lambda g, x: g * np.cos(x))
cos = Op(np.cos, x=lambda g, x: -g * np.sin(x))
tan = Op(np.tan, x=lambda g, out: g * (1 + out * out))
arcsin = Op(np.arcsin, x=lambda g, x: g / np.sqrt((1 - x) * (1 + x)), kink="infinite at 1 and -1, as it is")
arccos = Op(np.arccos, x=lambda g, x: -g / np.sqrt((1 - x) * (1 + x)), kink="infinite at 1 and -1, as it is")
arctan = Op(np.arctan, x=lambda g, x: g / (1 + squared(x)))
sinh = Op(np.sinh, x=lambda g, x: g * np.cosh(x))
cosh = Op(np.cosh, x=lambda g, x: g * np.sinh(x))
tanh = Op(np.tanh, x=_tanh_x)
arcsinh = Op(np.arcsinh, x=lambda g, x: g / _root_of_one_more(x))
arccosh = Op(np.arccosh, x=lambda g, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)))
arctanh = Op(np.arctanh, x=lambda g, x: g / ((1 - x) * (1 + x)))


def squared(x: Any) -> Any:
    """x * x; infinite, without a warning, where that overflows."""
    with np.errstate(over="ignore"):
        return x * x


def _root_of_one_more(x: Any) -> Any:
    """sqrt(x**2 + 1)."""
    squares = squared(x)
    return np.sqrt(squares + 1) if surely(np.isfinite(squares)) else np.hypot(x, 1)


deg2rad = Op(np.deg2rad, x=lambda g: g * (math.pi / 180))
radians = Op(np.radians, x=lambda g: g * (math.pi / 180))
rad2deg = Op(np.rad2deg, x=lambda g: g * (180 / math.pi))
degrees = Op(np.degrees, x=lambda g: g * (180 / math.pi))


def _unless_zero(x: Any) -> Any:
    """x or 1 if it is 0; a numerator that is 0 there may be divided by it."""
    return x if surely(x) else np.where(x == 0, 1.0, x)


hypot = Op(
    np.hypot,
    x=lambda g, x, out: g * (x / _unless_zero(out)),
    y=lambda g, y, out: g * (y / _unless_zero(out)),
    kink="0 where both are 0, as for a norm",
)
arctan2 = Op(
    np.arctan2,
    x=lambda g, x, y: g * _by_squared_length(y, x, y),
    y=lambda g, x, y: -g * _by_squared_length(x, x, y),
    kink="0 where both are 0",
)


def _by_squared_length(t: Any, x: Any, y: Any) -> Any:
    """t / (x**2 + y**2); 0 at the origin, and right also where the squares would over- or underflow."""
    with np.errstate(over="ignore", under="ignore"):
        squares = x * x + y * y
    if surely(np.isfinite(squares)) and surely(squares >= 1e16 * np.finfo(squares.dtype).tiny):
        return t / squares
    length = np.hypot(x, y)
    somewhere = (length > 0) & np.isfinite(length)
    length = np.where(somewhere, length, 1)
    return np.where(somewhere, (np.where(somewhere, t, 0) / length) / length, 0)


def _sinc(x: Array) -> Array:
    """sin(pi x) / (pi x), and 1 at 0."""
    return np.sinc(x)


def _sinc_x(g: Any, x: Any, out: Any) -> Any:
    """g (cos(pi x) - out) / x; where that would cancel, its series -(pi x)**2 / 3 + (pi x)**4 / 30 - ... over x."""
    near = abs(x) < 0.1
    direct = (np.cos(np.pi * x) - out) / np.where(near, 1.0, x)
    series = np.pi * _horner(np.pi * np.where(near, x, 0.0))
    return g * np.where(near, series, direct)


def _horner(t: Any) -> Any:
    """(cos t - sin(t) / t) / t = sum over k of (-1)**k 2k t**(2k-1) / (2k+1)!, to 1e-16 for t < 0.32."""
    square, total = t * t, 0.0
    for k in range(6, 0, -1):
        total = total * square + (-1) ** k * 2 * k / math.factorial(2 * k + 1)
    return t * total


sinc = Op(_sinc, implements=[np.sinc], elementwise=True, x=_sinc_x)


def _nothing(g: Any) -> Any:
    """0; also where g is infinite, and still in its place in the graph."""
    return np.where(False, g, 0) if hasattr(g, "grad_fn") else np.zeros_like(g)


# Steps: flat wherever they have a derivative.
STEP = "0 everywhere, at the steps too"
sign = Op(np.sign, x=_nothing, kink=STEP)
floor = Op(np.floor, x=_nothing, kink=STEP)
ceil = Op(np.ceil, x=_nothing, kink=STEP)
trunc = Op(np.trunc, x=_nothing, kink=STEP)
rint = Op(np.rint, x=_nothing, kink=STEP)


def _fix(x: Array) -> Array:
    """The whole number next to x towards 0."""
    return np.trunc(x)


def _round(x: Array, decimals: int = 0) -> Array:
    """x rounded to some decimals, a half to the even neighbour."""
    return np.round(x, decimals)


fix = Op(_fix, implements=[np.fix], elementwise=True, x=_nothing, kink=STEP)
round = Op(_round, implements=[np.round, np.around], elementwise=True, x=_nothing, kink=STEP)
heaviside = Op(np.heaviside, x=_nothing, y=lambda g, x: g * (x == 0), kink="by x 0 everywhere, at the step too")
floor_divide = Op(np.floor_divide, forward=operator.floordiv, x=_nothing, y=_nothing, kink=STEP)
remainder = Op(
    np.remainder,
    forward=operator.mod,
    x=lambda g: g,
    y=lambda g, x, y: -g * np.floor_divide(x, y),
    kink="the slope of the piece that the value is on",
)
fmod = Op(
    np.fmod,
    x=lambda g: g,
    y=lambda g, x, y, out: -g * np.rint((x - out) / y),
    kink="the slope of the piece that the value is on",
)
copysign = Op(np.copysign, x=lambda g, x, y: g * (np.sign(x) * _sign_of(y)), y=_nothing, kink="0 at 0")
ldexp = Op(np.ldexp, x=lambda g, y: np.ldexp(g, y), y=None)


def _sign_of(y: Any) -> Any:
    """1 or -1, of 0 and -0 too."""
    return math.copysign(1.0, y) if isinstance(y, float | int) else np.copysign(1, y)


@composed(np.divmod)
def divmod(x: Any, y: Any) -> Any:
    """(x // y, x % y). After `numpy.divmod`.

    >>> from tinygrad_edu import Tensor
    >>> divmod(Tensor(7.5), 2.0)
    (Tensor(3.), Tensor(1.5))
    """
    return floor_divide(x, y), remainder(x, y)


def _fraction(x: Array) -> Array:
    """What is behind the point, with the sign of x."""
    return np.modf(x)[0]


fraction = Op(_fraction, name="modf", elementwise=True, x=lambda g: g)


@composed(np.modf)
def modf(x: Any) -> Any:
    """The fractional part, with slope 1, and the whole part, with slope 0; both have the sign of x. After `numpy.modf`.

    >>> from tinygrad_edu import Tensor
    >>> modf(Tensor(-2.5))
    (Tensor(-0.5), Tensor(-2.))
    """
    return fraction(x), trunc(x)


@composed(np.frexp)
def frexp(x: Any) -> Any:
    """(m, e) with x = m 2**e and |m| in [0.5, 1): the mantissa has slope 2**-e, e are integers. After `numpy.frexp`.

    >>> from tinygrad_edu import Tensor
    >>> frexp(Tensor([12.0, 1.0]))
    (Tensor([0.75, 0.5 ]), array([4, 1], dtype=int32))
    """
    exponent = np.frexp(array_of(x))[1]
    return ldexp(x, -exponent), exponent


maximum = Op(
    np.maximum,
    x=lambda g, x, y: _to_larger(g, x, y),
    y=lambda g, x, y: _to_larger(g, y, x),
    kink="g / 2 each where x = y",
)
minimum = Op(
    np.minimum,
    x=lambda g, x, y: _to_larger(g, y, x),
    y=lambda g, x, y: _to_larger(g, x, y),
    kink="g / 2 each where x = y",
)
fmax = Op(
    np.fmax,
    x=lambda g, x, y: np.where(np.isnan(y), g, _to_larger(g, x, y)),
    y=lambda g, x, y: np.where(np.isnan(x), g, _to_larger(g, y, x)),
    kink="g / 2 each where x = y; a NaN gets 0, the other operand g",
)
fmin = Op(
    np.fmin,
    x=lambda g, x, y: np.where(np.isnan(y), g, _to_larger(g, y, x)),
    y=lambda g, x, y: np.where(np.isnan(x), g, _to_larger(g, x, y)),
    kink="g / 2 each where x = y; a NaN gets 0, the other operand g",
)


def _to_larger(g: Any, x: Any, y: Any) -> Any:
    """g where x > y, half of it where they are equal, 0 where x < y."""
    return masked(g, x > y) if surely(x != y) else np.where(x == y, g / 2, np.where(x > y, g, 0))


def masked(g: Any, mask: Any) -> Any:
    """g where the mask holds, else 0: as a product, up to 9 times faster than `np.where`, unless g is infinite."""
    if not free(g):
        return np.where(mask, g, 0)
    value = getattr(g, "_value", g)
    # A sum of squares tells in a third of the time of np.isfinite. NumPy multiplies faster by floats than by booleans.
    return g * mask.astype(value.dtype) if math.isfinite(np.vdot(value, value)) else np.where(mask, g, 0)


def _clip(x: Array, low: Array, high: Array) -> Array:
    """min(max(x, low), high)."""
    return np.clip(x, low, high)


def _inside(x: Any, low: Any, high: Any) -> Any:
    """Where x goes through: from limit to limit, if there is something between."""
    inside = (x >= low) & (x <= high)
    numbers = isinstance(low, float | int) and isinstance(high, float | int)
    return inside if numbers and low < high else inside & (low < high)


clamp = Op(
    _clip,
    elementwise=True,
    x=lambda g, x, low, high: masked(g, _inside(x, low, high)),
    low=lambda g, x, low, high: masked(g, (x < low) & (low <= high)),
    high=lambda g, x, low, high: masked(g, (x > high) | (high < low) | ((x >= low) & (low == high))),
    kink="the limits belong to the inside: x gets g there, the limits 0; equal limits leave no inside",
)


@composed(np.clip)
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """min(max(x, a_min), a_max); a limit that is None is none. The limits may be Tensors. After `numpy.clip`.

    >>> from tinygrad_edu import Tensor
    >>> clip(Tensor([-1.0, 0.5, 2.0]), 0, 1)
    Tensor([0. , 0.5, 1. ])
    """
    if (a_min is not None or a_max is not None) and (min is not None or max is not None):
        raise ValueError("clip takes its limits once: as a_min and a_max, or as min and max")
    low, high = a_min if min is None else min, a_max if max is None else max
    if low is None or high is None:
        x = as_operand(x)
        if x.dtype.kind != "f":
            return (positive if low is high else minimum if low is None else maximum)(
                *(t for t in (x, low, high) if t is not None)
            )
    return clamp(x, -math.inf if low is None else low, math.inf if high is None else high)


def _nan_to_num(x: Array, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Array:
    """x with numbers in place of NaN and of infinities."""
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


nan_to_num = Op(
    _nan_to_num,
    implements=[np.nan_to_num],
    elementwise=True,
    masks=True,
    x=lambda g, x: np.where(np.isfinite(x), g, 0),
    kink="0 where a number was put in",
)


def _where(condition: Array, x: Array, y: Array) -> Array:
    """x where the condition holds, else y."""
    return np.where(_mask(condition), x, y)


def _mask(condition: Any) -> Any:
    """A condition as CuPy takes it too."""
    return np.bool_(condition) if isinstance(condition, bool) else condition


def _where_x(g: Any, condition: Any) -> Any:
    """g where the condition holds, else 0."""
    return np.where(_mask(condition), g, 0)


def _where_y(g: Any, condition: Any) -> Any:
    """0 where the condition holds, else g."""
    return np.where(_mask(condition), 0, g)


where = Op(
    _where,
    elementwise=True,
    masks=True,
    condition=None,
    x=_where_x,
    y=_where_y,
    kink="nothing of the branch not taken gets through, not even NaN",
)


def _numpy_where(condition: Any, *branches: Any) -> Any:
    """`np.where` of a condition alone gives the places where it holds."""
    return where(condition, *branches) if branches else np.nonzero(condition)


implementations[np.where] = _numpy_where

# Comparisons and the like have values but no derivatives: their result is a constant.
equal = Op(np.equal, forward=operator.eq, x=None, y=None)
not_equal = Op(np.not_equal, forward=operator.ne, x=None, y=None)
greater = Op(np.greater, forward=operator.gt, x=None, y=None)
greater_equal = Op(np.greater_equal, forward=operator.ge, x=None, y=None)
less = Op(np.less, forward=operator.lt, x=None, y=None)
less_equal = Op(np.less_equal, forward=operator.le, x=None, y=None)
logical_and = Op(np.logical_and, x=None, y=None)
logical_or = Op(np.logical_or, x=None, y=None)
logical_xor = Op(np.logical_xor, x=None, y=None)
logical_not = Op(np.logical_not, x=None)
bitwise_and = Op(np.bitwise_and, forward=operator.and_, x=None, y=None)
bitwise_or = Op(np.bitwise_or, forward=operator.or_, x=None, y=None)
bitwise_xor = Op(np.bitwise_xor, forward=operator.xor, x=None, y=None)
invert = Op(np.invert, forward=operator.invert, x=None)
isnan = Op(np.isnan, x=None)
isinf = Op(np.isinf, x=None)
isfinite = Op(np.isfinite, x=None)
signbit = Op(np.signbit, x=None)
