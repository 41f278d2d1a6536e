"""Where a program and its consumer meet: named points that one reaches and the other waits for.

Every wait has a deadline, which ends a broken run and never decides about a sound one.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import defaultdict
from typing import Any

from conformance.stage.patience import comes_true
from harness.errors import ConformanceError

#: How long a wait may last before the scenario is given up, in seconds.
DEADLINE_S = 10.0


class StageError(ConformanceError):
    """A run can't be taken where a scenario has it go, such as to a point before the deadline."""


class Stage:
    """The named points of one performance, and what the program noted on its way. Every method from any thread."""

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._changed = threading.Condition()
        self._reached: defaultdict[str, int] = defaultdict(int)
        self._released: set[str] = set()
        self._all_released = False
        self._awaiting = defaultdict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]]](list)
        #: What the program noted, in order, as (topic, value).
        self.notes: list[tuple[str, Any]] = []

    def reach(self, point: str) -> None:
        """The run has come to `point`."""
        with self._changed:
            self._reached[point] += 1
            self._changed.notify_all()

    def has_reached(self, point: str) -> bool:
        return self.times_reached(point) > 0

    def times_reached(self, point: str) -> int:
        with self._changed:
            return self._reached[point]

    def await_reached(self, point: str, times: int = 1) -> None:
        """Wait until the run has come to `point`. Raises StageError at the deadline."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._reached[point] >= times, self._deadline_s):
                raise StageError(f"the run did not come to {point!r} within {self._deadline_s} s")

    def comes_to(self, point: str, within_s: float, times: int = 1) -> bool:
        """Wait until the run has come to `point`, and return whether it did in time."""
        with self._changed:
            return comes_true(
                lambda seconds: self._changed.wait_for(lambda: self._reached[point] >= times, seconds), within_s
            )

    async def aawait_reached(self, point: str, times: int = 1) -> None:
        """Do as `await_reached`, without blocking the loop."""
        await asyncio.get_running_loop().run_in_executor(None, self.await_reached, point, times)

    def release(self, point: str) -> None:
        """Let what blocks at `point` go on."""
        with self._changed:
            self._released.add(point)
            self._wake([point])
            self._changed.notify_all()

    def release_all(self) -> None:
        """Let everything go on, now and later: the performance is over."""
        with self._changed:
            self._all_released = True
            self._wake(list(self._awaiting))
            self._changed.notify_all()

    def is_released(self, point: str) -> bool:
        with self._changed:
            return self._all_released or point in self._released

    def block(self, point: str) -> None:
        """Block the calling thread at `point` until it is released; reaches the point first."""
        self.reach(point)
        with self._changed:
            self._changed.wait_for(lambda: self.is_released(point), self._deadline_s * 2)

    async def ablock(self, point: str) -> None:
        """Await at `point` until it is released; reaches the point first."""
        loop = asyncio.get_running_loop()
        released = loop.create_future()
        with self._changed:
            if self.is_released(point):
                released.set_result(None)
            else:
                self._awaiting[point].append((loop, released))
        self.reach(point)
        await released

    def _wake(self, points: list[str]) -> None:
        for point in points:
            for loop, released in self._awaiting.pop(point, ()):
                # A loop that has been closed has nobody left to wake.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(_resolve, released)

    def note(self, topic: str, value: Any) -> None:
        """Keep something that the program saw."""
        with self._changed:
            self.notes.append((topic, value))
            self._changed.notify_all()

    def noted(self, topic: str) -> list[Any]:
        """Return what was noted under `topic`, in order."""
        with self._changed:
            return [value for kind, value in self.notes if kind == topic]


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
