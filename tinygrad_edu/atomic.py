"""A file that is replaced whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write, that takes the place of `path` when the block ends, and never does if the block fails.

    It is written beside the old one, brought to the disk, and renamed, which the system does in one step. So whoever
    looks, after a crash or a power cut at any moment too, finds the old file or the new one, and never a part. What a
    killed process leaves is a file `.saving-*`, which may be deleted. A symbolic link keeps pointing where it did; the
    permissions are those of the file replaced, or of any new file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(f"{folder}/notes") as file:
    ...         _ = file.write(b"new")
    ...     Path(folder, "notes").read_bytes()
    b'new'
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise OSError(
            f"{str(path)!r} is a folder or a device, and only a file can be replaced: name a file in a folder"
        )
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(target.parent)!r} to save in: make it, with os.makedirs")
    beside = target.with_name(f".saving-{secrets.token_hex(8)}")
    try:
        with beside.open("xb") as file:
            if target.exists():
                beside.chmod(target.stat().st_mode & 0o7777)
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except BaseException:  # Ctrl-C too
        with suppress(OSError):
            beside.unlink()
        raise
    if os.name == "posix":  # where the name is kept; Windows opens no folders, and needs no more than the rename
        _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
