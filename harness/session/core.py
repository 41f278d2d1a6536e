"""What both kinds of session do without waiting: they start their body once, and show what there is of its timeline."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from contextvars import Context
from typing import Any, Final, Generic, TypeVar

from harness.errors import UsageError
from harness.frames.channels import CHANNELS
from harness.frames.frame import StreamFrame
from harness.frames.states import ENDS, OPEN, State
from harness.frames.timeline import Cursor
from harness.session.production import Production

T = TypeVar("T")
View = TypeVar("View")
Body = TypeVar("Body")
#: The states in which a run is at work.
UNDER_WAY: Final = OPEN - {State.NEW}


class SessionCore(ABC, Generic[T, View, Body]):
    """A session's projections, state and result. Its body is started by the first frame that somebody asks for.

    Where that works, and what reads a projection, is up to the shell.
    """

    def __init__(self, body: Body, *, source: Any = None, look_ahead: int | None = None, retain: bool = True) -> None:
        self._body: Body | None = body
        self._source = source
        self._production = Production(look_ahead, retain)
        self._timeline = self._production.timeline
        weakref.finalize(self, _close_unfinished, self._production.unfinished).atexit = False

    @abstractmethod
    def _view(self, cursor: Cursor) -> View:
        """Return what reads the timeline by this cursor."""

    @abstractmethod
    def _launch(self, body: Body, context: Context) -> None:
        """Have the body work in the context, and return at once."""

    @property
    def events(self) -> View:
        """Every frame, in order."""
        return self.subscribe()

    @property
    def llm(self) -> View:
        """Frames of calls to models: text, thinking, tool-call deltas, start and end."""
        return self.subscribe(("llm",))

    @property
    def flow(self) -> View:
        """Frames of flows, their methods, feedback and turns."""
        return self.subscribe(("flow",))

    @property
    def tools(self) -> View:
        """Frames of tools being used."""
        return self.subscribe(("tools",))

    @property
    def messages(self) -> View:
        """Frames of the conversation's transcript."""
        return self.subscribe(("messages",))

    @property
    def lifecycle(self) -> View:
        """Frames of crews, tasks, agents, checkpoints and guardrails."""
        return self.subscribe(("lifecycle",))

    @property
    def custom(self) -> View:
        """Frames of events that the runtime does not know."""
        return self.subscribe(("custom",))

    def interleave(self, channels: Iterable[str]) -> View:
        """Frames of several channels in their common order.

        Raises:
            UsageError: an unknown channel, none, or a bare string; it is a ValueError and names the channels.
        """
        return self.subscribe(channels)

    def subscribe(self, channels: Iterable[str] | None = None) -> View:
        """Frames of some channels, or of all. Each call is a view of its own, from the first frame."""
        return self._view(self._timeline.cursor(None if channels is None else _checked(channels)))

    @property
    def frames(self) -> list[StreamFrame]:
        """A copy of the frames so far, in order."""
        return self._timeline.frames

    @property
    def is_completed(self) -> bool:
        """True when the session has been read to its end, whatever that was, or closed."""
        return self._timeline.state in ENDS

    @property
    def is_exhausted(self) -> bool:
        """True when the run succeeded and has been read to its end."""
        return self._timeline.state is State.EXHAUSTED

    @property
    def is_cancelled(self) -> bool:
        """True when the session was closed before it had been read to its end."""
        return self._timeline.state is State.CANCELLED

    @property
    def result(self) -> T:
        """The run's value, once the stream has been read to its end (clauses `result.*`).

        Raises:
            RuntimeError: the stream has not been read to its end, or was closed before.
            BaseException: the run's own exception, the same object each time.
        """
        state = self._timeline.state
        if state is State.EXHAUSTED:
            return self._timeline.value  # type: ignore[no-any-return]
        if state is State.FAILED and self._timeline.error is not None:
            raise self._timeline.error
        if state is State.CANCELLED:
            raise RuntimeError("The stream was closed before it had been read to its end: there is no result.")
        raise RuntimeError("Streaming has not completed yet: iterate over all frames before reading the result.")

    def close(self) -> None:
        """Cancel the run, unless the session is at its end. Returns at once; from any thread, any number of times.

        The run's provider connections are closed; it stops at its next event, await or byte. Blocked user code is not
        waited for (clauses `cleanup.*`).
        """
        self._production.close()

    def _start(self) -> None:
        """Start the run, unless it has been started or closed. From any thread."""
        body, self._body = self._body, None
        if body is None or not self._timeline.start():
            return
        context = self._production.context()
        if self._timeline.state is State.CANCELLED:
            # Closed by another thread after the start was decided, before there was a run to cancel.
            self._production.end()
            return
        self._production.know(self._source)
        try:
            self._launch(body, context)
        except Exception as error:
            # As where no thread can be started any more: who waits for frames is told.
            self._production.failed(error)
            self._production.end()


def _close_unfinished(productions: list[Production]) -> None:
    for production in list(productions):
        production.close()


def _checked(channels: Iterable[str]) -> Collection[str]:
    names = f"the channels are {', '.join(CHANNELS)}"
    if isinstance(channels, str):
        raise UsageError(f"channels are given as a list, not as the string {channels!r}; {names}")
    chosen = list(channels)
    if not chosen:
        raise UsageError(f"no channel was chosen; {names}")
    for channel in chosen:
        if channel not in CHANNELS:
            raise UsageError(f"there is no channel {channel!r}; {names}")
    return chosen


class ViewCore:
    """One view of a session, from its first frame; reading it starts the run."""

    def __init__(self, session: SessionCore[Any, Any, Any], cursor: Cursor) -> None:
        # The view keeps its session alive, and a session that nobody reads is closed when it is collected.
        self._session = session
        self._cursor = cursor

    def _next_nowait(self) -> StreamFrame | None:
        """Return the next frame, or None where it is not there yet; the run has been started then.

        Raises:
            UsageError: the run is another process's.
        """
        state = self._cursor.timeline.state
        if state in UNDER_WAY:
            self._session._production.check_process()
        frame = self._cursor.next_nowait()
        if frame is None and state is State.NEW:
            self._session._start()
        return frame

    def _has_read_all(self, position: int) -> bool:
        """Whether no frame comes any more to a view that stood at `position` before it found none.

        By now another thread that shares it may have taken several at once, the rest of which are for any of them.
        """
        timeline = self._cursor.timeline
        return timeline.state not in OPEN and timeline.length == position

    def _end(self) -> None:
        """Leave a timeline that has been read to its end. Raises what its run has raised."""
        self._cursor.leave()
        timeline = self._cursor.timeline
        if timeline.drained() is State.FAILED and timeline.error is not None:
            raise timeline.error

    def __del__(self) -> None:
        self._cursor.leave()
