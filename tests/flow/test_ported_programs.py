"""Claims about programs that are ported: written as users of the reference runtime write them, with other imports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness import BaseLLM, Flow, listen, start
from harness.conversation import ConversationConfig, ConversationState
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


def printed_by_projection(flow: LampFlow) -> tuple[str, Any]:
    text = ""
    with flow.stream_events(inputs={"topic": "the light"}) as stream:
        for frame in stream.llm:
            text += frame.content
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
    printed_by_projection,
    printed_from_interleaved_channels,
    printed_as_text,
    served,
)


@pytest.mark.parametrize("printer", PRINTERS, ids=lambda printer: printer.__name__)
def test_a_program_prints_the_tokens_and_has_the_result(
    flow: LampFlow, printer: Callable[[LampFlow], tuple[str, Any]]
) -> None:
    assert printer(flow) == (TEXT, f"<{TEXT}>")


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
