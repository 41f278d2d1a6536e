"""Writing a file of a recording so that it is there whole, or as it was before."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from harness.errors import RecordingError

#: What a new file may be: the usual mode, less the process's umask. Asking for the umask sets it, so it is asked once.
_umask = os.umask(0)
os.umask(_umask)
#: Where what is open here has names. A folder below `/dev`, as `/dev/shm`, is like any other.
_OF_OPEN_FILES: Final = frozenset({Path("/dev"), Path("/dev/fd")})
#: How long somebody who is to read from a FIFO may take to come, and how often is looked, in seconds.
_PATIENCE_S: Final = 10.0
_LOOK_S: Final = 0.02


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` into `path` in one step, making its folder where needed; on failure the old file is untouched.

    What is no plain file, such as a device or a FIFO, is written to, and never replaced.

    Raises:
        RecordingError: the folder is read-only, the disk is full, nobody reads from a FIFO, or the system refused in
            another way.
    """
    if _is_special(path):
        _write_into(path, content)
        return
    # Writing over a link must change the file that it points to, not the link.
    target = Path(os.path.realpath(path))
    scratch: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # In the same folder, since a rename is only atomic within one file system.
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        scratch = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask)
        scratch.replace(target)
        scratch = None
    except OSError as error:
        raise RecordingError(
            f"'{path}' can't be written: {error.strerror or error}; nothing was changed. {_advice(error)}"
        ) from error
    finally:
        if scratch is not None:
            with suppress(OSError):
                scratch.unlink()


def obstacle(path: Path) -> str | None:
    """Return why no file can be put at `path`, as far as that is seen before one is written."""
    if _is_special(path):
        return None
    # One below a folder that can't be looked into counts as not there.
    around = next(folder for folder in Path(os.path.realpath(path)).parents if os.path.exists(folder))  # noqa: PTH110
    if not around.is_dir():
        return f"it would lie in '{around}', which is no folder; choose another path"
    if not os.access(around, os.W_OK | os.X_OK):
        return f"it would lie in '{around}', which can't be written to; choose another folder"
    return None


def _is_special(path: Path) -> bool:
    """Whether `path` is something else than a file that may be replaced: one that is open here already included."""
    # `/dev/stdout` may well be a plain file, but whoever has it open would not see another in its place.
    folder = Path(os.path.realpath(path.parent))
    if folder in _OF_OPEN_FILES or folder.is_relative_to("/proc"):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _write_into(path: Path, content: bytes) -> None:
    try:
        handle = _opened(path)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError as error:
        raise RecordingError(
            f"'{path}' can't be written to: {error.strerror or error}; it is no plain file. Choose another place"
        ) from error


def _opened(path: Path) -> int:
    """Open what is there for writing; at a FIFO, somebody is given time to come and read."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            handle = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
        except OSError as error:
            # Said of a FIFO that nobody reads from; opening it the usual way would wait for ever.
            if error.errno != errno.ENXIO or not stat.S_ISFIFO(path.stat().st_mode) or time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_S)
        else:
            if hasattr(os, "set_blocking"):  # which Windows has from Python 3.12 on, and needs for nothing here
                os.set_blocking(handle, True)
            return handle


def _advice(error: OSError) -> str:
    if isinstance(error, IsADirectoryError):
        return "It is a folder; name a file"
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "A part of the path is no folder; choose another"
    return "Make room or choose a folder that can be written to"
