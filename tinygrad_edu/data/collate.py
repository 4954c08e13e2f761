"""How items become a batch: numbers, arrays and Tensors of the same place in each are stacked."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.errors import DataError
from tinygrad_edu.graph import wrap
from tinygrad_edu.ops import stack
from tinygrad_edu.tensor import Tensor

__all__ = ["default_collate"]


def default_collate(batch: Sequence[Any]) -> Any:
    """One batch from a list of items.

    Numbers, arrays and Tensors are stacked to a Tensor; words stay as they are; of tuples, lists and dicts each part
    becomes a batch of its own. DataError where shapes or keys differ; TypeError for items of other kinds. Follows
    https://pytorch.org/docs/stable/data.html#torch.utils.data.default_collate.

    >>> default_collate([(np.zeros(2), 0), (np.ones(2), 1)])
    [Tensor([[0., 0.],
            [1., 1.]]), Tensor([0, 1])]
    >>> default_collate([{"x": 1.5, "name": "a"}, {"x": 2.5, "name": "b"}])
    {'x': Tensor([1.5, 2.5]), 'name': ['a', 'b']}
    """
    first = batch[0]
    if isinstance(first, Tensor | np.ndarray):
        _check([np.shape(item) for item in batch], "have shapes", "Bring them to one shape, by cutting or padding")
        if isinstance(first, Tensor):
            return stack(batch)
        return wrap(np.stack(batch), None)
    if isinstance(first, bool | int | float | np.generic):
        return Tensor(np.array(batch))
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        _check([sorted(map(str, item)) for item in batch], "have the keys", "Give all the same keys")
        return {key: default_collate([item[key] for item in batch]) for key in first}
    if isinstance(first, tuple | list):
        _check([len(item) for item in batch], "have lengths", "Give all the same parts")
        columns = [default_collate(column) for column in zip(*batch, strict=True)]
        return type(first)(*columns) if hasattr(first, "_fields") else columns
    hint = "; does __getitem__ return the item?" if first is None else ""
    raise TypeError(
        f"a batch is made of numbers, arrays, Tensors, words, and tuples and dicts of them, not of"
        f" {type(first).__name__}{hint}: convert it in __getitem__, or give DataLoader a collate_fn="
    )


def _check(found: Sequence[Any], what: str, remedy: str) -> None:
    for place, one in enumerate(found):
        if one != found[0]:
            raise DataError(
                f"items 0 and {place} of a batch {what} {found[0]} and {one}, and a batch is one array. {remedy}, or"
                " give DataLoader a collate_fn= that does"
            )
