"""Events of the `llm` channel: one call to a model, and the pieces in which its answer arrives."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from harness.events.base import BaseEvent
from harness.events.coercion import PLAIN, FailureText, OptionalText, OptionalTexts, OptionalUsage
from harness.events.fragments import ToolCallFragment

CallType = Literal["llm_call", "tool_call"]


class LLMCallType(StrEnum):
    """The values of `call_type`, under the names that programs know; each is equal to its text."""

    LLM_CALL = "llm_call"
    TOOL_CALL = "tool_call"


#: The name that programs know.
ToolCall = ToolCallFragment


class LLMEvent(BaseEvent):
    """Any event of one call to a model."""

    call_id: str
    model: str | None = None
    from_task: Any = None
    from_agent: Any = None


class LLMCallStartedEvent(LLMEvent):
    opens: ClassVar[str | None] = "call"
    shown_if_given: ClassVar[frozenset[str]] = frozenset({"without_end_marker"})
    type: Literal["llm_call_started"] = "llm_call_started"
    messages: str | list[dict[str, Any]] | None = None
    tools: list[dict[str, Any]] | None = None
    callbacks: list[Any] | None = None
    available_functions: dict[str, Any] | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: float | None = None
    stream: bool | None = None
    seed: int | None = None
    stop_sequences: OptionalTexts = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    n: int | None = None
    #: Given where the caller says that this host marks the end of no stream.
    without_end_marker: bool | None = None


class LLMStreamChunkEvent(LLMEvent):
    type: Literal["llm_stream_chunk"] = "llm_stream_chunk"
    chunk: str
    tool_call: ToolCallFragment | None = None
    call_type: Annotated[CallType, PLAIN] = "llm_call"
    response_id: OptionalText = None


class LLMThinkingChunkEvent(LLMEvent):
    type: Literal["llm_thinking_chunk"] = "llm_thinking_chunk"
    chunk: str
    response_id: OptionalText = None


class LLMCallCompletedEvent(LLMEvent):
    closes: ClassVar[str | None] = "call"
    type: Literal["llm_call_completed"] = "llm_call_completed"
    messages: str | list[dict[str, Any]] | None = None
    #: The text, or the tool calls, as `[{id, type, function: {name, arguments}}]`.
    response: Any = None
    #: What the model said beside its tool calls; None where it said nothing, or where `response` is the text.
    text: str | None = None
    call_type: Annotated[CallType, PLAIN] = "llm_call"
    #: Token counts under the names that all providers share, and as this provider sent them.
    usage: OptionalUsage = None
    raw_usage: OptionalUsage = None
    #: In the vocabulary that all providers share, and as this provider sent it.
    finish_reason: OptionalText = None
    raw_finish_reason: str | None = None
    response_id: OptionalText = None


class LLMCallFailedEvent(LLMEvent):
    closes: ClassVar[str | None] = "call"
    type: Literal["llm_call_failed"] = "llm_call_failed"
    error: FailureText
    error_type: str | None = None
