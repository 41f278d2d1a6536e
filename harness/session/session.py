"""Stream sessions: two thin shells, one for threads and one for loops, over the same timeline.

A session runs its body once, from the first frame that somebody asks for, and lets any number of readers see all of it.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from contextvars import Context, copy_context
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from harness.bus.running_loop import call_in, cancelled_errors, canceller, resolve, running_loop, running_task
from harness.bus.scope import pass_readers_here
from harness.errors import UsageError
from harness.frames.frame import StreamFrame, frame_of
from harness.frames.timeline import Cursor
from harness.session.core import UNDER_WAY, SessionCore, ViewCore
from harness.session.production import Production
from harness.waits import acquire

if TYPE_CHECKING:
    from asyncio import Future, Task

T = TypeVar("T")
#: How long `aclose` waits for a cancelled task to clean up; user code that takes longer goes on without it.
_GRACE_S = 0.1


class StreamSession(SessionCore[T, "FrameIterator", Callable[[], T]]):
    """A run read by threads. Iterating it is iterating `events`; each projection is a view from the first frame.

    The run works in a thread of its own, started by the first frame that is asked for.
    """

    def __iter__(self) -> FrameIterator:
        return self.events

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _view(self, cursor: Cursor) -> FrameIterator:
        return FrameIterator(self, cursor)

    def _start(self) -> None:
        context = copy_context()
        context.run(pass_readers_here)
        context.run(super()._start)

    def _launch(self, body: Callable[[], T], context: Context) -> None:
        threading.Thread(
            target=context.run, args=(_produce, self._production, body), name="harness-run", daemon=True
        ).start()


def _produce(production: Production, body: Callable[[], Any]) -> None:
    try:
        value = body()
    except BaseException as error:
        production.failed(error)
    else:
        production.timeline.returned(value)
    finally:
        production.end()


class FrameIterator(ViewCore):
    """One view of a session, from its first frame; reading it starts the run.

    Threads that share one view share its frames, each of which goes to one of them.
    """

    def __iter__(self) -> FrameIterator:
        return self

    def __next__(self) -> StreamFrame:
        for record in self._cursor.batch:
            return frame_of(record)
        position = self._cursor.position
        while (frame := self._next_nowait()) is None:
            if self._has_read_all(position):
                self._end()
                raise StopIteration
            self._wait(position)
            position = self._cursor.position
        return frame

    def _wait(self, position: int) -> None:
        timeline = self._cursor.timeline
        changed = threading.Lock()
        changed.acquire()
        if timeline.when_changed(position, changed.release):
            try:
                acquire(changed)
            except BaseException:
                timeline.forget_waker(changed.release)
                raise


class AsyncStreamSession(SessionCore[T, "AsyncFrameIterator", Callable[[], Awaitable[T]]]):
    """A run read by tasks. The run is a task of the loop in which the first frame is asked for."""

    def __init__(
        self,
        body: Callable[[], Awaitable[T]],
        *,
        source: Any = None,
        look_ahead: int | None = None,
        retain: bool = True,
    ) -> None:
        super().__init__(body, source=source, look_ahead=look_ahead, retain=retain)
        self._task: Task[None] | None = None
        #: A plain list, which threads that take and drop views change in one step.
        self._views: list[weakref.ref[AsyncFrameIterator]] = []

    def __aiter__(self) -> AsyncFrameIterator:
        return self.events

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _view(self, cursor: Cursor) -> AsyncFrameIterator:
        view = AsyncFrameIterator(self, cursor)
        self._views.append(weakref.ref(view, self._views.remove))
        return view

    def _check_loop(self) -> None:
        """Refuse to wait for a run whose loop has been closed. Raises UsageError."""
        task = self._task
        # In this order: a run that has ended may have its loop closed at once.
        if task is not None and task.get_loop().is_closed() and self._timeline.state in UNDER_WAY:
            raise UsageError(
                "this session is bound to the loop of its first iteration, and that loop was closed before the run had "
                "ended: no frame will come. Read a session to its end in one loop, or close it first"
            )

    def _lost(self, reader: Task[Any] | None) -> None:
        """Close what a cancelled task was reading, unless another one reads it, too (clause `cleanup.async-cancel`)."""
        if not self._has_other_readers(reader):
            self.close()

    def _has_other_readers(self, task: Task[Any] | None) -> bool:
        views = [view for kept in list(self._views) if (view := kept()) is not None]
        return any(reader is not task for view in views for reader in view.readers)

    async def aclose(self) -> None:
        """Do as `close`, and give the run's task a moment to clean up."""
        self.close()
        task = self._task
        if task is None or task.done() or task is running_task():
            return
        if task.get_loop() is running_loop():
            import asyncio  # whose task it is

            await asyncio.wait({task}, timeout=_GRACE_S)

    def _launch(self, body: Callable[[], Awaitable[T]], context: Context) -> None:
        loop = running_loop()
        self._task = loop.create_task(_aproduce(self._production, body), name="harness-run", context=context)


async def _aproduce(production: Production, body: Callable[[], Awaitable[Any]]) -> None:
    # Only now: a task that is cancelled before it begins never does, and would end nothing.
    if production.run is not None:
        production.run.on_cancel(canceller(cast("Task[None]", running_task())))
    # Nothing leaves the task, where nobody waits for it: asyncio stops the whole loop for SystemExit and KeyboardInterrupt.
    try:
        value = await body()
    except BaseException as error:
        production.failed(error)
    else:
        production.timeline.returned(value)
    finally:
        production.end()


class AsyncFrameIterator(ViewCore):
    """One view of a session, from its first frame; reading it starts the run.

    Tasks that share one view share its frames. One that has handed it on, and asks no more, is none of its readers.
    """

    _session: AsyncStreamSession[Any]

    def __init__(self, session: AsyncStreamSession[Any], cursor: Cursor) -> None:
        super().__init__(session, cursor)
        self._readers: list[weakref.ref[Task[Any]]] = []
        self._waiting: list[Task[Any] | None] = []
        self._reader_ended = _when_reader_ended(weakref.ref(session))

    @property
    def readers(self) -> list[Task[Any]]:
        """The tasks that have asked for a frame, and have neither ended nor handed the view on."""
        return [task for kept in list(self._readers) if (task := kept()) is not None and not task.done()]

    def __aiter__(self) -> AsyncFrameIterator:
        return self

    async def __anext__(self) -> StreamFrame:
        for record in self._cursor.batch:
            return frame_of(record)
        self._note_reader()
        position = self._cursor.position
        while (frame := self._next_nowait()) is None:
            if self._has_read_all(position):
                self._end()
                raise StopAsyncIteration
            await self._wait(position)
            position = self._cursor.position
        return frame

    def _note_reader(self) -> None:
        task = running_task()
        if task is not None and task not in self.readers:
            # Those that do not wait may have handed the view on; who shares it asks again.
            self._forget_readers(but=self._waiting)
            self._readers.append(weakref.ref(task, self._readers.remove))
            # It may be cancelled where it does not wait for a frame. Of its context nothing is needed.
            task.add_done_callback(self._reader_ended, context=Context())

    def _forget_readers(self, *, but: Collection[Task[Any] | None] = ()) -> None:
        """Let those that have read end as they like, unless they are leaving because they are cancelled."""
        for task in self.readers:
            if task not in but:
                with suppress(ValueError):
                    self._readers.remove(weakref.ref(task))
                if not task.cancelling():
                    task.remove_done_callback(self._reader_ended)

    def __del__(self) -> None:
        self._forget_readers()
        super().__del__()

    async def _wait(self, position: int) -> None:
        loop, task = running_loop(), running_task()
        self._session._check_loop()
        changed: Future[None] = loop.create_future()
        thread = threading.get_ident()

        def wake() -> None:
            if threading.get_ident() == thread:
                resolve(changed, None)
            else:
                call_in(loop, partial(resolve, changed, None))

        timeline = self._cursor.timeline
        if not timeline.when_changed(position, wake):
            return
        self._waiting.append(task)
        try:
            await changed
        except cancelled_errors():
            # The consumer has been cancelled: so is the run, unless another task is reading it.
            timeline.forget_waker(wake)
            self._session._lost(task)
            raise
        finally:
            self._waiting.remove(task)


def _when_reader_ended(session: weakref.ref[AsyncStreamSession[Any]]) -> Callable[[Task[Any]], None]:
    def ended(reader: Task[Any]) -> None:
        left = session()
        if left is not None and reader.cancelled() and left._timeline.state in UNDER_WAY:
            left._lost(reader)

    return ended
