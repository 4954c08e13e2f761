"""The arrays that Hypothesis draws: every awkward kind is among them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import find, given, settings

from tinygrad_edu import Tensor
from tinygrad_edu.testing import arrays, broadcastable, shapes, tensors

AWKWARD: dict[str, Callable[[Any], bool]] = {
    "a single number": lambda a: a.shape == (),
    "no numbers": lambda a: a.size == 0,
    "three axes": lambda a: a.ndim == 3,
    "not contiguous": lambda a: a.size > 2 and not a.flags.c_contiguous and not a.flags.f_contiguous,
    "the first axis fastest": lambda a: a.ndim == 2 and a.flags.f_contiguous and not a.flags.c_contiguous,
    "backwards": lambda a: a.size > 1 and a.ndim == 1 and a.strides[0] < 0,
    "ties": lambda a: a.size > 3 and len(np.unique(a)) == 1,
    "zero": lambda a: bool((a == 0).any()),
    "generic": lambda a: a.size > 3 and len(np.unique(a)) == a.size,
    "huge": lambda a: bool((abs(a) > 1e9).any()),
    "tiny": lambda a: bool(((abs(a) < 1e-9) & (a != 0)).any()),
}


@pytest.mark.parametrize("kind", AWKWARD)
def test_every_awkward_kind_of_array_is_drawn(kind: str) -> None:
    found = find(arrays(magnitudes=True), AWKWARD[kind], settings=settings(max_examples=5000, database=None))
    assert AWKWARD[kind](found)


@given(arrays((2, 3), np.float32))
def test_shape_and_dtype_are_those_asked_for(array: Any) -> None:
    assert (array.shape, array.dtype) == ((2, 3), np.float32)
    assert np.isfinite(array).all()


@given(shapes(1, 2, 0, 3))
def test_shapes_are_within_bounds(shape: tuple[int, ...]) -> None:
    assert 1 <= len(shape) <= 2
    assert all(0 <= n <= 3 for n in shape)


@given(tensors())
def test_tensors_are_leaves_that_require_grad(tensor: Tensor) -> None:
    assert tensor.requires_grad
    assert tensor.is_leaf


@given(broadcastable(3))
def test_broadcastable_arrays_broadcast(three: Any) -> None:
    assert len(three) == 3
    np.broadcast_shapes(*(a.shape for a in three))


def test_broadcasting_really_happens() -> None:
    found = find(
        broadcastable(),
        lambda pair: pair[0].ndim == 2 and pair[1].ndim == 2 and pair[0].shape[0] == 1 < pair[1].shape[0],
        settings=settings(max_examples=5000, database=None),
    )
    assert found[0].shape != found[1].shape
