"""What a case is, and the sample inputs that many of them share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """One op, called by `function` on `arrays`, as a learner would write it, on arrays or on Tensors alike.

    `torch` is the same in PyTorch, where it has the function: called with the module and its tensors.
    """

    op: str
    label: str
    function: Callable[..., Any]
    arrays: tuple["np.ndarray[Any, Any]", ...]
    torch: Callable[..., Any] | None = None

    def __str__(self) -> str:
        return f"{self.op}-{self.label}"


def numbers(*shape: int, low: float = 0.3, high: float = 2.0, seed: int = 0) -> "np.ndarray[Any, Any]":
    """Distinct numbers between low and high in a mixed order."""
    count = int(np.prod(shape, dtype=int))
    values = np.linspace(low, high, max(count, 1))[:count]
    return np.asarray(np.random.default_rng(seed + count).permutation(values).reshape(shape))


def signed(*shape: int, seed: int = 0) -> "np.ndarray[Any, Any]":
    """Distinct numbers of both signs, none near 0."""
    values = numbers(*shape, low=0.2, high=1.7, seed=seed)
    return np.asarray(np.where(np.arange(values.size).reshape(shape) % 2 == 0, values, -values))


STRIDED = signed(4, 6)[::2, ::-3]  # not contiguous, negative strides
SHAPES: dict[str, tuple["np.ndarray[Any, Any]", ...]] = {
    "scalar": (signed(),),
    "vector": (signed(5),),
    "matrix": (signed(2, 3),),
    "zero-size": (signed(0, 3),),
    "strided": (STRIDED,),
}
PAIRS: dict[str, tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]] = {
    "scalars": (signed(), signed(seed=1) * 2),
    "same": (signed(2, 3), signed(2, 3, seed=1) * 1.1),
    "scalar-and-matrix": (signed() * 1.05, signed(2, 3, seed=2)),
    "broadcast-row": (signed(4, 3), signed(3, seed=3) * 1.03),
    "broadcast-both": (signed(4, 1), signed(1, 3, seed=4) * 1.07),
    "broadcast-up": (signed(1), signed(2, 3, seed=5) * 1.01),
    "broadcast-middle": (signed(2, 1, 3), signed(4, 1, seed=6) * 1.04),
    "zero-size": (signed(0, 3), signed(3, seed=7)),
    "strided": (STRIDED, STRIDED[:, ::-1] * 1.2),
    "transposed": (signed(3, 2).T, signed(2, 3, seed=8) * 1.13),
}


def unary(
    op: str, function: Callable[..., Any], torch: Callable[..., Any] | None = None, positive: bool = False
) -> list[Case]:
    """One case a shape."""
    return [Case(op, label, function, tuple(map(abs, a)) if positive else a, torch) for label, a in SHAPES.items()]


def binary(
    op: str, function: Callable[..., Any], torch: Callable[..., Any] | None = None, positive: bool = False
) -> list[Case]:
    """One case a pair of shapes that broadcast; `positive` makes the first operand positive."""
    return [Case(op, label, function, (abs(a) if positive else a, b), torch) for label, (a, b) in PAIRS.items()]
