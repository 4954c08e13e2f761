"""What the losses accept: predictions and targets that fit each other, number by number; else an error that helps."""

import math
from typing import Any

import numpy as np

from tinygrad_edu.device import is_cupy
from tinygrad_edu.errors import DerivativeError, ShapeError
from tinygrad_edu.ops.composed import as_operand
from tinygrad_edu.watch import bare


def held(operand: Any) -> Any:
    """The array that a Tensor holds, which is quicker to look at; an array itself."""
    return getattr(operand, "_value", operand)


def numbers(loss: str, given: Any, name: str) -> Any:
    """The operand as a Tensor or an array; TypeError for what holds no numbers."""
    operand = as_operand(given)
    if held(operand).dtype.kind not in "fiub":
        what = "is None: does the function that made it return its result?" if given is None else "holds no numbers"
        raise TypeError(f"{loss}: the {name} {what}")
    return operand


def floats(loss: str, input: Any, name: str = "input") -> Any:
    """The operand, which must hold floats; TypeError for whole numbers."""
    operand = as_operand(input)
    if held(operand).dtype.kind == "f":
        return operand
    raise TypeError(
        f"{loss}: the {name} holds {numbers(loss, input, name).dtype}, and predictions are floating-point numbers:"
        f" write {name}.float()"
    )


def pair(loss: str, input: Any, target: Any, names: tuple[str, str] = ("input", "target")) -> tuple[Any, Any]:
    """Predictions and their targets, of one shape, the targets in the dtype of the predictions.

    Raises `ShapeError` also for shapes that NumPy would stretch: predictions of shape (N, 1) less targets of shape (N,)
    make N x N differences, every prediction with every target, and a loss that falls while nothing is learnt.
    """
    input, target = floats(loss, input, names[0]), numbers(loss, target, names[1])
    predictions, answers = held(input), held(target)
    if predictions.shape != answers.shape:
        raise different_shapes(loss, input.shape, target.shape, names)
    return input, target if answers.dtype == predictions.dtype else target.astype(input.dtype)


def different_shapes(
    loss: str, input: tuple[int, ...], target: tuple[int, ...], names: tuple[str, str] = ("input", "target")
) -> ShapeError:
    """The error for predictions and targets of different shapes."""
    first, second = names
    if input == (*target, 1):
        hint = f"Write {first}.squeeze(-1)" if target[1:] else f"Write {first}.reshape(-1)"
        hint += f" or {second}.unsqueeze({len(target)})."
    elif target == (*input, 1):
        hint = f"Write {second}.squeeze(-1)" if input[1:] else f"Write {second}.reshape(-1)"
        hint += f" or {first}.unsqueeze({len(input)})."
    elif math.prod(input) == math.prod(target):
        hint = f"They hold equally many numbers: {second}.reshape({input}) has the right shape, if the order is right."
    else:
        hint = f"To compare all with the same numbers, write {second}.expand({input})."
    return ShapeError(
        f"{loss}: the {first} has shape {input} and the {second} {target}; each prediction is compared with the target"
        f" in its own place, so both have one shape. {hint}"
    )


def constant(loss: str, name: str, given: Any, input: Any) -> Any:
    """A weight, as an array in the dtype of the predictions; no gradient flows to it."""
    if given is None:
        return None
    if getattr(given, "requires_grad", False):
        raise DerivativeError(f"{loss} takes {name} as constant, and this one requires grad: write {name}.detach()")
    return _as_dtype(numbers(loss, given, name), input.dtype)


@bare
def _as_dtype(given: Any, dtype: Any) -> Any:
    return held(given).astype(dtype, copy=False)


def weights(loss: str, name: str, given: Any, input: Any) -> Any:
    """A weight that stretches over the predictions, but not the predictions over it; else `ShapeError`."""
    weight = constant(loss, name, given, input)
    if weight is not None and not _stretches(weight.shape, input.shape):
        raise ShapeError(
            f"{loss}: {name} of shape {weight.shape} does not stretch to the {input.shape} of the input: give one"
            f" number for each column, shape {input.shape[-1:]}, or for each prediction, shape {input.shape}"
        )
    return weight


def class_weights(loss: str, given: Any, input: Any, classes: int) -> Any:
    """A weight for each class; `ShapeError` for another number of them."""
    weight = constant(loss, "weight", given, input)
    if weight is not None and weight.shape != (classes,):
        raise ShapeError(
            f"{loss}: weight has shape {weight.shape}, and an input of shape {input.shape} has {classes} classes: give"
            f" one number for each class, shape ({classes},)"
        )
    return weight


def _stretches(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    return len(shape) <= len(to) and all(n in (1, m) for n, m in zip(shape[::-1], to[::-1], strict=False))


def first_place(wrong: Any) -> tuple[int, ...]:
    """The place of the first number for which something is wrong."""
    return tuple(int(i) for i in np.argwhere(wrong)[0])


def at(place: tuple[int, ...]) -> str:
    """A place as a learner would index it: "at [1, 0]".

    >>> at((1, 0)), at(())
    (' at [1, 0]', '')
    """
    return f" at [{', '.join(map(str, place))}]" if place else ""


@bare
def not_below_zero(loss: str, name: str, hint: str, given: Any) -> None:
    """Raise ValueError, with the hint, for an operand that holds a negative number."""
    value = held(given)
    if value.size and not is_cupy(value) and value.min() < 0:
        place = first_place(value < 0)
        raise ValueError(f"{loss}: the {name} holds {value[place].item():g}{at(place)}: {hint}")
