"""Why a loss should be given logits, the numbers before the sigmoid or softmax, and not probabilities.

A number on a computer has 16 digits (float64) or 7 (float32). What is lost on the way to a probability no logarithm can
find again; a loss that sees the logits does not go that way. Writes 04_losses_from_logits.png into the folder it is
started from.
"""

import numpy as np
from matplotlib.figure import Figure

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F  # noqa: N812 - PyTorch's name for it
from tinygrad_edu import Tensor

print("1. The same number in two ways")
direct, detour = 2 / 10_000, (1 + 1 / 10_000) - (1 - 1 / 10_000)
print(f"   2/10000                         {direct:.18f}")
print(f"   (1 + 1/10000) - (1 - 1/10000)   {detour:.18f}")
assert f"{direct:.18f}" == "0.000200000000000000"
assert f"{detour:.18f}" == "0.000199999999999978"
tiny, one = np.float32(1 / 10_000), np.float32(1)
print(f"   in float32                      {(one + tiny) - (one - tiny):.18f}")
assert f"{(one + tiny) - (one - tiny):.6f}" == "0.000200"
assert abs(float((one + tiny) - (one - tiny)) / direct - 1) > 1e-4  # the fourth digit is wrong

print("2. Logits 1000, 0 and -1000: what it costs if the first, second or third class is right")
logits = np.array([1000.0, 0.0, -1000.0])
with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
    as_written = -np.log(np.exp(logits) / np.exp(logits).sum())
    softmax_first = -np.log(tg.softmax(Tensor(logits)).numpy()) + 0.0
log_softmax = -tg.log_softmax(Tensor(logits)).numpy() + 0.0
from_logits = [F.cross_entropy(Tensor(logits), label).item() for label in range(3)]
print(f"   -log(exp(z) / sum exp(z))   {as_written}")
print(f"   -log(softmax(z))            {softmax_first}")
print(f"   -log_softmax(z)             {log_softmax}")
print(f"   cross_entropy(z, label)     {from_logits}")
np.testing.assert_array_equal(as_written, [np.nan, np.inf, np.inf])
np.testing.assert_array_equal(softmax_first, [0, np.inf, np.inf])
assert log_softmax.tolist() == from_logits == [0, 1000, 2000]

print("3. One neuron is sure, logit 20 in float32, and wrong")
z = Tensor([20.0], dtype=np.float32, requires_grad=True)
no = Tensor([0.0])
through = F.binary_cross_entropy(tg.sigmoid(z), no)
(slope_through,) = tg.autograd.grad(through, z)
straight = F.binary_cross_entropy_with_logits(z, no)
(slope_straight,) = tg.autograd.grad(straight, z)
print(f"   sigmoid, then the loss   {through.item():8.4f}, slope {slope_through.item()}: it learns nothing any more")
print(f"   the loss from the logit  {straight.item():8.4f}, slope {slope_straight.item()}")
assert (through.item(), slope_through.item()) == (100.0, 0.0)  # sigmoid(20) is 1 in float32; -log 0 counts as 100
assert (straight.item(), slope_straight.item()) == (20.0, 1.0)

z = np.linspace(-10, 30, 2001, dtype=np.float32)
zeros = np.zeros_like(z)
axes = Figure(figsize=(7, 4), layout="constrained").subplots()
axes.plot(z, F.binary_cross_entropy(tg.sigmoid(Tensor(z)), zeros, reduction="none").numpy(), label="sigmoid, then BCE")
axes.plot(z, F.binary_cross_entropy_with_logits(Tensor(z), zeros, reduction="none").numpy(), label="BCE from logits")
axes.set(
    xlabel="logit of an answer that is wrong", ylabel="loss in float32", title="What a sure and wrong answer costs"
)
axes.legend()
axes.figure.savefig("04_losses_from_logits.png", dpi=150)
print("wrote 04_losses_from_logits.png")
