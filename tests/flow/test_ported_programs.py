"""Claims about programs that are ported: written as users of the reference runtime write them, with other imports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness import LLM, BaseEventListener, BaseLLM, EventBus, Flow, event_bus, listen, start
from harness.conversation import ConversationConfig, ConversationState
from harness.events import LLMStreamChunkEvent
from harness.llm import Finish, TextDelta
from tests.llm.scripted import Scripted

WORDS = ("The ", "lamp ", "turns.")
TEXT = "".join(WORDS)
#: The channels that a page or a terminal shows together.
SHOWN = ["flow", "llm", "messages"]


def model() -> BaseLLM:
    return Scripted(*map(TextDelta, WORDS), Finish("stop"))


class LampFlow(Flow):
    """Asks a model, and goes on from its answer."""

    @start()
    def describe(self) -> str:
        return str(model().call(f"Describe {self.state.get('topic', 'the lamp')}."))

    @listen(describe)
    def frame_it(self, text: str) -> str:
        return f"<{text}>"


@pytest.fixture
def flow() -> LampFlow:
    return LampFlow()


def printed_whole(flow: LampFlow) -> tuple[str, Any]:
    stream = flow.stream_events(inputs={"topic": "the light"})
    text = ""
    with stream:
        for frame in stream:
            text += frame.content
    return text, stream.result


def printed_by_projection(flow: LampFlow) -> tuple[str, Any]:
    text = ""
    with flow.stream_events(inputs={"topic": "the light"}) as stream:
        for frame in stream.llm:
            text += frame.content
    return text, stream.result


def printed_from_data(flow: LampFlow) -> tuple[str, Any]:
    text = ""
    with flow.stream_events() as stream:
        for frame in stream.llm:
            text += frame.data.get("chunk", "")
    return text, stream.result


def printed_from_interleaved_channels(flow: LampFlow) -> tuple[str, Any]:
    text = ""
    with flow.stream_frames() as stream:
        for frame in stream.interleave(SHOWN):
            if frame.channel == "llm" and frame.type == "llm_stream_chunk":
                text += frame.event["chunk"]
    return text, stream.result


def printed_as_text(flow: LampFlow) -> tuple[str, Any]:
    flow.stream = True
    stream = flow.kickoff()
    return "".join(str(frame) for frame in stream), stream.result


def printed_async(flow: LampFlow) -> tuple[str, Any]:
    async def main() -> tuple[str, Any]:
        text = ""
        stream = flow.astream()
        async with stream:
            async for frame in stream.events:
                text += frame.content
        return text, stream.result

    return asyncio.run(main())


def printed_by_an_async_kickoff(flow: LampFlow) -> tuple[str, Any]:
    async def main() -> tuple[str, Any]:
        flow.stream = True
        stream = await flow.kickoff_async(inputs={"topic": "the light"})
        text = "".join([frame.content async for frame in stream.llm])
        return text, stream.result

    return asyncio.run(main())


def served(flow: LampFlow) -> tuple[str, Any]:
    """As a web framework's response that is made of an iterator."""
    stream = flow.stream_events()

    def generate() -> Iterator[str]:
        for frame in stream:
            if frame.content:
                yield f"data: {frame}\n\n"
        yield "data: [DONE]\n\n"

    lines = "".join(generate()).split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    return "".join(line.removeprefix("data: ") for line in lines[:-2]), stream.result


PRINTERS: tuple[Callable[[LampFlow], tuple[str, Any]], ...] = (
    printed_whole,
    printed_by_projection,
    printed_from_data,
    printed_from_interleaved_channels,
    printed_as_text,
    printed_async,
    printed_by_an_async_kickoff,
    served,
)


@pytest.mark.parametrize("printer", PRINTERS, ids=lambda printer: printer.__name__)
def test_a_program_prints_the_tokens_and_has_the_result(
    flow: LampFlow, printer: Callable[[LampFlow], tuple[str, Any]]
) -> None:
    assert printer(flow) == (TEXT, f"<{TEXT}>")


def test_a_direct_call_streams_and_a_plain_one_is_whole() -> None:
    llm = model()
    with llm.stream_events("Describe the lamp.") as stream:
        assert [frame.content for frame in stream.llm if frame.content] == list(WORDS)
    assert stream.result == llm.call("Describe the lamp.") == TEXT


def test_a_listener_is_told_of_each_chunk(flow: LampFlow) -> None:
    chunks: list[str] = []

    class ChunkListener(BaseEventListener):
        def setup_listeners(self, bus: EventBus) -> None:
            @bus.on(LLMStreamChunkEvent)
            def on_chunk(source: Any, event: LLMStreamChunkEvent) -> None:
                chunks.append(event.chunk)

    with event_bus.scoped_handlers():
        ChunkListener()
        flow.stream = True
        list(flow.kickoff())
        event_bus.flush()
    assert chunks == list(WORDS)


@ConversationConfig(llm=model(), defer_trace_finalization=True)
class LampTalk(Flow[ConversationState]):
    """Answers by its model."""

    conversational = True


def test_a_turn_streams_the_tokens_of_its_reply() -> None:
    flow = LampTalk()
    stream = flow.stream_turn("What does the lamp do?", session_id="session-1")
    text = ""
    with stream:
        for frame in stream.events:
            if frame.channel == "llm" and frame.type == "llm_stream_chunk":
                text += frame.data.get("chunk", "")
    assert (text, stream.result) == (TEXT, TEXT)
    assert flow.state.id == "session-1"
    assert [(message.role, message.content) for message in flow.state.messages] == [
        ("user", "What does the lamp do?"),
        ("assistant", TEXT),
    ]
    flow.finalize_session_traces()


def test_a_model_is_named_as_there() -> None:
    llm = LLM(model="openai/gpt-4o", stream=True, temperature=0, api_key="nobody")
    assert (llm.model, llm.stream, llm.temperature) == ("gpt-4o", True, 0)
