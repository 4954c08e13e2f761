"""What all optimisers share: steps, groups, states, and what is said about mistakes."""

import copy
import json
import re
import warnings
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, errors, from_numpy, nn, no_grad, optim

KINDS = [
    optim.SGD,
    lambda params, **options: optim.SGD(params, momentum=0.9, **options),
    lambda params, **options: optim.RMSprop(params, momentum=0.9, centered=True, **options),
    optim.Adagrad,
    optim.Adadelta,
    lambda params, **options: optim.Adam(params, amsgrad=True, **options),
    optim.AdamW,
]
every = pytest.mark.parametrize(
    "kind", KINDS, ids=["SGD", "momentum", "RMSprop", "Adagrad", "Adadelta", "Adam", "AdamW"]
)


def leaf(*values: float) -> Tensor:
    return Tensor(list(values), requires_grad=True)


def descend(optimizer: optim.Optimizer, *weights: Tensor) -> float:
    """One step on the sum of squares."""
    optimizer.zero_grad()
    loss = sum(((w - 1) ** 2).sum() for w in weights)
    loss.backward()
    optimizer.step()
    return loss.item()


# ---- steps


@every
def test_the_loss_falls_and_nothing_is_said(kind: Any) -> None:
    w, b = leaf(3.0, -2.0), Tensor(5.0, requires_grad=True)
    optimizer = kind([w, b])
    losses = [descend(optimizer, w, b) for _ in range(20)]
    assert losses[-1] < losses[10] < losses[0]


def test_a_parameter_without_gradient_stays() -> None:
    w, unused = leaf(3.0), leaf(4.0)
    optimizer = optim.Adam([w, unused], weight_decay=0.1)
    descend(optimizer, w)
    assert unused.item() == 4
    assert list(optimizer.state) == [w]


def test_a_step_without_any_gradient_is_told_once() -> None:
    optimizer = optim.SGD([leaf(1.0)], lr=0.1)
    with pytest.warns(errors.MissingGradientWarning, match=r"step\(\) changed nothing.* loss.backward\(\)") as told:
        optimizer.step()
    assert told[0].filename == __file__
    optimizer.step()


def test_a_graph_that_kept_the_old_weights_is_refused() -> None:
    v, w = leaf(1.0), leaf(3.0, 4.0)
    (v.sum() + w.sum()).backward()
    kept = [(v**3).sum(), (w**3).sum()]
    optim.SGD([v, w], 0.1).step()
    for again in kept:
        with pytest.raises(errors.MutationError, match=r"test_optimizer.py:\d+: optim.SGD\(\[v, w\], 0.1\).step"):
            again.backward()


def test_weights_that_a_step_changed_before_it_failed_are_known_to_be_changed() -> None:
    v, w = leaf(1.0), leaf(1e30, 4.0)
    (v.sum() + w.sum()).backward()
    kept = [(v**3).sum(), (w**3).sum()]
    w.grad = Tensor([1e300, 1.0])
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        optim.SGD([v, w], lr=1e10).step()
    for again in kept:
        with pytest.raises(errors.MutationError):
            again.backward()


def test_a_number_is_another_number_after_the_step() -> None:
    w = Tensor(3.0, requires_grad=True)
    loss, again = w**2, w**3
    loss.backward()
    optim.SGD([w], lr=0.5).step()
    assert w.item() == 0
    w.grad = None
    again.backward()  # the graph has the old number, which nobody can change
    assert w.grad.item() == 27


def test_a_closure_computes_the_loss_with_recording_on() -> None:
    w = leaf(3.0)
    optimizer = optim.SGD([w], lr=0.25)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = ((w - 1) ** 2).sum()
        loss.backward()
        return loss

    with no_grad():
        losses = [optimizer.step(closure).item() for _ in range(3)]
    assert losses == [4.0, 1.0, 0.25]


def test_gradients_add_up_until_they_are_forgotten() -> None:
    w = leaf(3.0)
    optimizer = optim.SGD([w], lr=0.1)
    (w * 2).sum().backward()
    with pytest.warns(errors.AccumulationWarning):
        (w * 2).sum().backward()
    assert w.grad.item() == 4
    optimizer.zero_grad()
    assert w.grad is None
    (w * 2).sum().backward()
    assert w.grad.item() == 2


def test_gradients_become_zeros_where_that_is_asked() -> None:
    w, unused, number = leaf(3.0), leaf(1.0), Tensor(2.0, requires_grad=True)
    optimizer = optim.SGD([w, unused, number], lr=0.1)
    ((w * 2).sum() + number**2).backward()
    held = w.grad
    optimizer.zero_grad(set_to_none=False)
    assert (w.grad.tolist(), number.grad.item(), unused.grad) == ([0.0], 0.0, None)
    assert held.tolist() == [0.0]
    (w * 2).sum().backward()
    assert w.grad.item() == 2


def test_a_gradient_with_a_history_is_taken_by_its_value() -> None:
    w = leaf(3.0)
    optimizer = optim.SGD([w], lr=0.5)
    (w**2).sum().backward(create_graph=True)
    assert w.grad.requires_grad
    optimizer.step()
    assert w.tolist() == [0.0]
    assert w.is_leaf
    optimizer.zero_grad(set_to_none=False)
    assert not w.grad.requires_grad


def test_frozen_parameters_may_learn_later() -> None:
    frozen, w = Tensor([1.0]), leaf(1.0)
    optimizer = optim.SGD([frozen, w], lr=0.1)
    (frozen * w).sum().backward()
    optimizer.step()
    assert frozen.item() == 1
    frozen.requires_grad_()
    optimizer.zero_grad()
    (frozen * w).sum().backward()
    optimizer.step()
    assert frozen.item() == 1 - 0.1 * 0.9


def test_an_optimizer_of_ones_own_in_pytorchs_way() -> None:
    class Halve(optim.Optimizer):
        def __init__(self, params: Any, share: float = 0.5) -> None:
            super().__init__(params, {"share": share, "kind": "any"})

        @no_grad()
        def step(self, closure: Any = None) -> None:  # noqa: ARG002 - as PyTorch's examples have it
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        self.state[p]["times"] = self.state[p].get("times", 0) + 1
                        p *= group["share"]

    w = leaf(8.0)
    optimizer = Halve([w])
    w.sum().backward()
    optimizer.step()
    optimizer.step()
    assert w.item() == 2
    state = optimizer.state_dict()
    assert state["state"] == {0: {"times": 2}}
    again = Halve([leaf(1.0)])
    again.load_state_dict(state)
    assert again.state_dict()["state"] == {0: {"times": 2}}


def test_an_optimizer_without_a_rule_says_what_to_write() -> None:
    class Empty(optim.Optimizer):
        pass

    w = leaf(1.0)
    w.sum().backward()
    with pytest.raises(NotImplementedError, match="def rule"):
        Empty([w], {}).step()


# ---- groups


def test_groups_have_options_of_their_own() -> None:
    a, b, c = leaf(1.0), leaf(1.0), leaf(1.0)
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.1)
    optimizer.add_param_group({"params": (p for p in [c]), "lr": 0.25, "momentum": 0.9})
    for p in (a, b, c):
        p.grad = Tensor([1.0])
    optimizer.step()
    assert (a.item(), b.item(), c.item()) == (0.9, 0.5, 0.75)
    optimizer.param_groups[0]["lr"] = 0.0
    optimizer.step()
    assert (a.item(), b.item(), c.item()) == (0.9, 0.0, 0.75 - 0.25 * 1.9)


def test_the_dict_of_a_group_is_the_group() -> None:
    w = leaf(1.0)
    group = {"params": [w]}
    optimizer = optim.SGD([group], lr=0.1)
    group["lr"] = 0.5
    w.grad = Tensor([1.0])
    optimizer.step()
    assert w.item() == 0.5


def test_named_parameters_are_taken_with_their_names() -> None:
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"][1] is model.bias


def test_momentum_may_begin_later() -> None:
    w = leaf(1.0)
    optimizer = optim.SGD([w], lr=0.1)
    w.grad = Tensor([1.0])
    optimizer.step()
    optimizer.param_groups[0]["momentum"] = 0.5
    optimizer.step()
    optimizer.step()
    assert w.item() == pytest.approx(1 - 0.1 * (1 + 1 + 1.5))


def test_repr_is_pytorchs() -> None:
    text = repr(optim.SGD([leaf(1.0)], lr=0.1))
    lines = ["dampening: 0", "lr: 0.1", "maximize: False", "momentum: 0", "nesterov: False", "weight_decay: 0"]
    assert text == "\n".join(["SGD (", "Parameter Group 0", *(f"    {line}" for line in lines), ")"])


w = leaf(1.0)
consumed = iter([w])
next(consumed)

MISTAKES: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    ([], {}, ValueError, "no parameters to optimise.*iterator"),
    (consumed, {}, ValueError, "no parameters to optimise"),
    (w, {}, TypeError, r"write \[w\]"),
    (nn.Linear(1, 1), {}, TypeError, r"not a Linear: write model.parameters\(\)"),
    ({"w": w}, {}, TypeError, r"d.values\(\)"),
    ({w}, {}, TypeError, "order of a set"),
    (3.0, {}, TypeError, "list of Tensors, not float"),
    ([np.ones(2)], {}, TypeError, r"parameter 0 is a ndarray.*requires_grad=True"),
    ([w, w * 2], {}, ValueError, r"parameter 1 \(shape \(1,\)\) was computed from other tensors"),
    ([w, leaf(2.0), w], {}, ValueError, r"parameter 2 \(shape \(1,\)\) is there twice"),
    ([{"params": w}, {"params": [w]}], {}, ValueError, "is there twice"),
    ([{"lr": 0.1}], {}, ValueError, 'needs "params"'),
    ([{"params": [w]}, [w]], {}, TypeError, "a group of parameters is a dict"),
    ([{"params": [w], "weigth_decay": 0.1}], {}, ValueError, "did you mean 'weight_decay'"),
    ([{"params": [w], "lr": -1}], {}, ValueError, "lr has to be 0 or more, and -1 was given"),
    ([w], {"lr": -0.1}, ValueError, "lr has to be 0 or more"),
    ([w], {"lr": float("nan")}, ValueError, "lr has to be 0 or more, and nan"),
    ([w], {"lr": "0.1"}, TypeError, "lr is a number, not str"),
    ([w], {"weight_decay": -1}, ValueError, "weight_decay has to be 0 or more"),
    ([w], {"eps": -1e-8}, ValueError, "eps has to be 0 or more"),
    ([w], {"betas": (1.0, 0.9)}, ValueError, r"betas has to be at least 0 and less than 1, and \(1.0, 0.9\)"),
    ([w], {"betas": (0.9, -0.1)}, ValueError, "betas has to be at least 0"),
    ([w], {"betas": (0.9,)}, ValueError, "betas are two numbers"),
    ([w], {"betas": 0.9}, ValueError, "betas are two numbers"),
    ([Tensor([1.0], requires_grad=True, dtype=np.float16)], {}, ValueError, "eps=1e-08 is 0 in float16.*eps=1e-4"),
]


@pytest.mark.parametrize(("params", "options", "error", "said"), MISTAKES, ids=[mistake[3] for mistake in MISTAKES])
def test_mistakes_are_answered(params: Any, options: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        optim.Adam(params, **options)


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (optim.SGD, {"momentum": -0.1}, "momentum has to be 0 or more"),
        (optim.SGD, {"nesterov": True}, "nesterov=True looks ahead along the momentum"),
        (optim.SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "no dampening"),
        (optim.RMSprop, {"alpha": 1.1}, "alpha has to be from 0 to 1"),
        (optim.Adagrad, {"lr_decay": -1}, "lr_decay has to be 0 or more"),
        (optim.Adagrad, {"initial_accumulator_value": -1}, "initial_accumulator_value has to be 0 or more"),
        (optim.Adadelta, {"rho": 1.1}, "rho has to be from 0 to 1"),
    ],
)
def test_options_out_of_range_are_answered(kind: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        kind([leaf(1.0)], **options)


def test_memory_that_cannot_be_written_is_refused_at_once() -> None:
    array = np.ones(3)
    array.flags.writeable = False
    with pytest.raises(errors.InPlaceError, match="read-only"):
        optim.SGD([from_numpy(array).requires_grad_()])


# ---- states


@every
def test_a_saved_state_goes_on_bit_for_bit(kind: Any) -> None:
    def make() -> tuple[Tensor, Tensor, optim.Optimizer]:
        w, b = leaf(3.0, -2.0), Tensor(5.0, requires_grad=True)
        return w, b, kind([{"params": [w]}, {"params": [b], "lr": 0.5}])

    w, b, optimizer = make()
    for _ in range(5):
        descend(optimizer, w, b)
    saved, weights = copy.deepcopy(optimizer.state_dict()), (w.numpy().copy(), b.numpy().copy())
    for _ in range(5):
        descend(optimizer, w, b)
    w2, b2, resumed = make()
    with no_grad():
        w2[...], b2[...] = weights
    resumed.load_state_dict(saved)
    for _ in range(5):
        descend(resumed, w2, b2)
    assert (w2.tolist(), b2.tolist()) == (w.tolist(), b.tolist())
    assert resumed.param_groups[1]["lr"] == 0.5


@every
def test_a_copied_model_and_optimizer_go_on_alike_and_apart(kind: Any) -> None:
    w, b = leaf(3.0, -2.0), Tensor(5.0, requires_grad=True)
    optimizer = kind([w, b])
    descend(optimizer, w, b)
    w2, b2, twin = copy.deepcopy((w, b, optimizer))
    descend(twin, w2, b2)
    assert w2.tolist() != w.tolist()
    descend(optimizer, w, b)
    assert (w2.tolist(), b2.tolist()) == (w.tolist(), b.tolist())


def test_a_state_is_numbers_lists_and_tensors() -> None:
    w = leaf(1.0, 2.0)
    optimizer = optim.Adam([w], betas=(0.8, 0.9))
    descend(optimizer, w)
    state = optimizer.state_dict()
    assert state["param_groups"][0]["params"] == [0]
    assert state["state"][0]["step"] == 1
    groups = json.loads(json.dumps(state["param_groups"]))
    optimizer.load_state_dict({"state": state["state"], "param_groups": groups})
    descend(optimizer, w)
    assert optimizer.state[w]["step"] == 2


def test_loading_copies() -> None:
    w = leaf(1.0)
    optimizer = optim.SGD([w], momentum=0.9)
    w.grad = Tensor([1.0])
    optimizer.step()
    state = {"state": {0: {"momentum_buffer": np.array([5.0])}}, "param_groups": optimizer.state_dict()["param_groups"]}
    optimizer.load_state_dict(state)
    optimizer.step()
    assert state["state"][0]["momentum_buffer"].tolist() == [5.0]
    assert optimizer.state[w]["momentum_buffer"].tolist() == [5.5]


def test_a_state_replaces_what_was_remembered_and_lacking_options_are_the_defaults() -> None:
    w, v = leaf(1.0), leaf(1.0)
    optimizer = optim.SGD([w, v], lr=0.1, momentum=0.9)
    descend(optimizer, w, v)
    groups = [{"params": [0, 1], "lr": 0.5, "momentum": 0.9, "dampening": 0, "weight_decay": 0}]
    optimizer.load_state_dict({"state": {1: {"momentum_buffer": None}}, "param_groups": groups})
    assert optimizer.state_dict()["state"] == {}
    assert optimizer.param_groups[0]["nesterov"] is False
    descend(optimizer, w, v)


def test_what_is_looked_up_is_not_remembered() -> None:
    w = leaf(1.0)
    optimizer = optim.SGD([w], lr=0.1)
    assert optimizer.state[w] == {}
    assert optimizer.state_dict()["state"] == {}


@pytest.mark.parametrize("start", [1.0, [1.0]], ids=["number", "array"])
def test_what_is_remembered_may_be_set_by_hand(start: Any) -> None:
    w = Tensor(start, requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1, momentum=0.5)
    optimizer.state[w]["momentum_buffer"] = Tensor(start)
    w.grad = Tensor(start)
    optimizer.step()
    assert optimizer.state[w]["momentum_buffer"].item() == 1.5
    assert w.item() == 1 - 0.1 * 1.5


def test_states_of_other_models_are_refused_and_nothing_changes() -> None:
    w = leaf(1.0, 2.0)
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    descend(optimizer, w)
    before = copy.deepcopy(optimizer.state_dict())

    def other(*groups: list[Tensor]) -> dict[str, Any]:
        twin = optim.SGD([{"params": group} for group in groups], lr=0.5, momentum=0.9)
        for group in groups:
            for p in group:
                p.grad = p.detach()
        twin.step()
        return twin.state_dict()

    for state, said in [
        (other([leaf(1.0, 2.0), leaf(1.0)]), r"groups of [2] parameters, and the optimizer has [1]"),
        (other([leaf(1.0, 2.0)], [leaf(1.0)]), r"groups of [1, 1] parameters"),
        (other([leaf(1.0, 2.0, 3.0)]), r"momentum_buffer of shape (3,) for parameter 0, which has shape (2,)"),
        (before | {"state": {7: {}}}, r"remembers parameters [7]"),
    ]:
        with pytest.raises(ValueError, match=re.escape(said)):
            optimizer.load_state_dict(state)
        after = optimizer.state_dict()
        assert after["param_groups"] == before["param_groups"]
        assert after["state"][0]["momentum_buffer"].tolist() == before["state"][0]["momentum_buffer"].tolist()


@every
def test_the_state_of_another_kind_of_optimizer_is_refused_and_nothing_changes(kind: Any) -> None:
    for other in KINDS:
        w, v = leaf(3.0), leaf(2.0)
        mine, theirs = kind([w]), other([v], lr=0.5)
        descend(mine, w)
        descend(theirs, v)
        before = copy.deepcopy(mine.state_dict())
        if mine.param_groups[0].keys() == theirs.param_groups[0].keys():  # of the same kind, or Adam and AdamW
            mine.load_state_dict(theirs.state_dict())
            continue
        with pytest.raises(ValueError, match=rf"saved by .*{type(theirs).__name__}.*this is {type(mine).__name__}: it"):
            mine.load_state_dict(theirs.state_dict())
        assert str(mine.state_dict()) == str(before)


def test_a_state_of_arrays_that_are_not_remembered_is_refused() -> None:
    w = leaf(1.0)
    optimizer = optim.Adam([w])
    state = {"state": {0: {"momentum_buffer": Tensor([1.0])}}, "param_groups": optimizer.state_dict()["param_groups"]}
    with pytest.raises(ValueError, match=r"remembers momentum_buffer, .* this is Adam, which remembers exp_avg, exp_"):
        optimizer.load_state_dict(state)
    plain = optim.SGD([w], lr=0.1)
    plain.state[w]["mean"] = Tensor([1.0])  # put there by its owner
    plain.load_state_dict(plain.state_dict())


def test_an_optimizer_of_ones_own_refuses_options_of_others() -> None:
    class Plain(optim.Optimizer):
        pass

    with pytest.raises(ValueError, match="saved by SGD, and this is Plain: it has dampening, momentum, nesterov, weig"):
        Plain([leaf(1.0)], {"lr": 0.1}).load_state_dict(optim.SGD([leaf(1.0)], lr=0.1).state_dict())
    own = Plain([{"params": [leaf(1.0)], "momentum": 0.5}], {"lr": 0.1})
    own.load_state_dict(own.state_dict())


@every
def test_what_chooses_pytorchs_kernels_changes_nothing(kind: Any) -> None:
    w, v = leaf(3.0), leaf(3.0)
    descend(kind([w], foreach=True, fused=False, capturable=False, differentiable=False), w)
    descend(kind([v], foreach=None, fused=True), v)
    assert w.item() == v.item() != 3.0
    with pytest.raises(ValueError, match="differentiable=True is for derivatives through step"):
        kind([w], differentiable=True)
    with pytest.raises(ValueError, match="capturable=True is for CUDA graphs"):
        kind([w], capturable=True)
    with pytest.raises(TypeError, match="unexpected keyword argument 'weight_deca': did you mean 'weight_decay'"):
        kind([w], weight_deca=0.1)


def test_a_training_loop_says_nothing() -> None:
    model = nn.Linear(3, 1)
    optimizer = optim.Adam(model.parameters())
    x = Tensor(np.ones((4, 3)), dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            loss = (model(x) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()


def test_the_method_is_not_its_parameters() -> None:
    with pytest.raises(TypeError, match=r"write model.parameters\(\)"):
        optim.SGD(nn.Linear(1, 1).parameters, lr=0.1)
