"""Sequences of several lengths: with padding as one array, or packed without, for recurrent layers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.graph import array_of, wrap
from tinygrad_edu.nn.packed import PackedSequence
from tinygrad_edu.ops.composed import as_operand

__all__ = ["PackedSequence", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence", "pad_sequence"]


def pad_sequence(
    sequences: Sequence[Any], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Any:
    """Sequences (steps, ...) as one array, (longest, sequences, ...), with `batch_first` (sequences, longest, ...).

    ShapeError where what follows the steps differs; ValueError for another side than "right" and "left". After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_sequence.html

    >>> pad_sequence([np.array([1, 2, 3]), np.array([4])], batch_first=True)
    array([[1, 2, 3],
           [4, 0, 0]])
    """
    if padding_side not in ("right", "left"):
        raise ValueError(f"padding_side is 'right' or 'left', and {padding_side!r} was given")
    if len({s.shape[1:] for s in sequences}) != 1:
        shapes = [s.shape for s in sequences]
        raise ShapeError(f"pad_sequence takes sequences (steps, ...) that differ in their steps only, not {shapes}")
    longest = max(map(len, sequences))
    padded = []
    for s in sequences:
        missing = (0, longest - len(s)) if padding_side == "right" else (longest - len(s), 0)
        padded.append(np.pad(s, [missing] + [(0, 0)] * (s.ndim - 1), constant_values=padding_value))
    return np.stack(padded, axis=0 if batch_first else 1)


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """The steps of padded sequences, (longest, sequences, ...), without the padding.

    `lengths` says how many steps each has. They come with the longest first, or enforce_sorted=False sorts them, and
    what a layer makes of them is in their own order again. ShapeError for a length below 1, above the steps there
    are, or for other than one length a sequence; ValueError for lengths that are not sorted. After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html

    >>> pack_padded_sequence(np.array([[1, 2, 3], [4, 0, 0]]), [3, 1], batch_first=True).data
    array([1, 4, 2, 3])
    """
    x = as_operand(input)
    x = np.swapaxes(x, 0, 1) if batch_first else x
    counts = array_of(lengths)
    if counts.shape != x.shape[1:2] or not ((counts >= 1) & (counts <= len(x))).all():
        raise ShapeError(
            f"lengths says of each of the {x.shape[1]} sequences how many of its {len(x)} steps count, from 1 up, and"
            f" {counts.tolist()} was given"
        )
    order = inverse = None
    if not (np.diff(counts) <= 0).all():
        if enforce_sorted:
            raise ValueError(
                f"lengths {counts.tolist()} do not begin with the longest: write pack_padded_sequence(...,"
                " enforce_sorted=False)"
            )
        order = np.argsort(-counts, kind="stable")
        x, counts, inverse = x[:, order], counts[order], np.argsort(order)
    sizes = (counts > np.arange(counts[0])[:, None]).sum(axis=1)
    packed = PackedSequence(x[:0], wrap(sizes, None), *(None if i is None else wrap(i, None) for i in (order, inverse)))
    return packed.like(x)


def pack_sequence(sequences: Sequence[Any], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (steps, ...) packed, the longest first unless enforce_sorted=False.

    >>> pack_sequence([np.array([1, 2, 3]), np.array([4])]).batch_sizes
    Tensor([2, 1, 1])
    """
    return pack_padded_sequence(pad_sequence(sequences), [len(s) for s in sequences], enforce_sorted=enforce_sorted)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Any, Any]:
    """The sequences with padding, in the order in which they were packed, and their lengths.

    `total_length` pads further, to so many steps; ValueError where there are more. After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_packed_sequence.html

    >>> padded, lengths = pad_packed_sequence(pack_sequence([np.array([1, 2, 3]), np.array([4])]), batch_first=True)
    >>> padded, lengths
    (array([[1, 2, 3],
           [4, 0, 0]]), Tensor([3, 1]))
    """
    padded, lengths = sequence.padded(padding_value), sequence.lengths()
    if total_length is not None:
        if total_length < len(padded):
            raise ValueError(f"total_length={total_length} is below the {len(padded)} steps of the longest sequence")
        widths = [(0, total_length - len(padded))] + [(0, 0)] * (padded.ndim - 1)
        padded = np.pad(padded, widths, constant_values=padding_value)
    if sequence.unsorted_indices is not None:
        places = np.asarray(sequence.unsorted_indices)
        padded, lengths = padded[:, places], lengths[places]
    return np.swapaxes(padded, 0, 1) if batch_first else padded, wrap(lengths, None)
