"""The usual consumer: reads a session to its end and tells what it saw."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, Literal

from conformance.areas.observations import Observation
from conformance.timeline.evidence import Evidence, Outcome, ResultRead


def read_whole(session: Any, *observations: Observation, wire: tuple[Any, ...] = ()) -> Evidence:
    """Read a sync session to its end, then its result twice and its events again."""
    before = read_result(session, "before")
    frames: list[Any] = []
    raised: BaseException | None = None
    try:
        for frame in session:
            frames.append(frame)
    except BaseException as error:
        raised = error
    return _evidence(session, frames, before, raised, _again(session, raised is not None), observations, wire)


async def aread_whole(session: Any, *observations: Observation, wire: tuple[Any, ...] = ()) -> Evidence:
    """Do as `read_whole` for an async session."""
    before = read_result(session, "before")
    frames: list[Any] = []
    raised: BaseException | None = None
    try:
        async for frame in session:
            frames.append(frame)
    except BaseException as error:
        raised = error
    again: list[Any] = []
    with contextlib.suppress(BaseException):
        async for frame in session.events:
            again.append(frame)
    return _evidence(session, frames, before, raised, again, observations, wire)


def read_result(session: Any, when: Any) -> ResultRead:
    """Read the result once; tell what came of it, and what the session says of itself then."""
    value, raised, depth = None, None, 0
    try:
        value = session.result
    except BaseException as error:
        raised = error
        depth = _depth(error)
    return ResultRead(
        when, raised, value, bool(session.is_completed), bool(session.is_exhausted), bool(session.is_cancelled), depth
    )


def in_loop(consume: Callable[[], Coroutine[Any, Any, Evidence]]) -> Evidence:
    """Run an async consumer in a loop of its own."""

    async def consumer() -> Evidence:
        # The session is made in here: whether one may be made outside a loop is a matter of its own.
        return await consume()

    return asyncio.run(consumer())


def _again(session: Any, failed: bool) -> list[Any]:
    frames: list[Any] = []
    try:
        for frame in session.events:
            frames.append(frame)
    except BaseException:
        if not failed:
            raise
    return frames


def _evidence(
    session: Any,
    frames: list[Any],
    before: ResultRead,
    raised: BaseException | None,
    again: list[Any],
    observations: tuple[Observation, ...],
    wire: tuple[Any, ...],
) -> Evidence:
    failed = raised is not None
    when: Literal["after-failure", "after-exhaustion"] = "after-failure" if failed else "after-exhaustion"
    reads = (before, read_result(session, when), read_result(session, when))
    return Evidence(
        frames=tuple(frames),
        ended="failed" if failed else "exhausted",
        replayed=tuple(again),
        reads=reads,
        # Whatever ended the loop is what the result must go on raising.
        outcome=Outcome(error=raised) if failed else None,
        wire=wire,
        observations=observations,
    )


def _depth(error: BaseException) -> int:
    depth, entry = 0, error.__traceback__
    while entry is not None:
        depth, entry = depth + 1, entry.tb_next
    return depth
