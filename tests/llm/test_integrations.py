"""What a subclass of BaseLLM must implement, and that one half of it is enough."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from harness.bus import bus
from harness.errors import UsageError
from harness.events.llm import LLMCallCompletedEvent, LLMCallStartedEvent, LLMStreamChunkEvent
from harness.llm import BaseLLM, Finish, LLMRequest, Part, TextDelta
from tests.llm.scripted import WAYS, AsyncScripted, Scripted, Way, called, streamed

TIMEOUT_S = 10.0


class Neither(BaseLLM):
    pass


class OwnCall(BaseLLM):
    """An integration that does everything itself, its events included."""

    def __init__(self) -> None:
        super().__init__("own-1")
        self.threads: list[str] = []

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> str:
        self.threads.append(threading.current_thread().name)
        common: dict[str, Any] = {"call_id": "c1", "model": self.model}
        started = bus.open_scope(self, LLMCallStartedEvent(**common, messages=[]), label=self.model)
        for chunk in ("al", "so"):
            bus.emit(self, LLMStreamChunkEvent(**common, chunk=chunk))
        bus.close_scope(started, self, LLMCallCompletedEvent(**common, response="also"))
        return "also"


class QuietCall(BaseLLM):
    def call(self, messages: Any, **options: Any) -> str:  # type: ignore[override]
        return f"said {messages!r}"


class NarrowCall(BaseLLM):
    """Takes what it is asked, and nothing else."""

    def call(self, messages: Any) -> str:  # type: ignore[override]
        return f"said {messages!r}"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [Scripted, AsyncScripted])
def test_one_half_serves_both_ways(kind: type[Scripted], way: Way) -> None:
    assert called(kind(TextDelta("a"), Finish("stop")), way, "Hi") == "a"


@pytest.mark.parametrize("way", WAYS)
def test_neither_half_is_refused_with_what_to_implement(way: Way) -> None:
    with pytest.raises(
        UsageError, match=r"Neither implements neither generate\(\) nor agenerate\(\), nor its own call"
    ):
        called(Neither("n"), way, "Hi")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [Scripted, AsyncScripted])
def test_what_is_no_part_of_an_answer_is_refused_with_what_is(kind: type[Scripted], way: Way) -> None:
    with pytest.raises(UsageError, match=r"^generate\(\) gave 'Hello', which is no part of an answer: yield TextDelta"):
        called(kind("Hello", Finish("stop")), way, "Hi")  # type: ignore[arg-type]


@pytest.mark.parametrize("way", WAYS)
def test_events_of_a_call_of_ones_own_are_the_frames_and_nothing_is_added(way: Way) -> None:
    ran = streamed(OwnCall(), way, "Hi")
    assert ran.transcript == ["started", "text 'al'", "text 'so'", "completed 'also' None"]
    assert ran.result == "also"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [QuietCall, NarrowCall])
def test_a_call_of_ones_own_need_publish_nothing_and_take_no_option(kind: type[BaseLLM], way: Way) -> None:
    ran = streamed(kind("q"), way, "Hi")
    assert (ran.frames, ran.result) == ([], "said 'Hi'")


def test_a_blocking_call_of_ones_own_leaves_the_loop_free() -> None:
    llm = OwnCall()
    asyncio.run(llm.acall("Hi"))
    assert llm.threads == ["harness-worker"]


def test_a_sync_half_does_not_block_the_loop() -> None:
    released = threading.Event()

    class Waiting(BaseLLM):
        def generate(self, request: LLMRequest) -> Iterator[Part]:
            yield TextDelta("a")
            assert released.wait(TIMEOUT_S)
            yield Finish("stop")

    async def run() -> str:
        call = asyncio.create_task(Waiting("w").acall("Hi"))
        await asyncio.sleep(0)
        released.set()  # by a loop that would stand still if the call blocked it
        return str(await call)

    assert asyncio.run(run()) == "a"


def test_an_async_half_can_be_called_where_a_loop_runs() -> None:
    async def run() -> Any:
        return AsyncScripted(TextDelta("a"), Finish("stop")).call("Hi")

    assert asyncio.run(run()) == "a"


class Noted(BaseLLM):
    """Tells when its iterator is closed, and waits in the middle of the answer."""

    def __init__(self) -> None:
        super().__init__("noted")
        self.asked = threading.Event()
        self.released = threading.Event()
        self.closed = threading.Event()


class NotedSync(Noted):
    def generate(self, request: LLMRequest) -> Iterator[Part]:
        try:
            yield TextDelta("a")
            self.asked.set()
            assert self.released.wait(TIMEOUT_S)
            yield TextDelta("b")
            raise AssertionError("nobody wants more of this answer")
        finally:
            self.closed.set()


class NotedAsync(Noted):
    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        try:
            yield TextDelta("a")
            self.asked.set()
            await asyncio.get_running_loop().create_future()
        finally:
            self.closed.set()


def test_closing_ends_a_generator_at_its_next_part() -> None:
    llm = NotedSync()
    session = llm.stream_events("Hi")
    frames = iter(session)
    assert [next(frames).type for _ in range(2)] == ["llm_call_started", "llm_stream_chunk"]
    assert llm.asked.wait(TIMEOUT_S)
    session.close()
    assert not llm.closed.is_set(), "close waited for the integration"
    llm.released.set()
    assert llm.closed.wait(TIMEOUT_S)
    assert len(session.frames) == 2


def test_closing_ends_an_async_generator_that_waits() -> None:
    llm = NotedAsync()

    async def run() -> None:
        async with llm.astream("Hi") as session:
            frames = aiter(session)
            for _ in range(2):
                await anext(frames)
        assert llm.closed.is_set()

    asyncio.run(run())


def test_closing_ends_an_async_generator_that_a_sync_call_waits_for() -> None:
    llm = NotedAsync()
    with llm.stream_events("Hi") as session:
        frames = iter(session)
        for _ in range(2):
            next(frames)
        assert llm.asked.wait(TIMEOUT_S)
    assert llm.closed.wait(TIMEOUT_S)


def test_cancelling_an_async_call_of_a_sync_half_returns_while_it_blocks() -> None:
    llm = NotedSync()

    async def run() -> None:
        call = asyncio.create_task(llm.acall("Hi"))
        assert await asyncio.to_thread(llm.asked.wait, TIMEOUT_S)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(run())
    assert not llm.closed.is_set(), "the cancelled call waited for the integration"
    llm.released.set()
    assert llm.closed.wait(TIMEOUT_S)


def test_a_refused_request_publishes_nothing() -> None:
    class Choosy(Scripted):
        def check(self, request: LLMRequest) -> None:
            raise UsageError("not today")

    ran = streamed(Choosy(Finish("stop")), "sync", "Hi")
    assert ran.frames == []
    assert isinstance(ran.error, UsageError)
