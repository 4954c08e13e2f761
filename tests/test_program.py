"""capture: a program does what the function does, number by number, or says why it cannot."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases import CASES, Case
from tests.test_ops import loss
from tinygrad_edu import Tensor, errors, nn, optim
from tinygrad_edu.nn import functional
from tinygrad_edu.optim import lr_scheduler

Batches = list[tuple[Any, ...]]

# What decides by the numbers themselves: refused, and never repeated with the decisions of another day.
NAMES = """
    frexp median nansum nanprod nanmean nanvar nanstd nanmedian sort partition quantile percentile nanquantile
    nanpercentile extract piecewise place lstsq svd norm cond interp unwrap corrcoef unique
"""
REFUSED = set(NAMES.split())


def same(a: Any, b: Any) -> bool:
    return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True)


def variants(case: Case) -> list[list[Any]]:
    """Other numbers of the same shapes, in another order, so that one who remembers an order is found out."""
    return [
        [np.asarray(a) * 1.001 for a in case.arrays],
        [np.flip(a).copy() for a in case.arrays],
        [np.roll(a, 1, -1) if np.ndim(a) else np.asarray(a) * 0.9 for a in case.arrays],
    ]


def gradients_of(function: Callable[..., Tensor], arrays: list[Any]) -> list[Any]:
    inputs = [Tensor(a, requires_grad=True) for a in arrays]
    out = function(*inputs)
    return [out.detach(), *tg.autograd.grad(out, inputs, allow_unused=True)]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # other numbers may be out of an op's domain
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_op_gives_what_it_gives_without(case: Case) -> None:
    """Value and gradients, to the last bit; by a program that backward goes through and by one that has it inside."""

    def outer(*xs: Tensor) -> Any:
        return loss(case, *xs)

    def inner(*xs: Tensor) -> Any:
        total = loss(case, *xs) ** 2
        found = tg.autograd.grad(total, xs, allow_unused=True)
        return total.detach(), [g for g in found if g is not None]

    through, inside = tg.capture(outer), tg.capture(inner)
    try:
        for arrays in (case.arrays, case.arrays, *variants(case)):
            inputs = [Tensor(a, requires_grad=True) for a in arrays]
            try:
                expected, (total, found) = gradients_of(outer, arrays), inner(*inputs)
            except (ValueError, ArithmeticError, np.linalg.LinAlgError, errors.TinygradError):
                continue  # numbers that it does not take
            assert all(map(same, gradients_of(through, arrays), expected))
            again, refound = inside(*[Tensor(a, requires_grad=True) for a in arrays])
            assert same(again, total)
            assert all(map(same, refound, found))
    except errors.CaptureError:
        assert case.op in REFUSED or str(case) == "getitem-by-its-order"
        return
    assert "def outer" in through.source


def test_what_is_refused_is_refused() -> None:
    """The list above holds nothing that works."""
    found = set()
    for case in CASES:
        if case.op in REFUSED:
            try:
                tg.capture(functools.partial(loss, case))(*[Tensor(a, requires_grad=True) for a in case.arrays])
            except errors.CaptureError:
                found.add(case.op)
    assert found == REFUSED


# ---- networks

random = np.random.default_rng(0)


def rows(*shape: int) -> Batches:
    return [(random.standard_normal(shape).astype(np.float32),) for _ in range(7)]


def words(rows: int, columns: int, count: int) -> Batches:
    return [(random.integers(0, count, (rows, columns)),) for _ in range(7)]


class Scaled(nn.Module):
    """A module of one's own, with a parameter of one number, a setting and a branch on it."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.shift, self.square = nn.Parameter(1.5), nn.Parameter(np.ones(3)), True

    def forward(self, x: Tensor) -> Any:
        x = x * self.scale + self.shift
        return x * x if self.square else x


LAYERS: dict[str, tuple[Callable[[], nn.Module], Batches]] = {
    "linear": (lambda: nn.Linear(3, 2), rows(5, 3)),
    "activations": (
        lambda: nn.Sequential(
            nn.Linear(3, 4), nn.Sigmoid(), nn.Tanh(), nn.ReLU(), nn.LeakyReLU(), nn.PReLU(), nn.ELU(), nn.SELU(),
            nn.GELU(), nn.SiLU(), nn.Softplus(), nn.Hardtanh(), nn.Softmax(-1), nn.LogSoftmax(-1),
        ),
        rows(5, 3),
    ),
    "dropout": (lambda: nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 1)), rows(5, 3)),
    "convolution": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, groups=4),
            nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Dropout2d(0.5), nn.Flatten(), nn.Linear(4, 2),
        ),
        rows(6, 1, 12, 12),
    ),
    "convolution in one axis": (
        lambda: nn.Sequential(
            nn.Conv1d(2, 4, 3), nn.GroupNorm(2, 4), nn.MaxPool1d(2), nn.Flatten(), nn.Maxout(12, 2, 3),
        ),
        rows(4, 2, 9),
    ),
    "norms": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.LayerNorm(4), nn.RMSNorm(4)),
        rows(5, 3),
    ),
    "embedding": (
        lambda: nn.Sequential(nn.Embedding(9, 4, padding_idx=0), nn.Flatten(), nn.Linear(12, 2)),
        words(5, 3, 9),
    ),
    "rnn": (lambda: Last(nn.RNN(3, 4, 2, dropout=0.5)), rows(5, 2, 3)),
    "lstm": (lambda: Last(nn.LSTM(3, 4, bidirectional=True)), rows(5, 2, 3)),
    "gru": (lambda: Last(nn.GRU(3, 4, batch_first=True)), rows(5, 2, 3)),
    "transformer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), rows(2, 5, 8)),
    "one of one's own": (Scaled, rows(4, 3)),
}  # fmt: skip


class Last(nn.Module):
    """What a recurrent network returns first."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Any:
        return self.body(x)[0]


def training(build: Callable[[], nn.Module], capture: bool, inside: bool) -> tuple[nn.Module, Callable[..., Any]]:
    """A network from a fixed seed and a step of training it, with the backward pass in what is captured or behind."""
    tg.manual_seed(0)
    model = build()
    optimizer = optim.Adam(model.parameters(), lr=0.01)

    def forward(x: Tensor) -> Any:
        return (model(x) ** 2).mean()

    def step(x: Tensor) -> Any:
        optimizer.zero_grad()
        total = forward(x)
        total.backward()
        optimizer.step()
        return total

    def around(x: Tensor) -> Any:
        optimizer.zero_grad()
        total = captured(x)
        total.backward()
        optimizer.step()
        return total

    captured = tg.capture(forward) if capture else forward
    tg.manual_seed(1)
    return model, (tg.capture(step) if capture else step) if inside else around


@pytest.mark.parametrize("inside", [True, False], ids=["a whole step", "forward alone"])
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_trains_as_without(name: str, inside: bool) -> None:
    """Seven batches of other numbers: losses, weights, gradients, running statistics and random numbers are equal."""
    build, batches = LAYERS[name]
    results = []
    for capture in (False, True):
        model, step = training(build, capture, inside)
        losses = [step(Tensor(*batch)).item() for batch in batches]
        state = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
        results.append((losses, state, {n: p.grad for n, p in model.named_parameters()}))
    (losses, state, grads), (others, other_state, other_grads) = results
    assert losses == others
    assert all(same(state[name], other_state[name]) for name in state)
    assert all(same(grads[name], other_grads[name]) for name in grads)


random = np.random.default_rng(1)
SCORES = [random.normal(0, 2, (5, 4)) for _ in range(6)]
CLASSES = [random.integers(0, 4, 5) for _ in range(6)]
SHARES = [random.dirichlet(np.ones(4), 5) for _ in range(6)]
SIGNS = [np.where(random.random((5, 4)) > 0.5, 1.0, -1.0) for _ in range(6)]
YES = [(random.random((5, 4)) > 0.5).astype(float) for _ in range(6)]
WEIGHT = np.array([0.5, 2.0, 1.0, 0.3])

LOSSES: dict[str, tuple[Any, list[Any]]] = {
    "MSE": (nn.MSELoss(), SHARES),
    "L1": (nn.L1Loss(), SHARES),
    "SmoothL1": (nn.SmoothL1Loss(), SHARES),
    "Huber": (nn.HuberLoss(), SHARES),
    "BCEWithLogits": (nn.BCEWithLogitsLoss(pos_weight=Tensor(WEIGHT)), YES),
    "BCE": (lambda x, y: functional.binary_cross_entropy(tg.sigmoid(x), y, Tensor(WEIGHT)), YES),
    "CrossEntropy": (nn.CrossEntropyLoss(), CLASSES),
    "CrossEntropy weighed": (nn.CrossEntropyLoss(Tensor(WEIGHT), ignore_index=2), CLASSES),
    "CrossEntropy smoothed": (nn.CrossEntropyLoss(Tensor(WEIGHT), label_smoothing=0.1), CLASSES),
    "CrossEntropy of shares": (nn.CrossEntropyLoss(), SHARES),
    "NLL": (lambda x, y: functional.nll_loss(functional.log_softmax(x, 1), y, ignore_index=1), CLASSES),
    "KLDiv": (lambda x, y: functional.kl_div(functional.log_softmax(x, 1), y, reduction="batchmean"), SHARES),
    "HingeEmbedding": (nn.HingeEmbeddingLoss(), SIGNS),
    "MultiLabelSoftMargin": (nn.MultiLabelSoftMarginLoss(), YES),
    "MultiMargin": (nn.MultiMarginLoss(weight=Tensor(WEIGHT)), CLASSES),
}


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_goes_by_the_answers_of_its_own_batch(name: str) -> None:
    criterion, targets = LOSSES[name]
    captured = tg.capture(lambda x, y: criterion(x, y))
    for scores, target in zip(SCORES, targets, strict=True):
        inputs = [Tensor(scores, requires_grad=True) for _ in range(2)]
        expected, got = criterion(inputs[0], Tensor(target)), captured(inputs[1], Tensor(target))
        expected.backward()
        got.backward()
        assert same(expected, got)
        assert same(inputs[0].grad, inputs[1].grad)


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, centered=True, momentum=0.5),
    "Adagrad": lambda p: optim.Adagrad(p, lr_decay=0.1),
    "Adam": lambda p: optim.Adam(p, lr=0.1, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.1),
}
SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 2),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 5),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=20, cycle_momentum=False),
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 1 / (1 + epoch)),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("numbers", [False, True], ids=["arrays", "single numbers"])
def test_every_optimizer_and_schedule_goes_on_from_step_to_step(name: str, schedule: str, numbers: bool) -> None:
    """With a clipped gradient; what they remember and count is theirs, and changes in a program too."""
    ended = []
    for capture in (False, True):
        w = Tensor(1.5 if numbers else [1.5, -0.5, 2.0], requires_grad=True)
        optimizer = OPTIMIZERS[name]([w])
        scheduler = SCHEDULES[schedule](optimizer)

        def step(x: Tensor, w: Any = w, optimizer: Any = optimizer, scheduler: Any = scheduler) -> Any:
            total = ((w * x - 1) ** 2).sum()
            optimizer.zero_grad()
            total.backward()
            optim.clip_grad_norm_([w], 0.5)
            optimizer.step()
            scheduler.step()
            return total

        train = tg.capture(functools.partial(step)) if capture else step
        losses = [train(Tensor(np.linspace(1, 2, 3) + i)).item() for i in range(8)]
        ended.append((losses, w.numpy().copy(), scheduler.get_last_lr(), str(optimizer.state_dict())))
    (losses, w, rate, state), (others, other, other_rate, other_state) = ended
    assert losses == others
    assert same(w, other)
    assert rate == other_rate
    assert state == other_state
