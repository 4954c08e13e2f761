"""capture from its user's side: what a program shows, what it takes for granted, and what it refuses."""

import gc
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn, optim
from tinygrad_edu.errors import CaptureError

WRAPS: list[Any] = [lambda f: f, tg.capture]  # without and with


def calls(function: Any, *arguments: Any, times: int = 4) -> list[Any]:
    """The results of several calls: the first two are traced, the others repeat the program."""
    return [function(*arguments) for _ in range(times)]


def test_the_source_is_what_runs() -> None:
    """Every op is a line, with the names that the learner gave; backward is the chain rule."""

    @tg.capture
    def line(a: Tensor, b: Tensor, c: Tensor) -> Any:
        e = a * b
        e.name = "e"
        d = e + c
        d.name = "d"
        return d

    a, b, c = (Tensor(x, requires_grad=True) for x in (2.0, -3.0, 10.0))
    results = calls(line, a, b, c)
    assert [d.item() for d in results] == [4.0] * 4
    results[-1].backward()
    assert [t.grad.item() for t in (a, b, c) if t.grad is not None] == [-3.0, 2.0, 1.0]
    assert line.source == (
        "def line(a, b, c):\n    e = a * b\n    d = e + c\n    return d, b, a\n\n"
        "def line_backward(g, b, a):\n    g_x = g * b\n    g_y = g * a\n    return g_x, g_y, g\n"
    )


def test_source_before_the_first_call() -> None:
    with pytest.raises(CaptureError, match="call the function once"):
        _ = tg.capture(lambda x: x).source


def test_capture_takes_a_function() -> None:
    with pytest.raises(TypeError, match="write capture\\(f\\)"):
        tg.capture(3.0)


def test_a_step_written_by_hand() -> None:
    """Weights changed in place, as arrays and as single numbers; `.grad` set to None, and read."""
    ended = []
    for wrapped in WRAPS:
        w, b = Tensor([1.0, 2.0], requires_grad=True), Tensor(0.5, requires_grad=True)

        @wrapped  # type: ignore[untyped-decorator] # either
        def step(x: Tensor, w: Tensor = w, b: Tensor = b) -> Any:
            loss = ((x @ w + b - 1) ** 2).mean()
            loss.backward()
            with tg.no_grad():
                for p in (w, b):
                    p -= 0.1 * p.grad
                    p.grad = None
            return loss

        random = np.random.default_rng(0)
        ended.append(([step(Tensor(random.normal(size=(4, 2)))).item() for _ in range(6)], w.tolist(), b.item()))
        assert w.grad is None
    assert ended[0] == ended[1]


def test_a_step_through_data() -> None:
    """`p.data = ...` and `p.data -= ...`, and gradients set to zero in place."""
    ended = []
    for wrapped in WRAPS:
        w, b = Tensor([1.0, 2.0], requires_grad=True), Tensor(0.5, requires_grad=True)
        w.grad, b.grad = Tensor([0.0, 0.0]), Tensor(0.0)

        @wrapped  # type: ignore[untyped-decorator] # either
        def step(x: Tensor, w: Any = w, b: Any = b) -> Any:
            loss = ((x @ w + b - 1) ** 2).mean()
            loss.backward()
            w.data -= 0.1 * w.grad
            b.data = b.data - 0.1 * b.grad
            w.grad.zero_()
            b.grad = None
            return loss

        random = np.random.default_rng(0)
        ended.append(([step(Tensor(random.normal(size=(4, 2)))).item() for _ in range(6)], w.tolist(), b.item()))
    assert ended[0] == ended[1]


def test_gradients_add_up_over_calls() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)

    @tg.capture
    def micro_batch(y: Tensor) -> Any:
        loss = (x * y).sum()
        loss.backward()
        return loss

    micro_batch(Tensor([1.0, 0.0]))
    with pytest.warns(tg.errors.AccumulationWarning):
        micro_batch(Tensor([1.0, 1.0]))
    for i in range(2, 5):
        micro_batch(Tensor([1.0, float(i)]))
    assert x.grad is not None
    assert x.grad.tolist() == [5.0, 10.0]


def test_other_shapes_and_dtypes_get_programs_of_their_own() -> None:
    f = tg.capture(lambda x: (x * 2).sum())
    for _ in range(2):
        for shape, dtype in (((3,), np.float64), ((2, 2), np.float64), ((3,), np.float32)):
            for result in calls(f, Tensor(np.ones(shape), dtype=dtype)):
                assert result.dtype == dtype
                assert result.item() == 2 * np.prod(shape)


def test_containers_keywords_and_settings() -> None:
    @tg.capture
    def f(pair: tuple[Tensor, Tensor], /, *, power: int = 2) -> Any:
        a, b = pair
        return {"sum": (a + b) ** power, "none": None, "first": [a, power]}

    for power in (2, 3, 2):
        for i in range(4):
            a, b = Tensor([1.0 + i]), Tensor([2.0])
            result = f((a, b), power=power)
            assert result["sum"].tolist() == [(3.0 + i) ** power]
            assert result["none"] is None
            assert result["first"][0].tolist() == [1.0 + i]
            assert result["first"][1] == power


def test_arrays_are_no_arguments() -> None:
    """What NumPy computes with them in the function would not be computed again."""
    with pytest.raises(CaptureError, match=r"x is an array.*pass a Tensor, tinygrad_edu\.from_numpy\(x\)"):
        tg.capture(lambda x: Tensor(x / 255))(np.ones(2))


def test_gradients_set_to_none_before_anything_is_read() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)

    @tg.capture
    def step(x: Tensor) -> Any:
        w.grad = None
        loss = (x * w).sum()
        loss.backward()
        return loss

    for i in range(5):
        step(Tensor([1.0, i]))
        assert w.grad.tolist() == [1.0, i]


def test_backward_from_two_results_of_which_one_depends_on_the_other() -> None:
    found = []
    for wrapped in WRAPS:

        @wrapped  # type: ignore[untyped-decorator] # either
        def f(x: Tensor, g: Tensor) -> Any:
            y = x * x
            z = y * y
            return tg.autograd.grad([y.sum(), z.sum()], [x], [g, g * 2])[0]

        found.append([f(Tensor([1.0, 2.0], requires_grad=True), Tensor(v)).tolist() for v in (1.0, 1.0, 2.0, 3.0)])
    assert found[0] == found[1]


def test_requires_grad_is_looked_at() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    f = tg.capture(lambda x: (x * w).sum())
    x = Tensor([3.0, 4.0])
    assert all(result.requires_grad for result in calls(f, x))
    w.requires_grad_(False)
    assert not any(result.requires_grad for result in calls(f, x))
    assert calls(f, Tensor([3.0, 4.0], requires_grad=True))[-1].requires_grad
    with tg.no_grad():
        assert not calls(f, Tensor([3.0, 4.0], requires_grad=True))[-1].requires_grad


def test_values_from_outside_are_read_anew() -> None:
    w, t, a = Tensor([1.0, 2.0]), Tensor(3.0), np.array([1.0, 1.0])
    f = tg.capture(lambda x: (x * w * a).sum() * t)
    x = Tensor([1.0, 1.0])
    assert calls(f, x)[-1].item() == 9.0
    w[0] = 2.0
    a[1] = 2.0
    assert f(x).item() == 18.0
    w.data, t.data = Tensor([1.0, 1.0]), Tensor(1.0)
    assert f(x).item() == 3.0
    w.data = Tensor([1.0])  # of another shape: traced again
    assert calls(f, x)[-1].item() == 3.0


scale = 1.0


def test_variables_that_are_set_anew_are_seen() -> None:
    """Of the module and of the function around, numbers and Tensors."""
    global scale
    scale, batch = 1.0, Tensor([1.0, 2.0])
    f = tg.capture(lambda: (batch * scale).sum())
    assert [r.item() for r in calls(f)] == [3.0] * 4
    scale = 10.0
    assert [r.item() for r in calls(f)] == [30.0] * 4
    batch = Tensor([2.0, 2.0])
    assert [r.item() for r in calls(f)] == [40.0] * 4


def test_modules_between_training_and_evaluation() -> None:
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.BatchNorm1d(4))
    f, x = (
        tg.capture(lambda x: model(x).detach()),
        Tensor(np.random.default_rng(0).normal(size=(5, 3)), dtype=np.float32),
    )
    assert len({str(f(x).tolist()) for _ in range(6)}) == 6  # another mask each time
    model.eval()
    expected = model(x).tolist()
    assert all(result.tolist() == expected for result in calls(f, x))
    model.train()
    assert len({str(f(x).tolist()) for _ in range(6)}) == 6
    model[1].p = 0.0
    assert f(x).tolist() == model(x).tolist()


def test_one_array_twice() -> None:
    """Two arguments that were one need not be so the next time; and an argument may be used from outside as well."""
    f = tg.capture(lambda a, b: (a - b).sum())
    for _ in range(4):
        a = Tensor([1.0, 2.0])
        assert f(a, a).item() == 0.0
    assert f(Tensor([1.0, 2.0]), Tensor([0.0, 0.0])).item() == 3.0
    outside = Tensor([1.0, 2.0])
    g = tg.capture(lambda a: (a - outside).sum())
    assert calls(g, outside)[-1].item() == 0.0
    assert g(Tensor([5.0, 5.0])).item() == 7.0
    assert calls(g, Tensor([5.0, 5.0]))[-1].item() == 7.0


def test_higher_derivatives() -> None:
    f = tg.capture(lambda x: (x**3).sum())
    for _ in range(4):
        x = Tensor([1.0, 2.0], requires_grad=True)
        (g,) = tg.autograd.grad(f(x), x, create_graph=True)
        assert g is not None
        (h,) = tg.autograd.grad(g.sum(), x)
        assert h is not None
        assert h.tolist() == [6.0, 12.0]


def test_backward_twice_through_a_program() -> None:
    """With retain_graph; and `.grad` of two leaves never share memory, nor with the program."""
    a, b = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0], requires_grad=True)
    f = tg.capture(lambda: ((a + b) * 2).sum())
    out = calls(f)[-1]
    out.backward(retain_graph=True)
    assert a.grad is not None
    assert b.grad is not None
    a.grad *= 0
    assert b.grad.tolist() == [2.0, 2.0]
    b.grad = None
    out.backward()
    assert a.grad.tolist() == [2.0, 2.0]
    with pytest.raises(tg.errors.FreedGraphError):
        out.backward()


def test_hooks_run_once() -> None:
    seen: list[Any] = []
    x = Tensor([1.0, 2.0], requires_grad=True)
    x.register_hook(lambda g: seen.append(g.tolist()) or g * 2)
    f = tg.capture(lambda: (x * x).sum())
    for _ in range(4):
        x.grad, seen[:] = None, []
        f().backward()
        assert seen == [[2.0, 4.0]]
        assert x.grad.tolist() == [4.0, 8.0]


def test_anomalies_are_found_where_a_program_would_run() -> None:
    f = tg.capture(lambda x: np.log(x).sum())
    calls(f, Tensor([1.0]))
    with np.errstate(all="ignore"), tg.detect_anomaly(), pytest.raises(tg.errors.AnomalyError, match="log"):
        f(Tensor([0.0]))


def test_a_changed_weight_is_noticed_behind_a_program() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    f = tg.capture(lambda: (w * w).sum())
    out = calls(f)[-1]
    with tg.no_grad():
        w += 1
    with pytest.raises(tg.errors.MutationError):
        out.backward()


class Squared(tg.autograd.Function):
    """A function of one's own, whose forward and backward are any Python."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * x * g


REFUSED = {
    "item()": lambda x: x * x.sum().item(),
    "float(t)": lambda x: x * float(x.sum()),
    "int(t)": lambda x: x * int(x.sum()),
    "a tensor as a condition": lambda x: x if x.sum() > 0 else -x,
    "a tensor as a place or a count": lambda x: x[: x.astype(int).sum()],
    "tolist()": lambda x: x * max(x.tolist()),
    "the array of a tensor": lambda x: x * np.asarray(x),
    "a number in a text": lambda x: x * len(f"{x.sum():.2f}"),
    "np.argmax(t)": lambda x: x * np.argmax(x),
    "an array of NumPy, returned by": lambda x: np.ones(2),
    "Squared.apply()": lambda x: Squared.apply(x),
    "retain_grad": lambda x: retained(x),
    "two": lambda x: (x * 1, x * 2),
}


def retained(x: Tensor) -> Any:
    y = x * 2
    y.retain_grad()
    y.sum().backward()
    return y.grad


@pytest.mark.parametrize("what", REFUSED)
def test_what_leaves_no_line_is_refused(what: str) -> None:
    """At once, in the first call."""
    with pytest.raises(CaptureError, match=None if what == "two" else what.replace("(", "\\(").replace(")", "\\)")):
        tg.capture(REFUSED[what])(Tensor([1.0, 2.0], requires_grad=True))


def test_what_changes_from_call_to_call_is_refused() -> None:
    """Numbers of Python, arrays and Tensors made anew, random numbers of NumPy: in the third call at the latest."""
    count = iter(range(100))
    random = np.random.default_rng(0)
    for function in (
        lambda x: x * next(count),
        lambda x: x * random.normal(size=2),
        lambda x: x + Tensor(random.normal(size=2)),
        lambda x: x.exp() if next(count) % 2 else x.log(),
    ):
        with pytest.raises(CaptureError, match="cannot be repeated"):
            calls(tg.capture(function), Tensor([1.0, 2.0]))


def test_what_is_made_in_the_function_is_made_anew() -> None:
    """Zeros that are added to in place would go on from the last call."""

    def f(x: Tensor) -> Any:
        total = tg.zeros(2)
        with tg.no_grad():
            total += x
        return total

    with pytest.raises(CaptureError, match="changed in place"):
        calls(tg.capture(f), Tensor([1.0, 2.0]))


def test_random_numbers_of_ours_are_drawn_anew() -> None:
    f = tg.capture(lambda x: x + tg.randn(2) * tg.rand(2))
    tg.manual_seed(0)
    got = [f(Tensor([0.0, 0.0])).tolist() for _ in range(5)]
    tg.manual_seed(0)
    assert got == [(tg.randn(2) * tg.rand(2)).tolist() for _ in range(5)]


def test_too_many_programs() -> None:
    f, x = tg.capture(lambda x, i: x * i), Tensor([1.0])
    for i in range(64):
        calls(f, x, i)
    f(x, 64)
    with pytest.raises(CaptureError, match="64 programs"):
        f(x, 64)


def test_errors_of_the_program_are_those_of_the_function() -> None:
    f = tg.capture(lambda x, y: nn.functional.cross_entropy(x, y))
    x = Tensor(np.zeros((2, 3)))
    calls(f, x, Tensor([0, 1]))
    with pytest.raises(IndexError, match="label 7 at \\[1\\]"):
        f(x, Tensor([0, 7]))
    assert f(x, Tensor([0, 2])).item() == pytest.approx(np.log(3))


def test_a_program_holds_no_graph() -> None:
    """Nothing grows from call to call, with the collector off."""
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = optim.Adam(model.parameters())

    @tg.capture
    def step(x: Tensor) -> Any:
        optimizer.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    x = Tensor(np.ones((4, 8)), dtype=np.float32)
    calls(step, x)
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(100):
            step(x)
        assert len(gc.get_objects()) <= before + 5
    finally:
        gc.enable()


def test_a_program_keeps_no_arrays_of_the_calls_that_were_traced() -> None:
    kept: list[Any] = []
    w = Tensor(np.ones(1000), requires_grad=True)

    def f(x: Tensor) -> Any:
        y = x * w
        kept.append(weakref.ref(y._value))
        return (y * y).sum()

    captured = tg.capture(f)
    captured(Tensor(np.ones(1000)))
    assert [ref() for ref in kept] == [None]  # nor does one that waits for the second call
    calls(captured, Tensor(np.ones(1000)))
    assert [ref() for ref in kept] == [None, None]


def test_several_threads_run_one_program() -> None:
    f = tg.capture(lambda x: (x * x).sum())
    calls(f, Tensor([1.0]))
    wrong: list[float] = []

    def run(i: int) -> None:
        for _ in range(200):
            x = Tensor([float(i)], requires_grad=True)
            f(x).backward()
            if x.grad is None or x.grad.item() != 2.0 * i:
                wrong.append(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
