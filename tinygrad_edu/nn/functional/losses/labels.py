"""Targets that are classes: whole numbers that name one of the scores of a row."""

from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_edu.device import is_cupy
from tinygrad_edu.errors import ShapeError, mixed_devices
from tinygrad_edu.nn.functional.losses.operands import at, first_place, held
from tinygrad_edu.watch import bare


def class_axis(input: Any) -> int:
    """The axis of the classes: the only one of (C,), the second of (N, C) and (N, C, d1, ...)."""
    return 0 if input.ndim == 1 else 1


def places(target: Any) -> tuple[Any, ...]:
    """The key of the scores that the targets name: (n, target[n]) for rows, (target,) for one.

    >>> places(np.array([2, 0]))
    (array([0, 1]), array([2, 0]))
    """
    if target.ndim == 1:  # in half the time
        small = type(target) is np.ndarray and len(target) <= 1024
        return _counted(len(target)) if small else np.arange(len(target), like=target), target
    grid = [np.arange(n, like=target).reshape(-1, *(1,) * (target.ndim - 1 - i)) for i, n in enumerate(target.shape)]
    return (*grid[:1], target, *grid[1:])


@lru_cache(maxsize=64)
def _counted(count: int) -> Any:
    numbers = np.arange(count)
    numbers.flags.writeable = False  # everybody gets the same ones
    return numbers


@bare
def class_places(loss: str, input: Any, target: Any, ignore_index: int) -> tuple[Any, Any]:
    """The key of the scores that the targets name, and a mask of the targets that count; as `class_indices`."""
    target, kept = class_indices(loss, input, target, ignore_index)
    return places(target), kept


def class_indices(loss: str, input: Any, target: Any, ignore_index: int) -> tuple[Any, Any]:
    """The targets as an array of indices, and a mask of those that are not ignored, None for all.

    Where a target is ignored the index is 0. On a GPU there always is a mask, of floats, which holds nan where there is
    no such class. Raises TypeError for targets that are not whole numbers, `ShapeError` for
    another shape than that of the input without its classes, IndexError for a class that is not there.
    """
    shape, on_gpu = held(input).shape, is_cupy(held(target))
    if on_gpu != is_cupy(held(input)):
        raise mixed_devices(loss, [input, target], ("the input", "the target"))
    target = held(target)
    axis = 0 if len(shape) == 1 else 1
    classes, wanted = shape[axis], shape[:axis] + shape[axis + 1 :]
    if target.shape != wanted:
        raise _misshaped(loss, shape, classes, wanted, target)
    if target.dtype.kind not in "iub":
        raise TypeError(
            f"{loss}: class indices are whole numbers, and the target of shape {target.shape} holds {target.dtype}:"
            f" write target.long(). Probabilities would have the shape of the input, {shape}."
        )
    if on_gpu:
        return _unseen(target, classes, ignore_index)
    index = target.astype(np.int64)  # a copy: the graph keeps it, and the learner may fill his anew
    # As unsigned numbers, negative ones are the largest of all: one look finds both kinds that are not there.
    unsigned = index.reshape(-1).view(np.uint64)
    missing = len(unsigned) and unsigned[unsigned.argmax()] >= classes  # a third of the time of max()
    if not missing and not 0 <= ignore_index < classes:
        return index, None
    kept = index != ignore_index
    index = index * kept
    if missing and (wrong := (index < 0) | (index >= classes)).any():
        raise _no_class(loss, index[place := first_place(wrong)], place, classes)
    return index, kept


def _unseen(target: Any, classes: int, ignore_index: int) -> tuple[Any, Any]:
    """The same on a GPU, where a look would wait for it: a class that is not there makes its loss, and the mean, nan.

    >>> _unseen(np.array([2, 3, -100]), 3, -100)
    (array([2, 0, 0]), array([ 1., nan,  0.], dtype=float32))
    """
    index = target.astype(np.int64)
    there = (index >= 0) & (index < classes)
    kept = np.where(index == ignore_index, 0, np.where(there, 1, np.float32(np.nan)))
    return index * there, kept


def _no_class(loss: str, label: int, place: tuple[int, ...], classes: int) -> IndexError:
    hint = "Labels that start at 1 become class indices by target - 1. " if label == classes else ""
    return IndexError(
        f"{loss}: label {label}{at(place)} names no class: the input has scores for {classes}, numbered from 0 to"
        f" {classes - 1}. {hint}To leave such rows out, write ignore_index={label}."
    )


def _misshaped(loss: str, input: tuple[int, ...], classes: int, wanted: tuple[int, ...], target: Any) -> ShapeError:
    if target.shape == input:
        hint = "For probabilities write target.float(), for the class indices of one-hot rows target.argmax(1)."
    elif target.size == np.prod(wanted, dtype=int):
        hint = f"Write target.reshape({'-1' if len(wanted) == 1 else wanted})."
    else:
        hint = "Each row of scores needs one class."
    return ShapeError(
        f"{loss}: an input of shape {input} holds rows of {classes} scores, one for each class, so class indices have"
        f" shape {wanted}; the target has shape {target.shape}. {hint}"
    )
