"""What is asked of CuPy is there, under these names and with these arguments: it needs CuPy installed, and no GPU."""

import inspect
from typing import Any

import pytest

from tinygrad_edu import cuda, kernels
from tinygrad_edu.device import _cupy, cuda_kernel
from tinygrad_edu.errors import DeviceError

cupy = pytest.importorskip("cupy")

CALLED: dict[str, Any] = {
    "cupy": ["asarray", "from_dlpack", "full", "empty", "arange", "linspace", "eye", "get_default_memory_pool"],
    "cupy.cuda": ["Device", "runtime"],
    "cupy.cuda.runtime": [
        "CUDARuntimeError", "getDevice", "getDeviceCount", "getDeviceProperties", "memGetInfo",
    ],
    "cupy.random": ["RandomState"],
    "cupyx": ["DeviceSynchronized", "allow_synchronize"],
    "cupyx.scipy.special": ["erf", "erfc"],
}  # fmt: skip
POOL = ["used_bytes", "total_bytes", "free_all_blocks"]


@pytest.mark.parametrize("module", CALLED)
def test_names(module: str) -> None:
    found = _cupy(module)
    assert [name for name in CALLED[module] if not hasattr(found, name)] == []


def test_methods() -> None:
    assert [name for name in POOL if not hasattr(cupy.cuda.MemoryPool, name)] == []
    assert all(hasattr(cupy.cuda.Device, name) for name in ("use", "synchronize", "__enter__"))
    assert all(hasattr(cupy.ndarray, name) for name in ("get", "device", "__dlpack__", "__cuda_array_interface__"))


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("random_sample", ["size", "dtype"]),
        ("standard_normal", ["size", "dtype"]),
        ("randint", ["low", "high", "size", "dtype"]),
        ("permutation", ["a"]),
        ("seed", ["seed"]),
    ],
)
def test_random_numbers_are_asked_for_in_this_order(method: str, arguments: list[str]) -> None:
    assert list(inspect.signature(getattr(cupy.random.RandomState, method)).parameters)[1:] == arguments


@pytest.mark.parametrize("name", [n for n, k in vars(kernels).items() if hasattr(k, "inputs")])
def test_cupy_reads_the_declaration_of_every_kernel(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr(
        kernels, "cuda_kernel", lambda *definition: made.append(cuda_kernel(*definition)) or (lambda *_, **__: 0)
    )
    getattr(kernels, name)(**({"axis": (0,)} if isinstance(getattr(kernels, name), kernels.Sum) else {}))
    assert made[0].name == f"tinygrad_{name}"


def test_without_a_gpu_the_reason_is_cudas() -> None:
    if cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(DeviceError, match="finds no GPU: cuda"):
        cuda.current_device()


def test_copies_can_be_refused_in_a_block() -> None:
    """Without a GPU there is no array to read; that the block is entered and left is seen."""
    syncdetect = _cupy("cupy._core.syncdetect")
    with cuda.no_copies():
        assert not syncdetect._is_allowed()
    assert syncdetect._is_allowed()
