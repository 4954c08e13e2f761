"""Derivatives of plain functions, as functions: `grad(f)(x)`. After `torch.func`.

Arguments and results may be Tensors, or tuples, lists and dicts of them; numbers and arrays are taken as Tensors.
Transformations nest: `grad(grad(f))`, `jacobian(grad(f))`, `grad` of a function that calls `jvp`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu import autograd, ops, tree
from tinygrad_edu.device import library_of
from tinygrad_edu.errors import GradientDtypeError, NonScalarBackwardError
from tinygrad_edu.forward import push_forward
from tinygrad_edu.graph import Leaf, Vertex, nodes_above, wrap
from tinygrad_edu.recording import enable_grad, is_grad_enabled
from tinygrad_edu.tensor import Tensor

__all__ = ["grad", "hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jvp", "value_and_grad", "vjp"]

Function = Callable[..., Any]
Argnums = int | Sequence[int]


def grad(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """The gradient of a function whose result is one number, by its argument number `argnums` or by several.

    The gradient has the structure, shapes and dtypes of the argument; zeros where the result does not depend on it.
    With `has_aux` the function returns (result, anything), and the gradient comes as (gradient, anything).
    Raises `NonScalarBackwardError` where the result is not one number.
    After https://docs.pytorch.org/docs/stable/generated/torch.func.grad.html

    >>> grad(lambda x: x**3)(2.0)
    Tensor(12.)
    >>> grad(grad(lambda x: x**3))(2.0)
    Tensor(12.)
    """
    both = value_and_grad(func, argnums, has_aux)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, g = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def value_and_grad(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Like `grad`, with the result too: (result, gradient), or ((result, anything), gradient) with `has_aux`.

    After https://docs.jax.dev/en/latest/_autosummary/jax.value_and_grad.html

    >>> value_and_grad(lambda w: (w["a"] * w["b"]).sum())({"a": Tensor([1.0, 2.0]), "b": 3.0})
    (Tensor(9.), {'a': Tensor([3., 3.]), 'b': Tensor(3.)})
    """

    def both(*args: Any, **kwargs: Any) -> Any:
        run = _run(func, args, kwargs, argnums, has_aux)
        if not isinstance(run.output, Tensor) or run.output.size != 1:
            raise _not_one_number(run.output)
        gradients = run.pull([_ones(run.output)], retain=False)
        value = run.result()
        return (value, run.aux) if has_aux else value, run.per_argument(gradients)

    return both


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """The result, and a function that takes a cotangent v of its structure to v times the Jacobian, in reverse mode.

    That function may be called again and again; it gives one gradient, or a tuple for several primals. Where a primal
    is itself part of a graph, `backward()` through a gradient frees the run, unless with `retain_graph=True`.
    With `has_aux` returns (result, function, anything). After https://docs.pytorch.org/docs/stable/generated/torch.func.vjp.html

    >>> y, pull = vjp(lambda x: x * x, Tensor([1.0, 2.0]))
    >>> y, pull(Tensor([1.0, 10.0]))
    (Tensor([1., 4.]), Tensor([ 2., 40.]))
    """
    run = _run(func, primals, {}, range(len(primals)), has_aux)

    def pull(cotangents: Any) -> Any:
        weights = _matching(cotangents, run.output, "cotangent", "result")
        gradients = run.per_argument(run.pull(weights, retain=True))
        return gradients[0] if len(primals) == 1 else gradients

    return (run.result(), pull, run.aux) if has_aux else (run.result(), pull)


def jvp(func: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """The result, and the Jacobian times the tangents, in forward mode: how the result moves when the arguments do.

    `primals` and `tangents` are tuples of arguments, of the same structure. With `has_aux` returns (result, tangent,
    anything). After https://docs.pytorch.org/docs/stable/generated/torch.func.jvp.html

    >>> jvp(lambda x: x * x, (Tensor([1.0, 2.0]),), (Tensor([1.0, 0.5]),))
    (Tensor([1., 4.]), Tensor([2., 2.]))
    """
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list):
        raise TypeError("jvp takes tuples of arguments: jvp(f, (x,), (tangent_of_x,))")
    run = _run(func, tuple(primals), {}, range(len(primals)), has_aux)
    moved = run.push(_matching(tuple(tangents), tuple(primals), "tangent", "argument"))
    tangent = tree.rebuilt(run.output, moved)
    return (run.result(), tangent, run.aux) if has_aux else (run.result(), tangent)


def jacobian(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """The derivatives of every number of the result by every number of the argument: shape (*result, *argument).

    Row by row in reverse mode, or column by column in forward mode where the argument has fewer numbers than the
    result. For trees, a tree like the result of trees like the argument.
    After https://docs.pytorch.org/docs/stable/generated/torch.func.jacrev.html

    >>> jacobian(lambda x: x * x)(Tensor([1.0, 2.0, 3.0]))
    Tensor([[2., 0., 0.],
            [0., 4., 0.],
            [0., 0., 6.]])
    """
    return _jacobian(func, argnums, has_aux, forward=None)


def jacrev(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """`jacobian` row by row, in reverse mode: one backward pass for each number of the result.

    >>> jacrev(lambda x: x.sum())(Tensor([1.0, 2.0]))
    Tensor([1., 1.])
    """
    return _jacobian(func, argnums, has_aux, forward=False)


def jacfwd(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """`jacobian` column by column, in forward mode: one forward pass for each number of the argument.

    >>> jacfwd(lambda x: x * Tensor([1.0, 2.0]))(3.0)
    Tensor([1., 2.])
    """
    return _jacobian(func, argnums, has_aux, forward=True)


def hessian(func: Function, argnums: Argnums = 0) -> Function:
    """All second derivatives of a function whose result is one number: shape (*argument, *argument).

    After https://docs.pytorch.org/docs/stable/generated/torch.func.hessian.html

    >>> hessian(lambda x: (x**3).sum())(Tensor([1.0, 2.0]))
    Tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacobian(grad(func, argnums), argnums)


def hvp(func: Function, primals: Any, tangents: Any) -> Any:
    """The Hessian times the tangents without forming it: forward mode over reverse, for about four times one gradient.

    One argument and its tangent, alone or in tuples of one, or tuples of several; then the product is a tuple too.
    After Pearlmutter, "Fast exact multiplication by the Hessian", 1994.

    >>> hvp(lambda x: (x**3).sum(), Tensor([1.0, 2.0]), Tensor([1.0, 1.0]))
    Tensor([ 6., 12.])
    """
    if not isinstance(primals, tuple):
        primals, tangents = (primals,), (tangents,)
    return jvp(grad(func, 0 if len(primals) == 1 else range(len(primals))), primals, tangents)[1]


@dataclass
class _Run:
    """One run of a function on fresh variables, and how its derivatives are taken."""

    variables: list[Tensor]  # the leaves of the arguments that are differentiated by
    arguments: list[Any]  # those arguments, as trees
    single: bool  # argnums was one number
    output: Any
    aux: Any
    create_graph: bool  # somebody outside may differentiate the result again

    def result(self) -> Any:
        """The output; without the history that only leads to the variables."""
        return self.output if self.create_graph else tree.mapped(lambda t: wrap(t._value, None), self.output)

    def per_argument(self, flat: Sequence[Any]) -> Any:
        """A list of leaves as trees like the arguments."""
        trees, start = [], 0
        for argument in self.arguments:
            count = len(tree.leaves(argument))
            trees.append(tree.rebuilt(argument, flat[start : start + count]))
            start += count
        return trees[0] if self.single else tuple(trees)

    def pull(self, weights: Sequence[Any], retain: bool) -> list[Tensor]:
        """Reverse mode: the gradients of the weighted outputs by the variables."""
        create = self.create_graph or (is_grad_enabled() and any(w.requires_grad for w in weights))
        pairs = [(t, w) for t, w in zip(tree.leaves(self.output), weights, strict=True) if t.requires_grad]
        found: Sequence[Any] = [None] * len(self.variables)
        if pairs and self.variables:
            outputs, given = zip(*pairs, strict=True)
            found = autograd.grad(outputs, self.variables, list(given), retain or create, create, allow_unused=True)
        return [_zeros(v) if g is None else g for v, g in zip(self.variables, found, strict=True)]

    def push(self, tangents: Sequence[Tensor]) -> list[Tensor]:
        """Forward mode: the tangents of the outputs."""
        create = self.create_graph or (is_grad_enabled() and any(t.requires_grad for t in tangents))
        given: dict[Vertex, Any] = {}
        for variable, tangent in zip(self.variables, tangents, strict=True):
            if variable._origin is not None:
                fitting = tangent if tangent.dtype == variable.dtype else tangent.astype(variable.dtype)
                given[variable._origin] = fitting if create else fitting._value
        outputs = tree.leaves(self.output)
        pushed = push_forward((t._origin for t in outputs), given, create)
        return [_tangent(t, pushed) for t in outputs]


def _run(func: Function, args: Sequence[Any], kwargs: dict[str, Any], argnums: Argnums, has_aux: bool) -> _Run:
    numbers = _numbers(argnums, len(args))
    outside = is_grad_enabled()
    variables: list[Tensor] = []
    called = list(args)
    with enable_grad():
        for n in numbers:
            fresh = [_variable(leaf, outside, n) for leaf in tree.leaves(args[n])]
            variables += fresh
            called[n] = tree.rebuilt(args[n], fresh)
        output = func(*called, **kwargs)
    aux = None
    if has_aux:
        if not isinstance(output, tuple) or len(output) != 2:
            raise TypeError("with has_aux=True the function returns two things: its result, and anything else")
        output, aux = output
    for leaf in tree.leaves(output):
        if not isinstance(leaf, Tensor):
            raise TypeError(
                f"the function returned {type(leaf).__name__} where a Tensor was expected, so nothing depends on the"
                " argument: float(), .item(), .array and .numpy() leave the graph; compute with Tensors to the end"
            )
    own = {v._origin for v in variables}
    create_graph = outside and (
        any(not v.is_leaf for v in variables) or _others(own, [t._origin for t in tree.leaves(output)])
    )
    if not create_graph:  # what is returned beside the result keeps no history either
        aux = tree.mapped(lambda t: t.detach() if isinstance(t, Tensor) else t, aux)
    return _Run(variables, [args[n] for n in numbers], not isinstance(argnums, Sequence), output, aux, create_graph)


def _numbers(argnums: Argnums, count: int) -> list[int]:
    """The arguments to differentiate by, from 0 on."""
    try:
        given = [operator.index(n) for n in (argnums if isinstance(argnums, Sequence) else [argnums])]
    except TypeError:
        raise TypeError(
            f"argnums counts arguments, argnums=0 or argnums=(0, 1), and is not {argnums!r}; the arguments themselves"
            " go to what grad returns: grad(f)(x)"
        ) from None
    if any(not -count <= n < count for n in given):
        raise ValueError(f"argnums={argnums}, but the function was called with {count} arguments in order")
    numbers = [n % count for n in given]
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"argnums={argnums} names an argument twice: name each once")
    return numbers


def _variable(leaf: Any, outside: bool, number: int) -> Tensor:
    """A Tensor to differentiate by: connected to the caller's graph where it is part of one, else a leaf of its own."""
    if isinstance(leaf, Tensor) and leaf.requires_grad and outside:
        return ops.positive.apply(leaf)
    if isinstance(leaf, str) or np.asarray(leaf).dtype.kind in "iubUO":
        raise GradientDtypeError(
            f"argument {number} of the function holds {leaf!r:.40} of type {type(leaf).__name__}, and only floats have"
            " derivatives: write 2.0 with a decimal point, np.array(data, dtype=float), or leave it out of argnums"
        )
    value = leaf if isinstance(leaf, Tensor) else Tensor(leaf)
    variable = wrap(value._value, None)
    variable.name = value.name
    variable.requires_grad = True
    return variable


def _others(own: set[Vertex | None], roots: Sequence[Vertex | None]) -> bool:
    """Whether the roots depend on anything that requires grad beside our variables."""
    above = (vertex for node in nodes_above(roots) for vertex in node.operands)
    return any(isinstance(v, Leaf) and v.requires_grad and v not in own for v in (*roots, *above))


def _jacobian(func: Function, argnums: Argnums, has_aux: bool, forward: bool | None) -> Function:
    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        run = _run(func, args, kwargs, argnums, has_aux)
        outputs = tree.leaves(run.output)
        columns = forward
        if columns is None:
            columns = sum(v.size for v in run.variables) < sum(t.size for t in outputs)
        table = _columns(run, outputs) if columns else _rows(run, outputs)
        result = tree.rebuilt(run.output, [run.per_argument(row) for row in table])
        return (result, run.aux) if has_aux else result

    return jacobian_of


def _rows(run: _Run, outputs: list[Tensor]) -> list[list[Tensor]]:
    """For every output and variable the Jacobian, one backward pass a number of the output."""
    table = []
    for n, output in enumerate(outputs):
        weights = [_zeros(t) for t in outputs]
        rows = []
        for unit in _units(output):
            weights[n] = unit
            rows.append(run.pull(weights, retain=True))
        stacked = [ops.stack([row[i] for row in rows]) if rows else None for i in range(len(run.variables))]
        table.append([_shaped(s, output, v) for s, v in zip(stacked, run.variables, strict=True)])
    return table


def _columns(run: _Run, outputs: list[Tensor]) -> list[list[Tensor]]:
    """For every output and variable the Jacobian, one forward pass a number of the variable."""
    table: list[list[Tensor]] = [[] for _ in outputs]
    for i, variable in enumerate(run.variables):
        tangents = [_zeros(v) for v in run.variables]
        columns = []
        for unit in _units(variable):
            tangents[i] = unit
            columns.append(run.push(tangents))
        for n, output in enumerate(outputs):
            stacked = ops.stack([column[n] for column in columns], axis=-1) if columns else None
            table[n].append(_shaped(stacked, output, variable))
    return table


def _shaped(stacked: Tensor | None, output: Tensor, variable: Tensor) -> Tensor:
    shape = (*output.shape, *variable.shape)
    if stacked is None:
        return wrap(library_of(variable).zeros(shape, variable.dtype), None)
    return ops.reshape.apply(stacked, shape)


def _units(tensor: Tensor) -> list[Tensor]:
    """For every number of the tensor, in order, an array of its shape with 1 there and 0 elsewhere."""
    eye = library_of(tensor).eye(tensor.size, dtype=tensor.dtype)
    return [wrap(row.reshape(tensor.shape)[()], None) for row in eye]


def _tangent(output: Tensor, pushed: dict[Vertex, Any]) -> Tensor:
    tangent = None if output._origin is None else pushed.get(output._origin)
    if tangent is None:
        return _zeros(output)
    return tangent if isinstance(tangent, Tensor) else wrap(tangent, None)


def _zeros(like: Tensor) -> Tensor:
    return wrap(np.zeros_like(like._value), None)


def _ones(like: Tensor) -> Tensor:
    return wrap(np.ones_like(like._value), None)


def _matching(given: Any, wanted: Any, what: str, of: str) -> list[Tensor]:
    """The leaves of `given`, as Tensors of the shapes of those of `wanted`."""
    try:
        both = tree.pairs(given, wanted)
    except ValueError:
        raise TypeError(
            f"the {what}s come in the same tuples, lists and dicts as the {of}s: a number or an array for each"
        ) from None
    matched = []
    for g, w in both:
        g = g if isinstance(g, Tensor) else Tensor(g)
        if g.shape != np.shape(getattr(w, "_value", w)):
            raise ValueError(
                f"a {what} has the shape of its {of}, {np.shape(getattr(w, '_value', w))}; this one has {g.shape}"
            )
        matched.append(g)
    return matched


def _not_one_number(output: Any) -> Exception:
    if output is None:
        return NonScalarBackwardError("the function returned None: is its `return` missing?")
    said = f"has shape {output.shape}" if isinstance(output, Tensor) else f"is a {type(output).__name__}"
    return NonScalarBackwardError(
        f"grad is for a function whose result is one number, but this one's {said}. Sum it in the function, or take"
        " jacobian(f) for all derivatives, or vjp(f, x) to weigh the results."
    )
