"""The computations that the tests of the trace and of the stepper look at."""

from typing import NamedTuple

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import Tensor, nn
from tinygrad_edu.expression import evaluate, parse_values


class Example(NamedTuple):
    """A result and the inputs that it has gradients by."""

    root: Tensor
    leaves: dict[str, Tensor]

    def gradients(self) -> dict[str, np.ndarray]:
        """What `backward()` finds."""
        self.root.backward()
        return {name: leaf.grad.numpy() for name, leaf in self.leaves.items()}


def leaf(data: object, name: str | None = None) -> Tensor:
    return Tensor(data, requires_grad=True, name=name, dtype=float)


def formula(expression: str, *values: str) -> Example:
    leaves = parse_values(values)
    return Example(evaluate(expression, leaves), leaves)


def product() -> Example:
    """The lecture's a*b + c."""
    return formula("a*b + c", "a=2", "b=-3", "c=10")


def shared() -> Example:
    """A value used three times."""
    return formula("a*a + a", "a=2")


def neuron() -> Example:
    """The lecture's spam filter."""
    return formula("sigmoid(w @ x + b)", "w=[1,2]", "x=[5,2]", "b=-5")


def broadcast() -> Example:
    """A matrix and a row that is added to each of its rows."""
    leaves = {"M": leaf(np.arange(12).reshape(4, 3), "M"), "row": leaf([1, 2, 3], "row")}
    return Example(tg.sum((leaves["M"] + leaves["row"]) ** 2), leaves)


def network() -> tuple[Example, nn.scopes]:
    """A network of 2, 3 and 1 units with its loss, and who made what."""
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1), nn.Sigmoid())
    x = Tensor(np.array([[0.5, -1.0], [1.0, 2.0], [-0.3, 0.4], [0.1, 0.9]], np.float32), name="x")
    with nn.scopes(model) as calls:
        y = model(x)
    loss = nn.functional.binary_cross_entropy(y, Tensor(np.array([[1.0], [0], [1], [0]], np.float32), name="t"))
    loss.name = "loss"
    return Example(loss, dict(model.named_parameters())), calls
