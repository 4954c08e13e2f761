"""`detect_anomaly`: where the first nan or infinity was made, forward or backward, and what was changed unseen."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ContextDecorator
from contextvars import Token
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import errors, plan
from tinygrad_edu.device import library_of
from tinygrad_edu.kept import Record, fingerprint, records
from tinygrad_edu.lines import here
from tinygrad_edu.mutation import changes
from tinygrad_edu.recording import Function, check_runs_at_once
from tinygrad_edu.watch import Watch, watcher, watchers

if TYPE_CHECKING:
    from tinygrad_edu.graph import Node, Vertex
    from tinygrad_edu.op import Op
    from tinygrad_edu.tensor import Tensor

__all__ = ["detect_anomaly"]

Place = tuple[int, ...]


class detect_anomaly(ContextDecorator):  # noqa: N801 - PyTorch's name, and it reads as a statement
    """Stop at the first op, forward or backward, that makes nan or an infinity from finite numbers.

    A `with` block or a decorator, for a program that goes wrong: every op inside is looked at, and its line remembered.
    Raises `AnomalyError`, which names the op, the line, the place and the numbers there, before any `.grad` changes.
    An infinity or nan that was in the inputs is none of its business, until `backward` starts from nan: then it says
    where that came in. What a rule needs is also checksummed: where it was changed through a bare array, `backward`
    raises `MutationError`. With `check_nan=False` it does only that. It holds for this thread or task. After
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

    _entered: tuple[Token[Any], Watcher, Any] | None = None  # and those below: a block may stand inside itself

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan

    def __enter__(self) -> None:
        opened = Watcher(self.check_nan)
        watchers.append(opened)
        self._entered = watcher.set(opened), opened, self._entered

    def __exit__(self, _kind: object, _error: object, _traceback: object) -> None:
        token, opened, self._entered = self._entered  # type: ignore[misc] # entered
        watchers.remove(opened)
        watcher.reset(token)

    def __call__(self, func: Function) -> Function:
        check_runs_at_once(func, "detect_anomaly")
        return super().__call__(func)

    def _recreate_cm(self) -> detect_anomaly:
        return detect_anomaly(self.check_nan)  # one a call, as in recording.py


class Watcher(Watch):
    """Is told, inside `detect_anomaly`, of every op that was applied, every rule that has run and every sum."""

    def __init__(self, check_nan: bool) -> None:
        self.check_nan = check_nan
        self.came_in: str | None = None  # where an op first met nan that no op made
        self.sums: dict[Vertex, Any] = {}  # what has arrived at a vertex so far, in this backward pass

    def applied(self, op: Op, arguments: Sequence[Any], result: Any, node: Node | None) -> None:
        """An op was applied to operands and static parameters; `node`, if it was recorded."""
        line, out = here(), _bare(result)
        if self.check_nan and not _in_a_rule():
            values = [_bare(argument) for argument in arguments]
            operands = arguments[: len(arguments) - len(op.static)]
            bad = first_bad(out, op.elementwise, values)
            if bad is None and not op.elementwise and not np.isfinite(out).all():
                bad = _bad_without_given(op, values, out)
            if bad is not None:
                told = [_operand(operand, bad, out) for operand in operands]
                at = [_single(value, bad, out) for value in values[: len(operands)]]
                raise errors.non_finite_result(op.name, told, at, _at(out, bad), bad, line)
            if self.came_in is None and np.isnan(out).any():
                self.came_in = next((f"{where}, in\n    {line}" for o in operands if (where := _given_nan(o))), None)
        if node is not None:
            records[node] = Record(line, tuple([fingerprint(value) for value in node.kept or ()]))
            changes.unseen()

    def changed(self, op: Op, tensor: Tensor, before: Any, other: Any) -> None:
        """The memory of a tensor was changed in place by an op; `before`: what it held."""
        self.applied(op, (before, other), tensor, None)

    def started(self, roots: Iterable[Tensor]) -> None:
        """A backward pass starts from these."""
        self.sums.clear()
        for root in roots:
            if self.check_nan and root.grad_fn is not None and np.isnan(root._value).any():
                raise errors.nan_to_begin_with(root.name, self.came_in)

    def arrived(self, vertex: Vertex, handed: Any, contribution: Any, total: Any) -> None:
        """What a rule handed to a vertex was made its contribution, and added to what had arrived before."""
        handed, contribution, total = _bare(handed), _bare(contribution), _bare(total)
        before = self.sums.get(vertex)
        self.sums[vertex] = total
        if not self.check_nan:
            return
        if (bad := first_bad(contribution, False, [handed])) is not None:
            raise errors.overflowing_gradient(vertex, _at(contribution, bad), bad, None)
        if before is not None and (bad := first_bad(total, True, [before, contribution])) is not None:
            raise errors.overflowing_gradient(vertex, _at(total, bad), bad, (_at(before, bad), _at(contribution, bad)))

    def hooked(self, vertex: Vertex, g: Any, answer: Any) -> None:
        """The hooks of a vertex were given g and made `answer` of it."""
        g, answer = _bare(g), _bare(answer)
        if self.check_nan and (bad := first_bad(answer, True, [g])) is not None:
            raise errors.non_finite_hook(vertex, str(_single(g, bad, answer)), _at(answer, bad), bad)

    def accumulating(self, leaf: Vertex, earlier: Any, g: Any) -> None:
        """The gradient `g` of a leaf is about to be added to its `.grad`."""
        if earlier is not None:
            self.sums[leaf] = _bare(earlier)
            self.arrived(leaf, g, g, _bare(earlier) + _bare(g))

    def handed(
        self,
        node: Node,
        index: int,
        g: Any,
        kept: Sequence[Any],
        handed: Any,
        part: bool,  # noqa: ARG002 - the whole is looked at
        masked: bool,  # noqa: ARG002 - what was masked is finite
    ) -> None:
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


def _bad_without_given(op: Op, values: Sequence[Any], out: Any) -> Place | None:
    """The first place where the result of an op is not finite, and would not be without what was given so.

    An infinity anywhere explains every place of a sum or a product of matrices, but need not have a part in each.
    """
    finite = [np.where(np.isfinite(v), v, v.dtype.type(1))[()] if _floats(v) else v for v in values]
    try:
        again = op.forward(*finite)
    except Exception:  # what stands in for the infinities may be no matrix that it takes
        return None
    bad = ~np.isfinite(again[0] if op.beside else again)
    bad = bad & ~np.isfinite(out) if bad.shape == out.shape else library_of(out).zeros(out.shape, bool)
    return tuple(int(i) for i in np.argwhere(bad)[0]) if bad.any() else None


def _floats(value: Any) -> bool:
    return getattr(getattr(value, "dtype", None), "kind", "") == "f"


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


def _host(value: Any) -> Any:
    return value.get() if hasattr(value, "get") else np.asarray(value)


def _at(array: Any, place: Place) -> str:
    return str(_host(array)[place].item())


def _shown(value: Any, place: Place, result: Any) -> str:
    """The number of a value at the place of the result, where it has one there; else its range."""
    if isinstance(value, tuple | list):
        return ", ".join(_shown(item, place, result) for item in value)
    array = _host(value)
    stretched = _broadcast(array, np.shape(result))
    if stretched is not None:
        return str(stretched[place].item())
    if array.size == 0:
        return f"an empty array of shape {array.shape}"
    return f"numbers from {array.min().item()} to {array.max().item()} in shape {array.shape}"


def _single(value: Any, place: Place, result: Any) -> float | None:
    """The number of a value at the place of the result, where it has one there."""
    stretched = None if isinstance(value, tuple | list) else _broadcast(_host(value), np.shape(result))
    return None if stretched is None else float(stretched[place])


def _operand(operand: Any, place: Place, result: Any) -> str:
    name = getattr(operand, "name", None)
    return _shown(_bare(operand), place, result) + (f" (in {name!r})" if name else "")


def _given_nan(operand: Any) -> str | None:
    """Where nan stands in an operand that no recorded op made; None where there is none."""
    if isinstance(operand, tuple | list):
        return next((where for item in operand if (where := _given_nan(item))), None)
    value = _host(_bare(operand))
    if getattr(operand, "grad_fn", None) is not None or value.dtype.kind != "f" or not np.isnan(value).any():
        return None
    name = getattr(operand, "name", None)
    place = errors.somewhere(tuple(int(i) for i in np.argwhere(np.isnan(value))[0]))
    return f"{repr(name) if name else f'an operand of shape {value.shape}'}{place}"
