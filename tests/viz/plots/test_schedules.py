"""Learning rates: those that the schedule sets, of a schedule and an optimizer that stay as they are."""

import copy
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, nn, optim
from tinygrad_edu.optim import lr_scheduler
from tinygrad_edu.train import History, fit
from viz.plots import learning_rates

pytest.importorskip("matplotlib")


def adam(*rates: float) -> optim.Adam:
    groups = [{"params": [Tensor(1.0, requires_grad=True)], "lr": rate} for rate in rates or (0.5,)]
    return optim.Adam(groups)


def rates(axes: Any) -> list[list[float]]:
    return [line.get_ydata().tolist() for line in axes.get_lines()]


def warm_then_fall(optimizer: optim.Optimizer) -> lr_scheduler.LRScheduler:
    parts = [
        lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=3),
        lr_scheduler.CosineAnnealingLR(optimizer, 7),
    ]
    return lr_scheduler.SequentialLR(optimizer, parts, milestones=[3])


MAKERS = {
    "step": lambda optimizer: lr_scheduler.StepLR(optimizer, 3),
    "lambda": lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch)),
    "one cycle": lambda optimizer: lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10),
    "sequential": warm_then_fall,
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_they_are_the_rates_of_a_training(make: Any) -> None:
    optimizer = adam()
    scheduler = make(optimizer)
    used = []
    for _ in range(10):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.param_groups[0]["params"][0].grad = Tensor(0.0)
        optimizer.step()
        if len(used) < 10:
            scheduler.step()
    assert rates(learning_rates(make(adam()), 10)) == [used]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_the_schedule_and_its_optimizer_stay_as_they_are(make: Any) -> None:
    optimizer = adam()
    scheduler = make(optimizer)
    before = copy.deepcopy((scheduler.get_last_lr(), scheduler.last_epoch, optimizer.state_dict()))
    learning_rates(scheduler, 10)
    after = scheduler.get_last_lr(), scheduler.last_epoch, optimizer.state_dict()
    assert repr(after) == repr(before)
    assert scheduler.optimizer is optimizer


def test_a_schedule_that_runs_is_followed_from_where_it_is() -> None:
    optimizer = adam(1.0)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.param_groups[0]["params"][0].grad = Tensor(0.0)
    optimizer.step()
    scheduler.step()
    assert rates(learning_rates(scheduler, 3)) == [[0.5, 0.25, 0.125]]


def test_groups_with_rates_of_their_own_are_lines_of_their_own() -> None:
    axes = learning_rates(lr_scheduler.ExponentialLR(adam(1.0, 1.0, 4.0), 0.5), 2)
    assert rates(axes) == [[1.0, 0.5], [4.0, 2.0]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["ExponentialLR", "ExponentialLR group 2"]


@pytest.mark.parametrize(
    "recorded",
    [History({"loss": [1.0, 1.0], "lr": [0.2, 0.1]}), [0.2, 0.1], np.array([0.2, 0.1]), Tensor([0.2, 0.1])],
)
def test_rates_that_were_recorded_are_drawn(recorded: Any) -> None:
    axes = learning_rates(recorded, log=True)
    assert rates(axes) == [[0.2, 0.1]]
    assert (axes.get_yscale(), axes.get_legend()) == ("log", None)


def test_the_history_of_a_training_has_them() -> None:
    model = nn.Linear(1, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    history = fit(model, (np.ones((4, 1)), np.ones((4, 1))), nn.MSELoss(), optimizer, 3, scheduler=scheduler)
    np.testing.assert_allclose(rates(learning_rates(history)), [[0.1, 0.05, 0.025]])


@pytest.mark.parametrize(
    ("schedule", "steps", "said"),
    [
        (lr_scheduler.ReduceLROnPlateau(adam()), 5, "draw the history that fit returns"),
        (lr_scheduler.StepLR(adam(), 3), None, r"learning_rates\(scheduler, 60\)"),
        (lr_scheduler.StepLR(adam(), 3), 0, r"learning_rates\(scheduler, 60\)"),
        (History({"loss": [1.0]}), None, 'no "lr": give fit a scheduler'),
        ([], None, "one number an epoch"),
    ],
)
def test_what_is_not_known_is_said(schedule: Any, steps: int | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        learning_rates(schedule, steps)
