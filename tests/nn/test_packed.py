"""Sequences of several lengths: padded, packed, and through recurrent layers as each would go alone."""

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import errors, nn
from tinygrad_edu.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence, pad_sequence

LENGTHS = [3, 5, 1, 5]
EACH = [np.random.default_rng(n).standard_normal((length, 4)) for n, length in enumerate(LENGTHS)]
MAKERS: list[Any] = [
    lambda library: library.RNN(4, 3, nonlinearity="relu"),
    lambda library: library.LSTM(4, 3, num_layers=2, bidirectional=True),
    lambda library: library.LSTM(4, 6, proj_size=3, bidirectional=True, num_layers=2, bias=False),
    lambda library: library.GRU(4, 3, bidirectional=True),
]


def flat(found: Any) -> list[Any]:
    return [part for f in found for part in flat(f)] if isinstance(found, tuple) else [found]


@pytest.mark.parametrize("make", MAKERS)
def test_every_sequence_goes_as_it_would_alone(make: Any) -> None:
    layer = make(nn).double()
    out, state = layer(pack_sequence([tg.tensor(s) for s in EACH], enforce_sorted=False))
    padded, lengths = pad_packed_sequence(out, batch_first=True)
    assert lengths.tolist() == LENGTHS
    for i, sequence in enumerate(EACH):
        alone, end = layer(tg.tensor(sequence))
        np.testing.assert_allclose(padded[i, : len(sequence)].detach(), alone.detach(), rtol=1e-12)
        assert (padded[i, len(sequence) :].detach() == 0).all()
        for part, expected in zip(flat(state), flat(end), strict=True):
            np.testing.assert_allclose(part[:, i].detach(), expected.detach(), rtol=1e-12)


@pytest.mark.parametrize("make", MAKERS)
def test_values_and_gradients_are_pytorchs(make: Any) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
    theirs, ours = make(torch.nn).double(), make(nn).double()
    ours.load_state_dict(theirs.state_dict())
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    found = []
    for library, layer in ((tg, ours), (torch, theirs)):
        rnn = library.nn.utils.rnn
        each = [library.tensor(s, requires_grad=True) for s in EACH]
        padded = rnn.pad_sequence(each, batch_first=True, padding_value=7.0)
        packed = rnn.pack_padded_sequence(padded, library.tensor(LENGTHS), batch_first=True, enforce_sorted=False)
        first, start = layer(packed)
        out, state = layer(packed, start)
        again, lengths = rnn.pad_packed_sequence(out, total_length=6, padding_value=-1.0)
        sum((part**2).sum() for part in (again, *flat(state))).backward()
        every = [packed.data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices, first.data, again]
        found.append([
            t.detach().numpy()
            for t in (*every, lengths, *flat(state), *(s.grad for s in each), *(p.grad for p in layer.parameters()))
        ])  # fmt: skip
    for mine, other in zip(*found, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-12)


def test_sequences_that_are_sorted_need_no_indices() -> None:
    packed = pack_sequence([tg.arange(3), tg.arange(2)])
    assert (packed.data.tolist(), packed.batch_sizes.tolist()) == ([0, 0, 1, 1, 2], [2, 2, 1])
    assert packed.sorted_indices is packed.unsorted_indices is None


def test_padding_on_the_left() -> None:
    assert pad_sequence([tg.arange(3), tg.arange(1, 2)], True, padding_side="left").tolist() == [[0, 1, 2], [0, 0, 1]]


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda x: pack_padded_sequence(x, [1, 3]), ValueError, "enforce_sorted=False"),
        (lambda x: pack_padded_sequence(x, [3]), errors.ShapeError, "each of the 2 sequences"),
        (lambda x: pack_padded_sequence(x, [4, 1]), errors.ShapeError, r"its 3 steps count, from 1 up, and \[4, 1\]"),
        (lambda x: pack_padded_sequence(x, [3, 0]), errors.ShapeError, "from 1 up"),
        (lambda x: pad_sequence([x, x[:, :, :1]]), errors.ShapeError, r"differ in their steps only.*\(3, 2, 1\)"),
        (lambda x: pad_sequence([x], padding_side="top"), ValueError, "'right' or 'left'"),
        (lambda x: pad_packed_sequence(pack_padded_sequence(x, [3, 1]), total_length=2), ValueError, "the 3 steps"),
        (lambda x: nn.LSTM(5, 2)(pack_padded_sequence(x, [3, 1])), errors.ShapeError, "input_size=5"),
        (lambda _: nn.LSTM(5, 2, proj_size=2), ValueError, "below hidden_size=2"),
    ],
)
def test_what_cannot_be_is_told(call: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call(tg.ones(3, 2, 4))
