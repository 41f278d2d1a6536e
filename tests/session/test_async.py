"""Claims about async sessions: loops, tasks, cancelling, closing, and what is left."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest

from harness.bus import aemit, attribution, emit, event_bus, scope as scopes
from harness.bus.bus import open_scope
from harness.errors import RunCancelled, UsageError
from harness.events import FlowFailedEvent, FlowStartedEvent
from harness.frames.frame import StreamFrame
from harness.session.session import AsyncStreamSession, StreamSession
from tests.programs import run_program
from tests.session.bodies import TIMEOUT_S, Note, collected, what_is_of


class Waiting:
    """A body that waits after its first frame until released, and notes how it ended."""

    def __init__(self) -> None:
        self.waits = asyncio.Event()
        self.gate = asyncio.Event()
        self.ended: list[str] = []

    async def __call__(self) -> str:
        await aemit(self, Note(n=1))
        self.waits.set()
        try:
            await self.gate.wait()
            await aemit(self, Note(n=2))
        except BaseException as error:
            self.ended.append(type(error).__name__)
            raise
        self.ended.append("went on")
        return "done"

    def session(self) -> AsyncStreamSession[str]:
        return AsyncStreamSession(self, source=self)


async def settled() -> None:
    """Wait for every task but this one."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    if tasks:
        await asyncio.wait(tasks, timeout=TIMEOUT_S)


async def by_close(session: AsyncStreamSession[str]) -> None:
    session.close()


async def by_aclose(session: AsyncStreamSession[str]) -> None:
    await session.aclose()


async def by_aclose_twice(session: AsyncStreamSession[str]) -> None:
    await session.aclose()
    await session.aclose()


async def by_another_thread(session: AsyncStreamSession[str]) -> None:
    await asyncio.to_thread(session.close)


async def by_the_block(session: AsyncStreamSession[str]) -> None:
    async with session:
        async for _ in session:
            break


async def by_an_error_of_the_consumer(session: AsyncStreamSession[str]) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with session:
            async for _ in session:
                raise LookupError("mine")


async def by_cancelling_the_consumer(session: AsyncStreamSession[str]) -> None:
    began = asyncio.Event()

    async def consume() -> None:
        async for _ in session:
            began.set()

    task = asyncio.create_task(consume())
    await began.wait()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


Closer = Callable[[AsyncStreamSession[str]], Awaitable[None]]
CLOSERS: tuple[Closer, ...] = (
    by_close,
    by_aclose,
    by_aclose_twice,
    by_another_thread,
    by_the_block,
    by_an_error_of_the_consumer,
    by_cancelling_the_consumer,
)


@pytest.mark.asyncio
@pytest.mark.parametrize("close", CLOSERS, ids=lambda close: close.__name__)
async def test_closing_cancels_the_run_and_leaves_no_task(close: Closer) -> None:
    body = Waiting()
    session = body.session()
    await anext(aiter(session))
    await asyncio.wait_for(body.waits.wait(), TIMEOUT_S)
    await close(session)
    await settled()
    assert (body.ended, session.is_cancelled) == (["CancelledError"], True)
    assert [frame.data["n"] for frame in await collected(aiter(session))] == [1]
    assert asyncio.all_tasks() == {asyncio.current_task()}
    with pytest.raises(RuntimeError, match="The stream was closed"):
        session.result  # noqa: B018


@pytest.mark.asyncio
async def test_a_run_that_is_about_to_go_on_is_told_once_that_it_is_closed() -> None:
    gate, cleaned = asyncio.Event(), asyncio.Event()

    async def body() -> None:
        emit(None, Note())
        try:
            await gate.wait()
            emit(None, Note())
        finally:
            # A second interruption would come here.
            await asyncio.sleep(0)
            cleaned.set()

    session = AsyncStreamSession(body)
    await anext(aiter(session))
    gate.set()
    await session.aclose()
    assert cleaned.is_set()


@pytest.mark.asyncio
async def test_a_run_that_is_closed_before_it_begins_leaves_no_scope_open() -> None:
    async def around() -> list[scopes.Scope]:
        session = Waiting().session()
        reading = asyncio.create_task(collected(aiter(session)))
        await asyncio.sleep(0)
        session.close()
        assert await reading == []
        assert session.is_cancelled
        return list(scopes.current_scope().children)

    outer = AsyncStreamSession(around)
    await collected(aiter(outer))
    assert outer.result == []


def test_what_a_run_leaves_open_has_failed_for_the_session_around_and_for_listeners() -> None:
    heard: list[str] = []

    async def leaves() -> None:
        open_scope(
            None, FlowStartedEvent(flow_name="F"), abandon=lambda reason: FlowFailedEvent(flow_name="F", error=reason)
        )

    def around() -> None:
        asyncio.run(collected(aiter(AsyncStreamSession(leaves))))
        emit(None, Note())

    with event_bus.scoped_handlers():
        event_bus.register_handler(FlowFailedEvent, lambda _source, event: heard.append(event.error))
        frames = list(StreamSession(around))
    assert [frame.type for frame in frames] == ["flow_started", "flow_failed", "note"]
    assert (heard, frames[2].parent_id) == (["the session around it ended first"], None)


@pytest.mark.asyncio
async def test_aclose_returns_although_the_run_will_not_stop() -> None:
    release, began = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        emit(None, Note())
        while not release.is_set():
            try:
                began.set()
                await release.wait()
            except asyncio.CancelledError:
                continue

    session = AsyncStreamSession(stubborn)
    await anext(aiter(session))
    await began.wait()
    await asyncio.wait_for(session.aclose(), TIMEOUT_S)
    assert (release.is_set(), session.is_cancelled) == (False, True)
    release.set()
    await settled()


@pytest.mark.asyncio
async def test_the_run_may_close_its_own_session() -> None:
    sessions: list[AsyncStreamSession[None]] = []

    async def body() -> None:
        emit(None, Note())
        await sessions[0].aclose()
        with pytest.raises(RunCancelled):
            emit(None, Note())
        went_on.append("went on")

    went_on: list[str] = []
    sessions.append(AsyncStreamSession(body))
    assert len(await collected(aiter(sessions[0]))) == 1
    await settled()
    assert (sessions[0].is_cancelled, went_on) == (True, ["went on"])


@pytest.mark.asyncio
async def test_leaving_the_block_leaves_an_exhausted_session_alone() -> None:
    body = Waiting()
    body.gate.set()
    async with body.session() as session:
        assert len(await collected(aiter(session))) == 2
    assert (session.is_exhausted, session.result) == (True, "done")


async def two_readers(session: AsyncStreamSession[str], body: Waiting) -> list[asyncio.Task[list[StreamFrame]]]:
    """Return two tasks that read a session, and wait for its next frame."""
    tasks = [asyncio.create_task(collected(aiter(session))) for _ in range(2)]
    await body.waits.wait()
    await asyncio.sleep(0)
    return tasks


@pytest.mark.asyncio
async def test_a_second_consumer_that_waits_keeps_the_run_alive() -> None:
    body = Waiting()
    session = body.session()
    first, second = await two_readers(session, body)
    first.cancel()
    await asyncio.wait({first})
    body.gate.set()
    assert [frame.data["n"] for frame in await second] == [1, 2]
    assert session.result == "done"


@pytest.mark.asyncio
async def test_a_second_consumer_that_is_busy_keeps_the_run_alive() -> None:
    body = Waiting()
    session = body.session()
    busy, may_go_on = asyncio.Event(), asyncio.Event()
    seen: list[int] = []

    async def consume() -> None:
        async for frame in session:
            seen.append(frame.data["n"])
            busy.set()
            await may_go_on.wait()

    second = asyncio.create_task(consume())
    await busy.wait()
    first = asyncio.create_task(collected(aiter(session)))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    body.gate.set()
    may_go_on.set()
    await second
    assert (seen, session.is_exhausted) == ([1, 2], True)


@pytest.mark.asyncio
async def test_of_tasks_that_share_a_view_the_others_read_on_when_one_is_cancelled() -> None:
    body = Waiting()
    session = body.session()
    view = session.events
    workers = [asyncio.create_task(collected(view)) for _ in range(3)]
    await body.waits.wait()
    await asyncio.sleep(0)
    # The one that has had the frame and asked last, and one that has waited all along.
    for worker in (workers.pop(0), workers.pop(0)):
        worker.cancel()
        await asyncio.wait({worker})
    body.gate.set()
    await asyncio.wait(workers, timeout=TIMEOUT_S)
    assert (session.is_exhausted, [frame.data["n"] for frame in workers[0].result()][-1:]) == (True, [2])


@pytest.mark.asyncio
async def test_a_task_that_shares_a_view_reads_on_though_those_that_wait_are_cancelled_while_it_is_busy() -> None:
    body = Waiting()
    session, may_go_on = body.session(), asyncio.Event()
    view = session.events
    seen: dict[int, asyncio.Task[None]] = {}

    async def work() -> None:
        async for frame in view:
            seen[frame.data["n"]] = cast("asyncio.Task[None]", asyncio.current_task())
            await may_go_on.wait()

    workers = {asyncio.create_task(work()) for _ in range(3)}
    await body.waits.wait()
    await asyncio.sleep(0)
    for worker in workers - {seen[1]}:
        worker.cancel()
        await asyncio.wait({worker})
    body.gate.set()
    may_go_on.set()
    await asyncio.wait_for(seen[1], TIMEOUT_S)
    assert (session.is_exhausted, seen.get(2)) == (True, seen[1])


@pytest.mark.asyncio
async def test_a_consumer_that_was_handed_a_view_ends_the_run_when_it_is_cancelled() -> None:
    body = Waiting()
    session = body.session()
    view = aiter(session)
    await anext(view)
    consumer = asyncio.create_task(collected(view))
    await body.waits.wait()
    await asyncio.sleep(0)
    consumer.cancel()
    await asyncio.wait({consumer})
    await settled()
    assert (body.ended, session.is_cancelled) == (["CancelledError"], True)


@pytest.mark.asyncio
async def test_a_consumer_cancelled_in_the_moment_of_a_frame_does_not_end_the_others() -> None:
    body = Waiting()
    session = body.session()
    first, second = await two_readers(session, body)
    # Both are woken by the next frame; the first one is cancelled before it can run.
    body.gate.set()
    asyncio.get_running_loop().call_soon(first.cancel)
    await asyncio.wait({first, second}, timeout=TIMEOUT_S)
    assert [frame.data["n"] for frame in second.result()] == [1, 2]


@pytest.mark.asyncio
async def test_the_last_consumer_to_be_cancelled_ends_the_run() -> None:
    body = Waiting()
    session = body.session()
    unread = session.custom
    for task in await two_readers(session, body):
        task.cancel()
        await asyncio.wait({task})
    await settled()
    assert (body.ended, session.is_cancelled) == (["CancelledError"], True)
    assert [frame.data["n"] for frame in await collected(unread)] == [1]


@pytest.mark.asyncio
async def test_a_consumer_cancelled_while_it_is_busy_ends_the_run() -> None:
    body = Waiting()
    session = body.session()

    async def consume() -> None:
        async for _ in session:
            await asyncio.Event().wait()

    task = asyncio.create_task(consume())
    await body.waits.wait()
    task.cancel()
    await settled()
    assert (body.ended, session.is_cancelled) == (["CancelledError"], True)


@pytest.mark.asyncio
async def test_a_task_that_is_cancelled_after_it_has_left_ends_nothing() -> None:
    body, other = Waiting(), Waiting()
    session, left = body.session(), asyncio.Event()
    other.gate.set()

    async def consume() -> None:
        assert len(await collected(aiter(other.session()))) == 2
        async for _ in session:
            break
        left.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(consume())
    callbacks: Any = task
    await left.wait()
    assert not callbacks._callbacks
    task.cancel()
    await asyncio.wait({task})
    body.gate.set()
    assert [frame.data["n"] async for frame in session] == [1, 2]
    assert session.result == "done"


@pytest.mark.asyncio
async def test_a_view_that_was_dropped_leaves_nothing_of_its_readers_to_the_garbage_collector() -> None:
    view = aiter(Waiting().session())
    await anext(view)
    readers = view._readers
    del view
    # Each of them refers to the list that it is in.
    assert readers == []


async def drop_the_session(body: Waiting) -> None:
    await anext(aiter(body.session()))


async def drop_a_half_read_view(body: Waiting) -> None:
    view = aiter(body.session())
    await anext(view)
    await body.waits.wait()
    del view


async def drop_by_an_error_of_the_consumer(body: Waiting) -> None:
    with pytest.raises(LookupError, match="mine"):
        async for _ in body.session():
            raise LookupError("mine")


async def drop_with_the_task(body: Waiting) -> None:
    async def consume() -> None:
        async for _ in body.session():
            await asyncio.Event().wait()

    task = asyncio.create_task(consume())
    await body.waits.wait()
    task.cancel()
    await asyncio.wait({task})


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "drop",
    [drop_the_session, drop_a_half_read_view, drop_by_an_error_of_the_consumer, drop_with_the_task],
    ids=lambda drop: drop.__name__,
)
async def test_a_run_that_nobody_can_read_any_more_is_cancelled(drop: Callable[[Waiting], Awaitable[None]]) -> None:
    body = Waiting()
    await drop(body)
    gc.collect()
    await settled()
    assert body.ended == ["CancelledError"] or not body.waits.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_a_session_made_outside_a_loop_is_read_in_one() -> None:
    async def body() -> str:
        await aemit(None, Note(n=1))
        return "done"

    session = AsyncStreamSession(body)
    view = session.custom
    assert [frame.data["n"] for frame in asyncio.run(collected(view))] == [1]
    assert session.result == "done"


def test_an_ended_session_is_replayed_in_another_loop_and_its_result_read_in_none() -> None:
    async def body() -> str:
        emit(None, Note(n=1))
        return "done"

    session = AsyncStreamSession(body)
    first = asyncio.run(collected(aiter(session)))
    assert asyncio.run(collected(aiter(session))) == first
    assert session.result == "done"


def test_asking_for_a_frame_outside_of_any_loop_starts_nothing() -> None:
    async def body() -> str:
        return "done"

    session = AsyncStreamSession(body)
    reading = anext(aiter(session))
    with pytest.raises(RuntimeError, match="no running event loop"):
        reading.__await__().send(None)
    assert asyncio.run(collected(aiter(session))) == []
    assert session.result == "done"


def test_closing_after_the_loop_has_ended_is_no_error() -> None:
    sessions: list[AsyncStreamSession[str]] = []

    async def leave() -> None:
        sessions.append(Waiting().session())
        await anext(aiter(sessions[0]))

    asyncio.run(leave())
    sessions[0].close()
    sessions[0].close()


def test_a_run_whose_loop_was_closed_is_waited_for_in_no_other() -> None:
    session = Waiting().session()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(anext(aiter(session)))
    loop.close()
    with pytest.raises(UsageError, match="loop was closed before the run had ended"):
        asyncio.run(asyncio.wait_for(collected(aiter(session)), TIMEOUT_S))
    session.close()
    assert len(asyncio.run(collected(aiter(session)))) == 1
    # Closed under its task: asyncio would warn of it.
    task: Any = session._task
    task._log_destroy_pending = False


def test_a_run_that_ends_while_somebody_asks_for_its_loop_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    body = Waiting()
    session, loop = body.session(), asyncio.new_event_loop()
    loop.run_until_complete(anext(aiter(session)))
    task: Any = session._task

    def end() -> bool:
        monkeypatch.undo()
        body.gate.set()
        loop.run_until_complete(task)
        loop.close()
        return True

    monkeypatch.setattr(loop, "is_closed", end)
    session._check_loop()
    assert len(asyncio.run(collected(aiter(session)))) == 2


def test_a_reader_whose_loop_was_closed_hinders_nobody() -> None:
    async def body() -> None:
        emit(None, Note(n=1))
        await asyncio.Event().wait()

    session = AsyncStreamSession(body)
    loop = asyncio.new_event_loop()
    view = aiter(session)
    loop.run_until_complete(anext(view))
    waiting = loop.create_task(anext(view))
    loop.run_until_complete(asyncio.sleep(0))
    loop.stop()
    loop.close()
    closer = threading.Thread(target=session.close)
    closer.start()
    closer.join(TIMEOUT_S)
    assert session.is_cancelled
    # Closed under its tasks: asyncio would warn of them.
    tasks: tuple[Any, ...] = (waiting, session._task)
    for task in tasks:
        task._log_destroy_pending = False


async def whole(body: Waiting) -> AsyncStreamSession[str]:
    body.gate.set()
    session = body.session()
    await collected(aiter(session))
    return session


async def failed(body: Waiting) -> AsyncStreamSession[str]:
    async def fail() -> str:
        raise ValueError(body)

    session = AsyncStreamSession(fail, source=body)
    with pytest.raises(ValueError, match="Waiting"):
        await collected(aiter(session))
    return session


async def closed(body: Waiting) -> AsyncStreamSession[str]:
    session = body.session()
    await anext(aiter(session))
    await session.aclose()
    return session


async def unused(body: Waiting) -> AsyncStreamSession[str]:
    return body.session()


@pytest.mark.parametrize("make", [whole, failed, closed, unused], ids=lambda make: make.__name__)
def test_nothing_is_left_of(make: Callable[[Waiting], Awaitable[AsyncStreamSession[str]]]) -> None:
    threads = threading.enumerate()

    async def run() -> AsyncIterator[weakref.ref[Any]]:
        body = Waiting()
        for left in what_is_of(await make(body), body):
            yield left

    async def refs() -> list[weakref.ref[Any]]:
        found = [ref async for ref in run()]
        await settled()
        gc.collect()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return found

    found = asyncio.run(refs())
    assert [ref() for ref in found] == [None] * len(found)
    assert (threading.enumerate(), attribution._by_source) == (threads, {})


ENDINGS = {
    "left open": "",
    "closed": "await session.aclose()",
    "ended by an exit": "raise SystemExit(0)",
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_the_interpreter_exits_while_a_run_is_blocked_in_a_thread(ending: str) -> None:
    program = f"""
import asyncio, atexit, threading
from harness.bus import emit
from harness.events import BaseEvent
from harness.session import AsyncStreamSession
from harness.workers import in_thread
class Note(BaseEvent):
    type: str = "note"
async def body():
    emit(None, Note())
    await in_thread(threading.Event().wait)
async def main():
    session = AsyncStreamSession(body)
    async for frame in session:
        break
    {ending or "pass"}
atexit.register(print, "left")
asyncio.run(main())
"""
    assert run_program(program) == (0, "left\n", "")
