"""Hypothesis strategies for arrays as learners have them, awkward ones included."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tinygrad_edu.tensor import Tensor

__all__ = ["arrays", "broadcastable", "shapes", "tensors"]

Shape = tuple[int, ...]
Draw = Any

GENERIC = st.floats(-4, 4, allow_nan=False).map(lambda x: float(np.round(x, 4)) + 0.0)  # no -0.0
ORDINARY = st.one_of(GENERIC, GENERIC, st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, -2.0]))  # the last: kinks and ties
HUGE_AND_TINY = st.builds(lambda m, e: m * 10.0**e, st.floats(-9.5, 9.5, allow_nan=False), st.integers(-12, 12))


@st.composite
def shapes(draw: Draw, min_dims: int = 0, max_dims: int = 3, min_side: int = 1, max_side: int = 4) -> Shape:
    """A shape of so many axes of such lengths; `min_side=0` allows arrays without numbers."""
    return tuple(draw(st.lists(st.integers(min_side, max_side), min_size=min_dims, max_size=max_dims)))


@st.composite
def arrays(
    draw: Draw,
    shape: Shape | st.SearchStrategy[Shape] | None = None,
    dtype: Any = np.float64,
    elements: st.SearchStrategy[float] | None = None,
    *,
    ties: bool = True,
    magnitudes: bool = False,
    layouts: bool = True,
) -> Any:
    """NumPy arrays of floats: any shape (zero sizes included), contiguous or not, with ties, huge and tiny numbers.

    `shape` is a shape or a strategy of them, `dtype` a dtype or a strategy. `elements` replaces the numbers drawn,
    which are finite, between -4 and 4, and often 0 or 1 or equal to each other (`ties`); `magnitudes` adds numbers
    from 1e-12 to 1e13. `layouts` draws transposed, reversed and strided memory too.
    """
    if shape is None:
        shape = shapes(min_side=0)
    shape = draw(shape) if isinstance(shape, st.SearchStrategy) else shape
    dtype = draw(dtype) if isinstance(dtype, st.SearchStrategy) else dtype
    size = int(np.prod(shape, dtype=int))
    if elements is None:
        elements = st.one_of(ORDINARY, HUGE_AND_TINY) if magnitudes else ORDINARY
        if ties and size > 1 and draw(st.integers(0, 4)) == 4:
            elements = st.sampled_from(draw(st.lists(elements, min_size=1, max_size=3)))
    values = np.array(draw(st.lists(elements, min_size=size, max_size=size)), dtype=dtype).reshape(shape)
    return _laid_out(values, draw(st.sampled_from(LAYOUTS))) if layouts and values.ndim else values


LAYOUTS = ["C", "F", "reversed", "strided"]


def _laid_out(values: Any, layout: str) -> Any:
    """The same numbers in memory that is laid out otherwise."""
    if layout == "F":
        return np.asfortranarray(values)
    if layout == "reversed":
        return values[..., ::-1].copy()[..., ::-1]
    if layout == "strided":
        wide = np.zeros((*values.shape[:-1], 2 * values.shape[-1]), values.dtype)
        wide[..., ::2] = values
        return wide[..., ::2]
    return values


@st.composite
def tensors(
    draw: Draw, /, shape: Any = None, dtype: Any = np.float64, *, requires_grad: bool = True, **options: Any
) -> Tensor:
    """Tensors on `arrays` of the same options; those that require grad are floats."""
    return Tensor(draw(arrays(shape, dtype, **options)), requires_grad=requires_grad)


@st.composite
def broadcastable(draw: Draw, /, count: int = 2, dtype: Any = np.float64, *, shape: Any = None, **options: Any) -> Any:
    """A tuple of `count` arrays whose shapes broadcast: axes left out, or of length 1, in some of them.

    >>> from hypothesis import given
    >>> @given(broadcastable())
    ... def test_addition_has_a_shape(pair):
    ...     assert (pair[0] + pair[1]).ndim <= 3
    >>> test_addition_has_a_shape()
    """
    full = draw(
        shapes(min_side=0) if shape is None else shape if isinstance(shape, st.SearchStrategy) else st.just(shape)
    )
    return tuple(draw(arrays(draw(stretched_to(full)), dtype, **options)) for _ in range(count))


@st.composite
def stretched_to(draw: Draw, full: Sequence[int]) -> Shape:
    """A shape that broadcasts to `full`."""
    start = draw(st.integers(0, len(full)))
    return tuple(n if draw(st.integers(0, 3)) else 1 for n in full[start:])
