"""Parameter: a Tensor that a Module counts among what it learns."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.device import fresh
from tinygrad_edu.tensor import Tensor

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A Tensor that requires grad and is registered by the `Module` whose attribute it becomes.

    A Tensor as `data` shares its memory, anything else is copied, None makes an empty float32 parameter. Its dtype is
    that of `data`: write `Parameter(randn(3).float())` for float32, which the layers of `nn` use. Raises
    `GradientDtypeError`, a TypeError, for whole numbers unless `requires_grad=False`.
    After https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html

    >>> Parameter([1.0, 2.0])
    Parameter containing:
    Tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any = None, requires_grad: bool = True, *, name: str | None = None) -> None:
        if data is None:
            data = np.zeros(0, np.float32)
        self._value, self._origin = data.detach()._value if isinstance(data, Tensor) else fresh(data), None
        if name is not None:
            self.name = name
        if requires_grad:
            self.requires_grad = True

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"

    def __copy__(self) -> Parameter:
        """Another parameter on the same memory."""
        return Parameter(self, self.requires_grad, name=self.name)
