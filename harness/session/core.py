"""What both kinds of session do without waiting: they start their body once, and hand out the frames that are there."""

from __future__ import annotations

from abc import abstractmethod
from contextvars import Context
from typing import Any, Generic, TypeVar

from harness.frames.frame import StreamFrame
from harness.frames.states import State
from harness.frames.timeline import Cursor
from harness.session.projections import Projected

T = TypeVar("T")
View = TypeVar("View")
Body = TypeVar("Body")


class SessionCore(Projected[T, View], Generic[T, View, Body]):
    """A session whose body is started by the first frame that somebody asks for; where it works is up to the shell."""

    def __init__(self, body: Body, *, source: Any = None, look_ahead: int | None = None, retain: bool = True) -> None:
        super().__init__(look_ahead=look_ahead, retain=retain)
        self._body: Body | None = body
        self._source = source

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

    @abstractmethod
    def _launch(self, body: Body, context: Context) -> None:
        """Have the body work in the context, and return at once."""


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
        self._session._check_process()
        frame = self._cursor.next_nowait()
        if frame is None and self._cursor.timeline.state is State.NEW:
            self._session._start()
        return frame

    def _has_read_all(self) -> bool:
        return self._cursor.timeline.length == self._cursor.position

    def _end(self) -> None:
        """Leave a timeline that has been read to its end. Raises what its run has raised."""
        self._cursor.leave()
        timeline = self._cursor.timeline
        if timeline.drained() is State.FAILED and timeline.error is not None:
            raise timeline.error

    def __del__(self) -> None:
        self._cursor.leave()
