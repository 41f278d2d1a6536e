"""Chunks, the older way to read a stream: what a frame is to those who know only text and tool calls."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from pydantic import ConfigDict

from harness.frames.codec import decoded_text
from harness.frames.frame import StreamFrame
from harness.validation import UserModel


class StreamChunkType(Enum):
    """What a chunk is a piece of."""

    TEXT = "text"
    TOOL_CALL = "tool_call"


class ToolCallChunk(UserModel):
    """The tool call that a chunk belongs to; `arguments` is the JSON text so far."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    tool_id: str | None = None
    tool_name: str | None = None
    arguments: str = ""
    index: int = 0


class StreamChunk(UserModel):
    """One piece of text or of a tool call, with the task and agent it comes from. `str()` is its content."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    content: str
    chunk_type: StreamChunkType = StreamChunkType.TEXT
    #: From 0, in the order of the crew's tasks.
    task_index: int = 0
    task_name: str = ""
    task_id: str = ""
    agent_role: str = ""
    agent_id: str = ""
    tool_call: ToolCallChunk | None = None

    def __str__(self) -> str:
        return self.content


def stream_frame_to_chunk(frame: StreamFrame) -> StreamChunk | None:
    """Return the chunk of an llm text, thinking or tool-call frame; None for every other (clause `llm.legacy-chunk`)."""
    payload = frame.data
    chunk = payload.get("chunk")
    # An event of somebody's own may have such a type, and no text.
    if frame.type not in {"llm_stream_chunk", "llm_thinking_chunk"} or not _is_text(chunk):
        return None
    tool_call = _tool_call(payload)
    return StreamChunk(
        content=_text(chunk),
        chunk_type=StreamChunkType.TEXT if tool_call is None else StreamChunkType.TOOL_CALL,
        task_name=_text(payload.get("task_name")),
        task_id=_text(payload.get("task_id")),
        agent_role=_text(payload.get("agent_role")),
        agent_id=_text(payload.get("agent_id")),
        tool_call=tool_call,
    )


def _tool_call(payload: Mapping[str, Any]) -> ToolCallChunk | None:
    called = payload.get("tool_call")
    if payload.get("call_type") != "tool_call" or not isinstance(called, dict):
        return None
    function = called.get("function")
    if not isinstance(function, dict):
        return None
    index = called.get("index")
    return ToolCallChunk(
        tool_id=_text(called.get("id")) or None,
        tool_name=_text(function.get("name")) or None,
        arguments=_text(function.get("arguments")),
        index=index if isinstance(index, int) else 0,
    )


def _text(value: Any) -> str:
    return decoded_text(value) if _is_text(value) else ""


def _is_text(value: Any) -> bool:
    """Return whether a value is text, or what a payload has in the place of text that is no JSON."""
    return isinstance(value, str) or (isinstance(value, dict) and isinstance(value.get("$text"), str))
