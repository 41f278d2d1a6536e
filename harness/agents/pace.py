"""Pace: how many requests may begin in a minute."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Final

from pydantic import Field, PrivateAttr

from harness.agents.options import Configured
from harness.fork import freed_by_fork

_WINDOW_S: Final = 60.0
#: Short, and rare; a lock of each pace's own could not be copied with an agent.
_taking = freed_by_fork(threading.Lock())


class Pace:
    """Allows at most `max_rpm` requests in any sixty seconds; from any thread. Without a limit it allows all."""

    def __init__(self, max_rpm: int | None) -> None:
        self.max_rpm = max_rpm
        #: When the latest requests begin, some of them in the future.
        self._begun: deque[float] = deque()

    def delay_s(self) -> float:
        """Take the next place, and return how many seconds it is away."""
        if self.max_rpm is None:
            return 0.0
        with _taking:
            now = time.monotonic()
            at = now if len(self._begun) < self.max_rpm else max(now, self._begun[0] + _WINDOW_S)
            self._begun.append(at)
            while len(self._begun) > self.max_rpm:
                self._begun.popleft()
            return at - now


class Paced(Configured):
    """What asks models no faster than it may."""

    #: Requests in any minute: of an agent, or of all agents of a crew.
    max_rpm: int | None = Field(default=None, ge=1)
    _pace: Pace | None = PrivateAttr(default=None)

    def pace(self) -> Pace:
        """Return the pace of all its requests, whichever runs make them."""
        if self._pace is None or self._pace.max_rpm != self.max_rpm:
            self._pace = Pace(self.max_rpm)
        return self._pace
