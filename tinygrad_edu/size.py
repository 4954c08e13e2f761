"""How many numbers a Tensor has: a number as in NumPy, which can be called as in PyTorch."""

from __future__ import annotations

from typing import Any

__all__ = ["Size"]


class Size(int):
    """`t.size`, a whole number as in NumPy; called, as in PyTorch, the shape, or the length of one axis.

    >>> import tinygrad_edu
    >>> t = tinygrad_edu.zeros(2, 3)
    >>> t.size, t.size(), t.size(-1)
    (6, (2, 3), 3)
    """

    shape: tuple[int, ...]

    @classmethod
    def of(cls, array: Any) -> Size:
        """The size of an array."""
        size = cls(array.size)
        size.shape = array.shape
        return size

    def __call__(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    def __reduce__(self) -> Any:
        return int, (int(self),)

    # NumPy promotes only what is exactly an int weakly: float32 / Size would be float64

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*_plain(inputs), **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return function(*_plain(args), **{key: _plain(value) for key, value in kwargs.items()})


def _plain(argument: Any) -> Any:
    if isinstance(argument, Size):
        return int(argument)
    return type(argument)(map(_plain, argument)) if type(argument) in (list, tuple) else argument
