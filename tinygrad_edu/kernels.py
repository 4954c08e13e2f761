"""Chains of steps as one kernel each, for arrays on a GPU; on the host NumPy's lines, which say what they compute.

Each of NumPy's calls reads and writes a GPU's whole memory of an array, which takes longer than the arithmetic: the
four calls of the sigmoid's rule move 11 arrays, one kernel 3. A kernel is C++ between the braces of a loop over the
numbers, for arrays of one dtype T, float32 or float64; outputs may be read before they are written. Every other array
takes NumPy's lines, on a GPU as on the host. After https://docs.cupy.dev/en/stable/user_guide/kernel.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.device import cuda_kernel, is_cupy
from tinygrad_edu.graph import Array

HOST = (np.ndarray, np.float64, np.float32)
"""What a look at the type tells to be on the host, in a fifth of the time of `fits`: most of what a rule is given."""


def fits(*arrays: Any) -> bool:
    """Whether there is a kernel for these: arrays on a GPU, of one dtype, float32 or float64.

    >>> fits(np.ones(2))
    False
    """
    dtype = getattr(arrays[0], "dtype", None)
    return dtype in (np.float32, np.float64) and all(is_cupy(a) and a.dtype == dtype for a in arrays)


class Elementwise:
    """One step for every number: `inputs` and `outputs` are declared as in C, `code` computes the outputs.

    Called with the inputs, arrays that broadcast and numbers, it returns new outputs; with the outputs behind them it
    changes those.
    """

    def __init__(self, name: str, inputs: str, outputs: str, code: str) -> None:
        self.name, self.inputs, self.outputs, self.code = name, inputs, outputs, code

    def __call__(self, *arrays: Array) -> Any:
        kernel = cuda_kernel("ElementwiseKernel", self.inputs, self.outputs, self.code, f"tinygrad_{self.name}")
        return kernel(*arrays)


class Sum:
    """The sum of `term` over axes, kept with length 1: one read of the inputs, arrays that broadcast."""

    def __init__(self, name: str, inputs: str, term: str) -> None:
        self.name, self.inputs, self.term = name, inputs, term

    def __call__(self, *arrays: Array, axis: tuple[int, ...]) -> Any:
        steps = (self.term, "a + b", "total = a", "0")
        kernel = cuda_kernel("ReductionKernel", self.inputs, "T total", *steps, f"tinygrad_{self.name}")
        return kernel(*arrays, axis=axis, keepdims=True)


sigmoid = Elementwise("sigmoid", "T x", "T y", "T e = exp(x < 0 ? x : -x); y = (x < 0 ? e : T(1)) / (1 + e);")
sigmoid_x = Elementwise("sigmoid_x", "T g, T y", "T h", "h = g * y * (1 - y);")
tanh_x = Elementwise("tanh_x", "T g, T y", "T h", "h = g * (1 - y * y);")
relu_x = Elementwise("relu_x", "T g, T y", "T h", "h = y > 0 ? g : T(0);")
softplus = Elementwise(
    "softplus", "T x, T beta", "T y", "T z = beta * x; y = ((z > 0 ? z : T(0)) + log1p(exp(z < 0 ? z : -z))) / beta;"
)
silu = Elementwise("silu", "T x", "T y, T s", "T e = exp(x < 0 ? x : -x); s = (x < 0 ? e : T(1)) / (1 + e); y = x * s;")
silu_x = Elementwise("silu_x", "T g, T s, T y", "T h", "h = g * (s + y * (1 - s));")
gelu = Elementwise("gelu", "T x", "T y, T p", "p = erfc(x * T(-0.70710678118654752)) / 2; y = x * p;")
gelu_x = Elementwise("gelu_x", "T g, T x, T p", "T h", "h = g * (p + x * (T(0.39894228040143268) * exp(x * x / -2)));")

exp_sum = Sum("exp_sum", "T x, T largest", "exp(x - largest)")
class_slope = Elementwise(
    "class_slope",
    "T x, T largest, T total, int64 right, int64 place, T row",
    "T slope",
    "T z = x - largest; slope = row * (place == right ? expm1(z - log(total)) : exp(z) / total);",
)
class_loss = Elementwise("class_loss", "T score, T largest, T total, T row", "T loss",
                         "loss = row * (log(total) - (score - largest));")  # fmt: skip

total = Sum("total", "T x", "x")
products = Sum("products", "T x, T y", "x * y")
squares = Sum("squares", "T x, T mean", "(x - mean) * (x - mean)")
slopes = Sum("slopes", "T g, T x, T mean, T factor", "g * (x - mean) * factor")
normalized = Elementwise(
    "normalized", "T x, T mean, T scale, T weight, T bias", "T y", "y = (x - mean) * scale * weight + bias;"
)
normalized_x = Elementwise(
    "normalized_x",
    "T g, T x, T mean, T scale, T weight, T level, T slope",
    "T h",
    "h = scale * (g * weight - level - (x - mean) * slope);",
)

descent = Elementwise("descent", "T g, T lr", "T w", "w -= lr * g;")
adam = Elementwise(
    "adam",
    "T g, T toward1, T toward2, T size, T eps, T left",
    "T w, T m, T v",
    "m += toward1 * (g - m); v += toward2 * (g * g - v); w = left * w - size * (m / (sqrt(v) + eps));",
)
momentum = Elementwise(
    "momentum",
    "T g, T lr, T momentum, T share, bool nesterov",
    "T w, T v",
    "v = momentum * v + share * g; w -= lr * (nesterov ? momentum * v + g : v);",
)
