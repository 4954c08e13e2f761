"""Losses without PyTorch: numbers worked out by hand, derivatives against differences, and errors that help."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F  # noqa: N812 - the name that every PyTorch program gives it
from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import DerivativeError, ShapeError
from tinygrad_edu.nn.functional.losses import classes, distances, probabilities
from tinygrad_edu.testing import check_op, gradcheck, gradgradcheck

random = np.random.default_rng(0)
SCORES, OTHERS, MORE = (random.normal(0, 1.5, (4, 3)) for _ in range(3))
INSIDE = random.uniform(0.1, 0.9, (4, 3))
SIGNS = np.array([1.0, -1.0, 1.0, -1.0])
CLASSES = np.array([2, 0, 1, 2])
WEIGHT = np.array([0.5, 2.0, 1.0])

DERIVATIVES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "mse": (F.mse_loss, (SCORES, OTHERS)),
    "l1": (F.l1_loss, (SCORES, OTHERS)),
    "huber": (lambda x, y: F.huber_loss(x, y, delta=0.8), (SCORES, OTHERS)),
    "smooth l1": (lambda x, y: F.smooth_l1_loss(x, y, beta=0.8), (SCORES, OTHERS)),
    "bce": (F.binary_cross_entropy, (INSIDE, INSIDE[::-1])),
    "bce, weight": (lambda x, y: F.binary_cross_entropy(x, y, WEIGHT), (INSIDE, INSIDE[::-1])),
    "bce of logits": (F.binary_cross_entropy_with_logits, (SCORES, INSIDE)),
    "bce of logits, weights": (
        lambda x, y: F.binary_cross_entropy_with_logits(x, y, WEIGHT, pos_weight=2 * WEIGHT),
        (SCORES, INSIDE),
    ),
    "nll": (lambda x: F.nll_loss(x, CLASSES, WEIGHT), (SCORES,)),
    "cross-entropy": (lambda x: F.cross_entropy(x, CLASSES), (SCORES,)),
    "cross-entropy of rows": (lambda x: F.cross_entropy(x, CLASSES, reduction="none"), (SCORES,)),
    "cross-entropy, weight": (lambda x: F.cross_entropy(x, CLASSES, WEIGHT, ignore_index=0), (SCORES,)),
    "cross-entropy, smooth": (lambda x: F.cross_entropy(x, CLASSES, WEIGHT, label_smoothing=0.3), (SCORES,)),
    "cross-entropy of shares": (lambda x, y: F.cross_entropy(x, y, WEIGHT), (SCORES, INSIDE)),
    "cross-entropy of planes": (lambda x: F.cross_entropy(x, CLASSES.reshape(2, 2)), (SCORES.reshape(2, 3, 2),)),
    "kl": (lambda x, y: F.kl_div(x, y, reduction="batchmean"), (SCORES, INSIDE)),
    "kl of logarithms": (lambda x, y: F.kl_div(x, y, reduction="sum", log_target=True), (SCORES, OTHERS)),
    "poisson": (F.poisson_nll_loss, (SCORES, 3 * INSIDE)),
    "poisson, full": (lambda x, y: F.poisson_nll_loss(x, y, False, True), (INSIDE, 4 * INSIDE[::-1])),
    "gaussian": (F.gaussian_nll_loss, (SCORES, OTHERS, INSIDE)),
    "hinge": (lambda x: F.hinge_embedding_loss(x, SIGNS), (SCORES[:, 0],)),
    "soft margin": (lambda x: F.soft_margin_loss(x, SIGNS), (SCORES[:, 0],)),
    "ranking": (lambda x, y: F.margin_ranking_loss(x, y, SIGNS, 0.3), (SCORES[:, 0], OTHERS[:, 0])),
    "cosine": (lambda x, y: F.cosine_embedding_loss(x, y, SIGNS, 0.1), (SCORES, OTHERS)),
    "triplet": (F.triplet_margin_loss, (SCORES, OTHERS, MORE)),
    "margin": (lambda x: F.multi_margin_loss(x, CLASSES, p=2, weight=WEIGHT), (SCORES,)),
    "multi-label margin": (lambda x: F.multilabel_margin_loss(x, [[2, 0, -1], [1, -1, 0]]), (SCORES[:2],)),
    "multi-label": (F.multilabel_soft_margin_loss, (SCORES, INSIDE)),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_agree_with_differences(name: str) -> None:
    loss, operands = DERIVATIVES[name]
    gradcheck(loss, *operands, raise_exception=True)
    gradgradcheck(loss, *operands, raise_exception=True)


numbers = st.floats(-3, 3, width=32)
counts = st.sampled_from([None, 1, 6])


def pairs(first: Any = numbers, second: Any = numbers) -> Any:
    return arrays(np.float64, (2, 3), elements=first), arrays(np.float64, (2, 3), elements=second)


shares = st.floats(0.0625, 0.9375, width=32)
some_classes = st.sampled_from([(np.arange(2), np.array([0, 2])), (np.arange(2), np.array([1, 1]))])  # places
some_rows = st.sampled_from([None, np.array([3, 0])])
some_weights = st.sampled_from([None, np.array([2, 0, 1])])  # whole numbers: by floats the fuzzer differentiates
FUSED = {
    distances.mse: (*pairs(), counts),
    distances.l1: (*pairs(), counts),
    distances.huber: (*pairs(), st.just(1), counts),
    probabilities.bce: (*pairs(shares, shares), some_weights, counts),
    probabilities.bce_with_logits: (
        *pairs(numbers, shares),
        some_weights,
        some_weights,
        counts,
    ),
    classes.cross_entropy_of_classes: (pairs()[0], some_classes, some_rows, counts),
    classes.cross_entropy_of_probabilities: (*pairs(numbers, shares), counts),
    classes.nll: (pairs()[0], some_classes, some_rows, counts),
}


@pytest.mark.parametrize("op", FUSED, ids=lambda op: op.function.__name__)
def test_fused_losses_end_to_end(op: Any) -> None:
    """Value, both orders, forward mode, dtypes, purity, float32."""
    check_op(op, st.tuples(*FUSED[op]), examples=60).check()


def test_numbers_worked_out_by_hand() -> None:
    x, y = Tensor([1.0, 3.0]), Tensor([0.0, 0.0])
    assert F.mse_loss(x, y).item() == 5
    assert F.mse_loss(x, y, reduction="sum").item() == 10
    assert F.mse_loss(x, y, reduction="none").tolist() == [1, 9]
    assert F.l1_loss(x, y).item() == 2
    assert F.huber_loss(x, y, "none", 2.0).tolist() == [0.5, 4.0]
    assert F.smooth_l1_loss(x, y, reduction="none", beta=2.0).tolist() == [0.25, 2.0]
    two = Tensor([[0.0, np.log(3.0)]])
    assert F.cross_entropy(two, [1]).item() == pytest.approx(np.log(4 / 3))
    assert F.cross_entropy(two, [0]).item() == pytest.approx(np.log(4))
    assert F.cross_entropy(two, Tensor([[0.5, 0.5]])).item() == pytest.approx((np.log(4 / 3) + np.log(4)) / 2)
    assert F.binary_cross_entropy_with_logits(two[0, 1], 1).item() == pytest.approx(np.log(4 / 3))
    assert F.binary_cross_entropy(Tensor([0.75]), [1.0]).item() == pytest.approx(np.log(4 / 3))


def test_a_list_of_labels_ends_at_the_first_minus_one() -> None:
    x = Tensor([1.0, 0.5, 0.0])  # class 0 is right: max(0, 1 - (1 - 0.5)) + max(0, 1 - (1 - 0)), over three classes
    assert F.multilabel_margin_loss(x, [0, -1, 2]).item() == pytest.approx(0.5 / 3)


def test_a_variance_below_the_least_one_still_gets_a_gradient() -> None:
    var = Tensor([0.1], requires_grad=True)
    loss = F.gaussian_nll_loss(Tensor([1.0]), Tensor([3.0]), var, eps=0.5)
    loss.backward()
    assert loss.item() == pytest.approx((np.log(0.5) + 4 / 0.5) / 2)
    assert var.grad.item() == pytest.approx((1 / 0.5 - 4 / 0.5**2) / 2)


def test_the_slope_from_logits_is_the_probability_less_the_answer() -> None:
    logits = Tensor(SCORES, requires_grad=True)
    F.cross_entropy(logits, CLASSES).backward()
    np.testing.assert_allclose(logits.grad.numpy(), (tg.softmax(Tensor(SCORES)).numpy() - np.eye(3)[CLASSES]) / 4)
    logits = Tensor(SCORES, requires_grad=True)
    F.binary_cross_entropy_with_logits(logits, INSIDE, reduction="sum").backward()
    np.testing.assert_allclose(logits.grad.numpy(), 1 / (1 + np.exp(-SCORES)) - INSIDE)


def test_losses_from_logits_are_finite_quiet_and_exact_for_large_ones() -> None:
    for dtype in (np.float32, np.float64):
        for size in (50.0, 1000.0, 1e30):
            logits = Tensor([[size, -size], [-size, size]], dtype=dtype, requires_grad=True)
            with np.errstate(over="raise", invalid="raise", divide="raise"):
                right, wrong = F.cross_entropy(logits, [0, 1]), F.cross_entropy(logits, [1, 0])
                both = F.cross_entropy(logits, Tensor([[0.5, 0.5]] * 2))
                yes = F.binary_cross_entropy_with_logits(logits, Tensor([[1.0, 0.0], [0.0, 1.0]]), reduction="sum")
                no = F.binary_cross_entropy_with_logits(
                    logits, Tensor([[0, 1], [1, 0]]), pos_weight=[1.0, 1.0], reduction="sum"
                )
                (right + wrong + both + yes + no).backward()
            assert wrong.item() == pytest.approx(2 * size)
            assert both.item() == pytest.approx(size)
            assert no.item() == pytest.approx(4 * size)
            assert right.item() <= 2e-22
            assert yes.item() <= 1e-21
            assert np.isfinite(logits.grad.numpy()).all()
    almost = Tensor([np.float32(1) - np.float32(2**-24)], dtype=np.float32)
    assert F.binary_cross_entropy(almost, [1.0]).item() == pytest.approx(2**-24, rel=1e-6)
    small = F.binary_cross_entropy_with_logits(Tensor([-50.0]), Tensor([0.0])).item()
    assert small == pytest.approx(np.exp(-50), rel=1e-12)  # not lost in a difference of large numbers


def test_a_sure_and_wrong_probability_costs_100() -> None:
    p = Tensor([0.0, 1.0, 1.0], dtype=np.float32, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = F.binary_cross_entropy(p, Tensor([1, 0, 1]), reduction="none")
        loss.sum().backward()
    assert loss.tolist() == [100, 100, 0]
    np.testing.assert_allclose(p.grad.numpy(), [-1e12, 1e12, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_loss_has_the_dtype_of_the_predictions(dtype: Any) -> None:
    """Whatever that of targets and weights is, which NumPy makes float64 and int64."""
    for name, (loss, operands) in DERIVATIVES.items():
        first = Tensor(operands[0], dtype=dtype, requires_grad=True)
        out = loss(first, *operands[1:])
        out.sum().backward()
        assert out.dtype == dtype, name
        assert first.grad.dtype == dtype, name


def test_targets_may_be_whole_numbers_and_booleans() -> None:
    p = Tensor([0.25, 0.5])
    for target in (Tensor([0, 1]), Tensor([False, True]), np.array([0, 1]), [0, 1], [0.0, 1.0]):
        assert F.binary_cross_entropy(p, target).item() == pytest.approx(-np.log(0.75 * 0.5) / 2)
    for kind in (np.int8, np.uint8, np.int32, np.int64, bool):
        assert F.cross_entropy(Tensor(SCORES[:2]), np.array([0, 1]).astype(kind)).item() == pytest.approx(
            F.cross_entropy(Tensor(SCORES[:2]), [0, 1]).item()
        )


def test_arrays_give_arrays() -> None:
    assert F.mse_loss(SCORES, OTHERS) == pytest.approx(((SCORES - OTHERS) ** 2).mean())
    assert F.cross_entropy(SCORES, CLASSES) == pytest.approx(F.cross_entropy(Tensor(SCORES), CLASSES).item())


def test_a_target_that_is_filled_anew_does_no_harm() -> None:
    """A training loop may use one array for the labels of every batch; backward uses those that were there."""
    for target in (CLASSES.copy(), tg.from_numpy(CLASSES.copy())):
        logits = Tensor(SCORES, requires_grad=True)
        loss = F.cross_entropy(logits, target)
        target[:] = 0
        loss.backward()
        np.testing.assert_allclose(logits.grad.numpy(), (tg.softmax(Tensor(SCORES)).numpy() - np.eye(3)[CLASSES]) / 4)


def test_nothing_to_average_is_nan_with_a_gradient_of_zero() -> None:
    for smoothing in (0.0, 0.1):
        logits = Tensor(SCORES, requires_grad=True)
        loss = F.cross_entropy(logits, [-100] * 4, label_smoothing=smoothing)
        loss.backward()
        assert np.isnan(loss.item())
        np.testing.assert_array_equal(logits.grad.numpy(), 0)
    assert np.isnan(F.mse_loss(Tensor(np.zeros(0)), Tensor(np.zeros(0))).item())
    assert F.mse_loss(Tensor(np.zeros(0)), Tensor(np.zeros(0)), reduction="sum").item() == 0


def test_what_is_ignored_counts_nothing() -> None:
    for settings in ({}, {"reduction": "sum"}, {"weight": WEIGHT}, {"weight": WEIGHT, "label_smoothing": 0.2}):
        some = F.cross_entropy(Tensor(SCORES), [2, 7, 1, 7], ignore_index=7, **settings)
        assert some.item() == pytest.approx(F.cross_entropy(Tensor(SCORES[::2]), [2, 1], **settings).item())
    assert F.cross_entropy(Tensor(SCORES), [2, -1, 1, -1], ignore_index=-1, reduction="none").tolist()[1::2] == [0, 0]


def test_modules_hold_settings_and_weights() -> None:
    loss = nn.CrossEntropyLoss([1.0, 2.0, 3.0], ignore_index=1, label_smoothing=0.1)
    assert list(loss.state_dict()) == ["weight"]
    assert loss(Tensor(SCORES), CLASSES).item() == pytest.approx(
        F.cross_entropy(Tensor(SCORES), CLASSES, [1.0, 2.0, 3.0], ignore_index=1, label_smoothing=0.1).item()
    )
    assert list(nn.BCEWithLogitsLoss(pos_weight=Tensor([2.0])).state_dict()) == ["pos_weight"]
    assert list(nn.BCELoss().parameters()) == []
    assert repr(nn.MSELoss()) == "MSELoss()"


@pytest.mark.parametrize("name", [*nn.losses.__all__])
def test_an_unknown_reduction_is_told_when_the_loss_is_made(name: str) -> None:
    with pytest.raises(ValueError, match=r"reduction='avg' is unknown: it is one of 'none', 'mean', 'sum'"):
        getattr(nn, name)(reduction="avg")


@pytest.mark.parametrize("name", F.losses.__all__)
def test_an_unknown_reduction_is_told_when_the_function_is_called(name: str) -> None:
    count = sum(p.default is p.empty for p in inspect.signature(getattr(F, name)).parameters.values())
    indices = name in ("nll_loss", "cross_entropy", "multi_margin_loss", "multilabel_margin_loss")
    target = np.array([0, 1]) if indices and name != "multilabel_margin_loss" else np.ones((2, 2), int)
    target = np.ones(2) if name == "cosine_embedding_loss" else target if indices else np.ones((2, 2))
    operands = [np.ones((2, 2))] * (count - 1) + [target]
    with pytest.raises(ValueError, match=r"reduction='avg' is unknown"):
        getattr(F, name)(*operands, reduction="avg")


SAID: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: F.mse_loss(Tensor(np.ones((4, 1))), Tensor(np.ones(4))), ShapeError, r"\(4, 1\) and the target \(4,\)"),
    (
        lambda: F.mse_loss(Tensor(np.ones((4, 1))), Tensor(np.ones(4))),
        ShapeError,
        r"input\.reshape\(-1\) or target\.unsqueeze\(1\)",
    ),
    (
        lambda: F.l1_loss(Tensor(np.ones(4)), Tensor(np.ones((4, 1)))),
        ShapeError,
        r"target\.reshape\(-1\) or input\.unsqueeze\(1\)",
    ),
    (
        lambda: F.mse_loss(Tensor(np.ones((2, 3, 1))), Tensor(np.ones((2, 3)))),
        ShapeError,
        r"input\.squeeze\(-1\) or target\.unsqueeze\(2\)",
    ),
    (lambda: F.mse_loss(Tensor(np.ones((2, 3))), Tensor(np.ones((3, 2)))), ShapeError, r"target\.reshape\(\(2, 3\)\)"),
    (lambda: F.mse_loss(Tensor(np.ones((2, 3))), 0.0), ShapeError, r"target\.expand\(\(2, 3\)\)"),
    (lambda: F.mse_loss(Tensor([1, 2]), Tensor([1, 2])), TypeError, r"input holds int64.*input\.float\(\)"),
    (lambda: F.mse_loss(None, OTHERS), TypeError, "the input is None: does the function that made it return"),
    (lambda: F.cross_entropy(SCORES, None), TypeError, "the target is None"),
    (lambda: F.cross_entropy(SCORES, ["a", "b", "c", "d"]), TypeError, "the target holds no numbers"),
    (lambda: F.huber_loss(SCORES, OTHERS, delta=0), ValueError, "delta .* above 0; it is 0"),
    (lambda: F.smooth_l1_loss(SCORES, OTHERS, beta=-1), ValueError, "beta .* it is -1"),
    (lambda: F.binary_cross_entropy(SCORES, INSIDE), ValueError, r"holds -?[\d.]+ at \[\d, \d\].*sigmoid"),
    (lambda: F.binary_cross_entropy(Tensor([0.5, 0.5]), [1, -1]), ValueError, r"-1 at \[1\].*\(target \+ 1\) / 2"),
    (lambda: F.binary_cross_entropy_with_logits(Tensor([0.5]), [2]), ValueError, r"holds 2 at \[0\].*cross_entropy"),
    (lambda: F.binary_cross_entropy(INSIDE, INSIDE, np.ones(4)), ShapeError, r"weight of shape \(4,\).*\(3,\)"),
    (
        lambda: F.binary_cross_entropy(INSIDE, INSIDE, Tensor(WEIGHT, requires_grad=True)),
        DerivativeError,
        r"weight as constant.*weight\.detach\(\)",
    ),
    (lambda: F.cross_entropy(Tensor(SCORES), [0, 1, 3, 2]), IndexError, r"label 3 at \[2\] .* 3, numbered from 0 to 2"),
    (lambda: F.cross_entropy(Tensor(SCORES), [0, 1, 3, 2]), IndexError, r"target - 1.*ignore_index=3"),
    (lambda: F.cross_entropy(Tensor(SCORES), [0, 1, -1, 2]), IndexError, r"label -1 at \[2\]"),
    (lambda: F.cross_entropy(Tensor(SCORES[0]), 9), IndexError, r"label 9 names no class"),
    (lambda: F.nll_loss(Tensor(SCORES), [0, 1, 300, 2]), IndexError, r"nll_loss: label 300 at \[2\]"),
    (lambda: F.cross_entropy(Tensor(SCORES), Tensor([0.0, 1.0, 2.0, 0.0])), TypeError, r"target\.long\(\)"),
    (lambda: F.cross_entropy(Tensor(SCORES), Tensor([[0], [1], [2], [0]])), ShapeError, r"target\.reshape\(-1\)"),
    (lambda: F.cross_entropy(Tensor(SCORES), np.eye(3, dtype=int)[CLASSES]), ShapeError, r"target\.argmax\(1\)"),
    (lambda: F.cross_entropy(Tensor(SCORES), [0, 1]), ShapeError, r"\(4,\); the target has shape \(2,\)"),
    (lambda: F.cross_entropy(Tensor(1.0), 0), ShapeError, "single number"),
    (lambda: F.cross_entropy(Tensor(SCORES), CLASSES, [1.0, 2.0]), ShapeError, r"weight has shape \(2,\).*3 classes"),
    (lambda: F.cross_entropy(Tensor(SCORES), CLASSES, label_smoothing=1.5), ValueError, "between 0 and 1; it is 1.5"),
    (lambda: F.cross_entropy(Tensor(SCORES), Tensor(INSIDE), ignore_index=1), ValueError, "names a class"),
    (lambda: F.cross_entropy(SCORES, -INSIDE), ValueError, r"holds -0\.\d+ at \[0, 0\].*no probabilities"),
    (lambda: F.kl_div(SCORES, -INSIDE, reduction="sum"), ValueError, r"holds -0\.\d+ at \[0, 0\].*log_target=True"),
    (lambda: F.hinge_embedding_loss(SCORES[:, 0], [0, 1, 0, 1]), ValueError, r"holds 0 at \[0\].*2 \* target - 1"),
    (lambda: F.cosine_embedding_loss(SCORES, OTHERS, [[1]]), ShapeError, r"\(4, 3\), and the target \(1, 1\)"),
    (lambda: F.triplet_margin_loss(SCORES, OTHERS, MORE, margin=0), ValueError, "margin is above 0; it is 0"),
    (lambda: F.multi_margin_loss(SCORES, CLASSES, p=3), ValueError, "p is 1 or 2, not 3"),
    (lambda: F.multi_margin_loss(SCORES, CLASSES, weight=[1.0]), ShapeError, r"weight has shape \(1,\).*3 classes"),
    (lambda: F.multi_margin_loss(np.ones((2, 2, 2)), [0, 1]), ShapeError, r"\(N, C\) or \(C,\).*\(2, 2, 2\)"),
    (lambda: F.multilabel_margin_loss(SCORES[0], [5, -1, 0]), IndexError, r"label 5 at \[0\].*-1 ends a list"),
    (lambda: F.multilabel_margin_loss(SCORES[0], [1.0, -1.0, 0.0]), TypeError, r"target\.long\(\)"),
    (lambda: F.gaussian_nll_loss(SCORES, OTHERS, INSIDE[:, :2]), ShapeError, r"var of shape \(4, 2\)"),
    (lambda: F.gaussian_nll_loss(SCORES, OTHERS, -INSIDE), ValueError, r"a variance is 0 or more"),
    (lambda: nn.MSELoss(size_average=False), TypeError, "size_average"),  # type: ignore[call-arg] # what is tested
]


@pytest.mark.parametrize(("call", "error", "said"), SAID)
def test_bad_input_gets_an_answer(call: Callable[[], Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call()


def test_kl_div_says_that_the_mean_is_no_divergence() -> None:
    with pytest.warns(UserWarning, match="reduction='batchmean'"):
        F.kl_div(SCORES, INSIDE)


def test_nan_passes_through() -> None:
    """Where it comes from is what `detect_anomaly` tells."""
    nan = Tensor([np.nan, 0.5])
    for loss in (F.mse_loss, F.binary_cross_entropy, F.binary_cross_entropy_with_logits):
        assert np.isnan(loss(nan, [1.0, 0.0]).item())
