"""Module: a function with parameters, made of other modules; it knows all of them by name."""

from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from tinygrad_edu.device import is_device
from tinygrad_edu.hooks import Handle
from tinygrad_edu.nn.backward_hooks import Ends
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.nn.state import Loaded, load
from tinygrad_edu.nn.unregistered import warn_of_unregistered
from tinygrad_edu.recording import no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.watch import switched, watchers, watching

if TYPE_CHECKING:
    from tinygrad_edu.nn.summary import Summary

__all__ = ["Module"]

Kind = Literal["parameter", "buffer", "passing buffer", "module"]
"""What a registered attribute is; a passing buffer is not part of `state_dict`."""

PARAMETERS: tuple[Kind, ...] = ("parameter",)
BUFFERS: tuple[Kind, ...] = ("buffer", "passing buffer")


def _forward_missing(self: Module, *_args: Any, **_kwargs: Any) -> Any:
    """What a module computes: every subclass says it."""
    kind = type(self).__name__
    raise NotImplementedError(
        f"{kind} has no forward: write `def forward(self, x):` in class {kind}, indented as far as its __init__, and"
        " have it return the result."
    )


class Module:
    """The base of every layer and every network.

    A subclass makes its parts in `__init__`, after `super().__init__()`, and computes in `forward`; call the module
    itself, `model(x)`, not `forward`, so that hooks run. Every `Parameter` and every `Module` that becomes an attribute
    is registered under the attribute's name. After https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html

    >>> class Line(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope = Parameter(2.0)
    ...
    ...     def forward(self, x):
    ...         return self.slope * x
    >>> line = Line()
    >>> line(3.0)
    Tensor(6., grad_fn=<multiply>)
    >>> [name for name, parameter in line.named_parameters()]
    ['slope']
    """

    training: bool
    forward: Callable[..., Any] = _forward_missing
    _kinds: dict[str, Kind]  # of every registered attribute; its value is an ordinary attribute, which costs no search
    _before: list[Callable[..., Any]] | None = None  # the forward pre-hooks; None until there is one
    _after: list[Callable[..., Any]] | None = None
    _backward: tuple[list[Callable[..., Any]], list[Callable[..., Any]]] | None = None  # pre-hooks and hooks

    def __init__(self) -> None:
        vars(self).update(training=True, _kinds={})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if watchers and (watch := watching()):
            watch.entered(self)
        if not self._before and not self._after and not self._backward:
            return self.forward(*args, **kwargs)
        for before in tuple(self._before or ()):
            if (changed := before(self, args)) is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        ends = Ends(self, *self._backward) if self._backward and any(self._backward) else None
        out = self.forward(*(ends.enter(args) if ends else args), **kwargs)
        for after in tuple(self._after or ()):
            if (changed := after(self, args, out)) is not None:
                out = changed
        return ends.leave(out) if ends else out

    # ---- attributes

    def __setattr__(self, name: str, value: Any) -> None:
        kinds = vars(self).get("_kinds")
        kind: Kind | None = "parameter" if isinstance(value, Parameter) else None
        kind = "module" if isinstance(value, Module) else kind
        if kinds is None and kind is not None:
            raise AttributeError(_uninitialised(self))
        if kind is None and kinds and name in kinds:
            _check(name, kinds[name], value)
        switched.count += 1
        object.__setattr__(self, name, value)
        if kind is not None and name in vars(self):  # and not where a property put it elsewhere
            self._keep(name, kind)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        switched.count += 1
        vars(self).get("_kinds", {}).pop(name, None)

    def __getattr__(self, name: str) -> Any:  # only where there is no such attribute
        if name == "_kinds" or "_kinds" not in vars(self):
            raise AttributeError(_uninitialised(self))
        known = [] if name.startswith("_") else [n for n in dir(self) if not n.startswith("_")]
        near = difflib.get_close_matches(name, known, 1)
        hint = f": did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{hint}")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Make `param` a parameter; None keeps the name for one that this module goes without, as `bias=False` does."""
        self._register(name, "parameter", param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Make `tensor` a part that is not learnt, as a running mean; `persistent`: it is part of `state_dict`."""
        self._register(name, "buffer" if persistent else "passing buffer", tensor)

    def register_module(self, name: str, module: Module | None) -> None:
        """Make `module` a part, as `self.name = module` does, for names that are computed."""
        self._register(name, "module", module)

    add_module = register_module

    def _register(self, name: str, kind: Kind, value: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"the name of a {kind} is a string, not {type(name).__name__}")
        if not name or "." in name:
            raise KeyError(f"{name!r} cannot name a {kind}: a name is not empty, and a dot stands between module names")
        if name not in self._kinds and (name in vars(self) or hasattr(type(self), name)):
            raise KeyError(f"{type(self).__name__} has an attribute {name!r} already: give the {kind} another name")
        _check(name, kind, value)
        switched.count += 1
        self._keep(name, kind)
        object.__setattr__(self, name, value)

    def _keep(self, name: str, kind: Kind) -> None:
        """Remember what `name` is: in the place of the old one of that kind, else last."""
        if self._kinds.get(name, kind) != kind:
            del self._kinds[name]
        self._kinds[name] = kind

    # ---- its parts

    def _own(self, *kinds: Kind) -> dict[str, Any]:
        """The registered attributes of these kinds, None where the module goes without."""
        here = vars(self)
        return {name: here[name] for name, kind in self._kinds.items() if kind in kinds}

    _parameters = property(lambda self: MappingProxyType(self._own("parameter")), doc="Its own parameters, to look at.")
    _buffers = property(lambda self: MappingProxyType(self._own(*BUFFERS)), doc="Its own buffers, to look at.")
    _modules = property(lambda self: MappingProxyType(self._own("module")), doc="Its own modules, to look at.")

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, with their names: "" for itself, "0.conv" for part conv of part 0."""
        memo = set() if memo is None else memo
        if remove_duplicate:
            if self in memo:
                return
            memo.add(self)
        yield prefix, self
        for name, kind in self._kinds.items():
            if kind == "module" and (module := vars(self)[name]) is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules right below this one, with their names, each once."""
        seen: set[Module] = set()
        for name, module in self._own("module").items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules right below this one, each once."""
        return (module for _, module in self.named_children())

    def _named(
        self, kinds: tuple[Kind, ...], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        every = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else ((prefix, self),)
        for path, module in every:
            here = vars(module)
            for name, kind in module._kinds.items():
                if kind not in kinds or (value := here[name]) is None or (remove_duplicate and id(value) in seen):
                    continue
                seen.add(id(value))
                yield f"{path}.{name}" if path else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters of this module and of all below it, with their names; one that is shared comes once."""
        if recurse:
            warn_of_unregistered(self)
        return self._named(PARAMETERS, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of this module and of all below it, each once: what an optimiser takes."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers of this module and of all below it, with their names."""
        return self._named(BUFFERS, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of this module and of all below it, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module of that name: `get_submodule("0.conv")`; AttributeError where there is none."""
        module: Any = self
        for name in target.split(".") if target else ():
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"{name!r} in {target!r} is no module but a {type(module).__name__}")
        return module  # type: ignore[no-any-return] # a Module, as the loop saw

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of that name: `get_parameter("0.conv.weight")`; AttributeError where there is none."""
        return self._get(target, PARAMETERS)  # type: ignore[no-any-return] # as registered

    def get_buffer(self, target: str) -> Tensor:
        """The buffer of that name; AttributeError where there is none."""
        return self._get(target, BUFFERS)  # type: ignore[no-any-return] # as registered

    def _get(self, target: str, kinds: tuple[Kind, ...]) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        value = getattr(module, name)
        if module._kinds.get(name) not in kinds:
            raise AttributeError(f"{target!r} is no {kinds[0]} but a {type(value).__name__}")
        return value

    # ---- state

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> OrderedDict[str, Tensor]:
        """Every parameter and persistent buffer by its name, detached, on the same memory; with `keep_vars` itself.

        >>> from tinygrad_edu import nn
        >>> {name: value.shape for name, value in nn.Linear(3, 2).state_dict().items()}
        {'weight': (2, 3), 'bias': (2,)}
        """
        found: OrderedDict[str, Tensor] = OrderedDict()
        for path, module in self.named_modules(prefix=prefix.removesuffix("."), remove_duplicate=False):
            for name, value in (module._own("parameter") | module._own("buffer")).items():
                if value is not None:
                    found[f"{path}.{name}" if path else name] = value if keep_vars else value.detach()
        return found

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> Loaded:
        """Copy the values of a `state_dict` into the parameters and buffers, in place, and say which did not match.

        Values are Tensors, arrays, or PyTorch's tensors, of any real dtype. Raises `StateDictError`, a RuntimeError,
        with all missing, unexpected and mis-shaped names, and changes nothing then; strict=False allows missing and
        unexpected ones and returns them.
        """
        return load(self, state_dict, strict)

    def train(self, mode: bool = True) -> Self:
        """Behave as in training (dropout, batch statistics), this module and all below it."""
        if not isinstance(mode, bool):
            raise ValueError(f"train(mode) takes True or False, not {mode!r}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Behave as after training: `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Whether the parameters learn: False freezes them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters; set_to_none=False puts zeros there."""
        for _, parameter in self._named(PARAMETERS, "", True, True):
            if set_to_none or parameter.grad is None:
                parameter.grad = None
            else:
                parameter.grad = parameter.grad.detach()
                with no_grad():
                    parameter.grad[...] = 0

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` with every module, those below first; this is how weights are initialised by hand."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def to(self, *args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False) -> Self:  # noqa: ARG002
        """Move all parameters and buffers: `to("cuda")`, `to(np.float64)`, `to("cuda", np.float32)`, `to(tensor)`.

        Only floating-point ones change their dtype, as in PyTorch; parameters stay the same objects. TypeError for a
        dtype that is not of floats. `non_blocking` is accepted and does nothing.
        """
        for given in args:
            if isinstance(given, Tensor):
                device, dtype = given.device, given.dtype
            elif is_device(given):
                device = given
            elif given is not None and not isinstance(given, bool):
                dtype = given
        if dtype is not None:
            dtype = _float_dtype(dtype)

        def there(tensor: Tensor) -> Tensor:
            moved = tensor if device is None else tensor.to(device)
            return moved if dtype is None or moved.dtype.kind != "f" else moved.to(dtype)

        for tensor in [*self.parameters(), *self.buffers()]:
            value, gradient = tensor.detach(), tensor.grad
            if (moved := there(value)) is not value:
                tensor.data = moved
                if gradient is not None:
                    tensor.grad = there(gradient.detach())
        return self

    def float(self) -> Self:
        """All floating-point parameters and buffers as float32."""
        return self.to(np.float32)

    def double(self) -> Self:
        """All floating-point parameters and buffers as float64."""
        return self.to(np.float64)

    def half(self) -> Self:
        """All floating-point parameters and buffers as float16."""
        return self.to(np.float16)

    def cpu(self) -> Self:
        """All parameters and buffers in the memory of the host."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Self:
        """All parameters and buffers in the memory of a GPU, the one in use unless `device` says which."""
        return self.to(f"cuda:{device}" if isinstance(device, int) else device or "cuda")

    # ---- hooks and display

    def register_forward_pre_hook(self, hook: Callable[[Any, tuple[Any, ...]], Any]) -> Handle:
        """Call `hook(module, args)` before `forward`; what it returns, if anything, replaces the arguments."""
        self._before = self._before or []
        self._before.append(hook)
        return Handle(self._before, hook)

    def register_forward_hook(self, hook: Callable[[Any, tuple[Any, ...], Any], Any]) -> Handle:
        """Call `hook(module, args, output)` after `forward`; what it returns, if anything, replaces the output."""
        self._after = self._after or []
        self._after.append(hook)
        return Handle(self._after, hook)

    def register_full_backward_pre_hook(self, hook: Callable[[Any, tuple[Any, ...]], Any]) -> Handle:
        """Call `hook(module, grad_output)` when the gradients of the results are there; what it returns replaces them.

        Both are tuples, one gradient a result.
        """
        self._backward = self._backward or ([], [])
        self._backward[0].append(hook)
        return Handle(self._backward[0], hook)

    def register_full_backward_hook(self, hook: Callable[[Any, tuple[Any, ...], tuple[Any, ...]], Any]) -> Handle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the arguments are there.

        What it returns, if anything, replaces `grad_input`, which has None for arguments that need no gradient; only
        those given by position are looked at. After
        https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_hook

        >>> from tinygrad_edu import nn
        >>> layer, norms = nn.Linear(2, 1), []
        >>> handle = layer.register_full_backward_hook(lambda module, into, out: norms.append(out[0].norm().item()))
        >>> layer(Tensor([[1.0, 2.0]])).sum().backward()
        >>> norms
        [1.0]
        """
        self._backward = self._backward or ([], [])
        self._backward[1].append(hook)
        return Handle(self._backward[1], hook)

    def extra_repr(self) -> str:
        """What `repr` shows of the module itself, as its sizes; for subclasses to say."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        parts = [f"({name}): {_indented(repr(module))}" for name, module in self._own("module").items()]
        if not parts and "\n" not in extra:
            return f"{type(self).__name__}({extra})"
        lines = "\n  ".join([*(extra.split("\n") if extra else ()), *parts])
        return f"{type(self).__name__}(\n  {lines}\n)"

    def summary(self, *example: Any) -> Summary:
        """A table of its layers, their output shapes and their parameters: see `nn.summary`."""
        from tinygrad_edu.nn.summary import summary  # built on this class

        return summary(self, *example)


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _check(name: str, kind: Kind, value: Any) -> None:
    """TypeError where `value` cannot be what `name` is registered as."""
    wanted = Parameter if kind == "parameter" else Module if kind == "module" else Tensor
    if value is None or isinstance(value, wanted):
        return
    what = value.__name__ if isinstance(value, type) else f"a {type(value).__name__}"
    if kind == "parameter":
        hint = f"write nn.Parameter(value), or `with no_grad(): module.{name}[...] = value` for new numbers in it"
    elif kind != "module":
        hint = "write Tensor(value)"
    elif isinstance(value, type):
        what, hint = f"the class {what}", f"write {what}(), with brackets, to make a layer of it"
    elif isinstance(value, list | tuple):
        hint = "hand over its parts one by one, *layers"
    else:
        hint = "a function is called in forward; the activations are modules too, as nn.ReLU()"
    raise TypeError(f"{name!r} is a {kind}, a {wanted.__name__} or None, and cannot be {what}: {hint}")


def _float_dtype(dtype: Any) -> np.dtype[Any]:
    """The dtype for the parameters of a module; TypeError where it is none, or not of floats."""
    try:
        found: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"to() takes a device, 'cpu' or 'cuda', or a dtype, as np.float64, and not {dtype!r}") from None
    if found.kind != "f":
        raise TypeError(f"the parameters of a module are floats: to({found}) would lose their fractions")
    return found


def _uninitialised(module: Module) -> str:
    kind = type(module).__name__
    return (
        f"{kind}.__init__ has to call super().__init__() before anything else, so that the module can register its"
        f" parts: make it the first line of `def __init__` in class {kind}."
    )
