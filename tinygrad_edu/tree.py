"""Arguments and results in containers: tuples (named ones too), lists, dicts and None, nested as you like."""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """What the containers hold, in order; a dict in the order of its keys.

    >>> leaves({"w": [1.0, 2.0], "b": (3.0, None)})
    [1.0, 2.0, 3.0]
    """
    if tree is None:
        return []
    if isinstance(tree, dict):
        return [leaf for child in tree.values() for leaf in leaves(child)]
    if isinstance(tree, tuple | list):
        return [leaf for child in tree for leaf in leaves(child)]
    return [tree]


def rebuilt(tree: Any, new: Sequence[Any]) -> Any:
    """Containers like those of `tree`, with other leaves.

    >>> rebuilt({"w": [1.0, 2.0], "b": 3.0}, "abc")
    {'w': ['a', 'b'], 'b': 'c'}
    """
    return _filled(tree, iter(new))


def _filled(part: Any, supply: Iterator[Any]) -> Any:
    if part is None:
        return None
    if isinstance(part, dict):
        new = copy.copy(part)  # of its own kind: defaultdict, OrderedDict
        for key, child in part.items():
            new[key] = _filled(child, supply)
        return new
    if isinstance(part, tuple | list):
        children = [_filled(child, supply) for child in part]
        return type(part)(*children) if hasattr(part, "_fields") else type(part)(children)
    return next(supply)


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Containers like those of `tree`, with `function` of each leaf."""
    return rebuilt(tree, [function(leaf) for leaf in leaves(tree)])


def pairs(tree: Any, like: Any) -> list[tuple[Any, Any]]:
    """The leaves of two trees side by side, in the order of `like`; ValueError where their containers differ.

    >>> pairs({"b": 1, "a": 2}, {"a": "x", "b": "y"})
    [(2, 'x'), (1, 'y')]
    """
    if isinstance(like, dict) and isinstance(tree, dict) and tree.keys() == like.keys():
        return [pair for key in like for pair in pairs(tree[key], like[key])]
    for kind in (tuple, list):
        if isinstance(like, kind) and isinstance(tree, kind) and len(tree) == len(like):
            return [pair for children in zip(tree, like, strict=True) for pair in pairs(*children)]
    if (
        isinstance(like, dict | tuple | list)
        or isinstance(tree, dict | tuple | list)
        or (tree is None) != (like is None)
    ):
        raise ValueError(f"{tree!r} has not the structure of {like!r}")
    return [] if like is None else [(tree, like)]
