"""Optimizer: what every optimiser shares; one of them is what it remembers of each parameter, and a rule."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, TypeAlias

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.device import is_cupy
from tinygrad_edu.graph import Array, wrap
from tinygrad_edu.lines import warn
from tinygrad_edu.mutation import changes
from tinygrad_edu.optim.blocks import BLOCK, in_blocks
from tinygrad_edu.optim.groups import Group, check_kernels, check_kind, check_options, groups_of, read
from tinygrad_edu.recording import enable_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.watch import unseen

ndarray = np.ndarray

__all__ = ["Optimizer"]

Number: TypeAlias = Callable[[float], Array]
"""Makes a Python number one of the parameter's dtype, which a ufunc takes in half the time (0.18 us, not 0.40)."""

Rule: TypeAlias = Callable[..., None]
"""Changes a parameter `w` in place, given its gradient `g` and what is remembered of it, which it changes too."""


class Optimizer:
    """The base of every optimiser: `zero_grad()`, `loss.backward()`, `step()`.

    `params` is an iterable of Tensors, or of dicts with "params" and the options in which that group differs from
    `defaults`. Of one of its own, a subclass says what it `remembers` of each parameter, arrays of its shape that
    begin as zeros, and the `rule` of one step. TypeError and ValueError say what cannot be optimised, and which option
    is out of range. `kernels` are PyTorch's foreach and fused, which every optimiser takes and which change nothing,
    and its capturable and differentiable, which must not be True. After https://docs.pytorch.org/docs/stable/optim.html

    >>> class SignDescent(Optimizer):
    ...     def rule(self, group, number, step):
    ...         lr = number(group["lr"])
    ...         def rule(w, g):
    ...             w -= lr * np.sign(g)
    ...         return rule
    >>> w = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SignDescent([w], {"lr": 0.5})
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    Tensor([ 0.5, -1.5], requires_grad=True)
    """

    counts: ClassVar[bool] = False
    """Whether the rule depends on how many steps were taken, which is then remembered as "step"."""

    def __init__(
        self, params: Iterable[Any], defaults: Mapping[str, Any], kernels: Mapping[str, bool | None] | None = None
    ) -> None:
        check_kernels(type(self).__name__, dict(kernels or {}))
        self.defaults = dict(defaults)
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self.steps = 0  # taken by this object, for those who watch the order: schedulers
        self._idle = False  # whether a step without any gradient was told of
        for group in groups_of(params):
            self.add_param_group(group)

    # ---- what a subclass says

    def remembers(self, group: Group) -> tuple[str, ...]:  # noqa: ARG002 - subclasses look at its options
        """The names of the arrays that are remembered of each parameter of the group."""
        return ()

    def start(self, name: str, group: Group, w: Array) -> Array:  # noqa: ARG002 - as above
        """How the array `name` begins, for parameter `w`: zeros."""
        return np.zeros_like(w)

    def rule(self, group: Group, number: Number, step: int) -> Rule:  # noqa: ARG002 - as above
        """The update of parameters of the group in their step number `step`, from 1 (where not counted: 1, then 2).

        It is handed arrays `w`, `g` and what is remembered, in order, large ones in parts; it writes to all but `g`.
        """
        kind = type(self).__name__
        raise NotImplementedError(f"{kind} has no rule: write `def rule(self, group, number, step)` in class {kind}.")

    # ---- the steps of training

    @unseen
    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, before the next `backward()` adds to them.

        `set_to_none=False` fills them with zeros instead.
        """
        for group in self.param_groups:
            for p in group["params"]:
                g = p._grad
                if g is None:
                    continue
                if set_to_none:
                    p._grad = None
                else:
                    zeros = p.grad.detach()  # without the history that create_graph gave it
                    zeros[...] = 0
                    p.grad = zeros

    @unseen
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, in place; the others stay as they are.

        `closure`, if there is one, computes the loss and its gradients first, and the loss is returned. Where no
        parameter has a gradient a `MissingGradientWarning` says so, once.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        found, changed = False, []
        try:
            for group in self.param_groups:
                names = self.remembers(group)
                dtype, at = None, 0  # which the rule is for
                for p in group["params"]:
                    g = p._grad
                    if g is None:
                        continue
                    found = True
                    if type(g) is not ndarray:
                        g = getattr(g, "_value", g)
                    w = p._value
                    bare = type(w) is not ndarray and isinstance(w, np.generic)
                    if bare:  # a number, which nobody can change in place
                        w = np.asarray(w)
                    else:
                        changed.append(w)
                    step, kept = self._recalled(p, w, names, group) if names else (1, ())
                    if kept:
                        changed += kept
                    if w.dtype is not dtype or step != at:
                        dtype, at = w.dtype, step
                        rule = self._prepared(group, w, step)
                    try:
                        if w.ndim and w.size <= BLOCK:
                            rule(w, g, *kept)
                        else:
                            in_blocks(rule, w, g, *kept)
                    except TypeError as error:
                        if errors.are_mixed([p, g, *kept]):
                            raise _elsewhere(self, p, g, kept) from error
                        raise
                    if bare:
                        p._become(w[()])
        finally:
            if changed:
                changes.note(*changed)  # a graph that kept the old weights is refused
        self.steps += 1
        if not found and not self._idle:
            self._idle = True
            warn(_no_gradients(self), errors.MissingGradientWarning)
        return loss

    def _recalled(self, p: Tensor, w: Array, names: tuple[str, ...], group: Group) -> tuple[int, list[Array]]:
        """The number of this step of the parameter, and the arrays remembered of it."""
        state, step = self.state[p], 2
        for name in names:
            if name not in state:
                state[name], step = wrap(self.start(name, group, w), None), 1
        if self.counts:
            step = state["step"] = state.get("step", 0) + 1
        return step, [state[name]._value if w.ndim else state[name].array for name in names]

    def _prepared(self, group: Group, w: Array, step: int) -> Rule:
        """The rule for parameters of the dtype of `w`, with what `maximize` and `weight_decay` make of the gradient."""
        number: Number = partial(np.asarray, dtype=w.dtype)
        if type(w) is not ndarray and is_cupy(w):
            number = w.dtype.type  # an array would be sent to the GPU
        rule = self.rule(group, number, step)
        maximize, decay = group.get("maximize", False), group.get("weight_decay", 0)
        decayed = decay and not group.get("decoupled_weight_decay")
        if not maximize and not decayed:
            return rule
        share = number(-decay if maximize else decay)

        def adjusted(w: Array, g: Array, *kept: Array) -> None:
            if decayed:
                g = g + share * w
            rule(w, -g if maximize else g, *kept)

        return adjusted

    # ---- groups

    def add_param_group(self, param_group: Group) -> None:
        """Optimise further parameters too: a dict with "params", one Tensor or several, and options of its own."""
        group = read(param_group, self.defaults, self._parameters(), type(self).__name__)
        self.check(group)
        for p in group["params"]:
            if not hasattr(p, "_grad"):  # a frozen one, which may learn later
                p._grad = None
        param_group.update(group)  # the dict itself becomes the group, as in PyTorch, so that its owner can change it
        self.param_groups.append(param_group)

    def check(self, group: Group) -> None:
        """Raise ValueError where options of the group do not go together."""

    # ---- saving

    def state_dict(self) -> dict[str, Any]:
        """What is remembered and every option, in PyTorch's layout: parameters are numbered in the order of the groups.

        The Tensors in it are those that `step` goes on changing: `copy.deepcopy` it to keep it as it is now.

        >>> from tinygrad_edu import optim
        >>> w = Tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
        >>> w.sum().backward()
        >>> optimizer.step()
        >>> optimizer.state_dict()["state"]
        {0: {'momentum_buffer': Tensor([1., 1.])}}
        """
        places = {p: i for i, p in enumerate(self._parameters())}
        return {
            "state": {places[p]: state for p, state in self.state.items() if state},
            "param_groups": [group | {"params": [places[p] for p in group["params"]]} for group in self.param_groups],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave, here or in PyTorch, for the same parameters in the same groups.

        Arrays are copied, in the dtype of their parameter. ValueError, with nothing changed, where the groups or the
        shapes are others, or it is the state of another kind of optimizer.
        """
        saved = state_dict["param_groups"]
        theirs, ours = ([len(group["params"]) for group in groups] for groups in (saved, self.param_groups))
        if theirs != ours:
            raise ValueError(
                f"this state is of groups of {theirs} parameters, and the optimizer has {ours}: give it the same"
                " parameters, in the same groups and order, as when the state was saved"
            )
        check_kind(type(self).__name__, saved, self.param_groups, self.defaults)
        groups = [
            self.defaults | group | {"params": own["params"]}
            for group, own in zip(saved, self.param_groups, strict=True)
        ]
        for group in groups:
            check_options(group, self.defaults)
        places = dict(zip([i for group in saved for i in group["params"]], self._parameters(), strict=True))
        if unknown := state_dict["state"].keys() - places:
            raise ValueError(f"this state remembers parameters {sorted(unknown)}, which are in none of its groups")
        self._check_remembered(groups, {places[i]: state for i, state in state_dict["state"].items()})
        loaded = {
            places[i]: {name: _loaded(name, value, places[i], i) for name, value in state.items() if value is not None}
            for i, state in state_dict["state"].items()
        }
        self.param_groups[:] = groups
        self.state.clear()
        self.state.update(loaded)

    def _check_remembered(self, groups: list[Group], state: Mapping[Tensor, Mapping[str, Any]]) -> None:
        """ValueError for arrays among which there is none that this optimizer remembers."""
        for group in groups:
            names = self.remembers(group)
            for p in group["params"]:
                found = [name for name, value in state.get(p, {}).items() if name != "step" and hasattr(value, "shape")]
                if names and found and not set(names) & set(found):
                    raise ValueError(
                        f"this state remembers {', '.join(found)}, as another kind of optimizer, and this is"
                        f" {type(self).__name__}, which remembers {', '.join(names)}: make the one that was saved"
                    )

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {name}: {value}" for name, value in sorted(group.items()) if name != "params"]
        return "\n".join([*lines, ")"])


def _loaded(name: str, value: Any, p: Tensor, place: int) -> Any:
    """A copy of what is remembered of parameter `p`: the number of steps, an array, or what somebody put there."""
    if name == "step":
        return int(value)
    if not hasattr(value, "shape"):
        return copy.deepcopy(value)
    if value.shape != p.shape:
        raise ValueError(
            f"this state has {name} of shape {tuple(value.shape)} for parameter {place}, which has shape {p.shape}:"
            " it was saved for another model"
        )
    return Tensor(value, dtype=p.dtype, device=p.device)


def _elsewhere(optimizer: Optimizer, p: Tensor, g: Array, kept: Sequence[Array]) -> Exception:
    """The error for a parameter that was moved to another device than what is remembered of it, where it was."""
    called = ("a parameter", "its gradient", *["what is remembered of it"] * len(kept))
    found = errors.mixed_devices(f"{type(optimizer).__name__}.step", [p, g, *kept], called)
    found.add_note("Move the model first, model.to(device), and then make the optimizer from its parameters.")
    return found


def _no_gradients(optimizer: Optimizer) -> str:
    """What to say where a step finds nothing to do."""
    return (
        f"step() changed nothing: none of the {len(optimizer._parameters())} parameters has a gradient. Call"
        " loss.backward() before step(), and zero_grad() not between the two; the loss has to be computed from these"
        " parameters."
    )
