"""A line that somebody types at the terminal, for whoever waits for it then.

A read can't be taken back: where its run is closed, or its time is up, a thread stays in it, and gets the next line. That
belongs to who waits by then, and to nobody where nobody does: it answers no question that comes later.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from contextvars import ContextVar
from typing import Final

from msgspec import Struct

from harness.bus.scope import Run, current_run
from harness.terminal import write
from harness.waits import take
from harness.workers import Outcome, attempt

#: Set once nobody waits any more for what is typed in this context; None where only the end of its run says so.
given_up: ContextVar[threading.Event | None] = ContextVar("harness_typed_line_given_up", default=None)


class _Reader(Struct, eq=False):
    """Who waits for a line, or has."""

    run: Run | None
    left: threading.Event | None
    #: What one who follows is given: a line, or None, which is to read one itself.
    lines: queue.SimpleQueue[Outcome[str] | None]

    @property
    def is_waiting(self) -> bool:
        return not ((self.run is not None and self.run.cancelled) or (self.left is not None and self.left.is_set()))


#: Those in whose threads a line is read, and those who wait for the line of one of these that has given up.
_reading: Final[list[_Reader]] = []
_following: Final[list[_Reader]] = []
_lock: Final = threading.Lock()


def read_line(prompt: str) -> str:
    """Return the line that is typed, as `input` does. Raises what that raises."""
    reader = _Reader(current_run(), given_up.get(), queue.SimpleQueue())
    with _lock:
        follows = not _all_wait()
        (_following if follows else _reading).append(reader)
    try:
        if follows:
            write(prompt)
            prompt = ""
            outcome = take(reader.lines)
            if outcome is not None:
                return outcome.unwrap()
        outcome = attempt(lambda: input(prompt))
    finally:
        with _lock:
            for place in (_reading, _following):
                with contextlib.suppress(ValueError):
                    place.remove(reader)
    if not reader.is_waiting:
        _pass_on(outcome)
    return outcome.unwrap()


def _all_wait() -> bool:
    return all(reader.is_waiting for reader in _reading)


def _pass_on(outcome: Outcome[str]) -> None:
    """Give a line to the first who follows and still waits, and let go of those who don't.

    Others read one themselves, where there is no other line for them to come.
    """
    with _lock:
        for follower in _following:
            if not follower.is_waiting:
                follower.lines.put(Outcome(value=""))
        heirs = [follower for follower in _following if follower.is_waiting]
        if heirs:
            # Each has an outcome of its own: one gives its error once.
            heirs.pop(0).lines.put(Outcome(outcome.value, outcome.error))
        if _all_wait():
            for follower in heirs:
                follower.lines.put(None)
            _reading.extend(heirs)
            heirs = []
        _following[:] = heirs
