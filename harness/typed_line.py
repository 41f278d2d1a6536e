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
    lines: queue.SimpleQueue[Outcome[str]]

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
        place = _reading if all(other.is_waiting for other in _reading) else _following
        place.append(reader)
    try:
        if place is _following:
            write(prompt)
            return take(reader.lines).unwrap()
        outcome = attempt(lambda: input(prompt))
    finally:
        with _lock, contextlib.suppress(ValueError):
            place.remove(reader)
    if not reader.is_waiting:
        _pass_on(outcome)
    return outcome.unwrap()


def _pass_on(outcome: Outcome[str]) -> None:
    """Give a line to the first who follows and still waits; those who don't are let go of with it."""
    with _lock:
        while _following:
            follower = _following.pop(0)
            follower.lines.put(outcome)
            if follower.is_waiting:
                return
