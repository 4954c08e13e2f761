"""Every schedule beside PyTorch's, for 200 steps, alone and together."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, optim

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")

INTERNAL = {"_is_initial", "_get_lr_called_within_step"}

Make = Callable[[Any, Any], Any]
SCHEDULES: dict[str, Make] = {
    "StepLR": lambda s, o: s.StepLR(o, 30),
    "StepLR gamma": lambda s, o: s.StepLR(o, step_size=7, gamma=0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [3, 50, 50, 120], gamma=0.3),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.97),
    "ConstantLR": lambda s, o: s.ConstantLR(o),
    "ConstantLR factor": lambda s, o: s.ConstantLR(o, factor=0.2, total_iters=40),
    "LinearLR": lambda s, o: s.LinearLR(o),
    "LinearLR down": lambda s, o: s.LinearLR(o, start_factor=1.0, end_factor=0.1, total_iters=150),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o),
    "PolynomialLR power": lambda s, o: s.PolynomialLR(o, total_iters=150, power=2.0),
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda epoch: 0.95**epoch),
    "LambdaLR each": lambda s, o: s.LambdaLR(o, [lambda epoch: 1 / (1 + epoch), lambda epoch: 0.9 ** (epoch // 10)]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda epoch: 0.99 if epoch % 2 else 1.001),
    "MultiplicativeLR each": lambda s, o: s.MultiplicativeLR(o, [lambda epoch: 0.9, lambda epoch: 1 - 1 / (epoch + 2)]),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, 0.1, step_size_up=20),
    "CyclicLR lower": lambda s, o: s.CyclicLR(o, [0.01, 0.02], [0.1, 0.3], 15, 40, "triangular2", base_momentum=0.5),
    "CyclicLR exp": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 15, mode="exp_range", gamma=0.99, cycle_momentum=False),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, T_max=200),
    "CosineAnnealingLR again": lambda s, o: s.CosineAnnealingLR(o, T_max=30, eta_min=1e-3),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 30),
    "CosineAnnealingWarmRestarts longer": lambda s, o: s.CosineAnnealingWarmRestarts(o, 10, T_mult=2, eta_min=1e-3),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, max_lr=0.5, total_steps=200),
    "OneCycleLR epochs": lambda s, o: s.OneCycleLR(o, [0.5, 1.0], epochs=21, steps_per_epoch=10, pct_start=0.25),
    "OneCycleLR linear": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=250, anneal_strategy="linear", div_factor=10.0),
    "OneCycleLR three": lambda s, o: s.OneCycleLR(o, 0.5, 220, three_phase=True, base_momentum=0.8, max_momentum=0.9),
    "OneCycleLR rate only": lambda s, o: s.OneCycleLR(o, 0.5, 220, cycle_momentum=False, final_div_factor=100.0),
    "SequentialLR": lambda s, o: s.SequentialLR(
        o,
        [s.ConstantLR(o, factor=0.1, total_iters=20), s.ExponentialLR(o, gamma=0.95), s.CosineAnnealingLR(o, 50)],
        milestones=[20, 80],
    ),
    "SequentialLR warm-up": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, start_factor=0.1, total_iters=20), s.CosineAnnealingLR(o, T_max=180)], milestones=[20]
    ),
    "SequentialLR restarts": lambda s, o: s.SequentialLR(
        o, [s.StepLR(o, 5), s.CosineAnnealingWarmRestarts(o, 20), s.LambdaLR(o, lambda e: 0.9**e)], milestones=[11, 90]
    ),
}
OPTIMIZERS: dict[str, dict[str, Any]] = {"SGD": {"momentum": 0.9}, "Adam": {}}


def optimizers(name: str) -> tuple[Any, Any]:
    """Two groups with rates of their own, in ours and in PyTorch's; all gradients are 0."""

    def make(package: Any, tensor: Callable[[float], Any]) -> Any:
        parameters = [tensor(1.0), tensor(2.0)]
        for p in parameters:
            p.requires_grad_()
            p.grad = tensor(0.0)
        groups = [{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.3}]
        return getattr(package, name)(groups, lr=0.1, **OPTIMIZERS[name])

    return make(optim, Tensor), make(torch.optim, torch.tensor)


def settings(optimizer: Any) -> list[Any]:
    """The rates, and the momentum that some schedules change with them."""
    return [[g["lr"], g.get("momentum", 0.0), *g.get("betas", ())] for g in optimizer.param_groups]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("make", SCHEDULES.values(), ids=SCHEDULES)
def test_two_hundred_steps_are_pytorchs(make: Make, name: str) -> None:
    ours, theirs = optimizers(name)
    schedule, other = make(optim.lr_scheduler, ours), make(torch.optim.lr_scheduler, theirs)
    for _ in range(200):
        np.testing.assert_allclose(settings(ours), settings(theirs), rtol=1e-12, atol=1e-18)
        np.testing.assert_allclose(schedule.get_last_lr(), other.get_last_lr(), rtol=1e-12, atol=1e-18)
        assert schedule.last_epoch == other.last_epoch
        for part in (ours, theirs, schedule, other):
            part.step()


@pytest.mark.parametrize("make", SCHEDULES.values(), ids=SCHEDULES)
def test_a_schedule_goes_on_from_a_file(make: Make) -> None:
    whole, _ = optimizers("SGD")
    schedule = make(optim.lr_scheduler, whole)
    for _ in range(45):
        whole.step()
        schedule.step()
    half, _ = optimizers("SGD")
    resumed = make(optim.lr_scheduler, half)
    half.load_state_dict(whole.state_dict())
    resumed.load_state_dict(json.loads(json.dumps(schedule.state_dict())))
    for _ in range(100):
        assert settings(half) == settings(whole)
        assert resumed.get_last_lr() == schedule.get_last_lr()
        for part in (whole, half, schedule, resumed):
            part.step()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"patience": 2, "factor": 0.5},
        {"patience": 1, "cooldown": 4, "factor": 0.7},
        {"mode": "max", "patience": 3},
        {"threshold": 0.1, "threshold_mode": "abs", "patience": 2, "factor": 0.6},
        {"mode": "max", "threshold": 0.05, "threshold_mode": "abs", "patience": 1, "factor": 0.9},
        {"min_lr": [0.05, 0.2], "patience": 0, "factor": 0.5},
        {"eps": 0.04, "patience": 1, "factor": 0.5},
    ],
    ids=str,
)
def test_plateaus_are_pytorchs(options: dict[str, Any]) -> None:
    ours, theirs = optimizers("SGD")
    schedule = optim.lr_scheduler.ReduceLROnPlateau(ours, **options)
    other = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
    random, reduced = np.random.default_rng(0), set()
    for step in range(200):
        measure = float(1 + np.exp(-step / 30) + 0.1 * random.standard_normal())
        schedule.step(measure)
        other.step(measure)
        assert settings(ours) == settings(theirs)
        assert schedule.get_last_lr() == other.get_last_lr()
        reduced.add(ours.param_groups[0]["lr"])
    assert len(reduced) > 1 or not options


def test_two_schedules_multiply_as_in_pytorch() -> None:
    ours, theirs = optimizers("SGD")
    pairs = [
        (s.StepLR(o, 10, 0.5), s.CosineAnnealingLR(o, 40, eta_min=0.01), s.ReduceLROnPlateau(o, patience=5, factor=0.8))
        for s, o in ((optim.lr_scheduler, ours), (torch.optim.lr_scheduler, theirs))
    ]
    for _ in range(100):
        for optimizer, (first, second, third) in zip((ours, theirs), pairs, strict=True):
            optimizer.step()
            first.step()
            second.step()
            third.step(1.0)
        np.testing.assert_allclose(settings(ours), settings(theirs), rtol=1e-12)


def test_fractions_of_an_epoch_are_pytorchs() -> None:
    ours, theirs = optimizers("SGD")
    schedule, other = (
        s.CosineAnnealingWarmRestarts(o, T_0=2, T_mult=2)
        for s, o in ((optim.lr_scheduler, ours), (torch.optim.lr_scheduler, theirs))
    )
    for batch in range(100):
        ours.step()
        theirs.step()
        schedule.step(batch / 10)
        other.step(batch / 10)
        np.testing.assert_allclose(settings(ours), settings(theirs), rtol=1e-12)


@pytest.mark.parametrize("name", ["StepLR", "ExponentialLR", "CosineAnnealingLR", "LinearLR", "PolynomialLR"])
def test_last_epoch_goes_on_as_in_pytorch(name: str) -> None:
    make = SCHEDULES[name]
    ours, theirs = optimizers("SGD")
    for package, optimizer in ((optim.lr_scheduler, ours), (torch.optim.lr_scheduler, theirs)):
        first = make(package, optimizer)
        for _ in range(3):
            optimizer.step()
            first.step()
    arguments: dict[str, dict[str, Any]] = {"StepLR": {"step_size": 4}, "ExponentialLR": {"gamma": 0.9}}
    arguments |= {"CosineAnnealingLR": {"T_max": 20}}
    schedule, other = (
        getattr(package, name)(optimizer, **arguments.get(name, {}), last_epoch=3)
        for package, optimizer in ((optim.lr_scheduler, ours), (torch.optim.lr_scheduler, theirs))
    )
    for _ in range(20):
        np.testing.assert_allclose(settings(ours), settings(theirs), rtol=1e-12)
        for part in (ours, theirs, schedule, other):
            part.step()


@pytest.mark.parametrize("three_phase", [True, False])
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_a_cycle_has_pytorchs_state(kind: str, three_phase: bool) -> None:
    def state(package: Any, leaf: Any) -> dict[str, Any]:
        optimizer = getattr(package, kind)([leaf], lr=0.1)
        schedule = package.lr_scheduler.OneCycleLR(optimizer, 0.1, 10, three_phase=three_phase)
        return dict(schedule.state_dict())

    ours = state(optim, Tensor([1.0], requires_grad=True))
    theirs = {name: value for name, value in state(torch.optim, torch.ones(1)).items() if name not in INTERNAL}
    for name in ("base_lrs", "_last_lr"):
        assert ours.pop(name) == pytest.approx(theirs.pop(name))
    assert ours == theirs


def test_a_number_of_epochs_may_be_a_float_that_is_whole() -> None:
    def rates(package: Any, leaf: Any) -> Any:
        optimizer = package.SGD([leaf], lr=1.0)
        schedule = package.lr_scheduler.StepLR(optimizer, 2.0)
        leaf.grad = leaf.detach()
        return [(optimizer.step(), schedule.step(), schedule.get_last_lr()[0])[2] for _ in range(5)]

    ours, theirs = rates(optim, Tensor([1.0], requires_grad=True)), rates(torch.optim, torch.ones(1))
    assert ours == pytest.approx(theirs)
