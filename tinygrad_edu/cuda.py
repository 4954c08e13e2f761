"""Whether there are GPUs: `device("cuda" if cuda.is_available() else "cpu")`."""

from tinygrad_edu.device import device_count, synchronize

__all__ = ["device_count", "is_available", "synchronize"]


def is_available() -> bool:
    """Whether tensors can live on a GPU: cupy is installed, and finds one."""
    return device_count() > 0
