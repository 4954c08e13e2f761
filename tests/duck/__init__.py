"""A stand-in for CuPy that needs no GPU: what runs on it runs on one, as far as Python can tell.

`Duck` is an array on the CPU that speaks NumPy's protocols as `cupy.ndarray` does and takes no other liberties: it
turns into no NumPy array by itself, meets none in a calculation, has the methods, functions, keyword arguments and
loops that CuPy has (`coverage.txt`, read from CuPy itself) and no more, gives arrays without axes where NumPy gives
scalars, and counts how often the host waits for its numbers. `as_cupy()` puts it where the library looks for the real
one. What it takes and refuses was read in CuPy's source, of the version that `coverage.txt` names.
"""

from tests.duck.array import DeviceSynchronized, Duck, waits
from tests.duck.module import as_cupy, upload

__all__ = ["DeviceSynchronized", "Duck", "as_cupy", "upload", "waits"]
