"""The look-ahead limit of a session: emitters wait while the furthest reader is too far behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from harness.bus.running_loop import call_in, is_loop_running, resolve, running_loop
from harness.bus.scope import Run
from harness.errors import RunCancelled
from harness.frames.states import State
from harness.frames.timeline import Timeline
from harness.waits import acquire

if TYPE_CHECKING:
    from asyncio import Future


class FrameLimit:
    """Bounds the frames that a session's furthest cursor has not read (clause `session.backpressure`).

    Threads wait; in a loop only those wait who await `room`, never the loop itself, so plain emits there may go beyond
    the limit, and so may a run or a session for which a reader's own loop waits, blocked.
    """

    def __init__(self, limit: int, timeline: Timeline, run: Run) -> None:
        self.loop = running_loop() if is_loop_running() else None
        self._limit = limit
        self._timeline = timeline
        self._run = run
        self._lock = threading.RLock()
        #: The threads that have reserved room, once for each frame.
        self._holders: list[int] = []
        self._wakers: list[Callable[[], object]] = []
        timeline.on_room = self._wake
        run.on_cancel(self._wake)

    def take(self) -> None:
        """Reserve room for one frame; see `harness.bus.scope.LookAhead`."""
        thread = threading.get_ident()
        while True:
            if self._run.cancelled:
                raise RunCancelled
            with self._lock:
                if self._has_room() or is_loop_running() or thread in self._holders:
                    self._holders.append(thread)
                    return
            waiter = threading.Lock()
            waiter.acquire()
            self._wakers.append(waiter.release)
            # Who made room, or cancelled, before there was somebody to wake woke nobody.
            if not self._has_room():
                acquire(waiter)

    def settle(self) -> None:
        with self._lock:
            self._holders.remove(threading.get_ident())
            # An event that became no frame leaves its room to the next one.
            if not self._wakers or not self._has_room():
                return
        self._wake()

    async def room(self) -> None:
        """Wait until there is room; the emit that follows without an await in between finds it.

        Where no loop runs, that emit waits by itself.
        """
        if not is_loop_running():
            return
        loop = running_loop()
        while True:
            if self._run.cancelled:
                raise RunCancelled
            if self._has_room():
                return
            freed: Future[None] = loop.create_future()
            self._wakers.append(partial(call_in, loop, partial(resolve, freed, None)))
            if not self._has_room():
                await freed

    def _has_room(self) -> bool:
        if self._run.cancelled or self._timeline.state is not State.RUNNING:
            return True
        return self._timeline.unread + len(self._holders) < self._limit

    def _wake(self) -> None:
        # Taken one by one: whoever comes in between, each is woken once.
        with suppress(IndexError):
            while True:
                self._wakers.pop(0)()
