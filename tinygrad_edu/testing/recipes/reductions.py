"""Recipes of sums, means and the like, of running sums, of sorting and order statistics."""

from tinygrad_edu.testing.maker import Maker
from tinygrad_edu.testing.recipes.registry import calls, into, recipe

calls("sum mean prod max min", "np.NAME(X, axis=AXES, keepdims=FLAG)", "X.NAME(axis=AXES)", "X.NAME()")
calls("sum mean prod", "np.NAME(X, AXES, where=MASK, keepdims=FLAG)", "np.NAME(A, AXIS, None, None, FLAG)")
calls("sum prod", "np.NAME(X, axis=AXES, initial=NUM)", "np.NAME(X, axis=AXES, dtype=np.float64)")
calls("max min", "np.NAME(X, axis=AXES, initial=NUM, where=MASK)", "np.aNAME(X, AXES)")
calls("var std", "np.NAME(X, axis=AXES, keepdims=FLAG)", "X.NAME(AXES)", "np.NAME(X, AXES, where=MASK, keepdims=FLAG)")
calls("var std", "np.NAME(np.stack([X, Z], -1), axis=-1, ddof=1)")
calls(
    "sum", "np.add.reduce(A, axis=AXES, keepdims=FLAG)", "np.add.reduce(A)", "np.add.reduce(A, initial=NUM, where=MASK)"
)
calls("prod", "np.multiply.reduce(A, axis=AXES)", "np.prod(X * (np.abs(X) > 1), axis=AXES)")
calls("max", "np.maximum.reduce(A, axis=AXES)")
calls("min", "np.minimum.reduce(A, AXES, keepdims=FLAG)")
calls(
    "logsumexp",
    "tg.logsumexp(X, axis=AXES, keepdims=FLAG)",
    "np.logaddexp.reduce(A, axis=AXIS)",
    "tg.logsumexp(50 * X)",
)
calls(
    "nansum nanprod nanmean nanvar nanstd nanmax nanmin", "np.NAME(NAN_X, axis=AXES, keepdims=FLAG)", "np.NAME(NAN_X)"
)
calls("nansum nanprod nanmean nanvar nanstd", "np.NAME(X, AXES, where=MASK)")
calls("nanvar nanstd", "np.NAME(np.stack([M, NAN_Z, Z]), axis=0, ddof=1)")
calls("nanmax", "np.fmax.reduce(A, axis=AXIS)")
calls("nanmin", "np.fmin.reduce(A, axis=AXIS)")
calls("ptp", "np.ptp(X, axis=AXES, keepdims=FLAG)")
calls("average", "np.average(X, axis=AXES, keepdims=FLAG)", "np.average(X, weights=POSITIVE_Z)")
calls("average", "np.average(A, axis=-1, weights=POSITIVE_ROW)", "np.average(X, None, POSITIVE_Z, True)[0]")
calls("average", "np.average(A, axis=AXIS, weights=POSITIVE_Z, returned=True)[1]")
calls("sum_to", "tg.sum_to(X, SHRUNK)")
into("sum mean prod max min var", "np.NAME(A, axis=AXIS, out=@)")

calls("cumsum cumprod", "np.NAME(X)", "np.NAME(A, axis=AXIS)", "A.NAME(AXIS)", "A.NAME()")
calls("nancumsum nancumprod", "np.NAME(NAN_X)", "np.NAME(NAN_A, axis=AXIS)")
calls("cumsum", "np.add.accumulate(A, axis=AXIS)", "np.add.accumulate(A)")
calls("cumprod", "np.multiply.accumulate(A, axis=AXIS)", "np.cumprod(A * (A > 0), axis=AXIS)")
calls(
    "cumulative_sum cumulative_prod", "np.NAME(A, axis=AXIS, include_initial=FLAG)", "np.NAME(V, include_initial=FLAG)"
)
into("cumsum cumprod", "np.NAME(A, axis=AXIS, out=@)")
calls("diff", "np.diff(A)", "np.diff(A, COUNT, AXIS)", "np.diff(A, axis=AXIS, prepend=NUM)", "np.diff(V, append=W)")
calls("diff", "np.diff(A, prepend=Z, append=0.0)", "np.diff(A, 2, prepend=NUM, append=Z)")
calls(
    "trapezoid",
    "np.trapezoid(A)",
    "np.trapezoid(A, dx=STEP, axis=AXIS)",
    "np.trapezoid(A, ROW)",
    "np.trapezoid(A, x=Z, axis=AXIS)",
)
calls("trapezoid", "np.trapezoid(V, dx=W[0])")

calls("sort", "np.sort(A)", "np.sort(A, axis=AXIS)", "np.sort(X, axis=None, kind='stable')", "np.sort(A, stable=True)")
calls("sort", "np.copy(A); _ = @.sort(AXIS); NEW = @ * A")
calls("median", "np.median(X, axis=AXES, keepdims=FLAG)", "np.median(X)")
calls("nanmedian", "np.nanmedian(NAN_X, axis=AXES, keepdims=FLAG)", "np.nanmedian(X, AXES)")
calls("unique", "np.unique(X)", "np.unique(np.concatenate([V, V]))", "np.unique(X, return_counts=True)[0]")
calls("unique", "np.unique(A, axis=AXIS)", "np.unique(A, True, True, axis=0)[0]")
METHODS = (
    *("linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf", "averaged_inverted_cdf", "hazen", "weibull"),
    *("closest_observation", "interpolated_inverted_cdf", "median_unbiased", "normal_unbiased"),
)


@recipe("partition")
def _(m: Maker) -> str:
    """Where the other numbers go is left open, so only the place asked for is read."""
    x = m.any(1)
    axis = m.axis(x)
    n = m.shape(x)[axis]
    kth = m.whole(-n, n - 1)
    return f"np.take(np.partition({x}, {kth}, axis={axis}), {kth}, axis={axis})"


for name, operand, top in (
    ("quantile", "X", 1),
    ("nanquantile", "NAN_X", 1),
    ("percentile", "X", 100),
    ("nanpercentile", "NAN_X", 100),
):
    calls(
        name,
        f"np.NAME({operand}, {0.3 * top}, axis=AXES, keepdims=FLAG)",
        f"np.NAME({operand}, [{0.0 * top}, {0.35 * top}, {1.0 * top}], axis=AXES)",
        f"np.NAME({operand}, [[{0.2 * top}, {0.5 * top}]], axis=AXES, keepdims=FLAG)",
        *(f"np.NAME({operand}, [{0.13 * top}, {0.57 * top}], axis=AXES, method={method!r})" for method in METHODS),
        f"np.NAME({operand}, {top} * SHARE_Y, axis=AXES)",
    )
