"""One stage on the way of a chunk, alone: what it costs in µs per chunk.

Usage: stage.py STAGE CHUNKS TEXT; the stages are the names of the functions in `STAGES`. Each works on what the stages
before it made in advance, and keeps what it makes, as a session does.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

from harness.bus.bus import emit
from harness.bus.scope import ROOT
from harness.events import LLMStreamChunkEvent
from harness.frames.frame import Draft, StreamFrame
from harness.frames.timeline import Timeline
from harness.session.session import AsyncStreamSession, StreamSession

_SOURCE: Final = object()


def construct(chunks: int, text: str) -> float:
    """Make the event, a validated pydantic model with an id and a time."""
    began = time.perf_counter()
    events = [LLMStreamChunkEvent(call_id="call-1", model="model", chunk=text) for _ in range(chunks)]
    return _per_chunk(began, len(events))


def stamp(chunks: int, text: str) -> float:
    """Emit it where no session is open: find its scope, stamp its links, look for listeners."""
    events = _events(chunks, text)
    began = time.perf_counter()
    for event in events:
        emit(_SOURCE, event)
    return _per_chunk(began, chunks)


def frame(chunks: int, text: str) -> float:
    """Make the frame of an event that has been stamped: encode its payload, fill the envelope."""
    events = _events(chunks, text)
    began = time.perf_counter()
    frames = [Draft(event).frame(number, None) for number, event in enumerate(events, start=1)]
    return _per_chunk(began, len(frames))


def append(chunks: int, text: str) -> float:
    """Have a timeline take the event: its frame, the lock, the state, the scope."""
    events = _events(chunks, text)
    timeline = _timeline()
    began = time.perf_counter()
    for event in events:
        timeline.accept(_SOURCE, event, ROOT)
    return _per_chunk(began, timeline.length)


def cursor(chunks: int, text: str) -> float:
    """Read a frame that is there, through a projection of a sync session."""
    session = StreamSession(lambda: _emit_all(chunks, text))
    read = sum(1 for _ in session)
    began = time.perf_counter()
    for _ in session:
        read += 1
    return _per_chunk(began, read - chunks)


def async_cursor(chunks: int, text: str) -> float:
    """Read a frame that is there, through a projection of an async session."""

    async def emit_all() -> None:
        _emit_all(chunks, text)

    async def read_twice() -> float:
        session = AsyncStreamSession(emit_all)
        read = len([frame async for frame in session])
        began = time.perf_counter()
        async for _ in session:
            read += 1
        return _per_chunk(began, read - chunks)

    return asyncio.run(read_twice())


def async_delivery(chunks: int, text: str) -> float:
    """Hand a frame to a task that waits for it: wake the task, let the loop turn, read; the appending included."""
    events = _events(chunks, text)

    async def emit_one_by_one() -> None:
        for event in events:
            emit(_SOURCE, event)
            await asyncio.sleep(0)

    async def read() -> float:
        began = time.perf_counter()
        frames: list[StreamFrame] = [frame async for frame in AsyncStreamSession(emit_one_by_one)]
        return _per_chunk(began, len(frames))

    return asyncio.run(read())


def _emit_all(chunks: int, text: str) -> None:
    for _ in range(chunks):
        emit(_SOURCE, LLMStreamChunkEvent(call_id="call-1", model="model", chunk=text))


def _events(chunks: int, text: str) -> list[LLMStreamChunkEvent]:
    events = [LLMStreamChunkEvent(call_id="call-1", model="model", chunk=text) for _ in range(chunks)]
    # Else the garbage collector would go through them again and again while the next stage is measured.
    gc.freeze()
    return events


def _timeline() -> Timeline:
    timeline = Timeline(threading.RLock())
    timeline.start()
    return timeline


def _per_chunk(began: float, chunks: int) -> float:
    return (time.perf_counter() - began) / chunks * 1e6


STAGES: Final[dict[str, Callable[[int, str], float]]] = {
    stage.__name__: stage for stage in (construct, stamp, frame, append, cursor, async_cursor, async_delivery)
}


if __name__ == "__main__":
    print(STAGES[sys.argv[1]](int(sys.argv[2]), sys.argv[3]))
