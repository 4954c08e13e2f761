"""What PyTorch keeps in `torch.autograd.functional`: derivatives of a function at given Tensors, at once.

`tinygrad_edu.func` has the same as functions of functions, which nest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu import func as transforms

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vjp"]


def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False) -> Any:
    """The derivatives of every result by every input: (*result, *input), for a tuple of inputs a tuple of them.

    After https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.jacobian.html

    >>> from tinygrad_edu import Tensor
    >>> jacobian(lambda x: x * x, Tensor([1.0, 2.0]))
    Tensor([[2., 0.],
            [0., 4.]])
    """
    every, places = _arguments(inputs)
    return _detached(transforms.jacobian(func, places)(*every), create_graph)


def hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False) -> Any:
    """The second derivatives of one number: (*input, *input), for a tuple of inputs a tuple of tuples.

    After https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.hessian.html

    >>> from tinygrad_edu import Tensor
    >>> hessian(lambda x: (x**3).sum(), Tensor([1.0, 2.0]))
    Tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    every, places = _arguments(inputs)
    return _detached(transforms.hessian(func, places)(*every), create_graph)


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False) -> tuple[Any, Any]:
    """The result, and v times the Jacobian, for a tuple of inputs a tuple; one number needs no v.

    After https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.vjp.html

    >>> from tinygrad_edu import Tensor
    >>> vjp(lambda x: x * x, Tensor([1.0, 2.0]), Tensor([1.0, 10.0]))
    (Tensor([1., 4.]), Tensor([ 2., 40.]))
    """
    out, pull = transforms.vjp(func, *_arguments(inputs)[0])
    return _detached((out, pull(out.new_ones(out.shape) if v is None else v)), create_graph)  # type: ignore[no-any-return] # a pair


def jvp(func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool = False) -> tuple[Any, Any]:
    """The result, and the Jacobian times v, which has the form of the inputs.

    After https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.jvp.html

    >>> from tinygrad_edu import Tensor
    >>> jvp(lambda x: x * x, Tensor([1.0, 2.0]), Tensor([1.0, 10.0]))
    (Tensor([1., 4.]), Tensor([ 2., 40.]))
    """
    return _detached(transforms.jvp(func, _arguments(inputs)[0], _arguments(v)[0]), create_graph)  # type: ignore[no-any-return] # a pair


def hvp(func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool = False) -> tuple[Any, Any]:
    """The result, one number, and its Hessian times v, without the Hessian.

    After https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.hvp.html

    >>> from tinygrad_edu import Tensor
    >>> hvp(lambda x: (x**3).sum(), Tensor([1.0, 2.0]), Tensor([1.0, 10.0]))
    (Tensor(9.), Tensor([  6., 120.]))
    """
    every, _ = _arguments(inputs)
    return _detached((func(*every), transforms.hvp(func, inputs, v)), create_graph)  # type: ignore[no-any-return] # a pair


def _arguments(inputs: Any) -> tuple[tuple[Any, ...], int | tuple[int, ...]]:
    """The arguments of the function, and which of them are meant: one, or every one of a tuple."""
    if isinstance(inputs, tuple | list):
        return tuple(inputs), tuple(range(len(inputs)))
    return (inputs,), 0


def _detached(found: Any, create_graph: bool) -> Any:
    """What was found without its history, unless that was asked for."""
    if isinstance(found, tuple | list):
        return type(found)(_detached(part, create_graph) for part in found)
    return found if create_graph else found.detach()
