"""What can go wrong, each with the way out in its message.

Every class is also the built-in class that a NumPy or PyTorch program would already catch, so
`except ValueError` around a mismatched product, or `except RuntimeError` around `backward`, works unchanged.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tinygrad_edu.graph import Vertex
    from tinygrad_edu.op import Op

__all__ = [
    "AccumulationWarning",
    "AnomalyError",
    "CaptureError",
    "CheckpointError",
    "DataError",
    "DerivativeError",
    "DeviceError",
    "ExpressionError",
    "FreedGraphError",
    "GradientDtypeError",
    "GradientShapeError",
    "HistoryWarning",
    "HostCopyError",
    "InPlaceError",
    "MissingGradientWarning",
    "MutationError",
    "NoGradientPathError",
    "NonScalarBackwardError",
    "RenderError",
    "RuleError",
    "ShapeError",
    "StateDictError",
    "TinygradError",
    "TrainingError",
    "UnregisteredWarning",
    "UnsupportedError",
]


class TinygradError(Exception):
    """The base of every error that this package raises on purpose."""


class ShapeError(TinygradError, ValueError):
    """Operands whose shapes do not fit the op; names the op, the shapes and the tensors."""


class GradientDtypeError(TinygradError, TypeError, RuntimeError):
    """A gradient was asked of integers, booleans or complex numbers (TypeError; RuntimeError in PyTorch)."""


class GradientShapeError(TinygradError, ValueError, RuntimeError):
    """A gradient that has not the shape of the tensor it belongs to."""


class NonScalarBackwardError(TinygradError, RuntimeError):
    """`backward()` without a gradient on a tensor that is not one number."""


class FreedGraphError(TinygradError, RuntimeError):
    """A second backward pass through a graph whose kept values the first one freed."""


class NoGradientPathError(TinygradError, RuntimeError):
    """A gradient was asked where no recorded path leads."""


class MutationError(TinygradError, RuntimeError):
    """A value that the graph keeps was changed in place before backward could use it."""


class AnomalyError(TinygradError, RuntimeError):
    """Finite numbers became nan or infinite, inside `detect_anomaly`; names the op, the place and the line."""


class InPlaceError(TinygradError, RuntimeError):
    """An in-place change that recording cannot follow: a leaf that requires grad."""


class DerivativeError(TinygradError, TypeError):
    """An op was asked for a derivative that it does not declare, or a rule returned no usable gradient."""


class RuleError(DerivativeError):
    """A rule that is wrong by itself: it returned no usable gradient, or cannot be differentiated in its turn."""


class UnsupportedError(TinygradError, TypeError):
    """A NumPy function, or an option of one, that has no op here; says how to declare one."""


class DeviceError(TinygradError, RuntimeError):
    """A device that is not there, or tensors on different ones."""


class HostCopyError(DeviceError):
    """Inside `cuda.no_copies()` something read an array of a GPU on the host; names the line."""


class ExpressionError(TinygradError, SyntaxError):
    """A command-line expression that is not arithmetic over the allowed names; points at the character."""


class StateDictError(TinygradError, RuntimeError):
    """A `state_dict` that does not fit the module; names all that is missing, unexpected or mis-shaped."""


class RenderError(TinygradError, RuntimeError):
    """No Graphviz to draw with, or a drawing that Graphviz refused."""


class CaptureError(TinygradError, RuntimeError):
    """A function that cannot be written down as straight lines, or does something else each time."""


class CheckpointError(TinygradError, RuntimeError):
    """A file that `load` cannot take: cut short, damaged, or of another kind; names the file and what to do."""


class DataError(TinygradError, ValueError):
    """Data that cannot be learned from as it is: text or nan among numbers, lengths that differ; names the place."""


class TrainingError(TinygradError, RuntimeError):
    """A training that cannot go on: its loss is nan, or nothing is learned from it; `history` holds the epochs."""

    def __init__(self, message: str, history: Any = None) -> None:
        super().__init__(message)
        self.history = history


class HistoryWarning(UserWarning):
    """Numbers of a tensor that requires grad went where no gradient can follow."""


class AccumulationWarning(UserWarning):
    """A backward pass added to the `.grad` that an earlier one left."""


class MissingGradientWarning(UserWarning):
    """A `.grad` was used that is None though a backward pass has run: no result depended on it, or it was not kept."""


class UnregisteredWarning(UserWarning):
    """A module holds parameters in a plain list, tuple or dict, where no optimiser would find them."""


def does_not_fit(op: str, operands: Sequence[tuple[tuple[int, ...], str | None]], hint: str) -> ShapeError:
    """The error for operands, each a shape and a name, that `op` cannot combine."""
    said = [f"{name!r} of shape {shape}" if name else f"shape {shape}" for shape, name in operands]
    return ShapeError(
        f"{op}: {' and '.join(said)} {'do' if len(said) > 1 else 'does'} not fit. {hint or BROADCAST_HINT}"
    )


def failed(op: Op, operands: Sequence[Any], error: Exception) -> Exception:
    """What to raise where `op` raised `error`: a `ShapeError` with the way out for shapes that do not fit."""
    if are_mixed(operands):
        return mixed_devices(op.name, operands, () if op.variadic else op.operands)
    known = [(np.shape(getattr(o, "_value", o)), getattr(o, "name", None)) for o in operands]
    if op.hint and any(shape == () for shape, _ in known):  # a product of matrices, with a single number
        return does_not_fit(op.name, known, op.hint)
    if isinstance(error, np.linalg.LinAlgError):
        shapes = " and ".join(str(shape) for shape, _ in known)
        return type(error)(f"{op.name} of shape {shapes}: {str(error).rstrip('.')}. {_matrix_hint(str(error))}".strip())
    about_shape = re.search(r"shape|broadcast|size|dimension|axes|axis|match|align|mismatch|core", str(error))
    fits = op.elementwise and broadcasts([shape for shape, _ in known])
    if isinstance(error, TinygradError):
        return error  # which says all
    if type(error) is not ValueError or fits or not about_shape:
        error.add_note(f"in {op.name} of operands with (shape, name): {known}")
        return error
    return does_not_fit(op.name, known, op.hint or (f"NumPy says: {error}." if len(known) == 1 else ""))


def mixed_devices(what: str, operands: Sequence[Any], called: Sequence[str] = ()) -> DeviceError:
    """The error for arrays on different devices: each by its name, or as `called` says, or by its place."""
    values = [getattr(o, "_value", o) for o in operands]
    homes = {i: home for i, value in enumerate(values) if (home := _home(value)) is not None}
    there = next(home for home in homes.values() if home != "cpu")
    known = list(zip_longest([getattr(o, "name", None) for o in operands], called))
    names = [repr(name) if name else other or f"operand {i + 1}" for i, (name, other) in enumerate(known)]
    said = [f"{names[i]} of shape {np.shape(values[i])} is on {home}" for i, home in homes.items()]
    name, other = known[next(i for i, home in homes.items() if home != there)]
    what_to_move = name or (other if other and other.isidentifier() else "x")
    return DeviceError(
        f"{what}: {', '.join(said)}, and one computation runs on one device. Write {what_to_move}.to({there!r}), best"
        " once, where it is made."
    )


def are_mixed(operands: Sequence[Any]) -> bool:
    """Whether arrays live on different devices; single numbers on the host go with any array."""
    return len({_home(getattr(o, "_value", o)) for o in operands} - {None}) > 1


def gradient_elsewhere(g: Any, tensor: Any) -> DeviceError:
    """The error for a gradient that is not where its tensor is."""
    return DeviceError(
        f"a gradient lives where its tensor{_called(tensor.name)} does, on {tensor.device}, and this one, of shape"
        f" {g.shape}, is on {g.device}: write g.to({str(tensor.device)!r})"
    )


def _home(value: Any) -> str | None:
    """Where an array is; None for a number and whatever else is nowhere."""
    if isinstance(value, np.ndarray):
        return "cpu"
    return f"cuda:{value.device.id}" if hasattr(value, "__cuda_array_interface__") else None


def _matrix_hint(said: str) -> str:
    if "ingular" in said:
        return "It has no inverse: use pinv or lstsq, or add a little to its diagonal, x + 1e-6 * np.eye(n)."
    if "definite" in said:
        return "Take x @ x.T, and add a little to its diagonal, + 1e-6 * np.eye(n)."
    if "unsupported" in said:
        return "Write x.astype(np.float32)."
    return "The last two axes are those of the matrix." if "imension" in said else ""


def broadcasts(shapes: Sequence[tuple[int, ...]]) -> bool:
    """Whether NumPy can stretch the shapes to one."""
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


BROADCAST_HINT = (
    "Written one under the other and aligned at the right, two lengths must be equal or one of them 1;"
    " reshape or transpose one operand so that they are."
)


def _called(name: str | None) -> str:
    return f" (the tensor named {name!r})" if name else ""


def no_gradient_path(what: str, name: str | None) -> NoGradientPathError:
    """The error for a tensor that no recorded path connects to anything that requires grad."""
    return NoGradientPathError(
        f"{what}{_called(name)} does not require grad: it was made from nothing that does, or under no_grad(), or was"
        " cut off by detach(), .data or .array. Make the inputs with Tensor(..., requires_grad=True) and compute with"
        " recording on."
    )


def unused_input(index: int, name: str | None) -> NoGradientPathError:
    """The error for an input of `grad` that the outputs do not depend on."""
    return NoGradientPathError(
        f"the outputs do not depend on input {index}{_called(name)}: no path of the graph leads to it."
        " Pass allow_unused=True to get None for it."
    )


def non_scalar_backward(shape: tuple[int, ...], name: str | None) -> NonScalarBackwardError:
    """The error for `backward()` from many numbers at once."""
    return NonScalarBackwardError(
        f"backward() starts from one number, but this tensor{_called(name)} has shape {shape}."
        " Reduce it first, t.sum().backward() or t.mean().backward(), or say how much each number counts:"
        " t.backward(gradient) with a gradient of that shape."
    )


def gradient_shape(got: tuple[int, ...], wanted: tuple[int, ...], name: str | None) -> GradientShapeError:
    """The error for a gradient of another shape than its tensor."""
    return GradientShapeError(
        f"a gradient has the shape of its tensor{_called(name)}, {wanted}; this one has {got}. Reshape or broadcast it."
    )


def gradient_dtype(dtype: object, name: str | None) -> GradientDtypeError:
    """The error for `requires_grad` on numbers that have no derivatives here."""
    return GradientDtypeError(
        f"only floating-point numbers carry a gradient, and this tensor{_called(name)} holds {dtype}."
        " Write Tensor(2.0, requires_grad=True) with a decimal point, or Tensor(data, dtype=float, requires_grad=True)."
    )


def freed_graph(op: str, name: str | None) -> FreedGraphError:
    """The error for a second backward pass through the same graph."""
    return FreedGraphError(
        f"backward ran through this graph already, and what {op}{_called(name)} kept for it is freed."
        " Compute the result again before each backward(), or write backward(retain_graph=True) the first time."
    )


def changed_value(
    op: str, operand: str, name: str | None, seen: bool, changed_in: str | None, kept_in: str | None
) -> MutationError:
    """The error for a value changed between its use, in line `kept_in`, and backward, by line `changed_in`.

    `seen`: the change was made through a Tensor, so that the engine knows which line made it.
    """
    how = "in place since" + (f" by\n    {changed_in}\n" if changed_in else ", ")
    unseen = "since, not through a Tensor but through a bare array on the same memory (t.array, from_numpy), "
    kept = f" in\n    {kept_in}\n" if kept_in else " "
    told = "" if kept_in else " Inside `with detect_anomaly():` this error also names the line that kept it."
    return MutationError(
        f"{op} kept its {operand!r}{_called(name)} for backward{kept}and that memory was changed"
        f" {how if seen else unseen}so the gradient would be wrong. Call backward() before the change, or change a"
        f" copy: t.clone().{told}"
    )


def raise_replaced(leaf: Vertex, _: object) -> None:
    """Raise the error for a leaf that was assigned `data` of another shape or dtype after the graph used it."""
    raise MutationError(
        f"this tensor{_called(leaf.name)} was assigned .data of another shape or dtype after the graph used it with"
        f" shape {leaf.shape}, {leaf.dtype}: call backward() before the assignment, or compute the result again."
    )


def bad_rule(op: str, operand: str, handed: object, shape: tuple[int, ...]) -> RuleError:
    """The error for a rule that returned what cannot be a gradient of its operand."""
    got = (
        f"shape {np.shape(handed)}, dtype {getattr(handed, 'dtype', None)}"
        if hasattr(handed, "shape")
        else repr(handed)
    )
    return RuleError(
        f"the rule of {op} for {operand!r} returned {got}; the gradient of an operand of shape {shape} is an array of"
        " floats of that shape, or of a shape that broadcasting made from it (the engine sums that back)."
    )


def no_array(op: str, value: Any) -> DerivativeError:
    """The error for an op whose function returned what no Tensor can hold."""
    what = f"an array of {value.dtype}" if hasattr(value, "dtype") else f"a {type(value).__name__}"
    way = "is `return` missing?" if value is None else "return one array, or make an op of each result."
    return DerivativeError(
        f"the function of {op} returned {what}, and an op has one result, an array of numbers: {way}"
    )


def whole_numbers(op: str, dtype: object) -> DerivativeError:
    """The error for an op with a rule whose result can carry no gradient."""
    return DerivativeError(
        f"{op} has a rule, but its result holds {dtype}, which carries no gradient: have its function return floats,"
        " or pass t.detach()."
    )


def writes(op: str, what: str) -> RuleError:
    """The error for an op that writes to what it was given."""
    return RuleError(
        f"{what} of {op} writes to what it was given, which the graph and other branches use too: make a new array, as"
        " g * (x > 0) or np.where(x > 0, g, 0), or change a copy, g.copy()."
    )


def hidden_operand(op: str) -> DerivativeError:
    """The error for a Tensor that requires grad in a list, tuple or dict that is a setting of an op."""
    return DerivativeError(
        f"{op} was given a tensor that requires grad inside a list, tuple or dict, where no gradient can flow to it:"
        " make it an operand of its own, with a rule, or pass t.detach()."
    )


def no_by_products(op: str, count: int) -> DerivativeError:
    """The error for a forward function that does not return what `beside` promises."""
    return DerivativeError(
        f"the forward function of {op} returns a tuple, its result and the {count} that `beside` names:"
        " write return out, s"
    )


def returned_tensor(op: str) -> DerivativeError:
    """The error for a function of arrays that returned a Tensor."""
    return DerivativeError(
        f"the function of {op} returned a Tensor, and it computes on arrays: a Tensor from outside that it uses has to"
        " be an operand with a rule of its own, or t.numpy() where no gradient is to flow to it."
    )


def tensor_in_rule(op: str, operand: str) -> RuleError:
    """The error for a rule that made a Tensor of arrays."""
    return RuleError(
        f"the rule of {op} for {operand!r} made a Tensor of arrays, with one from outside: make that an operand of the"
        " op, and name it in the rule, or write t.numpy() where no gradient is to flow to it."
    )


def rule_without_ops(op: str) -> RuleError:
    """The error for a rule whose result does not remember that it came from the gradient."""
    return RuleError(
        f"a rule of {op} leaves the graph (.array, .numpy(), np.asarray, or a library other than NumPy), so it has no"
        " derivative itself: write it in NumPy functions of g, or of other ops."
    )


def leaf_in_place(name: str | None) -> InPlaceError:
    """The error for a recorded in-place change of a leaf that requires grad."""
    return InPlaceError(
        f"this tensor{_called(name)} is a leaf that requires grad, and changing it in place would leave nothing to"
        " differentiate by. For an update write `with no_grad(): w -= lr * w.grad`, or `w = w - lr * g` for a new w."
    )


def view_in_place(name: str | None) -> InPlaceError:
    """The error for a recorded in-place change of a view, which would not reach what it is a view of."""
    return InPlaceError(
        f"this tensor{_called(name)} is a view of another one, as t[0] or t.T are, and a recorded change of it would"
        " not reach that one: write t[0, 1] = v for t[0][1] = v, t[0] = t[0] + v for t[0] += v, or change a copy,"
        " t[0].clone()."
    )


def parameters(signature: inspect.Signature) -> Iterator[str]:
    """The parameters as a learner writes them, without their types and without what NumPy calls no value."""
    every = list(signature.parameters.values())
    for before, parameter in zip([None, *every], every, strict=False):
        if parameter.kind is parameter.KEYWORD_ONLY and before and before.kind is before.POSITIONAL_OR_KEYWORD:
            yield "*"
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        star = "**" if parameter.kind is parameter.VAR_KEYWORD else star
        usual = parameter.default
        said = "" if usual is parameter.empty else "=none" if usual is np._NoValue else f"={usual!r}"
        yield f"{star}{parameter.name}{said}"


def unfit_arguments(op: str, signature: inspect.Signature, error: TypeError) -> TypeError:
    """The error for arguments that an op does not take."""
    torch = " PyTorch's dim and keepdim are axis and keepdims here, as in NumPy." if "dim'" in str(error) else ""
    return TypeError(f"{op}({', '.join(parameters(signature))}) {error}.{torch}")


def no_rule(name: str) -> UnsupportedError:
    """The error for a NumPy function that is not in the table."""
    return UnsupportedError(
        f"{name} has no derivative here, and a Tensor is not turned into a bare array silently."
        f" Declare one, `Op({name}, x=lambda g, x: g * ...)`, or compute on the values alone: {name}(t.numpy())."
    )


def no_option(name: str, option: str) -> UnsupportedError:
    """The error for an option of a NumPy function that the op does not have."""
    more = " needs out=, a Tensor that holds the rest, and" if option == "where" else ""
    return UnsupportedError(
        f"{name} with {option}={more} is not differentiated here: leave {option}= out, or use"
        " where(condition, a, b), astype and the other functions for it, or compute on the values alone, t.numpy()."
    )


def unregistered(module: str, attribute: str, by_name: bool) -> str:
    """What to say of parameters in a plain container, which their module does not know of."""
    registered = ("nn.ModuleDict", "nn.ParameterDict") if by_name else ("nn.ModuleList", "nn.ParameterList")
    return (
        f"{module} keeps parameters in {attribute!r}, a plain {'dict' if by_name else 'list'}, so they are not among"
        f" its parameters() and would not be trained, moved or saved: write self.{attribute.rpartition('.')[2]} ="
        f" {registered[0]}(...), or {registered[1]}(...) for bare parameters.{_silenced(UnregisteredWarning)}"
    )


def _silenced(category: type[Warning]) -> str:
    return f' Silence this with warnings.filterwarnings("ignore", category=tinygrad_edu.errors.{category.__name__}).'


LOST_IN_LIST = (
    "a list of tensors that require grad became a bare array: no gradient will flow through it. Write np.stack(tensors)"
    " for an array of them, or t.item() where only the numbers are wanted." + _silenced(HistoryWarning)
)
LOST_IN_ITEM = (
    "a tensor that requires grad was put into a bare array: no gradient will flow through it. Make the array a Tensor,"
    " a = zeros(3), or write t.item() where only the number is wanted." + _silenced(HistoryWarning)
)


LOST_IN_MATH = (
    "the math module computes with bare numbers, and this tensor requires grad: no gradient will flow through it. Write"
    " NumPy's function, np.sin(t) for math.sin(t)." + _silenced(HistoryWarning)
)


def lost_through_array(name: str | None) -> str:
    """What to say where an array comes back that was taken out of a tensor that requires grad."""
    return (
        f"this array was taken out of a tensor that requires grad{_called(name)}, by .array, .numpy() or np.asarray: no"
        " gradient will flow to that tensor from here. Write the tensor itself, or t.detach() where none is meant."
        f"{_silenced(HistoryWarning)}"
    )


def lost_through_copy(name: str | None) -> str:
    """What to say where a new Tensor is made of a computed one."""
    return (
        f"Tensor(t) copies the numbers of t{_called(name)}, which was computed from tensors that require grad: no"
        " gradient will flow to them from here. Write t itself or t.clone() to keep the history, t.detach().clone() to"
        f" drop it.{_silenced(HistoryWarning)}"
    )


def lost_history() -> UnsupportedError:
    """The error where NumPy would make a bare array of a tensor that requires grad."""
    return UnsupportedError(
        "NumPy was about to turn a tensor that requires grad into a bare array, and its history would be lost. If it"
        " was in a list, write stack(tensors) or concatenate(tensors) first; if this NumPy function has no rule,"
        " compute on the values alone: t.numpy() or t.detach()."
    )


def no_out(name: str) -> UnsupportedError:
    """The error for writing a result that has a history into an array that has none."""
    return UnsupportedError(
        f"{name} would write a Tensor's values into a bare array, which keeps no history: write a = a + t instead of"
        " a += t (and a = a - t for a -= t), or make a a Tensor; out= takes a Tensor too."
    )


def not_a_leaf(name: str | None) -> NoGradientPathError:
    """The error for copying or pickling a tensor together with its history."""
    return NoGradientPathError(
        f"a computed tensor{_called(name)} cannot be copied or pickled with its history: write t.detach() for its"
        " value, or t.clone() for a copy that stays in the graph."
    )


def read_only(name: str | None) -> InPlaceError:
    """The error for a change of memory that is stretched over several places, or that its owner protects."""
    return InPlaceError(
        f"this tensor{_called(name)} looks at read-only memory, as expand() and broadcast_to() do:"
        " change a copy, t.clone()."
    )


_LOGARITHM = (
    "Logarithms are of numbers above 0: write np.log(np.maximum(x, 1e-12)), or log_softmax(x) for log(softmax(x))."
)
_DIVISION = "Keep the divisor from 0: x / (y + 1e-12), or x / np.where(y == 0, 1.0, y) where that quotient is not used."
_ROOT = "Below 0 there is no square root: write np.sqrt(np.maximum(x, 0)), or np.abs(x) for the root of a square."
_POWER = "At 0 a power below 0 is infinite, and one below 1 has an infinite slope: write np.maximum(x, 1e-12)**p."
_FRACTION = "A fraction as exponent takes no number below 0: write np.maximum(x, 1e-12)**p, or np.abs(x)**p."
_OVERFLOW = (
    "Numbers this large do not fit the dtype: subtract the maximum first, as softmax, logsumexp and sigmoid do for you."
)
_ARC = "It takes numbers between -1 and 1, and is steep without bound at the ends: np.clip(x, -1 + 1e-7, 1 - 1e-7)."
_GROWN = (
    "The numbers have grown too large for their dtype: a smaller learning rate, inputs scaled to mean 0 and deviation"
    " 1, or smaller first weights keep them down."
)

REMEDIES = {
    **dict.fromkeys(("log", "log2", "log10", "log1p"), _LOGARITHM),
    **dict.fromkeys(("divide", "reciprocal", "floor_divide", "remainder", "fmod"), _DIVISION),
    "sqrt": _ROOT,
    "std": "It divides by n - ddof: with ddof=1 it takes two numbers or more. Numbers above 1e150 have no squares.",
    **dict.fromkeys(("power", "float_power"), _POWER),
    **dict.fromkeys(("exp", "exp2", "expm1", "sinh", "cosh"), _OVERFLOW),
    **dict.fromkeys(("arcsin", "arccos", "arctanh"), _ARC),
    **dict.fromkeys(("add", "subtract", "multiply", "square", "sum", "prod", "matmul", "dot", "einsum"), _GROWN),
}
"""By the name of the op, what to write instead where it made nan or an infinity."""


def somewhere(place: tuple[int, ...]) -> str:
    """A place in an array as errors say it; nothing for a single number."""
    return f" at index {place}" if place else ""


def _remedy(op: str, numbers: Sequence[float | None] = ()) -> str:
    """What to write instead, for the numbers that the op was given."""
    if op in ("power", "float_power") and numbers and numbers[0]:
        fraction = numbers[0] < 0 and numbers[-1] is not None and numbers[-1] % 1
        return f"\n{_FRACTION if fraction else _GROWN}"
    return f"\n{REMEDIES[op]}" if op in REMEDIES else ""


def non_finite_result(
    op: str,
    operands: Sequence[str],
    numbers: Sequence[float | None],
    gave: str,
    place: tuple[int, ...],
    line: str | None,
) -> AnomalyError:
    """The error for an op that made nan or an infinity of finite numbers, those at the place if there are."""
    where = f", in\n    {line}" if line else ""
    return AnomalyError(f"{op} of {' and '.join(operands)}{somewhere(place)} gave {gave}{where}{_remedy(op, numbers)}")


def nan_to_begin_with(name: str | None, came_in: str | None) -> AnomalyError:
    """The error for a backward pass from nan that no op made of numbers."""
    where = f"it was in {came_in}" if came_in else "compute it inside detect_anomaly too, to see where it came in"
    return AnomalyError(f"backward() starts from nan{_called(name)}, which no op made of finite numbers: {where}")


def overflowing_gradient(
    vertex: Vertex, gave: str, place: tuple[int, ...], added: tuple[str, str] | None
) -> AnomalyError:
    """The error for finite gradients whose sum, or cast, is not finite."""
    how = (
        f"{added[0]} and {added[1]} added up to"
        if added
        else f"finite numbers, summed over broadcast axes or as {vertex.dtype}, became"
    )
    op = f" of the result of {made_by.name}" if (made_by := getattr(vertex, "op", None)) else ""
    return AnomalyError(f"the gradient{op}{_called(vertex.name)}: {how} {gave}{somewhere(place)}. {_GROWN}")


def non_finite_hook(vertex: Vertex, arrived: str, gave: str, place: tuple[int, ...]) -> AnomalyError:
    """The error for a hook that made nan or an infinity of a finite gradient."""
    return AnomalyError(f"a hook{_called(vertex.name)} made {gave} of the gradient {arrived}{somewhere(place)}")


def non_finite_gradient(
    op: str,
    operand: str,
    name: str | None,
    arrived: str,
    kept: Sequence[str],
    gave: str,
    place: tuple[int, ...],
    line: str | None,
) -> AnomalyError:
    """The error for a rule that made nan or an infinity of a finite gradient."""
    where = (
        f", in the backward pass of\n    {line}"
        if line
        else " in the backward pass. With the forward pass inside detect_anomaly too, this error names its line."
    )
    of = f" and {', '.join(kept)}" if kept else ""
    return AnomalyError(
        f"the rule of {op} for {operand!r}{_called(name)} made {gave} of the gradient {arrived}{of}{somewhere(place)}"
        f"{where}{_remedy(op)}"
    )


def accumulated(leaves: Sequence[tuple[str | None, tuple[int, ...]]]) -> str:
    """What to say where gradients add up, each leaf with its name and shape."""
    said = [repr(name) if name else f"a tensor of shape {shape}" for name, shape in leaves]
    return (
        f"backward() added to the .grad that an earlier backward() left, of {', '.join(said[:3])}"
        f"{f' and {len(said) - 3} more' if len(said) > 3 else ''}: gradients add up until you reset them. Before each"
        " backward() write t.grad = None for every leaf t, or optimizer.zero_grad(). If the sum is meant, as over"
        f" several small batches, keep it.{_silenced(AccumulationWarning)}"
    )


def not_reached(name: str | None) -> str:
    """What to say where a leaf has no gradient after a backward pass."""
    return (
        f"this .grad{_called(name)} is None though backward() has run: the result does not depend on the tensor, so"
        " look for another one that was used in its place, or for a value that left the graph on the way (.array,"
        f" .numpy(), detach(), no_grad()).{_silenced(MissingGradientWarning)}"
    )


def not_retained(name: str | None) -> str:
    """What to say where a computed tensor has no gradient after a backward pass."""
    return (
        f"this .grad{_called(name)} is None because only leaves keep theirs: call t.retain_grad() before backward() to"
        f" keep that of a computed tensor too.{_silenced(MissingGradientWarning)}"
    )


def not_captured(what: str) -> CaptureError:
    """A function under `capture` did something that leaves no line."""
    return CaptureError(
        f"{what}: a captured program repeats NumPy's lines and nothing else, so what Python does with the numbers"
        " themselves would be done once and never again. Return the Tensor, and look at it outside of the function."
    )


def array_given(name: str) -> CaptureError:
    """A function under `capture` was called with an array."""
    return CaptureError(
        f"{name} is an array, and what NumPy computes with it leaves no line: pass a Tensor,"
        f" tinygrad_edu.from_numpy({name})"
    )
