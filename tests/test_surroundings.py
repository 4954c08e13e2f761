"""capture: what a function looks at beside its arguments, and what it changes, is as without."""

import copy
import functools
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.test_capture import WRAPS, calls
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import CaptureError


def network() -> Any:
    tg.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


class Listed(nn.Module):
    """A layer with settings of many kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.scales, self.more, self.act, self.at = [2.0, 3.0], {"shift": 1.0}, tg.tanh, Tensor([1.0, 1.0, 1.0])

    def forward(self, x: Tensor) -> Any:
        return self.act(x * self.scales[0] * self.at + self.more["shift"])


CHANGES: dict[str, Any] = {
    "another layer": lambda model: model.__setitem__(1, nn.ReLU()),
    "one layer more": lambda model: model.append(nn.ReLU()),
    "another parameter": lambda model: setattr(model[0], "weight", nn.Parameter(np.ones((4, 3), np.float32))),
    "a hook": lambda model: model[0].register_forward_hook(lambda m, args, out: out * 2),
    "a hook before": lambda model: model[0].register_forward_pre_hook(lambda m, args: (args[0] * 2,)),
    "a hook of a parameter": lambda model: model[0].weight.register_hook(lambda g: g * 2),
    "the end of a hook": lambda model: model.handle.remove(),
    "a number in a list": lambda model: model.listed.scales.__setitem__(0, 5.0),
    "a number in a dict": lambda model: model.listed.more.__setitem__("shift", 5.0),
    "a function": lambda model: setattr(model.listed, "act", tg.sigmoid),
    "a Tensor": lambda model: setattr(model.listed, "at", Tensor([1.0, 2.0, 3.0])),
    "frozen weights": lambda model: model[0].requires_grad_(False),
}


@pytest.mark.parametrize("inside", [True, False], ids=["a whole step", "forward alone"])
@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_model_is_noticed(what: str, inside: bool) -> None:
    ended = []
    for wrapped in WRAPS:
        model = network()
        model.handle = model[2].register_forward_hook(lambda m, args, out: out * 3)
        model.listed = listed = Listed()
        del model._kinds["listed"]  # a part of the model, but not of the sequence

        def forward(x: Tensor, model: Any = model, listed: Any = listed) -> Any:
            return (model(listed(x)) ** 2).mean()

        def step(x: Tensor, forward: Any = forward) -> Any:
            loss = forward(x)
            loss.backward()
            return loss.detach()

        captured = wrapped(forward)
        run = wrapped(step) if inside else lambda x, step=step, captured=captured: step(x, captured)
        random, found = np.random.default_rng(0), []
        for i in range(7):
            if i == 4:
                CHANGES[what](model)
            x = Tensor(random.normal(size=(5, 3)), dtype=np.float32, requires_grad=True)
            model.zero_grad()
            found += [
                run(x).item(),
                x.grad.tolist(),
                *(p.grad.tolist() for p in model.parameters() if p.grad is not None),
            ]
        ended.append(found)
    assert ended[0] == ended[1]


def test_a_hook_of_gradients_is_noticed_and_refused() -> None:
    model, x = network(), Tensor(np.ones((2, 3)), dtype=np.float32)
    f = tg.capture(lambda x: model(x))
    calls(f, x)
    model[0].register_full_backward_hook(lambda m, into, out: None)
    with pytest.raises(CaptureError, match="apply"):
        f(x)


class Plain:
    """Settings of a program."""

    rate = 1.0

    def __init__(self) -> None:
        self.factor, self.calls = 2.0, 0

    def scaled(self, x: Tensor) -> Any:
        self.calls += 1
        return x * self.factor * Plain.rate


def test_changed_variables_and_attributes_are_noticed() -> None:
    """A number, a Tensor, a function, an attribute, and what is in containers."""
    ended = []
    for wrapped in WRAPS:
        number, w, settings, plain = 1.0, Tensor([1.0, 2.0]), {"rates": [1.0, 2.0]}, Plain()

        def helper(x: Tensor) -> Any:
            return plain.scaled(x) * settings["rates"][0]  # noqa: B023 - on purpose

        @wrapped  # type: ignore[untyped-decorator] # either
        def f(x: Tensor) -> Any:
            return helper(x * w) * number  # noqa: B023 - on purpose

        found = []
        for i in range(30):
            if i == 4:
                number = 3.0
            if i == 8:
                w = Tensor([5.0, 6.0])
            if i == 12:
                settings["rates"][0] = 7.0
            if i == 16:
                plain.factor = 4.0
            if i == 20:
                Plain.rate = 3.0
            if i == 24:

                def helper(x: Tensor) -> Any:
                    return -x

            found.append(f(Tensor([1.0, float(i)])).tolist())
        Plain.rate = 1.0
        ended.append(found)
    assert ended[0] == ended[1]


def test_objects_and_functions_as_arguments() -> None:
    """What they hold is looked at too; and a captured method knows its object."""
    factor = [1.0]

    class Scaled:
        def __init__(self) -> None:
            self.rate = 1.0

        @tg.capture
        def step(self, x: Tensor) -> Any:
            return x * self.rate

    def act(x: Tensor) -> Any:
        return x * factor[0]

    plain, scaled = Plain(), Scaled()
    f, g = tg.capture(lambda plain, x: x * plain.factor), tg.capture(lambda act, x: act(x))
    h = tg.capture(functools.partial(lambda plain, x: x * plain.factor, plain))
    for i in range(8):
        if i == 4:
            factor[0], plain.factor, scaled.rate = 2.0, 4.0, 3.0
        x, later = Tensor([1.0, float(i)]), i >= 4
        assert f(plain, x).tolist() == h(x).tolist() == (x * (4.0 if later else 2.0)).tolist()
        assert g(act, x).tolist() == (x * (2.0 if later else 1.0)).tolist()
        assert scaled.step(x).tolist() == (x * (3.0 if later else 1.0)).tolist()


def test_a_count_that_is_looked_at_is_refused() -> None:
    """`self.n += 1` alone is only done while it is traced."""

    class Warm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.n = 0

        def forward(self, x: Tensor) -> Any:
            self.n += 1
            return x if self.n < 4 else x * 2

    with pytest.raises(CaptureError, match=r"Warm.n was 2 in one call and 3 in the next"):
        calls(tg.capture(Warm()), Tensor([1.0]))
    plain = Plain()
    assert [t.tolist() for t in calls(tg.capture(plain.scaled), Tensor([1.0]))] == [[2.0]] * 4


def test_gradients_forgotten_before_the_weight_is_used() -> None:
    """`w.grad = None` in the first line, before any line has read w."""
    ended = []
    for wrapped in WRAPS:
        w = Tensor([1.0, 2.0], requires_grad=True)

        @wrapped  # type: ignore[untyped-decorator] # either
        def step(x: Tensor, w: Any = w) -> Any:
            w.grad = None
            loss = ((w - x) ** 2).sum()
            loss.backward()
            return loss.detach()

        for i in range(5):
            step(Tensor([1.0, float(i)]))
            ended.append(w.grad.tolist())
    assert ended[:5] == ended[5:]


@pytest.mark.parametrize("times", [1, 3, 4])
def test_gradients_from_outside(times: int) -> None:
    """`.grad` is read anew, and whether there is one is looked at."""
    ended = []
    for wrapped in WRAPS:
        w = Tensor([1.0, 2.0], requires_grad=True)

        @wrapped  # type: ignore[untyped-decorator] # either
        def update(w: Any = w) -> None:
            with tg.no_grad():
                if w.grad is not None:
                    w -= 0.1 * w.grad
                    w.grad = None

        for i in range(12):
            if i % times == 0:
                (w * Tensor([1.0, float(max(i - 4, 0))])).sum().backward()
            update()
            ended.append((w.tolist(), w.grad))
    assert ended[:12] == ended[12:]


def test_a_weight_that_is_only_replaced() -> None:
    w, b = Tensor([1.0, 2.0], requires_grad=True), Tensor([0.0, 0.0], requires_grad=True)

    def f(x: Tensor) -> Any:
        w.data = x * 2
        b.data = w.data + b.detach()
        return (w * x).sum()

    captured = tg.capture(f)
    for i in range(5):
        w.grad = None
        captured(Tensor([1.0, float(i)])).backward()
        assert w.tolist() == [2.0, 2.0 * i]
        assert w.grad is not None
        assert w.grad.tolist() == [1.0, float(i)]
    assert b.tolist() == [10.0, 20.0]


def test_detached_numbers_and_memory_with_two_names() -> None:
    """A weight of one number is another object after each step; two Tensors may be on one array, until they are not."""
    w, v = Tensor(2.0, requires_grad=True), Tensor([2.0, 3.0], requires_grad=True)
    old = v.detach()
    f, g = tg.capture(lambda x: x * w.detach()), tg.capture(lambda x: (x * v * old).detach())
    for i in range(6):
        w.data = Tensor(float(i))
        if i == 4:
            v.data = Tensor([9.0, 1.0])
        assert f(Tensor(1.0)).item() == i
        assert g(Tensor([1.0, 1.0])).tolist() == ([4.0, 9.0] if i < 4 else [18.0, 3.0])


def test_requires_grad_that_stays_changed_is_refused() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)

    def f(x: Tensor) -> Any:
        (w * x).sum().backward()
        w.requires_grad_(False)

    with pytest.raises(CaptureError, match="requires_grad"):
        tg.capture(f)(Tensor([1.0, 2.0]))


def test_a_mask_that_chooses_another_number_of_numbers_is_refused() -> None:
    f = tg.capture(lambda x: x[x > 0].sum() / x[x > 0].size)
    assert [f(Tensor([1.0, -1.0, 3.0])).item() for _ in range(4)] == [2.0] * 4
    assert f(Tensor([-1.0, 1.0, 5.0])).item() == 3.0
    with pytest.raises(CaptureError, match=r"getitem gave \(3,\) where it gave \(2,\)"):
        f(Tensor([1.0, 1.0, 1.0]))


def test_zeros_have_a_sign_and_nan_is_itself() -> None:
    f = tg.capture(lambda x, k: x * k)
    for k in (0.0, -0.0, 0.0, -0.0):
        assert all(str(f(Tensor([1.0]), k).tolist()) == str([k]) for _ in range(4))


def test_kinds_of_arguments_that_come_only_once() -> None:
    f = tg.capture(lambda x, i: x * i)
    for i in range(64):
        f(Tensor([1.0]), i)
    with pytest.raises(CaptureError, match="64 kinds of arguments"):
        f(Tensor([1.0]), 64)


def test_copies_of_a_captured_function() -> None:
    model = network()
    model.forward = tg.capture(model.forward)
    x = Tensor(np.ones((2, 3)), dtype=np.float32)
    expected = calls(model, x)[-1].tolist()
    other = copy.deepcopy(model)
    with tg.no_grad():
        for p in other.parameters():
            p *= 0
    assert all(t.tolist() == [[0.0, 0.0]] * 2 for t in calls(other, x))
    assert model(x).tolist() == expected


def test_a_model_that_is_switched_between_the_first_calls() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    f, x = tg.capture(lambda x: model(x).detach()), Tensor(np.random.default_rng(0).normal(size=(5, 3)))
    for training in (True, False, True, False, False, True, True):
        model.train(training)
        twin = copy.deepcopy(model)
        assert f(x).tolist() == twin(x).tolist()


def test_a_class_that_was_drawn_is_the_one_that_is_scored() -> None:
    w = Tensor([0.0, 1.0, 2.0], requires_grad=True)

    def f(x: Tensor) -> Any:
        choice = tg.distributions.Categorical(logits=w * x)
        drawn = choice.sample()
        return choice.log_prob(drawn).detach(), drawn, choice.logits.detach()

    for _ in range(2):
        captured = tg.capture(f)
        for _ in range(12):
            score, drawn, logits = captured(Tensor([0.1, 0.1, 0.1]))
            assert score.item() == logits.tolist()[drawn.item()]
