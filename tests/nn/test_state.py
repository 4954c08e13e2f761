"""State dicts: names, shared memory, and loading all or nothing."""

from typing import Any

import numpy as np
import pytest

from tests.nn.test_module import Net
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import StateDictError


def numbers(net: nn.Module) -> list[Any]:
    return [value.tolist() for value in net.state_dict().values()]


def test_a_state_dict_names_parameters_and_saved_buffers_and_shares_their_memory() -> None:
    net = Net()
    state = net.state_dict()
    assert list(state) == [
        "offset",
        "first.weight",
        "first.calls",
        "second.weight",
        "second.calls",
        "again.weight",
        "again.calls",
    ]
    assert not any(value.requires_grad for value in state.values())
    state["offset"][0] = 9.0
    assert net.offset.item() == 9.0
    assert list(net.first.state_dict(prefix="x.")) == ["x.weight", "x.calls"]
    assert net.state_dict(keep_vars=True)["offset"] is net.offset


def test_loading_copies_in_place() -> None:
    net, other = Net(), Net()
    other.offset.data = Tensor([5.0], dtype=np.float32)
    other.first.calls.fill(3)
    memory = net.offset.array
    assert repr(net.load_state_dict(other.state_dict())) == "<All keys matched successfully>"
    assert numbers(net) == numbers(other)
    assert net.offset.array is memory
    assert net.offset.array is not other.offset.array


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64, np.bool_])
def test_arrays_and_other_dtypes_are_taken(dtype: Any) -> None:
    net = nn.Linear(1, 1)
    net.load_state_dict({"weight": np.ones((1, 1), dtype), "bias": Tensor(np.ones(1, dtype))})
    assert (net.weight.item(), net.bias.item()) == (1.0, 1.0)
    assert net.weight.dtype == np.float32


def test_all_that_is_wrong_is_said_at_once_and_nothing_is_changed() -> None:
    net = Net()
    state: dict[str, Any] = {name: value + 1 for name, value in net.state_dict().items()}
    del state["again.calls"], state["second.weight"]
    state |= {"ofset": np.ones(1), "first.weight": np.ones((2, 2)), "first.calls": np.array(1.5)}
    before = numbers(net)
    with pytest.raises(StateDictError) as caught:
        net.load_state_dict(state)
    said = str(caught.value)
    assert isinstance(caught.value, RuntimeError)
    assert "does not fit Net, and nothing was loaded" in said
    assert "missing: 'second.weight', 'again.calls'" in said
    assert "unexpected: 'ofset'" in said
    assert "'first.weight' has shape (1,) here and (2, 2) in the state dict" in said
    assert "'first.calls' holds int64 here and float64 in the state dict" in said
    assert "strict=False" in said
    assert numbers(net) == before


def test_strict_false_loads_what_both_have_and_names_the_rest() -> None:
    net = nn.Linear(1, 1)
    loaded = net.load_state_dict({"weight": np.full((1, 1), 7.0), "extra": np.ones(1)}, strict=False)
    assert (loaded.missing_keys, loaded.unexpected_keys) == (["bias"], ["extra"])
    assert repr(loaded) == "Loaded(missing_keys=['bias'], unexpected_keys=['extra'])"
    assert net.weight.item() == 7.0
    with pytest.raises(StateDictError, match="shape"):
        net.load_state_dict({"weight": np.ones(3)}, strict=False)


def test_a_prefix_of_every_name_is_seen_through() -> None:
    net = nn.Linear(1, 1)
    state = {f"module.{name}": value for name, value in net.state_dict().items()}
    with pytest.raises(StateDictError, match=r"begins with 'module\.': take it off"):
        net.load_state_dict(state)


@pytest.mark.parametrize("value", ["text", None, [[1.0, 2.0], [3.0]], np.ones((1, 1), complex)])
def test_a_value_that_is_no_array_is_named(value: Any) -> None:
    net = nn.Linear(1, 1)
    with pytest.raises(StateDictError, match="the value of 'weight'"):
        net.load_state_dict({"weight": value, "bias": np.ones(1)})


def test_something_else_than_a_dict_is_refused() -> None:
    with pytest.raises(TypeError, match="takes a dict of names and values, as state_dict"):
        nn.Linear(1, 1).load_state_dict("weights.safetensors")
