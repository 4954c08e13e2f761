"""A function at a point: inputs and results as rows of numbers, its gradient by the rules, its slope by differences."""

import inspect
import warnings
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import numpy as np

from tinygrad_edu.autograd import grad
from tinygrad_edu.recording import enable_grad, no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.testing.numerical import Slope, slope

__all__ = ["Subject", "like", "located", "moved", "slopes", "unit"]

Array = Any


class Subject:
    """A function with a point to differentiate it at: the inputs, which of them count, and how to call it."""

    def __init__(
        self,
        function: Callable[..., Any],
        inputs: Sequence[Any],
        names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
    ) -> None:
        if len(inputs) == 1 and isinstance(inputs[0], tuple):
            inputs = inputs[0]
        self.function = function
        self.name = str(getattr(function, "name", None) or getattr(function, "__name__", None) or function)
        self.inputs = list(inputs)
        self.takes_arrays = getattr(function, "takes_arrays", False)  # then nothing of the engine is in the differences
        marked = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
        self.places = marked or [i for i, x in enumerate(inputs) if _is_float(x)]
        if not self.places:
            raise TypeError("gradcheck differentiates by numbers with a decimal point: give 2.0, or an array of floats")
        self.points = [np.array(_array(inputs[i]), dtype=np.float64) + 0.0 for i in self.places]  # no -0.0
        self.size = sum(point.size for point in self.points)
        self.names = list(names or self._names())
        with no_grad():
            self.outputs = [np.array(o.numpy(), dtype=float) for o in self.call([Tensor(p) for p in self.points])]
        self.results = sum(o.size for o in self.outputs)
        several = [f"result {i}" for i in range(len(self.outputs))]
        self.output_names = list(output_names or (several if len(several) > 1 else ["the result"]))

    def _names(self) -> list[str]:
        try:
            parameters = list(inspect.signature(self.function).parameters)
        except (TypeError, ValueError):
            parameters = []
        fallback = [f"input {i}" for i in range(len(self.inputs))]
        if len(parameters) < len(self.inputs) or "args" in parameters:
            parameters = ["x"] if len(fallback) == 1 else fallback
        return [getattr(self.inputs[i], "name", None) or parameters[i] for i in self.places]

    def arguments(self, at: Sequence[Any]) -> list[Any]:
        """All inputs, with those that count replaced."""
        arguments = list(self.inputs)
        for place, value in zip(self.places, at, strict=True):
            arguments[place] = value
        return arguments

    def call(self, at: Sequence[Any]) -> list[Tensor]:
        """The results with a derivative, as Tensors."""
        result = self.function(*self.arguments(at))
        every = list(result) if isinstance(result, tuple | list) else [result]
        every = [r if isinstance(r, Tensor) else Tensor(r) for r in every]
        floats = [r for r in every if r.dtype.kind == "f"]
        if not floats:
            raise TypeError(f"{self.name} returned no floats: there is nothing to differentiate")
        return floats

    def scale(self, column: int) -> float:
        """How far one number of the inputs may move: as far as it is from 0, and at least 1."""
        which, index = located(self.points, column)
        return max(1.0, float(abs(self.points[which][index])))

    def values(self, points: Sequence[Array]) -> Array:
        """The results at other points, in one row."""
        if self.takes_arrays:
            return np.atleast_1d(np.asarray(self.function(*points), float))
        with no_grad():
            return np.concatenate([np.ravel(o.numpy()).astype(float) for o in self.call([Tensor(p) for p in points])])

    def moved(self, directions: Sequence[Array]) -> Callable[[Any], Array]:
        """The results at a distance t along a direction, in one row; of complex numbers too, where NumPy can."""

        def at(t: Any) -> Array:
            points = [p + t * d for p, d in zip(self.points, directions, strict=True)]
            if isinstance(t, complex):
                result = self.function(*self.arguments(points))
                every = result if isinstance(result, tuple | list) else [result]
                return np.concatenate([np.ravel(np.asarray(o, dtype=complex)) for o in every])
            return self.values(points)

        return at

    def gradient(self, weights: Sequence[Array]) -> list[Array]:
        """The rules' gradient of the weighed sum of the results, by each input."""
        tensors = [Tensor(p, requires_grad=True) for p in self.points]
        with enable_grad():
            outputs = self.call(tensors)
        pairs = [(o, w) for o, w in zip(outputs, weights, strict=True) if o.requires_grad and w.any()]
        if not pairs:
            return [np.zeros(p.shape) for p in self.points]
        found = grad([o for o, _ in pairs], tensors, [w for _, w in pairs], allow_unused=True)
        return [
            np.zeros(p.shape) if g is None else np.array(g.numpy(), dtype=float)
            for p, g in zip(self.points, found, strict=True)
        ]


def _is_float(x: Any) -> bool:
    return not isinstance(x, str) and np.asarray(_array(x)).dtype.kind == "f"


def _array(x: Any) -> Any:
    return x.detach().numpy() if isinstance(x, Tensor) else x


def slopes(subject: Subject, directions: Sequence[Array], scale: float, along: Any = None) -> Slope:
    """Along a direction: by a complex step where the function allows it, else by differences.

    `along` is another function of the distance than the results themselves.
    """
    plain, along = along is None, along or subject.moved(directions)
    found = slope(along, scale)
    if found.kink.any() or (found.error > 1e-6 * (1 + abs(found.value))).any():
        sizes = np.concatenate([abs(p[(d != 0) & (p != 0)]) for p, d in zip(subject.points, directions, strict=True)])
        near = float(sizes.min(initial=np.inf))
        if near < 0.5 * scale:  # the function may change over a shorter distance, as log does near 0
            closer = slope(along, near)
            better = (found.kink & ~closer.kink) | (~closer.kink & (closer.error < found.error))
            found = Slope(*(np.where(better, new, old) for new, old in zip(_parts(closer), _parts(found), strict=True)))
    return _with_complex_step(along, found) if plain else found


def _parts(found: Slope) -> tuple[Array, ...]:
    return found.value, found.error, found.left, found.right, found.kink


def _with_complex_step(along: Callable[[Any], Array], found: Slope) -> Slope:
    """f'(0) = Im f(ih) / h to the last digit, if f is analytic: then it agrees with the differences."""
    tiny = 1e-150
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="error", category=np.exceptions.ComplexWarning):
            exact = along(complex(0, tiny)).imag / tiny
    except Exception:
        return found
    if exact.shape != found.value.shape:
        return found
    agrees = ~found.kink & (abs(exact - found.value) <= np.fmin(10 * found.error, 1e-3) + 1e-7 * abs(found.value))
    value, error = np.where(agrees, exact, found.value), np.where(agrees, 1e-14 * abs(exact), found.error)
    return Slope(value, error, found.left, found.right, found.kink)


def unit(size: int, place: int) -> Array:
    """A row of zeros with a 1 at one place."""
    row = np.zeros(size)
    row[place] = 1
    return row


def moved(subject: Subject, offset: Array) -> Subject:
    """The same at another point."""
    nearby = copy(subject)
    nearby.points = [p + o for p, o in zip(subject.points, like(subject.points, offset), strict=True)]
    return nearby


def like(arrays: Sequence[Array], flat: Array) -> list[Array]:
    """One row of numbers in the shapes of the arrays."""
    edges = np.cumsum([a.size for a in arrays])[:-1]
    return [part.reshape(a.shape) for part, a in zip(np.split(flat, edges), arrays, strict=True)]


def located(arrays: Sequence[Array], place: int) -> tuple[int, tuple[int, ...]]:
    """Which array the number at a place of the row is in, and where there."""
    for i, array in enumerate(arrays):
        if place < array.size:
            return i, tuple(int(k) for k in np.unravel_index(place, array.shape))
        place -= array.size
    raise IndexError(place)
