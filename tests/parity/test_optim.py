"""Every optimiser with every option beside PyTorch's, for 100 steps; and states that travel both ways."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu
from tinygrad_edu import Tensor, nn, optim

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")

OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "maximize": True, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"alpha": 0.9, "eps": 1e-4, "weight_decay": 0.1}),
    ("RMSprop", {"momentum": 0.9, "maximize": True}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"centered": True, "momentum": 0.9, "weight_decay": 0.1}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.2, "eps": 1e-6}),
    ("Adagrad", {"weight_decay": 0.1, "maximize": True}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-4, "weight_decay": 0.1, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "maximize": True}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.2, "amsgrad": True}),
    ("AdamW", {"lr": 0.1, "betas": (0.5, 0.6), "maximize": True}),
]
NAMED = [pytest.param(*case, id="-".join([case[0], *case[1]])) for case in OPTIONS]
SHAPES = ((3, 4), (5,), (), (1, 2, 1))
ROUNDING = {"float64": 1e-12, "float32": 5e-6, "float16": 2e-2}


class Pair:
    """The same parameters in both, in two groups of which the second has options of its own."""

    def __init__(self, dtype: str, seed: int = 0) -> None:
        self.random, self.dtype = np.random.default_rng(seed), dtype
        values = [self.random.standard_normal(shape).astype(dtype) for shape in SHAPES]
        self.ours = [Tensor(value, requires_grad=True) for value in values]
        self.theirs = [torch.tensor(value, requires_grad=True) for value in values]

    def optimizers(self, name: str, options: dict[str, Any]) -> tuple[optim.Optimizer, Any]:
        def make(package: Any, parameters: list[Any]) -> Any:
            second = {"params": parameters[2:], "lr": 0.02, "weight_decay": 0.03}
            return getattr(package, name)([{"params": parameters[:2]}, second], **options)

        return make(optim, self.ours), make(torch.optim, self.theirs)

    def give_gradients(self, missing: int | None = None) -> None:
        for i, (p, q) in enumerate(zip(self.ours, self.theirs, strict=True)):
            g = np.asarray(self.random.standard_normal(p.shape), self.dtype)
            p.grad, q.grad = (None, None) if i == missing else (Tensor(g), torch.tensor(g))

    def agree(self) -> None:
        for p, q in zip(self.ours, self.theirs, strict=True):
            tolerance = ROUNDING[self.dtype]
            np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "options"), NAMED)
def test_a_hundred_steps_are_pytorchs(name: str, options: dict[str, Any], dtype: str) -> None:
    pair = Pair(dtype)
    ours, theirs = pair.optimizers(name, options)
    for step in range(100):
        if step == 50:
            for optimizer in (ours, theirs):
                optimizer.param_groups[0]["lr"] *= 0.5
        pair.give_gradients(missing=step % 7)
        ours.step()
        theirs.step()
        pair.agree()


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_float16_is_pytorchs(name: str) -> None:
    pair = Pair("float16")
    ours, theirs = pair.optimizers(name, {"lr": 0.01} | ({"eps": 1e-4} if name == "Adam" else {}))
    for _ in range(20):
        pair.give_gradients()
        ours.step()
        theirs.step()
    pair.agree()
    assert all(p.dtype == np.float16 for p in pair.ours)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-4)])
@pytest.mark.parametrize(("name", "options"), NAMED)
def test_losses_of_a_network_follow_pytorchs(name: str, options: dict[str, Any], dtype: str, tolerance: float) -> None:
    random = np.random.default_rng(1)
    x = random.standard_normal((32, 2)).astype(dtype)
    y = np.stack([x[:, 0] * x[:, 1], x[:, 0] ** 2], 1)
    # Small steps, and no division by almost nothing, so that rounding stays as small as it is.
    calm = {"SGD": {"lr": 0.003}, "Adadelta": {"lr": 0.3, "eps": 1e-4}}.get(name, {"lr": 0.003, "eps": 1e-2})
    options = options | calm | {"maximize": False}

    def losses(network: Any, optimizer: Any, tensor: Callable[[Any], Any]) -> list[float]:
        found, inputs, targets = [], tensor(x), tensor(y)
        for _ in range(100):
            optimizer.zero_grad()
            loss = ((network(inputs) - targets) ** 2).mean()
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found

    torch.manual_seed(0)
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 2))
    theirs = theirs.to(getattr(torch, dtype))
    ours = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2)).to(np.dtype(dtype))
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    expected = losses(theirs, getattr(torch.optim, name)(theirs.parameters(), **options), torch.tensor)
    found = losses(ours, getattr(optim, name)(ours.parameters(), **options), Tensor)
    np.testing.assert_allclose(found, expected, rtol=tolerance)
    assert found[-1] < found[0]


def plain(state: Any) -> Any:
    """The state without PyTorch: arrays for its tensors."""
    if isinstance(state, dict):
        return {name: plain(value) for name, value in state.items()}
    return state.numpy() if isinstance(state, torch.Tensor) else state


def torchs(state: Any) -> Any:
    """Our state as PyTorch takes it."""
    if isinstance(state, dict):
        return {name: torchs(value) for name, value in state.items()}
    return torch.tensor(state.numpy()) if isinstance(state, Tensor) else copy.copy(state)


@pytest.mark.parametrize("to_ours", [True, False], ids=["from PyTorch", "to PyTorch"])
@pytest.mark.parametrize(("name", "options"), NAMED)
def test_a_state_goes_on_in_the_other(name: str, options: dict[str, Any], to_ours: bool) -> None:
    pair = Pair("float64")
    ours, theirs = pair.optimizers(name, options)
    for step in range(20):
        pair.give_gradients(missing=step % 5)
        ours.step()
        theirs.step()
    fresh_ours, fresh_theirs = pair.optimizers(name, options)
    if to_ours:
        ours = fresh_ours
        ours.load_state_dict(plain(theirs.state_dict()))
    else:
        theirs = fresh_theirs
        theirs.load_state_dict(torchs(ours.state_dict()))
    for _ in range(20):
        pair.give_gradients()
        ours.step()
        theirs.step()
    pair.agree()


@pytest.mark.parametrize(("name", "options"), NAMED)
def test_the_state_has_pytorchs_layout(name: str, options: dict[str, Any]) -> None:
    pair = Pair("float32")
    ours, theirs = pair.optimizers(name, options)
    pair.give_gradients()
    ours.step()
    theirs.step()
    found, expected = ours.state_dict(), theirs.state_dict()
    assert {i: sorted(state) for i, state in found["state"].items()} == {
        i: sorted(state) for i, state in expected["state"].items()
    }
    for group, other in zip(found["param_groups"], expected["param_groups"], strict=True):
        assert group == {name: other[name] for name in group}
        assert set(other) - set(group) <= {"foreach", "capturable", "differentiable", "fused", "decoupled_weight_decay"}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, float("inf")])
@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clipping_by_norm_is_pytorchs(norm_type: float, max_norm: float, dtype: str) -> None:
    pair = Pair(dtype)
    pair.give_gradients(missing=1)
    ours = nn.utils.clip_grad_norm_(pair.ours, max_norm, norm_type)
    theirs = torch.nn.utils.clip_grad_norm_(pair.theirs, max_norm, norm_type)
    assert ours.dtype == np.dtype(dtype)
    tolerance = ROUNDING[dtype]
    np.testing.assert_allclose(ours.item(), theirs.item(), rtol=tolerance)
    for p, q in zip(pair.ours, pair.theirs, strict=True):
        if p.grad is not None:
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=tolerance)


def test_clipping_by_value_is_pytorchs() -> None:
    pair = Pair("float64")
    pair.give_gradients()
    nn.utils.clip_grad_value_(pair.ours, 0.3)
    torch.nn.utils.clip_grad_value_(pair.theirs, 0.3)
    for p, q in zip(pair.ours, pair.theirs, strict=True):
        assert p.grad.tolist() == q.grad.tolist()


def test_the_signatures_are_pytorchs() -> None:
    """Names, order and defaults, but for arguments that are about PyTorch's own kernels."""
    import inspect

    kernels = {"foreach", "capturable", "differentiable", "fused", "kernels", "last_epoch"}
    for name in [*{name for name, _ in OPTIONS}, *(f"lr_scheduler.{name}" for name in optim.lr_scheduler.__all__)]:
        ours, theirs = optim, torch.optim
        for part in name.split("."):
            ours, theirs = getattr(ours, part), getattr(theirs, part)
        found, expected = (
            [(p.name, p.default) for p in inspect.signature(c).parameters.values() if p.name not in kernels]
            for c in (ours, theirs)
        )
        assert found == expected, name


@pytest.mark.parametrize(
    "options", [{}, {"lr": 0.3, "max_iter": 5, "history_size": 3}, {"tolerance_change": 1e-2}], ids=str
)
def test_lbfgs_goes_pytorchs_way(options: dict[str, Any]) -> None:
    random = np.random.default_rng(0)
    x, y = random.standard_normal((20, 3)), random.standard_normal(20)
    found = []
    for library in (tinygrad_edu, torch):
        data, target = library.tensor(x), library.tensor(y)
        w, b, idle = (library.tensor(v, requires_grad=True) for v in (x[0], y[0], x[1]))
        optimizer, losses = library.optim.LBFGS([w, b, idle], **options), []

        def closure() -> Any:
            optimizer.zero_grad()  # noqa: B023 - called within the pass of the loop
            loss = (((data @ w).tanh() + b - target) ** 2).mean() + 0.1 * (w**4).sum()  # noqa: B023 - as above
            loss.backward()
            losses.append(loss.item())  # noqa: B023 - as above
            return loss

        first = [optimizer.step(closure).item() for _ in range(4)]
        found.append([losses, first, w.detach().numpy(), b.item(), idle.detach().numpy()])
    for mine, other in zip(*found, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9)


def test_lbfgs_goes_on_from_its_state(tmp_path: Path) -> None:
    def begun() -> tuple[Tensor, optim.LBFGS]:
        w = Tensor([3.0, -2.0], requires_grad=True)
        return w, optim.LBFGS([w], lr=0.1, max_iter=2)

    def step(w: Tensor, optimizer: optim.LBFGS) -> None:
        def closure() -> Any:
            optimizer.zero_grad()
            loss = ((w**4) * Tensor([1.0, 5.0])).sum()
            loss.backward()
            return loss

        optimizer.step(closure)

    w, optimizer = begun()
    step(w, optimizer)
    other, again = begun()
    tinygrad_edu.save({"w": w.detach(), "state": optimizer.state_dict()}, tmp_path / "state.safetensors")
    saved = tinygrad_edu.load(tmp_path / "state.safetensors")
    other.data = saved["w"]
    again.load_state_dict(saved["state"])
    step(w, optimizer)
    step(other, again)
    np.testing.assert_array_equal(w.numpy(), other.numpy())


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda w: optim.LBFGS([w], line_search_fn="strong_wolfe"), ValueError, "take a smaller lr"),
        (lambda w: optim.LBFGS([w], max_iter=0), ValueError, "above 0"),
        (lambda w: optim.LBFGS([{"params": [w]}, {"params": [w * 1]}]), ValueError, "."),
        (lambda w: optim.LBFGS([w]).step(), TypeError, r"step\(closure\)"),
    ],
)
def test_what_lbfgs_cannot_do_is_told(call: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call(Tensor([1.0], requires_grad=True))
