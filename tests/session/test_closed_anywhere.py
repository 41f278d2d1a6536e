"""Closing a session in the middle of anything: a signal handler runs between two steps of whatever the thread was doing."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from harness.errors import RunCancelled
from harness.llm import BaseLLM, Finish, LLMRequest, Part, TextDelta
from harness.session.session import AsyncStreamSession, StreamSession
from tests.session.bodies import TIMEOUT_S, AnySession, notes

#: Where a handler may come in between.
_MODULES = ("/harness/frames/timeline.py", "/harness/session/", "/harness/llm/pump.py", "/threading.py")


def read(session: StreamSession[Any]) -> None:
    for _ in session:
        pass


def aread(session: AsyncStreamSession[Any]) -> None:
    async def main() -> None:
        async for _ in session:
            pass

    asyncio.run(main())


def sync_session() -> StreamSession[Any]:
    return StreamSession(notes(2), look_ahead=1)


def async_session() -> AsyncStreamSession[Any]:
    async def body() -> str:
        return notes(2)()

    return AsyncStreamSession(body, look_ahead=1)


class Blocking(BaseLLM):
    """Knows no loop, so that its parts come from a thread."""

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        yield TextDelta("a")
        yield Finish("stop")


def unretained_session() -> AsyncStreamSession[Any]:
    async def body() -> str:
        return notes(2)()

    return AsyncStreamSession(body, retain=False)


def session_of_a_blocking_model() -> AsyncStreamSession[Any]:
    return Blocking("blocking-1").astream("?")


@contextmanager
def interrupted(session: AnySession, place: int) -> Iterator[list[str]]:
    """Close `session` before the step of this number that this thread makes; the list tells of where that was."""
    steps = 0
    where: list[str] = []

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal steps
        if not any(module in frame.f_code.co_filename for module in _MODULES):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            steps += 1
            if steps == place:
                sys.settrace(None)
                where.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
                session.close()
                where.append(str(max((frame.seq for frame in session.frames), default=0)))
        return trace

    # Python 3.12 tells of opcodes only where a frame asked for them before the tracing began.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(trace)
    try:
        yield where
    finally:
        sys.settrace(None)


@contextmanager
def patience() -> Iterator[None]:
    """Have what waits for ever fail."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise AssertionError("it waits for what will not come")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, TIMEOUT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers that signal")
@pytest.mark.parametrize(
    ("make", "read_all", "stride"),
    [
        (sync_session, read, 5),
        (async_session, aread, 5),
        (unretained_session, aread, 5),
        (session_of_a_blocking_model, aread, 19),
    ],
    ids=["sync", "async", "not retained", "of a blocking model"],
)
def test_a_session_is_closed_between_any_two_steps_of_its_reader(
    make: Callable[[], AnySession], read_all: Callable[[Any], None], stride: int
) -> None:
    """Of so many places as the stride, one is tried."""
    place = tried = 0
    while True:
        place += stride
        session = make()
        with patience(), interrupted(session, place) as where:
            try:
                read_all(session)
            except RunCancelled:
                pass
            except BaseException as error:
                error.add_note(f"closed at {where}")
                raise
        if not where:
            break
        tried += 1
        assert session.is_cancelled or session.is_exhausted, where
        assert session._timeline._wakers == [], where
        session.close()
        assert all(frame.seq <= int(where[1]) for frame in session.frames), where[0]
    assert tried > 50


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers that signal")
def test_a_signal_handler_that_closes_wakes_the_loop() -> None:
    woken: list[str] = []

    async def main() -> None:
        asyncio.get_running_loop().call_later(TIMEOUT_S, woken.append, "by its timer alone")
        session = AsyncStreamSession(asyncio.Event().wait)
        before = signal.signal(signal.SIGALRM, lambda *_: session.close())
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        try:
            assert [frame async for frame in session] == []
        finally:
            signal.signal(signal.SIGALRM, before)

    asyncio.run(main())
    assert woken == []
