"""Recurrent layers over time, each one op: the steps forward, and one backward sweep that all its rules share.

What every step adds of the inputs is one matrix product for all steps; only what needs the state before is done step by
step. A result holds the state before the first step too: the states that the steps started from are `out[:-1]`, and
those that they reached `out[1:]`. Backward, the sweep finds the gradients of the sums under the activations, and every
operand's gradient is one product with them.
"""

from typing import Any

import numpy as np

from tinygrad_edu.graph import Array
from tinygrad_edu.nn.functional.shared import Shared
from tinygrad_edu.op import Op

__all__ = ["gru_states", "lstm_states", "rnn_states"]


def _product(x: Any, weight: Any) -> Any:
    """x @ weight for every step and sequence, as one product of matrices, where NumPy would make one a step."""
    return np.reshape(np.reshape(x, (-1, x.shape[-1])) @ weight, (*x.shape[:-1], weight.shape[-1]))


def _weight_gradient(sums: Any, x: Any) -> Any:
    """Over every step and sequence, the gradient of the sums times what the weight multiplied."""
    return np.reshape(sums, (-1, sums.shape[-1])).T @ np.reshape(x, (-1, x.shape[-1]))


def _from_inputs(x: Array, weight_ih: Array, bias: Array) -> Array:
    """x weight_ih^T + bias of every step, in an array that the steps may write to."""
    sums = _product(x, weight_ih.T)
    sums += bias
    return sums


def _rnn_states(
    x: Array, weight_ih: Array, weight_hh: Array, bias: Array, h0: Array, nonlinearity: str = "tanh"
) -> Array:
    """h0, then h[t] = tanh(weight_ih x[t] + bias + weight_hh h[t - 1]) of every step, or relu. Elman 1990."""
    return _rnn_and_shared(x, weight_ih, weight_hh, bias, h0, nonlinearity)[0]


def _rnn_and_shared(
    x: Array, weight_ih: Array, weight_hh: Array, bias: Array, h0: Array, nonlinearity: str
) -> tuple[Array, Shared]:
    sums = _from_inputs(x, weight_ih, bias)
    h, across = np.empty_like(sums, shape=(len(x) + 1, *h0.shape)), weight_hh.T.copy()
    h[0] = h0
    for t in range(len(x)):
        a = np.matmul(h[t], across, out=h[t + 1])
        a += sums[t]
        if nonlinearity == "tanh":
            np.tanh(a, out=a)
        else:
            np.maximum(a, 0, out=a)
    return h, Shared()


def _rnn_sweep(g: Any, weight_hh: Any, out: Any, nonlinearity: str) -> tuple[Any, Any]:
    """The gradients of the sums under the activation of every step, and of h0."""
    sums, dh = [], g[-1]
    for t in reversed(range(len(out) - 1)):
        h = out[t + 1]
        da = dh * (1 - h * h if nonlinearity == "tanh" else (h > 0).astype(h.dtype))
        sums.append(da)
        dh = g[t] + da @ weight_hh
    return np.stack(sums[::-1]), dh


def _rnn_sums(g: Any, weight_hh: Any, out: Any, nonlinearity: str, shared: Shared) -> Any:
    return shared(g, _rnn_sweep, weight_hh, out, nonlinearity)[0]


rnn_states = Op(
    _rnn_states,
    forward=_rnn_and_shared,
    beside={"shared": lambda: Shared()},
    x=lambda g, weight_ih, weight_hh, out, nonlinearity, shared: _product(
        _rnn_sums(g, weight_hh, out, nonlinearity, shared), weight_ih
    ),
    weight_ih=lambda g, x, weight_hh, out, nonlinearity, shared: _weight_gradient(
        _rnn_sums(g, weight_hh, out, nonlinearity, shared), x
    ),
    weight_hh=lambda g, weight_hh, out, nonlinearity, shared: _weight_gradient(
        _rnn_sums(g, weight_hh, out, nonlinearity, shared), out[:-1]
    ),
    bias=lambda g, weight_hh, out, nonlinearity, shared: np.sum(
        _rnn_sums(g, weight_hh, out, nonlinearity, shared), axis=(0, 1)
    ),
    h0=lambda g, weight_hh, out, nonlinearity, shared: shared(g, _rnn_sweep, weight_hh, out, nonlinearity)[1],
)


# The gates i, f, g, o of an LSTM stand side by side. sigmoid(x) = tanh(x / 2) / 2 + 1 / 2, so one call of tanh makes
# all four: 3 us for 32 sequences and 128 units, where exp for three of them takes 8.
def _gate_constants(weight_hh: Any) -> tuple[Any, Any]:
    """For each column of the gates: 1/2 for a sigmoid and 1 for a tanh; and 0 for a sigmoid and 1 for a tanh."""
    rows = np.arange(weight_hh.shape[0]) // weight_hh.shape[1]
    is_tanh = np.zeros_like(weight_hh, shape=rows.shape)
    is_tanh[rows == 2] = 1
    return (1 + is_tanh) / 2, is_tanh


def _lstm_states(x: Array, weight_ih: Array, weight_hh: Array, bias: Array, h0: Array, c0: Array) -> Array:
    """Hidden and cell states, those before the first step too. Hochreiter, Schmidhuber 1997; Gers et al. 2000.

    i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of weight_ih x[t] + bias + weight_hh h[t - 1];
    c[t] = f c[t - 1] + i g; h[t] = o tanh(c[t]).
    """
    return _lstm_and_gates(x, weight_ih, weight_hh, bias, h0, c0)[0]


def _lstm_and_gates(
    x: Array, weight_ih: Array, weight_hh: Array, bias: Array, h0: Array, c0: Array
) -> tuple[Array, Array, Shared]:
    gates = _from_inputs(x, weight_ih, bias)
    states = np.empty_like(gates, shape=(2, len(x) + 1, *h0.shape))
    h, c = states
    h[0], c[0] = h0, c0
    across, size = weight_hh.T.copy(), weight_hh.shape[1]
    half, _ = _gate_constants(weight_hh)
    shift = 1 - half
    for t in range(len(x)):
        a = gates[t]
        a += h[t] @ across
        a *= half
        np.tanh(a, out=a)
        a *= half
        a += shift
        cell = np.multiply(a[:, size : 2 * size], c[t], out=c[t + 1])
        cell += a[:, :size] * a[:, 2 * size : 3 * size]
        np.tanh(cell, out=h[t + 1])
        h[t + 1] *= a[:, 3 * size :]
    return states, gates, Shared()


def _lstm_gates(x: Any, weight_ih: Any, weight_hh: Any, bias: Any, out: Any) -> Any:
    half, _ = _gate_constants(weight_hh)
    sums = _product(x, weight_ih.T) + bias + _product(out[0, :-1], weight_hh.T)
    return np.tanh(sums * half) * half + (1 - half)


def _lstm_sweep(g: Any, weight_hh: Any, gates: Any, out: Any) -> tuple[Any, Any, Any]:
    """The gradients of the sums under the gates of every step, of h0 and of c0.

    What a step multiplies them with is computed for all steps at once: 0.20 ms where 30 steps of 4 sequences of 16
    units took 0.35.
    """
    size = weight_hh.shape[1]
    _, is_tanh = _gate_constants(weight_hh)
    g_h, g_c, cells = g[0], g[1], out[1]
    tanh_c = np.tanh(cells[1:])
    slopes = (gates + is_tanh) * (1 - gates)  # of sigmoid s (1 - s), of tanh (1 + t) (1 - t)
    i, f, candidate, o = (gates[..., k * size : (k + 1) * size] for k in range(4))
    by_cell = np.concatenate((candidate, cells[:-1], i), axis=-1) * slopes[..., : 3 * size]
    by_cell = np.reshape(by_cell, (*i.shape[:2], 3, size))
    by_output, to_cell = tanh_c * slopes[..., 3 * size :], o * (1 - tanh_c * tanh_c)
    sums, dh, dc = [], g_h[-1], g_c[-1]
    for t in reversed(range(len(gates))):
        dc = dc + dh * to_cell[t]
        da = np.concatenate((np.reshape(dc[:, None] * by_cell[t], (-1, 3 * size)), dh * by_output[t]), axis=1)
        sums.append(da)
        dh = g_h[t] + da @ weight_hh
        dc = g_c[t] + dc * f[t]
    return np.stack(sums[::-1]), dh, dc


def _lstm_sums(g: Any, weight_hh: Any, gates: Any, out: Any, shared: Shared) -> Any:
    return shared(g, _lstm_sweep, weight_hh, gates, out)[0]


lstm_states = Op(
    _lstm_states,
    forward=_lstm_and_gates,
    beside={"gates": _lstm_gates, "shared": lambda: Shared()},
    x=lambda g, weight_ih, weight_hh, gates, out, shared: _product(
        _lstm_sums(g, weight_hh, gates, out, shared), weight_ih
    ),
    weight_ih=lambda g, x, weight_hh, gates, out, shared: _weight_gradient(
        _lstm_sums(g, weight_hh, gates, out, shared), x
    ),
    weight_hh=lambda g, weight_hh, gates, out, shared: _weight_gradient(
        _lstm_sums(g, weight_hh, gates, out, shared), out[0, :-1]
    ),
    bias=lambda g, weight_hh, gates, out, shared: np.sum(_lstm_sums(g, weight_hh, gates, out, shared), axis=(0, 1)),
    h0=lambda g, weight_hh, gates, out, shared: shared(g, _lstm_sweep, weight_hh, gates, out)[1],
    c0=lambda g, weight_hh, gates, out, shared: shared(g, _lstm_sweep, weight_hh, gates, out)[2],
)


def _gru_states(x: Array, weight_ih: Array, weight_hh: Array, bias_ih: Array, bias_hh: Array, h0: Array) -> Array:
    """h0, then h[t] = (1 - z) n + z h[t - 1] of every step. Cho et al. 2014, with the reset gate where cuDNN has it.

    With a = weight_ih x[t] + bias_ih and b = weight_hh h[t - 1] + bias_hh, each in three parts:
    r, z = sigmoid(a + b); n = tanh(a + r b).
    """
    return _gru_and_gates(x, weight_ih, weight_hh, bias_ih, bias_hh, h0)[0]


def _gru_and_gates(
    x: Array, weight_ih: Array, weight_hh: Array, bias_ih: Array, bias_hh: Array, h0: Array
) -> tuple[Array, Array, Array, Shared]:
    gates = _from_inputs(x, weight_ih, bias_ih)
    h = np.empty_like(gates, shape=(len(x) + 1, *h0.shape))
    recalled = np.empty_like(h, shape=(len(x), *h0.shape))  # the third part of b
    h[0] = h0
    across, size = weight_hh.T.copy(), weight_hh.shape[1]
    for t in range(len(x)):
        b = h[t] @ across
        b += bias_hh
        recalled[t] = b[:, 2 * size :]
        r_and_z, n = gates[t, :, : 2 * size], gates[t, :, 2 * size :]
        r_and_z += b[:, : 2 * size]
        r_and_z *= 0.5
        np.tanh(r_and_z, out=r_and_z)
        r_and_z *= 0.5
        r_and_z += 0.5
        n += r_and_z[:, :size] * recalled[t]
        np.tanh(n, out=n)
        np.subtract(h[t], n, out=h[t + 1])
        h[t + 1] *= r_and_z[:, size:]
        h[t + 1] += n
    return h, gates, recalled, Shared()


def _gru_recalled(weight_hh: Any, bias_hh: Any, out: Any) -> Any:
    size = weight_hh.shape[1]
    return _product(out[:-1], weight_hh[2 * size :].T) + bias_hh[2 * size :]


def _gru_gates(x: Any, weight_ih: Any, weight_hh: Any, bias_ih: Any, bias_hh: Any, out: Any) -> Any:
    both = 2 * weight_hh.shape[1]
    a = _product(x, weight_ih.T) + bias_ih
    b = _product(out[:-1], weight_hh.T) + bias_hh
    r_and_z = np.tanh((a[..., :both] + b[..., :both]) / 2) / 2 + 0.5
    n = np.tanh(a[..., both:] + r_and_z[..., : both // 2] * b[..., both:])
    return np.concatenate((r_and_z, n), axis=-1)


def _gru_sweep(g: Any, weight_hh: Any, gates: Any, recalled: Any, out: Any) -> tuple[Any, Any, Any]:
    """The gradients of a and of b of every step, and of h0; what multiplies them is computed for all steps at once."""
    size = weight_hh.shape[1]
    r, z, n = (gates[..., k * size : (k + 1) * size] for k in range(3))
    by_n = (1 - z) * (1 - n * n)
    by_r, by_z = by_n * (recalled * r * (1 - r)), (out[:-1] - n) * z * (1 - z)
    of_b, arriving, dh = [], [], g[-1]
    by_b = np.stack((by_r, by_z, by_n * r), axis=2)
    for t in reversed(range(len(gates))):
        arriving.append(dh)
        of_b.append(np.reshape(dh[:, None] * by_b[t], (-1, 3 * size)))
        dh = g[t] + dh * z[t] + of_b[-1] @ weight_hh
    of_a = np.stack(arriving[::-1])[:, :, None] * np.stack((by_r, by_z, by_n), axis=2)
    return np.reshape(of_a, gates.shape), np.stack(of_b[::-1]), dh


def _gru_part(part: int, g: Any, weight_hh: Any, gates: Any, recalled: Any, out: Any, shared: Shared) -> Any:
    return shared(g, _gru_sweep, weight_hh, gates, recalled, out)[part]


gru_states = Op(
    _gru_states,
    forward=_gru_and_gates,
    beside={"gates": _gru_gates, "recalled": _gru_recalled, "shared": lambda: Shared()},
    x=lambda g, weight_ih, weight_hh, gates, recalled, out, shared: _product(
        _gru_part(0, g, weight_hh, gates, recalled, out, shared), weight_ih
    ),
    weight_ih=lambda g, x, weight_hh, gates, recalled, out, shared: _weight_gradient(
        _gru_part(0, g, weight_hh, gates, recalled, out, shared), x
    ),
    weight_hh=lambda g, weight_hh, gates, recalled, out, shared: _weight_gradient(
        _gru_part(1, g, weight_hh, gates, recalled, out, shared), out[:-1]
    ),
    bias_ih=lambda g, weight_hh, gates, recalled, out, shared: np.sum(
        _gru_part(0, g, weight_hh, gates, recalled, out, shared), axis=(0, 1)
    ),
    bias_hh=lambda g, weight_hh, gates, recalled, out, shared: np.sum(
        _gru_part(1, g, weight_hh, gates, recalled, out, shared), axis=(0, 1)
    ),
    h0=lambda g, weight_hh, gates, recalled, out, shared: _gru_part(2, g, weight_hh, gates, recalled, out, shared),
)
