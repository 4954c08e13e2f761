"""`detect_anomaly`: where the first nan or infinity was made, forward or backward, and what was changed unseen."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ContextDecorator
from contextvars import Token
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import errors, plan
from tinygrad_edu.kept import Record, fingerprint, records
from tinygrad_edu.lines import here
from tinygrad_edu.mutation import changes
from tinygrad_edu.recording import recorder, watcher

if TYPE_CHECKING:
    from tinygrad_edu.graph import Node, Vertex

__all__ = ["detect_anomaly"]

Place = tuple[int, ...]


class detect_anomaly(ContextDecorator):  # noqa: N801 - PyTorch's name, and it reads as a statement
    """Stop at the first op, forward or backward, that makes nan or an infinity from finite numbers.

    A `with` block or a decorator, for a program that goes wrong: every op inside is looked at, and its line remembered.
    Raises `AnomalyError`, which names the op, the line, the place and the numbers there, before any `.grad` changes.
    An infinity that was in the inputs is none of its business, and neither is what is not recorded. What a rule needs
    is also checksummed: where it was changed through a bare array, `backward` raises `MutationError`. With
    `check_nan=False` it does only that. After
    https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.detect_anomaly

    >>> from tinygrad_edu import Tensor
    >>> x = Tensor([4.0, 0.0], requires_grad=True, name="x")
    >>> with detect_anomaly(), np.errstate(all="ignore"):
    ...     y = np.log(x)
    Traceback (most recent call last):
    tinygrad_edu.errors.AnomalyError: log of 0.0 (in 'x') at index (1,) gave -inf, in
        <doctest ...>:2: y = np.log(x)
    Logarithms are of numbers above 0: write np.log(np.maximum(x, 1e-12)), or log_softmax(x) for log(softmax(x)).
    """

    _tokens: tuple[Token[Any], Token[Any], Any] | None = None

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan

    def __enter__(self) -> None:
        watching = Watcher(self.check_nan)
        mode = recorder.get() and watching
        self._tokens = watcher.set(watching), recorder.set(mode), self._tokens

    def __exit__(self, _kind: object, _error: object, _traceback: object) -> None:
        watched, recorded, self._tokens = self._tokens  # type: ignore[misc] # entered
        recorder.reset(recorded)
        watcher.reset(watched)

    def _recreate_cm(self) -> detect_anomaly:
        return detect_anomaly(self.check_nan)  # one a call, as in recording.py


class Watcher:
    """Is told of every op that is recorded and of every rule that has run, inside `detect_anomaly`."""

    def __init__(self, check_nan: bool) -> None:
        self.check_nan = check_nan

    def recorded(self, node: Node, arguments: Sequence[Any], out: Any) -> None:
        """An op was applied to values, of operands and then of static parameters."""
        line = here()
        if self.check_nan:
            bad = first_bad(out, node.op.elementwise, arguments)
            if bad is not None and not _in_a_rule():
                values = list(_numbers(arguments[: len(node.operands)]))
                operands = [_operand(value, v, bad, out) for value, v in zip(values, node.inputs, strict=False)]
                raise errors.non_finite_result(node.op.name, operands, _at(out, bad), bad, line)
        records[node] = Record(line, tuple([fingerprint(value) for value in node.kept or ()]))
        changes.unseen()

    def handed(self, node: Node, index: int, g: Any, kept: Sequence[Any], handed: Any) -> None:
        """The rule of a node, for its operand `index`, made `handed` of the gradient `g` and of what was kept."""
        if not self.check_nan:
            return
        names, record = node.plan.names, records.get(node)
        g, handed = _bare(g), _bare(handed)
        known = dict(zip(names, map(_bare, kept), strict=True))
        # A result that is not finite comes from its inputs, or forward would have stopped; where forward was not
        # watched, it is what the rule made the gradient infinite with.
        inputs = [value for name, value in known.items() if name in node.op.parameters or record is not None]
        bad = first_bad(handed, node.op.elementwise, [g, *inputs])
        if bad is None:
            return
        told = [
            f"{name} = {_shown(v, bad, handed)}" for name, v in known.items() if next(_numbers([v]), None) is not None
        ]
        raise errors.non_finite_gradient(
            node.op.name,
            node.op.operand(index),
            node.inputs[index].name,
            _shown(g, bad, handed),
            told,
            _at(handed, bad),
            bad,
            record.line if record is not None else None,
        )


def first_bad(result: Any, elementwise: bool, inputs: Sequence[Any]) -> Place | None:
    """The first place where the result is infinite though its inputs are finite, or nan though they are not nan.

    Number by number where the op works so; else an input that is not finite anywhere explains every place.

    >>> first_bad(np.array([np.inf, np.nan]), True, [np.array([np.inf, 1.0]), 2.0])
    (1,)
    """
    nan, infinite = np.isnan(result), np.isinf(result)
    if not nan.any() and not infinite.any():
        return None
    for value in _numbers(inputs):
        nan = _unexplained(nan, np.isnan(value), elementwise)
        infinite = _unexplained(infinite, ~np.isfinite(value), elementwise)
    bad = nan | infinite
    return tuple(int(i) for i in np.argwhere(bad)[0]) if bad.any() else None


def _unexplained(bad: Any, given: Any, elementwise: bool) -> Any:
    """Where a result is bad that an input was not bad already."""
    if not given.any():
        return bad
    stretched = _broadcast(given, bad.shape) if elementwise else None
    return bad & (False if stretched is None else ~stretched)


def _in_a_rule() -> bool:
    """Whether this is the recorded backward pass: what a rule computes is looked at when it is done, and masked."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename != plan.RULES:
        frame = frame.f_back  # type: ignore[assignment] # None ends the loop
    return frame is not None


def _bare(value: Any) -> Any:
    """Arrays for Tensors: in a recorded backward pass the rules run on Tensors."""
    return tuple(map(_bare, value)) if isinstance(value, tuple | list) else getattr(value, "_value", value)


def _numbers(values: Any) -> Iterator[Any]:
    """The arrays and numbers among the values, also in tuples and lists."""
    for value in values:
        if isinstance(value, tuple | list):
            yield from _numbers(value)
        elif isinstance(value, int | float) or getattr(getattr(value, "dtype", None), "kind", "") in tuple("fiub"):
            yield value


def _broadcast(array: Any, shape: tuple[int, ...]) -> Any:
    """The array stretched to a shape; None where it does not fit."""
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        return None


def _at(array: Any, place: Place) -> str:
    return str(np.asarray(array)[place].item()) if not hasattr(array, "get") else str(array[place].get().item())


def _shown(value: Any, place: Place, result: Any) -> str:
    """The number of a value at the place of the result, where it has one there; else its range."""
    if isinstance(value, tuple | list):
        return ", ".join(_shown(item, place, result) for item in value)
    array = value.get() if hasattr(value, "get") else np.asarray(value)
    stretched = _broadcast(array, np.shape(result))
    if stretched is not None:
        return str(stretched[place].item())
    if array.size == 0:
        return f"an empty array of shape {array.shape}"
    return f"numbers from {array.min().item()} to {array.max().item()} in shape {array.shape}"


def _operand(value: Any, vertex: Vertex | Any, place: Place, result: Any) -> str:
    name = getattr(vertex, "name", None)
    return _shown(value, place, result) + (f" (in {name!r})" if name else "")
