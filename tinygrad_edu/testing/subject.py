"""A function at a point: inputs and results as rows of numbers, its gradient by the rules, its slope by differences."""

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np

from tinygrad_edu.autograd import grad
from tinygrad_edu.recording import enable_grad, no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.testing.numerical import EPS, Slope, noise_of, slope
from tinygrad_edu.testing.report import placed

__all__ = ["Subject", "flat", "like", "located", "moved", "quiet", "slopes", "unit"]

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
        if len(inputs) == 1 and (isinstance(inputs[0], tuple) or _holds_tensor(inputs[0])):
            inputs = inputs[0]
        self.function = function
        self.name = name_of(function)
        _check_arguments(function, inputs)
        self.inputs = list(inputs)
        self.takes_arrays = getattr(function, "takes_arrays", False)  # then nothing of the engine is in the differences
        marked = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
        self.places = marked or [i for i, x in enumerate(inputs) if _is_float(x)]
        if not self.places:
            raise TypeError("gradcheck differentiates by numbers with a decimal point: give 2.0, or an array of floats")
        self.noise = EPS  # the part of a result that rounding changes
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
        for at_place, value in zip(self.places, at, strict=True):
            arguments[at_place] = value
        return arguments

    def call(self, at: Sequence[Any]) -> list[Tensor]:
        """The results with a derivative, as Tensors."""
        result = self.function(*self.arguments(at))
        every = list(result) if isinstance(result, tuple | list) else [result]
        if any(r is None or isinstance(r, dict | str) for r in every):
            raise TypeError(f"{self.name} returned {_kind(result)}: {INSTEAD.get(type(result), 'return Tensors only')}")
        every = [r if isinstance(r, Tensor) else Tensor(r) for r in every]
        floats = [r for r in every if r.dtype.kind == "f"]
        if not floats:
            kinds = " and ".join(sorted({str(r.dtype) for r in every})) or "nothing"
            raise TypeError(
                f"{self.name} returned no floats but {kinds}: there is nothing to differentiate, comparisons and whole"
                " numbers have no gradient"
            )
        return floats

    @property
    def flat(self) -> Array:
        """All numbers that count, in one row."""
        return flat(self.points)

    def place(self, column: int) -> str:
        """How one number of the inputs is called: x[0, 1]."""
        which, index = located(self.points, column)
        return placed(self.names[which], index)

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

    def measure_noise(self) -> None:
        """Find out whether the function rounds more than float64 does, because it computes in float32 on the way."""
        random = np.random.default_rng(0)
        away = [random.choice([-1.0, 1.0], p.shape) * np.where(p == 0, 1.0, abs(p)) for p in self.points]
        self.noise = noise_of(self.moved(away))

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


INSTEAD = {type(None): "end it with `return ...`", dict: "return its values, as a tuple"}


def name_of(function: Any) -> str:
    """What a function is called in messages."""
    named = getattr(function, "name", None) or getattr(function, "__name__", None)
    return str(named or getattr(getattr(function, "func", None), "__name__", None) or type(function).__name__)


def _check_arguments(function: Any, inputs: Sequence[Any]) -> None:
    if not callable(function):
        if any(map(callable, inputs)):
            raise TypeError("the function stands first: gradcheck(function, inputs...)")
        raise TypeError(f"gradcheck takes a function first, not {_kind(function)}: give the function, not its result")
    if not inputs:
        raise TypeError("there are no numbers to differentiate by: gradcheck(function, 2.0)")
    for x in inputs:
        if isinstance(x, dict):
            raise TypeError("a dict is no input: pass its arrays one by one, lambda w, b: function({'w': w, 'b': b})")


def _kind(x: Any) -> str:
    return "None" if x is None else f"a {type(x).__name__}"


def _holds_tensor(x: Any) -> bool:
    return isinstance(x, list) and any(isinstance(item, Tensor) for item in x)


def _is_float(x: Any) -> bool:
    if x is None or isinstance(x, str):
        return False
    try:
        return np.asarray(_array(x)).dtype.kind == "f"
    except (TypeError, ValueError):  # rows of several lengths
        return False


def _array(x: Any) -> Any:
    return x.detach().numpy() if isinstance(x, Tensor) else x


def slopes(subject: Subject, directions: Sequence[Array], scale: float, along: Any = None) -> Slope:
    """Along a direction: by a complex step where the function allows it, else by differences.

    `along` is another function of the distance than the results themselves.
    """
    touched = [(abs(p[d != 0]), abs(d[d != 0])) for p, d in zip(subject.points, directions, strict=True)]
    reach = max((float(p.max()) for p, _ in touched if np.isfinite(p).all() and p.size), default=0.0)
    longest = max((float(d.max()) for _, d in touched if d.size), default=1.0)
    line = along or subject.moved(directions)
    found = slope(line, scale, reach / longest, subject.noise)
    if found.broken.any():  # the domain may end right beside a tiny number, as that of log does
        near = min((float(p[p > 0].min()) for p, _ in touched if (p > 0).any()), default=scale)
        if near < 1e-20 * scale:
            closer = slope(line, near, near, subject.noise)
            found = found.replaced(found.broken & ~closer.kink, closer)
    return found if along else _with_complex_step(subject.moved(directions), found)


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
    size = abs(found.value)
    agrees = ~found.kink & (abs(exact - found.value) <= np.fmin(10 * found.error, 1e-3 * (1 + size)) + 1e-7 * size)
    value, error = np.where(agrees, exact, found.value), np.where(agrees, 1e-14 * abs(exact), found.error)
    return Slope(value, error, found.left, found.right, found.kink)


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing is said about numbers: a step away a function may overflow, or leave its domain."""
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        yield


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


def flat(arrays: Sequence[Array]) -> Array:
    """The numbers of all arrays in one row."""
    return np.concatenate([np.ravel(a) for a in arrays])


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
