"""Corners that were wrong once, each with what is right there."""

import copy
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, errors, no_grad
from tinygrad_edu.autograd import backward, grad


def leaf(value: Any, **options: Any) -> Tensor:
    return Tensor(value, requires_grad=True, **options)


@pytest.mark.parametrize("axes", [([0, 1], [0, 1]), ([3], [0]), ([0, 0], [0, 1]), 3])
def test_tensordot_refuses_what_numpy_refuses(axes: Any) -> None:
    x, y = np.ones((2, 3)), np.ones((3, 2))
    with pytest.raises((ValueError, IndexError)):
        np.tensordot(x, y, axes=axes)
    with pytest.raises((ValueError, IndexError)):
        np.tensordot(leaf(x), y, axes=axes)


def test_tensordot_takes_what_numpy_takes() -> None:
    assert np.tensordot(leaf(2.0), 3.0, axes=0).item() == 6.0
    assert np.tensordot(leaf(np.ones((2, 3))), [1.0, 2.0, 3.0], axes=np.int64(1)).tolist() == [6.0, 6.0]


def test_mixed_derivative_of_a_power_at_exponent_zero() -> None:
    """d/dy d/dx x**y at y = 0 is 1/x, in either order."""
    x, y = leaf(2.0), leaf(0.0)
    for first, second in ((x, y), (y, x)):
        (g,) = grad(x**y, first, create_graph=True)
        assert grad(g, second)[0].item() == 0.5


def test_what_a_hook_does_to_its_gradient_stays_there() -> None:
    a, b, given = leaf([1.0, 1.0]), leaf([1.0, 1.0]), Tensor([1.0, 1.0])
    c, d = a * 1, b * 1
    d.register_hook(lambda g: g.__imul__(0))
    (c + d).backward(given)
    assert (a.grad.tolist(), b.grad.tolist(), given.tolist()) == ([1.0, 1.0], [0.0, 0.0], [1.0, 1.0])


def test_what_a_hook_keeps_is_not_changed_with_the_gradient() -> None:
    kept: list[Tensor] = []
    x = leaf([1.0, 2.0])
    x.register_hook(kept.append)
    (x * 2).sum().backward()
    with no_grad():
        x.grad *= 0
    assert kept[0].tolist() == [2.0, 2.0]


@pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.AccumulationWarning")  # on purpose
def test_retain_grad_twice_after_hooks_and_through_a_change() -> None:
    x = leaf([1.0, 2.0])
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert y.grad.tolist() == [10.0, 10.0]
    z = x * 2
    z.retain_grad()
    z *= z
    z.sum().backward()
    assert z.grad.tolist() == [1.0, 1.0]


def test_a_change_is_seen_through_a_view_of_another_class() -> None:
    memory = np.ones(3).view(np.recarray)
    a, b, x = tg.from_numpy(memory), tg.from_numpy(np.asarray(memory)), leaf([1.0, 1.0, 1.0])
    y = (x * a).sum()
    b += 5
    with pytest.raises(errors.MutationError):
        y.backward()


class MatrixLike(np.ndarray):
    """An array whose `*` is the product of matrices, as numpy.matrix has it."""

    def __mul__(self, other: Any) -> Any:
        return self @ other


def test_subclasses_of_ndarray_become_arrays_or_are_refused() -> None:
    x = tg.from_numpy(np.array([[1.0, 2.0], [3.0, 4.0]]).view(MatrixLike)).requires_grad_()
    (x * x).sum().backward()
    assert x.grad.tolist() == [[2.0, 4.0], [6.0, 8.0]]
    masked = np.ma.array([1.0, 2.0], mask=[True, False])
    for make in (Tensor, tg.from_numpy):
        with pytest.raises(TypeError, match=r"mask|Masked"):
            make(masked)


def test_data_of_another_shape_starts_a_new_leaf() -> None:
    x = leaf([2.0, 3.0])
    y = (x * x).sum()
    x.data = Tensor([5.0])
    with pytest.raises(errors.MutationError, match=r"assigned .data of another shape .* with shape \(2,\), float64"):
        y.backward()
    assert x.grad is None
    (x * x).sum().backward()
    assert x.grad.tolist() == [10.0]


def test_data_of_another_shape_leaves_recorded_graphs_as_they_were() -> None:
    x, k = leaf([2.0, 3.0]), Tensor([4.0, 5.0])
    y = x * k
    z = (y * y).sum()
    y.data, k.data = Tensor([9.0]), Tensor([7.0])
    z.backward()
    assert x.grad.tolist() == [2 * 2 * 16.0, 2 * 3 * 25.0]
    assert (leaf(1.0) * k).grad_fn.inputs[1].shape == (1,)


@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_gradients_given_in_another_dtype(kind: Any) -> None:
    x, other = leaf([1.0, 2.0]), Tensor([1, 2], dtype=kind)
    for y in (x, x + 1):
        x.grad = None
        y.backward(other)
        assert x.grad.dtype == np.float64
    x.grad = other
    assert x.grad.dtype == np.float64
    x.grad = None
    x.register_hook(lambda g: g.astype(kind))
    x.sum().backward()
    assert x.grad.dtype == np.float64


def test_care_below_a_where_ends_at_its_own_branch() -> None:
    def slope(with_where: bool) -> list[float]:
        x, u = leaf([0.0, 4.0]), leaf(1.0)
        with np.errstate(all="ignore"):
            y = np.log(x)[x > 0].sum() + (np.where(True, u, 0.0) if with_where else u)
            y.backward()
        return x.grad.tolist()

    np.testing.assert_array_equal(slope(True), slope(False))


def test_a_list_of_tensors_is_no_operand_of_a_function() -> None:
    for call in (lambda: tg.sum([leaf(1.0)]), lambda: tg.maximum([leaf(1.0)], [0.0]), lambda: tg.sigmoid([leaf(1.0)])):
        with pytest.raises(TypeError, match="stack"):
            call()
    assert tg.sigmoid([0.0]).tolist() == [0.5]
    assert tg.astype([1.0], "f4").dtype == np.float32


def test_many_numbers_in_half_precision() -> None:
    for function, expected in ((np.max, 1 / 70_000), (np.mean, 1 / 70_000)):
        x = leaf(np.ones(70_000), dtype=np.float16)
        function(x).backward()
        assert x.grad.dtype == np.float16
        assert float(x.grad.numpy()[0]) == pytest.approx(expected, rel=0.01)


def test_axes_that_are_not_python_integers() -> None:
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    x.mean(axis=np.int64(1)).sum().backward()
    assert x.grad.tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_an_empty_list_indexes_nothing() -> None:
    x = leaf([1.0, 2.0])
    assert x[[]].shape == (0,)
    t = tg.zeros(2)
    t[[]] = 5.0
    assert t.tolist() == [0.0, 0.0]


def test_sigmoid_under_strict_floating_point() -> None:
    with np.errstate(all="raise"):
        assert tg.sigmoid(Tensor([-800.0, 800.0])).tolist() == [0.0, 1.0]


def test_deepcopy_takes_the_gradient_along() -> None:
    x = leaf([1.0, 2.0])
    x.sum().backward()
    twin = copy.deepcopy(x)
    assert twin.grad.tolist() == [1.0, 1.0]
    assert not np.shares_memory(twin.grad.numpy(), x.grad.numpy())


def test_comparison_with_what_is_no_number() -> None:
    t = Tensor(1.0)
    assert (t == None) is False  # noqa: E711 - what is tested
    assert t != "a"
    assert t in [None, t]


def test_messages_name_the_op() -> None:
    x = leaf([[1.0, 2.0]], name="x")
    with pytest.raises(TypeError, match=r"transpose\(a.*dim"):
        tg.transpose(x, dim=2)
    with pytest.raises(errors.ShapeError, match="single number write x \\* y"):
        Tensor(2.0) @ Tensor(3.0)
    with pytest.raises(errors.InPlaceError, match=r"clone\(\)"):
        tg.broadcast_to(Tensor([1.0]), (3,)).__iadd__(1)
    with no_grad(), pytest.raises(errors.ShapeError, match=r"item assignment: 'x' of shape \(1, 2\) and shape \(3,\)"):
        x[:] = [1.0, 2.0, 3.0]
    with pytest.raises(TypeError, match="by float"):
        grad(1.0, x)
    with pytest.raises(ValueError, match="2 tensors need as many"):
        backward([x.sum(), x.sum()], [1.0])
    with pytest.raises(ValueError, match="rows of numbers of one length"):
        Tensor([[1, 2], [3]])


def test_where_of_a_condition_alone_gives_the_places() -> None:
    x = leaf([0.0, 2.0, 3.0])
    assert np.where(x > 1)[0].tolist() == [1, 2]
