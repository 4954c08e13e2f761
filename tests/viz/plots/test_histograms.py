"""Histograms: every number is counted, names are the modules', and what was not computed is not drawn as 0."""

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn
from viz.plots import gradient_histograms, weight_histograms

pytest.importorskip("matplotlib")


def names(axes: Any) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def notes(axes: Any) -> list[str]:
    """What stands at the right of every row."""
    (right,) = axes.child_axes
    return [label.get_text() for label in right.get_yticklabels()]


def stairs(axes: Any) -> list[Any]:
    return [patch for patch in axes.patches if hasattr(patch, "get_data")]


def test_a_row_counts_every_number() -> None:
    values = np.repeat([0.0, 1.0, 2.0, 3.0], [10, 40, 20, 30])
    heights, edges, baseline = stairs(weight_histograms({"w": values}))[0].get_data()
    counts = (baseline - heights) / 0.85 * 40
    np.testing.assert_allclose(counts[counts > 1e-9], [10, 40, 20, 30])
    assert (edges[0], edges[-1]) == (0, 3)


def test_rows_have_the_names_of_the_modules_and_their_spread() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    axes = weight_histograms(model)
    assert names(axes) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert notes(axes)[0] == f"std {model[0].weight.detach().numpy().std():.2g}"
    low, high = axes.get_ylim()
    assert low > high  # the first layer is at the top


def test_a_gradient_that_was_not_computed_is_not_zero() -> None:
    layer = nn.Linear(2, 2)
    (layer.weight**2).sum().backward()
    axes = gradient_histograms(layer)
    assert notes(axes)[1] == "not computed"
    assert len(stairs(axes)) == 1


def test_gradients_are_those_of_the_engine() -> None:
    w = Tensor([1.0, 2.0, 4.0], requires_grad=True)
    (w**2).sum().backward()
    (row,) = stairs(gradient_histograms({"w": w}))
    assert (row.get_data().edges[0], row.get_data().edges[-1]) == (2, 8)
    assert notes(gradient_histograms({"w": w})) == [f"std {np.std([2, 4, 8]):.2g}"]


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([0.0, 0.0, 1.0, 2.0], "std 0.83\n50% are 0"),
        ([0.0, 0.0], "std 0\nall are 0"),
        ([1.0, 2.0, np.nan, np.inf], "std 0.5\n2 nan or inf"),
        ([0.0, 1.0, np.nan], "std 0.5\n33% are 0, 1 nan or inf"),
        ([np.nan], "1 nan or inf"),
        ([0.25], "0.25"),
        ([], "empty"),
    ],
)
@pytest.mark.parametrize("log", [False, True])
def test_what_has_no_place_is_said(values: list[float], note: str, log: bool) -> None:
    axes = weight_histograms({"w": np.array(values), "other": np.array([-3.0, 5.0])}, log=log)
    assert notes(axes)[0] == note
    axes.figure.draw_without_rendering()


def test_sizes_on_a_logarithmic_axis() -> None:
    axes = weight_histograms({"w": np.array([-100.0, 0.0, 1e-6])}, log=True)
    edges = stairs(axes)[0].get_data().edges
    np.testing.assert_allclose([edges[0], edges[-1]], [1e-6, 100])
    np.testing.assert_allclose(np.diff(np.log(edges), n=2), 0, atol=1e-9)  # bars that look equally wide
    assert (axes.get_xscale(), axes.get_xlabel()) == ("log", "|weight|")


def test_numbers_that_are_all_the_same_are_one_bar() -> None:
    axes = weight_histograms({"w": np.full(50, 0.5)})
    assert [list(line.get_xdata()) for line in axes.get_lines() if line.get_linewidth() == 3] == [[0.5, 0.5]]


def test_long_names_lose_their_middle_unless_it_is_what_tells_them_apart() -> None:
    encoder = [f"encoder.layers.{i}.self_attn.out_proj.weight" for i in range(3)]
    assert names(weight_histograms({name: np.arange(4.0) for name in encoder}))[2] == "encoder.layers.2...proj.weight"
    deep = [f"transformer.encoder.layers.{i}.self_attn.out_proj.weight" for i in range(3)]
    assert names(weight_histograms({name: np.arange(4.0) for name in deep})) == deep


def test_of_very_many_parameters_the_first_are_shown() -> None:
    axes = weight_histograms({f"{i}.weight": np.arange(4.0) for i in range(40)})
    assert (len(names(axes)), axes.get_title()) == (30, "the first 30 of 40 parameters")


@pytest.mark.parametrize(
    ("model", "error", "said"),
    [
        (nn.ReLU(), ValueError, "there is no parameter"),
        (tg.ones(3), TypeError, 'write {"weight": it}'),
        (3, TypeError, "not a int"),
    ],
)
def test_what_has_no_parameters_is_refused(model: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        weight_histograms(model)


def test_without_any_gradient_it_is_said_what_to_write() -> None:
    with pytest.raises(ValueError, match=r"no gradient was computed: call loss\.backward\(\) first"):
        gradient_histograms(nn.Linear(2, 1))
