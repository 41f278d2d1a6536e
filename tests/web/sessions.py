"""Sessions to serve: a model that says words when it is let, and what a client of server-sent events has received."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

from harness import BaseLLM
from harness.llm import Finish, TextDelta

#: Long enough for anything that a test waits for.
PATIENCE_S = 20.0


class Words(BaseLLM):
    """Says numbered words, as many as `count`; each waits for `let`, where the words are held."""

    def __init__(self, count: int, *, held: bool = False, error: BaseException | None = None) -> None:
        super().__init__("words-1")
        self.count = count
        self.error = error
        self.permits = threading.Semaphore(0) if held else None
        self.calls = 0
        #: Set when the last word has been taken.
        self.spoke = threading.Event()

    def let(self, words: int) -> None:
        assert self.permits is not None
        self.permits.release(words)

    def generate(self, request: Any) -> Iterator[Any]:
        self.calls += 1
        for number in range(self.count):
            if self.permits is not None:
                self.permits.acquire(timeout=PATIENCE_S)
            yield TextDelta(f"{number} ")
        self.spoke.set()
        if self.error is not None:
            raise self.error
        yield Finish("stop")


class AsyncWords(BaseLLM):
    """Says words in a loop, each after a turn of the loop."""

    def __init__(self, count: int) -> None:
        super().__init__("words-1")
        self.count = count

    async def agenerate(self, request: Any) -> AsyncIterator[Any]:
        for number in range(self.count):
            await asyncio.sleep(0)
            yield TextDelta(f"{number} ")
        yield Finish("stop")
