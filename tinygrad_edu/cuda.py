"""GPUs: how many there are, what they hold, which one is in use, and that nothing leaves them unawares.

    device = "cuda" if cuda.is_available() else "cpu"
    model, x = model.to(device), x.to(device)

PyTorch's names and meanings: https://docs.pytorch.org/docs/stable/cuda.html. Memory is that of CuPy's pool, which keeps
what was freed for the next array; PyTorch in the same process has a pool of its own, and `empty_cache` hands CuPy's
back. `no_copies` is ours.

Nobody looks at numbers on a GPU, because to look is to wait for it: labels and rows that are not there become nan in
`cross_entropy`, `nll_loss` and `embedding`, and an index array that is too large begins again at 0, as CuPy has it.
"""

from __future__ import annotations

import warnings
from contextlib import ContextDecorator
from types import TracebackType
from typing import Any

from tinygrad_edu.device import _cupy, _cupyx, _gpus, device_count
from tinygrad_edu.device import device as device_named
from tinygrad_edu.errors import DeviceError, HostCopyError
from tinygrad_edu.lines import inside, told

__all__ = [
    "current_device",
    "device",
    "device_count",
    "empty_cache",
    "get_device_name",
    "is_available",
    "manual_seed",
    "manual_seed_all",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "no_copies",
    "set_device",
    "synchronize",
]

Place = int | str | device_named | None


def is_available() -> bool:
    """Whether tensors can live on a GPU: cupy is installed, and finds one."""
    return device_count() > 0


def manual_seed(seed: int) -> None:
    """Begin all random numbers anew, also those of a GPU: `tinygrad_edu.manual_seed`."""
    from tinygrad_edu import random  # built on Tensor

    random.manual_seed(seed)


manual_seed_all = manual_seed


def current_device() -> int:
    """The number of the GPU in use, which "cuda" means. `DeviceError` without one."""
    _gpus()
    return int(_cupy().cuda.runtime.getDevice())


def set_device(place: Place) -> None:
    """Use another GPU from now on in this thread, by its number or as "cuda:1". `DeviceError` where it is not there."""
    _gpu(place).use()


class device:  # noqa: N801 - PyTorch's name, and it reads as a statement
    """Use another GPU inside a `with` block: `with cuda.device(1): y = model(x.to("cuda"))`. None changes nothing."""

    def __init__(self, place: Place) -> None:
        self._block = None if place is None else _gpu(place)

    def __enter__(self) -> None:
        if self._block is not None:
            self._block.__enter__()

    def __exit__(self, *error: object) -> None:
        if self._block is not None:
            self._block.__exit__(*error)


def get_device_name(place: Place = None) -> str:
    """What the maker calls a GPU, the one in use unless `place` says which. `DeviceError` where it is not there."""
    number = _gpu(place).id
    return str(_cupy().cuda.runtime.getDeviceProperties(number)["name"].decode())


def synchronize(place: Place = None) -> None:
    """Wait until a GPU has done all that it was given, the one in use unless `place` says which; without one, nothing.

    Work is only handed to a GPU: time it between two of these.
    """
    if device_count():
        _gpu(place).synchronize()


def memory_allocated(place: Place = None) -> int:
    """Bytes that the arrays on a GPU hold, of the one in use unless `place` says which; 0 without one."""
    return _of_pool("used_bytes", place)


def memory_reserved(place: Place = None) -> int:
    """Bytes that CuPy took from a GPU: those of its arrays, and those it keeps for the next ones; 0 without one."""
    return _of_pool("total_bytes", place)


def mem_get_info(place: Place = None) -> tuple[int, int]:
    """Bytes that are free on a GPU, for all programs, and all that it has. `DeviceError` without one."""
    with _gpu(place):
        free, total = _cupy().cuda.runtime.memGetInfo()
    return int(free), int(total)


def empty_cache() -> None:
    """Hand back what CuPy keeps for the next arrays, to other programs and to PyTorch in this one; else nothing."""
    if device_count():
        _cupy().get_default_memory_pool().free_all_blocks()


def _of_pool(what: str, place: Place) -> int:
    if not device_count():
        return 0
    with _gpu(place):
        return int(getattr(_cupy().get_default_memory_pool(), what)())


def _gpu(place: Place) -> Any:
    """CuPy's object of a GPU, by number or name, the one in use for None and "cuda"."""
    count = _gpus()
    number = place if isinstance(place, int) else None if place is None else device_named(place).index
    if place == "cpu" or (number is not None and not 0 <= number < count):
        raise DeviceError(f"there is no GPU {place!r}: there are {', '.join(f'cuda:{i}' for i in range(count))}")
    return _cupy().cuda.Device(number)


class no_copies(ContextDecorator):  # noqa: N801 - it reads as a statement
    """Let no array of a GPU be read on the host: inside, what would copy one raises `HostCopyError` with its line.

    A `with` block or a decorator, for tests and for finding what makes a training slow: a copy waits until the GPU has
    done all that it was given. `t.item()`, `float(t)`, `if t:`, `print(t)`, `t.numpy()`, `t.cpu()` and an index of
    booleans, whose result has as many numbers as are True, are such copies. Of arrays on the CPU, and without cupy, it
    asks nothing. It holds for the thread that it is in. CuPy sees to it, with `cupyx.allow_synchronize`.

    >>> from tinygrad_edu import Tensor
    >>> with no_copies():
    ...     Tensor(2.0).item()  # is on the host already
    2.0
    """

    def __enter__(self) -> None:
        self._block: Any = None
        try:
            self._cupy, extension = _cupy(), _cupyx()
        except DeviceError:
            return
        with warnings.catch_warnings():  # that it does not see what other libraries do, and may go one day
            warnings.simplefilter("ignore")
            self._block = extension.allow_synchronize(False)
            self._block.__enter__()
        self._refused = extension.DeviceSynchronized

    def __exit__(self, _kind: object, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._block is None:
            return
        self._block.__exit__(None, None, None)
        if any(isinstance(cause, self._refused) for cause in _causes(error)):
            raise HostCopyError(
                f"an array of a GPU was read on the host{self._line(traceback)}, inside cuda.no_copies(). Compute with"
                " it where it is; print, item() and numpy() belong outside of the block, once for many steps"
            ) from error

    def _recreate_cm(self) -> no_copies:
        return no_copies()  # one a call: a decorated function may recurse

    def _line(self, traceback: TracebackType | None) -> str:
        """The learner's line that an error came through last."""
        found = ""
        while traceback is not None:
            code, module = traceback.tb_frame.f_code, traceback.tb_frame.f_globals.get("__name__", "")
            if not inside[code.co_filename] and not module.startswith((self._cupy.__name__, self._refused.__module__)):
                found = f", in {told(code, traceback.tb_lasti)}"
            traceback = traceback.tb_next
        return found


def _causes(error: BaseException | None) -> list[BaseException]:
    """An error and what it was raised from, which may be itself again."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
