"""A network as a table: its layers, what comes out of each, and how many numbers it learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.recording import no_grad
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_edu.nn.module import Module

__all__ = ["Row", "Summary", "summary"]


@dataclass(frozen=True, slots=True)
class Row:
    """One layer: its name, its class, the shape of what came out of it (None: it was not called) and its parameters."""

    name: str
    kind: str
    output_shape: Any
    parameters: int


@dataclass(frozen=True, slots=True, repr=False)
class Summary:
    """What `summary` found; its `repr` is the table. A parameter that is called bias is counted as biases."""

    rows: tuple[Row, ...]
    weights: int
    biases: int
    trainable: int
    buffers: int
    nbytes: int

    @property
    def parameters(self) -> int:
        """Weights and biases together."""
        return self.weights + self.biases

    def __repr__(self) -> str:
        ran = any(row.output_shape is not None for row in self.rows)
        table = [("layer", *(("output shape",) if ran else ()), "parameters")]
        for row in self.rows:
            shape = "-" if row.output_shape is None else str(row.output_shape)
            layer = f"{row.name} ({row.kind})" if row.name else row.kind
            table.append((layer, *((shape,) if ran else ()), f"{row.parameters:,}"))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join([*map(str.ljust, cells[:-1], widths), cells[-1].rjust(widths[-1])]) for cells in table]
        lines.insert(1, "-" * len(lines[0]))
        lines.append(lines[1])
        lines.append(
            f"{self.parameters:,} parameters: {_count(self.weights, 'weight')} and {_count(self.biases, 'bias')},"
            f" {self.nbytes:,} bytes"
        )
        if self.trainable != self.parameters:
            lines.append(f"{self.trainable:,} of them learn; {self.parameters - self.trainable:,} are frozen")
        if self.buffers:
            lines.append(f"{_count(self.buffers, 'number')} in buffers besides")
        return "\n".join(lines)


def summary(model: Module, *example: Any) -> Summary:
    """The layers of `model` in order, with their numbers of parameters, and the shapes that come out of each.

    `example` is what `model` takes: Tensors or arrays, or the shape of one input, with its axis of samples, as
    `(1, 3)`, of float32, or of whole numbers where there is an `nn.Embedding`; without it no shapes are shown. The
    model runs once on it, without recording and as in `eval()`, and is left as it was. The bytes are those of the
    parameters, 4 each in float32.

    >>> from tinygrad_edu import nn
    >>> summary(nn.Sequential(nn.Linear(3, 2), nn.Sigmoid(), nn.Linear(2, 1)), (1, 3))
    layer        output shape  parameters
    -------------------------------------
    Sequential   (1, 1)                11
    0 (Linear)   (1, 2)                 8
    1 (Sigmoid)  (1, 2)                 0
    2 (Linear)   (1, 1)                 3
    -------------------------------------
    11 parameters: 8 weights and 3 biases, 44 bytes
    """
    shapes = _output_shapes(model, example) if example else {}
    parameters = dict(model.named_parameters())
    biases = sum(p.size for name, p in parameters.items() if "bias" in name.rpartition(".")[2])
    count = sum(p.size for p in parameters.values())
    return Summary(
        rows=tuple(
            Row(name, type(module).__name__, shapes.get(module), sum(p.size for p in module.parameters()))
            for name, module in model.named_modules()
        ),
        weights=count - biases,
        biases=biases,
        trainable=sum(p.size for p in parameters.values() if p.requires_grad),
        buffers=sum(b.size for b in model.buffers()),
        nbytes=sum(p.nbytes for p in parameters.values()),
    )


def _output_shapes(model: Module, example: tuple[Any, ...]) -> dict[Module, Any]:
    """By module, the shape of its last result; of several results, the shape of each."""
    shapes: dict[Module, Any] = {}

    def note(module: Module, _args: Any, out: Any) -> None:
        shapes[module] = _shape(out)

    if len(example) == 1 and isinstance(example[0], tuple | list) and all(isinstance(n, int) for n in example[0]):
        from tinygrad_edu.nn.embedding import Embedding  # built on Module, whose method this is

        of_words = any(isinstance(module, Embedding) for module in model.modules())
        place = next((p.device for p in model.parameters()), None)
        example = (Tensor(np.zeros(tuple(example[0]), np.int64 if of_words else np.float32), device=place),)
    modes = [(module, module.training) for module in model.modules()]
    hooks = [module.register_forward_hook(note) for module in model.modules()]
    try:
        with no_grad():
            model.eval()(*example)
    finally:
        for module, training in modes:
            module.training = training
        for hook in hooks:
            hook.remove()
    return shapes


def _shape(out: Any) -> Any:
    return tuple(map(_shape, out)) if isinstance(out, tuple | list) else getattr(out, "shape", None)


def _count(number: int, what: str) -> str:
    plural = {"bias": "biases"}.get(what, f"{what}s")
    return f"{number:,} {what if number == 1 else plural}"
