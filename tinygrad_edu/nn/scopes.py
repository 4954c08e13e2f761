"""Which module made a node of the graph: for pictures that draw a network as its modules."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from tinygrad_edu.graph import Node
from tinygrad_edu.hooks import Handle
from tinygrad_edu.mutation import tick

if TYPE_CHECKING:
    from tinygrad_edu.nn.module import Module

__all__ = ["Call", "scopes"]


class Call(NamedTuple):
    """One call of a module: its name in the network, its class, and the birth numbers before and after it."""

    name: str
    kind: str
    first: int
    last: int


class scopes:  # noqa: N801 - it reads as a statement
    """Remember, inside a `with` block, which part of `model` computes what.

    Hooks note the engine's clock when a module is called and when it returns; a node was made by the calls during which
    it was born. Outside the block nothing is noted and nothing is paid.

    >>> from tinygrad_edu import Tensor, nn
    >>> model = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    >>> with scopes(model) as calls:
    ...     y = model(Tensor([[1.0, 2.0]]))
    >>> [(call.name, call.kind) for call in calls.around(y.grad_fn)]
    [('', 'Sequential'), ('1', 'Tanh')]
    """

    def __init__(self, model: Module) -> None:
        self.model = model
        self.calls: list[Call] = []
        self.inputs: list[Any] = []  # what the model was called with, held so that a picture can tell it from the rest
        self._handles: list[Handle] = []

    def __enter__(self) -> Self:
        entered: list[int] = []

        def before(module: Any, args: Any) -> None:
            entered.append(tick())
            if module is self.model:
                self.inputs += args

        for name, module in self.model.named_modules():

            def after(module: Any, _args: Any, _out: Any, name: str = name) -> None:
                self.calls.append(Call(name, type(module).__name__, entered.pop(), tick()))

            self._handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()

    def around(self, node: Node) -> list[Call]:
        """The calls during which a node was born, the outermost first; none for what no module of the model made."""
        return sorted((call for call in self.calls if call.first < node.index < call.last), key=lambda call: call.first)
