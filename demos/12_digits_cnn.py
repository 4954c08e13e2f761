"""A small convolutional network on ten handwritten digits: every unit sees 3x3 pixels, and looks for one thing there.

The 1797 images of 8x8 that come with scikit-learn, 1437 to train on and 360 to test on, of which at least 98.5 % are
told right. Writes 12_digits_cnn.png, the filters of the first layer and what they see, into the folder it is started
from.
"""

from matplotlib.figure import Figure

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
from tinygrad_edu.data import load_digits
from tinygrad_edu.train import evaluate, fit, predict
from viz import plots

EPOCHS = 10

train, test = load_digits().split()
images, held_out = (part.X.reshape(-1, 1, 8, 8) / 16 for part in (train, test))  # one channel

tg.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),  # 16 filters of 3x3
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.Conv2d(16, 32, 3, padding=1),
    nn.BatchNorm2d(32),
    nn.ReLU(),
    nn.MaxPool2d(2),  # to 4x4
    nn.Conv2d(32, 32, 3, padding=1),
    nn.BatchNorm2d(32),
    nn.ReLU(),
    nn.Flatten(),
    nn.Dropout(0.5),
    nn.Linear(32 * 4 * 4, 10),
)
print(model.summary((1, 1, 8, 8)))

optimizer = optim.Adam(model.parameters(), lr=0.01)
history = fit(
    model,
    (images, train.y),
    nn.CrossEntropyLoss(),
    optimizer,
    EPOCHS,
    batch_size=64,
    scheduler=optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS),
    metrics=["accuracy"],
)
print(history)
accuracy = evaluate(model, (held_out, test.y), nn.CrossEntropyLoss(), ["accuracy"])["accuracy"]
print(f"test accuracy {accuracy:.2%} (over twenty seeds: from 98.61 % to 99.72 %)")
assert accuracy >= 0.985

figure = Figure(figsize=(15, 8.5), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[1, 1.1])
kernels, rates = left.subplots(2, 1, height_ratios=[1.6, 1])
plots.first_layer(model, kernels).set_title("the 16 filters of the first layer")
plots.learning_rates(history, ax=rates).set_title("the learning rate")
first = predict(model[:3].eval(), held_out[:1]).numpy()[0]
for axes, seen in zip(right.subplots(4, 4).flat, first, strict=True):
    axes.imshow(seen, cmap="gray_r")
    axes.set_axis_off()
right.suptitle(f"A handwritten {test.y[0]}, as those filters see it")
figure.savefig("12_digits_cnn.png", dpi=100)
print("wrote 12_digits_cnn.png")
