"""The lecture's Keras programs run, and compute what the same network of `nn` computes."""

import importlib
import math
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import errors, keras, nn, optim, train
from tinygrad_edu.keras import (
    SGD,
    Activation,
    Adagrad,
    Adam,
    BatchNormalization,
    BinaryCrossentropy,
    Callback,
    CategoricalCrossentropy,
    Conv2D,
    Dense,
    Dropout,
    EarlyStopping,
    Flatten,
    Input,
    MaxPooling2D,
    MeanAbsoluteError,
    MeanSquaredError,
    RMSprop,
    Sequential,
    SparseCategoricalCrossentropy,
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((80, 3))
YES = (X[:, 0] > X[:, 1]).astype(int)
CLASSES = np.digitize(X[:, 0], [-0.5, 0.5])
IMAGES = RNG.random((20, 6, 5, 2))


@pytest.fixture(autouse=True)
def seed() -> None:
    tg.manual_seed(0)


# The lectures' programs


def test_the_first_lecture_program(capsys: pytest.CaptureFixture[str]) -> None:
    model = Sequential()
    model.add(Dense(2, input_dim=3, activation="sigmoid"))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="sgd", metrics=["accuracy"])
    history = model.fit(X, YES, epochs=3, batch_size=16, validation_split=0.25, verbose=0)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert history.epoch == [0, 1, 2]
    assert model.predict(X).shape == (80, 1)
    loss, accuracy = model.evaluate(X, YES, verbose=0)
    assert model.evaluate(X, YES, return_dict=True) == {"loss": loss, "accuracy": accuracy}
    model.summary()
    said = capsys.readouterr().out
    assert "Total params: 11 (44.00 B), 8 weights and 3 biases" in said
    assert "dense_1 (Dense)" in said
    assert "(None, 2)" in said


def test_the_layers_are_built_from_the_first_data() -> None:
    layers = [Dense(25, activation="sigmoid"), Dense(15, activation="sigmoid"), Dense(1, activation="sigmoid")]
    model = Sequential(layers)
    assert model.layers[0].get_weights() == []
    with pytest.raises(ValueError, match=r"no weights yet.*Input\(shape=\(features,\)\)"):
        model.summary()
    model.compile(loss=BinaryCrossentropy(), optimizer=Adam(learning_rate=0.01))
    history = model.fit(X, YES, epochs=60)
    assert model.count_params() == 3 * 25 + 25 + 25 * 15 + 15 + 15 + 1
    assert history.history["loss"][-1] < 0.3 < 0.6 < history.history["loss"][0]
    assert ((model.predict(X)[:, 0] > 0.5) == YES).mean() > 0.9


def test_ten_classes_from_logits_learn_what_the_softmax_learns() -> None:
    fitted = []
    for last, loss in [
        ("linear", SparseCategoricalCrossentropy(from_logits=True)),
        ("softmax", "sparse_categorical_crossentropy"),
    ]:
        tg.manual_seed(0)
        model = Sequential([Input(shape=(3,)), Dense(8, activation="relu"), Dense(3, activation=last)])
        model.compile(optimizer=Adam(learning_rate=1e-2), loss=loss, metrics=["accuracy"])
        fitted.append((model, model.fit(X, CLASSES, epochs=5)))
    (logits, first), (probabilities, second) = fitted
    assert first == second
    scores = np.exp(logits.predict(X))
    assert np.allclose(scores / scores.sum(axis=1, keepdims=True), probabilities.predict(X), rtol=1e-5)
    assert np.allclose(probabilities.predict(X).sum(axis=1), 1)


def test_by_keras_own_paths_too() -> None:
    for path, names in {
        "layers": [
            "Activation",
            "BatchNormalization",
            "Conv2D",
            "Dense",
            "Dropout",
            "Flatten",
            "Input",
            "MaxPooling2D",
        ],
        "losses": ["BinaryCrossentropy", "MeanSquaredError", "SparseCategoricalCrossentropy"],
        "optimizers": ["SGD", "Adam", "RMSprop"],
        "models": ["Sequential"],
        "callbacks": ["EarlyStopping", "History"],
    }.items():
        module = importlib.import_module(f"tinygrad_edu.keras.{path}")
        assert all(getattr(module, name) is getattr(keras, name) for name in names)


# The same as nn, optim and train


def test_a_model_learns_what_the_same_network_of_nn_learns() -> None:
    model = Sequential([Input(shape=(3,)), Dense(4, activation="tanh"), Dense(3)])
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))
    with tg.no_grad():
        for layer, linear in zip(model.layers, (network[0], network[2]), strict=True):
            kernel, bias = layer.get_weights()
            linear.weight[...], linear.bias[...] = kernel.T, bias
    model.compile(optimizer=RMSprop(0.01), loss=SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    tg.manual_seed(1)
    ours = model.fit(X[:60], CLASSES[:60], epochs=4, validation_data=(X[60:], CLASSES[60:]), batch_size=10)
    tg.manual_seed(1)
    optimizer = optim.RMSprop(network.parameters(), lr=0.01, alpha=0.9, eps=1e-7)
    data, held_out = (X[:60], CLASSES[:60]), (X[60:], CLASSES[60:])
    options: dict[str, Any] = {"batch_size": 10, "validation": held_out, "metrics": ["accuracy"]}
    theirs = train.fit(network, data, nn.CrossEntropyLoss(), optimizer, 4, **options)
    assert ours == theirs


def test_first_weights_are_glorot_uniform_and_biases_zero() -> None:
    kernel, bias = Sequential([Input(shape=(300,)), Dense(200)]).get_weights()
    limit = math.sqrt(6 / 500)
    assert kernel.shape == (300, 200)
    assert kernel.dtype == np.float32
    assert 0.99 * limit < abs(kernel).max() <= limit
    assert kernel.std() == pytest.approx(limit / math.sqrt(3), rel=0.01)
    assert (bias == 0).all()
    kernel, bias = Sequential([Input(shape=(9, 9, 30)), Conv2D(20, (3, 5))]).get_weights()
    limit = math.sqrt(6 / ((30 + 20) * 15))
    assert kernel.shape == (3, 5, 30, 20)
    assert 0.99 * limit < abs(kernel).max() <= limit
    assert (bias == 0).all()


def test_dense_is_one_column_of_weights_a_unit() -> None:
    model = Sequential([Dense(2, activation="relu", input_shape=(3,))])
    W, b = np.arange(6.0).reshape(3, 2) - 2, np.array([0.5, -1.0])  # noqa: N806 - the lecture's name
    model.layers[0].set_weights([W, b])
    assert np.allclose(model.predict(X), np.maximum(X @ W + b, 0), atol=1e-6)
    assert [w.tolist() for w in model.get_weights()] == [W.tolist(), b.tolist()]
    model.get_weights()[0][:] = 0  # a copy
    assert model.get_weights()[0].any()


def windows(images: Any, rows: int, columns: int) -> Any:
    """(N, R, C, channels, rows, columns): what every window sees."""
    return np.lib.stride_tricks.sliding_window_view(images, (rows, columns), axis=(1, 2))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("kernel", "strides"), [((3, 2), 1), ((2, 2), 2), (3, (2, 3))])
def test_images_have_their_channels_last(padding: str, kernel: Any, strides: Any) -> None:
    model = Sequential([Input(shape=(6, 5, 2)), Conv2D(4, kernel, strides=strides, padding=padding)])
    W, b = model.get_weights()  # noqa: N806
    b = RNG.standard_normal(4).astype(np.float32)
    model.set_weights([W, b])
    (k, l), (s, t) = W.shape[:2], strides if isinstance(strides, tuple) else (strides, strides)  # noqa: E741
    framed = IMAGES
    if padding == "same":
        need = [max((-(-n // step) - 1) * step + size - n, 0) for n, step, size in ((6, s, k), (5, t, l))]
        framed = np.pad(IMAGES, ((0, 0), *((m // 2, m - m // 2) for m in need), (0, 0)))
        assert model.layers[0].output_shape == (-(-6 // s), -(-5 // t), 4)
    wanted = np.einsum("nrcdij,ijdf->nrcf", windows(framed, k, l)[:, ::s, ::t], W) + b
    assert model.predict(IMAGES) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize(("padding", "shape"), [("valid", (3, 2, 2)), ("same", (3, 3, 2))])
def test_pooling(padding: str, shape: tuple[int, ...]) -> None:
    model = Sequential([Input(shape=(6, 5, 2)), MaxPooling2D(2, padding=padding)])
    images = IMAGES - 2  # below 0, where a frame of zeros would win
    found = model.predict(images)
    assert found.shape[1:] == shape == model.layers[0].output_shape
    assert np.allclose(found[:, :3, :2], windows(images, 2, 2)[:, ::2, ::2].max(axis=(-1, -2)))
    assert found.max() < -1


def test_a_convolutional_network_learns() -> None:
    bright = IMAGES[..., 0].mean(axis=(1, 2)) > IMAGES[..., 1].mean(axis=(1, 2))
    layers = [
        Conv2D(8, 3, activation="relu", padding="same", input_shape=(6, 5, 2)),
        BatchNormalization(),
        MaxPooling2D(),
        Dropout(0.1),
        Flatten(),
        Dense(2),
        Activation("softmax"),
    ]
    model = Sequential(layers)
    model.compile(optimizer=Adam(0.02), loss="sparse_categorical_crossentropy", metrics=["acc"])
    history = model.fit(IMAGES, bright, epochs=80, batch_size=10)
    assert history.history["acc"][-1] > 0.9
    names = ["conv2d", "batch_normalization", "max_pooling2d", "dropout", "flatten", "dense", "activation"]
    assert [layer.name for layer in model.layers] == names


def test_flatten_keeps_the_channels_last() -> None:
    model = Sequential([Input(shape=(6, 5, 2)), MaxPooling2D(1), Flatten()])
    assert np.allclose(model.predict(IMAGES), IMAGES.reshape(20, -1))


def test_batch_normalization() -> None:
    model = Sequential([Input(shape=(3,)), BatchNormalization(momentum=0.0)])
    model.compile(optimizer=SGD(0.0), loss="mse")
    model.fit(X, X, batch_size=80)
    gamma, beta, mean, variance = model.get_weights()
    assert (gamma.tolist(), beta.tolist()) == ([1.0] * 3, [0.0] * 3)
    assert np.allclose(mean, X.mean(axis=0), atol=1e-6)
    assert np.allclose(variance, X.var(axis=0, ddof=1), rtol=1e-5)
    assert np.allclose(model.predict(X), (X - mean) / np.sqrt(variance + 1e-3), atol=1e-5)
    assert model.layers[0].count_params() == 12


def test_a_summary_of_all_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    layers = [Conv2D(8, 3), BatchNormalization(), MaxPooling2D(), Flatten(), Dense(300, use_bias=False, name="scores")]
    Sequential([Input(shape=(8, 8, 1)), *layers], name="small").summary()
    assert [line.split() for line in capsys.readouterr().out.splitlines() if "_" * 9 not in line] == [
        ["Model:", '"small"'],
        ["Layer", "(type)", "Output", "Shape", "Param", "#"],
        ["=" * 69],
        ["conv2d", "(Conv2D)", "(None,", "6,", "6,", "8)", "80"],
        ["batch_normalization", "(BatchNormalization)", "(None,", "6,", "6,", "8)", "32"],
        ["max_pooling2d", "(MaxPooling2D)", "(None,", "3,", "3,", "8)", "0"],
        ["flatten", "(Flatten)", "(None,", "72)", "0"],
        ["scores", "(Dense)", "(None,", "300)", "21,600"],
        ["=" * 69],
        ["Total", "params:", "21,712", "(84.81", "KB),", "21,680", "weights", "and", "16", "biases"],
        ["Trainable", "params:", "21,696", "(84.75", "KB)"],
        ["Non-trainable", "params:", "16", "(64.00", "B)"],
    ]


# Losses


@pytest.mark.parametrize(
    ("loss", "y", "predicted", "wanted"),
    [
        (MeanSquaredError(), [0.0, 4.0], [1.0, 2.0], 2.5),
        (MeanAbsoluteError(), [0.0, 4.0], [1.0, 2.0], 1.5),
        (BinaryCrossentropy(), [1.0, 0.0], [0.75, 0.5], -math.log(0.75) / 2 - math.log(0.5) / 2),
        (BinaryCrossentropy(from_logits=True), [1.0, 0.0], [800.0, 800.0], 400.0),
        (SparseCategoricalCrossentropy(), [1, 0], [[0.5, 0.5], [0.25, 0.75]], -math.log(0.5) / 2 - math.log(0.25) / 2),
        (SparseCategoricalCrossentropy(from_logits=True), [1], [[0.0, math.log(3)]], -math.log(0.75)),
        (CategoricalCrossentropy(), [[0.0, 1.0]], [[0.25, 0.75]], -math.log(0.75)),
        (CategoricalCrossentropy(from_logits=True), [[1.0, 0.0]], [[0.0, 500.0]], 500.0),
    ],
)
def test_losses_by_hand(loss: Any, y: Any, predicted: Any, wanted: float) -> None:
    assert loss(tg.Tensor(y), tg.Tensor(predicted)).item() == pytest.approx(wanted)
    model = Sequential([Input(shape=np.shape(predicted)[1:] or (1,))])
    of = {"BinaryCrossentropy": "sigmoid"}.get(type(loss).__name__, "softmax")
    model.add(Activation("linear" if getattr(loss, "from_logits", True) else of))
    model.compile(loss=loss)
    if getattr(loss, "from_logits", True):
        assert model.evaluate(predicted, y) == pytest.approx(wanted)
    else:  # of what the last activation makes of log p, or of log p - log(1 - p), which is p
        logits = np.log(predicted) - (np.log1p(-np.array(predicted)) if of == "sigmoid" else 0)
        assert model.predict(logits).reshape(np.shape(predicted)) == pytest.approx(np.array(predicted))
        assert model.evaluate(logits, y) == pytest.approx(wanted)


def test_probabilities_that_have_rounded_to_0_and_1_are_held_a_little_away() -> None:
    for loss, y in [(BinaryCrossentropy(), [[1.0]]), (SparseCategoricalCrossentropy(), [0])]:
        p = [[0.0]] if y == [[1.0]] else [[0.0, 1.0]]
        assert loss(tg.Tensor(y), tg.Tensor(p)).item() == pytest.approx(-math.log(1e-7), rel=1e-5)


def test_far_out_probabilities_cost_what_their_logits_say_and_never_overflow() -> None:
    for layers, y in [([Dense(1, activation="sigmoid")], [0]), ([Dense(2, activation="softmax")], [1])]:
        model = Sequential(layers)
        model.compile(loss="binary_crossentropy" if y == [0] else "sparse_categorical_crossentropy")
        model.build((None, 1))
        units = len(model.get_weights()[1])
        model.set_weights([np.array([[1000.0, 0.0][:units]]), np.zeros(units)])
        assert model.evaluate([[1.0]], y) == 1000.0


def test_wrong_logits_are_refused() -> None:
    for activation, loss, message in [
        ("softmax", SparseCategoricalCrossentropy(from_logits=True), "ends with a softmax.*leave out activation='soft"),
        ("sigmoid", BinaryCrossentropy(from_logits=True), "ends with a sigmoid"),
        (None, "sparse_categorical_crossentropy", r"end with a softmax.*\(from_logits=True\)"),
        ("relu", "binary_crossentropy", "end with a sigmoid.*activation='sigmoid'"),
        ("sigmoid", "categorical_crossentropy", "end with a softmax"),
    ]:
        model = Sequential([Dense(3, activation=activation)])
        model.compile(loss=loss)
        with pytest.raises(ValueError, match=message):
            model.fit(X, CLASSES if "parse" in str(loss) or "Sparse" in type(loss).__name__ else np.eye(3)[CLASSES])
        built = Sequential([Input(shape=(3,)), Dense(3, activation=activation)])
        with pytest.raises(ValueError, match=message):
            built.compile(loss=loss)
    with pytest.raises(ValueError, match="softmax of one unit is 1"):
        Dense(1, activation="softmax")


def test_two_softmax_units_may_answer_yes_and_no() -> None:
    model = Sequential([Dense(2, activation="softmax", input_dim=3)])
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    p, y = model.predict(X), np.eye(2)[YES]
    loss, accuracy = model.evaluate(X, y)
    assert loss == pytest.approx(-np.log(np.where(y, p, 1 - p)).mean(), rel=1e-5)
    assert accuracy == pytest.approx((p.argmax(axis=1) == YES).mean())


def test_targets_may_be_a_row_or_a_column_but_have_to_fit() -> None:
    for y in (YES, YES[:, None], YES.astype(float), YES.astype(bool), YES.tolist()):
        tg.manual_seed(0)
        model = Sequential([Dense(1, activation="sigmoid")])
        model.compile(loss="binary_crossentropy")
        assert model.evaluate(X, y) == pytest.approx(0.84, abs=0.3)
    sparse = Sequential([Dense(3)])
    sparse.compile(loss=SparseCategoricalCrossentropy(from_logits=True))
    first = sparse.evaluate(X, CLASSES)
    assert first == sparse.evaluate(X, CLASSES[:, None]) == sparse.evaluate(X, CLASSES.astype(float))
    for loss, y, message in [
        (
            "categorical_crossentropy",
            CLASSES,
            r"row of 3 probabilities.*SparseCategoricalCrossentropy, or np.eye\(3\)\[y",
        ),
        ("sparse_categorical_crossentropy", np.eye(3)[CLASSES], r"y.argmax\(axis=-1\), or CategoricalCrossentropy"),
        ("mse", X[:, :2], r"the model gives \(3,\) for each sample, and y has shape \(80, 2\)"),
    ]:
        model = Sequential([Dense(3, activation="softmax")])
        model.compile(loss=loss)
        with pytest.raises(errors.DataError, match=message):
            model.fit(X, y)
    with pytest.raises(errors.DataError, match=r"label in row \d+ .* is 3, and the model scores 3 classes") as caught:
        sparse.fit(X, CLASSES + 1)
    assert "ignore_index" not in str(caught.value)  # Keras has none


def test_a_loss_and_a_metric_may_be_functions_of_targets_and_predictions() -> None:
    def heavy(y_true: Any, y_pred: Any) -> Any:
        return 3 * (y_true - y_pred) ** 2 + y_pred

    def bias(y_true: Any, y_pred: Any) -> Any:
        return y_pred - y_true

    model = Sequential([Dense(1, activation="sigmoid", input_dim=3)])
    model.compile(loss=heavy, metrics=[bias, "mae", "mse"])
    gap = model.predict(X)[:, 0] - YES
    found = model.evaluate(X, YES, return_dict=True)
    loss = 3 * (gap**2).mean() + model.predict(X).mean()
    wanted = {"loss": loss, "bias": gap.mean(), "mae": abs(gap).mean(), "mse": (gap**2).mean()}
    assert found == pytest.approx(wanted, rel=1e-5)
    model.compile(loss="binary_crossentropy", metrics=["mae"])  # of probabilities, though the loss is of logits
    assert model.evaluate(X, YES)[1] == pytest.approx(wanted["mae"], rel=1e-5)


def test_three_sigmoid_units_are_three_answers() -> None:
    labels = X > 0
    model = Sequential([Dense(3, activation="sigmoid", input_dim=3)])
    model.compile(loss="binary_crossentropy", optimizer=Adam(0.1), metrics=["accuracy", "binary_accuracy"])
    found = model.fit(X, labels, epochs=30)
    assert found.history["accuracy"] == found.history["binary_accuracy"]
    right = ((model.predict(X) > 0.5) == labels).mean()
    assert right > 0.95
    assert model.evaluate(X, labels)[1] == pytest.approx(right)


# Optimisers, names, callbacks


@pytest.mark.parametrize(
    ("given", "kind", "options"),
    [
        ("sgd", optim.SGD, {"lr": 0.01, "momentum": 0.0, "nesterov": False}),
        (SGD(0.5, momentum=0.9, nesterov=True), optim.SGD, {"lr": 0.5, "momentum": 0.9, "nesterov": True}),
        ("adam", optim.Adam, {"lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-7}),
        (Adam(learning_rate=0.1, beta_1=0.5), optim.Adam, {"lr": 0.1, "betas": (0.5, 0.999)}),
        ("RMSprop", optim.RMSprop, {"lr": 0.001, "alpha": 0.9, "eps": 1e-7, "momentum": 0.0}),
        (Adagrad(), optim.Adagrad, {"lr": 0.001, "initial_accumulator_value": 0.1, "eps": 1e-7}),
    ],
)
def test_optimizers_have_the_defaults_of_keras(given: Any, kind: type, options: dict[str, Any]) -> None:
    model = Sequential([Dense(1)])
    model.compile(optimizer=given, loss="mse")
    model.fit(X, YES)
    assert type(model.optimizer.made) is kind
    group = model.optimizer.made.param_groups[0]
    assert {name: group[name] for name in options} == options


def test_a_second_fit_goes_on_and_compile_starts_anew() -> None:
    def made(epochs: list[int], again: bool = False) -> Any:
        tg.manual_seed(0)
        model = Sequential([Dense(1, input_dim=3)])
        adam = Adam(0.1)
        model.compile(optimizer=adam, loss="mse")
        for count in epochs:
            if again:
                model.compile(optimizer=adam, loss="mse")
            model.fit(X, YES, epochs=count, shuffle=False)
        return [weight.tolist() for weight in model.get_weights()]

    assert made([2, 3]) == made([5])
    assert made([2, 3], again=True) != made([5])


def test_batches_of_32_in_a_new_order_unless_told_otherwise() -> None:
    found = []
    for seed, options in [(1, {}), (2, {}), (1, {"shuffle": False}), (2, {"shuffle": False, "batch_size": 32})]:
        tg.manual_seed(0)
        model = Sequential([Dense(1, input_dim=3)])
        model.compile(optimizer=SGD(0.1), loss="mse")
        tg.manual_seed(seed)
        model.fit(X, YES, epochs=2, **options)
        assert model.optimizer.made.steps == 2 * 3
        found.append(model.get_weights()[0].tolist())
    assert found[0] != found[1]
    assert found[2] == found[3]


def test_the_learning_rate_may_be_changed_between_fits() -> None:
    model = Sequential([Dense(1, input_dim=3)])
    model.compile(optimizer=SGD(0.1), loss="mse")
    model.fit(X, YES)
    model.optimizer.learning_rate = 0.0
    before = model.get_weights()[0].tolist()
    model.fit(X, YES)
    assert model.get_weights()[0].tolist() == before
    assert model.optimizer.learning_rate == 0.0


def test_a_layer_that_is_added_later_learns_too() -> None:
    model = Sequential([Dense(4, input_dim=3)])
    model.compile(optimizer=SGD(0.1), loss="mse")
    model.fit(X, np.zeros((80, 4)))
    model.add(Dense(1))
    before = model.get_weights()[2].tolist()
    model.fit(X, YES)
    assert model.get_weights()[2].tolist() != before


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(2, activation="sigmiod"), "no activation is called 'sigmiod': did you mean 'sigmoid'"),
        (lambda: Sequential().compile(loss="binary_crossentrpy"), "did you mean 'binary_crossentropy'"),
        (
            lambda: Sequential().compile(optimizer="adm", loss="mse"),
            "no optimizer is called 'adm': did you mean 'adam'",
        ),
        (lambda: Sequential().compile(loss="mse", metrics=["acuracy"]), "you mean 'accuracy'"),
        (lambda: Sequential().compile(), 'needs a loss, as loss="mse"'),
        (
            lambda: Sequential([Dense(1, name="first")]).get_layer("frist"),
            "no layer is called 'frist': there is 'first'",
        ),
        (lambda: Dense(0), "units is a whole number above 0, and 0 was"),
        (lambda: Dense(2.5), "units is a whole number"),
        (lambda: Input(shape=2), "shape is that of one sample"),
        (lambda: Conv2D(4, (3, 3, 3)), "kernel_size is one or two whole numbers"),
        (lambda: Conv2D(4, 3, padding="full"), 'padding is "valid"'),
        (lambda: Sequential([Input(shape=(8, 8)), Conv2D(4, 3)]), r"\(rows, columns, channels\).*x\[..., None\]"),
        (lambda: Sequential([Input(shape=(64,)), MaxPooling2D()]), r"x.reshape\(-1, rows, columns, 1\)"),
        (lambda: Sequential([Dense(2), Input(shape=(3,))]), "comes before all layers"),
        (lambda: Sequential([Input(shape=(8, 8)), BatchNormalization()]), "takes samples of shape"),
    ],
)
def test_what_cannot_be_says_what_to_write(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sequential().add(Dense), "made of layers"),
        (lambda: Sequential().add(nn.Linear(2, 1)), "made of layers"),
        (lambda: Sequential().compile(loss=MeanSquaredError), r"MeanSquaredError\(\), with brackets"),
        (lambda: Sequential().compile(loss=nn.MSELoss()), "MSELoss is a loss of nn"),
        (lambda: Sequential().compile(loss=3), 'a loss is a name, as "mse"'),
        (lambda: Sequential().compile(optimizer=optim.SGD, loss="mse"), 'an optimizer is a name, as "adam"'),
        (lambda: Sequential().compile(loss="mse", metrics="mae"), r"metrics=\['mae'\]"),
        (lambda: Adam("fast"), "learning_rate is a number"),
        (lambda: Dense(2, activation=3), 'an activation is a name, as "relu"'),
    ],
)
def test_what_is_of_another_kind_says_what_to_write(make: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


def test_data_that_do_not_fit() -> None:
    model = Sequential([Dense(1, input_dim=3)])
    with pytest.raises(RuntimeError, match="call compile"):
        model.fit(X, YES)
    model.compile(loss="mse")
    with pytest.raises(errors.DataError, match=r"samples of shape \(3,\), and those of x, which has shape \(80, 2\)"):
        model.predict(X[:, :2])
    with pytest.raises(errors.DataError, match="80 in X and 79 in y"):
        model.fit(X, YES[1:])
    for share in (1.5, -1):
        with pytest.raises(ValueError, match="validation_split is a share"):
            model.fit(X, YES, validation_split=share)
    with pytest.raises(errors.DataError, match="leaves nothing to learn from"):
        model.fit(X[:1], YES[:1], validation_split=0.5)
    with pytest.raises(ValueError, match=r"weights of shapes \[\(3, 1\), \(1,\)\], and \[\(1, 3\), \(1,\)\]"):
        model.layers[0].set_weights([np.zeros((1, 3)), np.zeros(1)])
    with pytest.raises(ValueError, match="2 arrays of weights, and 1 were given"):
        model.set_weights([np.zeros((3, 1))])
    with pytest.raises(ValueError, match="in the model already"):
        model.add(model.layers[0])


def test_the_last_samples_validate() -> None:
    model = Sequential([Dense(1, input_dim=3)])
    model.compile(optimizer=SGD(0.0), loss="mse")
    history = model.fit(X, YES, validation_split=0.2)
    assert history.history["loss"] == pytest.approx([model.evaluate(X[:64], YES[:64])], rel=1e-6)
    assert history.history["val_loss"] == pytest.approx([model.evaluate(X[64:], YES[64:])], rel=1e-6)


def test_early_stopping_by_its_keras_names() -> None:
    model = Sequential([Dense(1, input_dim=3)])
    model.compile(optimizer=SGD(0.05), loss="mse")
    stopping = EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
    held_out = (X[:40], 0.5 - 0.1 * X[:40, 0])
    history = model.fit(X, YES, epochs=200, validation_data=held_out, callbacks=[stopping])
    values = history.history["val_loss"]
    assert len(values) < 200
    assert values.index(min(values)) == len(values) - 4
    assert model.evaluate(*held_out) == pytest.approx(min(values), rel=1e-6)


def test_patience_of_0_waits_as_long_as_of_1() -> None:
    lengths = []
    for patience in (0, 1):
        model = Sequential([Dense(1, input_dim=3)])
        model.compile(optimizer=SGD(0.0), loss="mse")
        stopping = EarlyStopping("loss", patience=patience)
        lengths.append(model.fit(X, YES, epochs=9, batch_size=80, shuffle=False, callbacks=[stopping]).epochs)
    assert lengths == [2, 2]


def test_a_callback_of_ones_own() -> None:
    told: list[Any] = []

    class Enough(Callback):
        def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 - Keras's form
            told.append("begin")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            told.append((epoch, *logs))
            self.model.stop_training = epoch == 1

        def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002 - as above
            told.append("end")

    model = Sequential([Dense(1, input_dim=3)])
    model.compile(loss="mse")
    assert model.fit(X, YES, epochs=9, callbacks=[Enough()]).epochs == 2
    assert told == ["begin", (0, "loss"), (1, "loss"), "end"]
    assert model.fit(X, YES, epochs=3, callbacks=[Callback()]).epochs == 3
    with pytest.raises(TypeError, match="a callback is EarlyStopping"):
        model.fit(X, YES, callbacks=[print])


def test_how_much_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    model = Sequential([Dense(1, input_dim=3)])
    model.compile(optimizer=SGD(0.0), loss="mse")
    for verbose in ("auto", 0):
        model.fit(X, YES, verbose=verbose)
    model.predict(X, verbose=0)
    assert capsys.readouterr() == ("", "")
    loss = model.fit(X, YES, epochs=2, verbose=2, shuffle=False).history["loss"][0]
    assert capsys.readouterr().out == f"Epoch 1/2 - loss: {loss:.4f}\nEpoch 2/2 - loss: {loss:.4f}\n"
    pytest.importorskip("tqdm", reason="tqdm is not installed: pip install tqdm")
    model.fit(X, YES, verbose=1)
    assert "epoch 1/1" in capsys.readouterr().err


def test_a_call_is_recorded_and_without_dropout_unless_it_is_asked_for() -> None:
    model = Sequential([Dense(50, input_dim=3), Dropout(0.5)])
    out = model(X)
    assert out.requires_grad
    assert np.allclose(out.detach(), model.predict(X))
    assert (model(X, training=True).detach() == 0).mean() > 0.3
    assert not model.network.training
    assert Sequential([Dense(2)])(X).shape == (80, 2)


@pytest.mark.parametrize("name", sorted(keras.activations.NAMES))
def test_every_activation_has_the_values_of_its_formula(name: str) -> None:
    scores = np.array([[-2.0, -0.5, 0.0, 0.5, 3.0]])
    found = Sequential([Activation(name)])(scores).detach().numpy()[0]
    e, x = np.exp, scores[0]
    selu_scale, selu_alpha = 1.0507009873554805, 1.6732632423543772
    gauss = np.array([math.erf(v / math.sqrt(2)) for v in x])
    wanted = {
        "elu": np.where(x > 0, x, e(x) - 1),
        "gelu": x * (1 + gauss) / 2,
        "hard_sigmoid": np.clip(x / 6 + 0.5, 0, 1),
        "leaky_relu": np.where(x > 0, x, 0.2 * x),
        "linear": x,
        "log_softmax": x - np.log(e(x).sum()),
        "mish": x * np.tanh(np.log1p(e(x))),
        "relu": np.maximum(x, 0),
        "relu6": np.clip(x, 0, 6),
        "selu": selu_scale * np.where(x > 0, x, selu_alpha * (e(x) - 1)),
        "sigmoid": 1 / (1 + e(-x)),
        "silu": x / (1 + e(-x)),
        "softmax": e(x) / e(x).sum(),
        "softplus": np.log1p(e(x)),
        "softsign": x / (1 + abs(x)),
        "swish": x / (1 + e(-x)),
        "tanh": np.tanh(x),
    }[name]
    assert found == pytest.approx(wanted, abs=1e-6)


def test_an_activation_may_be_a_function() -> None:
    model = Sequential([Activation(lambda x: x * x)])
    assert model(X).detach().numpy() == pytest.approx(X * X, rel=1e-5)
    by_function = Sequential([Dense(1, activation=nn.functional.sigmoid)])
    by_function.compile(loss="binary_crossentropy")
    assert by_function.fit(X, YES).epochs == 1


def test_a_layer_may_be_called_and_keeps_its_weights() -> None:
    """The coffee-roasting network, layer by layer, and then as a model."""
    x = np.array([[200.0, 17.0]])
    layer_1, layer_2 = Dense(units=3, activation="sigmoid"), Dense(units=1, activation="sigmoid")
    a1 = layer_1(x)
    a2 = layer_2(a1)
    W, b = layer_1.get_weights()  # noqa: N806 - the lecture's name
    assert np.allclose(a1.detach(), 1 / (1 + np.exp(-(x @ W + b))), atol=1e-6)
    model = Sequential([layer_1, layer_2])
    assert np.allclose(model.predict(x), a2.detach(), atol=1e-6)
    assert model.count_params() == 13
    with pytest.raises(ValueError, match=r"built for samples of shape \(2,\), and these are \(3,\)"):
        Sequential([Input(shape=(3,)), layer_1])


def test_layers_have_names_and_are_found_by_them() -> None:
    model = Sequential([Dense(3, name="layer1", input_dim=2), Dense(1, name="layer2")])
    W1, b1 = model.get_layer("layer1").get_weights()  # noqa: N806 - the lecture's name
    assert (W1.shape, b1.shape) == ((2, 3), (3,))
    assert model.get_layer(index=1) is model.layers[1]


def test_layers_without_weights_do_what_they_say() -> None:
    image = np.arange(32, dtype=np.float32).reshape(1, 4, 4, 2) - 8
    means = image.reshape(1, 2, 2, 2, 2, 2).mean(axis=(2, 4))
    shares = np.exp(image) / np.exp(image).sum(-1, keepdims=True)
    for layer, expected in (
        (keras.layers.AveragePooling2D(), means),
        (keras.layers.GlobalAveragePooling2D(), image.mean(axis=(1, 2))),
        (keras.layers.ReLU(), np.maximum(image, 0)),
        (keras.layers.LeakyReLU(0.5), np.where(image < 0, image / 2, image)),
        (keras.layers.Softmax(), shares),
        (keras.layers.Reshape((8, -1)), image.reshape(1, 8, 4)),
    ):
        np.testing.assert_allclose(layer(image).numpy(), expected, rtol=1e-6)


def test_first_weights_may_be_chosen() -> None:
    tg.manual_seed(0)
    layer = keras.layers.Dense(400, kernel_initializer="he_normal", bias_initializer="ones")
    layer(np.ones((1, 500)))
    kernel, bias = layer.get_weights()
    assert kernel.std() == pytest.approx((2 / 500) ** 0.5, rel=0.02)
    assert (bias == 1).all()
    own = keras.layers.Dense(2, kernel_initializer=nn.init.ones_)
    assert own(np.ones((1, 3))).tolist() == [[3.0, 3.0]]
    with pytest.raises(ValueError, match="no initializer is called 'he_norm': did you mean 'he_normal'"):
        keras.layers.Dense(1, kernel_initializer="he_norm")
    with pytest.raises(TypeError, match="an initializer is a name"):
        keras.layers.Dense(1, kernel_initializer=3)


def test_labels_become_rows_and_the_seed_is_everybodys() -> None:
    assert keras.utils.to_categorical(np.array([[1], [0]]), 3).tolist() == [[0, 1, 0], [1, 0, 0]]
    for labels, classes in (([0, 3], 3), ([-1], None), ([0.5], 2)):
        with pytest.raises(errors.DataError, match="is no class"):
            keras.utils.to_categorical(labels, classes)
    drawn = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        drawn.append(tg.rand(3).tolist())
    assert drawn[0] == drawn[1]


def test_regularizers_are_part_of_the_loss_and_of_what_is_learned() -> None:
    x = np.random.default_rng(0).standard_normal((64, 2)).astype(np.float32)
    y = x @ [[1.0], [-1.0]]
    found = {}
    for name, given in {
        "none": None,
        "word": "l2",
        "l2": keras.regularizers.l2(0.01),
        "own": lambda w: w.sum(),
    }.items():
        tg.manual_seed(0)
        model = keras.Sequential([keras.layers.Dense(1, input_dim=2, kernel_regularizer=given)])
        model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.1))
        kernel = model.get_weights()[0]
        first = model.evaluate(x, y)
        model.fit(x, y, epochs=60, verbose=0)
        found[name] = kernel, first, model.get_weights()[0]
    kernel, plain, free = found["none"]
    assert found["l2"][1] == pytest.approx(plain + 0.01 * (kernel**2).sum(), rel=1e-5)
    assert found["own"][1] == pytest.approx(plain + kernel.sum(), rel=1e-5)
    assert found["word"][1] == found["l2"][1]
    centred = x - x.mean(0)  # least squares with a free bias, by the normal equations
    best = np.linalg.solve(centred.T @ centred / 64 + 0.01 * np.eye(2), centred.T @ y / 64)
    np.testing.assert_allclose(found["l2"][2], best, rtol=1e-2)
    assert abs(free).sum() > abs(found["l2"][2]).sum()
    assert keras.regularizers.l1_l2(0.5, 2.0)(tg.tensor([-1.0, 2.0])).item() == 11.5
    for wrong, error in (("l3", ValueError), (3, TypeError), (keras.regularizers.L2, TypeError)):
        with pytest.raises(error, match="regularizer"):
            keras.layers.Dense(1, kernel_regularizer=wrong)
    with pytest.raises(ValueError, match="0 or more"):
        keras.regularizers.L1(-1)


def test_what_keras_has_elsewhere_is_said() -> None:
    model = Sequential([Dense(1)])
    with pytest.raises(AttributeError, match=r"Sequential has no 'save': write model\.save_weights"):
        model.save("model.keras")
    with pytest.raises(AttributeError, match=r"Sequential has no 'sav'$"):
        model.sav  # noqa: B018 - the look is what fails
    with pytest.raises(TypeError, match=r"Sequential\(\[Input\(shape=\(4,\)\), Dense"):
        Dense(3)(Input(shape=(4,)))
