"""The single neuron as PyTorch programs are written: a Module, a loss, an optimiser, and a loop of three calls.

Take `import torch` for `import tinygrad_edu as torch` and torchviz for viz, and it is a PyTorch program with the same
figures: the data and the figures are those of 02_single_neuron.py, which does by hand what stands here in one call
each. Writes 03_single_neuron_module.svg, the picture of the trained network, into the folder it is started from.
"""

import numpy as np
from sklearn.datasets import load_breast_cancer

import tinygrad_edu as torch
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
from viz import make_dot, render

EPOCHS, LEARNING_RATE = 4000, 0.1

data = load_breast_cancer()
features, malignant = data.data[:, :2], data.target == 0
order = np.random.RandomState(0).permutation(np.arange(569))
train, test = order[:455], order[455:]
mean, deviation = features[train].mean(axis=0), features[train].std(axis=0)

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
x_train = torch.from_numpy((features[train] - mean) / deviation).float().to(device)
y_train = torch.from_numpy(malignant[train]).float().to(device)
x_test = torch.from_numpy((features[test] - mean) / deviation).float().to(device)


class SingleNeuron(nn.Module):
    """The probability that a tumour is malignant: sigmoid(w x + b)."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 1)

    def forward(self, x):
        logits = self.linear(x)
        return torch.sigmoid(logits.view(-1))


torch.manual_seed(0)
model = SingleNeuron().to(device)
print(model)
criterion = nn.BCELoss()
optimizer = optim.SGD(model.parameters(), lr=LEARNING_RATE)

losses = []
for epoch in range(1, EPOCHS + 1):
    optimizer.zero_grad()
    loss = criterion(model(x_train), y_train)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if epoch % 1000 == 0:
        print(f"epoch {epoch:4}  loss {losses[-1]:.6f}")

told = model(x_test).data.cpu().view(-1).numpy() > 0.5
accuracy = np.mean(told == malignant[test])
print(f"test accuracy {accuracy:.3%}")
assert round(losses[999], 4) == 0.2606
assert round(losses[1999], 5) == 0.25988
assert round(losses[2999], 6) == 0.259855
assert round(losses[3999], 6) == 0.259854
assert round(accuracy, 5) == 0.90351

picture = make_dot(model(x_test[:4]), params=dict(model.named_parameters()))
render(picture, "03_single_neuron_module.svg")
print("wrote 03_single_neuron_module.svg")
