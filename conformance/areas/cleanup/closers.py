"""The ways to close a session: what its consumer does once the run is blocked at the point `held`."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final

from conformance.stage.census import ENDING_S, tasks_left
from conformance.stage.consumer import await_async_runs, await_sync_runs
from conformance.stage.patience import ends, unended
from conformance.stage.points import DEADLINE_S, StageError
from conformance.stage.reader import SessionKind, attempt, close_session, iterator_of
from conformance.subjects.subject import Performance

#: By kind, what closes a session.
CLOSERS: Final[dict[SessionKind, tuple[str, ...]]] = {
    "sync": ("close", "with", "collected", "consumer-error", "other-thread"),
    "async": ("close", "aclose", "with", "collected", "consumer-error", "other-thread", "cancelled-consumer"),
}
#: How a session of either kind is closed where one way must do.
PLAINEST: Final[dict[SessionKind, str]] = {"sync": "close", "async": "aclose"}
_SUITE: Final = Path(__file__).parents[2]
#: How often a thread is looked at, in seconds, and how often it must be found in one place to count as waiting there.
_LOOK_S: Final = 0.001
_STILL: Final = 20


@dataclass
class Closing:
    """What the consumer waits for, and what it has seen when it has come back from closing."""

    #: How often the run comes to `held` before it is closed.
    times: int = 1
    is_blocked: bool = True
    session: Any = None
    frames_then: int | None = None
    raised: BaseException | None = None
    left_behind: tuple[str, ...] = ()
    #: Whether the consumer's task ended as if it had not been cancelled.
    outlived_cancel: bool = False
    #: What kept the consumer from closing at all; it is raised by whoever watches.
    failed: list[BaseException] = field(default_factory=list)


class _ConsumerError(Exception):
    """Raised by a consumer in the middle of its loop."""


def close_blocked(
    kind: SessionKind, how: str, make: Callable[[], Any], performance: Performance, closing: Closing
) -> None:
    """Open a session, read it until its run is blocked, close it, and tell `closing` what came of it."""
    if kind == "sync":
        _consume(how, make, performance, closing)
    else:
        asyncio.run(_aconsume(how, make, performance, closing))


def _begin(session: Any, performance: Performance, closing: Closing) -> Any:
    iterator = iterator_of("sync", session)
    _check_frame(next(iterator, None))
    await_sync_runs(performance.stage, [session], "held", closing.times)
    return iterator


def _check_frame(first: object) -> None:
    if first is None:
        raise StageError("a session that is to be closed in the middle ended before its first frame")


def _consume(how: str, make: Callable[[], Any], performance: Performance, closing: Closing) -> None:
    if how == "collected":
        session = make()
        iterator = iterator_of("sync", session)
        _check_frame(next(iterator, None))
        closing.is_blocked = performance.stage.comes_to("held", ENDING_S, closing.times)
        del session, iterator
        gc.collect()
        # Where nobody else does the work, a run that nobody reads is blocked in nothing.
        performance.stage.reach("held")
        return
    session = closing.session = make()
    iterator = _begin(session, performance, closing)
    if how == "close":
        closing.raised = attempt(partial(close_session, session))
    elif how in ("with", "consumer-error"):
        closing.raised = attempt(partial(_leave_block, how, session))
    else:
        closer = _closer(session, closing, reader=threading.current_thread())
        attempt(lambda: list(iterator))
        ends(closer, ENDING_S)
    closing.frames_then = len(session.frames)


async def _aconsume(how: str, make: Callable[[], Any], performance: Performance, closing: Closing) -> None:
    if how == "collected":
        await _drop(make, performance, closing)
        gc.collect()
        performance.stage.reach("held")  # as in `_consume`
    else:
        session = closing.session = make()
        await _aclose(how, session, performance, closing)
        closing.frames_then = len(session.frames)
    # For less time than the loop's end is waited for: a task that stays must not look like a loop that hangs.
    own = [task for task in [asyncio.current_task()] if task is not None]
    closing.left_behind = await tasks_left(own, ENDING_S / 4)


async def _drop(make: Callable[[], Any], performance: Performance, closing: Closing) -> None:
    session = make()
    iterator = iterator_of("async", session)
    _check_frame(await anext(iterator, None))
    closing.is_blocked = await asyncio.to_thread(performance.stage.comes_to, "held", ENDING_S, closing.times)


async def _aclose(how: str, session: Any, performance: Performance, closing: Closing) -> None:
    async def read() -> None:
        async for _ in session:
            pass

    if how == "cancelled-consumer":
        reader = asyncio.create_task(read(), name="reader")
        await performance.stage.aawait_reached("held", closing.times)
        reader.cancel()
        await unended({reader}, ENDING_S)
        closing.outlived_cancel = reader.done() and not reader.cancelled()
        return
    iterator = iterator_of("async", session)
    _check_frame(await anext(iterator, None))
    await await_async_runs(performance.stage, [session], "held", closing.times)
    if how == "close":
        closing.raised = attempt(partial(close_session, session))
    elif how == "other-thread":
        reader = asyncio.create_task(read(), name="reader")
        closer = await asyncio.to_thread(_closer, session, closing)
        await asyncio.to_thread(ends, closer, ENDING_S)
        await unended({reader}, ENDING_S)
    else:
        leave = session.aclose() if how == "aclose" else _aleave_block(how, session)
        try:
            await leave
        except BaseException as error:
            closing.raised = error


def _leave_block(how: str, session: Any) -> None:
    with suppress(_ConsumerError), session:
        if how == "consumer-error":
            raise _ConsumerError


async def _aleave_block(how: str, session: Any) -> None:
    with suppress(_ConsumerError):
        async with session:
            if how == "consumer-error":
                raise _ConsumerError


def _closer(session: Any, closing: Closing, reader: threading.Thread | None = None) -> threading.Thread:
    """Return a thread that closes the session, once `reader` waits for its next frame."""

    def close() -> None:
        if reader is not None:
            await_waiting(reader)
        closing.raised = attempt(partial(close_session, session))

    thread = threading.Thread(target=close, name="closer", daemon=True)
    thread.start()
    return thread


def await_waiting(reader: threading.Thread) -> None:
    """Wait until a thread of the suite stands still in code of the subject's, which alone knows what it waits for."""
    look, deadline = threading.Event(), monotonic() + DEADLINE_S
    place, still = None, 0
    while still < _STILL and monotonic() < deadline and reader.is_alive():
        frame = sys._current_frames().get(reader.ident or 0)
        inside = frame is not None and not Path(frame.f_code.co_filename).is_relative_to(_SUITE)
        found = (id(frame), frame.f_lasti) if frame is not None and inside else None
        place, still = found, still + 1 if found is not None and found == place else 0
        look.wait(_LOOK_S)
