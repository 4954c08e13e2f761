"""The backward pass as a list of steps: one line of the chain rule each, taken from the loop that the engine runs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import Tensor, autograd
from tinygrad_edu.autograd import Step
from tinygrad_edu.graph import Leaf, Node, Vertex
from viz.chain import ChainRule
from viz.labels import call_them, formula, local_name, printable
from viz.latex import document, latex
from viz.numbers import shown
from viz.records import record
from viz.rules import rule_text
from viz.table import table, table_or_blocks
from viz.terminal import tables
from viz.walk import forward_order, host, values_of

if TYPE_CHECKING:
    from rich.console import Group

ORDINALS = ("1st", "2nd", "3rd")


ARRAYS = ("upstream", "local", "handed", "contribution", "before", "after")
"""The numbers of a step."""


@dataclass(frozen=True, slots=True)
class Forward:
    """One value of the computation: `name` = `formula` = `value` (None where the graph did not keep it)."""

    name: str
    formula: str
    value: Any | None
    shape: tuple[int, ...]
    expression: str


@dataclass(frozen=True, slots=True)
class Backward:
    """One step of the backward pass: what arrives at `node`, times the `local` derivative, is handed on to `input`.

    `local` is None where it is no single number a place; `rule` then says what is done instead. `handed` is what the
    rule made, `contribution` that summed back to the input's shape, `before` and `after` the input's gradient so far.
    """

    node: str
    input: str
    rule: str
    upstream: Any
    local: Any | None
    handed: Any
    contribution: Any
    before: Any | None
    after: Any

    @property
    def arithmetic(self) -> str:
        """The step in numbers: `1 * -3 = -3`."""
        said = shown(self.handed)
        if self.local is not None:
            said = f"{shown(self.upstream)} * {shown(self.local)} = {said}"
        if np.shape(self.handed) != np.shape(self.contribution):
            said += f", summed {np.shape(self.handed)} -> {np.shape(self.contribution)} = {shown(self.contribution)}"
        return said

    @property
    def accumulated(self) -> str:
        """The input's gradient so far, and the sum that made it: `3 + 4 = 7`."""
        if self.before is None:
            return shown(self.after)
        return f"{shown(self.before)} + {shown(self.contribution)} = {shown(self.after)}"


@dataclass(frozen=True, repr=False)
class Trace:
    """The forward values, the backward steps and the final gradients of one result; it shows itself as three tables."""

    root: str
    forward: tuple[Forward, ...]
    backward: tuple[Backward, ...]
    gradients: dict[str, Any]
    steps: tuple[Step, ...]
    names: dict[Vertex, str]
    by_vertex: dict[Vertex, Any]
    values: dict[Vertex, Any]

    def __repr__(self) -> str:
        return self.text()

    def __rich__(self) -> "Group":
        return tables(self)

    def text(self) -> str:
        """Three tables in plain text, at most 110 columns wide."""
        several = "\nWhat reaches a value by several paths is added up." if self._sums_up() else ""
        return "\n\n".join(
            [
                "Forward: the inputs, then every value in the order it was computed.",
                self._forward_table(),
                f"Backward: from d {self.root}/d {self.root} = 1 to the inputs, one line of the chain rule a step."
                f"{several}",
                self._backward_table(),
                f"Gradients: add a small h to an input, and {self.root} changes by about its gradient times h.",
                self._gradient_table(),
            ]
        )

    def data(self) -> dict[str, Any]:
        """The whole trace as dicts, lists, strings and numbers, ready for `json.dumps`.

        An array is a dict of its `shape`, its `dtype`, the `text` that the tables show, and where it has at most
        1,000 numbers its `values`, where nan and infinities are the strings "nan", "inf" and "-inf".

        >>> x = Tensor(3.0, requires_grad=True, name="x")
        >>> trace(x * x).data()["backward"][1]["after"]
        {'shape': [], 'dtype': 'float64', 'text': '6', 'values': 6.0}
        """
        rule = self.chain_rule()
        return {
            "root": self.root,
            "forward": [
                {
                    "name": row.name,
                    "formula": row.formula,
                    "expression": row.expression,
                    "shape": list(row.shape),
                    "value": record(row.value),
                }
                for row in self.forward
            ],
            "backward": [
                {
                    "node": step.node,
                    "input": step.input,
                    "operand": seen.index,
                    "rule": step.rule,
                    **{name: record(getattr(step, name)) for name in ARRAYS},
                    "latex": [" = ".join(map(latex, e.sides)) for e in rule.at(i)],
                }
                for i, (step, seen) in enumerate(zip(self.backward, self.steps, strict=True))
            ],
            "gradients": {name: record(gradient) for name, gradient in self.gradients.items()},
        }

    def chain_rule(self) -> ChainRule:
        """The chain rule: an equation a step, and one more where what came along several paths is complete."""
        return ChainRule(self.steps, self.names)

    def latex(self) -> str:
        r"""The chain rule as LaTeX: an `align*` for amsmath, a line a step, with the tensors' names.

        >>> a = Tensor(2.0, requires_grad=True, name="a")
        >>> print(trace(a * a).latex().splitlines()[2].strip())
        \frac{\partial (a \cdot a)}{\partial a^{(1)}} &= a = 2 \\
        """
        return document(self.chain_rule().all())

    def _forward_table(self) -> str:
        told = [row for row in self.forward if row.formula != "constant" or row.name != shown(row.value, row.shape)]
        rows = [[row.name, row.formula, shown(row.value, row.shape), row.expression] for row in told]
        headers = ["name", "made by", "value", "in the expression"]
        columns = 4 if any(row.expression for row in self.forward) else 3
        return table(headers[:columns], [row[:columns] for row in rows])

    def _sums_up(self) -> bool:
        return any(step.before is not None for step in self.backward)

    def _backward_table(self) -> str:
        if not self.backward:
            return f"  nothing to do: {self.root} is itself an input"
        rows = [
            [
                str(i),
                step.node,
                f"d {self.root}/d {step.input}",
                f"= {step.rule}",
                f"= {step.arithmetic}",
                step.accumulated,
            ]
            for i, step in enumerate(self.backward, 1)
        ]
        headers = ["step", "node", "gradient", "what arrives * local derivative", "handed on", "accumulated"]
        return table_or_blocks(headers, rows)

    def _gradient_table(self) -> str:
        return table(["gradient", "value"], [[f"d {self.root}/d {k}", shown(v)] for k, v in self.gradients.items()])


def trace(root: Tensor, params: Mapping[str, Tensor] | None = None) -> Trace:
    """Run the backward pass from `root`, one number, and write down every step; no `.grad` changes.

    `params` names tensors, as `dict(model.named_parameters())` does. The graph stays usable for `backward()`. Hooks are
    not called: they belong to the pass that counts. Raises what `backward()` raises: `NonScalarBackwardError`,
    `NoGradientPathError`, `FreedGraphError`, `MutationError`.

    >>> a, b = Tensor(2.0, requires_grad=True, name="a"), Tensor(-3.0, requires_grad=True, name="b")
    >>> [f"d out/d {step.input} = {step.rule} = {step.arithmetic}" for step in trace(a * b).backward]
    ['d out/d a = d out/d out * d(a * b)/d a = 1 * -3 = -3', 'd out/d b = d out/d out * d(a * b)/d b = 1 * 2 = 2']
    >>> a.grad is None
    True
    """
    if not isinstance(root, Tensor):
        raise TypeError(f"trace takes the result of a computation, a Tensor, not {type(root).__name__}")
    order, (end,) = forward_order(root)
    steps: list[Step] = []
    with _undisturbed([*order, end]), np.errstate(all="ignore"):  # an infinite slope is shown, not warned of
        autograd.backward(root, retain_graph=True, observe=steps.append)
    given = {id(tensor): name for name, tensor in (params or {}).items()}
    own: dict[Vertex, str] = {v: given[id(v.tensor)] for v in order if isinstance(v, Leaf) and id(v.tensor) in given}
    names, values = call_them(order, end, own), values_of(order)
    found: dict[Vertex, Any] = {end: np.ones(end.shape, dtype=end.dtype)}
    backward = []
    for step in steps:
        backward.append(_backward_row(step, names, names[end], found))
        found[step.node.inputs[step.index]] = host(step.accumulated)
    return Trace(
        root=names[end],
        forward=tuple(
            _forward_row(vertex, names, values) for vertex in sorted(order, key=lambda v: isinstance(v, Node))
        ),
        backward=tuple(backward),
        gradients={names[v]: found[v] for v in order if isinstance(v, Leaf) and v in found},
        steps=tuple(steps),
        names=names,
        by_vertex=found,
        values=values,
    )


def _forward_row(vertex: Vertex, names: dict[Vertex, str], values: dict[Vertex, Any]) -> Forward:
    made = formula(vertex, names) if isinstance(vertex, Node) else "given" if vertex.requires_grad else "constant"
    called = printable(vertex.name or "") if isinstance(vertex, Node) else ""
    expression = "" if called == names[vertex] else called
    return Forward(names[vertex], made, values.get(vertex), vertex.shape, expression)


def _backward_row(step: Step, names: dict[Vertex, str], root: str, found: dict[Vertex, Any]) -> Backward:
    node, vertex = step.node, step.node.inputs[step.index]
    arriving = f"d {root}/d {names[node]}"
    rule = f"{arriving} * {local_name(node, vertex, names)}"
    if step.local is None:
        rule = rule_text(step, names, arriving)
    if sum(other is vertex for other in node.inputs) > 1 and step.index < len(ORDINALS):
        rule += f" ({ORDINALS[step.index]} {names[vertex]})"
    return Backward(
        node=names[node],
        input=names[vertex],
        rule=rule,
        upstream=host(step.upstream),
        local=None if step.local is None else host(step.local),
        handed=host(step.handed),
        contribution=host(step.contribution),
        before=found.get(vertex),
        after=host(step.accumulated),
    )


@contextmanager
def _undisturbed(vertices: Sequence[Vertex]) -> Iterator[None]:
    """Give every leaf its `.grad` back afterwards, and keep hooks, which may also store gradients, from running."""
    leaves = [v for v in vertices if isinstance(v, Leaf) and v.requires_grad]
    held = [(leaf, leaf.tensor) for leaf in leaves]
    kept = [(leaf, tensor, tensor.grad, leaf.summed, leaf.last) for leaf, tensor in held if tensor is not None]
    hooks = [(vertex, vertex.hooks) for vertex in vertices]
    for vertex in vertices:
        vertex.hooks = None
    try:
        yield
    finally:
        for leaf, tensor, grad, summed, last in kept:
            tensor.grad = grad
            leaf.summed, leaf.last = summed, last
        for vertex, hook in hooks:
            vertex.hooks = hook
