"""Schedules beside their formulas, and what is said about mistakes."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from tinygrad_edu import Tensor, optim
from tinygrad_edu.optim import lr_scheduler
from tinygrad_edu.optim.lr_scheduler import LRScheduler


def optimizer(kind: Any = optim.SGD, lr: float = 0.8, **options: Any) -> Any:
    w = Tensor([1.0], requires_grad=True)
    w.grad = Tensor([0.0])
    return kind([w], lr=lr, **options)


def rates(scheduler: Any, epochs: int) -> list[float]:
    found = []
    for _ in range(epochs):
        found += scheduler.get_last_lr()
        scheduler.optimizer.step()
        scheduler.step()
    return found


FORMULAS: list[tuple[Callable[[Any], Any], Callable[[int], float]]] = [
    (lambda o: lr_scheduler.StepLR(o, 3, gamma=0.5), lambda t: 0.5 ** (t // 3)),
    (lambda o: lr_scheduler.MultiStepLR(o, [2, 9, 9], gamma=0.5), lambda t: 0.5 ** ((t >= 2) + 2 * (t >= 9))),
    (lambda o: lr_scheduler.ExponentialLR(o, 0.9), lambda t: 0.9**t),
    (lambda o: lr_scheduler.ConstantLR(o, 0.25, total_iters=4), lambda t: 0.25 if t < 4 else 1.0),
    (lambda o: lr_scheduler.LinearLR(o, 0.2, total_iters=4), lambda t: 0.2 + 0.8 * min(t, 4) / 4),
    (lambda o: lr_scheduler.PolynomialLR(o, 6, power=2), lambda t: (1 - min(t, 6) / 6) ** 2),
    (lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)), lambda t: 1 / (1 + t)),
    (lambda o: lr_scheduler.CosineAnnealingLR(o, 4), lambda t: (1 + math.cos(math.pi * t / 4)) / 2),
    (
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4, T_mult=2),
        lambda t: (1 + math.cos(math.pi * (t / 4 if t < 4 else (t - 4) / 8 if t < 12 else (t - 12) / 16))) / 2,
    ),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4), lambda t: (1 + math.cos(math.pi * (t % 4) / 4)) / 2),
]


@pytest.mark.parametrize(
    ("make", "formula"), FORMULAS, ids=[make(optimizer()).__class__.__name__ for make, _ in FORMULAS]
)
def test_a_schedule_is_its_formula(make: Callable[[Any], Any], formula: Callable[[int], float]) -> None:
    expected = [0.8 * formula(t) for t in range(20)]
    assert rates(make(optimizer()), 20) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    "make", [make for make, _ in FORMULAS], ids=[type(make(optimizer())).__name__ for make, _ in FORMULAS]
)
def test_a_schedule_goes_on_from_its_state(make: Callable[[Any], Any]) -> None:
    first = make(optimizer())
    rates(first, 7)
    resumed = make(optimizer())
    resumed.optimizer.load_state_dict(first.optimizer.state_dict())
    resumed.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert rates(resumed, 10) == rates(first, 10)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (lr_scheduler.LinearLR, {"total_iters": 9}),
        (lr_scheduler.PolynomialLR, {"total_iters": 9}),
        (lr_scheduler.ExponentialLR, {"gamma": 0.9}),
        (lr_scheduler.CosineAnnealingLR, {"T_max": 9}),
    ],
)
def test_last_epoch_goes_on_with_the_rates_of_the_optimizer(kind: Any, options: dict[str, Any]) -> None:
    first, shared = kind(optimizer(), **options), optimizer()
    rates(first, 4)
    shared.load_state_dict(first.optimizer.state_dict())
    resumed = kind(shared, **options, last_epoch=3)
    assert rates(resumed, 10) == rates(first, 10)


def test_schedules_of_one_optimizer_multiply() -> None:
    shared = optimizer(lr=1.0)
    first, second = lr_scheduler.ExponentialLR(shared, 0.5), lr_scheduler.StepLR(shared, 2, gamma=0.1)
    found = []
    for _ in range(5):
        found.append(shared.param_groups[0]["lr"])
        shared.step()
        first.step()
        second.step()
    assert found == pytest.approx([1, 0.5, 0.025, 0.0125, 0.000625])


def test_every_group_goes_its_own_way() -> None:
    a, b = (Tensor([1.0], requires_grad=True) for _ in range(2))
    a.grad = Tensor([0.0])
    grouped = optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=1.0)
    scheduler = lr_scheduler.LambdaLR(grouped, [lambda t: 0.5**t, lambda t: 1 / (1 + t)])
    assert rates(scheduler, 3) == [1.0, 0.5, 0.5, 0.25, 0.25, pytest.approx(0.5 / 3)]


def test_one_cycle_ends_where_it_says() -> None:
    shared = optimizer(optim.Adam)
    scheduler = lr_scheduler.OneCycleLR(shared, max_lr=1.0, total_steps=102, pct_start=0.5)
    found, betas = [], []
    for _ in range(102):
        found.append(shared.param_groups[0]["lr"])
        betas.append(shared.param_groups[0]["betas"])
        shared.step()
        scheduler.step()
    assert [found[0], found[-1]] == pytest.approx([1 / 25, 1 / 25 / 1e4])
    assert max(found) == pytest.approx(1)
    assert found.index(max(found)) == betas.index(min(betas)) == 50
    assert betas[0] == pytest.approx((0.95, 0.999))
    assert betas[-1] == pytest.approx((0.95, 0.999))
    scheduler.optimizer.step()
    with pytest.raises(ValueError, match="has 102 steps"):
        scheduler.step()


def test_a_plateau_lowers_the_rate_and_waits() -> None:
    shared = optimizer(lr=1.0)
    scheduler = lr_scheduler.ReduceLROnPlateau(shared, factor=0.5, patience=1, cooldown=2, min_lr=0.2)
    found = []
    for loss in [1.0] * 20:
        scheduler.step(Tensor(loss, requires_grad=True))
        found += scheduler.get_last_lr()
    assert found == [1.0] * 2 + [0.5] * 4 + [0.25] * 4 + [0.2] * 10


def test_a_plateau_of_a_measure_that_should_rise() -> None:
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer(lr=1.0), "max", factor=0.5, patience=0, threshold=0.1)
    found = []
    for accuracy in [0.5, 0.54, 0.56, 0.6, 0.62]:  # better by a tenth: 0.5, 0.56, 0.62
        scheduler.step(accuracy)
        found += scheduler.get_last_lr()
    assert found == [1.0, 0.5, 0.5, 0.25, 0.25]


def test_a_plateau_makes_no_tiny_changes() -> None:
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer(lr=1.0), factor=0.5, patience=0, eps=0.2)
    for _ in range(10):
        scheduler.step(1.0)
    assert scheduler.get_last_lr() == [0.25]  # 0.125 would be a change of less


def test_one_cycle_in_three_phases() -> None:
    shared = optimizer(momentum=0.9)
    options: dict[str, Any] = {"pct_start": 0.25, "anneal_strategy": "linear", "three_phase": True}
    scheduler = lr_scheduler.OneCycleLR(shared, 1.0, total_steps=20, div_factor=4.0, final_div_factor=25.0, **options)
    found, momenta = [], []
    for _ in range(20):
        found.append(shared.param_groups[0]["lr"])
        momenta.append(shared.param_groups[0]["momentum"])
        shared.step()
        scheduler.step()
    assert [found[i] for i in (0, 4, 8, 19)] == pytest.approx([0.25, 1.0, 0.25, 0.01])
    assert [momenta[i] for i in (0, 4, 8, 19)] == pytest.approx([0.95, 0.85, 0.95, 0.95])


def test_a_plateau_goes_on_from_its_state() -> None:
    first = lr_scheduler.ReduceLROnPlateau(optimizer(), patience=2)
    for loss in (1.0, 1.0, 1.0):
        first.step(loss)
    resumed = lr_scheduler.ReduceLROnPlateau(optimizer(), patience=2)
    resumed.load_state_dict(first.state_dict())
    resumed.step(1.0)
    assert resumed.get_last_lr() == [pytest.approx(0.08)]


def test_one_after_another_each_from_its_beginning() -> None:
    shared = optimizer(lr=1.0)
    parts: list[LRScheduler] = [
        lr_scheduler.LinearLR(shared, 0.25, total_iters=3),
        lr_scheduler.ExponentialLR(shared, 0.5),
    ]
    scheduler = lr_scheduler.SequentialLR(shared, parts, milestones=[3])
    assert rates(scheduler, 6) == pytest.approx([0.25, 0.5, 0.75, 1.0, 0.5, 0.25])


def test_things_that_are_called_keep_their_attributes_in_the_state() -> None:
    class Warm:
        def __init__(self, epochs: int) -> None:
            self.epochs = epochs

        def __call__(self, epoch: int) -> float:
            return min(1.0, (1 + epoch) / self.epochs)

    first, resumed = (lr_scheduler.LambdaLR(optimizer(), Warm(epochs)) for epochs in (4, 9))
    resumed.load_state_dict(first.state_dict())
    assert resumed.lr_lambdas[0].epochs == 4
    assert lr_scheduler.LambdaLR(optimizer(), lambda _: 1.0).state_dict()["lr_lambdas"] == [None]


def test_the_wrong_order_of_steps_is_told_once() -> None:
    shared = optimizer()
    scheduler = lr_scheduler.StepLR(shared, 3)
    with pytest.warns(UserWarning, match=r"scheduler.step\(\) came before the first optimizer.step\(\)") as told:
        scheduler.step()
    assert told[0].filename == __file__
    shared.step()
    scheduler.step()


def test_an_optimizer_with_a_step_of_its_own_is_not_watched() -> None:
    class Own(optim.SGD):
        def step(self, closure: Any = None) -> None: ...

    scheduler = lr_scheduler.StepLR(optimizer(Own), 3)
    scheduler.optimizer.step()
    scheduler.step()


MISTAKES: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda o: lr_scheduler.StepLR(o.param_groups, 3), TypeError, "of an optimizer, not of a list"),
    (lambda o: lr_scheduler.StepLR(o, 0), ValueError, "step_size is a whole number of epochs above 0, and 0"),
    (lambda o: lr_scheduler.StepLR(o, 3, last_epoch=5), KeyError, "group 0 has no 'initial_lr'"),
    (lambda o: lr_scheduler.CosineAnnealingLR(o, 0), ValueError, "T_max is a whole number"),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 5, T_mult=0), ValueError, "T_mult is a whole number"),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 5).step(-1), ValueError, "epochs count from 0"),
    (lambda o: lr_scheduler.ConstantLR(o, 0.0), ValueError, "factor has to be above 0"),
    (lambda o: lr_scheduler.LinearLR(o, 0.0), ValueError, "start_factor has to be above 0"),
    (lambda o: lr_scheduler.LinearLR(o, end_factor=1.5), ValueError, "end_factor has to be from 0 to 1"),
    (lambda o: lr_scheduler.PolynomialLR(o, 0), ValueError, "total_iters is a whole number"),
    (lambda o: lr_scheduler.LambdaLR(o, [abs, abs]), ValueError, "lr_lambda has 2 values, and the optimizer has 1"),
    (lambda o: lr_scheduler.OneCycleLR(o, 1.0), ValueError, "give total_steps"),
    (lambda o: lr_scheduler.OneCycleLR(o, 1.0, 10, pct_start=30), ValueError, "pct_start is the share"),
    (lambda o: lr_scheduler.OneCycleLR(o, 1.0, 10, anneal_strategy="sin"), ValueError, "'cos' or 'linear'"),
    (lambda o: lr_scheduler.OneCycleLR(optimizer(optim.Adagrad), 1.0, 10), ValueError, "Adagrad has no momentum"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1.0), ValueError, "factor has to be from 0 to below 1"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, mode="less"), ValueError, "mode is 'min'"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, threshold_mode="x"), ValueError, "threshold_mode is"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, min_lr=[0, 0]), ValueError, "min_lr has 2 values"),
    (lambda o: lr_scheduler.SequentialLR(o, [], []), ValueError, "0 schedules one after another"),
    (
        lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 1)], [2]),
        ValueError,
        "1 schedules .* 1 were given",
    ),
    (
        lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.ReduceLROnPlateau(o)], []),
        ValueError,
        "goes by a measure",
    ),
    (
        lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(optimizer(), 1)], []),
        ValueError,
        "schedule 0, StepLR, is of another optimizer",
    ),
    (LRScheduler, NotImplementedError, "def get_lr"),
]


@pytest.mark.parametrize(("make", "error", "said"), MISTAKES, ids=[mistake[2] for mistake in MISTAKES])
def test_mistakes_are_answered(make: Callable[[Any], Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        make(optimizer())
