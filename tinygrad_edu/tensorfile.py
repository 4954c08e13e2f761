"""The safetensors format: arrays under their names, and nothing that runs when it is read.

The library safetensors reads and writes it; here are NumPy's dtypes, bfloat16, and words for what is no such file.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.errors import CheckpointError
from tinygrad_edu.lines import warn

__all__ = ["CODES", "DTYPES", "library_needed", "read", "written"]

Array = np.ndarray[Any, Any]

DTYPES = {
    "BOOL": "?", "U8": "<u1", "I8": "<i1", "U16": "<u2", "I16": "<i2", "F16": "<f2",
    "U32": "<u4", "I32": "<i4", "F32": "<f4", "U64": "<u8", "I64": "<i8", "F64": "<f8",
}  # fmt: skip
"""The format's names of NumPy's dtypes."""

CODES = {np.dtype(dtype): code for code, dtype in DTYPES.items()}

BFLOAT16 = "BF16"  # the upper half of a float32; NumPy has no such dtype

OTHERS = {
    b"\x80": "a pickle, as torch.save and pickle.dump write: reading it could run any program, so it is not read",
    b"PK\x03\x04": "a zip archive, as torch.save and np.savez write: what torch.save wrote could run any program when"
    " it is read, so it is not read; arrays of np.savez are read by np.load",
    b"\x89HDF": "an HDF5 file, as Keras writes",
    b"\x93NUMPY": "an array of np.save: np.load reads it",
}
"""How files of other kinds begin."""


def written(arrays: Mapping[str, Array], metadata: dict[str, str]) -> bytes:
    """The bytes of a file of arrays of the dtypes in `CODES`."""
    library = library_needed()
    plain = {name: np.asarray(array, order="C") for name, array in arrays.items()}  # it writes memory as it lies
    return bytes(library.numpy.save(plain, metadata))


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays, each in memory of its own, and the metadata; CheckpointError for a file that is not whole."""
    library = library_needed()
    _refuse_other_kinds(path)
    try:
        with library.safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
            dtypes = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118 - it is no dict
            for name, dtype in dtypes.items():
                if dtype not in DTYPES and dtype != BFLOAT16:
                    raise CheckpointError(f"tensor {name!r} holds {dtype}, which no Tensor holds: save it as float32")
            halves = [name for name, dtype in dtypes.items() if dtype == BFLOAT16]
            raw = dict(library.deserialize(Path(path).read_bytes())) if halves else {}
            arrays = {name: _widened(raw[name]) if name in halves else file.get_tensor(name) for name in dtypes}
    except (library.SafetensorError, ValueError) as error:  # ValueError: a shape that no array has
        raise CheckpointError(
            f"{str(path)!r} was cut short or is damaged: {error}; copy or download it again, or take an earlier"
            " checkpoint."
        ) from error
    if halves:
        warn(f"{halves} in {str(path)!r} are bfloat16, which NumPy lacks: they became float32, exactly", UserWarning)
    return arrays, metadata


def _refuse_other_kinds(path: str | os.PathLike[str]) -> None:
    with Path(path).open("rb") as file:
        begin = file.read(9)
    if begin[8:] in (b"{", b""):  # after the length of the header, the header
        return
    kind = next((OTHERS[first] for first in OTHERS if begin.startswith(first)), "no safetensors file")
    raise CheckpointError(
        f"{str(path)!r} is {kind}. To convert weights, in PyTorch:"
        " safetensors.torch.save_file(model.state_dict(), 'model.safetensors')."
    )


def _widened(entry: Mapping[str, Any]) -> Array:
    """The float32 numbers of a bfloat16 tensor."""
    upper = np.frombuffer(entry["data"], "<u2").astype(np.uint32)
    return (upper << 16).view(np.float32).reshape(entry["shape"])


def library_needed() -> Any:
    """The library safetensors; ImportError that says what to install."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError("files of weights need safetensors: pip install safetensors") from error
    return safetensors
