"""The GPU of the tests here is a real one: those that ducks pass run with CuPy in their place, and some more.

Each file imports `tests.gpu.needed`, and so is skipped where there is no GPU. `pytest -m gpu` selects them.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def cupy() -> Any:
    """CuPy itself."""
    return import_module("cupy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder are of a GPU."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("gpu")
