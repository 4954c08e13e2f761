"""How long it takes to draw: a graph of 10,000 ops, as SVG, in under five seconds."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor
from viz import make_dot, render


@pytest.mark.parametrize("period", [1, 3, 5_000])
def test_ten_thousand_ops_as_svg(period: int, benchmark: Any, tmp_path: Path) -> None:
    """One op over and over, a run of three, and no repetition at all."""
    x = Tensor(1.0, requires_grad=True, name="x")
    ops = list(np.random.default_rng(0).choice([tg.tanh, tg.sin, tg.sigmoid, tg.cos], period))
    y = x
    for i in range(5_000 if not benchmark.disabled else 50):
        y = ops[i % period](y * x)

    def draw() -> None:
        with warnings.catch_warnings(action="ignore"):
            render(make_dot(y), tmp_path / "long.svg")

    benchmark.extra_info["goal in seconds"] = 5
    benchmark.pedantic(draw, rounds=3, iterations=1)
