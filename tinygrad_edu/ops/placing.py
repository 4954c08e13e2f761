"""NumPy's functions that change an array: on a Tensor each is `t[key] = values`, recorded where there is history."""

from typing import Any

import numpy as np

from tinygrad_edu.device import library_of
from tinygrad_edu.errors import UnsupportedError
from tinygrad_edu.ops.arranging import resize
from tinygrad_edu.ops.choosing import within
from tinygrad_edu.ops.composed import as_operand, composed
from tinygrad_edu.ops.elementwise import where as where_op
from tinygrad_edu.places import bare_key

__all__ = [
    "copyto",
    "fill_diagonal",
    "place",
    "put",
    "put_along_axis",
    "putmask",
]


def _values(target: Any, values: Any) -> Any:
    """The values as an operand; refused where the target is an array, which would forget where they came from."""
    values = as_operand(values)
    if hasattr(values, "grad_fn") and not hasattr(target, "grad_fn"):
        raise UnsupportedError(
            "this would write a Tensor's values into an array that keeps no history: make the array a Tensor first,"
            " Tensor(a), and change that"
        )
    return values


@composed(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """Change `a` at the indices `ind` of all its numbers in one axis: a.ravel()[ind] = v, v as often as need be.

    Raises IndexError for an index that is not there, unless `mode` is "wrap" or "clip", as in `take`.
    After `numpy.put`.

    >>> from tinygrad_edu import Tensor
    >>> t = Tensor([1.0, 2.0, 3.0])
    >>> put(t, [0, -1], [7.0, 8.0])
    >>> t
    Tensor([7., 2., 8.])
    """
    v = _values(a, v)
    places = within(np.ravel(bare_key(ind)).astype(np.intp, casting="same_kind"), a.size, mode)
    if v.size and places.size:
        a[np.unravel_index(np.where(places < 0, places + a.size, places), a.shape)] = resize(v, places.size)


@composed(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    """Change `arr` where the mask holds, by the first values in turn: arr[mask] = vals. After `numpy.place`.

    Raises ValueError where there are no values, or the mask has not the array's size.

    >>> from tinygrad_edu import Tensor
    >>> t = Tensor([1.0, 2.0, 3.0])
    >>> place(t, t > 1.5, [7.0, 8.0])
    >>> t
    Tensor([1., 7., 8.])
    """
    vals, mask = _values(arr, vals), np.reshape(as_operand(bare_key(mask)).astype(bool), arr.shape)
    if vals.size == 0 and mask.any():
        raise ValueError("there are places to fill, and no values to put there")
    if mask.any():
        arr[mask] = resize(vals, int(mask.sum()))


@composed(np.putmask)
def putmask(a: Any, /, mask: Any, values: Any) -> None:
    """Change `a` where the mask holds, each place by the value of that place: a[mask] = values[mask].

    Values of another shape than `a` are repeated, number by number. After `numpy.putmask`.

    >>> from tinygrad_edu import Tensor
    >>> t = Tensor([1.0, 2.0, 3.0])
    >>> putmask(t, t > 1.5, -t)
    >>> t
    Tensor([ 1., -2., -3.])
    """
    values, mask = _values(a, values), np.reshape(as_operand(bare_key(mask)).astype(bool), a.shape)
    if values.size and mask.any():
        a[mask] = resize(values, a.shape)[mask]


@composed(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    """Change `arr` where `take_along_axis` reads: arr[i, indices[i, j]] = values[i, j] for axis 1.

    Raises IndexError for an index that is not there. After `numpy.put_along_axis`.

    >>> from tinygrad_edu import Tensor
    >>> t = Tensor([[1.0, 2.0], [4.0, 3.0]])
    >>> put_along_axis(t, np.argmax(t, axis=1, keepdims=True), 0.0, axis=1)
    >>> t
    Tensor([[1., 0.],
            [0., 3.]])
    """
    values, places = _values(arr, values), np.reshape(library_of(arr).arange(arr.size), arr.shape)
    arr[np.unravel_index(np.take_along_axis(places, bare_key(indices), axis), arr.shape)] = values


@composed(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """Change the diagonal a[i, i, ...], with `wrap` again below it in a tall matrix. After `numpy.fill_diagonal`.

    Raises ValueError for less than two axes, and for more of different lengths.

    >>> from tinygrad_edu import Tensor
    >>> t = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> fill_diagonal(t, 0.0)
    >>> t
    Tensor([[0., 2.],
            [3., 0.]])
    """
    val, marks = _values(a, val), np.zeros(a.shape, bool)
    np.fill_diagonal(marks, True, wrap)
    if marks.any():
        a[marks] = resize(val, int(marks.sum()))


@composed(np.copyto)
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """Change `dst` to the numbers of `src`, where the condition holds: dst[...] = src. After `numpy.copyto`.

    Raises TypeError where `casting` does not allow the dtype of `src` as that of `dst`.

    >>> from tinygrad_edu import Tensor
    >>> t = Tensor([1.0, 2.0, 3.0])
    >>> copyto(t, 0.0, where=t > 1.5)
    >>> t
    Tensor([1., 0., 0.])
    """
    number = isinstance(src, int | float)  # which NumPy casts by its value
    values = _values(dst, src)
    np.copyto(np.zeros((), dst.dtype), src if number else np.zeros((), values.dtype), casting)
    dst[...] = values if where is True else where_op(where, values, dst)
