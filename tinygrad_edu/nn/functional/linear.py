"""The layer y = x Wᵀ + b as one op: a product, and a sum in place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.graph import Array
from tinygrad_edu.nn.functional.sums import over_rows
from tinygrad_edu.op import Op

__all__ = ["bilinear", "linear"]


def _product(x: Array, weight: Array) -> Array:
    """The product x Wᵀ over the last axis of x."""
    if x.ndim == 2 == weight.ndim:
        try:
            return x.dot(weight.T)  # 0.5 us less than matmul, of 1 us for the hidden layer of a 2-16-16-2 network
        except ValueError as error:
            raise misfit(x.shape, weight.shape) from error
    if weight.ndim != 2 or x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise misfit(x.shape, weight.shape)
    return _rows(x).dot(weight.T).reshape((*x.shape[:-1], weight.shape[0]))


def _linear(x: Array, weight: Array, bias: Array) -> Array:
    """The product x Wᵀ over the last axis of x, and b."""
    out = _product(x, weight)
    if bias.shape != weight.shape[:1]:
        raise ShapeError(
            f"linear: the weight of shape {weight.shape} makes {weight.shape[0]} features, and the bias holds a number"
            f" for each of them: its shape is ({weight.shape[0]},), not {bias.shape}."
        )
    if out.dtype is not bias.dtype:
        return out + bias
    out += bias
    return out


def misfit(x: tuple[int, ...], weight: tuple[int, ...]) -> ShapeError:
    """The error for an input that has not as many features as the weight takes."""
    if len(weight) != 2:
        return ShapeError(f"linear: a weight has the shape (out_features, in_features), not {weight}.")
    made, taken = weight
    if not x:
        return ShapeError(f"linear: the layer takes {taken} features, and a single number has no axis of features.")
    if math.prod(x[1:]) == taken:
        hint = "Put nn.Flatten() before it, or give it x.reshape(len(x), -1)."
    elif x[0] == taken and len(x) == 2:
        hint = "The features are the last axis, the samples the first: give it x.T."
    else:
        hint = f"Make the layer nn.Linear({x[-1]}, {made}), or give it inputs of {taken} features."
    return ShapeError(
        f"linear: an input of shape {x} has {x[-1]} features, the length of its last axis, and the layer takes {taken}:"
        f" its weight has the shape (out_features, in_features) = {weight}. {hint}"
    )


def _rows(x: Any) -> Any:
    """All axes but the last in one."""
    return x if x.ndim == 2 else x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


def _weight(g: Any, x: Any) -> Any:
    """gᵀ x, summed over all axes but the last."""
    return g.T.dot(x) if g.ndim == 2 else _rows(g).T.dot(_rows(x))


def _x(g: Any, weight: Any) -> Any:
    """The product g W over the last axis of g."""
    if g.ndim == 2:
        return g.dot(weight)
    return _rows(g).dot(weight).reshape((*g.shape[:-1], weight.shape[1]))


def _bias(g: Any) -> Any:
    """The sum of g over all axes but the last."""
    return over_rows(_rows(g))


_with_bias = Op(_linear, x=_x, weight=_weight, bias=_bias)
_without_bias = Op(_product, name="linear", x=_x, weight=_weight)


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """y = x Wᵀ + b over the last axis of x.

    `input` has the shape (..., in_features), `weight` (out_features, in_features), `bias` (out_features,) or None; the
    result (..., out_features), in the dtype that NumPy gives the three. Raises `ShapeError`, a ValueError, where the
    sizes do not fit. After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.linear.html

    >>> from tinygrad_edu import Tensor
    >>> linear(Tensor([[1.0, 2.0]]), Tensor([[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]), Tensor([0.0, 0.0, 1.0]))
    Tensor([[11., 17., 24.]])
    """
    return _without_bias.apply(input, weight) if bias is None else _with_bias.apply(input, weight, bias)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """y[..., k] = Σ x1[..., i] W[k, i, j] x2[..., j] + b[k].

    Shapes: (..., in1), (..., in2), (out, in1, in2) and (out,); the result (..., out).
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.bilinear.html
    """
    if input1.shape[:-1] != input2.shape[:-1] or (input1.shape[-1], input2.shape[-1]) != weight.shape[1:]:
        raise ShapeError(
            f"bilinear: inputs of shape {input1.shape} and {input2.shape} do not fit a weight of shape {weight.shape},"
            " (out, in1, in2): they have in1 and in2 features and otherwise the same shape."
        )
    out, _, in2 = weight.shape
    rows = np.reshape(np.swapaxes(weight, 1, 2), (out * in2, -1))  # of all W[k]ᵀ, one under the other
    weighed = np.reshape(linear(input1, rows), (*input1.shape[:-1], out, in2))
    product = (weighed @ input2[..., None])[..., 0]
    return product if bias is None else product + bias
