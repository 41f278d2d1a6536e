"""Claims about closing a sync session: prompt, from anywhere, at any time, and nothing is left."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.bus import attribution, emit, scope as scopes
from harness.errors import RunCancelled
from harness.session.session import StreamSession
from tests.programs import run_program
from tests.session.bodies import TIMEOUT_S, Note, join_harness_threads, notes, what_is_of


@dataclass
class Blocking:
    """A body that blocks after its first frame until released, and notes how it ended."""

    gate: threading.Event
    blocked: threading.Event = field(default_factory=threading.Event)
    ended: list[str] = field(default_factory=list)

    def __call__(self) -> None:
        emit(self, Note(n=1))
        self.blocked.set()
        self.gate.wait(TIMEOUT_S)
        try:
            emit(self, Note(n=2))
            self.ended.append("went on")
        except RunCancelled:
            self.ended.append("stopped")
            raise

    def began(self) -> StreamSession[None]:
        """Return a session of which one frame has been read, and whose run is blocked."""
        session = StreamSession(self, source=self)
        next(iter(session))
        assert self.blocked.wait(TIMEOUT_S)
        return session


@pytest.fixture
def body(gate: threading.Event) -> Blocking:
    return Blocking(gate)


def by_close(session: StreamSession[None]) -> None:
    session.close()


def by_close_twice(session: StreamSession[None]) -> None:
    session.close()
    session.close()


def by_another_thread(session: StreamSession[None]) -> None:
    thread = threading.Thread(target=session.close)
    thread.start()
    thread.join(TIMEOUT_S)


def by_the_block(session: StreamSession[None]) -> None:
    with session:
        next(iter(session))


def by_an_error_of_the_consumer(session: StreamSession[None]) -> None:
    with pytest.raises(LookupError, match="mine"), session:
        for _ in session:
            raise LookupError("mine")


CLOSERS: tuple[Callable[[StreamSession[None]], None], ...] = (
    by_close,
    by_close_twice,
    by_another_thread,
    by_the_block,
    by_an_error_of_the_consumer,
)


@pytest.mark.parametrize("close", CLOSERS, ids=lambda close: close.__name__)
def test_closing_returns_while_the_run_is_blocked_which_then_stops(
    close: Callable[[StreamSession[None]], None], body: Blocking
) -> None:
    session = body.began()
    view = session.events
    close(session)
    assert (body.gate.is_set(), session.is_cancelled) == (False, True)
    body.gate.set()
    join_harness_threads()
    assert body.ended == ["stopped"]
    assert [[frame.data["n"] for frame in frames] for frames in (view, session.frames, session)] == [[1]] * 3


def drop_the_session(body: Blocking) -> None:
    session = body.began()
    del session


def drop_a_half_read_view(body: Blocking) -> None:
    view = iter(StreamSession(body, source=body))
    next(view)
    assert body.blocked.wait(TIMEOUT_S)
    del view


def drop_in_a_cycle(body: Blocking) -> None:
    cycle: list[Any] = [body.began()]
    cycle.append(cycle)
    del cycle
    gc.collect()


def drop_by_an_error_of_the_consumer(body: Blocking) -> None:
    with pytest.raises(LookupError, match="mine"):
        for _ in StreamSession(body, source=body):
            raise LookupError("mine")
    assert body.blocked.wait(TIMEOUT_S)


@pytest.mark.parametrize(
    "drop",
    [drop_the_session, drop_a_half_read_view, drop_in_a_cycle, drop_by_an_error_of_the_consumer],
    ids=lambda drop: drop.__name__,
)
def test_a_run_that_nobody_can_read_any_more_stops(drop: Callable[[Blocking], None], body: Blocking) -> None:
    drop(body)
    gc.collect()
    assert not body.gate.is_set()
    body.gate.set()
    join_harness_threads()
    assert body.ended == ["stopped"]


def test_a_view_keeps_its_session_open(body: Blocking) -> None:
    view = iter(StreamSession(body, source=body))
    next(view)
    gc.collect()
    body.gate.set()
    assert [frame.data["n"] for frame in view] == [2]


def test_dropping_a_half_read_view_leaves_a_session_that_is_held_as_it_is(body: Blocking) -> None:
    session = body.began()
    gc.collect()
    body.gate.set()
    assert [frame.data["n"] for frame in session] == [1, 2]


def test_closing_an_outer_session_stops_the_inner_one(gate: threading.Event) -> None:
    inner = Blocking(gate)
    inner_session = StreamSession(inner)
    session = StreamSession(lambda: list(inner_session))
    next(iter(session))
    assert inner.blocked.wait(TIMEOUT_S)
    session.close()
    gate.set()
    join_harness_threads()
    assert (inner.ended, inner_session.is_cancelled) == (["stopped"], True)


def test_closing_an_inner_session_leaves_the_outer_one_alone(gate: threading.Event) -> None:
    inner = Blocking(gate)

    def outer() -> str:
        inner.began().close()
        emit(None, Note(n=7))
        return "went on"

    session = StreamSession(outer)
    assert [frame.data["n"] for frame in session] == [1, 7]
    assert session.result == "went on"


def test_a_run_keeps_nothing_of_the_sessions_in_it_that_were_closed() -> None:
    def outer() -> int:
        run = scopes.current_run()
        assert run is not None
        before = len(run._callbacks)
        for _ in range(3):
            with StreamSession(notes(1)) as session:
                next(iter(session))
        return len(run._callbacks) - before

    session = StreamSession(outer)
    assert len(list(session)) == 3
    assert session.result == 0


def test_a_session_that_is_closed_while_it_starts_does_not_go_on() -> None:
    ran = threading.Event()
    session = StreamSession(ran.set)
    context = session._production.context

    def close_meanwhile() -> Any:
        session.close()
        return context()

    session._production.context = close_meanwhile  # type: ignore[method-assign]
    assert list(session) == []
    join_harness_threads()
    assert (session.is_cancelled, ran.is_set()) == (True, False)


def a_whole_run(body: Blocking) -> StreamSession[None]:
    body.gate.set()
    session = StreamSession(body, source=body)
    list(session)
    return session


def a_failed_run(body: Blocking) -> StreamSession[None]:
    def fail() -> None:
        raise ValueError(body)

    session = StreamSession(fail, source=body)
    with pytest.raises(ValueError, match="Blocking"):
        list(session)
    return session


def a_closed_run(body: Blocking) -> StreamSession[None]:
    session = body.began()
    session.close()
    body.gate.set()
    return session


def an_unused_one(body: Blocking) -> StreamSession[None]:
    return StreamSession(body, source=body)


@pytest.mark.parametrize(
    "make", [a_whole_run, a_failed_run, a_closed_run, an_unused_one], ids=lambda make: make.__name__
)
def test_nothing_is_left_of(make: Callable[[Blocking], StreamSession[None]]) -> None:
    threads = threading.enumerate()
    gate = threading.Event()

    def run() -> Iterator[weakref.ref[Any]]:
        body = Blocking(gate)
        yield from what_is_of(make(body), body)

    refs = list(run())
    join_harness_threads()
    gc.collect()
    assert [ref() for ref in refs] == [None] * len(refs)
    assert (threading.enumerate(), attribution._by_source) == (threads, {})


def test_a_closed_session_that_is_still_held_keeps_neither_its_source_nor_its_body(gate: threading.Event) -> None:
    body = Blocking(gate)
    session = body.began()
    session.close()
    gate.set()
    join_harness_threads()
    ref = weakref.ref(body)
    del body
    gc.collect()
    # The session's own constructor arguments are what it was given; the run's are gone.
    session._source = None
    gc.collect()
    assert ref() is None


ENDINGS = {
    "closed": "session.close()",
    "not closed": "",
    "in a block that is left by an exit": "sys.exit(0)",
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_the_interpreter_exits_while_a_run_is_blocked(ending: str) -> None:
    program = f"""
import atexit, sys, threading
from harness.bus import emit
from harness.events import BaseEvent
from harness.session import StreamSession
class Note(BaseEvent):
    type: str = "note"
blocked = threading.Event()
def body():
    emit(None, Note())
    blocked.set()
    threading.Event().wait()
atexit.register(print, "left")
with StreamSession(body) as session:
    next(iter(session))
    blocked.wait()
    {ending or "pass"}
"""
    if not ending:
        program = program.replace("with StreamSession(body) as session:", "session = StreamSession(body)\nif True:")
    assert run_program(program) == (0, "left\n", "")


@pytest.mark.parametrize("options", [{}, {"retain": False}], ids=["frames kept", "frames forgotten"])
def test_the_interpreter_exits_with_an_error_though_a_thread_has_stopped_while_it_appended(
    options: dict[str, bool],
) -> None:
    # The traceback holds the view until Python has stopped all threads, wherever they were.
    program = f"""
import threading
from harness.session import StreamSession
def body():
    raise LookupError("lost")
session = StreamSession(body, **{options})
try:
    list(session)
except LookupError:
    stopped = threading.Thread(target=session._timeline._lock.acquire)
    stopped.start()
    stopped.join()
    raise
"""
    code, _, told = run_program(program)
    assert (code, told.splitlines()[-1]) == (1, "LookupError: lost")
