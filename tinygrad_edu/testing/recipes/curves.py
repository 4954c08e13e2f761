"""Recipes of sampled curves, polynomials, and tables of numbers."""

from tinygrad_edu.testing.recipes.registry import calls

calls("interp", "np.interp(V, np.cumsum(POSITIVE_W), np.sin(W))")
calls(
    "interp",
    "np.interp(X, [-1.5, 0.2, 1.1], [1.0, -2.0, 0.5])",
    "np.interp(X, [0.0, 1.0, 1.0, 2.0], [0.0, 1.0, 3.0, 2.0])",
)
calls("interp", "np.interp([-1.0, 0.3, 2.2, 9.0], np.cumsum(POSITIVE_V), Z, left=NUM, right=NUM)")
calls("gradient", "np.gradient(np.append(V, W))", "np.gradient(np.concatenate([A, Z]), STEP, axis=0)")
calls(
    "gradient",
    "np.gradient(np.append(V, W), np.cumsum(np.append(POSITIVE_V, POSITIVE_W)))",
    "np.gradient(np.tile(V, 2), POSITIVE_U)",
)
calls("gradient", "np.gradient(np.tile(V, 3), STEP, edge_order=2)", "np.stack(np.gradient(np.tile(M, (2, 2))))")
calls("gradient", "np.gradient(np.tile(M, (3, 3)), STEP, STEP, edge_order=2)[1]")
for name in ("convolve", "correlate"):
    calls(
        name,
        *(f"np.{name}(V, W, {mode!r})" for mode in ("full", "same", "valid")),
        f"np.{name}(V, V)",
        f"np.{name}(V, [1.0, -2.0, 0.5])",
    )
calls(
    "unwrap",
    "np.unwrap(4 * A)",
    "np.unwrap(4 * A, axis=AXIS)",
    "np.unwrap(3 * V, discont=4.0)",
    "np.unwrap(A, period=STEP)",
)
calls(
    "linspace",
    "np.linspace(X, Y, 4)",
    "np.linspace(X, Y, COUNT, endpoint=False)",
    "np.linspace(X, NUM, 3, axis=-1)",
    "np.linspace(NUM, X, 3)",
)
calls("linspace", "np.linspace(X, Z, 4, retstep=True)[1]")
calls("polyval", "np.polyval(V, X)", "np.polyval([1.0, 0.0, -2.0], X)", "np.polyval(V, NUM)", "np.polyval(V, V)")
calls("vander", "np.vander(V, COUNT)", "np.vander(V)", "np.vander(V, 4, increasing=True)")
calls("ediff1d", "np.ediff1d(X)", "np.ediff1d(X, to_begin=U, to_end=[0.0, 1.0])", "np.ediff1d(A, to_end=V)")
calls("bincount", "np.bincount(np.arange(V.shape[0]) % 2, weights=V)", "np.bincount([0] * V.shape[0], V, minlength=3)")
calls("bincount", "np.bincount(np.argsort(V), weights=V)")
calls(
    "apply_along_axis",
    "np.apply_along_axis(np.prod, AXIS, A)",
    "np.apply_along_axis(np.cumsum, AXIS, A)",
    "np.apply_along_axis(lambda r: np.outer(r, r), AXIS, A)",
)
calls("apply_along_axis", "np.apply_along_axis(np.multiply, AXIS, A, NUM)", "np.apply_along_axis(np.sort, 0, A)")
calls(
    "cov",
    "np.cov(np.tile(M, 2))",
    "np.cov(np.hstack([M, Z]), rowvar=FLAG, ddof=0)",
    "np.cov(np.append(V, W), bias=True)",
    "np.cov(np.append(V, 1.0), np.append(Z, 0.0))",
)
calls("cov", "np.cov(M, aweights=POSITIVE_ROW, fweights=np.arange(M.shape[1]) + 1, ddof=0)", "np.cov(M, ddof=0)")
calls(
    "corrcoef",
    "np.corrcoef(np.hstack([M, Z * Z, np.arange(M.shape[0])[:, None]]))",
    "np.corrcoef(np.append(V, [1.0, 2.0]), np.append(Z, [0.0, 3.0]))",
)
calls(
    "corrcoef",
    "np.corrcoef(np.vstack([M, np.cos(M), np.arange(M.shape[1]) * np.array([[1.0], [-2.0]])]), rowvar=False)",
)
