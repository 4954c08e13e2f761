"""Random numbers, the same every time after `manual_seed`: one generator for the process, or one of your own.

Everything that draws here (`rand`, dropout, initialisation, shuffling) takes `default_generator` unless it is given a
`generator=`: a `Generator`, or any `numpy.random.Generator`.

What lives on a GPU is drawn there, by cuRAND's Philox, and not copied there. Each draw starts it from the next whole
number of the same generator, so one `manual_seed` is for all devices, and a state, a few numbers that a checkpoint
holds, is one for all of them too. (CuPy's own generators are one a device, and only its older kind draws every
distribution at cuRAND's speed; the state of that one cannot be read.) The numbers differ from those of the CPU.
"""

from threading import Lock
from typing import Any, Self

import numpy as np

from tinygrad_edu.creation import made
from tinygrad_edu.device import CPU, device, device_of, is_cupy, module_of, moved, philox
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.watch import bare, numbers_read, watchers

__all__ = [
    "Generator",
    "chosen",
    "default_generator",
    "get_rng_state",
    "manual_seed",
    "normal",
    "rand",
    "randint",
    "randn",
    "randperm",
    "set_rng_state",
    "standard_normal",
    "uniform",
]

Place = str | device | None


class Generator(np.random.Generator):
    """NumPy's generator with PyTorch's methods: `Generator().manual_seed(0)`.

    Until it is seeded it starts somewhere new each time. Seeded, it gives the numbers of
    `numpy.random.default_rng(seed)`. `device` is PyTorch's, and says nothing here: numbers are drawn where the tensor
    lives that they are for, by any generator. Follows https://pytorch.org/docs/stable/generated/torch.Generator.html.

    >>> g = Generator().manual_seed(0)
    >>> rand(2, generator=g)
    Tensor([0.63696169, 0.26978671])
    >>> state = g.get_state()
    >>> bool((rand(3, generator=g) == rand(3, generator=g.set_state(state))).all())
    True
    """

    def __init__(self, device: Place = "cpu") -> None:
        module_of(device)  # which says what is wrong with it
        super().__init__(np.random.PCG64())

    def manual_seed(self, seed: int) -> Self:
        """Start anew from `seed`, a whole number from 0 up; returns the generator."""
        self.bit_generator.state = np.random.PCG64(seed).state
        return self

    def get_state(self) -> dict[str, Any]:
        """Where the generator is, in words and whole numbers that JSON can hold."""
        return dict(self.bit_generator.state)

    def set_state(self, state: dict[str, Any]) -> Self:
        """Go on from what `get_state` gave; returns the generator. ValueError for anything else."""
        try:
            self.bit_generator.state = state
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"this is no state that get_state() gave: {error}") from error
        return self


default_generator = Generator()
"""The generator of the process. It stays this one object; `manual_seed` starts it anew."""


def manual_seed(seed: int) -> Generator:
    """Start the generator of the process anew, and return it.

    >>> a = manual_seed(0) and randn(2)
    >>> b = manual_seed(0) and randn(2)
    >>> bool((a == b).all())
    True
    """
    return default_generator.manual_seed(seed)


def get_rng_state() -> dict[str, Any]:
    """Where the generator of the process is: save it with a checkpoint, and training goes on with the same numbers.

    >>> state = get_rng_state()
    >>> a = rand(3)
    >>> set_rng_state(state)
    >>> bool((a == rand(3)).all())
    True
    """
    return default_generator.get_state()


def set_rng_state(state: dict[str, Any]) -> None:
    """Let the generator of the process go on from what `get_rng_state` gave."""
    default_generator.set_state(state)


def chosen(generator: np.random.Generator | None) -> np.random.Generator:
    """The generator to draw from: the one given, or that of the process. TypeError for anything else.

    >>> chosen(None) is default_generator
    True
    """
    if watchers:
        numbers_read("a random number")
    if generator is None:
        return default_generator
    if not isinstance(generator, np.random.Generator):
        raise TypeError(
            "generator= takes tinygrad_edu.Generator().manual_seed(0), or numpy.random.default_rng(0), and not"
            f" {generator!r}"
        )
    return generator


_drawing = Lock()  # cuRAND's generator is started and then drawn from, and threads share it


def _drawn(generator: np.random.Generator | None, distribution: str, *arguments: Any) -> Any:
    """An array of random numbers on the GPU in use, of a distribution of CuPy's `RandomState`."""
    seed = int(chosen(generator).integers(2**63))
    with _drawing:
        return getattr(philox(seed), distribution)(*arguments)


@bare
def uniform(
    shape: Any, dtype: Any = np.float64, generator: np.random.Generator | None = None, place: Place = None
) -> Any:
    """An array of numbers from 0 up to but not including 1, in any float dtype, on the device `place`.

    Numbers of float64 that are rounded to a shorter dtype may become 1, so each dtype has a draw of its own: float16
    gets multiples of 2**-11, as fine as it has them just below 1.
    """
    if np.dtype(dtype) == np.float16:
        steps = randint(0, 2048, shape, generator=generator, device=place).array
        return (steps / 2048).astype(np.float16)
    if module_of(place) is np:
        return chosen(generator).random(shape, dtype=dtype)
    return _drawn(generator, "random_sample", shape, np.dtype(dtype))


def standard_normal(
    shape: Any, dtype: Any = np.float64, generator: np.random.Generator | None = None, place: Place = None
) -> Any:
    """An array of normal numbers of mean 0 and standard deviation 1, on the device `place`.

    On the CPU they are drawn in float64 and rounded, on a GPU in the dtype, float16 in float32.
    """
    if module_of(place) is np:
        return np.asarray(chosen(generator).standard_normal(shape)).astype(dtype, copy=False)
    wide = np.promote_types(dtype, np.float32)
    return _drawn(generator, "standard_normal", shape, wide).astype(dtype, copy=False)


def _shape(shape: tuple[Any, ...]) -> Any:
    return shape[0] if len(shape) == 1 else shape


@bare
def rand(
    *shape: Any,
    dtype: Any = np.float64,
    generator: np.random.Generator | None = None,
    device: Place = None,
    **options: Any,
) -> Tensor:
    """Uniform from 0 up to but not including 1: `rand(2, 3)` or `rand((2, 3))`."""
    return made(uniform(_shape(shape), dtype, generator, device), **options)


@bare
def randn(
    *shape: Any,
    dtype: Any = np.float64,
    generator: np.random.Generator | None = None,
    device: Place = None,
    **options: Any,
) -> Tensor:
    """Standard normal: `randn(2, 3)` or `randn((2, 3))`."""
    return made(standard_normal(_shape(shape), dtype, generator, device), **options)


@bare
def normal(
    mean: Any,
    std: Any,
    size: Any = None,
    *,
    dtype: Any = np.float64,
    generator: np.random.Generator | None = None,
    device: Place = None,
    **options: Any,
) -> Tensor:
    """Normal around `mean` with standard deviation `std`: numbers, or arrays that broadcast to `size`.

    >>> normal(5.0, 0.0, (2,))
    Tensor([5., 5.])
    """
    mean, std = (a.detach().array if isinstance(a, Tensor) else a for a in (mean, std))
    place = device or next((device_of(a) for a in (mean, std) if is_cupy(a)), CPU)
    if module_of(place) is np:
        return Tensor(chosen(generator).normal(mean, std, size), dtype=dtype, **options)
    if size is None:
        size = np.broadcast_shapes(np.shape(mean), np.shape(std))
    mean, std = (moved(np.asarray(a), place) if isinstance(a, list | tuple | np.ndarray) else a for a in (mean, std))
    return made((mean + std * standard_normal(size, dtype, generator, place)).astype(dtype, copy=False), **options)


@bare
def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    dtype: Any = np.int64,
    generator: np.random.Generator | None = None,
    device: Place = None,
    **options: Any,
) -> Tensor:
    """Whole numbers from `low` up to but not including `high`; from 0 in PyTorch's short form `randint(high, size)`.

    >>> bool((randint(3, (100,)) < 3).all())
    True
    """
    if isinstance(high, tuple | list):
        low, high, size = 0, low, high
    if module_of(device) is np:
        return Tensor(chosen(generator).integers(low, high, size), dtype=dtype, **options)
    low, high = (0, low) if high is None else (low, high)
    return made(_drawn(generator, "randint", low, high, () if size is None else size, np.dtype(dtype)), **options)


@bare
def randperm(n: int, *, generator: np.random.Generator | None = None, device: Place = None, **options: Any) -> Tensor:
    """The whole numbers below `n` in random order.

    >>> sorted(randperm(4).tolist())
    [0, 1, 2, 3]
    """
    if module_of(device) is np:
        return Tensor(chosen(generator).permutation(n), **options)
    return made(_drawn(generator, "permutation", int(n)), **options)
