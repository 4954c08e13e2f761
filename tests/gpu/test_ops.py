"""The whole op table on a GPU, beside the same on the host: the tests that ducks pass."""

import tests.gpu.needed
from tests.duck.test_ops import *
