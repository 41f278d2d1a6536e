"""Frames of this project's async session, whose run lets the loop go on after every event.

Usage: harness_async_frames.py CHUNKS TEXT YIELD_EVERY; prints frames per second. The run awaits after that many
events, as a provider's stream does when it waits for bytes: 1 is one reader's turn per frame.
"""

from __future__ import annotations

import asyncio
import sys
import time

from harness.bus.bus import aemit
from harness.events import LLMStreamChunkEvent
from harness.session.session import AsyncStreamSession


async def main(chunks: int, text: str, yield_every: int) -> float:
    source = object()

    async def run() -> None:
        for number in range(1, chunks + 1):
            await aemit(source, LLMStreamChunkEvent(call_id="call-1", model="model", chunk=text))
            if number % yield_every == 0:
                await asyncio.sleep(0)

    characters = 0
    began = time.perf_counter()
    async for frame in AsyncStreamSession(run, source=source):
        characters += len(frame.content)
    seconds = time.perf_counter() - began
    if characters != chunks * len(text):
        sys.exit(f"{characters} characters came of {chunks * len(text)}")
    return chunks / seconds


if __name__ == "__main__":
    print(asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
