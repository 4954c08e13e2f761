"""Is it spam? Logistic regression of two counts, as numbers, as a computational graph, and learning from a mistake.

An e-mail is two counts, x1 suspicious words and x2 links; it is spam with probability sigmoid(w1 x1 + w2 x2 + b), and
w = (1, 2), b = -5. Writes 05_spam.svg, the graph with every value and gradient, into the folder it is started from.
"""

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F  # noqa: N812 - PyTorch's name for it
from tinygrad_edu import Tensor, no_grad
from viz import make_dot, render, trace

w1 = Tensor(1.0, requires_grad=True, name="w1")
w2 = Tensor(2.0, requires_grad=True, name="w2")
b = Tensor(-5.0, requires_grad=True, name="b")


def logit(x1: float, x2: float) -> Tensor:
    """The evidence for spam: above 0 it is more likely than not."""
    return w1 * Tensor(x1, name="x1") + w2 * Tensor(x2, name="x2") + b


for x, z, p in (((5.0, 2.0), 4.0, 0.982), ((1.0, 0.0), -4.0, 0.018)):
    found = logit(*x)
    print(f"x = {x}: z = {found.item():g}, sigmoid(z) = {tg.sigmoid(found).item():.3f}")
    assert (found.item(), round(tg.sigmoid(found).item(), 3)) == (z, p)

# The second e-mail was spam after all. The gradient of the loss by the weights is (p - y) x, and p - y by the bias.
z = logit(1.0, 0.0)
z.name = "z"
probability = tg.sigmoid(z)
probability.name = "p"
loss = F.binary_cross_entropy(probability, Tensor(1.0, name="y"))
loss.name = "loss"
steps = trace(loss)
loss.backward()
error = probability.item() - 1
slopes = [parameter.grad.item() + 0.0 for parameter in (w1, w2, b)]
print(f"loss {loss.item():.4f}; gradient by w ({slopes[0]:.3f}, {slopes[1]:.3f}), by b {slopes[2]:.3f}")
assert abs(loss.item() - 4.0181) < 1e-4
assert slopes == [error, 0.0, error]
render(make_dot(loss, trace=steps), "05_spam.svg")

# Some steps of gradient descent: it learns from x1 and b, and nothing from x2, which was 0.
losses = []
for step in range(1, 11):
    loss = F.binary_cross_entropy(tg.sigmoid(logit(1.0, 0.0)), Tensor(1.0))
    w1.grad = w2.grad = b.grad = None
    loss.backward()
    with no_grad():
        for parameter in (w1, w2, b):
            parameter -= 0.5 * parameter.grad
    losses.append(loss.item())
    print(f"step {step}: loss {losses[-1]:.4f}, w = ({w1.item():.3f}, {w2.item():.3f}), b = {b.item():.3f}")
final = tg.sigmoid(logit(1.0, 0.0)).item()
print(f"now it is spam with probability {final:.3f}")
assert losses == sorted(losses, reverse=True)
assert (w2.item(), final > 0.8) == (2.0, True)
print("wrote 05_spam.svg")
