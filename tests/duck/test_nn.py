"""Every layer and every loss on ducks: results, gradients and buffers as on the host, and nothing is copied there."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.derivatives import weights
from tests.duck.beside import on_host, same, tensors
from tests.duck.module import upload
from tinygrad_edu import Tensor, cuda, nn
from tinygrad_edu.nn import functional as F  # noqa: N812 - as everywhere

Shape = tuple[int, ...]
PAD = np.array([[False, False, True, True], [False, True, False, False]])


def ready(layer: Any, shape: Shape) -> Any:
    """A layer that learns the number of its inputs from the first of them, after it."""
    layer(Tensor(np.zeros(shape, np.float32)))
    return layer


LAYERS: dict[str, tuple[Callable[[], Any], Any]] = {  # and what it is given: shapes, or arrays
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(4), [(2, 3, 9)]),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((3, None)), [(2, 3, 8, 7)]),
    "AdaptiveMaxPool1d": (lambda: nn.AdaptiveMaxPool1d(4), [(2, 3, 9)]),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d((4, 7)), [(2, 3, 8, 7)]),
    "AvgPool1d": (lambda: nn.AvgPool1d(3, 2, 1), [(3, 9)]),
    "AvgPool2d": (lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), [(2, 3, 8, 7)]),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(4), [(6, 4)]),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(4, momentum=None), [(6, 4, 3, 5)]),
    "BatchNorm2d plain": (lambda: nn.BatchNorm2d(4, affine=False), [(6, 4, 3, 5)]),
    "Bilinear": (lambda: nn.Bilinear(3, 4, 5), [(2, 3), (2, 4)]),
    "CELU": (lambda: nn.CELU(), [(3, 4)]),
    "CircularPad1d": (lambda: nn.CircularPad1d(2), [(2, 3, 4)]),
    "CircularPad2d": (lambda: nn.CircularPad2d((1, 2, 0, 1)), [(2, 3, 4, 4)]),
    "ConstantPad1d": (lambda: nn.ConstantPad1d(2, 1.5), [(2, 3, 4)]),
    "ConstantPad2d": (lambda: nn.ConstantPad2d(1, 1.5), [(2, 3, 4, 4)]),
    "Conv1d": (lambda: nn.Conv1d(4, 6, 3, padding="same", groups=2, dilation=2), [(5, 4, 9)]),
    "Conv2d": (lambda: nn.Conv2d(4, 6, 3, padding=1), [(5, 4, 7, 6)]),
    "Conv2d depthwise": (lambda: nn.Conv2d(4, 8, (2, 3), (1, 2), 1, 2, groups=4), [(5, 4, 7, 6)]),
    "Conv2d reflect": (lambda: nn.Conv2d(4, 6, 3, padding=(2, 1), padding_mode="reflect"), [(5, 4, 7, 6)]),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(4, 6, 3, stride=2, output_padding=1), [(5, 4, 7)]),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2, dilation=2), [(5, 4, 5, 6)]),
    "CosineSimilarity": (lambda: nn.CosineSimilarity(), [(5, 4), (5, 4)]),
    "Dropout": (lambda: nn.Dropout(0.0), [(3, 6)]),
    "Dropout1d": (lambda: nn.Dropout1d(1.0), [(3, 6, 2)]),
    "Dropout2d": (lambda: nn.Dropout2d(1.0), [(3, 6, 2, 2)]),
    "ELU": (lambda: nn.ELU(), [(3, 4)]),
    "EmbeddingBag": (lambda: nn.EmbeddingBag(5, 3), [np.array([[0, 1, 4], [2, 2, 0]])]),
    "EmbeddingBag largest": (
        lambda: nn.EmbeddingBag(5, 3, mode="max", padding_idx=1),
        [np.array([[0, 1, 4], [2, 2, 0]])],
    ),
    "Embedding": (lambda: nn.Embedding(5, 3, padding_idx=1), [np.array([[0, 1, 4], [2, 2, 0]])]),
    "Flatten": (lambda: nn.Flatten(), [(2, 3, 4)]),
    "Fold": (lambda: nn.Fold((4, 5), 2), [(2, 12, 12)]),
    "GELU": (lambda: nn.GELU(), [(3, 4)]),
    "GELU tanh": (lambda: nn.GELU(approximate="tanh"), [(3, 4)]),
    "GLU": (lambda: nn.GLU(), [(3, 4)]),
    "GRU": (lambda: nn.GRU(3, 4, 2, bidirectional=True), [(5, 2, 3)]),
    "GRUCell": (lambda: nn.GRUCell(3, 4), [(2, 3)]),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), [(6, 4, 3, 5)]),
    "Hardshrink": (lambda: nn.Hardshrink(), [(3, 4)]),
    "Hardsigmoid": (lambda: nn.Hardsigmoid(), [(3, 4)]),
    "Hardswish": (lambda: nn.Hardswish(), [(3, 4)]),
    "Hardtanh": (lambda: nn.Hardtanh(), [(3, 4)]),
    "Identity": (lambda: nn.Identity(), [(3, 4)]),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(4, affine=True), [(6, 4, 3)]),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(4, track_running_stats=True), [(6, 4, 3, 5)]),
    "LSTM": (lambda: nn.LSTM(3, 4, 2, batch_first=True), [(2, 5, 3)]),
    "LSTMCell": (lambda: nn.LSTMCell(3, 4), [(2, 3)]),
    "LayerNorm": (lambda: nn.LayerNorm((4, 5)), [(6, 4, 5)]),
    "LazyBatchNorm1d": (lambda: ready(nn.LazyBatchNorm1d(), (6, 4)), [(6, 4)]),
    "LazyBatchNorm2d": (lambda: ready(nn.LazyBatchNorm2d(), (6, 4, 3, 5)), [(6, 4, 3, 5)]),
    "LazyConv1d": (lambda: ready(nn.LazyConv1d(3, 2), (2, 3, 5)), [(2, 3, 5)]),
    "LazyConv2d": (lambda: ready(nn.LazyConv2d(3, 2), (2, 3, 5, 5)), [(2, 3, 5, 5)]),
    "LazyConvTranspose2d": (lambda: ready(nn.LazyConvTranspose2d(3, 2), (2, 3, 5, 5)), [(2, 3, 5, 5)]),
    "LazyLinear": (lambda: ready(nn.LazyLinear(3), (5, 4)), [(5, 4)]),
    "LeakyReLU": (lambda: nn.LeakyReLU(), [(3, 4)]),
    "Linear": (lambda: nn.Linear(4, 3), [(5, 4)]),
    "LogSigmoid": (lambda: nn.LogSigmoid(), [(3, 4)]),
    "LogSoftmax": (lambda: nn.LogSoftmax(dim=1), [(3, 4)]),
    "MaxPool1d": (lambda: nn.MaxPool1d(3, 2, 1, 2), [(2, 3, 9)]),
    "MaxPool2d": (lambda: nn.MaxPool2d((3, 2), (2, 1), 1, 2, ceil_mode=True), [(2, 3, 8, 7)]),
    "Maxout": (lambda: nn.Maxout(4, 3, 2), [(5, 4)]),
    "Mish": (lambda: nn.Mish(), [(3, 4)]),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(4, 2), [(3, 2, 4)] * 3),
    "PReLU": (lambda: nn.PReLU(4), [(3, 4)]),
    "PairwiseDistance": (lambda: nn.PairwiseDistance(), [(5, 4), (5, 4)]),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), [(2, 8, 3, 3)]),
    "PixelUnshuffle": (lambda: nn.PixelUnshuffle(2), [(2, 2, 4, 4)]),
    "RMSNorm": (lambda: nn.RMSNorm(5), [(6, 4, 5)]),
    "RNN": (lambda: nn.RNN(3, 4, nonlinearity="relu"), [(5, 2, 3)]),
    "RNNCell": (lambda: nn.RNNCell(3, 4), [(2, 3)]),
    "ReLU": (lambda: nn.ReLU(), [(3, 4)]),
    "ReLU6": (lambda: nn.ReLU6(), [(3, 4)]),
    "ReflectionPad1d": (lambda: nn.ReflectionPad1d(2), [(2, 3, 4)]),
    "ReflectionPad2d": (lambda: nn.ReflectionPad2d((1, 2, 0, 1)), [(2, 3, 4, 4)]),
    "ReplicationPad1d": (lambda: nn.ReplicationPad1d(2), [(2, 3, 4)]),
    "ReplicationPad2d": (lambda: nn.ReplicationPad2d((1, 2, 0, 1)), [(2, 3, 4, 4)]),
    "SELU": (lambda: nn.SELU(), [(3, 4)]),
    "Sequential": (lambda: nn.Sequential(nn.Linear(4, 3), nn.Tanh()), [(5, 4)]),
    "SiLU": (lambda: nn.SiLU(), [(3, 4)]),
    "Sigmoid": (lambda: nn.Sigmoid(), [(3, 4)]),
    "Softmax": (lambda: nn.Softmax(dim=1), [(3, 4)]),
    "Softmax2d": (lambda: nn.Softmax2d(), [(2, 3, 4, 4)]),
    "Softmin": (lambda: nn.Softmin(dim=1), [(3, 4)]),
    "Softplus": (lambda: nn.Softplus(), [(3, 4)]),
    "Softshrink": (lambda: nn.Softshrink(), [(3, 4)]),
    "Softsign": (lambda: nn.Softsign(), [(3, 4)]),
    "Tanh": (lambda: nn.Tanh(), [(3, 4)]),
    "Tanhshrink": (lambda: nn.Tanhshrink(), [(3, 4)]),
    "Threshold": (lambda: nn.Threshold(0.1, 20.0), [(3, 4)]),
    "Transformer": (lambda: nn.Transformer(4, 2, 1, 1, 8, 0.0), [(3, 2, 4), (2, 2, 4)]),
    "TransformerDecoder": (
        lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8, 0.0), 2),
        [(3, 2, 4), (2, 2, 4)],
    ),
    "TransformerDecoderLayer": (
        lambda: nn.TransformerDecoderLayer(4, 2, 8, 0.0, norm_first=True),
        [(3, 2, 4), (2, 2, 4)],
    ),
    "TransformerEncoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, 0.0), 2),
        [(3, 2, 4)],
    ),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(4, 2, 8, 0.0, norm_first=True), [(3, 2, 4)]),
    "Unflatten": (lambda: nn.Unflatten(1, (2, -1)), [(3, 6)]),
    "Unfold": (lambda: nn.Unfold(2, stride=2), [(2, 3, 4, 5)]),
    "Upsample": (lambda: nn.Upsample(scale_factor=2), [(2, 3, 4, 5)]),
    "UpsamplingBilinear2d": (lambda: nn.UpsamplingBilinear2d(scale_factor=2), [(2, 3, 4, 5)]),
    "UpsamplingNearest2d": (lambda: nn.UpsamplingNearest2d(size=(6, 7)), [(2, 3, 4, 5)]),
    "ZeroPad1d": (lambda: nn.ZeroPad1d(2), [(2, 3, 4)]),
    "ZeroPad2d": (lambda: nn.ZeroPad2d((1, 2, 0, 1)), [(2, 3, 4, 4)]),
}
CONTAINERS = {"Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList"}


def floats(shape: Shape, seed: int, dtype: Any = np.float64) -> Any:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(dtype)


def given(what: Any, dtype: Any) -> list[Any]:
    return [floats(item, seed, dtype) if type(item) is tuple else item for seed, item in enumerate(what)]


def run(function: Any, arrays: list[Any], there: Any) -> list[Tensor]:
    """The results for inputs that require grad where they can, and the inputs' gradients."""
    inputs = [Tensor(there(a), requires_grad=a.dtype.kind == "f") for a in arrays]
    results = tensors(function(*inputs))
    total = sum(np.sum(r * Tensor(there(weights(r.shape).astype(r.dtype)))) for r in results if r.requires_grad)
    if isinstance(total, Tensor):
        total.backward()
    return [*(r.detach() for r in results), *(t.grad for t in inputs if t.grad is not None)]


def test_every_layer_is_here() -> None:
    layers = {n for n in nn.__all__ if isinstance(getattr(nn, n), type) and issubclass(getattr(nn, n), nn.Module)}
    assert {n for n in layers if not n.endswith("Loss")} == {name.split()[0] for name in LAYERS} | CONTAINERS


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_and_its_gradients(name: str, dtype: Any) -> None:
    build, what = LAYERS[name]
    tg.manual_seed(0)
    layer = build().double() if dtype is np.float64 else build()
    there, arrays = copy.deepcopy(layer).to("cuda"), given(what, dtype)
    tolerance = 1e-9 if dtype is np.float64 else 1e-4
    for training in (True, False):
        expected = run(layer.train(training), arrays, np.array)
        with cuda.no_copies():
            found = run(there.train(training), arrays, upload)
        same(found, expected, tolerance)
        mine, wanted = dict(there.named_parameters()), dict(layer.named_parameters())
        for parameter, other in zip(mine.values(), wanted.values(), strict=True):
            same(parameter.grad, other.grad, tolerance)
            parameter.grad = other.grad = None
        same(list(there.buffers()), list(layer.buffers()), tolerance)


@pytest.mark.parametrize("layer", [nn.Dropout(0.5), nn.Dropout1d(0.5), nn.Dropout2d(0.5)], ids=repr)
def test_dropout_is_drawn_there(layer: Any) -> None:
    shape = (4, 50, 3, 2)[: 3 if isinstance(layer, nn.Dropout1d) else 4]
    with cuda.no_copies():
        dropped = on_host(layer(Tensor(np.ones(shape), device="cuda")))
    assert set(np.unique(dropped)) == {0.0, 2.0}


def test_a_lazy_layer_makes_its_weights_where_the_input_is() -> None:
    layer = nn.LazyLinear(3).to("cuda")
    layer(Tensor(floats((5, 4), 0, np.float32), device="cuda"))
    assert on_host(layer.weight.detach()).shape == (3, 4)


def test_masks_of_attention() -> None:
    tg.manual_seed(0)
    layer = nn.MultiheadAttention(4, 2, batch_first=True).double()
    there, x = copy.deepcopy(layer).to("cuda"), floats((2, 4, 4), 0)
    causal = ~np.tri(4, dtype=bool)
    with cuda.no_copies():
        padding, mask, t = (Tensor(a, device="cuda") for a in (PAD, causal, x))
        found = there(t, t, t, key_padding_mask=padding, attn_mask=mask)
        causally = F.scaled_dot_product_attention(t, t, t, is_causal=True)
    t = Tensor(x)
    same(found, layer(t, t, t, key_padding_mask=Tensor(PAD), attn_mask=Tensor(causal)))
    same(causally, F.scaled_dot_product_attention(t, t, t, is_causal=True))


SCORES = floats((5, 4), 0)
CHANCES = np.random.default_rng(1).uniform(0.05, 0.95, (5, 4))
ANSWERS = (CHANCES > 0.5).astype(float)
SIGNS = np.array([1.0, -1.0, -1.0, 1.0, 1.0])
CLASSES = np.array([3, 0, 1, 1, 2])
IMAGE, PIXELS = floats((2, 3, 2, 3), 2), np.random.default_rng(3).integers(0, 3, (2, 2, 3))
SHARES = np.random.default_rng(4).dirichlet(np.ones(4), 5)

LOSSES: list[tuple[str, dict[str, Any], list[Any]]] = [
    ("BCELoss", {}, [CHANCES, ANSWERS]),
    ("BCEWithLogitsLoss", {"pos_weight": SHARES[0]}, [SCORES, ANSWERS]),
    ("CosineEmbeddingLoss", {"margin": 0.1}, [SCORES, CHANCES, SIGNS]),
    ("CrossEntropyLoss", {}, [SCORES, CLASSES]),
    ("CrossEntropyLoss", {"weight": SHARES[0], "ignore_index": 1, "label_smoothing": 0.1}, [SCORES, CLASSES]),
    ("CrossEntropyLoss", {"reduction": "sum"}, [IMAGE, PIXELS]),
    ("CrossEntropyLoss", {}, [SCORES, SHARES]),
    ("GaussianNLLLoss", {"full": True}, [SCORES, ANSWERS, CHANCES]),
    ("HingeEmbeddingLoss", {}, [SCORES[:, 0], SIGNS]),
    ("HuberLoss", {"delta": 0.4}, [SCORES, ANSWERS]),
    ("KLDivLoss", {"reduction": "batchmean"}, [SCORES, SHARES]),
    ("L1Loss", {"reduction": "none"}, [SCORES, ANSWERS]),
    ("MSELoss", {}, [SCORES, ANSWERS]),
    ("MarginRankingLoss", {}, [SCORES[:, 0], SCORES[:, 1], SIGNS]),
    ("MultiLabelMarginLoss", {}, [SCORES, np.array([[3, 0, -1, 1]] * 5)]),
    ("MultiLabelSoftMarginLoss", {}, [SCORES, ANSWERS]),
    ("MultiMarginLoss", {"weight": SHARES[0]}, [SCORES, CLASSES]),
    ("NLLLoss", {"ignore_index": 1}, [SCORES, CLASSES]),
    ("PoissonNLLLoss", {"full": True}, [SCORES, CHANCES]),
    ("SmoothL1Loss", {}, [SCORES, ANSWERS]),
    ("SoftMarginLoss", {}, [SCORES[:, 0], SIGNS]),
    ("TripletMarginLoss", {"swap": True}, [SCORES, CHANCES, ANSWERS]),
]


def test_every_loss_is_here() -> None:
    assert {name for name in nn.__all__ if name.endswith("Loss")} == {name for name, _, _ in LOSSES}


@pytest.mark.parametrize(("name", "options", "arrays"), LOSSES, ids=[f"{n}-{'-'.join(o)}" for n, o, _ in LOSSES])
def test_a_loss_and_its_gradient(name: str, options: dict[str, Any], arrays: list[Any]) -> None:
    def loss(place: str) -> Any:
        placed = {k: Tensor(v, device=place) if isinstance(v, np.ndarray) else v for k, v in options.items()}
        return lambda x, *others: getattr(nn, name)(**placed)(x, *(t.detach() for t in others))

    with cuda.no_copies():
        found = run(loss("cuda"), arrays, upload)
    same(found, run(loss("cpu"), arrays, np.array))


@pytest.mark.parametrize("name", sorted(n for n in dir(nn.init) if n.endswith("_") and not n.startswith("_")))
def test_weights_are_drawn_there(name: str) -> None:
    shape = (3, 4, 2) if name == "dirac_" else (4, 4)
    options = {"constant_": [1.5], "sparse_": [0.5]}.get(name, [])
    t = Tensor(np.zeros(shape, np.float32), device="cuda")
    getattr(nn.init, name)(t, *options)
    assert on_host(t).dtype == np.float32
    assert np.isfinite(on_host(t)).all()
