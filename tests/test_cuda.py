"""Devices, as far as they can be seen without one: what is made where, seeds, errors, and that nothing is copied."""

import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.duck import Duck, as_cupy
from tinygrad_edu import Tensor, cuda, errors, nn, optim, train
from tinygrad_edu.nn import functional as F  # noqa: N812 - as everywhere


@pytest.fixture
def gpu() -> Iterator[Any]:
    """A GPU of ducks."""
    with as_cupy() as module:
        yield module


def message(call: Callable[[], Any], kind: type[Exception] = errors.DeviceError) -> str:
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


MAKERS: dict[str, Callable[..., Tensor]] = {
    "zeros": lambda **o: tg.zeros(2, 3, **o),
    "ones": lambda **o: tg.ones((2, 3), **o),
    "full": lambda **o: tg.full((2, 3), 7.0, **o),
    "arange": lambda **o: tg.arange(1.0, 4.0, **o),
    "linspace": lambda **o: tg.linspace(0, 1, 5, **o),
    "eye": lambda **o: tg.eye(3, **o),
    "Tensor": lambda **o: Tensor([[1.0, 2.0]], **o),
    "tensor": lambda **o: tg.tensor(2.5, **o),
    "zeros_like": lambda **o: tg.zeros_like(np.ones((2, 3)), **o),
    "ones_like": lambda **o: tg.ones_like(Tensor([1.0]), **o),
    "full_like": lambda **o: tg.full_like(Tensor([1.0]), 3.0, **o),
}
RANDOM: dict[str, Callable[..., Tensor]] = {
    "rand": lambda **o: tg.rand(4, 3, **o),
    "randn": lambda **o: tg.randn(4, 3, **o),
    "randn of float32": lambda **o: tg.randn(4, 3, dtype=tg.float32, **o),
    "rand of float16": lambda **o: tg.rand(4, 3, dtype=tg.float16, **o),
    "randint": lambda **o: tg.randint(2, 9, (4, 3), **o),
    "randint, short": lambda **o: tg.randint(9, (4, 3), **o),
    "randperm": lambda **o: tg.randperm(9, **o),
    "normal": lambda **o: tg.normal(1.0, 2.0, (4, 3), **o),
    "rand_like": lambda **o: tg.rand_like(np.ones((4, 3), np.float32), **o),
    "randn_like": lambda **o: tg.randn_like(np.ones((4, 3)), **o),
}


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("name", MAKERS)
def test_what_is_made_on_a_gpu_is_what_is_made_on_the_host(name: str) -> None:
    made, expected = MAKERS[name](device="cuda"), MAKERS[name]()
    assert type(made._value) is Duck
    assert made.device == "cuda:0"
    assert made.dtype == expected.dtype
    assert made.tolist() == expected.tolist()
    options = MAKERS[name](device="cuda:0", requires_grad=True, name="w")
    assert (options.requires_grad, options.name) == (True, "w")


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("name", RANDOM)
def test_one_seed_is_for_all_devices(name: str) -> None:
    drawn = [(tg.manual_seed(5), RANDOM[name](device="cuda"), RANDOM[name](device="cuda"))[1:] for _ in range(2)]
    (first, second), (again, _) = drawn
    assert type(first._value) is Duck
    assert (first.shape, first.dtype) == (RANDOM[name]().shape, RANDOM[name]().dtype)
    assert first.tolist() == again.tolist() != second.tolist()


@pytest.mark.usefixtures("gpu")
def test_a_state_is_for_all_devices_too() -> None:
    tg.manual_seed(0)
    state = tg.get_rng_state()
    first = [tg.rand(3, device="cuda").tolist(), tg.rand(3).tolist()]
    tg.set_rng_state(state)
    assert [tg.rand(3, device="cuda").tolist(), tg.rand(3).tolist()] == first


@pytest.mark.usefixtures("gpu")
def test_any_generator_draws_where_the_tensor_is() -> None:
    for generator in (tg.Generator(device="cuda"), tg.Generator(), np.random.default_rng(0)):
        assert tg.rand(3, generator=generator, device="cuda").is_cuda
        assert F.dropout(tg.ones(3, device="cuda"), generator=generator).is_cuda
    assert tg.normal(tg.zeros(3, device="cuda"), 1.0).is_cuda


@pytest.mark.usefixtures("gpu")
def test_first_weights_are_drawn_where_they_are() -> None:
    for fill in (nn.init.uniform_, nn.init.normal_, nn.init.trunc_normal_, nn.init.orthogonal_, nn.init.eye_):
        assert type(fill(tg.zeros(4, 3, device="cuda"))._value) is Duck
    sparse = nn.init.sparse_(tg.zeros(4, 3, device="cuda"), 0.5)
    assert [column.count(0.0) for column in sparse.T.tolist()] == [2, 2, 2]
    assert nn.Linear(2, 3, device="cuda").weight.is_cuda


@pytest.mark.usefixtures("gpu")
def test_a_module_moves_there_and_back_as_the_same_objects() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    weight = net[0].weight
    net(tg.ones(2, 2, dtype=tg.float32)).sum().backward()
    assert net.cuda()[0].weight is weight
    assert [p.device for p in [*net.parameters(), *net.buffers(), weight.grad]] == ["cuda:0"] * 8
    assert all(isinstance(p._value, np.ndarray | np.generic) for p in net.cpu().parameters())


@pytest.mark.usefixtures("gpu")
def test_gradients_cross_with_their_tensors() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    (w.to("cuda") ** 2).sum().to("cpu").backward()
    assert w.grad.device == "cpu"
    assert w.grad.tolist() == [2.0, 4.0]


@pytest.mark.usefixtures("gpu")
def test_a_number_on_the_host_goes_with_an_array_on_a_gpu_and_its_gradient_comes_home() -> None:
    scale = Tensor(3.0, requires_grad=True)
    (tg.ones(4, device="cuda") * scale).sum().backward()
    assert (scale.grad.device, scale.grad.item()) == ("cpu", 4.0)


def test_devices_are_told_apart_by_number_only_where_both_have_one() -> None:
    there = tg.device("cuda:1")
    assert (there.type, there.index, str(there), repr(there)) == ("cuda", 1, "cuda:1", "device('cuda:1')")
    assert there == "cuda"
    assert there != "cpu"
    assert there != "cuda:0"
    assert tg.device("cuda").index is None
    assert tg.device(there) == there
    assert len({there, tg.device("cuda:1"), tg.device("cpu")}) == 2


MIXED: dict[str, tuple[Callable[[Tensor, Tensor], Any], tuple[str, ...]]] = {
    "an op": (
        lambda here, there: here + there,
        ("add: 'here' of shape (3, 2) is on cpu, 'there'", "here.to('cuda:0')"),
    ),
    "a product": (lambda here, there: there @ here.T, ("matmul: ", "y of shape (2, 3) is on cpu", "y.to('cuda:0')")),
    "a variadic op": (lambda here, there: tg.stack([there, here]), ("stack: ", "'here' of shape (3, 2)")),
    "where": (lambda here, there: tg.where(here > 0, there, 0.0), ("where: condition of shape (3, 2) is on cpu",)),
    "in place": (lambda here, there: there.__iadd__(here), ("add: ", "here.to('cuda:0')")),
    "in place on the host": (lambda here, there: here.__iadd__(there), ("add: ", "here.to('cuda:0')")),
    "an item": (lambda here, there: there.__setitem__(0, here[0]), ("item assignment: ", "x.to('cuda:0')")),
    "a layer": (lambda here, _: nn.Linear(2, 3, device="cuda")(here), ("linear: 'here'", "weight of shape (3, 2)")),
    "a loss": (lambda here, there: nn.MSELoss()(there, here), ("mse_loss: ", "here.to('cuda:0')")),
    "labels": (
        lambda _, there: nn.CrossEntropyLoss()(there, Tensor([0, 1, 1], name="y")),
        ("cross_entropy: 'there' of shape (3, 2) is on cuda:0, 'y' of shape (3,) is on cpu", "y.to('cuda:0')"),
    ),
    "indices": (lambda _, there: F.embedding(np.array([0]), there), ("embedding: ", "the input of shape (1,)")),
    "a gradient": (lambda here, there: setattr(there, "grad", here), ("a gradient lives", "'there'", "to('cuda:0')")),
    "a first gradient": (
        lambda here, there: (there.requires_grad_() * 2).backward(here),
        ("a gradient lives", "on cuda:0", "is on cpu"),
    ),
}


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("name", MIXED)
def test_mixing_devices_names_both_tensors_and_the_remedy(name: str) -> None:
    call, told = MIXED[name]
    said = message(lambda: call(tg.ones(3, 2, name="here"), tg.ones(3, 2, name="there", device="cuda")))
    assert all(part in said for part in told), said


@pytest.mark.usefixtures("gpu")
def test_an_optimizer_that_was_made_before_the_model_moved_says_so() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    w.sum().backward()
    optimizer.step()
    w.data = w.detach().to("cuda")
    w.grad = tg.ones(2, device="cuda")
    said = message(optimizer.step)
    assert "SGD.step: 'w' of shape (2,) is on cuda:0" in said
    assert "what is remembered of it of shape (2,) is on cpu" in said


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert not cuda.is_available()
    assert (cuda.device_count(), cuda.memory_allocated(), cuda.memory_reserved()) == (0, 0, 0)
    cuda.synchronize()
    cuda.empty_cache()
    with cuda.device(None), cuda.no_copies():
        assert Tensor(2.0).item() == 2.0
    for call in (lambda: tg.zeros(2, device="cuda"), cuda.current_device, lambda: cuda.set_device(0)):
        assert "pip install cupy-cuda13x for CUDA 13, cupy-cuda12x for CUDA 12" in message(call)


def test_cupy_without_a_gpu_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    class CUDARuntimeError(RuntimeError): ...

    def none() -> int:
        raise CUDARuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient")

    module = ModuleType("cupy")
    module.cuda = SimpleNamespace(runtime=SimpleNamespace(getDeviceCount=none, CUDARuntimeError=CUDARuntimeError))
    monkeypatch.setitem(sys.modules, "cupy", module)
    assert not cuda.is_available()
    said = message(lambda: tg.zeros(2).cuda())
    assert "cudaErrorInsufficientDriver" in said
    assert "nvidia-smi" in said


def test_a_gpu_that_is_not_there_or_not_in_use_is_refused(gpu: Any) -> None:
    assert message(lambda: tg.zeros(2).to("cuda:1")) == "there is no cuda:1: the GPUs here are cuda:0"
    assert "there is no GPU 3" in message(lambda: cuda.set_device(3))
    assert "there is no GPU 'cpu'" in message(lambda: cuda.get_device_name("cpu"))
    gpu.cuda.runtime.getDeviceCount = lambda: 2
    assert "write `with cuda.device(1):`" in message(lambda: tg.zeros(2).to("cuda:1"))
    assert cuda.current_device() == 0


READS: dict[str, Callable[[Tensor], Any]] = {
    "item": lambda t: t.sum().item(),
    "float": lambda t: float(t.sum()),
    "if": lambda t: bool(t.sum() > 0),
    "tolist": lambda t: t.tolist(),
    "numpy": lambda t: t.numpy(),
    "np.asarray": lambda t: np.asarray(t),
    "cpu": lambda t: t.cpu(),
    "print": lambda t: str(t),
    "format": lambda t: f"{t.sum():.2f}",
    "a mask": lambda t: t[t > 0],
}


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("name", READS)
def test_no_copies_names_the_line_that_reads_on_the_host(name: str) -> None:
    t = tg.ones(3, device="cuda")
    with pytest.raises(errors.HostCopyError, match=r"test_cuda.py:\d+") as caught, cuda.no_copies():
        READS[name](t)
    assert f'"{name}": lambda t: ' in str(caught.value)
    READS[name](t)  # and outside it may


@pytest.mark.usefixtures("gpu")
def test_no_copies_lets_other_errors_through_and_ends_with_them() -> None:
    with pytest.raises(ZeroDivisionError), cuda.no_copies():
        1 / 0  # noqa: B018 - which raises
    assert tg.ones(1, device="cuda").item() == 1.0


@pytest.mark.usefixtures("gpu")
def test_no_copies_over_a_function_that_calls_itself() -> None:
    @cuda.no_copies()
    def deeper(t: Tensor, levels: int) -> Tensor:
        return deeper(t + 1, levels - 1) if levels else t

    assert deeper(tg.zeros(1, device="cuda"), 3).item() == 3.0


NETWORKS: dict[str, Callable[[], nn.Sequential]] = {
    "dense": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(64, 16), nn.LayerNorm(16), nn.GELU(), nn.Dropout(0.3), nn.Linear(16, 10)
    ),
    "convolutional": lambda: nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10)
    ),
}
OPTIMIZERS: dict[str, Callable[[Any], optim.Optimizer]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, centered=True),
}


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("network", NETWORKS)
def test_a_step_of_training_copies_nothing(network: str, optimizer: str) -> None:
    """With labels of which some are left out, clipped gradients, and a schedule, as on the host."""
    tg.manual_seed(0)
    data = np.random.default_rng(0)
    x, y = data.normal(size=(12, 1, 8, 8)).astype(np.float32), data.integers(0, 10, 12)
    y[3] = -100
    losses: dict[str, list[float]] = {}
    start = NETWORKS[network]().eval().state_dict()  # without dropout, whose numbers differ
    for place in ("cpu", "cuda"):
        model = NETWORKS[network]()
        model.load_state_dict(start)
        model = model.to(place)
        model[3 if network == "convolutional" else 4].eval()
        steps = OPTIMIZERS[optimizer](model.parameters())
        schedule = optim.lr_scheduler.CosineAnnealingLR(steps, 3)
        inputs, labels = Tensor(x, device=place), Tensor(y, device=place)
        found = []
        with cuda.no_copies():
            for _ in range(3):
                steps.zero_grad()
                loss = nn.CrossEntropyLoss(label_smoothing=0.1)(model(inputs), labels)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 0.5)
                steps.step()
                schedule.step()
                found.append(loss.detach())
        losses[place] = [loss.item() for loss in found]
    np.testing.assert_allclose(losses["cuda"], losses["cpu"], rtol=1e-4)


@pytest.mark.usefixtures("gpu")
def test_dropout_in_training_copies_nothing_and_keeps_the_mean() -> None:
    with cuda.no_copies():
        dropped = F.dropout(tg.ones(10_000, device="cuda"), 0.25)
    assert set(dropped.unique().tolist() if hasattr(dropped, "unique") else dropped.tolist()) == {0.0, 1 / 0.75}
    assert abs(dropped.mean().item() - 1) < 0.03


@pytest.mark.usefixtures("gpu")
def test_a_label_that_names_no_class_makes_its_loss_nan_on_a_gpu() -> None:
    logits = tg.zeros(3, 4, device="cuda", requires_grad=True)
    with cuda.no_copies():
        each = F.cross_entropy(logits, Tensor([0, 4, -100], device="cuda"), reduction="none")
        mean = F.nll_loss(logits, Tensor([0, -1, 2], device="cuda"))
        rows = F.embedding(Tensor([1, 3], device="cuda"), tg.ones(3, 2, device="cuda"))
    assert np.isnan(each.tolist()).tolist() == [False, True, False]
    assert each.tolist()[2] == 0.0
    assert np.isnan(mean.item())
    assert np.isnan(rows.tolist()).tolist() == [[False, False], [True, True]]


@pytest.mark.usefixtures("gpu")
def test_fit_learns_on_a_gpu_what_it_learns_on_the_host() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 3)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    histories = []
    for place in ("cpu", "cuda"):
        tg.manual_seed(1)
        model = nn.Sequential(nn.Linear(3, 8), nn.Sigmoid(), nn.Linear(8, 2)).to(place)
        tg.manual_seed(2)  # the order of the samples, which is drawn on the host
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        validation = (x[:10], y[:10])
        history = train.fit(
            model, (x, y), nn.CrossEntropyLoss(), optimizer, 4, batch_size=8, metrics=["accuracy"],
            validation=validation, clip_norm=1.0, l1=1e-4, l2=1e-4,
        )  # fmt: skip
        histories.append(dict(history))
    host, there = histories
    assert host.keys() == there.keys()
    for name in host:
        np.testing.assert_allclose(there[name], host[name], rtol=1e-4, err_msg=name)


@pytest.mark.usefixtures("gpu")
def test_fit_says_which_batch_became_nan_and_that_steps_were_taken_after_it() -> None:
    model = nn.Linear(1, 1).cuda()
    x = np.ones((8, 1), np.float32)
    x[:] = np.array([1, 1, 1, 1, 1, 1, 1e30, 1])[:, None]
    optimizer = optim.SGD(model.parameters(), lr=1e-3)
    with pytest.raises(errors.TrainingError, match=r"epoch 1, batch 4; steps were taken with it") as caught:
        train.fit(model, (x, x * 0), nn.MSELoss(), optimizer, 1, batch_size=2, shuffle=False)
    assert caught.value.history.epochs == 0


@pytest.mark.usefixtures("gpu")
def test_a_checkpoint_of_a_gpu_is_read_on_the_host_and_there(tmp_path: Any) -> None:
    tg.save({"w": tg.arange(3.0, device="cuda")}, tmp_path / "w")
    assert tg.load(tmp_path / "w")["w"].device == "cpu"
    assert tg.load(tmp_path / "w", map_location="cuda")["w"].device == "cuda:0"
    assert tg.load(tmp_path / "w", map_location="cuda")["w"].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.usefixtures("gpu")
def test_where_it_goes_and_as_what_is_asked_as_in_pytorch() -> None:
    t = tg.ones(2)
    assert (t.to("cuda", tg.float32).device, t.to("cuda", tg.float32).dtype) == ("cuda:0", np.float32)
    assert t.to(device="cuda", dtype=tg.float16, non_blocking=True).dtype == np.float16
    assert t.to(tg.device("cuda")).is_cuda
    assert t.to(tg.zeros(1, dtype=tg.float32, device="cuda")).dtype == np.float32
    assert t.cuda(0).cuda("cuda:0").is_cuda
    there = t.cuda()
    assert there.to("cuda") is there
    assert there.to("cuda", copy=True) is not there
    assert t.to(tg.float64, False) is t


@pytest.mark.usefixtures("gpu")
def test_pictures_summaries_and_lists_read_what_they_show() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True, name="x", device="cuda")
    y = (x * x).sum()
    assert y.grad_fn.value == 5.0
    assert y.grad_fn.inputs[0].value.tolist() == [1.0, 4.0]
    steps: list[Any] = []
    tg.autograd.backward(y, observe=steps.append)
    assert [type(step.accumulated) for step in steps] == [np.ndarray] * 3
    assert steps[-1].accumulated.tolist() == [2.0, 4.0]
    assert "(1, 3)" in str(nn.Sequential(nn.Linear(2, 3)).cuda().summary((1, 2)))
    assert Tensor([x[0].detach(), 7.0]).tolist() == [1.0, 7.0]


@pytest.mark.usefixtures("gpu")
def test_dtypes_that_a_gpu_has_not_are_refused() -> None:
    assert "write x.astype(np.float64)" in message(lambda: Tensor(np.ones(2, np.longdouble), device="cuda"), TypeError)
    assert "write float16" in message(lambda: tg.bfloat16, AttributeError)
    assert not hasattr(tg, "no_such_name")


def test_other_names_of_devices_are_told_from_dtypes() -> None:
    for name in ("gpu", "mps", "xpu:0"):
        with pytest.raises(errors.DeviceError, match=f"no device is called '{name}': there are 'cpu', and 'cuda'"):
            Tensor([1.0]).to(name)
