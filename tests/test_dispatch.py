"""NumPy's functions on Tensors: their options, their methods, what they may be mixed with, and what says no."""

import inspect
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, errors, torchwords
from tinygrad_edu.op import Op, implementations
from tinygrad_edu.ops.composed import compositions

A = np.array([[1.0, -2.0, 3.0], [0.5, 2.0, -1.0]])


def leaf(value: Any = A) -> Tensor:
    return Tensor(value, requires_grad=True)


def same(found: Any, expected: Any) -> None:
    assert isinstance(found, Tensor)
    np.testing.assert_allclose(found.numpy(), expected)
    assert found.dtype == np.asarray(expected).dtype


@pytest.mark.parametrize("name", [n for n in tg.__all__ if callable(getattr(np, n, None)) and n in dir(tg.ops)])
def test_every_entry_is_numpys_function_on_tensors(name: str) -> None:
    ours = getattr(tg.ops if name in torchwords.__all__ else tg, name)  # tg.max asks what max(1) means, np.max does not
    numpys = getattr(np, name)
    known = implementations[numpys]
    assert known is ours or name in ("astype", "reshape", "where"), f"np.{name} goes to {known}"
    assert isinstance(ours, Op) or name in compositions or ours.__doc__


METHODS: dict[str, Callable[[Any], Any]] = {
    "add.reduce": lambda x: np.add.reduce(x),
    "add.reduce-axis": lambda x: np.add.reduce(x, axis=1, keepdims=True),
    "add.reduce-position": lambda x: np.add.reduce(x, 1),
    "add.reduce-all": lambda x: np.add.reduce(x, axis=None),
    "add.reduce-where": lambda x: np.add.reduce(x, where=A > 0, initial=2.0),
    "multiply.reduce": lambda x: np.multiply.reduce(x, axis=(0, 1)),
    "maximum.reduce": lambda x: np.maximum.reduce(x),
    "minimum.reduce": lambda x: np.minimum.reduce(x, axis=-1),
    "fmax.reduce": lambda x: np.fmax.reduce(x),
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x),
    "add.accumulate": lambda x: np.add.accumulate(x),
    "multiply.accumulate": lambda x: np.multiply.accumulate(x, axis=1),
    "multiply.outer": lambda x: np.multiply.outer(x, np.arange(2.0)),
    "subtract.outer": lambda x: np.subtract.outer(np.arange(2.0), x),
    "ufunc dtype": lambda x: np.add(x, 1, dtype=np.float32),
    "sum by position": lambda x: np.sum(x, 0, None, None, True),
    "sum of nothing said": lambda x: np.sum(x, axis=0, out=None, keepdims=False),
    "sum by NumPy's name": lambda x: np.sum(a=x, axis=1),
    "max of none": lambda x: np.max(x, None, None, True),
    "mean dtype": lambda x: np.mean(x, dtype=np.float32),
    "concatenate dtype": lambda x: np.concatenate([x, x], dtype=np.float32),
    "reshape in Fortran order": lambda x: np.reshape(x, (3, 2), order="F"),
    "clip by keyword": lambda x: np.clip(a=x, a_min=0, a_max=1),
    "array from the left": lambda x: A @ x.T + A[0, :2] * 1,
    "number from the left": lambda x: 2 - np.float64(3) * x,
    "lists of tensors": lambda x: np.vstack([x, [x[0], x[1]]]),
    "array-likes mixed in": lambda x: np.hstack([x, [[1], [2]], A[:, :1]]),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_and_options_of_numpy(name: str) -> None:
    if name != "lists of tensors":
        same(METHODS[name](leaf()), METHODS[name](A))
    assert METHODS[name](leaf()).requires_grad


def test_logical_reductions_are_plain() -> None:
    assert np.logical_and.reduce(leaf() > 0, axis=None) == np.False_
    assert np.logical_or.reduce(leaf() > 0).tolist() == [True, True, True]
    assert np.all(leaf()) == np.True_


def test_out_of_a_tensor_is_item_assignment() -> None:
    x, out = leaf(), Tensor(np.zeros((2, 3)))
    assert np.multiply(x, 2.0, out=out) is out
    same(out, A * 2)
    out.sum().backward()
    assert x.grad.tolist() == [[2.0] * 3] * 2
    total = Tensor(np.zeros(3))
    np.sum(leaf(), axis=0, out=total)
    assert total.requires_grad
    both = Tensor(np.zeros((2, 3))), Tensor(np.zeros((2, 3)))
    np.divmod(x, 2.0, out=both)
    same(both[1], A % 2)


def test_where_of_a_ufunc_keeps_the_rest_of_out() -> None:
    x, out = leaf(), Tensor(np.full((2, 3), 7.0))
    np.negative(x, where=A > 0, out=out)
    same(out, np.where(A > 0, -A, 7.0))
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.where(A > 0, -1.0, 0.0))


def test_out_that_cannot_hold_the_result() -> None:
    with pytest.raises(TypeError, match="cannot hold"):
        np.multiply(leaf(), 2.0, out=Tensor(np.zeros((2, 3), int)))
    with pytest.raises(errors.InPlaceError):
        np.multiply(A, 2.0, out=leaf())
    with pytest.raises(errors.UnsupportedError, match="history"):
        np.multiply(leaf(), 2.0, out=np.zeros((2, 3)))
    with pytest.raises(errors.UnsupportedError, match="history"):
        np.sum(leaf(), axis=0, out=np.zeros(3))
    with pytest.raises(ValueError, match="do not fit"):
        np.multiply(leaf(), 2.0, out=Tensor(np.zeros(2)))


def test_adding_at_places_counts_them_all() -> None:
    total, x = Tensor(np.zeros(3)), leaf([1.0, 2.0, 4.0])
    np.add.at(total, np.array([0, 0, 2]), x)
    same(total, [3.0, 0.0, 4.0])
    (total * np.arange(3.0)).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 2.0]
    np.subtract.at(total, 1, 5.0)
    same(total, [3.0, -5.0, 4.0])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: np.add.reduceat(x, [0]), r"np\.add\.reduceat.*Op\("),
        (lambda x: np.multiply.at(x, 0, 2.0), r"np\.multiply\.at"),
        (lambda x: np.arctan2.reduce(x), r"np\.arctan2\.reduce"),
        (lambda x: np.fft.fft(x), r"np\.fft\.fft.*Op\("),
        (lambda x: np.spacing(x), r"np\.spacing.*t\.numpy\(\)"),
        (lambda x: np.add(x, 1, casting="unsafe"), "casting="),
        (lambda x: np.add(x, 1, where=A > 0), "needs out="),
        (lambda x: np.mean([x, x]), r"stack\(tensors\)"),
        (lambda x: np.r_[x, x], r"concatenate\(tensors\)"),
        (lambda x: np.vectorize(lambda v: v)(x), "bare array"),
        (lambda x: np.ma.masked_array(A) * x, "bare array"),
        (lambda x: np.linalg.eig(x @ x.T), "complex|real"),
    ],
)
def test_what_is_not_differentiated_says_so(call: Callable[[Any], Any], said: str) -> None:
    with pytest.raises(errors.UnsupportedError, match=said):
        call(leaf())


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: x * np.ma.masked_array(A), "masked array.*filled"),
        (lambda x: x * np.matrix(A), r"matrix has an arithmetic of its own.*np\.asarray"),
        (lambda x: np.matrix(A) * x, "matrix"),
        (lambda x: x * 1j, "real numbers"),
        (lambda x: x.astype(complex), "real numbers"),
        (lambda x: np.power(x, 1 + 2j), "real numbers"),
        (lambda x: x * [x, x], "stack"),
    ],
)
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_operands_that_are_no_real_arrays(call: Callable[[Any], Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        call(leaf())


def test_a_subclass_of_tensor_is_an_operand_like_any_other() -> None:
    class Weights(Tensor):
        __slots__ = ()

    w = Weights(A, requires_grad=True)
    for y in (w * 2, np.exp(w), np.stack([w, w]), w.sum(), A * w):
        assert type(y) is Tensor
        assert y.requires_grad
    (w * w).sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), 2 * A)


def test_arrays_may_be_asked_for() -> None:
    x = leaf()
    assert np.asarray(x) is x.array
    np.testing.assert_allclose(x * 2, A * 2)
    assert np.array(x, dtype=np.float32).dtype == np.float32


def test_functions_of_places_and_orders_are_plain() -> None:
    at_one = lambda x: np.searchsorted(x[1], 1.0)  # noqa: E731 - one of a row of functions
    for call in (np.argmax, np.argsort, np.nonzero, np.shape, np.linalg.matrix_rank, at_one):
        result = call(leaf())
        assert not isinstance(result, Tensor)
        np.testing.assert_array_equal(result, call(A))


def lost(call: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return sorted({str(w.message).partition(":")[0] for w in caught})


def test_a_history_is_not_lost_unawares() -> None:
    """What NumPy asks for without saying why is told from the line that asks."""
    x, number, listed = leaf(), leaf(2.0), [leaf(1.0), leaf(2.0)]
    array = np.zeros(3)

    def put(key: Any, value: Any) -> None:
        array[key] = value

    in_list = ["a list of tensors that require grad became a bare array"]
    assert lost(lambda: np.array([number, number])) == in_list
    assert lost(lambda: np.array(listed)) == in_list
    assert lost(lambda: np.exp([number, number])) == in_list
    assert lost(lambda: np.array([t * 2 for t in listed])) == in_list
    assert lost(lambda: put(0, number)) == ["a tensor that requires grad was put into a bare array"]
    assert lost(lambda: put(slice(None), x[0])) == ["a tensor that requires grad was put into a bare array"]
    assert lost(lambda: math.sin(number)) == [
        "the math module computes with bare numbers, and this tensor requires grad"
    ]


def test_numbers_may_be_asked_for() -> None:
    x, number, detached = leaf(), leaf(2.0), Tensor([1.0, 2.0])

    def quietly() -> None:
        np.asarray(x), np.array(x), x.numpy(), x.tolist(), float(number), number.item(), f"{number:.2f}"
        np.testing.assert_allclose(x, A)
        np.array([detached, detached])
        np.zeros(2)[:] = detached
        np.shape([number, number]), min([number, number + 1], key=float)
        np.testing.assert_allclose([number, number], [2.0, 2.0])
        with tg.no_grad():
            np.array([number, number])

    assert lost(quietly) == []


def test_arguments_in_order_mean_what_numpy_means_by_them() -> None:
    """NumPy's own `out`, `copy` and `overwrite_input` stand between others."""
    x = Tensor([np.nan, np.inf, 1.0])
    same(np.nan_to_num(x, True, 5.0), np.nan_to_num(x.numpy(), True, 5.0))
    y = np.array([1.0, 4.0, 2.0])
    same(np.median(leaf(y), 0, None, True), np.median(y, 0))
    same(np.quantile(leaf(y), 0.4, 0, None, False), np.quantile(y, 0.4, 0))
    same(np.var(leaf(y), 0, None, None, 1), np.var(y, ddof=1))
    same(np.var(leaf(y), correction=1), np.var(y, ddof=1))
    out = Tensor(0.0)
    assert np.var(leaf(y), 0, None, out) is out
    same(out, np.var(y))


def test_dtype_of_a_comparison_says_nothing_and_whole_numbers_are_no_dtype() -> None:
    x = leaf([1.0, np.nan])
    assert np.isnan(x, dtype=bool).tolist() == [False, True]
    assert np.greater(x, 0.5, dtype=bool).tolist() == [True, False]
    for call in (lambda: np.multiply(x, 2, dtype=int), lambda: np.isnan(x, dtype=float)):
        with pytest.raises(errors.UnsupportedError, match="dtype="):
            call()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: Tensor(np.eye(2)) * [[x[0, 0], 0.0], [0.0, x[0, 1]]],
        lambda x: np.multiply(x, [[x[0, 0]]]),
        lambda x: tg.exp([[x[0, 0]]]),
        lambda x: x * ([x[0, 0]],),
    ],
)
def test_lists_in_lists_of_tensors_are_no_operands(call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="stack"):
        call(leaf())


def test_settings_that_are_tensors_are_differentiated_or_refused() -> None:
    x, q = leaf([1.0, 2.0, 4.0]), leaf([0.25, 0.75])
    np.quantile(x, q).sum().backward()
    assert q.grad.tolist() == [2.0, 4.0]
    with pytest.raises(errors.UnsupportedError, match="method='linear'"):
        np.quantile(x, q, method="hazen")
    for call in (lambda: tg.softplus(np.ones(2), leaf(1.0)), lambda: tg.sum(np.ones(2), initial=leaf(2.0))):
        with pytest.raises(errors.DerivativeError, match="detach"):
            call()
    assert np.full_like(x, leaf(2.0)).requires_grad
    assert tg.linspace(leaf(0.0), 1.0, 3).requires_grad


def test_infinities_where_numpy_has_numbers() -> None:
    assert np.median(Tensor([1.0, 2.0, np.inf])).item() == 2.0
    assert np.median(Tensor([1.0, np.inf, np.inf])).item() == np.inf
    assert np.trapezoid(Tensor([1.0, 2.0, np.inf])).item() == np.inf
    assert np.modf(Tensor([np.inf, -2.5]))[0].tolist() == [0.0, -0.5]
    with np.errstate(all="ignore"):
        assert tg.func.grad(lambda x: np.log(tg.relu(x)).sum())(np.array([-1.0, 2.0])).tolist() == [0.0, 0.5]
        assert tg.func.grad(lambda x: (1 / np.floor(x)).sum())(np.array([0.5, 2.0])).tolist() == [0.0, 0.0]
        masked = tg.func.grad(lambda x: np.sum(np.log(x), where=x > 0))(np.array([1.0, 0.0, 4.0]))
    assert masked.tolist() == [1.0, 0.0, 0.25]


@pytest.mark.parametrize("x", [3e-23, 1e-25, 1e25])
def test_angles_of_short_and_long_vectors(x: float) -> None:
    by_y = tg.func.grad(np.arctan2)(np.float32(x), np.float32(x))
    assert by_y.item() == pytest.approx(0.5 / x, rel=1e-6)
    assert by_y.dtype == np.float32


def test_a_plot_gets_the_numbers() -> None:
    """Also through NumPy's masked arrays, which matplotlib uses."""
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")
    y, losses = leaf([1.0, 2.0, 4.0]) * 2, [leaf(1.0), leaf(2.0)]

    def draw() -> None:
        figure, axes = pyplot.subplots()
        axes.plot(y), axes.scatter(y, y), axes.bar(np.arange(3), y), axes.plot(losses), axes.axhline(losses[0])
        pyplot.close(figure)

    assert lost(draw) == []


def test_operands_may_have_numpys_names() -> None:
    x, y = leaf([1.0, 2.0]), np.array([3.0, 4.0])
    for found in (np.dot(x, b=y), np.dot(a=x, b=y), np.dot(x, y, None)):
        same(found, 11.0)
    with pytest.raises(errors.UnsupportedError, match="where="):
        np.clip(x, 0, 1, where=[True, False])


def test_interpolation_at_double_points_and_at_infinity() -> None:
    for at, places, heights in (([1.0], [0, 1.0, 1.0], [2, 3.0, 5.0]), ([0.0, 2.0], [0, 1.0, 2.0], [2, np.inf, 6.0])):
        with np.errstate(invalid="ignore"):
            same(np.interp(Tensor(at), places, heights), np.interp(at, places, heights))


AFTER_THE_ARRAY: dict[str, tuple[Any, ...]] = {
    "cross": (A,),
    "linspace": (1.0,),
    **dict.fromkeys(("quantile", "percentile", "nanquantile", "nanpercentile"), (0.5,)),
    **dict.fromkeys(("partition", "argpartition", "repeat", "roll", "delete", "split", "array_split"), (1,)),
    "take": ([0],),
    "insert": (0, 1.0),
    "compress": ([True],),
    "append": (A,),
    "take_along_axis": (np.zeros((2, 3), int),),
    "put_along_axis": (np.zeros((2, 3), int), 1.0),
}


def takes_axis(function: Callable[..., Any]) -> bool:
    try:
        return "axis" in inspect.signature(function).parameters
    except ValueError:  # in C
        return False


BY_AXIS = sorted(
    {f.__name__ for f in implementations if not isinstance(f, np.ufunc) and f is getattr(np, f.__name__, None)}
    - {"concatenate", "concat", "stack", "rollaxis", "apply_along_axis", "save", "savez", "savez_compressed", "savetxt"}
)


@pytest.mark.parametrize("axis", [5, -4])
@pytest.mark.parametrize("name", [n for n in BY_AXIS if takes_axis(getattr(np, n))])
def test_an_axis_that_is_not_there_is_refused(name: str, axis: int) -> None:
    """As NumPy refuses it: never another axis in its place."""
    with pytest.raises(np.exceptions.AxisError):
        getattr(np, name)(Tensor(np.abs(A)), *AFTER_THE_ARRAY.get(name, ()), axis=axis)
