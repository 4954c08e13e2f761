"""Sequential, lists and dicts of modules and of parameters."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import ShapeError


def names(module: nn.Module) -> list[str]:
    return [name for name, _ in module.named_children()]


def message(action: Callable[[], Any]) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the words are looked at
        action()
    return f"{type(caught.value).__name__}: {caught.value}"


def test_sequential_hands_on_from_one_to_the_next() -> None:
    first, second = nn.Linear(2, 3), nn.Linear(3, 1)
    model = nn.Sequential(first, nn.ReLU(), second)
    x = Tensor(np.ones((4, 2), np.float32))
    np.testing.assert_array_equal(model(x).numpy(), second(tg.relu(first(x))).numpy())
    assert nn.Sequential()(x) is x
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_sequential_by_name() -> None:
    model = nn.Sequential(OrderedDict([("hidden", nn.Linear(2, 3)), ("act", nn.Tanh()), ("out", nn.Linear(3, 1))]))
    assert names(model) == ["hidden", "act", "out"]
    assert model.act is model[1]
    assert names(model[1:]) == ["act", "out"]
    assert model[1:][1] is model.out


def test_sequential_is_a_list() -> None:
    a, b, c, d = nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.SiLU()
    model = nn.Sequential(a, b)
    assert (len(model), model[0], model[-1], list(model)) == (2, a, b, [a, b])
    assert model.append(c) is model
    model.insert(1, d)
    assert list(model) == [a, d, b, c]
    assert names(model) == ["0", "1", "2", "3"]
    model[1] = c
    assert list(model) == [a, c, b, c]
    del model[0]
    assert list(model) == [c, b, c]
    assert names(model) == ["0", "1"]  # named_children gives what is there twice once
    assert model.pop(1) is b
    model.extend([a, d])
    assert list(model) == [c, c, a, d]
    assert list(model + nn.Sequential(b)) == [c, c, a, d, b]
    model += [b]
    assert len(model) == 5
    assert "part 5 of a Sequential that has 5" in message(lambda: model[5])
    assert "IndexError" in message(lambda: model[-6])


def test_what_is_no_module_is_told_what_to_write() -> None:
    assert "cannot be the class ReLU: write ReLU(), with brackets" in message(lambda: nn.Sequential(nn.ReLU))
    assert "hand over its parts one by one, *layers" in message(lambda: nn.Sequential([nn.ReLU()]))
    assert "the activations are modules too, as nn.ReLU()" in message(lambda: nn.Sequential(tg.relu))
    assert "TypeError" in message(lambda: nn.Sequential(nn.ReLU()) + nn.ReLU())


def test_an_error_says_in_which_layer_it_happened() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Linear(4, 1)))
    with pytest.raises(ShapeError) as caught:
        model(np.ones((5, 2), np.float32))
    assert "Make the layer nn.Linear(3, 1)" in str(caught.value)
    assert caught.value.__notes__[-2].startswith("in (1): Linear(in_features=4, out_features=1, bias=True), of a Seq")
    assert caught.value.__notes__[-1].startswith("in (1): Sequential(")


def test_a_sequential_of_ones_own_may_have_parameters_too() -> None:
    class Scaled(nn.Sequential):
        def __init__(self, *layers: nn.Module) -> None:
            super().__init__(*layers)
            self.factor = nn.Parameter(Tensor(3.0))

        def forward(self, input: Any) -> Any:
            return super().forward(input) * self.factor

    model = Scaled(nn.Identity())
    assert model(Tensor(2.0)).item() == 6.0
    assert len(model) == 1
    assert names(model) == ["0"]


def test_module_list_holds_and_does_not_compute() -> None:
    layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(2)])
    layers.append(nn.Linear(2, 1))
    assert [name for name, _ in layers.named_parameters()][::2] == ["0.weight", "1.weight", "2.weight"]
    assert isinstance(layers[:2], nn.ModuleList)
    assert list(layers[1:]) == [layers[1], layers[2]]
    assert names(layers[1:]) == ["0", "1"]
    assert len(layers + (nn.ReLU(),)) == 4  # noqa: RUF005 - the operator is what is tested
    del layers[0:2]
    assert len(layers) == 1
    assert "ModuleList has no forward" in message(lambda: layers(1))


def test_module_list_counts_equal_neighbours() -> None:
    layers = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Sequential(nn.Tanh())])
    assert repr(layers) == "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Sequential(\n    (0): Tanh()\n  )\n)"
    assert repr(nn.ModuleList()) == "ModuleList()"


def test_module_dict_is_a_dict() -> None:
    relu, tanh = nn.ReLU(), nn.Tanh()
    parts = nn.ModuleDict({"a": relu})
    parts["b"] = tanh
    parts.update([("c", nn.Linear(1, 1))])
    assert list(parts) == list(parts.keys()) == ["a", "b", "c"]
    assert list(parts.values())[:2] == [relu, tanh]
    assert dict(parts.items())["b"] is tanh
    assert ("b" in parts, "z" in parts, len(parts)) == (True, False, 3)
    assert parts.pop("b") is tanh
    del parts["a"]
    assert [name for name, _ in parts.named_parameters()] == ["c.weight", "c.bias"]
    assert "KeyError" in message(lambda: parts["a"])
    assert "has an attribute 'train' already" in message(lambda: parts.update({"train": relu}))
    parts.clear()
    assert len(parts) == 0


def test_parameters_in_lists_and_dicts_are_trained() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.listed = nn.ParameterList([Tensor([1.0]), nn.Parameter(Tensor([2.0]))])
            self.named = nn.ParameterDict({"w": Tensor([3.0])})

        def forward(self, x: Any) -> Any:
            return sum(p * x for p in self.listed) + self.named["w"] * x

    net = Net()
    assert [name for name, _ in net.named_parameters()] == ["listed.0", "listed.1", "named.w"]
    net(Tensor([5.0])).backward()
    assert [p.grad.tolist() for p in net.parameters()] == [[5.0]] * 3
    net.listed[0] = Tensor([9.0])
    assert net.listed[0].requires_grad
    assert repr(net.named) == "ParameterDict(\n  (w): Parameter containing: [float64 of size 1]\n)"
    assert repr(net.listed[:0]) == "ParameterList()"
    net.named.update({"b": Tensor([1.0]), "a": Tensor([1.0])})
    net.named.update([("d", Tensor([1.0])), ("c", Tensor([1.0]))])
    assert list(net.named) == ["w", "a", "b", "d", "c"]
    assert "cannot be a str" in message(lambda: net.listed.append("w"))
