"""Modules, linear layers and activations beside PyTorch's: what they show, are called, compute and learn."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.case import signed
from tinygrad_edu import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")

Build = Callable[[Any], Any]  # from a module `nn`, ours or theirs, to a network

ACTIVATIONS: dict[str, Build] = {
    "Sigmoid": lambda nn: nn.Sigmoid(),
    "Tanh": lambda nn: nn.Tanh(),
    "ReLU": lambda nn: nn.ReLU(),
    "ReLU inplace": lambda nn: nn.ReLU(inplace=True),
    "ReLU6": lambda nn: nn.ReLU6(),
    "LeakyReLU": lambda nn: nn.LeakyReLU(),
    "LeakyReLU 0.2": lambda nn: nn.LeakyReLU(0.2, inplace=True),
    "PReLU": lambda nn: nn.PReLU(),
    "PReLU 5": lambda nn: nn.PReLU(5, init=0.1),
    "ELU": lambda nn: nn.ELU(),
    "ELU 0.5": lambda nn: nn.ELU(alpha=0.5, inplace=True),
    "SELU": lambda nn: nn.SELU(),
    "GELU": lambda nn: nn.GELU(),
    "GELU tanh": lambda nn: nn.GELU(approximate="tanh"),
    "SiLU": lambda nn: nn.SiLU(),
    "Mish": lambda nn: nn.Mish(),
    "Softplus": lambda nn: nn.Softplus(),
    "Softplus 2 3": lambda nn: nn.Softplus(beta=2.0, threshold=3.0),
    "Softmax": lambda nn: nn.Softmax(dim=1),
    "LogSoftmax": lambda nn: nn.LogSoftmax(dim=-1),
    "Hardtanh": lambda nn: nn.Hardtanh(),
    "Hardtanh -2 3": lambda nn: nn.Hardtanh(-2.0, 3.0),
    "Softsign": lambda nn: nn.Softsign(),
    "LogSigmoid": lambda nn: nn.LogSigmoid(),
    "Hardsigmoid": lambda nn: nn.Hardsigmoid(),
    "Hardswish": lambda nn: nn.Hardswish(),
    "Identity": lambda nn: nn.Identity(),
}


def between(activation: Build) -> Build:
    return lambda nn: nn.Sequential(nn.Linear(4, 5), activation(nn), nn.Linear(5, 2))


NETWORKS: dict[str, Build] = {
    "by name": lambda nn: nn.Sequential(
        OrderedDict([("hidden", nn.Linear(4, 5, bias=False)), ("act", nn.Tanh()), ("out", nn.Linear(5, 2))])
    ),
    "nested": lambda nn: nn.Sequential(nn.Sequential(nn.Linear(4, 5), nn.ReLU()), nn.Sequential(nn.Linear(5, 2))),
    **{name: between(activation) for name, activation in ACTIVATIONS.items()},
}
SHOWN: dict[str, Build] = {
    **NETWORKS,
    **{f"{name} alone": activation for name, activation in ACTIVATIONS.items()},
    "Softmax without dim": lambda nn: nn.Softmax(),
    "Bilinear": lambda nn: nn.Bilinear(2, 3, 4, bias=False),
    "empty": lambda nn: nn.Sequential(),
    "slice": lambda nn: nn.Sequential(nn.ReLU(), nn.Tanh(), nn.SiLU())[1:],
    "ModuleList": lambda nn: nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Sequential(nn.Tanh()), nn.Linear(1, 1)]),
    "no ModuleList": lambda nn: nn.ModuleList(),
    "ModuleDict": lambda nn: nn.ModuleDict({"a": nn.ModuleList([nn.ReLU()]), "b": nn.Linear(2, 3)}),
}


def numbers(shape: tuple[int, ...], seed: int) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("build", SHOWN.values(), ids=SHOWN)
def test_it_looks_as_in_pytorch(build: Build) -> None:
    assert repr(build(nn)) == repr(build(torch.nn))


@pytest.mark.parametrize("build", NETWORKS.values(), ids=NETWORKS)
def test_losses_follow_pytorchs_for_100_steps(build: Build) -> None:
    ours, theirs = build(nn), build(torch.nn)
    x, y = numbers((16, 4), 0), numbers((16, 2), 1)
    for parameter in theirs.parameters():
        parameter.data = torch.tensor(numbers(tuple(parameter.shape), parameter.numel()) / 2)
    ours.load_state_dict(theirs.state_dict())
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for step in range(100):
        loss = ((ours(tg.from_numpy(x)) - y) ** 2).mean()
        wanted = ((theirs(torch.tensor(x)) - torch.tensor(y)) ** 2).mean()
        assert loss.item() == pytest.approx(wanted.item(), rel=2e-5), step
        ours.zero_grad()
        theirs.zero_grad()
        loss.backward()
        wanted.backward()
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            with tg.no_grad(), torch.no_grad():
                mine -= 0.1 * mine.grad
                other -= 0.1 * other.grad
    assert loss.dtype == np.float32


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
@pytest.mark.parametrize("shape", [(2, 5), (1, 5), (2, 5, 3)], ids=str)
def test_values_at_the_bends_too_and_two_derivatives(activation: Build, shape: tuple[int, ...]) -> None:
    bends = np.array([-20.5, -3.0, -2.0, -1.0, 0.0, 1.0, 3.0, 6.0, 1.5, 30.0])
    x = np.resize(bends, shape) if shape != (2, 5, 3) else 2 * signed(*shape)
    mine = tg.Tensor(x, requires_grad=True)
    other = torch.tensor(x, requires_grad=True)
    y, z = activation(nn).double()(mine * 1), activation(torch.nn).double()(other * 1)
    w = signed(*shape, seed=5)
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=1e-9, atol=1e-9)
    (first,) = tg.autograd.grad((y * w).sum(), mine, create_graph=True)
    (wanted,) = torch.autograd.grad((z * torch.tensor(w)).sum(), other, create_graph=True)
    np.testing.assert_allclose(first.numpy(), wanted.detach().numpy(), rtol=1e-8, atol=1e-8)
    if shape == (2, 5, 3) and wanted.requires_grad and first.requires_grad:  # the first derivative jumps at a bend
        (second,) = tg.autograd.grad((first * first).sum(), mine, allow_unused=True)
        (expected,) = torch.autograd.grad((wanted * wanted).sum(), other, allow_unused=True)
        if second is not None and expected is not None:
            np.testing.assert_allclose(second.numpy(), expected.numpy(), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("shape", [(4, 3), (3,), (2, 5, 3), (0, 3)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_linear_and_its_gradients(shape: tuple[int, ...], bias: bool) -> None:
    arrays = [signed(*shape), signed(2, 3, seed=1), *([signed(2, seed=2)] if bias else [])]
    mine = [tg.Tensor(a, requires_grad=True) for a in arrays]
    other = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, z = nn.functional.linear(*mine), torch.nn.functional.linear(*other)
    w = signed(*y.shape, seed=3)
    y.backward(w)
    z.backward(torch.tensor(w))
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=1e-13)
    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-13)


def test_bilinear() -> None:
    theirs = torch.nn.Bilinear(2, 3, 4).double()
    ours = nn.Bilinear(2, 3, 4).double()
    ours.load_state_dict(theirs.state_dict())
    a, b = signed(5, 2), signed(5, 3, seed=1)
    expected = theirs(torch.tensor(a), torch.tensor(b)).detach().numpy()
    np.testing.assert_allclose(ours(tg.Tensor(a), tg.Tensor(b)).numpy(), expected, rtol=1e-6)


class Shared:
    """A network with shared parts and buffers of both kinds, for either library."""

    def __new__(cls, nn: Any, tensor: Any) -> Any:
        class Net(nn.Module):  # type: ignore[misc] # of either library
            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("count", tensor([1.0]))
                self.late = nn.Linear(2, 2)
                self.register_buffer("scratch", tensor([1.0]), persistent=False)
                self.first = self.late
                self.weights = nn.ParameterList([nn.Parameter(tensor([1.0])) for _ in range(2)])
                self.named = nn.ParameterDict({"b": nn.Parameter(tensor([2.0])), "a": nn.Parameter(tensor([3.0]))})
                self.own = nn.Parameter(tensor([4.0]))
                self.register_parameter("without", None)
                self.layers = nn.ModuleList([nn.Linear(1, 1), nn.ReLU()])

        return Net()


def test_names_come_in_pytorchs_order() -> None:
    ours, theirs = Shared(nn, tg.Tensor), Shared(torch.nn, torch.tensor)
    for method in ("named_parameters", "named_buffers", "named_modules", "named_children"):
        assert [n for n, _ in getattr(ours, method)()] == [n for n, _ in getattr(theirs, method)()], method
        if method != "named_children":
            mine, other = (getattr(net, method)(prefix="p", remove_duplicate=False) for net in (ours, theirs))
            assert [n for n, _ in mine] == [n for n, _ in other], method
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert list(ours.state_dict(prefix="p.")) == list(theirs.state_dict(prefix="p."))


def test_state_goes_both_ways() -> None:
    ours, theirs = Shared(nn, tg.Tensor), Shared(torch.nn, torch.tensor)
    ours.load_state_dict(theirs.state_dict())
    for name, value in theirs.state_dict().items():
        np.testing.assert_array_equal(ours.state_dict()[name].numpy(), value.numpy())
    with tg.no_grad():
        ours.own += 1.0
    theirs.load_state_dict({name: torch.from_numpy(value.numpy()) for name, value in ours.state_dict().items()})
    assert theirs.own.item() == 5.0


def test_a_tensor_of_pytorch_that_requires_grad_is_named() -> None:
    theirs = torch.nn.Linear(1, 1)
    with pytest.raises(RuntimeError, match="the value of 'weight', a Parameter, is no array"):
        nn.Linear(1, 1).load_state_dict(dict(theirs.named_parameters()))


@pytest.mark.parametrize(
    ("name", "param"),
    [*((name, None) for name in nn.init.GAINS), ("leaky_relu", None), ("leaky_relu", 0.3), ("leaky_relu", 0.0)],
)
def test_gains(name: str, param: float | None) -> None:
    assert nn.init.calculate_gain(name, param) == pytest.approx(torch.nn.init.calculate_gain(name, param), rel=1e-12)


INITS: dict[str, Callable[[Any, Any], Any]] = {
    "uniform_": lambda init, t: init.uniform_(t, -1.0, 3.0),
    "normal_": lambda init, t: init.normal_(t, 1.0, 2.0),
    "trunc_normal_": lambda init, t: init.trunc_normal_(t, mean=0.5, std=1.5, a=-1.0, b=2.0),
    "xavier_uniform_": lambda init, t: init.xavier_uniform_(t, gain=2.0),
    "xavier_normal_": lambda init, t: init.xavier_normal_(t),
    "kaiming_uniform_": lambda init, t: init.kaiming_uniform_(t, a=0.1, mode="fan_out"),
    "kaiming_normal_": lambda init, t: init.kaiming_normal_(t, nonlinearity="relu"),
    "orthogonal_": lambda init, t: init.orthogonal_(t, 0.5),
    "constant_": lambda init, t: init.constant_(t, 0.3),
}


@pytest.mark.parametrize("fill", INITS.values(), ids=INITS)
def test_first_weights_are_distributed_alike(fill: Callable[[Any, Any], Any]) -> None:
    tg.manual_seed(0)
    torch.manual_seed(0)
    ours, theirs = fill(nn.init, tg.zeros(64, 32, 3, 3)).numpy(), fill(torch.nn.init, torch.zeros(64, 32, 3, 3)).numpy()
    tenths = np.linspace(0, 1, 11)[1:-1]
    scale = theirs.std() + 1e-3
    np.testing.assert_allclose(
        np.quantile(ours, tenths) / scale, np.quantile(theirs, tenths) / scale, atol=0.05
    )  # of 18,432 numbers the quantiles differ by 0.01 or so


@pytest.mark.parametrize("build", [lambda nn: nn.Linear(50, 400), lambda nn: nn.Bilinear(50, 20, 30)])
def test_layers_begin_alike(build: Build) -> None:
    for (name, ours), (_, theirs) in zip(build(nn).named_parameters(), build(torch.nn).named_parameters(), strict=True):
        mine, other = ours.detach().numpy(), theirs.detach().numpy()
        assert mine.dtype == other.dtype
        bound = 1 / np.sqrt(50)
        assert abs(mine).max() <= bound * (1 + 1e-6), name
        assert abs(other).max() <= bound * (1 + 1e-6), name
        assert abs(mine).max() > 0.8 * bound, name
