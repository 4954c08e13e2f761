"""What the first step of a training shows to be wrong, and would otherwise show as a loss that does not fall."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.autograd import ancestors
from tinygrad_edu.errors import DataError, ShapeError, TrainingError
from tinygrad_edu.graph import Vertex
from tinygrad_edu.nn.module import Module
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.tensor import Tensor

__all__ = [
    "check_arguments",
    "check_gradients",
    "check_inputs",
    "check_labels",
    "check_loss",
    "check_optimizer",
    "check_output",
]


def check_arguments(loss: Any, scheduler: Any, callbacks: Any) -> None:
    """TypeError for a word in place of a loss, and for a class in place of an object."""
    if not callable(loss):
        raise TypeError(f"a loss is a function of predictions and targets, as nn.MSELoss(), and not {loss!r}")
    for given, arguments in ((loss, ""), (scheduler, "optimizer, ..."), *((callback, "...") for callback in callbacks)):
        if isinstance(given, type):
            raise TypeError(
                f"{given.__name__} is a class, and what is needed is one object: {given.__name__}({arguments})"
            )


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


def check_inputs(model: Module, inputs: Sequence[Tensor]) -> None:
    """`DataError` where the model takes fewer or more inputs than there are."""
    try:
        inspect.signature(model.forward).bind(*inputs)
    except TypeError as error:
        raise DataError(
            f"there are {len(inputs)} inputs before the targets, and {type(model).__name__}.forward does not take as"
            f" many ({error}): the last of the data are the targets, (X, y)"
        ) from error


def check_output(loss: Any, output: Any) -> None:
    """`TrainingError` where a model gives several things to a loss that takes one."""
    if isinstance(output, tuple | list | dict) and isinstance(loss, nn.losses.Loss):
        raise TrainingError(
            f"the model returns a {type(output).__name__} of {len(output)}, and {type(loss).__name__} takes one Tensor:"
            " layers as nn.LSTM return (output, state), so write a Module whose forward returns what is meant,"
            " output[:, -1] for the last step"
        )


def check_labels(loss: Any, output: Any, targets: tuple[Tensor, Any] | None, what: str) -> None:
    """`DataError` with the row of the `what` data whose label names no class."""
    if (
        targets is None
        or not isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss)
        or targets[0].dtype.kind not in "iu"
        or output.ndim < 2
    ):
        return
    labels, rows = targets
    array = labels.array if rows is None else labels.array[rows]
    classes = output.shape[1]
    if array.size == 0 or (array.min() >= 0 and array.max() < classes):
        return
    wrong = ((array < 0) | (array >= classes)) & (array != loss.ignore_index)
    if wrong.any():
        place = np.argwhere(wrong)[0]
        row = int(place[0] if rows is None else rows[int(place[0])])
        label = array[tuple(place)]
        remedy = (
            "labels that start at 1 become class numbers by y - 1; else give the last layer as many outputs as there"
            " are classes"
            if label > 0
            else "of -1 and 1, (y + 1) // 2 makes 0 and 1"
        )
        raise DataError(
            f"the label in row {row} (counted from 0) of the {what} data is {label}, and the model scores"
            f" {classes} classes, numbered from 0 to {classes - 1}: {remedy}"
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
