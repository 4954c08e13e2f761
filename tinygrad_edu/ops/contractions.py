"""`einsum`: products summed over the letters that the result leaves out, two operands at a time."""

import math
import re
import string
from collections.abc import Hashable, Sequence
from functools import cache
from typing import Any

import numpy as np

from tinygrad_edu.errors import UnsupportedError, does_not_fit
from tinygrad_edu.graph import Array
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand, composed

__all__ = ["einsum"]

Labels = tuple[Hashable, ...]  # one an axis: a letter, or a number for an axis that '...' stands for
Groups = list[list[int]]
LETTERS = string.ascii_uppercase + string.ascii_lowercase  # in the order in which NumPy numbers and sorts them


def _einsum(x: Array, y: Array, subscripts: str) -> Array:
    """The products of two arrays, summed over the letters that the result leaves out: one matrix product, or one `*`.

    290 us for two matrices of 300 by 300, where NumPy's own loop takes 4,600.
    """
    summed, turned, x_groups, y_groups, order = _plan(subscripts)
    if not summed:
        return _joined(x, x_groups) * _joined(y, y_groups)
    if turned:
        x, y = y, x
    result = _joined(x, x_groups) @ _joined(y, y_groups)
    if any(len(group) != 1 for group in (*x_groups[:-1], y_groups[-1])):
        lengths = [x.shape[i] for group in x_groups[:-1] for i in group] + [y.shape[i] for i in y_groups[-1]]
        result = np.reshape(result, lengths)
    return result if order is None else np.transpose(result, order)


@cache
def _plan(subscripts: str) -> tuple[bool, bool, Groups, Groups, list[int] | None]:
    """How two operands are multiplied: their axes in groups, each to be made one axis, and the order of the result's.

    With sums: stack, rows and summed axes of the one, stack, summed and columns of the other, which change places if
    that gives the result in its own order. Without: one group for each axis of the result, empty where it lacks it.
    """
    x, y, out = re.split(",|->", subscripts)
    summed = [letter for letter in x if letter in y and letter not in out]
    if not summed:
        x_groups, y_groups = ([[t.index(letter)] if letter in t else [] for letter in out] for t in (x, y))
        return False, False, x_groups, y_groups, None
    stack = [letter for letter in out if letter in x and letter in y]
    rows, columns = ([letter for letter in out if letter in t and letter not in stack] for t in (x, y))
    turned = bool(rows and columns) and out.index(columns[0]) < out.index(rows[0])
    if turned:
        x, y, rows, columns = y, x, columns, rows
    every = [[letter] for letter in stack]
    x_groups = [[x.index(letter) for letter in group] for group in (*every, rows, summed)]
    y_groups = [[y.index(letter) for letter in group] for group in (*every, summed, columns)]
    made = [*stack, *rows, *columns]
    return True, turned, x_groups, y_groups, None if made == [*out] else [made.index(letter) for letter in out]


def _joined(x: Array, groups: Groups) -> Array:
    """An operand with its axes in the order of the groups, each group made one axis."""
    ordered = x.transpose([axis for group in groups for axis in group])
    if all(len(group) == 1 for group in groups):
        return ordered
    return ordered.reshape([math.prod(x.shape[axis] for axis in group) for group in groups])


def _exchanged(subscripts: str, index: int) -> str:
    """The subscripts of the gradient: the result and that operand change places, ij,jk->ik gives ik,jk->ij."""
    terms = re.split(",|->", subscripts)
    terms[index], terms[2] = terms[2], terms[index]
    return "{},{}->{}".format(*terms)


# Each letter of an operand is in the other operand or in the result, which `einsum` sees to, so the exchange is all.
contract: Op = Op(
    _einsum,
    x=lambda g, y, subscripts: contract(g, y, _exchanged(subscripts, 0)),
    y=lambda g, x, subscripts: contract(x, g, _exchanged(subscripts, 1)),
)


@composed(np.einsum)
def einsum(*operands: Any, optimize: Any = False, **options: Any) -> Any:  # noqa: ARG001 - says how, not what
    """The products of the operands, summed over every letter that the result leaves out. After `numpy.einsum`.

    `einsum("ij,jk->ik", x, y)` is x @ y. One letter names one axis; a letter twice in one operand takes its diagonal;
    '...' stands for the other axes, which broadcast. Without '->' the result has the letters that are there once, in
    alphabetical order. `einsum(x, [0, 1], y, [1, 2], [0, 2])` says it in numbers. More than two operands are taken two
    at a time in a good order, whatever `optimize` says. Raises ValueError for subscripts that do not fit.

    >>> from tinygrad_edu import Tensor
    >>> einsum("ij,j->i", Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([1.0, 10.0]))
    Tensor([21., 43.])
    """
    if refused := {name: value for name, value in options.items() if value is not None}:
        raise UnsupportedError(
            f"einsum takes subscripts, operands and optimize=, not {', '.join(refused)}:"
            " convert operands with x.astype(dtype), and use the result that einsum returns."
        )
    subscripts, arrays = _separate(operands)
    every, result = _labels(subscripts, tuple(x.ndim for x in arrays))
    terms = [_diagonal(x, labels, subscripts) for x, labels in zip(arrays, every, strict=True)]
    lengths: dict[Hashable, int] = {}
    for x, labels in terms:
        for length, label in zip(x.shape, labels, strict=True):
            if lengths.setdefault(label, length) == 1:
                lengths[label] = length
            elif length not in (1, lengths[label]):
                shapes = [(a.shape, getattr(a, "name", None)) for a in arrays]
                raise does_not_fit(
                    "einsum", shapes, f"In {subscripts!r}, {_say(label)} is {lengths[label]} and {length} long."
                )
    terms = [_without_stretched(x, labels, lengths) for x, labels in terms]
    for positions in _path(terms, result):
        chosen = [terms[i] for i in positions]
        terms = [term for i, term in enumerate(terms) if i not in positions]
        while len(chosen) > 1:
            (x, x_labels), (y, y_labels), *chosen = chosen
            later = {*result, *(label for _, labels in (*chosen, *terms) for label in labels)}
            x, x_labels = _summed(x, x_labels, later.union(y_labels))
            y, y_labels = _summed(y, y_labels, later.union(x_labels))
            last = not chosen and not terms
            out = result if last else tuple(label for label in dict.fromkeys(x_labels + y_labels) if label in later)
            chosen = [(contract(x, y, _spelled(x_labels, y_labels, out)), out), *chosen]
        terms += chosen
    x, labels = _summed(*terms[0], set(result))
    return x if labels == result else np.transpose(x, [labels.index(label) for label in result])


def _separate(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """Subscripts and operands, from either way of writing them."""
    if not operands:
        raise ValueError("einsum needs subscripts and operands: einsum('ij,jk->ik', x, y)")
    if isinstance(operands[0], str):
        return operands[0].replace(" ", ""), [as_operand(x) for x in operands[1:]]
    arrays, lists = operands[: len(operands) // 2 * 2 : 2], operands[1::2]
    said = [_letters(numbers) for numbers in (*lists, *operands[len(arrays) * 2 :])]
    arrow = "->" if len(operands) % 2 else ""
    return ",".join(said[: len(arrays)]) + arrow + "".join(said[len(arrays) :]), [as_operand(x) for x in arrays]


def _letters(numbers: Any) -> str:
    """[0, Ellipsis, 1] as 'A...B'."""
    try:
        return "".join("..." if n is Ellipsis else LETTERS[range(len(LETTERS))[n]] for n in numbers)
    except (TypeError, IndexError):
        raise ValueError(
            f"einsum: after each operand comes the list of its axes' numbers, 0 to {len(LETTERS) - 1}, not {numbers!r}:"
            " einsum(x, [0, 1], y, [1, 2], [0, 2]), or einsum('ij,jk->ik', x, y)"
        ) from None


@cache
def _labels(subscripts: str, ndims: tuple[int, ...]) -> tuple[list[Labels], Labels]:
    """The label of every axis, of each operand and of the result."""
    left, arrow, right = subscripts.partition("->")
    terms = left.split(",")
    for term in (*terms, right):
        if not re.fullmatch(r"[A-Za-z]*(\.\.\.)?[A-Za-z]*", term):
            raise ValueError(f"einsum: {subscripts!r} is not of letters, ',', one '->' and one '...' a term")
    if len(terms) != len(ndims):
        raise ValueError(f"einsum: {subscripts!r} is of {len(terms)} operands; {len(ndims)} given")
    counts = [ndim - len(term.replace("...", "")) for term, ndim in zip(terms, ndims, strict=True)]
    for term, ndim, count in zip(terms, ndims, counts, strict=True):
        if count < 0 or (count and "..." not in term):
            raise ValueError(f"einsum: {term!r} in {subscripts!r} does not name the {ndim} axes of its operand")
    most = max(count if "..." in term else 0 for term, count in zip(terms, counts, strict=True))
    every = [_expanded(term, range(most - count, most)) for term, count in zip(terms, counts, strict=True)]
    once = sorted(letter for letter in set(left) - set(",.") if left.count(letter) == 1)
    result = _expanded(right if arrow else "..." + "".join(once), range(most))
    if unknown := [label for label in result if not any(label in labels for labels in every)]:
        raise ValueError(f"einsum: {subscripts!r} has {unknown[0]!r} in the result and in no operand")
    if len(set(result)) < len(result):
        raise ValueError(f"einsum: {subscripts!r} has a letter twice in the result")
    if most and arrow and "..." not in right:
        raise ValueError(f"einsum: {subscripts!r} has '...' in an operand, so write it in the result too")
    return every, result


def _expanded(term: str, dots: range) -> Labels:
    """'i...j' with the numbers of the axes that the dots stand for."""
    before, found, after = term.partition("...")
    return (*before, *(dots if found else ()), *after)


def _say(label: Hashable) -> str:
    return f"the axis {label!r}" if isinstance(label, str) else "an axis of '...'"


def _spelled(x: Labels, y: Labels, out: Labels) -> str:
    """Labels as subscripts of letters."""
    letters = dict(zip(dict.fromkeys(x + y), string.ascii_letters, strict=False))
    return "{},{}->{}".format(*("".join(letters[label] for label in labels) for labels in (x, y, out)))


def _diagonal(x: Any, labels: Labels, subscripts: str) -> tuple[Any, Labels]:
    """An operand with every label once: 'iij' has become the diagonal 'ji'."""
    while len(set(labels)) < len(labels):
        again = next(label for label in labels if labels.count(label) > 1)
        first, second = (i for i, label in enumerate(labels) if label == again and labels[:i].count(label) < 2)
        if x.shape[first] != x.shape[second]:
            hint = f"In {subscripts!r}, {_say(again)} is {x.shape[first]} and {x.shape[second]} long."
            raise does_not_fit("einsum", [(x.shape, getattr(x, "name", None))], hint)
        x = np.diagonal(x, 0, first, second)
        labels = (*(label for i, label in enumerate(labels) if i not in (first, second)), again)
    return x, labels


def _without_stretched(x: Any, labels: Labels, lengths: dict[Hashable, int]) -> tuple[Any, Labels]:
    """An operand without the axes of length 1 that are longer in another: left out, they broadcast."""
    kept = [i for i, label in enumerate(labels) if x.shape[i] == lengths[label]]
    if len(kept) == len(labels):
        return x, labels
    return np.reshape(x, [x.shape[i] for i in kept]), tuple(labels[i] for i in kept)


def _summed(x: Any, labels: Labels, needed: set[Hashable]) -> tuple[Any, Labels]:
    """An operand summed over the axes that nothing else has."""
    lone = tuple(i for i, label in enumerate(labels) if label not in needed)
    return (np.sum(x, axis=lone), tuple(label for label in labels if label in needed)) if lone else (x, labels)


def _path(terms: list[tuple[Any, Labels]], result: Labels) -> list[tuple[int, ...]]:
    """Which operands to take together, step by step: NumPy's greedy choice."""
    if len(terms) < 3:
        return [tuple(range(len(terms)))]
    letters = dict(
        zip(dict.fromkeys(label for _, labels in terms for label in labels), string.ascii_letters, strict=False)
    )
    said = ["".join(letters[label] for label in labels) for labels in (*(labels for _, labels in terms), result)]
    shapes = [np.broadcast_to(0.0, x.shape) for x, _ in terms]
    path: list[Any] = np.einsum_path(f"{','.join(said[:-1])}->{said[-1]}", *shapes, optimize="greedy")[0]
    return path[1:]
