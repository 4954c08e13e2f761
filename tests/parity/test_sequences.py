"""Recurrent layers, attention and transformers beside PyTorch's: results, gradients, and 100 steps of training."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, nn, no_grad
from tinygrad_edu.nn import functional as F  # noqa: N812 - its name everywhere

torch = pytest.importorskip("torch")

CLOSE = {"rtol": 2e-5, "atol": 2e-6}
LEARNING_RATE = 0.05


def given(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def pair(name: str, *args: Any, **options: Any) -> tuple[Any, Any]:
    """PyTorch's module and ours with its weights; ours give PyTorch's the same."""
    torch.manual_seed(0)
    theirs, ours = getattr(torch.nn, name)(*args, **options), getattr(nn, name)(*args, **options)
    return theirs, same_weights(theirs, ours)


def same_weights(theirs: Any, ours: Any) -> Any:
    assert set(ours.state_dict()) == set(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    back = {name: torch.from_numpy(value.numpy().copy()) for name, value in ours.state_dict().items()}
    theirs.load_state_dict(back)
    return ours


def flat(results: Any) -> list[Any]:
    """The tensors in nested tuples, None left out."""
    if isinstance(results, tuple | list):
        return [tensor for result in results for tensor in flat(result)]
    return [] if results is None else [results]


def compare(theirs: Any, ours: Any, arrays: list[Any], call: Callable[..., Any]) -> None:
    """Results and the gradients of inputs and parameters, then 100 steps of training."""
    results, slopes = [], []
    for module, tensor in ((theirs, torch.tensor), (ours, Tensor)):
        tensors = [tensor(array, requires_grad=True) for array in arrays]
        found = flat(call(module, *tensors))
        module.zero_grad()
        weighed = [part * tensor(given(*part.shape, seed=i)) for i, part in enumerate(found)]
        sum((part**2).sum() for part in weighed).backward()
        results.append([part.detach().numpy() for part in found])
        every = [*tensors, *(parameter for _, parameter in sorted(module.named_parameters()))]
        slopes.append([tensor.grad.numpy() for tensor in every])
    for expected, found in zip(*results, strict=True):
        assert expected.shape == found.shape
        np.testing.assert_allclose(found, expected, **CLOSE)
    for expected, found in zip(*slopes, strict=True):
        size = np.abs(expected).max() + 1e-6
        np.testing.assert_allclose(found / size, expected / size, rtol=1e-4, atol=2e-6)
    expected, found = losses(theirs, arrays, call), losses(ours, arrays, call, Tensor, no_grad)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-7)


def losses(module: Any, arrays: list[Any], call: Any, tensor: Any = torch.tensor, quiet: Any = torch.no_grad) -> Any:
    """Of 100 steps down the slope of a mean square."""
    found = []
    for _ in range(100):
        loss = ((flat(call(module, *[tensor(a) for a in arrays]))[0] - 0.25) ** 2).mean()
        found.append(loss.item())
        for parameter in module.parameters():
            parameter.grad = None
        loss.backward()
        with quiet():
            for parameter in module.parameters():
                if parameter.grad is not None:
                    parameter -= LEARNING_RATE * parameter.grad
    assert found[-1] < found[0]
    return found


ARRANGEMENTS: list[dict[str, Any]] = [
    {},
    {"bias": False},
    {"num_layers": 2, "bidirectional": True},
    {"num_layers": 3, "batch_first": True},
]


@pytest.mark.parametrize("options", ARRANGEMENTS, ids=str)
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_recurrent_layers(name: str, options: dict[str, Any]) -> None:
    compare(*pair(name, 5, 4, **options), [given(6, 3, 5)], lambda module, x: module(x))


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("alone", [False, True], ids=["sequences", "one sequence"])
def test_recurrent_layers_from_a_given_state(name: str, alone: bool) -> None:
    states = [given(*((4,) if alone else (4, 3)), 4, seed=1 + i) for i in range(2 if name == "LSTM" else 1)]
    x = given(6, 5) if alone else given(6, 3, 5)
    compare(
        *pair(name, 5, 4, num_layers=2, bidirectional=True),
        [x, *states],
        lambda module, x, *state: module(x, state if len(state) > 1 else state[0]),
    )


def test_elman_networks_of_relu() -> None:
    compare(*pair("RNN", 5, 4, 2, "relu"), [given(6, 3, 5)], lambda module, x: module(x))
    compare(*pair("RNNCell", 5, 4, nonlinearity="relu"), [given(3, 5)], lambda module, x: module(x))


@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("bias", [True, False])
def test_cells_in_a_loop(name: str, bias: bool) -> None:
    def call(module: Any, x: Any) -> Any:
        state = None
        for i in range(len(x)):
            state = module(x[i], state)
        return state

    compare(*pair(name, 5, 4, bias=bias), [given(6, 3, 5)], call)
    compare(*pair(name, 5, 4, bias=bias), [given(6, 5)], call)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "MultiheadAttention"])
def test_first_weights_have_the_same_spread(name: str) -> None:
    args = (64, 4) if name == "MultiheadAttention" else (64, 64)
    theirs, ours = getattr(torch.nn, name)(*args), getattr(nn, name)(*args)
    spreads = {n: p.detach().numpy() for n, p in theirs.named_parameters()}
    for parameter_name, parameter in ours.named_parameters():
        expected, found = spreads[parameter_name], parameter.numpy()
        if expected.size < 1000:
            assert np.abs(found).max() <= np.abs(expected).max() * 1.5
        else:
            np.testing.assert_allclose(found.std(), expected.std(), rtol=0.05)
            np.testing.assert_allclose(np.abs(found).max(), np.abs(expected).max(), rtol=0.05)


CAUSAL = ~np.tri(4, dtype=bool)
PADDING = np.array([[False, False, True, True], [False, True, False, False], [False] * 4])
MASKS: list[dict[str, Any]] = [
    {},
    {"attn_mask": CAUSAL},
    {"attn_mask": np.where(CAUSAL, -np.inf, 0).astype(np.float32)},
    {"attn_mask": given(4, 4)},
    {"attn_mask": np.broadcast_to(CAUSAL, (6, 4, 4)).copy()},
    {"key_padding_mask": PADDING},
    {"key_padding_mask": given(3, 4), "attn_mask": given(6, 4, 4)},
    {"key_padding_mask": PADDING, "attn_mask": CAUSAL},
    {"attn_mask": CAUSAL, "is_causal": True, "need_weights": False},
    {"average_attn_weights": False},
]


def with_masks(masks: dict[str, Any]) -> Callable[..., Any]:
    def call(module: Any, *tensors: Any) -> Any:
        made = torch.tensor if isinstance(module, torch.nn.Module) else Tensor
        given = {name: made(mask) if isinstance(mask, np.ndarray) else mask for name, mask in masks.items()}
        return module(*tensors, **given)

    return call


@pytest.mark.parametrize("masks", MASKS, ids=lambda masks: " ".join(masks) or "none")
def test_attention_with_masks(masks: dict[str, Any]) -> None:
    call = with_masks(masks)
    compare(*pair("MultiheadAttention", 6, 2, batch_first=True), [given(3, 4, 6)], lambda m, x: call(m, x, x, x))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False},
        {"batch_first": True},
        {"kdim": 5, "vdim": 3},
        {"add_bias_kv": True},
        {"add_zero_attn": True, "add_bias_kv": True, "kdim": 6, "vdim": 6},
    ],
    ids=str,
)
def test_attention_between_different_inputs(options: dict[str, Any]) -> None:
    key, value = given(4, 4, options.get("kdim", 6), seed=1), given(4, 4, options.get("vdim", 6), seed=2)
    theirs, ours = pair("MultiheadAttention", 6, 2, **options)
    compare(theirs, ours, [given(4, 4, 6), key, value], lambda m, *x: m(*x))
    compare(theirs, same_weights(theirs, ours), [a[:, 0] for a in (given(4, 4, 6), key, value)], lambda m, *x: m(*x))


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"scale": 0.3}, {"attn_mask": given(4, 5)}], ids=str)
def test_scaled_dot_product_attention(options: dict[str, Any]) -> None:
    arrays = [given(2, 3, 4, 6), given(2, 3, 5, 6, seed=1), given(2, 3, 5, 2, seed=2)]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    ours = [Tensor(a, requires_grad=True) for a in arrays]
    torch_options = {n: torch.tensor(o) if isinstance(o, np.ndarray) else o for n, o in options.items()}
    expected = torch.nn.functional.scaled_dot_product_attention(*theirs, **torch_options)
    found = F.scaled_dot_product_attention(*ours, **options)
    np.testing.assert_allclose(found, expected.detach().numpy(), **CLOSE)
    (expected**2).sum().backward()
    (found**2).sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-4, atol=5e-6)


def test_a_query_that_may_look_at_nothing_gets_zeros_there_too() -> None:
    mask, (query, key, value) = np.array([[True, False], [False, False]]), given(3, 1, 2, 4)
    expected = torch.nn.functional.scaled_dot_product_attention(*map(torch.tensor, (query, key, value, mask)))
    np.testing.assert_allclose(F.scaled_dot_product_attention(query, key, value, mask), expected.numpy(), **CLOSE)


@pytest.mark.parametrize(
    "options",
    [{}, {"norm_first": True}, {"activation": "gelu"}, {"bias": False}, {"batch_first": True, "layer_norm_eps": 1e-3}],
    ids=str,
)
@pytest.mark.parametrize("masks", [{}, {"src_mask": CAUSAL}, {"src_key_padding_mask": PADDING}], ids=str)
def test_transformer_layers(options: dict[str, Any], masks: dict[str, Any]) -> None:
    x = given(3, 4, 6) if options.get("batch_first") else given(4, 3, 6)
    compare(*pair("TransformerEncoderLayer", 6, 2, 8, dropout=0.0, **options), [x], with_masks(masks))


def test_a_stack_of_transformer_layers() -> None:
    def stack(library: Any) -> Any:
        layer = library.TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=True)
        return library.TransformerEncoder(layer, 2, library.LayerNorm(6), enable_nested_tensor=False)

    torch.manual_seed(0)
    theirs = stack(torch.nn)
    compare(theirs, same_weights(theirs, stack(nn)), [given(3, 4, 6)], with_masks({"mask": CAUSAL}))


def test_the_mask_of_a_decoder() -> None:
    expected = torch.nn.Transformer.generate_square_subsequent_mask(4)
    np.testing.assert_array_equal(nn.generate_square_subsequent_mask(4), expected.numpy())


@pytest.mark.parametrize(
    "options", [{}, {"norm_first": True}, {"activation": "gelu"}, {"bias": False}, {"batch_first": True}], ids=str
)
def test_decoder_layers(options: dict[str, Any]) -> None:
    shapes = ((3, 4, 6), (3, 5, 6)) if options.get("batch_first") else ((4, 3, 6), (5, 3, 6))
    arrays = [given(*shape, seed=i) for i, shape in enumerate(shapes)]
    call = with_masks({"tgt_mask": CAUSAL, "tgt_key_padding_mask": PADDING})
    compare(*pair("TransformerDecoderLayer", 6, 2, 8, dropout=0.0, **options), arrays, call)


def test_a_transformer_of_both_parts() -> None:
    sizes = {"num_encoder_layers": 2, "num_decoder_layers": 2, "dim_feedforward": 8, "dropout": 0.0}
    theirs, ours = pair("Transformer", 6, 2, batch_first=True, **sizes)
    call = with_masks({"tgt_mask": CAUSAL, "src_key_padding_mask": PADDING, "memory_key_padding_mask": PADDING})
    compare(theirs, ours, [given(3, 4, 6), given(3, 4, 6, seed=1)], call)
