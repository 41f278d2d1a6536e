"""One claim for both kinds of session: bodies made of events, and an async session driven like a sync one."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import copy_context
from typing import Any, Literal, Self

from harness.bus import emit
from harness.bus.bus import close_scope, open_scope
from harness.events import BaseEvent, FlowFinishedEvent, FlowStartedEvent
from harness.frames.frame import StreamFrame
from harness.session.session import AsyncStreamSession, StreamSession
from tests.threads import TIMEOUT_S as TIMEOUT_S, in_threads

Kind = Literal["sync", "async"]
KINDS: tuple[Kind, ...] = ("sync", "async")
AnySession = StreamSession[Any] | AsyncStreamSession[Any]


class Note(BaseEvent):
    """Something that user code emits."""

    type: str = "note"
    n: int = 0


class Tool(BaseEvent):
    """An event of a built-in type without its fields, so that a body can speak on several channels."""

    type: str = "tool_selection_error"


def notes(count: int) -> Callable[[], str]:
    """Return a body that emits notes numbered from 1, and returns "done"."""

    def body() -> str:
        for n in range(1, count + 1):
            emit(None, Note(n=n))
        return "done"

    return body


def emitting(threads: int, count: int) -> Callable[[], None]:
    """Return a body that emits as many notes in each of several threads."""

    def body() -> None:
        context = copy_context()
        in_threads(threads, lambda: context.copy().run(notes(count)))

    return body


def a_flow() -> str:
    """A body with an outermost scope and frames of three channels in it."""
    scope = open_scope("source", FlowStartedEvent(flow_name="F"))
    emit("source", Note(n=1))
    emit("source", Tool())
    close_scope(scope, "source", FlowFinishedEvent(flow_name="F", result="done"))
    return "done"


def raising(error: BaseException, count: int = 2) -> Callable[[], None]:
    """Return a body that emits notes and then raises `error`."""

    def body() -> None:
        notes(count)()
        raise error

    return body


def session_of(kind: Kind, body: Callable[[], Any], **options: Any) -> AnySession:
    """Return a session of either kind with the same body."""
    if kind == "sync":
        return StreamSession(body, **options)

    async def abody() -> Any:
        # An await, so that the body begins after its reader has begun to wait.
        await asyncio.sleep(0)
        return body()

    return AsyncStreamSession(abody, **options)


class Driver:
    """Reads sessions of either kind from plain code; async ones in one loop that is kept."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def next(self, view: Any) -> StreamFrame:
        """Return the next frame of a view; StopIteration at the end of either kind."""
        if not hasattr(view, "__anext__"):
            frame = next(view)
            assert isinstance(frame, StreamFrame)
            return frame
        outcome = self._loop.run_until_complete(_caught(view.__anext__()))
        if isinstance(outcome, StopAsyncIteration):
            raise StopIteration
        if isinstance(outcome, BaseException):
            raise outcome
        assert isinstance(outcome, StreamFrame)
        return outcome

    def iterate(self, session_or_view: Any) -> Iterator[StreamFrame]:
        """Iterate over a session or a view of either kind."""
        view = session_or_view.__aiter__() if hasattr(session_or_view, "__aiter__") else iter(session_or_view)
        while True:
            try:
                frame = self.next(view)
            except StopIteration:
                return
            yield frame

    def all(self, session_or_view: Any) -> list[StreamFrame]:
        """Return every frame."""
        return list(self.iterate(session_or_view))

    def failure(self, session_or_view: Any) -> tuple[list[StreamFrame], BaseException | None]:
        """Return the frames, and what is raised after them."""
        frames = []
        view = session_or_view.__aiter__() if hasattr(session_or_view, "__aiter__") else iter(session_or_view)
        while True:
            try:
                frames.append(self.next(view))
            except StopIteration:
                return frames, None
            except BaseException as error:
                return frames, error

    def settle(self) -> None:
        """Let tasks of the loop that are cancelled come to their end."""
        tasks = asyncio.all_tasks(self._loop)
        if tasks:
            self._loop.run_until_complete(asyncio.wait(tasks, timeout=TIMEOUT_S))


async def _caught(awaitable: Any) -> Any:
    # As a value: the loop treats some exceptions in ways of its own.
    try:
        return await awaitable
    except BaseException as error:
        return error


async def collected(view: AsyncIterator[StreamFrame]) -> list[StreamFrame]:
    """Return all frames of an async view."""
    return [frame async for frame in view]


def what_is_of(session: AnySession, body: object) -> Iterator[weakref.ref[Any]]:
    """Yield what must go once nobody holds a session."""
    for held in (body, session, session._timeline, *session.frames):
        yield weakref.ref(held)


def join_harness_threads() -> None:
    """Wait for all threads of runs to end, and for those that they start before they do."""
    while threads := harness_threads():
        threads[0].join(TIMEOUT_S)
        assert not threads[0].is_alive(), threads[0].name


def harness_threads() -> list[threading.Thread]:
    """Return the threads of runs that are alive; the one of the async listeners is the process's own."""
    return [
        thread
        for thread in threading.enumerate()
        if thread.name.startswith("harness-") and thread.name != "harness-listeners"
    ]
