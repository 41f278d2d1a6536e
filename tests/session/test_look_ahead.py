"""Claims about the look-ahead limit: who waits, for how long, and what wakes them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import copy_context
from typing import Any

import pytest

from harness.bus import aemit, emit, event_bus
from harness.bus.bus import close_scope, open_scope
from harness.bus.scope import ROOT, Run, Scope
from harness.errors import RunCancelled, UsageError
from harness.events import BaseEvent, MethodExecutionFinishedEvent, MethodExecutionStartedEvent
from harness.frames.timeline import Timeline
from harness.session.look_ahead import FrameLimit
from harness.session.session import AsyncStreamSession, StreamSession
from harness.workers import run_coroutine
from tests.session.bodies import TIMEOUT_S, Note, collected, emitting, join_harness_threads, notes
from tests.session.waiting import WatchedLimit, watched_limits


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[WatchedLimit]]:
    """The limits of the sessions of a test, each with a way to wait for somebody to wait."""
    yield watched_limits(monkeypatch)
    join_harness_threads()


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused_at_the_call(limit: int) -> None:
    with pytest.raises(UsageError, match=f"at least 1, not {limit}"):
        StreamSession(lambda: None, look_ahead=limit)


@pytest.mark.parametrize("limit", [1, 2, 7])
@pytest.mark.parametrize("emitters", [1, 4])
def test_threads_never_exceed_the_limit(limit: int, emitters: int, limits: list[WatchedLimit]) -> None:
    ahead: list[int] = []

    session = StreamSession(emitting(emitters, 20), look_ahead=limit)
    seqs = []
    for frame in session:
        # The frame that was just read has left its room to another one.
        ahead.append(len(session.frames) - frame.seq)
        seqs.append(frame.seq)
    assert seqs == list(range(1, 20 * emitters + 1))
    assert max(ahead) <= limit


async def _anoted() -> None:
    for n in range(5):
        await aemit(None, Note(n=n))


@pytest.mark.parametrize(
    "blocking",
    [lambda: list(StreamSession(notes(5))), lambda: run_coroutine(_anoted)],
    ids=["the frames of a sync session", "a run that does not stream"],
)
def test_what_a_readers_own_loop_waits_for_blocked_goes_beyond_the_limit(blocking: Callable[[], object]) -> None:
    seqs: list[int] = []

    async def body() -> None:
        blocking()

    async def read() -> None:
        seqs.extend(frame.seq for frame in await collected(aiter(AsyncStreamSession(body, look_ahead=1))))

    # In a thread, since no timeout of a loop that is blocked ever comes.
    reader = threading.Thread(target=asyncio.run, args=(read(),), daemon=True)
    reader.start()
    reader.join(TIMEOUT_S)
    assert seqs == [1, 2, 3, 4, 5]


def test_an_emitter_waits_until_the_furthest_reader_goes_on(limits: list[WatchedLimit]) -> None:
    session = StreamSession(notes(3), look_ahead=1)
    reader = iter(session)
    next(reader)
    limits[0].wait_until_full(frames=2)
    assert len(session.frames) == 2
    behind = session.events
    next(behind)
    assert len(session.frames) == 2
    assert [frame.seq for frame in reader] == [2, 3]


def test_a_plain_emit_in_a_loop_never_waits_and_an_awaiting_one_does() -> None:
    seen: list[int] = []

    async def body() -> None:
        notes(5)()
        await _anoted()

    async def read() -> list[int]:
        session = AsyncStreamSession(body, look_ahead=2)
        seqs = []
        async for frame in session:
            seen.append(len(session.frames) - frame.seq)
            seqs.append(frame.seq)
            # Gives the run its turn as often as it wants one.
            for _ in range(3):
                await asyncio.sleep(0)
        return seqs

    assert asyncio.run(read()) == list(range(1, 11))
    # Of two frames that may be unread, one has just been read.
    assert (max(seen[:3]), max(seen[4:])) == (4, 1)


def test_an_event_whose_scope_ends_while_it_waits_belongs_to_the_one_around(monkeypatch: pytest.MonkeyPatch) -> None:
    ending: list[Scope] = []

    class Closing(FrameLimit):
        def take(self) -> None:
            super().take()
            while ending:
                close_scope(ending.pop(), "flow", MethodExecutionFinishedEvent(flow_name="F", method_name="m"))

    def body() -> None:
        ending.append(open_scope("flow", MethodExecutionStartedEvent(flow_name="F", method_name="m")))
        for n in range(2):
            emit(None, Note(n=n))

    told: list[BaseEvent] = []
    monkeypatch.setattr("harness.session.production.FrameLimit", Closing)
    with event_bus.scoped_handlers():
        event_bus.register_handler(Note, lambda _source, event: told.append(event))
        _, ended, first, second = list(StreamSession(body, look_ahead=9))
    assert [event.parent_event_id for event in told] == [None, None]
    assert (ended.type, first.parent_id, first.data["n"]) == ("method_execution_finished", None, 0)
    assert second.previous_id == first.id


@pytest.mark.parametrize("how", ["close", "drop"])
def test_closing_wakes_emitters_that_wait(how: str, limits: list[WatchedLimit]) -> None:
    stopped = threading.Event()

    def body() -> None:
        try:
            notes(5)()
        except RunCancelled:
            stopped.set()
            raise

    session: Any = StreamSession(body, look_ahead=1)
    next(iter(session))
    limits[0].wait_until_full()
    if how == "close":
        session.close()
    else:
        del session
    assert stopped.wait(TIMEOUT_S)


def test_closing_wakes_an_awaiting_emitter() -> None:
    async def check() -> tuple[bool, bool]:
        stopped = asyncio.Event()

        async def body() -> None:
            try:
                while True:
                    await aemit(None, Note())
            finally:
                stopped.set()

        session = AsyncStreamSession(body, look_ahead=1)
        await anext(aiter(session))
        await session.aclose()
        await asyncio.wait_for(stopped.wait(), TIMEOUT_S)
        return session.is_cancelled, len(session.frames) <= 2

    assert asyncio.run(check()) == (True, True)


def test_a_thread_left_behind_by_its_run_is_woken_when_the_session_is_closed(limits: list[WatchedLimit]) -> None:
    left: list[threading.Thread] = []

    def body() -> None:
        emit(None, Note())
        left.append(threading.Thread(target=copy_context().run, args=(emit_two,), daemon=True))
        left[0].start()
        limits[0].wait_until_full()

    def emit_two() -> None:
        with suppress(RunCancelled):
            notes(2)()

    session = StreamSession(body, look_ahead=1)
    next(iter(session))
    join_harness_threads()
    session.close()
    left[0].join(TIMEOUT_S)
    assert not left[0].is_alive()


@pytest.mark.parametrize("how", ["the run ends", "what took it became no frame"])
@pytest.mark.usefixtures("limits")
def test_a_thread_that_waits_goes_on_when_there_is_room_because(how: str) -> None:
    timeline = Timeline(threading.RLock())
    timeline.start()
    limit = WatchedLimit(1, timeline, Run())
    limit.take()
    waiter = threading.Thread(target=limit.take)
    waiter.start()
    limit.wait_until_full(frames=0)
    if how == "the run ends":
        timeline.returned(None)
    else:
        limit.settle()
    waiter.join(TIMEOUT_S)
    assert not waiter.is_alive()


def test_a_waiter_whose_loop_has_been_closed_is_passed_over() -> None:
    timeline = Timeline(threading.RLock())
    timeline.start()
    limit = FrameLimit(1, timeline, Run())
    base = Scope("session", None, ROOT, Run(), (timeline,))
    timeline.accept(None, Note(), base)

    async def give_up() -> None:
        task = asyncio.ensure_future(limit.room())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(give_up())
    frame = timeline.cursor().next_nowait()
    assert frame is not None
    asyncio.run(limit.room())


def test_a_session_inside_another_keeps_the_limits_of_both(limits: list[WatchedLimit]) -> None:
    def outer() -> list[int]:
        return [frame.seq for frame in StreamSession(notes(4), look_ahead=3)]

    session = StreamSession(outer, look_ahead=1)
    reader = iter(session)
    next(reader)
    limits[0].wait_until_full(frames=2)
    assert len(session.frames) == 2
    assert [frame.seq for frame in reader] == [2, 3, 4]
    assert session.result == [1, 2, 3, 4]


def test_closing_an_inner_session_gives_back_the_room_it_took_in_the_outer_one(limits: list[WatchedLimit]) -> None:
    stopped = threading.Semaphore(0)

    def inner() -> None:
        try:
            while True:
                emit(None, Note())
        finally:
            stopped.release()

    def outer() -> None:
        for _ in range(5):
            with StreamSession(inner, look_ahead=1) as session:
                next(iter(session))
                limits[-1].wait_until_full(frames=2)
            assert stopped.acquire(timeout=TIMEOUT_S)

    session = StreamSession(outer, look_ahead=30)
    # The frame that was read, and the one that fills the limit; none of a run that has been closed.
    assert len(list(session)) == 5 * 2
    assert (session.is_exhausted, limits[0]._holders) == (True, [])


def test_who_waits_in_an_inner_session_that_is_left_half_read_takes_no_room_in_the_outer_one(
    limits: list[WatchedLimit],
) -> None:
    def outer() -> list[int]:
        with StreamSession(notes(3), look_ahead=1) as session:
            next(iter(session))
            limits[1].wait_until_full(frames=2)
            return list(limits[0]._holders)

    session = StreamSession(outer, look_ahead=1)
    assert len(list(session)) == 2
    assert session.result == []


class ReadMeanwhile(Timeline):
    """A timeline with one frame, which is read just when somebody looks how many have not been."""

    def __init__(self) -> None:
        super().__init__(threading.RLock())
        self.start()
        self._left = 1

    @property
    def unread(self) -> int:
        found, self._left = self._left, 0
        if found and self.on_room is not None:
            self.on_room()
        return found


def test_an_emitter_whose_room_is_made_before_it_waits_goes_on() -> None:
    limit = FrameLimit(1, ReadMeanwhile(), Run())
    emitter = threading.Thread(target=limit.take, daemon=True)
    emitter.start()
    emitter.join(TIMEOUT_S)
    assert not emitter.is_alive()


def test_a_task_whose_room_is_made_before_it_waits_goes_on() -> None:
    limit = FrameLimit(1, ReadMeanwhile(), Run())
    asyncio.run(asyncio.wait_for(limit.room(), TIMEOUT_S))


def test_a_task_of_a_cancelled_run_is_given_no_room() -> None:
    run = Run()
    limit = FrameLimit(1, ReadMeanwhile(), run)
    run.cancel()
    with pytest.raises(RunCancelled):
        asyncio.run(limit.room())
