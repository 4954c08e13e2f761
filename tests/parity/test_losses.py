"""Losses, and gradients of first and second order, are PyTorch's; and so is a hundred steps of training with them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.parity.test_torch import compare
from tinygrad_edu import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")

random = np.random.default_rng(0)
SCORES = random.normal(0, 2, (5, 4))
IMAGE = random.normal(0, 2, (2, 3, 2, 3))
PROBABILITIES = random.uniform(0.05, 0.95, (5, 4))
ANSWERS = random.integers(0, 2, (5, 4)).astype(float)
SHARES = random.dirichlet(np.ones(4), 5)
SIGNS = np.array([1.0, -1.0, -1.0, 1.0, 1.0])
CLASSES = np.array([3, 0, 1, 1, 2])
PIXELS = random.integers(0, 3, (2, 2, 3))
WEIGHT = np.array([0.5, 2.0, 1.0, 0.3])


class Case:
    """A loss by its name, its settings, the operands by which it is differentiated, and the others."""

    def __init__(self, name: str, operands: list[Any], constants: tuple[Any, ...] = (), **settings: Any) -> None:
        self.name, self.operands, self.constants, self.settings = name, operands, constants, settings

    def __str__(self) -> str:
        said = [f"{key}={np.shape(value) or value}" for key, value in self.settings.items()]
        return "-".join([self.name, *(str(np.shape(a)) for a in (*self.operands, *self.constants)), *said])


CASES = [
    Case("MSELoss", [SCORES, ANSWERS]),
    Case("MSELoss", [SCORES[0, 0], ANSWERS[0, 0]]),
    Case("L1Loss", [SCORES, SCORES * ANSWERS]),
    Case("SmoothL1Loss", [SCORES, ANSWERS]),
    Case("SmoothL1Loss", [SCORES, ANSWERS], beta=0.3),
    Case("SmoothL1Loss", [SCORES, ANSWERS], beta=0.0),
    Case("HuberLoss", [SCORES, ANSWERS]),
    Case("HuberLoss", [SCORES, ANSWERS], delta=2.5),
    Case("BCELoss", [PROBABILITIES, SHARES]),
    Case("BCELoss", [PROBABILITIES, SHARES], weight=WEIGHT),
    Case("BCELoss", [PROBABILITIES], (ANSWERS,)),
    Case("BCEWithLogitsLoss", [SCORES, SHARES]),
    Case("BCEWithLogitsLoss", [SCORES * 30], (ANSWERS,)),
    Case("BCEWithLogitsLoss", [SCORES, SHARES], weight=WEIGHT),
    Case("BCEWithLogitsLoss", [SCORES, SHARES], weight=WEIGHT, pos_weight=np.array([3.0, 1.0, 0.2, 1.0])),
    Case("NLLLoss", [SCORES], (CLASSES,)),
    Case("NLLLoss", [SCORES], (CLASSES,), weight=WEIGHT),
    Case("NLLLoss", [SCORES], (CLASSES,), weight=WEIGHT, ignore_index=1),
    Case("NLLLoss", [SCORES[0]], (CLASSES[0],)),
    Case("NLLLoss", [IMAGE], (PIXELS,), weight=WEIGHT[:3]),
    Case("CrossEntropyLoss", [SCORES], (CLASSES,)),
    Case("CrossEntropyLoss", [SCORES * 100], (CLASSES,)),
    Case("CrossEntropyLoss", [SCORES[0]], (CLASSES[0],)),
    Case("CrossEntropyLoss", [IMAGE], (PIXELS,)),
    Case("CrossEntropyLoss", [IMAGE], (PIXELS,), weight=WEIGHT[:3], ignore_index=2, label_smoothing=0.1),
    Case("CrossEntropyLoss", [SCORES], (CLASSES,), weight=WEIGHT),
    Case("CrossEntropyLoss", [SCORES], (CLASSES,), ignore_index=1),
    Case("CrossEntropyLoss", [SCORES], (np.where(CLASSES == 1, -100, CLASSES),)),
    Case("CrossEntropyLoss", [SCORES], (CLASSES,), label_smoothing=0.2),
    Case("CrossEntropyLoss", [SCORES], (CLASSES,), label_smoothing=0.2, weight=WEIGHT, ignore_index=1),
    Case("CrossEntropyLoss", [SCORES, SHARES]),
    Case("CrossEntropyLoss", [SCORES[0], SHARES[0]]),
    Case("CrossEntropyLoss", [IMAGE, abs(IMAGE)]),
    Case("CrossEntropyLoss", [SCORES, SHARES * 3], weight=WEIGHT, label_smoothing=0.2),
    Case("CrossEntropyLoss", [IMAGE, abs(IMAGE)], weight=WEIGHT[:3], label_smoothing=0.2),
    Case("KLDivLoss", [np.log(PROBABILITIES), SHARES]),
    Case("KLDivLoss", [np.log(PROBABILITIES)], (ANSWERS,)),
    Case("KLDivLoss", [np.log(PROBABILITIES), SCORES], log_target=True),
    Case("HingeEmbeddingLoss", [SCORES[:, 0]], (SIGNS,)),
    Case("HingeEmbeddingLoss", [SCORES[:, 0]], (SIGNS,), margin=0.3),
    Case("SoftMarginLoss", [SCORES[:, 0]], (SIGNS,)),
    Case("MarginRankingLoss", [SCORES[:, 0], SCORES[:, 1]], (SIGNS,)),
    Case("MarginRankingLoss", [SCORES[:, 0], SCORES[:, 0]], (SIGNS,)),  # at the kink
    Case("MarginRankingLoss", [SCORES[:, 0], SCORES[:, 1]], (SIGNS,), margin=0.7),
    Case("CosineEmbeddingLoss", [SCORES, PROBABILITIES], (SIGNS,)),
    Case("CosineEmbeddingLoss", [SCORES, PROBABILITIES], (SIGNS,), margin=0.2),
    Case("CosineEmbeddingLoss", [SCORES[0], SCORES[1]], (SIGNS[0],)),
    Case("TripletMarginLoss", [SCORES, PROBABILITIES, ANSWERS]),
    Case("TripletMarginLoss", [SCORES, PROBABILITIES, ANSWERS], margin=2.0, p=1.0, swap=True),
    Case("TripletMarginLoss", [SCORES, SHARES, ANSWERS], margin=2.0, p=3.0, eps=1e-3),
    Case("TripletMarginLoss", [SCORES[0], SHARES[0], ANSWERS[0]]),
    Case("MultiMarginLoss", [SCORES], (CLASSES,)),
    Case("MultiMarginLoss", [SCORES[0]], (CLASSES[0],)),
    Case("MultiMarginLoss", [SCORES], (CLASSES,), p=2, margin=0.4, weight=WEIGHT),
    Case("MultiLabelMarginLoss", [SCORES[:2]], (np.array([[3, 0, -1, 1], [2, -1, 0, 0]]),)),
    Case("MultiLabelMarginLoss", [SCORES[0]], (np.array([-1, 0, 1, 2]),)),
    Case("MultiLabelSoftMarginLoss", [SCORES, ANSWERS]),
    Case("MultiLabelSoftMarginLoss", [SCORES], (ANSWERS,), weight=WEIGHT),
    Case("PoissonNLLLoss", [SCORES, abs(SCORES)]),
    Case("PoissonNLLLoss", [abs(SCORES), abs(IMAGE.reshape(-1)[:20].reshape(5, 4))], log_input=False, full=True),
    Case("GaussianNLLLoss", [SCORES, ANSWERS, PROBABILITIES]),
    Case("GaussianNLLLoss", [SCORES, ANSWERS, PROBABILITIES[:, :1]], full=True),
    Case("GaussianNLLLoss", [SCORES, ANSWERS, PROBABILITIES[:, 0]], eps=0.5),
]


def ours(array: Any, dtype: str) -> tg.Tensor:
    array = np.asarray(array)
    return tg.Tensor(array, dtype=dtype if array.dtype.kind == "f" else None)


def theirs(array: Any, dtype: str) -> Any:
    array = np.array(array)
    return torch.tensor(array, dtype=getattr(torch, dtype) if array.dtype.kind == "f" else torch.int64)


def made(module: Any, make: Callable[..., Any], case: Case, reduction: str, dtype: str) -> Any:
    settings = {k: make(v, dtype) if isinstance(v, np.ndarray) else v for k, v in case.settings.items()}
    return getattr(module, case.name)(reduction=reduction, **settings)


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides", "ignore:kl_div with reduction='mean'")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_losses_and_gradients_are_pytorchs(case: Case, reduction: str, dtype: str) -> None:
    loss, other = made(nn, ours, case, reduction, dtype), made(torch.nn, theirs, case, reduction, dtype)
    compare(
        lambda *x: loss(*x, *(ours(a, dtype) for a in case.constants)),
        lambda *x: other(*x, *(theirs(a, dtype) for a in case.constants)),
        *case.operands,
        dtype=dtype,
        # Of BCELoss PyTorch's second derivative is off by about 1e-11, of MultiMarginLoss it has none.
        orders=(1,) if case.name in ("BCELoss", "MultiMarginLoss") else (1, 2),
    )


def test_every_loss_of_the_package_is_compared() -> None:
    named = set(nn.losses.__all__)
    assert named == {case.name for case in CASES}
    assert all(hasattr(torch.nn, name) for name in named)


def test_batchmean_is_pytorchs() -> None:
    x, p = np.log(PROBABILITIES), SHARES
    wanted = torch.nn.KLDivLoss(reduction="batchmean")(torch.tensor(x), torch.tensor(p)).item()
    assert nn.KLDivLoss(reduction="batchmean")(tg.Tensor(x), tg.Tensor(p)).item() == pytest.approx(wanted, rel=1e-12)


def test_ignoring_everything_is_pytorchs() -> None:
    x, z = tg.Tensor(SCORES, requires_grad=True), torch.tensor(SCORES, requires_grad=True)
    loss, other = nn.CrossEntropyLoss(), torch.nn.CrossEntropyLoss()
    y, w = loss(x, np.full(5, -100)), other(z, torch.full((5,), -100))
    y.backward()
    w.backward()
    assert np.isnan(y.item())
    assert np.isnan(w.item())
    np.testing.assert_array_equal(x.grad.numpy(), z.grad.numpy())


def test_certain_and_wrong_probabilities_are_pytorchs() -> None:
    p, y = np.array([0.0, 1.0, 0.0, 1.0, 1e-30]), np.array([1.0, 0.0, 0.0, 1.0, 1.0])
    x, z = tg.Tensor(p, dtype=np.float32, requires_grad=True), torch.tensor(p, dtype=torch.float32, requires_grad=True)
    loss, other = nn.BCELoss(reduction="none")(x, y), torch.nn.BCELoss(reduction="none")(z, torch.tensor(y).float())
    loss.sum().backward()
    other.sum().backward()
    np.testing.assert_allclose(loss.numpy(), other.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(x.grad.numpy(), z.grad.numpy(), rtol=1e-6)


LINEAR = [
    c for c in CASES if c.operands[0].shape == (5, 4) and c.name not in ("CosineEmbeddingLoss", "TripletMarginLoss")
]


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides", "ignore:kl_div with reduction='mean'")
@pytest.mark.parametrize("case", LINEAR, ids=str)
def test_a_hundred_steps_of_training_are_pytorchs(case: Case) -> None:
    """Predictions features @ w, in (0, 1) where they must be, and gradient descent in float32."""
    features = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    start = np.random.default_rng(2).normal(size=(3, 4)).astype(np.float32)
    others = (*case.operands[1:], *case.constants)
    inside = case.name == "BCELoss" or "log_input" in case.settings
    w, v = tg.Tensor(start, requires_grad=True), torch.tensor(start, requires_grad=True)
    loss, other = made(nn, ours, case, "mean", "float32"), made(torch.nn, theirs, case, "mean", "float32")
    fixed, constants = [ours(a, "float32") for a in others], [theirs(a, "float32") for a in others]
    for step in range(100):
        x, z = tg.Tensor(features) @ w, torch.tensor(features) @ v
        y = loss(tg.sigmoid(x) if inside else x, *fixed)
        t = other(torch.sigmoid(z) if inside else z, *constants)
        assert y.item() == pytest.approx(t.item(), rel=2e-4, abs=2e-5), step
        w.grad = v.grad = None
        y.backward()
        t.backward()
        with tg.no_grad(), torch.no_grad():
            w -= 0.05 * w.grad
            v -= 0.05 * v.grad
