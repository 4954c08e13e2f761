"""How each op of the table may be called: code for a call, its operands and options drawn at random.

A recipe keeps its operands inside of the op's domain, by wrapping them in other ops where need be.
"""

from tinygrad_edu.testing.recipes import (  # noqa: F401 - each declares its recipes
    curves,
    elementwise,
    indexing,
    linear,
    reductions,
    shapes,
    windows,
)
from tinygrad_edu.testing.recipes.registry import RECIPES

__all__ = ["RECIPES"]
