"""Bridges between threads and loops: neither half is ahead of the other by more than it may be."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from harness.llm import BaseLLM, LLMRequest, Part, TextDelta
from harness.llm.pump import _MOST_AHEAD, ended, iterated_in_loop, iterated_in_thread
from tests.session.bodies import TIMEOUT_S, join_harness_threads

LOOK_AHEAD = 5
#: A part on its way in each half of the bridge, and the one that the emitter holds; the frame that begins a call.
ON_THE_WAY = 4


class Counting:
    """Endless parts, and by how many they were ahead of their reader at most."""

    def __init__(self) -> None:
        self.made = self.read = self.ahead = 0

    def part(self) -> Part:
        self.made += 1
        self.ahead = max(self.ahead, self.made - self.read)
        return TextDelta("x")


class Endless(BaseLLM):
    def __init__(self, counting: Counting) -> None:
        super().__init__("endless-1")
        self.counting = counting

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        while True:
            yield self.counting.part()


class AsyncEndless(BaseLLM):
    def __init__(self, counting: Counting) -> None:
        super().__init__("endless-1")
        self.counting = counting

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        while True:
            yield self.counting.part()


def read_sync(llm: BaseLLM, counting: Counting, frames: int, look_ahead: int) -> None:
    with llm.stream_events("?", look_ahead=look_ahead) as session:
        for _, _ in zip(range(frames), session, strict=False):
            counting.read += 1


def read_async(llm: BaseLLM, counting: Counting, frames: int, look_ahead: int) -> None:
    async def main() -> None:
        async with llm.astream("?", look_ahead=look_ahead) as session:
            async for _ in session:
                counting.read += 1
                if counting.read == frames:
                    return

    asyncio.run(main())


@pytest.mark.parametrize(
    ("kind", "read"),
    [(Endless, read_sync), (Endless, read_async), (AsyncEndless, read_sync), (AsyncEndless, read_async)],
    ids=["sync in sync", "sync in async", "async in sync", "async in async"],
)
def test_a_look_ahead_holds_for_every_kind_of_integration_in_every_kind_of_run(
    kind: type[Endless | AsyncEndless], read: Callable[..., None]
) -> None:
    counting = Counting()
    read(kind(counting), counting, 300, look_ahead=LOOK_AHEAD)
    assert counting.read == 300
    assert counting.ahead <= LOOK_AHEAD + ON_THE_WAY
    join_harness_threads()


def test_a_thread_waits_for_a_reader_in_a_loop_that_is_far_behind() -> None:
    counting = Counting()
    full = threading.Event()

    def endless() -> Iterator[Part]:
        while True:
            yield counting.part()
            if counting.made == _MOST_AHEAD:
                full.set()

    async def main() -> None:
        parts = iterated_in_thread(endless)
        await anext(parts)
        counting.read += 1
        await asyncio.to_thread(full.wait, TIMEOUT_S)
        for _ in range(1000):
            await anext(parts)
            counting.read += 1
        await parts.aclose()  # type: ignore[attr-defined]

    asyncio.run(main())
    assert counting.ahead <= _MOST_AHEAD + 2
    join_harness_threads()


def test_a_loop_waits_for_a_reader_in_a_thread_that_is_far_behind() -> None:
    counting = Counting()
    full = threading.Event()

    async def endless() -> AsyncIterator[Part]:
        while True:
            yield counting.part()
            if counting.made == _MOST_AHEAD - 1:
                full.set()

    parts = iterated_in_loop(endless)
    next(parts)
    counting.read += 1
    assert full.wait(TIMEOUT_S)
    for _ in range(1000):
        next(parts)
        counting.read += 1
    parts.close()  # type: ignore[attr-defined]
    assert counting.ahead <= _MOST_AHEAD + 2
    join_harness_threads()


class CleaningUp(BaseLLM):
    """Is closed while its reader is busy, who leaves once it cleans up; it does so until the reader has left."""

    def __init__(self) -> None:
        super().__init__("cleaning-1")
        self.cleans, self.left, self.cleaned = threading.Event(), threading.Event(), threading.Event()
        self.close: Callable[[], None] = self.left.set

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        try:
            yield TextDelta("a")
            await asyncio.Event().wait()
        finally:
            self.cleans.set()
            await asyncio.to_thread(self.left.wait, TIMEOUT_S)
            self.cleaned.set()

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        with ended(super().generate(request)) as parts:
            next(parts)
            self.close()
            assert self.cleans.wait(TIMEOUT_S)
        self.left.set()
        yield TextDelta("a")


def test_what_cleans_up_is_told_once_that_the_run_is_cancelled() -> None:
    llm = CleaningUp()
    session = llm.stream_events("?")
    llm.close = session.close
    list(session)
    assert llm.cleaned.wait(TIMEOUT_S)
    join_harness_threads()


class LostError(Exception):
    """Is looked for once it has been raised."""


@pytest.mark.usefixtures("no_collector")
def test_an_error_that_came_over_a_bridge_is_kept_by_neither_half() -> None:
    raised: list[weakref.ref[LostError]] = []

    def failure() -> LostError:
        made = LostError()
        raised.append(weakref.ref(made))
        return made

    def fails() -> Iterator[Part]:
        yield TextDelta("x")
        raise failure()

    async def afails() -> AsyncIterator[Part]:
        yield TextDelta("x")
        raise failure()

    async def main() -> None:
        with pytest.raises(LostError):
            async for _ in iterated_in_thread(fails):
                pass

    asyncio.run(main())
    with pytest.raises(LostError):
        list(iterated_in_loop(afails))
    join_harness_threads()
    assert [ref() for ref in raised] == [None, None]
