"""The parameters of a network by their names, of whatever kind it is."""

from collections.abc import Mapping
from typing import Any

from tinygrad_edu import Tensor, keras, nn

__all__ = ["named_parameters"]


def named_parameters(model: Any) -> dict[str, Any]:
    """Names and parameters of a module, of a Keras model, or of a dict; TypeError for anything else.

    Those of a Keras model have its layers' names. ValueError where there is no parameter, or none yet.

    >>> {name: parameter.shape for name, parameter in named_parameters(nn.Linear(3, 2)).items()}
    {'weight': (2, 3), 'bias': (2,)}
    """
    if isinstance(model, nn.Module):
        found: dict[str, Any] = dict(model.named_parameters())
    elif isinstance(model, keras.Sequential):
        found = {
            f"{layer.name}.{name}": parameter
            for layer in model.layers
            for module in layer.modules or ()
            for name, parameter in module.named_parameters()
        }
    elif isinstance(model, Mapping):
        found = {str(name): value for name, value in model.items()}
    else:
        kind = type(model).__name__
        hint = ': write {"weight": it}' if isinstance(model, Tensor) or hasattr(model, "shape") else ""
        raise TypeError(f"a model is a module of nn, a Keras model or a dict of names and Tensors, not a {kind}{hint}")
    if not found:
        raise ValueError("there is no parameter: a Keras model has none before build((None, features)) or fit")
    return found
