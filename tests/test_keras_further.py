"""Keras's layers of sequences and scales, callbacks, metrics and initializers, by the formulas that Keras documents."""

import csv
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import errors, keras
from tinygrad_edu.keras import callbacks, initializers, layers, metrics

RNG = np.random.default_rng(0)
STEPS = RNG.standard_normal((3, 5, 4)).astype(np.float32)
X, YES = RNG.standard_normal((64, 3)), RNG.integers(0, 2, 64)


@pytest.fixture(autouse=True)
def seed() -> None:
    tg.manual_seed(0)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


# Layers of sequences


def simple(x: Any, w: Any, u: Any, b: Any) -> list[Any]:
    h, every = np.zeros((len(x), u.shape[0])), []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ w + h @ u + b)
        every.append(h)
    return every


def lstm(x: Any, w: Any, u: Any, b: Any) -> list[Any]:
    h = c = np.zeros((len(x), u.shape[0]))
    every = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ w + h @ u + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        every.append(h)
    return every


def gru(x: Any, w: Any, u: Any, b: Any) -> list[Any]:
    h, every = np.zeros((len(x), u.shape[0])), []
    for t in range(x.shape[1]):
        (xz, xr, xh), (hz, hr, hh) = np.split(x[:, t] @ w + b[0], 3, axis=1), np.split(h @ u + b[1], 3, axis=1)
        z, r = sigmoid(xz + hz), sigmoid(xr + hr)
        h = z * h + (1 - z) * np.tanh(xh + r * hh)
        every.append(h)
    return every


@pytest.mark.parametrize(("kind", "formula"), [(keras.SimpleRNN, simple), (keras.LSTM, lstm), (keras.GRU, gru)])
def test_a_recurrent_layer_is_keras_formula_in_its_layout(kind: Any, formula: Any) -> None:
    layer = kind(2, return_sequences=True)
    layer(STEPS)
    weights = [RNG.standard_normal(w.shape).astype(np.float32) for w in layer.get_weights()]
    layer.set_weights(weights)
    for mine, given in zip(layer.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(mine, given)
    expected = formula(STEPS, *weights)
    np.testing.assert_allclose(layer(STEPS).detach(), np.stack(expected, axis=1), rtol=1e-4, atol=1e-6)
    last = kind(2)
    last(STEPS)
    last.set_weights(weights)
    np.testing.assert_allclose(last(STEPS).detach(), expected[-1], rtol=1e-4, atol=1e-6)
    assert layer.count_params() == sum(w.size for w in weights)


def test_first_weights_of_an_lstm() -> None:
    layer = keras.LSTM(16)
    layer(np.zeros((1, 2, 8)))
    kernel, recurrent, bias = layer.get_weights()
    assert 0.9 * np.sqrt(6 / (8 + 64)) < abs(kernel).max() <= np.sqrt(6 / (8 + 64))
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(16), atol=1e-5)
    np.testing.assert_array_equal(bias, np.repeat([0, 1, 0, 0], 16))
    assert [w.shape for w in keras.LSTM(2, use_bias=False, input_shape=(5, 4)).built((5, 4))[0].parameters()] == [
        (8, 4),
        (8, 2),
    ]


@pytest.mark.parametrize("kind", [keras.SimpleRNN, keras.LSTM, keras.GRU])
def test_words_are_learnt(kind: Any) -> None:
    words = RNG.integers(0, 20, (200, 6))
    model = keras.Sequential([keras.Embedding(20, 8, input_length=6), kind(8), keras.Dense(1, activation="sigmoid")])
    model.compile(optimizer=keras.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"])
    history = model.fit(words, words[:, -1] > 9, epochs=15)
    assert history.history["accuracy"][-1] > 0.97
    before = model.get_weights()
    model.fit(words, words[:, -1] > 9, epochs=1)
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_an_embedding_is_a_table() -> None:
    layer = layers.Embedding(5, 3)
    words = np.array([[4, 0]])
    np.testing.assert_array_equal(layer(words)[0].detach(), layer.get_weights()[0][[4, 0]])
    assert abs(layer.get_weights()[0]).max() <= 0.05
    with pytest.raises(errors.DataError, match="fractions"):
        layer(words + 0.5)
    with pytest.raises(IndexError, match="none of the table's 5 rows"):
        layer(words + 1)


def test_poolings_over_steps_and_places() -> None:
    np.testing.assert_allclose(layers.GlobalAveragePooling1D()(STEPS), STEPS.mean(1), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(layers.GlobalMaxPooling1D()(STEPS), STEPS.max(1))
    images = RNG.random((2, 3, 4, 5)).astype(np.float32)
    np.testing.assert_array_equal(layers.GlobalMaxPooling2D()(images), images.max((1, 2)))


# Scales


def test_normalization_takes_the_scale_of_its_data() -> None:
    layer = layers.Normalization(axis=-1)
    layer.adapt(X)
    np.testing.assert_allclose(layer(X), (X - X.mean(0)) / X.std(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer.get_weights(), [X.mean(0), X.var(0)], rtol=1e-6)
    model = keras.Sequential([keras.Input(shape=(3,)), layer, keras.Dense(1)])
    assert len(model.trainable_weights) == 2
    whole = layers.Normalization(axis=None)
    whole.adapt(X)
    np.testing.assert_allclose(whole(X), (X - X.mean()) / X.std(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layers.Normalization(mean=1.0, variance=4.0)(np.array([[5.0, 1.0]])), [[2.0, 0.0]])
    column = layers.Normalization()
    column.adapt(X[:, 0])
    np.testing.assert_allclose(column(X[:, :1]), ((X - X.mean(0)) / X.std(0))[:, :1], rtol=1e-4, atol=1e-6)


def test_layer_normalization_and_rescaling() -> None:
    expected = (STEPS - STEPS.mean(-1, keepdims=True)) / np.sqrt(STEPS.var(-1, keepdims=True) + 1e-3)
    layer = layers.LayerNormalization()
    np.testing.assert_allclose(layer(STEPS).detach(), expected, rtol=1e-4, atol=1e-5)
    assert [w.tolist() for w in layer.get_weights()] == [[1.0] * 4, [0.0] * 4]
    np.testing.assert_allclose(layers.Rescaling(2.0, offset=-1.0)(STEPS), 2 * STEPS - 1, rtol=1e-6)


# Freezing, weights, files


def model_of(*given: Any, **options: Any) -> keras.Sequential:
    model = keras.Sequential([keras.Input(shape=(3,)), *given, keras.Dense(1, activation="sigmoid", name="last")])
    model.compile(**({"optimizer": keras.SGD(0.5), "loss": "binary_crossentropy", "metrics": ["accuracy"]} | options))
    return model


def test_a_frozen_layer_does_not_learn(capsys: pytest.CaptureFixture[str]) -> None:
    model = model_of(keras.Dense(4, name="first"))
    first = model.get_layer("first")
    first.trainable = False
    before = model.get_weights()
    model.fit(X, YES, epochs=1)
    after = model.get_weights()
    assert [bool((a == b).all()) for a, b in zip(before, after, strict=True)] == [True, True, False, False]
    assert (len(model.weights), len(model.trainable_variables), first.trainable) == (4, 2, False)
    model.summary()
    assert "Non-trainable params: 16" in capsys.readouterr().out
    model.trainable = True
    model.fit(X, YES, epochs=1)
    assert (model.get_weights()[0] != after[0]).any()
    unbuilt = keras.Dense(2)
    unbuilt.trainable = False
    unbuilt(np.ones((1, 2)))
    assert unbuilt.trainable_weights == []


def test_weights_to_look_at() -> None:
    layer = keras.Dense(2)
    with pytest.raises(AttributeError, match="before it is built"):
        _ = layer.kernel
    layer(np.ones((1, 3)))
    kernel, bias = layer.get_weights()
    np.testing.assert_array_equal(layer.kernel, kernel)
    np.testing.assert_array_equal(layer.bias, bias)
    assert keras.Dense(2, use_bias=False).bias is None


def test_weights_are_saved_and_loaded(tmp_path: Path) -> None:
    model, other = model_of(keras.Dense(4)), model_of(keras.Dense(4))
    model.save_weights(tmp_path / "w.weights.h5")
    other.load_weights(tmp_path / "w.weights.h5")
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    small = model_of()
    with pytest.raises(ValueError, match=r"has weights of shapes \[\(3, 4\).*and the model \[\(3, 1\)"):
        small.load_weights(tmp_path / "w.weights.h5")


# Callbacks


class Diary(keras.Callback):
    def __init__(self) -> None:
        self.said: list[Any] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.said.append(("begin", epoch, sorted(logs)))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.said.append(("end", epoch, sorted(logs)))


def test_epochs_are_counted_from_the_initial_one(capsys: pytest.CaptureFixture[str]) -> None:
    model, diary = model_of(), Diary()
    history = model.fit(X, YES, initial_epoch=3, epochs=5, callbacks=[diary], verbose=2)
    assert history.epoch == [3, 4]
    assert [said[:2] for said in diary.said] == [("begin", 3), ("end", 3), ("begin", 4), ("end", 4)]
    assert diary.said[1][2] == ["accuracy", "loss"]
    assert capsys.readouterr().out.startswith("Epoch 4/5 - loss: ")
    with pytest.raises(ValueError, match="initial_epoch=6 is behind"):
        model.fit(X, YES, initial_epoch=6, epochs=5)


def test_checkpoints_of_all_epochs_and_of_the_best(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = model_of()
    every = callbacks.ModelCheckpoint(tmp_path / "{epoch:02d}.safetensors", verbose=1)
    model.fit(X, YES, epochs=3, callbacks=[every])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["01.safetensors", "02.safetensors", "03.safetensors"]
    assert "Epoch 2: saved" in capsys.readouterr().out
    best = callbacks.ModelCheckpoint(tmp_path / "best", monitor="score", save_best_only=True, mode="max")
    best.model, saved = model, []
    best.on_train_begin()
    for epoch, score in enumerate([0.5, 0.4, 0.7, 0.7]):
        (tmp_path / "best").unlink(missing_ok=True)
        best.on_epoch_end(epoch, {"score": score})
        saved.append((tmp_path / "best").exists())
    assert saved == [True, False, True, False]
    with pytest.raises(ValueError, match="monitor='score' is not among"):
        best.on_epoch_end(4, {"loss": 1.0})


def test_the_learning_rate_follows_a_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    model, rates = model_of(), []
    note = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: rates.append(model.optimizer.learning_rate))
    model.fit(X, YES, epochs=3, callbacks=[callbacks.LearningRateScheduler(lambda e, lr: lr / (e + 1), 1), note])
    model.fit(X, YES, epochs=1, callbacks=[callbacks.LearningRateScheduler(lambda e: 0.25), note])
    np.testing.assert_allclose(rates, [0.5, 0.25, 0.25 / 3, 0.25])
    assert "Epoch 2: the learning rate is 0.25" in capsys.readouterr().out


def test_the_learning_rate_is_reduced_on_a_plateau() -> None:
    model = model_of()
    model.fit(X, YES, epochs=1)
    reduce = callbacks.ReduceLROnPlateau("score", factor=0.5, patience=2, mode="max", verbose=1)
    reduce.model = model
    reduce.on_train_begin()
    rates = []
    for epoch, score in enumerate([1.0, 1.0, 1.0, 1.0, 1.0, 2.0]):  # Keras waits until an epoch is the second bad one
        reduce.on_epoch_end(epoch, {"score": score})
        rates.append(model.optimizer.learning_rate)
    assert rates == [0.5, 0.5, 0.25, 0.25, 0.125, 0.125]
    with pytest.raises(ValueError, match="monitor='score'"):
        reduce.on_epoch_end(6, {"loss": 1.0})


def test_a_log_of_every_epoch(tmp_path: Path) -> None:
    model, path = model_of(), tmp_path / "log.csv"
    model.fit(X, YES, epochs=2, callbacks=[callbacks.CSVLogger(path)])
    model.fit(X, YES, initial_epoch=2, epochs=3, callbacks=[callbacks.CSVLogger(path, append=True)])
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert list(rows[0]) == ["epoch", "loss", "accuracy"]


def test_early_stopping_takes_all_that_keras_does(capsys: pytest.CaptureFixture[str]) -> None:
    model = model_of(optimizer=keras.SGD(0.0))
    stop = keras.EarlyStopping("loss", 0, 2, 1, "auto", None, True, 3)
    history = model.fit(X, YES, epochs=20, shuffle=False, callbacks=[stop])
    assert len(history.epoch) == 6  # three that are not looked at, the best, and two more
    assert "Epoch 6: early stopping, loss was best in epoch 4" in capsys.readouterr().out
    unreached = model.fit(X, YES, epochs=20, callbacks=[keras.EarlyStopping("loss", patience=2, baseline=0.01)])
    assert len(unreached.epoch) == 2


def test_a_callback_of_batches_is_refused() -> None:
    kind = type("Batches", (keras.Callback,), {"on_train_batch_end": lambda self, batch, logs=None: None})
    with pytest.raises(TypeError, match="Batches has on_train_batch_end, which is not called here"):
        model_of().fit(X, YES, callbacks=[kind()])
    with pytest.raises(TypeError, match="on_batch is none of"):
        callbacks.LambdaCallback(on_batch=print)


# Metrics, initializers, names


def test_metrics_by_their_objects() -> None:
    given = [
        metrics.BinaryAccuracy(name="right"),
        metrics.Precision(),
        metrics.Recall(),
        metrics.RootMeanSquaredError(),
    ]
    model = model_of(metrics=given)
    names = ["loss", "right", "precision", "recall", "root_mean_squared_error"]
    assert list(model.fit(X, YES, epochs=1).history) == names
    found = model.evaluate(X, YES, return_dict=True)
    p = model.predict(X)[:, 0]
    taken = p > 0.5
    assert found["right"] == (taken == YES).mean()
    np.testing.assert_allclose(found["precision"], (taken & (YES == 1)).sum() / taken.sum())
    np.testing.assert_allclose(found["recall"], (taken & (YES == 1)).sum() / (YES == 1).sum())
    np.testing.assert_allclose(found["root_mean_squared_error"], np.sqrt(((p - YES) ** 2).mean()), rtol=1e-5)
    with pytest.raises(TypeError, match=r"write Precision\(\)"):
        model_of(metrics=[metrics.Precision])


def test_initializers_by_their_objects() -> None:
    def kernel(initializer: Any) -> Any:
        layer = keras.Dense(400, kernel_initializer=initializer)
        layer(np.ones((1, 100)))
        return layer.get_weights()[0]

    assert kernel(initializers.HeNormal()).std() == pytest.approx(np.sqrt(2 / 100), rel=0.03)
    assert kernel(initializers.GlorotNormal()).std() == pytest.approx(np.sqrt(2 / 500), rel=0.03)
    assert abs(kernel(initializers.HeUniform())).max() == pytest.approx(np.sqrt(6 / 100), rel=0.01)
    assert abs(kernel(initializers.GlorotUniform())).max() == pytest.approx(np.sqrt(6 / 500), rel=0.01)
    assert kernel(initializers.RandomNormal(1.0, 0.1)).mean() == pytest.approx(1.0, abs=0.01)
    assert kernel(initializers.RandomUniform(2.0, 3.0)).min() >= 2
    assert abs(kernel(initializers.TruncatedNormal(stddev=0.5))).max() <= 1.0
    weights = kernel(initializers.Orthogonal())
    np.testing.assert_allclose(weights @ weights.T, np.eye(100), atol=1e-5)
    assert (kernel(initializers.Constant(3.0)) == 3).all()
    assert (kernel(initializers.Ones()) == 1).all()
    assert (kernel(initializers.Zeros()) == 0).all()
    np.testing.assert_array_equal(kernel(initializers.HeNormal(seed=7)), kernel(initializers.HeNormal(seed=7)))
    with pytest.raises(TypeError, match=r"write HeNormal\(\)"):
        kernel(initializers.HeNormal)


def test_activations_by_their_functions_are_known_to_the_losses() -> None:
    activations = importlib.import_module("tinygrad_edu.keras.activations")
    for name in activations.FUNCTIONS:
        assert repr(activations.get(getattr(activations, name))) == repr(activations.get(name))
    model = keras.Sequential([keras.Input(shape=(3,)), keras.Dense(1, activation=activations.sigmoid)])
    model.compile(loss=keras.BinaryCrossentropy(), optimizer="adam")
    model.fit(X, YES)


def test_a_convolution_has_initializer_and_regularizer() -> None:
    conv = keras.Conv2D(2, 3, kernel_initializer="ones", bias_initializer="ones", kernel_regularizer="l2")
    conv(np.ones((1, 5, 5, 1)))
    assert [(w == 1).all() for w in conv.get_weights()] == [True, True]
    assert conv.penalties()[0].item() == pytest.approx(0.01 * 18)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: layers.Normalization()(X), "call adapt"),
        (lambda: layers.Normalization(mean=1.0), "or neither"),
        (lambda: layers.Normalization(axis=0), "axis is -1"),
        (lambda: layers.Normalization().adapt(np.array([np.nan])), "nan"),
        (lambda: layers.Normalization(mean=[1.0, 2.0], variance=[1.0, 1.0])(X), "adapted to 2 features"),
        (lambda: layers.LayerNormalization(axis=1), "axis is -1"),
        (lambda: layers.LSTM(3)(X), r"\(steps, features\), not \(3,\)"),
        (lambda: layers.GlobalMaxPooling1D()(X), r"\(steps, features\), not \(3,\)"),
        (lambda: layers.LSTM(0), "units is a whole number"),
        (lambda: layers.Embedding(0, 3), "input_dim is a whole number"),
    ],
)
def test_what_cannot_be_is_told(call: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()
