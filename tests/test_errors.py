"""Bad input gets an error that names what is wrong and says what to write instead, and nothing is lost."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Op, Tensor, errors, no_grad
from tinygrad_edu.autograd import backward, grad


def leaf(value: Any, name: str | None = None) -> Tensor:
    return Tensor(value, requires_grad=True, name=name)


@pytest.mark.parametrize(
    ("op", "call"),
    [
        ("add", lambda w, x: w + x),
        ("multiply", lambda w, x: w * x),
        ("divide", lambda w, x: np.divide(w, x)),
        ("power", lambda w, x: w**x),
        ("maximum", np.maximum),
        ("where", lambda w, x: np.where(True, w, x)),
        ("matmul", lambda w, x: w @ x),
        ("dot", np.dot),
        ("concatenate", lambda w, x: np.concatenate([w, x])),
        ("stack", lambda w, x: np.stack([w, x])),
        ("add", lambda w, x: w.__iadd__(x)),
    ],
)
def test_shape_mismatch_names_the_op_both_shapes_and_both_tensors(op: str, call: Callable[..., Any]) -> None:
    w, x = Tensor(np.ones((2, 3)), name="weights"), Tensor(np.ones((4, 5)), name="inputs")
    with pytest.raises(ValueError, match="do not fit") as caught:
        call(w, x)
    assert isinstance(caught.value, errors.ShapeError)
    for part in (op, "(2, 3)", "(4, 5)", "'weights'", "'inputs'"):
        assert part in str(caught.value)


def test_shape_mismatch_without_names_and_with_arrays() -> None:
    with pytest.raises(errors.ShapeError, match=r"add: shape \(2,\) and shape \(3,\) do not fit.*reshape or transpose"):
        Tensor([1.0, 2.0]) + np.ones(3)
    with pytest.raises(errors.ShapeError, match=r"x @ w\.T"):
        Tensor(np.ones((4, 3))) @ Tensor(np.ones((2, 3)))
    with pytest.raises(errors.ShapeError, match=r"single number write x \* y"):
        Tensor(np.ones((4, 3))) @ 2.0


def test_reshape_says_what_numpy_says() -> None:
    with pytest.raises(errors.ShapeError, match=r"reshape: 'w' of shape \(2, 3\).*size 6 into shape \(4,\)"):
        Tensor(np.ones((2, 3)), name="w").reshape(4)


def test_other_errors_of_numpy_keep_their_class_and_name_the_op() -> None:
    with pytest.raises(np.exceptions.AxisError) as caught:
        Tensor([1.0]).sum(axis=3)
    assert "sum" in caught.value.__notes__[0]
    with pytest.raises(IndexError):
        Tensor([1.0])[5]


def test_backward_of_many_numbers() -> None:
    y = leaf([1.0, 2.0]) * 2
    y.name = "y"
    with pytest.raises(RuntimeError, match=r"'y'.*shape \(2,\).*sum\(\)\.backward\(\)") as caught:
        y.backward()
    assert isinstance(caught.value, errors.NonScalarBackwardError)


def test_second_backward_through_a_freed_graph() -> None:
    x = leaf(2.0)
    y = x * x
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True") as caught:
        y.backward()
    assert isinstance(caught.value, errors.FreedGraphError)
    assert x.grad is not None
    assert x.grad.item() == 4.0


def test_second_backward_is_refused_even_where_nothing_was_kept() -> None:
    y = leaf(2.0) + 1
    y.backward()
    with pytest.raises(errors.FreedGraphError):
        y.backward()


@pytest.mark.parametrize("data", [2, [1, 2], True, np.arange(3, dtype=np.uint8)])
def test_whole_numbers_carry_no_gradient(data: Any) -> None:
    with pytest.raises(TypeError, match=r"Tensor\(2\.0, requires_grad=True\)") as caught:
        Tensor(data, requires_grad=True, name="n")
    assert isinstance(caught.value, errors.GradientDtypeError)
    assert isinstance(caught.value, RuntimeError)  # as in PyTorch
    assert "'n'" in str(caught.value)
    with pytest.raises(errors.GradientDtypeError):
        Tensor(data).requires_grad_()
    with pytest.raises(errors.GradientDtypeError):
        leaf(1.0).data = np.asarray(data)


def test_no_gradient_path() -> None:
    x = leaf(2.0)
    for lost in (Tensor(1.0) * 2, x.detach() * 2, x.data * 2):
        with pytest.raises(RuntimeError, match="requires_grad=True") as caught:
            lost.backward()
        assert isinstance(caught.value, errors.NoGradientPathError)
    with no_grad():
        lost = x * 2
    with pytest.raises(errors.NoGradientPathError, match="no_grad"):
        lost.backward()
    with pytest.raises(errors.NoGradientPathError, match="input 0"):
        grad(x * 2, Tensor(1.0))


def test_unused_input_is_found_before_anything_is_freed() -> None:
    x, y = leaf(2.0), leaf(3.0)
    z = x * x
    with pytest.raises(errors.NoGradientPathError, match="allow_unused=True"):
        grad(z, [x, y])
    assert grad(z, x)[0].item() == 4.0


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.__iadd__(1),
        lambda x: x.__setitem__(0, 5.0),
        lambda x: x.data.__imul__(2),
        lambda x: x.detach().__isub__(1),
        lambda x: x[1:].__iadd__(1),
        lambda x: x.reshape(1, 2).__setitem__((0, 0), 3.0),
    ],
)
def test_a_kept_value_changed_in_place(change: Callable[[Tensor], Any]) -> None:
    x, y = leaf([1.0, 2.0], "x"), leaf([3.0, 4.0])
    z = (x * y).sum()
    with no_grad():
        change(x)
    with pytest.raises(RuntimeError, match=r"multiply kept its 'x' \(the tensor named 'x'\)") as caught:
        z.backward()
    assert isinstance(caught.value, errors.MutationError)
    assert y.grad is None
    (x * y).sum().backward()  # a graph recorded after the change is as good as any
    assert y.grad.tolist() == x.tolist()


def test_a_change_of_what_nobody_kept_is_fine() -> None:
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    z = (x + y).sum()
    with no_grad():
        x += 1
    z.backward()
    assert y.grad is not None


def test_a_kept_single_number_cannot_change() -> None:
    x = leaf(3.0)
    y = x * x
    with no_grad():
        x += 1
    y.backward()
    assert x.grad is not None
    assert x.grad.item() == 6.0  # of the value that was used
    assert x.item() == 4.0


def test_recorded_change_of_a_leaf() -> None:
    w = leaf([1.0], "w")
    for change in (lambda: w.__iadd__(1), lambda: w.__setitem__(0, 1.0)):
        with pytest.raises(RuntimeError, match=r"'w'.*no_grad") as caught:
            change()
        assert isinstance(caught.value, errors.InPlaceError)
    assert w.tolist() == [1.0]


def test_in_place_keeps_shape_and_dtype() -> None:
    t, h = tg.zeros(3), leaf([1.0, 2.0, 3.0]) * 1
    for tensor in (t, h):
        with pytest.raises(errors.ShapeError):
            tensor += np.ones((2, 3))
    whole = tg.arange(3)
    with pytest.raises(TypeError):
        whole += 0.5
    number = Tensor(1)
    with pytest.raises(TypeError):
        number += 0.5
    with pytest.raises(errors.ShapeError):
        number += np.ones(2, dtype=int)
    half = Tensor([1.0], dtype=np.float32)
    half += np.float64(1)
    assert half.dtype == np.float32


def test_gradient_of_another_shape() -> None:
    x = leaf([1.0, 2.0], "x")
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)") as caught:
        (x * 2).backward(np.ones(3))
    assert isinstance(caught.value, errors.GradientShapeError)
    with pytest.raises(errors.GradientShapeError):
        x.grad = Tensor(1.0)
    with pytest.raises(TypeError, match="Tensor or None"):
        x.grad = np.ones(2)


def test_numpy_function_without_a_rule() -> None:
    for call in (np.spacing, np.fft.fft, np.roots, np.i0):
        with pytest.raises(TypeError, match=call.__name__) as caught:
            call(leaf([1.0]))
        assert isinstance(caught.value, errors.UnsupportedError)
        assert "Op(np." in str(caught.value)


def test_numpy_options_without_a_meaning() -> None:
    x = leaf([1.0, 2.0])
    with pytest.raises(errors.UnsupportedError, match="a = a \\+ t"):
        np.add(x, 1, out=np.zeros(2))
    array = np.zeros(2)
    with pytest.raises(errors.UnsupportedError):
        array += x
    with pytest.raises(errors.UnsupportedError, match="where= needs out="):
        np.add(x, 1, where=[True, False])
    for call in (lambda: np.add(x, 1, casting="unsafe"), lambda: np.matmul(x, x, axes=[(0, 1)] * 3)):
        with pytest.raises(errors.UnsupportedError, match=r"leave (casting|axes)= out"):
            call()


@pytest.mark.parametrize("data", ["text", None, [None], object(), 1j, np.array(["a"])])
def test_data_that_is_not_numbers(data: Any) -> None:
    with pytest.raises(TypeError, match="real numbers"):
        Tensor(data)
    with pytest.raises(TypeError):
        Tensor(1.0) + data


def test_a_list_of_tensors() -> None:
    parts = [leaf(1.0), leaf(2.0)]
    for call in (lambda: Tensor(parts), lambda: leaf([1.0, 2.0]) + parts):
        with pytest.raises(TypeError, match="stack"):
            call()
    assert Tensor([Tensor(1.0), Tensor(2.0)]).tolist() == [1.0, 2.0]


def test_a_masked_array_is_refused() -> None:
    with pytest.raises(TypeError, match="masked"):
        leaf([1.0, 2.0]) * np.ma.array([1.0, 2.0], mask=[True, False])


def test_rules_that_cannot_be_right() -> None:
    x = leaf([1.0, 2.0, 3.0])
    for rule in (lambda g: None, lambda g: g[:2], lambda g: np.ones(3, int), lambda g: "g", lambda g: 1j * g):
        with pytest.raises(TypeError, match=r"rule of wrong for 'x' returned") as caught:
            Op(lambda x: 1 * x, name="wrong", x=rule)(x).sum().backward()
        assert isinstance(caught.value, errors.DerivativeError)
    assert x.grad is None


def test_declarations_that_cannot_work() -> None:
    with pytest.raises(errors.DerivativeError, match="may name x, out, x_shape"):
        Op(lambda x: x, name="f", x=lambda g, y: g * y)
    with pytest.raises(errors.DerivativeError, match="first operands"):
        Op(lambda x: x, name="f", y=lambda g: g)
    with pytest.raises(errors.DerivativeError):
        Op(np.hypot, x=lambda g: g)


def test_a_gradient_through_a_parameter_without_a_rule() -> None:
    scaled = Op(lambda x, k: x * k, name="scaled", x=lambda g, k: g * k)
    with pytest.raises(errors.DerivativeError, match=r"'k'.*detach"):
        scaled(leaf(1.0), leaf(2.0))
    assert scaled(leaf(1.0), Tensor(2.0)).item() == 2.0


def test_unknown_device() -> None:
    with pytest.raises(RuntimeError, match="'cuda:0'"):
        Tensor(1.0, device="gpu")
    assert Tensor(1.0).to("cpu").device == "cpu"


def test_every_error_is_also_what_people_catch() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert issubclass(kind, UserWarning if name.endswith("Warning") else errors.TinygradError)
        assert (
            issubclass(kind, UserWarning)
            or kind is errors.TinygradError
            or issubclass(kind, (ValueError, TypeError, RuntimeError, SyntaxError))
        )
        assert kind.__doc__


def test_an_error_leaves_every_gradient_as_it_was() -> None:
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    backward((x * y).sum())
    before = [t.grad.tolist() for t in (x, y)]
    bad = Op(lambda x: 1 * x, name="bad", x=lambda g: None)
    for combine in itertools.permutations([bad(x).sum(), (y * y).sum()]):
        with pytest.raises(errors.DerivativeError):
            backward(sum(combine, start=Tensor(0.0)), retain_graph=True)
    assert [t.grad.tolist() for t in (x, y)] == before


@pytest.mark.parametrize(
    ("function", "rules", "said"),
    [
        (lambda x: np.round(x).astype(int), {"x": lambda g: g}, "holds int64"),
        (lambda x, k=1: np.round(x).astype(int), {"x": lambda g: g}, "holds int64"),
        (lambda x: None, {"x": lambda g: g}, "is `return` missing"),
        (lambda x: (x, x), {"x": lambda g: g}, "returned a tuple.*return one array"),
        (lambda x: np.fft.fft(x), {"x": lambda g: g}, "array of complex128"),
        (lambda x: "text", {"x": lambda g: g}, "returned a str"),
    ],
)
def test_an_op_of_ones_own_gives_one_array_of_floats(function: Any, rules: Any, said: str) -> None:
    op = Op(function, name="mine", **rules)
    with pytest.raises(errors.DerivativeError, match=f"mine.*{said}"):
        op(leaf([1.2, 2.7]))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Op(lambda x: x * x, name="mine", x=lambda x: 2 * x), r"x=lambda g, \.\.\.: g \*"),
        (lambda: Op(lambda x: x * x, name="mine", x=lambda x, g: 2 * x), "takes g, the gradient"),
        (lambda: Op(lambda x: x * x, name="mine"), "needs a rule, or None"),
        (lambda: tg.custom_op()(lambda x: x * x), "needs a rule, or None"),
        (lambda: tg.custom_op(lambda x: x * x), r"@custom_op\(x=lambda g, x"),
    ],
)
def test_a_rule_takes_the_arriving_gradient_first(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(errors.DerivativeError, match=said):
        make()


def test_arguments_that_an_op_does_not_take() -> None:
    with pytest.raises(TypeError, match=r"diagonal\(.*'dim'\. PyTorch's dim"):
        leaf([[1.0]]).diagonal(dim=0)
    with pytest.raises(TypeError, match=r"one list: np\.concatenate\(\[x, y\]\)"):
        np.concatenate(leaf([1.0]), leaf([1.0]))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: np.linalg.inv(leaf(np.ones((2, 2)))), r"inv of shape \(2, 2\): Singular.*pinv"),
        (lambda: np.linalg.cholesky(leaf(-np.eye(2))), r"cholesky of shape \(2, 2\).*definite.*x @ x\.T"),
        (lambda: np.linalg.det(leaf(np.ones((2, 3)))), r"det of shape \(2, 3\).*square"),
    ],
)
def test_matrices_that_numpy_refuses(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(np.linalg.LinAlgError, match=said):
        call()


def test_a_recorded_change_of_a_view_would_not_reach_its_base() -> None:
    w = leaf(np.arange(6.0).reshape(3, 2))
    y = w * 1
    for view in (y[0], y.T, y.reshape(-1), y.ravel(), np.flip(y, 0), y[1:]):
        with pytest.raises(errors.InPlaceError, match=r"t\[0, 1\] = v.*clone"):
            view[0] = 9.0
        with pytest.raises(errors.InPlaceError):
            view += 1.0
    table = Tensor(np.zeros((2, 2)))
    with pytest.raises(errors.InPlaceError):
        table[0][1] = w[0, 0]
    free = np.tanh(w * np.ones((3, 2))).reshape(-1).clone()
    free += w.sum()  # nobody else has this memory
    free[0] = 1.0


def test_rows_may_be_filled_and_added_to_in_a_loop() -> None:
    w = leaf(np.arange(6.0).reshape(3, 2))
    y = Tensor(np.zeros((3, 2)))
    for i in range(3):
        y[i] += w[i] * w[i]
        y[i, 0] *= 2
    y.sum().backward()
    assert y.tolist() == [[0.0, 1.0], [8.0, 9.0], [32.0, 25.0]]
    assert w.grad.tolist() == [[0.0, 2.0], [8.0, 6.0], [16.0, 10.0]]


def test_only_what_is_put_back_to_its_place_may_be_added_to() -> None:
    """A view in a dict or a list is stored back there, and not in the tensor that it is a view of."""
    h = leaf(np.ones((2, 3))) * 2
    held = {"a": h[0]}
    with pytest.raises(errors.InPlaceError):
        held["a"] += 1
    rows = [h[0]]
    with pytest.raises(errors.InPlaceError):
        rows[0] += 1
    assert h.tolist() == [[2.0] * 3] * 2
    names: dict[str, Any] = {"x": leaf(np.ones((2, 3)))}
    exec("h = x * 2; h[0] += 1", names)  # without a source to look at
    assert names["h"].tolist() == [[3.0] * 3, [2.0] * 3]
    with pytest.raises(errors.InPlaceError):
        exec("v = h[0]; v += 1", names)
    e = np.exp(leaf(np.ones((2, 3)))).T
    e /= e.sum(0)  # a view of what nobody else has


def test_whole_numbers_take_no_history() -> None:
    for call in (
        lambda: Tensor([1, 2]).__setitem__(0, leaf(2.5)),
        lambda: np.insert(Tensor([1, 2]), 0, leaf(2.5)),
        lambda: np.piecewise(Tensor([1, 2]), [Tensor([1, 2]) > 1], [leaf(2.5), 0]),
    ):
        with pytest.raises(errors.GradientDtypeError):
            call()
