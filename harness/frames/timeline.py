"""The timeline: the one ordered log of a session. It knows no thread, no loop and no clock.

One producer side appends and ends it, any number of cursors read it. `seq` is stamped under the lock that the timeline
is given. What may happen in which state stands in `harness.frames.states`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Any, Final, Protocol

from harness.bus.scope import Scope, open_from
from harness.errors import RunCancelled, UsageError
from harness.events import BaseEvent
from harness.frames.channels import channel_of
from harness.frames.frame import FrameRecord, StreamFrame, frame_of
from harness.frames.payload import recorded, settle
from harness.frames.states import LEGAL, OPEN, IllegalTransitionError, State

#: How many records a cursor takes at once, where nobody minds when it takes them.
_BATCH: Final = 1000
_RUNNING: Final = State.RUNNING


class Lock(AbstractContextManager[Any, None], Protocol):
    """What guards a timeline; the thread that holds it may take it again."""

    def acquire(self) -> bool: ...

    def release(self) -> None: ...


class Timeline:
    """An append-only log of frames with a state. Every method may be called from any thread."""

    sees_all = True
    keeps_order = True

    def __init__(self, lock: Lock, *, retain: bool = True) -> None:
        self._lock = lock
        self._retain = retain
        self.state = State.NEW
        #: Whether it has been closed before its end. The thread that holds the lock may close it in the middle of anything:
        #: in a signal handler, or where the garbage collector runs.
        self._closed = False
        #: How many frames there were then.
        self._closed_after = 0
        self._records: list[FrameRecord] = []
        self._append = self._records.append
        #: How many frames have been appended.
        self.length = 0
        #: How many of them have been let go of; always 0 while they are retained.
        self._released = 0
        self._open: set[str] = set()
        #: The source whose scope is the outermost one, and seals the timeline when it ends. A session of a body that may
        #: start several runs one after the other has none.
        self.root: Any = None
        self._wakers: list[Callable[[], None]] = []
        self._cursors: list[Cursor] = []
        self.value: Any = None
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None
        #: Called each time there may be more room for frames: the furthest cursor has read more, or the run has ended.
        #: Set before the first cursor is made.
        self.on_room: Callable[[], None] | None = None
        self._furthest = 0

    # What the producer does.

    def accept(self, source: Any, event: BaseEvent, scope: Scope) -> None:
        """Append the frame of `event`; part of `harness.bus.scope.Sink`.

        After the outermost scope has ended, and for a second end of a scope, nothing is appended. Only the bus closes a
        scope: an event that user code gave a `started_event_id` is one like any other.

        Raises:
            RunCancelled: the session has been closed.
        """
        record = getattr(event, "_lazy_record", None) or recorded(event)
        # As `with self._lock` does, which takes twice as long, for every frame.
        self._lock.acquire()
        try:
            if self.state is not _RUNNING:
                if self.state is State.CANCELLED:
                    raise RunCancelled
                return
            parent_id = record.parent_event_id if record.parent_event_id in self._open else None
            if not (scope.is_open or (record.started_event_id and record.started_event_id == scope.event_id)):
                # It has ended since the emitter found it, in another thread.
                scope = open_from(scope)
                if self not in scope.sinks:
                    return
                parent_id = scope.event_id if scope.event_id in self._open else None
            if scope.is_open:
                self._append(FrameRecord(self.length + 1, parent_id, record))
                if record.shape.opens is not None:
                    self._open.add(event.event_id)
            elif record.started_event_id == scope.event_id and scope.event_id in self._open:
                self._append(FrameRecord(self.length + 1, parent_id, record))
                self._open.discard(scope.event_id)
                if scope.owned and source is self.root and scope.parent is not None and scope.parent.sink is self:
                    self._move("seal")
            else:
                return
            self.length += 1
            if not self._wakers:
                return
            wakers = self._take_wakers()
        finally:
            if self._closed:
                # Perhaps since the line before last, in this very thread: what was under way is none of its frames.
                del self._records[self._closed_after - self._released :]
                self.length = self._closed_after
            self._lock.release()
        for wake in wakers:
            wake()

    def prepare(self, event: BaseEvent) -> None:
        """Encode what is about to be accepted."""
        settle(event)

    def start(self) -> bool:
        """Move from new to running; False where it has been started or closed before."""
        with self._lock:
            if self.state is not State.NEW:
                return False
            self._move("start")
            return not self._closed

    def returned(self, value: Any) -> None:
        """Note the run's value; the session is exhausted once a cursor has read to the end."""
        self._end("return", value=value)

    def raised(self, error: BaseException) -> None:
        """Note the run's own exception; the session has failed once a cursor has read to the end."""
        self._end("raise", error=error)

    def _end(self, action: str, *, value: Any = None, error: BaseException | None = None) -> None:
        with self._lock:
            if self.state is State.CANCELLED:
                return
            self._move(action)
            self.value, self._error = value, error
            self._traceback = error.__traceback__ if error is not None else None
            wakers = self._take_wakers()
        for wake in wakers:
            wake()
        if self.on_room is not None:
            self.on_room()

    def close(self) -> bool:
        """Cancel what is not at its end; True where that changed anything. No frame is appended after it."""
        with self._lock:
            before = self.state
            if not self._closed and LEGAL[before, "close"] is State.CANCELLED:
                self._closed_after = self._records[-1].seq if self._records else self.length
                self._closed = True
            self._move("close")
            self._open.clear()
            wakers = self._take_wakers()
        for wake in wakers:
            wake()
        return self.state is not before

    def _move(self, action: str) -> None:
        before = self.state
        following = LEGAL.get((before, action))
        if following is None and not self._closed:
            raise IllegalTransitionError(
                f"a timeline that is {before.value} can't {action} (after frame {self.length})"
            )
        self.state = following or before
        if self._closed:
            # Perhaps since the line before last: nothing that was under way undoes that.
            self.state = State.CANCELLED

    def _take_wakers(self) -> list[Callable[[], None]]:
        if not self._wakers:
            return []
        # Taken one by one: whoever comes in between, each is woken once.
        wakers = []
        with suppress(IndexError):
            while True:
                wakers.append(self._wakers.pop(0))
        return wakers

    # What a reader asks.

    @property
    def frames(self) -> list[StreamFrame]:
        """A copy of all frames held."""
        with self._lock:
            records = list(self._records)
        return [frame_of(record) for record in records]

    @property
    def error(self) -> BaseException | None:
        """The run's own exception, as it was when it left the run: its traceback does not grow by being raised."""
        return None if self._error is None else self._error.with_traceback(self._traceback)

    def cursor(self, channels: Collection[str] | None = None) -> Cursor:
        """Return a new reader at the first frame, of some channels or all.

        Raises:
            UsageError: the first frame has been let go of.
        """
        cursor = Cursor(self, frozenset(channels) if channels is not None else None)
        if not self._retain:
            with self._lock:
                if self._released:
                    raise UsageError(
                        "this session does not retain its frames (retain=False) and the first ones have been read: a "
                        "new projection can't begin at the first frame; take all projections before reading, or retain "
                        "frames"
                    )
                self._cursors.append(cursor)
        return cursor

    def when_changed(self, position: int, wake: Callable[[], None]) -> bool:
        """Have `wake` called once at the next change; False, and no call, where there is something to read already."""
        with self._lock:
            # First, so that a change which comes in the middle of this wakes it.
            self._wakers.append(wake)
            if self.length > position or self.state not in OPEN:
                self.forget_waker(wake)
                return False
            return True

    def forget_waker(self, wake: Callable[[], None]) -> None:
        """Take back what `when_changed` took."""
        with self._lock, suppress(ValueError):
            self._wakers.remove(wake)

    def drained(self) -> State:
        """Note that a cursor has read to the end of an ended run; return the state then."""
        with self._lock:
            self._move("drain")
            return self.state

    def _next(self, cursor: Cursor) -> FrameRecord | None:
        """Return the next record of a cursor that has none at hand, and give it a new batch; None where there is none."""
        while True:
            with self._lock:
                # Another thread that reads by the same cursor may have come first.
                for record in cursor.batch:
                    return record
                start = cursor.position - self._released
                records = self._records[start : start + cursor.stride]
                if not records:
                    return None
                cursor.position += len(records)
                further = cursor.position > self._furthest
                self._furthest = max(cursor.position, self._furthest)
                if not self._retain:
                    keep = min((other.position for other in list(self._cursors)), default=cursor.position)
                    del self._records[: keep - self._released]
                    self._released = max(keep, self._released)
                batch = cursor.batch = cursor.chosen(records)
            if further and self.on_room is not None:
                self.on_room()
            for record in batch:
                return record

    @property
    def unread(self) -> int:
        """How many frames the furthest cursor has not read."""
        return self.length - self._furthest


class Cursor:
    """A reader of a timeline from its first frame. It never waits: `next_nowait` gives a frame or None.

    Threads may share one: each frame goes to one of them.
    """

    __slots__ = ("_channels", "batch", "position", "stride", "timeline")

    def __init__(self, timeline: Timeline, channels: frozenset[str] | None) -> None:
        self.timeline = timeline
        #: How many frames have been passed: read, filtered out, or at hand.
        self.position = 0
        #: How many are taken at once: one, where the progress of a reader matters to a look-ahead, or to what is kept.
        self.stride = 1 if timeline.on_room is not None or not timeline._retain else _BATCH
        #: The records at hand. Taking one from an iterator of a list is one step, whichever threads do so.
        self.batch: Iterator[FrameRecord] = iter(())
        self._channels = channels

    def next_nowait(self) -> StreamFrame | None:
        """Return the next frame of this cursor's channels, or None where there is none yet, or no more."""
        for record in self.batch:
            return frame_of(record)
        following = self.timeline._next(self)
        return None if following is None else frame_of(following)

    def chosen(self, records: list[FrameRecord]) -> Iterator[FrameRecord]:
        """Return those of `records` that go by this cursor's channels."""
        channels = self._channels
        if channels is None:
            return iter(records)
        return iter([record for record in records if channel_of(record.event.type) in channels])

    def leave(self) -> None:
        """Stop holding frames back, where they are not retained."""
        # Without the lock: a view may be dropped while Python exits, when a thread that holds it goes on no more.
        with suppress(ValueError):
            self.timeline._cursors.remove(self)
