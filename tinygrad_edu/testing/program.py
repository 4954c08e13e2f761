"""Random programs: expressions over the whole table, with shared subexpressions, broadcasting and awkward numbers."""

import inspect
import linecache
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.testing.maker import SPACE, Maker
from tinygrad_edu.testing.recipes import RECIPES

__all__ = ["Program", "programs"]

Array = Any


@dataclass
class Program:
    """Inputs, lines of one call each, and as the loss a weighed sum of every result that no line uses.

    Call it with arrays or Tensors in place of the inputs: it returns the loss. `source()` is the program as Python.
    `space` holds what the lines name beside inputs and earlier lines.
    """

    inputs: dict[str, Array]
    lines: list[tuple[str, str]]  # what is assigned to, and the code that it gets
    space: dict[str, Any] = field(default_factory=lambda: SPACE)
    name: str = "the program"
    takes_arrays = True

    @cached_property
    def results(self) -> dict[str, Any]:
        """The arrays of floats that no line uses."""
        used = names_in(*(code for _, code in self.lines))
        with np.errstate(all="ignore"):
            values = self.run(*self.inputs.values())
        return {n: v for n, v in values.items() if n not in used | self.inputs.keys() and is_floats(v)}

    @property
    def loss(self) -> str:
        """The code of the loss: every number of every result counts differently."""
        return " + ".join(_weighed(n, np.shape(v)) for n, v in self.results.items())

    @cached_property
    def _function(self) -> Callable[..., Any]:
        return self._compiled("dict(locals())")

    @cached_property
    def _loss(self) -> Callable[..., Any]:
        return self._compiled(self.loss)

    def _compiled(self, returned: str) -> Callable[..., Any]:
        """A function of the inputs, whose lines tracebacks can show."""
        body = [f"    {target} = {code}" for target, code in self.lines]
        source = "\n".join([f"def program({', '.join(self.inputs)}):", *body, f"    return {returned}"])
        name = f"<program {hash(source)}>"
        space = dict(self.space)
        exec(compile(source, name, "exec"), space)  # noqa: S102 - lines that recipes wrote
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        return space["program"]  # type: ignore[no-any-return] # it was just defined

    @property
    def __signature__(self) -> inspect.Signature:
        """By the names of the inputs."""
        kind = inspect.Parameter.POSITIONAL_ONLY
        return inspect.Signature([inspect.Parameter(name, kind) for name in self.inputs])

    def without(self, line: int) -> "Program":
        """The same without a line, and without the inputs that only it used."""
        lines = [self.lines[i] for i in range(len(self.lines)) if i != line]
        used = {name for pair in lines for name in names_in(*pair)}
        return Program({n: v for n, v in self.inputs.items() if n in used}, lines, self.space, self.name)

    def run(self, *inputs: Any) -> dict[str, Any]:
        """The value of every name."""
        values: dict[str, Any] = self._function(*inputs)
        return values

    def __call__(self, *inputs: Any) -> Any:
        return self._loss(*inputs)

    def source(self, check: str = "gradcheck") -> str:
        """The program as Python that runs on its own, prints the gradients, and compares them with differences."""
        names = ", ".join(self.inputs)
        said = ["import numpy as np", "import tinygrad_edu as tg", f"from tinygrad_edu.testing import {check}", ""]
        said += [_given(name, self.space[name]) for name in sorted(self.space.keys() & self._names())]
        said += [f"{name} = {_literal(value)}" for name, value in self.inputs.items()]
        said += ["", "", f"def program({names}):", *(f"    {target} = {code}" for target, code in self.lines)]
        said += [f"    return {self.loss}", "", ""]
        said += [f"at = [tg.Tensor(x, requires_grad=True) for x in ({names},)]", "program(*at).backward()"]
        said += ["print([x.grad for x in at])", f"print({check}(program, {names}))"]
        return "\n".join(said)

    def _names(self) -> set[str]:
        """What the lines name beside inputs and each other, and NumPy and this package."""
        return names_in(*(part for line in self.lines for part in line)) - {*SPACE, *self.inputs}

    def __repr__(self) -> str:
        return self.source()


def names_in(*codes: str) -> set[str]:
    """The names that code mentions."""
    return set(re.findall(r"[A-Za-z_]\w*", " ".join(codes)))


def is_floats(value: Any) -> bool:
    """Whether it is an array, a number or a Tensor of floats."""
    return hasattr(value, "dtype") and value.dtype.kind == "f"


def _literal(value: Array) -> str:
    """Code that makes the same array, in memory that is laid out the same way."""
    value = np.asarray(value)
    text = f"np.array({value.tolist()!r})"
    if value.size == 0:
        return f"{text}.reshape({value.shape})"
    if value.ndim == 0 or value.flags.c_contiguous:
        return text
    if value.flags.f_contiguous:
        return f"np.asfortranarray({text})"
    if value.strides[-1] < 0:
        return f"np.array({value[..., ::-1].tolist()!r})[..., ::-1]"
    return f"np.repeat({text}, 2, axis=-1)[..., ::2]"


def _given(name: str, value: Any) -> str:
    """The line that says what a name stands for: an op of this package, a learner's, or what an op is given."""
    function = next((f for f in (tg, tg.ops, np) if hasattr(f, name) and getattr(f, name) is value), None)
    if function is not None:
        return f"from {function.__name__} import {name}"
    own = getattr(value, "name", None) or getattr(value, "__name__", None)
    if own and getattr(tg, str(own), None) is value:  # abs is absolute
        return f"from tinygrad_edu import {own} as {name}"
    if isinstance(value, np.ndarray):
        return f"{name} = np.array({value.tolist()!r}, dtype={str(value.dtype)!r}).reshape({value.shape})"
    if callable(value):
        return f"# {name} is yours: define it here, or import it from where it stands"
    return f"{name} = {value!r}"


def _weighed(name: str, shape: tuple[int, ...]) -> str:
    """The sum of a result, with weights that are all different, of both signs."""
    size = int(np.prod(shape, dtype=int))
    return name if shape == () else f"np.vdot({name}, np.cos(np.arange({size})))"


@st.composite
def programs(draw: Any, ops: Sequence[str] | None = None, min_steps: int = 1, max_steps: int = 6) -> Program:
    """Random programs of so many calls of the ops named, or of the whole table.

    Values are finite and moderate; kinks and ties happen. A failing one shrinks to few calls of simple numbers.
    """
    maker = Maker(draw)
    names = sorted(ops or RECIPES)
    for step in range(max_steps):
        if step >= min_steps and draw(st.integers(0, 5)) == 0:  # rather than a count drawn first: a step shrinks away
            break
        recipe = draw(st.sampled_from(RECIPES[draw(st.sampled_from(names))]))
        written = recipe(maker)
        maker.add(*((written,) if isinstance(written, str) else written))
    assume(maker.lines)
    used = names_in(*(part for line in maker.lines for part in line))
    program = Program({n: v for n, v in maker.inputs.items() if n in used}, maker.lines)
    assume(program.inputs and program.results)
    return program
