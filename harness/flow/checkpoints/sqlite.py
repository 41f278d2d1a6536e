"""Checkpoints in a SQLite file, a row each."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.flow.checkpoints.checkpoint import Checkpoint, CheckpointError
from harness.flow.checkpoints.provider import CheckpointProvider, checked_branch
from harness.flow.database import Database

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS checkpoints (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    parent_id TEXT,
    branch TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_checkpoints_branch ON checkpoints(branch);
"""
_WRITE: Final = "INSERT INTO checkpoints (id, parent_id, branch, data) VALUES (?, ?, ?, ?)"
_READ: Final = "SELECT data FROM checkpoints WHERE id = ?"
_NEWEST: Final = "SELECT number, id, data FROM checkpoints WHERE branch = ? AND number < ? ORDER BY number DESC LIMIT 1"
_COUNT: Final = "SELECT max(0, count(*) - ?) FROM checkpoints WHERE branch = ?"
_PRUNE: Final = """
DELETE FROM checkpoints WHERE branch = ? AND number NOT IN (
    SELECT number FROM checkpoints WHERE branch = ? ORDER BY number DESC LIMIT ?
)"""


class SqliteProvider(CheckpointProvider):
    """Keeps checkpoints in one file, the location, which gets the suffix `.db` where it has none.

    `restore_from` is `<file>#<id of the checkpoint>`. Threads and processes may share the file.
    """

    name = "SqliteProvider"

    def write(self, location: str, checkpoint: Checkpoint) -> str:
        """Add a row. Raises CheckpointError."""
        path = self._path(location)
        row = (checkpoint.checkpoint_id, checkpoint.parent_id, checked_branch(checkpoint.branch), checkpoint.to_json())
        _database(path).write((_WRITE, row))
        return f"{path}#{checkpoint.checkpoint_id}"

    def read(self, where: str) -> Checkpoint:
        """Read a row. Raises CheckpointError."""
        path, sign, checkpoint_id = where.rpartition("#")
        if not (sign and Path(path).exists()):
            raise CheckpointError(f"there is no checkpoint {where!r}: it is named as <file>#<id>")
        rows = _database(path).rows(_READ, (checkpoint_id,))
        if not rows:
            raise CheckpointError(f"{path} holds no checkpoint {checkpoint_id!r}")
        return Checkpoint.from_json(rows[0][0], where)

    def newest(self, location: str, branch: str) -> Iterator[tuple[str, Checkpoint]]:
        """Yield the rows of a branch, the newest first. Raises CheckpointError."""
        path, number = self._path(location), 2**62
        while Path(path).exists():
            rows = _database(path).rows(_NEWEST, (branch, number))
            if not rows:
                return
            number, checkpoint_id, data = rows[0]
            where = f"{path}#{checkpoint_id}"
            yield where, Checkpoint.from_json(data, where)

    def prune(self, location: str, branch: str, keep: int) -> int:
        """Remove all rows of a branch but the newest. Raises CheckpointError."""
        database = _database(self._path(location))
        ((surplus,),) = database.rows(_COUNT, (keep, branch))
        if surplus:
            database.write((_PRUNE, (branch, branch, keep)))
        return int(surplus)

    def _path(self, location: str) -> str:
        return location if Path(location).suffix else f"{location}.db"


def _database(path: str) -> Database:
    # A location is one in the folder that is the current one when it is used.
    return _kept_open(str(Path(path).absolute()))


@functools.lru_cache(maxsize=8)
def _kept_open(path: str) -> Database:
    # From one checkpoint to the next; the file of one that drops out of here is closed with it.
    return Database(path, _SCHEMA, CheckpointError)
