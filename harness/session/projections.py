"""What both kinds of session show of their timeline: projections of it, its state, and the run's result."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from typing import Final, Generic, TypeVar

from harness.errors import UsageError
from harness.frames.channels import CHANNELS
from harness.frames.frame import StreamFrame
from harness.frames.states import ENDS, State
from harness.frames.timeline import Cursor
from harness.session.production import Production

T = TypeVar("T")
View = TypeVar("View")
#: The states in which frames may still come.
UNDER_WAY: Final = frozenset({State.RUNNING, State.SEALED})


class Projected(ABC, Generic[T, View]):
    """A session's projections, state and result; what reads a projection is up to the kind of session."""

    def __init__(self, *, look_ahead: int | None, retain: bool) -> None:
        self._production = Production(look_ahead, retain)
        self._timeline = self._production.timeline
        weakref.finalize(self, _close_unfinished, self._production.unfinished).atexit = False

    @abstractmethod
    def _view(self, cursor: Cursor) -> View:
        """Return what reads the timeline by this cursor."""

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

    def _check_process(self) -> None:
        """Refuse to read on what another process runs. Raises UsageError."""
        if self._timeline.state in UNDER_WAY:
            self._production.check_process()

    def close(self) -> None:
        """Cancel the run, unless the session is at its end. Returns at once; from any thread, any number of times.

        The run's provider connections are closed; it stops at its next event, await or byte. Blocked user code is not
        waited for (clauses `cleanup.*`).
        """
        self._production.close()


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
