"""A SQLite file that several threads and processes write to: whole rows or none, and nobody waits for ever."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from harness.flow.storage import StorageError
from harness.fork import freed_by_fork

T = TypeVar("T")
#: How long a writer waits for others before it gives up.
BUSY_S: Final = 30.0
#: What SQLite keeps in no file that has a name.
_UNNAMED: Final = frozenset({"", ":memory:"})
#: Connections that were open when this process was forked: closing one would end locks that the parent holds.
_inherited: list[sqlite3.Connection] = []
#: Held while a file is made and closed, which ends all locks that this process has on it: no other thread has opened it.
_making: Final = freed_by_fork(threading.RLock())


class Database:
    """One file, opened at its first use and kept open; from any thread, and on both sides of a fork.

    That is the file which has its name when it is used: one that somebody has removed meanwhile is made anew. A
    relative name is seen from the folder that was the current one when it was given.

    It is in WAL mode: what was committed outlives a process that is killed at any moment, readers and the one writer do
    not wait for each other, and writers wait for at most `busy_s`. What happened in the last moments before the machine
    itself loses power may be gone, and the file stays whole. One that it makes is readable by its owner alone.
    """

    def __init__(
        self, path: str | os.PathLike[str], schema: str, failure: type[StorageError], *, busy_s: float = BUSY_S
    ) -> None:
        """Name a file and its tables; `failure` is what is raised where it can't be read or written."""
        path = os.fspath(path)
        # The current folder may be another one when it is used.
        self.path = path if path in _UNNAMED else str(Path(path).absolute())
        self._schema = schema
        self._failure = failure
        self._busy_s = busy_s
        # Reentrant, since the garbage collector may end a session anywhere.
        self._lock = freed_by_fork(threading.RLock(), is_awaited=True)
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._opened: tuple[int, int] | None = None
        self._close: Callable[[], Any] = lambda: None

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return what a query gives."""
        with self._connected() as connection:
            return connection.execute(query, values).fetchall()

    def write(self, *statements: tuple[str, Sequence[Any]]) -> None:
        """Carry out all of the statements, or none."""
        with self._connected() as connection:
            if len(statements) == 1:
                connection.execute(*statements[0])
                return
            # At once a writer, since one that reads first and writes then can't wait for another that does the same.
            connection.execute("BEGIN IMMEDIATE")
            try:
                for statement in statements:
                    connection.execute(*statement)
                connection.execute("COMMIT")
            except BaseException:
                # After some failures, as of a full disk, SQLite has done that itself.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @property
    def is_there(self) -> bool:
        """Whether it has been made; nothing is kept in one that has not."""
        return self._connection is not None or Path(self.path).exists()

    def open(self) -> None:
        """Make the file and its tables where they are not there yet."""
        with self._connected():
            pass

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._connection = None
            self._close()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._current()
            except (sqlite3.Error, OSError) as error:
                raise self._failure(f"{self.path}: {error}") from error

    def _current(self) -> sqlite3.Connection:
        if self._connection is not None and self._process == os.getpid():
            if self._opened == self._identity():
                return self._connection
            self.close()
        if self._connection is not None:
            _inherited.append(self._connection)
        if self.path not in _UNNAMED:
            Path(self.path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # What runs keep is nobody else's to read. What goes wrong here, SQLite meets as well, and says.
            with contextlib.suppress(OSError), _making:
                os.close(os.open(os.path.realpath(self.path), os.O_CREAT | os.O_EXCL, 0o600))
        connection = sqlite3.connect(
            self.path, timeout=self._busy_s, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        try:
            # Some of this does not wait by itself where another process does the same.
            self._until_free(lambda: connection.execute("PRAGMA journal_mode=WAL").fetchone())
            connection.execute("PRAGMA synchronous=NORMAL")
            self._until_free(lambda: connection.executescript(self._schema))
        except BaseException:
            connection.close()
            raise
        self._connection, self._process, self._opened = connection, os.getpid(), self._identity()
        self._close = weakref.finalize(self, _close_own, connection, self._process)
        return connection

    def _identity(self) -> tuple[int, int] | None:
        """Return what tells the file of this name from another one; None where there is none."""
        try:
            status = os.stat(self.path)  # noqa: PTH116 - at each use, and an object takes as long as all else here
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _until_free(self, attempt: Callable[[], T]) -> T:
        deadline = time.monotonic() + self._busy_s
        while True:
            try:
                return attempt()
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
            time.sleep(0.01)


def _close_own(connection: sqlite3.Connection, process: int) -> None:
    if process == os.getpid():
        connection.close()
    else:
        _inherited.append(connection)
