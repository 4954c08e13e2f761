"""Networks: modules, layers, losses and initialisation, under PyTorch's names and with its defaults."""

from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.nn.summary import summary

__all__ = [
    "Module",
    "Parameter",
    "summary",
]
