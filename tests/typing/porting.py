"""User code as it is ported from the reference runtime: only imports change, and it type-checks under strict mypy."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, assert_type

from pydantic import BaseModel

from harness import (
    LLM,
    AsyncStreamSession,
    BaseEvent,
    BaseEventListener,
    BaseLLM,
    EventBus,
    Flow,
    StreamChunk,
    StreamFrame,
    StreamSession,
    UsageMetrics,
    add_stream_sink,
    and_,
    call_stop_override,
    call_stream_override,
    event_bus,
    listen,
    or_,
    reset_stream_sinks,
    router,
    start,
    stream_frame_to_chunk,
)
from harness.events import FlowStartedEvent, LLMStreamChunkEvent
from harness.llm import Finish, LLMRequest, Part, TextDelta, Usage


class StoryState(BaseModel):
    topic: str = "a lighthouse"
    drafts: int = 0


class Shout(BaseLLM):
    """An integration built on the base's small method."""

    provider = "shout"

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        for word in str(request.messages[-1].content).split():
            yield TextDelta(word.upper() + " ")
        yield Usage(prompt_tokens=1, completion_tokens=1, total_tokens=2)
        yield Finish("stop")


class Noted(BaseEvent):
    """An event of the user's own."""

    type: str = "noted"
    text: str = ""


class StoryFlow(Flow[StoryState]):
    name = "story"
    stream = True

    @start()
    def outline(self) -> str:
        self.state.drafts += 1
        event_bus.emit(self, Noted(text=self.state.topic))
        return str(Shout("loud").call(f"outline {self.state.topic}"))

    @start("short")
    async def once_more(self) -> str:
        return "once more"

    @router(outline, emit=["long", "short"])
    def judge(self, outline: str) -> str:
        return "long" if len(outline) > 10 else "short"

    @listen(or_("long", "short"))
    async def expand(self) -> str:
        await event_bus.aemit(self, Noted(text="expanding"))
        return str(await Shout("loud").acall("expand"))

    @listen(and_(outline, expand))
    def finish(self) -> int:
        return self.state.drafts


class DictFlow(Flow):
    @start()
    def only(self) -> None:
        self.state["seen"] = True


class Printer(BaseEventListener):
    def setup_listeners(self, bus: EventBus) -> None:
        @bus.on(FlowStartedEvent)
        def on_start(source: Any, event: FlowStartedEvent) -> None:
            print(event.flow_name, event.inputs)

        @bus.on(LLMStreamChunkEvent, Noted)
        async def on_chunk(source: Any, event: LLMStreamChunkEvent | Noted) -> None:
            print(event.type)


def read(session: StreamSession[Any]) -> list[StreamChunk]:
    chunks = []
    with session as stream:
        for frame in stream.interleave(["llm", "flow"]):
            assert_type(frame, StreamFrame)
            chunk = stream_frame_to_chunk(frame)
            if chunk is not None:
                chunks.append(chunk)
        for frame in stream:
            print(frame.seq, frame.channel, frame.namespace, frame.content, frame.data.get("flow_name"), frame.event)
        if stream.is_completed and not (stream.is_cancelled or stream.is_exhausted):
            print("failed")
        print(stream.result, len(stream.frames))
    return chunks


async def aread(session: AsyncStreamSession[Any]) -> str:
    async with session as stream:
        async for frame in stream.llm:
            assert_type(frame, StreamFrame)
            print(frame.content, end="")
        async for frame in stream:
            print(frame.type)
    await session.aclose()
    session.close()
    return str(session.result)


def own_sessions() -> tuple[int, str]:
    """Sessions are generic over what their run returns."""
    numbers = StreamSession(lambda: 3)
    list(numbers)
    number = assert_type(numbers.result, int)

    async def body() -> str:
        return "done"

    async def run() -> str:
        session = AsyncStreamSession(body)
        async for _ in session.events:
            pass
        return assert_type(session.result, str)

    return number, asyncio.run(run())


def main() -> tuple[list[StreamChunk], str]:
    flow = StoryFlow()
    assert_type(flow.state, StoryState)
    assert_type(DictFlow().state, dict[str, Any])
    token = add_stream_sink(lambda source, event: None)
    reset_stream_sinks(token)
    chunks = read(flow.stream_events(inputs={"topic": "a storm"}))
    session: Any = flow.kickoff()
    chunks += read(session)
    text = asyncio.run(aread(StoryFlow().astream()))
    llm = Shout("loud", temperature=0.5, stop=["END"])
    with call_stream_override(llm, True), call_stop_override(llm, ["STOP"]):
        chunks += read(llm.stream_events([{"role": "user", "content": "hello"}]))
    assert_type(llm.get_token_usage_summary(), UsageMetrics)
    assert_type(llm.supports_function_calling(), bool)
    with event_bus.scoped_handlers():
        Printer()
    return chunks, text


def make(model: str = "openai/gpt-4o-mini") -> BaseLLM:
    """`LLM` is what a model string makes of it."""
    return LLM(model, stream=True, max_tokens=10)
