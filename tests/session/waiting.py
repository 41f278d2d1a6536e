"""The point at which a run waits for its reader, so that a test can wait for it."""

from __future__ import annotations

import threading

import pytest

from harness.bus.scope import Run
from harness.frames.timeline import Timeline
from harness.session.look_ahead import FrameLimit

TIMEOUT_S = 10.0


class WatchedLimit(FrameLimit):
    """Tells when an emitter begins to wait."""

    def __init__(self, limit: int, timeline: Timeline, run: Run) -> None:
        self.full = threading.Semaphore(0)
        super().__init__(limit, timeline, run)

    def _has_room(self) -> bool:
        has_room = super()._has_room()
        if not has_room:
            self.full.release()
        return has_room

    def wait_until_full(self, frames: int = 1) -> None:
        """Return when somebody waits and there are this many frames, read or not."""
        while True:
            assert self.full.acquire(timeout=TIMEOUT_S)
            if self._timeline.length >= frames:
                return


def watched_limits(monkeypatch: pytest.MonkeyPatch) -> list[WatchedLimit]:
    """Return the limits of the sessions that will be made, which grows with each."""
    made: list[WatchedLimit] = []

    def make(limit: int, timeline: Timeline, run: Run) -> WatchedLimit:
        made.append(WatchedLimit(limit, timeline, run))
        return made[-1]

    monkeypatch.setattr("harness.session.production.FrameLimit", make)
    return made
