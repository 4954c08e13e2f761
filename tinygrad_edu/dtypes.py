"""PyTorch's names of dtypes, for `t.to(torch.float32)` and `dtype=torch.long`: each is NumPy's type.

>>> import tinygrad_edu
>>> tinygrad_edu.zeros(2, dtype=tinygrad_edu.float)
Tensor([0., 0.], dtype=float32)
"""

from numpy import bool, float16, float32, float64, int8, int16, int32, int64, uint8

half, float, double = float16, float32, float64
short, int, long = int16, int32, int64

MISSING = {
    "compile": "write step = capture(step), of a whole step of training, or model.forward = capture(model.forward)",
    "bfloat16": "bfloat16 is none of NumPy's dtypes, and CuPy has it for few of its functions: write float16, whose"
    " sums are added in float32 here, or float32",
}
"""What to write for names of PyTorch's that are not here."""

__all__ = [
    "bool",
    "double",
    "float",
    "float16",
    "float32",
    "float64",
    "half",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "long",
    "short",
    "uint8",
]
