"""Closing a session of this project while its run blocks.

Usage: harness_closing.py read|sleep|async-read|async-sleep SECONDS; prints the milliseconds that closing takes. The run
blocks for SECONDS in a sleep, or in reading from a provider on loopback that has stopped answering.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from harness.bus.bus import emit
from harness.events import LLMStreamChunkEvent
from harness.llm import LLM
from harness.session.session import AsyncStreamSession, StreamSession
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import SCENARIOS

_PROMPT: Final = SCENARIOS["blocked_body"].prompt


def main(kind: str, seconds: float) -> float:
    if kind.endswith("read"):
        with OpenAIChatServer() as server:
            model = LLM("openai/gpt-4o-mini", base_url=server.base_url, api_key="k", max_retries=0)

            def blocked() -> None:
                server.wait_for(lambda: server.held > 0)

            if kind == "read":
                return _close(model.stream_events(_PROMPT), blocked)
            return asyncio.run(_aclose(model.astream(_PROMPT), blocked))
    asleep = threading.Event()
    chunk = LLMStreamChunkEvent(call_id="call-1", model="model", chunk="x")

    def sleep() -> None:
        emit(None, chunk)
        asleep.set()
        time.sleep(seconds)

    async def async_sleep() -> None:
        emit(None, chunk)
        asleep.set()
        await asyncio.sleep(seconds)

    def sleeping() -> None:
        asleep.wait()

    if kind == "sleep":
        return _close(StreamSession(sleep), sleeping)
    return asyncio.run(_aclose(AsyncStreamSession(async_sleep), sleeping))


def _close(session: StreamSession[Any], blocked: Callable[[], None]) -> float:
    next(iter(session))
    blocked()
    began = time.perf_counter()
    session.close()
    return (time.perf_counter() - began) * 1000


async def _aclose(session: AsyncStreamSession[Any], blocked: Callable[[], None]) -> float:
    await anext(aiter(session))
    await asyncio.to_thread(blocked)
    began = time.perf_counter()
    await session.aclose()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    print(main(sys.argv[1], float(sys.argv[2])))
