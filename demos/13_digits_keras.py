"""The lecture's Keras programs: digits 0 and 1 by 25-15-1 sigmoid units, then ten digits by 25-15-10 from logits.

Only the imports differ from a program for Keras. With a linear output and `from_logits=True` the softmax is part of the
loss, which is the numerically better form; both forms learn the same here, because a softmax output is trained from its
logits too. Writes 13_digits_keras.png, the cost over iterations, into the folder it is started from.
"""

import tinygrad_edu as tg
from tinygrad_edu.data import load_digits
from tinygrad_edu.keras import Dense, Input, Sequential
from tinygrad_edu.keras.losses import BinaryCrossentropy, SparseCategoricalCrossentropy
from tinygrad_edu.keras.optimizers import Adam
from viz import plots

train, test = load_digits().split()
X_train, y_train, X_test, y_test = train.X / 16, train.y, test.X / 16, test.y

# Is it a 0 or a 1?
tg.manual_seed(0)
model = Sequential(
    [
        Input(shape=(64,)),
        Dense(25, activation="sigmoid", name="layer1"),
        Dense(15, activation="sigmoid", name="layer2"),
        Dense(1, activation="sigmoid", name="layer3"),
    ]
)
model.summary()
W1, b1 = model.get_layer("layer1").get_weights()
assert (W1.shape, b1.shape) == ((64, 25), (25,))  # a column of W for every unit

model.compile(loss=BinaryCrossentropy(), optimizer=Adam(learning_rate=0.01), metrics=["accuracy"])
few, few_test = y_train < 2, y_test < 2
binary = model.fit(X_train[few], y_train[few], epochs=40)
yhat = (model.predict(X_test[few_test])[:, 0] > 0.5).astype(int)
print(f"0 or 1: {(yhat == y_test[few_test]).sum()} of {few_test.sum()} test digits are told right\n")
assert (yhat == y_test[few_test]).all()

# Which of the ten?
costs, accuracies = {}, {}
for output, from_logits in (("softmax", False), ("linear", True)):
    tg.manual_seed(0)
    model = Sequential(
        [
            Dense(25, activation="relu"),
            Dense(15, activation="relu"),
            Dense(10, activation=output),
        ]
    )
    model.compile(
        loss=SparseCategoricalCrossentropy(from_logits=from_logits),
        optimizer=Adam(learning_rate=1e-3),
        metrics=["accuracy"],
    )
    history = model.fit(X_train, y_train, epochs=100)
    costs[output] = history.history["loss"]
    loss, accuracies[output] = model.evaluate(X_test, y_test)
    print(f"ten digits, {output:7} output: cost {costs[output][-1]:.4f}, test accuracy {accuracies[output]:.2%}")
assert costs["softmax"] == costs["linear"]
assert accuracies["softmax"] == accuracies["linear"] >= 0.95

scores = model.predict(X_test[:1])
p = tg.softmax(tg.Tensor(scores), axis=1).numpy()
print(f"of the first test digit, a {y_test[0]}, it says {p.argmax()}, with probability {p.max():.4f}")
assert p.argmax() == y_test[0]

curves = {
    "0 or 1, 25-15-1 sigmoid units": binary.history["loss"],
    "ten digits, 25-15-10 from logits": costs["linear"],
}
axes = plots.learning_curves(curves, list(curves), log=True)
axes.set(ylabel="cost", title="Cost over iterations")
axes.figure.savefig("13_digits_keras.png", dpi=120)
print("wrote 13_digits_keras.png")
