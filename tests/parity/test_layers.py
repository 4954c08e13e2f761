"""Convolution, pooling, normalisation, dropout and embedding beside PyTorch's: what they show, compute and learn."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn
from tinygrad_edu.nn import functional

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")

Build = Callable[[Any], Any]  # from a module `nn`, ours or theirs, to a layer

LAYERS: dict[str, tuple[Build, tuple[int, ...]]] = {  # and the shape of what it is given
    "Upsample": (lambda nn: nn.Upsample(scale_factor=2), (2, 3, 4, 5)),
    "Upsample uneven": (lambda nn: nn.Upsample(scale_factor=(1.5, 2.6)), (2, 3, 4, 5)),
    "Upsample sequence": (lambda nn: nn.Upsample(7, mode="linear"), (2, 3, 4)),
    "Upsample bilinear": (lambda nn: nn.Upsample(scale_factor=2.7, mode="bilinear"), (2, 3, 4, 5)),
    "Upsample corners": (lambda nn: nn.Upsample((3, 9), mode="bilinear", align_corners=True), (2, 3, 4, 5)),
    "Upsample bicubic": (lambda nn: nn.Upsample((7, 3), mode="bicubic"), (2, 3, 4, 5)),
    "Upsample exact": (lambda nn: nn.Upsample((7, 3), mode="nearest-exact"), (2, 3, 4, 5)),
    "Upsample area": (lambda nn: nn.Upsample((2, 3), mode="area"), (2, 3, 4, 5)),
    "UpsamplingNearest2d": (lambda nn: nn.UpsamplingNearest2d((3, 4)), (2, 3, 7, 5)),
    "UpsamplingBilinear2d": (lambda nn: nn.UpsamplingBilinear2d(scale_factor=2), (2, 3, 1, 5)),
    "PixelShuffle": (lambda nn: nn.PixelShuffle(2), (2, 12, 3, 2)),
    "PixelUnshuffle": (lambda nn: nn.PixelUnshuffle(2), (2, 3, 4, 6)),
    "Unfold": (lambda nn: nn.Unfold((2, 3), padding=1, stride=2), (2, 3, 4, 6)),
    "Fold": (lambda nn: nn.Fold((4, 5), 2), (2, 12, 12)),
    "ZeroPad1d": (lambda nn: nn.ZeroPad1d((1, 2)), (2, 3, 4)),
    "ConstantPad1d": (lambda nn: nn.ConstantPad1d(2, 3.5), (2, 3, 4)),
    "ConstantPad2d": (lambda nn: nn.ConstantPad2d((1, 0, 2, 1), -1.0), (2, 3, 4, 5)),
    "ReflectionPad1d": (lambda nn: nn.ReflectionPad1d(2), (2, 3, 4)),
    "ReflectionPad2d": (lambda nn: nn.ReflectionPad2d((1, 0, 2, 1)), (2, 3, 4, 5)),
    "ReplicationPad1d": (lambda nn: nn.ReplicationPad1d(2), (2, 3, 4)),
    "ReplicationPad2d": (lambda nn: nn.ReplicationPad2d(2), (2, 3, 4, 5)),
    "CircularPad1d": (lambda nn: nn.CircularPad1d((2, 1)), (2, 3, 4)),
    "CircularPad2d": (lambda nn: nn.CircularPad2d(1), (2, 3, 4, 5)),
    "Hardshrink": (lambda nn: nn.Hardshrink(0.3), (2, 30)),
    "Softshrink": (lambda nn: nn.Softshrink(), (2, 30)),
    "CELU": (lambda nn: nn.CELU(0.7), (2, 30)),
    "Conv1d": (lambda nn: nn.Conv1d(4, 6, 3), (5, 4, 9)),
    "Conv1d same": (lambda nn: nn.Conv1d(4, 6, 3, padding="same", groups=2, dilation=2), (5, 4, 9)),
    "Conv2d": (lambda nn: nn.Conv2d(4, 6, 3, padding=1), (5, 4, 7, 6)),
    "Conv2d one image": (lambda nn: nn.Conv2d(4, 6, (3, 2), stride=2, bias=False), (4, 7, 6)),
    "Conv2d valid": (lambda nn: nn.Conv2d(4, 6, 3, 2, "valid"), (5, 4, 7, 6)),
    "Conv2d depthwise": (lambda nn: nn.Conv2d(4, 4, 3, padding=1, groups=4), (5, 4, 7, 6)),
    "Conv2d depthwise twice": (lambda nn: nn.Conv2d(4, 8, (2, 3), (1, 2), 1, 2, groups=4), (5, 4, 7, 6)),
    "Conv2d reflect": (lambda nn: nn.Conv2d(4, 6, 3, padding=(2, 1), padding_mode="reflect"), (5, 4, 7, 6)),
    "Conv2d replicate": (lambda nn: nn.Conv2d(4, 6, 3, stride=2, padding=1, padding_mode="replicate"), (5, 4, 7, 6)),
    "Conv2d circular": (
        lambda nn: nn.Conv2d(4, 6, (2, 3), padding="same", padding_mode="circular", dilation=2),
        (4, 7, 6),
    ),
    "ConvTranspose1d": (lambda nn: nn.ConvTranspose1d(4, 6, 3, stride=2, output_padding=1), (5, 4, 7)),
    "ConvTranspose2d": (lambda nn: nn.ConvTranspose2d(4, 6, 3), (5, 4, 5, 6)),
    "ConvTranspose2d all": (lambda nn: nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2, dilation=2), (5, 4, 5, 6)),
    "MaxPool1d": (lambda nn: nn.MaxPool1d(3, 2, 1, 2), (2, 3, 9)),
    "MaxPool2d": (lambda nn: nn.MaxPool2d(2), (2, 3, 8, 7)),
    "MaxPool2d all": (lambda nn: nn.MaxPool2d((3, 2), (2, 1), 1, 2, ceil_mode=True), (2, 3, 8, 7)),
    "AvgPool1d": (lambda nn: nn.AvgPool1d(3, 2, 1), (3, 9)),
    "AvgPool2d": (lambda nn: nn.AvgPool2d(2), (2, 3, 8, 7)),
    "AvgPool2d all": (lambda nn: nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), (2, 3, 8, 7)),
    "AdaptiveAvgPool1d": (lambda nn: nn.AdaptiveAvgPool1d(4), (2, 3, 9)),
    "AdaptiveAvgPool2d": (lambda nn: nn.AdaptiveAvgPool2d((3, None)), (2, 3, 8, 7)),
    "AdaptiveAvgPool2d 1": (lambda nn: nn.AdaptiveAvgPool2d(1), (2, 3, 8, 7)),
    "AdaptiveAvgPool2d more": (lambda nn: nn.AdaptiveAvgPool2d((11, 3)), (2, 3, 8, 7)),
    "AdaptiveMaxPool1d": (lambda nn: nn.AdaptiveMaxPool1d(4), (2, 3, 9)),
    "AdaptiveMaxPool2d": (lambda nn: nn.AdaptiveMaxPool2d((3, None)), (2, 3, 8, 7)),
    "AdaptiveMaxPool2d even": (lambda nn: nn.AdaptiveMaxPool2d((4, 7)), (2, 3, 8, 7)),
    "BatchNorm1d": (lambda nn: nn.BatchNorm1d(4), (6, 4)),
    "BatchNorm1d sequences": (lambda nn: nn.BatchNorm1d(4, momentum=0.3), (6, 4, 3)),
    "BatchNorm2d": (lambda nn: nn.BatchNorm2d(4), (6, 4, 3, 5)),
    "BatchNorm2d average": (lambda nn: nn.BatchNorm2d(4, momentum=None, eps=0.1), (6, 4, 3, 5)),
    "BatchNorm2d plain": (lambda nn: nn.BatchNorm2d(4, affine=False), (6, 4, 3, 5)),
    "BatchNorm2d no bias": (lambda nn: nn.BatchNorm2d(4, bias=False), (6, 4, 3, 5)),
    "BatchNorm2d untracked": (lambda nn: nn.BatchNorm2d(4, track_running_stats=False), (6, 4, 3, 5)),
    "InstanceNorm1d": (lambda nn: nn.InstanceNorm1d(4), (6, 4, 3)),
    "InstanceNorm1d one": (lambda nn: nn.InstanceNorm1d(4, affine=True), (4, 3)),
    "InstanceNorm2d": (lambda nn: nn.InstanceNorm2d(4, affine=True, bias=False), (6, 4, 3, 5)),
    "InstanceNorm2d tracked": (lambda nn: nn.InstanceNorm2d(4, track_running_stats=True), (6, 4, 3, 5)),
    "GroupNorm": (lambda nn: nn.GroupNorm(2, 4), (6, 4, 3, 5)),
    "GroupNorm rows": (lambda nn: nn.GroupNorm(2, 8, bias=False), (6, 8)),
    "GroupNorm plain": (lambda nn: nn.GroupNorm(1, 4, affine=False), (6, 4, 3)),
    "LayerNorm": (lambda nn: nn.LayerNorm(5), (6, 4, 5)),
    "LayerNorm images": (lambda nn: nn.LayerNorm((4, 5), eps=0.1), (6, 4, 5)),
    "LayerNorm no bias": (lambda nn: nn.LayerNorm(5, bias=False), (5,)),
    "LayerNorm plain": (lambda nn: nn.LayerNorm([5], elementwise_affine=False), (6, 5)),
    "RMSNorm": (lambda nn: nn.RMSNorm(5), (6, 4, 5)),
    "RMSNorm images": (lambda nn: nn.RMSNorm((4, 5), eps=0.1), (6, 4, 5)),
    "RMSNorm plain": (lambda nn: nn.RMSNorm(5, elementwise_affine=False), (6, 5)),
    "Flatten": (lambda nn: nn.Flatten(), (2, 3, 4, 5)),
    "Flatten some": (lambda nn: nn.Flatten(-3, 2), (2, 3, 4, 5)),
    "Unflatten": (lambda nn: nn.Unflatten(1, (2, -1)), (3, 6)),
    "Dropout 0": (lambda nn: nn.Dropout(0.0), (3, 6)),
    "Dropout 1": (lambda nn: nn.Dropout(1.0), (3, 6)),
    "Dropout1d 1": (lambda nn: nn.Dropout1d(1.0), (3, 6, 2)),
    "Dropout2d 1": (lambda nn: nn.Dropout2d(1.0), (3, 6, 2, 2)),
}


def numbers(shape: tuple[int, ...], seed: int) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def twins(build: Build) -> tuple[Any, Any]:
    """The layer, ours and theirs, with the same numbers in every parameter and buffer."""
    ours, theirs = build(nn), build(torch.nn)
    for i, parameter in enumerate(theirs.parameters()):
        parameter.data = torch.tensor(numbers(tuple(parameter.shape), i) / 2)
    ours.load_state_dict(theirs.state_dict())
    assert list(ours.state_dict()) == list(theirs.state_dict())
    return ours, theirs


def close(found: Any, wanted: Any, what: str = "") -> None:
    wanted = np.asarray(wanted)
    scale = 1 + np.max(abs(wanted), initial=0)
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=2e-5, atol=2e-6 * scale, err_msg=what)


@pytest.mark.parametrize("build", [build for build, _ in LAYERS.values()], ids=LAYERS)
def test_it_looks_as_in_pytorch(build: Build) -> None:
    assert repr(build(nn)) == repr(build(torch.nn))


def arguments(function: Any, ours: bool = False) -> list[tuple[str, Any, Any]]:
    """Name, default and kind of each; `generator` is ours."""
    every = inspect.signature(function).parameters.values()
    return [(p.name, p.default, p.kind) for p in every if not (ours and p.name == "generator")]


@pytest.mark.parametrize("name", sorted({name.split()[0] for name in LAYERS} | {"Embedding"}))
def test_a_layer_takes_pytorchs_arguments(name: str) -> None:
    assert arguments(getattr(nn, name)) == arguments(getattr(torch.nn, name))


FUNCTIONS = [
    "batch_norm",
    "instance_norm",
    "group_norm",
    "layer_norm",
    "rms_norm",
    "dropout",
    "dropout1d",
    "dropout2d",
    "embedding",
    "unfold",
    "fold",
    "adaptive_avg_pool2d",
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_takes_pytorchs_arguments(name: str) -> None:
    assert arguments(getattr(functional, name), ours=True) == arguments(getattr(torch.nn.functional, name))


@pytest.mark.parametrize(("build", "shape"), LAYERS.values(), ids=LAYERS)
def test_values_gradients_and_buffers_in_training_and_evaluation(build: Build, shape: tuple[int, ...]) -> None:
    ours, theirs = twins(build)
    for step, training in enumerate([True, True, False, True, False]):
        ours.train(training)
        theirs.train(training)
        x = numbers(shape, step) * (step + 1) + step
        mine, other = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        y, z = ours(mine), theirs(other)
        close(y.detach(), z.detach(), "value")
        g = numbers(y.shape, 9)
        y.backward(g)
        z.backward(torch.tensor(g))
        close(mine.grad, other.grad, "by the input")
        for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            close(a.grad, b.grad, name)
        ours.zero_grad()
        theirs.zero_grad()
        for (name, a), b in zip(ours.named_buffers(), theirs.buffers(), strict=True):
            assert np.asarray(a).dtype == b.numpy().dtype
            close(a, b, name)


def trained(build: Build, shape: tuple[int, ...], rate: float = 0.1) -> list[tuple[float, float]]:
    """The losses of 100 steps of gradient descent, ours and theirs."""
    ours, theirs = twins(build)
    x = numbers(shape, 0) + 0.5
    y = numbers(tuple(theirs(torch.tensor(x)).shape), 1)
    ours, theirs = twins(build)  # as they were before that
    losses = []
    for _ in range(100):
        loss = ((ours(tg.from_numpy(x)) - y) ** 2).mean()
        wanted = ((theirs(torch.tensor(x)) - torch.tensor(y)) ** 2).mean()
        losses.append((loss.item(), wanted.item()))
        for model, one in ((ours, loss), (theirs, wanted)):
            model.zero_grad()
            one.backward()
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            with tg.no_grad(), torch.no_grad():
                mine -= rate * mine.grad
                other -= rate * other.grad
    return losses


LEARNING = [
    name
    for name, (build, _) in LAYERS.items()
    if not name.startswith(("Dropout", "Flatten", "Unflatten")) and list(build(nn).parameters())
]


@pytest.mark.parametrize("name", LEARNING)
def test_losses_follow_pytorchs_for_100_steps(name: str) -> None:
    losses = trained(*LAYERS[name])
    for step, (mine, other) in enumerate(losses):
        assert mine == pytest.approx(other, rel=2e-5), step
    assert losses[-1][0] < losses[0][0]


def image_network(nn: Any) -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3, padding=1, bias=False),
        nn.GroupNorm(2, 8),
        nn.SiLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.LayerNorm(8),
        nn.Linear(8, 5),
        nn.BatchNorm1d(5),
    )


def test_a_network_of_them_learns_as_pytorchs() -> None:
    losses = trained(image_network, (12, 1, 8, 8), 0.02)
    for step, (mine, other) in enumerate(losses):
        assert mine == pytest.approx(other, rel=1e-4), step  # what rounding differs by grows from layer to layer
    assert losses[-1][0] < 0.8 * losses[0][0]


def test_a_state_goes_there_and_back() -> None:
    ours, theirs = image_network(nn), image_network(torch.nn)
    for _ in range(3):
        ours(numbers((6, 1, 8, 8), 0))
    theirs.load_state_dict({name: torch.tensor(np.asarray(value)) for name, value in ours.state_dict().items()})
    close(ours.eval()(numbers((2, 1, 8, 8), 1)), theirs.eval()(torch.tensor(numbers((2, 1, 8, 8), 1))).detach())
    again = image_network(nn)
    again.load_state_dict(theirs.state_dict())
    for name, value in again.state_dict().items():
        np.testing.assert_array_equal(np.asarray(value), np.asarray(ours.state_dict()[name]), err_msg=name)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e4])
@pytest.mark.parametrize("name", ["BatchNorm1d", "BatchNorm2d", "LayerNorm", "GroupNorm", "InstanceNorm2d"])
def test_far_from_zero_float32_is_as_good_as_pytorchs(name: str, offset: float) -> None:
    build, shape = LAYERS[name]
    shape = (20_000, *shape[1:]) if name == "BatchNorm1d" else (100, *shape[1:])
    x = numbers(shape, 0) + np.float32(offset)
    exact = build(torch.nn).double()(torch.tensor(x, dtype=torch.float64)).detach().numpy()
    mine = np.abs(build(nn)(x).numpy() - exact).max()
    other = np.abs(build(torch.nn)(torch.tensor(x)).detach().numpy() - exact).max()
    assert mine <= 1.5 * other + 1e-6


def test_running_statistics_far_from_zero_are_at_least_as_good_as_pytorchs() -> None:
    x = numbers((20_000, 4), 0) + np.float32(1e4)
    ours, theirs = nn.BatchNorm1d(4, momentum=1.0), torch.nn.BatchNorm1d(4, momentum=1.0)
    ours(x)
    theirs(torch.tensor(x))
    exact = x.astype(float)
    for name, wanted in (("running_mean", exact.mean(axis=0)), ("running_var", exact.var(axis=0, ddof=1))):
        mine, other = (np.abs(np.asarray(getattr(layer, name)) - wanted).max() for layer in (ours, theirs))
        assert mine <= other
        assert mine < 1e-3 if name == "running_mean" else mine < 3e-5


EMBEDDINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "padding": {"padding_idx": 2},
    "padding from the end": {"padding_idx": -1},
    "norm": {"max_norm": 1.0},
    "norm of order 1": {"max_norm": 2.0, "norm_type": 1.0, "padding_idx": 0},
}


@pytest.mark.parametrize("options", EMBEDDINGS.values(), ids=EMBEDDINGS)
@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (0,)], ids=str)
def test_embedding(options: dict[str, Any], shape: tuple[int, ...]) -> None:
    ours, theirs = twins(lambda nn: nn.Embedding(6, 3, **options))
    assert repr(ours) == repr(theirs)
    indices = np.random.default_rng(3).integers(0, 6, shape)
    y, z = ours(indices), theirs(torch.tensor(indices))
    assert y.shape == tuple(z.shape)
    close(y.detach(), z.detach())
    g = numbers(y.shape, 4)
    y.backward(g)
    z.backward(torch.tensor(g))
    close(ours.weight.grad, theirs.weight.grad)
    close(ours.weight.detach(), theirs.weight.detach(), "rows scaled down in place")


def test_embeddings_learn_as_pytorchs() -> None:
    ours, theirs = twins(lambda nn: nn.Embedding(10, 4, padding_idx=3, max_norm=1.5))
    random = np.random.default_rng(0)
    for _ in range(100):
        indices, y = random.integers(0, 10, (7, 5)), numbers((7, 5, 4), 1)
        loss = ((ours(indices) - y) ** 2).mean()
        wanted = ((theirs(torch.tensor(indices)) - torch.tensor(y)) ** 2).mean()
        assert loss.item() == pytest.approx(wanted.item(), rel=2e-5)
        for model, one in ((ours, loss), (theirs, wanted)):
            model.zero_grad()
            one.backward()
        with tg.no_grad(), torch.no_grad():
            ours.weight -= ours.weight.grad
            theirs.weight -= theirs.weight.grad


def test_a_pretrained_embedding() -> None:
    table = numbers((4, 3), 0)
    ours = nn.Embedding.from_pretrained(table, padding_idx=1)
    theirs = torch.nn.Embedding.from_pretrained(torch.tensor(table), padding_idx=1)
    assert repr(ours) == repr(theirs)
    assert not ours.weight.requires_grad
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad
    close(ours(np.array([1, 3])), theirs(torch.tensor([1, 3])))


@pytest.mark.parametrize("name", ["Conv2d", "ConvTranspose2d", "Conv2d depthwise twice", "Embedding"])
def test_first_weights_are_drawn_as_in_pytorch(name: str) -> None:
    def large(nn: Any) -> Any:
        return {
            "Conv2d": lambda: nn.Conv2d(64, 32, 3),
            "ConvTranspose2d": lambda: nn.ConvTranspose2d(64, 32, 3),
            "Conv2d depthwise twice": lambda: nn.Conv2d(256, 512, 5, groups=256),
            "Embedding": lambda: nn.Embedding(200, 50),
        }[name]()

    tg.manual_seed(0)
    torch.manual_seed(0)
    for mine, other in zip(large(nn).parameters(), large(torch.nn).parameters(), strict=True):
        assert mine.dtype == np.float32
        a, b = mine.detach().numpy(), other.detach().numpy()
        if a.size > 1000:
            assert a.std() == pytest.approx(b.std(), rel=0.05)
        assert abs(a).max() == pytest.approx(abs(b).max(), rel=0.3)


def test_the_share_of_what_is_dropped_is_pytorchs() -> None:
    tg.manual_seed(0)
    torch.manual_seed(0)
    for name, shape in (("Dropout", (100, 400)), ("Dropout1d", (100, 400, 2)), ("Dropout2d", (100, 400, 2, 1))):
        for p in (0.1, 0.5, 0.9):
            ours = getattr(nn, name)(p)(np.ones(shape, np.float32))
            theirs = getattr(torch.nn, name)(p)(torch.ones(shape)).numpy()
            assert (ours == 0).mean() == pytest.approx((theirs == 0).mean(), abs=0.01)
            np.testing.assert_allclose(np.unique(ours), np.unique(theirs))
            assert len({*map(bytes, ours.reshape(100 * 400, -1))}) == 2  # places of a channel fall together


@pytest.mark.parametrize("name", ["Tanhshrink", "Softmax2d"])
def test_layers_without_arguments(name: str) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    ours, theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    mine, other = getattr(nn, name)()(ours), getattr(torch.nn, name)()(theirs)
    (mine**2).sum().backward()
    (other**2).sum().backward()
    np.testing.assert_allclose(mine.detach(), other.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-10, atol=1e-14)
