"""What PyTorch's programs switch and ask for at their beginning: devices and dtypes, checks, seeds, printing."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import backends, cuda, errors, testing


def test_to_takes_devices_dtypes_and_tensors() -> None:
    x = tg.tensor([1.5, 2.0])
    assert (
        x.to("cpu")
        is x.to(tg.float64)
        is x.to("cpu", np.float64, non_blocking=True)
        is x.to(device=tg.device("cpu"))
        is x
    )
    assert x.to("cpu", tg.float32).dtype == x.to(device="cpu", dtype=tg.float32).dtype == np.float32
    assert x.to(tg.zeros(1, dtype=np.float16)).dtype == np.float16
    assert x.to(tg.float64, True) is x
    other = x.to("cpu", copy=True)
    other += 1
    assert x.tolist() == [1.5, 2.0]
    y = tg.tensor([1.0], requires_grad=True)
    y.to("cpu", np.float32).sum().backward()
    assert y.grad is not None


def test_a_wrong_gradient_raises_where_pytorchs_check_does() -> None:
    x = tg.tensor([0.5, 2.0], requires_grad=True)
    assert tg.autograd.gradcheck(tg.tanh, x)
    assert tg.autograd.gradgradcheck(tg.tanh, (x,), eps=1e-6)
    wrong = tg.Op(lambda x: x * np.exp(x), name="wrong", x=lambda g, x: g * np.exp(x))
    with pytest.raises(testing.GradcheckError):
        tg.autograd.gradcheck(wrong, (x,))
    assert tg.autograd.gradcheck(wrong, (x,), raise_exception=False) is False


@pytest.fixture
def switched_off() -> Iterator[None]:
    yield
    tg.autograd.set_detect_anomaly(False)


@pytest.mark.usefixtures("switched_off")
def test_anomalies_are_looked_for_from_here_on() -> None:
    def inverse() -> Any:
        with np.errstate(all="ignore"):
            return 1 / tg.tensor([0.0], requires_grad=True)

    inverse()
    tg.autograd.set_detect_anomaly(True)
    tg.autograd.set_detect_anomaly(True)
    with pytest.raises(errors.AnomalyError):
        inverse()
    tg.autograd.set_detect_anomaly(False)
    inverse()
    with tg.autograd.set_detect_anomaly(True), pytest.raises(errors.AnomalyError):
        inverse()
    inverse()


def test_numbers_are_shown_as_told() -> None:
    with np.printoptions():
        tg.set_printoptions(precision=2, sci_mode=False)
        assert repr(tg.tensor([1 / 3, 1e-7])) == "Tensor([0.33, 0.  ])"
    assert repr(tg.tensor([1 / 3])) == "Tensor([0.33333333])"


def test_seeds_and_kernels() -> None:
    cuda.manual_seed_all(3)
    first = tg.rand(2)
    cuda.manual_seed(3)
    assert (tg.rand(2) == first).all()
    backends.cudnn.deterministic = True
    assert backends.cudnn.is_available() is backends.mps.is_built() is False
    assert isinstance(tg.ones(2, 3).shape, tg.Size)
    assert tg.linspace(0, 1, steps=3).tolist() == [0.0, 0.5, 1.0]
