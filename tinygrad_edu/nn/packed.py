"""Sequences of several lengths without their padding, which recurrent layers take."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.ops import setitem

__all__ = ["PackedSequence"]


class PackedSequence(NamedTuple):
    """The first step of every sequence, then every second one, and so on, in one axis; the longest sequence is first.

    Made by `nn.utils.rnn.pack_padded_sequence` and `pack_sequence`; recurrent layers take one and give one. After
    https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.PackedSequence.html
    """

    data: Any  # (all steps, features)
    batch_sizes: Any  # how many sequences have a first step, a second, ...
    sorted_indices: Any = None  # which sequence of the learner's is first here, second, ...; None: they were in order
    unsorted_indices: Any = None  # where each of the learner's is here

    def lengths(self) -> Any:
        """How many steps each sequence has, in the order of the packing."""
        sizes = np.asarray(self.batch_sizes)
        return (sizes[:, None] > np.arange(sizes[0])).sum(axis=0)

    def places(self) -> tuple[Any, Any]:
        """Step and sequence of every row of the data."""
        sizes = np.asarray(self.batch_sizes)
        return np.repeat(np.arange(len(sizes)), sizes), np.concatenate([np.arange(size) for size in sizes])

    def padded(self, value: float = 0.0) -> Any:
        """The sequences in the order of the packing: (steps, sequences, features), with `value` behind their ends."""
        sizes = np.asarray(self.batch_sizes)
        shape = (len(sizes), int(sizes[0]), *self.data.shape[1:])
        room = np.full_like(getattr(self.data, "_value", self.data), value, shape=shape)
        return setitem(room, self.data, self.places())

    def like(self, padded: Any) -> PackedSequence:
        """Another packing of the same lengths, of the steps in (steps, sequences, features)."""
        return self._replace(data=padded[self.places()])
