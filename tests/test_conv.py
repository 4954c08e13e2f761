"""Convolution and pooling: what they mean, what they keep, their awkward points, and what is refused."""

import functools
import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.case import signed
from tests.cases.conv import CASES
from tinygrad_edu import Op, Tensor
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops import conv, pooling, windows

OPS = {op for module in (conv, pooling, windows) for op in vars(module).values() if isinstance(op, Op)}


def test_every_rule_of_the_ops_below_is_reached() -> None:
    """By the graphs of the cases, of their gradients, or of the gradients of those."""
    reached = set()
    for case in CASES:
        inputs = [Tensor(array, requires_grad=True) for array in case.arrays]
        total = (case.function(*inputs) ** 2).sum()
        for _ in range(2):
            gradients = tg.autograd.grad(total, inputs, create_graph=True)
            total = functools.reduce(operator.add, ((g * g).sum() for g in gradients))
        for node in tg.autograd.ancestors(total):
            reached |= {(node.op, index) for index, _ in node.plan.pulls}
    for op in OPS:
        for index, name in enumerate(op.operands):
            assert op.rules[name] is None or (op, index) in reached, f"no case differentiates {op} by {name}"


def by_definition(x: Any, w: Any, stride: int, padding: int, dilation: int, groups: int) -> Any:
    """Convolution as the sum that its docstring writes."""
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    reach = [dilation * (k - 1) + 1 for k in w.shape[2:]]
    places = [(n - r) // stride + 1 for n, r in zip(x.shape[2:], reach, strict=True)]
    out = np.zeros((len(x), len(w), *places))
    for n, o, i, j in np.ndindex(*out.shape):
        first = o // (len(w) // groups) * w.shape[1]
        rows = slice(i * stride, i * stride + reach[0], dilation)
        columns = slice(j * stride, j * stride + reach[1], dilation)
        out[n, o, i, j] = (w[o] * x[n, first : first + w.shape[1], rows, columns]).sum()
    return out


@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups"), [(1, 0, 1, 1), (2, 1, 1, 1), (1, 2, 3, 2), (3, 2, 2, 4)]
)
def test_conv2d_is_the_sum_of_its_docstring(stride: int, padding: int, dilation: int, groups: int) -> None:
    x, w = signed(2, 4, 8, 9), signed(4, 4 // groups, 3, 2)
    expected = by_definition(x, w, stride, padding, dilation, groups)
    found = tg.conv2d(x, w, None, stride, padding, dilation, groups)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_conv2d_by_its_matrix_of_columns() -> None:
    """`unfold` makes a convolution a product of matrices."""
    x, w = signed(2, 3, 5, 4), signed(2, 3, 3, 2)
    product = w.reshape(2, -1) @ tg.unfold(x, (3, 2))
    np.testing.assert_allclose(product.reshape(2, 2, 3, 3), tg.conv2d(x, w), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("block", [1, 50, 10**9])
@pytest.mark.parametrize("shallow", [1, 10**9])
def test_neither_the_block_nor_the_unrolling_changes_a_convolution(
    block: int, shallow: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def results(stride: int) -> list[Any]:
        x, w = (Tensor(signed(*shape), requires_grad=True) for shape in ((5, 4, 6, 5), (2, 2, 3, 2)))
        y = tg.conv2d(x, w, stride=stride, padding=1, dilation=2, groups=2)
        return [y, *tg.autograd.grad((y * y).sum(), [x, w])]

    expected = [results(stride) for stride in (1, 2)]
    monkeypatch.setattr(conv, "BLOCK", block)
    monkeypatch.setattr(conv, "SHALLOW", shallow)
    for mine, others in zip([results(stride) for stride in (1, 2)], expected, strict=True):
        for a, b in zip(mine, others, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12, atol=1e-13)


def test_transposes() -> None:
    """<y, conv(x)> = <conv_transpose(y), x>, <u, unfold(x)> = <fold(u), x>."""
    x, w = signed(2, 2, 7, 6), signed(3, 2, 3, 2)
    y = tg.conv2d(x, w, stride=2, padding=1)
    back = tg.conv_transpose2d(y, w, stride=2, padding=1)
    assert np.vdot(y, y) == pytest.approx(np.vdot(back, x[:, :, : back.shape[2], : back.shape[3]]))
    u = tg.unfold(x, 3, padding=1, stride=2)
    assert np.vdot(u, u) == pytest.approx(np.vdot(tg.fold(u, (7, 6), 3, padding=1, stride=2), x))


def test_ties_of_uneven_parts_share_equally() -> None:
    """Parts 0:3 and 2:5 of five ones: each number gets a third of each part that it is in; and so to second order."""
    x, g = Tensor(np.ones((1, 5)), requires_grad=True), Tensor([[3.0, 6.0]], requires_grad=True)
    (shared,) = tg.autograd.grad(tg.adaptive_max_pool1d(x, 2), x, g, create_graph=True)
    assert shared.tolist() == [[1.0, 1.0, 3.0, 2.0, 2.0]]
    shared.backward(np.array([[1.0, 10.0, 100.0, 1000.0, 10000.0]]))
    assert g.grad.tolist() == [[37.0, 3700.0]]


def test_a_convolution_keeps_its_operands_and_no_columns() -> None:
    x, w = Tensor(signed(2, 3, 5, 5), requires_grad=True), Tensor(signed(4, 3, 3, 3), requires_grad=True)
    y = tg.conv2d(x, w, padding=1)
    assert y.grad_fn is not None
    kept = [value for value in y.grad_fn.saved.values() if isinstance(value, np.ndarray)]
    assert {id(value) for value in kept} == {id(x.array), id(w.array)}
    constant = tg.conv2d(Tensor(signed(2, 3, 5, 5)), w, padding=1)
    assert constant.grad_fn is not None
    assert "weight" not in constant.grad_fn.saved


def test_derivatives_of_every_order_are_the_same_three_ops() -> None:
    x, w = Tensor(signed(1, 2, 4, 4), requires_grad=True), Tensor(signed(2, 2, 2, 2), requires_grad=True)
    total = (tg.conv2d(x, w, stride=2) ** 3).sum()
    for _ in range(3):
        by_x, by_w = tg.autograd.grad(total, [x, w], create_graph=True)
        total = (by_x * by_x).sum() + (by_w * by_w).sum()
    names = {node.op.name for node in tg.autograd.ancestors(total)}
    assert {name for name in names if "conv" in name} == {"conv", "conv_transpose", "conv_weight"}


def test_lists_and_whole_numbers_just_compute() -> None:
    assert tg.conv1d([[1, 2, 3]], [[[1, 1]]]).tolist() == [[3, 5]]
    assert tg.max_pool1d([[-3, -2, -1]], 3, 1, 1).tolist() == [[-2, -1, -1]]
    assert tg.max_pool1d([[True, False]], 2).tolist() == [[True]]
    assert tg.avg_pool1d([[1, 2]], 2).tolist() == [[1.5]]
    assert tg.adaptive_max_pool1d([[1, 3, 2]], 2).tolist() == [[3, 3]]
    assert tg.adaptive_avg_pool1d([[1, 3, 2]], 2).tolist() == [[2.0, 2.5]]
    assert tg.conv2d(Tensor(signed(1, 2, 3, 3)), np.ones((1, 2, 2, 2))).shape == (1, 1, 2, 2)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("channels", "outputs"), [(0, 3), (2, 0), (0, 0)])
def test_no_channels_or_no_outputs(channels: int, outputs: int, stride: int) -> None:
    x, w = (Tensor(np.ones(s), requires_grad=True) for s in ((2, channels, 4, 3), (outputs, channels, 2, 2)))
    y = tg.conv2d(x, w, stride=stride)
    y.sum().backward()
    assert x.grad is not None
    assert w.grad is not None
    assert not y.numpy().any()
    assert not x.grad.numpy().any()
    assert (y.shape[:2], x.grad.shape, w.grad.shape) == ((2, outputs), x.shape, w.shape)


@pytest.mark.parametrize("function", [tg.max_pool1d, tg.adaptive_max_pool1d])
@pytest.mark.parametrize("size", [4, 2])
def test_ties_share_the_gradient(function: Callable[..., Any], size: int) -> None:
    x = Tensor([[2.0, 2.0, 1.0, 2.0]], requires_grad=True)
    function(x, size if function is tg.max_pool1d else 4 // size).sum().backward()
    third = 1 / 3
    assert x.grad is not None
    np.testing.assert_allclose(
        x.grad.numpy(), [[third, third, 0, third]] if size == 4 else [[0.5, 0.5, 0, 1]], rtol=1e-15
    )


def test_ties_of_uneven_parts_count_each_number_once() -> None:
    x = Tensor(np.ones((1, 1, 3, 3)), requires_grad=True)
    tg.adaptive_max_pool2d(x, 2).sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), np.outer([1, 2, 1], [1, 2, 1])[None, None] / 4)


def test_padding_is_never_the_largest_nor_tied_with_it() -> None:
    x = Tensor([[-5.0, -7.0]], requires_grad=True)
    y = tg.max_pool1d(x, 2, 2, padding=1)
    assert y.tolist() == [[-5.0, -7.0]]
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[1.0, 1.0]]
    lowest = Tensor([[-np.inf, 1.0]], requires_grad=True)
    tg.max_pool1d(lowest, 2, 2, padding=1).backward(Tensor([[1.0, 1.0]]))
    assert lowest.grad is not None
    assert lowest.grad.tolist() == [[1.0, 1.0]]


def test_nan_is_the_largest_and_gets_no_gradient() -> None:
    x = Tensor([[np.nan, 1.0, 3.0, 2.0]], requires_grad=True)
    y = tg.max_pool1d(x, 2)
    np.testing.assert_array_equal(y.numpy(), [[np.nan, 3.0]])
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[0.0, 0.0, 1.0, 0.0]]


def test_the_mean_of_windows_that_reach_out_of_the_padding() -> None:
    x = np.ones((1, 5))
    assert tg.avg_pool1d(x, 2, 2, ceil_mode=True).tolist() == [[1.0, 1.0, 1.0]]
    assert tg.avg_pool1d(x, 2, 2, padding=1).tolist() == [[0.5, 1.0, 1.0]]
    assert tg.avg_pool1d(x, 2, 2, padding=1, count_include_pad=False).tolist() == [[1.0, 1.0, 1.0]]


def test_float32_stays_float32() -> None:
    x = Tensor(signed(1, 2, 5, 5), dtype=np.float32, requires_grad=True)
    w = Tensor(signed(2, 2, 2, 2), dtype=np.float32, requires_grad=True)
    for y in (
        tg.conv2d(x, w, Tensor(signed(2), dtype=np.float32)),
        tg.conv_transpose2d(x, w, stride=2),
        tg.max_pool2d(x, 2),
        tg.avg_pool2d(x, 2, ceil_mode=True),
        tg.adaptive_avg_pool2d(x, 3),
        tg.adaptive_max_pool2d(x, 3),
        tg.unfold(x, 2),
    ):
        assert y.dtype == np.float32


X, X1, W, W1 = signed(1, 4, 5, 5), signed(1, 4, 5), signed(2, 4, 3, 3), signed(2, 4, 3)
REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "no channels": (lambda: tg.conv2d(signed(5, 5), W), ShapeError, r"(5, 5) does not fit. It takes (N, C, H, W)"),
    "too many axes": (lambda: tg.conv1d(X[None], W1), ShapeError, "It takes (N, C, L)"),
    "weight of another kind": (lambda: tg.conv2d(X, W1), ShapeError, "The weight is (out, in / groups, height, width)"),
    "channels": (lambda: tg.conv2d(X[:, :3], W), ShapeError, "it takes images of 4 channels, not 3"),
    "channels of groups": (lambda: tg.conv2d(X, W, groups=2), ShapeError, "takes images of 8 channels, not 4"),
    "outputs of groups": (
        lambda: tg.conv2d(signed(1, 6, 5, 5), signed(4, 2, 3, 3), groups=3),
        ShapeError,
        "its first axis, 4, must be a multiple of groups",
    ),
    "channels of the transpose": (
        lambda: tg.conv_transpose2d(X, W),
        ShapeError,
        "The weight is (in, out / groups, height, width) and groups=1: it takes images of 2 channels, not 4",
    ),
    "bias": (lambda: tg.conv2d(X, W, np.ones(4)), ShapeError, "The bias has one number an output: (2,)"),
    "named": (lambda: tg.conv2d(Tensor(X[:, :3], name="photo"), W), ShapeError, "'photo' of shape (1, 3, 5, 5)"),
    "kernel larger than the images": (
        lambda: tg.conv2d(X, signed(2, 4, 6, 3)),
        ShapeError,
        "A window reaches over (6, 3) places, padding included: take a smaller kernel or more padding.",
    ),
    "pool larger than the images": (lambda: tg.max_pool2d(X, 6), ShapeError, "take a smaller kernel"),
    "nothing to pool": (lambda: tg.avg_pool2d(X[:, :, :0], 2, padding=1), ShapeError, "does not fit"),
    "nothing to pool adaptively": (lambda: tg.adaptive_avg_pool2d(X[:, :, :0], 2), ShapeError, "nothing to pool"),
    "no kernel": (lambda: tg.conv2d(X, W[:, :, :0]), ShapeError, "The weight is"),
    "result of no size": (lambda: tg.conv_transpose1d(X1, W1.swapaxes(0, 1), padding=4), ShapeError, "the size (-1,)"),
    "stride of zero": (
        lambda: tg.conv2d(X, W, stride=0),
        ValueError,
        "conv2d: stride is a whole number of at least 1, or a tuple of 2 such numbers; it is 0. Write stride=2.",
    ),
    "half a stride": (lambda: tg.conv2d(X, W, stride=1.5), ValueError, "it is 1.5"),
    "three strides": (lambda: tg.conv2d(X, W, stride=(1, 2, 3)), ValueError, "it is (1, 2, 3)"),
    "negative padding": (lambda: tg.conv1d(X1, W1, padding=-1), ValueError, "padding is a whole number of at least 0"),
    "padding by another name": (
        lambda: tg.conv2d(X, W, padding="full"),
        ValueError,
        "'same', 'valid' or whole numbers",
    ),
    "same with a stride": (lambda: tg.conv2d(X, W, padding="same", stride=2), ValueError, "is for stride=1"),
    "pairs of groups": (
        lambda: tg.conv2d(X, W, groups=(1, 1)),
        ValueError,
        "groups is a whole number of at least 1; it",
    ),
    "no groups": (lambda: tg.conv2d(X, W, groups=0), ValueError, "groups is a whole number of at least 1"),
    "output padding": (
        lambda: tg.conv_transpose1d(X1, signed(4, 1, 3), output_padding=1),
        ValueError,
        "must be smaller than the stride or the dilation",
    ),
    "padding of a pool": (lambda: tg.max_pool2d(X, 2, padding=2), ValueError, "more than half the kernel"),
    "no kernel size": (lambda: tg.avg_pool1d(X1, 0), ValueError, "kernel_size is a whole number of at least 1"),
    "axes of a pool": (lambda: tg.max_pool2d(signed(5, 5), 2), ShapeError, "x[None] adds an axis"),
    "output size": (lambda: tg.adaptive_avg_pool2d(X, (2, 2, 2)), ValueError, "output_size is a whole number"),
    "columns of other images": (
        lambda: tg.fold(signed(1, 8, 7), (4, 3), 2),
        ShapeError,
        "is not (N, channels * 4, 6) or (channels * 4, 6), the columns of images of (4, 3)",
    ),
    "columns of other kernels": (lambda: tg.fold(signed(1, 7, 6), (4, 3), 2), ShapeError, "make them with unfold"),
    "size of fold": (lambda: tg.fold(signed(1, 8, 6), 4.5, 2), ValueError, "output_size is a whole number"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_the_way_out(name: str) -> None:
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=re.escape(message)):
        call()
