"""The timeline: the one ordered log of a session. It knows no thread, no loop and no clock.

One producer side appends and ends it, any number of cursors read it. `seq` is stamped under the lock that the timeline
is given. What may happen in which state stands in `LEGAL`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final

from harness.bus.scope import Scope
from harness.errors import HarnessError, RunCancelled, UsageError
from harness.events import BaseEvent
from harness.frames.frame import Draft, StreamFrame


class State(enum.Enum):
    """Where a session stands; the last three are exclusive ends (clause `result.states`)."""

    NEW = "new"
    RUNNING = "running"
    SEALED = "sealed"  # the outermost scope has ended, the run has not yet returned
    RETURNED = "returned"  # the run has a value, and nobody has read to the end
    RAISED = "raised"  # the run has failed, and nobody has read to the end
    EXHAUSTED = "exhausted"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDS: Final = frozenset({State.EXHAUSTED, State.FAILED, State.CANCELLED})

#: From state and action to state. What is not here is refused.
LEGAL: Final[dict[tuple[State, str], State]] = {
    (State.NEW, "start"): State.RUNNING,
    (State.NEW, "close"): State.CANCELLED,
    (State.RUNNING, "append"): State.RUNNING,
    (State.RUNNING, "seal"): State.SEALED,
    (State.RUNNING, "return"): State.RETURNED,
    (State.RUNNING, "raise"): State.RAISED,
    (State.RUNNING, "close"): State.CANCELLED,
    (State.SEALED, "return"): State.RETURNED,
    (State.SEALED, "raise"): State.RAISED,
    (State.SEALED, "close"): State.CANCELLED,
    (State.RETURNED, "drain"): State.EXHAUSTED,
    (State.RETURNED, "close"): State.CANCELLED,
    (State.RAISED, "drain"): State.FAILED,
    (State.RAISED, "close"): State.CANCELLED,
    (State.EXHAUSTED, "drain"): State.EXHAUSTED,
    (State.EXHAUSTED, "close"): State.EXHAUSTED,
    (State.FAILED, "drain"): State.FAILED,
    (State.FAILED, "close"): State.FAILED,
    (State.CANCELLED, "drain"): State.CANCELLED,
    (State.CANCELLED, "close"): State.CANCELLED,
}


class IllegalTransitionError(HarnessError):
    """Something was done to a timeline that its state does not allow; the runtime's own fault."""


class Timeline:
    """An append-only log of frames with a state. Every method may be called from any thread."""

    def __init__(self, lock: AbstractContextManager[Any], *, retain: bool = True) -> None:
        self._lock = lock
        self._retain = retain
        self._state = State.NEW
        self._frames: list[StreamFrame] = []
        #: How many frames have been let go of; always 0 while they are retained.
        self._released = 0
        self._open: set[str] = set()
        #: The source whose scope is the outermost one, and seals the timeline when it ends. A session of a body that may
        #: start several runs one after the other has none.
        self.root: Any = None
        self._wakers: list[Callable[[], None]] = []
        self._cursors: list[Cursor] = []
        self._value: Any = None
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None
        #: Called each time there may be more room for frames: the furthest cursor has read more, or the run has ended.
        #: Set before the first cursor is made.
        self.on_room: Callable[[], None] | None = None
        self._furthest = 0

    # What the producer does.

    def accept(self, source: Any, event: BaseEvent, scope: Scope) -> None:
        """Append the frame of `event`; part of `harness.bus.scope.Sink`.

        After the outermost scope has ended, and for what a closed scope still says, nothing is appended. Only the bus
        closes a scope: an event that user code gave a `started_event_id` is one like any other.

        Raises:
            RunCancelled: the session has been closed.
        """
        draft = Draft(event)
        with self._lock:
            if self._state is not State.RUNNING:
                if self._state is State.CANCELLED:
                    raise RunCancelled
                return
            closing = not scope.is_open
            if closing and event.started_event_id != scope.event_id:
                return
            parent_id = event.__dict__["parent_event_id"]
            if parent_id not in self._open:
                parent_id = None
            self._frames.append(draft.frame(self._released + len(self._frames) + 1, parent_id))
            if event.opens is not None:
                self._open.add(event.event_id)
            elif closing:
                self._open.discard(event.started_event_id or "")
                if scope.owned and source is self.root and scope.parent is not None and scope.parent.sink is self:
                    self._move("seal")
            if not self._wakers:
                return
            wakers = self._take_wakers()
        for wake in wakers:
            wake()

    def start(self) -> bool:
        """Move from new to running; False where it has been started or closed before."""
        with self._lock:
            if self._state is not State.NEW:
                return False
            self._move("start")
            return True

    def returned(self, value: Any) -> None:
        """Note the run's value; the session is exhausted once a cursor has read to the end."""
        self._end("return", value=value)

    def raised(self, error: BaseException) -> None:
        """Note the run's own exception; the session has failed once a cursor has read to the end."""
        self._end("raise", error=error)

    def _end(self, action: str, *, value: Any = None, error: BaseException | None = None) -> None:
        with self._lock:
            if self._state is State.CANCELLED:
                return
            self._move(action)
            self._value, self._error = value, error
            self._traceback = error.__traceback__ if error is not None else None
            wakers = self._take_wakers()
        for wake in wakers:
            wake()
        if self.on_room is not None:
            self.on_room()

    def close(self) -> bool:
        """Cancel what is not at its end; True where that changed anything. No frame is appended after it."""
        with self._lock:
            before = self._state
            self._move("close")
            self._open.clear()
            wakers = self._take_wakers()
        for wake in wakers:
            wake()
        return self._state is not before

    def _move(self, action: str) -> None:
        try:
            self._state = LEGAL[self._state, action]
        except KeyError:
            raise IllegalTransitionError(
                f"a timeline that is {self._state.value} can't {action} (after frame {self.length})"
            ) from None

    def _take_wakers(self) -> list[Callable[[], None]]:
        if not self._wakers:
            return []
        wakers, self._wakers = self._wakers, []
        return wakers

    # What a reader asks.

    @property
    def state(self) -> State:
        return self._state

    @property
    def length(self) -> int:
        """How many frames have been appended."""
        return self._released + len(self._frames)

    @property
    def frames(self) -> list[StreamFrame]:
        """A copy of all frames held."""
        with self._lock:
            return list(self._frames)

    @property
    def value(self) -> Any:
        return self._value

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
            if self.length > position or self._state not in (State.RUNNING, State.SEALED, State.NEW):
                return False
            self._wakers.append(wake)
            return True

    def forget_waker(self, wake: Callable[[], None]) -> None:
        """Take back what `when_changed` took."""
        with self._lock:
            if wake in self._wakers:
                self._wakers.remove(wake)

    def drained(self) -> State:
        """Note that a cursor has read to the end of an ended run; return the state then."""
        with self._lock:
            self._move("drain")
            return self._state

    def _next_told(self, cursor: Cursor) -> StreamFrame | None:
        """Move a cursor on by one where its progress matters: to a look-ahead, or to what may be let go of."""
        with self._lock:
            index = cursor.position - self._released
            if index >= len(self._frames):
                return None
            frame = self._frames[index]
            cursor.position += 1
            further = cursor.position > self._furthest
            self._furthest = max(cursor.position, self._furthest)
            if not self._retain:
                keep = min((other.position for other in self._cursors), default=cursor.position)
                del self._frames[: keep - self._released]
                self._released = max(keep, self._released)
        if further and self.on_room is not None:
            self.on_room()
        return frame

    @property
    def unread(self) -> int:
        """How many frames the furthest cursor has not read."""
        return self.length - self._furthest


class Cursor:
    """A reader of a timeline from its first frame. It never waits: `next_nowait` gives a frame or None."""

    __slots__ = ("_channels", "_tells", "position", "timeline")

    def __init__(self, timeline: Timeline, channels: frozenset[str] | None) -> None:
        self.timeline = timeline
        #: How many frames have been passed, read or filtered out.
        self.position = 0
        self._channels = channels
        self._tells = timeline.on_room is not None or not timeline._retain

    def next_nowait(self) -> StreamFrame | None:
        """Return the next frame of this cursor's channels, or None where there is none yet, or no more."""
        timeline = self.timeline
        frames = timeline._frames
        while True:
            if self._tells:
                frame = timeline._next_told(self)
                if frame is None:
                    return None
            else:
                if self.position >= len(frames):
                    return None
                frame = frames[self.position]
                self.position += 1
            if self._channels is None or frame.channel in self._channels:
                return frame

    def leave(self) -> None:
        """Stop holding frames back, where they are not retained."""
        with self.timeline._lock:
            if self in self.timeline._cursors:
                self.timeline._cursors.remove(self)
