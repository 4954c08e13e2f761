"""The GPU of the tests here: ducks."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.duck.module import as_cupy


@pytest.fixture(autouse=True)
def cupy() -> Iterator[Any]:
    """The module of ducks, where `import cupy` finds it."""
    with as_cupy() as module:
        yield module
