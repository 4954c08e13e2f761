"""Modules in a plain list are not registered, so nothing would train them: that is said before training begins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import UnregisteredWarning, unregistered
from tinygrad_edu.lines import warn
from tinygrad_edu.nn.parameter import Parameter

if TYPE_CHECKING:
    from tinygrad_edu.nn.module import Module


CONTAINERS = (list, tuple, dict)


def warn_of_unregistered(root: Module) -> None:
    """Warn of every list, tuple or dict that holds parameters which `root.parameters()` would not give."""
    modules = dict(root.named_modules())
    known = {id(module) for module in modules.values()}
    for path, module in modules.items():
        for name, value in vars(module).items():
            if not isinstance(value, CONTAINERS) or value is module._kinds:
                continue
            if any(id(part) not in known for part in _learners(value)):
                where = f"{path}.{name}" if path else name
                warn(unregistered(type(module).__name__, where, isinstance(value, dict)), UnregisteredWarning)


def _learners(value: Any) -> Iterator[Any]:
    """The parameters in a container, and the modules in it that have some."""
    for part in value.values() if isinstance(value, dict) else value:
        inside = part.parameters() if hasattr(part, "named_parameters") else ()
        if isinstance(part, Parameter) or any(True for _ in inside):
            yield part
