"""Linear algebra at its awkward points: singular matrices, repeated eigenvalues, what is refused and how."""

import gc
import re
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.linalg import well
from tinygrad_edu import Tensor
from tinygrad_edu.errors import DerivativeError, ShapeError, UnsupportedError

linalg: Any = np.linalg
Array = Any


def leaf(values: Any) -> Tensor:
    return Tensor(np.asarray(values, float), requires_grad=True)


def gradient(function: Callable[..., Any], values: Any) -> Array:
    x = leaf(values)
    (g,) = tg.autograd.grad(function(x), x)
    assert g is not None
    return g.numpy()


def second(function: Callable[..., Any], values: Any) -> Array:
    """The gradient of a weighted sum of the gradient."""
    x = leaf(values)
    (g,) = tg.autograd.grad(function(x), x, create_graph=True)
    (h,) = tg.autograd.grad((g * np.arange(1.0, x.size + 1).reshape(x.shape)).sum(), x)
    return h.numpy()


def determinant_of_3(x: Any) -> Any:
    return (x[0] * np.cross(x[1], x[2])).sum()


ONES = np.ones((3, 3))
NEARLY = np.outer([1.0, 2, 3], [1.0, -1, 2]) + 1e-10 * np.arange(9.0).reshape(3, 3) ** 2
SINGULAR = {
    "ones": ONES,
    "zero": 0 * ONES,
    "rank 2": np.arange(9.0).reshape(3, 3),
    "nearly": NEARLY,
    "regular": well(3, 3),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_det_has_the_derivatives_of_the_polynomial_that_it_is(name: str) -> None:
    for derivative in (gradient, second):
        found, expected = derivative(linalg.det, SINGULAR[name]), derivative(determinant_of_3, SINGULAR[name])
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_det_of_the_singular_2_by_2_and_of_nothing() -> None:
    np.testing.assert_allclose(gradient(linalg.det, [[1, 2], [2, 4]]), [[4, -2], [-2, 1]], atol=1e-15)
    assert gradient(linalg.det, np.zeros((0, 0))).shape == (0, 0)
    assert linalg.det(leaf(np.zeros((0, 0)))).item() == 1


def test_a_third_derivative_of_det_is_right_or_refused() -> None:
    def third(values: Any) -> Any:
        x = leaf(values)
        y = linalg.det(x)
        for _ in range(2):
            (g,) = tg.autograd.grad(y, x, create_graph=True)
            y = (g * np.arange(9.0).reshape(3, 3) ** 2).sum()
        return tg.autograd.grad(y, x)[0]

    x = leaf(well(3, 3))
    y = determinant_of_3(x)
    for _ in range(2):
        (g,) = tg.autograd.grad(y, x, create_graph=True)
        y = (g * np.arange(9.0).reshape(3, 3) ** 2).sum()
    np.testing.assert_allclose(third(well(3, 3)).numpy(), tg.autograd.grad(y, x)[0].numpy(), rtol=1e-9)
    with pytest.raises(DerivativeError, match="no third"):
        third(ONES)


def test_slogdet_of_a_singular_matrix_has_a_value_and_no_derivative() -> None:
    result = linalg.slogdet(leaf(ONES))
    assert (result.sign.item(), result.logabsdet.item()) == (0, -np.inf)
    with pytest.raises(DerivativeError, match="det\\(a\\) itself"):
        result.logabsdet.backward()


def test_eigenvalues_that_repeat_have_a_gradient() -> None:
    np.testing.assert_array_equal(gradient(lambda x: (linalg.eigvalsh(x) * [1, 2, 3]).sum(), np.eye(3)).sum(), 6)
    np.testing.assert_allclose(gradient(lambda x: linalg.eigh(x)[0].sum(), 2 * np.eye(3)), np.eye(3), atol=1e-15)
    np.testing.assert_allclose(gradient(lambda x: linalg.svdvals(x).sum(), np.eye(3)), np.eye(3), atol=1e-15)


def test_vectors_of_values_that_repeat_have_none_and_the_others_have_theirs() -> None:
    for function in (linalg.eigh, linalg.svd):
        with pytest.raises(DerivativeError, match="repeated"):
            gradient(lambda x, f=function: (f(x)[-1] ** 3).sum(), np.diag([2.0, 2, 1]))
    with pytest.raises(DerivativeError, match="repeated"):  # the square root, by eigenvectors, of a repeated eigenvalue
        gradient(lambda x: ((p := linalg.eigh(x))[1] * np.sqrt(p[0]) @ p[1].T)[0, 1], np.eye(3))

    def top(x: Any) -> Any:
        return (linalg.eigh(x + x.T).eigenvectors[:, -1] ** 2 * [1.0, 2, 3]).sum()

    for matrix in (np.diag([1.0, 1, 4]), np.diag([1.0, 2, 4]) + 0.1 * ONES):
        step = 1e-6 * np.arange(9.0).reshape(3, 3)
        expected = (top(matrix + step) - top(matrix - step)) / 2
        np.testing.assert_allclose((gradient(top, matrix) * step).sum(), expected, rtol=1e-6, atol=1e-12)


def test_the_other_vectors_of_svd_may_be_used() -> None:
    matrix = np.outer([1.0, 2, 3], [1.0, 0.5])  # singular values: one, and 0

    def first(x: Any) -> Any:
        return (linalg.svd(x, full_matrices=False).U[:, 0] ** 2 * [1.0, 2, 3]).sum()

    step = 1e-6 * np.arange(6.0).reshape(3, 2) ** 2
    expected = (first(matrix + step) - first(matrix - step)) / 2
    np.testing.assert_allclose((gradient(first, matrix) * step).sum(), expected, rtol=1e-6)
    with pytest.raises(DerivativeError, match="singular value 0"):
        gradient(lambda x: (linalg.svd(x, full_matrices=False).U ** 3).sum(), matrix)


def test_a_singular_value_0_gets_0() -> None:
    np.testing.assert_array_equal(gradient(lambda x: linalg.svdvals(x).sum(), np.zeros((3, 2))), 0)
    np.testing.assert_allclose(gradient(lambda x: linalg.norm(x, "nuc"), np.ones((2, 2))), 0.5, atol=1e-15)


@pytest.mark.parametrize(
    "function",
    [lambda x: linalg.svd(x).U, lambda x: linalg.qr(x, mode="complete").Q, lambda x: linalg.svd(x.T).Vh],
    ids=["svd-u", "qr", "svd-vh"],
)
def test_arbitrary_vectors_have_values_and_refuse_a_gradient(function: Callable[..., Any]) -> None:
    x = leaf(well(3, 2))
    full = function(x)
    np.testing.assert_allclose(full.numpy() @ full.numpy().T, np.eye(3), atol=1e-14)
    np.testing.assert_array_equal(full.numpy(), function(x.numpy()))
    with pytest.raises(DerivativeError, match="arbitrary"):
        (full**3).sum().backward()


@pytest.mark.parametrize(
    "function",
    [lambda x: linalg.svd(x).U, lambda x: linalg.qr(x, mode="complete").Q, lambda x: linalg.svd(x.T).Vh.T],
    ids=["svd-u", "qr", "svd-vh"],
)
def test_in_forward_mode_arbitrary_vectors_stay_at_right_angles(function: Callable[..., Any]) -> None:
    x, direction = well(3, 2), np.arange(6.0).reshape(3, 2) ** 2
    q, moved = (t.numpy() for t in tg.func.jvp(function, (x,), (direction,)))
    np.testing.assert_allclose(q.T @ moved, -moved.T @ q, atol=1e-14)

    def projection(step: float) -> Array:
        last = function(x + step * direction)[:, 2:]
        return last @ last.T

    expected = (projection(1e-6) - projection(-1e-6)) / 2e-6
    np.testing.assert_allclose(moved[:, 2:] @ q[:, 2:].T + q[:, 2:] @ moved[:, 2:].T, expected, rtol=1e-7, atol=1e-9)


def test_one_triangle_is_read_and_both_share_the_gradient() -> None:
    low, high = np.array([[2.0, 99], [1, 3]]), np.array([[2.0, 1], [99, 3]])
    for function in (linalg.cholesky, linalg.eigvalsh, lambda x: linalg.pinv(x, hermitian=True)):
        g = gradient(lambda x, f=function: (f(x) ** 2 * [1, 2]).sum(), low)
        np.testing.assert_allclose(g, g.T)
        np.testing.assert_array_equal(function(leaf(low)).numpy(), function(low))
    np.testing.assert_allclose(
        gradient(lambda x: linalg.eigh(x, "U")[1][0, 0] ** 2, high),
        gradient(lambda x: linalg.eigh(x)[1][0, 0] ** 2, low),
    )


ORDERS: list[Any] = [None, 0, 0.5, 1, 1.5, 2, 3, np.inf, -np.inf]


@pytest.mark.parametrize("order", ORDERS)
def test_norm_at_0_has_the_gradient_0_to_second_order(order: Any) -> None:
    for values in (np.zeros(3), np.zeros((3, 2))):
        for derivative in (gradient, second):
            if order == 0 and derivative is second:
                continue  # the count of what is not 0 has no slope that could change
            function = lambda x: linalg.norm(x, order, axis=0).sum() + (0.0 * x**2).sum()  # noqa: E731
            np.testing.assert_array_equal(derivative(function, values), 0)


@pytest.mark.parametrize("order", ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_matrix_norm_at_0_has_the_gradient_0(order: Any) -> None:
    np.testing.assert_array_equal(gradient(lambda x: linalg.norm(x, order), np.zeros((2, 3))), 0)


def test_ties_of_norms_share() -> None:
    np.testing.assert_allclose(gradient(lambda x: linalg.norm(x, np.inf), [2, -2, 1]), [0.5, -0.5, 0])
    np.testing.assert_allclose(gradient(lambda x: linalg.norm(x, 2), np.eye(2)), np.eye(2) / 2, atol=1e-15)


def test_norms_of_integers_and_their_dtypes() -> None:
    assert linalg.norm(Tensor([3, 4])).item() == 5
    assert linalg.vector_norm(Tensor([3, 4]), ord=1).dtype == float
    for dtype in (np.float16, np.float32):
        x = Tensor(np.ones((2, 3)), dtype=dtype)
        assert linalg.norm(x, 3, axis=0).dtype == linalg.norm(x, axis=0).dtype == linalg.norm(x).dtype == dtype


def test_cond_of_singular_matrices_is_inf() -> None:
    for order in (None, 2, -2, 1, "fro"):
        np.testing.assert_array_equal(linalg.cond(leaf(np.zeros((2, 2))), order).numpy(), np.inf)
    stack = leaf(np.stack([np.ones((2, 2)), np.eye(2)]))
    np.testing.assert_allclose(linalg.cond(stack, 1).numpy(), [np.inf, 1])
    linalg.cond(stack, 1)[1].backward()
    assert stack.grad is not None
    np.testing.assert_array_equal(stack.grad.numpy()[0], 0)
    with pytest.raises(ShapeError, match="empty"):
        linalg.cond(leaf(np.zeros((0, 0))))


def test_lstsq_gives_what_numpy_gives() -> None:
    b = np.arange(6.0).reshape(3, 2) ** 2
    for a in (well(3, 2), np.ones((3, 2)), well(3, 4), np.zeros((3, 0)), np.zeros((3, 2))):
        for right in (b, b[:, 0], b[:, :0]):
            found, expected = linalg.lstsq(leaf(a), right), linalg.lstsq(a, right)
            assert found[2] == expected[2]
            for i in (0, 1, 3):
                np.testing.assert_allclose(found[i].numpy(), expected[i], rtol=1e-13)
    with pytest.raises(DerivativeError, match="svdvals"):
        linalg.lstsq(leaf(well(3, 2)), b)[3].sum().backward()


def test_results_are_named_as_numpys() -> None:
    x = leaf(well(2, 2))
    for name in ("eigh", "qr", "svd", "slogdet"):
        result = getattr(linalg, name)(x)
        assert type(result) is type(getattr(linalg, name)(x.numpy()))
        assert all(isinstance(part, Tensor) for part in result)


def test_what_the_graph_keeps() -> None:
    x, y = leaf(well(3, 3)), leaf(well(3, 3))
    kept = {
        linalg.inv(x): {"out"},
        linalg.cholesky(x @ x.T): {"out", "upper"},
        linalg.solve(x, y): {"a", "out", "b_shape"},
        linalg.solve(well(3, 3), y): {"a", "out", "b_shape"},
        np.einsum("ij,jk->ik", x, well(3, 3)): {"y", "subscripts"},
        np.vdot(x, well(3, 3)): {"b", "a_shape"},
    }
    for result, names in kept.items():
        assert set(result.grad_fn.saved) == names


def test_the_rules_of_solve_share_their_work_and_nothing_else() -> None:
    a, b, g = leaf(well(3, 3)), leaf(np.arange(3.0)), np.arange(3.0) + 1
    weight = Tensor(g)
    x = linalg.solve(a, b)
    expected = np.linalg.solve(a.numpy().T, g)
    for _ in range(2):  # the same gradient object, after the first result was changed
        a.grad = b.grad = None
        x.backward(weight, retain_graph=True)
        np.testing.assert_allclose(b.grad.numpy(), expected)
        np.testing.assert_allclose(a.grad.numpy(), -np.outer(expected, x.numpy()))
        b.grad.array[...] = 99
    with tg.no_grad():
        a *= 2.0
    b.grad = None
    linalg.solve(a.detach(), b).backward(weight)
    np.testing.assert_allclose(b.grad.numpy(), expected / 2)


def test_nothing_is_held_after_backward() -> None:
    gc.disable()
    try:
        a = leaf(well(3, 3))
        x = linalg.solve(a, np.ones(3))
        out = weakref.ref(x.array)
        (x * x).sum().backward()
        del x
        assert out() is None
    finally:
        gc.enable()


def test_complex_numbers_are_refused() -> None:
    x = leaf(np.eye(2))
    for function in (linalg.eig, linalg.eigvals):
        with pytest.raises(UnsupportedError, match=r"real numbers only.*eigh.*t\.numpy\(\)"):
            function(x)
    for function in (linalg.solve, np.inner, np.vdot, lambda x, y: np.einsum("ij,jk", x, y)):
        with pytest.raises(TypeError, match="not complex128"):
            function(x, np.eye(2) * 1j)


REFUSED: list[tuple[str, type[Exception], str, Callable[..., Any]]] = [
    ("inv", np.linalg.LinAlgError, "square", lambda x: linalg.inv(x)),
    ("solve", ShapeError, "a is square", lambda x: linalg.solve(x @ x.T, np.ones(3))),
    ("matrix_power", ShapeError, "square", lambda x: linalg.matrix_power(x, 2)),
    ("matrix_power-fraction", TypeError, "integer", lambda x: linalg.matrix_power(x @ x.T, 0.5)),
    ("multi_dot", ShapeError, "as many columns", lambda x: linalg.multi_dot([x, x, x.T])),
    ("multi_dot-3d", ShapeError, "All are matrices", lambda x: linalg.multi_dot([x, x.T, x[None]])),
    ("multi_dot-one", ValueError, "at least two", lambda x: linalg.multi_dot([x])),
    ("cross", ShapeError, "3 numbers.*in the plane", lambda x: np.cross(x.T, x.T)),
    ("cross-axis", IndexError, "out of bounds", lambda x: np.cross(x, x, axis=2)),
    ("outer", ShapeError, "two vectors", lambda x: linalg.outer(x, x)),
    ("vdot", ShapeError, "as many numbers", lambda x: np.vdot(x, np.ones(5))),
    ("inner", ShapeError, "last axes", lambda x: np.inner(x, x.T)),
    ("vecdot", ShapeError, "Along the axis", lambda x: np.vecdot(x, np.ones(2))),
    ("tensordot", ShapeError, "pair by pair", lambda x: np.tensordot(x, x, 1)),
    ("tensordot-axes", ValueError, "axes=3", lambda x: np.tensordot(x, x, 3)),
    ("lstsq", ShapeError, "as long as its columns", lambda x: linalg.lstsq(x, np.ones(3))),
    ("tensorinv", ShapeError, "as many numbers", lambda x: linalg.tensorinv(x, 1)),
    ("tensorsolve", ShapeError, "hold as many", lambda x: linalg.tensorsolve(x, np.ones(2))),
    ("qr", UnsupportedError, "'raw'", lambda x: linalg.qr(x, mode="raw")),
    ("norm-order", ValueError, "'fro', 'nuc'", lambda x: linalg.norm(x, 3)),
    ("norm-of-vectors", ValueError, "over two axes", lambda x: linalg.norm(x, "fro", axis=0)),
    ("norm-axes", ValueError, "not over 3 axes", lambda x: linalg.norm(x[None], 2)),
    ("cholesky", np.linalg.LinAlgError, "positive definite", lambda x: linalg.cholesky(-x @ x.T)),
    ("einsum-letters", ValueError, "not of letters", lambda x: np.einsum("i_", x)),
    ("einsum-arrows", ValueError, "not of letters", lambda x: np.einsum("ij->i->j", x)),
    ("einsum-operands", ValueError, "2 operands; 1 given", lambda x: np.einsum("ij,jk", x)),
    ("einsum-axes", ValueError, "the 2 axes", lambda x: np.einsum("ijk", x)),
    ("einsum-twice", ValueError, "twice in the result", lambda x: np.einsum("ij->ii", x)),
    ("einsum-unknown", ValueError, "'k' in the result", lambda x: np.einsum("ij->k", x)),
    ("einsum-dots", ValueError, "in the result too", lambda x: np.einsum("...j->j", x)),
    ("einsum-lengths", ShapeError, "'j' is 3 and 2 long", lambda x: np.einsum("ij,jk", x, x)),
    ("einsum-diagonal", ShapeError, "'i' is 2 and 3 long", lambda x: np.einsum("ii", x)),
    ("einsum-numbers", ValueError, "0 to 51", lambda x: np.einsum(x, [0, 52])),
    ("einsum-dtype", UnsupportedError, "astype", lambda x: tg.einsum("ij", x, dtype="f4")),
    ("einsum-nothing", ValueError, "needs subscripts", lambda x: tg.einsum()),
]


@pytest.mark.parametrize(("error", "said", "function"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_does_not_fit_is_refused_with_the_way_out(error: Any, said: str, function: Callable[..., Any]) -> None:
    with pytest.raises(error, match=re.compile(said, re.DOTALL)):
        function(leaf(well(2, 3)))


def test_einsum_is_one_node_for_two_operands_and_keeps_up_with_numpys_spellings() -> None:
    x, y = leaf(well(2, 3)), leaf(well(3, 4))
    result = np.einsum(" i j , j k -> i k ", x, y)
    assert [node.op.name for node in tg.autograd.ancestors(result)] == ["einsum"]
    np.testing.assert_array_equal(result.numpy(), x.numpy() @ y.numpy())
    np.testing.assert_array_equal(np.einsum(x, [0, 1]).numpy(), x.numpy())
    many = np.einsum("ij,jk,kl,lm", x, y, y.T, x.T, optimize=["einsum_path", (0, 1), (0, 1), (0, 1)])
    np.testing.assert_allclose(many.numpy(), np.linalg.multi_dot([x.numpy(), y.numpy(), y.numpy().T, x.numpy().T]))
    assert tg.einsum("ij->j", [[1, 2], [3, 4]]).tolist() == [4, 6]


def test_numpys_linalg_names_of_its_products_reach_the_same_ops() -> None:
    x, y = leaf([1.0, 2, 3]), leaf([3.0, 1, 2])
    for name in ("outer", "cross", "matmul", "vecdot", "tensordot"):
        options = {"axes": 1} if name == "tensordot" else {}
        of_linalg, of_numpy = getattr(linalg, name)(x, y, **options), getattr(np, name)(x, y, **options)
        assert of_linalg.grad_fn.op is of_numpy.grad_fn.op
        np.testing.assert_array_equal(of_linalg.numpy(), of_numpy.numpy())
