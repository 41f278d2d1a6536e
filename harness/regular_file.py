"""What is in a file that somebody else may have written: read only where it is a regular file, and only so much of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

#: The most bytes of one file that are read.
LARGEST: Final = 256 * 1024 * 1024
_MIB: Final = 1024 * 1024
_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


class NotRegularFileError(OSError):
    """Something stands there that is no regular file."""


class TooLargeFileError(OSError):
    """A file is larger than what is read of one."""


def read_regular(path: Path, *, limit: int = LARGEST) -> bytes:
    """Return what is in the file at `path`.

    Raises:
        NotRegularFileError: it is a folder, a FIFO, a device or a socket, none of which is opened.
        TooLargeFileError: it is larger than `limit` bytes.
        OSError: it is missing, or the system refuses to read it.
    """
    handle, size = _opened(path)
    try:
        # The size is asked first, since reading a sparse file only to refuse it takes long.
        content = b"" if size > limit else _read(handle, size + 1)
        if len(content) > size:
            # It has grown, or the system does not tell its size. Room for all that may come is not taken before.
            content += _read(handle, limit + 1 - len(content))
    finally:
        os.close(handle)
    if size > limit or len(content) > limit:
        raise TooLargeFileError(f"it is larger than {limit // _MIB} MiB, the most that is read of it")
    return content


def open_regular(path: Path) -> BinaryIO:
    """Return the plain file at `path`, opened to be read. Raises as `read_regular`."""
    return os.fdopen(_opened(path)[0], "rb")


def _opened(path: Path) -> tuple[int, int]:
    """Return a handle of the plain file at `path`, and its size."""
    # Asked before it is opened, since opening alone waits at a FIFO and does things to some devices.
    _check_kind(path.stat().st_mode)
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        found = os.fstat(handle)
        _check_kind(found.st_mode)
    except BaseException:
        os.close(handle)
        raise
    return handle, found.st_size


def _read(handle: int, size: int) -> bytes:
    """Return the next `size` bytes, or all that are left."""
    content = piece = os.read(handle, size)
    while piece and len(content) < size:
        piece = os.read(handle, size - len(content))
        content += piece
    return content


def _check_kind(mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "something special")
        raise NotRegularFileError(f"it is {kind}; expected a plain file")
