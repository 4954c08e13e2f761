"""Transformer layers: what each place may see, where they normalise, and that copies are copies."""

from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, nn
from tinygrad_edu.nn import functional as F  # noqa: N812 - its name everywhere
from tinygrad_edu.testing import gradcheck


def given(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def layer(**options: Any) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(8, 2, 16, **({"dropout": 0.0, "batch_first": True} | options))


def test_the_mask_of_a_decoder() -> None:
    mask = nn.generate_square_subsequent_mask(3)
    assert (mask.dtype, mask.requires_grad) == (np.float32, False)
    np.testing.assert_array_equal(mask, [[0, -np.inf, -np.inf], [0, 0, -np.inf], [0, 0, 0]])


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_place_does_not_see_what_the_mask_hides(norm_first: bool) -> None:
    model = nn.TransformerEncoder(layer(norm_first=norm_first), 2, nn.LayerNorm(8))
    x = given(1, 5, 8)
    before = model(x, nn.generate_square_subsequent_mask(5)).numpy()
    np.testing.assert_array_equal(model(x, is_causal=True), before)
    x[:, 3:, 0] += 1
    after = model(x, nn.generate_square_subsequent_mask(5)).numpy()
    np.testing.assert_array_equal(after[:, :3], before[:, :3])
    assert (np.abs(after[:, 3:] - before[:, 3:]).max(axis=-1) > 1e-3).all()
    free = model(given(1, 5, 8)).numpy()
    assert (np.abs(model(x).numpy()[:, :3] - free[:, :3]).max(axis=-1) > 1e-3).all()


def test_padding_is_not_seen() -> None:
    model, x = layer(), given(2, 4, 8)
    padding = np.array([[False, False, False, True]] * 2)
    np.testing.assert_allclose(model(x, None, padding)[:, :3], model(x[:, :3]), rtol=1e-4, atol=1e-6)
    stack = nn.TransformerEncoder(model, 2)
    found = stack(x, src_key_padding_mask=padding)
    np.testing.assert_allclose(found[:, :3], stack(x[:, :3]), rtol=1e-4, atol=1e-6)


def test_an_encoder_ends_with_its_norm() -> None:
    norm, x = nn.LayerNorm(8), given(2, 4, 8)
    model = nn.TransformerEncoder(layer(norm_first=True), 1, norm)
    np.testing.assert_allclose(model(x), norm(model.layers[0](x)), rtol=1e-6)


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_layer_is_the_formula(norm_first: bool) -> None:
    model, x = layer(norm_first=norm_first, activation="gelu"), Tensor(given(2, 4, 8))

    def attention(y: Any) -> Any:
        return model.self_attn(y, y, y)[0]

    def network(y: Any) -> Any:
        return model.linear2(F.gelu(model.linear1(y)))

    if norm_first:
        y = x + attention(model.norm1(x))
        expected = y + network(model.norm2(y))
    else:
        y = model.norm1(x + attention(x))
        expected = model.norm2(y + network(y))
    np.testing.assert_allclose(model(x), expected, rtol=1e-5, atol=1e-6)


def test_gradients_of_a_whole_layer() -> None:
    model = layer(activation=F.silu).double()
    assert gradcheck(lambda x: model(x, is_causal=True), given(2, 3, 8).astype(np.float64))


@pytest.mark.parametrize("part", ["dropout", "dropout1", "dropout2"])
def test_each_dropout_changes_a_layer_in_training_only(part: str) -> None:
    model, x = layer(), given(1, 4, 8)
    before = model(x).numpy()
    getattr(model, part).p = 0.5
    assert (model(x).numpy() != before).any()
    model.eval()
    np.testing.assert_array_equal(model(x), before)


def test_the_layers_of_an_encoder_begin_equal_and_learn_apart() -> None:
    model = nn.TransformerEncoder(layer(), 2)
    first, second = (dict(part.named_parameters()) for part in model.layers)
    for name, parameter in first.items():
        assert parameter is not second[name]
        assert not np.shares_memory(parameter.numpy(), second[name].numpy())
        np.testing.assert_array_equal(parameter, second[name])
    model(given(1, 4, 8))[..., 0].sum().backward()
    assert (first["linear1.weight"].grad.numpy() != second["linear1.weight"].grad.numpy()).any()


def test_an_unknown_activation_is_named() -> None:
    with pytest.raises(ValueError, match=r"'relu', 'gelu' or a function such as F\.silu, not 'swish'"):
        layer(activation="swish")
