"""What NumPy's functions do when they are given a Tensor: the op of the table, with NumPy's own options.

`out=` into a Tensor is item assignment, `where=` and `dtype=` of a ufunc are `where` and `astype`, and the methods of
ufuncs are reductions. What has no rule says so: nothing turns a Tensor into a bare array silently.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from tinygrad_edu import errors, ops
from tinygrad_edu.device import library_of
from tinygrad_edu.op import Op, implementations
from tinygrad_edu.ops.composed import as_operand
from tinygrad_edu.places import plain_key

REDUCE: dict[np.ufunc, Callable[..., Any]] = {
    np.add: ops.sum,
    np.multiply: ops.prod,
    np.maximum: ops.max,
    np.minimum: ops.min,
    np.fmax: ops.nanmax,
    np.fmin: ops.nanmin,
    np.logaddexp: ops.logsumexp,
    np.logical_and: implementations[np.all],
    np.logical_or: implementations[np.any],
}
ACCUMULATE: dict[np.ufunc, Callable[..., Any]] = {np.add: ops.cumsum, np.multiply: ops.cumprod}


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A ufunc, or a method of one, on inputs or into an output that are Tensors."""
    name = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
    outs = options.pop("out", ())
    where = options.get("where", True)
    if method == "__call__":
        options.pop("where", None)
        result = _called(ufunc, name, inputs, options)
    elif method == "outer":
        x, y = (as_operand(t) for t in inputs)
        result = _called(ufunc, name, (np.reshape(x, (*x.shape, *(1,) * y.ndim)), y), options)
    elif method == "at" and ufunc in (np.add, np.subtract) and hasattr(inputs[0], "grad_fn"):
        target, key, values = inputs
        spread = np.broadcast_to(as_operand(values), target[key].shape)
        added = ops.scatter(spread if ufunc is np.add else -spread, plain_key(key, copied=True), target.shape)
        target[...] = target + added
        return None
    else:
        known = {"reduce": REDUCE, "accumulate": ACCUMULATE}.get(method, {})
        if ufunc not in known:
            raise errors.no_rule(name)
        arguments = dict(zip(("axis", "dtype"), inputs[1:], strict=False)) | options
        arguments = {"axis": 0} | {k: v for k, v in arguments.items() if v is not None or k == "axis"}
        if rest := [key for key in arguments if key not in _names(known[ufunc])]:
            raise errors.no_option(name, rest[0])
        result = known[ufunc](inputs[0], **arguments)
        where = True
    return _written(name, result, outs, where)


def _called(ufunc: np.ufunc, name: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The ufunc itself, in another dtype where one is asked for."""
    implementation = _implementation(ufunc, name)
    dtype = options.pop("dtype", None)
    usual = {"casting": "same_kind", "order": "K", "subok": True}
    options = {key: value for key, value in options.items() if usual.get(key) != value}
    if rest := [key for key in options if key not in _names(implementation)]:
        raise errors.no_option(name, rest[0])
    if dtype is not None and isinstance(implementation, Op) and not any(implementation.rules.values()):
        if np.dtype(dtype) != bool:  # that of a comparison, which says nothing
            raise errors.no_option(name, "dtype")
    elif dtype is not None:
        if np.dtype(dtype).kind != "f":
            raise errors.no_option(name, "dtype")
        inputs = tuple(
            ops.astype(x, dtype) if hasattr(x, "grad_fn") else library_of(x).asarray(x, dtype) for x in inputs
        )
    return implementation(*inputs, **options)


def call_function(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of NumPy on arguments some of which are Tensors."""
    known_function = implementations.get(function)
    if known_function and not kwargs and 0 < len(args) <= _places(function, known_function):
        return known_function(*args)
    name = f"{function.__module__}.{function.__name__}".replace("numpy", "np", 1)
    implementation = _implementation(function, name)
    out = kwargs.get("out")
    renamed = any(key not in _names(implementation) for key in kwargs if key in _operands(function, implementation))
    if not args or renamed or len(args) > _places(function, implementation):
        args, kwargs = _by_name(function, implementation, args, kwargs)
        out = kwargs.get("out")
    if kwargs:
        usual, known = _defaults(function), _names(implementation)
        kwargs = {k: v for k, v in kwargs.items() if k != "out" and not (k in usual and v is usual[k])}
        if kwargs.get("correction") is not None and "ddof" in known:
            kwargs["ddof"] = kwargs.pop("correction")  # the array standard's name for it
        if rest := [
            key
            for key in kwargs
            if key not in known and (key in usual or ("kwargs" in usual and "kwargs" not in known))
        ]:
            raise errors.no_option(name, rest[0])
    return _written(name, implementation(*args, **kwargs), () if out is None else (out,), True)


def _implementation(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    try:
        return implementations[function]
    except (KeyError, TypeError):
        raise errors.no_rule(name) from None


def _written(name: str, result: Any, outs: Any, where: Any) -> Any:
    """The result, or what `out=` named with the result written to it where `where` holds."""
    outs = outs if isinstance(outs, tuple) else (outs,)
    results = result if isinstance(result, tuple) else (result,)
    if all(out is None for out in outs):
        if where is not True:
            raise errors.no_option(name, "where")
        return result
    written = []
    for value, out in zip(results, outs, strict=True):
        if out is not None and not hasattr(out, "grad_fn"):
            raise errors.no_out(name)
        if out is not None:
            if not np.can_cast(value.dtype, out.dtype, "same_kind"):
                raise TypeError(f"{name} gives {value.dtype}, which out= of {out.dtype} cannot hold: make it a float")
            out[...] = value if where is True else ops.where(where, value, out)
        written.append(value if out is None else out)
    return tuple(written) if isinstance(result, tuple) else written[0]


@cache
def _names(implementation: Callable[..., Any]) -> frozenset[str]:
    """The names of what it takes."""
    return frozenset(_signature(implementation).parameters)


def _signature(implementation: Callable[..., Any]) -> inspect.Signature:
    return implementation.signature if isinstance(implementation, Op) else inspect.signature(implementation)


@cache
def _places(function: Callable[..., Any], implementation: Callable[..., Any]) -> int:
    """How many arguments mean the same in order for NumPy's function and for ours: up to NumPy's `out`, say."""
    ours = [p for p in _signature(implementation).parameters.values() if p.kind is not p.KEYWORD_ONLY]
    if any(p.kind is p.VAR_POSITIONAL for p in ours):
        return 1_000_000
    try:
        numpys = [p.name for p in inspect.signature(function).parameters.values() if p.kind is not p.KEYWORD_ONLY]
    except ValueError:  # in C
        return len(ours)
    for i, (own, their) in enumerate(zip([p.name for p in ours], numpys, strict=False)):
        if i and own != their and (own in numpys or their in _names(implementation)):  # else an operand's other name
            return i
    return len(ours)


@cache
def _operands(function: Callable[..., Any], implementation: Callable[..., Any]) -> tuple[str, ...]:
    """NumPy's names of the operands: `np.dot(a=x, b=y)`."""
    try:
        names = tuple(inspect.signature(function).parameters)
    except ValueError:  # in C
        return ()
    return names[: len(implementation.operands) if isinstance(implementation, Op) else 1]


@cache
def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    """The options of a function of NumPy and their usual values, which say nothing; those of C code are not known.

    "kwargs" among them says that it takes others too.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return {}
    usual = {p.name: p.default for p in parameters if p.default is not p.empty}
    return usual | ({"kwargs": None} if any(p.kind is p.VAR_KEYWORD for p in parameters) else {})


def _by_name(function: Callable[..., Any], implementation: Any, args: Any, kwargs: Any) -> tuple[Any, dict[str, Any]]:
    """The arguments by their names in NumPy, but for the operands: `np.sum(t, 0, None, None, True)`."""
    bound = dict(inspect.signature(function).bind(*args, **kwargs).arguments)
    bound |= bound.pop("kwargs", {})
    return tuple(bound.pop(name) for name in _operands(function, implementation) if name in bound), bound
