"""Words that stand for things, as "relu" and "adam": the thing, or the nearest word."""

import difflib
from collections.abc import Mapping
from typing import Any


def named(what: str, given: str, known: Mapping[str, Any]) -> Any:
    """What `given` stands for, in capitals or not; ValueError, with the nearest word, where nothing is called so.

    >>> named("optimizer", "Adam", {"adam": 1, "sgd": 2})
    1
    """
    if (word := given.lower()) in known:
        return known[word]
    near = difflib.get_close_matches(word, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"
    raise ValueError(f"no {what} is called {given!r}: {hint}")
