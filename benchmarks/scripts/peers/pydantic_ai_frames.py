"""Events of pydantic-ai's agent event stream, whose model is a function that streams chunks.

Usage, with pydantic-ai's interpreter: pydantic_ai_frames.py CHUNKS TEXT; prints chunks per second.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator

from pydantic_ai import Agent, PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta  # type: ignore[import-not-found]
from pydantic_ai.models.function import FunctionModel  # type: ignore[import-not-found]


async def main(chunks: int, text: str) -> float:
    async def stream(messages: object, info: object) -> AsyncIterator[str]:
        for _ in range(chunks):
            yield text

    agent = Agent(FunctionModel(stream_function=stream))
    characters = 0
    began = time.perf_counter()
    async with agent.run_stream_events("go") as events:
        async for event in events:
            if isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
                characters += len(event.delta.content_delta)
            elif isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
                characters += len(event.part.content)
    seconds = time.perf_counter() - began
    if characters != chunks * len(text):
        sys.exit(f"{characters} characters came of {chunks * len(text)}")
    return chunks / seconds


if __name__ == "__main__":
    print(asyncio.run(main(int(sys.argv[1]), sys.argv[2])))
