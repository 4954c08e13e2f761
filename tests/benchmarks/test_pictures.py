"""How long it takes to draw: a graph of 10,000 ops, as SVG, in under five seconds; and to make it a page of steps."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor
from viz import make_dot, render, stepper


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


@pytest.mark.parametrize("draw", [lambda y, path: render(make_dot(y), path), stepper], ids=["picture", "page"])
def test_a_network_of_single_numbers(draw: Callable[[Tensor, Path], Any], benchmark: Any, tmp_path: Path) -> None:
    """Some 10,000 ops on 640 weights that every one of 8 samples uses: the layout alone once took minutes."""
    numbers, layers = np.random.default_rng(0), 10 if not benchmark.disabled else 1
    weights = [
        [[Tensor(w, requires_grad=True) for w in row] for row in numbers.normal(size=(8, 8))] for _ in range(layers)
    ]
    total: Any = 0.0
    for sample in numbers.normal(size=(8, 8)):
        values: list[Any] = [Tensor(number) for number in sample]
        for layer in weights:
            values = [tg.tanh(sum(w * v for w, v in zip(row, values, strict=True))) for row in layer]
        total = total + sum(values)

    def drawn() -> None:
        with warnings.catch_warnings(action="ignore"):
            draw(total, tmp_path / ("steps.html" if draw is stepper else "network.svg"))

    benchmark.extra_info["goal in seconds"] = 5
    benchmark.pedantic(drawn, rounds=3, iterations=1)
