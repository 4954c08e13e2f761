"""Training on ducks: the single neuron, a network with a loop of one's own and with `fit`, and the digits CNN."""

import copy
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.duck.array import waits
from tests.duck.beside import on_host, same
from tinygrad_edu import Tensor, cuda, errors, nn, optim
from tinygrad_edu.data import DataLoader, TensorDataset, load_digits
from tinygrad_edu.train import evaluate, fit, predict


def steps(model: Any, loss: Any, optimizer: Any, x: Tensor, y: Tensor, count: int) -> list[Tensor]:
    """The losses of a loop as learners write it, still on their device."""
    losses = []
    for _ in range(count):
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        losses.append(value.detach())
    return losses


def compared(model: Any, loss: Any, x: Any, y: Any, count: int = 5, tolerance: float = 1e-9) -> None:
    """Train here and there, there without a copy to the host."""
    there = copy.deepcopy(model).to("cuda")
    expected = steps(model, loss, optim.Adam(model.parameters(), lr=0.01), Tensor(x), Tensor(y), count)
    placed = Tensor(x, device="cuda"), Tensor(y, device="cuda")
    with cuda.no_copies():
        found = steps(there, loss, optim.Adam(there.parameters(), lr=0.01), *placed, count)
    same(found, expected, tolerance)
    same([p.detach() for p in there.parameters()], [p.detach() for p in model.parameters()], tolerance)


def digits(count: int) -> tuple[Any, Any]:
    data = load_digits()
    return data.X[:count].reshape(-1, 1, 8, 8) / 16, data.y[:count]


def convolutional() -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 4 * 4, 10),
    )


def test_a_b_c() -> None:
    a, b, c = (Tensor(v, requires_grad=True, device="cuda") for v in (2.0, -3.0, 10.0))
    (a * b + c).backward()
    assert [on_host(t.grad).item() for t in (a, b, c)] == [-3.0, 2.0, 1.0]


def test_the_single_neuron() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((50, 2))
    y = (x @ [1.0, -2.0] + 0.3 > 0).astype(float)
    tg.manual_seed(0)
    neuron = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid(), nn.Flatten(0)).double()
    compared(neuron, nn.BCELoss(), x, y, 50)


def test_the_single_neuron_by_hand() -> None:
    x = Tensor(np.linspace(-1, 1, 12).reshape(6, 2), device="cuda")
    y = Tensor(np.array([0.0, 0, 0, 1, 1, 1]), device="cuda")
    w, b = tg.zeros(2, device="cuda", requires_grad=True), tg.zeros((), device="cuda", requires_grad=True)
    losses = []
    with cuda.no_copies():
        for _ in range(20):
            p = tg.sigmoid(x @ w + b)
            loss = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
            w.grad = b.grad = None
            loss.backward()
            with tg.no_grad():
                w -= 0.5 * w.grad
                b -= 0.5 * b.grad
            losses.append(loss.detach())
    assert on_host(losses[-1]) < on_host(losses[0]) / 2


def test_other_errors_pass_through_no_copies() -> None:
    """Also that of an op, which names itself as its cause."""
    x = tg.ones(2, device="cuda")
    with pytest.raises(errors.DeviceError), cuda.no_copies():
        x + np.ones(2)
    with pytest.raises(errors.ShapeError), cuda.no_copies():
        x + tg.ones(3, device="cuda")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_perceptron(dtype: Any) -> None:
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    x, y = digits(64)
    model = model.double() if dtype is np.float64 else model
    tolerance = 1e-9 if dtype is np.float64 else 1e-4
    compared(model, nn.CrossEntropyLoss(), x.reshape(-1, 64).astype(dtype), y, tolerance=tolerance)


def test_the_digits_cnn() -> None:
    tg.manual_seed(0)
    x, y = digits(64)
    compared(convolutional().double(), nn.CrossEntropyLoss(), x.astype(float), y, count=10, tolerance=1e-8)


def test_fit_and_what_comes_after() -> None:
    """It copies each batch there and, seldom, a loss back."""
    tg.manual_seed(0)
    x, y = digits(200)
    model = convolutional().to("cuda")
    before = waits.count
    history = fit(model, (x.astype(np.float32), y), nn.CrossEntropyLoss(), optim.Adam(model.parameters(), 0.01), 3)
    assert waits.count - before <= 10 * 3
    assert history["loss"][-1] < history["loss"][0]
    result = evaluate(model, (x.astype(np.float32), y), nn.CrossEntropyLoss(), metrics=["accuracy"])
    assert result["accuracy"] > 0.3
    assert predict(model, x.astype(np.float32)).shape == (200, 10)


def test_batches_of_a_loader_are_moved_by_the_learner() -> None:
    loader = DataLoader(TensorDataset(Tensor(np.ones((6, 2))), Tensor(np.arange(6))), batch_size=3)
    layer = nn.Linear(2, 2).double().to("cuda")
    for x, y in loader:
        loss = nn.CrossEntropyLoss()(layer(x.to("cuda")), y.to("cuda") % 2)
        layer.zero_grad()
        loss.backward()
    assert on_host(layer.weight.grad).shape == (2, 2)
