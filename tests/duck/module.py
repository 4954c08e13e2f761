"""A module `cupy` of ducks, to be put where the library looks for the real one."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any, Self
from unittest import mock

import numpy as np

from tests.duck.array import DeviceSynchronized, Duck, allow_synchronize, call, waits
from tests.duck.coverage import coverage
from tests.duck.kernels import COMPILER, ElementwiseKernel, ReductionKernel
from tinygrad_edu import kernels
from tinygrad_edu.device import _random_state


def upload(array: Any) -> Any:
    """The numbers of a NumPy array on the GPU in use: a duck, or in `tests.gpu` an array of CuPy's."""
    return import_module("cupy").asarray(np.array(array))


class GPU:
    """`cupy.cuda.Device`: there is one."""

    def __init__(self, index: int | None = None) -> None:
        if index:
            raise RuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        self.id = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def use(self) -> None:
        """It is in use."""

    def synchronize(self) -> None:
        """Nothing is ever under way."""
        waits.note()


class RandomState:
    """`cupy.random.RandomState`, as far as it is used: begun anew from a seed before it draws."""

    def __init__(self, seed: int, method: int) -> None:  # noqa: ARG002 - of drawing, cuRAND's
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Begin anew."""
        self._generator = np.random.default_rng(seed)

    def random_sample(self, size: Any, dtype: Any) -> Any:
        """Uniform from 0 to 1."""
        return upload(self._generator.random(size, _drawn(dtype)))

    def standard_normal(self, size: Any, dtype: Any) -> Any:
        """Normal."""
        return upload(self._generator.standard_normal(size, _drawn(dtype)))

    def randint(self, low: int, high: int, size: Any, dtype: Any) -> Any:
        """Whole numbers."""
        return upload(self._generator.integers(low, high, size, dtype))

    def permutation(self, count: int) -> Any:
        """Whole numbers in random order."""
        return upload(self._generator.permutation(count))


def _drawn(dtype: Any) -> Any:
    if np.dtype(dtype).char not in "fd":
        raise TypeError("cupy.random only supports float32 and float64")
    return dtype


def _function(name: str) -> Any:
    return lambda *args, **kwargs: call(name, args, kwargs)


def _module(name: str, prefix: str) -> ModuleType:
    module = ModuleType(name)
    for known in (*coverage().ufuncs, *coverage().functions):
        if known.startswith(prefix) and "." not in known[len(prefix) :]:
            setattr(module, known[len(prefix) :], _function(known))
    return module


def modules() -> dict[str, Any]:
    """`cupy` and what is in it, by their names in `sys.modules`."""
    names = {"cupy": "", "cupy.linalg": "linalg.", "cupy.fft": "fft.", "cupyx.scipy.special": "special."}
    made: dict[str, Any] = {name: _module(name, prefix) for name, prefix in names.items()}
    cupy = made["cupy"]
    cupy.ndarray, cupy.linalg, cupy.fft = Duck, made["cupy.linalg"], made["cupy.fft"]
    for name in dir(np):
        same = getattr(np, name)
        if (isinstance(same, type) and issubclass(same, np.generic)) or isinstance(same, float | type(None)):
            setattr(cupy, name, same)
    cupy.ElementwiseKernel, cupy.ReductionKernel = ElementwiseKernel, ReductionKernel
    cupy.random = SimpleNamespace(RandomState=RandomState)
    cupy.cuda = SimpleNamespace(
        Device=GPU,
        curand=SimpleNamespace(CURAND_RNG_PSEUDO_PHILOX4_32_10=161),
        runtime=SimpleNamespace(getDeviceCount=lambda: 1, getDevice=lambda: 0, CUDARuntimeError=RuntimeError),
    )
    made["cupyx"] = ModuleType("cupyx")
    made["cupyx"].__dict__.update(allow_synchronize=allow_synchronize, DeviceSynchronized=DeviceSynchronized)
    return made


@contextmanager
def as_cupy() -> Iterator[Any]:
    """Inside, `import cupy` finds ducks, and `Tensor.to("cuda")` makes them."""
    made = modules()
    plain = nullcontext() if COMPILER else mock.patch.object(kernels, "is_cupy", return_value=False)
    with mock.patch.dict(sys.modules, made), plain:  # without a compiler ducks take NumPy's lines
        _random_state.cache_clear()
        try:
            yield made["cupy"]
        finally:
            _random_state.cache_clear()
