"""What an optimiser is given, read: groups of parameters and their options, each mistake with the way out."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.graph import Node
from tinygrad_edu.tensor import Tensor

Group: TypeAlias = dict[str, Any]
"""Parameters that are updated alike: "params", and the value of every option."""

LIMITS = {
    **dict.fromkeys(("lr", "momentum", "dampening", "weight_decay", "eps"), math.inf),
    **dict.fromkeys(("lr_decay", "initial_accumulator_value"), math.inf),
    **dict.fromkeys(("alpha", "rho"), 1.0),  # the share of an average that is kept
    "betas": math.nextafter(1.0, 0.0),  # the same, and 1 - beta is divided by
}
"""What each option may be at most; at least 0."""

KINDS = {"dampening": "SGD", "alpha": "RMSprop", "lr_decay": "Adagrad", "rho": "Adadelta", "betas": "Adam or AdamW"}
"""The optimisers by an option that no other one has."""

KERNELS = ("foreach", "fused", "capturable", "differentiable")
"""Arguments by which PyTorch chooses how the same numbers are computed; there is one way here."""


def groups_of(params: Any) -> list[Group]:
    """The groups in the first argument of an optimiser: Tensors make one, dicts are one each."""
    if isinstance(params, Tensor):
        raise TypeError("an optimizer takes a list of parameters, and this is one Tensor: write [w]")
    if hasattr(params, "parameters"):
        raise TypeError(f"an optimizer takes parameters, not a {type(params).__name__}: write model.parameters()")
    if isinstance(params, dict):
        raise TypeError(
            'an optimizer takes a list: write [{"params": ..., "lr": 0.1}] for a group with options of its own, or'
            " d.values() for the Tensors in a dict"
        )
    if callable(params):
        raise TypeError("an optimizer takes the parameters, not the method that gives them: write model.parameters()")
    if not isinstance(params, Iterable):
        raise TypeError(f"an optimizer takes a list of Tensors, not {type(params).__name__}")
    given = ordered(params)
    if not given:
        raise ValueError(
            "there are no parameters to optimise: model.parameters() is an iterator, so the second loop over the same"
            " one finds nothing, and a model knows only layers that are its attributes, self.layer = nn.Linear(...),"
            " or in an nn.ModuleList"
        )
    return given if isinstance(given[0], dict) else [{"params": given}]


def ordered(params: Iterable[Any]) -> list[Any]:
    """The parameters as a list."""
    if isinstance(params, set | frozenset):
        raise TypeError("the order of a set changes from run to run, and what is saved goes by it: write a list")
    return list(params)


def read(group: Any, defaults: dict[str, Any], known: Collection[Tensor], optimizer: str) -> Group:
    """The group with its Tensors as a list and every option, checked; `known` are those of the other groups."""
    if not isinstance(group, dict):
        raise TypeError(f'a group of parameters is a dict, {{"params": [...], "lr": 0.1}}, not {type(group).__name__}')
    if "params" not in group:
        raise ValueError(f'a group of parameters needs "params", the Tensors; this one has {list(group)}')
    for name in group:
        near = difflib.get_close_matches(str(name), defaults, 1, 0.85)
        if near and name not in defaults:
            raise ValueError(f"{optimizer} has no option {name!r}: did you mean {near[0]!r}?")
    given = [group["params"]] if isinstance(group["params"], Tensor) else ordered(group["params"])
    read = defaults | group | {"params": given}
    if given and all(isinstance(item, tuple) and len(item) == 2 for item in given):  # from named_parameters()
        read["param_names"], read["params"] = ([item[place] for item in given] for place in (0, 1))
    seen = {id(p) for p in known}
    for index, p in enumerate(read["params"]):
        _check_parameter(p, index)
        if id(p) in seen:
            raise ValueError(f"{_which(p, index)} is there twice, and one step would move it twice: leave one out")
        seen.add(id(p))
    for name in defaults:
        read[name] = read[name].item() if isinstance(read[name], Tensor) else read[name]
    check_options(read, defaults)
    return read


def check_options(group: Group, names: Iterable[str]) -> None:
    """TypeError or ValueError for an option that is no number, or out of its limits."""
    for name in LIMITS.keys() & names:
        for number in group[name] if isinstance(group[name], tuple | list) else (group[name],):
            if not isinstance(number, int | float | np.number):
                raise TypeError(f"{name} is a number, not {type(number).__name__}: {group[name]!r} was given")
            if not 0 <= number <= LIMITS[name] or number == math.inf:
                limit = {math.inf: "0 or more", 1.0: "from 0 to 1"}.get(LIMITS[name], "at least 0 and less than 1")
                raise ValueError(f"{name} has to be {limit}, and {group[name]!r} was given")
    for p in group["params"]:
        if p.dtype.kind == "f" and group.get("eps") and not p.dtype.type(group["eps"]):
            raise ValueError(
                f"eps={group['eps']} is 0 in {p.dtype}, so a weight whose gradient is 0 would become 0 / 0:"
                " write eps=1e-4, or train in float32"
            )


def check_kernels(optimizer: str, given: dict[str, bool | None]) -> None:
    """TypeError for a keyword that no optimiser has, ValueError for what PyTorch's kernels do and ours do not."""
    for name, value in given.items():
        if name not in KERNELS:
            near = difflib.get_close_matches(name, [*LIMITS, "nesterov", "amsgrad", "centered", "maximize", "lr"], 1)
            hint = f": did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"{optimizer} got an unexpected keyword argument {name!r}{hint}")
        if value and name in ("capturable", "differentiable"):
            what = "CUDA graphs" if name == "capturable" else "derivatives through step()"
            raise ValueError(f"{name}=True is for {what}, which {optimizer} does not have: leave it out")


def check_kind(optimizer: str, saved: Sequence[Group], own: Sequence[Group], defaults: dict[str, Any]) -> None:
    """ValueError where saved groups lack options, or have those of another optimiser; switches may be lacking."""
    needed = {name for name, value in defaults.items() if not isinstance(value, bool)}
    for group, ours in zip(saved, own, strict=True):
        lacking = sorted(needed - group.keys())
        others = LIMITS.keys() | {"nesterov", "amsgrad", "centered"}
        foreign = sorted((others & group.keys()) - defaults.keys() - ours.keys())
        if not lacking and not foreign:
            continue
        kinds = [KINDS[name] for name in KINDS if name in group]
        whose = f"was saved by {kinds[0]}" if kinds and kinds[0] != optimizer else "is of another kind of optimizer"
        facts = [f"it has {', '.join(foreign)}"] * bool(foreign) + [f"lacks {', '.join(lacking)}"] * bool(lacking)
        raise ValueError(
            f"this state {whose}, and this is {optimizer}: {' and '.join(facts)}. Make the optimizer that was saved;"
            " or begin with a new one, and load only the model's weights"
        )


def _check_parameter(p: Any, index: int) -> None:
    if not isinstance(p, Tensor):
        kind = type(p).__name__
        raise TypeError(
            f"parameter {index} is a {kind}, and only Tensors learn: write Tensor(value, requires_grad=True)"
        )
    if isinstance(p._origin, Node):
        raise ValueError(
            f"{_which(p, index)} was computed from other tensors, so it is not what is learned: optimise those, or"
            " write t.detach().requires_grad_() before it is used"
        )
    if not getattr(getattr(p._value, "flags", None), "writeable", True) and p._value.ndim:
        raise errors.read_only(p.name)


def _which(p: Tensor, index: int) -> str:
    return f"parameter {index} ({repr(p.name) if p.name else f'shape {p.shape}'})"
