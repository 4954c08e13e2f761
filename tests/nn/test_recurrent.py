"""Recurrent layers: one op over time with a shared backward sweep, and the layers and cells made of it."""

from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, autograd, nn, optim
from tinygrad_edu.nn.functional import recurrent
from tinygrad_edu.testing import gradcheck, gradgradcheck

STEPS, SEQUENCES, FEATURES, HIDDEN = 3, 2, 4, 2
LAYERS = [nn.RNN, partial(nn.RNN, nonlinearity="relu"), nn.LSTM, nn.GRU]
CELLS = [(nn.RNNCell, nn.RNN), (nn.LSTMCell, nn.LSTM), (nn.GRUCell, nn.GRU)]


def operands(gates: int, biases: int, states: int) -> list[Any]:
    """x, weight_ih, weight_hh, biases and first states."""
    rows = gates * HIDDEN
    shapes = [(STEPS, SEQUENCES, FEATURES), (rows, FEATURES), (rows, HIDDEN)]
    shapes += [(rows,)] * biases + [(SEQUENCES, HIDDEN)] * states
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in shapes]


OPS = {
    "tanh": (recurrent.rnn_states, operands(1, 1, 1)),
    "relu": (lambda *args: recurrent.rnn_states(*args, "relu"), operands(1, 1, 1)),
    "lstm": (recurrent.lstm_states, operands(4, 1, 2)),
    "gru": (recurrent.gru_states, operands(3, 2, 1)),
}


@pytest.mark.parametrize("kind", OPS)
def test_first_and_second_derivatives_agree_with_differences(kind: str) -> None:
    op, given = OPS[kind]
    assert gradcheck(op, *given)
    assert gradgradcheck(op, *given)


@pytest.mark.parametrize("kind", OPS)
def test_each_operand_alone_gets_the_gradient_it_gets_among_all(kind: str) -> None:
    op, given = OPS[kind]
    weights = np.random.default_rng(1).standard_normal(np.shape(op(*given)))
    every = [Tensor(array, requires_grad=True) for array in given]
    together = autograd.grad((op(*every) * weights).sum(), every)
    for place, expected in enumerate(together):
        alone = [Tensor(a, requires_grad=True) if i == place else a for i, a in enumerate(given)]
        (found,) = autograd.grad((op(*alone) * weights).sum(), alone[place])
        np.testing.assert_array_equal(found, expected)


def test_the_rules_of_one_node_sweep_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sweeps, sweep = [], recurrent._lstm_sweep
    monkeypatch.setattr(recurrent, "_lstm_sweep", lambda *args: sweeps.append(1) or sweep(*args))
    op, given = OPS["lstm"]
    out = op(*[Tensor(array, requires_grad=True) for array in given])[0, 1:].sum()
    out.backward(retain_graph=True)
    assert len(sweeps) == 1
    out.backward(2.0)  # another gradient, another sweep
    assert len(sweeps) == 2


def test_a_gradient_that_is_filled_anew_is_swept_anew() -> None:
    gru, g = nn.GRU(FEATURES, HIDDEN), np.ones((STEPS, SEQUENCES, HIDDEN), np.float32)
    x = Tensor(operands(3, 2, 1)[0], dtype=np.float32, requires_grad=True)
    out, _ = gru(x)
    (by_x,) = autograd.grad(out, x, g, retain_graph=True)
    g *= 2
    (by_weight,) = autograd.grad(out, gru.weight_hh_l0, g, retain_graph=True)
    (again,) = autograd.grad(gru(x)[0], gru.weight_hh_l0, g.copy())
    np.testing.assert_array_equal(by_weight, again)
    assert by_x.shape == x.shape


def test_a_step_of_lstm_by_hand() -> None:
    lstm = nn.LSTM(1, 1)
    for parameter, column in zip(
        lstm.parameters(), ([1, 2, 3, 4], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]), strict=True
    ):
        nn.init.constant_(parameter, 0.0)
        with tg.no_grad():
            parameter[...] = np.reshape(np.array(column, np.float32), parameter.shape)
    output, (h_n, c_n) = lstm(Tensor([[0.5]], dtype=np.float32), (np.float32([[0.0]]), np.float32([[1.0]])))
    i, f, g, o = 1 / (1 + np.exp(-0.5)), 1 / (1 + np.exp(-1.0)), np.tanh(1.5), 1 / (1 + np.exp(-2.0))
    c = f * 1.0 + i * g
    np.testing.assert_allclose(c_n, [[c]], rtol=1e-6)
    np.testing.assert_allclose(h_n, [[o * np.tanh(c)]], rtol=1e-6)
    np.testing.assert_array_equal(output, h_n)


@pytest.mark.parametrize("layer", LAYERS)
def test_shapes_of_every_arrangement(layer: Any) -> None:
    x = np.ones((5, 3, FEATURES), np.float32)
    for first in (False, True):
        model = layer(FEATURES, HIDDEN, num_layers=2, batch_first=first, bidirectional=True)
        output, state = model(x)
        assert output.shape == (5, 3, 2 * HIDDEN)
        for part in state if isinstance(state, tuple) else (state,):
            assert part.shape == (4, 5 if first else 3, HIDDEN)


@pytest.mark.parametrize("layer", LAYERS)
def test_one_sequence_alone_is_computed_as_among_others(layer: Any) -> None:
    model, x = layer(FEATURES, HIDDEN, num_layers=2), operands(1, 1, 1)[0].astype(np.float32)
    among, state = model(x)
    state = state if isinstance(state, tuple) else (state,)
    alone, own = model(x[:, 1])
    own = own if isinstance(own, tuple) else (own,)
    np.testing.assert_allclose(alone, among.numpy()[:, 1], rtol=1e-5)
    for part, of_one in zip(state, own, strict=True):
        np.testing.assert_allclose(of_one, part.numpy()[:, 1], rtol=1e-5)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_second_direction_reads_from_the_end(layer: Any) -> None:
    model, x = layer(FEATURES, HIDDEN, bidirectional=True), operands(1, 1, 1)[0].astype(np.float32)
    forwards = layer(FEATURES, HIDDEN)
    forwards.load_state_dict(
        {n.removesuffix("_reverse"): p for n, p in model.state_dict().items() if n.endswith("_reverse")}
    )
    backwards, _ = forwards(x[::-1].copy())
    np.testing.assert_allclose(model(x)[0].numpy()[:, :, HIDDEN:], backwards.numpy()[::-1], rtol=1e-5)


@pytest.mark.parametrize(("cell", "layer"), CELLS)
def test_a_cell_is_one_step_of_its_layer(cell: Any, layer: Any) -> None:
    model, x = layer(FEATURES, HIDDEN), operands(1, 1, 1)[0].astype(np.float32)
    one = cell(FEATURES, HIDDEN)
    one.load_state_dict({name.removesuffix("_l0"): value for name, value in model.state_dict().items()})
    state, found = None, []
    for step in x:
        state = one(step, state)
        found.append((state[0] if isinstance(state, tuple) else state).numpy())
    np.testing.assert_allclose(found, model(x)[0].numpy(), rtol=1e-5)
    np.testing.assert_allclose((r if isinstance(r := one(x[0, 1]), Tensor) else r[0]), found[0][1], rtol=1e-5)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_sequence_in_two_parts_is_the_whole(layer: Any) -> None:
    model, x = layer(FEATURES, HIDDEN, num_layers=2), operands(1, 1, 1)[0].astype(np.float32)
    whole, end = model(x)
    first, state = model(x[:1])
    second, later = model(x[1:], state)
    np.testing.assert_allclose(np.concatenate((first, second)), whole, rtol=1e-5)
    np.testing.assert_allclose(
        later[0] if isinstance(later, tuple) else later, end[0] if isinstance(end, tuple) else end
    )


def test_a_step_of_an_elman_network_by_hand() -> None:
    rnn = nn.RNN(1, 1)
    for parameter, value in zip(rnn.parameters(), (2.0, 3.0, 0.5, 0.25), strict=True):
        nn.init.constant_(parameter, value)
    output, _ = rnn(np.float32([[0.5]]), np.float32([[-0.25]]))
    np.testing.assert_allclose(output, [[np.tanh(2 * 0.5 + 0.5 - 3 * 0.25 + 0.25)]], rtol=1e-6)


def test_a_layer_without_biases_has_none() -> None:
    assert [*nn.GRU(FEATURES, HIDDEN, bias=False).state_dict()] == ["weight_ih_l0", "weight_hh_l0"]
    output, _ = nn.GRU(FEATURES, HIDDEN, bias=False)(np.zeros((2, 1, FEATURES), np.float32))
    assert not output.numpy().any()


def test_dropout_falls_between_layers_in_training_only() -> None:
    model, x = nn.GRU(FEATURES, HIDDEN, num_layers=2, dropout=1.0), np.ones((2, 1, FEATURES), np.float32)
    constant = model(x)[0].numpy()
    np.testing.assert_array_equal(model(2 * x)[0], constant)
    assert (model.eval()(2 * x)[0].numpy() != constant).any()
    with pytest.warns(UserWarning, match="num_layers=2 or more"):
        nn.LSTM(FEATURES, HIDDEN, dropout=0.5)


def test_a_layer_learns_to_remember_the_first_number() -> None:
    tg.manual_seed(0)
    model, head = nn.LSTM(1, 8), nn.Linear(8, 1)
    rng, losses = np.random.default_rng(0), []
    optimizer = optim.SGD([*model.parameters(), *head.parameters()], lr=0.5)
    for _ in range(150):
        x = rng.choice(np.float32([-1, 1]), (3, 32, 1))
        loss = np.mean((head(model(x)[0][-1]) - x[0]) ** 2)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[0] > 0.9
    assert losses[-1] < 0.01


def test_first_weights_are_uniform_below_one_over_the_root_of_hidden_size() -> None:
    sizes = np.concatenate([np.abs(p.numpy()).ravel() for p in nn.LSTM(20, 100).parameters()])
    assert 0.0999 < sizes.max() <= 0.1
    assert abs(sizes.mean() - 0.05) < 0.001


def test_the_graph_of_a_layer_is_freed_without_the_garbage_collector() -> None:
    lengths = [
        len(autograd.ancestors(nn.GRU(FEATURES, HIDDEN)(np.ones((n, 1, FEATURES), np.float32))[0])) for n in (2, 9)
    ]
    assert all(a == b for a, b in pairwise(lengths))  # no node a step


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.RNN(4, 2)(np.ones((3, 2, 5), np.float32)), ValueError, "input_size=4 features"),
        (lambda: nn.GRU(4, 2)(np.ones(4, np.float32)), ValueError, r"\(steps, sequences, features\)"),
        (lambda: nn.GRU(4, 2, batch_first=True)(np.ones((1, 3, 2, 4), np.float32)), ValueError, r"\(sequences, steps"),
        (lambda: nn.GRU(4, 2)(np.ones((0, 2, 4), np.float32)), ValueError, "has no steps"),
        (lambda: nn.LSTM(4, 2)(np.ones((3, 2, 4), int)), TypeError, "nn.Embedding"),
        (lambda: nn.LSTM(4, 2)(np.ones((3, 2, 4)), np.ones((1, 2, 2))), TypeError, r"a pair, \(h, c\), not a ndarray"),
        (lambda: nn.GRU(4, 2)(np.ones((3, 2, 4)), np.ones((2, 2))), ValueError, r"h has the shape \(1, 2, 2\)"),
        (
            lambda: nn.LSTMCell(4, 2)(np.ones((3, 4)), (np.ones((3, 2)), np.ones(2))),
            ValueError,
            r"c has the shape \(3, 2\)",
        ),
        (lambda: nn.RNN(4, 2, nonlinearity="sigmoid"), ValueError, "'tanh' or 'relu', not 'sigmoid'"),
        (lambda: nn.RNN(4, 0), ValueError, "hidden_size is a number from 1 up, not 0"),
        (lambda: nn.RNN(4, 2, num_layers=0), ValueError, "num_layers=0"),
    ],
)
def test_what_does_not_fit_is_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_repr_says_what_is_not_usual() -> None:
    assert repr(nn.GRU(3, 4)) == "GRU(3, 4)"
    assert repr(nn.LSTM(3, 4, 2, batch_first=True)) == "LSTM(3, 4, num_layers=2, batch_first=True)"
    assert repr(nn.RNNCell(3, 4, bias=False)) == "RNNCell(3, 4, bias=False)"
