"""Two folders that change places, in one step where the system has one."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

if sys.platform != "win32":
    import fcntl

#: From <linux/fs.h> and <sys/stdio.h>; both say: atomically.
_RENAME_EXCHANGE: Final = 2
_RENAME_SWAP: Final = 2
_HERE: Final = -100
_UNSUPPORTED: Final = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EXDEV})


def exchanged(first: Path, second: Path) -> bool:
    """Exchange two folders of one file system; return False, with nothing done, where the system has no such step.

    Raises:
        OSError: it is refused.
    """
    if os.name == "nt":
        return False
    library: Any = ctypes.CDLL(None, use_errno=True)
    mine, theirs = os.fsencode(first), os.fsencode(second)
    if hasattr(library, "renameat2"):
        failed = library.renameat2(_HERE, mine, _HERE, theirs, _RENAME_EXCHANGE)
    elif hasattr(library, "renamex_np"):
        failed = library.renamex_np(mine, theirs, _RENAME_SWAP)
    else:
        return False
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(first))


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep every other process that publishes in `folder` waiting, until the block ends; it takes milliseconds.

    Where a file system has no locks, nobody waits.
    """
    handle = None
    with suppress(OSError):
        # Windows opens no folder.
        # Nothing else than a folder: opening a FIFO would wait.
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NONBLOCK", 0))
        if sys.platform != "win32":
            fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def claims(handle: int) -> bool:
    """Say of an open file, until it is closed, that somebody works there; return False where somebody else does.

    Where a file system has no locks, nobody else does.
    """
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def claimed(path: Path) -> int | None:
    """Return a handle that says, until it is closed or its process ends, that somebody works here.

    None where somebody else does, or the file system has no locks.
    """
    if sys.platform == "win32":
        return None
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
