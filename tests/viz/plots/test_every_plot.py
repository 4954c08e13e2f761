"""What holds for every plot: no display, no pyplot, the axes that were given, nothing clipped, no text on another."""

import sys
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, keras, nn, optim
from viz import plots

pytest.importorskip("matplotlib")

Draw = Callable[..., Any]

LONG = ["iris setosa", "iris versicolor", "iris virginica", "a class of which the name is long", "e"]


def bowl(x: Any, y: Any) -> Any:
    return (x**2 + 50 * y**2) / 2


def network() -> nn.Sequential:
    tg.manual_seed(0)
    model = nn.Sequential(*[layer for _ in range(6) for layer in (nn.Linear(9, 9), nn.Sigmoid())], nn.Linear(9, 1))
    (model(tg.randn(16, 9)) ** 2).sum().backward()
    return model


def schedule() -> Any:
    optimizer = optim.SGD([Tensor(1.0, requires_grad=True)], lr=0.1)
    return optim.lr_scheduler.CosineAnnealingLR(optimizer, 30)


POINTS = np.random.default_rng(0).normal(size=(60, 2))
DIGITS = np.random.default_rng(0).integers(0, 10, 2000)
HISTORY = {"loss": [3.0, 2.0, np.inf, np.nan, 1e9], "val_loss": [3.0, 2.5, 2.4, np.nan, 2.6], "lr": [0.1] * 5}

RATES = (("too small", 0.001), ("right", 0.02), ("too large", 0.05))


def sgd(lr: float) -> Any:
    return lambda both: optim.SGD(both, lr=lr)


def three_walks() -> dict[str, Any]:
    return {name: plots.walk(bowl, (-8, 1.5), sgd(lr)) for name, lr in RATES}


PLOTS: dict[str, Draw] = {
    "curves": lambda **given: plots.learning_curves(HISTORY, log=True, **given),
    "two measures": lambda **given: plots.learning_curves(HISTORY, ["loss", "lr"], **given),
    "boundary": lambda **given: plots.decision_boundary(
        lambda points: 1 / (1 + np.exp(points[:, 0])), POINTS, POINTS[:, 0] < 0, class_names=LONG[:2], **given
    ),
    "boundary of five": lambda **given: plots.decision_boundary(
        lambda points: points @ np.arange(10).reshape(2, 5), POINTS, np.arange(60) % 5, class_names=LONG, **given
    ),
    "activation": lambda **given: plots.activations(nn.ReLU6(), high=8, **given),
    "seven activations": lambda **given: plots.activations(
        [tg.sigmoid, tg.tanh, tg.relu, nn.LeakyReLU(), nn.ELU(), nn.GELU(), nn.SiLU()], **given
    ),
    "activations": lambda **given: plots.activations([tg.sigmoid, tg.tanh, tg.relu, abs], **given),
    "weights": lambda **given: plots.weight_histograms(network(), **given),
    "gradients": lambda **given: plots.gradient_histograms(network(), log=True, **given),
    "descent": lambda **given: plots.descent(bowl, three_walks(), names=("a weight", "another weight"), **given),
    "long names": lambda **given: plots.descent(
        bowl, {"momentum 0.9 and a learning rate of 0.05": plots.walk(bowl, (-8, 1.5), sgd(0.05))}, **given
    ),
    "first layer": lambda **given: plots.first_layer(nn.Linear(64, 10), **given),
    "kernels": lambda **given: plots.first_layer(nn.Conv2d(3, 16, 5), **given),
    "confusion": lambda **given: plots.confusion_matrix(DIGITS, DIGITS[::-1], **given),
    "confusion of five": lambda **given: plots.confusion_matrix(
        DIGITS % 5, DIGITS[::-1] % 5, class_names=LONG, **given
    ),
    "rates": lambda **given: plots.learning_rates(schedule(), 30, label="a schedule", **given),
}


@pytest.fixture(params=PLOTS)
def draw(request: pytest.FixtureRequest) -> Draw:
    return PLOTS[request.param]


def test_every_public_plot_is_looked_at() -> None:
    drawn = {name for f in PLOTS.values() for name in f.__code__.co_names}
    assert set(plots.__all__) - {"walk"} <= drawn


def test_it_is_drawn_without_a_display_and_without_pyplot(draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    file = BytesIO()
    draw().figure.savefig(file)
    assert file.getvalue().startswith(b"\x89PNG")


def test_it_takes_axes_and_gives_them_back_and_changes_no_others(draw: Draw) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    assert draw(ax=left) is left
    assert left.has_data()
    assert not right.has_data()
    assert tuple(figure.get_size_inches()) == (10, 5)
    figure.savefig(BytesIO())


def test_it_leaves_matplotlib_as_it_was(draw: Draw) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    draw()
    assert dict(matplotlib.rcParams) == before


def drawn_texts(figure: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every text that is drawn: tick labels beyond the limits are there too, and are not."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # twice: the first finds the layout
    found, draw = [], Text.draw

    def seen(text: Any, *args: Any) -> None:
        if text.get_visible() and text.get_text().strip():
            found.append(text)
        draw(text, *args)

    monkeypatch.setattr(Text, "draw", seen)
    canvas.draw()
    monkeypatch.undo()
    return found


def four_of(draw: Draw) -> Any:
    """The same plot four times on one figure."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 9), layout="constrained")
    for axes in figure.subplots(2, 2).flat:
        draw(ax=axes)
    return figure


@pytest.mark.parametrize("on", [lambda draw: draw().figure, four_of], ids=["alone", "one of four"])
def test_no_text_is_clipped_or_lies_on_another(draw: Draw, on: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = on(draw)
    texts = drawn_texts(figure, monkeypatch)
    found = [(text.get_text(), text.get_window_extent()) for text in texts]
    slanted = {text.get_text() for text in texts if text.get_rotation() % 90}  # boxes are wider than these are
    width, height = figure.canvas.get_width_height()
    assert len(found) >= 3
    for i, (said, box) in enumerate(found):
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert inside, f"{said!r} is clipped"
        for other, beside in found[:i]:
            wide = min(box.x1, beside.x1) - max(box.x0, beside.x0)
            high = min(box.y1, beside.y1) - max(box.y0, beside.y0)
            assert wide <= 1 or high <= 1 or {said, other} <= slanted, f"{said!r} lies on {other!r}"


def test_text_is_large_enough_for_a_projector(draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    """9.9 points on a figure of 6.4 inches are 15 on a slide of 10 inches."""
    assert min(text.get_fontsize() for text in drawn_texts(draw().figure, monkeypatch)) >= 9.9


def test_without_matplotlib_the_error_says_what_to_install(draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        draw()


def test_keras_models_are_drawn_with_the_names_of_their_layers() -> None:
    model = keras.Sequential([keras.Input(shape=(16,)), keras.Dense(4, name="eyes"), keras.Dense(1, name="answer")])
    model.compile(loss="mse", optimizer="sgd")
    rows = [label.get_text() for label in plots.weight_histograms(model).get_yticklabels()]
    assert rows == ["eyes.weight", "eyes.bias", "answer.weight", "answer.bias"]
    assert plots.first_layer(model).get_title() == "4 units of 4 x 4"
    with pytest.raises(ValueError, match="no gradient was computed"):
        plots.gradient_histograms(model)
    history = model.fit(np.ones((8, 16)), np.ones((8, 1)), epochs=3, verbose=0)
    assert list(plots.learning_curves(history).get_lines()[0].get_ydata()) == history.history["loss"]
    assert "not computed" not in [label.get_text() for label in plots.gradient_histograms(model).get_yticklabels()]
