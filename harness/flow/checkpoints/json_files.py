"""Checkpoints as JSON files, one each."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.flow.checkpoints.checkpoint import Checkpoint, CheckpointError
from harness.flow.checkpoints.provider import CheckpointProvider, checked_branch, next_moment, note_moment
from harness.regular_file import read_regular

#: A file that is being written. One that a killed process has left is no checkpoint.
_BEGUN: Final = ".tmp"
#: What makes a file without a name, where the system has such files.
_UNNAMED: Final = getattr(os, "O_TMPFILE", 0)
#: Where text files are other than binary ones.
_BINARY: Final = getattr(os, "O_BINARY", 0)


class JsonProvider(CheckpointProvider):
    """Keeps each checkpoint in `<location>/<branch>/<time>_<id>_p-<id of the one before>.json`.

    A file takes its place in one step once it is whole, so a process that is killed leaves none that is torn.
    """

    name = "JsonProvider"

    def write(self, location: str, checkpoint: Checkpoint) -> str:
        """Write a file of its own for a checkpoint. Raises CheckpointError."""
        folder = branch_folder(location, checkpoint.branch)
        name = f"{next_moment()}_{checkpoint.checkpoint_id}_p-{checkpoint.parent_id or 'none'}.json"
        # As text: paths as objects would take as long as all else here.
        path = os.path.join(folder, name)  # noqa: PTH118
        try:
            content = checkpoint.to_json()
            if not (_UNNAMED and _linked(path, content)):
                replace(path, content)
        except OSError as error:
            raise CheckpointError(f"a checkpoint can't be written to {path}: {error}") from error
        return path

    def read(self, where: str) -> Checkpoint:
        """Read a file. Raises CheckpointError."""
        try:
            content = content_of(Path(where))
        except FileNotFoundError as error:
            raise CheckpointError(f"the checkpoint {where} can't be read: {error}") from error
        return Checkpoint.from_json(content, where)

    def newest(self, location: str, branch: str) -> Iterator[tuple[str, Checkpoint]]:
        """Yield what the files of a branch hold, the newest first. Raises CheckpointError."""
        for path in reversed(listed(location, branch, ".json")):
            with contextlib.suppress(FileNotFoundError):  # pruned meanwhile
                yield str(path), Checkpoint.from_json(content_of(path), str(path))

    def prune(self, location: str, branch: str, keep: int) -> int:
        """Remove all files of a branch but the newest. Raises CheckpointError."""
        surplus = listed(location, branch, ".json")[:-keep]
        for path in surplus:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
        return len(surplus)


@functools.lru_cache(maxsize=256)
def branch_folder(location: str, branch: str) -> str:
    """Return the folder of a branch; what is written from now on sorts after what is there, whatever the clock says."""
    folder = str(Path(location) / checked_branch(branch))
    with contextlib.suppress(OSError):
        note_moment(max((name for name in os.listdir(folder) if ".json" in name), default=""))  # noqa: PTH208 - names alone
    return folder


def listed(location: str, branch: str, suffix: str) -> list[Path]:
    """Return the files of a branch, the oldest first. Raises CheckpointError."""
    folder = Path(branch_folder(location, branch))
    try:
        # By name, which begins with the time.
        found = sorted(path for path in folder.iterdir() if path.suffix == suffix)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CheckpointError(f"the checkpoints in {folder} can't be listed: {error}") from error
    for path in found[-1:]:
        note_moment(path.name)
    return found


def content_of(path: Path) -> bytes:
    """Return what is in a checkpoint's file. Raises FileNotFoundError; CheckpointError, where it can't be read."""
    note_moment(path.name)
    try:
        return read_regular(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CheckpointError(f"the checkpoint {path} can't be read: {error}") from error


def _linked(path: str, content: bytes) -> bool:
    """Write a file without a name, and give it its own in one step once it is whole; return whether that could be done.

    That is half of what writing under another name first costs, and what a killed process leaves is gone with it.
    """
    try:
        handle = os.open(os.path.dirname(path), os.O_WRONLY | _UNNAMED, 0o600)  # noqa: PTH120
        try:
            fill(handle, content)
            # A folder is named, which the path makes no use of, since only then the link is followed.
            os.link(f"/proc/self/fd/{handle}", path, src_dir_fd=handle, follow_symlinks=True)
        finally:
            os.close(handle)
    except OSError:
        # There is no such folder yet, or none of these files in it; what else is wrong, the other way meets as well.
        return False
    return True


def replace(path: str, content: bytes) -> None:
    """Put a file in its place in one step, written under another name first; nobody else writes this one."""
    begun = f"{path}{_BEGUN}"
    try:
        begin(begun, content)
        os.replace(begun, path)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(begun)  # noqa: PTH108
        raise


def begin(path: str, content: bytes) -> None:
    """Make a file, and its folder where that is not there yet."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
    try:
        handle = os.open(path, flags, 0o600)
    except FileNotFoundError:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, flags, 0o600)
    try:
        fill(handle, content)
    finally:
        os.close(handle)


def fill(handle: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]
