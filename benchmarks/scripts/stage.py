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
from harness.frames.frame import StreamFrame
from harness.frames.timeline import Timeline
from harness.llm.output.chunks import ChunkEvents
from harness.session.session import AsyncStreamSession, StreamSession

_SOURCE: Final = object()


def construct(chunks: int, text: str) -> float:
    """Make the event, a validated pydantic model with an id and a time."""
    began = time.perf_counter()
    events = [LLMStreamChunkEvent(call_id="call-1", model="model", chunk=text) for _ in range(chunks)]
    return _per_chunk(began, len(events))


def chunk(chunks: int, text: str) -> float:
    """Make the event as a call makes it, of a piece of text and what all chunks of the call have in common."""
    made_by = ChunkEvents(LLMStreamChunkEvent, {"call_id": "call-1", "model": "model"})
    began = time.perf_counter()
    events = [made_by.event(text, None) for _ in range(chunks)]
    return _per_chunk(began, len(events))


def stamp(chunks: int, text: str) -> float:
    """Emit it where no session is open: find its scope, stamp its links, look for listeners."""
    events = _events(chunks, text)
    began = time.perf_counter()
    for event in events:
        emit(_SOURCE, event)
    return _per_chunk(began, chunks)


def append(chunks: int, text: str) -> float:
    """Have a timeline keep the record of an event that has been stamped: the lock, the state, the scope."""
    events = _events(chunks, text)
    timeline = _timeline()
    began = time.perf_counter()
    for event in events:
        timeline.accept(_SOURCE, event, ROOT)
    return _per_chunk(began, timeline.length)


def content(chunks: int, text: str) -> float:
    """Read a frame that is there, through a projection of a sync session, for its text alone."""
    session = _read_session(chunks, text)
    began = time.perf_counter()
    characters = sum(len(frame.content) for frame in session)
    return _per_chunk(began, characters // len(text))


def fields(chunks: int, text: str) -> float:
    """Read a frame for all of its fields: fill the envelope, encode the payload."""
    session = _read_session(chunks, text)
    began = time.perf_counter()
    read = sum(1 for frame in session if frame.data)
    return _per_chunk(began, read)


def async_cursor(chunks: int, text: str) -> float:
    """Read a frame that is there, through a projection of an async session, for its text alone."""

    async def emit_all() -> None:
        _emit_all(chunks, text)

    async def read_twice() -> float:
        session = AsyncStreamSession(emit_all)
        read = 0
        async for _ in session:
            read += 1
        began = time.perf_counter()
        async for frame in session:
            read += bool(frame.content)
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


def _read_session(chunks: int, text: str) -> StreamSession[None]:
    session = StreamSession(lambda: _emit_all(chunks, text))
    for _ in session:
        pass
    return session


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
    stage.__name__: stage for stage in (construct, chunk, stamp, append, content, fields, async_cursor, async_delivery)
}


if __name__ == "__main__":
    print(STAGES[sys.argv[1]](int(sys.argv[2]), sys.argv[3]))
