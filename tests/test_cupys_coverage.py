"""What the ducks know of CuPy is what CuPy has."""

from importlib.util import find_spec

import pytest

from tests.duck.coverage import FILE, coverage, read_from_cupy


@pytest.mark.skipif(find_spec("cupy") is None, reason="cupy, which needs no GPU for this, is not installed")
def test_the_coverage_of_the_ducks_is_cupys() -> None:
    text = read_from_cupy()
    if text.splitlines()[0] != f"cupy {coverage().version}":
        pytest.skip(f"the coverage is of cupy {coverage().version}: to renew it, python -m tests.duck.coverage")
    assert text == FILE.read_text("utf-8")
