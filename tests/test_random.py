"""Random numbers come again after a seed or a state, from the generator asked, and lie where they should."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.random import chosen, uniform

DRAWS: dict[str, Callable[[Any], Any]] = {
    "rand": lambda g: tg.rand(3, generator=g),
    "randn": lambda g: tg.randn((2, 3), generator=g),
    "normal": lambda g: tg.normal(1.0, 2.0, (3,), generator=g),
    "randint": lambda g: tg.randint(0, 100, 5, generator=g),
    "randint(high, size)": lambda g: tg.randint(100, (5,), generator=g),
    "randperm": lambda g: tg.randperm(50, generator=g),
}


@pytest.mark.parametrize("name", DRAWS)
def test_the_same_seed_gives_the_same_numbers_and_they_change(name: str) -> None:
    draw = DRAWS[name]
    of_process = [(tg.manual_seed(3), draw(None).tolist(), draw(None).tolist())[1:] for _ in range(2)]
    of_own = (lambda g: (draw(g).tolist(), draw(g).tolist()))(tg.Generator().manual_seed(3))
    of_numpy = (lambda g: (draw(g).tolist(), draw(g).tolist()))(np.random.default_rng(3))
    assert of_process[0] == of_process[1] == of_own == of_numpy
    assert of_own[0] != of_own[1]


@pytest.mark.parametrize("name", DRAWS)
def test_a_generator_of_ones_own_leaves_that_of_the_process_alone(name: str) -> None:
    before = tg.get_rng_state()
    DRAWS[name](tg.Generator())
    assert tg.get_rng_state() == before
    DRAWS[name](None)
    assert tg.get_rng_state() != before


def test_a_state_survives_json_and_continues_where_it_was() -> None:
    tg.manual_seed(7)
    np.random.default_rng()
    tg.default_generator.integers(0, 9, dtype=np.int32)  # leaves half of a 64-bit draw waiting
    written = json.dumps(tg.get_rng_state())
    first = tg.randn(4).tolist(), tg.default_generator.integers(0, 1 << 30, 3, dtype=np.int32).tolist()
    tg.manual_seed(8)
    tg.set_rng_state(json.loads(written))
    assert (tg.randn(4).tolist(), tg.default_generator.integers(0, 1 << 30, 3, dtype=np.int32).tolist()) == first


def test_manual_seed_keeps_the_generator_that_others_hold() -> None:
    held = tg.default_generator
    assert tg.manual_seed(1) is held is chosen(None)


def test_two_fresh_generators_differ() -> None:
    assert tg.Generator().get_state() != tg.Generator().get_state()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_uniform_numbers_never_round_up_to_one(dtype: Any) -> None:
    drawn = uniform(200_000, dtype, np.random.default_rng(0))
    assert drawn.dtype == dtype
    if dtype != np.float16:  # NumPy draws no half ones
        np.testing.assert_array_equal(drawn, np.random.default_rng(0).random(200_000, dtype))
    assert 0 <= drawn.min() < 0.001
    assert 0.999 < drawn.max() < 1
    assert abs(drawn.astype(float).mean() - 0.5) < 0.003  # four standard errors


def test_normal_takes_a_mean_for_each_number() -> None:
    drawn = tg.normal(tg.Tensor([0.0, 100.0]), np.array([1.0, 0.0]), dtype=np.float32)
    assert drawn.dtype == np.float32
    assert abs(drawn[0].item()) < 10
    assert drawn[1].item() == 100


@pytest.mark.parametrize("wrong", [0, "seed", np.random.RandomState(0)])
def test_what_is_no_generator_is_refused_with_what_to_write(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"Generator\(\)\.manual_seed\(0\)"):
        tg.rand(2, generator=wrong)


@pytest.mark.parametrize("wrong", [{}, {"bit_generator": "MT19937"}, 3, None])
def test_what_is_no_state_is_refused_and_changes_nothing(wrong: Any) -> None:
    before = tg.get_rng_state()
    with pytest.raises(ValueError, match="no state that get_state"):
        tg.set_rng_state(wrong)
    assert tg.get_rng_state() == before
