"""Warnings that teach: once a tensor, at the learner's line, with what to write and how to silence them, and no nag."""

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, errors, no_grad
from tinygrad_edu.autograd import backward, grad
from tinygrad_edu.errors import AccumulationWarning, HistoryWarning, MissingGradientWarning


def leaf(value: Any, name: str | None = None) -> Tensor:
    return Tensor(value, requires_grad=True, name=name)


def told(call: Callable[[], Any]) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return list(caught)


def kinds(call: Callable[[], Any]) -> list[type[Warning]]:
    return [w.category for w in told(call)]


@pytest.mark.parametrize("kind", [AccumulationWarning, HistoryWarning, MissingGradientWarning])
def test_every_warning_is_a_user_warning_and_documented(kind: type[Warning]) -> None:
    assert issubclass(kind, UserWarning)
    assert kind.__doc__
    assert kind.__name__ in errors.__all__


def twice(x: Tensor) -> None:
    for _ in range(2):
        (x * x).backward()


def test_gradients_that_add_up_are_told_once_a_tensor_at_the_line_of_backward() -> None:
    x, y = leaf(3.0, "x"), leaf(np.ones(3))
    first = told(lambda: twice(x))
    assert [w.category for w in first] == [AccumulationWarning]
    said = str(first[0].message)
    for part in ("'x'", "t.grad = None", "optimizer.zero_grad()", "errors.AccumulationWarning"):
        assert part in said
    assert first[0].filename == __file__
    assert first[0].lineno == twice.__code__.co_firstlineno + 2
    assert kinds(lambda: twice(x)) == []
    both = told(lambda: [(x * y).sum().backward() for _ in range(2)])
    assert len(both) == 1
    assert "a tensor of shape (3,)" in str(both[0].message)
    assert "'x'" not in str(both[0].message)


def test_many_tensors_are_told_in_one_warning() -> None:
    leaves = [leaf(1.0, f"w{i}") for i in range(8)]

    def run() -> None:
        for _ in range(2):
            sum(leaves[1:], leaves[0] * 1).backward()

    (warning,) = told(run)
    assert "'w" in str(warning.message)
    assert "and 5 more" in str(warning.message)


def by_none(x: Tensor) -> None:
    x.grad = None


def by_zeros(x: Tensor) -> None:
    x.grad = tg.zeros_like(x)


def in_place(x: Tensor) -> None:
    x.grad *= 0


def filled(x: Tensor) -> None:
    x.grad.fill(0.0)


def momentum(x: Tensor) -> None:
    x.grad *= 0.9


def by_another_name(x: Tensor) -> None:
    g = x.grad
    g.fill(0.5)


@pytest.mark.parametrize("reset", [by_none, by_zeros, in_place, filled, momentum, by_another_name])
@pytest.mark.parametrize("value", [3.0, np.ones(3)])
def test_a_gradient_that_somebody_looked_after_adds_up_in_silence(reset: Any, value: Any) -> None:
    x = leaf(value)

    def run() -> None:
        for _ in range(3):
            (x * x).sum().backward()
            with no_grad():
                reset(x)

    assert kinds(run) == []


def test_nothing_adds_up_where_the_earlier_gradient_was_zero() -> None:
    x = leaf(np.ones(3))
    (x * 0).sum().backward()
    assert kinds((x * 2).sum().backward) == []


def test_looking_at_the_steps_and_asking_for_gradients_adds_up_in_silence() -> None:
    x = leaf(3.0)
    (x * x).backward()
    assert kinds(lambda: backward(x * x, observe=lambda step: None)) == []
    assert kinds(lambda: [grad(x * x, x) for _ in range(3)]) == []


def test_an_error_filter_leaves_the_sum_in_place() -> None:
    x = leaf(3.0)
    (x * x).backward()
    with pytest.raises(AccumulationWarning):
        (x * x).backward()
    assert x.grad.item() == 12.0


def test_a_leaf_that_the_result_does_not_depend_on_is_told_where_its_gradient_is_used() -> None:
    w, v = leaf(1.0, "w"), leaf(1.0)

    def update(lr: float) -> None:
        lr * w.grad

    assert kinds(lambda: print(w.grad)) == []  # no backward pass has run since it was made
    (v * 2).backward()

    def fails() -> None:
        with pytest.raises(TypeError):
            update(0.1)

    (warning,) = told(fails)
    assert warning.category is MissingGradientWarning
    assert warning.filename == __file__
    assert warning.lineno == update.__code__.co_firstlineno + 1
    for part in ("'w'", "does not depend on", "errors.MissingGradientWarning"):
        assert part in str(warning.message)
    assert kinds(lambda: print(w.grad)) == []  # once


USES: dict[str, Callable[[Tensor], Any]] = {
    "print": lambda w: print(w.grad),
    "a string": lambda w: f"{w.grad}",
    "equality": lambda w: w.grad == 0,
    "a place": lambda w: w.grad[0],  # type: ignore[index] # on purpose
    "a method": lambda w: w.grad.item(),
    "the other sign": lambda w: -w.grad,
    "a function of NumPy": lambda w: np.sum(w.grad),
}


@pytest.mark.parametrize("use", USES)
def test_what_shows_a_gradient_or_computes_with_it_is_told_why_there_is_none(
    use: str, capsys: pytest.CaptureFixture[str]
) -> None:
    w, v = leaf(1.0), leaf(1.0)
    (v * 2).backward()

    def run() -> None:
        with contextlib.suppress(TypeError, AttributeError):
            USES[use](w)

    assert kinds(run) == [MissingGradientWarning]
    capsys.readouterr()


def test_asking_whether_there_is_a_gradient_is_no_surprise() -> None:
    w, v = leaf(1.0), leaf(1.0)
    computed = w * 2
    computed.backward()
    w = leaf(1.0)
    (v * 2).backward()

    def loop() -> list[Any]:
        kept: list[Any] = []
        for p in (w, v, computed):
            if p.grad is not None:
                kept.append(p.grad)
            g = p.grad
            if g is None:
                continue
            kept.append(g)
            kept += [q.grad for q in (w, v)]
            kept.append(w.grad)
        return kept

    assert kinds(loop) == []
    assert kinds(lambda: getattr(w, "grad", None)) == []


def test_a_gradient_set_to_none_is_missing_only_after_the_next_pass() -> None:
    w, v = leaf(1.0), leaf(1.0)
    (v * 2).backward()
    w.grad = v.grad = None
    assert kinds(lambda: print(w.grad)) == []
    (v * 2).backward()
    assert kinds(lambda: print(w.grad)) == [MissingGradientWarning]


def test_a_leaf_that_a_pass_came_to_once_is_known_to_the_learner() -> None:
    w, v = leaf(1.0), leaf(1.0)
    (w * v).backward()
    w.grad = v.grad = None
    (v * 2).backward()
    assert kinds(lambda: print(w.grad)) == []


def test_a_computed_tensor_that_did_not_retain_its_gradient() -> None:
    x = leaf(2.0)
    y = x * x
    y.name = "y"
    assert kinds(lambda: print(y.grad)) == []
    (y * 2).backward()
    (warning,) = told(lambda: print(y.grad))
    assert warning.category is MissingGradientWarning
    assert "'y'" in str(warning.message)
    assert "t.retain_grad() before backward()" in str(warning.message)
    assert kinds(lambda: print(y.grad)) == []
    x.grad = None
    z = x * x
    z.retain_grad()
    (z * 2).backward()
    assert kinds(lambda: print(z.grad)) == []
    unused = x * x
    unused.retain_grad()
    x.grad = None
    (x * x).backward()
    assert kinds(lambda: print(unused.grad)) == []  # it would be kept, if a pass came here


def test_an_array_taken_out_of_a_tensor_that_comes_back_as_a_number() -> None:
    x, w, b = Tensor(np.ones((2, 3))), leaf(np.ones((3, 2)), "w"), leaf(np.ones(2))

    def run() -> Tensor:
        return x @ w.array + b

    (warning,) = told(run)
    assert warning.category is HistoryWarning
    assert (warning.filename, warning.lineno) == (__file__, run.__code__.co_firstlineno + 1)
    for part in ("'w'", "no gradient will flow", "t.detach()", "errors.HistoryWarning"):
        assert part in str(warning.message)
    assert kinds(run) == []  # once


@pytest.mark.parametrize("take", [lambda t: t.array, lambda t: t.numpy(), np.asarray])
@pytest.mark.parametrize(
    "use",
    [
        lambda a: Tensor(a),
        lambda a: tg.tensor(a),
        lambda a: tg.as_tensor(a),
        lambda a: tg.from_numpy(a),
        lambda a: a * leaf(1.0),
        lambda a: np.exp(leaf(np.ones(2)), out=None) + a,
        lambda a: np.concatenate([leaf(np.ones(2)), a]),
        lambda a: leaf(np.ones(2)).detach().__setitem__(slice(None), a),
    ],
)
def test_every_way_out_and_back(take: Callable[[Tensor], Any], use: Callable[[Any], Any]) -> None:
    hidden = np.tanh(leaf(np.ones(2)))
    assert kinds(lambda: use(take(hidden))) == [HistoryWarning]
    with no_grad():
        assert kinds(lambda: use(take(np.tanh(leaf(np.ones(2)))))) == []
    assert kinds(lambda: use(take(Tensor(np.ones(2))))) == []


def test_a_new_tensor_of_a_computed_one_says_that_its_history_stays_behind() -> None:
    x = leaf([1.0, 2.0])
    z = x * 2
    z.name = "z"
    (warning,) = told(lambda: Tensor(z))
    assert warning.category is HistoryWarning
    assert "(the tensor named 'z')" in str(warning.message)
    assert "t.clone()" in str(warning.message)
    with no_grad():
        assert kinds(lambda: Tensor(z)) == []
    z.sum().backward()
    assert kinds(lambda: (Tensor(z), Tensor(x), Tensor(z.detach()), Tensor(x * 2, requires_grad=True))) == []


def test_numbers_taken_out_in_a_correct_program_are_no_surprise() -> None:
    w, x, labels = leaf(np.ones((3, 2))), np.ones((4, 3)), Tensor([0, 1, 0, 1])

    def program() -> None:
        predicted = x @ w
        assert (predicted.array > Tensor(np.ones((4, 2)))).shape == (4, 2)  # nothing to differentiate
        hidden = np.tanh(x @ w)
        numbers = hidden.numpy()
        with no_grad():
            assert (numbers * Tensor(np.ones((4, 2)))).shape == (4, 2)
        ((predicted - 1) ** 2).mean().backward()
        assert (predicted.numpy().argmax(1) == labels).shape == (4,)
        assert (predicted.array[:, 0] > labels).shape == (4,)
        assert (predicted.array - Tensor(np.ones((4, 2)))).shape == (4, 2)  # measured after backward
        best, fresh = Tensor(w.array), Tensor(w.array, requires_grad=True)
        np.testing.assert_array_equal(best.array, w.array)
        np.testing.assert_allclose(w, w.numpy())
        np.testing.assert_allclose(w * 2, w.array * 2)
        assert fresh.requires_grad
        assert w.array.sum() == float(w.sum()) == w.sum().item()
        with no_grad():
            best[...] = w.array
            w[...] = best.array * 0.9

    assert kinds(program) == []


def test_an_array_of_a_tensor_that_is_gone_is_an_array() -> None:
    def out() -> Any:
        return leaf(np.ones(2)).array

    assert kinds(lambda: out() * leaf(np.ones(2))) == []


def test_arrays_that_went_out_are_not_held() -> None:
    from tinygrad_edu.handed import handed

    before = len(handed)
    for _ in range(50):
        w = leaf(np.ones(2))
        w.array.sum()
        w.numpy()
    del w
    assert len(handed) == before


def test_a_training_loop_prints_and_plots_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    x = np.linspace(-1, 1, 20)[:, None]
    w, v, frozen = leaf(np.ones((1, 8)), "w"), leaf(np.ones((8, 1)), "v"), leaf(1.0, "frozen")

    def program() -> None:
        losses = []
        for step in range(4):
            predicted = np.tanh(x @ w) @ v
            loss = ((predicted - x) ** 2).mean()
            for p in (w, v, frozen):
                p.grad = None
            loss.backward()
            with no_grad():
                for p in (w, v, frozen):
                    if p.grad is not None:
                        p -= 0.1 * p.grad
            losses.append(loss.item())
            print(step, loss, loss.grad_fn, f"{loss:.3f}", w.grad, predicted.shape)
        figure, axes = pyplot.subplots()
        axes.plot(losses), axes.plot(x, predicted), axes.scatter(x, predicted.numpy())
        pyplot.close(figure)
        metrics.r2_score(x, predicted.numpy()), metrics.mean_squared_error(x, predicted.array)
        np.testing.assert_allclose(w.grad.numpy(), w.grad)
        np.save("/dev/null", w)

    assert kinds(program) == []
    capsys.readouterr()
