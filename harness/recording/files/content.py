"""What is in a file that somebody else may have written: read only where it is a plain file, and only so much of it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, Final

from harness.errors import UnreadableRecordingError
from harness.recording.files.bounds import DEEPEST_JSON, json_problem

#: The most bytes of one file that are read.
LARGEST: Final = 256 * 1024 * 1024
_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def content_of(path: Path, *, limit: int = LARGEST, inside: Path | None = None) -> bytes:
    """Return what is in the file at `path`. With `inside`, a link may not lead out of that folder.

    Raises:
        UnreadableRecordingError: it is no plain file, is larger than `limit` bytes, or is a link that leads out.
        OSError: it is missing, or the system refuses to read it.
    """
    if inside is not None:
        check_link(path, inside)
    with _opened(path) as file:
        found = os.fstat(file.fileno())
        # The size is asked first, since reading a sparse file only to refuse it takes long.
        content = b"" if found.st_size > limit else file.read(limit + 1)
    if found.st_size > limit or len(content) > limit:
        raise UnreadableRecordingError(
            f"'{path}' is larger than {limit // 1024 // 1024} MiB, the most that is read of one file; "
            "split it, or record less in one run"
        )
    return content


def load_json(path: Path) -> Any:
    """Return the value that the JSON file at `path` holds.

    Raises:
        UnreadableRecordingError: it is no plain file, or more than is read: bytes, levels, values.
        OSError: it is missing, or the system refuses to read it.
        ValueError: it is no JSON.
    """
    text = content_of(path).decode("utf-8-sig")
    problem = json_problem(text, DEEPEST_JSON)
    if problem is not None:
        raise UnreadableRecordingError(f"'{path}': {problem}; expected less than that")
    return json.loads(text)


def beginning_of(path: Path, size: int) -> bytes:
    """Return the first `size` bytes of the file at `path`, or all, where there are fewer.

    Raises:
        UnreadableRecordingError: it is no plain file.
        OSError: it is missing, or the system refuses to read it.
    """
    with _opened(path) as file:
        return file.read(size)


def check_link(path: Path, folder: Path) -> None:
    """Raise UnreadableRecordingError for a link that leads out of `folder`."""
    if leads_out(path, folder):
        raise UnreadableRecordingError(
            f"'{path}' is a link that leads out of '{folder}', and is not followed; put the file itself there"
        )


def leads_out(path: Path, folder: Path) -> bool:
    """Whether `path`, all links followed, lies outside of `folder`."""
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _opened(path: Path) -> BinaryIO:
    # Asked before it is opened, since opening alone waits at a FIFO and does things to some devices.
    _check_kind(path, path.stat().st_mode)
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    file = os.fdopen(handle, "rb")
    try:
        _check_kind(path, os.fstat(handle).st_mode)
    except BaseException:
        file.close()
        raise
    return file


def _check_kind(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "something special")
        raise UnreadableRecordingError(f"'{path}' can't be read: it is {kind}; expected a plain file")
