"""What keeps checkpoints."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Final

from harness.errors import UsageError
from harness.flow.checkpoints.checkpoint import Checkpoint
from harness.fork import freed_by_fork

#: Where a run writes that was not forked.
MAIN: Final = "main"
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_BRANCH: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


class CheckpointProvider(ABC):
    """Keeps checkpoints at a location, each whole or not at all. Its methods are called from threads, and may block."""

    #: As events name it.
    name: str

    @abstractmethod
    def write(self, location: str, checkpoint: Checkpoint) -> str:
        """Keep a checkpoint, and return where it is: what `restore_from` takes. Raises CheckpointError."""

    @abstractmethod
    def read(self, where: str) -> Checkpoint:
        """Return the checkpoint that `write` has kept there. Raises CheckpointError."""

    @abstractmethod
    def newest(self, location: str, branch: str) -> Iterator[tuple[str, Checkpoint]]:
        """Yield the checkpoints of a branch and where they are, the newest first. Raises CheckpointError."""

    @abstractmethod
    def prune(self, location: str, branch: str, keep: int) -> int:
        """Remove all but the newest of a branch; return how many. Raises CheckpointError."""


def checked_branch(branch: str) -> str:
    """Return the name of a branch.

    Raises:
        UsageError: it might lead out of the location.
    """
    if not _BRANCH.fullmatch(branch):
        raise UsageError(
            f"a branch of checkpoints is letters, digits, '_', '-' and '.', none of them first, not {branch!r}"
        )
    return branch


class _Moments:
    """Gives each checkpoint of this process a time of its own, later than the one before."""

    def __init__(self) -> None:
        self._lock = freed_by_fork(threading.Lock())
        self._last = 0
        #: The second of the last one, and its text.
        self._second = (-1, "")

    def next(self) -> str:
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1_000)
            second, microseconds = divmod(self._last, 1_000_000)
            if second != self._second[0]:
                self._second = (second, datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%S"))
            return f"{self._second[1]}{microseconds:06}"

    def note(self, name: str) -> None:
        """Have all that come be later than what has this name: the clock may have been set back since, or be another's."""
        with contextlib.suppress(ValueError):
            moment = datetime.strptime(f"{name.partition('_')[0]}+0000", "%Y%m%dT%H%M%S%f%z")
            # There is no time after the last one.
            if moment.year < MAXYEAR:
                with self._lock:
                    self._last = max(self._last, (moment - _EPOCH) // timedelta(microseconds=1))


_moments: Final = _Moments()
#: Returns a time in UTC by which checkpoints sort, as text, down to microseconds.
next_moment: Final = _moments.next
note_moment: Final = _moments.note
