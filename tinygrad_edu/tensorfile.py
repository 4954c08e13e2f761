"""The safetensors format: arrays under their names, and nothing that runs when it is read.

A file is the length of its header (8 bytes, little end first), the header in JSON (for each tensor its dtype, shape and
the first and last byte), and the numbers. See https://github.com/huggingface/safetensors#format.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from tinygrad_edu.errors import CheckpointError
from tinygrad_edu.lines import warn

__all__ = ["CODES", "read", "write"]

Array = np.ndarray[Any, Any]

DTYPES = {
    "BOOL": "?", "U8": "<u1", "I8": "<i1", "U16": "<u2", "I16": "<i2", "F16": "<f2",
    "U32": "<u4", "I32": "<i4", "F32": "<f4", "U64": "<u8", "I64": "<i8", "F64": "<f8",
}  # fmt: skip
"""The format's names of NumPy's dtypes."""

CODES = {np.dtype(dtype): code for code, dtype in DTYPES.items()}

BFLOAT16 = "BF16"  # the upper half of a float32; NumPy has no such dtype

HEADER_LIMIT = 100_000_000  # bytes, set by the format

OTHERS = {
    b"\x80": "a pickle, as torch.save and pickle.dump write: reading it could run any program, so it is not read",
    b"PK\x03\x04": "a zip archive, as torch.save and np.savez write: what torch.save wrote could run any program when"
    " it is read, so it is not read; arrays of np.savez are read by np.load",
    b"\x89HDF": "an HDF5 file, as Keras writes",
    b"\x93NUMPY": "an array of np.save: np.load reads it",
}
"""How files of other kinds begin."""

CONVERT = "To convert weights, in PyTorch: safetensors.torch.save_file(model.state_dict(), 'model.safetensors')."


def write(file: IO[bytes], arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write arrays of the dtypes in `CODES`; wide numbers first, so that all lie at multiples of their size."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    order, end = sorted(arrays, key=lambda name: -arrays[name].itemsize), 0
    places = {}
    for name in order:
        places[name], end = [end, end + arrays[name].nbytes], end + arrays[name].nbytes
    for name, array in arrays.items():
        code = CODES[array.dtype.newbyteorder("<")]
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": places[name]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in order:
        array = arrays[name]
        plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        file.write(plain.reshape(-1).view(np.uint8).data)


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays, each in memory of its own, and the metadata; CheckpointError for a file that is not whole."""
    with Path(path).open("rb") as file:
        header, start = _header(file, str(path))
        metadata = header.pop("__metadata__", {})
        size = os.fstat(file.fileno()).st_size - start
        end, arrays = 0, {}
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            first, last = entry["data_offsets"]
            if first != end:
                raise _damaged(str(path), f"tensor {name!r} does not begin where the one before ends")
            end = last
        if end != size:
            raise _of_another_size(str(path), end, size)
        for name, entry in header.items():
            file.seek(start + entry["data_offsets"][0])
            arrays[name] = _array(file, str(path), name, entry)
    if halves := [name for name, entry in header.items() if entry["dtype"] == BFLOAT16]:
        warn(f"{halves} in {str(path)!r} are bfloat16, which NumPy lacks: they became float32, exactly", UserWarning)
    return arrays, metadata


def _header(file: IO[bytes], path: str) -> tuple[dict[str, Any], int]:
    """The header, every entry of which has a dtype, a shape and as many bytes as it needs; where the numbers begin."""
    begin = file.read(9)
    for beginning, kind in OTHERS.items():
        if begin.startswith(beginning) and begin[8:] != b"{":
            raise CheckpointError(f"{path!r} is {kind}. {CONVERT}")
    length = int.from_bytes(begin[:8], "little")
    if begin[8:] not in (b"{", b"") or length > HEADER_LIMIT:
        raise CheckpointError(f"{path!r} is no safetensors file. {CONVERT}")
    text = begin[8:] + file.read(length - 1)
    if len(begin) < 9 or len(text) < length:
        raise CheckpointError(f"{path!r} was cut short, within its first lines: {AGAIN}")
    try:
        header = json.loads(text, object_pairs_hook=_without_repetition)
        metadata = header.get("__metadata__", {})
        if not all(type(value) is str for value in metadata.values()):
            raise ValueError("its metadata is not text")
        for name, entry in header.items():
            if name != "__metadata__":
                _check(name, **entry)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    return header, 8 + length


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice")
    return found


def _check(name: str, dtype: str, shape: list[int], data_offsets: list[int]) -> None:
    """ValueError if an entry of the header does not fit together."""
    first, last = data_offsets
    if not all(type(n) is int and n >= 0 for n in (*shape, first, last)):
        raise ValueError(f"tensor {name!r} has an impossible shape or place")
    if dtype not in DTYPES and dtype != BFLOAT16:
        raise CheckpointError(f"tensor {name!r} holds {dtype}, which NumPy has no numbers for: save it as float32")
    itemsize = 2 if dtype == BFLOAT16 else np.dtype(DTYPES[dtype]).itemsize
    if last - first != math.prod(shape) * itemsize:
        raise ValueError(f"tensor {name!r} has {last - first} bytes, which is not its shape {tuple(shape)} in {dtype}")


def _array(file: IO[bytes], path: str, name: str, entry: Mapping[str, Any]) -> Array:
    """The next array of the file."""
    half = entry["dtype"] == BFLOAT16
    try:
        array: Array = np.empty(entry["shape"], "<u2" if half else DTYPES[entry["dtype"]])
    except ValueError as error:  # too many axes, or a length that no array has beside one of 0
        raise _damaged(path, f"tensor {name!r}: {error}") from error
    if file.readinto(array.reshape(-1).view(np.uint8).data) < array.nbytes:  # type: ignore[attr-defined] # has it
        raise CheckpointError(f"{path!r} was cut short while it was read: {AGAIN}")
    if half:
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


AGAIN = "copy or download it again, or take an earlier checkpoint."


def _damaged(path: str, why: str) -> CheckpointError:
    return CheckpointError(f"{path!r} is damaged: {why}; {AGAIN}")


def _of_another_size(path: str, needed: int, there: int) -> CheckpointError:
    if there > needed:
        return _damaged(path, f"{there - needed:,} bytes follow its last tensor")
    return CheckpointError(
        f"{path!r} was cut short: its tensors need {needed:,} bytes and {there:,} are there; {AGAIN}"
    )
