"""The engine on ducks: changes in place, keys, hooks, warnings, anomalies, files, and what is told of mixed devices."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.duck.beside import on_host, same
from tests.duck.module import upload
from tinygrad_edu import Tensor, cuda, errors, func, nn

X = np.array([1.0, 2.0, 3.0])


def there(*numbers: Any, requires_grad: bool = False) -> Tensor:
    return Tensor(np.array(numbers), requires_grad=requires_grad, device="cuda")


@pytest.mark.parametrize(
    "call",
    [
        func.grad(lambda x: (x**2).sum()),
        func.hessian(lambda x: (x**3).sum()),
        func.jacobian(lambda x: x**2),
        lambda t: func.jvp(lambda x: np.sin(x).sum(), (t,), (t.detach(),))[1],
        lambda t: func.jvp(lambda x: np.cumsum(x), (t,), (t.detach(),))[1],
        lambda t: func.vjp(lambda x: np.cumsum(x), t)[1](t.detach())[0],
        lambda t: func.hvp(lambda x: (x**3).sum(), (t,), (t.detach(),))[1],
        lambda t: np.add(t, t, dtype=np.float32),
        lambda t: tg.autograd.grad((t[[0, 0]] * t[1:]).sum(), t)[0],
        copy.deepcopy,
        lambda t: pickle.loads(pickle.dumps(t.detach())),
        lambda t: t.clone(),
        lambda t: t.detach().float(),
        lambda t: t > 1,
        lambda t: np.isclose(t, t),
        lambda t: tg.zeros_like(t),
        np.unique,
        lambda t: np.percentile(t, [10, 50]),
        lambda t: np.hstack([t, 1.0, [2.0, 3.0]]),
        lambda t: t.count_nonzero(),
        lambda t: t.diag_embed(),
    ],
)
def test_results_are_there_and_as_here(call: Callable[[Tensor], Any]) -> None:
    found, expected = (call(Tensor(X, requires_grad=True, device=place)) for place in ("cuda", "cpu"))
    wrap: Callable[[Any], Any] = lambda value: value if isinstance(value, Tensor) else Tensor(value)  # noqa: E731
    same(wrap(found), wrap(expected))


def test_changes_in_place_and_keys_wait_for_nothing() -> None:
    x, places = there(1.0, 2.0, 3.0), there(2, 0)
    with cuda.no_copies():
        x += 1
        x *= 2
        x[0] = 5
        x[1:] += 1
        x[x > 8] = 0
        x[places] = 3.0
        x **= 2
    assert on_host(x).tolist() == [9, 49, 9]


def test_keys_that_name_a_place_twice() -> None:
    x = there(1.0, 2.0, 3.0, requires_grad=True)
    with cuda.no_copies():
        (x[there(2, 0, 2)].sum() + x[[0, 1]].sum() + x[np.array([0, 0])].sum() + x[1] + x[None, ::-1].sum()).backward()
    assert on_host(x.grad).tolist() == [5, 3, 3]


def test_a_value_changed_after_the_graph_kept_it_is_seen() -> None:
    x = there(1.0, 2.0, requires_grad=True)
    y = x * 1
    z = (y * y).sum()
    with tg.no_grad():
        y += 1
    with pytest.raises(errors.MutationError):
        z.backward()


def test_gradients_that_add_up_are_told_of_without_a_look_at_them() -> None:
    x = there(1.0, 2.0, requires_grad=True)
    with cuda.no_copies():
        (x * 2).sum().backward()
        with pytest.warns(errors.AccumulationWarning):
            (x * 2).sum().backward()
    assert on_host(x.grad).tolist() == [4, 4]


def test_a_gradient_belongs_to_its_tensor_alone() -> None:
    """Rules hand on what they got: a change of one gradient must not show in another."""
    x, y = there(1.0, 2.0, requires_grad=True), there(3.0, 4.0, requires_grad=True)
    g = there(1.0, 1.0)
    (x + y).backward(g)
    x.grad += 5
    assert on_host(y.grad).tolist() == on_host(g).tolist() == [1, 1]


@pytest.mark.parametrize(
    "step", [lambda t: t.reshape(4), lambda t: t.T, lambda t: +t, lambda t: t[None], lambda t: t.astype(t.dtype)]
)
def test_nor_do_views_of_it_on_the_way(step: Callable[[Tensor], Tensor]) -> None:
    x, y = (Tensor(np.ones((2, 2)), requires_grad=True, device="cuda") for _ in range(2))
    g = Tensor(np.ones(step(x).shape), device="cuda")
    (step(x) + step(y)).backward(g)
    x.grad += 5
    assert (on_host(y.grad) == 1).all()
    assert (on_host(g) == 1).all()


def test_hooks() -> None:
    x = there(1.0, 2.0, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: upload(np.array([5.0, 6.0])))
    y.sum().backward()
    assert on_host(x.grad).tolist() == [10, 12]
    assert on_host(y.grad).tolist() == [5, 6]


def test_anomalies_are_found() -> None:
    x = there(0.0, 2.0, requires_grad=True)
    with pytest.raises(errors.AnomalyError, match="log of 0"), tg.autograd.detect_anomaly():
        np.log(x).sum().backward()


def test_files_keep_no_device(tmp_path: Path) -> None:
    layer = nn.Linear(2, 2).to("cuda")
    tg.save(layer.state_dict(), tmp_path / "layer.safetensors")
    read = tg.load(tmp_path / "layer.safetensors")
    assert read["weight"].device == "cpu"
    before = on_host(layer.weight.detach()).copy()
    layer.load_state_dict(read)
    np.testing.assert_array_equal(on_host(layer.weight.detach()), before)


def test_it_is_shown() -> None:
    assert repr(there(1.0, 2.0)) == "Tensor([1., 2.])"
    assert f"{there(1.0)[0]:.2f}" == "1.00"
    assert "6" in str(nn.Linear(2, 2).to("cuda").summary((1, 2)))


@pytest.mark.parametrize(
    "mix",
    [
        lambda t, h: t * h,
        lambda t, h: t * h.numpy(),
        lambda t, h: h.numpy() * t,
        lambda t, h: nn.Linear(2, 2).double()(t),
        lambda t, h: np.concatenate([t, h]),
        lambda t, h: nn.MSELoss()(t, h),
        lambda t, h: t.__setitem__(slice(None), h),
        lambda t, h: t.__iadd__(h),
        lambda t, h: np.where(h.numpy() > 0, t, 0.0),
    ],
)
def test_devices_are_not_mixed(mix: Callable[[Any, Any], Any]) -> None:
    with pytest.raises(errors.DeviceError, match="cpu"):
        mix(there(1.0, 2.0), Tensor([1.0, 2.0]))
