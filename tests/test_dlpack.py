"""Memory that is shared with other libraries through DLPack, without a copy."""

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"])
def test_pytorchs_memory_is_ours(dtype: str) -> None:
    theirs = torch.ones(2, 3, dtype=getattr(torch, dtype))
    ours = tg.from_dlpack(theirs)
    assert (ours.shape, ours.dtype, ours.device, ours.requires_grad) == ((2, 3), np.dtype(dtype), "cpu", False)
    assert ours.array.ctypes.data == theirs.data_ptr()


def test_our_memory_is_pytorchs() -> None:
    ours = Tensor([1.0, 2.0, 3.0])
    theirs = torch.from_dlpack(ours)
    theirs *= 2
    ours += 1
    assert theirs.tolist() == ours.tolist() == [3.0, 5.0, 7.0]
    assert ours.__dlpack_device__() == (1, 0)


def test_strides_are_kept() -> None:
    assert tg.from_dlpack(torch.arange(6.0).reshape(2, 3).T).tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    assert torch.from_dlpack(tg.arange(6.0)[::2]).tolist() == [0.0, 2.0, 4.0]


def test_it_learns_what_pytorch_holds() -> None:
    theirs = torch.tensor([3.0, 4.0])
    ours = tg.from_dlpack(theirs).requires_grad_()
    (ours * ours).sum().backward()
    with tg.no_grad():
        ours -= 0.5 * ours.grad
    assert theirs.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([1.0], "takes an array of another library, and this is a list"),
        (torch.ones(2, dtype=torch.complex64), "real numbers or booleans, not complex64"),
        (torch.ones(2, dtype=torch.bfloat16), "NumPy has no bfloat16, so no Tensor holds it: write x.float()"),
    ],
)
def test_what_no_tensor_holds_is_refused(given: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        tg.from_dlpack(given)
