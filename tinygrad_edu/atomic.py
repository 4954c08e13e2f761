"""A file that is replaced whole or not at all."""

import hashlib
import os
import platform
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
    killed process leaves, a file `.saving-*`, the next save to `path` deletes. A symbolic link keeps pointing where it
    did; the permissions are those of the file replaced, or of any new file.

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
    own = _mark(target)
    _delete_left(target.parent, own)
    beside = target.with_name(f"{own}{os.getpid()}-{secrets.token_hex(8)}")
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


def _mark(target: Path) -> str:
    """How the names of unfinished files begin that this machine writes for the target, of any length."""
    return f".saving-{hashlib.sha256(f'{platform.node()}/{target.name}'.encode()).hexdigest()[:16]}-"


def _delete_left(folder: Path, mark: str) -> None:
    """Delete files with that mark whose process is gone; who lives may still be writing."""
    if os.name != "posix":  # where asking whether a process lives would end it
        return
    for left in folder.glob(f"{mark}*"):
        process = left.name.removeprefix(mark).split("-")[0]
        if process.isdecimal() and not _lives(int(process)):
            with suppress(OSError):  # somebody else's, or deleted by another one at this moment
                left.unlink()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's; nobody's
        return True
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
