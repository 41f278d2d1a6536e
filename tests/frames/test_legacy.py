"""Claims about the older chunks: which frames become one, and what it says."""

from __future__ import annotations

from typing import Any

import pytest

from harness.events import (
    BaseEvent,
    FlowStartedEvent,
    FunctionCall,
    LLMCallCompletedEvent,
    LLMCallStartedEvent,
    LLMStreamChunkEvent,
    LLMThinkingChunkEvent,
    ToolCallFragment,
    ToolUsageFinishedEvent,
)
from harness.frames.legacy import StreamChunk, StreamChunkType, ToolCallChunk, stream_frame_to_chunk
from tests.frames.frames import frame_of

FRAGMENT = ToolCallFragment(id="t", index=2, function=FunctionCall("f", deltas=['{"a"', ": 1}"]))
ORIGIN = {"task_name": "T", "task_id": "1", "agent_role": "A", "agent_id": "2"}


class OwnChunk(BaseEvent):
    """An event of somebody's own, under the name of one of the runtime's."""

    type: str = "llm_stream_chunk"
    call_type: str = "tool_call"
    tool_call: Any = None
    chunk: Any = None
    task_name: Any = None


CHUNKS: dict[str, tuple[BaseEvent, StreamChunk | None]] = {
    "text": (LLMStreamChunkEvent(call_id="c", chunk="Hi"), StreamChunk(content="Hi")),
    "empty text": (LLMStreamChunkEvent(call_id="c", chunk=""), StreamChunk(content="")),
    "text that is no JSON": (LLMStreamChunkEvent(call_id="c", chunk="\ud83d"), StreamChunk(content="\ud83d")),
    "thinking": (LLMThinkingChunkEvent(call_id="c", chunk="hm"), StreamChunk(content="hm")),
    "text of a task": (
        LLMStreamChunkEvent(call_id="c", chunk="Hi", **ORIGIN),  # type: ignore[arg-type]
        StreamChunk(content="Hi", **ORIGIN),  # type: ignore[arg-type]
    ),
    "a tool call": (
        LLMStreamChunkEvent(call_id="c", chunk=": 1}", tool_call=FRAGMENT, call_type="tool_call"),
        StreamChunk(
            content=": 1}",
            chunk_type=StreamChunkType.TOOL_CALL,
            tool_call=ToolCallChunk(tool_id="t", tool_name="f", arguments='{"a": 1}', index=2),
        ),
    ),
    "arguments that are no JSON": (
        LLMStreamChunkEvent(
            call_id="c",
            chunk="\ud83d",
            tool_call=ToolCallFragment(function=FunctionCall("f", "\ud83d")),
            call_type="tool_call",
        ),
        StreamChunk(
            content="\ud83d",
            chunk_type=StreamChunkType.TOOL_CALL,
            tool_call=ToolCallChunk(tool_name="f", arguments="\ud83d"),
        ),
    ),
    "names that are no JSON": (
        LLMStreamChunkEvent(
            call_id="c",
            chunk="{",
            tool_call=ToolCallFragment(id="\ud83d", function=FunctionCall("\ud83d", "")),
            call_type="tool_call",
            task_name="\ud83d",
        ),
        StreamChunk(
            content="{",
            chunk_type=StreamChunkType.TOOL_CALL,
            tool_call=ToolCallChunk(tool_id="\ud83d", tool_name="\ud83d"),
            task_name="\ud83d",
        ),
    ),
    "an own event whose names are none": (
        OwnChunk(chunk="{", task_name=4, tool_call={"id": 4, "index": "x", "function": {"name": []}}),
        StreamChunk(content="{", chunk_type=StreamChunkType.TOOL_CALL, tool_call=ToolCallChunk()),
    ),
    "an own event without a text": (OwnChunk(), None),
    "an own event whose text is none": (OwnChunk(chunk={"$text": 4}), None),
    "an own event whose tool call is none": (OwnChunk(chunk="Hi", tool_call={"id": "t"}), StreamChunk(content="Hi")),
    "an own event that says little of its tool call": (
        OwnChunk(chunk="{", tool_call={"function": {"arguments": 4}}),
        StreamChunk(content="{", chunk_type=StreamChunkType.TOOL_CALL, tool_call=ToolCallChunk()),
    ),
    "a call's start": (LLMCallStartedEvent(call_id="c"), None),
    "a call's end": (LLMCallCompletedEvent(call_id="c", response="Hi"), None),
    "a tool's end": (ToolUsageFinishedEvent(tool_name="t"), None),
    "a flow's start": (FlowStartedEvent(flow_name="F"), None),
}


@pytest.mark.parametrize(("event", "chunk"), CHUNKS.values(), ids=CHUNKS.keys())
def test_the_chunk_of(event: BaseEvent, chunk: StreamChunk | None) -> None:
    assert stream_frame_to_chunk(frame_of(event)) == chunk


def test_a_chunk_reads_as_its_content() -> None:
    assert str(StreamChunk(content="Hi")) == "Hi"
