"""Pace: how many requests may begin in a minute."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Final

from pydantic import Field, PrivateAttr

from harness.agents.options import Configured
from harness.fork import freed_by_fork
from harness.waits import answered_at_once

_WINDOW_S: Final = 60.0
#: Short, and rare; a lock of each pace's own could not be copied with an agent.
_taking = freed_by_fork(threading.Lock())


class Paced(Configured):
    """What asks models no faster than it may, from any thread: an agent, or all agents of a crew."""

    #: Requests in any sixty seconds.
    max_rpm: int | None = Field(default=None, ge=1)
    #: When the latest requests begin, some of them in the future; of all copies.
    _harness_begun: deque[float] = PrivateAttr(default_factory=deque)

    def delay_s(self) -> float:
        """Take the next request's place, and return how many seconds it is away."""
        if self.max_rpm is None or answered_at_once.get():
            return 0.0
        with _taking:
            begun, now = self._harness_begun, time.monotonic()
            at = now if len(begun) < self.max_rpm else max(now, begun[-self.max_rpm] + _WINDOW_S)
            begun.append(at)
            while len(begun) > self.max_rpm:
                begun.popleft()
            return at - now
