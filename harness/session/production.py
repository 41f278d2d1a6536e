"""The producing side of a session: its timeline, its run, and the context in which the run works."""

from __future__ import annotations

import contextvars
import os
import threading
from typing import Any

from harness.bus import attribution, bus, scope as scopes
from harness.bus.scope import Run, Scope
from harness.errors import UsageError
from harness.frames.timeline import Timeline
from harness.session.look_ahead import FrameLimit


class Production:
    """The producing side of a session: all that the run needs, and nothing that refers to the session itself.

    So a session that nobody holds any more is collected, and closes its run, while the run is still at work.
    """

    def __init__(self, look_ahead: int | None, retain: bool) -> None:
        if look_ahead is not None and look_ahead < 1:
            raise UsageError(f"look_ahead is the number of unread frames allowed, at least 1, not {look_ahead}")
        self.timeline = Timeline(threading.RLock(), retain=retain)
        self.run: Run | None = None
        #: The process that the run works in; 0 before its start.
        self.process = 0
        #: Itself, until there is nothing to close any more. What closes the run of a session that is collected holds
        #: this list for as long as the session lives, and must not hold a failed run's error: its traceback leads
        #: through the frames of readers back to the session.
        self.unfinished: list[Production] = [self]
        self._base: Scope | None = None
        self._look_ahead = look_ahead
        # Before the start, since cursors made then must already tell how far they have read.
        if look_ahead is not None:
            self.timeline.on_room = _nobody_waits

    def context(self) -> contextvars.Context:
        """Return the context in which the run is to work: the starter's, with the session's base scope in it."""
        context = contextvars.copy_context()
        context.run(self._enter)
        return context

    def check_process(self) -> None:
        """Refuse to wait for a run that another process has: a fork copies what was read, not the threads that go on.

        Raises:
            UsageError: this process has inherited the session while it ran.
        """
        if self.is_inherited:
            raise UsageError(
                f"this session is being run by process {self.process}, and this is process {os.getpid()}, forked from it: "
                "no frame will come here. Start a session after the fork, or read this one to its end before it"
            )

    @property
    def is_inherited(self) -> bool:
        """Whether the run was begun by the process that this one was forked from."""
        return self.process not in (0, os.getpid())

    def _enter(self) -> None:
        self.process = os.getpid()
        self.run = Run(scopes.current_run())
        self.run.on_cancel(self.close)
        limits = () if self._look_ahead is None else (FrameLimit(self._look_ahead, self.timeline, self.run),)
        self._base = scopes.session_scope(self.timeline, self.run, limits)
        scopes.enter(self._base)
        scopes.previous_id.set(None)

    def know(self, source: Any) -> None:
        """Let events that `source` emits in threads without context find this session."""
        self.timeline.root = source
        if self._base is not None:
            # A session without a source is known all the same, so that a stray event is warned of.
            attribution.remember(self._base if source is None else source, self._base)

    def failed(self, error: BaseException) -> None:
        """Note what the run raised, in a form that an iterator can raise (clause `error.original`)."""
        if isinstance(error, StopIteration | StopAsyncIteration):
            wrapped = RuntimeError(f"the run raised {type(error).__name__}")
            wrapped.__cause__ = error
            error = wrapped
        self.timeline.raised(error)

    def close(self) -> None:
        """Cancel the run unless it is at its end, without waiting for it. A run of another process is left to that one."""
        if self.is_inherited:
            # Locks may be held by threads that are not here, and connections are shared.
            return
        if self.timeline.close() and self.run is not None:
            self.run.cancel()
        self._let_go()

    def end(self) -> None:
        """Note that the run is over: what it has left open ends, and nothing of it is kept alive."""
        try:
            # Not where it is closed, which may be anywhere, and must not wait for sinks and listeners.
            if self._base is not None:
                bus.end_session(self._base)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self.unfinished.clear()
        self.timeline.root = None
        if self._base is not None:
            attribution.forget(self._base)
        if self.run is not None:
            self.run.end()


def _nobody_waits() -> None:
    return None
