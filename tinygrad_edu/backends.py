"""What PyTorch's programs say about libraries of kernels: there are none here, so what they choose makes no difference.

`torch.backends.cudnn.deterministic = True` is what always holds, and `torch.backends.mps.is_available()` is False.
"""

__all__ = ["cudnn", "mps"]


class Backend:
    """A library of kernels that is not used: its switches may be set, and change nothing.

    >>> cudnn.benchmark = True
    >>> mps.is_available()
    False
    """

    deterministic = True
    benchmark = False
    enabled = False

    def is_available(self) -> bool:
        """No."""
        return False

    is_built = is_available


cudnn, mps = Backend(), Backend()
