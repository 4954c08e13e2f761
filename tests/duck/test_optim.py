"""Every optimiser, schedule and clip on ducks: weights and state as on the host, and nothing is copied there."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.duck.beside import on_host, same
from tests.duck.module import upload
from tinygrad_edu import Tensor, cuda, optim
from tinygrad_edu.nn import utils
from tinygrad_edu.optim import lr_scheduler

SHAPES = ((3, 4), (5,), (), (40, 50), (1, 2, 1))

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.9}),
    ("RMSprop", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.2}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "maximize": True}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.2}),
]

SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "ConstantLR": lambda o: lr_scheduler.ConstantLR(o, 0.5, 2),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 4),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.05, 0.2, 2, cycle_momentum=False),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 0.9**epoch),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o, 0.5, total_iters=3),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [1, 3]),
    "MultiplicativeLR": lambda o: lr_scheduler.MultiplicativeLR(o, lambda _: 0.9),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.2, total_steps=8),
    "PolynomialLR": lambda o: lr_scheduler.PolynomialLR(o, 5),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.ConstantLR(o, 0.1, 2), lr_scheduler.ExponentialLR(o, 0.9)], [2]
    ),
    "StepLR": lambda o: lr_scheduler.StepLR(o, 2),
}


def parameters(dtype: Any, there: Any) -> list[Tensor]:
    random = np.random.default_rng(0)
    return [Tensor(there(random.standard_normal(s).astype(dtype)), requires_grad=True) for s in SHAPES]


def with_gradients(weights: list[Tensor], there: Any, seed: int) -> list[Tensor]:
    random = np.random.default_rng(seed)
    for w in weights:
        w.grad = Tensor(there(random.standard_normal(w.shape).astype(w.dtype)))
    return weights


def both(dtype: Any = np.float64) -> tuple[list[Tensor], list[Tensor]]:
    return parameters(dtype, upload), parameters(dtype, np.array)


def test_every_optimiser_and_every_schedule_is_here() -> None:
    kinds = {n for n in dir(optim) if isinstance(getattr(optim, n), type) and n != "Optimizer"}
    assert kinds == {name for name, _ in OPTIMIZERS} | {"LBFGS"}
    named = {n for n in dir(lr_scheduler) if isinstance(getattr(lr_scheduler, n), type)}
    assert named - {"LRScheduler"} == set(SCHEDULES)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "options"), OPTIMIZERS, ids=["-".join([n, *o]) for n, o in OPTIMIZERS])
def test_steps(name: str, options: dict[str, Any], dtype: Any) -> None:
    mine, wanted = both(dtype)
    there, here = (getattr(optim, name)(w, **options) for w in (mine, wanted))
    for step in range(5):
        with_gradients(wanted, np.array, step)
        here.step()
        with_gradients(mine, upload, step)
        with cuda.no_copies():
            there.step()
            there.zero_grad()
        tolerance = 1e-9 if dtype is np.float64 else 1e-5
        same([w.detach() for w in mine], [w.detach() for w in wanted], tolerance)


def test_lbfgs_which_looks_at_each_loss() -> None:
    mine, wanted = both()
    for weights in (mine, wanted):
        optimizer = optim.LBFGS(weights, lr=0.1, max_iter=5)

        def closure(weights: list[Tensor] = weights, optimizer: Any = optimizer) -> Tensor:
            optimizer.zero_grad()
            loss = sum(np.sum((w - i) ** 2) for i, w in enumerate(weights))
            loss.backward()
            return loss

        optimizer.step(closure)
    same([w.detach() for w in mine], [w.detach() for w in wanted], 1e-7)


def test_a_state_travels_both_ways() -> None:
    mine, wanted = both()
    there, here = optim.Adam(mine), optim.Adam(wanted)
    with_gradients(mine, upload, 0)
    there.step()
    here.load_state_dict(copy.deepcopy(there.state_dict()))
    assert all(isinstance(s["exp_avg"].array, np.ndarray) for s in here.state.values())
    there.load_state_dict(here.state_dict())
    same([s["exp_avg"] for s in there.state.values()], [s["exp_avg"] for s in here.state.values()])


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name: str) -> None:
    mine, wanted = both()
    there, here = (optim.SGD(w, lr=0.1, momentum=0.9) for w in (mine, wanted))
    schedules = [SCHEDULES[name](o) for o in (there, here)]
    for step in range(5):
        with_gradients(wanted, np.array, step)
        with_gradients(mine, upload, step)
        for optimizer, schedule in zip((there, here), schedules, strict=True):
            with cuda.no_copies():
                optimizer.step()
                schedule.step(1.0) if name == "ReduceLROnPlateau" else schedule.step()
    same([w.detach() for w in mine], [w.detach() for w in wanted])


@pytest.mark.parametrize("p", [1.0, 2.0, np.inf])
@pytest.mark.parametrize("bound", [0.5, 1e6])
def test_clip_grad_norm(p: float, bound: float) -> None:
    mine, wanted = both()
    with_gradients(wanted, np.array, 0)
    with_gradients(mine, upload, 0)
    with cuda.no_copies():
        norm = utils.clip_grad_norm_(mine, bound, p)
    same(norm, utils.clip_grad_norm_(wanted, bound, p))
    same([w.grad for w in mine], [w.grad for w in wanted])


def test_clip_grad_norm_that_refuses_infinities_looks_at_them() -> None:
    mine, _ = both()
    with_gradients(mine, upload, 0)
    norm = on_host(utils.clip_grad_norm_(mine, 1e6))
    assert float(utils.clip_grad_norm_(mine, 1e6, error_if_nonfinite=True)) == pytest.approx(float(norm))
    mine[0].grad = Tensor(upload(np.full(SHAPES[0], np.inf)))
    with pytest.raises(RuntimeError, match=r"nan|inf|finite"):
        utils.clip_grad_norm_(mine, 1.0, error_if_nonfinite=True)


def test_clip_grad_value_and_soft_thresholds() -> None:
    mine, wanted = both()
    with_gradients(wanted, np.array, 0)
    with_gradients(mine, upload, 0)
    with cuda.no_copies():
        utils.clip_grad_value_(mine, 0.3)
        optim.soft_threshold_(mine, 0.2)
    utils.clip_grad_value_(wanted, 0.3)
    optim.soft_threshold_(wanted, 0.2)
    same([w.grad for w in mine], [w.grad for w in wanted])
    same([w.detach() for w in mine], [w.detach() for w in wanted])
