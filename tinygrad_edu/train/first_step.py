"""What the first step of a training shows to be wrong, and would otherwise show as a loss that does not fall."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.autograd import ancestors
from tinygrad_edu.errors import ShapeError, TrainingError
from tinygrad_edu.graph import Vertex
from tinygrad_edu.nn.module import Module
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.tensor import Tensor

__all__ = ["check_gradients", "check_loss", "check_optimizer"]


def check_optimizer(model: Module, optimizer: Any) -> None:
    """TypeError for what is no optimizer, `TrainingError` for one that has none of the model's parameters."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"the optimizer is one of tinygrad_edu.optim, as SGD(model.parameters(), lr=0.1), and not {optimizer!r}"
        )
    own = {id(p) for p in model.parameters()}
    if not any(id(p) in own for group in optimizer.param_groups for p in group["params"]):
        raise TrainingError(
            "the optimizer has none of this model's parameters, so the model would not learn: make it from them,"
            f" {type(optimizer).__name__}(model.parameters(), ...), after the model is built"
        )


def check_loss(cost: Any, output: Any, target: Tensor) -> None:
    """`ShapeError` for a loss that is not one number or compared all with all, `TrainingError` for one cut off."""
    if not isinstance(cost, Tensor):
        raise TrainingError(
            f"the loss is a {type(cost).__name__}, not a Tensor, so nothing can be learned from it: compute it from the"
            " predictions by ops, without .numpy(), .item() or float()"
        )
    if cost.size != 1:
        raise ShapeError(
            f"the loss of a batch is one number, and this one has shape {cost.shape}: take its mean, or leave out"
            ' reduction="none"'
        )
    if not cost.requires_grad:
        raise TrainingError(
            "the loss does not depend on any parameter that learns: compute it from what the model returns, which must"
            " not be cut off by detach(), .data, .numpy() or no_grad(); frozen parameters have requires_grad=False"
        )
    rows = len(target)
    column, row = (rows, 1), (rows,)
    if {getattr(output, "shape", None), target.shape} == {column, row} and rows > 1:
        for node in ancestors(cost):
            shapes = [vertex.shape for vertex in node.inputs if isinstance(vertex, Vertex)]
            if node.shape == (rows, rows) and sorted(shapes) == [row, column]:
                raise ShapeError(
                    f"the model predicts shape {output.shape} and the targets have shape {target.shape}, and"
                    f" {node.op.name} of the two is {rows} x {rows}: every prediction with every target. Give y as"
                    + (" y.reshape(-1, 1)." if output.shape == column else " y.reshape(-1).")
                )


def check_gradients(optimizer: Optimizer) -> None:
    """`TrainingError` where no parameter of the optimizer got a gradient."""
    if all(p.grad is None for group in optimizer.param_groups for p in group["params"]):
        raise TrainingError(
            "the loss depends on none of the optimizer's parameters, so nothing would be learned: let the loss be of"
            " what this model returns"
        )
