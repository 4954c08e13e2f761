"""How a module takes the values of a `state_dict`: all of them, or none and an error that lists what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu.device import is_cupy
from tinygrad_edu.errors import StateDictError
from tinygrad_edu.recording import no_grad
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_edu.nn.module import Module

__all__ = ["Loaded"]


class Loaded(NamedTuple):
    """What `load_state_dict` found missing in the state dict, and what it had no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not (self.missing_keys or self.unexpected_keys):
            return "<All keys matched successfully>"
        return f"Loaded(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def load(module: Module, state_dict: Mapping[str, Any], strict: bool) -> Loaded:
    """Copy the values into the parameters and buffers of `module`, in place."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            "load_state_dict takes a dict of names and values, as state_dict() gives it,"
            f" not {type(state_dict).__name__}"
        )
    own = module.state_dict(keep_vars=True)
    loaded = Loaded([name for name in own if name not in state_dict], [name for name in state_dict if name not in own])
    given = {name: _value(name, state_dict[name]) for name in own if name in state_dict}
    wrong = [said for name, value in given.items() if (said := _misfit(name, own[name], value))]
    if strict:
        missing, unexpected = ([repr(name) for name in names] for names in loaded)
        wrong[:0] = [f"missing: {', '.join(missing)}"] if missing else []
        wrong[:0] = [f"unexpected: {', '.join(unexpected)}"] if unexpected else []
    if wrong:
        raise StateDictError(
            f"this state dict does not fit {type(module).__name__}, and nothing was loaded:\n  "
            + "\n  ".join(wrong)
            + _advice(loaded if strict else Loaded([], []))
        )
    with no_grad():
        for name, value in given.items():
            own[name][...] = value.to(own[name].device)
    return loaded


def _value(name: str, value: Any) -> Tensor:
    """The value as a Tensor; PyTorch's tensors and others come through NumPy."""
    if isinstance(value, Tensor):
        return value
    try:
        return Tensor(value if is_cupy(value) else np.asarray(value))
    except (TypeError, ValueError, RuntimeError) as error:
        raise StateDictError(
            f"the value of {name!r}, a {type(value).__name__}, is no array of real numbers ({error}), and nothing was"
            " loaded"
        ) from error


def _misfit(name: str, own: Tensor, given: Tensor) -> str:
    if own.shape != given.shape:
        return f"{name!r} has shape {own.shape} here and {given.shape} in the state dict"
    if not np.can_cast(given.dtype, own.dtype, "same_kind"):
        return f"{name!r} holds {own.dtype} here and {given.dtype} in the state dict"
    return ""


def _advice(loaded: Loaded) -> str:
    """How names that differ come about, and what to do."""
    missing, unexpected = loaded
    for prefix in ("module.", "_orig_mod."):
        if unexpected and all(name.startswith(prefix) for name in unexpected):
            return f"\nEvery unexpected name begins with {prefix!r}: take it off, name.removeprefix({prefix!r})."
    if missing or unexpected:
        return "\nBuild the same network that was saved, or pass strict=False to load the names that both have."
    return ""
