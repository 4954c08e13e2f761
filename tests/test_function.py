"""Functions with a backward of their own, as PyTorch has them: beside PyTorch's, and what is refused."""

import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import errors
from tinygrad_edu.testing import gradcheck, gradgradcheck

A, B = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]]), np.array([1.0, 2.0, -0.5])


def exponential(torch: ModuleType) -> Any:
    """Saves its result."""

    class Exponential(torch.autograd.Function):  # type: ignore[name-defined, misc] # torch or ours
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            result = x.exp()
            ctx.save_for_backward(result)
            return result

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (result,) = ctx.saved_tensors
            return g * result

    return lambda a, b: Exponential.apply(a * b)


def scaled_product(torch: ModuleType) -> Any:
    """Two operands, a number, an attribute, and needs_input_grad."""

    class ScaledProduct(torch.autograd.Function):  # type: ignore[name-defined, misc] # as above
        @staticmethod
        def forward(ctx: Any, a: Any, factor: float, b: Any) -> Any:
            ctx.save_for_backward(a, None, b)
            ctx.factor = factor
            assert not ctx.needs_input_grad[1]
            return factor * a * b

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            a, nothing, b = ctx.saved_tensors
            assert nothing is None
            return ctx.factor * g * b, None, (ctx.factor * g * a).sum(0)

    return lambda a, b: ScaledProduct.apply(a.tanh(), 3.0, b) + ScaledProduct.apply(a, 2.0, b)


def several(torch: ModuleType) -> Any:
    """Several results, one of places, one that nobody uses; setup_context."""

    class Largest(torch.autograd.Function):  # type: ignore[name-defined, misc] # as above
        @staticmethod
        def forward(x: Any) -> Any:
            places = x.argmax(dim=1)
            return x * x, x.sum(dim=1), places, x + 1

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            (x,) = inputs
            squares, _, places, _ = output
            ctx.mark_non_differentiable(places)
            ctx.save_for_backward(x, squares)

        @staticmethod
        def backward(ctx: Any, g_squares: Any, g_sums: Any, _: Any, g_unused: Any) -> Any:
            x, squares = ctx.saved_tensors
            assert (g_unused.detach() == 0).all()
            return 2 * x * g_squares + g_sums[:, None] + 0 * squares

    def function(a: Any, b: Any) -> Any:
        squares, sums, places, _ = Largest.apply(a * b)
        assert not places.requires_grad
        return squares.sum(dim=1) * sums + places

    return function


MAKERS = [exponential, scaled_product, several]


@pytest.mark.parametrize("make", MAKERS)
def test_values_gradients_and_second_derivatives_are_pytorchs(make: Callable[[Any], Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
    found = []
    for library, tensor in ((tg, tg.tensor), (torch, torch.tensor)):
        a, b = tensor(A, requires_grad=True), tensor(B, requires_grad=True)
        y = make(library)(a, b)
        first = library.autograd.grad(y.sum(), (a, b), create_graph=True)
        second = library.autograd.grad((first[0] * a.detach()).sum() + (first[1] ** 2).sum(), (a, b))
        found.append([t.detach().numpy() for t in (y, *first, *second)])
    for mine, other in zip(*found, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12)


@pytest.mark.parametrize("make", MAKERS)
def test_derivatives_are_those_of_differences(make: Callable[[Any], Any]) -> None:
    assert gradcheck(make(tg), A, B)
    assert gradgradcheck(make(tg), A, B)


def test_a_graph_that_is_kept_goes_backward_twice() -> None:
    a, b = tg.tensor(A, requires_grad=True), tg.tensor(B, requires_grad=True)
    y, g = several(tg)(a, b), tg.ones(2)
    first = tg.autograd.grad(y, (a, b), g, retain_graph=True)
    g *= 2
    second = tg.autograd.grad(y, (a, b), g)
    for one, two in zip(first, second, strict=True):
        np.testing.assert_allclose(two, 2 * one)


def test_a_gradient_that_is_changed_between_two_passes_counts_anew() -> None:
    x, g = tg.tensor([1.0, 2.0], requires_grad=True), tg.ones(2)
    y = exponential(tg)(x, tg.ones(2))
    first = tg.autograd.grad(y, x, g, retain_graph=True)[0]
    g *= 2
    np.testing.assert_allclose(tg.autograd.grad(y, x, g)[0], 2 * first)


def test_numpy_in_a_forward() -> None:
    class Spectrum(tg.autograd.Function):
        @staticmethod
        def forward(_: Any, x: Any) -> Any:
            return tg.from_numpy(np.fft.rfft(x.detach().numpy()).real.copy())

        @staticmethod
        def backward(_: Any, g: Any) -> Any:
            return tg.as_tensor(np.ones(4) * g.numpy().sum())

    x = tg.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    Spectrum.apply(x).sum().backward()
    assert x.grad.tolist() == [3.0] * 4


def test_without_gradients_nothing_is_recorded() -> None:
    function = exponential(tg)
    assert not function(tg.tensor(A), tg.tensor(B)).requires_grad
    with tg.no_grad():
        assert not function(tg.tensor(A, requires_grad=True), tg.tensor(B)).requires_grad


def test_a_function_of_no_tensor_is_its_forward() -> None:
    class Make(tg.autograd.Function):
        @staticmethod
        def forward(_: Any, n: int) -> Any:
            return tg.ones(n), "and a word"

    ones, word = Make.apply(2)
    assert (ones.tolist(), word) == ([1.0, 1.0], "and a word")


def test_what_was_saved_and_then_changed_is_refused() -> None:
    a = tg.tensor(A, requires_grad=True)
    h = a * 1.0
    y = scaled_product(tg)(h, tg.tensor(B, requires_grad=True)).sum()
    with tg.no_grad():
        h += 1.0
    with pytest.raises(errors.MutationError):
        y.backward()


def test_what_was_not_saved_is_not_kept() -> None:
    class Forgetful(tg.autograd.Function):
        @staticmethod
        def forward(_: Any, x: Any) -> Any:
            return x + 1, x * 2

        @staticmethod
        def backward(_: Any, g: Any, h: Any) -> Any:
            return g + 2 * h

    x = tg.ones(1000, requires_grad=True)
    h = x * 1.0
    kept = weakref.ref(h.array.base if h.array.base is not None else h.array)
    y, z = Forgetful.apply(h)
    del h
    assert kept() is None
    (y + z).sum().backward()
    assert x.grad.tolist() == [3.0] * 1000


def made(forward: Any, backward: Any) -> Any:
    return type(
        "Wrong", (tg.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    )


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (made(lambda ctx, x: x * 2, lambda ctx, g: (g, g)), "returned 2 gradients, and forward takes 1"),
        (made(lambda ctx, x: x * 2, lambda ctx, g: ()), "returned 0 gradients"),
        (made(lambda ctx, x: x * 2, lambda ctx, g: 2.0), "returned float for a Tensor"),
        (made(lambda ctx, x: x * 2, lambda ctx, g: g[:1]), r"shape"),
        (made(lambda ctx, x: 2.0, lambda ctx, g: g), "forward returned float"),
        (made(lambda ctx, x: ctx.save_for_backward(3.0), lambda ctx, g: g), r"ctx\.name = value"),
        (type("Half", (tg.autograd.Function,), {"forward": staticmethod(lambda ctx, x: x * 2)}), "needs a backward"),
        (type("None_", (tg.autograd.Function,), {}), "needs a forward"),
        (made(lambda ctx, x: ctx.set_materialize_grads(False), lambda ctx, g: g), "zeros, and never None"),
    ],
)
def test_what_cannot_be_is_told(function: Any, said: str) -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises((TypeError, ValueError, RuntimeError), match=said):
        function.apply(x).sum().backward()


def test_a_gradient_for_what_is_no_tensor_is_refused() -> None:
    wrong = made(lambda ctx, x, n: x * n, lambda ctx, g: (g, g))
    with pytest.raises(errors.DerivativeError, match=r"a gradient for 3\.0, which is no Tensor"):
        wrong.apply(tg.tensor(1.0, requires_grad=True), 3.0).backward()


def test_it_is_called_and_not_made() -> None:
    with pytest.raises(TypeError, match=r"Wrong\.apply\(x\)"):
        made(None, None)()


def test_a_variable_is_the_tensor() -> None:
    x = tg.tensor([1.0])
    assert tg.autograd.Variable(x) is x
    assert tg.autograd.Variable(x, requires_grad=True).requires_grad
    assert not x.requires_grad


def test_derivatives_at_once_are_pytorchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
    found = []
    for library, tensor in ((tg, tg.tensor), (torch, torch.tensor)):
        F, a, b = library.autograd.functional, tensor(A), tensor(B)  # noqa: N806 - as it is called
        found.append([
            F.jacobian(lambda x: x**2, a), *F.jacobian(lambda x, y: (x * y).sum(1), (a, b)),
            F.hessian(lambda y: (y**3).sum(), b), *F.vjp(lambda x: x.sin(), a, a), *F.jvp(lambda x: x.sin(), a, a),
            *F.hvp(lambda y: (y**3).sum(), b, b), F.vjp(lambda x: (x**2).sum(), a)[1],
            F.vjp(lambda x, y: (x * y).sum(), (a, b))[1][1], F.hessian(lambda x, y: (x * y).sum(), (a, b))[0][1],
        ])  # fmt: skip
    for mine, other in zip(*found, strict=True):
        assert not mine.requires_grad
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-12)
