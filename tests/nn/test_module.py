"""Module: what it registers, names, moves, calls and says."""

import copy
import pickle
import timeit
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import GradientDtypeError, MutationError, UnregisteredWarning


class Scale(nn.Module):
    """A weight, a bias that is not there, a count that is saved and a scratch number that is not."""

    def __init__(self, factor: float = 2.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(Tensor([factor], dtype=np.float32))
        self.register_parameter("bias", None)
        self.register_buffer("calls", Tensor(0))
        self.register_buffer("scratch", Tensor([0.0]), persistent=False)

    def forward(self, x: Any, plus: float = 0.0) -> Any:
        return x * self.weight + plus


class Net(nn.Module):
    """Two scales of its own, and the first one once more."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Scale(), Scale(3.0)
        self.again = self.first
        self.offset = nn.Parameter(Tensor([1.0], dtype=np.float32))

    def forward(self, x: Any) -> Any:
        return self.second(self.first(x)) + self.offset


def message(action: Callable[[], Any]) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the words are looked at
        action()
    return f"{type(caught.value).__name__}: {caught.value}"


# ---- parameters


def test_a_parameter_is_a_tensor_that_requires_grad() -> None:
    p = nn.Parameter(Tensor([1.0, 2.0]))
    assert isinstance(p, Tensor)
    assert p.requires_grad
    assert p.is_leaf
    assert not nn.Parameter(Tensor([1.0]), requires_grad=False).requires_grad
    assert repr(p) == "Parameter containing:\nTensor([1., 2.], requires_grad=True)"


def test_a_parameter_shares_the_memory_of_its_tensor_and_copies_arrays() -> None:
    t, a = Tensor([1.0, 2.0]), np.ones(2)
    p, q = nn.Parameter(t), nn.Parameter(a)
    t[0] = 5.0
    a[0] = 5.0
    assert p.tolist() == [5.0, 2.0]
    assert q.tolist() == [1.0, 1.0]


def test_a_single_number_is_shared_too() -> None:
    t = Tensor(1.0)
    p = nn.Parameter(t)
    t.fill(4.0)
    assert p.item() == 4.0


def test_a_parameter_of_nothing_is_empty_and_one_of_whole_numbers_refused() -> None:
    assert nn.Parameter().shape == (0,)
    assert nn.Parameter().dtype == np.float32
    with pytest.raises(GradientDtypeError):
        nn.Parameter(Tensor([1, 2]))
    assert nn.Parameter(Tensor([1, 2]), requires_grad=False).tolist() == [1, 2]


def test_a_parameter_of_a_computed_tensor_begins_a_history_of_its_own() -> None:
    x = Tensor([2.0], requires_grad=True)
    p = nn.Parameter(x * 3)
    (p * 2).sum().backward()
    assert x.grad is None
    assert p.grad.tolist() == [2.0]


@pytest.mark.parametrize("made_again", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))], ids=["copy", "pickle"])
def test_a_parameter_stays_one_when_it_is_copied(made_again: Callable[[Any], Any]) -> None:
    p = nn.Parameter(Tensor([1.0]), requires_grad=False)
    q = made_again(p)
    assert type(q) is nn.Parameter
    assert q.tolist() == [1.0]
    assert not q.requires_grad
    assert type(copy.copy(p)) is nn.Parameter
    assert copy.copy(p).array is p.array


# ---- names


def test_everything_has_a_name_and_what_is_shared_comes_once() -> None:
    net = Net()
    assert [name for name, _ in net.named_parameters()] == ["offset", "first.weight", "second.weight"]
    assert [name for name, _ in net.named_parameters("net")][:2] == ["net.offset", "net.first.weight"]
    assert [name for name, _ in net.named_parameters(recurse=False)] == ["offset"]
    assert [name for name, _ in net.named_parameters(remove_duplicate=False)][-1] == "again.weight"
    assert [name for name, _ in net.named_buffers()] == [
        "first.calls",
        "first.scratch",
        "second.calls",
        "second.scratch",
    ]
    assert [name for name, _ in net.named_modules()] == ["", "first", "second"]
    assert [name for name, _ in net.named_modules(remove_duplicate=False)] == ["", "first", "second", "again"]
    assert [name for name, _ in net.named_children()] == ["first", "second"]
    assert list(net.children()) == [net.first, net.second]
    assert list(net.modules()) == [net, net.first, net.second]
    assert len(list(net.parameters())) == 3
    assert len(list(net.buffers())) == 4


def test_parts_are_found_by_their_name() -> None:
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("second") is net.second
    assert net.get_parameter("second.weight") is net.second.weight
    assert net.get_buffer("second.calls") is net.second.calls
    assert "no parameter but a Tensor" in message(lambda: net.get_parameter("second.calls"))
    assert "no buffer but a Parameter" in message(lambda: net.get_buffer("offset"))
    assert "did you mean 'second'?" in message(lambda: net.get_submodule("secnd"))
    assert "is no module but a Parameter" in message(lambda: net.get_submodule("offset"))


def test_a_mistyped_attribute_is_told_the_nearest() -> None:
    assert message(lambda: Net().ofset) == "AttributeError: Net has no attribute 'ofset': did you mean 'offset'?"
    assert message(lambda: Net().qqq) == "AttributeError: Net has no attribute 'qqq'"
    assert not hasattr(Net(), "qqq")


def test_init_without_super_is_told_what_is_missing() -> None:
    class Forgetful(nn.Module):
        def __init__(self) -> None:
            self.layer = Scale()

    class Careless(nn.Module):
        def __init__(self) -> None:
            self.size = 3

    assert "Forgetful.__init__ has to call super().__init__()" in message(Forgetful)
    assert "Careless.__init__ has to call super().__init__()" in message(lambda: list(Careless().parameters()))
    assert "Careless.__init__ has to call super().__init__()" in message(lambda: Careless().register_buffer("b", None))


def test_what_is_registered_keeps_its_kind() -> None:
    net = Net()
    assert "'offset' is a parameter" in message(lambda: setattr(net, "offset", np.zeros(1)))
    assert "with no_grad(): module.offset[...] = value" in message(lambda: setattr(net, "offset", Tensor([1.0])))
    assert "'first' is a module" in message(lambda: setattr(net, "first", 3))
    assert "'calls' is a buffer" in message(lambda: setattr(net.first, "calls", 3))
    assert "cannot be the class ReLU: write ReLU()" in message(lambda: setattr(net, "first", nn.ReLU))
    net.offset = None
    net.first.calls = Tensor(7)
    assert [name for name, _ in net.named_parameters()] == ["first.weight", "second.weight"]
    assert net.state_dict()["first.calls"].item() == 7


def test_an_attribute_may_become_another_kind_and_be_deleted() -> None:
    net = Net()
    net.offset = Scale()
    assert [name for name, _ in net.named_modules()] == ["", "first", "second", "offset"]
    del net.offset
    assert [name for name, _ in net.named_modules()] == ["", "first", "second"]
    assert "no attribute 'offset'" in message(lambda: net.offset)
    net.plain = 3
    del net.plain
    net = Net()
    net.first = nn.Parameter(Tensor([1.0]))
    assert [name for name, _ in net.named_parameters(recurse=False)] == ["offset", "first"]


def test_a_property_keeps_its_part_where_it_likes() -> None:
    class Wrapped(nn.Module):
        @property
        def layer(self) -> Any:
            return self.inner

        @layer.setter
        def layer(self, new: Any) -> None:
            self.inner = new

    wrapped = Wrapped()
    wrapped.layer = nn.Linear(1, 1)
    assert wrapped.layer is wrapped.inner
    assert [name for name, _ in wrapped.named_parameters()] == ["inner.weight", "inner.bias"]


def test_names_are_checked() -> None:
    net = Net()
    assert "a dot stands between" in message(lambda: net.register_parameter("a.b", None))
    assert "a name is not empty" in message(lambda: net.add_module("", Scale()))
    assert "has an attribute 'train' already" in message(lambda: net.register_buffer("train", None))
    assert "is a string, not int" in message(lambda: net.register_buffer(3, None))
    assert "write nn.Parameter(value)" in message(lambda: net.register_parameter("p", Tensor([1.0])))
    net.add_module("third", Scale())
    net.register_module("nothing", None)
    assert [name for name, _ in net.named_modules()][-1] == "third"
    assert "(nothing): None" in repr(net)


def test_what_is_registered_can_be_looked_at_not_written() -> None:
    net = Net()
    assert list(net._modules) == ["first", "second", "again"]
    assert list(net._parameters) == ["offset"]
    assert list(net.first._buffers) == ["calls", "scratch"]
    with pytest.raises(TypeError):
        net._modules["x"] = Scale()


# ---- a plain list


@pytest.mark.parametrize(
    ("parts", "where"),
    [
        (lambda: [nn.Linear(1, 1)], "'second.parts', a plain list"),
        (lambda: (nn.Parameter(Tensor([1.0])),), "'second.parts', a plain list"),
        (lambda: {"a": nn.Linear(1, 1)}, "nn.ModuleDict"),
    ],
)
def test_parameters_in_a_plain_container_are_told_about(parts: Callable[[], Any], where: str) -> None:
    net = Net()
    net.second.parts = parts()
    with pytest.warns(UnregisteredWarning, match=where) as caught:
        list(net.parameters())
    assert caught[0].filename == __file__


def test_a_list_of_what_is_registered_anyway_is_fine() -> None:
    net = Net()
    net.order, net.sizes, net.functions = [net.first, net.second], [1, 2], [nn.ReLU(), tg.relu]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(net.parameters())) == 3


# ---- calls


def test_calling_runs_forward_and_hooks_around_it() -> None:
    scale, seen = Scale(), list[Any]()
    before = scale.register_forward_pre_hook(lambda m, args: seen.append(("before", m, args)))
    after = scale.register_forward_hook(lambda m, args, out: seen.append(("after", m, args, out.tolist())))
    assert scale(3.0, plus=1.0).tolist() == [7.0]
    assert seen == [("before", scale, (3.0,)), ("after", scale, (3.0,), [7.0])]
    before.remove()
    after.remove()
    after.remove()
    scale(3.0)
    assert len(seen) == 2


def test_hooks_may_replace_what_goes_in_and_what_comes_out() -> None:
    scale = Scale()
    scale.register_forward_pre_hook(lambda _m, args: args[0] + 1)
    scale.register_forward_pre_hook(lambda _m, args: (args[0] * 10, 100.0))
    scale.register_forward_hook(lambda _m, _args, out: out + 1000)
    assert scale(1.0).tolist() == [2 * 20 + 100 + 1000]


def test_a_hook_that_removes_itself_leaves_the_others() -> None:
    scale, seen = Scale(), list[Any]()

    def once(_module: Any, _args: Any) -> None:
        seen.append("once")
        handle.remove()

    handle = scale.register_forward_pre_hook(once)
    scale.register_forward_pre_hook(lambda *_: seen.append("always"))
    scale(1.0)
    scale(1.0)
    assert seen == ["once", "always", "always"]


def test_a_module_without_forward_says_what_to_write() -> None:
    class Empty(nn.Module):
        pass

    assert "NotImplementedError: Empty has no forward: write `def forward(self, x):`" in message(lambda: Empty()(1))


def test_a_call_costs_next_to_nothing() -> None:
    class Empty(nn.Module):
        def forward(self, x: Any) -> Any:
            return x

    empty = Empty()

    def once(statement: str) -> float:
        return timeit.timeit(statement, globals={"empty": empty}, number=20_000) / 20_000

    over = min(once("empty(1)") - once("empty.forward(1)") for _ in range(20))
    assert over < 0.3e-6


# ---- training, moving, copying


def test_train_and_eval_reach_every_part() -> None:
    net = Net()
    assert all(module.training for module in net.modules())
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    net.train()
    assert net.second.training
    assert "True or False, not 'yes'" in message(lambda: net.train("yes"))


def test_gradients_are_forgotten() -> None:
    net = Net()
    net(Tensor([1.0])).backward()
    gradients = [p.grad for p in net.parameters()]
    assert None not in gradients
    net.zero_grad(set_to_none=False)
    assert [p.grad.tolist() for p in net.parameters()] == [[0.0], [0.0], [0.0]]
    assert gradients[0].tolist() == [0.0]  # in place
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert all(p.grad is None for p in net.parameters())


def test_zeros_in_the_place_of_a_gradient_have_no_history() -> None:
    net = Net()
    (net(Tensor([1.0])) ** 2).backward(create_graph=True)
    assert net.offset.grad.requires_grad
    net.zero_grad(set_to_none=False)
    assert not net.offset.grad.requires_grad
    assert net.offset.grad.tolist() == [0.0]


def test_freezing() -> None:
    net = Net()
    assert net.requires_grad_(False) is net
    assert not net(Tensor([1.0])).requires_grad
    net.second.requires_grad_()
    net(Tensor([1.0])).backward()
    assert net.second.weight.grad.tolist() == [2.0]
    assert net.first.weight.grad is None


def test_a_training_loop_neither_warns_nor_keeps_gradients() -> None:
    net = Net()
    for _ in range(3):
        net.zero_grad()
        net(Tensor([1.0], dtype=np.float32)).backward()
        with tg.no_grad():
            for p in net.parameters():
                p -= 0.1 * p.grad  # type: ignore[misc] # it stays a Parameter
    assert net.offset.item() == pytest.approx(1 - 0.3)


def test_apply_reaches_the_innermost_first() -> None:
    net, seen = Net(), list[nn.Module]()
    assert net.apply(seen.append) is net
    assert seen == [net.first, net.second, net]


def test_another_dtype_reaches_floats_and_their_gradients_and_keeps_the_parameters() -> None:
    net = Net()
    before, weight = list(net.parameters()), net.second.weight
    net(Tensor([1.0])).backward()
    assert net.double() is net
    assert all(a is b for a, b in zip(net.parameters(), before, strict=True))
    assert {p.dtype for p in net.parameters()} == {np.dtype(np.float64)}
    assert weight.grad.dtype == np.float64
    assert weight.grad.tolist() == [2.0]
    assert net.first.calls.dtype == np.int64
    assert net.first.scratch.dtype == np.float64
    assert net(Tensor([1.0])).dtype == np.float64
    assert net.half().offset.dtype == np.float16
    assert net.float().offset.dtype == np.float32
    assert net.to("cpu", np.float64).offset.dtype == np.float64
    assert net.to(Tensor([1.0], dtype=np.float32)).offset.dtype == np.float32
    assert net.to(device="cpu", dtype=tg.float64).cpu().offset.dtype == np.float64
    assert "would lose their fractions" in message(lambda: net.to(np.int64))
    assert "takes a device, 'cpu' or 'cuda', or a dtype, as np.float64, and not 'gpu'" in message(lambda: net.to("gpu"))


def test_to_where_it_is_already_changes_nothing() -> None:
    net = Net()
    y, memory = net(Tensor([1.0])), net.offset.array
    net.to("cpu").float()
    assert net.offset.array is memory
    y.backward()
    assert net.offset.grad.tolist() == [1.0]


def test_without_a_gpu_cuda_says_so() -> None:
    if tg.cuda.is_available():
        pytest.skip("there is a GPU")
    assert tg.cuda.device_count() == 0
    tg.cuda.synchronize()
    assert "DeviceError" in message(lambda: Net().cuda())
    assert "DeviceError" in message(lambda: Net().cuda(1))
    assert tg.device("cuda" if tg.cuda.is_available() else "cpu") == "cpu"


def test_a_copy_is_a_network_of_its_own() -> None:
    net = Net()
    twin = copy.deepcopy(net)
    assert twin.again is twin.first
    with tg.no_grad():
        twin.first.weight += 1.0  # type: ignore[misc] # as above
    assert (net.first.weight.item(), twin.first.weight.item()) == (2.0, 3.0)
    assert [n for n, _ in twin.named_parameters()] == [n for n, _ in net.named_parameters()]
    assert type(twin.first.weight) is nn.Parameter


def test_a_value_changed_after_the_graph_kept_it_is_refused() -> None:
    net = Net()
    y = net(Tensor([1.0]))
    net.load_state_dict(net.state_dict())
    with pytest.raises(MutationError):
        y.backward()


# ---- display


def test_repr_shows_parts_indented() -> None:
    class Told(nn.Module):
        def extra_repr(self) -> str:
            return "size=3"

    class Several(Told):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Told()

    assert repr(Told()) == "Told(size=3)"
    assert repr(Several()) == "Several(\n  size=3\n  (inner): Told(size=3)\n)"
    assert repr(Scale()) == "Scale()"
