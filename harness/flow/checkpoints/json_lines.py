"""Checkpoints as lines of JSON, a file for each run: to write one is to append to a file that is there."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from harness.flow.checkpoints.checkpoint import Checkpoint, CheckpointError
from harness.flow.checkpoints.json_files import begin, branch_folder, content_of, fill, listed, replace
from harness.flow.checkpoints.provider import CheckpointProvider, next_moment
from harness.fork import freed_by_fork

_APPENDED: Final = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
#: How many runs are known that may go on, and the size from which a run goes on in another file.
_RUNS: Final = 1_024
_LARGE: Final = 64 * 1024 * 1024


class JsonLinesProvider(CheckpointProvider):
    """Keeps the checkpoints of a run in `<location>/<branch>/<time>_<id>_p-<id before>.jsonl`, named by its first, a line each.

    That costs a tenth of a file for each, where making files is slow. `restore_from` is `<file>#<id>`, or the file alone,
    which is its last. Only the run that has begun a file adds to it, so that a killed process may leave a torn line at its end
    and nowhere else: it is no checkpoint, and was never said to be one. With `max_checkpoints` those of a run are written
    anew, and those of other runs go once all of a file are surplus.
    """

    name = "JsonLinesProvider"

    def __init__(self) -> None:
        self._lock = freed_by_fork(threading.Lock())
        #: By the last checkpoint of a run, its file.
        self._files: OrderedDict[str, str] = OrderedDict()

    def write(self, location: str, checkpoint: Checkpoint) -> str:
        """Add a line to the file of its run. Raises CheckpointError."""
        line = b"%s\n" % checkpoint.to_json()
        folder = branch_folder(location, checkpoint.branch)
        path = self._file_after(checkpoint.parent_id, folder)
        try:
            if path is None or not _appended(path, line):
                name = f"{next_moment()}_{checkpoint.checkpoint_id}_p-{checkpoint.parent_id or 'none'}.jsonl"
                path = os.path.join(folder, name)  # noqa: PTH118 - as text: an object takes as long as all else here
                begin(path, line)
        except OSError as error:
            raise CheckpointError(f"a checkpoint can't be written to {path}: {error}") from error
        self._note(checkpoint.checkpoint_id, path)
        return f"{path}#{checkpoint.checkpoint_id}"

    def read(self, where: str) -> Checkpoint:
        """Read a line. Raises CheckpointError."""
        path, _, checkpoint_id = where.partition(".jsonl#")
        file = Path(f"{path}.jsonl" if checkpoint_id else where)
        try:
            lines = _lines(file)
        except FileNotFoundError as error:
            raise CheckpointError(f"there is no checkpoint {where!r}: {error}") from error
        for line in reversed(lines):
            found = Checkpoint.from_json(line, where)
            if checkpoint_id in ("", found.checkpoint_id):
                return found
        raise CheckpointError(
            f"{file} holds no checkpoint {checkpoint_id!r}" if checkpoint_id else f"{file} holds no checkpoint"
        )

    def newest(self, location: str, branch: str) -> Iterator[tuple[str, Checkpoint]]:
        """Yield what the files of a branch hold, those of the run that began last first. Raises CheckpointError."""
        for path in reversed(listed(location, branch, ".jsonl")):
            with contextlib.suppress(FileNotFoundError):  # pruned meanwhile
                for line in reversed(_lines(path)):
                    found = Checkpoint.from_json(line, str(path))
                    yield f"{path}#{found.checkpoint_id}", found

    def prune(self, location: str, branch: str, keep: int) -> int:
        """Remove all lines but the newest: of the file that was begun last, and whole files before it. Raises CheckpointError."""
        removed = 0
        for path in reversed(listed(location, branch, ".jsonl")):
            with contextlib.suppress(FileNotFoundError):
                lines = _lines(path)
                if keep <= 0:
                    path.unlink()
                    removed += len(lines)
                elif len(lines) > keep:
                    removed += self._shortened(path, lines, keep)
                keep -= len(lines)
        return removed

    def _file_after(self, parent_id: str | None, folder: str) -> str | None:
        """Return the file in which a run goes on after a checkpoint; None for one that began elsewhere, or on another branch."""
        if parent_id is None:
            return None
        with self._lock:
            path = self._files.pop(parent_id, None)
        return path if path is not None and os.path.dirname(path) == folder else None  # noqa: PTH120

    def _shortened(self, path: Path, lines: Sequence[bytes], keep: int) -> int:
        """Remove all lines but the newest, if the run that adds to the file does so here, and return how many those were.

        What adds to it meanwhile begins another file.
        """
        checkpoint_id = Checkpoint.from_json(lines[-1], str(path)).checkpoint_id
        own = self._file_after(checkpoint_id, str(path.parent))
        if own is None:
            return 0
        try:
            replace(str(path), b"".join(b"%s\n" % line for line in lines[-keep:]))
        except OSError as error:
            raise CheckpointError(f"the checkpoints in {path} can't be written anew: {error}") from error
        finally:
            self._note(checkpoint_id, own)
        return len(lines) - keep

    def _note(self, checkpoint_id: str, path: str) -> None:
        """Have the run with this checkpoint go on in a file."""
        with self._lock:
            self._files[checkpoint_id] = path
            while len(self._files) > _RUNS:
                self._files.popitem(last=False)


def _appended(path: str, line: bytes) -> bool:
    """Add a line to a file; False where it is gone, or so large that another one is to be begun."""
    try:
        handle = os.open(path, _APPENDED)
    except FileNotFoundError:
        return False
    try:
        if os.fstat(handle).st_size > _LARGE:
            return False
        fill(handle, line)
    finally:
        os.close(handle)
    return True


def _lines(path: Path) -> list[bytes]:
    """Return the whole lines of a file. Raises FileNotFoundError; CheckpointError, where it can't be read."""
    # What no line break ends is torn.
    return [line for line in content_of(path).split(b"\n")[:-1] if line]
