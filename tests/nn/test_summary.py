"""The table of a network, and which module made which node."""

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import ShapeError


class Noisy(nn.Module):
    """Counts how often it ran, and in which mode; returns two results."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", tg.zeros(4))
        self.ran: list[bool] = []

    def forward(self, x: Any) -> Any:
        self.ran.append(self.training)
        assert not tg.is_grad_enabled()
        return x, (x + self.mean)[:1]


def lecture() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 2), nn.Sigmoid(), nn.Linear(2, 1), nn.Sigmoid())


def test_a_3_2_1_network_has_8_weights_and_3_biases() -> None:
    found = nn.summary(lecture(), (1, 3))
    assert (found.weights, found.biases, found.parameters, found.nbytes) == (8, 3, 11, 44)
    assert [row.output_shape for row in found.rows] == [(1, 1), (1, 2), (1, 2), (1, 1), (1, 1)]
    assert [row.parameters for row in found.rows] == [11, 8, 0, 3, 0]
    assert repr(found).splitlines()[-1] == "11 parameters: 8 weights and 3 biases, 44 bytes"
    assert lecture().double().summary().nbytes == 88


def test_a_weight_in_a_layer_called_bias_is_a_weight() -> None:
    found = nn.ModuleDict({"unbiased": nn.Linear(2, 3, bias=False)}).summary()
    assert (found.weights, found.biases) == (6, 0)
    assert repr(nn.Linear(1, 1).summary()).endswith("2 parameters: 1 weight and 1 bias, 8 bytes")


def test_shapes_are_shown_where_an_example_is_given() -> None:
    assert "output shape" not in repr(lecture().summary())
    assert "(7, 2)" in repr(lecture().summary(Tensor(np.ones((7, 3), np.float32))))
    assert "(7, 2)" in repr(lecture().summary(np.ones((7, 3), np.float32)))


def test_it_says_what_is_frozen_and_what_is_in_buffers() -> None:
    model = nn.Sequential(nn.Linear(4, 4).requires_grad_(False), nn.Linear(4, 1, bias=False), Noisy())
    lines = repr(model.summary()).splitlines()
    assert lines[-3:] == [
        "24 parameters: 20 weights and 4 biases, 96 bytes",
        "4 of them learn; 20 are frozen",
        "4 numbers in buffers besides",
    ]


def test_the_model_is_left_as_it_was() -> None:
    model = nn.Sequential(Noisy(), nn.Identity())
    model[1].eval()
    found = model.summary((2, 4))
    assert model[0].ran == [False]
    assert (model.training, model[0].training, model[1].training) == (True, True, False)
    assert found.rows[1].output_shape == ((2, 4), (1, 4))
    assert not model[0]._after


def test_an_example_that_does_not_fit_leaves_no_hooks() -> None:
    model = lecture()
    with pytest.raises(ShapeError):
        model.summary((1, 4))
    assert not model._after
    assert model.training


def test_a_layer_that_is_used_twice_counts_once() -> None:
    layer = nn.Linear(2, 2)
    assert nn.summary(nn.Sequential(layer, layer), (1, 2)).parameters == 6


def test_scopes_tell_which_part_made_a_node() -> None:
    inner = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    model = nn.Sequential(inner, nn.Linear(2, 1))
    x = Tensor(np.ones((1, 2), np.float32))
    with nn.scopes(model) as calls:
        y = model(x)
        outside = y * 2
    made = {node.op.name: [call.name for call in calls.around(node)] for node in tg.autograd.ancestors(outside)}
    assert made == {"multiply": [], "linear": ["", "0", "0.0"], "tanh": ["", "0", "0.1"]}
    assert [(c.name, c.kind) for c in calls.calls] == [
        ("0.0", "Linear"),
        ("0.1", "Tanh"),
        ("0", "Sequential"),
        ("1", "Linear"),
        ("", "Sequential"),
    ]
    model(x)
    assert len(calls.calls) == 5
    assert not model._before


def test_scopes_survive_a_call_that_fails() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(3, 1))
    good = Tensor(np.ones((1, 2), np.float32))
    with nn.scopes(model) as calls:
        with pytest.raises(ShapeError):
            model(good)
        y = model[0](good)
    assert [call.name for call in calls.around(y.grad_fn)] == ["0"]


def test_a_shape_for_a_network_of_words_is_of_whole_numbers() -> None:
    network = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(21, 2))
    assert [row.output_shape for row in network.summary((2, 7)).rows] == [(2, 2), (2, 7, 3), (2, 21), (2, 2)]
