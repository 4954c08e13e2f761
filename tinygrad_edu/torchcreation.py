"""More of PyTorch's ways to make a Tensor: in the shape of another one, or of random numbers."""

from typing import Any

import numpy as np

from tinygrad_edu.creation import as_tensor, as_there, made
from tinygrad_edu.device import CPU, device_of, module_of, moved
from tinygrad_edu.random import chosen, rand, randint, randn, uniform
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.watch import bare

__all__ = [
    "BoolTensor",
    "ByteTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "asarray",
    "bernoulli",
    "bucketize",
    "empty",
    "empty_like",
    "is_floating_point",
    "is_tensor",
    "logspace",
    "multinomial",
    "rand_like",
    "randint_like",
    "randn_like",
    "searchsorted",
    "set_printoptions",
    "tril_indices",
    "triu_indices",
]


def empty(*shape: Any, dtype: Any = None, device: Any = None, **options: Any) -> Tensor:
    """A Tensor whose numbers are whatever the memory held, float64 unless `dtype` says otherwise."""
    return made(module_of(device).empty(shape[0] if len(shape) == 1 else shape, dtype or np.float64), **options)


def empty_like(input: Any, **options: Any) -> Tensor:
    """A Tensor in the shape and dtype of `input`, where it lives, whose numbers are whatever the memory held."""
    return empty(np.shape(input), **as_there(input, options))


def rand_like(input: Any, *, generator: Any = None, **options: Any) -> Tensor:
    """Uniform from 0 up to but not including 1, in the shape and dtype of `input`, where it lives."""
    return rand(np.shape(input), generator=generator, **as_there(input, options))


def randn_like(input: Any, *, generator: Any = None, **options: Any) -> Tensor:
    """Standard normal, in the shape and dtype of `input`, where it lives."""
    return randn(np.shape(input), generator=generator, **as_there(input, options))


@bare
@bare
def bernoulli(input: Any, *, generator: Any = None) -> Tensor:
    """1 with the probabilities `input`, else 0, in their dtype; ValueError for what is no probability."""
    p = _value(input)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("bernoulli takes probabilities, numbers from 0 to 1")
    return made((uniform(p.shape, np.float64, generator, device_of(p)) < p).astype(p.dtype))


@bare
@bare
def multinomial(input: Any, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Tensor:
    """Places drawn with the probabilities, or weights, in each row of `input`: whole numbers (..., num_samples).

    Without `replacement` no place is drawn twice. Weights on a GPU are read on the host. ValueError where a weight is
    negative, nan or infinite, where all of a row are 0, or where fewer than `num_samples` are not.

    >>> multinomial(np.array([[0.0, 1.0], [1.0, 0.0]]), 1)
    Tensor([[1],
            [0]])
    """
    weights = moved(_value(input), CPU)
    rows = np.atleast_2d(weights).astype(np.float64)
    if not (np.isfinite(rows) & (rows >= 0)).all() or not rows.sum(-1).all():
        raise ValueError("multinomial takes rows of weights that are 0 or larger, not all of them 0")
    if not replacement and (np.count_nonzero(rows, axis=-1) < num_samples).any():
        raise ValueError(
            f"multinomial: a row has fewer than {num_samples} weights that are not 0; replacement=True draws again"
        )
    source = chosen(generator)
    drawn = [source.choice(len(row), num_samples, replacement, row / row.sum()) for row in rows]
    return Tensor(np.reshape(drawn, (*weights.shape[:-1], num_samples)), device=device_of(_value(input)))


def is_tensor(obj: Any) -> bool:
    """Whether it is a Tensor."""
    return isinstance(obj, Tensor)


class OfOneType:
    """A PyTorch type of tensors: called, a Tensor of one dtype; and what `t.type()` and `isinstance`-free code take.

    >>> FloatTensor([1, 2]).dtype, LongTensor([1.0]).type(FloatTensor)
    (dtype('float32'), Tensor([1.], dtype=float32))
    """

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)

    def __call__(self, data: Any = ()) -> Tensor:
        return Tensor(data, dtype=self.dtype)


FloatTensor, DoubleTensor, HalfTensor = OfOneType(np.float32), OfOneType(np.float64), OfOneType(np.float16)
LongTensor, IntTensor, ByteTensor = OfOneType(np.int64), OfOneType(np.int32), OfOneType(np.uint8)
BoolTensor = OfOneType(np.bool_)


def asarray(obj: Any, *, dtype: Any = None, copy: bool | None = None) -> Tensor:
    """`obj` as a Tensor, without a copy where it may and need not: see `as_tensor`."""
    return Tensor(obj, dtype=dtype) if copy else as_tensor(obj, dtype)


def logspace(start: float, end: float, steps: int, base: float = 10.0, **options: Any) -> Tensor:
    """base ** x for `steps` evenly spaced x from `start` to `end`.

    >>> logspace(0, 2, 3)
    Tensor([  1.,  10., 100.])
    """
    return Tensor(np.logspace(start, end, steps, base=base), **options)


def tril_indices(row: int, col: int, offset: int = 0) -> Tensor:
    """The places on and below a diagonal of a matrix: rows and columns, shape (2, places)."""
    return Tensor(np.stack(np.tril_indices(row, offset, col)))


def triu_indices(row: int, col: int, offset: int = 0) -> Tensor:
    """The places on and above a diagonal of a matrix: rows and columns, shape (2, places)."""
    return Tensor(np.stack(np.triu_indices(row, offset, col)))


def randint_like(input: Any, low: int, high: int | None = None, *, generator: Any = None) -> Tensor:
    """Whole numbers from `low` up to but not including `high`, or from 0 to below `low`, in the shape and dtype."""
    first, last = (0, low) if high is None else (low, high)
    return randint(first, last, np.shape(input), generator=generator, **as_there(input, {}))


@bare
def searchsorted(sorted_sequence: Any, values: Any, *, right: bool = False) -> Tensor:
    """Where numbers belong in a sorted sequence: before equal ones, with `right` behind them."""
    found = np.searchsorted(_value(sorted_sequence), _value(values), "right" if right else "left")
    return Tensor(np.asarray(found))


@bare
def bucketize(input: Any, boundaries: Any, *, right: bool = False) -> Tensor:
    """Between which boundaries every number lies: `searchsorted` the other way round."""
    return searchsorted(boundaries, input, right=right)


def set_printoptions(
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    sci_mode: bool | None = None,
) -> None:
    """How many digits, numbers and columns are shown, by NumPy's own options, which its arrays are shown by too."""
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    given |= {"suppress": None if sci_mode is None else not sci_mode}
    np.set_printoptions(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type] # by name


def is_floating_point(input: Any) -> bool:
    """Whether its numbers are floats."""
    return bool(input.dtype.kind == "f")


def _value(input: Any) -> Any:
    return getattr(input, "_value", input)
