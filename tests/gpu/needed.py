"""To import this skips the tests of a file where there is no GPU."""

import pytest

from tinygrad_edu import cuda

if not cuda.is_available():
    pytest.skip("there is no GPU that CuPy can use", allow_module_level=True)
