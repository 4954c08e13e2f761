"""Embedding: rows of a table, picked by their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.device import CPU, is_cupy, moved
from tinygrad_edu.errors import ShapeError, mixed_devices
from tinygrad_edu.glance import seen
from tinygrad_edu.graph import Array
from tinygrad_edu.op import Op
from tinygrad_edu.ops.composed import as_operand
from tinygrad_edu.places import add_at, zeros
from tinygrad_edu.recording import no_grad
from tinygrad_edu.watch import bare

__all__ = ["embedding", "embedding_bag"]


def _picked(weight: Array, indices: Array, padding_idx: int | None) -> Array:  # noqa: ARG001 - the rule's
    """The rows of the weight with those numbers; on a GPU, where nobody looks, nan for one that is not there."""
    if not is_cupy(weight):
        return weight.take(indices, axis=0)
    there = (indices >= 0) & (indices < len(weight))
    return np.where(there[..., None], weight.take(indices * there, axis=0), weight.dtype.type(np.nan))


def _added(g: Array, indices: Array, padding_idx: int | None, count: int) -> Array:
    """A table of zeros with each row of g added where it was picked, but nothing in row `padding_idx`."""
    out = zeros(g, (count, g.shape[-1]))
    add_at(out, indices, g)
    if padding_idx is not None:
        out[padding_idx] = 0
    return out


def _picked_but_padding(g: Any, indices: Any, padding_idx: int | None) -> Any:
    """The rows of g, and zeros where the padding was picked: nothing of those came through."""
    rows = picked(g, indices, None)
    return rows if padding_idx is None else rows * (indices != padding_idx)[..., None]


picked: Op = Op(
    _picked,
    name="embedding",
    weight=lambda g, indices, padding_idx, weight_shape: added(g, indices, padding_idx, weight_shape[0]),
)
added: Op = Op(_added, name="embedding_rows", g=_picked_but_padding)


@bare
def _checked(indices: Any, rows: int) -> Array:
    """The indices as an array; TypeError where they are no whole numbers, IndexError for one that is no row."""
    indices = getattr(indices, "_value", indices)
    if indices.dtype.kind not in "iu":
        raise TypeError(
            f"embedding: the input holds the numbers of rows, whole numbers, and this one holds {indices.dtype}: write"
            " x.long(), or x.astype(int)."
        )
    wrong = (indices < 0) | (indices >= rows)
    if seen(wrong):
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = f" at place {place[0] if len(place) == 1 else place}" if place else ""
        raise IndexError(
            f"embedding: the index {indices[place]}{where} of the input is none of the table's {rows} rows, which are"
            f" 0 to {rows - 1}. {_remedy(int(indices[place]), int(indices.max()))}"
        )
    return indices


def _remedy(wrong: int, largest: int) -> str:
    """What to do about an index that is no row."""
    if wrong < 0:
        return (
            "Rows are not counted from the end: if it stands for padding, let a row stand for it,"
            " nn.Embedding(..., padding_idx=0), and write that row's number."
        )
    return f"Make the table larger, nn.Embedding({largest + 1}, ...), or look at how the indices were made."


def _renormalise(weight: Any, indices: Array, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are picked down, in place, so that none has a larger norm."""
    with no_grad():
        rows = np.unique(indices)
        norms = np.linalg.norm(weight.detach()[rows], norm_type, axis=1)
        large = norms.array > max_norm
        if large.any():
            weight[rows[large]] *= (max_norm / (norms[large] + 1e-7))[:, None]


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """The rows of `weight` whose numbers `input` holds: out[..., d] = weight[input[...], d].

    `input` holds whole numbers, in any shape; `weight` has the shape (rows, features), the result (*input.shape,
    features). A row that is picked several times gets the sum of the gradients; row `padding_idx` gets none. With
    `max_norm`, rows are first scaled down, in place, to have at most that norm, of order `norm_type`. Raises TypeError
    for other numbers, IndexError for one that is not a row, naming it and its place (on a GPU nobody
    looks, and nan is what comes of it). `scale_grad_by_freq` and `sparse`
    are refused with what to write instead. After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html

    >>> from tinygrad_edu import Tensor
    >>> table = Tensor([[0.0, 0.5], [1.0, 1.5], [2.0, 2.5]], requires_grad=True)
    >>> rows = embedding(np.array([2, 0, 2]), table)
    >>> rows.sum().backward()
    >>> rows, table.grad
    (Tensor([[2. , 2.5],
            [0. , 0.5],
            [2. , 2.5]], grad_fn=<embedding>), Tensor([[1., 1.],
            [0., 0.],
            [2., 2.]]))
    """
    if scale_grad_by_freq or sparse:
        name, way = (
            ("sparse", "the gradient is an array of the table's size here: leave sparse out, the numbers are the same")
            if sparse
            else ("scale_grad_by_freq", "divide the rows' gradients by np.bincount(indices) in a hook, register_hook")
        )
        raise ValueError(f"embedding: {name}=True is not here: {way}.")
    weight = as_operand(weight)
    if weight.ndim != 2:
        raise ShapeError(f"embedding: the table has the shape (rows, features), and this one {weight.shape}.")
    indices = as_operand(input)
    if is_cupy(getattr(indices, "_value", indices)) != is_cupy(getattr(weight, "_value", weight)):
        raise mixed_devices("embedding", [indices, weight], ("the input", "the table"))
    rows = weight.shape[0]
    indices = _checked(indices, rows)
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise ValueError(f"embedding: padding_idx={padding_idx} is none of the {rows} rows.")
        padding_idx %= rows
    if max_norm is not None:
        _renormalise(weight, indices, max_norm, norm_type)
    return picked(weight, indices, padding_idx)


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """The sum, mean or maximum of the rows of every bag of numbers: (bags, features).

    A bag is a row of `input`; or `input` has one axis, and bag i begins at place offsets[i] of it. `mode` is "sum",
    "mean" or "max"; of an empty bag, zeros. `per_sample_weights` weigh the rows of a sum. Row `padding_idx` does not
    count. Other arguments and errors are those of `embedding`; ValueError for offsets that do not go up from 0, and
    for what does not go together. After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding_bag.html

    >>> table = np.array([[0.0, 0.5], [1.0, 1.5], [2.0, 2.5]])
    >>> embedding_bag(np.array([1, 2, 0]), table, np.array([0, 2]), mode="sum")
    array([[3. , 4. ],
           [0. , 0.5]])
    """
    if mode not in ("sum", "mean", "max") or (per_sample_weights is not None and mode != "sum"):
        raise ValueError(f"mode is 'sum', 'mean' or 'max', and weights are for a sum: {mode!r} was given")
    words = as_operand(getattr(input, "_value", input))
    if (words.ndim == 2) != (offsets is None) or words.ndim not in (1, 2):
        raise ValueError(f"embedding_bag takes rows of numbers, or one axis and offsets=, not shape {words.shape}")
    weights, counted = per_sample_weights, None
    if words.ndim == 1:
        words, weights, counted = _bags(words, offsets, include_last_offset, weights)
    if padding_idx is not None:
        real = words != padding_idx % len(weight)
        counted = real if counted is None else counted & real
    rows = embedding(words, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)  # (bags, words, ...)
    if weights is not None:
        rows = rows * weights[..., None]
    if counted is None:
        return rows.sum(axis=1) if mode == "sum" else rows.mean(axis=1) if mode == "mean" else rows.max(axis=1)
    some = counted[..., None]
    if mode == "max" and words.shape[1]:
        return np.where(some.any(axis=1), np.where(some, rows, -np.inf).max(axis=1), 0)
    total, one = np.where(some, rows, 0).sum(axis=1), rows.dtype.type(1)
    return total if mode != "mean" else total / np.maximum(some.sum(axis=1, dtype=rows.dtype), one)


def _bags(words: Array, offsets: Any, include_last: bool, weights: Any) -> tuple[Array, Any, Array]:
    """Words, and their weights, with a row for each bag, and which of them are in it; offsets are read on the host."""
    starts = np.asarray(moved(getattr(offsets, "_value", offsets), CPU))
    starts = starts[:-1] if include_last else starts
    counts = np.diff([*starts, words.size])
    if len(starts) and (starts[0] != 0 or (counts < 0).any()):
        raise ValueError(f"offsets say where bags begin: they go up from 0 to at most {words.size}, not {starts}")
    along = np.arange(counts.max(initial=0))
    places = np.asarray(np.minimum(starts[:, None] + along, words.size - 1), like=words)
    counted = np.asarray(along < counts[:, None], like=words)
    return words[places], None if weights is None else weights[places], counted
