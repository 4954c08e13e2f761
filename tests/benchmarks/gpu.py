"""Training steps and elementwise work on a GPU, beside PyTorch in the same run and beside what the GPU can do at all.

    python -m tests.benchmarks.gpu

runs the tests of `tests/gpu`, measures, prints one table and writes it to gpu.txt. Both libraries run the same program,
each in a process of its own, and take turns; each line is the median over the rounds of the time between two
synchronisations, after warm-up, and both have to come to the same numbers. The limit is the longer of two times:
arithmetic at the rate of a product of matrices, and memory at the rate of a copy, both measured here, in the faster of
the two libraries. It ends with 2 where there is no GPU, with 1 where a test or a number is wrong. `--device cpu` runs
all of it on small sizes without one, which shows that the script works and nothing else.
"""

import argparse
import math
import subprocess
import sys
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tests.benchmarks.processes import process
from tinygrad_edu import cuda

TESTS = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests/gpu"]

OURS = "import tinygrad_edu as torch\nfrom tinygrad_edu import nn, optim\nfrom tinygrad_edu.cuda import no_copies\n"
PYTORCHS = """
import torch
from contextlib import nullcontext as no_copies
from torch import nn, optim
torch.backends.cudnn.allow_tf32 = False  # as it is off for products of matrices
"""

BEGIN = """
import numpy as np
device, lr = {device!r}, 0.01
random = np.random.default_rng(0)

def numbers(*shape):
    return random.standard_normal(shape, np.float32)

def there(array):
    return torch.from_numpy(array).to(device)

def synchronize():
    if device == "cuda":
        torch.cuda.synchronize()
"""

TRAIN = """
for layer in model:
    if hasattr(layer, "weight") and layer.weight.ndim > 1:
        with torch.no_grad():
            fan_in = layer.weight[0].numel()
            layer.weight[...] = torch.from_numpy(numbers(*layer.weight.shape) / np.float32(fan_in**0.5))
            layer.bias[...] = 0.0
model = model.to(device)
criterion, optimizer = nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=lr)

def step():
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    return loss
"""

DENSE = """
widths = {widths}
layers = []
for inputs, outputs in zip(widths, widths[1:]):
    layers += [nn.Linear(inputs, outputs), nn.ReLU()]
model = nn.Sequential(*layers[:-1])
x, y = there(numbers({batch}, widths[0])), there(random.integers(0, widths[-1], {batch}))
"""

CONVOLUTIONAL = """
model = nn.Sequential(
    nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(64 * 8 * 8, 10),
)
x, y = there(numbers({batch}, 3, 32, 32)), there(random.integers(0, 10, {batch}))
"""

ELEMENTWISE = """
x = there(np.linspace(-3, 3, {count}, dtype=np.float32)).requires_grad_()
g = torch.ones_like(x.detach())

def step():
    x.grad = None
    y = torch.{function}(x)
    y.backward(g)
    return x.grad[0]
"""

ADAM = """
w = there(np.linspace(-3, 3, {count}, dtype=np.float32)).requires_grad_()
w.grad = torch.ones_like(w.detach())
optimizer = optim.Adam([w], lr=lr, fused=device == "cuda")

def step():
    optimizer.step()
    return w.detach()[0]
"""

PRODUCT = """
a, b = there(numbers({count}, {count})), there(numbers({count}, {count}))

def step():
    return (a @ b)[0, 0]
"""

COPY = """
a = there(np.linspace(0, 1, {count}, dtype=np.float32))

def step():
    return a.clone()[-1]
"""

ANSWER = """
import sys, time
with no_copies():
    for _ in range(3):
        result = step()
for line in sys.stdin:  # a line a round
    synchronize()
    start = time.perf_counter()
    for _ in range(int(line)):
        result = step()
    synchronize()
    took = (time.perf_counter() - start) / int(line)
    print(took, float(result.detach()), flush=True)
"""
"""What a program ends with that defines `step`, which returns a number where it is: nothing else may leave the GPU."""


class Work(NamedTuple):
    """A line of the table: a program, and the arithmetic and the bytes that one step of it cannot do without."""

    name: str
    program: str
    calls: int
    operations: float
    bytes: float


def dense(name: str, widths: tuple[int, ...], batch: int, calls: int) -> Work:
    """Layers of those widths: a product each forward, and two backward, but for the first layer one."""
    products = [2 * batch * a * b for a, b in pairwise(widths)]
    weights, values = sum(a * b for a, b in pairwise(widths)), batch * sum(widths)
    # Weights are read twice, changed, and have a gradient; values are written and read, forward and backward.
    moved = 4 * (6 * weights + 4 * values)
    program = DENSE.format(widths=widths, batch=batch) + TRAIN
    return Work(name, program, calls, 3 * sum(products) - products[0], moved)


def convolutional(images: int, calls: int) -> Work:
    """3x3 filters from 3 to 32 channels at 32x32 places, and from 32 to 64 at 16x16."""
    first, second = (2 * 9 * images * n for n in (3 * 32 * 1024, 32 * 64 * 256))
    values = images * (32 * 1024 + 64 * 256)  # of a layer; normalised, cut off and pooled, there and back
    program = CONVOLUTIONAL.format(batch=images) + TRAIN
    return Work(f"conv net, {images} images of 32x32", program, calls, 2 * first + 3 * second, 4 * 12 * values)


def works(device: str) -> list[Work]:
    """All lines of the table; small ones where there is no GPU."""
    if device == "cpu":
        lines = [dense("784-256-10, batch 8", (784, 256, 10), 8, 3), dense("64x3, batch 16", (64,) * 4, 16, 3)]
        lines.append(convolutional(4, 3))
        count = 10_000
    else:
        lines = [
            dense("784-256-10, batch 128", (784, 256, 10), 128, 200),
            dense("1024x3, batch 4096", (1024,) * 4, 4096, 50),
            dense("8192 wide, batch 8192", (8192,) * 3, 8192, 3),
            convolutional(256, 20),
        ]
        count = 100_000_000
    for name, function in (("sigmoid", "sigmoid"), ("tanh", "tanh"), ("gelu", "nn.functional.gelu")):
        program = ELEMENTWISE.format(count=count, function=function)
        lines.append(Work(f"{name} of {count:,}, and back", program, 10, 0, 5 * 4 * count))
    lines.append(Work(f"Adam, {count:,} weights", ADAM.format(count=count), 10, 0, 7 * 4 * count))
    return lines


def measured(program: str, device: str, calls: int, rounds: int) -> list[tuple[float, float]]:
    """Median seconds of a step and the last number that came of it, here and in PyTorch, where it is installed."""
    libraries = [OURS, PYTORCHS] if find_spec("torch") else [OURS]
    with ExitStack() as stack:
        programs = [imports + BEGIN.format(device=device) + program + ANSWER for imports in libraries]
        asked = [stack.enter_context(process(program)) for program in programs]
        answers = [[ask(calls) for ask in asked] for _ in range(rounds)]
    return [(median(took for took, _ in column), column[-1][1]) for column in zip(*answers, strict=True)]


def limits(device: str, rounds: int) -> tuple[float, float]:
    """How many operations and bytes a second a product of matrices and a copy make, in the faster of the libraries."""
    wide, count = (64, 10_000) if device == "cpu" else (8192, 400_000_000)
    product = min(measured(PRODUCT.format(count=wide), device, 3, rounds))[0]
    copy = min(measured(COPY.format(count=count), device, 5, rounds))[0]
    return 2 * wide**3 / product, 2 * 4 * count / copy


def table(device: str, rounds: int) -> tuple[list[str], bool]:
    """The lines of the table, and whether both libraries came to the same numbers."""
    rate, bandwidth = limits(device, rounds)
    where = cuda.get_device_name() if device == "cuda" else "the CPU, small sizes, a dry run"
    lines = [
        f"{where}: products of matrices {rate / 1e12:.2f} TFLOP/s, memory {bandwidth / 1e9:.0f} GB/s, in float32",
        f"{'':<36}{'ours ms':>10}{'PyTorch ms':>12}{'ratio':>8}{'limit ms':>10}{'of limit':>10}",
    ]
    alike = True
    for work in works(device):
        (ours, number), *others = measured(work.program, device, work.calls, rounds)
        limit = max(work.operations / rate, work.bytes / bandwidth)
        theirs, ratio = (f"{others[0][0] * 1e3:.3f}", f"{ours / others[0][0]:.2f}") if others else ("not here", "")
        line = f"{work.name:<36}{ours * 1e3:>10.3f}{theirs:>12}{ratio:>8}{limit * 1e3:>10.3f}{limit / ours:>9.0%}"
        if others and not math.isclose(number, others[0][1], rel_tol=1e-3, abs_tol=1e-6):
            alike = False
            line += f"  other numbers: {number:.6g} and {others[0][1]:.6g}"
        lines.append(line)
        print(line, file=sys.stderr, flush=True)  # as it comes: all of it takes some minutes
    return lines, alike


def main(arguments: list[str] | None = None) -> int:
    """The script; returns what it ends with."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--rounds", type=int, default=7, help="how often the libraries take turns")
    parser.add_argument("--out", type=Path, default=Path("gpu.txt"), help="the file for the table")
    given: Any = parser.parse_args(arguments)
    if given.device == "cuda" and not cuda.is_available():
        print("there is no GPU here that CuPy can use, so nothing is measured: --device cpu is a dry run")
        return 2
    right = given.device == "cpu" or subprocess.run(TESTS, check=False).returncode == 0  # noqa: S603 - our own tests
    lines, alike = table(given.device, given.rounds)
    lines += [] if right else ["tests of tests/gpu failed, see above"]
    text = "\n".join(lines) + "\n"
    print(text)
    given.out.write_text(text, "utf-8")
    return 0 if right and alike else 1


if __name__ == "__main__":
    sys.exit(main())
