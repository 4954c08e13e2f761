"""Attention: its weights, masks of every kind, and what becomes of a query that may look at nothing."""

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn
from tinygrad_edu.nn import functional as F  # noqa: N812 - its name everywhere
from tinygrad_edu.nn.functional.attention import attention_weights
from tinygrad_edu.testing import gradcheck, gradgradcheck


def given(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape)


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("size", [1.0, 1e3], ids=["usual scores", "large scores"])
def test_weights_have_right_derivatives_of_first_and_second_order(size: float) -> None:
    scores, mask = size * given(2, 3, 4), given(3, 4, seed=1)
    assert gradcheck(lambda s, m: attention_weights(s, m, 0.5), scores, mask)
    assert gradgradcheck(lambda s, m: attention_weights(s, m, 0.5), scores, mask)


@pytest.mark.parametrize("size", [1.0, 30.0, 1e4, 1e30])
@pytest.mark.parametrize("shift", [0.0, -1e3, 1e3])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_weights_are_a_softmax_for_numbers_of_any_size(size: float, shift: float, dtype: Any) -> None:
    with np.errstate(over="ignore"):
        scores = (size * given(2, 5, 6) + shift).astype(dtype)
    if np.isfinite(scores).all():
        rtol = 20 * np.finfo(dtype).eps
        np.testing.assert_allclose(
            attention_weights(scores, 0.0), softmax(scores.astype(np.float64)), rtol=rtol, atol=rtol
        )


def test_a_key_that_a_mask_hides_gets_nothing_and_no_gradient() -> None:
    scores = Tensor(given(3, 4), requires_grad=True)
    mask = np.where(np.arange(4) == 2, -np.inf, 0.0)
    weights = attention_weights(scores, mask)
    (weights**2).sum().backward()
    np.testing.assert_array_equal(weights.numpy()[:, 2], 0)
    np.testing.assert_array_equal(scores.grad.numpy()[:, 2], 0)
    np.testing.assert_allclose(np.delete(weights.numpy(), 2, 1), softmax(np.delete(scores.numpy(), 2, 1)))


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_a_query_that_may_look_at_nothing_gets_zeros_and_no_gradient(size: float) -> None:
    query, key, value = (Tensor(size * given(3, 2, seed=i), requires_grad=True) for i in range(3))
    mask = np.array([[True, True, False], [False, False, False], [False, True, True]])
    out = F.scaled_dot_product_attention(query, key, value, mask)
    out.sum().backward()
    np.testing.assert_array_equal(out.numpy()[1], 0)
    np.testing.assert_array_equal(query.grad.numpy()[1], 0)
    assert all(np.isfinite(t.grad).all() for t in (query, key, value))
    assert np.abs(out.numpy()[0]).max() > 0


def test_a_mask_of_minus_a_thousand_million_everywhere_still_weighs() -> None:
    np.testing.assert_allclose(attention_weights(np.zeros((1, 4)), np.full((1, 4), -1e9)), 0.25)


def test_attention_is_the_formula() -> None:
    query, key, value = given(2, 3, 4), given(2, 5, 4, seed=1), given(2, 5, 6, seed=2)
    expected = softmax(query @ key.swapaxes(-1, -2) / 2) @ value
    np.testing.assert_allclose(F.scaled_dot_product_attention(query, key, value), expected)
    scaled = softmax(query @ key.swapaxes(-1, -2) * 0.1) @ value
    np.testing.assert_allclose(F.scaled_dot_product_attention(query, key, value, scale=0.1), scaled)
    assert gradcheck(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), query, key, value)


def test_the_past_does_not_depend_on_the_future() -> None:
    x = given(1, 5, 4)
    before = F.scaled_dot_product_attention(x, x, x, is_causal=True)
    x[:, 3:] = 7.0
    np.testing.assert_array_equal(F.scaled_dot_product_attention(x, x, x, is_causal=True)[:, :3], before[:, :3])


def test_dropout_of_weights_keeps_the_mean() -> None:
    tg.manual_seed(0)
    value = np.ones((10_000, 1))
    out = F.scaled_dot_product_attention(np.zeros((500, 1)), np.zeros((10_000, 1)), value, dropout_p=0.25)
    assert abs(out.mean() - 1) < 1e-3
    assert out.std() > 1e-3


# ---- MultiheadAttention


def heads_by_hand(model: nn.MultiheadAttention, x: Any, mask: Any) -> Any:
    """The formula of the docstring, head by head, for x of shape (L, E)."""
    size, heads = model.embed_dim, model.num_heads
    weights, biases = model.in_proj_weight.numpy(), model.in_proj_bias.numpy()
    q, k, v = (x @ weights[i * size : (i + 1) * size].T + biases[i * size : (i + 1) * size] for i in range(3))
    found = []
    for part in np.split(np.arange(size), heads):
        scores = q[:, part] @ k[:, part].T / math.sqrt(size // heads) + mask
        found.append(softmax(scores) @ v[:, part])
    return np.concatenate(found, axis=1) @ model.out_proj.weight.numpy().T + model.out_proj.bias.numpy()


def test_heads_by_hand() -> None:
    model = nn.MultiheadAttention(6, 3)
    with tg.no_grad():
        model.in_proj_bias += 0.5
    x, mask = given(4, 6).astype(np.float32), given(4, 4, seed=1).astype(np.float32)
    np.testing.assert_allclose(model(x, x, x, attn_mask=mask)[0], heads_by_hand(model, x, mask), rtol=1e-4, atol=1e-6)


def test_one_input_three_times_is_computed_as_three_inputs() -> None:
    model, x = nn.MultiheadAttention(6, 3), given(4, 2, 6).astype(np.float32)
    for once, apart in zip(model(x, x, x), model(x, x.copy(), x.copy()), strict=True):
        np.testing.assert_allclose(once, apart, rtol=1e-5, atol=1e-6)


def test_batch_first_changes_the_order_of_axes_only() -> None:
    model, turned = nn.MultiheadAttention(6, 3), nn.MultiheadAttention(6, 3, batch_first=True)
    turned.load_state_dict(model.state_dict())
    x = given(4, 2, 6).astype(np.float32)
    y = x.swapaxes(0, 1)
    np.testing.assert_allclose(turned(y, y, y)[0].numpy().swapaxes(0, 1), model(x, x, x)[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(turned(y[1], y[1], y[1])[0], model(x, x, x)[0].numpy()[:, 1], rtol=1e-5, atol=1e-6)


def test_masks_of_booleans_say_what_is_not_looked_at() -> None:
    model, x = nn.MultiheadAttention(6, 2, batch_first=True), given(2, 3, 6).astype(np.float32)
    padding = np.array([[False, False, True], [False, False, False]])
    _, weights = model(x, x, x, key_padding_mask=padding, average_attn_weights=False)
    assert weights.shape == (2, 2, 3, 3)
    np.testing.assert_array_equal(weights.numpy()[0, :, :, 2], 0)
    assert (weights.numpy()[1] > 0).all()
    causal = ~np.tri(3, dtype=bool)
    _, weights = model(x, x, x, attn_mask=causal)
    np.testing.assert_array_equal(weights.numpy()[:, causal], 0)
    np.testing.assert_array_equal(model(x, x, x, is_causal=True)[1], weights)
    every = np.broadcast_to(causal, (4, 3, 3))  # one for each sequence and head
    np.testing.assert_array_equal(model(x, x, x, attn_mask=every)[1], weights)
    _, weights = model(x, x, x, attn_mask=causal, key_padding_mask=np.float32([[0, 0, -np.inf]] * 2))
    np.testing.assert_array_equal(weights.numpy()[:, causal | np.array([False, False, True])], 0)


def test_weights_are_the_mean_of_those_of_the_heads() -> None:
    model, x = nn.MultiheadAttention(6, 3), given(4, 2, 6).astype(np.float32)
    apart = model(x, x, x, average_attn_weights=False)[1].numpy()
    assert (apart[:, 0] != apart[:, 1]).any()
    np.testing.assert_allclose(model(x, x, x)[1], apart.mean(axis=1), rtol=1e-6)


def test_weights_fall_away_in_training_only() -> None:
    model, x = nn.MultiheadAttention(6, 3, dropout=1.0), given(4, 2, 6).astype(np.float32)
    assert not model(x, x, x)[1].numpy().any()
    np.testing.assert_allclose(model.eval()(x, x, x)[1].numpy().sum(axis=-1), 1, rtol=1e-6)


def test_biases_begin_at_zero() -> None:
    model = nn.MultiheadAttention(6, 3)
    assert not model.in_proj_bias.numpy().any()
    assert not model.out_proj.bias.numpy().any()
    assert model.out_proj.weight.numpy().all()


def test_a_learnt_and_a_zero_key_can_be_looked_at_too() -> None:
    model = nn.MultiheadAttention(4, 2, add_bias_kv=True, add_zero_attn=True)
    x = given(3, 4).astype(np.float32)
    out, weights = model(x, x, x, attn_mask=np.ones((3, 3), bool))  # nothing else may be
    assert weights.shape == (3, 5)
    np.testing.assert_array_equal(weights.numpy()[:, :3], 0)
    np.testing.assert_allclose(weights.numpy().sum(axis=1), 1, rtol=1e-6)
    out.sum().backward()
    assert model.bias_k.grad.numpy().any()
    assert model.bias_v.grad.numpy().any()


def test_no_weights_where_none_are_asked_for() -> None:
    x = given(3, 4).astype(np.float32)
    assert nn.MultiheadAttention(4, 2)(x, x, x, need_weights=False)[1] is None


def test_keys_and_values_may_have_other_sizes() -> None:
    model = nn.MultiheadAttention(4, 2, kdim=3, vdim=5, bias=False)
    assert {name: value.shape for name, value in model.state_dict().items()} == {
        "q_proj_weight": (4, 4),
        "k_proj_weight": (4, 3),
        "v_proj_weight": (4, 5),
        "out_proj.weight": (4, 4),
    }
    out, weights = model(np.ones((2, 3, 4)), np.ones((6, 3, 3)), np.ones((6, 3, 5)))
    assert out.shape == (2, 3, 4)
    assert weights.shape == (3, 2, 6)


x = np.ones((3, 2, 4), np.float32)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.scaled_dot_product_attention(x, x, x[:2]), ValueError, r"key \(..., S, E\)"),
        (lambda: F.scaled_dot_product_attention(x, x, x[:, :1]), ValueError, r"value \(..., S, V\)"),
        (lambda: F.scaled_dot_product_attention(x, x[..., :2], x), ValueError, r"key \(..., S, E\)"),
        (lambda: F.scaled_dot_product_attention(x, x, x, np.ones((2, 2), int)), TypeError, r"mask.astype\(bool\)"),
        (
            lambda: F.scaled_dot_product_attention(x, x, x, np.ones((2, 2), bool), is_causal=True),
            ValueError,
            "attn_mask or is_causal=True, not both",
        ),
        (lambda: nn.MultiheadAttention(4, 3), ValueError, "embed_dim=4 features cannot be shared among num_heads=3"),
        (lambda: nn.MultiheadAttention(4, 2)(x, x, x[:2]), ValueError, r"\(S, N, kdim\)"),
        (lambda: nn.MultiheadAttention(4, 2)(x, x[:, :1], x[:, :1]), ValueError, "batch_first=False"),
        (lambda: nn.MultiheadAttention(5, 1)(x, x, x), ValueError, "E=5"),
        (lambda: nn.MultiheadAttention(4, 2)(x, x, x, attn_mask=np.ones((2, 3), bool)), ValueError, r"\(3, 3\)"),
        (lambda: nn.MultiheadAttention(4, 2)(x, x, x, np.ones((3, 2), bool)), ValueError, r"\(N, S\) = \(2, 3\)"),
    ],
)
def test_what_does_not_fit_is_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
