"""What `fit` promises: the loop that a learner would write, and a clear answer where that would go wrong."""

import json
import math
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import errors, nn, optim
from tinygrad_edu.data import DataLoader, Dataset, IterableDataset, Subset, Table, TensorDataset
from tinygrad_edu.optim import lr_scheduler
from tinygrad_edu.train import Callback, Checkpoint, EarlyStopping, History, Run, evaluate, fit, predict

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
LABELS = (X[:, 0] + X[:, 1] > 0).astype(np.int64)
VALUES = X @ [1.0, -2.0, 0.5] + 0.25


def classifier(seed: int = 0) -> nn.Sequential:
    tg.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))


def line(seed: int = 0) -> nn.Sequential:
    tg.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 1), nn.Flatten(0))


def sgd(model: nn.Module, lr: float = 0.1, **options: Any) -> optim.SGD:
    return optim.SGD(model.parameters(), lr=lr, **options)


def weights(model: nn.Module) -> bytes:
    return b"".join(value.numpy().tobytes() for value in model.state_dict().values())


# The loop


def test_fit_is_the_loop_that_a_learner_writes() -> None:
    by_hand, loss = classifier(), nn.CrossEntropyLoss()
    optimizer, losses = sgd(by_hand), []
    data = TensorDataset(X.astype(np.float32), LABELS)
    for _ in range(3):
        total = 0.0
        for x, y in DataLoader(data, batch_size=16, shuffle=True):
            cost = loss(by_hand(x), y)
            optimizer.zero_grad()
            cost.backward()
            optimizer.step()
            total += cost.item() * len(x)
        losses.append(total / len(data))
    fitted = classifier()
    history = fit(fitted, (X, LABELS), loss, sgd(fitted), 3, batch_size=16)
    assert history["loss"] == losses
    assert weights(fitted) == weights(by_hand)


@pytest.mark.parametrize(("batch_size", "steps"), [(1, 60), (7, 9), (60, 1), (100, 1), ("full", 1), (None, 1)])
def test_stochastic_mini_batch_and_full_batch(batch_size: Any, steps: int) -> None:
    model = line()
    optimizer = sgd(model, 0.01)
    fit(model, (X, VALUES), nn.MSELoss(), optimizer, 2, batch_size=batch_size)
    assert optimizer.steps == 2 * steps


def test_every_epoch_sees_every_sample_once_in_a_new_order() -> None:
    seen: list[list[float]] = []

    def noting(prediction: Any, target: Any) -> Any:
        seen[-1].extend(target.tolist())
        return nn.functional.mse_loss(prediction, target)

    def next_epoch(_: Run) -> None:
        seen.append([])

    numbers = np.arange(60.0)
    for shuffle in (True, False):
        seen[:] = [[]]
        model = line()
        options: dict[str, Any] = {"batch_size": 16, "shuffle": shuffle, "callbacks": [next_epoch]}
        fit(model, (X, numbers), noting, sgd(model, 1e-6), 3, generator=np.random.default_rng(0), **options)
        orders = seen[:-1]
        assert [sorted(order) for order in orders] == [numbers.tolist()] * 3
        assert len({tuple(order) for order in orders}) == (3 if shuffle else 1)
        assert (orders[0] == numbers.tolist()) is not shuffle


class Rows(Dataset[tuple[Any, Any]]):
    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return X[index], LABELS[index]


class Stream(IterableDataset[tuple[Any, Any]]):
    def __iter__(self) -> Any:
        return zip(X, LABELS, strict=True)


@pytest.mark.parametrize(
    "data",
    [
        (X, LABELS),
        [X.tolist(), LABELS.tolist()],
        (tg.Tensor(X), tg.Tensor(LABELS)),
        Table(X, LABELS),
        TensorDataset(X, LABELS),
        Subset(TensorDataset(X, LABELS), range(60)),
        Rows(),
        Stream(),
        DataLoader(Rows(), batch_size=10),
        DataLoader(TensorDataset(X, LABELS), batch_size=10, num_workers=1),
    ],
    ids=lambda data: type(data).__name__,
)
def test_data_may_be_arrays_data_sets_or_loaders(data: Any) -> None:
    model = classifier()
    history = fit(model, data, nn.CrossEntropyLoss(), sgd(model), 2, batch_size=10, shuffle=False)
    same = classifier()
    assert history == fit(same, (X, LABELS), nn.CrossEntropyLoss(), sgd(same), 2, batch_size=10, shuffle=False)
    assert weights(model) == weights(same)
    assert evaluate(model, data, nn.CrossEntropyLoss()) == pytest.approx(
        evaluate(same, (X, LABELS), nn.CrossEntropyLoss()), rel=1e-6
    )


def test_inputs_and_targets_come_in_the_dtype_of_the_model() -> None:
    found: list[Any] = []

    class Noting(nn.Module):
        def __init__(self, layer: nn.Module) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Any) -> Any:
            found.append(x.dtype)
            return self.layer(x)

    def loss(output: Any, target: Any) -> Any:
        found.append(target.dtype)
        return (output * target[0]).sum()

    layer = nn.Linear(3, 1)
    for given, target, kind, wanted in [
        (X, VALUES, "float", [np.float32, np.float32]),
        (X, VALUES, "double", [np.float64, np.float64]),
        (X.astype(np.int64), LABELS, "float", [np.float32, np.int64]),
        (X > 0, X[:, 0] > 0, "float", [np.float32, np.bool_]),
    ]:
        found.clear()
        model = getattr(Noting(layer), kind)()
        fit(model, (given, target), loss, sgd(model, 0.0), batch_size="full")
        assert found == wanted


def test_whole_numbers_stay_what_they_are_where_they_pick_embeddings() -> None:
    tg.manual_seed(0)
    model = nn.Sequential(nn.Embedding(4, 2), nn.Flatten(), nn.Linear(6, 2))
    words = RNG.integers(0, 4, (60, 3))
    history = fit(model, (words, LABELS), nn.CrossEntropyLoss(), sgd(model), 2)
    assert history.epochs == 2
    assert predict(model, words).shape == (60, 2)


def test_several_inputs_come_before_the_target() -> None:
    tg.manual_seed(0)
    model = nn.Bilinear(2, 1, 1)
    fit(model, (X[:, :2], X[:, 2:], VALUES[:, None]), nn.MSELoss(), sgd(model), 2)
    whole = model(tg.Tensor(X[:, :2]).float(), tg.Tensor(X[:, 2:]).float())
    assert np.allclose(predict(model, (X[:, :2], X[:, 2:]), batch_size=7), whole.detach())


# Modes, validation, prediction


def test_the_model_trains_in_training_mode_is_judged_in_evaluation_mode_and_left_as_it_was() -> None:
    modes = []

    class Noting(nn.Linear):
        def forward(self, input: Any) -> Any:
            modes.append(self.training)
            return super().forward(input)

    model = nn.Sequential(Noting(3, 2), nn.Dropout(0.5)).eval()
    model[1].train()
    fit(model, (X, LABELS), nn.CrossEntropyLoss(), sgd(model), 2, batch_size=30, validation=(X, LABELS))
    assert modes == [True, True, False] * 2
    assert [module.training for module in model.modules()] == [False, False, True]
    predict(model, X)
    evaluate(model, (X, LABELS), nn.CrossEntropyLoss())
    assert modes[-2:] == [False, False]
    assert model[1].training


def test_validation_is_measured_after_the_epoch_and_not_learned_from() -> None:
    model = classifier()
    seen: list[dict[str, float]] = []

    def look(run: Run) -> None:
        seen.append(evaluate(run.model, (X[:20], LABELS[:20]), nn.CrossEntropyLoss(), ["accuracy"]))

    options: dict[str, Any] = {"validation": (X[:20], LABELS[:20]), "metrics": ["accuracy"], "callbacks": [look]}
    history = fit(model, (X[20:], LABELS[20:]), nn.CrossEntropyLoss(), sgd(model), 3, **options)
    assert history["val_loss"] == [found["loss"] for found in seen]
    assert history["val_accuracy"] == [found["accuracy"] for found in seen]
    alone = classifier()
    fit(alone, (X[20:], LABELS[20:]), nn.CrossEntropyLoss(), sgd(alone), 3)
    assert weights(model) == weights(alone)


def test_a_prediction_does_not_depend_on_how_many_are_made_at_once() -> None:
    model = classifier()
    whole = predict(model, X)
    assert whole.shape == (60, 2)
    assert not whole.requires_grad
    assert np.allclose(predict(model, X, batch_size=7), whole, rtol=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_loss_of_an_epoch_is_that_of_all_samples_whatever_the_batches(reduction: str) -> None:
    model, loss = line(), nn.MSELoss(reduction=reduction)
    whole = loss(predict(model, X), tg.Tensor(VALUES)).item()
    for batch_size in (1, 7, 1000):
        assert evaluate(model, (X, VALUES), loss, batch_size=batch_size)["loss"] == pytest.approx(whole, rel=1e-5)
    history = fit(model, (X, VALUES), loss, sgd(model, 0.0), batch_size=7)
    assert history["loss"] == pytest.approx([whole], rel=1e-5)


# Metrics


@pytest.mark.parametrize(
    ("loss", "scores", "targets", "wanted"),
    [
        (nn.CrossEntropyLoss(), [[2.0, 1.0], [0.0, 5.0], [3.0, 4.0]], [0, 1, 0], 2 / 3),
        (nn.BCEWithLogitsLoss(), [[0.3], [-0.3], [9.0], [0.6]], [[1.0], [0.0], [0.0], [1.0]], 3 / 4),
        (nn.BCELoss(), [0.3, 0.6, 0.9], [0.0, 0.0, 1.0], 2 / 3),
        (nn.BCEWithLogitsLoss(), [[0.3, -1.0, 2.0]], [[1.0, 1.0, 1.0]], 2 / 3),
        (nn.MSELoss(), [0.3, 0.6, 0.9], [0.0, 0.0, 1.0], 2 / 3),
    ],
)
def test_accuracy_knows_a_logit_from_a_probability_by_the_loss(
    loss: Any, scores: Any, targets: Any, wanted: float
) -> None:
    assert evaluate(nn.Identity(), (scores, targets), loss, ["accuracy"])["accuracy"] == pytest.approx(wanted)


def test_metrics_are_of_all_predictions_of_the_epoch_and_no_mean_over_batches() -> None:
    targets = np.array([0, 0, 0, 0, 1, 1])
    scores = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    found = evaluate(nn.Identity(), (scores, targets), nn.CrossEntropyLoss(), ["precision"], batch_size=2)
    assert found["precision"] == pytest.approx(1 / 3)  # of 3 that were said to be 1; the mean over batches is 0.5


def test_metrics_may_be_functions_with_names_of_their_own() -> None:
    def worst(predictions: Any, targets: Any) -> Any:
        return abs(predictions - targets).max()

    given = ([[1.0], [2.0]], [[1.5], [4.0]])
    assert evaluate(nn.Identity(), given, nn.MSELoss(), [worst, "mae"]) == {"loss": 2.125, "worst": 2.0, "mae": 1.25}
    named = evaluate(nn.Identity(), given, nn.MSELoss(), {"largest error": worst})
    assert named == {"loss": 2.125, "largest error": 2.0}
    with pytest.raises(ValueError, match="no metric is called 'acuracy': do you mean 'accuracy'"):
        evaluate(nn.Identity(), given, nn.MSELoss(), ["acuracy"])
    for wrong in ("accuracy", worst):
        with pytest.raises(TypeError, match=r"metrics is a list, as \[\"accuracy\"\]"):
            evaluate(nn.Identity(), given, nn.MSELoss(), wrong)
    with pytest.raises(TypeError, match="a metric is a name"):
        evaluate(nn.Identity(), given, nn.MSELoss(), [3])  # type: ignore[list-item] # on purpose


# Penalties, clipping, schedules


def test_the_square_penalty_is_the_weight_decay_of_gradient_descent_but_for_biases() -> None:
    ours, theirs = classifier(), classifier()
    fit(ours, (X, LABELS), nn.CrossEntropyLoss(), sgd(ours), 3, shuffle=False, l2=0.05)
    named = dict(theirs.named_parameters())
    groups = [
        {"params": [p for name, p in named.items() if "weight" in name], "weight_decay": 0.1},
        {"params": [p for name, p in named.items() if "bias" in name]},
    ]
    fit(theirs, (X, LABELS), nn.CrossEntropyLoss(), optim.SGD(groups, lr=0.1), 3, shuffle=False)
    for (name, a), (_, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert np.allclose(a.detach(), b.detach(), rtol=1e-5, atol=1e-7), name


def test_the_absolute_penalty_finds_the_lasso_with_its_exact_zeros() -> None:
    """Of an orthogonal problem the Lasso is known: each coefficient of least squares, lr-free, moved towards 0."""
    q, _ = np.linalg.qr(RNG.standard_normal((40, 4)))
    y = q @ [3.0, -2.0, 0.1, 0.0]
    wanted = np.sign([3.0, -2.0, 0.1, 0.0]) * np.maximum(abs(np.array([3.0, -2.0, 0.1, 0.0])) - 0.25, 0)
    model = nn.Linear(4, 1, bias=False).double()
    loss = nn.MSELoss(reduction="sum")  # |q w - y|^2 + l1 |w|: half of l1 off each coefficient
    history = fit(model, (q, y[:, None]), loss, sgd(model, 0.1), 200, batch_size="full", l1=0.5)
    assert np.allclose(model.weight.detach()[0], wanted, atol=1e-9)
    assert (model.weight.detach()[0] == 0).tolist() == [False, False, True, True]
    assert history["penalty"][-1] == pytest.approx(0.5 * abs(wanted).sum())
    fit(model, (q, y[:, None]), loss, sgd(model, 0.1), 200, batch_size="full", l2=0.5)
    assert (model.weight.detach()[0] != 0).all()


def test_the_penalty_is_beside_the_loss_and_not_in_it() -> None:
    model = line()
    plain = evaluate(model, (X, VALUES), nn.MSELoss())["loss"]
    history = fit(model, (X, VALUES), nn.MSELoss(), sgd(model, 0.0), l1=2.0, l2=3.0, batch_size="full")
    w = model[0].weight.detach()
    assert history["loss"] == pytest.approx([plain], rel=1e-6)
    assert history["penalty"] == pytest.approx([(2 * abs(w) + 3 * w * w).sum().item()], rel=1e-6)


def test_gradients_are_clipped_together() -> None:
    model = line()
    before = weights(model)
    start = {name: p.clone().detach() for name, p in model.named_parameters()}
    fit(model, (X, 1000 * VALUES), nn.MSELoss(), sgd(model, 1.0), batch_size="full", clip_norm=0.5)
    moved = [(p.detach() - start[name]).ravel() for name, p in model.named_parameters()]
    assert np.linalg.norm(np.concatenate([m.numpy() for m in moved])) == pytest.approx(0.5, rel=1e-4)
    assert weights(model) != before


def test_a_schedule_is_stepped_after_every_epoch_one_cycle_after_every_batch() -> None:
    model = line()
    optimizer = sgd(model, 0.08)
    halved = lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    history = fit(model, (X, VALUES), nn.MSELoss(), optimizer, 4, scheduler=halved)
    assert history["lr"] == pytest.approx([0.08, 0.04, 0.02, 0.01])  # with which the epoch was learned
    optimizer = sgd(model, 0.1, momentum=0.9)
    cycle = lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=3 * 6)
    fit(model, (X, VALUES), nn.MSELoss(), optimizer, 3, batch_size=10, scheduler=cycle)
    assert cycle.last_epoch == 18


def test_a_plateau_is_one_of_the_validation_loss() -> None:
    model = line()
    optimizer = sgd(model, 0.1)
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    worse = (X, -VALUES)  # gets worse while the training gets better
    history = fit(model, (X, VALUES), nn.MSELoss(), optimizer, 4, scheduler=plateau, validation=worse)
    assert history["loss"] == sorted(history["loss"], reverse=True)
    assert history["val_loss"] == sorted(history["val_loss"])
    assert history["lr"] == pytest.approx([0.1, 0.1, 0.05, 0.025])


# Stopping


def test_early_stopping_goes_back_to_the_best_epoch() -> None:
    states, model = [], line()
    stopping = EarlyStopping(patience=2)
    options: dict[str, Any] = {"validation": (X, 0.1 * VALUES), "batch_size": "full"}
    callbacks = [stopping, lambda run: states.append(weights(run.model))]
    history = fit(model, (X, VALUES), nn.MSELoss(), sgd(model, 0.02), 50, callbacks=callbacks, **options)
    best = history.best.epoch
    assert 1 < best == history.epochs - 2 < 48
    assert history["val_loss"][best - 1] == min(history["val_loss"])
    assert weights(model) == states[best - 1] != states[-1]
    assert f"val_loss was best in epoch {best}" in str(history.stopped)
    assert "stopped: val_loss" in repr(history)
    again = line()
    options["callbacks"] = [EarlyStopping(patience=2, restore_best=False)]
    fit(again, (X, VALUES), nn.MSELoss(), sgd(again, 0.02), 50, **options)
    assert weights(again) == states[-1]


def test_early_stopping_also_goes_back_where_all_epochs_were_run_and_may_be_used_again() -> None:
    stopping = EarlyStopping(patience=20)
    for _ in range(2):
        model = line()
        options: dict[str, Any] = {"validation": (X, 0.1 * VALUES), "callbacks": [stopping], "batch_size": "full"}
        history = fit(model, (X, VALUES), nn.MSELoss(), sgd(model, 0.02), 18, **options)
        assert history.stopped is None
        assert evaluate(model, options["validation"], nn.MSELoss())["loss"] == min(history["val_loss"])


class Told(Callback):
    """Says of every epoch what it was told to."""

    def __init__(self, values: list[float], name: str = "val_loss") -> None:
        self.values, self.name = values, name

    def on_epoch_end(self, run: Run) -> None:
        run.history.setdefault(self.name, []).append(self.values[run.epoch - 1])


@pytest.mark.parametrize(
    ("values", "options", "epochs"),
    [
        ([3, 2, 1, 1, 1, 1], {"patience": 2}, 5),
        ([3, 2, 1, 2, 0.5, 1, 1, 0], {"patience": 2}, 7),
        ([3, 2.9, 2.8, 2.7], {"patience": 2, "min_delta": 0.5}, 3),
        ([1, math.nan, math.nan, 1], {"patience": 2}, 3),
        ([math.nan, 1, 2, 3], {"patience": 2}, 4),
        ([1, 2, 3, 2, 2, 2], {"patience": 2, "mode": "max"}, 5),
        ([1, 2, 3, 4], {"patience": 9}, 4),
    ],
)
def test_patience(values: list[float], options: dict[str, Any], epochs: int) -> None:
    model = line()
    stopping = EarlyStopping(monitor="val_loss", **options)
    fit(model, (X, VALUES), nn.MSELoss(), sgd(model), len(values), callbacks=[Told(values), stopping])
    history = fit(model, (X, VALUES), nn.MSELoss(), sgd(model), len(values), callbacks=[Told(values), stopping])
    assert history.epochs == epochs


def test_more_accuracy_is_better_and_of_an_unknown_measure_one_has_to_say() -> None:
    model = line()
    told = Told([0.5, 0.9, 0.8, 0.7, 0.6], "val_accuracy")
    stopping = EarlyStopping(patience=2, monitor="val_accuracy")
    history = fit(model, (X, VALUES), nn.MSELoss(), sgd(model), 5, callbacks=[told, stopping])
    assert (history.epochs, stopping.best_epoch) == (4, 2)
    for name, message in [
        ("val_beauty", "is more of 'val_beauty' better"),
        ("val_los", "'val_los' is not among .*'lo"),
    ]:
        callbacks = [Told([1.0], "val_beauty"), EarlyStopping(monitor=name)]
        with pytest.raises(ValueError, match=message):
            fit(model, (X, VALUES), nn.MSELoss(), sgd(model), 1, callbacks=callbacks)


def test_a_callback_may_stop_the_training() -> None:
    model = line()

    def late(run: Run) -> None:
        if run.epoch == 3:
            run.stop("it was late")

    history = fit(model, (X, VALUES), nn.MSELoss(), sgd(model), 10, callbacks=late)
    assert (history.epochs, history.stopped) == (3, "it was late")


@pytest.fixture
def ctrl_c_raises() -> Iterator[None]:
    """As in a terminal: a shell starts what runs in the background with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupting(nn.MSELoss):
    """Presses Ctrl-C in its n-th call, as often as it is told."""

    def __init__(self, call: int, times: int = 1) -> None:
        super().__init__()
        self.left, self.times = call, times

    def forward(self, input: Any, target: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)
        return super().forward(input, target)


@pytest.mark.usefixtures("ctrl_c_raises")
def test_ctrl_c_ends_after_the_batch_with_the_history_so_far(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = line()
    optimizer, handler = sgd(model, 0.01), signal.getsignal(signal.SIGINT)
    options: dict[str, Any] = {"batch_size": 10, "callbacks": [Checkpoint(tmp_path / "file")]}
    history = fit(model, (X, VALUES), Interrupting(15), optimizer, 100, **options)
    assert (history.epochs, history.stopped, optimizer.steps) == (2, "Ctrl-C in epoch 3", 15)
    assert "ends after this batch" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is handler
    assert predict(model, X).shape == (60,)
    assert tg.load(tmp_path / "file")["epoch"] == 2


@pytest.mark.usefixtures("ctrl_c_raises")
def test_ctrl_c_in_the_last_batch_loses_no_epoch(tmp_path: Path) -> None:
    model = line()
    options: dict[str, Any] = {"batch_size": 10, "callbacks": [Checkpoint(tmp_path / "file", every=9)]}
    history = fit(model, (X, VALUES), Interrupting(12), sgd(model, 0.01), 100, **options)
    assert (history.epochs, history.stopped) == (2, "Ctrl-C in epoch 2")
    assert tg.load(tmp_path / "file")["epoch"] == 2


@pytest.mark.usefixtures("ctrl_c_raises")
def test_a_second_ctrl_c_raises_at_once() -> None:
    model, handler = line(), signal.getsignal(signal.SIGINT)
    optimizer = sgd(model)
    with pytest.raises(KeyboardInterrupt):
        fit(model, (X, VALUES), Interrupting(3, times=2), optimizer, 100, batch_size=10)
    assert optimizer.steps == 2
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_thread_and_a_program_with_a_handler_of_its_own_are_left_alone() -> None:
    model, heard, done = line(), [], []

    def train() -> None:
        done.append(fit(model, (X, VALUES), nn.MSELoss(), sgd(model), 2).epochs)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    handler = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        assert fit(model, (X, VALUES), Interrupting(3), sgd(model), 2).stopped is None
    finally:
        signal.signal(signal.SIGINT, handler)
    assert (heard, done) == ([1], [2])


# Resuming

PROGRAM = """
import json, sys
import numpy as np
import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.train import Checkpoint, EarlyStopping, fit

path, epochs, resume, out = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "resume", sys.argv[4]
tg.manual_seed(7 if resume else 0)  # a program that goes on has another past
X = np.random.default_rng(0).standard_normal((60, 3))
y = (X[:, 0] > 0).astype(int)
model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))
optimizer = optim.Adam(model.parameters(), lr=0.02)
history = fit(
    model, (X[:50], y[:50]), nn.CrossEntropyLoss(), optimizer, epochs, batch_size=16,
    generator=np.random.default_rng(5), validation=(X[50:], y[50:]), metrics=["accuracy"],
    scheduler=optim.lr_scheduler.CosineAnnealingLR(optimizer, 6),
    callbacks=[Checkpoint(path), EarlyStopping(patience=50)], resume=path if resume else None,
)
tg.save(model.state_dict(), out)
print(json.dumps(history))
"""


def run_program(*arguments: Any) -> dict[str, list[float]]:
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own script
    assert done.returncode == 0, done.stderr
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


def bits(tree: Any) -> Any:
    """A checkpoint with the bytes of its arrays in their place."""
    if isinstance(tree, dict):
        return {key: bits(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [bits(value) for value in tree]
    return tree.numpy().tobytes() if isinstance(tree, tg.Tensor) else tree


def test_six_epochs_are_three_and_three_more_in_another_process_bit_for_bit(tmp_path: Path) -> None:
    whole = run_program(tmp_path / "a", 6, "anew", tmp_path / "whole")
    run_program(tmp_path / "b", 3, "anew", tmp_path / "half")
    resumed = run_program(tmp_path / "b", 6, "resume", tmp_path / "resumed")
    assert resumed == whole
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "whole").read_bytes()
    assert bits(tg.load(tmp_path / "b")) == bits(tg.load(tmp_path / "a"))
    assert (tmp_path / "half").read_bytes() != (tmp_path / "whole").read_bytes()


SCHEDULES: dict[str, Any] = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 2),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [1, 3]),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0, threshold=0.5),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o, total_iters=4),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(
        o, 0.02, total_steps=10, cycle_momentum=not o.defaults.keys().isdisjoint(("momentum", "betas"))
    ),
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 1 / (1 + epoch)),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.ConstantLR(o, total_iters=1), lr_scheduler.ExponentialLR(o, 0.5)], milestones=[2]
    ),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("kind", [optim.SGD, optim.RMSprop, optim.Adagrad, optim.Adam, optim.AdamW, optim.Adadelta])
def test_every_optimizer_and_schedule_goes_on_bit_for_bit(kind: Any, schedule: str, tmp_path: Path) -> None:
    def train(epochs: int, **options: Any) -> tuple[History, bytes]:
        model = line()
        momentum = {"momentum": 0.9} if kind in (optim.SGD, optim.RMSprop) else {}
        optimizer = kind(model.parameters(), lr=0.01, **momentum)
        options |= {"scheduler": SCHEDULES[schedule](optimizer), "batch_size": 30}
        return fit(model, (X, VALUES), nn.MSELoss(), optimizer, epochs, **options), weights(model)

    train(2, callbacks=[Checkpoint(tmp_path / "file")])
    tg.manual_seed(9)
    assert train(5, resume=tmp_path / "file") == train(5)


@pytest.mark.parametrize("rate", [0.02, 0.5], ids=["the same rate", "made anew with another rate"])
def test_a_training_with_l1_goes_on_bit_for_bit_with_the_rates_of_its_schedule(rate: float, tmp_path: Path) -> None:
    def train(epochs: int, lr: float = 0.02, **options: Any) -> bytes:
        model = line()
        optimizer = sgd(model, lr)
        schedule = lr_scheduler.StepLR(optimizer, 1, 0.5)
        fit(model, (X, VALUES), nn.MSELoss(), optimizer, epochs, scheduler=schedule, l1=0.1, **options)
        return weights(model)

    train(2, callbacks=[Checkpoint(tmp_path / "file")])
    assert train(5, rate, resume=tmp_path / "file") == train(5)


class Failing(Dataset[Any]):
    """Pairs of which number 7 cannot be read, once `broken` says so."""

    broken = False

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> Any:
        if self.broken and index == 7:
            raise OSError("the disk is gone")
        return X[index], VALUES[index]


@pytest.mark.parametrize("what", ["training", "validation", "callback"])
def test_whatever_is_raised_carries_the_history_and_says_where(what: str) -> None:
    parts = {"training": Failing(), "validation": Failing()}

    def breaks(run: Run) -> None:
        if run.epoch == 2 and what == "callback":
            raise OSError("the disk is gone")
        if run.epoch == 2:
            parts[what].broken = True

    model = line()
    with pytest.raises(OSError, match="the disk is gone") as caught:
        fit(
            model, parts["training"], nn.MSELoss(), sgd(model, 0.01), 5,
            batch_size=5, shuffle=False, validation=parts["validation"], callbacks=[breaks],
        )  # fmt: skip
    place = {"training": "batch 2 of the training data, epoch 3", "validation": "batch 1 of the validation data, epoch"}
    assert caught.value.history.epochs == 2
    assert place.get(what, "fit: epoch 2;") in caught.value.__notes__[-1]


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.NLLLoss()])
def test_a_label_that_is_no_class_is_told_by_its_row_before_anything_is_learned(loss: Any) -> None:
    wrong, model = LABELS.copy(), classifier()
    wrong[[41, 50]] = 2
    before = weights(model)
    said = r"label in row 41 \(counted from 0\) of the {} data is 2, and the model scores 2 classes"
    forms: list[Any] = [(X, wrong), TensorDataset(X, wrong), DataLoader(TensorDataset(X, wrong), 4, shuffle=True)]
    for data in [*forms, Subset(TensorDataset(X, wrong), [3, 41])]:
        for size in (4, "full"):
            with pytest.raises(errors.DataError, match=said.format("training")):
                fit(model, data, loss, sgd(model), batch_size=size)
        with pytest.raises(errors.DataError, match=said.format("validation")):
            fit(model, (X, LABELS), loss, sgd(model), validation=data)
        with pytest.raises(errors.DataError, match=said.format("evaluation")):
            evaluate(model, data, loss)
    assert weights(model) == before
    with pytest.raises(errors.DataError, match=r"row 0 .* is -1, .*\(y \+ 1\) // 2 makes 0 and 1"):
        fit(model, (X, LABELS - 1 - LABELS[0]), loss, sgd(model))
    left_out = type(loss)(ignore_index=2)
    fit(model, (X, wrong), left_out, sgd(model))


def test_a_list_of_pairs_is_a_data_set() -> None:
    model, same = classifier(), classifier()
    fit(model, list(zip(X.astype(np.float32), LABELS, strict=True)), nn.CrossEntropyLoss(), sgd(model), shuffle=False)
    fit(same, (X, LABELS), nn.CrossEntropyLoss(), sgd(same), shuffle=False)
    assert weights(model) == weights(same)


class Word(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.LSTM(3, 2)

    def forward(self, x: Any) -> Any:
        return self.layer(x)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"data": ([[1, 2, 3], [1, 2]], [0, 1])}, errors.DataError, "X is no array, because its rows have different"),
        ({"data": (X, [[1], [1, 2]])}, errors.DataError, "y is no array, because its rows"),
        ({"data": (X,)}, errors.DataError, "nothing beside X"),
        ({"validation": (X,)}, errors.DataError, "nothing beside X"),
        ({"data": (X, X, LABELS)}, errors.DataError, "there are 2 inputs before the targets, and Sequential.forward"),
        ({"loss": nn.CrossEntropyLoss}, TypeError, r"CrossEntropyLoss is a class, .* CrossEntropyLoss\(\)"),
        ({"loss": "mse"}, TypeError, r"a loss is a function .* and not 'mse'"),
        ({"callbacks": [EarlyStopping]}, TypeError, r"EarlyStopping is a class, .* EarlyStopping\(\.\.\.\)"),
        ({"callbacks": EarlyStopping}, TypeError, "EarlyStopping is a class"),
        ({"scheduler": lr_scheduler.StepLR}, TypeError, r"StepLR is a class, .* StepLR\(optimizer, "),
        ({"model": Word()}, errors.TrainingError, r"returns a tuple of 2, and CrossEntropyLoss takes one Tensor"),
    ],
)
def test_what_fit_is_given_wrongly_is_told_in_words(given: dict[str, Any], error: Any, said: str) -> None:
    options = {"model": classifier(), "data": (X, LABELS), "loss": nn.CrossEntropyLoss()} | given
    model = options.pop("model")
    with pytest.raises(error, match=said):
        fit(model, options.pop("data"), options.pop("loss"), sgd(model), **options)


def test_a_loaders_own_generator_is_resumed_too(tmp_path: Path) -> None:
    def train(epochs: int, seed: int, **options: Any) -> nn.Module:
        model = line()
        loader = DataLoader(TensorDataset(X, VALUES), 16, shuffle=True, generator=np.random.default_rng(seed))
        fit(model, loader, nn.MSELoss(), sgd(model, 0.01), epochs, **options)
        return model

    train(2, 3, callbacks=[Checkpoint(tmp_path / "file")])
    assert weights(train(4, 9, resume=tmp_path / "file")) == weights(train(4, 3))


def test_a_training_that_was_stopped_early_stays_so_but_for_more_patience(tmp_path: Path) -> None:
    def train(patience: int, **options: Any) -> Any:
        model = line()
        callbacks = [EarlyStopping(patience), Checkpoint(tmp_path / "file")]
        validation = (X, 0.1 * VALUES)
        options |= {"callbacks": callbacks, "validation": validation, "batch_size": "full"}
        return fit(model, (X, VALUES), nn.MSELoss(), sgd(model, 0.02), 40, **options), weights(model)

    history, found = train(3)
    assert history.epochs < 40
    again, same = train(3, resume=tmp_path / "file")
    assert (dict(again), again.stopped, same) == (dict(history), history.stopped, found)
    more, _ = train(5, resume=tmp_path / "file")
    assert more.epochs == history.epochs + 2


def test_a_checkpoint_that_does_not_fit_says_why(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def train(model: Any = None, optimizer: Any = None, **options: Any) -> History:
        model = line() if model is None else model
        return fit(model, (X, VALUES), nn.MSELoss(), optimizer or sgd(model), 2, **options)

    train(callbacks=[EarlyStopping(), Checkpoint(path)])
    with pytest.raises(errors.CheckpointError, match=r"with 1 callbacks that remember.*, and this one has 0"):
        train(resume=path)
    with pytest.raises(errors.CheckpointError, match="with 1 generators, and this one has 2"):
        train(callbacks=[EarlyStopping()], resume=path, generator=np.random.default_rng(0))
    train(callbacks=[Checkpoint(path), EarlyStopping(), print], resume=path)
    train(callbacks=[Checkpoint(path)])
    model = line()
    optimizer = sgd(model)
    schedule = lr_scheduler.StepLR(optimizer, 1)
    with pytest.raises(errors.CheckpointError, match="with 0 schedulers, and this one has 1"):
        train(model, optimizer, callbacks=[Checkpoint(path)], resume=path, scheduler=schedule)
    with pytest.raises(errors.StateDictError, match="shape"):
        train(nn.Sequential(nn.Linear(3, 2)), callbacks=[Checkpoint(path)], resume=path)
    with pytest.raises(FileNotFoundError):
        train(resume=tmp_path / "nothing")
    tg.save(line().state_dict(), path)
    with pytest.raises(errors.CheckpointError, match="no training that was begun"):
        train(resume=path)
    path.write_bytes(b"")
    with pytest.raises(errors.CheckpointError, match="cut short"):
        train(resume=path)


def test_checkpoints_are_saved_every_so_often_after_the_last_epoch_and_where_it_was_best(tmp_path: Path) -> None:
    saved: list[int] = []

    def look(name: str, **options: Any) -> list[int]:
        saved.clear()
        path, model = tmp_path / name, line()

        class Noting(Checkpoint):
            def on_epoch_end(self, run: Run) -> None:
                before = path.stat().st_mtime_ns if path.exists() else None
                super().on_epoch_end(run)
                if path.exists() and path.stat().st_mtime_ns != before:
                    saved.append(tg.load(path)["epoch"])

        told = Told([5, 4, 6, 3, 3, 7, 8])
        fit(model, (X, VALUES), nn.MSELoss(), sgd(model), 7, callbacks=[Noting(path, **options), told])
        return list(saved)

    assert look("all") == [1, 2, 3, 4, 5, 6, 7]
    assert look("some", every=3) == [3, 6, 7]
    assert look("best", best_only=True, monitor="val_loss") == [1, 2, 4]
    with pytest.raises(ValueError, match="every is a number of epochs"):
        Checkpoint(tmp_path / "file", every=0)


def test_a_checkpoint_knows_what_the_other_callbacks_know_after_the_epoch(tmp_path: Path) -> None:
    every, best = Checkpoint(tmp_path / "every"), Checkpoint(tmp_path / "best", best_only=True, monitor="val_loss")
    model = line()
    callbacks = [Told([5.0, 4.0, 3.0]), every, best, EarlyStopping(monitor="val_loss", restore_best=False)]
    fit(model, (X, VALUES), nn.MSELoss(), sgd(model), 3, callbacks=callbacks)
    for path in (every.path, best.path):
        assert [state["best"] for state in tg.load(path)["callbacks"]] == [3.0, 3.0]


# What would go wrong


def bad(pattern: str, kind: type[Exception], X: Any = X, y: Any = VALUES, **options: Any) -> None:  # noqa: N803
    model = line()
    before = weights(model)
    with pytest.raises(kind, match=pattern):
        fit(model, (X, y), nn.MSELoss(), sgd(model), **options)
    assert weights(model) == before


def test_data_that_cannot_be_learned_from() -> None:
    holes = X.copy()
    holes[[4, 7], 1] = np.nan, np.inf
    bad(r"X has nan or infinite numbers in rows 4, 7 \(counted from 0\)", errors.DataError, X=holes)
    bad(r"y has nan or infinite numbers in row 2 ", errors.DataError, y=np.where(np.arange(60) == 2, np.nan, VALUES))
    many = np.where(np.arange(60)[:, None] < 9, np.nan, X)
    bad("rows 0, 1, 2, 3, 4 and 4 more", errors.DataError, X=many)
    bad(r"60 in X and 59 in y.*shapes \(60, 3\) and \(59,\)", errors.DataError, y=VALUES[1:])
    bad(r"X has shape \(0, 3\): there is not one sample", errors.DataError, X=X[:0], y=VALUES[:0])
    bad("X is a single number", errors.DataError, X=1.0, y=1.0)
    bad("y holds <U1", errors.DataError, y=np.array(["a"] * 60))
    bad("y holds nothing", errors.DataError, y=None)
    for size in (0, -1, 2.5, True, "all"):
        bad(f"batch_size .* and {size!r} was given", errors.DataError, batch_size=size)


def test_large_finite_numbers_are_no_holes() -> None:
    large = np.full((4, 1), 3e38, np.float32)
    assert predict(nn.Identity(), large).shape == (4, 1)


def test_arguments_that_make_no_sense() -> None:
    for epochs in (-1, 1.5, True):
        bad("epochs is how often all data are seen", ValueError, epochs=epochs)
    bad("clip_norm is how long", ValueError, clip_norm=0)
    bad("l1 is how much", ValueError, l1=-1.0)
    bad("l2 is how much", ValueError, l2=math.nan)
    for options, message in [
        ({"patience": 0}, "patience is a number"),
        ({"min_delta": -1}, "min_delta is"),
        ({"mode": "auto"}, "mode is 'min'"),
    ]:
        with pytest.raises(ValueError, match=message):
            EarlyStopping(**options)
    model = line()
    with pytest.raises(errors.DataError, match="in a stream before it ends"):
        fit(model, Stream(), nn.MSELoss(), sgd(model), batch_size="full")
    with pytest.raises(TypeError, match=r"\(X, y\), two arrays.*, a Table, Dataset or DataLoader, not a int"):
        fit(model, 3, nn.MSELoss(), sgd(model))
    with pytest.raises(TypeError, match="the optimizer is one of"):
        fit(model, (X, VALUES), nn.MSELoss(), "sgd")


def test_an_optimizer_of_another_model_is_named() -> None:
    model, other = line(), line()
    with pytest.raises(errors.TrainingError, match=r"none of this model's parameters.*SGD\(model.parameters\(\)"):
        fit(model, (X, VALUES), nn.MSELoss(), sgd(other))


@pytest.mark.parametrize(
    ("loss", "kind", "message"),
    [
        (lambda p, y: nn.functional.mse_loss(p.detach(), y), errors.TrainingError, "depends? on any parameter"),
        (lambda p, y: float(p.detach().sum()), errors.TrainingError, "the loss is a float, not a Tensor"),
        (nn.MSELoss(reduction="none"), errors.ShapeError, r"shape \(32,\): take its mean"),
    ],
)
def test_a_loss_that_cannot_be_learned_from(loss: Any, kind: Any, message: str) -> None:
    bad_model = line()
    with pytest.raises(kind, match=message):
        fit(bad_model, (X, VALUES), loss, sgd(bad_model))


def test_a_loss_of_other_parameters_is_named() -> None:
    model, stray = line(), nn.Parameter(np.ones(1))
    with pytest.raises(errors.TrainingError, match="depends on none of the optimizer's parameters"):
        fit(model, (X, VALUES), lambda p, y: (stray * y).sum(), sgd(model))


@pytest.mark.parametrize("column", [True, False])
def test_predictions_and_targets_that_would_be_compared_all_with_all(column: bool) -> None:
    model = nn.Linear(3, 1) if column else line()
    y = VALUES if column else VALUES[:, None]
    for loss in (nn.MSELoss(), lambda p, t: ((p - t) ** 2).mean(), lambda p, t: abs(t - p).sum()):
        with pytest.raises(errors.ShapeError, match=r"\(32, 1\).*\(32,\)|\(32,\).*\(32, 1\)") as caught:
            fit(model, (X, y), loss, sgd(model))
        assert "reshape(-1" in str(caught.value)
    fits = {True: lambda p, t: ((p.reshape(-1) - t) ** 2).mean(), False: lambda p, t: ((p - t[:, 0]) ** 2).mean()}
    assert fit(model, (X, y), fits[column], sgd(model)).epochs == 1


def test_labels_out_of_range_are_named_by_the_loss_where_nobody_knows_them_before() -> None:
    model = classifier()
    with pytest.raises(IndexError, match=r"label 2.*names no class"):
        fit(model, (X, LABELS + 1), lambda output, y: nn.CrossEntropyLoss()(output, y), sgd(model))


def test_a_loss_that_becomes_nan_stops_with_the_history(tmp_path: Path) -> None:
    model = line()
    with (
        np.errstate(all="ignore"),
        pytest.raises(
            errors.TrainingError, match=r"loss is (nan|inf) in epoch \d+, batch \d.*detect_anomaly"
        ) as caught,
    ):
        fit(model, (X, VALUES), nn.MSELoss(), sgd(model, 50.0), 99, callbacks=[Checkpoint(tmp_path / "file")])
    history = caught.value.history
    assert history.epochs > 2
    assert all(math.isfinite(value) for value in history["loss"])
    assert f"epoch {history.epochs + 1}," in str(caught.value)
    assert tg.load(tmp_path / "file")["epoch"] == history.epochs


def test_batches_that_are_no_pairs() -> None:
    model = line()
    for items, message in [([X[0], X[1]], "this loader gives a Tensor"), ([(X[0],), (X[1],)], r"gives 1 part\(s\)")]:
        with pytest.raises(errors.DataError, match=f"inputs and targets.*{message}"):
            fit(model, DataLoader(items, 2), nn.MSELoss(), sgd(model))


def test_a_loader_that_gives_nothing_says_so() -> None:
    class Nothing(IterableDataset[Any]):
        def __iter__(self) -> Any:
            return iter(())

    model = line()
    with pytest.raises(errors.TrainingError, match="gave no batch"):
        fit(model, Nothing(), nn.MSELoss(), sgd(model))


# History and progress


def test_the_history_is_a_dict_that_knows_its_best_epoch_and_shows_itself() -> None:
    history = History({"loss": [0.5, 0.25, 0.125], "val_loss": [0.5, 0.25, 1 / 3]})
    assert history.epochs == 3
    assert history.best == (2, "val_loss", 0.25)
    assert repr(history).splitlines() == [
        "epoch   loss  val_loss",
        "    1    0.5       0.5",
        "    2   0.25      0.25",
        "    3  0.125    0.3333",
    ]
    long = repr(History({"loss": [1.0] * 1000})).splitlines()
    assert len(long) == 13
    assert long[1].split() == ["1", "1"]
    assert long[-1].split() == ["1000", "1"]
    assert repr(History()) == "no epoch was completed"
    with pytest.raises(ValueError, match="no epoch was completed"):
        _ = History().best


def test_no_epochs_are_no_training() -> None:
    model = line()
    before = weights(model)
    assert fit(model, (X, VALUES), nn.MSELoss(), sgd(model), 0) == {}
    assert weights(model) == before


def test_the_history_plots_itself() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install matplotlib")
    axes = History({"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 1.0, 2.0], "lr": [0.1] * 3}).plot()
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert list(lines) == ["loss", "val_loss", "best epoch, 2"]
    assert list(lines["loss"].get_xdata()) == [1, 2, 3]
    assert lines["loss"].get_color() == lines["val_loss"].get_color()
    assert (lines["loss"].get_linestyle(), lines["val_loss"].get_linestyle()) == ("-", "--")
    assert list(lines["val_loss"].get_ydata()) == [3.0, 1.0, 2.0]
    assert axes.get_xlabel() == "epoch"


def test_a_bar_is_shown_in_a_terminal_and_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tqdm", reason="tqdm is not installed: pip install tqdm")
    model = line()
    for terminal, progress, shown in [
        (False, None, False),
        (True, None, True),
        (False, True, True),
        (True, False, False),
    ]:
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal, raising=False)
        fit(model, (X, VALUES), nn.MSELoss(), sgd(model), 2, batch_size=10, progress=progress)
        said = capsys.readouterr().err
        assert bool(said) is shown
        assert not shown or ("epoch 2/2" in said and "12/12" in said and "loss=" in said)


def test_a_stream_of_unknown_length_has_a_bar_too(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm", reason="tqdm is not installed: pip install tqdm")
    model = classifier()
    fit(model, Stream(), nn.CrossEntropyLoss(), sgd(model), 1, batch_size=10, progress=True)
    assert "6step" in capsys.readouterr().err


def test_without_tqdm_training_is_quiet_unless_a_bar_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    model = line()
    assert fit(model, (X, VALUES), nn.MSELoss(), sgd(model)).epochs == 1
    with pytest.raises(ImportError, match="pip install tqdm"):
        fit(model, (X, VALUES), nn.MSELoss(), sgd(model), progress=True)


@pytest.mark.parametrize("saved", ["Adam", "AdamW", "SGD", "RMSprop"])
def test_a_checkpoint_of_another_optimizer_changes_nothing(saved: str, tmp_path: Path) -> None:
    def begun(kind: str) -> tuple[nn.Module, optim.Optimizer]:
        model = nn.Linear(3, 1)
        return model, getattr(optim, kind)(model.parameters(), lr=0.01)

    data, path = (np.ones((8, 3)), np.ones((8, 1))), tmp_path / "run.safetensors"
    _learn(begun(saved), data, epochs=1, callbacks=Checkpoint(path))
    for other in {"Adam", "AdamW", "SGD", "RMSprop"} - {saved}:
        model, optimizer = begun(other)
        before = [p.detach().numpy().copy() for p in model.parameters()]
        with pytest.raises(errors.CheckpointError, match=f"saved with the optimizer {saved}, and this .* has {other}"):
            _learn((model, optimizer), data, epochs=2, resume=path)
        for p, old in zip(model.parameters(), before, strict=True):
            np.testing.assert_array_equal(p.numpy(), old)
        assert not optimizer.state


def test_a_checkpoint_of_another_model_changes_no_optimizer(tmp_path: Path) -> None:
    data, path = (np.ones((8, 3)), np.ones((8, 1))), tmp_path / "run.safetensors"
    model = nn.Linear(3, 1)
    optimizer = optim.Adam(model.parameters())
    _learn((model, optimizer), data, epochs=1, callbacks=Checkpoint(path))
    renamed = nn.Sequential(nn.Linear(3, 1))
    again = optim.Adam(renamed.parameters(), lr=0.5)
    with pytest.raises(errors.StateDictError):
        _learn((renamed, again), data, epochs=2, resume=path)
    assert (again.param_groups[0]["lr"], dict(again.state)) == (0.5, {})


def _learn(begun: tuple[nn.Module, optim.Optimizer], data: Any, **options: Any) -> None:
    fit(begun[0], data, nn.MSELoss(), begun[1], **options)
