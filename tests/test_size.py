"""`t.size` is a whole number to all that compute with it, and PyTorch's `t.size(0)` works."""

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg


def test_called_it_is_the_shape() -> None:
    t = tg.zeros(2, 3)
    assert (t.size(), t.size(0), t.size(-1), t.size(dim=1)) == ((2, 3), 2, 3, 3)
    assert tg.Tensor(1.0).size() == ()
    with pytest.raises(IndexError):
        t.size(2)


def test_it_is_a_whole_number() -> None:
    size = tg.zeros(2, 3).size
    assert isinstance(size, int)
    assert size == 6
    assert f"{size} {size!r} {size:03d}" == "6 6 006"
    assert json.dumps(size) == "6"
    for other in (size + 1, size // 2, pickle.loads(pickle.dumps(size)), copy.deepcopy(size)):
        assert type(other) is int
    assert {6: "six"}[size] == "six"
    assert [*range(7)][size] == 6
    assert np.zeros(size).shape == (6,)


def test_it_promotes_weakly() -> None:
    size, x = tg.zeros(2).size, np.array([2.0, 4.0], np.float32)
    t = tg.Tensor(x, requires_grad=True)
    lines: list[Any] = [x / size, size * x, x[0] / size, size - x[0], np.power(x, size), np.where(x > 2, size, x)]
    lines += [t / size, size * t, np.multiply(size, t), np.where(x > 2, size, t), np.clip(t, 0, size), t**size]
    assert [line.dtype for line in lines] == [np.float32] * 12
    (t / size).sum().backward()
    assert t.grad is not None
    assert t.grad.dtype == np.float32
    assert t.grad.tolist() == [0.5, 0.5]
    np.testing.assert_array_equal(np.stack([size, size]), [2, 2])
